"""Texts with templates, and which variables they read, found without evaluating them (core 6.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from ..workflow.config import Config, Value
from ..workflow.errors import Position
from .evaluate import Evaluator
from .javascript.code import compile_template
from .javascript.syntax import ScriptError
from .template import TemplateError, split

Place: TypeAlias = Literal["own", "export", "file"]

LEFT_ALONE: Final = frozenset(("_do", "_else_do", "_check", "_error", "_export"))
"""Keys of a task that are not evaluated with it, or not as its own."""
_GUARDS = re.compile(r"\b(?:typeof|this|try|function)\b")
_ASSIGNED = re.compile(r"([A-Za-z_$][\w$]*)\s*(?:[-+*/%&|^]|<<|>>>?)?=(?!=)")
_CHOICE = re.compile(r"\?|&&|\|\|")


class Text(Struct, frozen=True):
    """A text with a `$` that a task evaluates, at `path` of its own keys or its `_export`, or a file that it names.

    `beside` are the names that it sees though they are no params; a `nested` one sees params before they are evaluated.
    """

    text: str
    path: tuple[str, ...]
    position: Position | None
    place: Place
    beside: frozenset[str] = frozenset()
    nested: bool = False


class Read(Struct, frozen=True):
    """A variable that a template names; `plain` is a `${...}` of nothing else, `sure` one that is surely looked at.

    A `guarded` one stands beside a `typeof`, `this` or the like, which bear names that are not there.
    """

    path: tuple[str, ...]
    source: str
    plain: bool
    sure: bool

    @property
    def guarded(self) -> bool:
        return not self.plain and _GUARDS.search(self.source) is not None


def texts_in(
    value: Value, path: tuple[str, ...], position: Position | None, place: Place, beside: frozenset[str], nested: bool
) -> Iterator[Text]:
    """The texts with a `$` in a value.

    Args:
        path: where the value stands.
        beside: names that its texts see though they are no params.
    """
    match value:
        case str() if "$" in value:
            yield Text(value, path, position, place, beside, nested)
        case dict():
            places = value.positions if isinstance(value, Config) else {}
            inner: set[str] = set()
            for key, item in value.items():
                if key not in LEFT_ALONE:
                    yield from texts_in(item, (*path, key), places.get(key, position), place, frozenset(inner), True)
                inner.add(key)
        case list():
            for item in value:
                yield from texts_in(item, path, position, place, beside, nested)
        case _:
            pass


@lru_cache(maxsize=4096)
def reads_of(text: str) -> tuple[Read, ...]:
    """The variables that a text's templates name; nothing where one is no ECMAScript 5."""
    found: list[Read] = []
    assigned: set[str] = set()
    for expression in split(text).expressions:
        if expression.path:
            found.append(Read(expression.path, expression.source, True, True))
            continue
        try:
            script = compile_template(split("${" + expression.source + "}")).script
        except ScriptError:
            return ()
        if script.changes:
            assigned.update(_ASSIGNED.findall(expression.source))
        sure = not (_CHOICE.search(expression.source) or _GUARDS.search(expression.source))
        found += [Read(path, expression.source, False, sure) for path in script.reads if path]
    return tuple(read for read in found if read.path[0] not in assigned)


def syntax_error(text: str) -> TemplateError | None:
    """What is wrong with a text's templates, if they are no ECMAScript 5."""
    try:
        compile_template(split(text))
    except ScriptError:
        try:
            Evaluator().text(text, {})
        except TemplateError as error:
            return error
    return None


@cache
def is_global(name: str) -> bool:
    """Whether JavaScript or moment itself has something of that name."""
    try:
        return name == "undefined" or Evaluator().text("${typeof " + name + "}", {}) != "undefined"
    except TemplateError:
        return True


def uses_time(text: str) -> bool:
    """Whether a text asks for a time, and so for the time zone."""
    try:
        return compile_template(split(text)).needs_moment
    except ScriptError:
        return False


def dotted(path: Iterable[str]) -> str:
    """A path as a person writes it."""
    return ".".join(path)
