"""The frame around the panes: the line at the top, boxes whose tabs are in their border, the keys at the bottom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias, get_args

from rich.cells import cell_len
from textual import events
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from .layout import Border, border_at
from .origins import by_values
from .text import clean, fit, fit_left
from .view import Status

FRAME = 6
"""Cells of a border that its title cannot have."""
Way: TypeAlias = Literal["loose", "tight", "short", "keys"]
WAYS: tuple[Way, ...] = get_args(Way)
"""How tabs are written, the widest first."""


class Tab(NamedTuple):
    """A pane's name in a box's border; `key` goes there, `alarming` whether its mark tells of trouble.

    `short` is the name where room is scarce and another tab is in front.
    """

    pane: str
    key: str
    name: str
    mark: str = ""
    alarming: bool = True
    short: str = ""


class Box(Container):
    """A border around panes, of which one shows; its title has the tabs. The mouse moves borders between boxes."""

    _title = ""
    _tabs: tuple[Sequence[Tab], str] = ((), "")
    _room = -1
    """Cells that the tabs had when they were written last."""
    _border: Border | None = None
    """The border that is being moved."""

    class Dragged(Message):
        """The mouse is moving a border; `x` and `y` are cells of the screen."""

        def __init__(self, border: Border, x: int, y: int) -> None:
            super().__init__()
            self.border = border
            self.x = x
            self.y = y

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if self.screen.has_class("-one") or self.content_region.contains_point(event.screen_offset):
            return
        x, y = event.screen_x - self.region.x, event.screen_y - self.region.y
        narrow, wide = self.screen.has_class("-narrow"), self.screen.has_class("-wide")
        self._border = border_at(self.id or "", x, y, *self.outer_size, narrow=narrow, wide=wide)
        if self._border:
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._border:
            self.post_message(self.Dragged(self._border, event.screen_x + 1, event.screen_y + 1))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._border:
            self._border = None
            self.release_mouse()

    def show_tabs(self, tabs: Sequence[Tab], active: str) -> None:
        """Write the tabs into the border, as wide as that is."""
        room = (self.outer_size.width or self.screen.size.width) - FRAME
        if (tabs, active) == self._tabs and room == self._room:
            return
        self._tabs, self._room = (tabs, active), room
        title = fitting_tabs(tabs, active, room).markup
        if title != self._title:
            self._title = self.border_title = title

    def on_resize(self) -> None:
        self.show_tabs(*self._tabs)


def fitting_tabs(tabs: Sequence[Tab], active: str, room: int) -> Content:
    """Names with air around them, without it, short ones, or that of the active tab only: what fits into `room`."""
    for way in WAYS:
        title = Content(" ").join(_tab(tab, tab.pane == active, way) for tab in tabs)
        if title.cell_length <= room:
            break
    return title


def _tab(tab: Tab, active: bool, way: Way) -> Content:
    style = "b $foreground on $primary-muted" if active else "$foreground 70%"
    loose, scarce = way == "loose", way in ("short", "keys")
    air = " " * loose
    name = "" if way == "keys" and not active else (tab.short if scarce and not active else "") or tab.name
    mark = "" if scarce and not tab.alarming else tab.mark
    mark = f"{' ' * (loose or mark.isdigit())}{mark}" if mark else ""
    mark_style = "$text-error" if tab.alarming else "$foreground 60%"
    key_style = "" if loose else "$text-accent"
    tab_text = Content.assemble(air, (tab.key, key_style), air if name else "", name, (mark, mark_style), air)
    return tab_text.stylize_before(style).stylize(f"@click=app.pane('{tab.pane}')")


class HeaderLine(Widget):
    """Which workflow, which session, and how it stands."""

    session: reactive[str] = reactive("")
    on_save: reactive[str] = reactive("")
    """What saving a file leads to, in a word."""
    status: reactive[Status] = reactive(Status("…", "loading", "dim"))

    def __init__(self, project: str, workflow: str, *, id: str) -> None:
        super().__init__(id=id)
        self._title = f" {project} ▸ {workflow}"

    def render(self) -> Content:
        width = self.content_size.width
        left = self._title
        middle = f"session {self.session}" if self.session else ""
        symbol, text, role = self.status
        text = clean(by_values(text))
        colour = {"dim": "$foreground 60%", "error": "$text-error b", "warning": "$text-warning b"}.get(
            role, f"$text-{role} b"
        )
        on_save = f"  ⟳ on save: {self.on_save}" if self.on_save and middle else ""
        room = width - cell_len(left) - 4
        words, plus, name = text.partition("+")
        right = f"{symbol} {fit(words, room - 2)}{fit_left(plus + name, room - 2 - cell_len(words))}"
        space = width - cell_len(left) - cell_len(right) - 1
        middle = next((text for text in (middle + on_save, middle) if cell_len(text) + 4 <= space), "")
        before = (space - cell_len(middle)) // 2
        return Content.assemble(
            (left, "b"),
            " " * before,
            (middle, "$foreground 60%"),
            " " * (space - before - cell_len(middle)),
            (right, colour),
        )


class KeyBar(Widget):
    """The keys that do something now; those that do not fit are left out, the last in the list first."""

    help_key: reactive[str] = reactive("?")
    keys: reactive[tuple[tuple[str, str, str], ...]] = reactive(())
    """Key, label, action; the two that are always there, help and palette, come on top."""

    def render(self) -> Content:
        always = [("^p", "palette", "command_palette"), (self.help_key, "help", "help")]
        room = self.content_size.width - sum(cell_len(key) + len(label) + 3 for key, label, _ in always)
        parts: list[Content] = []
        for key, label, action in self.keys:
            room -= cell_len(key) + len(label) + 3
            if room < 0:
                break
            parts.append(self._key(key, label, action))
        end = [self._key(*entry) for entry in always]
        space = self.content_size.width - sum(part.cell_length for part in (*parts, *end))
        return Content("").join([*parts, Content(" " * max(0, space)), *end])

    @staticmethod
    def _key(key: str, label: str, action: str) -> Content:
        return Content.from_markup(
            f"[@click=app.{action}] [b $text-accent]$key[/] [$foreground 80%]$label[/] [/]", key=key, label=label
        )


class Small(Widget):
    """What a terminal shows that has no room for the debugger."""

    def render(self) -> str:
        return "The terminal is too small for the debugger: make it at least 60 columns by 15 lines."
