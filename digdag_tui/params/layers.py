"""Layers of params and who set what (core 6.1).

A task's params are a stack of layers, lowest first, each deep-merged over those below. `merged` gives the values alone;
`Resolution` keeps, for every key, all its bindings, so that a person can see who set it and what that overrode.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

from msgspec import Struct

from ..workflow.config import Params, Value, merge, position_of
from ..workflow.errors import Position


class Source(Enum):
    """The places a param can come from, lowest first."""

    CONFIG_FILE = "config file"
    PARAMS_FILE = "-P"
    COMMAND_LINE = "-p"
    SESSION = "session"
    EXPORT = "_export"
    RUNTIME_EXPORT = "export"
    STORE = "store"
    EDIT = "edit"
    BUILT_IN = "built in"
    LOCAL = "task"


class Origin(Struct, frozen=True):
    """Who set a value: the source, the full name of the task that did (if one did), and the place in a file."""

    source: Source
    task: str | None = None
    position: Position | None = None

    def __str__(self) -> str:
        match self.source:
            case Source.STORE:
                text = f"stored by {self.task}"
            case Source.RUNTIME_EXPORT:
                text = f"exported by {self.task}"
            case Source.EXPORT:
                text = f"_export {self.task}"
            case Source.LOCAL:
                text = "the task's own key"
            case Source.EDIT:
                text = "edited by you"
            case _:
                text = self.source.value
        return f"{text}  {self.position.file}:{self.position.line}" if self.position else text


class Layer(Struct, frozen=True):
    """Values that one source sets at once; `resets` are dotted paths that it deletes first (core 6.2)."""

    source: Source
    values: Mapping[str, Value]
    task: str | None = None
    resets: tuple[str, ...] = ()

    def origin(self, key: str) -> Origin:
        return Origin(self.source, self.task, position_of(self.values, key))


class Binding(Struct, frozen=True):
    """One setting of a key: the value as that layer has it, unevaluated and unmerged."""

    value: Value
    origin: Origin


class Resolution(Struct):
    """A task's params with their history: `values` merged and unevaluated, `bindings` per top-level key, lowest first.

    The last binding of a key won; where objects merged, earlier bindings show through.
    """

    values: Params = {}
    bindings: dict[str, list[Binding]] = {}

    def origin(self, key: str) -> Origin:
        """Who set `key` last.

        Raises:
            KeyError: nobody did.
        """
        return self.bindings[key][-1].origin

    def bindings_of(self, path: tuple[str, ...]) -> list[Binding]:
        """The bindings that touch a nested value, lowest first, with the value at `path` of each."""
        found = []
        for binding in self.bindings.get(path[0], []):
            value: Value = binding.value
            for part in path[1:]:
                if not isinstance(value, dict) or part not in value:
                    break
                value = value[part]
            else:
                found.append(Binding(value, binding.origin))
        return found


def resolve(layers: Iterable[Layer]) -> Resolution:
    """Stack `layers` and keep every binding."""
    resolution = Resolution()
    for layer in layers:
        for path in layer.resets:
            resolution.values = reset(resolution.values, path)
            if path not in resolution.values:
                resolution.bindings.pop(path, None)
        resolution.values = merge(resolution.values, layer.values)
        for key, value in layer.values.items():
            resolution.bindings.setdefault(key, []).append(Binding(value, layer.origin(key)))
    return resolution


def merged(base: Params, layers: Iterable[Layer]) -> Params:
    """`base` with `layers` over it; neither changes."""
    for layer in layers:
        for path in layer.resets:
            base = reset(base, path)
        base = merge(base, layer.values) if layer.values else base
    return base


def reset(params: Params, path: str) -> Params:
    """`params` without the value at a dotted `path` (core 6.2)."""
    head, _, rest = path.partition(".")
    if head not in params:
        return params
    if not rest:
        return {key: value for key, value in params.items() if key != head}
    inner = params[head]
    return {**params, head: reset(inner, rest)} if isinstance(inner, dict) else params


def flatten(values: Mapping[str, Value], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Value]]:
    """Every path and value, parents before their keys."""
    for key, value in values.items():
        yield (*prefix, key), value
        if isinstance(value, dict):
            yield from flatten(value, (*prefix, key))
