"""A `py>` task to be called alone, with the values that the workflow gives it: from the files, or from an attempt.

What is given with `-p` and `-P` lies on top of everything, as the person's edits for the task do.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from ..engine.attempt import Attempt, Task
from ..engine.events import AttemptStarted, NewTask, ParamEdited
from ..params.evaluate import Evaluator
from ..params.flow import Flow
from ..params.layers import Origin, Source, merged
from ..workflow.config import Config, Params, Value, merge
from ..workflow.errors import DigdagError
from ..workflow.expansion import OPEN, Node
from ..workflow.python_signature import Call
from ..workflow.python_source import PythonSource
from .explained import Explained, contains_open, from_files, from_inspection, in_words
from .inspect import inspect
from .trial import own_and_seen

_ROOT, _ALONE = 1, 2


class Unknown(Struct, frozen=True):
    """A param that is needed and that only other tasks give; `why` is a clause that says which."""

    name: str
    why: str


class Alone(Struct):
    """A task, what its operator is called with (`values`, unevaluated, for `try_task`), and where all of it comes from.

    `call` is what the source tells of what is called, None for a script. `left_out` are names of params that are not
    known, and that nothing asks for by name.
    """

    attempt: Attempt
    task: Task
    values: Params
    params: list[Explained]
    call: Call | None
    reads: tuple[str, ...] = ()
    """Names that the source looks up in `digdag.env.params`."""
    reads_all: bool = False
    unknown: list[Unknown] = []
    left_out: list[str] = []

    @property
    def asked(self) -> list[str]:
        """The names of params that are asked for."""
        arguments = self.call.arguments if self.call else ()
        return [*dict.fromkeys([*(argument.name for argument in arguments), *self.reads])]

    def param(self, name: str) -> Explained | None:
        """The param of a name."""
        return next((param for param in self.params if param.path == (name,)), None)


def is_python(config: Mapping[str, Value]) -> bool:
    """Whether a task runs Python."""
    return "py>" in config or config.get("_type") == "py"


def alone_in_attempt(
    attempt: Attempt, task: Task, given: Mapping[str, tuple[Source, Value]], evaluator: Evaluator, flow: Flow
) -> Alone:
    """A task as it was in an attempt.

    Args:
        given: what lies on top, and who gives it.
        flow: that of the workflow as it is now: it tells who stores what the task did not have yet.

    Raises:
        DigdagError: its params cannot be known.
    """
    _give(attempt, task, given)
    params = _params(attempt, task, evaluator, given)
    alone = _alone(attempt, task, params, flow.project)
    has_run = {other.full_name for other in attempt.tasks.values() if other.state == "success"}
    for name in alone.asked:
        if alone.param(name) is None:
            alone.unknown += _not_stored_yet(name, name, flow, has_run)
    for param in alone.params:
        for variable in param.reads if param.fails() else ():
            if variable.origin is None:
                alone.unknown += _not_stored_yet(variable.name, param.name, flow, has_run)
    return alone


def alone_from_files(
    flow: Flow, node: Node, given: Mapping[str, tuple[Source, Value]], evaluator: Evaluator, started: AttemptStarted
) -> Alone:
    """A task that has not run, as far as the files tell.

    Args:
        started: the attempt that would begin.

    Raises:
        DigdagError: its params cannot be known.
    """
    values = {name: value for name, (_, value) in given.items()}
    node.config = Config({**values, **merge(node.config, values)}, node.config.positions)
    params = [_given(param, given) for param in from_files(flow, node, evaluator, started.session_time)]
    known = {param.path[0]: param for param in params}
    seen = _closed(merged({}, flow.layers(node)), known)
    rows = (
        NewTask(_ROOT, flow.nodes[0].full_name, None, (), True, {}),
        NewTask(_ALONE, node.full_name, _ROOT, (), False, _closed(node.own, known), seen),
    )
    attempt = Attempt()
    attempt.apply(msgspec.structs.replace(started, overrides=(), params={}, sla_at=None, added=rows))
    task = attempt.tasks[_ALONE]
    alone = _alone(attempt, task, params, flow.project)
    asked = {*alone.asked, *node.own}
    for param in params:
        if param.section != "built in" and contains_open(param.value):
            if param.name in asked:
                alone.unknown += _missing(param, flow, node)
            else:
                alone.left_out.append(param.name)
    return alone


def _give(attempt: Attempt, task: Task, given: Mapping[str, tuple[Source, Value]]) -> None:
    for name, (_, value) in given.items():
        attempt.apply(ParamEdited(time.time(), (name,), value, "task", task.id))


def _params(
    attempt: Attempt, task: Task, evaluator: Evaluator, given: Mapping[str, tuple[Source, Value]]
) -> list[Explained]:
    inspection = inspect(attempt, task, evaluator)
    if inspection.error:
        raise DigdagError(f"The params of {task.full_name} cannot be known: {inspection.error}")
    return [_given(param, given) for param in from_inspection(inspection)]


def _given(param: Explained, given: Mapping[str, tuple[Source, Value]]) -> Explained:
    """A param with its true origin, if it lies on top of what the task has."""
    if param.path[0] not in given:
        return param
    return msgspec.structs.replace(param, origin=Origin(given[param.path[0]][0]))


def _alone(attempt: Attempt, task: Task, params: list[Explained], project: Path) -> Alone:
    own, seen = own_and_seen(attempt, task)
    alone = Alone(attempt, task, {**seen, **own}, params, None)
    found = {param.name: param.value for param in params}
    command, folder = found.get("py>", found.get("_command")), found.get("_workdir", "")
    if isinstance(command, str) and isinstance(folder, str):
        source = PythonSource(project)
        alone.call = source.call(command, folder)
        if function := source.function(command, folder):
            alone.reads, alone.reads_all = tuple(function.reads), function.reads_all
    return alone


def _not_stored_yet(name: str, param: str, flow: Flow, has_run: set[str]) -> Iterator[Unknown]:
    """What to say of a name that only tasks store which have not succeeded; `*` is any text in their names."""
    tasks = [setter.node.full_name for setter in flow.all_setters(name.partition(".")[0]) if setter.node]
    patterns = ["[^+^]*".join(map(re.escape, task.split("*"))) for task in tasks]
    if tasks and not any(re.fullmatch(pattern, run) for pattern in patterns for run in has_run):
        by = " or ".join(tasks[:3])
        yield Unknown(name, f"{name} is stored by {by}, which has not succeeded{_for(param, name)}")


def _missing(param: Explained, flow: Flow, node: Node) -> Iterator[Unknown]:
    """Who gives what is not known of a param."""
    for part in _open_parts(param):
        if part.template is None:
            yield Unknown(part.path[0], f"{part.name} {_by(part.origin, node)}")
            continue
        for variable in part.reads:
            name, opener = variable.name.partition(".")[0], flow.open_to(node)
            if variable.origin is None:
                by = f"may be stored by {opener.full_name}" if opener else "is set by nothing"
            elif any(contains_open(setter.layer.values[name]) for setter in flow.setters(name, node)):
                by = _by(variable.origin, node)
            else:
                continue
            yield Unknown(name, f"{variable.name} {by}{_for(part.name, variable.name)}")


def _for(param: str, name: str) -> str:
    return "" if param == name else f", and {param} needs it"


def _open_parts(param: Explained) -> Iterator[Explained]:
    """The innermost parts of a param that are not known."""
    inner = [part for child in param.children for part in _open_parts(child)]
    if inner:
        yield from inner
    elif contains_open(param.value):
        yield param


def _by(origin: Origin, node: Node) -> str:
    """What another task does to give a value."""
    if origin.source is Source.LOCAL:
        return f"is an argument that {node.parent.full_name if node.parent else 'a task'} gives when it adds this task"
    if origin.source is Source.EXPORT:
        return f"is another one in each round of {origin.task}"
    return in_words(origin, from_run=False).replace("  ", " at ")


def _closed(values: Mapping[str, Value], known: Mapping[str, Explained]) -> Config:
    """Unevaluated values without what is not known of them."""
    places = values.positions if isinstance(values, Config) else {}
    kept = {key: value for key, value in values.items() if not _is_unknown(value, known.get(key))}
    return Config({key: _inner(value, known.get(key)) for key, value in kept.items()}, places)


def _inner(value: Value, param: Explained | None) -> Value:
    if not isinstance(value, dict) or param is None:
        return value
    return _closed(value, {child.path[-1]: child for child in param.children})


def _is_unknown(value: Value, param: Explained | None) -> bool:
    return value is OPEN or (param is not None and param.value is OPEN)
