"""What the source shows of a stop inside of Python: its line, that of the call looked at, and values of variables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ..workflow.sources import shown_path
from .text import clean, fit

if TYPE_CHECKING:
    from .inside import Inside

ROOM = 40
"""Cells of a value at the end of a line."""
FAR = 1000
"""Lines further up than that are not looked at for a function's first one."""

_IGNORED = re.compile(r"""\"{3}.*|'{3}.*|(["'])(?:(?!\1)[^\\]|\\.)*\1|#.*""")
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_SAYS_NOTHING = re.compile(r"<.* at 0x[0-9a-f]+>")


class InsideMarks(NamedTuple):
    """Lines of a file, counted from 1: where it is stopped, and the call further out that is looked at; 0 for neither.

    `values` are texts at the ends of lines, `raised` is what was raised where it is stopped.
    """

    stop: int
    outer: int
    values: Mapping[int, str]
    raised: str


NO_MARKS: Final = InsideMarks(0, 0, {}, "")


def inside_marks(inside: Inside, file: str, lines: Sequence[str], project: Path) -> InsideMarks:
    """What is to be shown of a stop in a file, which is named as positions name it."""

    def is_here(path: str) -> bool:
        return bool(path) and shown_path(Path(path), project) == file

    innermost, frame = inside.stop.frames[:1], inside.frame
    stop = innermost[0].line if innermost and is_here(innermost[0].file) else 0
    if frame is None or not is_here(frame.file):
        return InsideMarks(stop, 0, {}, _raised(inside))
    values = local_values(lines, frame.line, frame.name, inside.local_values())
    return InsideMarks(stop, frame.line if inside.level else 0, values, _raised(inside))


def _raised(inside: Inside) -> str:
    raised = inside.stop.raised
    return f"{raised.type}: {raised.message}".removesuffix(": ") if raised else ""


def local_values(lines: Sequence[str], line: int, function: str, values: Mapping[str, str]) -> dict[int, str]:
    """`rows = [1, 2]  total = 5` by the lines of a function that is stopped in `line`, up to that.

    Args:
        function: its name as a stack frame has it.
        values: its variables, as they are shown.
    """
    values = {name: value for name, value in values.items() if not _SAYS_NOTHING.fullmatch(value)}
    found: dict[int, str] = {}
    for number in range(first_line(lines, line, function), min(line, len(lines)) + 1):
        names = dict.fromkeys(_NAME.findall(_IGNORED.sub('""', lines[number - 1])))
        said = "  ".join(f"{name} = {fit(clean(values[name]), ROOM)}" for name in names if name in values)
        if said:
            found[number] = said
    return found


def first_line(lines: Sequence[str], line: int, function: str) -> int:
    """The line of the `def` around a line; the line itself where there is none, as in a lambda."""
    name = function.rpartition(".")[2]
    begins = re.compile(rf"\s*(async\s+)?def\s+{re.escape(name)}\b")
    numbers = range(min(line, len(lines)), max(0, line - FAR), -1)
    return next((number for number in numbers if begins.match(lines[number - 1])), line)
