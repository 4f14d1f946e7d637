"""The frame around the panes: the line at the top, boxes whose tabs are in their border, the keys at the bottom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len
from textual.containers import Container
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from .text import fit_left
from .view import Status


class Tab(NamedTuple):
    """A pane's name in a box's border; `number` is its key, `alarming` whether its mark tells of trouble."""

    pane: str
    number: int
    name: str
    mark: str = ""
    alarming: bool = True


class Box(Container):
    """A border around panes, of which one shows; its title has the tabs."""

    _title = ""

    def show_tabs(self, tabs: Iterable[Tab], active: str) -> None:
        """Write the tabs into the border."""
        title = " ".join(self._tab(tab, tab.pane == active) for tab in tabs)
        if title != self._title:
            self._title = self.border_title = title

    @staticmethod
    def _tab(tab: Tab, active: bool) -> str:
        style = "b $foreground on $primary-muted" if active else "$foreground 70%"
        mark = f" [{'$text-error' if tab.alarming else '$foreground 60%'}]{tab.mark}[/]" if tab.mark else ""
        return f"[@click=app.pane('{tab.pane}')][{style}] {tab.number} {tab.name}{mark} [/][/]"


class HeaderLine(Widget):
    """Which workflow, which session, and how it stands."""

    session: reactive[str] = reactive("")
    status: reactive[Status] = reactive(Status("…", "loading", "dim"))

    def __init__(self, project: str, workflow: str, *, id: str) -> None:
        super().__init__(id=id)
        self._title = f" {project} ▸ {workflow}"

    def render(self) -> Content:
        width = self.content_size.width
        left = self._title
        middle = f"session {self.session}" if self.session else ""
        symbol, text, role = self.status
        colour = {"dim": "$foreground 60%", "error": "$text-error b", "warning": "$text-warning b"}.get(
            role, f"$text-{role} b"
        )
        room = width - cell_len(left) - 4
        right = f"{symbol} {fit_left(text, room - 2)}"
        space = width - cell_len(left) - cell_len(right) - 1
        if space < cell_len(middle) + 4:
            middle = ""
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

    keys: reactive[tuple[tuple[str, str, str], ...]] = reactive(())
    """Key, label, action; the two that are always there, help and palette, come on top."""

    def render(self) -> Content:
        always = [("^p", "palette", "command_palette"), ("?", "help", "help")]
        room = self.content_size.width - sum(len(key) + len(label) + 3 for key, label, _ in always)
        parts: list[Content] = []
        for key, label, action in self.keys:
            room -= len(key) + len(label) + 3
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
