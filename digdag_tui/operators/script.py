"""What `py>` and `rb>` share: the user's own interpreter, and the files between it and us (operators 4.4, 4.5)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

from ..engine.operator import OperatorResult
from ..workflow.config import Params
from ..workflow.convert import read_map, read_optional_string, read_string, read_strings
from ..workflow.errors import ConfigError
from ..workflow.text import json_text

OUTPUT: Final = "output.json"
"""The file where a runner, or the user's script, leaves what the task gives back."""

_BESIDE: Final = {"python/runner.py": "python/runner_failure.py"}
"""What a runner loads once it needs it."""


def interpreter(config: Params, option: str, default: str) -> list[str]:
    """The start of the command line: what `option` says, a program or a list of words, or the program `default`.

    Raises:
        ConfigError: `option` is neither text nor a list.
    """
    if option not in config:
        return [default]
    match config[option]:
        case str() as program:
            return [program]
        case list():
            return read_strings(config, option)
        case other:
            text = "" if isinstance(other, dict) else json_text(other)
            raise ConfigError(f"Invalid {option}: {text}", hint="it is a program's name or a list of words")


def write_files(config: Params, folder: Path, runner: str, more: Params | None = None) -> list[str | Path]:
    """Write the runner, or the text `script` where there is no command, and its input; return their command line.

    Args:
        folder: that of the task's temporary files.
        runner: the runner's file in this package, such as `python/runner.py`.
        more: what the input has beside the params.

    Raises:
        ConfigError: there is neither a command nor a script.
    """
    program, source = folder / Path(runner).name, folder / "input.json"
    words: list[str | Path] = [program, source, folder / OUTPUT]
    if "_command" in config:
        words.insert(1, read_string(config, "_command"))
        script = _shipped(runner)
    else:
        script = read_string(config, "script")
    source.write_text(json.dumps({"params": config, **(more or {})}))
    if "_command" in config and runner in _BESIDE:
        (folder / Path(_BESIDE[runner]).name).write_text(_shipped(_BESIDE[runner]), encoding="utf-8")
    program.write_text(script, encoding="utf-8", errors="replace", newline="")
    return words


def error_parts(output: Params) -> tuple[str | None, str | None, list[str]]:
    """The message, the class and the backtrace of the error in `output`."""
    error = read_map(output, "error", {})
    message, name = read_optional_string(error, "message"), read_optional_string(error, "class")
    return message, name, read_strings(error, "backtrace", [])


def result(output: Params) -> OperatorResult:
    """What the task gives back.

    Raises:
        ConfigError: a part of it is no map.
    """
    return OperatorResult(
        subtasks=read_map(output, "subtask_config", {}),
        export=read_map(output, "export_params", {}),
        store=read_map(output, "store_params", {}),
    )


@cache
def _shipped(file: str) -> str:
    return (Path(__file__).parent.parent / file).read_text(encoding="utf-8")
