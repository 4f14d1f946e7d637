"""Where each of a task's params comes from: from the files alone, or as it was in an attempt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from ..params.builtins import BuiltIns
from ..params.evaluate import Evaluator, Reading
from ..params.evaluate import Path as ValuePath
from ..params.flow import Flow
from ..params.layers import Binding, Layer, Origin, Resolution, Source, resolve
from ..params.reads import is_global, reads_of
from ..workflow.config import Params, Value, merge
from ..workflow.expansion import OPEN, Node
from ..workflow.text import json_text, json_type
from .inspect import Inspection, Param

_OPEN_MARK: Final = "\ue000"


class Variable(Struct, frozen=True):
    """A variable that a template reads, and who set it."""

    name: str
    origin: Origin | None


class Explained(Struct, frozen=True):
    """A param: its value, of which parts may be `OPEN`, who set it, what that overrode, what its template read."""

    path: tuple[str, ...]
    value: Value
    section: str
    origin: Origin
    overrode: tuple[Binding, ...] = ()
    template: str | None = None
    reads: tuple[Variable, ...] = ()
    errors: tuple[str, ...] = ()
    children: tuple[Explained, ...] = ()

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def find(self, path: tuple[str, ...]) -> Explained | None:
        """What is at `path` in it."""
        if path == self.path:
            return self
        inner = (child for child in self.children if path[: len(child.path)] == child.path)
        return next((found for child in inner if (found := child.find(path))), None)

    def fails(self) -> bool:
        """Whether it, or something in it, cannot be evaluated."""
        return bool(self.errors) or any(child.fails() for child in self.children)


def from_inspection(inspection: Inspection) -> list[Explained]:
    """The params of a task as an attempt has them."""
    sections = (("own", inspection.own), ("params", inspection.params), ("built in", inspection.built_in))
    return [_of_param(param, section, inspection) for section, params in sections for param in params]


def _of_param(param: Param, section: str, inspection: Inspection) -> Explained:
    reading = param.reading
    found = [(name, inspection.find(tuple(name.split(".")))) for name in (reading.variables if reading else ())]
    return Explained(
        param.path,
        param.value,
        section,
        param.origin,
        param.overridden,
        reading.text if reading else None,
        tuple(Variable(name, variable.origin if variable and variable.bindings else None) for name, variable in found),
        (reading.error.error_message,) if reading and reading.error else (),
        tuple(_of_param(child, section, inspection) for child in param.children()),
    )


def from_files(flow: Flow, node: Node, evaluator: Evaluator, session_time: str) -> list[Explained]:
    """The params of a task as far as the files and what is given tell them; the rest is `OPEN`."""
    return list(_Static(flow, node, evaluator, session_time).params())


class _Static:
    """The params of one task that has not run."""

    def __init__(self, flow: Flow, node: Node, evaluator: Evaluator, session_time: str) -> None:
        self.flow = flow
        self.node = node
        layers = flow.layers(node)
        below = resolve(layers).values
        self.built_ins = BuiltIns("", session_time, flow.timezone).for_task(node.full_name, _known(below))
        self.built_ins["session_uuid"] = OPEN
        if "*" in node.full_name:
            self.built_ins["task_name"] = OPEN
        self.own = node.own
        layers += [Layer(Source.BUILT_IN, self.built_ins), Layer(Source.LOCAL, self.own, node.full_name)]
        self.resolution: Resolution = resolve(layers)
        self.readings: dict[ValuePath, Reading] = {}
        self.evaluated = evaluator.evaluate(
            _known(merge(below, self.built_ins)),
            {} if node.operator is None else _known(self.own),
            self.readings,
            on_error="record",
        )

    def params(self) -> Iterator[Explained]:
        own = [*self.own]
        others = [key for key in self.resolution.values if key not in self.own and key not in ("_check", "_error")]
        for section, keys in (
            ("own", own),
            ("params", [key for key in others if key not in self.built_ins]),
            ("built in", [key for key in others if key in self.built_ins]),
        ):
            for key in keys:
                yield self.param((key,), self.resolution.values[key], self.evaluated.get(key), section, (key,))

    def param(self, path: tuple[str, ...], raw: Value, value: Value, section: str, place: ValuePath) -> Explained:
        bindings = self.resolution.bindings_of(path)
        children: list[Explained] = []
        template: str | None = None
        reads: tuple[Variable, ...] = ()
        errors: tuple[str, ...] = ()
        if isinstance(raw, dict):
            inner = value if isinstance(value, dict) else {}
            children = [
                self.param((*path, key), item, inner.get(key), section, (*place, key)) for key, item in raw.items()
            ]
            value = {child.path[-1]: child.value for child in children}
        elif isinstance(raw, str) and place in self.readings:
            reading = self.readings[place]
            template = raw
            reads = tuple(dict.fromkeys(filter(None, (self._variable(read.path) for read in reads_of(raw)))))
            if self._is_open(raw, frozenset()):
                value = OPEN
            elif reading.error:
                errors = (reading.error.error_message,)
        elif raw is OPEN:
            value = OPEN
        elif isinstance(raw, list):
            texts = [reading.text for where, reading in self.readings.items() if where[: len(place)] == place]
            value = OPEN if any(self._is_open(text, frozenset()) for text in texts) else value
        return Explained(
            path, raw if value is None else value, section, bindings[-1].origin, tuple(bindings[-2::-1]),
            template, reads, errors, tuple(children),
        )  # fmt: skip

    def _variable(self, path: tuple[str, ...]) -> Variable | None:
        """As much of a path as somebody sets; nothing of JavaScript's own."""
        for length in range(len(path), 0, -1):
            bindings = self.resolution.bindings_of(path[:length])
            if bindings:
                return Variable(".".join(path[:length]), bindings[-1].origin)
        return None if is_global(path[0]) else Variable(path[0], None)

    def _is_open(self, text: str, seen: frozenset[str]) -> bool:
        """Whether what a text comes to depends on what only a run tells."""
        for read in reads_of(text):
            value: Value = self.resolution.values
            if read.path[0] not in value:
                if self.flow.open_to(self.node):
                    return True
                continue
            for name in read.path:
                if not isinstance(value, dict) or name not in value:
                    break
                value = value[name]
            if contains_open(value):
                return True
            if isinstance(value, str) and value not in seen and self._is_open(value, seen | {text}):
                return True
        return False


