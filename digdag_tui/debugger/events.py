"""What a session tells its faces beside the engine's events."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct

from ..engine.events import AnyEvent
from ..workflow.config import Params
from ..workflow.errors import Problem
from .python_stops import PythonEvent

Reason = Literal["entry", "step", "breakpoint", "data breakpoint", "pause", "goto", "exception"]
"""Why a session stopped, in the Debug Adapter Protocol's words; `exception` is a task that failed."""

WatchMode: TypeAlias = Literal["reload", "touched", "all"]
WATCH_MODES: Final[tuple[WatchMode, ...]] = ("reload", "touched", "all")
"""What saved files lead to: the new text alone, or also a run from the first touched task, or of all tasks."""


class AttemptOpened(Struct, frozen=True):
    """A new attempt begins: a face forgets the one before. `number` counts the session's attempts from 1."""

    number: int
    workflow: str
    kept: int = 0
    """How many tasks' results it has from the attempt before."""
    recorded: bool = False
    """Whether it is one of the past that is only looked at."""


class Stopped(Struct, frozen=True):
    """Nothing new starts. `task` is the one that would start next or, for `exception`, that failed with `error`.

    `breakpoints` are the ids of those that were hit, `description` is what they found. `after` is whether `task` was
    called already: its result is what stopped.
    """

    reason: Reason
    task: int
    error: Params | None = None
    frames: tuple[Params, ...] = ()
    hint: str | None = None
    asks: bool = False
    """Whether the task is not called from here, and its output must be given."""
    breakpoints: tuple[int, ...] = ()
    description: str = ""
    after: bool = False
    exceptions: tuple[Params, ...] = ()
    """What a `py>` task raised, as `operators.py_failure` has it."""


class Continued(Struct, frozen=True):
    """The session goes on."""


class Reloaded(Struct, frozen=True):
    """Files changed and compile; `touched` are the full names of the tasks that differ, in file order.

    `mode` is what follows: nothing (`reload`), or a run from the first touched task or of all tasks.
    """

    touched: tuple[str, ...]
    mode: WatchMode = "touched"


class ProblemsFound(Struct, frozen=True):
    """Files do not compile; the old workflow stays. Empty when they do again."""

    problems: tuple[Problem, ...]


class WarningsFound(Struct, frozen=True):
    """All that is wrong with the project's files as they are now, whether they compile or not."""

    problems: tuple[Problem, ...]


class DebuggerWaiting(Struct, frozen=True):
    """A `py>` task waits for an editor's debugger on a loopback port."""

    task: int
    host: str
    port: int
    root: str
    """The project's directory as the task's process sees it."""
    taken: int | None = None
    """The project's own port, when somebody else has it and another one was chosen."""


class EditorAttached(Struct, frozen=True):
    """An editor has come to a task that waits."""

    task: int


class EditorDetached(Struct, frozen=True):
    """The editor of a task has gone before the task's end; `begun` is whether it had let the task begin."""

    task: int
    begun: bool


class RequiredEvent(Struct, frozen=True):
    """What happened in an attempt that a `require>` of the session's attempt started."""

    session_id: int
    attempt_id: int
    event: AnyEvent


class Notice(Struct, frozen=True):
    """Something that a person should read once."""

    text: str
    severity: Literal["information", "warning", "error"] = "information"


SessionEvent: TypeAlias = (
    AnyEvent | AttemptOpened | Stopped | Continued | Reloaded | ProblemsFound | WarningsFound | DebuggerWaiting
    | EditorAttached | EditorDetached | RequiredEvent | Notice | PythonEvent
)  # fmt: skip
