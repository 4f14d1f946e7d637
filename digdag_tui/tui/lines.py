"""The base of all panes: rows that are rendered when they are seen, with a cursor, finding, and mouse.

Stock widgets lay out every row beforehand; a pane of these costs what is visible, whatever the number of rows.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from .text import fit, pad

if TYPE_CHECKING:
    from ..debugger.inspect import Inspection
    from ..engine.attempt import Task
    from ..workflow.errors import Position

Part: TypeAlias = tuple[str, str]
"""A text, safe to show, and its roles: names of `Lines`' component classes, with blanks between."""


class Subject(Protocol):
    """What panes are about: a task, and its params as far as they are asked for."""

    task: Task

    def inspection(self) -> Inspection:
        """The task's params, worked out once."""
        ...


UNCOLOURED = Style(color="default", bgcolor="default")
"""What a reversed row has, so that it is of one colour."""
SEARCHED = 200
"""Rows that are searched at once."""

ROLES = (
    "dim", "success", "error", "warning", "accent", "key", "string", "number", "word", "title", "struck", "match",
    "link", "comment", "task", "operator", "stop", "failed", "cursor", "idle-cursor", "emphasis",
)  # fmt: skip


@dataclass(slots=True)
class Row:
    """One line: parts from the left, parts at the right edge, and the role of the whole line.

    The `gutter` is to the left of all that, does not scroll sideways, and nothing is found in it.
    """

    left: list[Part]
    right: list[Part] = field(default_factory=list)
    role: str = ""
    gutter: list[Part] = field(default_factory=list)


