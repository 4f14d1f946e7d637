"""Warm parents: interpreters that fork for each `py>` task, one for each way to start one (operators 4.4).

What runs in them is `python/warm.py`. Where a fork could be told from a start, the task is started plainly.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from ..workflow.errors import TaskRuntimeError
from . import process
from .process import Process, Program

_RUNNER: Final = Path(__file__).parent.parent / "python" / "runner.py"

_SCRIPT_WORDS: Final = 4
"""How many words of a command line are the runner and its arguments."""

_START_TIME: Final = 20.0
"""Seconds within which an interpreter must be ready to fork."""

_END_TIME: Final = 0.5
"""Seconds within which it ends by itself."""

_MOST: Final = 8
"""How many warm parents are kept."""

_INTERPRETER: Final = re.compile(r"(python|pypy)[\d.]*\w*")
_OPTION: Final = re.compile(r"-[bBdEiIOPqRsSuvx]+|-[WX].+|--check-hash-based-pycs=.+")
_VARIABLE: Final = re.compile(
    r"PYTHON|LD_|DYLD_|LC_|LANG|GLIBC_|MALLOC_|PYENV_|ASDF_|MISE_|CONDA_|COV|SETUPTOOLS_|__PYVENV|VIRTUAL_ENV"
    r"|(HOME|PATH|TZ)$"
)
"""What the start of an interpreter may depend on."""

_VERSION_FILES: Final = (".python-version", ".tool-versions", "mise.toml", ".mise.toml")
"""What tells a version manager which interpreter a folder wants."""


_LOST: Final = "The interpreter that had started this task was ended from outside, and the task with it"


class WarmPythons:
    """The warm parents of a session. They end with `close`, with this object, and when our process ends in any way."""

    def __init__(self) -> None:
        self._parents: dict[tuple[object, ...], _Parent] = {}
        self._told: set[str] = set()

    async def start(self, program: Program, log: Callable[[str], None]) -> Process:
        """Start the runner, from a warm parent or, where that cannot be, plainly.

        Args:
            program: its command line ends with the runner and three arguments.
            log: is told, once for each reason, why it is started plainly.

        Raises:
            OSError: it cannot be started.
            ValueError: an argument or a variable cannot be passed to it.
        """
        reason = _refusal(program)
        for _ in range(0 if reason else 2):
            parent = self._parent(program)
            reason = await asyncio.shield(parent.ready)
            if reason:
                break
            with contextlib.suppress(_Gone):
                return await parent.fork(program)
        if reason and reason not in self._told:
            self._told.add(reason)
            log(f"{program.command[0]} starts anew for each py> task: {reason}")
        return await process.start_program(program)

    def close(self) -> None:
        """End all warm parents, those of tasks that run when they have ended."""
        while self._parents:
            self._parents.popitem()[1].close()

    def _parent(self, program: Program) -> _Parent:
        """The parent for `program`, a new one if there is none, or if one would not start today as it did then."""
        variables = {name: value for name, value in program.environment.items() if _VARIABLE.match(name)}
        key = (*program.command[:-_SCRIPT_WORDS], program.executable, program.directory, *sorted(variables.items()))
        parent = self._parents.pop(key, None)
        if parent and not parent.is_current():
            parent.close()
            parent = None
        self._parents[key] = parent or _Parent(program, {**os.environ, **variables})
        while len(self._parents) > _MOST:
            self._parents.pop(next(iter(self._parents))).close()
        return self._parents[key]


def _refusal(program: Program) -> str | None:
    """Why a command line is started plainly: not even an interpreter is asked."""
    name, *options = program.command[:-_SCRIPT_WORDS]
    if sys.platform in ("darwin", "win32"):
        return "this system's libraries do not bear a fork"
    if not _INTERPRETER.fullmatch(os.path.basename(name)):
        return f"{name} is a program that starts the interpreter"
    words = iter(options)
    for word in words:
        if word in ("-W", "-X"):
            next(words, None)
        elif not _OPTION.fullmatch(word):
            return f"its option {word} runs something else than a script"
    with contextlib.suppress(OSError), open(program.executable, "rb") as file:
        if file.read(2) == b"#!" and not _is_shim(program.executable):
            return f"{program.executable} is a script"
    return None


def _is_shim(executable: str) -> bool:
    """Whether a script is that of a version manager, which chooses an interpreter and becomes it."""
    return os.path.basename(os.path.dirname(executable)) == "shims"


def _version_files(program: Program) -> Iterator[str]:
    """The files that a version manager's shim goes by."""
    if not _is_shim(program.executable):
        return
    yield os.path.join(os.path.dirname(os.path.dirname(program.executable)), "version")
    place = Path(program.directory or os.getcwd())
    for folder in (place, *place.parents):
        for name in _VERSION_FILES:
            yield str(folder / name)


