"""The rows in which a task's params are shown; what is long or deep becomes text when it is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import msgspec
from rich.cells import cell_len, chop_cells

from ..debugger.compare import dotted
from ..params.layers import Binding, Origin
from ..workflow.config import Value
from ..workflow.text import json_text, json_type
from .differences import SIGNS, was_parts
from .lines import Part
from .origins import origin_parts
from .outline import item_height, item_lines, preview, templates
from .pages import Line, wrap
from .symbols import CLOSED, OPEN
from .text import clean, fit, pad, plural

if TYPE_CHECKING:
    from ..debugger.compare import Difference
    from ..debugger.explain import Hint
    from ..debugger.inspect import Inspection, Param
    from ..params.evaluate import Reading
    from .since import Changes

Path = tuple[str, ...]

BUILT_IN: Path = ("",)
"""The fold of the built-in params."""
WIDE = 79
"""From so many cells on there is a column for types."""
AT_FIRST, AT_MOST = 1_000, 100_000
"""How many lines of one value are shown before and after the person wants more."""
CHANGES_INSIDE = 5
"""So many changes inside of a closed value are shown."""


@dataclass(slots=True)
class Entry:
    """A row; what it is about is what its keys and clicks do.

    `fold` is what opens and closes, `reads` are the params that a text names, `origin` is who set what is shown.
    """

    left: list[Part] | Callable[[], list[Part]]
    right: list[Part] = field(default_factory=list)
    param: Param | None = None
    fold: Path | None = None
    reads: tuple[str, ...] = ()
    origin: Origin | None = None

    def parts(self) -> list[Part]:
        """The parts from the left, made when they are first asked for."""
        if callable(self.left):
            self.left = self.left()
        return self.left


@dataclass(slots=True)
class Shown:
    """What is shown of the params: what is opened, what matches `needle`, only what changed."""

    opened: set[Path] = field(default_factory=set)
    needle: str = ""
    only_changed: bool = False


def more(path: Path) -> Path:
    """The fold of the lines of a value that are not shown at first."""
    return ("…", *path)


def describe(value: Value) -> str:
    """A value's type and size: `string of 4 characters`, `number`, `array of 3 items`."""
    match value:
        case str():
            return f"string of {plural(len(value), 'character')}"
        case list():
            return f"array of {plural(len(value), 'item')}"
        case dict():
            return f"object of {plural(len(value), 'key')}"
        case _:
            return json_type(value)