class Lines(ScrollView, can_focus=True):
    """Rows with a cursor. A pane says how many there are (`count`), and how each looks (`row`)."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"lines--{role}" for role in ROLES}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("home", "move_to(0)", "First", show=False),
        Binding("end,G", "move_to(-1)", "Last", show=False),
        Binding("right,l", "open", "Open", show=False),
        Binding("left,h", "close", "Close", show=False),
        Binding("enter,space", "choose", "Choose", show=False),
    ]

    HELP: ClassVar[str] = ""
    """What the pane shows and what its signs mean, for the page of help."""

    cursor: reactive[int] = reactive(0, repaint=False)
    needle: reactive[str] = reactive("")
    """What is looked for; its places are marked."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._hit = False
        """Whether the last click was on something: then a double click is no other."""
        self._base = Style.null()
        self._styles_of_roles: dict[str, Style] = {}

    class Moved(Message):
        """The person moved the cursor of `pane`."""

        def __init__(self, pane: Lines, row: int) -> None:
            super().__init__()
            self.pane = pane
            self.row = row

        @property
        def control(self) -> Lines:
            return self.pane

    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def row(self, number: int, width: int) -> Row:
        """How a row looks, `width` cells wide."""
        raise NotImplementedError

    def text_of(self, number: int) -> str:
        """What finding looks into."""
        row = self.row(number, 10_000)
        return "".join(text for text, _ in row.left)

    def copied(self) -> str:
        """What copying takes."""
        return self.text_of(self.cursor).strip() if self.count() else ""

    def position_at_cursor(self) -> Position | None:
        """Where the file is that the row at the cursor is about, for an editor; None for the selected task's."""
        return None

    def nothing(self) -> str:
        """What is shown when there are no rows."""
        return ""

    def look_at(self, subject: Subject, *, keep: bool) -> None:
        """Show another task or, with `keep`, the same again because something changed; only panes that are seen."""

    def tick(self) -> None:
        """Called five times a second while tasks run or wait, on panes that are seen."""

    # Contents

    def update(self) -> None:
        """Show contents that changed."""
        count = self.count()
        self._resize_contents(Size(self.content_width(), count))
        self.set_reactive(Lines.cursor, max(0, min(self.cursor, count - 1)))
        self.refresh()

    def _resize_contents(self, size: Size) -> None:
        """Say how large the contents are; the screen is arranged anew only where a pane's own size follows from that.

        Textual arranges it and paints all of it whenever `virtual_size` is set.
        """
        if self.styles.auto_dimensions:
            self.virtual_size = size
        elif size != self.virtual_size:
            self.set_reactive(Lines.virtual_size, size)
            self._scroll_update(size)

    def content_width(self) -> int:
        """How wide the rows are; 0 as wide as the pane."""
        return 0

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles_of_roles.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        scroll_x, scroll_y = self.scroll_offset
        number = scroll_y + y
        if number >= self.count():
            text = pad(" " + self.nothing(), width) if number == 0 else " " * width
            return Strip([Segment(text, self._base + self._style("dim"))], width)
        row = self.row(number, width)
        cursor = ("cursor" if self.has_focus else "idle-cursor") if number == self.cursor else ""
        base = self._base + self._style(cursor) + self._style(row.role)
        gutter = Strip([Segment(text, base + self._style(role)) for text, role in row.gutter])
        row_width = max(width, self.content_width()) - gutter.cell_length
        width -= gutter.cell_length
        strip = Strip(list(self._segments(row, row_width, base)), row_width)
        if row_width != width:
            length = sum(cell_len(text) for text, _ in row.left)
            strip = self._window(strip.crop_extend(scroll_x, scroll_x + width, base), scroll_x, length, base)
        strip = Strip.join([gutter, strip]) if row.gutter else strip
        return Strip(Segment.apply_style(strip, post_style=UNCOLOURED), strip.cell_length) if base.reverse else strip

    def _window(self, strip: Strip, scroll_x: int, length: int, base: Style) -> Strip:
        """What shows of a line that is `length` cells long, with signs where it goes on."""
        sign = base + self._style("accent")
        width = strip.cell_length
        if scroll_x and length:
            strip = Strip.join([Strip([Segment("…", sign)], 1), strip.crop(1)])
        if length > scroll_x + width:
            strip = Strip.join([strip.crop(0, width - 1), Strip([Segment("…", sign)], 1)])
        return strip

    def _segments(self, row: Row, width: int, base: Style) -> Iterator[Segment]:
        right = sum(cell_len(text) for text, _ in row.right)
        room = max(0, width - right - bool(right))
        for text, role in self._marked(row.left):
            text = fit(text, room)
            room -= cell_len(text)
            yield Segment(text, base + self._style(role))
            if room <= 0:
                break
        yield Segment(" " * (room + bool(right)), base)
        yield from (Segment(text, base + self._style(role)) for text, role in row.right)

    def _marked(self, parts: Iterable[Part]) -> Iterator[Part]:
        if not self.needle:
            yield from parts
            return
        parts = list(parts)
        whole, place = "".join(text for text, _ in parts), 0
        found = re.finditer(re.escape(self.needle), whole, re.IGNORECASE)
        edges = [edge for piece in found for edge in piece.span()]
        for text, role in parts:
            start, place = place, place + len(text)
            cuts = [start, *(edge for edge in edges if start < edge < place), place]
            for cut, end in pairwise(cuts):
                yield whole[cut:end], f"{role} match" if bisect_right(edges, cut) % 2 else role

    def _style(self, roles: str) -> Style:
        style = self._styles_of_roles.get(roles)
        if style is None:
            names = (f"lines--{role}" for role in roles.split())
            style = self.get_component_rich_style(*names, partial=True) if roles.strip() else Style.null()
            self._styles_of_roles[roles] = style
        return style

    # The cursor

    def watch_cursor(self, before: int, now: int) -> None:
        self.refresh_line(before)
        self.refresh_line(now)

    def on_focus(self) -> None:
        self.refresh_line(self.cursor)

    def on_blur(self) -> None:
        self.refresh_line(self.cursor)

    def move_to(self, number: int, *, center: bool = False) -> None:
        """Put the cursor on a row and bring that into view, without telling anyone."""
        self.cursor = max(0, min(number, self.count() - 1))
        height = self.scrollable_content_region.height
        top = self.scroll_offset.y
        if not height or top <= self.cursor < top + height:
            return
        nearest = self.cursor if self.cursor < top else self.cursor - height + 1
        target = self.cursor - height // 2 if center else nearest
        self.scroll_to(y=max(0, target), animate=False, force=True, immediate=True)

    def on_resize(self) -> None:
        self.update()
        self.move_to(self.cursor)

    def move_by_person(self, number: int) -> None:
        """Put the cursor on a row because the person wants it there."""
        if self.count():
            self.move_to(number)
            self.post_message(self.Moved(self, self.cursor))

    def action_move(self, rows: int) -> None:
        self.move_by_person(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        self.move_by_person(self.cursor + pages * max(1, self.scrollable_content_region.height - 1))

    def action_move_to(self, number: int) -> None:
        self.move_by_person(number if number >= 0 else self.count() + number)

    def action_open(self) -> None:
        self.scroll_relative(x=8, animate=False)

    def action_close(self) -> None:
        self.scroll_relative(x=-8, animate=False)

    def action_choose(self) -> None:
        """What Enter does to the row at the cursor."""

    async def _on_click(self, event: events.Click) -> None:
        position = event.get_content_offset(self)
        if position is None:
            return
        number = self.scroll_offset.y + position.y
        if number < self.count():
            self.move_by_person(number)
            if event.chain == 1:
                self._hit = self.clicked(number, self.scroll_offset.x + position.x)
            elif event.chain == 2 and not self._hit:
                self.action_choose()

    def clicked(self, number: int, x: int) -> bool:
        """A click on the row `number`, at the cell `x`; whether there is something that a click is for."""
        return False

    # Finding: a pane's places are row numbers unless it says otherwise

    def search(self, needle: str) -> Iterator[list[int]]:
        """Where `needle` is, upper and lower case being the same: some places at a time, in order."""
        wanted = needle.casefold()
        for start in range(0, self.count(), SEARCHED):
            rows = range(start, min(start + SEARCHED, self.count()))
            yield [number for number in rows if wanted in self.text_of(number).casefold()]

    def place(self) -> int:
        """The place of the cursor."""
        return self.cursor

    def order(self, place: int) -> list[int]:
        """What places are sorted by."""
        return [place]

    def go(self, place: int) -> None:
        """Put the cursor on a place."""
        self.move_by_person(place)
