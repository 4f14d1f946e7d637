"""What the screen shows: the session's events, folded. Nothing here knows a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from enum import Flag, auto
from pathlib import Path
from typing import Final, NamedTuple

from ..debugger.edits import Edits
from ..debugger.events import (
    AttemptOpened,
    Continued,
    DebuggerWaiting,
    EditorAttached,
    EditorDetached,
    Notice,
    ProblemsFound,
    Reloaded,
    RequiredEvent,
    SessionEvent,
    Stopped,
    WarningsFound,
)
from ..debugger.python_stops import (
    PythonAttached,
    PythonBreakpoints,
    PythonContinued,
    PythonDetached,
    PythonStopped,
)
from ..debugger.replay import Replay
from ..engine.attempt import DONE, FAILED, Attempt, Task
from ..engine.events import (
    PINNED,
    AttemptFinished,
    AttemptStarted,
    CancelRequested,
    EditUndone,
    GroupPlanned,
    ParamEdited,
    RetryScheduled,
    SessionContinued,
    SessionStopped,
    TaskEnded,
    TaskFailed,
    TaskLogged,
    TaskOutput,
    TaskReady,
    TaskStarted,
    TaskSucceeded,
)
from ..engine.recording import SKIPPING
from ..workflow.config import Params
from ..workflow.errors import Problem
from . import symbols
from .logbook import LogBook
from .python_stand import PythonStand
from .symbols import Look

WAITS: Final = "waits for an editor"


class Changed(Flag):
    """What an event changed, and so what must be painted again."""

    NOTHING = 0
    ROWS = auto()
    """Tasks were added."""
    STATES = auto()
    LOG = auto()
    STATUS = auto()
    """Where the session stands: stopped, running, ended."""
    PROBLEMS = auto()
    PARAMS = auto()
    PAST = auto()
    """Another time is shown."""
    ATTEMPT = auto()
    """Everything: another attempt."""


class Status(NamedTuple):
    """How the session stands, in a symbol and words; `role` is a component class of `Lines`."""

    symbol: str
    text: str
    role: str


class View:
    """The state of the screen's contents; `apply` is the only way to change it."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.mask: Callable[[str], str] = str
        """Takes the values of secrets out of a text."""
        self.settings: Callable[[], Mapping[str, str]] = dict
        """Digdag's configuration."""
        self.is_pinned: Callable[[str], bool] = lambda full_name: False
        """Whether the output of a task is given."""
        self.is_touched: Callable[[str], bool] = lambda full_name: False
        """Whether a saved file touches a task that has not begun since."""
        self.replay = Replay()
        """The attempt with its history; what the screen shows may be a time in the past."""
        self.edits = Edits()
        """What the person set in this attempt."""
        self.number = 0
        self.held: list[SessionEvent] = []
        """What came while the past is shown: to be applied when the present is again."""
        self._log_ends: list[int] = []
        """How many lines the log had after each of the replay's events."""
        self.recorded = False
        """Whether the attempt is one of the past that is only looked at."""
        self.workflow = ""
        self.stopped: Stopped | None = None
        self.problems: tuple[Problem, ...] = ()
        """Why the project does not load."""
        self.warnings: tuple[Problem, ...] = ()
        """What was found in its files beside that."""
        self.is_checked = False
        """Whether they were looked through for that."""
        self.log = LogBook(self.mask)
        self.running: dict[int, None] = {}
        self.waiting: dict[int, None] = {}
        """Tasks that wait to be called again, in the order in which they began to."""
        self.given: dict[int, str] = {}
        """Tasks whose output is not their operator's, with the word for that."""
        self._requiring: dict[int, int] = {}
        """The task that each other attempt was started for, by the attempt's id."""
        self._required_names: dict[tuple[int, int], str] = {}
        """Full names of other attempts' tasks, by the ids of both."""
        self.required_failures: dict[int, dict[str, TaskFailed]] = {}
        """What failed in the attempt that a task required last, by full name."""
        self.pausing = False
        self.python = PythonStand()
        self.editors: dict[int, str] = {}
        """In words how the editor stands that a task waited for; blank once it has gone."""
        self._offered: dict[int, DebuggerWaiting] = {}

    def apply(self, event: SessionEvent) -> Changed:
        """Take in an event; those of the attempt wait while its past is shown."""
        about_files = isinstance(event, ProblemsFound | WarningsFound | Reloaded)
        at_once = AttemptOpened | DebuggerWaiting | EditorAttached | EditorDetached | Notice
        if self.past and not about_files and not isinstance(event, at_once):
            self.held.append(event)
            return Changed.STATUS
        match event:
            case AttemptOpened():
                self._open(event)
                return Changed.ATTEMPT
            case Stopped():
                self.replay.stop(event, time.time())
                self.stopped, self.pausing = event, False
                if event.reason == "exception":
                    self.running.pop(event.task, None)
                    self.python.ended(event.task)
                return Changed.STATUS | Changed.STATES
            case Continued():
                self.replay.go_on(time.time())
                self.stopped = None
                return Changed.STATUS | Changed.STATES
            case ProblemsFound():
                self.problems = event.problems
                self.warnings = tuple(found for found in self.warnings if found.severity == "warning")
                return Changed.PROBLEMS | Changed.STATUS
            case WarningsFound():
                self.warnings, self.is_checked = event.problems, True
                return Changed.PROBLEMS
            case RequiredEvent():
                return self._required(event)
            case Reloaded():
                return Changed.STATES
            case DebuggerWaiting():
                self._offered[event.task] = event
                self.editors[event.task] = WAITS
                return Changed.STATUS
            case EditorAttached():
                self.editors[event.task] = "has an editor"
                return Changed.STATUS
            case EditorDetached():
                self.editors[event.task] = "" if event.begun else WAITS
                return Changed.STATUS
            case Notice() | PythonBreakpoints():
                return Changed.NOTHING
            case PythonAttached() | PythonStopped() | PythonContinued() | PythonDetached():
                self.python.apply(event)
                return Changed.STATUS | Changed.STATES
            case TaskOutput():
                self.log.add(event)
                return Changed.LOG
            case TaskLogged():
                self.log.add(event)
                if event.logger == PINNED:
                    self.given[event.task] = event.message.partition(":")[0].lower()
                elif event.logger == SKIPPING and event.message == "Skipped":
                    self.given[event.task] = "saved"
                return Changed.LOG
            case SessionStopped() | SessionContinued():
                self.replay.add(event)
                return self._recorded_stop() if self.recorded else Changed.NOTHING
            case _:
                self.replay.add(event)
                self.edits.apply(event)
                self._log_ends.append(self.log.end)
                return self._follow(event) | (Changed.ROWS if getattr(event, "added", ()) else Changed.NOTHING)

    def _open(self, event: AttemptOpened) -> None:
        self.replay = Replay()
        self.held.clear()
        self._log_ends.clear()
        self.number, self.workflow, self.recorded = event.number, event.workflow, event.recorded
        self.stopped, self.pausing = None, False
        self.log = LogBook(self.mask)
        self.running.clear()
        self.waiting.clear()
        self.given.clear()
        self.python.forget()
        self.editors.clear()
        self._requiring.clear()
        self._required_names.clear()
        self.required_failures.clear()

    def _recorded_stop(self) -> Changed:
        """Where an attempt of the past stopped, and stands if it was left there."""
        self.stopped = self.replay.stop_at(len(self.replay.events))
        if self.stopped and self.stopped.reason == "exception":
            self.running.pop(self.stopped.task, None)
        return Changed.STATUS | Changed.STATES

    def _required(self, told: RequiredEvent) -> Changed:
        """The log and the failures of an attempt that a task of this one required are told with that task."""
        event = told.event
        if isinstance(event, AttemptStarted) and (task := self.attempt.named(event.required_by or "")):
            self._requiring[told.attempt_id] = task.id
            self.required_failures[task.id] = {}
        for new in getattr(event, "added", ()):
            self._required_names[told.attempt_id, new.id] = new.full_name
        by = self._requiring.get(told.attempt_id)
        if by is None or not isinstance(event, TaskOutput | TaskLogged | TaskFailed):
            return Changed.NOTHING
        name = self._required_names[told.attempt_id, event.task]
        if isinstance(event, TaskFailed):
            self.required_failures[by][name] = event
            return Changed.NOTHING
        self.log.add(event, by, name)
        return Changed.LOG

    def _follow(self, event: SessionEvent) -> Changed:
        match event:
            case TaskStarted():
                self.running[event.task] = None
                self.given.pop(event.task, None)
                self.editors.pop(event.task, None)
            case RetryScheduled():
                self.running.pop(event.task, None)
                self.waiting[event.task] = None
            case TaskReady() | GroupPlanned():
                self.waiting.pop(event.task, None)
            case TaskSucceeded() | TaskFailed() | TaskEnded():
                self.python.ended(event.task)
                self.running.pop(event.task, None)
                self.waiting.pop(event.task, None)
            case ParamEdited() | EditUndone():
                return Changed.PARAMS
            case AttemptFinished() | CancelRequested():
                self.stopped, self.pausing = None, False
                return Changed.STATUS | Changed.STATES
            case _:
                pass
        return Changed.STATES | Changed.STATUS

    # The past

    @property
    def past(self) -> bool:
        """Whether what is shown is how the attempt was once."""
        return self.replay.is_past

    def look_back(self, position: int) -> Changed:
        """Show the attempt as it was after so many events; after all of them it is the present again."""
        before = len(self.tasks)
        self.replay.move(position)
        self.stopped = self.replay.stop_at(self.replay.position)
        failing = self.stopped.task if self.stopped and self.stopped.reason == "exception" else None
        tasks = sorted(self.tasks.values(), key=lambda task: task.started_at or 0)
        self.running = {task.id: None for task in tasks if task.state == "running" and task.id != failing}
        self.waiting = {task.id: None for task in tasks if task.state in ("retry_waiting", "group_retry_waiting")}
        rows = Changed.NOTHING if before == len(self.tasks) else Changed.ROWS
        return Changed.STATES | Changed.STATUS | Changed.PAST | rows

    def now(self) -> float:
        """The time that is shown, in seconds since the epoch."""
        if self.past or (self.recorded and self.replay.events):
            return self.replay.events[self.replay.position - 1].at
        return time.time()

    def log_end(self) -> int | None:
        """How many lines the log had at the time that is shown, counted from the first; None for all of them."""
        return self._log_ends[self.replay.position - 1] if self.past else None

    # Questions

    def why_empty(self) -> str:
        """Why there is nothing to show of tasks."""
        return "the workflow does not load: see Problems" if self.problems else "loading …"

    def all_problems(self) -> list[Problem]:
        """What is wrong with the project: first what keeps it from loading."""
        known = {problem.position or problem.message for problem in self.problems}
        others = (
            found
            for found in self.warnings
            if found.severity == "warning" or (found.position or found.message) not in known
        )
        return [*self.problems, *others]

    @property
    def attempt(self) -> Attempt:
        return self.replay.attempt

    @property
    def tasks(self) -> dict[int, Task]:
        return self.attempt.tasks

    def stop_task(self) -> Task | None:
        """The task that the session is stopped at."""
        return self.tasks.get(self.stopped.task) if self.stopped else None

    def at_rest(self) -> bool:
        """Whether nothing happens until the person does something."""
        return self.stopped is not None or bool(self.python.stops) or self.attempt.success is not None

    def python_stop(self, task: Task | None) -> PythonStopped | None:
        """Where a task is stopped inside of Python now."""
        return self.python.stops.get(task.id) if task and not self.past else None

    def failing(self, task: Task) -> bool:
        """Whether the session is stopped at the failure of `task`."""
        return self.stopped is not None and self.stopped.reason == "exception" and self.stopped.task == task.id

    def asking(self, task: Task | None = None) -> bool:
        """Whether the session is stopped at a task, or at `task`, whose output the person must give."""
        return self.stopped is not None and self.stopped.asks and task in (None, self.stop_task())

    def look(self, task: Task) -> Look:
        """The task's symbol, word and role."""
        if self.asking(task):
            return symbols.ASKING
        if inside := self.python_stop(task):
            return symbols.RAISED if inside.raised else symbols.IN_PYTHON
        return symbols.FAILED_NOW if self.failing(task) else symbols.look(task)

    def given_word(self, task: Task) -> str:
        """`pinned`, `skipped` or `saved` for a task whose output is not its operator's, or will not be."""
        if task.is_group or task.state in DONE or task.id in self.given:
            return self.given.get(task.id, "")
        return "pinned" if self.is_pinned(task.full_name) else ""

    @property
    def offers(self) -> dict[int, DebuggerWaiting]:
        """Where tasks wait for an editor that has not come."""
        waiting = (task for task, word in self.editors.items() if word == WAITS and task in self.running)
        return {task: self._offered[task] for task in waiting}

    def failures(self) -> Iterator[Task]:
        """The tasks that failed themselves, in file order."""
        return (
            task
            for task in self.tasks.values()
            if task.state == "error" or task.delayed == "error" or self.failing(task)
        )

    def error_of(self, task: Task) -> tuple[Params, tuple[Params, ...], str | None]:
        """A task's error object, its Python frames and the hint; all empty if it has not failed."""
        if self.stopped and self.failing(task):
            return self.stopped.error or {}, self.stopped.frames, self.stopped.hint
        return task.error, task.frames, task.hint

    def exceptions_of(self, task: Task) -> tuple[Params, ...]:
        """What a `py>` task raised when it failed, as `operators.py_failure` has it."""
        return self.stopped.exceptions if self.stopped and self.failing(task) else task.exceptions

    def progress(self) -> tuple[int, int]:
        """How many of the tasks with an operator have ended, and how many there are."""
        leaves = [task for task in self.tasks.values() if not task.is_group]
        return sum(task.state in DONE for task in leaves), len(leaves)

    def status(self) -> Status:
        """How the session stands, or stood at the time that is shown."""
        if self.past:
            count, position = len(self.replay.events), self.replay.position
            where = self._stop(self.stopped).text if self.stopped else self.replay.last()
            later = f" · {len(self.held):,} new" if self.held else ""
            return Status(symbols.PAST, f"{where} · history, event {position:,} of {count:,}{later}", "warning")
        if self.attempt.started is None:
            return (
                Status("✖", "does not load: see Problems", "error") if self.problems else Status("…", "loading", "dim")
            )
        if self.attempt.success is not None:
            return self._outcome()
        if self.recorded:
            where = f"left {self._stop(self.stopped).text}" if self.stopped else "it did not finish"
            if self.stopped and self.stopped.reason == "exception":
                where = f"left where {self.tasks[self.stopped.task].full_name} failed"
            return Status("◌", f"attempt {self.number}, recorded: {where}", "warning")
        if self.attempt.cancel_requested and not self.stopped:
            return Status("■", "stopping", "warning")
        if inside := self.python.words(self.stopped is not None):
            return Status(*inside)
        if self.stopped:
            return self._stop(self.stopped)
        if self.python.starting in self.running:
            return Status(symbols.STARTING, "starting the Python debugger: Esc leaves it", "accent")
        if self.pausing:
            return Status(symbols.STOP, "pausing: what runs ends first", "warning")
        return self._activity()

    def _outcome(self) -> Status:
        ended = f"attempt {self.number}, recorded" if self.recorded else "finished"
        if self.attempt.success:
            return Status("✔", f"{ended}: success", "success")
        if self.attempt.cancel_requested:
            return Status("⊘", f"{ended}: stopped", "warning")
        failed = next((task.full_name for task in self.tasks.values() if task.state in FAILED), "")
        cause = next((task.full_name for task in self.failures()), failed)
        return Status("✖", f"{ended}: {cause} failed", "error")

    def _stop(self, stopped: Stopped) -> Status:
        name = self.tasks[stopped.task].full_name
        if stopped.reason == "exception":
            if stopped.asks:
                return Status(symbols.ASKING.symbol, f"{name} needs its output: P gives it", symbols.ASKING.role)
            return Status("✖", f"{name} failed", "error")
        if stopped.after:
            changed = "a param changed " if stopped.reason == "data breakpoint" else ""
            return Status(symbols.STOP, f"{changed}after {name}", "warning")
        words = {"breakpoint": "at the breakpoint ", "pause": "paused before "}.get(stopped.reason, "before ")
        return Status(symbols.STOP, words + name, "warning")

    def _activity(self) -> Status:
        if not self.running:
            waiting = next(iter(self.waiting), None)
            if waiting is None:
                return Status("▶", "running", "accent")
            return Status("↻", f"{self.tasks[waiting].full_name} waits to retry", "accent")
        first, *others = sorted(self.running, key=lambda task: not self.editors.get(task))
        more = f" and {len(others)} more" if others else ""
        if word := self.editors.get(first):
            symbol, role = (symbols.STOP, "warning") if first in self.offers else ("▶", "accent")
            return Status(symbol, f"{self.tasks[first].full_name}{more} {word}", role)
        return Status("▶", self.tasks[first].full_name + more, "accent")
