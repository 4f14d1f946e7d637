"""What a `py>` task calls, and what each parameter of it will get."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar

from ..workflow.text import json_text
from .lines import Lines, Row, Subject
from .pages import Page
from .params import ParamsPane
from .signature_rows import SignatureRow, SignatureRows, python_type
from .text import clean
from .view import View

if TYPE_CHECKING:
    from ..debugger.inspect import Param
    from ..debugger.launch import Loaded
    from ..debugger.signature import TaskSignature
    from ..workflow.errors import Position


class PythonPane(Lines):
    """The signature of the function that a `py>` task calls."""

    HELP: ClassVar[str] = """\
What the selected py> task calls, read from the file without running it: each parameter, the value that it will get,
its type in Python, and at the right edge who set it.
  ✔ =      a param of the task; the parameter's own default
  ✖        missing, or one that Digdag cannot give: the call fails
  ·        *rest, which Digdag never fills
  ▸ ▾      **keywords takes every other param: Enter, → and ← open and close
  ⚠ ➤      what bites, and what to do
  ?        what only a run tells
Enter on a value goes to who set it, on the function's name and on a default to the source; e edits, v shows readers."""

    def __init__(self, view: View, *, id: str) -> None:
        super().__init__(id=id)
        self._view = view
        self.workflow: Callable[[], Loaded | None] = lambda: None
        """The workflow as it was loaded."""
        self._signature: TaskSignature | None = None
        self._opened: set[str] = set()
        self._rows: list[SignatureRow] = []

    def look_at(self, subject: Subject, *, keep: bool) -> None:
        from ..debugger.signature import task_signature

        view = self._view
        self._signature = task_signature(
            view.attempt, subject.task, subject.inspection(), view.project, self.workflow()
        )
        spot = self._spot() if keep else None
        self._fill()
        if spot is None:
            self.set_reactive(Lines.cursor, self._first())
            self.scroll_to(y=0, animate=False, force=True)
        else:
            self.move_to(next((number for number, row in enumerate(self._rows) if _about(row) == spot), self.cursor))

    def _fill(self) -> None:
        if self._signature:
            width = self.scrollable_content_region.width
            self._rows = list(SignatureRows(self._signature, self._opened, width, self._view.mask).rows())
        self.update()

    def _first(self) -> int:
        """The row of the first parameter."""
        return next((number for number, row in enumerate(self._rows) if row.argument), 0)

    def _spot(self) -> object:
        row = self._at_cursor()
        return _about(row) if row else None

    def _at_cursor(self) -> SignatureRow | None:
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def selected(self) -> Param | None:
        """The param that the parameter at the cursor gets."""
        row = self._at_cursor()
        return row.param if row else None

    def lacking(self) -> str:
        """The name of the parameter at the cursor that no param is given to, blank for none."""
        row = self._at_cursor()
        is_named = row is not None and row.param is None and not row.fold
        return row.argument.name if row and is_named and row.argument and row.argument.kind[:8] != "variadic" else ""

    def position_at_cursor(self) -> Position | None:
        row = self._at_cursor()
        return row.position if row else None

    def on_resize(self) -> None:
        self._fill()

    # Rows

    def count(self) -> int:
        return len(self._rows)

    def nothing(self) -> str:
        return self._view.why_empty()

    def row(self, number: int, width: int) -> Row:
        row = self._rows[number]
        return Row(row.left, row.right)

    def text_of(self, number: int) -> str:
        row = self._rows[number]
        return "".join(text for text, _ in (*row.left, *row.right)).strip()

    def copied(self) -> str:
        param = self.selected()
        return self._view.mask(json_text(param.value)) if param else super().copied()

    # Following, opening

    def action_choose(self) -> None:
        row = self._at_cursor()
        if row is None:
            return
        if row.fold:
            self._unfold(row.fold not in self._opened)
        elif row.param:
            self.post_message(ParamsPane.Followed(row.param.origin, None))
        elif row.position:
            self.post_message(Page.Followed(row.position))

    def action_open(self) -> None:
        self._unfold(True)

    def action_close(self) -> None:
        self._unfold(False)

    def _unfold(self, open_: bool) -> None:
        row = self._at_cursor()
        if row and row.fold:
            self._opened = self._opened | {row.fold} if open_ else self._opened - {row.fold}
            self._fill()

    def clicked(self, number: int, x: int) -> bool:
        row = self._rows[number]
        is_place = bool(row.right) and x >= self.scrollable_content_region.width - sum(
            len(text) for text, _ in row.right
        )
        if not (row.fold or (is_place and (row.param or row.position))):
            return False
        self.action_choose()
        return True

    def _facts(self) -> Iterator[str]:
        """What the border says of the row at the cursor."""
        row = self._at_cursor()
        if row is None:
            return
        if row.argument:
            yield row.argument.kind
        if row.param:
            yield f"gets {python_type(row.param.value)}"
        if row.fold:
            yield "Enter closes" if row.fold in self._opened else "Enter lists them"
        elif row.param:
            yield "Enter: who set it"
        elif row.position:
            yield f"Enter: {clean(str(row.position.file))}:{row.position.line}"


def _about(row: SignatureRow) -> object:
    """What a row is about, to find it again."""
    return row.argument.name if row.argument else row.param.path if row.param else row.position
