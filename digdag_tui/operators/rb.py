"""`rb>`: a method or a script of Ruby, in an interpreter of the user's own (operators 4.5)."""

from __future__ import annotations

from pathlib import Path

from ..engine.operator import OperatorContext, OperatorResult
from ..workflow.convert import read_optional_string
from ..workflow.errors import TaskRuntimeError
from . import script
from .command import execute, temporary_files, with_scope
from .result_file import MappingError, parse
from .secrets import environment


async def run(context: OperatorContext) -> OperatorResult:
    """Call what `_command` names with the params that it asks for, or run the text `script`.

    Raises:
        ConfigError: an option has no form that Digdag takes.
        TaskRuntimeError: the code failed, Ruby could not be started, or its result cannot be read.
    """
    config = with_scope(context.config, "rb")
    with temporary_files(context) as folder:
        files = script.write_files(config, folder, "ruby/runner.rb")
        ruby: list[str | Path] = [*script.interpreter(config, "ruby", "ruby"), "-I", str(context.workspace)]
        feature = read_optional_string(config, "require")
        if feature is not None:
            ruby += ["-r", feature]
        code = await execute(context, config, folder, [*ruby, "--", *files], environment(context), option="ruby")
        output = folder / script.OUTPUT
        if not output.exists():
            raise _no_output(output, code)
        if code != 0:
            raise _failure(output, code)
        return script.result(parse(output))


def _no_output(output: Path, code: int) -> TaskRuntimeError:
    hint = f"Ruby ended with code {code} before it wrote this file: see what it printed"
    return TaskRuntimeError(f"java.nio.file.NoSuchFileException: {output}", hint=hint)


def _failure(output: Path, code: int) -> TaskRuntimeError:
    """The error of a process that ended with `code`, with what was written about it."""
    reason = f"Ruby command failed with code {code}"
    try:
        message, name, backtrace = script.error_parts(parse(output))
    except MappingError:
        return TaskRuntimeError(reason)
    reason += "" if message is None else f": {message}"
    reason += "" if name is None else f" ({name})"
    return TaskRuntimeError("\n\tfrom ".join([reason, *backtrace]))
