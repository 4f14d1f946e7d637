"""A task's params: each value, who set it, what that overrode, what a template became, and what has changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from rich.cells import cell_len
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message

from ..params.layers import Origin
from ..workflow.errors import Position
from ..workflow.text import json_text
from .boxes import Box
from .filter import FilterLine
from .lines import Lines, Part, Row, Subject
from .param_rows import BUILT_IN, Entry, ParamRows, Path, Shown, describe, more
from .since import Since
from .text import clean
from .view import View

if TYPE_CHECKING:
    from ..debugger.explain import Hint
    from ..debugger.inspect import Inspection, Param
    from ..debugger.launch import Loaded
    from .since import Changes

Spot: TypeAlias = tuple[Path, int]
"""A row: the param that it is about, and the how manyth of its rows it is."""


class ParamsPane(Lines):
    """The params of one task, its own keys first, the built-in ones folded at the end."""

    HELP = """\
Each row is a param: its name, its value, and at the right edge who set it.
  "0.05"  0.05     a text in quotes, a number without: inside ${...} they differ
  ▸ ▾              more inside: Enter, → and ← open and close
  ╰ overrides 0    an earlier value that lost, and who set that
  ╰ over {...}     an object that this one was merged over
  = ...  reads a   the text before it was evaluated, and the params that it read
  + ~ -            new, changed, removed since the stop before this one
  ⚠ ➤              what is wrong or surprising about a value, and what to do
