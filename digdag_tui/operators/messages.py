"""The operators that only say something: `echo>` and `fail>` (operators 3)."""

from __future__ import annotations

from ..engine.operator import OperatorContext, OperatorResult
from ..workflow.convert import read_string
from ..workflow.errors import TaskExecutionError


async def echo(context: OperatorContext) -> OperatorResult:
    """Print `_command`, in whole lines.

    Raises:
        ConfigError: there is no text.
    """
    message = read_string(context.config, "_command")
    if message:
        context.output(message if message.endswith("\n") else message + "\n")
    return OperatorResult()


async def fail(context: OperatorContext) -> OperatorResult:
    """Fail with `_command` as the message.

    Raises:
        TaskExecutionError: always.
        ConfigError: `_command` is no text.
    """
    raise TaskExecutionError(read_string(context.config, "_command", ""))
