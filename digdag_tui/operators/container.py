"""The option `docker`: a task's program in a container, by `docker` or a program of its kind (operators 4.2)."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from ..engine.operator import OperatorContext
from ..workflow.config import Params
from ..workflow.convert import read_bool, read_string, read_strings
from ..workflow.errors import TaskRuntimeError
from ..workflow.text import json_text
from . import process
from .command import null_word

_LOGGER: Final = "io.digdag.standards.command.DockerCommandExecutor"
_NAME: Final = "digdag-project-1"
"""The name of images that are built; a local project's id is 1."""

_SAID: Final = "the task's log has what it said"

_REMOVAL_TIMEOUT: Final = 30.0
"""Seconds that ending a container may take."""

_NOT_STARTED: Final = 125
"""What docker and podman exit with when they fail themselves."""

_WITHOUT: Final = "-X agent.command_executor.type=simple runs the task on this machine, without one"

_REVISION: Final = datetime.now(UTC).isoformat()
"""Digdag names a local project's revision after the time of its start, so that each start builds its own images."""


async def run(
    context: OperatorContext,
    docker: Params,
    mark: str,
    command: Sequence[str],
    variables: Mapping[str, str],
    debugger: Params | None = None,
) -> int:
    """Run a program in a new container that sees the project where it is, and return its exit code.

    When this coroutine is cancelled, the container is ended too.

    Args:
        docker: the map `docker` of the task.
        mark: a part of the command line that no other container has.
        variables: the environment, beside what the image sets.
        debugger: the `library` that is lent to Python and the `port` on which it waits, if it is debugged.

    Raises:
        ConfigError: an option has no form that Digdag takes.
        TaskRuntimeError: there is no such program, or the image cannot be had.
    """
    try:
        return await _run(context, docker, mark, command, variables, _lent(docker, debugger) if debugger else [])
    except process.StartError as error:
        error.hint = "docker: needs a docker in PATH, or the program that its own key docker names, such as podman"
        raise


async def _run(
    context: OperatorContext,
    docker: Params,
    mark: str,
    command: Sequence[str],
    variables: Mapping[str, str],
    lent: Sequence[str],
) -> int:
    base = read_string(docker, "image")
    program = await _program(context, docker)
    if "build" in docker:
        image = await _build(context, docker, program, base)
    else:
        image = base
        if read_bool(docker, "pull_always", False):
            await _pull(context, program, image)
    options = [*_words(docker, "run_options"), "--rm", "-v", _mount(context, docker), "-w", str(context.workspace)]
    environment = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
    context.log("DEBUG", _LOGGER, f"Running in docker: {' '.join([program, 'run', *options])} {image}")
    line = [program, "run", *options, *lent, *environment, image, *command]
    try:
        code = await process.run(line, context.workspace, {}, context.output)
    except asyncio.CancelledError:
        await _remove(program, mark)
        raise
    if code == _NOT_STARTED:
        context.log("WARN", _LOGGER, f"{program} could not start a container of {image}; {_WITHOUT}")
    return code


async def _program(context: OperatorContext, docker: Params) -> str:
    """The program that runs containers: what `docker` names, else `docker`, or `podman` where only that works."""
    named = read_string(docker, "docker", "docker")
    if docker.get("docker") is not None or not process.find("podman"):
        return named
    if process.find(named) and (await _answer([named, "version"]))[0] == 0:
        return named
    context.log("INFO", _LOGGER, "No Docker engine answers on this machine, podman takes its place")
    return "podman"


async def _build(context: OperatorContext, docker: Params, program: str, base: str) -> str:
    """The name of the image with what the commands at `build` make of `base`, built unless it is there.

    Raises:
        ConfigError: an option has no form that Digdag takes.
        TaskRuntimeError: it cannot be built.
    """
    from hashlib import sha1

    commands, options = _words(docker, "build", required=True), _words(docker, "build_options")
    contents = json_text({"image": base, "build": commands, "revision": _REVISION})
    tag = sha1(contents.encode("utf-8", "replace")).hexdigest()
    image = f"{_NAME}:{tag}"
    _, images = await _answer([program, "images"])
    if re.search(rf"\n(?:localhost/)?{_NAME}[ :]+{tag}", images):  # podman puts what it builds at localhost
        context.log("DEBUG", _LOGGER, f"Reusing docker image {image}")
        return image
    context.log("INFO", _LOGGER, f"Building docker image {image}")
    file = context.project / ".digdag" / "tmp" / "docker" / f"Dockerfile.{_NAME}.{tag}"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_dockerfile(base, commands), encoding="utf-8", errors="replace", newline="")
    line = [program, "build", *options, "-f", str(file), "--force-rm", "-t", image, str(context.project)]
    with _logged(context) as output:
        code = await process.run(line, context.project, {}, output)
    if code != 0:
        raise TaskRuntimeError("Docker build failed", hint=_SAID)
    return image


async def _pull(context: OperatorContext, program: str, image: str) -> None:
    context.log("INFO", _LOGGER, f"Pulling docker image {image}")
    with _logged(context) as output:
        code = await process.run([program, "pull", image], None, {}, output)
    if code != 0:
        raise TaskRuntimeError("Docker pull failed", hint=_SAID)


def _dockerfile(base: str, commands: Sequence[str]) -> str:
    """The text of a Dockerfile that runs each line of each command upon the image `base`."""
    lines = ["FROM " + base.replace("\n", "")]
    for command in commands:
        lines += [f"RUN {line}" for line in command.rstrip("\n").split("\n")]
    return "\n".join(lines) + "\n"


async def _remove(program: str, mark: str) -> None:
    """End the container with `mark` in its command line: a client that is killed may leave it running."""
    with contextlib.suppress(TimeoutError, process.StartError):
        async with asyncio.timeout(_REMOVAL_TIMEOUT):
            _, containers = await _answer([program, "ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Command}}"])
            for line in containers.splitlines():
                if mark in line:
                    container = line.split()[0]
                    await _answer([program, "kill", container])
                    await _answer([program, "rm", "-f", container])


def _mount(context: OperatorContext, docker: Params) -> str:
    mode = "rw,Z" if read_bool(docker, "selinux", False) else "rw"
    return f"{context.project}:{context.project}:{mode}"


def _lent(docker: Params, debugger: Params) -> list[str]:
    """The options that lend debugpy to a container, where it is here, and let only this machine reach its port."""
    library, port = f"{debugger['library']}/debugpy", debugger["port"]
    mode = "ro,z" if read_bool(docker, "selinux", False) else "ro"
    return ["-v", f"{library}:{library}:{mode}", "-p", f"127.0.0.1:{port}:{port}"]


def _words(docker: Params, option: str, *, required: bool = False) -> list[str]:
    words: list[str] = read_strings(docker, option) if required else read_strings(docker, option, [])
    if None in words:
        raise null_word(option)
    return words


async def _answer(command: Sequence[str]) -> tuple[int, str]:
    """The exit code and the output of a short program."""
    said: list[str] = []
    code = await process.run(command, None, {}, said.append)
    return code, "".join(said)


@contextlib.contextmanager
def _logged(context: OperatorContext) -> Iterator[Callable[[str], None]]:
    """Takes the output of a program that works for the task, for the log: it is no output of the task's."""
    rest = ""

    def take(text: str) -> None:
        nonlocal rest
        *lines, rest = (rest + text).split("\n")
        for line in lines:
            context.log("INFO", _LOGGER, line.rstrip("\r"))

    yield take
    if rest:
        take("\n")