Enter on a value goes to who set it, on a = row to what it read;
Backspace comes back. The line below says the type of what the cursor is on."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "end_filter", "All params", show=False)]

    class Followed(Message):
        """The person wants to see the param at a path, or who set a value; `spot` is where they were."""

        def __init__(self, target: Path | Origin, spot: Spot | None) -> None:
            super().__init__()
            self.target = target
            self.spot = spot

    def __init__(self, view: View, *, id: str) -> None:
        super().__init__(id=id)
        self._view = view
        self._since = Since(view)
        self.workflow: Callable[[], Loaded | None] = lambda: None
        """The workflow as it was loaded."""
        self._inspection: Inspection | None = None
        self._is_group = False
        self._hints: list[Hint] = []
        self._entries: list[Entry] = []
        self._shown = Shown()
        self._filter: FilterLine | None = None
        self._found = ""
        self._reading: tuple[Spot | None, int] = (None, 0)
        """The row whose variables Enter moves through, and how far it has come."""
        self._words = ""
        self._chosen = False
        """Whether the cursor is where the person put it."""
        self.changes: Changes | None = None
        """What has changed since the stop before; None if the task is not stopped at, or there was none."""

    def look_at(self, subject: Subject, *, keep: bool) -> None:
        spot, top = self.spot(), self.scroll_offset.y
        was_own = spot is not None and self._inspection is not None and self._inspection.is_own(spot[0])
        self._inspection = subject.inspection()
        self._is_group = subject.task.is_group
        self.changes = self._since.changes(subject)
        self._hints = self._hints_about(subject)
        row = self.cursor
        self._fill()
        if self._chosen and spot and self._go_to(spot):
            self.scroll_to(y=max(0, top + self.cursor - row), animate=False, force=True)
        elif not self._chosen or was_own:
            self._go_home()
        self._tell()

    def _hints_about(self, subject: Subject) -> list[Hint]:
        from ..debugger.explain import hints

        view = self._view
        return hints(view.attempt, subject.task, subject.inspection(), view.project, self.workflow())

    # The cursor

    def selected(self) -> Param | None:
        """The param at the cursor."""
        return self._entries[self.cursor].param if self.cursor < len(self._entries) else None

    def position_at_cursor(self) -> Position | None:
        param = self.selected()
        return param.origin.position if param else None

    def spot(self) -> Spot | None:
        """Where the cursor is, for `restore`."""
        param = self.selected()
        if param is None:
            return None
        return param.path, self.cursor - self._first_row(param.path)

    def restore(self, spot: Spot) -> bool:
        """Put the cursor where it was; False if the param is not there."""
        found = self.select(spot[0])
        return found and self._go_to(spot)

    def _go_home(self) -> None:
        """To the first param."""
        self._chosen = False
        self.move_to(1)
        self.scroll_to(y=0, animate=False, force=True)

    def move_by_person(self, number: int) -> None:
        self._chosen = True
        super().move_by_person(number)

    def _go_to(self, spot: Spot) -> bool:
        path, number = spot
        first = self._first_row(path)
        if first < 0:
            return False
        row = first + number
        param = self._entries[row].param if row < len(self._entries) else None
        self.move_to(row if param and param.path == path else first)
        return True

    def _first_row(self, path: Path) -> int:
        rows = (number for number, entry in enumerate(self._entries) if entry.param and entry.param.path == path)
        return next(rows, -1)

    def select(self, path: Path) -> bool:
        """Put the cursor on a param, opening what it is in and showing all if it is hidden; False if there is none."""
        inspection = self._inspection
        if inspection is None or inspection.find(path) is None:
            return False
        inside = {path[:length] for length in range(1, len(path))}
        if any(param.path[0] == path[0] for param in inspection.built_in):
            inside |= {BUILT_IN}
        if inside - self._shown.opened:
            self._shown.opened |= inside
            self._fill()
        if self._first_row(path) < 0:
            self._shown.opened |= {more(place) for place in inside}
            self._shown.only_changed = False
            self.end_filter()
            self._fill()
        row = self._first_row(path)
        if row >= 0:
            self._chosen = True
            self.move_to(row, center=True)
        self._tell()
        return row >= 0

    def watch_cursor(self, before: int, now: int) -> None:
        super().watch_cursor(before, now)
        self._tell()

    def on_resize(self) -> None:
        self._fill()
        super().on_resize()

    # Rows

    def count(self) -> int:
        return len(self._entries)

    def nothing(self) -> str:
        return self._view.why_empty()

    def row(self, number: int, width: int) -> Row:
        entry = self._entries[number]
        return Row(entry.parts(), entry.right)

    def text_of(self, number: int) -> str:
        entry = self._entries[number]
        return "".join(text for text, _ in (*entry.parts(), *entry.right)).strip()

    def copied(self) -> str:
        param = self.selected()
        return self._view.mask(json_text(param.value)) if param else super().copied()

    def _fill(self) -> None:
        if self._inspection is None:
            return
        width = self.scrollable_content_region.width
        rows = ParamRows(
            self._inspection,
            self._shown,
            width,
            self._view.mask,
            is_group=self._is_group,
            changes=self.changes,
            hints=self._hints,
        )
        self._entries = list(rows.entries())
        self._found = f"{rows.found:,} found" if self._shown.needle else ""
        if self._filter:
            self._filter.count(self._found)
        self.update()

    # Opening, following

    def action_choose(self) -> None:
        entry = self._entry()
        if entry and entry.fold:
            self._fold(None)
        elif entry and entry.reads:
            self._follow_next_read(entry)
        elif entry and entry.origin:
            self.post_message(self.Followed(entry.origin, self.spot()))

    def action_open(self) -> None:
        self._fold(True)

    def action_close(self) -> None:
        entry = self._entry()
        if entry and entry.param and entry.fold not in self._shown.opened and len(entry.param.path) > 1:
            self.move_to(max(0, self._first_row(entry.param.path[:-1])))
        else:
            self._fold(False)

    def clicked(self, number: int, x: int) -> bool:
        entry = self._entries[number]
        width = self.scrollable_content_region.width
        right = width - sum(cell_len(text) for text, _ in entry.right)
        text, _ = _part_at(entry.right, x - right) if x >= right else _part_at(entry.parts(), x)
        names = [name for name in entry.reads if clean(name) == text or _reads(text, name)]
        if names:
            self.post_message(self.Followed(tuple(names[0].split(".")), self.spot()))
        elif x >= right and text.strip() and entry.origin:
            self.post_message(self.Followed(entry.origin, self.spot()))
        elif entry.fold and (x < _expander_end(entry) or entry.param is None):
            self._fold(None)
        else:
            return False
        return True

    def _entry(self) -> Entry | None:
        return self._entries[self.cursor] if self.cursor < len(self._entries) else None

    def _follow_next_read(self, entry: Entry) -> None:
        """Go to the first variable of a text, the next time to the second."""
        spot = self.spot()
        number = self._reading[1] + 1 if self._reading[0] == spot else 0
        number %= len(entry.reads)
        self._reading = (spot, number)
        self.post_message(self.Followed(tuple(entry.reads[number].split(".")), spot))

    def _fold(self, open: bool | None) -> None:
        entry = self._entry()
        if entry is None or entry.fold is None:
            return
        if open is None:
            self._shown.opened ^= {entry.fold}
        elif open:
            self._shown.opened |= {entry.fold}
        else:
            self._shown.opened -= {entry.fold}
        self._fill()

    # What is shown: only what changed, only what matches

    @property
    def only_changed(self) -> bool:
        """Whether only what has changed since the stop before is shown."""
        return self._shown.only_changed

    def show_only_changed(self, only: bool) -> None:
        """Show only what has changed since the stop before, or all."""
        spot = self.spot()
        self._shown.only_changed = only
        self._fill()
        if spot is None or not self._go_to(spot):
            self._go_home()
        self._tell()

    def filter(self) -> None:
        """Ask for a text that names, paths or values must have in them."""
        if self._filter is None:
            self._filter = FilterLine(self, self._filtered, self._filter_ended)
            self._box().mount(self._filter, before=self)
        else:
            self._filter.take_focus()

    def end_filter(self) -> None:
        """Show all params again."""
        if self._filter:
            self._filter.action_end()

    def action_end_filter(self) -> None:
        if self._filter is None:
            raise SkipAction
        self.end_filter()

    def _filtered(self, text: str) -> str:
        spot = self.spot()
        self._shown.needle = text
        self._fill()
        if spot is None or not self._go_to(spot):
            self._go_home()
        self._tell()
        return self._found

    def _filter_ended(self) -> None:
        self._filter = None

    # The border

    def on_show(self) -> None:
        if self._filter:
            self._filter.display = True
        self._words = ""
        self._tell()

    def on_hide(self) -> None:
        if self._filter:
            self._filter.display = False
        if self._box().border_subtitle == self._words:
            self._box().border_subtitle = ""

    def _tell(self) -> None:
        """Say in the border what the value at the cursor is, and where Enter leads."""
        words = " · ".join(self._facts()).replace("[", r"\[")
        if words != self._words and self.display and self.is_mounted:
            self._words = self._box().border_subtitle = words

    def _facts(self) -> Iterator[str]:
        entry = self._entry()
        if entry and entry.param:
            yield describe(entry.param.value)
        if entry and entry.fold:
            yield "Enter closes" if entry.fold in self._shown.opened else "Enter opens"
        elif entry and entry.reads:
            yield f"Enter: {' '.join(map(clean, entry.reads[:3]))}{' …' * (len(entry.reads) > 3)}"
        elif entry and entry.origin and (entry.origin.position or entry.origin.task):
            yield "Enter: who set it"
        if self._shown.only_changed:
            yield "only what changed (d: all)"

    def _box(self) -> Box:
        assert isinstance(self.parent, Box)
        return self.parent


def _part_at(parts: Iterable[Part], x: int) -> Part:
    """The part at a cell."""
    for text, role in parts:
        x -= cell_len(text)
        if x < 0:
            return text, role
    return "", ""


def _reads(text: str, name: str) -> bool:
    """Whether a `${...}` names a param."""
    return text.startswith("${") and re.search(rf"(?<![\w$.]){re.escape(name)}(?![\w$])", text) is not None


def _expander_end(entry: Entry) -> int:
    """The cell behind the sign that opens and closes a row."""
    return sum(cell_len(text) for text, _ in entry.parts()[:2])
