"""What happens in an attempt. State is these events applied in order; the journal is these events on disk.

An event that inserts task rows carries them in `added`, so that no crash can come between a result and its subtasks.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from ..workflow.config import Params, Value

State = Literal[
    "blocked", "ready", "retry_waiting", "group_retry_waiting", "running", "planned",
    "group_error", "success", "error", "canceled",
]  # fmt: skip
"""The states of core 5.1, by the names that Digdag prints."""


PINNED: Final = "digdag_tui.pins"
"""The logger of lines that say that a task's output is not what its operator came to."""


class NewTask(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row of the task table as it is inserted.

    `config` holds the task's own keys but `_export`; `export` what stood in `_export`. `initial` is Digdag's
    INITIAL_TASK flag, which the copies of a group's retry do not carry (core 5.4).
    """

    id: int
    full_name: str
    parent: int | None
    upstreams: tuple[int, ...]
    is_group: bool
    config: Params
    export: Params = {}
    initial: bool = True


class Override(msgspec.Struct, frozen=True):
    """Params given to the attempt from outside; `source` is a `params.layers.Source`."""

    source: str
    values: Params


class Event(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event"):
    """Base of all events; `at` is seconds since the epoch."""

    at: float


class AttemptStarted(Event, frozen=True, tag="attempt_started"):
    """The first event: what the attempt runs with. `params` are the session's own, `last_session_time` and the like.

    `required_by` is the task of the main attempt for which a `require>` started this one; `sla_at` is when the
    workflow's `sla` is violated, in seconds since the epoch (core 5.8).
    """

    workflow: str
    session_uuid: str
    session_time: str
    timezone: str
    task_limit: int
    overrides: tuple[Override, ...] = ()
    params: Params = {}
    session_id: int = 1
    attempt_id: int = 1
    retry_attempt_name: str | None = None
    required_by: str | None = None
    sla_at: float | None = None
    added: tuple[NewTask, ...] = ()


class TaskReady(Event, frozen=True, tag="task_ready"):
    """A task may run now, or again."""

    task: int


class TaskStarted(Event, frozen=True, tag="task_started"):
    """An operator was called."""

    task: int


class TaskOutput(Event, frozen=True, tag="task_output"):
    """A piece of a task's output, as it came."""

    task: int
    text: str


class TaskLogged(Event, frozen=True, tag="task_logged"):
    """A line of the engine's own log about a task (core 10.2); `logger` is Digdag's class."""

    task: int
    level: str
    logger: str
    message: str


class TaskArtifact(Event, frozen=True, tag="task_artifact"):
    """A text that an operator made of the task's files, such as its SQL with all templates filled in."""

    task: int
    name: str
    text: str


class TaskSucceeded(Event, frozen=True, tag="task_succeeded"):
    """An operator ended well (core 5.2). With `added`, its `^sub` and `^check`, the task is planned, else a success."""

    task: int
    store: Params = {}
    export: Params = {}
    reset_store: tuple[str, ...] = ()
    subtasks: Params = {}
    added: tuple[NewTask, ...] = ()


class TaskFailed(Event, frozen=True, tag="task_failed"):
    """An operator failed for good. With `added`, its `^error`, the task is planned and delays its error.

    `frames` are the user's own Python frames, innermost last, where a `py>` task raised; `exceptions` all that is known
    of what it raised, as `operators.py_failure` has it. `hint` says where the mistake is and what to do, when we know.
    """

    task: int
    error: Params
    frames: tuple[Params, ...] = ()
    hint: str | None = None
    added: tuple[NewTask, ...] = ()
    exceptions: tuple[Params, ...] = ()


class RetryScheduled(Event, frozen=True, tag="retry_scheduled"):
    """A task is called again, or as a `group` redone, at `retry_at` (seconds since the epoch)."""

    task: int
    retry_at: float
    state_params: Params
    group: bool = False


class GroupPlanned(Event, frozen=True, tag="group_planned"):
    """A group's children may start; `added` are copies for a retry."""

    task: int
    added: tuple[NewTask, ...] = ()


class ErrorDelayed(Event, frozen=True, tag="error_delayed"):
    """A group failed and runs `added`, its `_error` or the root's alert, before it ends as group_error."""

    task: int
    added: tuple[NewTask, ...] = ()


class TaskEnded(Event, frozen=True, tag="task_ended"):
    """A planned task settled, or a task was canceled."""

    task: int
    state: State


class SlaViolated(Event, frozen=True, tag="sla_violated"):
    """The root is not done at the time of its `sla`; `added` are the tasks for that (core 5.8)."""

    added: tuple[NewTask, ...] = ()


class CancelRequested(Event, frozen=True, tag="cancel_requested"):
    """The person stopped the attempt (core 5.7)."""


class ParamEdited(Event, frozen=True, tag="param_edited"):
    """The person set the value at `path`.

    `scope` is `task` for that task only, `onward` as if it had been stored just before the task, or `session` as with
    `-p`. `old` is what the task had there before, unevaluated, if it had anything.
    """

    path: tuple[str, ...]
    value: Value
    scope: Literal["task", "onward", "session"]
    task: int
    old: Value = msgspec.UNSET


class EditUndone(Event, frozen=True, tag="edit_undone"):
    """The person took back an edit, or made it `again`; what is edited with that `scope` are `values` now.

    `edit` is its number in the attempt, from 0, in the order of all `ParamEdited`.
    """

    edit: int
    values: Params
    scope: Literal["task", "onward", "session"]
    task: int
    again: bool = False


class AttemptFinished(Event, frozen=True, tag="attempt_finished"):
    """The root is done."""

    success: bool


class SessionStopped(Event, frozen=True, tag="session_stopped"):
    """A debugger held the attempt; `stop` is what it says about that. No task changes."""

    stop: Params


class SessionContinued(Event, frozen=True, tag="session_continued"):
    """The debugger let the attempt go on."""


AnyEvent = (
    AttemptStarted | TaskReady | TaskStarted | TaskOutput | TaskLogged | TaskArtifact | TaskSucceeded | TaskFailed
    | RetryScheduled | GroupPlanned | ErrorDelayed | TaskEnded | SlaViolated | CancelRequested | ParamEdited
    | EditUndone | AttemptFinished | SessionStopped | SessionContinued
)  # fmt: skip
