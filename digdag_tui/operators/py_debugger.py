"""A debugger for a `py>` task: debugpy, lent to its interpreter, and where it waits for a client."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

from ..engine.operator import OperatorContext
from ..workflow.config import Params
from ..workflow.errors import TaskRuntimeError

_POLL = 0.02
"""Seconds between looks for the announcement."""


def wanted(folder: Path) -> Params:
    """What the runner must know to wait for a debugger; `folder` is that of the task's temporary files.

    Raises:
        TaskRuntimeError: debugpy is not installed.
    """
    from importlib.util import find_spec

    found = find_spec("debugpy")
    if found is None or found.origin is None:
        raise TaskRuntimeError("Python stepping needs debugpy, which is not installed beside digdag-tui")
    return {"library": str(Path(found.origin).parent.parent), "announcement": str(folder / "debugger.json")}


@contextlib.asynccontextmanager
async def announced(context: OperatorContext, debugger: Params) -> AsyncIterator[None]:
    """While the task's process runs in here, tell the context where it waits.

    Raises:
        TaskRuntimeError: debugpy could not start in the process.
    """
    announcement = Path(debugger["announcement"])
    announcing = asyncio.create_task(_announce(context, announcement))
    try:
        yield
    finally:
        announcing.cancel()
    if announcement.exists() and (problem := json.loads(announcement.read_text()).get("error")):
        raise TaskRuntimeError(f"Python stepping could not start in the interpreter of this task: {problem}")


async def _announce(context: OperatorContext, announcement: Path) -> None:
    while not announcement.exists():
        await asyncio.sleep(_POLL)
    said = json.loads(announcement.read_text())
    if "error" not in said:
        context.debug_waiting(said["host"], said["port"])
