"""Which breakpoints an attempt hits: before a task starts, and after an event."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from ..engine.attempt import Task
from ..engine.call import own_keys
from ..engine.events import AnyEvent, ParamEdited, RetryScheduled, TaskLogged, TaskSucceeded
from ..engine.runner import Runner
from ..engine.scopes import exports, layers, results
from ..params.evaluate import Evaluator
from ..params.layers import Layer, Source, merged
from ..params.template import TemplateError
from ..workflow.config import Params, Value, position_of
from ..workflow.errors import DigdagError
from ..workflow.text import json_text
from .breakpoints import LOGPOINT, Breakpoint, Breakpoints, about_to_run
from .conditions import filled_in, holds, reached, scope_of
from .evaluate import Variables
from .events import Reason

_LONGEST = 60
_NOT_SET = object()


class Hit(Struct, frozen=True):
    """What was hit: ids of breakpoints, and what there is to say about it."""

    reason: Reason
    breakpoints: tuple[int, ...]
    description: str = ""


class Hits:
    """Decides for one attempt, in the session's thread.

    Args:
        mask: takes the values of secrets out of a text.
    """

    def __init__(
        self, breakpoints: Breakpoints, runner: Runner, evaluator: Evaluator, mask: Callable[[str], str]
    ) -> None:
        self._breakpoints = breakpoints
        self._runner = runner
        self._evaluator = evaluator
        self._mask = mask
        self._found: dict[int, tuple[int, Hit | None]] = {}
        """What tasks hit that have not started, with the breakpoints' version."""
        self._counted: dict[tuple[Breakpoint, int], str | None] = {}
        """What came of breakpoints that a task has hit before its start."""
        self._retries: dict[int, int] = {}
        self._changes: dict[int, list[tuple[str, Value]]] = {}
        """Data breakpoint → the tasks that changed its param, each with the value."""

    def before(self, task: Task) -> Hit | None:
        """What a task that is about to start hits; asked as often as one likes, it counts once."""
        if not self._breakpoints.active:
            return None
        version, hit = self._found.get(task.id, (-1, None))
        if version != self._breakpoints.version:
            hit = self._hit(task, self._around(task), once=True)
            self._found[task.id] = self._breakpoints.version, hit
        return hit

    def after(self, event: AnyEvent) -> Hit | None:
        """What an event hits that has just happened to a task that was called, or that the person made."""
        if isinstance(event, ParamEdited):
            self._found.clear()
        if not self._breakpoints.active:
            return None
        match event:
            case TaskSucceeded():
                return self._succeeded(self._runner.attempt.tasks[event.task], event)
            case RetryScheduled():
                return self._retried(self._runner.attempt.tasks[event.task], event)
            case ParamEdited() if event.scope != "task" and event.at >= self._runner.attempt.start.at:
                task = self._runner.attempt.tasks[event.task]
                return self._hit(task, self._edited(task, event))
            case _:
                return None

    def _around(self, task: Task) -> Iterator[tuple[Breakpoint, str]]:
        """What there is on a task that is about to start."""
        yield from ((each, "") for each in self._breakpoints.of(task) if each.enabled)
        event = about_to_run(task)
        if event:
            yield from ((each, f"{task.name} of {_parent(task)} is about to run") for each in self._on_event(event))
        failing = self._breakpoints.on_template(task)
        error = self._scope(task)[1] if failing else None
        if error:
            yield from ((each, f"a template fails: {error.error_message}") for each in failing)
        if task.is_group and task.export:
            yield from self._changed(task, task.export, exports(task)[:1], f"_export of {task.full_name}")

    def _succeeded(self, task: Task, event: TaskSucceeded) -> Hit | None:
        stored = {*event.store, *(path.partition(".")[0] for path in event.reset_store)}
        found = [*self._changed(task, stored, results(task), f"stored by {task.full_name}")]
        if event.added and event.export:
            inside = [key for key in event.export if key not in stored]
            found += self._changed(task, inside, exports(task), f"exported by {task.full_name}")
        if event.subtasks and event.added:
            found += ((each, f"{task.full_name} generated {_count(event)}") for each in self._on_event("generated"))
        return self._hit(task, found)

    def _retried(self, task: Task, event: RetryScheduled) -> Hit | None:
        """A call that asks for another, as `wait>` does, is no retry."""
        count = int(event.state_params.get("retry_count", 0))
        if count <= self._retries.get(task.id, 0):
            return None
        self._retries[task.id] = count
        text = f"{task.full_name} is tried again: retry {count}"
        return self._hit(task, ((each, text) for each in self._on_event("retry")))

    def _edited(self, task: Task, event: ParamEdited) -> Iterator[tuple[Breakpoint, str]]:
        for each in self._breakpoints.on_data(event.path[:1]):
            new = _at(self._runner.params(task), each.path)
            earlier = self._changes.setdefault(each.id, [])
            old = earlier[-1][1] if earlier else _at(merged({}, _without_edits(self._below(task))), each.path)
            if old != new:
                earlier.append((task.full_name, new))
                yield each, self._mask(f"{each.target}: {_shown(old)} → {_shown(new)}, edited by you")

    def _on_event(self, name: str) -> tuple[Breakpoint, ...]:
        return self._breakpoints.on_event(name)

    def _changed(
        self, task: Task, keys: Iterable[str], above: Sequence[Layer], who: str
    ) -> Iterator[tuple[Breakpoint, str]]:
        """The data breakpoints on params that `above` changes for those who see it."""
        watching = self._breakpoints.on_data(keys)
        below = self._below(task) if watching else []
        seen = {layer.task for layer in below}
        before = merged({}, below) if watching else {}
        for each in watching:
            old, new = _at(before, each.path), _at(merged(before, above), each.path)
            if old == new:
                continue
            others = [(name, value) for name, value in self._changes.get(each.id, ()) if name not in seen]
            others = [(name, value) for name, value in others if name != task.full_name]
            position = position_of(above[-1].values, each.path[0]) if above else None
            place = f" ({position.file}:{position.line})" if position else ""
            beside = f"; beside it {others[-1][0]} made it {_shown(others[-1][1])}" if others else ""
            self._changes.setdefault(each.id, []).append((task.full_name, new))
            yield each, self._mask(f"{each.target}: {_shown(old)} → {_shown(new)}, {who}{place}{beside}")

    def _below(self, task: Task) -> list[Layer]:
        """What a task sees without its own `_export`."""
        found = layers(self._runner.attempt, task)
        return found[:-1] if task.export else found

    def _hit(self, task: Task, found: Iterable[tuple[Breakpoint, str]], *, once: bool = False) -> Hit | None:
        """Those of the breakpoints found that stop, as their conditions and hits want it; logpoints print."""
        stopping = [
            (each, said)
            for each, text in found
            if (said := self._counted_once(each, task, text) if once else self._stops(each, task, text)) is not None
        ]
        if not stopping:
            return None
        data = any(each.kind == "data" for each, _ in stopping)
        description = "; ".join(dict.fromkeys(said for _, said in stopping if said))
        return Hit("data breakpoint" if data else "breakpoint", tuple(each.id for each, _ in stopping), description)

    def _counted_once(self, breakpoint: Breakpoint, task: Task, text: str) -> str | None:
        """As `_stops`; what was hit already is not hit again."""
        known = (breakpoint, task.id)
        if known not in self._counted:
            hits = self._breakpoints.hits[breakpoint.id]
            said = self._stops(breakpoint, task, text)
            if hits == self._breakpoints.hits[breakpoint.id]:
                return said
            self._counted[known] = said
        return self._counted[known]

    def _stops(self, breakpoint: Breakpoint, task: Task, text: str) -> str | None:
        """What to say if a breakpoint stops, perhaps nothing; None if it does not."""
        try:
            if breakpoint.condition and not holds(breakpoint.condition, self._scope(task)[0], self._evaluator):
                return None
        except DigdagError as error:
            return self._mask(f"its condition {breakpoint.condition} cannot be evaluated: {_reason(error)}")
        hits = self._breakpoints.hits
        hits[breakpoint.id] += 1
        if not reached(breakpoint.hit_condition, hits[breakpoint.id]):
            return None
        if breakpoint.log_message:
            self._log(breakpoint, task)
            return None
        return text

    def _log(self, breakpoint: Breakpoint, task: Task) -> None:
        try:
            message = filled_in(breakpoint.log_message, self._scope(task)[0], self._evaluator)
        except DigdagError as error:
            message = f"{breakpoint.log_message} cannot be evaluated: {_reason(error)}"
        self._runner.emit(TaskLogged(time.time(), task.id, "POINT", LOGPOINT, self._mask(message)))

    def _scope(self, task: Task) -> tuple[Variables, TemplateError | None]:
        """A task's params as the engine evaluates them, after its call with what came of that.

        A group's own keys are no params (core 6.1).
        """
        made = [*exports(task), *results(task)] if task.store or task.reset_store or task.runtime_export else []
        new = {key for layer in made for key in layer.values}
        own: Params = {} if task.is_group else own_keys(task)
        own = {key: value for key, value in own.items() if key not in new}
        return scope_of(merged(self._runner.params(task), made), own, self._evaluator)


def _at(values: Value, path: tuple[str, ...]) -> Value:
    for name in path:
        if isinstance(values, list) and name.isdigit() and int(name) < len(values):
            values = values[int(name)]
        elif isinstance(values, dict) and name in values:
            values = values[name]
        else:
            return _NOT_SET
    return values


def _shown(value: Value) -> str:
    if value is _NOT_SET:
        return "not set"
    text = json_text(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _reason(error: DigdagError) -> str:
    return str(getattr(error, "reason", error.message)).partition("\n")[0] + (f" ({error.hint})" if error.hint else "")


def _without_edits(below: Iterable[Layer]) -> Iterator[Layer]:
    return (layer for layer in below if layer.source is not Source.EDIT)


def _parent(task: Task) -> str:
    return task.parent.full_name if task.parent else task.full_name


def _count(event: TaskSucceeded) -> str:
    count = len(event.added) - 1
    return f"{count} task{'s' * (count != 1)}"
