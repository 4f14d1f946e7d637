"""Where an editor finds the `py>` task that waits for it: a port of the project's own, behind it the task's debugpy."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Callable
from pathlib import Path
from typing import Final
from zlib import crc32

from ..engine.operator import OperatorContext
from ..operators.command import in_container, with_scope
from .dap_client import DapClient, DapError
from .events import DebuggerWaiting, EditorAttached, EditorDetached, SessionEvent

HOST: Final = "127.0.0.1"
_FIRST, _PORTS = 20000, 10000
"""Ports below those that systems give to whoever asks for any."""
_PIECE = 65536
_PATIENCE = 30.0
"""Seconds that letting a task begin without an editor may take."""


def port_of(project: Path) -> int:
    """The port that a project's tasks wait on: always the same, so that an editor may keep its entry."""
    return _FIRST + crc32(str(project).encode("utf-8", "replace")) % _PORTS


def root_of(context: OperatorContext) -> str:
    """The project's directory as a task's process sees it: a container has it where it is, others without links.

    Raises:
        ConfigError: the options that say where it runs have no form that Digdag takes.
    """
    contained = in_container(context, with_scope(context.config, "py"))
    return str(context.project if contained else context.project.resolve())


class EditorPort:
    """Lets editors in to tasks that wait, and tells when they come and go.

    Args:
        project: the project's directory.
        tell: called with what happens, in the loop that `offer` runs in.
    """

    def __init__(self, project: Path, tell: Callable[[SessionEvent], None]) -> None:
        self._port = port_of(project)
        self._tell = tell
        self._doors: dict[int, _Door] = {}

    def offer(self, task: int, host: str, port: int, root: str) -> None:
        """Let an editor in to the debugpy at `host` and `port`, where a task waits; `root` is as in the event."""
        self.close(task)
        door = self._doors[task] = _Door(task, host, port, self._tell)
        door.opening = asyncio.ensure_future(self._open(door, task, root))

    async def _open(self, door: _Door, task: int, root: str) -> None:
        taken = None
        try:
            await door.open(self._port)
        except OSError as error:
            taken = self._port if error.errno == errno.EADDRINUSE else None
            await door.open(0)
        if self._doors.get(task) is door:
            self._tell(DebuggerWaiting(task, HOST, door.port, root, taken))

    def waits(self, task: int) -> bool:
        """Whether a task waits, and no editor is there."""
        door = self._doors.get(task)
        return door is not None and door.waits

    @property
    def waited_for(self) -> bool:
        """Whether any task waits."""
        return any(door.waits for door in self._doors.values())

    async def begin_without(self, task: int) -> None:
        """Let a task that waits begin without an editor; nobody is let in to it any more.

        Raises:
            DapError: its debugpy does not answer.
        """
        await self._doors[task].begin_without()
        self.close(task)
        self._tell(EditorDetached(task, begun=True))

    def close(self, task: int) -> None:
        """Let nobody in to a task any more: it goes on, or has ended."""
        if door := self._doors.pop(task, None):
            door.close()

    def close_all(self) -> None:
        for task in [*self._doors]:
            self.close(task)


class _Door:
    """One task's server; it lets one editor in at a time, and another one after that."""

    def __init__(self, task: int, host: str, port: int, tell: Callable[[SessionEvent], None]) -> None:
        self._task = task
        self._inside = host, port
        self._tell = tell
        self._server: asyncio.Server | None = None
        self._guest: asyncio.StreamWriter | None = None
        self._closed = False
        self._begun = _Word(b'"configurationDone"')
        self.port = 0
        self.opening: asyncio.Future[None] | None = None
        """What opens it: kept, as the loop keeps it weakly only."""

    @property
    def waits(self) -> bool:
        """Whether the task has not begun yet, and no editor is there."""
        return not (self._begun.seen or self._guest or self._closed)

    async def open(self, port: int) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        self._server = await asyncio.start_server(self._visited, HOST, port)
        self.port = self._server.sockets[0].getsockname()[1]
        if self._closed:
            self._server.close()

    def close(self) -> None:
        """Let nobody in any more; an editor that is there hears the end from the task itself."""
        self._closed = True
        if self._server:
            self._server.close()

    async def begin_without(self) -> None:
        """Be a debugger that comes, wants nothing and goes.

        Raises:
            DapError: nobody is inside.
        """
        ready = asyncio.Event()
        client = await DapClient.connect(*self._inside, lambda name, _: ready.set() if name == "initialized" else None)
        try:
            async with asyncio.timeout(_PATIENCE):
                await client.request("initialize", adapterID="digdag-tui", pathFormat="path")
                attached = client.send("attach", justMyCode=True)
                await ready.wait()
                await client.request("configurationDone")
                await attached
                await client.request("disconnect", terminateDebuggee=False)
        except TimeoutError:
            raise DapError("the task's debugger does not answer") from None
        finally:
            await client.close()

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._guest or self._closed:
            writer.close()
            return
        self._guest = writer
        try:
            await self._pass_on(reader, writer)
        except OSError:
            pass  # nobody is inside any more, or the editor broke off
        finally:
            self._guest = None
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tell(EditorAttached(self._task))
        first = await reader.read(_PIECE)
        if not first:  # debugpy hears nothing of it: it may not take another one then
            self._tell(EditorDetached(self._task, self._begun.seen))
            return
        inside_reader, inside_writer = await asyncio.open_connection(*self._inside)
        leaving, ended = _Word(b'"disconnect"'), _Word(b'"terminated"')
        has_left = False

        def hear_editor(data: bytes) -> None:
            nonlocal has_left
            self._begun.look(data)
            leaving.look(data)
            has_left = has_left or (leaving.seen and not ended.seen)

        hear_editor(first)
        inside_writer.write(first)
        out = asyncio.create_task(_pump(reader, inside_writer, hear_editor))
        back = asyncio.create_task(_pump(inside_reader, writer, ended.look))
        try:
            await asyncio.wait((out, back), return_when=asyncio.FIRST_COMPLETED)
            if has_left or not (ended.seen or inside_reader.at_eof()):
                self._tell(EditorDetached(self._task, self._begun.seen))
        finally:
            out.cancel()
            back.cancel()
            inside_writer.close()


class _Word:
    """Looks for a word in a stream of bytes."""

    def __init__(self, word: bytes) -> None:
        self.seen = False
        self._word = word
        self._end = b""

    def look(self, data: bytes) -> None:
        if not self.seen:
            data = self._end + data
            self.seen = self._word in data
            self._end = data[-len(self._word) :]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hear: Callable[[bytes], None]) -> None:
    """Pass on all bytes, as long as somebody sends and takes them."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_PIECE):
            hear(data)
            writer.write(data)
            await writer.drain()
