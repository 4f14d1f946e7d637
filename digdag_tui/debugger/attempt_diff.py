"""What differs between two attempts, or between the runs of one task in them."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ..engine.attempt import Attempt, Task
from ..engine.call import own_keys
from ..engine.events import State
from ..engine.scopes import Scopes
from ..params.builtins import BuiltIns
from ..params.evaluate import Evaluator
from ..workflow.config import Params, Value, merge
from .compare import Difference, differences
from .inspect import Inspection

SLOWER = 1.5
"""How much longer a run takes that is worth telling, if that is a second at least."""


class TaskRun(Struct, frozen=True):
    """What became of a task in one attempt.

    `params` are evaluated: its own keys, and where they were asked for all that it sees. `seconds` is how long it took,
    None if it did not come to an end.
    """

    full_name: str
    state: State
    params: Params
    stored: Params
    exported: Params
    error: str
    seconds: float | None
    retries: int = 0


class RunDifference(Struct, frozen=True):
    """How the runs of a task differ; `old` or `new` is None where it is not in that attempt."""

    full_name: str
    old: TaskRun | None
    new: TaskRun | None

    @property
    def sections(self) -> dict[str, list[Difference]]:
        """What differs, by `params`, `stored` and `exported`."""
        old, new = self.old, self.new
        if old is None or new is None:
            return {}
        return {
            "params": differences(old.params, new.params),
            "stored": differences(old.stored, new.stored),
            "exported": differences(old.exported, new.exported),
        }

    @property
    def differs(self) -> bool:
        """Whether anything differs but how long it took."""
        old, new = self.old, self.new
        if old is None or new is None:
            return True
        return (old.state, old.error) != (new.state, new.error) or any(self.sections.values())

    @property
    def took_another_time(self) -> bool:
        """Whether one run was so much slower that it is worth telling."""
        seconds = [run.seconds for run in (self.old, self.new) if run and run.seconds is not None]
        if len(seconds) < 2:
            return False
        short, long = sorted(seconds)
        return long - short >= 1 and long >= SLOWER * short


def inspected_run(task: Task, inspection: Inspection) -> TaskRun:
    """A task's run with all params that it sees but the built-in ones."""
    return _run(task, {param.name: param.value for param in (*inspection.own, *inspection.params)})


def attempt_differences(old: Attempt, new: Attempt, evaluator: Evaluator) -> Iterator[RunDifference]:
    """All tasks of two attempts by their full names, of several rows of a name the newest; see `differs`."""
    olds, news = _runs(old, evaluator), _runs(new, evaluator)
    for name in [*news, *(name for name in olds if name not in news)]:
        yield RunDifference(name, olds.get(name), news.get(name))


def given_differences(old: Attempt, new: Attempt) -> list[Difference]:
    """How the params differ that were given to two attempts from outside, and the edits for the session."""
    return differences(_given(old), _given(new))


def _given(attempt: Attempt) -> Params:
    values: Params = {}
    for override in attempt.start.overrides:
        values = merge(values, override.values)
    return merge(values, attempt.session_edits)


def _runs(attempt: Attempt, evaluator: Evaluator) -> dict[str, TaskRun]:
    start = attempt.start
    scopes, built_ins = Scopes(attempt), BuiltIns(start.session_uuid, start.session_time, start.timezone)
    runs = {}
    for task in attempt.tasks.values():
        own: Params = own_keys(task)
        if task.started_at is not None and not task.is_group and _has_template(own):
            seen = scopes.params(task)
            seen = merge(seen, built_ins.for_task(task.full_name, seen))
            values = evaluator.evaluate(seen, own, {}, on_error="record")
            own = {key: values[key] for key in own if key in values}
        runs[task.full_name] = _run(task, own)
    return runs


def _has_template(value: Value) -> bool:
    if isinstance(value, dict):
        return any(map(_has_template, value.values()))
    if isinstance(value, list):
        return any(map(_has_template, value))
    return isinstance(value, str) and "$" in value


def _run(task: Task, params: Params) -> TaskRun:
    seconds = task.ended_at - task.started_at if task.ended_at and task.started_at else None
    error = str(task.error.get("message", "")) if task.error else ""
    return TaskRun(
        task.full_name, task.state, params, task.store, task.runtime_export, error, seconds, task.retries
    )  # fmt: skip
