"""The side of the engine that operators see: what an operator gets, and what it gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from os.path import normpath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from msgspec import Struct

from ..workflow.config import Params
from ..workflow.convert import read_string
from ..workflow.errors import DigdagError, TaskExecutionError, TaskRuntimeError

if TYPE_CHECKING:
    from ..workflow.pins import Pin


class OperatorResult(Struct, frozen=True):
    """What a task leaves behind (core 7, operators 2.1); `subtasks` is the body of `^sub`, empty for none."""

    subtasks: Params = {}
    export: Params = {}
    store: Params = {}
    reset_store: tuple[str, ...] = ()


class PollingRetry(Exception):
    """The operator asks to be called again after `seconds`, with `state` as its state params."""

    def __init__(self, seconds: float, state: Params) -> None:
        super().__init__(f"retry after {seconds} s")
        self.seconds = seconds
        self.state = state


class OutputNeeded(TaskExecutionError):
    """The operator calls nothing from here: its output must be given.

    `asks` is whether the person is to be asked; `unanswered` is the task's error, instead of this one, if nobody is.
    """

    def __init__(self, message: str, *, hint: str, asks: bool = False, unanswered: DigdagError | None = None) -> None:
        super().__init__(message, hint=hint)
        self.asks = asks
        self.unanswered = unanswered


class AttemptRequest(Struct, frozen=True):
    """The attempt of another workflow that a task needs; `project` is an id or a name, `task` the one that asks."""

    project: int | str
    workflow: str
    session_time: datetime
    retry_attempt_name: str | None
    params: Params
    task: str


class RequiredAttempt(Struct, frozen=True):
    """The attempt that a request led to: a new one, or the one that its session has already.

    `session_time` is in the workflow's zone; `success` is None while the attempt runs.
    """

    session_id: int
    attempt_id: int
    session_time: str
    is_new: bool
    success: bool | None


class PythonClient(Protocol):
    """A debugger of our own for a `py>` task, whose process waits for it.

    `into` is whether it is to stop at the function's first line.
    """

    into: bool

    async def attach(self, announced: Params) -> None:
        """Connect to where the process waits, which goes on then; `announced` is what its runner says of itself.

        Raises:
            TaskRuntimeError: that is not possible.
        """

    async def reach(self, function: Params) -> None:
        """Stop at the first line of a function: its `file`, `line` and `name`; empty if no Python code is called."""

    async def ended(self) -> None:
        """Return when the process needs no debugger any more.

        Raises:
            TaskRuntimeError: the connection was lost, and the process may wait for ever.
        """

    async def detach(self) -> None:
        """The process has ended."""


class Closeable(Protocol):
    """What is to be closed at the end."""

    def close(self) -> None: ...


Kept = TypeVar("Kept", bound=Closeable)


class Keep:
    """What operators keep from one task to the next, one of each kind, until the session ends."""

    def __init__(self) -> None:
        self._kept: dict[type[Any], Any] = {}

    def get(self, kind: type[Kept]) -> Kept:
        """The one of a kind, which is made when it is first asked for."""
        found: Kept = self._kept.get(kind) or self._kept.setdefault(kind, kind())
        return found

    def close(self) -> None:
        while self._kept:
            self._kept.popitem()[1].close()


class OperatorContext(Struct):
    """A task as its operator sees it.

    `config` is the whole evaluated param object, with `_type` and `_command` (operators 2.1); `local` the task's own
    evaluated keys. `output` takes text of the task as it comes, in pieces of any size. `log` takes a level (`INFO`,
    `WARN`, `ERROR`, `DEBUG`), Digdag's logger class and a message. `secret` returns a secret's value or None; which
    keys stand for others is in `secret_mounts`, the task's `_secrets`, which `config` has not (operators 2.1). `env`
    are the variables of its own `_env`, with the places for secrets still in them (core 6.6).
    `settings` is Digdag's configuration, such as `config.mail.host` (cli 1.1). `artifact` keeps a text that the
    operator made of the task's files, under a name. `pin` is the output that the person gave.
    `masked` takes the values of secrets out of a text, and, where the text's end was cut off, the start of one there.
    `keep` is what operators keep between tasks, None where nothing is kept.
    `require` starts an attempt of another workflow, or finds the one that its session has; None stands for a workflow
    that does not exist.
    """

    task_id: int
    full_name: str
    config: Params
    local: Params
    project: Path
    state: Params
    task_limit: int
    output: Callable[[str], None]
    log: Callable[[str, str, str], None]
    secret: Callable[[str], str | None]
    evaluate: Callable[[str, Mapping[str, object]], str]
    secret_mounts: Params = {}
    env: Mapping[str, str] = {}
    settings: Mapping[str, str] = {}
    artifact: Callable[[str, str], None] = lambda name, text: None
    require: Callable[[AttemptRequest], RequiredAttempt | None] = lambda request: None
    pin: Pin | None = None
    masked: Callable[[str, bool], str] = lambda text, is_cut: text
    debug_python: bool = False
    debug_waiting: Callable[[str, int], None] = lambda host, port: None
    python_client: PythonClient | None = None
    keep: Keep | None = None

    @property
    def command(self) -> object:
        """`_command`, or None when it is absent or null."""
        return self.config.get("_command")

    @property
    def workspace(self) -> Path:
        """The directory that files and processes of this task are relative to (operators 2.9).

        Raises:
            ConfigError: `_workdir` is no text.
            TaskRuntimeError: `_workdir` leaves the project.
        """
        folder = read_string(self.config, "_workdir", "")
        place = normpath(self.project / folder)
        if not place.startswith(str(self.project)):
            raise TaskRuntimeError(
                f"Working directory must not be outside of project path ({self.project}): {folder}", "illegal argument"
            )
        return Path(place)

    def file(self, name: str) -> Path:
        """The file that `name` means in the workspace, as it is written: not normalised (operators 2.9).

        Raises:
            ConfigError: `_workdir` is no text.
            TaskRuntimeError: the file is not in the project.
        """
        place = self.workspace / name
        if not normpath(place).startswith(str(self.project)):
            raise TaskRuntimeError(
                f"File name must not be outside of project path ({self.project}): {name}", "illegal argument"
            )
        return place


class Operator(Protocol):
    """An operator: one coroutine function, called once for each try of a task.

    Raises:
        DigdagError: the task failed.
        PollingRetry: the task is not done yet.
        asyncio.CancelledError: the task was stopped; the operator has ended what it started.
    """

    def __call__(self, context: OperatorContext) -> Awaitable[OperatorResult]: ...


class OperatorEntry(Struct, frozen=True):
    """An operator and what the engine must know of it.

    `retries` says whether it honours a `_retry` of its own (core 5.4). `reads` are the keys of its task that it looks
    at, for the warning about unused ones (core 6.7), or None where Digdag does not check. `takes_pin` says that it is
    called with a pin too, and makes its result of that.
    """

    run: Operator
    retries: bool = True
    reads: frozenset[str] | None = None
    takes_pin: bool = False


def error_object(error: DigdagError) -> Params:
    """What `_error` sees as `error` (core 5.5)."""
    if error.kind is None:
        return {"message": error.message}
    return {"message": error.error_message, "stacktrace": error.log_message}
