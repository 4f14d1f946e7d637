"""The history of one attempt: its events without the output, its stops, and the attempt as it was after any of them.

An attempt moves back by undoing events and forward by applying them again, so that a step costs what the event
changed, whatever the number of tasks. Nothing is undone outside.
"""

from __future__ import annotations

import copy
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from contextlib import suppress

import msgspec
from msgspec import Struct

from ..engine.attempt import Attempt, Task
from ..engine.events import (
    AnyEvent,
    AttemptFinished,
    AttemptStarted,
    CancelRequested,
    EditUndone,
    ErrorDelayed,
    GroupPlanned,
    NewTask,
    ParamEdited,
    RetryScheduled,
    SessionContinued,
    SessionStopped,
    SlaViolated,
    TaskArtifact,
    TaskEnded,
    TaskFailed,
    TaskLogged,
    TaskOutput,
    TaskReady,
    TaskStarted,
    TaskSucceeded,
)
from .events import Stopped

UNCOUNTED = (TaskOutput, TaskLogged, SessionStopped, SessionContinued)
"""What changes no task, and so is no position in the history."""
_GIVEN = {"id", "full_name", "parent", "upstreams", "is_group", "config", "export", "initial", "children"}
_CHANGING = tuple(name for name in Task.__struct_fields__ if name not in _GIVEN)


class Stop(Struct):
    """A stop of the session: from `position`, after so many events, until another, None while it lasts.

    `at` and `until_at` are seconds since the epoch.
    """

    position: int
    at: float
    stopped: Stopped
    until: int | None = None
    until_at: float | None = None


class _Before(Struct):
    """What an event changed, as it was."""

    rows: int
    task: Task | None = None
    was: Task | None = None
    attempt: dict[str, object] = {}


