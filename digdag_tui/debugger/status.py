"""Digdag's saved state, a file `STATUS/<session>/<full name>.yml` for each task that succeeded (cli 2.3)."""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from queue import SimpleQueue

from msgspec import Struct, field

from ..engine.attempt import Attempt, Task
from ..engine.events import PINNED, TaskEnded, TaskLogged, TaskStarted, TaskSucceeded
from ..engine.operator import OperatorResult
from ..engine.recording import Outcome, Recording, skipped
from ..workflow.definition import TaskDefinition
from ..workflow.errors import DigdagError
from .events import SessionEvent
from .history import session_of
from .state_file import SUFFIX, StateFileError, read_state, state_text


class SavedResults(Recording, kw_only=True):
    """Skips what `run` finds saved (cli 2.3).

    `resumes` are the full names of the tasks whose files are read, `runs` of those that may run at all; None is all.
    `warn` is told of a file that cannot be used, whose task then runs.
    """

    folder: Path
    resumes: frozenset[str] | None
    runs: frozenset[str] | None
    warn: Callable[[StateFileError], None]
    saved: frozenset[str]
    """The names that have files as the run begins: those of this run's own tasks are not looked at."""
    taken: set[str] = field(default_factory=set)
    """The names whose files were used, and need not be written again."""

    def take(self, task: Task) -> Outcome | None:
        name = task.full_name
        if task.is_group:
            return None
        if self.runs is not None and name not in self.runs:
            return skipped(OperatorResult())
        if name not in self.saved or (self.resumes is not None and name not in self.resumes):
            return None
        try:
            result = read_state(self.folder / f"{name}{SUFFIX}")
        except StateFileError as error:
            self.warn(error)
            return None
        if result is None:
            return None
        self.taken.add(name)
        return skipped(result)


def saved_results(
    folder: Path,
    tasks: Sequence[TaskDefinition],
    warn: Callable[[StateFileError], None],
    *,
    rerun: bool = False,
    start: str | None = None,
    goal: str | None = None,
    end: str | None = None,
) -> SavedResults:
    """What a run skips, by the session's directory and the ends of tasks' names (cli 2.3).

    Raises:
        DigdagError: such an end names no task, or several.
    """

    resumes: frozenset[str] | None = frozenset() if rerun else None
    runs: frozenset[str] | None = None
    if goal is not None:
        resumes, within = _around(tasks, goal)
        runs = resumes | within
    if start is not None:
        resumes, _ = _around(tasks, start)
    if end is not None:
        runs, _ = _around(tasks, end)
    return SavedResults(folder=folder, resumes=resumes, runs=runs, warn=warn, saved=_saved_names(folder))


def _around(tasks: Sequence[TaskDefinition], pattern: str) -> tuple[frozenset[str], frozenset[str]]:
    """The full names of what comes before the task that `pattern` names, and of that task with all below it."""
    from ..workflow.selection import before, find_task, inside

    place = find_task(tasks, pattern)
    earlier = frozenset(tasks[index].full_name for index in before(tasks, place))
    return earlier, frozenset(tasks[index].full_name for index in (place, *inside(tasks, place)))


def _saved_names(folder: Path) -> frozenset[str]:
    try:
        return frozenset(name.removesuffix(SUFFIX) for name in os.listdir(folder) if name.endswith(SUFFIX))
    except OSError:
        return frozenset()


