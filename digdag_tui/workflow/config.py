"""JSON values as Digdag's configs hold them, and mappings that know where their keys stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from .errors import Position

Value: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, list of values or dict of text to values."""

Params: TypeAlias = dict[str, Value]


class Config(dict[str, Value]):
    """A mapping from a source file; `positions` has the place of each key (of the key, not its value).

    `position` is the place of a task's name, in a mapping that is a task's own keys.
    """

    __slots__ = ("position", "positions")

    def __init__(self, values: Mapping[str, Value] = {}, positions: Mapping[str, Position] = {}) -> None:
        super().__init__(values)
        self.positions: dict[str, Position] = dict(positions)
        self.position: Position | None = None

    def without(self, *keys: str) -> Config:
        """A shallow copy without `keys`."""
        return Config({key: value for key, value in self.items() if key not in keys}, self.positions)


def position_of(config: Mapping[str, Value], key: str) -> Position | None:
    """Where `key` stands, or None for a mapping that did not come from a file."""
    return config.positions.get(key) if isinstance(config, Config) else None


def merge(base: Params, update: Mapping[str, Value]) -> Params:
    """A deep merge of `update` over `base` (core 6.1).

    Objects merge, everything else replaces, lists and null too; an existing key keeps its place. Neither argument
    changes; what does not change is shared with the result.
    """
    merged = dict(base)
    for key, value in update.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
