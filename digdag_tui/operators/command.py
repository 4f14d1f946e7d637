"""What operators that run a program have in common (operators 4.1)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from ..engine.operator import OperatorContext
from ..workflow.config import Params
from ..workflow.convert import read_map
from ..workflow.errors import ConfigError, TaskExecutionError, TaskRuntimeError
from . import process

EXECUTOR: Final = "agent.command_executor."
"""What the keys of Digdag's configuration begin with that say where programs run."""


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


def in_container(context: OperatorContext, config: Params) -> bool:
    """Whether a task's program runs in a container, with its params and scope in `config` (operators 4.1).

    Digdag's executors for clusters hand on what names no image to its executor for Docker, and that what has no
    `docker` to a process on this machine.

    Raises:
        ConfigError: Digdag's configuration names no executor.
        TaskRuntimeError: the task would run on a cluster.
    """
    executor = context.settings.get(f"{EXECUTOR}type", "ecs")
    if executor not in ("ecs", "kubernetes", "docker", "simple"):
        hint = f"{EXECUTOR}type is one of ecs, kubernetes, docker and simple"
        raise ConfigError(f"Configured commandExecutor name is not found: {executor}", hint=hint)
    cluster = context.settings.get(f"{EXECUTOR}{executor}.name")
    if cluster and not config.keys().isdisjoint({"docker", executor}):
        message = f"The {executor} cluster '{cluster}' is out of digdag-tui's reach"
        hint = f"{EXECUTOR}type=docker in Digdag's configuration runs the task in a container on this machine"
        raise TaskRuntimeError(message, "not available", hint=hint)
    return executor != "simple" and "docker" in config


async def execute(
    context: OperatorContext,
    config: Params,
    folder: Path,
    command: Sequence[str | Path],
    variables: Mapping[str, str],
    *,
    option: str,
    start: process.Start = process.start_program,
    debugger: Params | None = None,
) -> int:
    """Run a program in the task's workspace, or in a container there, and return its exit code.

    Args:
        config: the task's params with those of its operator's scope.
        folder: that of the run's temporary files.
        command: the command line; its paths become relative to the workspace.
        variables: what its environment has over ours; a container has nothing of ours.
        option: the option that names the program.
        start: how it is started, unless in a container.
        debugger: what its runner knows of a debugger to wait for, if it does.

    Raises:
        ConfigError: an option of `docker` has no form that Digdag takes.
        TaskExecutionError: a word of the command line is null.
        TaskRuntimeError: it cannot be started, or its container's image cannot be had.
    """
    if None in command:
        raise null_word(option)
    workspace = context.workspace
    words = [os.path.relpath(word, workspace) if isinstance(word, Path) else word for word in command]
    if in_container(context, config):
        from . import container

        docker = read_map(config, "docker", {})
        return await container.run(context, docker, folder.name, words, variables, debugger)
    try:
        return await process.run(words, workspace, variables, context.output, start)
    except process.StartError as error:
        error.hint = f"the option {option}: names the program, by its name in PATH or by its file"
        raise


def null_word(option: str) -> TaskExecutionError:
    """The error of a list of words with a null in it: Java's exception, which says nothing."""
    return TaskExecutionError(
        "java.lang.NullPointerException", hint=f"a word of '{option}' is null: write it as a text"
    )


def with_scope(config: Params, *names: str) -> Params:
    """`config` with what the maps at `names`, one after the other, have and it lacks (operators 2.7).

    Raises:
        ConfigError: what has one of the names is no map.
    """
    for name in names:
        defaults = config
        for part in name.split("."):
            defaults = read_map(defaults, part, {})
        config = _with_defaults(config, defaults)
    return config


def _with_defaults(config: Params, defaults: Params) -> Params:
    filled = dict(config)
    for key, value in defaults.items():
        if key not in filled:
            filled[key] = value
        elif isinstance(value, dict) and isinstance(filled[key], dict):
            filled[key] = _with_defaults(filled[key], value)
    return filled
