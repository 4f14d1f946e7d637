"""What one attempt did, so that another can have it without calling operators: rewind, reload, resume.

A recording is made of a journal's events. In the new attempt, a task whose full name has an outcome left gets that
outcome instead of a call, and the person's edits are made again when their tasks become ready.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from msgspec import Struct

from .attempt import Attempt
from .events import (
    AnyEvent,
    AttemptStarted,
    ErrorDelayed,
    GroupPlanned,
    ParamEdited,
    RetryScheduled,
    TaskFailed,
    TaskLogged,
    TaskOutput,
    TaskStarted,
    TaskSucceeded,
)

INSERTING = (AttemptStarted, TaskSucceeded, TaskFailed, GroupPlanned, ErrorDelayed)


class Outcome(Struct):
    """One call of an operator: when it began, what it printed and logged, and how it ended."""

    started: float
    said: list[TaskOutput | TaskLogged] = []
    end: TaskSucceeded | TaskFailed | RetryScheduled | None = None


class Recording(Struct):
    """By full name: outcomes still to be used, in order, how often a group began, and edits still to be made."""

    outcomes: dict[str, deque[Outcome]] = {}
    planned: dict[str, int] = {}
    edits: dict[str, list[ParamEdited]] = {}

    def covers(self, full_name: str) -> bool:
        """Whether the next task of that name does what it did before."""
        return bool(self.outcomes.get(full_name) or self.planned.get(full_name))


def record(events: Iterable[AnyEvent]) -> Recording:
    """All calls that ended and all edits, by the full names of their tasks."""
    names: dict[int, str] = {}
    calls: dict[int, Outcome] = {}
    recording = Recording()
    for event in events:
        match event:
            case TaskStarted():
                calls[event.task] = Outcome(event.at)
            case TaskOutput() | TaskLogged() if event.task in calls:
                calls[event.task].said.append(event)
            case TaskSucceeded() | TaskFailed() | RetryScheduled() if event.task in calls:
                call = calls.pop(event.task)
                call.end = event
                recording.outcomes.setdefault(names[event.task], deque()).append(call)
            case GroupPlanned() if not event.added:
                name = names[event.task]
                recording.planned[name] = recording.planned.get(name, 0) + 1
            case ParamEdited():
                recording.edits.setdefault(names[event.task], []).append(event)
            case _:
                pass
        if isinstance(event, INSERTING):
            names.update((new.id, new.full_name) for new in event.added)
    return recording


def record_successes(events: Iterable[AnyEvent]) -> Recording:
    """The last successful call of each task that came to be a success, with all inside: what `run` skips (cli 2.3)."""
    past, attempt = list(events), Attempt()
    for event in past:
        attempt.apply(event)
    succeeded = {task.full_name for task in attempt.tasks.values() if task.state == "success"}
    recording = Recording()
    for name, calls in record(past).outcomes.items():
        successes = [call for call in calls if isinstance(call.end, TaskSucceeded)]
        if successes and name in succeeded:
            last = successes[-1]
            skipped = TaskLogged(last.started, 0, "WARN", "io.digdag.cli.Run$OperatorManagerWithSkip", "Skipped")
            recording.outcomes[name] = deque([Outcome(last.started, [skipped], last.end)])
    return recording
