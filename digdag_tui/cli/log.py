"""Digdag's log lines (core 10.1) and its final report (cli 2.5)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TextIO

from ..engine.attempt import Attempt
from ..engine.events import AnyEvent, AttemptStarted, TaskLogged, TaskOutput
from ..workflow.text import json_text

COLOURS = {"ERROR": "35", "WARN": "33", "INFO": "32", "DEBUG": "37"}
LEVELS = ("ERROR", "WARN", "INFO", "DEBUG")
HINTS = """\
  * Use --session <daily | hourly | "yyyy-MM-dd[ HH:mm:ss]"> to not reuse the last session time.
  * Use --rerun argument to rerun skipped tasks.
"""


def time_text(at: float) -> str:
    """`yyyy-MM-dd HH:mm:ss Z` in the system's zone; `at` is seconds since the epoch."""
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(at))


class LogPrinter:
    """Prints an attempt's events as `digdag run` does: log lines with their thread, tasks' output as it is."""

    def __init__(self, out: TextIO, level: str = "INFO") -> None:
        self._out = out
        self._terminal = out.isatty()
        self._shown = frozenset(LEVELS[: LEVELS.index(level) + 1])
        self._names: dict[int, str] = {}

    def line(self, level: str, logger: str, message: str, thread: str = "main", at: float | None = None) -> None:
        """Print one log line unless its level is hidden."""
        if level not in self._shown:
            return
        head = f"{time_text(time.time() if at is None else at)} [{level}] ({thread})"
        if self._terminal:
            self._out.write(f"\x1b[{COLOURS[level]}m{head}: {message}\x1b[0m\n")
        else:
            self._out.write(f"{head} {logger}: {message}\n")

    def show(self, event: AnyEvent) -> None:
        """Print what an event says, if it says anything."""
        match event:
            case TaskOutput():
                self._out.write(event.text)
            case TaskLogged():
                thread = f"{event.task:04}@[0:default:1:1]{self._names[event.task]}"
                self.line(event.level, event.logger, event.message, thread, event.at)
            case AttemptStarted():
                text = f"project id=1 workflow name={event.workflow} session_time={event.session_time}"
                self.line("INFO", "io.digdag.core.workflow.WorkflowExecutor", f"Starting a new session {text}")
            case _:
                pass
        for new in getattr(event, "added", ()):
            self._names[new.id] = new.full_name


def report(attempt: Attempt, saved: Path | None) -> tuple[str, bool]:
    """The final text for standard error, and whether it tells of success: no row is in state `error` (cli 2.5).

    An attempt that the person stopped is no success here, though Digdag would say so.
    """
    place = f"Task state is saved at {saved} directory.\n" if saved else ""
    hints = place and HINTS
    failed = [task for task in attempt.tasks.values() if task.state == "error"]
    if not failed and not attempt.cancel_requested:
        return f"Success. {place}" + hints if saved else "Success.\n", True
    lines = ["error: " if failed else "error: canceled"]
    for task in failed:
        message = task.error.get("message") or json_text(task.error)
        lines += [f"  * {task.full_name}:", f"    {message.split('Exception: ', 1)[-1]}"]
        lines += [f"    {task.hint}"] if task.hint else []
    return "\n".join(lines) + "\n\n" + place + hints, False
