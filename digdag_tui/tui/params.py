"""A task's params: each value, who set it, what that overrode, and what a template became."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..params.layers import Binding, Origin, Source
from ..workflow.text import json_text
from .lines import Lines, Part, Row
from .outline import json_parts, outline, role_of, templates
from .symbols import CLOSED, OPEN
from .text import clean, fit, fit_left, pad
from .view import View

if TYPE_CHECKING:
    from ..debugger.inspect import Inspection, Param
    from ..params.evaluate import Reading

WHO = {
    Source.STORE: "stored by",
    Source.RUNTIME_EXPORT: "exported by",
    Source.EXPORT: "_export",
    Source.EDIT: "edited by you",
    Source.LOCAL: "",
}
DETAIL_ROWS = 200
"""More lines of one value are not shown."""


@dataclass(slots=True)
class Entry:
    """A row; `fold` is what Enter opens and closes, `param` what editing is about."""

    left: list[Part]
    right: list[Part] = field(default_factory=list)
    role: str = ""
    param: Param | None = None
    fold: tuple[str, ...] | None = None


class ParamsPane(Lines):
    """The params of one task, its own keys first, the built-in ones folded at the end."""

    def __init__(self, view: View, *, id: str) -> None:
        super().__init__(id=id)
        self._view = view
        self._inspection: Inspection | None = None
        self._entries: list[Entry] = []
        self._opened: set[tuple[str, ...]] = set()

    def show(self, inspection: Inspection | None) -> None:
        """Show other params; the cursor stays on the param it is on if that is still there."""
        selected = self.selected()
        self._inspection = inspection
        self._fill()
        if not selected or not self.select(selected.path):
            self.move_to(1)

    def selected(self) -> Param | None:
        """The param at the cursor."""
        return self._entries[self.cursor].param if self.cursor < len(self._entries) else None

    def select(self, path: tuple[str, ...]) -> bool:
        """Put the cursor on a param, opening what it is in; False if there is none."""
        inside = {path[:length] for length in range(1, len(path))}
        if inside - self._opened:
            self._opened |= inside
            self._fill()
        found = (number for number, entry in enumerate(self._entries) if entry.param and entry.param.path == path)
        number = next(found, None)
        if number is not None:
            self.move_to(number, center=True)
        return number is not None

    def on_resize(self) -> None:
        self._fill()
        super().on_resize()

    def count(self) -> int:
        return len(self._entries)

    def row(self, number: int, width: int) -> Row:
        entry = self._entries[number]
        return Row(entry.left, entry.right, entry.role)

    def text_of(self, number: int) -> str:
        entry = self._entries[number]
        return "".join(text for text, _ in (*entry.left, *entry.right)).strip()

    def copied(self) -> str:
        param = self.selected()
        return self._view.mask(json_text(param.value)) if param else super().copied()

    def action_choose(self) -> None:
        self._fold(None)

    def action_open(self) -> None:
        self._fold(True)

    def action_close(self) -> None:
        self._fold(False)

    def clicked(self, number: int, x: int) -> None:
        if self._entries[number].fold and (x < 3 or self._entries[number].param is None):
            self._fold(None)

    def _fold(self, open: bool | None) -> None:
        fold = self._entries[self.cursor].fold if self._entries else None
        if fold is None:
            return
        if open is None:
            self._opened ^= {fold}
        elif open:
            self._opened |= {fold}
        else:
            self._opened -= {fold}
        self._fill()

    # Rows

    def _fill(self) -> None:
        inspection = self._inspection
        self._entries = list(self._sections(inspection)) if inspection else []
        self.update()

    def _sections(self, inspection: Inspection) -> Iterator[Entry]:
        if inspection.error:
            yield Entry([("✖ ", "error"), (clean(inspection.error), "error")])
        column = self._column((*inspection.own, *inspection.params))
        for word, params in (("This task's own keys", inspection.own), ("Params", inspection.params)):
            if params:
                yield Entry([(word, "title")])
                for param in params:
                    yield from self._param(param, column, 0)
        if not inspection.params:
            yield Entry([("Params", "title")])
            yield Entry([("  none: no _export, no -p, and no task before this one stored anything", "dim")])
        fold = ("",)
        is_open = fold in self._opened
        sign = OPEN if is_open else CLOSED
        yield Entry([(f"{sign} ", "dim"), (f"Built in ({len(inspection.built_in)})", "title")], fold=fold)
        if is_open:
            column = self._column(inspection.built_in)
            for param in inspection.built_in:
                yield from self._param(param, column, 0)

    def _column(self, params: tuple[Param, ...]) -> int:
        """How wide the names are."""
        longest = max((len(param.name) for param in params), default=0)
        return max(8, min(longest, self.scrollable_content_region.width // 3))

    def _param(self, param: Param, column: int, depth: int) -> Iterator[Entry]:
        opens = self._opens(param)
        is_open = opens and param.path in self._opened
        sign = (OPEN if is_open else CLOSED) if opens else " "
        before = "  " * depth
        left: list[Part] = [(f"{before}{sign} ", "dim"), (pad(clean(param.name), column - 2 * depth) + "  ", "key")]
        if is_open and isinstance(param.value, dict):
            left.append(("", ""))
        else:
            left += self._value(param.value, "error" if param.errors else role_of(param.value))
        yield Entry(left, self._origin(param.origin), param=param, fold=param.path if opens else None)
        indent = " " * (column + 2)
        for error in param.errors if not is_open else ():
            yield Entry([(f"{indent}  ⚠ ", "error"), (clean(error), "error")], param=param)
        if param.reading and not param.errors and not is_open:
            yield self._template(param.reading, param, indent)
        if not is_open or not isinstance(param.value, dict):
            for binding in param.overridden:
                yield self._overridden(binding, param, indent)
        if is_open:
            yield from self._inside(param, column, depth)

    def _template(self, reading: Reading, param: Param, indent: str) -> Entry:
        """The text that a value was evaluated from."""
        text = templates(fit(self._view.mask(clean(reading.text)), 200), "dim")
        reads = f"   reads {', '.join(reading.variables)}" if reading.variables else ""
        return Entry([(f"{indent}  = ", "dim"), *text, (clean(reads), "dim")], param=param)

    def _inside(self, param: Param, column: int, depth: int) -> Iterator[Entry]:
        children = param.children()
        if children:
            for child in children:
                yield from self._param(child, column, depth + 1)
            return
        value = param.value
        lines = list(outline({"": value}))[1:] if isinstance(value, list) else self._long_text(str(value))
        for parts in lines[:DETAIL_ROWS]:
            yield Entry(
                [("  " * depth + "    ", ""), *((self._view.mask(text), role) for text, role in parts)], param=param
            )
        if len(lines) > DETAIL_ROWS:
            yield Entry([("  " * depth + f"    … {len(lines) - DETAIL_ROWS} more lines", "dim")], param=param)

    def _long_text(self, text: str) -> list[list[Part]]:
        width = max(20, self.scrollable_content_region.width - 8)
        lines = [
            line[start : start + width] for line in text.split("\n") for start in range(0, max(1, len(line)), width)
        ]
        return [templates(clean(line), "string") for line in lines]

    def _opens(self, param: Param) -> bool:
        if isinstance(param.value, str):
            return "\n" in param.value or len(param.value) > self.scrollable_content_region.width // 2
        return isinstance(param.value, dict | list) and bool(param.value)

    def _value(self, value: object, role: str) -> list[Part]:
        if isinstance(value, dict | list):
            return [(self._view.mask(text), part_role) for text, part_role in json_parts(value)]
        return [(self._view.mask(clean(json_text(value))), role)]

    def _overridden(self, binding: Binding, param: Param, indent: str) -> Entry:
        merges = isinstance(binding.value, dict) and isinstance(param.value, dict)
        text = self._view.mask(clean(json_text(binding.value)))
        sign = "  + " if merges else "  ╰ "
        return Entry(
            [(indent + sign, "dim"), (text, "dim" if merges else "dim struck")],
            self._origin(binding.origin),
            param=param,
        )

    def _origin(self, origin: Origin) -> list[Part]:
        """Who set it, at the right edge, at most half of the pane."""
        room = max(12, self.scrollable_content_region.width // 2)
        who = WHO.get(origin.source, origin.source.value)
        task = clean(origin.task or "") if who and origin.source is not Source.EDIT else ""
        file, line = (clean(origin.position.file), f":{origin.position.line}") if origin.position else ("", "")
        if len(who) + len(task) + len(file) + len(line) + 5 > room:
            file = file.rpartition("/")[2]
        place = f"  {fit_left(file, room // 2)}{line}" if file else ""
        task = f" {fit_left(task, max(8, room - len(who) - len(place) - 2))}" if task else ""
        role = "accent emphasis" if origin.source is Source.EDIT else "dim"
        return [(f" {who}{task}", role), (place, "dim")]
