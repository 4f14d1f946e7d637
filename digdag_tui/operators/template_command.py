"""The command of operators that send a text of the user's: a file of the workspace, or the text itself."""

from __future__ import annotations

from ..engine.operator import OperatorContext
from ..params.template import TemplateError
from ..workflow.config import Params
from ..workflow.convert import read_map, read_string
from ..workflow.errors import ConfigError, TaskRuntimeError
from ..workflow.names import did_you_mean


def template_command(context: OperatorContext, config: Params, alias: str) -> str:
    """The text that a command means (operators 2.9): a file, the text at `data`, or without a command that at `alias`.

    Templates in a file are filled in with `config`, the task's evaluated params with those of its default scope.

    Raises:
        ConfigError: there is no such text, the file cannot be read, or a template in it fails.
    """
    if "_command" not in config:
        return read_string(config, alias)
    if isinstance(config["_command"], dict):
        return read_string(read_map(config, "_command"), "data")
    name = read_string(config, "_command")
    try:
        return context.evaluate(read_workspace_file(context, name), config)
    except TemplateError as error:
        hint = error.hint or (error.missing and did_you_mean(error.missing, list(config)))
        raise ConfigError(f"{error.message} in {name}", hint=hint or None) from None


def read_workspace_file(context: OperatorContext, name: str) -> str:
    """The text of a file of the workspace.

    Raises:
        ConfigError: it is not there, not in the project, no UTF-8 or cannot be read.
        TaskRuntimeError: `_workdir` leaves the project.
    """
    context.workspace  # noqa: B018  a wrong `_workdir` is no mistake of the file's name
    try:
        path = context.file(name)
    except TaskRuntimeError as error:
        raise ConfigError(f"{error.message}: {name}", hint="name a file of the project") from None
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        raise ConfigError(f"File not found: {path}", hint="a file's name is relative to the workflow's") from None
    except UnicodeDecodeError as error:
        hint = f"its byte {error.start} is no UTF-8"
        raise _unreadable(name, "java.nio.charset.MalformedInputException", hint) from None
    except PermissionError:
        raise _unreadable(name, "java.nio.file.AccessDeniedException", "its permissions forbid it") from None
    except (OSError, ValueError) as error:
        raise _unreadable(name, "java.io.IOException", getattr(error, "strerror", None) or str(error)) from None


def _unreadable(name: str, java_class: str, hint: str) -> ConfigError:
    return ConfigError(f"Failed to read file: {name}: class {java_class}", hint=hint)
