"""What one attempt did, so that another can have it without calling operators: rewind, reload, resume.

A recording is made of a journal's events or of saved state. In the new attempt, a task whose full name has an outcome
left gets that outcome instead of a call, and the person's edits are made again when their tasks become ready.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

from .attempt import Task
from .events import (
    AnyEvent,
    AttemptStarted,
    ErrorDelayed,
    GroupPlanned,
    ParamEdited,
    RetryScheduled,
    SlaViolated,
    TaskArtifact,
    TaskFailed,
    TaskLogged,
    TaskOutput,
    TaskStarted,
    TaskSucceeded,
)
from .operator import OperatorResult

SKIPPING = "io.digdag.cli.Run$OperatorManagerWithSkip"
INSERTING = (AttemptStarted, TaskSucceeded, TaskFailed, GroupPlanned, ErrorDelayed, SlaViolated)


class Outcome(Struct):
    """One call of an operator: when it began, what it printed, logged and made, and how it ended."""

    started: float
    said: list[TaskOutput | TaskLogged | TaskArtifact] = []
    end: TaskSucceeded | TaskFailed | RetryScheduled | None = None


Row: TypeAlias = tuple[str, int]
"""A task that several attempts have: its full name, and which of the rows of that name it is, from 1."""
Edits: TypeAlias = dict[Row, list[ParamEdited]]


class Recording(Struct):
    """By full name: outcomes still to be used, in order, how often a group began; by row: edits still to be made."""

    outcomes: dict[str, deque[Outcome]] = {}
    planned: dict[str, int] = {}
    edits: Edits = {}

    def covers(self, task: Task) -> bool:
        """Whether a task that is ready does what it did before, so that nothing need hold it back."""
        return bool((self.planned if task.is_group else self.outcomes).get(task.full_name))

    def take(self, task: Task) -> Outcome | None:
        """What a task that starts has instead of a call; of a group that it began once more."""
        if task.is_group:
            if self.covers(task):
                self.planned[task.full_name] -= 1
            return None
        outcomes = self.outcomes.get(task.full_name)
        return outcomes.popleft() if outcomes else None


def record(events: Iterable[AnyEvent], edits: Edits | None = None) -> Recording:
    """All calls that ended, by the full names of their tasks, and the edits to be made again."""
    names: dict[int, str] = {}
    calls: dict[int, Outcome] = {}
    recording = Recording(edits=edits or {})
    for event in events:
        match event:
            case TaskStarted():
                calls[event.task] = Outcome(event.at)
            case TaskOutput() | TaskLogged() | TaskArtifact() if event.task in calls:
                calls[event.task].said.append(event)
            case TaskSucceeded() | TaskFailed() | RetryScheduled() if event.task in calls:
                call = calls.pop(event.task)
                call.end = event
                recording.outcomes.setdefault(names[event.task], deque()).append(call)
            case GroupPlanned() if not event.added:
                name = names[event.task]
                recording.planned[name] = recording.planned.get(name, 0) + 1
            case _:
                pass
        if isinstance(event, INSERTING):
            names.update((new.id, new.full_name) for new in event.added)
    return recording


def skipped(result: OperatorResult) -> Outcome:
    """A success that `run` finds in a session's saved state (cli 2.3)."""
    now = time.time()
    end = TaskSucceeded(now, 0, result.store, result.export, result.reset_store, result.subtasks)
    return Outcome(now, [TaskLogged(now, 0, "WARN", SKIPPING, "Skipped")], end)
