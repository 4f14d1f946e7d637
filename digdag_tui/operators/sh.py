"""`sh>`: a shell script (operators 4.3)."""

from __future__ import annotations

from ..engine.operator import OperatorContext, OperatorResult
from ..workflow.config import Params
from ..workflow.convert import read_string, read_strings
from ..workflow.errors import ConfigError, TaskRuntimeError
from ..workflow.text import json_text
from .command import execute, temporary_files, with_scope
from .secrets import environment, fill_command, is_variable


async def run(context: OperatorContext) -> OperatorResult:
    """Run `_command` with every param in its environment.

    Raises:
        ConfigError: an option, a param or a secret's template has no form that Digdag takes.
        TaskRuntimeError: the script failed or could not be started.
    """
    config = with_scope(context.config, "sh")
    with temporary_files(context) as folder:
        shell = read_strings(config, "shell", []) if "shell" in config else ["/bin/sh"]
        script = fill_command(context, read_string(config, "_command"))
        variables = params_as_variables(config) | environment(context)
        runner = folder / "runner.sh"
        runner.write_text(script, encoding="utf-8", errors="replace", newline="")
        code = await execute(context, config, folder, [*shell, runner], variables, option="shell")
    if code != 0:
        raise TaskRuntimeError(f"Command failed with code {code}")
    return OperatorResult()


def params_as_variables(config: Params) -> dict[str, str]:
    """The params whose names are variables': texts as they are, others as JSON.

    Raises:
        ConfigError: one of them is null.
    """
    variables = {}
    for name, value in config.items():
        if not is_variable(name):
            continue
        if value is None:
            raise ConfigError(
                f"Parameter '{name}' is required but null",
                hint="sh> passes every param on as an environment variable, which cannot be null",
            )
        variables[name] = value if isinstance(value, str) else json_text(value)
    return variables
