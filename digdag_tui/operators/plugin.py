"""Operators of other packages, which Python's entry points name."""

from __future__ import annotations

from collections.abc import Awaitable
from importlib.metadata import EntryPoint
from inspect import isawaitable

from msgspec.structs import replace

from ..engine.operator import OperatorContext, OperatorEntry, OperatorResult
from ..workflow.errors import TaskRuntimeError


def load_operator(point: EntryPoint) -> OperatorEntry:
    """The operator that an entry point names: an `OperatorEntry`, or a coroutine function.

    Raises:
        TaskRuntimeError: it cannot be imported, or is neither.
    """
    package = point.dist.name if point.dist else point.module
    try:
        loaded = point.load()
    except Exception as error:
        message = (
            f"The operator {point.name}> of the package {package} cannot be loaded: {type(error).__name__}: {error}"
        )
        raise _broken(message, package) from error
    entry = loaded if isinstance(loaded, OperatorEntry) else OperatorEntry(loaded)
    if not callable(entry.run):
        raise _broken(f"The operator {point.name}> of the package {package} is no function: {point.value}", package)

    async def run(context: OperatorContext) -> OperatorResult:
        answer: Awaitable[object] = entry.run(context)
        result = await answer if isawaitable(answer) else answer
        if result is None:
            return OperatorResult()
        if not isinstance(result, OperatorResult):
            what = f"a {type(result).__name__} and no OperatorResult"
            raise _broken(f"The operator {point.name}> of the package {package} gave back {what}", package)
        return result

    return replace(entry, run=run)


def _broken(message: str, package: str) -> TaskRuntimeError:
    return TaskRuntimeError(message, "plugin", hint=f"this is a mistake in the package {package}, not in the workflow")
