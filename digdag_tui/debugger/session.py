"""The one door to a debugged workflow: commands go in from any thread, events come out.

A session lives in an event loop of its own: `start` gives it a thread, `run` uses the caller's loop. It runs one
attempt after another; restarting, rewinding and reloading begin a new one that has the results it may keep from the
last.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from ..engine.attempt import Attempt, Task
from ..engine.events import AnyEvent, AttemptStarted, ParamEdited, TaskReady, TaskSucceeded
from ..engine.journal import Journal, read_journal
from ..engine.operator import OperatorResult
from ..engine.planner import rows
from ..engine.recording import record
from ..engine.runner import Runner
from ..workflow.config import Params, Value
from ..workflow.errors import DigdagError, Problem
from ..workflow.pins import PINS_FILE, Pin
from ..workflow.project import problems_of
from .environment import LocalEnvironment
from .events import AttemptOpened, Continued, Notice, ProblemsFound, Reloaded, SessionEvent, Stopped
from .gate import Breaks, Opening, StopGate
from .history import new_journal, reopen_journal, session_folder
from .launch import Launch, Loaded, load, session_time, start_event
from .reload import touched_tasks
from .required import RequiredAttempts
from .stepping import Step, step_into, step_out, step_over

State: TypeAlias = Literal["loading", "broken", "running", "stopped", "ended"]
Scope: TypeAlias = Literal["task", "onward", "session"]


class NotPossible(Exception):
    """A command that cannot be carried out now; the text says why, and what would make it possible."""


class Session:
    """Debugs one workflow.

    `state`, `attempt` and `loaded` are for reading, the attempt at best while the session is stopped: a face that needs
    it at any time applies the events to an attempt of its own.

    Args:
        launch: what to run.
        environment: operators, secrets and the evaluator; used in the session's thread only.
        listener: called with every event, in the session's thread.
        journaled: whether attempts are kept on disk, as rewinding, reloading and resuming need.
    """

    def __init__(
        self,
        launch: Launch,
        environment: LocalEnvironment,
        listener: Callable[[SessionEvent], None] = lambda event: None,
        *,
        journaled: bool = True,
        break_on_failure: bool = True,
    ) -> None:
        self.launch = launch
        self.state: State = "loading"
        self.attempt = Attempt()
        self.loaded: Loaded | None = None
        self.breaks = Breaks(on_failure=break_on_failure, on_question=break_on_failure)
        self._environment = environment
        self._listener = listener
        self._journaled = journaled
        self._journal: Journal | None = None
        self.session_time: str | None = None
        """The session's time in the workflow's zone, once the workflow was loaded."""
        self.session_warning: str | None = None
        """What Digdag logs about how the session's time was chosen."""
        self._runner: Runner | None = None
        self._required: RequiredAttempts | None = None
        self._gate = StopGate(Opening(), self.breaks, self._tell)
        self._openings: asyncio.Queue[Opening | None] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._reopening: asyncio.Task[None] | None = None
        self._changed = threading.Condition()

    # Life

    def load(self) -> Loaded:
        """Load and compile the project, if that was not done yet, and fix the session's time.

        Raises:
            DigdagError: it cannot be loaded, or the session's time is not one.
        """
        loaded = self.loaded or load(self.launch)
        if self.session_time is None:
            self.session_time, self.session_warning = session_time(self.launch, loaded, time.time())
        self.loaded = loaded
        return loaded

    def start(self, opening: Opening | None = None) -> None:
        """Run in a thread of its own until `quit`."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self.run(opening)), name="session", daemon=True)
        self._thread.start()

    async def run(self, opening: Opening | None = None) -> None:
        """Run attempts in the caller's event loop, as the commands want them, until `quit`."""
        following = opening or Opening()
        while following:
            try:
                await self.run_attempt(following)
            except DigdagError as error:
                self._tell(ProblemsFound(tuple(problems_of(error))))
                self._set_state("broken")
            except Exception as error:
                message = f"digdag-tui itself failed: {type(error).__name__}: {error}"
                self._tell(ProblemsFound((Problem(message, hint="restart (R) begins again; please report it"),)))
                self._set_state("broken")
            latest = await self._openings.get()
            while not self._openings.empty():
                latest = self._openings.get_nowait()
            if latest is None:
                return
            following = latest

    async def run_attempt(self, opening: Opening) -> bool:
        """Run one attempt to its end; True for a success.

        Raises:
            DigdagError: the workflow cannot be loaded or started.
        """
        self._loop = asyncio.get_running_loop()
        self._set_state("loading")
        self._gate = StopGate(opening, self.breaks, self._tell)
        started, past = self._beginning(opening)
        number = self._open_journal(opening, started)
        self.attempt = Attempt()
        self._tell(AttemptOpened(number, started.workflow, len(opening.recording.outcomes)))
        for event in past:
            self.attempt.apply(event)
            self._tell(event)
        required = self._required = self._required_attempts(opening, started)
        self._runner = Runner(
            self._environment,
            self._tell,
            attempt=self.attempt,
            journal=self._journal,
            gate=self._gate,
            recording=opening.recording,
            max_tasks=self.launch.max_task_threads,
            require=required.require,
        )
        self._set_state("running")
        try:
            return await self._runner.run(None if past else started)
        except OSError as error:
            raise DigdagError(f"The journal cannot be written: {error}", hint="see that the disk has room") from error
        finally:
            await required.close()
            if self._journal:
                self._journal.close()
            self._set_state("ended" if self._openings.empty() else "loading")

    def quit(self) -> None:
        """End everything that runs, then the session's thread."""
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._open, None)
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join(timeout=10)

    def wait(self, *states: State, timeout: float = 30) -> State:
        """Wait until the session is in one of `states`; `timeout` is in seconds.

        Raises:
            TimeoutError: it never was.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self.state in states, timeout):
                raise TimeoutError(f"the session is {self.state}, not {' or '.join(states)}")
            return self.state

    @property
    def journal_folder(self) -> Path | None:
        """Where the session's attempts are kept, once the workflow was loaded."""
        if not self._journaled or self.loaded is None or self.session_time is None:
            return None
        return session_folder(self.launch.project, self.loaded.workflow.name, self.session_time)

    @property
    def stopped(self) -> Stopped | None:
        """The present stop."""
        return self._gate.stopped

    # Commands: each returns a future that is done when the session has taken it, or that raises NotPossible.

    def step_into(self) -> Future[None]:
        """Run to the first task inside the one stopped at, or to whatever starts next."""
        return self._submit("step", lambda: self._go(step_into(self._stop_task())))

    def step_over(self) -> Future[None]:
        """Run the task stopped at with all that is inside, then stop at what starts next."""
        return self._submit("step", lambda: self._go(self._gate.after(self._stop_task())))

    def step_out(self) -> Future[None]:
        """Run to the end of the group around the task stopped at, then stop at what starts next."""
        return self._submit("step", lambda: self._go(step_out(self._stop_task())))

    def resume(self) -> Future[None]:
        """Run to the next stop: the Debug Adapter Protocol's `continue`."""
        return self._submit("continue", lambda: self._go(None))

    def run_to(self, full_name: str) -> Future[None]:
        """Run until the task of that name is about to start."""
        return self._submit("run to task", lambda: self._go(None, goto=full_name))

    def retry(self) -> Future[None]:
        """Call the failed task again, with the edits made since."""
        return self._submit("retry", lambda: self._go(step_over(self._stop_task()), verdict=True))

    def skip(self, store: Params | None = None) -> Future[None]:
        """Take the task stopped at for a success that stored `store`, without calling it."""
        return self._submit("skip", lambda: self._skip(OperatorResult(store=store or {})))

    def pin(self, task_id: int, pin: Pin, *, save: bool = False) -> Future[None]:
        """Give a task's output for all its later runs, kept in the project's file if `save`.

        A task that is stopped at then has it at once.
        """
        return self._submit("pin", lambda: self._pin(task_id, pin, save))

    def pinned(self, full_name: str) -> Pin | None:
        """The output that is given for a task."""
        return self._environment.pins.find(full_name)

    def attach(self) -> Future[None]:
        """Call the `py>` task stopped at under debugpy, waiting for an editor."""
        return self._submit("attach", self._attach)

    def pause(self) -> Future[None]:
        """Start nothing new; what runs ends."""
        return self._submit("pause", self._pause)

    def stop(self) -> Future[None]:
        """End the attempt and all that runs in it."""
        return self._submit("stop", self._cancel)

    def restart(self) -> Future[None]:
        """A new attempt from the start, without edits, stopping before the first task."""
        return self._submit("restart", lambda: self._open(Opening(entry=True)))

    def rewind(self, task_id: int) -> Future[None]:
        """A new attempt that keeps what ended before that task began, and stops before it."""
        return self._submit("rewind", lambda: self._rewind(task_id))

    def set_param(self, task_id: int, path: tuple[str, ...], value: Value, scope: Scope) -> Future[None]:
        """Set a param: for a task that has not ended, for it and from it on, or for the session."""
        return self._submit("edit", lambda: self._set_param(task_id, path, value, scope))

    def reload(self, changed: Iterable[Path]) -> Future[None]:
        """Load the project again because these files changed, and re-run from the first task that they touch."""
        files = frozenset(changed)
        return self._submit("reload", lambda: self._reload(files))

    def toggle_breakpoint(self, full_name: str) -> bool:
        """Set or clear a breakpoint on a task; True when it is set now."""
        self.breaks.names ^= {full_name}
        return full_name in self.breaks.names

    def not_possible(self, command: str) -> str | None:
        """Why a command cannot be carried out now, or None if it can: the one place that decides it."""
        match command, self.state:
            case "retry", "stopped" if not self._gate.failing:
                return "only a task that failed can be retried: step over (n) runs this one"
            case "rewind", "running" | "stopped" | "ended" if not self._journaled:
                return "this session keeps no journal to rewind in"
            case "reload" | "restart" | "edit", _:
                return None
            case "pin", "running" | "stopped" | "ended":
                return None
            case ("stop", "running" | "stopped") | ("pause", "running") | ("rewind", "running" | "stopped" | "ended"):
                return None
            case "step" | "continue" | "run to task" | "skip" | "attach" | "retry", "stopped":
                return None
            case "pause", "stopped":
                return "the workflow is stopped already: continue (c) or step (n)"
            case _, "running":
                return "the workflow is running: pause (p) it first"
            case _, "ended":
                return "the attempt has ended: restart (R) it, or rewind (w) to a task"
            case _, "broken":
                return "the workflow does not load: correct the problems shown and save"
            case _:
                return "the workflow is still loading"

    # What the commands do, in the session's loop

    def _submit(self, command: str, action: Callable[[], object]) -> Future[None]:
        future: Future[None] = Future()

        def take() -> None:
            try:
                reason = self.not_possible(command)
                if reason:
                    raise NotPossible(f"can't {command}: {reason}")
                action()
                future.set_result(None)
            except Exception as error:
                future.set_exception(error)

        if self._loop is None or self._loop.is_closed():
            future.set_exception(NotPossible(f"can't {command}: the session is not running"))
        else:
            self._loop.call_soon_threadsafe(take)
        return future

    def _tell(self, event: SessionEvent) -> None:
        self._listener(event)
        if isinstance(event, Stopped):
            self._set_state("stopped")
        elif isinstance(event, Continued):
            self._set_state("running")

    def _set_state(self, state: State) -> None:
        with self._changed:
            self.state = state
            self._changed.notify_all()

    def _stop_task(self) -> Task:
        if self._gate.stopped is None:
            raise NotPossible("the workflow is not stopped")
        return self.attempt.tasks[self._gate.stopped.task]

    def _go(self, step: Step | None, goto: str | None = None, verdict: OperatorResult | bool = False) -> None:
        self._gate.go(self._stop_task(), step, goto, verdict)
        if self._runner:
            self._runner.wake()

    def _skip(self, result: OperatorResult) -> None:
        task, failing = self._stop_task(), self._gate.failing
        if task.is_group:
            raise NotPossible(f"{task.full_name} is a group: only a task with an operator can be skipped")
        self._go(step_over(task), verdict=result)
        if not failing and self._runner:
            self._runner.start(task, instead=result)

    def _pin(self, task_id: int, pin: Pin, save: bool) -> None:
        task = self.attempt.tasks.get(task_id)
        if task is None or task.is_group:
            raise NotPossible("can't pin a group: pin the tasks in it")
        self._environment.pins.keep(task.full_name, pin, save=save)
        place = f"in {PINS_FILE}" if save else "until you leave"
        self._tell(Notice(f"{task.full_name} is pinned {place}: it is not run"))
        if self._gate.stopped and self._gate.stopped.task == task_id:
            self._go(step_over(task), verdict=True)

    def _attach(self) -> None:
        task = self._stop_task()
        if "py>" not in task.config and task.config.get("_type") != "py":
            raise NotPossible(f"{task.full_name} is no py> task: a debugger can attach to Python tasks only")
        self._gate.debugged = task.id
        self._go(step_over(task), verdict=True)

    def _pause(self) -> None:
        self._gate.pausing = True

    def _cancel(self) -> None:
        if self._gate.stopped:
            self._gate.stopped = None
            self._tell(Continued())
        if self._runner:
            self._runner.cancel()

    def _open(self, opening: Opening | None) -> None:
        self._openings.put_nowait(opening)
        self._cancel()
        self._set_state("loading")

    def _rewind(self, task_id: int) -> None:
        task = self.attempt.tasks.get(task_id)
        if task is None or task.parent is None:
            raise NotPossible("there is nothing before this task: restart (R) begins from the start")
        events, found = self._events_before(lambda row: row is task)
        if not found:
            raise NotPossible(f"{task.full_name} has not started yet: run to it (t) instead")
        self._open(Opening(record(events), goto=task.full_name))

    def _events_before(self, wanted: Callable[[Task], bool]) -> tuple[list[AnyEvent], bool]:
        """The attempt's events up to where the first wanted task became ready; False if none of them did."""
        events: list[AnyEvent] = []
        for event in read_journal(self._journal.path) if self._journal else ():
            if isinstance(event, TaskReady) and wanted(self.attempt.tasks[event.task]):
                return events, True
            events.append(self._placed(event))
        return events, False

    def _placed(self, event: AnyEvent) -> AnyEvent:
        """An event read back, with what this attempt still knows and a journal does not: where keys stand in files."""
        if isinstance(event, TaskSucceeded) and event.subtasks:
            subtasks = self.attempt.tasks[event.task].subtasks
            return msgspec.structs.replace(event, subtasks=subtasks) if subtasks == event.subtasks else event
        return event

    def _set_param(self, task_id: int, path: tuple[str, ...], value: Value, scope: Scope) -> None:
        task = self.attempt.tasks.get(task_id)
        if task is None or self._runner is None or self.attempt.success is not None:
            raise NotPossible("can't edit: the attempt has ended: rewind (w) to the task first")
        held = self._gate.stopped is not None and self._gate.stopped.task == task_id
        if scope != "session" and not held and task.state not in ("blocked", "ready"):
            raise NotPossible(f"can't edit: {task.full_name} has run already: rewind (w) to it first")
        if scope != "task" and path[0] in self._runner.built_ins.for_task(task.full_name, {}):
            raise NotPossible(f"can't edit: {path[0]} is set by Digdag for every task: edit it for one task only")
        self._runner.emit(ParamEdited(time.time(), path, value, scope, task_id))

    def _reload(self, changed: frozenset[Path]) -> None:
        pins, before = self._environment.pins, self._environment.pins.copy()
        try:
            loaded = load(self.launch)
            pins.read()
        except DigdagError as error:
            self._tell(ProblemsFound(tuple(problems_of(error))))
            return
        self._tell(ProblemsFound(()))
        old, self.loaded = self.loaded, loaded
        if old is None or self.attempt.started is None:
            self._open(Opening(entry=True))
            return
        names = dict.fromkeys(task.full_name for task in self.attempt.tasks.values() if not task.is_group)
        repinned = [name for name in names if not pins.same(name, before)]
        touched = tuple(dict.fromkeys([*touched_tasks(old, loaded, changed), *repinned]))
        if touched or any(file.name != PINS_FILE for file in changed):
            self._tell(Reloaded(touched))
        if (touched or old.tasks != loaded.tasks) and self._loop:
            self._reopening = self._loop.create_task(self._reopen(frozenset(touched)))

    async def _reopen(self, touched: frozenset[str]) -> None:
        """Let calls end that are not touched, then begin again with what they and all before them came to."""
        stopped = self._gate.stopped
        if self._runner and self.state in ("running", "stopped"):
            self._gate.draining = True
            held = stopped.task if stopped else None
            await self._runner.drain(lambda task: task.full_name not in touched and task.id != held)
        events, _ = self._events_before(lambda task: task.full_name in touched)
        opening = Opening(record(events))
        if stopped:
            name = self.attempt.tasks[stopped.task].full_name
            if stopped.reason == "exception":
                opening.step_after = name
            else:
                opening.goto = name
        self._open(opening)

    # Attempts

    def _beginning(self, opening: Opening) -> tuple[AttemptStarted, list[AnyEvent]]:
        """The first event; for an attempt that is gone on with, also all that happened before."""
        loaded = self.load()
        self._environment.pins.read()
        if opening.past:
            events = list(read_journal(opening.past.path))
            first = events[0]
            if isinstance(first, AttemptStarted):
                added = rows(loaded.tasks)
                if added == first.added:
                    first = events[0] = msgspec.structs.replace(first, added=added)
                return first, events
        return start_event(self.launch, loaded, self.session_time or "", time.time()), []

    def _required_attempts(self, opening: Opening, started: AttemptStarted) -> RequiredAttempts:
        """Where the attempts that this one requires run, with those that an earlier one keeps for it."""
        required = RequiredAttempts(
            self.launch,
            self.load(),
            self._environment,
            self._tell,
            started,
            journaled=self._journaled,
            resumed=opening.past is not None,
        )
        if self._required:
            required.keep(self._required, opening.recording)
        return required

    def _open_journal(self, opening: Opening, started: AttemptStarted) -> int:
        if not self._journaled:
            return 1
        mask = self._environment.secrets.masker.mask
        if opening.past:
            self._journal = reopen_journal(opening.past, mask)
            return opening.past.number
        number, self._journal = new_journal(self.journal_folder or self.launch.project, mask)
        return number
