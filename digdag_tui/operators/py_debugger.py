"""A debugger for a `py>` task: debugpy, lent to its interpreter, and who is told where it waits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from ..engine.operator import OperatorContext
from ..workflow.config import Params
from ..workflow.errors import TaskRuntimeError

_POLL = 0.005
"""Seconds between looks for what the process has to say."""

_PROGRAM = "runner_debugger.py"


def wanted(context: OperatorContext, folder: Path, *, contained: bool = False) -> Params:
    """What the runner must know to wait for a debugger; `folder` is that of the task's temporary files.

    In a container it waits on a port that is known before, and published on our loopback address only.

    Raises:
        TaskRuntimeError: debugpy is not installed.
    """
    from importlib.util import find_spec

    found = find_spec("debugpy")
    if found is None or found.origin is None:
        raise TaskRuntimeError("Python stepping needs debugpy, which is not installed beside digdag-tui")
    program = folder / _PROGRAM
    program.write_bytes((Path(__file__).parent.parent / "python" / _PROGRAM).read_bytes())
    client = context.python_client
    return {
        "program": str(program),
        "library": str(Path(found.origin).parent.parent),
        "announcement": str(folder / "debugger.json"),
        "client": client is not None,
        "into": client is not None and client.into,
        **({"port": _free_port(), "network": _network()} if contained else {}),
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _network() -> str:
    """The name of the network that we are in, as its namespace has it; elsewhere one that no container is in."""
    try:
        return os.readlink("/proc/self/ns/net")
    except OSError:
        return "outside"


@contextlib.asynccontextmanager
async def announced(context: OperatorContext, debugger: Params) -> AsyncIterator[None]:
    """While the task's process runs in here, tell the context where it waits, or debug it ourselves.

    Raises:
        TaskRuntimeError: debugpy could not start in the process, or cannot be reached; the process has ended.
    """
    announcement = Path(debugger["announcement"])
    client = context.python_client
    demanded = client is None or client.into
    try:
        async with asyncio.TaskGroup() as group:
            following = group.create_task(_follow(context, announcement))
            yield
            following.cancel()
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    finally:
        if client:
            await client.detach()
    if demanded and (problem := _said(announcement).get("error")):
        raise TaskRuntimeError(f"Python stepping could not start in the interpreter of this task: {problem}")


async def _follow(context: OperatorContext, announcement: Path) -> None:
    """Bring the process and its debugger together."""
    said = await _awaited(announcement)
    client = context.python_client
    if "error" in said:
        if client and not client.into:
            context.log("WARN", __name__, f"No debugger can start in the interpreter of this task: {said['error']}")
    elif client is None:
        context.debug_waiting(said["host"], said["port"])
    else:
        await client.attach(said)
        if client.into:
            function = announcement.with_name("function.json")
            await client.reach(await _awaited(function))
            function.unlink(missing_ok=True)
        await client.ended()


async def _awaited(file: Path) -> Params:
    while not file.exists():
        await asyncio.sleep(_POLL)
    return _said(file)


def _said(file: Path) -> Params:
    return dict(json.loads(file.read_text())) if file.exists() else {}
