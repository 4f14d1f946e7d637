"""The state of an attempt: its events, applied in order."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ..workflow.config import Config, Params, merge
from .events import (
    AnyEvent,
    AttemptFinished,
    AttemptStarted,
    CancelRequested,
    EditUndone,
    ErrorDelayed,
    GroupPlanned,
    NewTask,
    ParamEdited,
    RetryScheduled,
    SlaViolated,
    State,
    TaskArtifact,
    TaskEnded,
    TaskFailed,
    TaskOutput,
    TaskReady,
    TaskStarted,
    TaskSucceeded,
)

DONE: frozenset[State] = frozenset({"success", "group_error", "error", "canceled"})
FAILED: frozenset[State] = frozenset({"group_error", "error"})
PROGRESSING: frozenset[State] = frozenset({"ready", "retry_waiting", "group_retry_waiting", "running", "planned"})


class Task(Struct, eq=False):
    """A row of the task table (core 5): what was inserted, and what has become of it since."""

    id: int
    full_name: str
    parent: Task | None
    upstreams: tuple[int, ...]
    is_group: bool
    config: Params
    export: Params
    initial: bool
    state: State = "blocked"
    cancel_requested: bool = False
    delayed: State | None = None
    """The state that a planned task will end in because it failed already: `error` or `group_error`."""
    children: list[Task] = []
    store: Params = {}
    reset_store: tuple[str, ...] = ()
    runtime_export: Params = {}
    subtasks: Params = {}
    state_params: Params = {}
    error: Params = {}
    frames: tuple[Params, ...] = ()
    exceptions: tuple[Params, ...] = ()
    hint: str | None = None
    artifacts: dict[str, str] = {}
    """Texts that the operator made, by name."""
    edits: Params = {}
    """What the person set for this task only."""
    stored_edits: Params = {}
    """What the person set from this task on."""
    retry_at: float | None = None
    retries: int = 0
    """How often it was called again or redone."""
    started_at: float | None = None
    ended_at: float | None = None

    @property
    def name(self) -> str:
        """The last part of the full name: the task's own key, or `^sub` and the like."""
        return self.full_name[len(self.parent.full_name) :] if self.parent else self.full_name

    @property
    def own_config(self) -> Params:
        """`_export` overlaid by the task's own keys, unevaluated: where group options are read (core 5.4)."""
        return merge(self.export, self.config) if self.export else self.config

    def ancestors(self) -> Iterator[Task]:
        """Parents, nearest first."""
        task = self.parent
        while task:
            yield task
            task = task.parent

    def descendants(self) -> Iterator[Task]:
        """Everything below, in pre-order of ids."""
        waiting = self.children[::-1]
        while waiting:
            task = waiting.pop()
            yield task
            waiting.extend(task.children[::-1])

    def failed_children(self) -> list[Task]:
        """Direct children that count as failed: of several rows of a name only the newest does (core 5.2)."""
        if all(child.state not in FAILED for child in self.children):
            return []
        newest = {child.full_name: child for child in self.children}
        return [child for child in newest.values() if child.state in FAILED]


class Attempt:
    """All task rows by id, and how the attempt stands. `apply` is the only way to change it."""

    def __init__(self) -> None:
        self.started: AttemptStarted | None = None
        self.tasks: dict[int, Task] = {}
        self.session_edits: Params = {}
        self.cancel_requested = False
        self.sla_violated = False
        self.success: bool | None = None

    @property
    def root(self) -> Task:
        return self.tasks[1]

    @property
    def start(self) -> AttemptStarted:
        """What the attempt runs with.

        Raises:
            RuntimeError: no event was applied yet.
        """
        if self.started is None:
            raise RuntimeError("the attempt has not started")
        return self.started

    def named(self, full_name: str) -> Task | None:
        """The newest row of that name."""
        return next((task for task in reversed(self.tasks.values()) if task.full_name == full_name), None)

    def apply(self, event: AnyEvent) -> None:
        """Change the state as the event says."""
        match event:
            case TaskOutput():
                pass
            case TaskReady():
                task = self.tasks[event.task]
                task.state, task.retry_at = "ready", None
            case TaskStarted():
                task = self.tasks[event.task]
                task.state = "running"
                task.started_at = task.started_at or event.at
                task.ended_at, task.error, task.frames, task.hint = None, {}, (), None
                task.exceptions = ()
            case TaskArtifact():
                task = self.tasks[event.task]
                task.artifacts = {**task.artifacts, event.name: event.text}
            case TaskSucceeded():
                task = self.tasks[event.task]
                task.store, task.runtime_export = event.store, event.export
                task.reset_store, task.subtasks = event.reset_store, event.subtasks
                self._insert(event.added)
                self._move(task, "planned" if event.added else "success", event.at)
            case TaskFailed():
                task = self.tasks[event.task]
                task.error, task.frames, task.hint = event.error, event.frames, event.hint
                task.exceptions = event.exceptions
                self._insert(event.added)
                task.delayed = "error" if event.added else None
                self._move(task, "planned" if event.added else "error", event.at)
            case RetryScheduled():
                task = self.tasks[event.task]
                task.state = "group_retry_waiting" if event.group else "retry_waiting"
                task.retry_at, task.state_params = event.retry_at, event.state_params
                task.retries += 1
            case GroupPlanned():
                task = self.tasks[event.task]
                task.started_at = task.started_at or event.at
                task.state, task.retry_at = "planned", None
                self._insert(event.added)
            case ErrorDelayed():
                self.tasks[event.task].delayed = "group_error"
                self._insert(event.added)
            case TaskEnded():
                self._move(self.tasks[event.task], event.state, event.at)
            case ParamEdited():
                edits = merge(self._edits(event.scope, event.task), nested(event.path, event.value))
                self._set_edits(event.scope, event.task, edits)
            case EditUndone():
                self._set_edits(event.scope, event.task, event.values)
            case SlaViolated():
                self.sla_violated = True
                self._insert(event.added)
            case CancelRequested():
                self.cancel_requested = True
                for task in self.tasks.values():
                    task.cancel_requested = task.state not in DONE
            case AttemptStarted():
                self.started = event
                self._insert(event.added)
            case AttemptFinished():
                self.success = event.success

    def _move(self, task: Task, state: State, at: float) -> None:
        task.state = state
        if state in DONE:
            task.ended_at = at

    def _insert(self, added: tuple[NewTask, ...]) -> None:
        for new in added:
            parent = None if new.parent is None else self.tasks[new.parent]
            task = self.tasks[new.id] = self._row(new, parent)
            if parent:
                parent.children.append(task)

    def _row(self, new: NewTask, parent: Task | None) -> Task:
        return Task(
            new.id, new.full_name, parent, new.upstreams, new.is_group, new.config, new.export, new.initial,
            cancel_requested=self.cancel_requested,
        )  # fmt: skip

    def _edits(self, scope: str, task: int) -> Params:
        """What the person set with a scope, at a task."""
        if scope == "session":
            return self.session_edits
        return self.tasks[task].stored_edits if scope == "onward" else self.tasks[task].edits

    def _set_edits(self, scope: str, task: int, values: Params) -> None:
        if scope == "session":
            self.session_edits = values
        elif scope == "onward":
            self.tasks[task].stored_edits = values
        else:
            self.tasks[task].edits = values


def nested(path: tuple[str, ...], value: object) -> Params:
    """`{a: {b: value}}` for the path `a`, `b`."""
    for key in reversed(path[1:]):
        value = {key: value}
    return Config({path[0]: value})
