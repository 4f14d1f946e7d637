"""Templates: texts with `${...}` (core 6.5), split into literal parts and JavaScript expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ..workflow.config import Value
from ..workflow.errors import ConfigError, Position

_OPENING = re.compile(r"\$\{(?![a-z]+:)(?=[\s\S])")
_OLD = re.compile(r"\$\{(?![a-z]+:)(\{|[\s\S]+?)\}")
_BRACE = re.compile(r"[{}]")
_PATH = re.compile(r"\s*([A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*)\s*", re.ASCII)
_NOT_A_PARAM = frozenset(
    "break case catch class const continue debugger default delete do else enum export extends false "  # noqa: SIM905
    "finally for function if import in instanceof new null return super switch this throw true try typeof var void "
    "while with undefined __t __p __j print m all match".split()
)
"""Words of JavaScript, and names that Digdag's own template code uses."""
_SAFE_INTEGER = 2**53 - 1

KEPT_LENGTH = 10_000
"""Longer texts are worked out each time anew: keeping thousands of them would take too much memory."""
_ABSENT = object()


class TemplateError(ConfigError):
    """A template that cannot be evaluated.

    Args:
        text: the whole text, as the message quotes it.
        reason: what JavaScript said.
        missing: the name that is not defined, when that is the reason.
        hint: what to write instead, when we know.
    """

    def __init__(
        self,
        text: str,
        reason: str,
        *,
        missing: str | None = None,
        hint: str | None = None,
        position: Position | None = None,
    ) -> None:
        super().__init__(f"Failed to evaluate a variable {text} ({reason})", hint=hint, position=position)
        self.text = text
        self.reason = reason
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Expression:
    """The inside of one `${...}`; `path` when it is no more than names with dots between."""

    source: str
    path: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A text in parts: what stands between expressions has `$$` replaced already.

    `rest` is what followed the last `${` that opened something, "" when text came after it.
    """

    text: str
    parts: tuple[str | Expression, ...]
    rest: str

    @property
    def expressions(self) -> list[Expression]:
        return [part for part in self.parts if isinstance(part, Expression)]

    def without_script(self, scope: Mapping[str, Value]) -> str | None:
        """The result when it takes no JavaScript to know it: every expression is a plain path to a plain value."""
        if "Array" in scope:  # Digdag's template code uses Array and fails
            return None
        result = []
        for part in self.parts:
            if isinstance(part, str):
                result.append(part)
                continue
            text = None if part.path is None else _plain_text(part.path, scope)
            if text is None:
                return None
            result.append(text)
        return "".join(result)


def split(text: str, extended: bool = True) -> Template:
    """Split a text: `${` opens unless a lower-case word and a colon follow, and ends where braces balance.

    Args:
        extended: False for Digdag's old syntax, in which the first `}` ends an expression.
    """
    split_it = _split if extended else _split_old
    return split_it(text) if len(text) <= KEPT_LENGTH else split_it.__wrapped__(text)


@lru_cache(maxsize=4096)
def _split(text: str) -> Template:
    parts: list[str | Expression] = []
    position, rest = 0, ""
    while opening := _OPENING.search(text, position):
        start, end = opening.end(), _closing(text, opening.end())
        parts.append(_literal(text[position : opening.start()]))
        if end is None:
            position, rest = opening.start(), text[start:]
            break
        if end > start:
            parts.append(_expression(text[start:end]))
        position = end + 1
        rest = text[start:] if position == len(text) else ""
    parts.append(_literal(text[position:]))
    return Template(text, tuple(part for part in parts if part), rest)


@lru_cache(maxsize=4096)
def _split_old(text: str) -> Template:
    parts: list[str | Expression] = []
    position = 0
    for found in _OLD.finditer(text):
        parts += [_literal(text[position : found.start()]), _expression(found[1])]
        position = found.end()
    parts.append(_literal(text[position:]))
    return Template(text, tuple(part for part in parts if part), "")


def _closing(text: str, position: int) -> int | None:
    depth = 1
    for brace in _BRACE.finditer(text, position):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.start()
    return None


def _literal(text: str) -> str:
    return text.replace("$$", "$")


def _expression(source: str) -> Expression:
    found = _PATH.fullmatch(source)
    path = tuple(found[1].split(".")) if found else None
    return Expression(source, None if path and path[0] in _NOT_A_PARAM else path)


def _plain_text(path: tuple[str, ...], scope: Mapping[str, Value]) -> str | None:
    try:
        value = scope[path[0]]
        for name in path[1:]:
            value = value[name] if isinstance(value, dict) else _ABSENT
    except KeyError:
        return None
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if "JSON" in scope:  # Digdag's template code uses JSON for anything but texts
        return None
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int) and -_SAFE_INTEGER <= value <= _SAFE_INTEGER:
        return str(value)
    if isinstance(value, (dict, list)) and _is_plain(value):
        import json

        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return None


def _is_plain(value: Value) -> bool:
    """Whether Python prints `value` as JavaScript's JSON.stringify does."""
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int):
        return -_SAFE_INTEGER <= value <= _SAFE_INTEGER
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        # Keys that look like numbers come first in JavaScript.
        return all(isinstance(key, str) and not key[:1].isdigit() and _is_plain(key) for key in value) and all(
            map(_is_plain, value.values())
        )
    return False
