"""What is printed of a run: Digdag's log and report for a person, or events as JSON for a program (cli 2.5)."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import click

from ..debugger.events import RequiredEvent, SessionEvent
from ..debugger.session import Session
from ..engine.attempt import Attempt, Task
from ..engine.events import AttemptFinished, Event, TaskOutput
from ..engine.journal import encode
from ..workflow.config import Params, merge
from ..workflow.errors import ConfigError, DigdagError, Problem, ProjectError
from .log import LogPrinter, report

LINE_BREAKS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
"""What JSON allows in texts, though programs that read lines may break there."""
SCHEDULES = "io.digdag.core.schedule.SchedulerManager"
WORKSPACE = "<workspace>"
IDS = re.compile(r"(?<=[iI]d): \d+")


class Face(Protocol):
    """What is printed of a run."""

    def log(self, level: str, logger: str, message: str) -> None:
        """A line of the command's own log."""

    def unused(self, problem: Problem) -> None:
        """A key of the schedule that nothing reads: `digdag run` logs it, a server refuses the workflow (core 8.1)."""

    def show(self, event: SessionEvent) -> None: ...

    def end(self, session: Session, saved: Path | None) -> int:
        """Print the result, and where its state was saved; the exit code."""

    def reject(self, error: DigdagError) -> None: ...


class LogFace:
    """Digdag's log on standard output, its report on standard error; `write` takes the log's lines instead."""

    def __init__(self, level: str, write: Callable[[str], None] | None = None) -> None:
        self._printer = LogPrinter(sys.stdout, level, write)

    def log(self, level: str, logger: str, message: str) -> None:
        self._printer.line(level, logger, message)

    def unused(self, problem: Problem) -> None:
        self.log("ERROR", SCHEDULES, problem.message)

    def show(self, event: SessionEvent) -> None:
        if isinstance(event, Event | RequiredEvent):
            self._printer.show(event)

    def end(self, session: Session, saved: Path | None) -> int:
        sys.stdout.flush()
        text, success = report(session.attempt, saved)
        click.echo(text, err=True, nl=False)
        return 0 if success else 1

    def reject(self, error: DigdagError) -> None:
        sys.stdout.flush()
        click.echo("\n".join([f"error: {error.log_message.rstrip()}", *places(error)]), err=True)


class JsonFace:
    """One event a line, last the result in the shape of Digdag's REST API; what a server refuses is refused.

    In the result, the project's directory reads `<workspace>` and an id that an error names `N`: results of two
    machines can be held side by side.
    """

    def __init__(self) -> None:
        self._printed: dict[int, list[str]] = {}

    def log(self, level: str, logger: str, message: str) -> None:
        if level in ("WARN", "ERROR"):
            self._print({"event": "log", "level": level, "logger": logger, "message": message})

    def unused(self, problem: Problem) -> None:
        raise ConfigError(problem.message, position=problem.position, hint=problem.hint)

    def show(self, event: SessionEvent) -> None:
        if not isinstance(event, Event) or isinstance(event, AttemptFinished):
            return
        if isinstance(event, TaskOutput):
            self._printed.setdefault(event.task, []).append(event.text)
        self._print(event)

    def end(self, session: Session, saved: Path | None) -> int:
        attempt = session.attempt
        printed: dict[str, list[str]] = {}
        for task_id, texts in self._printed.items():
            lines = "".join(texts).removesuffix("\n").split("\n")
            printed.setdefault(attempt.tasks[task_id].full_name, []).extend(lines)
        result = {
            "event": "attempt_finished",
            "attempt": {"success": bool(attempt.success)},
            "tasks": [task_object(attempt, task) for task in attempt.tasks.values()],
            "printed": printed,
        }
        self._print(comparable(result, str(session.launch.project)))
        return 0 if report(attempt, None)[1] else 1

    def reject(self, error: DigdagError) -> None:
        result: Params = {"event": "rejected", "message": error.log_message}
        if error.position:
            result["position"] = str(error.position)
        if error.hint:
            result["hint"] = error.hint
        self._print(result)

    def _print(self, value: object) -> None:
        sys.stdout.write(encode(value).decode().translate(LINE_BREAKS) + "\n")


def comparable(value: Any, path: str) -> Any:
    """A JSON value with `<workspace>` for a directory in all its texts, and N for ids in what `require>` says."""
    match value:
        case str():
            text = value.replace(path, WORKSPACE)
            return IDS.sub(": N", text) if text.startswith("Dependent workflow ") else text
        case dict():
            return {key: comparable(item, path) for key, item in value.items()}
        case list() | tuple():
            return [comparable(item, path) for item in value]
        case _:
            return value


def places(error: DigdagError) -> list[str]:
    """Lines that add to Digdag's message where each problem is and what to do."""
    if isinstance(error, ProjectError):
        return [f"  {problem}" for problem in error.problems]
    place = place_of(error)
    return [f"  {place}{error.hint or 'here'}"] if place or error.hint else []


def place_of(error: DigdagError) -> str:
    """The place of an error, with a colon; blank without one, and for a file that is not there itself."""
    position = error.position
    missing = position and error.kind == "no such file" and position.file in error.message
    return f"{position}: " if position and not missing else ""


def task_object(attempt: Attempt, task: Task) -> Params:
    """A task row as Digdag's REST API gives it (rest 2)."""
    return {
        "id": str(task.id),
        "fullName": task.full_name,
        "parent": task.parent.full_name if task.parent else None,
        "upstreams": [attempt.tasks[upstream].full_name for upstream in task.upstreams],
        "isGroup": task.is_group,
        "state": task.state,
        "config": {**task.config, **({"_export": task.export} if task.export else {})},
        "exportParams": merge(task.export, task.runtime_export),
        "storeParams": task.store,
        "stateParams": task.state_params,
        "error": task.error,
    }
