"""Values as YAML that Digdag's rules read as the same values again (core 1), alone and in a file that there is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .config import Config, Params, Value
from .errors import DigdagError
from .pins import says_something
from .scalars import resolve
from .text import json_text
from .yaml import load_text

_PLAIN = re.compile(r"[A-Za-z_+^/][\w+^/.=%&@-]*", re.ASCII)


def with_entry(text: str, file: str, key: str, value: Params) -> str:
    """The text of a file with another entry at `key`; all else stays as it is.

    Raises:
        DigdagError: that cannot be done by lines, or the text is no mapping.
    """
    old = load_text(text, file) if says_something(text) else Config()
    lines = text.splitlines(keepends=True)
    starts = sorted(position.line for position in old.positions.values())
    start = end = len(lines)
    if key in old:
        start = old.positions[key].line - 1
        end = next((line - 1 for line in starts if line - 1 > start), len(lines))
        while end > start + 1 and not says_something(lines[end - 1]):
            end -= 1
    head, entry = "".join(lines[:start]), block_text({key: value})
    new = head + ("\n" if head and not head.endswith("\n") else "") + entry + "".join(lines[end:])
    try:
        written = load_text(new, file)
    except DigdagError:
        written = Config()
    if written != {**old, key: value}:
        raise DigdagError(
            f"{key} cannot be added to {file} without changing what is in it",
            hint=f"write each key on lines of its own there, or add it by hand: {flow_text({key: value})[1:-1]}",
        )
    return new


def block_text(values: Params, indent: int = 0) -> str:
    """YAML that Digdag's rules read as `values` again (core 1)."""
    return "".join(f"{line}\n" for line in _lines(values, indent))


def flow_text(value: Value) -> str:
    """The same in one line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{_scalar(key)}: {flow_text(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return f"[{', '.join(map(flow_text, value))}]"
        case _:
            return _scalar(value)


def _lines(values: Params, indent: int) -> Iterator[str]:
    for key, value in values.items():
        start = f"{' ' * indent}{_scalar(key)}:"
        if isinstance(value, dict) and value:
            yield start
            yield from _lines(value, indent + 2)
        elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            yield start
            yield from (f"{' ' * indent}- {flow_text(item)}" for item in value)
        else:
            yield f"{start} {flow_text(value)}"


def _scalar(value: Value) -> str:
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and resolve(value) == value
        return value if plain else json_text(value) if value.isprintable() else _escaped(value)
    text = json_text(value)
    return re.sub(r"^(-?)0\.", r"\1.", text) if isinstance(value, float) else text


def _escaped(text: str) -> str:
    from json import dumps

    return dumps(text)
