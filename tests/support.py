"""A real session on a small project, driven as a face drives it."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from digdag_tui.debugger.environment import LocalEnvironment
from digdag_tui.debugger.events import AttemptOpened, SessionEvent, Stopped
from digdag_tui.debugger.gate import Opening
from digdag_tui.debugger.launch import Launch
from digdag_tui.debugger.session import Session
from digdag_tui.engine.attempt import Task
from digdag_tui.engine.events import AttemptFinished, TaskOutput
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.params.secrets import LocalSecrets


class Debugged:
    """A started session, and everything it told."""

    def __init__(self, project: Path, launch: dict[str, int] | None = None, **options: Any) -> None:
        self.project = project
        self.events: list[SessionEvent] = []
        environment = LocalEnvironment(project, Evaluator(), LocalSecrets({}, project / "no-home"))
        what = Launch(project, "main", session="2026-01-31", **(launch or {}))  # type: ignore[arg-type]
        self.session = Session(what, environment, self.events.append, **options)

    def where(self) -> str:
        """`reason full-name` of the present stop, or the session's state."""
        state = self.session.wait("stopped", "ended", "broken")
        stopped = self.session.stopped
        if state != "stopped" or stopped is None:
            return state
        return f"{stopped.reason} {self.session.attempt.tasks[stopped.task].full_name}"

    def do(self, command: str, *arguments: object) -> str:
        """Give a command and tell where the session is once it has come to rest again."""
        getattr(self.session, command)(*arguments).result(timeout=10)
        return self.where()

    def task(self, full_name: str) -> Task:
        found = self.session.attempt.named(full_name)
        assert found, full_name
        return found

    def output(self, full_name: str) -> str:
        """What the newest task of that name printed."""
        task = self.task(full_name)
        last = max(index for index, event in enumerate(self.events) if isinstance(event, AttemptOpened))
        said = [event for event in self.events[last:] if isinstance(event, TaskOutput) and event.task == task.id]
        return "".join(event.text for event in said)

    def states(self) -> dict[str, str]:
        return {task.full_name: task.state for task in self.session.attempt.tasks.values()}

    def stops(self) -> int:
        return sum(isinstance(event, Stopped) for event in self.events)

    def finished(self) -> list[bool]:
        return [event.success for event in self.events if isinstance(event, AttemptFinished)]


def write(project: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        place = project / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(textwrap.dedent(text).lstrip("\n"))


@contextmanager
def debugged(
    project: Path, dig: str, opening: Opening | None = None, files: dict[str, str] | None = None, **options: bool
) -> Iterator[Debugged]:
    """A session stopped before its first task, ended with the test."""
    write(project, {"main.dig": dig, **(files or {})})
    run = Debugged(project, None, **options)
    run.session.start(opening or Opening(entry=True))
    try:
        run.session.wait("stopped", "ended", "broken")
        yield run
    finally:
        run.session.quit()


def run(project: Path, dig: str, files: dict[str, str] | None = None, **launch: int) -> Debugged:
    """A workflow run to its end without any stop."""
    write(project, {"main.dig": dig, **(files or {})})
    finished = Debugged(project, launch=launch, break_on_failure=False, journaled=False)
    asyncio.run(finished.session.run_attempt(Opening()))
    return finished
