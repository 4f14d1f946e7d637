"""A task's params as a person wants to see them: each value, who set it, what that overrode, what its template read."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from ..engine.attempt import Attempt, Task
from ..engine.call import own_keys
from ..engine.scopes import layers
from ..params.builtins import BuiltIns
from ..params.evaluate import Evaluator, Reading
from ..params.evaluate import Path as ValuePath
from ..params.layers import Binding, Layer, Origin, Resolution, Source, resolve
from ..workflow.config import Params, Value, merge
from ..workflow.errors import DigdagError
from ..workflow.yaml import load_text
from .compare import Difference, differences

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Param:
    """A param as a task sees it; `value` is evaluated, but for texts that cannot be."""

    path: Path
    value: Value
    bindings: tuple[Binding, ...]
    """Lowest first; the last one won."""
    reading: Reading | None
    """What became of the text, if it has a `$`."""
    errors: tuple[str, ...]
    """Why it, or what is in it, cannot be evaluated."""
    _context: _Context = field(repr=False)

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def origin(self) -> Origin:
        return self.bindings[-1].origin

    @property
    def overridden(self) -> tuple[Binding, ...]:
        """The bindings that did not win, the highest first."""
        return self.bindings[-2::-1]

    @property
    def unevaluated(self) -> Value:
        """The value with its templates as they are written."""
        return self._context.unevaluated(self.path, self.value)

    def children(self) -> tuple[Param, ...]:
        """What an object holds."""
        if not isinstance(self.value, dict):
            return ()
        return tuple(self._context.param((*self.path, key), item) for key, item in self.value.items())

    def readings(self) -> Iterator[tuple[ValuePath, Reading]]:
        """What became of the texts in a list or an object, by their paths below the param."""
        length = len(self.path)
        for path, reading in self._context.readings.items():
            if len(path) > length and path[:length] == self.path:
                yield path[length:], reading


@dataclass(frozen=True, slots=True)
class Inspection:
    """A task's own keys, the params that it sees, and Digdag's built-in ones; `error` is why they cannot be known."""

    own: tuple[Param, ...] = ()
    params: tuple[Param, ...] = ()
    built_in: tuple[Param, ...] = ()
    error: str | None = None

    def is_own(self, path: Path) -> bool:
        """Whether a param is one of the task's own keys, or a built-in one: it can be edited for the task only."""
        return any(param.path[0] == path[0] for param in (*self.own, *self.built_in))

    def find(self, path: Path) -> Param | None:
        """The param at a path."""
        level: tuple[Param, ...] = (*self.own, *self.params, *self.built_in)
        found = None
        for length in range(1, len(path) + 1):
            found = next((param for param in level if param.path == path[:length]), None)
            if found is None:
                return None
            level = found.children()
        return found


def changes(before: Inspection, now: Inspection, *, same_task: bool) -> list[Difference]:
    """What `now` sees otherwise than `before`; the tasks' own keys count if they are of the same task."""
    if before.error or now.error:
        return []
    own = {param.name for param in (*before.own, *now.own)}

    def values(inspection: Inspection) -> Params:
        params = (*inspection.own, *inspection.params) if same_task else inspection.params
        return {param.name: param.value for param in params if same_task or param.name not in own}

    return differences(values(before), values(now))


def inspect(attempt: Attempt, task: Task, evaluator: Evaluator) -> Inspection:
    """What `task` sees, as the engine evaluates it (core 6); a group's own keys are not evaluated by Digdag."""
    try:
        return _inspect(attempt, task, evaluator)
    except DigdagError as error:
        return Inspection(error=error.error_message)


def _inspect(attempt: Attempt, task: Task, evaluator: Evaluator) -> Inspection:
    start = attempt.start
    stack = layers(attempt, task)
    below = resolve(stack).values
    built_ins = BuiltIns(start.session_uuid, start.session_time, start.timezone).for_task(task.full_name, below)
    stack += [Layer(Source.BUILT_IN, built_ins), Layer(Source.LOCAL, task.config, task.full_name)]
    stack += [Layer(Source.EDIT, task.edits, task.full_name)] * bool(task.edits)
    own = own_keys(task)
    readings: dict[ValuePath, Reading] = {}
    values = evaluator.evaluate(merge(below, built_ins), {} if task.is_group else own, readings, on_error="record")
    failed = tuple((path, reading.error.error_message) for path, reading in readings.items() if reading.error)
    context = _Context(resolve(stack), readings, failed)
    found = {key: context.param((key,), value) for key, value in {**own, **values}.items()}
    return Inspection(
        tuple(found.pop(key) for key in own),
        tuple(param for key, param in found.items() if key not in built_ins),
        tuple(param for key, param in found.items() if key in built_ins),
    )


@dataclass(frozen=True, slots=True)
class _Context:
    """What the params of one task were made of."""

    resolution: Resolution
    readings: dict[ValuePath, Reading]
    failed: tuple[tuple[ValuePath, str], ...]

    def param(self, path: Path, value: Value) -> Param:
        return Param(
            path,
            value,
            tuple(self.resolution.bindings_of(path)),
            self.readings.get(path),
            tuple(message for place, message in self.failed if place[: len(path)] == path),
            self,
        )

    def unevaluated(self, path: ValuePath, value: Value) -> Value:
        if path in self.readings:
            return self.readings[path].text
        match value:
            case dict():
                return {key: self.unevaluated((*path, key), item) for key, item in value.items()}
            case list():
                return [self.unevaluated((*path, index), item) for index, item in enumerate(value)]
            case _:
                return value


def beaten_by(inspection: Inspection, path: Path, value: Value) -> str | None:
    """Who sets a param over the edit that gave it `value`; None if the edit won."""
    param = inspection.find(path)
    if param is None or param.origin.source is Source.EDIT or param.value == value:
        return None
    return str(param.origin)


def parse_value(text: str) -> Value:
    """The value of a text that a person typed: JSON, so that 0.05 is a number, or else YAML as workflow files have it.

    Raises:
        DigdagError: it is no YAML.
    """
    if not text.strip():
        raise DigdagError('nothing is typed: an empty text is ""')
    with suppress(msgspec.DecodeError):
        return msgspec.json.decode(text)
    return load_text("value:\n" + textwrap.indent(text, "  "), "value")["value"]


def frame_source(frame: Params, around: int = 2) -> Iterator[tuple[int, str]]:
    """The lines around a Python frame with their numbers; only the frame's own line if the file has changed since."""
    line, source = int(frame["line"]), str(frame.get("source") or "").strip()
    try:
        with open(frame["file"], encoding="utf-8", errors="replace") as file:
            lines = file.read().split("\n")
    except OSError:
        lines = []
    if not 0 < line <= len(lines) or (source and lines[line - 1].strip() != source):
        yield line, source
        return
    first = max(1, line - around)
    shown = lines[first - 1 : line + around]
    yield from enumerate(textwrap.dedent("\n".join(shown)).split("\n"), first)
