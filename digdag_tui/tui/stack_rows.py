"""The rows of a stop inside of Python: what raised, the call stack, the variables of the frame looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Final

from msgspec import Struct
from rich.cells import cell_len

from ..debugger.python_stops import Scope, Variable
from .inside import LOCALS, Inside, Key
from .lines import Part
from .pages import Line, wrap
from .python_stand import file_and_line
from .symbols import CLOSED, HERE, OPEN, OUTER
from .text import clean, clean_lines, fit, pad, plural

LIBRARY: Key = ("library",)
"""The fold of frames that are not the user's own code."""
WHOLE_LINES = 200
"""Lines of a long value that are shown."""
ROLES: Final = {
    "str": "string",
    "bytes": "string",
    "int": "number",
    "float": "number",
    "bool": "word",
    "NoneType": "word",
}
"""The roles of values by their types."""


class StackRow(Struct):
    """A row and what it is about: a frame by its level, a variable, or what it opens."""

    left: list[Part]
    right: list[Part] = []
    role: str = ""
    level: int | None = None
    key: Key = ()
    variable: Variable | None = None
    fold: Key | None = None
    page: int = 0
    """The reference of what has another page, which this row asks for."""
    copied: str = ""


class StackRows:
    """Makes the rows, as wide as the pane is."""

    def __init__(self, inside: Inside, width: int, mask: Callable[[str], str]) -> None:
        self._inside = inside
        self._width = max(20, width)
        self._mask = mask

    def rows(self) -> Iterator[StackRow]:
        yield from self._raised()
        yield from self._stack()
        yield from self._scopes()

    def _text(self, text: str) -> str:
        return clean(self._mask(text))

    def _raised(self) -> Iterator[StackRow]:
        raised = self._inside.stop.raised
        if raised is None:
            if self._inside.stop.description:
                yield StackRow([(self._text(self._inside.stop.description), "dim")])
            return
        said = self._text(f"{raised.type}: {raised.message}" if raised.message else raised.type)
        for parts in wrap(Line([("✖ ", "error emphasis"), (said, "error emphasis")], 2), self._width):
            yield StackRow(parts, copied=raised.details or said)
        yield StackRow([("  nothing catches it: c lets the task fail, : evaluates here", "dim")])

    # The stack

    def _stack(self) -> Iterator[StackRow]:
        frames = self._inside.stop.frames
        count = (plural(len(frames), "call"), "dim") if self._inside.is_live() else ("runs: p pauses it", "accent")
        yield StackRow([("Call stack", "title")], [count])
        numbered = enumerate(frames)
        for own, group in groupby(numbered, key=lambda pair: pair[1].own or pair[0] in (0, self._inside.level)):
            levels = [level for level, _ in group]
            if own or LIBRARY in self._inside.opened:
                yield from map(self._frame, levels)
            else:
                text = f"  {CLOSED} {plural(len(levels), 'call')} in libraries"
                yield StackRow([(text, "dim")], fold=LIBRARY)

    def _frame(self, level: int) -> StackRow:
        inside = self._inside
        frame = inside.stop.frames[level]
        mark, role = (
            (HERE, "warning emphasis") if level == 0 else (OUTER, "accent") if level == inside.level else (" ", "")
        )
        if level == 0 and inside.stop.raised:
            role = "error emphasis"
        name = "emphasis" if level == inside.level else "" if frame.own else "dim"
        fold = None if frame.own or level in (0, inside.level) else LIBRARY
        place = self._text(file_and_line(frame))
        return StackRow(
            [(f"{mark} ", role), (self._text(frame.name), name)],
            [(place, "link" if level == inside.level else "dim")],
            level=level,
            fold=fold,
            copied=f"{frame.file}:{frame.line}" if frame.file else frame.name,
        )

    # Variables

    def _scopes(self) -> Iterator[StackRow]:
        inside, frame = self._inside, self._inside.frame
        if frame is None:
            return
        name = self._text(frame.name)
        scopes = inside.scopes()
        if scopes is None:
            yield StackRow([(f"{LOCALS} of {name}", "title")], [(inside.problems.get(frame.id, "…"), "dim")])
            return
        for scope in scopes:
            yield from self._scope(scope, name)

    def _scope(self, scope: Scope, function: str) -> Iterator[StackRow]:
        key = (scope.name,)
        open_ = scope.name == LOCALS or key in self._inside.opened
        title = f"{scope.name} of {function}" if scope.name == LOCALS else scope.name
        items = self._inside.items(key, scope.reference) if open_ else None
        right = "" if not open_ else "…" if items is None else f"{len(items):,}" if items else "none yet"
        if scope.name == LOCALS:
            yield StackRow([(title, "title")], [(right, "dim")])
        else:
            yield StackRow([(f"{OPEN if open_ else CLOSED} ", "dim"), (title, "title")], [(right, "dim")], fold=key)
        if open_:
            yield from self._items(key, scope.reference, 0)

    def _items(self, key: Key, reference: int, depth: int) -> Iterator[StackRow]:
        items = self._inside.items(key, reference)
        indent = "  " * depth
        if items is None:
            problem = self._inside.problems.get(("page", reference))
            if depth or problem:
                yield StackRow([(f"    {indent}{self._text(problem) if problem else '…'}", "dim")])
            return
        column = max((cell_len(clean(item.name)) for item in items), default=0)
        column = min(column, max(8, self._width // 3))
        for item in items:
            yield from self._variable((*key, item.name), item, depth, column)
        if not items and depth:
            yield StackRow([(f"    {indent}nothing inside", "dim")])
        if self._inside.has_more(reference):
            yield StackRow([(f"    {indent}… more: Enter", "accent")], key=key, page=reference)

    def _variable(self, key: Key, item: Variable, depth: int, column: int) -> Iterator[StackRow]:
        inside = self._inside
        opened = key in inside.opened
        value = self._text(item.value)
        sign = inside.sign(key, item.value)
        before = 4 + 2 * depth + column + 3
        kind = f" {clean(item.type)}" if item.type else ""
        kind = fit(kind, max(0, self._width // 4))
        is_long = cell_len(value) > self._width - before - cell_len(kind) - 1
        foldable = bool(item.reference) or is_long
        expander = (OPEN if opened else CLOSED) if foldable else " "
        returned = item.name.startswith("(return)")
        left: list[Part] = [
            (f"{sign} ", "success" if sign == "+" else "warning"),
            ("  " * depth + expander + " ", "dim"),
            (pad(clean(item.name), column), "accent" if returned else "key"),
            (" = ", "dim"),
            (value, "warning" if sign == "~" else ROLES.get(item.type, "")),
        ]
        yield StackRow(left, [(kind, "dim")], key=key, variable=item, fold=key if foldable else None)
        if opened and item.reference:
            yield from self._items(key, item.reference, depth + 1)
        elif opened and is_long:
            yield from self._whole(key, item, depth)

    def _whole(self, key: Key, item: Variable, depth: int) -> Iterator[StackRow]:
        """All of a long value, broken to the pane's width."""
        text = self._inside.whole(key, item)
        indent = "  " * depth + "    │ "
        lines = clean_lines(self._mask(text)) if text is not None else ["…"]
        for number, line in enumerate(lines):
            if number == WHOLE_LINES:
                yield StackRow([(f"{indent}{plural(len(lines) - number, 'more line')}: y copies all", "dim")])
                return
            for parts in wrap(Line([(line, ROLES.get(item.type, ""))]), self._width - cell_len(indent)):
                yield StackRow([(indent, "dim"), *parts], key=key, variable=item)
