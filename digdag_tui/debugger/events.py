"""What a session tells its faces beside the engine's events."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from ..engine.events import AnyEvent
from ..workflow.config import Params
from ..workflow.errors import Problem

Reason = Literal["entry", "step", "breakpoint", "pause", "goto", "exception"]
"""Why a session stopped, in the Debug Adapter Protocol's words; `exception` is a task that failed."""


class AttemptOpened(Struct, frozen=True):
    """A new attempt begins: a face forgets the one before. `number` counts the session's attempts from 1."""

    number: int
    workflow: str
    kept: int = 0
    """How many tasks' results it has from the attempt before."""


class Stopped(Struct, frozen=True):
    """Nothing new starts. `task` is the one that would start next or, for `exception`, that failed with `error`."""

    reason: Reason
    task: int
    error: Params | None = None
    frames: tuple[Params, ...] = ()
    hint: str | None = None
    asks: bool = False
    """Whether the task is not called from here, and its output must be given."""


class Continued(Struct, frozen=True):
    """The session goes on."""


class Reloaded(Struct, frozen=True):
    """Files changed and compile; `touched` are the full names of the tasks that differ, in file order."""

    touched: tuple[str, ...]


class ProblemsFound(Struct, frozen=True):
    """Files do not compile; the old workflow stays. Empty when they do again."""

    problems: tuple[Problem, ...]


class DebuggerWaiting(Struct, frozen=True):
    """A `py>` task waits for an editor's debugger on a loopback port."""

    task: int
    host: str
    port: int


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
    AnyEvent | AttemptOpened | Stopped | Continued | Reloaded | ProblemsFound | DebuggerWaiting | RequiredEvent | Notice
)
