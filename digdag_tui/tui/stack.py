"""The Python pane while the selected task is stopped inside of Python: its call stack, and variables to set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from textual.message import Message

from ..debugger.python_stops import Frame
from ..engine.attempt import Task
from .boxes import Box
from .inside import Inside
from .lines import Lines, Row, Subject
from .python import PythonPane
from .stack_rows import StackRow, StackRows
from .text import clean

_INSIDE_HELP = """
While the task is stopped inside of Python: its calls, the innermost first, and the variables of the one selected.
  ➤ ▹      where it is stopped, and the call further out that is looked at: Enter and a click choose one
  + ~      new, changed since the last stop in this function
  ▸ ▾      more inside, or more of a long value: Enter, → and ← open and close
e sets the variable at the cursor, y copies it, : evaluates in the call, W watches there."""


class StackPane(PythonPane):
    """Shows the signature of the selected task's function, or where the task is inside of it."""

    HELP: ClassVar[str] = PythonPane.HELP + _INSIDE_HELP

    class FrameChosen(Message):
        """The person wants to look at another frame."""

        def __init__(self, inside: Inside, level: int) -> None:
            super().__init__()
            self.inside = inside
            self.level = level

    inside_of: Callable[[Task], Inside | None] = staticmethod(lambda task: None)
    """Where a task is stopped inside of Python."""
    inside: Inside | None = None
    """The stop that is shown; None while the signature is."""
    _stack: tuple[StackRow, ...] = ()
    _said = ""
    _seeks_home = False
    """Whether the cursor goes to the first variable as soon as there is one."""

    def look_at(self, subject: Subject, *, keep: bool) -> None:
        before, self.inside = self.inside, self.inside_of(subject.task)
        if self.inside is None:
            self._stack = ()
            if before:
                self.move_to(0)
            super().look_at(subject, keep=keep and before is None)
        else:
            self.refill(home=before is None or before.task != self.inside.task)
        self._say()

    def refill(self, *, home: bool = False) -> None:
        """Show what is known by now; the cursor stays on what it is on, unless it goes `home` to the first variable."""
        if self.inside is None:
            return
        about = self._about(self.cursor)
        width = self.scrollable_content_region.width
        self._stack = tuple(StackRows(self.inside, width, self._view.mask).rows())
        self.update()
        self._seeks_home |= home
        if self._seeks_home:
            self._go_home()
        elif about:
            rows = (row for row in range(len(self._stack)) if self._about(row) == about)
            self.move_to(next(rows, self.cursor))

    def _go_home(self) -> None:
        rows = (number for number, row in enumerate(self._stack) if row.variable)
        first = next(rows, None)
        self._seeks_home = first is None
        self.scroll_to(y=0, animate=False, force=True)
        self.move_to(first or 0)

    def move_by_person(self, number: int) -> None:
        self._seeks_home = False
        super().move_by_person(number)

    def _level(self) -> int:
        return self.inside.level if self.inside else 0

    def _about(self, number: int) -> object:
        row = self._stack[number] if number < len(self._stack) else None
        if row is None:
            return None
        return row.key or row.fold or (("level", row.level - self._level()) if row.level is not None else None)

    def on_resize(self) -> None:
        self.refill()
        super().on_resize()

    # Rows

    def count(self) -> int:
        return len(self._stack) if self.inside else super().count()

    def row(self, number: int, width: int) -> Row:
        if self.inside is None:
            return super().row(number, width)
        row = self._stack[number]
        return Row(row.left, row.right, row.role)

    def text_of(self, number: int) -> str:
        return Lines.text_of(self, number) if self.inside else super().text_of(number)

    def copied(self) -> str:
        row = self.stack_row()
        if row is None:
            return super().copied()
        return row.variable.value if row.variable else row.copied or Lines.copied(self)

    def stack_row(self) -> StackRow | None:
        """The row at the cursor while the task is stopped inside of Python."""
        return self._stack[self.cursor] if self.inside and self.cursor < len(self._stack) else None

    def frame(self) -> Frame | None:
        """The frame at the cursor, else the one that is looked at."""
        row, inside = self.stack_row(), self.inside
        if inside and row and row.level is not None:
            return inside.stop.frames[row.level]
        return inside.frame if inside else None

    # Choosing, opening

    def action_choose(self) -> None:
        row = self.stack_row()
        if row is None or self.inside is None:
            super().action_choose()
        elif row.page:
            self.inside.next_page(row.key, row.page)
        elif row.level is not None:
            self.post_message(self.FrameChosen(self.inside, row.level))
        else:
            self._fold(row, None)

    def action_open(self) -> None:
        row = self.stack_row()
        self._fold(row, True) if row else super().action_open()

    def action_close(self) -> None:
        row = self.stack_row()
        if row is None:
            super().action_close()
        elif self.inside and row.variable and row.key not in self.inside.opened and len(row.key) > 2:
            rows = (number for number, each in enumerate(self._stack) if each.key == row.key[:-1])
            self.move_by_person(next(rows, self.cursor))
        else:
            self._fold(row, False)

    def _fold(self, row: StackRow, open_: bool | None) -> None:
        if self.inside is None or row.fold is None:
            return
        opened = self.inside.opened
        if open_ is None:
            open_ = row.fold not in opened
        opened.add(row.fold) if open_ else opened.discard(row.fold)
        self.refill()

    def clicked(self, number: int, x: int) -> bool:
        if self.inside is None:
            return super().clicked(number, x)
        row = self._stack[number]
        if row.level is None and not row.page and row.fold is None:
            return False
        self.action_choose()
        return True

    # The border

    def watch_cursor(self, before: int, now: int) -> None:
        super().watch_cursor(before, now)
        self._say()

    def on_show(self) -> None:
        self._said = ""
        self._say()

    def on_hide(self) -> None:
        if isinstance(self.parent, Box) and self.parent.border_subtitle == self._said:
            self.parent.border_subtitle = ""

    def _say(self) -> None:
        """Say in the border what the cursor is on."""
        words = " · ".join(self._facts()).replace("[", r"\[")
        if words != self._said and self.display and isinstance(self.parent, Box):
            self._said = self.parent.border_subtitle = words

    def _facts(self) -> Iterator[str]:
        row = self.stack_row()
        if row is None or self.inside is None:
            yield from super()._facts()
            return
        if row.variable:
            yield clean(row.variable.type or "a value")
            was = self.inside.was(row.key)
            if was is not None and was != row.variable.value:
                yield f"was {clean(self._view.mask(was))[:30]}"
            if not (row.variable.read_only or self.inside.stop.raised):
                yield "e sets it"
        if row.level is not None:
            yield "Enter looks at this call"
        elif row.fold:
            yield "Enter closes" if row.fold in self.inside.opened else "Enter opens"
