"""Values as coloured lines: YAML for people, in which only texts that could be mistaken are quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ..workflow.config import Value
from ..workflow.text import json_text
from .lines import Part
from .text import clean

_PLAIN = re.compile(r"[A-Za-z_+/.$][^#:'\"\n,{}\[\]]*|\$\{[^\n]*\}")
_NOT_TEXT = re.compile(r"(?i)true|false|yes|no|on|off|null|~|[.\d].*|[+.]?(inf|nan)?|\+\d.*")
_TEMPLATE = re.compile(r"(\$\{[^}]*\})")


def role_of(value: Value) -> str:
    """The role in which a value of its type is shown."""
    match value:
        case str():
            return "string"
        case None | bool():
            return "word"
        case int() | float():
            return "number"
        case _:
            return ""


def json_parts(value: Value) -> list[Part]:
    """A value in one line of JSON."""
    return templates(clean(json_text(value)), role_of(value))


def templates(text: str, role: str) -> list[Part]:
    """A text in which `${...}` stands out."""
    return [(piece, "accent" if piece.startswith("${") else role) for piece in _TEMPLATE.split(text) if piece]


def outline(values: Mapping[str, Value], indent: int = 0) -> Iterator[list[Part]]:
    """The lines of a mapping."""
    for key, value in values.items():
        yield from _entry([(" " * indent, ""), (clean(key) + ":", "key")], value, indent)


def _entry(start: list[Part], value: Value, indent: int) -> Iterator[list[Part]]:
    match value:
        case dict() if value:
            yield start
            yield from outline(value, indent + 2)
        case list() if value:
            yield start
            for item in value:
                yield from _item(item, indent + 2)
        case str() if "\n" in value:
            yield [*start, (" |", "dim")]
            for line in value.rstrip("\n").split("\n"):
                yield [(" " * (indent + 2), ""), *templates(clean(line), "string")]
        case _:
            yield [*start, (" ", ""), *_scalar(value)]


def _item(value: Value, indent: int) -> Iterator[list[Part]]:
    if isinstance(value, dict) and value:
        first, *rest = outline(value, indent + 2)
        yield [(" " * indent + "- ", "dim"), *first[1:]]
        yield from rest
    else:
        yield from _entry([(" " * indent + "-", "dim")], value, indent)


def _scalar(value: Value) -> list[Part]:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not _NOT_TEXT.fullmatch(value):
        return templates(clean(value), "string")
    return json_parts(value)
