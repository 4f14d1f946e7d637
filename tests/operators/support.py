"""A task for an operator to run, without an engine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.engine.call import env_templates
from digdag_tui.engine.operator import OperatorContext, OperatorResult
from digdag_tui.operators.registry import find_operator
from digdag_tui.workflow.errors import DigdagError

NOTHING: Any = object()


@dataclass
class Call:
    """One call of an operator, what it wrote and what it logged."""

    context: OperatorContext
    output: list[str] = field(default_factory=list)
    log: list[tuple[str, str, str]] = field(default_factory=list)

    async def run(self) -> OperatorResult:
        return await find_operator(self.context.config["_type"]).run(self.context)

    @property
    def lines(self) -> list[str]:
        return "".join(self.output).splitlines()


def call(
    project: Path,
    operator: str,
    command: Any = NOTHING,
    options: dict[str, Any] | None = None,
    *,
    params: dict[str, Any] | None = None,
    secrets: dict[str, str] | None = None,
    **more: Any,
) -> Call:
    """A task with `operator>: command` and `options` of its own, below exported `params`."""
    local = {**({} if command is NOTHING else {f"{operator}>": command}), **(options or {})}
    config = {**(params or {}), **local, "_type": operator}
    if command is not NOTHING and command is not None:
        config["_command"] = command
    output: list[str] = []
    log: list[tuple[str, str, str]] = []
    context = OperatorContext(
        task_id=7,
        full_name="+main+task",
        config=config,
        local={key: config[key] for key in local},
        env=env_templates(config, local),
        project=project,
        state=more.pop("state", {}),
        task_limit=1000,
        output=output.append,
        log=lambda level, logger, message: log.append((level, logger, message)),
        secret=(secrets or {}).get,
        evaluate=lambda text, params: text,
        **more,
    )
    return Call(context, output, log)


def run(project: Path, operator: str, *arguments: Any, **more: Any) -> OperatorResult:
    """The result of a call that succeeds."""
    return asyncio.run(call(project, operator, *arguments, **more).run())


def error(project: Path, operator: str, *arguments: Any, **more: Any) -> DigdagError:
    """The error of a call that fails."""
    with pytest.raises(DigdagError) as caught:
        run(project, operator, *arguments, **more)
    return caught.value


def message(project: Path, operator: str, *arguments: Any, **more: Any) -> str:
    """The message of a call that fails, with the project's path as `P`."""
    return error(project, operator, *arguments, **more).error_message.replace(str(project), "P")
