"""The exceptions of a `py>` task on the Error page: frames, their source, and locals that open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from pathlib import Path

from ..debugger.failure import (
    caret,
    exception_text,
    fold_text,
    folded,
    frame_words,
    inside,
    left_out,
    message_of,
    notes_of,
    source_lines,
    value_text,
)
from ..workflow.config import Params
from ..workflow.errors import Position
from .lines import Part
from .pages import BLANK, Line, title
from .source import frame_place
from .text import clean, clean_lines, fit

NAMED = 60
"""Cells of the names of locals that are folded away."""


class FailureLines:
    """The lines of exceptions. `opened` has the folds that the person opened or closed, by their keys."""

    def __init__(self, project: Path, opened: Set[str]) -> None:
        self._project = project
        self._opened = opened

    def lines(self, exceptions: Sequence[Params], message: str) -> Iterator[Line]:
        """All of them, the task's own first, whose `message` stands above already."""
        yield BLANK
        yield title("Your Python code")
        for number, exception in enumerate(exceptions):
            pad = "  " * (1 + int(exception["depth"]))
            if number or message_of(exception).strip() not in message or exception["class"] not in message:
                sign = "↳ " if number else ""
                said = clean_lines(exception_text(exception))
                yield Line([(pad + sign, "dim"), (said[0], "emphasis")], len(pad) + 4)
                yield from (Line([(f"{pad}    {line}", "")], len(pad) + 4) for line in said[1:])
            for line in (line for note in notes_of(exception) for line in clean_lines(note)):
                yield Line([(f"{pad}note ", "dim"), (line, "")], len(pad) + 5)
            yield from self._frames(exception["frames"], f"{number}", pad)

    def _is_open(self, key: str, usually: bool = False) -> bool:
        return usually != (key in self._opened)

    def _frames(self, frames: Sequence[Params], key: str, pad: str) -> Iterator[Line]:
        own = [frame for frame in frames if "library" not in frame]
        for number, (package, found) in enumerate(folded(frames)):
            here = f"{key}.{number}"
            if not package:
                yield from self._frame(found[0], here, pad, is_last=found[0] is own[-1])
                continue
            is_open = self._is_open(here)
            text = f"{pad}{'▾' if is_open else '▸'} {fold_text(package, found)}"
            yield Line([(clean(text), "dim")], len(pad) + 2, fold=here)
            for frame in found if is_open else ():
                place = frame_place(frame, self._project)
                text = f"{pad}  {place.file}:{frame['line']}{frame_words(frame)}"
                yield Line([(clean(text), "dim")], len(pad) + 4, position=place)
                if frame.get("source"):
                    yield Line([(clean(f"{pad}      {frame['source']}"), "dim")], len(pad) + 8, position=place)

    def _frame(self, frame: Params, key: str, pad: str, *, is_last: bool) -> Iterator[Line]:
        place = frame_place(frame, self._project)
        parts = [(pad + clean(f"{place.file}:{frame['line']}"), "key"), (clean(frame_words(frame)), "dim")]
        yield Line(parts, len(pad) + 2, position=place)
        for line, text in source_lines(frame, around=is_last):
            here = line == frame["line"]
            sign = ("➤" if here else " ") + f"{line:>5} "
            gutter = (pad + sign, "error" if here else "dim")
            column = int(frame["columns"][0]) + 1 if here and "columns" in frame else 1
            position = Position(place.file, line, column)
            yield Line([gutter, (clean(text), "emphasis" if here else "dim")], len(pad) + 7, position=position)
            if here and (signs := caret(frame)):
                yield Line([(" " * (len(pad) + 7), ""), (clean(signs), "error")], len(pad) + 7, position=position)
        values = frame.get("locals", ())
        if values and is_last:
            for number, value in enumerate(values):
                yield from self._value(value, f"{key}.{number}", pad + "  ")
        elif values:
            is_open = self._is_open(key)
            names = fit(clean(", ".join(str(value["name"]) for value in values)), NAMED)
            parts = [(f"{pad}  {'▾' if is_open else '▸'} locals ", "dim"), ("" if is_open else names, "dim")]
            yield Line(parts, len(pad) + 4, fold=key)
            for number, value in enumerate(values if is_open else ()):
                yield from self._value(value, f"{key}.{number}", pad + "    ")

    def _value(self, value: Params, key: str, pad: str) -> Iterator[Line]:
        held = inside(value)
        is_open = bool(held) and self._is_open(key)
        sign = ("▾ " if is_open else "▸ ") if held else "  "
        name = f"{clean(str(value['name']))} = " if value["name"] else ""
        parts: list[Part] = [(pad + sign, "dim"), (name, "key")]
        parts.append((clean(value_text(value)), _role(value)))
        if value["type"]:
            parts.append(
                (f"  {clean(str(value['type']))}" + (f" ({value['size']:,})" if "size" in value else ""), "dim")
            )
        yield Line(parts, len(pad) + 4, fold=key if held else "")
        for number, item in enumerate(held if is_open else ()):
            yield from self._value(item, f"{key}.{number}", pad + "  ")
        if is_open and (more := left_out(value)):
            yield Line([(f"{pad}    {more}", "dim")])


def _role(value: Params) -> str:
    if "note" in value:
        return "warning"
    kind = value["type"]
    return "string" if value.get("is_text") else "number" if kind in ("int", "float") else ""
