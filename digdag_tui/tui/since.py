"""What has changed since the stop before the one that is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .lines import Subject
from .view import View

if TYPE_CHECKING:
    from ..debugger.compare import Difference
    from ..debugger.inspect import Inspection

TEMPLATE_LIMIT = 0.5
"""Seconds that a template may take."""
REMEMBERED = 4
"""Stops whose params are kept; those of other stops are worked out from the attempt's history."""


class Seen(NamedTuple):
    """The full name of the task stopped at, and what it saw."""

    task: str
    inspection: Inspection


class Changes(NamedTuple):
    """What the task stopped at sees otherwise than the task `before`, which was stopped at before it."""

    before: str
    differences: list[Difference]


class Since:
    """Compares each stop with the stop before it."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._seen: dict[tuple[int, int], Seen] = {}

    def changes(self, subject: Subject) -> Changes | None:
        """The changes for a task that is stopped at; None for others, and at the first stop."""
        view, task = self._view, subject.task
        if task is not view.stop_task():
            return None
        stops = [stop for stop in view.replay.stops if stop.position <= view.replay.position]
        here = (view.number, stops[-1].position) if stops else (view.number, 0)
        earlier = next((key for key in reversed(self._seen) if key[0] != view.number), None)
        self._seen.pop(here, None)
        self._seen[here] = Seen(task.full_name, subject.inspection())
        while len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        before = next((stop for stop in reversed(stops[:-1]) if stop.position < here[1]), None)
        seen: Seen | None
        if before:
            seen = self._seen.get((view.number, before.position)) or self._at(before.position, before.stopped.task)
        else:
            seen = self._seen.get(earlier) if earlier else None
        if seen is None:
            return None
        from ..debugger.inspect import changes

        same = seen.task == task.full_name
        return Changes(seen.task, changes(seen.inspection, subject.inspection(), same_task=same))

    def _at(self, position: int, task_id: int) -> Seen:
        """What a stop saw at which nobody looked."""
        from ..debugger.inspect import inspect
        from ..params.evaluate import Evaluator

        attempt = self._view.replay.attempt_at(position)
        task = attempt.tasks[task_id]
        return Seen(task.full_name, inspect(attempt, task, Evaluator(time_limit=TEMPLATE_LIMIT)))
