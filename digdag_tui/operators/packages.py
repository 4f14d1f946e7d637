"""Python packages that only some operators need."""

from __future__ import annotations

from asyncio import to_thread
from importlib import import_module
from typing import Any

from ..workflow.errors import TaskRuntimeError


async def load_package(name: str, *, extra: str) -> Any:
    """A package, imported beside the event loop; `extra` is the one of digdag-tui that brings it.

    Raises:
        TaskRuntimeError: it is not installed, or does not load.
    """
    try:
        return await to_thread(import_module, name)
    except ImportError as error:
        message = f"The Python package {name} is not available: {error}"
        hint = f"install it with: pip install 'digdag-tui[{extra}]'"
        raise TaskRuntimeError(message, "not available", hint=hint) from None
