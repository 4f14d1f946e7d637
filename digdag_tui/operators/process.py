"""Child processes: started in a session of their own, read as they write, ended with all their children."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import errno
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from ..workflow.errors import TaskRuntimeError

TERMINATION_GRACE: Final = 5.0
"""Seconds between SIGTERM and SIGKILL."""

OUTPUT_GRACE: Final = 0.25
"""Seconds that children left in the background may go on writing after the process has ended."""


class StartError(TaskRuntimeError):
    """A program cannot be started."""


async def run(
    command: Sequence[str], directory: Path | None, variables: Mapping[str, str], output: Callable[[str], None]
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
    starting = asyncio.ensure_future(_start(command, directory, variables, output, silence))
    try:
        process = await asyncio.shield(starting)
        await process.exited.wait()
        await process.wait_for_output()
    except asyncio.CancelledError:
        with contextlib.suppress(StartError):
            await _end(await starting)
        raise
    finally:
        os.close(never_written)
    process.close()
    code = process.transport.get_returncode() or 0
    return code if code >= 0 else 128 - code


def find(program: str) -> str | None:
    """The executable file of a name in our PATH, or None."""
    for folder in os.get_exec_path():
        place = os.path.join(folder, program)
        if os.path.isfile(place) and os.access(place, os.X_OK):
            return place
    return None


class _Process(asyncio.SubprocessProtocol):
    """What asyncio tells about a process."""

    transport: asyncio.SubprocessTransport

    def __init__(self, output: Callable[[str], None]) -> None:
        self.exited = asyncio.Event()
        self._all_read = asyncio.Event()
        self._output = output
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._pass_on(self._decoder.decode(data))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._all_read.set()

    def process_exited(self) -> None:
        self.exited.set()

    async def wait_for_output(self) -> None:
        """Wait until all is read, or no longer than the grace when something still holds the pipe."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_read.wait(), OUTPUT_GRACE)

    def close(self) -> None:
        self._pass_on(self._decoder.decode(b"", final=True))
        self.transport.close()

    def _pass_on(self, text: str) -> None:
        if text:
            self._output(text)


def _refuse_nul(command: Sequence[str], variables: Mapping[str, str]) -> None:
    """Say in Java's words that no program can be given a NUL."""
    for value in variables.values():
        if "\0" in value:
            raise TaskRuntimeError(f'Invalid environment variable value: "{value}"', "illegal argument")
    if any("\0" in word for word in command):
        raise TaskRuntimeError("java.io.IOException: invalid null character in command")


async def _start(
    command: Sequence[str],
    directory: Path | None,
    variables: Mapping[str, str],
    output: Callable[[str], None],
    stdin: int,
) -> _Process:
    program = command[0]
    try:
        executable = program if "/" in program else find(program)
        if executable is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        _, protocol = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Process(output),
            *command,
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            executable=executable,
            cwd=directory,
            env={**os.environ, **variables},
            start_new_session=True,
        )
    except OSError as error:
        reason = f"error={error.errno}, {error.strerror}"
    except ValueError as error:
        reason = f"an argument or a variable cannot be passed to a program ({error})"
    else:
        return protocol
    finally:
        os.close(stdin)
    place = f' (in directory "{directory}")' if directory else ""
    raise StartError(f'java.io.IOException: Cannot run program "{program}"{place}: {reason}')


async def _end(process: _Process) -> None:
    """End the process and its group: SIGTERM, and SIGKILL for what is there after the grace."""
    group = process.transport.get_pid()
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
        try:
            await process.exited.wait()
        finally:
            process.close()


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
