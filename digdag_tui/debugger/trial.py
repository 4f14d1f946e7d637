"""Running one task alone, with other params than it sees, so that nothing of the attempt changes.

The task really is called: what it does outside, in files or databases, is done.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from ..engine.attempt import Attempt, Task, nested
from ..engine.call import own_keys
from ..engine.events import AnyEvent, NewTask, TaskFailed, TaskLogged, TaskOutput, TaskStarted, TaskSucceeded
from ..engine.operator import OperatorContext, OperatorResult
from ..engine.runner import Environment, Runner
from ..engine.scopes import layers
from ..params.layers import merged
from ..workflow.config import Params, Value, merge
from ..workflow.errors import DigdagError

FOLLOWING = ("_retry", "_error", "_check")
"""What a task does after its call; a trial ends with the call."""
_ROOT, _TRIED = 1, 2


class Trial(Struct):
    """What a task came to. `said` is its output and log, in order; `seconds` is how long its call took."""

    success: bool = False
    seconds: float = 0.0
    store: Params = {}
    export: Params = {}
    reset_store: tuple[str, ...] = ()
    subtasks: Params = {}
    generated: tuple[str, ...] = ()
    """Full names of the tasks that it generated, which were not run."""
    said: list[TaskOutput | TaskLogged] = []
    error: Params = {}
    frames: tuple[Params, ...] = ()
    exceptions: tuple[Params, ...] = ()
    hint: str | None = None


def refusal(task: Task) -> str | None:
    """Why a task cannot be run alone."""
    if task.is_group:
        return f"{task.full_name} is a group: select one of the tasks in it"
    if "require>" in task.config or task.config.get("_type") == "require":
        return f"{task.full_name} starts an attempt of another workflow: open that workflow instead"
    return None


def own_and_seen(attempt: Attempt, task: Task) -> tuple[Params, Params]:
    """A task's own keys with what they are merged over, and the other params that it sees; unevaluated."""
    seen = merged({}, layers(attempt, task))
    own = {key: value for key, value in own_keys(task).items() if key not in FOLLOWING}
    both = {key: merge(seen, {key: value})[key] for key, value in own.items()}
    return both, {key: value for key, value in seen.items() if key not in own}


def with_changes(attempt: Attempt, task: Task, changes: Iterable[tuple[tuple[str, ...], Value]]) -> Params:
    """All that a task sees unevaluated, with other values at some paths."""
    own, seen = own_and_seen(attempt, task)
    values = {**seen, **own}
    for path, value in changes:
        values = merge(values, nested(path, value))
    return values


async def try_task(
    attempt: Attempt,
    task: Task,
    values: Mapping[str, Value],
    environment: Environment,
    *,
    hear: Callable[[TaskOutput | TaskLogged], None] = lambda event: None,
    calling: Callable[[OperatorContext], None] = lambda context: None,
) -> Trial:
    """Call the operator of `task` with these values of its own keys and of the params that it sees.

    Args:
        hear: is told what the task says as it comes.
        calling: may change what the operator is called with.

    Raises:
        DigdagError: the task cannot be run alone.
    """
    reason = refusal(task)
    if reason:
        raise DigdagError(reason)
    own = {key: value for key, value in values.items() if key in task.config or key in task.edits}
    seen = {key: value for key, value in values.items() if key not in own}
    own = {key: value for key, value in own.items() if key not in FOLLOWING}
    root = attempt.root.full_name
    added = (
        NewTask(_ROOT, root, None, (), True, {}),
        NewTask(_TRIED, task.full_name, _ROOT, (), False, own, seen),
    )
    started = msgspec.structs.replace(
        attempt.start, at=time.time(), overrides=(), params={}, sla_at=None, added=added, task_limit=1_000_000
    )
    trial, loop = Trial(said=[]), asyncio.get_running_loop()

    def listen(event: AnyEvent) -> None:
        if getattr(event, "task", None) != _TRIED:
            return
        if isinstance(event, TaskOutput | TaskLogged):
            hear(event)
        if _take(trial, event):
            loop.call_soon(runner.cancel)

    runner = Runner(environment, listen, gate=_OneTask(calling))
    try:
        await runner.run(started)
    except asyncio.CancelledError:
        runner.cancel()
        await runner.drain(lambda call: True)
        raise
    return trial


def _take(trial: Trial, event: AnyEvent) -> bool:
    """Take an event of the task into the trial; True for the last one."""
    match event:
        case TaskStarted():
            trial.seconds = -event.at
        case TaskOutput() | TaskLogged():
            trial.said.append(event)
        case TaskSucceeded():
            trial.success, trial.seconds = True, trial.seconds + event.at
            trial.store, trial.export, trial.reset_store = event.store, event.export, event.reset_store
            trial.subtasks = event.subtasks
            trial.generated = tuple(new.full_name for new in event.added)
        case TaskFailed():
            trial.seconds += event.at
            trial.error, trial.frames, trial.hint = event.error, event.frames, event.hint
            trial.exceptions = event.exceptions
        case _:
            return False
    return isinstance(event, TaskSucceeded | TaskFailed)


class _OneTask:
    """Lets the task start that is tried, and nothing else."""

    holding = False

    def __init__(self, calling: Callable[[OperatorContext], None]) -> None:
        self._calling = calling

    def release(self, ready: Sequence[Task]) -> Sequence[Task]:
        return [task for task in ready if task.id in (_ROOT, _TRIED)]

    def calling(self, task: Task, context: OperatorContext) -> None:
        self._calling(context)

    async def failed(self, task: Task, error: DigdagError) -> OperatorResult | bool:
        return False
