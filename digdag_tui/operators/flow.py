"""`if>` and `call>`: tasks that put other tasks below themselves (operators 3)."""

from __future__ import annotations

from ..engine.operator import OperatorContext, OperatorResult
from ..workflow.convert import read_bool, read_map, read_string
from ..workflow.errors import ConfigError


async def branch(context: OperatorContext) -> OperatorResult:
    """`if>`: the body of `_do` or of `_else_do`.

    Raises:
        ConfigError: the condition is no boolean, or both bodies are missing.
    """
    body = read_map(context.config, "_do", {})
    other = read_map(context.config, "_else_do", {})
    condition = read_bool(context.config, "_command")
    if not body and not other:
        raise ConfigError("Both _do and _else_do are not specified.", hint="add the tasks to run below _do")
    return OperatorResult(subtasks=body if condition else other)


async def call(context: OperatorContext) -> OperatorResult:
    """`call>`: the tasks of another workflow file.

    Raises:
        ConfigError: the file is not there or is no workflow.
        TaskRuntimeError: the file is not in the project.
    """
    from ..workflow.project import load_called

    name = read_string(context.config, "_command")
    path = context.file(name if name.endswith(".dig") else name + ".dig")
    return OperatorResult(subtasks=load_called(context.project, path).config)
