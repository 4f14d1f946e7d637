"""When each task was called, waited and came to an end: what a timeline shows of an attempt's history."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from ..engine.events import (
    AnyEvent,
    GroupPlanned,
    RetryScheduled,
    TaskEnded,
    TaskFailed,
    TaskReady,
    TaskStarted,
    TaskSucceeded,
)
from .replay import Replay

Kind = Literal["call", "wait", "group"]
End = Literal["", "success", "failed", "again", "canceled"]
NEAR = 0.2
"""Seconds between two calls that count as no pause."""
SHORTEST_CUT = 1.0
"""Seconds in which nothing ran that are never left out."""


class Span(Struct):
    """A call of an operator, a wait for the next one, or the time in which a group was open.

    Times are seconds since the epoch; `stop` is None while it lasts.
    """

    kind: Kind
    start: float
    stop: float | None = None
    end: End = ""


class Calls:
    """The spans of each task, by id, as far as the history has come when `take_in` was called last."""

    def __init__(self, replay: Replay) -> None:
        self.spans: dict[int, list[Span]] = {}
        self.replay = replay
        self._events = 0
        self._stops = 0
        self._busy: list[tuple[float, float]] = []
        """When anything was called or waited, without pauses shorter than `NEAR`."""
        self._open: dict[int, Span] = {}

    def take_in(self) -> bool:
        """Read what has happened since; True if a task began for the first time."""
        replay, known = self.replay, len(self.spans)
        while self._events < len(replay.events) or self._stops < len(replay.stops):
            stop = replay.stops[self._stops] if self._stops < len(replay.stops) else None
            if stop and stop.position <= self._events:
                self._stops += 1
                if stop.stopped.reason == "exception":
                    self._close(stop.stopped.task, stop.at, "failed")
            else:
                self._follow(replay.events[self._events])
                self._events += 1
        return len(self.spans) > known

    def busy(self, now: float) -> list[tuple[float, float]]:
        """When anything was called or waited, in order, until `now`."""
        found = list(self._busy)
        for span in self._open.values():
            if span.kind != "group":
                _cover(found, span.start, max(now, span.start))
        return found

    def kept(self, span: Span) -> bool:
        """Whether a span is of an earlier attempt, whose result was kept."""
        started = self.replay.attempt.started
        return started is not None and span.start < started.at

    def _follow(self, event: AnyEvent) -> None:
        match event:
            case TaskStarted():
                self._begin(event.task, "call", event.at)
            case GroupPlanned():
                self._begin(event.task, "group", event.at)
            case TaskReady():
                self._close(event.task, event.at, "", only="wait")
            case RetryScheduled():
                self._close(event.task, event.at, "again")
                self._begin(event.task, "wait", event.at)
            case TaskSucceeded():
                self._close(event.task, event.at, "success")
                if event.added:
                    self._begin(event.task, "group", event.at)
            case TaskFailed():
                self._close(event.task, event.at, "failed")
                if event.added:
                    self._begin(event.task, "group", event.at)
            case TaskEnded():
                ends: dict[str, End] = {"success": "success", "canceled": "canceled"}
                self._close(event.task, event.at, ends.get(event.state, "failed"))
            case _:
                pass

    def _begin(self, task: int, kind: Kind, at: float) -> None:
        self._close(task, at, "again")
        span = self._open[task] = Span(kind, at)
        self.spans.setdefault(task, []).append(span)
        around = self.replay.known[task].parent
        while around and (group := self._open.get(around.id)) and group.start > at:
            group.start = at
            around = around.parent

    def _close(self, task: int, at: float, end: End, only: Kind | None = None) -> None:
        span = self._open.get(task)
        if span is None or only not in (None, span.kind):
            return
        del self._open[task]
        span.stop, span.end = max(at, span.start), end
        if span.kind != "group":
            _cover(self._busy, span.start, span.stop)


def _cover(busy: list[tuple[float, float]], start: float, stop: float) -> None:
    """Add a time to those in order, and make one of all that it touches."""
    first = bisect_left(busy, start - NEAR, key=lambda span: span[1])
    last = bisect_right(busy, stop + NEAR, key=lambda span: span[0])
    touched = busy[first:last]
    if touched:
        start, stop = min(start, touched[0][0]), max(stop, touched[-1][1])
    busy[first:last] = [(start, stop)]


class Axis:
    """Times as cells: what is busy in proportion, and long pauses between left out but for `CUT` cells."""

    CUT = 2

    def __init__(self, busy: Sequence[tuple[float, float]], cells: int) -> None:
        busy = _without_short_pauses(busy) or [(0.0, 0.0)]
        length = sum(stop - start for start, stop in busy)
        room = max(1, cells - self.CUT * (len(busy) - 1))
        scale = room / length if length > 0 else 0.0
        self.pieces: list[tuple[float, float, float]] = []
        """Start and stop of each time that is shown, in seconds since the epoch, and the cell that it begins in."""
        cell = 0.0
        for start, stop in busy:
            self.pieces.append((start, stop, cell))
            cell += (stop - start) * scale + self.CUT
        self._scale = scale
        self.start = busy[0][0]
        self.length = length

    def cell(self, at: float) -> float:
        """Where a time is; one in a pause is at its beginning."""
        number = max(0, bisect_right(self.pieces, at, key=lambda piece: piece[0]) - 1)
        start, stop, cell = self.pieces[number]
        return cell + (min(max(at, start), stop) - start) * self._scale

    def cuts(self) -> Iterable[float]:
        """The cells at which pauses are left out."""
        return (cell - self.CUT for _, _, cell in self.pieces[1:])

    def time(self, cell: float) -> float:
        """Which time a cell shows."""
        number = max(0, bisect_right(self.pieces, cell, key=lambda piece: piece[2]) - 1)
        start, stop, first = self.pieces[number]
        return min(stop, start + (cell - first) / self._scale) if self._scale else start


def _without_short_pauses(busy: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The times with those made one that lie near each other in proportion to all."""
    longest = max(SHORTEST_CUT, 0.1 * sum(stop - start for start, stop in busy))
    found: list[tuple[float, float]] = []
    for start, stop in busy:
        if found and start - found[-1][1] <= longest:
            found[-1] = (found[-1][0], stop)
        else:
            found.append((start, stop))
    return found
