"""`py>`: a function, a method or a script of Python, in an interpreter of the user's own (operators 4.4)."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from ..engine.operator import OperatorContext, OperatorResult
from ..workflow.config import Params
from ..workflow.convert import read_list, read_map
from ..workflow.errors import TaskRuntimeError
from . import process, py_debugger, script
from .command import execute, in_container, temporary_files, with_scope
from .result_file import MappingError, parse
from .secrets import environment

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
    config = with_scope(context.config, "py")
    contained = in_container(context, config)
    with temporary_files(context) as folder:
        debugger = _debugger(context, config, folder, contained)
        files = script.write_files(config, folder, "python/runner.py", {"debugger": debugger} if debugger else {})
        command = [*script.interpreter(config, "python", _default(contained)), *files]
        async with py_debugger.announced(context, debugger) if debugger else nullcontext():
            code = await execute(context, config, folder, command, environment(context), option="python")
        output = folder / script.OUTPUT
        if code != 0:
            raise _failure(code, output)
        if not output.exists():
            problem = "output.json does not exist. Something unexpected error happened. Please check logs."
            raise TaskRuntimeError(problem)
        return script.result(parse(output))


def _default(contained: bool) -> str:
    """`python`, or `python3` where this machine has only that."""
    return "python" if contained or process.find("python") or not process.find("python3") else "python3"


def _debugger(context: OperatorContext, config: Params, folder: Path, contained: bool) -> Params | None:
    """What the runner must know to wait for a debugger, if it is to wait for one."""
    if not context.debug_python or "_command" not in config:
        return None
    if contained:
        context.log("WARN", __name__, "Python stepping does not reach into a container: the task runs through")
        return None
    return py_debugger.wanted(folder)


def _failure(code: int, output: Path) -> TaskRuntimeError:
    """The error of a process that ended with `code`, with what was written about it."""
    reason = f"Python command failed with code {code}"
    if not output.exists():
        return TaskRuntimeError(reason)
    try:
        written = parse(output)
    except MappingError:
        problem = "Can't parse output.json. The command failed unexpectedly. Please check logs."
        return TaskRuntimeError(f"{reason}\n\t{problem}")
    message, name, backtrace = script.error_parts(written)
    reason += "\nError messages from python"
    reason += "" if message is None else f": {message}"
    reason += "" if name is None else f" ({name})"
    for line in backtrace:
        reason += f"\n\tfrom {line}"
    return PythonError(reason, read_list(read_map(written, "error", {}), "frames", []))
