"""The one door to a debugged workflow: commands go in from any thread, events come out.

A session lives in an event loop of its own: `start` gives it a thread, `run` uses the caller's loop. It runs one
attempt after another; restarting, rewinding and reloading begin a new one that has the results it may keep from the
last.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from ..engine.attempt import Attempt, Task
from ..engine.call import own_keys
from ..engine.events import (
    AnyEvent,
    AttemptStarted,
    GroupPlanned,
    ParamEdited,
    SessionContinued,
    SessionStopped,
    TaskReady,
    TaskStarted,
    TaskSucceeded,
)
from ..engine.journal import Journal, read_journal
from ..engine.operator import OperatorResult
from ..engine.planner import rows
from ..engine.recording import Recording, record
from ..engine.runner import Runner
from ..workflow.config import Params, Value, merge
from ..workflow.errors import DigdagError, Problem
from ..workflow.pins import PINS_FILE, Pin
from ..workflow.project import problems_of
from .breakpoints import Breakpoints
from .editing import problem_of_edit
from .edits import Edits, MadeEdit, Scope, old_value
from .environment import LocalEnvironment
from .events import AttemptOpened, Continued, Notice, ProblemsFound, Reloaded, SessionEvent, Stopped, WatchMode
from .gate import Breaks, Opening, StopGate
from .history import new_journal, past_attempt, reopen_journal, session_folder
from .hits import Hits
from .launch import Launch, Loaded, load, session_time, start_event
from .recorded import placed_events
from .reload import Feedback, touched_tasks, used_files
from .replay import UNCOUNTED
from .required import RequiredAttempts
from .stepping import Step, step_into, step_out, step_over

if TYPE_CHECKING:
    from .trial import Trial

State: TypeAlias = Literal["loading", "broken", "running", "stopped", "ended", "recorded"]
"""`recorded` is an attempt of the past that is only looked at."""


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
        breakpoints: Breakpoints | None = None,
    ) -> None:
        self.launch = launch
        self.state: State = "loading"
        self.attempt = Attempt()
        self.loaded: Loaded | None = None
        self.breaks = Breaks(on_failure=break_on_failure, on_question=break_on_failure)
        self.breakpoints = Breakpoints() if breakpoints is None else breakpoints
        self._environment = environment
        self._listener = listener
        self._journaled = journaled
        self._journal: Journal | None = None
        self._journal_path: Path | None = None
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
        self.watch_mode: WatchMode = "touched"
        self.touched: set[str] = set()
        """Full names of tasks that saved files touched and that have not begun since."""
        self._opened_at = 0.0
        """When the attempt began; infinite once files that it does not have were loaded."""
        self._feedback = Feedback()
        self._used: tuple[Loaded, frozenset[Path]] | None = None
        self.edits = Edits()
        """What the person edited in this attempt."""
        self._changed = threading.Condition()

    # Life

    def load(self) -> Loaded:
        """Load and compile the project, if that was not done yet, and fix the session's time.

        Raises:
            DigdagError: it cannot be loaded, or the session's time is not one.
        """
        loaded = self.loaded or load(self.launch)
        if self.loaded is None:
            self.breakpoints.bind(loaded)
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
                if following.recorded:
                    self._look_at(following.recorded)
                else:
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
        self._opened_at = time.time()
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
            self._happened,
            attempt=self.attempt,
            journal=self._journal,
            gate=self._gate,
            recording=opening.recording,
            max_tasks=self.launch.max_task_threads,
            require=required.require,
        )
        mask = self._environment.secrets.masker.mask
        self._gate.hits = Hits(self.breakpoints, self._runner, self._environment.evaluator, mask)
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
    def journal_path(self) -> Path | None:
        """The journal of the present attempt."""
        return self._journal_path

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
        """Run to the next stop: the Debug Adapter Protocol's `continue`; go on with a recorded attempt without end."""
        return self._submit("continue", self._resume)

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

    def try_task(self, task_id: int, values: Params) -> Future[Trial]:
        """Run a task alone with these own keys and params; nothing of the attempt changes. Can be canceled."""

        async def attempt() -> Trial:
            from .trial import try_task

            reason = self.not_possible("test")
            if reason:
                raise NotPossible(f"can't test: {reason}")
            return await try_task(self.attempt, self.attempt.tasks[task_id], values, self._environment)

        if self._loop is None or self._loop.is_closed():
            raise NotPossible("can't test: the session is not running")
        return asyncio.run_coroutine_threadsafe(attempt(), self._loop)

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

    def rewind(self, task_id: int, without: MadeEdit | None = None) -> Future[None]:
        """A new attempt that keeps what ended before that task began, and all edits but one, and stops before it."""
        return self._submit("rewind", lambda: self._rewind(task_id, without))

    def rewind_to(self, position: int) -> Future[None]:
        """A new attempt that keeps what had ended after so many events, and stops before what starts then.

        Output and log lines are no events here: see `replay.UNCOUNTED`.
        """
        return self._submit("rewind", lambda: self._rewind_to(position))

    def look_at(self, past: Path) -> Future[None]:
        """Leave the present attempt, and show the one of this journal as it is recorded."""
        return self._submit("open", lambda: self._open(Opening(recorded=past)))

    def set_param(self, task_id: int, path: tuple[str, ...], value: Value, scope: Scope) -> Future[None]:
        """Set a param: for a task that has not ended, for it and from it on, or for the session."""
        return self.set_params(task_id, [(path, value, scope)])

    def set_params(self, task_id: int, changes: Sequence[tuple[tuple[str, ...], Value, Scope]]) -> Future[None]:
        """Set several params at a task, all of them or none."""
        return self._submit("edit", lambda: self._set_params(task_id, changes))

    def undo(self, edit: MadeEdit | None = None) -> Future[None]:
        """Take back an edit that had no effect yet, the last one if none is named, or make one again that was."""
        return self._submit("undo", lambda: self._undo(edit))

    def waiting_edits(self) -> list[MadeEdit]:
        """Edits of the attempt before, which are made again when their tasks are ready; for any thread."""
        waiting = self._runner.waiting_edits if self._runner else {}
        return [MadeEdit(event, name) for name, events in list(waiting.items()) for event in events]

    def reload(self, changed: Iterable[Path]) -> Future[None]:
        """Load the project again because these files changed, and re-run from the first task that they touch."""
        files = frozenset(changed)
        return self._submit("reload", lambda: self._reload(files))

    def rerun(self) -> Future[None]:
        """Run again from the first task that saved files touched."""
        return self._submit("re-run", lambda: self._rerun(all_tasks=False))

    def used_files(self) -> frozenset[Path]:
        """The files, resolved, that the workflow's tasks use now; for any thread."""
        loaded = self.loaded
        if loaded is None:
            return frozenset()
        if self._used is None or self._used[0] is not loaded:
            self._used = loaded, used_files(loaded)
        return self._used[1]

    def toggle_breakpoint(self, full_name: str) -> bool:
        """Set or clear a breakpoint on a task; True when it is set now."""
        return self.breakpoints.toggle_task(full_name)

    def not_possible(self, command: str) -> str | None:
        """Why a command cannot be carried out now, or None if it can: the one place that decides it."""
        match command, self.state:
            case "reload" | "restart" | "open" | "rewind", "recorded":
                return None
            case "open", "running" | "stopped" | "ended" | "broken":
                return None
            case "continue", "recorded" if self.attempt.success is None:
                return None
            case _, "recorded":
                return "this attempt is over and only looked at: rewind (w) or restart (R) begins a new one"
            case "skip" | "attach" | "retry", "stopped" if self._gate.holding:
                return "this task has run already: rewind (w) to it first, or step (n) to the next"
            case "retry", "stopped" if not self._gate.failing:
                return "only a task that failed can be retried: step over (n) runs this one"
            case "rewind", "running" | "stopped" | "ended" if not self._journaled:
                return "this session keeps no journal to rewind in"
            case "reload" | "restart" | "edit" | "undo", _:
                return None
            case "pin", "running" | "stopped" | "ended":
                return None
            case "test", "stopped" | "ended":
                return None
            case "re-run", "running" | "stopped" | "ended":
                return None if self.touched else "no saved file touches a task that has not run since"
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

    def _happened(self, event: AnyEvent) -> None:
        self._tell(event)
        self._gate.observe(event)

    def _tell(self, event: SessionEvent) -> None:
        self.edits.apply(event)
        self._listener(event)
        if self.touched and isinstance(event, TaskStarted | GroupPlanned) and event.at >= self._opened_at:
            self.touched.discard(self.attempt.tasks[event.task].full_name)
        if isinstance(event, Stopped):
            self._note(SessionStopped(time.time(), msgspec.to_builtins(event)))
            self._set_state("stopped")
        elif isinstance(event, Continued):
            self._note(SessionContinued(time.time()))
            self._set_state("running")

    def _note(self, event: SessionStopped | SessionContinued) -> None:
        """Keep a stop in the journal of the attempt, for those who look at it later."""
        if self._journal and self.attempt.success is None:
            self._journal.write(event)

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

    def _resume(self) -> None:
        if self.state == "recorded" and self._journal_path:
            self._open(Opening(entry=True, past=past_attempt(self._journal_path)))
        else:
            self._go(None)

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
        if self._gate.stopped and self._gate.stopped.task == task_id and not self._gate.holding:
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
        stopped = self._gate.stopped
        self._gate.leave()
        if stopped:
            self._tell(Continued())
        if self._runner:
            self._runner.cancel()

    def _open(self, opening: Opening | None) -> None:
        self._openings.put_nowait(opening)
        if self._runner and self._gate.stopped and (opening is None or opening.recorded):
            self._runner.leave()
        else:
            self._cancel()
        self._set_state("loading")

    def _rewind(self, task_id: int, without: MadeEdit | None) -> None:
        task = self.attempt.tasks.get(task_id)
        if task is None or task.parent is None:
            raise NotPossible("there is nothing before this task: restart (R) begins from the start")
        events, found = self._events_before(lambda row: row is task)
        if not found:
            raise NotPossible(f"{task.full_name} has not started yet: run to it (t) instead")
        self._open(Opening(record(events, self._edits_to_keep(without)), goto=task.full_name))

    def _rewind_to(self, position: int) -> None:
        events: list[AnyEvent] = []
        for event in read_journal(self._journal_path) if self._journal_path else ():
            position -= not isinstance(event, UNCOUNTED)
            if position < 0:
                break
            events.append(self._placed(event))
        self._open(Opening(record(events, self._edits_to_keep()), entry=True))

    def _events_before(self, wanted: Callable[[Task], bool]) -> tuple[list[AnyEvent], bool]:
        """The attempt's events up to where the first wanted task became ready; False if none of them did."""
        events: list[AnyEvent] = []
        for event in read_journal(self._journal_path) if self._journal_path else ():
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

    def _set_params(self, task_id: int, changes: Sequence[tuple[tuple[str, ...], Value, Scope]]) -> None:
        runner, task = self._editable(task_id, {scope for _, _, scope in changes})
        built_ins = runner.built_ins.for_task(task.full_name, {})
        for path, value, scope in changes:
            problem = problem_of_edit(task, path, value, scope, built_ins)
            if problem:
                raise NotPossible(f"can't edit: {problem}")
        seen = merge(runner.params(task), own_keys(task))
        for path, value, scope in changes:
            runner.emit(ParamEdited(time.time(), path, value, scope, task_id, old_value(seen, path)))

    def _undo(self, edit: MadeEdit | None) -> None:
        edit = edit or self.edits.last()
        if edit is None:
            raise NotPossible("can't undo: no param was edited")
        if edit.number is None:
            if self._runner and edit.event in self._runner.waiting_edits.get(edit.task, ()):
                self._runner.waiting_edits[edit.task].remove(edit.event)
            return
        edit = self.edits.made[edit.number]
        if edit.had_effect and not edit.undone:
            raise NotPossible(f"can't undo: {edit.task} has begun with {edit.name}: rewind (w) to it")
        runner, _ = self._editable(edit.event.task, {edit.event.scope})
        runner.emit(self.edits.toggled(edit.number or 0, time.time()))

    def _editable(self, task_id: int, scopes: Collection[Scope]) -> tuple[Runner, Task]:
        """The runner and the task whose params can be edited with these scopes."""
        task = self.attempt.tasks.get(task_id)
        if task is None or self._runner is None or self.attempt.success is not None:
            raise NotPossible("can't edit: the attempt has ended: rewind (w) to the task first")
        stopped = self._gate.stopped
        held = stopped is not None and stopped.task == task_id and not stopped.after
        if set(scopes) != {"session"} and not held and task.state not in ("blocked", "ready"):
            raise NotPossible(f"can't edit: {task.full_name} has run already: rewind (w) to it first")
        return self._runner, task

    def _edits_to_keep(self, without: MadeEdit | None = None) -> dict[str, list[ParamEdited]]:
        """What the person edited, for a new attempt."""
        waiting = self._runner.waiting_edits if self._runner else {}
        return self.edits.to_make_again(waiting, without.number if without else None)

    def _reload(self, saved: frozenset[Path]) -> None:
        own = {file for file in saved if self._feedback.is_own(file, self.attempt)}
        for file in filter(self._feedback.is_new, own):
            self._tell(Notice(f"{file.name} is written by the workflow itself: it does not run again for that"))
        changed = saved - own
        if not changed:
            return
        pins, before = self._environment.pins, self._environment.pins.copy()
        try:
            loaded = load(self.launch)
            pins.read()
        except DigdagError as error:
            self._tell(ProblemsFound(tuple(problems_of(error))))
            return
        self._tell(ProblemsFound(()))
        old, self.loaded = self.loaded, loaded
        self.breakpoints.bind(loaded)
        if self.state == "recorded":
            return
        if old is None or self.attempt.started is None:
            self._open(Opening(entry=True))
            return
        names = dict.fromkeys(task.full_name for task in self.attempt.tasks.values() if not task.is_group)
        repinned = [name for name in names if not pins.same(name, before)]
        touched = tuple(dict.fromkeys([*touched_tasks(old, loaded, changed), *repinned]))
        if not touched and all(file.name == PINS_FILE for file in changed):
            return
        self.touched.update(touched)
        self._opened_at = math.inf
        self._tell(Reloaded(touched, self.watch_mode))
        if self.watch_mode == "all" or (self.watch_mode == "touched" and (touched or old.tasks != loaded.tasks)):
            self._rerun(all_tasks=self.watch_mode == "all")

    def _rerun(self, *, all_tasks: bool) -> None:
        if self._loop:
            self._reopening = self._loop.create_task(self._reopen(frozenset(self.touched), all_tasks))

    async def _reopen(self, touched: frozenset[str], all_tasks: bool) -> None:
        """Let calls end that are not touched, then begin again with what they and all before them came to.

        An attempt that began meanwhile has the new text already, and stays.
        """
        gate, stopped = self._gate, self._gate.stopped
        recording = Recording(edits=self._edits_to_keep())
        if not all_tasks:
            if self._runner and self.state in ("running", "stopped"):
                self._gate.draining = True
                held = stopped.task if stopped else None
                await self._runner.drain(lambda task: task.full_name not in touched and task.id != held)
                if self._gate is not gate:
                    return
            events, _ = self._events_before(lambda task: task.full_name in touched)
            recording = record(events, self._edits_to_keep())
        opening = Opening(recording)
        if stopped:
            name = self.attempt.tasks[stopped.task].full_name
            if stopped.reason == "exception":
                opening.step_after = name
            elif stopped.after:
                opening.entry = True
            else:
                opening.goto = name
        self._open(opening)

    # Attempts

    def _look_at(self, path: Path) -> None:
        """Tell a journal's events without running anything; a new attempt then has that one's session and params."""
        self._loop = asyncio.get_running_loop()
        self._set_state("loading")
        self._journal, self._journal_path, self._runner = None, path, None
        loaded = None
        try:
            loaded = self.load()
        except DigdagError as error:
            self._tell(ProblemsFound(tuple(problems_of(error))))
        damaged: list[int] = []
        events = placed_events(read_journal(path, on_damage=damaged.append), loaded)
        started = next(events, None)
        self.attempt = Attempt()
        if not isinstance(started, AttemptStarted):
            raise DigdagError(f"{path} has no attempt in it", hint="its first line is damaged: open another (A)")
        given = tuple(override for override in self.launch.overrides if override not in started.overrides)
        self.launch = msgspec.structs.replace(
            self.launch, session=started.session_time, overrides=(*started.overrides, *given)
        )
        self.session_time = started.session_time
        self._tell(AttemptOpened(int(path.stem), started.workflow, recorded=True))
        for event in (started, *events):
            self.attempt.apply(event)
            self._tell(event)
        if damaged and self.attempt.success is None:
            lost = f"line {damaged[0]:,} of {path.name} is damaged: only what was before it is shown"
            self._tell(Notice(lost, "warning"))
        self._set_state("recorded")

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
            self._journal_path = self._journal.path
            return opening.past.number
        number, self._journal = new_journal(self.journal_folder or self.launch.project, mask)
        self._journal_path = self._journal.path
        return number
