"""What this machine lacks for the option `docker`, asked before a task needs it (operators 4.1, 4.2)."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

from ..workflow.config import Params
from .command import EXECUTOR
from .process import find

_PATIENCE: Final = 10.0
"""Seconds in which an engine of containers answers."""

_WITHOUT: Final = "-X agent.command_executor.type=simple runs them on this machine, without one"


class Images:
    """Asks the engines of containers on this machine; each question is asked once.

    Args:
        settings: Digdag's configuration, which says where programs run.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        executor = settings.get(f"{EXECUTOR}type", "ecs")
        self._used = executor != "simple" and f"{EXECUTOR}{executor}.name" not in settings
        self._answers: dict[tuple[str, ...], str | None] = {}

    def lacks(self, docker: Params) -> tuple[str, str] | None:
        """What is missing for tasks with this `docker`, as the end of a sentence, and what to do; None if nothing."""
        if not self._used:
            return None
        program = self._program(docker.get("docker"))
        if find(program) is None:
            return f"and this machine has no {program}", f"install {program}; {_WITHOUT}"
        if (said := self._ask(program, "version")) is not None:
            return f"and {program} does not answer{': ' * bool(said)}{said}", f"start it; {_WITHOUT}"
        image = str(docker["image"])
        if "${" in image or self._ask(program, "image", "inspect", image) is None:
            return None
        return "which is not on this machine yet", f"{program} pull {image} fetches it now; {_WITHOUT}"

    def _program(self, named: object) -> str:
        """What runs containers: podman where no docker is named and only that works."""
        if isinstance(named, str):
            return named
        works = find("docker") is not None and self._ask("docker", "version") is None
        return "docker" if works or find("podman") is None else "podman"

    def _ask(self, *command: str) -> str | None:
        """The last line of what a program that fails has said; None if it does not fail."""
        if command not in self._answers:
            self._answers[command] = _failure(command)
        return self._answers[command]


def _failure(command: Sequence[str]) -> str | None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=_PATIENCE,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"nothing within {_PATIENCE:.0f} s"
    except OSError as error:
        return error.strerror or ""
    lines = done.stderr.decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "") if done.returncode else None
