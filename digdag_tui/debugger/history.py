"""The journals of a project's attempts: `.digdag/tui/<workflow>/<session time>/<number>.jsonl`.

A running attempt holds a lock on its journal, which the system drops with the process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from ..engine.attempt import Attempt
from ..engine.journal import Journal, read_journal, truncate_torn

Mask: TypeAlias = Callable[[str], str]
FOLDER = Path(".digdag", "tui")
SESSION_NAME = r"\d{8}T\d{6}[+-]\d{4}"


class PastAttempt(Struct, frozen=True):
    """A journal that no process is writing; `finished` is False when its process died."""

    number: int
    path: Path
    finished: bool
    ended_tasks: int
    last_task: str | None


def session_folder(project: Path, workflow: str, session_time: str) -> Path:
    """Where a session's journals are, named as Digdag names its status directories (cli 2.2)."""
    return project / FOLDER / workflow / re.sub("[-:]", "", session_time)


def last_session(project: Path, workflow: str) -> datetime | None:
    """The newest session of a workflow that has journals (cli 2.2)."""
    folder = project / FOLDER / workflow
    names = (path.name for path in folder.iterdir() if any(path.glob("*.jsonl"))) if folder.is_dir() else ()
    times = [datetime.fromisoformat(name) for name in names if re.fullmatch(SESSION_NAME, name)]
    return max(times, default=None)


def new_journal(folder: Path, mask: Mask | None = None) -> tuple[int, Journal]:
    """The next attempt's number and its journal, locked."""
    number = max(_numbers(folder), default=0) + 1
    while True:
        path = folder / f"{number:04}.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            number += 1
            continue
        journal = Journal(path, mask)
        journal.lock()
        return number, journal


def reopen_journal(past: PastAttempt, mask: Mask | None = None) -> Journal:
    """A past attempt's journal, to go on with."""
    truncate_torn(past.path)
    journal = Journal(past.path, mask)
    journal.lock()
    return journal


def last_journal(folder: Path) -> tuple[int, Path] | None:
    """The newest attempt of a session that no process is running any more."""
    for number in sorted(_numbers(folder), reverse=True):
        path = folder / f"{number:04}.jsonl"
        if not _locked(path):
            return number, path
    return None


def last_attempt(folder: Path) -> PastAttempt | None:
    """How far the newest attempt of a session came."""
    last = last_journal(folder)
    return _past_attempt(*last) if last else None


def _past_attempt(number: int, path: Path) -> PastAttempt | None:
    attempt = Attempt()
    for event in read_journal(path):
        attempt.apply(event)
    if attempt.started is None:
        return None
    ended = [task for task in attempt.tasks.values() if task.ended_at and not task.is_group]
    last = max(ended, key=lambda task: task.ended_at or 0, default=None)
    return PastAttempt(number, path, attempt.success is not None, len(ended), last.full_name if last else None)


def _numbers(folder: Path) -> Iterator[int]:
    if folder.is_dir():
        yield from (int(path.stem) for path in folder.glob("*.jsonl") if path.stem.isdigit())


def _locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