def contains_open(value: Value) -> bool:
    """Whether a part of a value is not known."""
    if isinstance(value, dict):
        return any(map(contains_open, value.values()))
    return value is OPEN


def _known(value: Params) -> Params:
    """What is known of a map."""
    return {key: _known(item) if isinstance(item, dict) else item for key, item in value.items() if item is not OPEN}


def _marked(value: Value) -> Value:
    if value is OPEN:
        return _OPEN_MARK
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    return [_marked(item) for item in value] if isinstance(value, list) else value


def value_text(value: Value) -> str:
    """A value as JSON, with `?` for what is not known."""
    return json_text(_marked(value)).replace(f'"{_OPEN_MARK}"', "?")


def record(explained: Explained, *, from_run: bool) -> Params:
    """A param as plain data; the value of what is not known is left out."""
    found: Params = {"name": explained.name, **_value_record(explained.value)}
    found |= _origin_record(explained.origin, from_run)
    if explained.overrode:
        found["overrode"] = [
            {**_value_record(binding.value), **_origin_record(binding.origin, from_run)}
            for binding in explained.overrode
        ]
    if explained.template is not None:
        found["template"] = explained.template
        found["reads"] = [
            {"name": variable.name, **(_origin_record(variable.origin, from_run) if variable.origin else {})}
            for variable in explained.reads
        ]
    if explained.errors:
        found["errors"] = list(explained.errors)
    if explained.children:
        found["children"] = [record(child, from_run=from_run) for child in explained.children]
    return found


def _value_record(value: Value) -> Params:
    if value is OPEN:
        return {"known": False}
    return {"known": not contains_open(value), "value": _plain(value), "type": json_type(value)}


def _plain(value: Value) -> Value:
    """A value without the parts that are not known."""
    return {key: _plain(item) for key, item in value.items() if item is not OPEN} if isinstance(value, dict) else value


def _origin_record(origin: Origin, from_run: bool) -> Params:
    found: Params = {"origin": in_words(origin, from_run=from_run), "source": origin.source.value}
    if origin.task:
        found["task"] = origin.task
    if origin.position:
        found["position"] = str(origin.position)
    return found


def in_words(origin: Origin, *, from_run: bool) -> str:
    """Who set a value; what a task stores is a possibility until it has run."""
    words = str(origin)
    if not from_run and origin.source in (Source.STORE, Source.RUNTIME_EXPORT):
        return words.replace("stored by", "may be stored by", 1).replace("exported by", "may be exported by", 1)
    return words
