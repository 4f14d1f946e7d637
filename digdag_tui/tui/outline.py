"""Values as coloured lines: YAML for people, in which only texts that could be mistaken are quoted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

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


def preview(value: Value, room: int, mask: Callable[[str], str] = str) -> list[Part]:
    """The beginning of a value's JSON, masked, at least `room` characters if it has them: it costs what is shown."""
    pieces, length = [], 0
    for piece in _json(value, room, mask):
        pieces.append(piece)
        length += len(piece)
        if length > room:
            break
    return templates(clean(mask("".join(pieces))), role_of(value))


def _json(value: Value, room: int, mask: Callable[[str], str]) -> Iterator[str]:
    """Compact JSON in pieces; a text that is longer than `room` has no end."""
    match value:
        case str():
            text = mask(value)
            yield json_text(text) if len(text) <= room else json_text(text[: room + 1])[:-1]
        case dict():
            for number, (key, item) in enumerate(value.items()):
                yield ("," if number else "{") + json_text(key) + ":"
                yield from _json(item, room, mask)
            yield "}" if value else "{}"
        case list():
            for number, item in enumerate(value):
                yield "," if number else "["
                yield from _json(item, room, mask)
            yield "]" if value else "[]"
        case _:
            yield json_text(value)


def item_height(item: Value) -> int:
    """How many lines `item_lines` has."""
    match item:
        case dict() if item:
            return sum(_entry_height(value) for value in item.values())
        case _:
            return _entry_height(item)


def item_lines(item: Value, indent: int = 0) -> Iterator[list[Part]]:
    """The lines of an item of a list, with the dash before it."""
    return _item(item, indent)


def _entry_height(value: Value) -> int:
    """How many lines a value has with its key, or its dash."""
    match value:
        case dict() if value:
            return 1 + item_height(value)
        case list() if value:
            return 1 + sum(map(item_height, value))
        case str() if "\n" in value:
            return 2 + value.rstrip("\n").count("\n")
        case _:
            return 1


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