class ParamRows:
    """Makes the rows for one width."""

    def __init__(
        self,
        inspection: Inspection,
        shown: Shown,
        width: int,
        mask: Callable[[str], str],
        *,
        is_group: bool = False,
        changes: Changes | None = None,
        hints: Iterable[Hint] = (),
    ) -> None:
        self._inspection = inspection
        self._shown = shown
        self._width = width
        self._mask = mask
        self._is_group = is_group
        self._changes = changes
        self._differences = changes.differences if changes else []
        self._hints = list(hints)
        self._needle = shown.needle.casefold()
        self._column = 0
        self.found = 0
        """How many params match the needle."""

    def entries(self) -> Iterator[Entry]:
        """All rows."""
        inspection, shown = self._inspection, self._shown
        if inspection.error:
            yield from self._wrapped("✖ ", inspection.error, "error", 0)
        own, params, built_in = (
            [param for param in section if self._is_wanted(param)]
            for section in (inspection.own, inspection.params, inspection.built_in)
        )
        self._column = self._name_column((*own, *params))
        if own:
            words = (
                "This group's own keys, which Digdag does not evaluate" if self._is_group else "This task's own keys"
            )
            yield Entry([(words, "title")], [("who set it", "dim")])
            for param in own:
                yield from self._param(param, 0)
        gone = [found for found in self._differences if found.kind == "removed" and len(found.path) == 1]
        gone = [found for found in gone if self._matches(found.path, found.old)]
        if params or gone or not self._needle:
            yield from self._params(params, gone)
        if built_in and not shown.only_changed:
            yield from self._built_in(built_in)
        if self._needle and not (own or params or gone or built_in):
            yield Entry([(f"  no name and no value has {clean(shown.needle)!r} in it: Esc shows all", "dim")])

    def _params(self, params: list[Param], gone: list[Difference]) -> Iterator[Entry]:
        if self._shown.only_changed and self._changes:
            title = f"Changed since the stop before {clean(self._changes.before)}"
            yield Entry([(title, "title")], [("d: all params", "dim")])
            if not (params or gone):
                yield Entry([("  nothing", "dim")])
        else:
            yield Entry([("Params", "title")], [] if self._inspection.own else [("who set it", "dim")])
            if not (params or gone):
                yield Entry([("  none: no _export, no -p, and no task before this one stored anything", "dim")])
        for param in params:
            yield from self._param(param, 0)
        for found in gone:
            yield self._removed(found, 0)

    def _built_in(self, params: list[Param]) -> Iterator[Entry]:
        is_open = BUILT_IN in self._shown.opened or bool(self._needle)
        sign = OPEN if is_open else CLOSED
        yield Entry([(f" {sign} ", "dim"), (f"Built in ({len(params)})", "title")], fold=BUILT_IN)
        if is_open:
            self._column = self._name_column(params)
            for param in params:
                yield from self._param(param, 0)

    # Which params

    def _is_wanted(self, param: Param) -> bool:
        return self._has_changed(param) and self._matches(param.path, param.value)

    def _has_changed(self, param: Param) -> bool:
        """Whether a param has changed, or that does not matter."""
        return not (self._shown.only_changed and self._changes) or bool(self._inside(param.path))

    def _matches(self, path: tuple[str | int, ...], value: Value) -> bool:
        """Whether a name on the way, the dotted path or the value has what is filtered for."""
        if not self._needle:
            return True
        if self._needle in ".".join(map(str, path)).casefold():
            return True
        if isinstance(value, dict):
            return any(self._matches((*path, key), item) for key, item in value.items())
        if isinstance(value, list):
            text = msgspec.json.encode(value).decode()
        else:
            text = value if isinstance(value, str) else json_text(value)
        return self._needle in self._mask(text).casefold()

    def _inside(self, path: tuple[str | int, ...]) -> list[Difference]:
        """The differences at a path and inside of it."""
        return [found for found in self._differences if found.path[: len(path)] == path]

    # One param

    def _name_column(self, params: Iterable[Param]) -> int:
        """How wide the names are, also of what is opened."""
        return max(8, min(self._longest(params, 0), self._width // 4))

    def _longest(self, params: Iterable[Param], depth: int) -> int:
        longest = 0
        for param in islice(params, AT_FIRST):
            longest = max(longest, 2 * depth + cell_len(clean(param.name)))
            if param.path in self._shown.opened or self._needle:
                longest = max(longest, self._longest(param.children(), depth + 1))
        return longest

    def _start(self) -> int:
        """Where values begin."""
        return 1 + 2 + self._column + 2 + (9 if self._width >= WIDE else 0)

    def _param(self, param: Param, depth: int) -> Iterator[Entry]:
        opens = self._opens(param)
        found = bool(self._needle) and isinstance(param.value, dict) and self._matches_inside(param)
        is_open = opens and (param.path in self._shown.opened or found)
        if self._needle and not found:
            self.found += 1
        inside = self._inside(param.path)
        is_object = is_open and isinstance(param.value, dict)
        name = list(self._name(param, depth, inside, opens, is_open))
        yield Entry(
            name if is_object else lambda: [*name, *self._value(param)],
            [*self._new(param, inside), *origin_parts(param.origin, self._width)],
            param,
            param.path if opens and not found else None,
            origin=param.origin,
        )
        if is_object:
            yield from self._hints_about(param, inside=False)
        else:
            yield from self._about(param, inside)
        if is_open:
            yield from self._children(param, depth) if is_object else self._contents(param, depth)

    def _matches_inside(self, param: Param) -> bool:
        """Whether what is filtered for is in something that an object holds, and not in its own name."""
        path = ".".join(param.path).casefold()
        return self._needle not in path and self._matches(param.path, param.value)

    def _name(self, param: Param, depth: int, inside: list[Difference], opens: bool, is_open: bool) -> Iterator[Part]:
        here = next((found for found in inside if found.path == param.path), None)
        sign = SIGNS[here.kind if here else "changed"]
        yield (sign.symbol, sign.role) if inside else (" ", "")
        yield "  " * depth + ((OPEN if is_open else CLOSED) if opens else " ") + " ", "dim"
        name = clean(param.name)
        yield pad(name, max(self._column - 2 * depth, min(cell_len(name), self._width // 3))) + "  ", "key"
        if self._width >= WIDE:
            yield f"{json_type(param.value):8} ", "dim"

    def _new(self, param: Param, inside: list[Difference]) -> list[Part]:
        is_new = any(found.path == param.path and found.kind == "added" for found in inside)
        return [(f" {SIGNS['added'].word}", SIGNS["added"].role)] if is_new else []

    def _about(self, param: Param, inside: list[Difference]) -> Iterator[Entry]:
        """What is wrong with a value, how it changed, what it was made from, and what it overrode."""
        indent = " " * self._start()
        for error in param.errors:
            yield from self._wrapped("⚠ ", error, "error", self._start(), param)
        if param.reading and "${" in param.reading.text and (param.reading.variables or not param.errors):
            yield self._template(param.reading, param, indent)
        yield from self._hints_about(param, inside=True)
        changed = [found for found in inside if found.path != param.path or found.kind == "changed"]
        for found in changed[:CHANGES_INSIDE]:
            yield self._changed(found, param, indent)
        if len(changed) > CHANGES_INSIDE:
            more = len(changed) - CHANGES_INSIDE
            yield Entry([(indent, ""), (f"~ {more:,} more changes inside", "warning")], param=param)
        for binding in param.overridden:
            yield self._overridden(binding, param, indent)

    def _hints_about(self, param: Param, *, inside: bool) -> Iterator[Entry]:
        """What bites, also inside of what is closed."""
        for hint in self._hints:
            if hint.path == param.path or (inside and hint.path[: len(param.path)] == param.path):
                yield from self._wrapped("⚠ ", hint.message, "warning", self._start(), param)
                yield from self._wrapped("➤ ", hint.advice, "accent", self._start(), param) if hint.advice else ()

    def _value(self, param: Param) -> list[Part]:
        parts = preview(param.value, self._width, self._mask)
        return [(text, "error" if param.errors else role) for text, role in parts]

    def _reads(self, reading: Reading | None) -> list[Part]:
        """The variables that a text read, at the right edge, as many as half of the pane has room for."""
        if not reading or not reading.variables:
            return []
        parts: list[Part] = [(" reads ", "dim")]
        room = self._width // 2 - 12
        for number, name in enumerate(reading.variables):
            text = fit(clean(name), max(8, self._width // 4))
            room -= cell_len(text) + 2
            if number and room < 0:
                parts.append((f" +{len(reading.variables) - number}", "dim"))
                break
            parts += [(", ", "dim")] * bool(number)
            parts.append((text, "link"))
        return parts

    def _template(self, reading: Reading, param: Param, indent: str) -> Entry:
        """The text that a value was evaluated from."""
        text = templates(fit(clean(self._mask(reading.text)), self._width), "dim")
        return Entry([(indent, ""), ("= ", "dim"), *text], self._reads(reading), param, reads=reading.variables)

    def _changed(self, found: Difference, param: Param, indent: str) -> Entry:
        sign = SIGNS[found.kind]
        where = clean(self._mask(dotted(found.path[len(param.path) :])))
        words = f"{sign.symbol} {where} {sign.word}" if where else f"{sign.symbol} {sign.word}"
        left: list[Part] = [(indent, ""), (words, sign.role)]
        if found.kind != "added":
            room = max(10, self._width - len(indent) - cell_len(words) - 6)
            left += [(", was ", "dim"), *was_parts(found, self._mask, room)]
        return Entry(left, param=param)

    def _removed(self, found: Difference, depth: int) -> Entry:
        sign = SIGNS["removed"]
        name = pad(clean(str(found.path[-1])), self._column - 2 * depth)
        types = [(f"{json_type(found.old):8} ", "dim")] if self._width >= WIDE else []
        return Entry(
            [(sign.symbol, sign.role), ("  " * (depth + 1), ""), (f"{name}  ", "key"), *types,
             *((text, "dim struck") for text, _ in preview(found.old, self._width, self._mask))],
            [(f" {sign.word}", sign.role)],
        )  # fmt: skip

    def _overridden(self, binding: Binding, param: Param, indent: str) -> Entry:
        merges = isinstance(binding.value, dict) and isinstance(param.value, dict)

        def left() -> list[Part]:
            text = "".join(text for text, _ in preview(binding.value, self._width, self._mask))
            word = "over" if merges else "overrides"
            return [(indent, ""), (f"╰ {word} ", "dim"), (text, "dim" if merges else "dim struck")]

        return Entry(left, origin_parts(binding.origin, self._width), param, origin=binding.origin)

    # What is inside

    def _opens(self, param: Param) -> bool:
        if isinstance(param.value, str):
            return "\n" in param.value or len(param.value) > self._width // 2
        return isinstance(param.value, dict | list) and bool(param.value)

    def _children(self, param: Param, depth: int) -> Iterator[Entry]:
        all_match = self._needle in ".".join(param.path).casefold()
        all_changed = any(found.path == param.path for found in self._differences)
        children = (
            child
            for child in param.children()
            if (all_match or self._matches(child.path, child.value)) and (all_changed or self._has_changed(child))
        )
        for child in islice(children, self._limit(param)):
            yield from self._param(child, depth + 1)
        yield from self._more(param, children, 2 * depth + 5)
        for found in self._inside(param.path):
            if found.kind == "removed" and len(found.path) == len(param.path) + 1:
                yield self._removed(found, depth + 1)

    def _contents(self, param: Param, depth: int) -> Iterator[Entry]:
        """The lines of a list or a long text."""
        indent = 2 * depth + 5
        lines = self._items(param, indent) if isinstance(param.value, list) else self._long_text(param, indent)
        yield from islice(lines, self._limit(param))
        yield from self._more(param, lines, indent)

    def _limit(self, param: Param) -> int:
        return AT_MOST if more(param.path) in self._shown.opened else AT_FIRST

    def _more(self, param: Param, rest: Iterator[object], indent: int) -> Iterator[Entry]:
        """What stands below the lines of a value that has still more."""
        if next(rest, None) is None:
            return
        wanted = more(param.path) in self._shown.opened
        words = "there is still more: y copies all of it" if wanted else "there is more: Enter shows it"
        yield Entry([(" " * indent, ""), (f"… {words}", "accent")], param=param, fold=more(param.path))

    def _items(self, param: Param, indent: int) -> Iterator[Entry]:
        readings: dict[object, list[Reading]] = {}
        for path, reading in param.readings():
            readings.setdefault(path[0], []).append(reading)
        for number, item in enumerate(param.value):
            for line in range(item_height(item)):
                yield Entry(partial(self._item_line, item, line, indent), param=param, origin=param.origin)
            for reading in readings.get(number, ()):
                yield self._template(reading, param, " " * (indent + 2))

    def _item_line(self, item: Value, line: int, indent: int) -> list[Part]:
        parts = next(islice(item_lines(item, indent), line, None))
        return [(self._mask(text), role) for text, role in parts]

    def _long_text(self, param: Param, indent: int) -> Iterator[Entry]:
        width = max(20, self._width - indent)
        for line in self._mask(param.value).split("\n"):
            for piece in _chopped(line, width):
                yield Entry(
                    partial(lambda piece: [(" " * indent, ""), *templates(clean(piece), "string")], piece),
                    param=param,
                    origin=param.origin,
                )

    # Parts

    def _wrapped(self, sign: str, text: str, role: str, indent: int, param: Param | None = None) -> Iterator[Entry]:
        """A sentence over as many rows as it takes."""
        indent = min(indent, self._width // 2)
        line = Line([(" " * indent, ""), (sign, role), (clean(self._mask(text)), role)], indent + len(sign))
        for row in wrap(line, max(20, self._width - 1)):
            yield Entry(row, param=param, origin=param.origin if param else None)


def _chopped(line: str, width: int) -> list[str]:
    """A line in pieces of at most `width` cells."""
    if 2 * len(line) <= width:
        return [line]
    if line.isascii():
        return [line[start : start + width] for start in range(0, len(line), width)]
    if len(line) <= AT_FIRST:
        return chop_cells(line, width)
    return [line[start : start + width // 2] for start in range(0, len(line), width // 2)]
