"""`py>`: a function, a method or a script of Python, in an interpreter of the user's own (operators 4.4)."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Final

from ..engine.operator import OperatorContext, OperatorResult
from ..workflow.config import Params
from ..workflow.errors import ConfigError, TaskRuntimeError
from . import interpreters, process, py_debugger, py_endings, script
from .command import execute, in_container, temporary_files, with_scope
from .py_failure import own_frames, read_failure
from .result_file import MappingError, parse
from .secrets import environment

_WARM: Final = "digdag-tui.warm-python"
"""The setting that is `false` after `--no-warm-python`."""

_HINTS: Final = (
    ("Empty module name", "py> wants MODULE.FUNCTION, its module in the project's folder or installed for this Python"),
    ("No module named", "put the module into the project's folder, or install it for the Python that runs the task"),
    ("but not set (TypeError)", "give the parameter beside py>, in an _export, or with a default value"),
)
"""What to do about messages that do not say it."""


class PythonError(TaskRuntimeError):
    """A task's Python code failed; `frames` are those of its own code, innermost last.

    Each has `file` (absolute), `line` (from 1), `function` (None for a syntax error) and `source`, the line's text.
    `exceptions` is all that is known, as `py_failure` has it.
    """

    def __init__(self, message: str, exceptions: list[Params], hint: str | None = None) -> None:
        super().__init__(message)
        self.frames = own_frames(exceptions)
        self.exceptions = exceptions
        self.hint = hint or next((hint for words, hint in _HINTS if words in message), None)


async def run(context: OperatorContext) -> OperatorResult:
    """Call what `_command` names with the params that it asks for, or run the text `script`.

    Raises:
        ConfigError: an option has no form that Digdag takes.
        PythonError: the code failed.
        TaskRuntimeError: Python could not be started, or its result cannot be read.
    """
    config = with_scope(context.config, "py")
    contained = in_container(context, config)
    if config.keys().isdisjoint({"_command", "script"}):
        message = "Parameter 'script' is required but not set"
        raise ConfigError(message, hint="py> wants MODULE.FUNCTION, or the text of a program in script:")
    with temporary_files(context) as folder:
        debugger = _debugger(context, config, folder, contained)
        files = script.write_files(config, folder, "python/runner.py", {"debugger": debugger} if debugger else {})
        program = interpreters.default(context.settings, contained=contained)
        command = [*script.interpreter(config, "python", program), *files]
        async with py_debugger.announced(context, debugger) if debugger else nullcontext():
            activated = {} if contained or "python" in config else interpreters.variables(program)
            variables = {**activated, **environment(context)}
            start = _start(context, config)
            code = await execute(
                context, config, folder, command, variables, option="python", start=start, debugger=debugger
            )
        output = folder / script.OUTPUT
        if code != 0:
            raise _failure(context, code, output, contained)
        if not output.exists():
            problem = "output.json does not exist. Something unexpected error happened. Please check logs."
            raise TaskRuntimeError(problem, hint=py_endings.NOTHING_LEFT)
        return script.result(parse(output))


def _start(context: OperatorContext, config: Params) -> process.Start:
    """How the task's process is started: from a warm parent, where one is kept and the runner is what it runs."""
    if context.keep is None or "_command" not in config or context.settings.get(_WARM) == "false":
        return process.start_program
    from .warm_python import WarmPythons

    warm = context.keep.get(WarmPythons)
    return lambda program: warm.start(program, lambda text: context.log("DEBUG", __name__, text))


def _debugger(context: OperatorContext, config: Params, folder: Path, contained: bool) -> Params | None:
    """What the runner must know to wait for a debugger, if it is to wait for one."""
    if not (context.debug_python or context.python_client) or "_command" not in config:
        return None
    return py_debugger.wanted(context, folder, contained=contained)


def _failure(context: OperatorContext, code: int, output: Path, contained: bool) -> TaskRuntimeError:
    """The error of a process that ended with `code`, with what was written about it."""
    failure = read_failure(output.parent, context.masked)
    exceptions = failure.get("exceptions", [])
    hint = _named_a_file(context, exceptions) or _missing(context, failure, contained)
    hint = hint or py_endings.hint(code, exceptions, written=output.exists())
    reason = f"Python command failed with code {code}"
    if not output.exists():
        return PythonError(reason, exceptions, hint)
    try:
        written = parse(output)
    except MappingError:
        problem = "Can't parse output.json. The command failed unexpectedly. Please check logs."
        return TaskRuntimeError(f"{reason}\n\t{problem}")
    except TaskRuntimeError as error:
        error.hint = error.hint or py_endings.unwritable(exceptions)
        return error
    message, name, backtrace = script.error_parts(written)
    reason += "\nError messages from python"
    reason += "" if message is None else f": {message}"
    reason += "" if name is None else f" ({name})"
    for line in backtrace:
        reason += f"\n\tfrom {line}"
    return PythonError(reason, exceptions, hint or _not_found(context, exceptions))


def _named_a_file(context: OperatorContext, exceptions: list[Params]) -> str | None:
    """What to do about a command that is a file's name, if no line of the user's own failed."""
    file = str(context.command)
    if not exceptions or not file.endswith(".py") or own_frames(exceptions):
        return None
    module = file.removesuffix(".py").removeprefix("./").replace("/", ".")
    return f"py> wants MODULE.FUNCTION, not a file: write {module}. and the function's name"


def _not_found(context: OperatorContext, exceptions: list[Params]) -> str | None:
    """What the source tells of a command that names nothing, if no line of the user's own failed."""
    if not exceptions or exceptions[0]["class"] != "AttributeError" or own_frames(exceptions):
        return None
    from ..workflow.python_source import PythonSource

    call = PythonSource(context.workspace).call(str(context.command))
    return call.problem and call.problem + (f": {call.advice}" if call.advice else "")


def _missing(context: OperatorContext, failure: Params, contained: bool) -> str | None:
    """What to do about a module that was not found, if that is why the task failed."""
    exceptions = failure.get("exceptions", [])
    name = next((each["missing"] for each in exceptions if "missing" in each), None)
    if name is None or not failure.get("python"):
        return None
    from . import missing_module

    return missing_module.hint(name, str(context.command), failure["python"], context.workspace, contained=contained)
