"""The rows of a `py>` task's signature: each parameter as it is written, what it will get, and who set that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.cells import cell_len

from ..workflow.config import Value
from ..workflow.errors import Position
from ..workflow.python_arguments import Argument
from .lines import Part
from .origins import origin_parts
from .outline import preview
from .pages import Line, wrap
from .symbols import CLOSED, OPEN
from .text import clean, fit, pad, plural

if TYPE_CHECKING:
    from ..debugger.explain import Hint
    from ..debugger.inspect import Param
    from ..debugger.signature import Called, Row, TaskSignature

WIDE = 60
"""From so many cells on there is a column for types."""
_TYPES = {bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "dict", type(None): "None"}
_LOOKS = {
    "given": ("✔", "success"), "default": ("=", "accent"), "rest": ("·", "dim"), "keywords": ("✔", "success"),
    "missing": ("✖", "error"), "never": ("✖", "error"),
}  # fmt: skip
_WORDS = {"default": "its default", "missing": "missing", "never": "cannot be given", "rest": "never given"}


@dataclass(slots=True)
class SignatureRow:
    """A row: `param` is what its keys are about, `position` where Enter leads if there is none.

    `fold` is what opens and closes, `argument` the parameter that it tells of.
    """

    left: list[Part]
    right: list[Part] = field(default_factory=list)
    param: Param | None = None
    position: Position | None = None
    fold: str = ""
    argument: Argument | None = None


def python_type(value: Value) -> str:
    """The type that a value has in Python."""
    return _TYPES.get(type(value), "?")


def declared(argument: Argument) -> str:
    """A parameter as it is written."""
    stars = {"variadic positional": "*", "variadic keyword": "**"}.get(argument.kind, "")
    annotation = f": {argument.annotation}" if argument.annotation else ""
    default = f" = {argument.default}" if annotation else f"={argument.default}"
    return f"{stars}{argument.name}{annotation}{default if argument.default is not None else ''}"


class SignatureRows:
    """Makes the rows for one width.

    Args:
        opened: the folds that are open.
    """

    def __init__(self, signature: TaskSignature, opened: set[str], width: int, mask: Callable[[str], str]) -> None:
        self._signature = signature
        self._opened = opened
        self._width = max(40, width)
        self._mask = mask
        arguments = [row.slot.argument for called in signature.called for row in called.rows]
        longest = max((cell_len(clean(declared(argument))) for argument in arguments), default=0)
        self._column = max(10, min(longest, self._width // 3))
        self._start = 3 + self._column + 2

    def rows(self) -> Iterator[SignatureRow]:
        """All rows."""
        signature = self._signature
        if signature.command:
            yield SignatureRow([("py> ", "operator"), (self._clean(signature.command), "emphasis")])
        if signature.problem:
            yield from self._told(
                "✖ " if signature.command else "", signature.problem, "error" * bool(signature.command)
            )
            yield from self._told("➤ ", signature.advice, "accent") if signature.advice else ()
            return
        yield from self._hints(signature.hints, 0)
        for called in signature.called:
            yield from self._called(called)

    def _called(self, called: Called) -> Iterator[SignatureRow]:
        signature = called.signature
        place = signature.position
        yield SignatureRow([("", "")])
        where: list[Part] = [(f" {self._clean(f'{place.file}:{place.line}')}", "link")] if place else []
        title: list[Part] = [(self._clean(signature.title), "title")]
        if signature.wrapper:
            title.append((f"  as {self._clean(signature.wrapper)} makes it", "dim"))
        yield SignatureRow(title, where, position=place)
        if signature.condition:
            yield from self._told("⚠ ", signature.condition, "warning", 1, position=place)
        if signature.unknown:
            yield from self._told(
                "? ", f"what it takes is not known: {signature.unknown}", "warning", 1, position=place
            )
        elif not called.rows:
            yield SignatureRow([("   takes no arguments", "dim")], position=place)
        for row in called.rows:
            yield from self._row(row)

    def _row(self, row: Row) -> Iterator[SignatureRow]:
        slot, argument = row.slot, row.slot.argument
        fold = f"**{argument.name}" if slot.how == "keywords" else ""
        symbol, role = _LOOKS[slot.how]
        if row.hints and slot.how in ("given", "default", "keywords"):
            symbol, role = "⚠", "warning"
        name = fit(self._clean(declared(argument)), self._column)
        left: list[Part] = [(f" {symbol} ", role), (pad(name, self._column) + "  ", "key")]
        right = self._right(row)
        left += self._value(row)
        position = argument.position
        yield SignatureRow(left, right, row.param, position, fold, argument)
        if slot.error:
            error = f"{slot.error} (TypeError)" if slot.error.startswith("Method") else slot.error
            yield from self._told("╰ ", error, "error", 3, row.param, position)
        hints = [hint for hint in row.hints if hint.code != "never-given" or slot.how != "never"]
        yield from self._hints(hints, 3, row.param, position)
        if fold in self._opened:
            yield from self._taken(row)

    def _value(self, row: Row) -> Iterator[Part]:
        slot, argument = row.slot, row.slot.argument
        match slot.how:
            case "given" if row.param:
                yield from self._shown(row.param.value, "error" if row.param.errors else "")
            case "keywords":
                sign = OPEN if f"**{argument.name}" in self._opened else CLOSED
                count = plural(len(row.taken) + len(row.added), "param")
                yield f"{sign} {count}, every one that no other parameter takes", "warning" if row.hints else ""
            case "default":
                if self._width >= WIDE:
                    yield " " * 6, ""
                yield self._clean(argument.default or ""), "dim"
            case "rest":
                yield "()", "dim"
            case how:
                yield _WORDS[how], "error"

    def _shown(self, value: Value, role: str = "") -> Iterator[Part]:
        """A value, with its type if there is room for it."""
        if self._width >= WIDE:
            yield f"{python_type(value):6}", "dim"
        yield from ((text, role or own) for text, own in preview(value, self._width, self._mask))

    def _right(self, row: Row) -> list[Part]:
        how = row.slot.how
        if how == "given" and row.param:
            return origin_parts(row.param.origin, self._width)
        return [(f" {_WORDS[how]}", "dim")] if how in ("default", "rest") else []

    def _taken(self, row: Row) -> Iterator[SignatureRow]:
        """The params that `**` takes."""
        names = [*(param.name for param in row.taken), *row.added]
        column = min(max((cell_len(clean(name)) for name in names), default=0), self._width // 3)
        for param in row.taken:
            name = pad(fit(self._clean(param.name), column), column)
            left: list[Part] = [("     ", ""), (f"{name}  ", "key"), *self._shown(param.value)]
            yield SignatureRow(left, origin_parts(param.origin, self._width), param)
        for added in row.added:
            yield SignatureRow([("     ", ""), (pad(added, column), "key"), ("  Digdag adds it", "dim")])

    def _hints(
        self, hints: list[Hint] | tuple[Hint, ...], indent: int, param: Param | None = None,
        position: Position | None = None,
    ) -> Iterator[SignatureRow]:  # fmt: skip
        for hint in hints:
            if hint.code != "missing-argument":
                yield from self._told("⚠ ", hint.message, "warning", indent, param, position)
            yield from self._told("➤ ", hint.advice, "accent", indent, param, position) if hint.advice else ()

    def _told(
        self, sign: str, text: str, role: str, indent: int = 0, param: Param | None = None,
        position: Position | None = None,
    ) -> Iterator[SignatureRow]:  # fmt: skip
        """A sentence over as many rows as it takes."""
        line = Line([(" " * indent, ""), (sign, role), (self._clean(text), role)], indent + len(sign))
        for parts in wrap(line, self._width - 1):
            yield SignatureRow(parts, param=param, position=position)

    def _clean(self, text: str) -> str:
        return clean(self._mask(text))
