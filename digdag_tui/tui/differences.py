"""Differences between params, as lines for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from ..debugger.compare import Difference, Kind
from ..workflow.config import Value
from ..workflow.text import json_type
from .lines import Part
from .outline import preview, role_of
from .text import clean, fit, pad, plural

SAME_START = 20
"""Of two long texts so many of the first characters that they share are shown."""


class Sign(NamedTuple):
    """How a kind of difference looks; `role` is a component class of `Lines`."""

    symbol: str
    word: str
    role: str


SIGNS: dict[Kind, Sign] = {
    "added": Sign("+", "new", "success"),
    "changed": Sign("~", "changed", "warning"),
    "removed": Sign("-", "removed", "error"),
}


def difference_lines(differences: Sequence[Difference], mask: Callable[[str], str], width: int) -> Iterator[list[Part]]:
    """A line for each difference, about `width` cells wide: sign, path, word, the old value and the new one."""
    longest = max((cell_len(clean(difference.name)) for difference in differences), default=0)
    column = max(4, min(longest, width // 3))
    room = max(10, (width - column - 16) // 2)
    for difference in differences:
        symbol, word, role = SIGNS[difference.kind]
        name = pad(mask(clean(difference.name)), column)
        yield [(f"{symbol} ", role), (f"{name}  ", "key"), (f"{word:8} ", role), *_values(difference, mask, room)]


def was_parts(difference: Difference, mask: Callable[[str], str], room: int) -> list[Part]:
    """The old value of what has changed, in about `room` cells, and its type if that was another."""
    old, new = difference.old, difference.new
    if isinstance(old, list) and isinstance(new, list):
        return [(f"{plural(len(old), 'item')} ", "dim"), *_short(old, 0, mask, room)]
    words = "" if json_type(old) == json_type(new) else f" ({json_type(old)})"
    return [*_short(old, _shared(old, new), mask, room), (words, "dim")]


def _values(difference: Difference, mask: Callable[[str], str], room: int) -> Iterator[Part]:
    old, new = difference.old, difference.new
    if difference.kind == "added":
        yield from _short(new, 0, mask, 2 * room)
        return
    if difference.kind == "removed":
        yield from _short(old, 0, mask, 2 * room)
        return
    if isinstance(old, list) and isinstance(new, list):
        yield f"{plural(len(old), 'item')} → {plural(len(new), 'item')}  ", ""
        yield from _short(new, 0, mask, room)
        return
    shared = _shared(old, new)
    yield from _short(old, shared, mask, room)
    yield " → ", "dim"
    yield from _short(new, shared, mask, room)
    if json_type(old) != json_type(new):
        yield f"  {json_type(old)} → {json_type(new)}", "warning"


def _short(value: Value, shared: int, mask: Callable[[str], str], room: int) -> list[Part]:
    """The beginning of a value; of a text what stands behind the first `shared` characters."""
    if isinstance(value, str) and shared:
        rest = "".join(text for text, _ in preview(mask(value)[shared:], room, mask))
        return [("…", "dim"), (fit(rest, room - 1), role_of(value))]
    text = "".join(text for text, _ in preview(value, room, mask))
    return [(fit(text, room), role_of(value))]


def _shared(old: Value, new: Value) -> int:
    """How many characters to leave out of two texts that begin alike."""
    if not (isinstance(old, str) and isinstance(new, str)):
        return 0
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return max(0, low - SAME_START)
