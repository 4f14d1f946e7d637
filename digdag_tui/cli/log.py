"""Digdag's log lines (core 10.1) and its final report (cli 2.5)."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from ..debugger.events import RequiredEvent
from ..debugger.failure import failure_lines, told
from ..engine.attempt import Attempt, Task
from ..engine.events import AnyEvent, AttemptStarted, TaskLogged, TaskOutput
from ..workflow.text import json_text

COLOURS = {"ERROR": "35", "WARN": "33", "INFO": "32", "DEBUG": "37", "TRACE": "34"}
LEVELS = ("ERROR", "WARN", "INFO", "DEBUG", "TRACE")
CONTROLS = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {ord("\n"), ord("\t")}, "\ufffd")
"""Control characters, which messages may have from outside: a terminal would obey them."""
HINTS = """\
  * Use --session <daily | hourly | "yyyy-MM-dd[ HH:mm:ss]"> to not reuse the last session time.
  * Use --rerun, --start +NAME, or --goal +NAME argument to rerun skipped tasks.
"""


def time_text(at: float) -> str:
    """`yyyy-MM-dd HH:mm:ss Z` in the system's zone; `at` is seconds since the epoch."""
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(at))


def exact_time_text(at: float) -> str:
    """`yyyy-MM-dd HH:mm:ss.SSS Z` in the system's zone; `at` is seconds since the epoch."""
    seconds, milliseconds = divmod(int(at * 1000), 1000)
    return time.strftime(f"%Y-%m-%d %H:%M:%S.{milliseconds:03} %z", time.localtime(seconds))


def tell_damage(journal: Path, line: int) -> None:
    """Warn that a journal is read only up to a line."""
    sys.stderr.write(f"warning: line {line:,} of {journal.name} is damaged, or of a newer version: it ends there\n")


def thread_name(task: int, full_name: str, session: int = 1, attempt: int = 1) -> str:
    """How the log names a task (core 10.1)."""
    return f"{task:04}@[0:default:{session}:{attempt}]{full_name}"


class LogPrinter:
    """Prints an attempt's events as `digdag run` does: log lines with their thread, tasks' output as it is.

    Args:
        out: where a task's output goes, and the log too unless it has a file.
        level: the least of `LEVELS` that is printed.
        write: takes the log's lines in its place.
    """

    def __init__(self, out: TextIO, level: str = "INFO", write: Callable[[str], None] | None = None) -> None:
        self._out = out
        self._write = write
        self._terminal = out.isatty()
        self._shown = frozenset(LEVELS[: LEVELS.index(level) + 1])
        self._names: dict[tuple[int, int], str] = {}

    def shows(self, level: str) -> bool:
        """Whether lines of a level are printed."""
        return level in self._shown

    def line(self, level: str, logger: str, message: str, thread: str = "main", at: float | None = None) -> None:
        """Print one log line unless its level is hidden."""
        if level not in self._shown:
            return
        at = time.time() if at is None else at
        message = message.translate(CONTROLS)
        if self._write:
            self._write(f"{exact_time_text(at)} [{level}] ({thread}): {message}\n")
        elif self._terminal:
            where = f" {logger}" if level in ("DEBUG", "TRACE") else ""
            self._out.write(f"\x1b[{COLOURS[level]}m{time_text(at)} [{level}] ({thread}){where}: {message}\x1b[0m\n")
        else:
            self._out.write(f"{time_text(at)} [{level}] ({thread}) {logger}: {message}\n")

    def show(self, event: AnyEvent | RequiredEvent) -> None:
        """Print what an event says, if it says anything."""
        session, attempt = 1, 1
        if isinstance(event, RequiredEvent):
            session, attempt, event = event.session_id, event.attempt_id, event.event
        match event:
            case TaskOutput():
                self._out.write(event.text)
            case TaskLogged():
                thread = thread_name(event.task, self._names[attempt, event.task], session, attempt)
                self.line(event.level, event.logger, event.message, thread, event.at)
            case AttemptStarted(required_by=None):
                text = f"project id=1 workflow name={event.workflow} session_time={event.session_time}"
                self.line("INFO", "io.digdag.core.workflow.WorkflowExecutor", f"Starting a new session {text}")
            case _:
                pass
        for new in getattr(event, "added", ()):
            self._names[attempt, new.id] = new.full_name


def report(attempt: Attempt, saved: Path | None) -> tuple[str, bool]:
    """The final text for standard error, and whether it tells of success: no row is in state `error` (cli 2.5).

    An attempt that the person stopped is no success here, though Digdag would say so.
    """
    place = f"Task state is saved at {saved} directory.\n" if saved else ""
    failed = [task for task in attempt.tasks.values() if task.state == "error"]
    if not failed and not attempt.cancel_requested:
        return f"Success. {place}".rstrip() + "\n" + HINTS, True
    lines = ["error: " if failed else "error: canceled"]
    for task in failed:
        lines += [f"  * {task.full_name}:", f"    {_short_message(task)}"]
        lines += [f"    {task.hint.translate(CONTROLS)}"] if task.hint else []
        if exceptions := told(task.exceptions, ()):
            found = failure_lines(exceptions, os.getcwd())
            lines += ["", "    The Python code:", *(f"    {line}" for line in found)]
    return "\n".join(lines) + "\n\n" + (place + HINTS if saved else "\n"), False


def _short_message(task: Task) -> str:
    """A failed task's message, from behind the first Java class's name on."""
    message: str = task.error.get("message") or json_text(task.error)
    before, found, text = message.partition("Exception: ")
    return (text if before and found else message).translate(CONTROLS)


def task_lines(attempt: Attempt) -> Iterator[str]:
    """All rows of an attempt with their params, as the end of a run logs them at DEBUG (cli 2.5)."""
    for task in attempt.tasks.values():
        yield f"  Task[{task.id}]: {task.full_name}"
        yield f"    parent: {task.parent.id if task.parent else '(root)'}"
        yield f"    upstreams: {','.join(map(str, task.upstreams))}"
        yield f"    state: {task.state.upper()}"
        yield f"    retryAt: {_instant(task.retry_at)}"
        yield f"    config: {json_text(task.own_config)}"
        yield f"    taskType: TaskType{{{'GROUPING_ONLY' if task.is_group else ''}}}"
        yield f"    exported: {json_text(task.runtime_export)}"
        yield f"    stored: {json_text(task.store)}"
        yield f"    stateParams: {json_text(task.state_params)}"
        yield "    in: []"
        yield "    out: []"
        yield f"    error: {json_text(task.error)}"


def _instant(at: float | None) -> str:
    return "Optional.absent()" if at is None else f"Optional.of({time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(at))})"
