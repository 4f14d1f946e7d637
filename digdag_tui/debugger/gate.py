"""Where an attempt stops: steps, breakpoints, failures, pauses. One gate serves one attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct, field

from ..engine.attempt import Task
from ..engine.operator import OperatorContext, OperatorResult, OutputNeeded, error_object
from ..engine.recording import Recording
from ..workflow.errors import DigdagError
from .events import Continued, DebuggerWaiting, Reason, SessionEvent, Stopped
from .history import PastAttempt
from .stepping import Step, nearest, step_into, step_over


class Opening(Struct):
    """How an attempt begins."""

    recording: Recording = field(default_factory=Recording)
    entry: bool = False
    """Stop before the first task."""
    goto: str | None = None
    """Stop before this task."""
    step_after: str | None = None
    """Run this task, then stop at what starts next."""
    past: PastAttempt | None = None
    """Go on with this attempt instead of a new one."""


class Breaks(Struct):
    """What outlives an attempt: breakpoints by full name, whether a failure stops, and whether a task may ask."""

    names: set[str] = field(default_factory=set)
    on_failure: bool = True
    on_question: bool = True


class StopGate:
    """The runner's gate: holds back what must not start, and says when it stops."""

    def __init__(self, opening: Opening, breaks: Breaks, listener: Callable[[SessionEvent], None]) -> None:
        self.stopped: Stopped | None = None
        self.pausing = False
        self.draining = False
        self.debugged: int | None = None
        """The task whose next call waits for a debugger."""
        self._breaks = breaks
        self._listener = listener
        self._entry = opening.entry
        self._goto = opening.goto
        self._step_after = opening.step_after
        self._step: Step | None = None
        self._origin: Task | None = None
        self._passing: set[int] = set()
        self._verdict: asyncio.Future[OperatorResult | bool] | None = None
        self._continued = asyncio.Event()

    @property
    def failing(self) -> bool:
        """Whether the stop is at a task that failed."""
        return self._verdict is not None

    def release(self, ready: Sequence[Task]) -> Sequence[Task]:
        if self.stopped or self.draining:
            return []
        ordered = nearest(ready, self._origin)
        for task in ordered:
            reason = self._stop_reason(task)
            if reason:
                self._stop(Stopped(reason, task.id))
                return []
        released = [task for task in ordered if self._may_start(task)]
        for task in released:
            self._passing.discard(task.id)
            if task.full_name == self._step_after:
                self._step, self._step_after, self._origin = step_over(task), None, task
        return released

    def calling(self, task: Task, context: OperatorContext) -> None:
        if task.id == self.debugged:
            self.debugged = None
            context.debug_python = True
            context.debug_waiting = lambda host, port: self._listener(DebuggerWaiting(task.id, host, port))

    async def failed(self, task: Task, error: DigdagError) -> OperatorResult | bool:
        while self.stopped:
            self._continued.clear()
            await self._continued.wait()
        asks = isinstance(error, OutputNeeded) and error.asks
        if not (self._breaks.on_failure or (asks and self._breaks.on_question)):
            return False
        verdict: asyncio.Future[OperatorResult | bool] = asyncio.get_running_loop().create_future()
        self._verdict = verdict
        frames = tuple(getattr(error, "frames", ()))
        self._stop(Stopped("exception", task.id, error_object(error), frames, error.advice, asks))
        try:
            return await verdict
        finally:
            if self._verdict is verdict:
                self._verdict = None

    def go(self, origin: Task, step: Step | None, goto: str | None, verdict: OperatorResult | bool) -> None:
        """Leave the stop at `origin`; `verdict` is how it goes on if it failed."""
        self.stopped, self._origin = None, origin
        self._step, self._goto = step, goto
        self._listener(Continued())
        self._continued.set()
        if self._verdict:
            self._verdict.set_result(verdict)
            self._verdict = None
        else:
            self._passing.add(origin.id)

    def after(self, task: Task) -> Step:
        """A step over `task`; after a failure its `_error` is not run through."""
        return step_into(task) if self.failing else step_over(task)

    def _may_start(self, task: Task) -> bool:
        return self._passes(task) or self._step is None or self._step.verdict(task) == "start"

    def _stop_reason(self, task: Task) -> Reason | None:
        if task.parent is None or self._passes(task):
            return None
        if self.pausing:
            return "pause"
        if task.full_name == self._goto:
            return "goto"
        if task.full_name in self._breaks.names:
            return "breakpoint"
        if self._step and self._step.verdict(task) == "stop":
            return "step"
        return "entry" if self._entry else None

    def _passes(self, task: Task) -> bool:
        """Whether `task` was stopped at already, or goes on with what it began."""
        return task.id in self._passing or (task.started_at is not None and not task.is_group)

    def _stop(self, stopped: Stopped) -> None:
        self._step, self._goto, self._entry, self.pausing = None, None, False, False
        self.stopped = stopped
        self._listener(stopped)
