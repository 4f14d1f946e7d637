"""Child processes: started in a session of their own, read as they write, ended with all their children."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import errno
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol, TypeAlias

from ..workflow.errors import TaskRuntimeError

TERMINATION_GRACE: Final = 5.0
"""Seconds between SIGTERM and SIGKILL."""

OUTPUT_GRACE: Final = 0.25
"""Seconds that children left in the background may go on writing after the process has ended."""

_AT_ONCE: Final = 2**18
"""Bytes of output that are passed on at once, at most."""


class StartError(TaskRuntimeError):
    """A program cannot be started."""


class Program(NamedTuple):
    """What to start: a command line, the file of its first word, where, with which environment, input and output.

    Input and output are file descriptors; what is started gets copies of them.
    """

    command: Sequence[str]
    executable: str
    directory: Path | None
    environment: Mapping[str, str]
    stdin: int
    output: int


class Process(Protocol):
    """A process that was started, the leader of a session of its own."""

    @property
    def pid(self) -> int:
        """Its number.

        Raises:
            OSError: it did not start after all.
        """

    async def wait(self) -> int:
        """Wait for its end; its exit code, or -N after signal N.

        Raises:
            OSError: it could not be started after all.
            TaskRuntimeError: it was lost.
        """


Start: TypeAlias = Callable[[Program], Awaitable[Process]]


async def start_program(program: Program) -> Process:
    """Start a program as the system does.

    Raises:
        OSError: it cannot be started.
        ValueError: an argument or a variable cannot be passed to it.
    """
    return await asyncio.create_subprocess_exec(
        *program.command,
        stdin=program.stdin,
        stdout=program.output,
        stderr=asyncio.subprocess.STDOUT,
        executable=program.executable,
        cwd=program.directory,
        env=program.environment,
        start_new_session=True,
    )


async def run(
    command: Sequence[str],
    directory: Path | None,
    variables: Mapping[str, str],
    output: Callable[[str], None],
    start: Start = start_program,
) -> int:
    """Run a process to its end and return its exit code, 128+N after signal N (operators 4.1).

    It starts in `directory`, or where we are, with our environment and `variables` over it, and as its input a pipe
    into which nothing is ever written. What it writes to both its outputs goes to `output`, decoded as UTF-8. When this
    coroutine is cancelled, the process and everything that it started in its session's process group are ended first.

    Raises:
        StartError: it cannot be started.
        TaskRuntimeError: a variable's value or a word of the command has a NUL.
    """
    _refuse_nul(command, variables)
    silence, never_written = os.pipe()
    reading, writing = os.pipe()
    said = _Output(reading, output)
    starting = asyncio.ensure_future(_start(command, directory, variables, silence, writing, start))
    try:
        process = await asyncio.shield(starting)
        code = await process.wait()
        await said.wait_for_end()
    except asyncio.CancelledError:
        with contextlib.suppress(TaskRuntimeError, OSError):
            await _end(await starting)
        raise
    except OSError as error:
        raise _not_started(command, directory, _reason(error)) from None
    finally:
        os.close(never_written)
        said.close()
    return code if code >= 0 else 128 - code


def find(program: str) -> str | None:
    """The executable file of a name in our PATH, or None."""
    for folder in os.get_exec_path():
        place = os.path.join(folder, program)
        if os.path.isfile(place) and os.access(place, os.X_OK):
            return place
    return None


class _Output:
    """Reads what a process writes into a pipe."""

    def __init__(self, pipe: int, take: Callable[[str], None]) -> None:
        self._pipe = pipe
        self._take = take
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(pipe, self._read)

    async def wait_for_end(self) -> None:
        """Wait until all is read, or no longer than the grace when something still holds the pipe."""
        if not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), OUTPUT_GRACE)

    def close(self) -> None:
        self._loop.remove_reader(self._pipe)
        os.close(self._pipe)
        self._pass_on(self._decoder.decode(b"", final=True))

    def _read(self) -> None:
        data = os.read(self._pipe, _AT_ONCE)
        if data:
            self._pass_on(self._decoder.decode(data))
        else:
            self._loop.remove_reader(self._pipe)
            self._ended.set()

    def _pass_on(self, text: str) -> None:
        if text:
            self._take(text)


def _refuse_nul(command: Sequence[str], variables: Mapping[str, str]) -> None:
    """Say in Java's words that no program can be given a NUL."""
    for value in variables.values():
        if "\0" in value:
            raise TaskRuntimeError(f'Invalid environment variable value: "{value}"', "illegal argument")
    if any("\0" in word for word in command):
        raise TaskRuntimeError("java.io.IOException: invalid null character in command")


async def _start(
    command: Sequence[str], directory: Path | None, variables: Mapping[str, str], stdin: int, output: int, start: Start
) -> Process:
    name = command[0]
    try:
        executable = name if "/" in name else find(name)
        if executable is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return await start(Program(command, executable, directory, {**os.environ, **variables}, stdin, output))
    except OSError as error:
        reason = _reason(error)
    except ValueError as error:
        reason = f"an argument or a variable cannot be passed to a program ({error})"
    finally:
        os.close(stdin)
        os.close(output)
    raise _not_started(command, directory, reason)


def _reason(error: OSError) -> str:
    return f"error={error.errno}, {error.strerror}"


def _not_started(command: Sequence[str], directory: Path | None, reason: str) -> StartError:
    place = f' (in directory "{directory}")' if directory else ""
    return StartError(f'java.io.IOException: Cannot run program "{command[0]}"{place}: {reason}')


async def _end(process: Process) -> None:
    """End the process and its group: SIGTERM, and SIGKILL for what is there after the grace."""
    try:
        await _end_group(process.pid)
    finally:
        await process.wait()


async def _end_group(group: int) -> None:
    try:
        _signal(group, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TERMINATION_GRACE):
                pause = 0.01
                while _is_running(group):
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, 0.2)
    finally:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Send a signal to a process group; whether there still was one."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _is_running(group: int) -> bool:
    """Whether a process of a group runs; one that has ended and that nobody has asked about yet does not."""
    if not _signal(group, 0):
        return False
    try:
        processes = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return True
    return any(_belongs(f"/proc/{name}/stat", group) for name in processes)


def _belongs(stat: str, group: int) -> bool:
    try:
        with open(stat, encoding="utf-8", errors="replace") as stream:
            state, _, process_group, *_ = stream.read().rpartition(") ")[2].split()
    except (OSError, ValueError):
        return False
    return int(process_group) == group and state not in "ZX"
