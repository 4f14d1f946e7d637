"""Params that a run is given: `params.*` of the configuration, `-P FILE`, `-p KEY=VALUE` (cli 1.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..workflow.config import Config, Params, Value, merge, position_of
from ..workflow.errors import ConfigError, DigdagError, Position
from ..workflow.include import load_file
from ..workflow.keys import hash_order
from ..workflow.text import json_text
from .layers import Layer, Source

_PREFIX = "params."


def override_layers(properties: Config, params_file: Path | None, assignments: Iterable[str]) -> list[Layer]:
    """The layers of params that a run is given, lowest first; none is empty.

    Args:
        properties: Digdag's configuration (`properties.load_properties`).
        params_file: YAML or JSON, with `!include`.
        assignments: the values of all `-p`.

    Raises:
        DigdagError: `params_file` cannot be read or is no mapping, or an assignment is none.
        ConfigError: a dotted key leads through a value that is no object.
    """
    layers: list[Layer] = []
    below: Params = {}

    def add(source: Source, values: Config) -> None:
        nonlocal below
        if values:
            layers.append(Layer(source, values))
            below = merge(below, values)

    configured = {key.removeprefix(_PREFIX): key for key in properties if key.startswith(_PREFIX)}
    positions = {key: properties.positions[name] for key, name in configured.items() if name in properties.positions}
    add(Source.CONFIG_FILE, _nest({key: properties[name] for key, name in configured.items()}, positions, below))
    if params_file is not None:
        add(Source.PARAMS_FILE, load_file(params_file))
    add(Source.COMMAND_LINE, _nest(parse_assignments(assignments), {}, below))
    return layers


def parse_assignments(assignments: Iterable[str]) -> dict[str, str]:
    """The keys and values of all `-p`, in Digdag's order, that of a Java hash table.

    Each splits at commas into assignments; a part without `=` belongs to the value before it, comma included.

    Raises:
        DigdagError: one has no `=`.
    """
    values: dict[str, str] = {}
    key: str | None = None
    for assignment in map(_trimmed, assignments):
        for part in assignment.rstrip(",").split(","):
            name, equals, value = part.partition("=")
            if equals:
                key = name
                values[key] = value
            elif key is not None and "=" in assignment:
                values[key] += f",{part}"
            else:
                raise DigdagError(
                    f"Parameter -p expected a value of the form a=b but got:{assignment}", hint="such as -p region=east"
                )
    return {key: values[key] for key in hash_order(values)}


def _trimmed(text: str) -> str:
    """An argument as Digdag's option parser takes it: without blanks and double quotes around it."""
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _nest(values: Mapping[str, str], positions: Mapping[str, Position], below: Params) -> Config:
    """Objects for dotted keys; `below` is what they will be merged over."""
    nested = Config()
    for key, value in values.items():
        _set(nested, below, key, value, positions.get(key))
    return nested


def _set(target: Config, below: Params, key: str, value: str, position: Position | None) -> None:
    names = _java_split(key)
    if not names:
        raise ConfigError(f"Parameter '{key}' has no name", position=position, hint="a key is such as a or a.b")
    under: Value = below
    for depth, name in enumerate(names[:-1], 1):
        under = under.get(name) if isinstance(under, dict) else None
        inner = target.get(name, under)
        if not isinstance(inner, dict | None):
            raise ConfigError(
                f"Parameter '{key}' is set but '{'.'.join(names[:depth])}' is not a object ({json_text(inner)})",
                position=position or position_of(target, name),
            )
        if not isinstance(target.get(name), Config):
            target[name] = Config()
        _place(target, name, position)
        target = target[name]
    target[names[-1]] = value
    _place(target, names[-1], position)


def _place(config: Config, name: str, position: Position | None) -> None:
    if position:
        config.positions.setdefault(name, position)


def _java_split(key: str) -> list[str]:
    """`key` split at dots as Java does: empty names at the end do not count."""
    names = key.split(".")
    while len(names) > 1 and not names[-1]:
        names.pop()
    return names if names != [""] or not key else []
