"""Where an attempt stops: steps, breakpoints, failures, pauses. One gate serves one attempt."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ..engine.attempt import Task
from ..engine.events import AnyEvent, ParamEdited, RetryScheduled, TaskEnded, TaskFailed, TaskSucceeded
from ..engine.operator import OperatorContext, OperatorResult, OutputNeeded, error_object
from ..engine.recording import Recording
from ..workflow.errors import DigdagError
from .events import Continued, Notice, Reason, SessionEvent, Stopped
from .history import PastAttempt
from .stepping import Step, nearest, step_into, step_over

if TYPE_CHECKING:
    from .breakpoints import Breakpoints
    from .editor_port import EditorPort
    from .hits import Hits
    from .python_debugger import PythonDebugger


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
    recorded: Path | None = None
    """Show the attempt of this journal, and run nothing."""


class Breaks(Struct):
    """What outlives an attempt: which failures stop, whether a task may ask, whether a step holds branches."""

    on_failure: bool = True
    on_question: bool = True
    on_raise: bool = False
    """Whether all Python tasks run under the debugger, which stops where they raise what nothing in them catches."""
    hold_branches: bool = True
    """Whether the other branches wait while one is stepped, or run free."""


class StopGate:
    """The runner's gate: holds back what must not start, and says when it stops."""

    def __init__(self, opening: Opening, breaks: Breaks, listener: Callable[[SessionEvent], None]) -> None:
        self.stopped: Stopped | None = None
        self.pausing = False
        self.draining = False
        self.debugged: int | None = None
        """The task whose next call waits for a debugger."""
        self.into: int | None = None
        """The task whose next call stops at the first line of its function."""
        self.python: PythonDebugger | None = None
        self._inside: set[int] = set()
        """The tasks that are stopped inside their Python code."""
        self._breakpoints: Breakpoints | None = None
        self._make: Callable[[], Hits] | None = None
        self._made: Hits | None = None
        """The breakpoints, once there is an attempt to hit them."""
        self._breaks = breaks
        self._listener = listener
        self._entry = opening.entry
        self._goto = opening.goto
        self._step_after = opening.step_after
        self._step: Step | None = None
        self._origin: Task | None = None
        self._passing: set[int] = set()
        self._released: set[int] = set()
        """Tasks that were let start: what comes of others is known from an attempt before."""
        self._waiting: deque[Stopped] = deque()
        """Stops that came while there was one."""
        self._verdict: asyncio.Future[OperatorResult | bool] | None = None
        self._continued = asyncio.Event()
        self.editors: EditorPort | None = None
        """Where editors come to the tasks that wait for one, once a task did."""

    def watch(self, breakpoints: Breakpoints, make: Callable[[], Hits]) -> None:
        """Stop at breakpoints from now on; what decides on them is made once there are any."""
        self._breakpoints, self._make = breakpoints, make

    def _hits(self) -> Hits | None:
        if self._breakpoints is None or self._make is None:
            return None
        if self._made is None and self._breakpoints.active:
            self._made = self._make()
        return self._made

    @property
    def failing(self) -> bool:
        """Whether the stop is at a task that failed."""
        return self._verdict is not None

    @property
    def holding(self) -> bool:
        return self.stopped is not None and self.stopped.after

    def release(self, ready: Sequence[Task]) -> Sequence[Task]:
        if self.stopped or self.draining or self._inside:
            return []
        ordered = nearest(ready, self._origin)
        for task in ordered:
            stop = self._stop_at(task)
            if stop:
                self._stop(stop)
                return []
        released = [task for task in ordered if self._may_start(task)]
        for task in released:
            self._passing.discard(task.id)
            self._released.add(task.id)
            if task.full_name == self._step_after:
                self._step, self._step_after, self._origin = step_over(task), None, task
        return released

    def observe(self, event: AnyEvent) -> None:
        """Stop after an event that just happened, if it hits a breakpoint."""
        if self.editors and isinstance(event, TaskSucceeded | TaskFailed | TaskEnded | RetryScheduled):
            self.editors.close(event.task)
        match event:
            case TaskSucceeded() | RetryScheduled() if event.task in self._released or event.task in self._passing:
                hit = hits.after(event) if (hits := self._hits()) else None
            case ParamEdited():
                hit = hits.after(event) if (hits := self._hits()) else None
            case _:
                return
        if hit is None:
            return
        if isinstance(event, ParamEdited) and self.stopped:
            self._listener(Notice(hit.description))
            return
        stop = Stopped(hit.reason, event.task, None, (), None, False, hit.breakpoints, hit.description, after=True)
        self._waiting.append(stop) if self.stopped or self._inside else self._stop(stop)

    def calling(self, task: Task, context: OperatorContext) -> None:
        if task.id == self.debugged:
            self.debugged = None
            context.debug_python = True
            context.debug_waiting = lambda host, port: self._let_editor_in(task, context, host, port)
        elif self.python and context.config.get("_type") == "py":
            into, self.into = task.id == self.into, None if task.id == self.into else self.into
            if into or self._breaks.on_raise or (self._breakpoints and self._breakpoints.in_python):
                context.python_client = self.python.client(task.id, context, into=into)

    def enter(self, task: int) -> None:
        """A task stopped inside its Python code: nothing else starts."""
        self._inside.add(task)

    def exit(self, task: int) -> None:
        """A task goes on that was stopped inside its Python code; what stopped meanwhile is told then."""
        if task not in self._inside:
            return
        self._inside.remove(task)
        if not self._inside and not self.stopped:
            self._continued.set()
            if self._waiting:
                self._stop(self._waiting.popleft())

    def step_from(self, task: Task, stepped: bool) -> None:
        """A task is about to go on inside its Python code: by a step, after which what starts next stops, or freely."""
        self._origin, self._step = task, step_over(task) if stepped else None

    def _let_editor_in(self, task: Task, context: OperatorContext, host: str, port: int) -> None:
        from .editor_port import EditorPort, root_of

        self.editors = self.editors or EditorPort(context.project, self._listener)
        self.editors.offer(task.id, host, port, root_of(context))

    async def failed(self, task: Task, error: DigdagError) -> OperatorResult | bool:
        if self.editors:
            self.editors.close(task.id)
        while self.stopped or self._inside:
            self._continued.clear()
            await self._continued.wait()
        asks = isinstance(error, OutputNeeded) and error.asks
        if not (self._breaks.on_failure or (asks and self._breaks.on_question)):
            return False
        verdict: asyncio.Future[OperatorResult | bool] = asyncio.get_running_loop().create_future()
        self._verdict = verdict
        frames, exceptions = (tuple(getattr(error, name, ())) for name in ("frames", "exceptions"))
        stop = Stopped("exception", task.id, error_object(error), frames, error.advice, asks, exceptions=exceptions)
        self._stop(stop)
        try:
            return await verdict
        finally:
            if self._verdict is verdict:
                self._verdict = None

    def go(self, origin: Task, step: Step | None, goto: str | None, verdict: OperatorResult | bool) -> None:
        """Leave the stop at `origin`; `verdict` is how it goes on if it failed."""
        self._origin, self._step, self._goto = origin, step, goto
        left, self.stopped = self.stopped, None
        self._listener(Continued())
        self._continued.set()
        if self._verdict:
            self._verdict.set_result(verdict)
            self._verdict = None
        elif left and not left.after:
            self._passing.add(origin.id)
        if self._waiting and not self._inside:
            self._stop(self._waiting.popleft())

    def leave(self) -> None:
        """Forget all stops: the attempt ends."""
        if self.editors:
            self.editors.close_all()
        self.stopped = None
        self._inside.clear()
        self._waiting.clear()
        self._breakpoints = None

    def after(self, task: Task) -> Step:
        """A step over `task`; after a failure its `_error` is not run through."""
        return step_into(task) if self.failing else step_over(task)

    def _may_start(self, task: Task) -> bool:
        return self._passes(task) or not self._is_held(task)

    def _is_held(self, task: Task) -> bool:
        return self._breaks.hold_branches and self._step is not None and self._step.verdict(task) == "hold"

    def _stop_at(self, task: Task) -> Stopped | None:
        """The stop before a task that would start now; one that is held does not."""
        if task.parent is None or self._passes(task):
            return None
        if self.pausing:
            return Stopped("pause", task.id)
        if self._is_held(task):
            return None
        hit = hits.before(task) if (hits := self._hits()) else None
        reason = self._reason(task)
        if hit is None:
            return Stopped(reason, task.id) if reason else None
        return Stopped(
            "goto" if reason == "goto" else hit.reason,
            task.id,
            breakpoints=hit.breakpoints,
            description=hit.description,
        )

    def _reason(self, task: Task) -> Reason | None:
        if task.full_name == self._goto:
            return "goto"
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