class StateWriter:
    """Saves tasks as they succeed, in a thread of its own; Digdag does it each second.

    A task whose output came from a pin is not saved: its operator is still to run.

    Args:
        folder: the session's directory; made with the first file.
        unchanged: full names that need no new file.
        mask: takes secrets out of a text; a result that holds one is not saved, so that its task runs again.
    """

    def __init__(self, folder: Path, unchanged: Container[str], mask: Callable[[str], str]) -> None:
        self._folder = folder
        self._unchanged = unchanged
        self._mask = mask
        self._pinned: set[int] = set()
        self._waiting: SimpleQueue[Task | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="state", daemon=True)
        self.problems: list[str] = []
        """Why tasks were not saved."""

    def observe(self, event: SessionEvent, attempt: Attempt) -> None:
        """Take note of an event that was just applied."""
        match event:
            case TaskStarted():
                self._pinned.discard(event.task)
            case TaskLogged() if event.logger == PINNED:
                self._pinned.add(event.task)
            case TaskSucceeded(added=()) | TaskEnded(state="success"):
                task = attempt.tasks[event.task]
                if task.full_name not in self._unchanged and task.id not in self._pinned:
                    self._waiting.put(task)
                if not self._thread.ident:
                    self._thread.start()
            case _:
                pass

    def close(self) -> None:
        """Save what waits."""
        self._waiting.put(None)
        if self._thread.ident:
            self._thread.join()

    def _run(self) -> None:
        while task := self._waiting.get():
            text = state_text(task)
            if self._mask(text) != text:
                self.problems.append(f"{task.full_name}: its result holds a secret's value")
                continue
            try:
                self._write(task.full_name, text)
            except OSError as error:
                self.problems.append(f"{task.full_name}: {error.strerror}")

    def _write(self, full_name: str, text: str) -> None:
        """Replace a file at once: a process that is killed leaves no part of one."""
        if not self._folder.is_dir():
            self._folder.mkdir(parents=True)
        unfinished = f"{self._folder}/.{os.getpid()}.writing"
        with open(unfinished, "wb") as file:
            file.write(text.encode("utf-8", "replace"))
        os.replace(unfinished, f"{self._folder}/{full_name}{SUFFIX}")


class SavedRun(Struct, frozen=True):
    """A directory with the saved state of one workflow's session; `session` is its time with its offset."""

    folder: Path
    workflow: str
    session: str
    names: tuple[str, ...]

    def recording(self) -> Recording:
        """The saved results; groups with any of them inside begin by themselves.

        Raises:
            StateFileError: a file is broken.
        """
        recording = Recording()
        for name in self.names:
            result = read_state(self.folder / f"{name}{SUFFIX}")
            if result is None:
                continue
            recording.outcomes[name] = deque([skipped(result)])
            for place in [found.start() for found in re.finditer(r"[+^]", name[1:])]:
                recording.planned[name[: place + 1]] = 1
            recording.planned[name] = 1
        return recording


def saved_run(folder: Path, workflow: str | None = None) -> SavedRun:
    """What `digdag run` saved in a session's directory.

    Args:
        workflow: the workflow's name; else the files tell it.

    Raises:
        DigdagError: it is no such directory, or holds nothing of the workflow, or of several.
    """
    session = session_of(os.path.basename(os.path.abspath(folder)))
    if not folder.is_dir():
        raise DigdagError(f"{folder} is no directory", hint="name one such as .digdag/status/20260131T000000+0000")
    if session is None:
        sessions = [path.name for path in folder.iterdir() if session_of(path.name)]
        hint = f"it holds {', '.join(sorted(sessions)[-4:])}: name one" if sessions else "such as 20260131T000000+0000"
        raise DigdagError(f"{folder} is not named after a session", hint=hint)
    names = sorted(name for name in _saved_names(folder) if name.startswith("+"))
    found = sorted({re.split(r"[+^]", name)[1] for name in names})
    if workflow is None and len(found) > 1:
        raise DigdagError(f"{folder} has tasks of {', '.join(found)}", hint="name the workflow's file, too")
    if not found or (workflow is not None and workflow not in found):
        whose = f"tasks of {', '.join(found)} only" if found else "no saved task"
        raise DigdagError(f"{folder} has {whose}", hint="digdag run saves a file for each task that succeeds")
    chosen = workflow or found[0]
    own = tuple(name for name in names if re.split(r"[+^]", name)[1] == chosen)
    return SavedRun(folder, chosen, session.isoformat(timespec="seconds"), own)
