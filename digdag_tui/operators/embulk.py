"""`embulk>`: a transfer by Embulk, as a file or a map describes it (operators 4.6)."""

from __future__ import annotations

import os

from ..engine.operator import OperatorContext, OperatorResult
from ..params.template import TemplateError
from ..workflow.config import Params
from ..workflow.convert import read_map, read_string
from ..workflow.errors import ConfigError, DigdagError, TaskRuntimeError
from ..workflow.text import json_text
from ..workflow.yaml_text import yaml_text
from .command import execute, temporary_files, with_scope
from .secrets import environment, fill_value


async def run(context: OperatorContext) -> OperatorResult:
    """Run `embulk run` on the file `_command`, or on the map `config`.

    Raises:
        ConfigError: an option has no form that Digdag takes, or the file is no YAML mapping.
        TaskRuntimeError: the file cannot be read, or Embulk failed or could not be started.
    """
    config = with_scope(context.config, "embulk")
    with temporary_files(context) as folder:
        if "_command" in config:
            text = json_text(fill_value(context, _load(context, config)))
        else:
            text = yaml_text(read_map(config, "config"))
        load = folder / "load.yml"
        load.write_text(text, encoding="utf-8", errors="replace", newline="")
        variables = {**os.environ, **environment(context)}
        code = await execute(context, config, folder, ["embulk", "run", load], variables, option="embulk")
    if code != 0:
        raise TaskRuntimeError(f"Command failed with code {code}")
    return OperatorResult()


def _load(context: OperatorContext, config: Params) -> Params:
    """The mapping in the file `_command`, its templates filled in.

    Raises:
        ConfigError: it is no YAML mapping.
        TaskRuntimeError: it cannot be read, or a template in it fails.
    """
    from ..workflow.yaml import load_text

    name = read_string(config, "_command")
    text = _read(context, name)
    try:
        text = context.evaluate(text, config)
    except TemplateError as error:
        raise TaskRuntimeError(f"io.digdag.spi.TemplateException: {error.message}", hint=error.hint) from None
    try:
        return load_text(text, name)
    except DigdagError as error:
        raise ConfigError("Failed to parse yaml file", position=error.position, hint=error.hint) from error


def _read(context: OperatorContext, name: str) -> str:
    path = context.file(name)
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        message = f"java.nio.file.NoSuchFileException: {path}"
        raise TaskRuntimeError(message, hint="name a file of the project") from None
    except UnicodeDecodeError as error:
        message = "java.nio.charset.MalformedInputException: Input length = 1"
        raise TaskRuntimeError(message, hint=f"byte {error.start} of {name} is no UTF-8") from None
    except (OSError, ValueError) as error:
        raise TaskRuntimeError(f"java.io.IOException: {getattr(error, 'strerror', None) or error}") from None
