"""Logs in files: `-L`, whose file rolls, and `-O`, with a file for each call of a task (cli 1, rest 4.7)."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..debugger.events import SessionEvent
from ..debugger.history import session_name
from ..engine.events import (
    AttemptStarted,
    RetryScheduled,
    TaskEnded,
    TaskFailed,
    TaskLogged,
    TaskOutput,
    TaskStarted,
    TaskSucceeded,
)
from ..engine.recording import SKIPPING
from ..params.secrets import Masker
from .log import exact_time_text, thread_name

MAX_SIZE: Final = 10 * 2**20
KEPT: Final = 5


class RollingFile:
    """A log file that is packed away as `FILE.1.gz` at 10 MiB; five of these are kept.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("ab")

    def write(self, text: str) -> None:
        if self._file.tell() >= MAX_SIZE:
            self._roll()
        self._file.write(text.encode("utf-8", "replace"))

    def close(self) -> None:
        self._file.close()

    def _roll(self) -> None:
        self._file.close()
        for number in range(KEPT - 1, 0, -1):
            with suppress(FileNotFoundError):
                self._packed(number).replace(self._packed(number + 1))
        with self._path.open("rb") as full, gzip.open(self._packed(1), "wb") as packed:
            shutil.copyfileobj(full, packed)
        self._file = self._path.open("wb")

    def _packed(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}.gz")


class TaskLogs:
    """Digdag's local log server: `DIR/yyyy-MM-dd/0.1WORKFLOW@SESSION/FULLNAME@TIME.PID@HOST.log.gz` for each call.

    The day is the attempt's in UTC, TIME when the call began, in hexadecimal seconds and nanoseconds. A file holds the
    task's log down to DEBUG and what it printed, without the values that `masker` knows.

    Raises:
        OSError: the directory cannot be made.
    """

    def __init__(self, directory: Path, masker: Masker) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._masker = masker
        self._names: dict[int, str] = {}
        self._logs: dict[int, _TaskLog | None] = {}
        """The calls under way; None has said nothing yet."""
        self._agent = f"{os.getpid()}@{socket.gethostname()}"

    def observe(self, event: SessionEvent) -> None:
        """Write what an event says of a task.

        Raises:
            OSError: a file cannot be written.
        """
        match event:
            case AttemptStarted():
                day = time.strftime("%Y-%m-%d", time.gmtime(event.at))
                self._directory /= f"{day}/0.1{event.workflow}@{session_name(event.session_time)}"
            case TaskStarted():
                self._logs[event.task] = None
            case TaskLogged() if event.logger != SKIPPING or event.message != "Skipped":
                head = f"{exact_time_text(event.at)} [{event.level}] "
                thread = thread_name(event.task, self._names[event.task])
                self._write(event.task, f"{head}({thread}) {event.logger}: {event.message}\n")
            case TaskOutput():
                self._write(event.task, event.text)
            case TaskSucceeded() | TaskFailed() | RetryScheduled() | TaskEnded():
                self._close(event.task)
            case _:
                pass
        for new in getattr(event, "added", ()):
            self._names[new.id] = new.full_name

    def close(self) -> None:
        for task in list(self._logs):
            self._close(task)

    def _write(self, task: int, text: str) -> None:
        if task not in self._logs:
            return
        log = self._logs[task]
        if log is None:
            seconds, nanoseconds = divmod(time.time_ns(), 10**9)
            name = f"{self._names[task]}@{seconds:08x}{nanoseconds:08x}.{self._agent}.log.gz"
            self._directory.mkdir(parents=True, exist_ok=True)
            log = self._logs[task] = _TaskLog(self._directory / name, self._masker)
        log.write(text)

    def _close(self, task: int) -> None:
        if log := self._logs.pop(task, None):
            log.close()


class _TaskLog:
    """One call's file."""

    def __init__(self, path: Path, masker: Masker) -> None:
        self._file = gzip.open(path, "wb")  # noqa: SIM115 (closed when the call ends)
        self._stream = masker.stream(self._encode)
        self.write = self._stream.write

    def _encode(self, text: str) -> None:
        self._file.write(text.encode("utf-8", "replace"))

    def close(self) -> None:
        self._stream.close()
        self._file.close()
