"""The one door to a debugged workflow: commands go in from any thread, events come out."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..engine.attempt import Task
from ..engine.call import own_keys
from ..engine.events import (
    AnyEvent,
    GroupPlanned,
    ParamEdited,
    TaskReady,
    TaskStarted,
    TaskSucceeded,
)
from ..engine.journal import read_journal
from ..engine.operator import OperatorResult
from ..engine.recording import Recording, Row, record
from ..engine.runner import Runner
from ..workflow.config import Params, Value, merge
from ..workflow.errors import DigdagError
from ..workflow.pins import PINS_FILE, Pin
from ..workflow.project import problems_of
from .attempts import Attempts
from .breakpoints import Breakpoints
from .edits import Edits, MadeEdit, Scope, old_value
from .environment import LocalEnvironment
from .events import Notice, ProblemsFound, Reloaded, SessionEvent, WatchMode
from .gate import Opening
from .history import past_attempt
from .launch import Launch, Loaded, load
from .reload import Feedback, touched_tasks, used_files
from .stepping import Step, step_into, step_out, step_over

if TYPE_CHECKING:
    from .trial import Trial


def is_python(task: Task) -> bool:
    """Whether a task calls Python."""
    return "py>" in task.config or task.config.get("_type") == "py"


class NotPossible(Exception):
    """A command that cannot be carried out now; the text says why, and what would make it possible."""


class Session(Attempts):
    """Debugs one workflow; each command returns a future that is done when the session has taken it.

    A command that cannot be carried out raises NotPossible there. Restarting, rewinding and reloading begin another
    attempt, which has the results that it may keep from the last.
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
        super().__init__(
            launch,
            environment,
            listener,
            journaled=journaled,
            break_on_failure=break_on_failure,
            breakpoints=breakpoints,
        )
        self._reopening: asyncio.Task[None] | None = None
        self.watch_mode: WatchMode = "touched"
        self.touched: set[str] = set()
        """Full names of tasks that saved files touched and that have not begun since."""
        self._feedback = Feedback()
        self._used: tuple[Loaded, frozenset[Path]] | None = None
        self.edits = Edits()
        """What the person edited in this attempt."""

    def step_into(self) -> Future[None]:
        """Run to the first task inside the one stopped at, or to whatever starts next.

        A `py>` task runs to the first line of its function, under the debugger; after a failure, it is called again.
        """
        return self._submit("step", self._step_into)

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

    def begin_without_editor(self, task_id: int) -> Future[None]:
        """Let a task that waits for an editor begin without one."""

        async def begin() -> None:
            from .dap_client import DapError

            editors = self._gate.editors
            if editors is None or not editors.waits(task_id):
                raise NotPossible("no task waits for an editor")
            try:
                await editors.begin_without(task_id)
            except DapError as error:
                raise NotPossible(f"{error}: rewind (w) to the task, or stop (K)") from None

        if self._loop is None or self._loop.is_closed():
            raise NotPossible("the session is not running")
        return asyncio.run_coroutine_threadsafe(begin(), self._loop)

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
        return [MadeEdit(event, name, row=row) for (name, row), events in list(waiting.items()) for event in events]

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
            case "attach", "running" if self._gate.editors and self._gate.editors.waited_for:
                return None
            case "retry", "stopped" if not self._gate.failing:
                return "only a task that failed can be retried: step over (n) runs this one"
            case "rewind", "running" | "stopped" | "ended" if not self._journaled:
                return "this session keeps no journal to rewind in"
            case "edit" | "undo", "loading":
                return "another attempt begins"
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
            case _, "running" if self.python.stops:
                return "a task is stopped inside its Python code: continue (c) there first"
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

        if self._loop is None or self._loop.is_closed() or self._leaving:
            future.set_exception(NotPossible(f"can't {command}: the session is not running"))
        else:
            self._loop.call_soon_threadsafe(take)
        return future

    def _tell(self, event: SessionEvent) -> None:
        self.edits.apply(event)
        if self.touched and isinstance(event, TaskStarted | GroupPlanned) and event.at >= self._opened_at:
            self.touched.discard(self.attempt.tasks[event.task].full_name)
        super()._tell(event)

    def _stop_task(self) -> Task:
        if self._gate.stopped is None:
            raise NotPossible("the workflow is not stopped")
        return self.attempt.tasks[self._gate.stopped.task]

    def _go(self, step: Step | None, goto: str | None = None, verdict: OperatorResult | bool = False) -> None:
        self._gate.go(self._stop_task(), step, goto, verdict)
        if self._runner:
            self._runner.wake()

    def _step_into(self) -> None:
        task = self._stop_task()
        if is_python(task) and not self._gate.holding:
            self._gate.into = task.id
            self._go(step_over(task), verdict=True)
        else:
            self._go(step_into(task))

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
        if not is_python(task):
            raise NotPossible(f"{task.full_name} is no py> task: a debugger can attach to Python tasks only")
        self._gate.debugged = task.id
        self._go(step_over(task), verdict=True)

    def _pause(self) -> None:
        self._gate.pausing = True

    def _rewind(self, task_id: int, without: MadeEdit | None) -> None:
        task = self.attempt.tasks.get(task_id)
        if task is None or task.parent is None:
            raise NotPossible("there is nothing before this task: restart (R) begins from the start")
        events, found = self._events_before(lambda row: row is task)
        if not found:
            raise NotPossible(f"{task.full_name} has not started yet: run to it (t) instead")
        self._open(Opening(record(events, self._edits_to_keep(without)), goto=task.full_name))

    def _rewind_to(self, position: int) -> None:
        from .replay import UNCOUNTED

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
        from .editing import problem_of_edit

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
            row = edit.task, edit.row
            if self._runner and edit.event in self._runner.waiting_edits.get(row, ()):
                self._runner.waiting_edits[row].remove(edit.event)
            return
        if edit.number >= len(self.edits.made) or self.edits.made[edit.number].event != edit.event:
            raise NotPossible(f"can't undo: {edit.name} was edited in an attempt before this one")
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

    def _edits_to_keep(self, without: MadeEdit | None = None) -> dict[Row, list[ParamEdited]]:
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
        if self._reopening:
            self._reopening.cancel()
        if self._loop:
            self._reopening = self._loop.create_task(self._reopen(frozenset(self.touched), all_tasks))

    async def _reopen(self, touched: frozenset[str], all_tasks: bool) -> None:
        """Let calls end that are not touched, then begin again with what they and all before them came to.

        An attempt that began meanwhile has the new text already, and stays.
        """
        gate, stopped, inside = self._gate, self._gate.stopped, [*self.python.stops]
        recording = Recording(edits=self._edits_to_keep())
        if not all_tasks:
            if self._runner and self.state in ("running", "stopped"):
                self._gate.draining = True
                held = stopped.task if stopped else None
                runner = self._runner
                await runner.drain(lambda task: task.full_name not in touched and task.id not in (held, *inside))
                if runner is not self._runner or not self._openings.empty():
                    return  # the person began another attempt, or left
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
        elif inside:
            opening.goto = self.attempt.tasks[inside[-1]].full_name
        self._open(opening)