class _Attempt(Attempt):
    """Its rows are the same objects whenever they are inserted again; `known` has also those not inserted yet."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[int, Task] = {}

    def _row(self, new: NewTask, parent: Task | None) -> Task:
        row = super()._row(new, parent)
        known = self.known.setdefault(new.id, row)
        if known is not row:
            _restore(known, row)
        return known


def _restore(task: Task, was: Task) -> None:
    for name in _CHANGING:
        setattr(task, name, getattr(was, name))


class Replay:
    """An attempt that can be moved to any of its events; `position` is how many of `events` it has had.

    `add` applies an event at once unless the attempt is looked at in the past: then it waits there.
    """

    def __init__(self, events: Iterable[AnyEvent] = ()) -> None:
        self.attempt = _Attempt()
        self.events: list[AnyEvent] = []
        self.stops: list[Stop] = []
        self.position = 0
        self._before: list[_Before] = []
        for event in events:
            self.add(event)

    @property
    def known(self) -> dict[int, Task]:
        """All tasks by id, those too that are not there yet at the time that is shown."""
        return self.attempt.known

    @property
    def is_past(self) -> bool:
        """Whether the attempt is shown as it was once."""
        return self.position < len(self.events)

    def add(self, event: AnyEvent) -> None:
        """Take in the next event; output is left out."""
        match event:
            case SessionStopped():
                with suppress(msgspec.ValidationError):  # of a newer version
                    self.stop(msgspec.convert(event.stop, Stopped), event.at)
            case SessionContinued():
                self.go_on(event.at)
            case TaskOutput() | TaskLogged():
                pass
            case _:
                follows = not self.is_past
                self.events.append(event)
                if isinstance(event, CancelRequested | AttemptFinished):
                    self.go_on(event.at)
                if follows:
                    self._forward()

    def stop(self, stopped: Stopped, at: float) -> None:
        """The session stopped after the newest event; `at` is seconds since the epoch."""
        self.go_on(at)
        self.stops.append(Stop(len(self.events), at, stopped))

    def go_on(self, at: float) -> None:
        """The present stop, if there is one, is over."""
        if self.stops and self.stops[-1].until is None:
            self.stops[-1].until, self.stops[-1].until_at = len(self.events), at

    def move(self, position: int) -> None:
        """Show the attempt as it was after so many events: at least the one that began it."""
        position = max(min(1, len(self.events)), min(position, len(self.events)))
        if position < self.position:
            self._back(position)
        while self.position < position:
            self._forward()

    def attempt_at(self, position: int) -> Attempt:
        """Another attempt, as this one was after so many events; it costs as much as these."""
        attempt = Attempt()
        for event in self.events[:position]:
            attempt.apply(event)
        return attempt

    def stop_at(self, position: int) -> Stopped | None:
        """The stop that lasted after so many events, the last of them if there were several."""
        number = bisect_right(self.stops, position, key=lambda stop: stop.position) - 1
        if number < 0:
            return None
        stop = self.stops[number]
        lasts = position <= stop.until if stop.until is not None else True
        ended_here = stop.until == len(self.events) == position
        return stop.stopped if lasts and not ended_here else None

    def next_stop(self, step: int) -> int | None:
        """The position of the next stop after the present position, or of the one before for a negative step."""
        places = [stop.position for stop in self.stops]
        if step > 0:
            number = bisect_right(places, self.position)
            return places[number] if number < len(places) else None
        number = bisect_left(places, self.position) - 1
        return places[number] if number >= 0 else None

    def last(self) -> str:
        """What happened last, in words."""
        return in_words(self.events[self.position - 1], self.attempt) if self.position else "nothing yet"

    def _forward(self) -> None:
        event = self.events[self.position]
        if self.position == len(self._before):
            self._before.append(self._remember(event))
        self.attempt.apply(event)
        self.position += 1

    def _remember(self, event: AnyEvent) -> _Before:
        attempt = self.attempt
        task = attempt.tasks.get(getattr(event, "task", 0))
        before = _Before(len(attempt.tasks), task, copy.copy(task) if task else None)
        if task is None or isinstance(event, ParamEdited | EditUndone):
            before.attempt = {name: value for name, value in vars(attempt).items() if name not in ("tasks", "known")}
        return before

    def _back(self, position: int) -> None:
        attempt, restored = self.attempt, set[int]()
        rows = self._before[position].rows
        while len(attempt.tasks) > rows:
            _, gone = attempt.tasks.popitem()
            if gone.parent:
                gone.parent.children.pop()
        whole: dict[str, object] = {}
        for before in self._before[position : self.position]:
            whole = whole or before.attempt
            if before.task and before.was and before.task.id not in restored and before.task.id in attempt.tasks:
                restored.add(before.task.id)
                _restore(before.task, before.was)
        if whole:
            was_canceled = attempt.cancel_requested
            vars(attempt).update(whole)
            if was_canceled and not attempt.cancel_requested:
                for task in attempt.tasks.values():
                    task.cancel_requested = False
        self.position = position


def in_words(event: AnyEvent, attempt: Attempt) -> str:
    """What an event says, short; `attempt` has had it."""
    task = attempt.tasks.get(getattr(event, "task", 0))
    name = task.full_name if task else "the attempt"
    match event:
        case AttemptStarted():
            return "the attempt began"
        case TaskReady():
            return f"{name} is ready"
        case TaskStarted():
            return f"{name} began"
        case TaskArtifact():
            return f"{name} made {event.name}"
        case TaskSucceeded():
            return f"{name} generated tasks" if event.added else f"{name} succeeded"
        case TaskFailed():
            return f"{name} failed"
        case RetryScheduled():
            return f"{name} waits to be called again"
        case GroupPlanned():
            return f"{name} began"
        case ErrorDelayed():
            return f"{name} failed inside"
        case TaskEnded():
            return f"{name} " + ("failed inside" if event.state == "group_error" else f"ended: {event.state}")
        case ParamEdited():
            return f"you set {'.'.join(event.path)}"
        case EditUndone():
            return "you made an edit again" if event.again else "you took back an edit"
        case SlaViolated():
            return "the sla was violated"
        case CancelRequested():
            return "you stopped the attempt"
        case AttemptFinished():
            return f"the attempt ended: {'success' if event.success else 'failure'}"
        case _:
            return name
