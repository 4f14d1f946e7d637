"""Which sessions of a project there were, and their journals: `.digdag/tui/<workflow>/<session>/<number>.jsonl`.

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
from ..workflow.errors import DigdagError
from ..workflow.session_time import parse_session_time

Mask: TypeAlias = Callable[[str], str]
FOLDER = Path(".digdag", "tui")
_SESSION_NAME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)([+-]\d\d)(\d\d)", re.ASCII)


class PastAttempt(Struct, frozen=True):
    """What a journal tells of its attempt; times are seconds since the epoch.

    `success` is None when its process died, or left it at a stop. `tasks` are those with an operator, of which
    `ended_tasks` ended, `last_task` as the last; `failed_task` is the first that failed.
    """

    number: int
    path: Path
    workflow: str
    session_time: str
    began: float
    ended: float
    success: bool | None
    canceled: bool
    tasks: int
    ended_tasks: int
    last_task: str | None
    failed_task: str | None

    @property
    def finished(self) -> bool:
        return self.success is not None

    @property
    def id(self) -> str:
        """How a person names it: `sales/20260131T000000+0900/3`."""
        return f"{self.workflow}/{session_name(self.session_time)}/{self.number}"

    @property
    def outcome(self) -> str:
        """How it ended, in words."""
        if self.success:
            return "success"
        if self.canceled:
            return "stopped"
        return "failed" if self.finished else "not finished"


def session_name(session_time: str) -> str:
    """`20260131T000000+0900` for `2026-01-31T00:00:00+09:00`: how a session's directories are named (cli 2.2)."""
    date, _, time = session_time.partition("T")
    return f"{date.replace('-', '')}T{time.replace(':', '')}"


def session_of(name: str) -> datetime | None:
    """The session that a directory is named after, if it is named after one."""
    found = _SESSION_NAME.fullmatch(name)
    try:
        return parse_session_time(found.expand(r"\1-\2-\3T\4:\5:\6\7:\8")) if found else None
    except (ValueError, OverflowError):
        return None


def session_folder(project: Path, workflow: str, session_time: str) -> Path:
    """Where a session's journals are."""
    return project / FOLDER / workflow / session_name(session_time)


def last_session(project: Path, workflow: str) -> datetime | None:
    """The newest session of a workflow that has journals."""
    folder = project / FOLDER / workflow
    names = (path.name for path in folder.iterdir() if any(path.glob("*.jsonl"))) if folder.is_dir() else ()
    return max(filter(None, map(session_of, names)), default=None)


def last_saved_session(folder: Path, workflow: str) -> datetime | None:
    """The newest session in the status directory `folder` that saved a task of a workflow, not just its root (cli 2.2).

    Raises:
        DigdagError: the directory cannot be read.
    """
    saved = re.compile(re.escape(f"+{workflow}") + r"[+^].*\.yml")
    newest: datetime | None = None
    try:
        for directory in os.scandir(folder):
            session = session_of(directory.name)
            if session and (newest is None or session > newest) and directory.is_dir():
                with os.scandir(directory) as files:
                    if any(saved.fullmatch(file.name) and file.is_file() for file in files):
                        newest = session
    except FileNotFoundError:
        pass
    except OSError as error:
        raise DigdagError(f"{error.filename}: {error.strerror}", hint="--save DIR names another directory") from None
    return newest


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
    """A past attempt's journal, to go on with.

    Raises:
        DigdagError: the attempt runs in another process.
    """
    journal = Journal(past.path, mask)
    try:
        journal.lock()
    except BlockingIOError:
        journal.close()
        hint = "leave it there first, or restart (R) for an attempt of your own"
        raise DigdagError(f"attempt {past.number} runs in another debugger", hint=hint) from None
    truncate_torn(past.path)
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
    return past_attempt(last[1]) if last else None


def past_attempt(path: Path) -> PastAttempt | None:
    """What the journal at `path` tells of its attempt; None if it has none."""
    attempt, at = Attempt(), 0.0
    for event in read_journal(path, output=False):
        attempt.apply(event)
        at = max(at, event.at)
    started = attempt.started
    if started is None:
        return None
    tasks = [task for task in attempt.tasks.values() if not task.is_group]
    ended = [task for task in tasks if task.ended_at]
    last = max(ended, key=lambda task: task.ended_at or 0, default=None)
    failed = next((task for task in tasks if task.state == "error" or task.delayed == "error"), None)
    return PastAttempt(
        int(path.stem), path, started.workflow, started.session_time, started.at, at,
        attempt.success, attempt.cancel_requested, len(tasks), len(ended),
        last.full_name if last else None, failed.full_name if failed else None,
    )  # fmt: skip


def journals(project: Path, workflow: str | None = None) -> list[Path]:
    """The journals of a project, or of one of its workflows, the newest first."""
    folder = project / FOLDER / (workflow or "")
    found = [path for path in folder.rglob("*.jsonl") if path.stem.isdigit() and session_of(path.parent.name)]
    if workflow:
        found = [path for path in found if path.parent.parent == folder]
    return sorted(found, key=lambda path: (path.stat().st_mtime, path.stem), reverse=True)


def attempt_id(project: Path, path: Path) -> str:
    """`sales/20260131T000000+0900/3` for the journal at `path`."""
    return f"{path.parent.relative_to(project / FOLDER).as_posix()}/{int(path.stem)}"


def workflow_of(project: Path, path: Path) -> str:
    """The workflow of the journal at `path`."""
    return path.parent.parent.relative_to(project / FOLDER).as_posix()


def find_attempt(project: Path, wanted: str, workflow: str | None = None) -> Path:
    """The journal of the attempt that a person calls `wanted`.

    That is `last`, or a number in the newest session, with the session before it (or how that begins), and the
    workflow before that: `3`, `20260131/3`, `sales/20260131T000000+0900/last`.

    Raises:
        DigdagError: there is none, and what there is.
    """
    known = journals(project, workflow)
    *place, number = wanted.strip("/").split("/")
    session = place.pop() if place and place[-1][:8].isdigit() else ""
    name = "/".join(place)
    found = [
        path
        for path in known
        if path.parent.name.startswith(session) and (not name or attempt_id(project, path).startswith(f"{name}/2"))
    ]
    if number != "last":
        newest = found[0].parent if found and not session else None
        found = [path for path in found if str(int(path.stem)) == number and newest in (None, path.parent)]
    if found:
        return found[0]
    if not known:
        of = f" of {workflow}" if workflow else ""
        raise DigdagError(f"no attempt{of} is kept in {project / FOLDER}", hint="run the workflow first")
    some = [attempt_id(project, path) for path in known]
    there = ", ".join(some[:5]) + ", …" * (len(some) > 5)
    raise DigdagError(f"there is no attempt {wanted}", hint=f"last, a number, or one of {there}")


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
