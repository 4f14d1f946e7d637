"""What the screen shows: the session's events, folded. Nothing here knows a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Flag, auto
from pathlib import Path
from typing import NamedTuple

from ..debugger.events import (
    AttemptOpened,
    Continued,
    DebuggerWaiting,
    Notice,
    ProblemsFound,
    Reloaded,
    RequiredEvent,
    SessionEvent,
    Stopped,
)
from ..engine.attempt import DONE, FAILED, Attempt, Task
from ..engine.events import (
    PINNED,
    AttemptFinished,
    AttemptStarted,
    CancelRequested,
    GroupPlanned,
    ParamEdited,
    RetryScheduled,
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
from .symbols import Look


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
        self.is_pinned: Callable[[str], bool] = lambda full_name: False
        """Whether the output of a task is given."""
        self.attempt = Attempt()
        self.number = 0
        self.workflow = ""
        self.stopped: Stopped | None = None
        self.problems: tuple[Problem, ...] = ()
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

    def apply(self, event: SessionEvent) -> Changed:
        """Take in an event."""
        match event:
            case AttemptOpened():
                self._open(event)
                return Changed.ATTEMPT
            case Stopped():
                self.stopped, self.pausing = event, False
                if event.reason == "exception":
                    self.running.pop(event.task, None)
                return Changed.STATUS | Changed.STATES
            case Continued():
                self.stopped = None
                return Changed.STATUS | Changed.STATES
            case ProblemsFound():
                self.problems = event.problems
                return Changed.PROBLEMS | Changed.STATUS
            case RequiredEvent():
                return self._required(event)
            case Reloaded() | DebuggerWaiting() | Notice():
                return Changed.NOTHING
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
            case _:
                self.attempt.apply(event)
                return self._follow(event) | (Changed.ROWS if getattr(event, "added", ()) else Changed.NOTHING)

    def _open(self, event: AttemptOpened) -> None:
        self.attempt = Attempt()
        self.number, self.workflow = event.number, event.workflow
        self.stopped, self.pausing = None, False
        self.log = LogBook(self.mask)
        self.running.clear()
        self.waiting.clear()
        self.given.clear()
        self._requiring.clear()
        self._required_names.clear()
        self.required_failures.clear()

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
            case RetryScheduled():
                self.running.pop(event.task, None)
                self.waiting[event.task] = None
            case TaskReady() | GroupPlanned():
                self.waiting.pop(event.task, None)
            case TaskSucceeded() | TaskFailed() | TaskEnded():
                self.running.pop(event.task, None)
                self.waiting.pop(event.task, None)
            case ParamEdited():
                return Changed.PARAMS
            case AttemptFinished() | CancelRequested():
                self.stopped, self.pausing = None, False
                return Changed.STATUS | Changed.STATES
            case _:
                pass
        return Changed.STATES | Changed.STATUS

    # Questions

    @property
    def tasks(self) -> dict[int, Task]:
        return self.attempt.tasks

    def stop_task(self) -> Task | None:
        """The task that the session is stopped at."""
        return self.tasks.get(self.stopped.task) if self.stopped else None

    def at_rest(self) -> bool:
        """Whether nothing happens until the person does something."""
        return self.stopped is not None or self.attempt.success is not None

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
        return symbols.FAILED_NOW if self.failing(task) else symbols.look(task)

    def given_word(self, task: Task) -> str:
        """`pinned`, `skipped` or `saved` for a task whose output is not its operator's, or will not be."""
        if task.is_group or task.state in DONE or task.id in self.given:
            return self.given.get(task.id, "")
        return "pinned" if self.is_pinned(task.full_name) else ""

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

    def progress(self) -> tuple[int, int]:
        """How many of the tasks with an operator have ended, and how many there are."""
        leaves = [task for task in self.tasks.values() if not task.is_group]
        return sum(task.state in DONE for task in leaves), len(leaves)

    def status(self) -> Status:
        """How the session stands."""
        if self.attempt.started is None:
            return (
                Status("✖", "does not load: see Problems", "error") if self.problems else Status("…", "loading", "dim")
            )
        if self.attempt.success is not None:
            return self._outcome()
        if self.stopped:
            return self._stop(self.stopped)
        if self.attempt.cancel_requested:
            return Status("■", "stopping", "warning")
        if self.pausing:
            return Status(symbols.STOP, "pausing: what runs ends first", "warning")
        return self._activity()

    def _outcome(self) -> Status:
        if self.attempt.success:
            return Status("✔", "finished: success", "success")
        if self.attempt.cancel_requested:
            return Status("⊘", "finished: stopped", "warning")
        failed = next((task.full_name for task in self.tasks.values() if task.state in FAILED), "")
        cause = next((task.full_name for task in self.failures()), failed)
        return Status("✖", f"finished: {cause} failed", "error")

    def _stop(self, stopped: Stopped) -> Status:
        name = self.tasks[stopped.task].full_name
        if stopped.reason == "exception":
            if stopped.asks:
                return Status(symbols.ASKING.symbol, f"{name} needs its output: P gives it", symbols.ASKING.role)
            return Status("✖", f"{name} failed", "error")
        words = {"breakpoint": "at the breakpoint ", "pause": "paused before "}.get(stopped.reason, "before ")
        return Status(symbols.STOP, words + name, "warning")

    def _activity(self) -> Status:
        if not self.running:
            waiting = next(iter(self.waiting), None)
            if waiting is None:
                return Status("▶", "running", "accent")
            return Status("↻", f"{self.tasks[waiting].full_name} waits to retry", "accent")
        first, *others = self.running
        more = f" and {len(others)} more" if others else ""
        return Status("▶", self.tasks[first].full_name + more, "accent")
