"""The Python side of a session: all its `py>` tasks that run under the debugger, and the commands for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from ..engine.operator import OperatorContext
from ..workflow.errors import DigdagError
from .breakpoints import Breakpoints
from .python_stops import (
    BreakpointState,
    Completion,
    Frame,
    PythonAttached,
    PythonBreakpoints,
    PythonContinued,
    PythonDetached,
    PythonEvent,
    PythonStopped,
    Scope,
    Variable,
    Variables,
)

if TYPE_CHECKING:
    from .python_task import PythonTask

Result = TypeVar("Result")
Context: TypeAlias = Literal["repl", "watch", "hover"]


class PythonDebugger:
    """The debugged `py>` tasks of the present attempt.

    Each command may be called from any thread and returns a future; it fails with a DigdagError of one sentence when
    it cannot be carried out. `stops`, `attached` and `states` are replaced as a whole, and so are for any thread too.

    Args:
        mask: takes the values of secrets out of a text.
        tell: called with each event, in the session's thread.
        log: prints what a logpoint of a task says.
        notice: says a sentence that the person should read.
        going: called when a task is about to go on, with whether it is stepped.
    """

    def __init__(
        self,
        project: Path,
        breakpoints: Breakpoints,
        *,
        mask: Callable[[str], str],
        tell: Callable[[PythonEvent], None],
        log: Callable[[int, str], None],
        notice: Callable[[str], None],
        going: Callable[[int, bool], None],
    ) -> None:
        self.stops: Mapping[int, PythonStopped] = {}
        """The present stops by task, in the order in which they came."""
        self.attached: frozenset[int] = frozenset()
        """The tasks that run under the debugger."""
        self.states: Mapping[int, BreakpointState] = {}
        """What became of breakpoints in Python files, by their ids, in the task that last had them."""
        self._project = project
        self._breakpoints = breakpoints
        self._mask = mask
        self._listener = tell
        self._log = log
        self._notice = notice
        self._going = going
        self._tasks: dict[int, PythonTask] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        breakpoints.on_change = self._breakpoints_changed

    def client(self, task: int, context: OperatorContext, *, into: bool) -> PythonTask | None:
        """What debugs the call of a task that begins now, in the session's loop; nothing does for a script."""
        from .python_task import PythonTask

        if context.command is None:
            if into:
                self._notice(f"{context.full_name}: a script has no function to step into: it runs through")
            return None
        self._loop = asyncio.get_running_loop()
        made = self._tasks[task] = PythonTask(
            task,
            str(context.command).partition(".")[0],
            self._project,
            self._breakpoints,
            into=into,
            mask=self._mask,
            tell=self._tell,
            log=lambda text: self._log(task, text),
            notice=lambda text: self._notice(f"{context.full_name}: {text}"),
        )
        return made

    def step_over(self, task: int) -> Future[None]:
        """Run to the next line of the function, or into what called it; at its end on to the next task."""
        return self._go(task, "next")

    def step_into(self, task: int) -> Future[None]:
        """Run to the first line of the user's own code that is called, or to the next line."""
        return self._go(task, "stepIn")

    def step_out(self, task: int) -> Future[None]:
        """Run to where the function returns to."""
        return self._go(task, "stepOut")

    def resume(self, task: int) -> Future[None]:
        """Run to the next stop."""
        return self._go(task, "continue")

    def run_to(self, task: int, file: str, line: int) -> Future[None]:
        """Run to a line, or to a stop before; `file` is relative to the project, or absolute."""

        async def run() -> None:
            debugged = self._stopped(task)
            self._going(task, False)
            await debugged.run_to(file, line)

        return self._submit(run())

    def pause(self, task: int) -> Future[None]:
        """Stop at the next line; in a call that takes long, after that."""

        async def pause() -> None:
            if task in self.stops:
                raise DigdagError("the task is stopped already")
            await self._attached(task).pause()

        return self._submit(pause())

    def scopes(self, task: int, frame: int) -> Future[tuple[Scope, ...]]:
        """The groups of a frame's variables."""
        return self._ask(task, lambda debugged: debugged.scopes(frame))

    def variables(self, task: int, reference: int) -> Future[Variables]:
        """What is in a scope or in a variable, one page."""
        return self._ask(task, lambda debugged: debugged.variables(reference))

    def set_expression(self, task: int, expression: str, value: str, frame: int) -> Future[Variable]:
        """Give what `expression` names in a frame the value of another Python expression; what it has then."""
        return self._ask(task, lambda debugged: debugged.set_expression(expression, value, frame))

    def evaluate(self, task: int, expression: str, frame: int, context: Context = "repl") -> Future[Variable]:
        """The value of an expression in a frame; `repl` carries out statements, too. Can be canceled."""
        return self._ask(task, lambda debugged: debugged.evaluate(expression, frame, context))

    def completions(self, task: int, text: str, column: int, frame: int) -> Future[tuple[Completion, ...]]:
        """What may follow in `text` at `column`, from 0."""
        return self._ask(task, lambda debugged: debugged.completions(text, column, frame))

    def source(self, task: int, frame: Frame) -> Future[str]:
        """The text that a frame's code came from."""
        return self._ask(task, lambda debugged: debugged.source(frame))

    def let_go(self, task: int) -> Future[None]:
        """Run on without the debugger."""

        async def let_go() -> None:
            debugged = self._attached(task)
            self._going(task, False)
            await debugged.let_go()

        return self._submit(let_go())

    # In the session's loop

    def _go(self, task: int, command: str) -> Future[None]:
        async def go() -> None:
            debugged = self._stopped(task)
            self._going(task, command != "continue")
            await debugged.step(command)

        return self._submit(go())

    def _ask(self, task: int, question: Callable[[PythonTask], Coroutine[Any, Any, Result]]) -> Future[Result]:
        async def ask() -> Result:
            return await question(self._stopped(task))

        return self._submit(ask())

    def _submit(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        if self._loop and not self._loop.is_closed():
            return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()
        failed: Future[Result] = Future()
        failed.set_exception(DigdagError("no task runs under the debugger"))
        return failed

    def _attached(self, task: int) -> PythonTask:
        if task not in self.attached:
            raise DigdagError("the task does not run under the debugger: rewind (w) to it and step into (s) it")
        return self._tasks[task]

    def _stopped(self, task: int) -> PythonTask:
        if task not in self.stops:
            self._attached(task)
            raise DigdagError("the task runs: pause (p) it first")
        return self._tasks[task]

    def _tell(self, event: PythonEvent) -> None:
        others = {task: stop for task, stop in self.stops.items() if task != event.task}
        match event:
            case PythonAttached():
                self.attached |= {event.task}
            case PythonStopped():
                self.stops = {**others, event.task: event}
                for each in event.breakpoints:
                    self._breakpoints.hits[each] += 1
            case PythonContinued():
                self.stops = others
            case PythonDetached():
                self.stops = others
                self.attached -= {event.task}
                del self._tasks[event.task]
            case PythonBreakpoints():
                self.states = {**self.states, **event.states}
        self._listener(event)

    def _breakpoints_changed(self) -> None:
        """From any thread: tell the tasks that run."""
        if self._tasks and self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._send_breakpoints)

    def _send_breakpoints(self) -> None:
        for task in self._tasks.values():
            task.breakpoints_changed()
