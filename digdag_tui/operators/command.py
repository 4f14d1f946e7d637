"""What operators that run a program have in common (operators 4.1)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..engine.operator import OperatorContext
from ..workflow.config import Params
from ..workflow.convert import read_map
from ..workflow.errors import ConfigError, TaskRuntimeError
from . import process

_LOGGER = "io.digdag.standards.command.DockerCommandExecutor"


@contextlib.contextmanager
def temporary_files(context: OperatorContext) -> Iterator[Path]:
    """The folder of a run, `PROJECT/.digdag/tmp/digdag-OPERATOR-TASKID-RANDOM`, which only its owner can read.

    It is removed at the end; Digdag leaves it where it is when it runs locally (operators 2.9).

    Raises:
        TaskRuntimeError: it cannot be made.
    """
    name = f"digdag-{context.config['_type']}-{context.task_id}-{int.from_bytes(os.urandom(8), 'big')}"
    folder = context.project / ".digdag" / "tmp" / name
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise TaskRuntimeError(f"Cannot make the folder {folder}: {error.strerror}") from None
    try:
        yield folder
    finally:
        from shutil import rmtree

        rmtree(folder, ignore_errors=True)


async def execute(
    context: OperatorContext, command: Sequence[str | Path], variables: Mapping[str, str], *, option: str
) -> int:
    """Run a program in the task's workspace and return its exit code; paths become relative to the workspace.

    Args:
        option: the option that names the program.

    Raises:
        ConfigError: a word of the command line is null.
        StartError: it cannot be started.
    """
    if None in command:
        raise ConfigError(f"A word of '{option}' is null", hint="write it as a text")
    if context.config.get("docker") is not None:
        context.log("WARN", _LOGGER, "docker: is not used in this version of digdag-tui, the task runs on this machine")
    workspace = context.workspace
    words = [os.path.relpath(word, workspace) if isinstance(word, Path) else word for word in command]
    try:
        return await process.run(words, workspace, variables, context.output)
    except process.StartError as error:
        error.hint = f"the option {option}: names the program, by its name in PATH or by its file"
        raise


def with_scope(config: Params, name: str) -> Params:
    """`config` with what the map `name` in it has and it lacks (operators 2.7).

    Raises:
        ConfigError: what has this name is no map.
    """
    return _with_defaults(config, read_map(config, name, {}))


def _with_defaults(config: Params, defaults: Params) -> Params:
    filled = dict(config)
    for key, value in defaults.items():
        if key not in filled:
            filled[key] = value
        elif isinstance(value, dict) and isinstance(filled[key], dict):
            filled[key] = _with_defaults(filled[key], value)
    return filled
