"""`py>`: a function, a method or a script of Python, in an interpreter of the user's own (operators 4.4)."""

from __future__ import annotations

import json
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any, Final

from ..engine.operator import OperatorContext, OperatorResult
from ..workflow.config import Params
from ..workflow.convert import read_list, read_map, read_optional_string, read_string, read_strings
from ..workflow.errors import ConfigError, TaskRuntimeError
from ..workflow.text import json_text
from . import process, py_debugger
from .command import execute, temporary_files, with_scope
from .result_file import MappingError, parse
from .secrets import env_templates, environment

_HINTS: Final = (
    ("Empty module name", "py> wants MODULE.FUNCTION, its module in the project's folder or installed for this Python"),
    ("No module named", "put the module into the project's folder, or install it for the Python that runs the task"),
    ("but not set (TypeError)", "give the parameter beside py>, in an _export, or with a default value"),
)
"""What to do about messages that do not say it."""


class PythonError(TaskRuntimeError):
    """A task's Python code failed; `frames` are those of its own code, innermost last.

    Each has `file` (absolute), `line` (from 1), `function` (None for a syntax error) and `source`, the line's text.
    """

    def __init__(self, message: str, frames: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.frames = frames
        self.hint = next((hint for words, hint in _HINTS if words in message), None)


async def run(context: OperatorContext) -> OperatorResult:
    """Call what `_command` names with the params that it asks for, or run the text `script`.

    Raises:
        ConfigError: an option has no form that Digdag takes.
        PythonError: the code failed.
        TaskRuntimeError: Python could not be started, or its result cannot be read.
    """
    env_templates(context)
    config = with_scope(context.config, "py")
    with temporary_files(context) as folder:
        debugger = py_debugger.wanted(folder) if context.debug_python and "_command" in config else None
        command = [*_interpreter(config), *_program(config, folder, debugger)]
        async with py_debugger.announced(context, debugger) if debugger else nullcontext():
            code = await execute(context, command, environment(context), option="python")
        target = folder / "output.json"
        if code != 0:
            raise _failure(code, target)
        return _result(target)


def _interpreter(config: Params) -> list[str]:
    """The start of the command line.

    Raises:
        ConfigError: `python` is neither text nor a list.
    """
    if "python" not in config:
        return ["python" if process.find("python") or not process.find("python3") else "python3"]
    match config["python"]:
        case str() as program:
            return [program]
        case list():
            return read_strings(config, "python")
        case other:
            text = "" if isinstance(other, dict) else json_text(other)
            raise ConfigError(f"Invalid python: {text}", hint="it is a program's name or a list of words")


def _program(config: Params, folder: Path, debugger: Params | None) -> list[str | Path]:
    """The rest of the command line; the files that it names are written.

    Raises:
        ConfigError: there is neither a command nor a script.
    """
    runner, source, target = folder / "runner.py", folder / "input.json", folder / "output.json"
    if "_command" in config:
        words: list[str | Path] = [runner, read_string(config, "_command"), source, target]
        script = _runner()
    else:
        words = [runner, source, target]
        script = read_string(config, "script")
    given: Params = {"params": config}
    if debugger:
        given["debugger"] = debugger
    source.write_text(json.dumps(given))
    runner.write_text(script, encoding="utf-8", errors="replace", newline="")
    return words


@cache
def _runner() -> str:
    return (Path(__file__).parent.parent / "python" / "runner.py").read_text(encoding="utf-8")


def _failure(code: int, target: Path) -> TaskRuntimeError:
    """The error of a process that ended with `code`, with what was written about it."""
    reason = f"Python command failed with code {code}"
    if not target.exists():
        return TaskRuntimeError(reason)
    try:
        result = parse(target)
    except MappingError:
        problem = "Can't parse output.json. The command failed unexpectedly. Please check logs."
        return TaskRuntimeError(f"{reason}\n\t{problem}")
    error = read_map(result, "error", {})
    said, name = read_optional_string(error, "message"), read_optional_string(error, "class")
    reason += "\nError messages from python"
    reason += "" if said is None else f": {said}"
    reason += "" if name is None else f" ({name})"
    for line in read_strings(error, "backtrace", []):
        reason += f"\n\tfrom {line}"
    return PythonError(reason, read_list(error, "frames", []))


def _result(target: Path) -> OperatorResult:
    """What the runner, or the user's script, wrote.

    Raises:
        ConfigError: a part of it is no map.
        TaskRuntimeError: it is not there, or is not JSON.
    """
    if not target.exists():
        raise TaskRuntimeError("output.json does not exist. Something unexpected error happened. Please check logs.")
    result = parse(target)
    return OperatorResult(
        subtasks=read_map(result, "subtask_config", {}),
        export=read_map(result, "export_params", {}),
        store=read_map(result, "store_params", {}),
    )
