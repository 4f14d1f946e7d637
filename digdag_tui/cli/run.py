"""`digdag-tui run`: a workflow to its end without a screen, with Digdag's log, messages and exit codes (cli 2)."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from typing import Any, Protocol

import click

from .. import __version__
from ..debugger.events import SessionEvent
from ..debugger.gate import Opening
from ..debugger.history import last_journal
from ..debugger.session import Session
from ..engine.attempt import Attempt, Task
from ..engine.events import AttemptFinished, Event, TaskOutput
from ..engine.journal import encode, read_journal
from ..engine.recording import record_successes
from ..workflow.config import Params, merge
from ..workflow.errors import DigdagError, ProjectError
from .log import LEVELS, LogPrinter, report, time_text
from .options import launch_from, launch_options

RUN = "io.digdag.cli.Run"
LINE_BREAKS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
"""What JSON allows in texts, though programs that read lines may break there."""


class Face(Protocol):
    """What is printed of a run."""

    def show(self, event: SessionEvent) -> None: ...

    def begin(self, session: Session) -> None: ...

    def end(self, session: Session) -> int:
        """Print the result; the exit code."""

    def reject(self, error: DigdagError) -> None: ...


@click.command("run")
@click.argument("file", metavar="WORKFLOW[.dig]")
@launch_options
@click.option("-a", "--rerun", "--all", "rerun", is_flag=True, help="Run tasks again that succeeded in this session.")
@click.option("--no-save", is_flag=True, help="Keep no journal, and read none.")
@click.option("--max-task-threads", type=click.IntRange(min=1), help="Run at most so many tasks side by side.")
@click.option("-l", "--log-level", type=click.Choice([name.lower() for name in LEVELS]), default="info")
@click.option("--json", "as_json", is_flag=True, help="Print one event a line, the result last.")
def command(file: str, rerun: bool, no_save: bool, log_level: str, as_json: bool, **options: Any) -> int:
    """Run a workflow to its end, as `digdag run` does.

    What succeeded in this session before is skipped, unless with --rerun.
    """
    face: Face = JsonFace() if as_json else LogFace(log_level.upper())
    try:
        launch, environment = launch_from(file, **options)
        session = Session(launch, environment, face.show, journaled=not no_save, break_on_failure=False)
        session.load()
        face.begin(session)
        asyncio.run(_run(session, resumes=not rerun and not no_save))
        return face.end(session)
    except DigdagError as error:
        face.reject(error)
        return 1


async def _run(session: Session, resumes: bool) -> None:
    opening = Opening()
    if resumes:
        past = last_journal(session.journal_folder) if session.journal_folder else None
        if past:
            opening.recording = record_successes(read_journal(past[1]))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, session.stop)
    await session.run_attempt(opening)


class LogFace:
    """Digdag's log on standard output, its report on standard error."""

    def __init__(self, level: str) -> None:
        click.echo(f"{time_text(time.time())}: Digdag v0.10.6 (digdag-tui {__version__})", err=True)
        self._printer = LogPrinter(sys.stdout, level)

    def begin(self, session: Session) -> None:
        if session.session_warning:
            self._printer.line("WARN", RUN, session.session_warning)
        folder = session.journal_folder
        if folder:
            self._printer.line("INFO", RUN, f"Using session {folder}.")

    def show(self, event: SessionEvent) -> None:
        if isinstance(event, Event):
            self._printer.show(event)

    def end(self, session: Session) -> int:
        sys.stdout.flush()
        text, success = report(session.attempt, session.journal_folder)
        click.echo(text, err=True, nl=False)
        return 0 if success else 1

    def reject(self, error: DigdagError) -> None:
        sys.stdout.flush()
        click.echo("\n".join([f"error: {error.log_message.rstrip()}", *places(error)]), err=True)


class JsonFace:
    """One event a line, last the result in the shape of Digdag's REST API."""

    def __init__(self) -> None:
        self._printed: dict[int, list[str]] = {}

    def begin(self, session: Session) -> None:
        pass

    def show(self, event: SessionEvent) -> None:
        if not isinstance(event, Event) or isinstance(event, AttemptFinished):
            return
        if isinstance(event, TaskOutput):
            self._printed.setdefault(event.task, []).append(event.text)
        self._print(event)

    def end(self, session: Session) -> int:
        attempt = session.attempt
        printed: dict[str, list[str]] = {}
        for task_id, texts in self._printed.items():
            lines = "".join(texts).removesuffix("\n").split("\n")
            printed.setdefault(attempt.tasks[task_id].full_name, []).extend(lines)
        self._print(
            {
                "event": "attempt_finished",
                "attempt": {"success": bool(attempt.success)},
                "tasks": [task_object(attempt, task) for task in attempt.tasks.values()],
                "printed": printed,
            }
        )
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


def places(error: DigdagError) -> list[str]:
    """Lines that add to Digdag's message where each problem is and what to do."""
    if isinstance(error, ProjectError):
        return [f"  {problem}" for problem in error.problems]
    place = f"{error.position}: " if error.position else ""
    return [f"  {place}{error.hint or 'here'}"] if place or error.hint else []


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