def _mark(file: str) -> tuple[int, ...] | None:
    """What changes when a file does, or the names in a folder; None while it is not there."""
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


class _Gone(Exception):
    """A warm parent ended before it had started the task."""


class _Parent:
    """A warm parent; `ready` comes to why it cannot fork tasks, None if it can."""

    def __init__(self, program: Program, environment: Mapping[str, str]) -> None:
        self._marks = {file: _mark(file) for file in (program.executable, *_version_files(program))}
        self._environment: dict[str, str] = {}
        self._changed: dict[str, str | None] = {}
        """What its start made of the environment it was given; None for what it removed."""
        self._control: socket.socket | None = None
        self._interpreter: subprocess.Popen[bytes] | None = None
        self._end: Callable[[], object] = lambda: None
        self._running = 0
        self._closed = False
        self.ready = asyncio.ensure_future(self._start(program, environment))

    def is_current(self) -> bool:
        """Whether tasks may go by it still: it has not ended, and no file that its start depended on has changed."""
        ended = self._interpreter and self._interpreter.poll() is not None
        if self.ready.done() and (self.ready.cancelled() or ended):
            return False
        return all(_mark(file) == mark for file, mark in self._marks.items())

    async def fork(self, program: Program) -> Process:
        """Start a task's process.

        Raises:
            OSError: it cannot be started.
            _Gone: the parent has ended.
        """
        directory = str(program.directory or os.getcwd())
        script = program.command[-_SCRIPT_WORDS:]
        folder = os.path.dirname(os.path.realpath(os.path.join(directory, script[0])))
        changes = self._changes_to(program.environment)
        channel, theirs = socket.socketpair()
        pipe, saying = os.pipe()
        job = b"\0".join(map(os.fsencode, [directory, folder, *script, *changes]))
        forked = _Forked(channel, pipe, job, self._ended)
        self._running += 1
        try:
            with theirs:
                if self._control is None:
                    raise _Gone
                socket.send_fds(self._control, [b"."], [theirs.fileno(), saying, program.stdin, program.output])
            await forked.give_job()
        except BaseException as error:
            os.close(saying)
            forked.close()
            if isinstance(error, ConnectionError):
                raise _Gone from None
            raise
        os.close(saying)
        return forked

    def _changes_to(self, environment: Mapping[str, str]) -> Iterator[str]:
        """What makes of its own environment a task's: that has what the interpreter's start changes in it too."""
        wanted = {name: value for name, value in {**environment, **self._changed}.items() if value is not None}
        yield from (f"{name}={value}" for name, value in wanted.items() if self._environment.get(name) != value)
        yield from self._environment.keys() - wanted.keys()

    def close(self) -> None:
        """End it, at once if no task of it runs, else when all have ended."""
        self._closed = True
        if self._interpreter and not self.ready.done():
            self._interpreter.kill()
        elif not self._running:
            self._end()

    def _ended(self) -> None:
        self._running -= 1
        if self._closed and not self._running:
            self._end()

    async def _start(self, program: Program, environment: Mapping[str, str]) -> str | None:
        said, saying = os.pipe()
        silence, never_written = os.pipe()
        control, theirs = socket.socketpair()
        words = [*program.command[:-_SCRIPT_WORDS], str(_RUNNER), str(theirs.fileno())]
        try:
            self._interpreter = subprocess.Popen(
                words,
                executable=program.executable,
                stdin=silence,
                stdout=saying,
                stderr=saying,
                cwd=program.directory,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            self._end = weakref.finalize(self, _finish, self._interpreter, control)
            theirs.close()
            reason = await self._hear(control, program, environment)
            if not reason and select.select([said], [], [], 0)[0]:
                reason = "it prints when it starts"
        except (OSError, ValueError) as error:
            reason = f"it cannot be started without a task ({error})"
        finally:
            theirs.close()
            for descriptor in (said, saying, silence, never_written):
                os.close(descriptor)
        if reason:
            self._interpreter = None
            self._end()
            control.close()
        else:
            self._control = control
            control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            control.setblocking(True)
        return reason

    async def _hear(self, control: socket.socket, program: Program, given: Mapping[str, str]) -> str | None:
        """Take what the interpreter says of itself; why it cannot fork tasks, or None."""
        control.setblocking(False)
        line = b""
        try:
            async with asyncio.timeout(_START_TIME):
                while not line.endswith(b"\n"):
                    piece = await asyncio.get_running_loop().sock_recv(control, 2**16)
                    if not piece:
                        return "it cannot run the runner without a task"
                    line += piece
        except TimeoutError:
            return "it is not ready in time"
        about = json.loads(line)
        came = self._environment = {_name(name): _name(value) for name, value in about["environment"].items()}
        self._changed = {name: came.get(name) for name in {**given, **came} if came.get(name) != given.get(name)}
        self._marks.update({file: _mark(file) for file in (_name(text) for text in about["files"])})
        if self._interpreter is None or about["pid"] != self._interpreter.pid:
            return "it starts another process"
        if _name(about["directory"]) != os.path.realpath(program.directory or os.getcwd()):
            return "it leaves the task's directory"
        reason: str | None = about["unfit"]
        return reason


class _Forked:
    """The process of a task; `ended` is called once, when nothing is expected of the parent any more."""

    def __init__(self, channel: socket.socket, pipe: int, job: bytes, ended: Callable[[], None]) -> None:
        channel.setblocking(False)
        job = len(job).to_bytes(4, "big") + job
        self._unsent = job[channel.send(job) :]
        self._channel = channel
        self._pipe = pipe
        self._ended = ended
        self._said = b""
        self._code: int | None = None

    async def give_job(self) -> None:
        """Send what did not go into the channel at once.

        Raises:
            ConnectionError: the parent has ended.
        """
        if self._unsent:  # else the task may have ended by now, and nobody is there to be sent even nothing
            await asyncio.get_running_loop().sock_sendall(self._channel, self._unsent)

    @cached_property
    def pid(self) -> int:
        """The process's number, once it leads its session: it is only asked for when the task is to end.

        Raises:
            ProcessLookupError: it never began.
        """
        said = os.read(self._pipe, 20)
        if not said:
            raise ProcessLookupError
        return int(said)

    async def wait(self) -> int:
        """As the protocol has it."""
        while self._code is None and not self._said.endswith(b"\n"):
            try:
                piece = await asyncio.get_running_loop().sock_recv(self._channel, 256)
            except ConnectionError:
                piece = b""
            self._said += piece or b"lost 0\n"
        if self._code is None:
            word, _, number = self._said.decode().partition(" ")
            self._code = os.waitstatus_to_exitcode(int(number)) if word == "end" else -signal.SIGKILL
            if word == "lost":
                with contextlib.suppress(OSError):
                    os.killpg(self.pid, signal.SIGKILL)
            self.close()
            if word == "error":
                raise OSError(int(number), os.strerror(int(number)))
            if word == "lost":
                raise TaskRuntimeError(_LOST)
        return self._code

    def close(self) -> None:
        self._channel.close()
        with contextlib.suppress(ProcessLookupError):
            _ = self.pid
        os.close(self._pipe)
        self._ended()


def _finish(interpreter: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.close()
    try:
        interpreter.wait(_END_TIME)
    except subprocess.TimeoutExpired:
        interpreter.kill()
        interpreter.wait()


def _name(text: str) -> str:
    return os.fsdecode(text.encode("latin-1"))
