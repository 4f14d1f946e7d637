"""Which tasks a change of files touches (design: reload)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..engine.attempt import Attempt
from ..workflow.config import Params, Value
from ..workflow.definition import TaskDefinition
from .launch import Loaded

SUFFIXES = frozenset({".dig", ".py", ".yml", ".yaml", ".sql", ".sh", ".rb"})
"""Files that people edit; any other counts only while a task names it and none writes it."""


def touched_tasks(old: Loaded, new: Loaded, changed: frozenset[Path]) -> tuple[str, ...]:
    """Full names of the tasks, in file order, that would run otherwise now.

    A task is touched when its definition or an `_export` above it changed, when it is new, or when it uses one of the
    `changed` files (`Uses`). Groups are touched only through their own keys.
    """
    if old.workflow.timezone != new.workflow.timezone or old.schedule != new.schedule:
        return tuple(task.full_name for task in new.tasks if not task.is_group)
    before = {task.full_name: task for task in old.tasks}
    project = new.project.directory
    files = {path.resolve() for path in changed}
    uses = Uses(project, files)
    sees_change: set[int] = set()
    touched = []
    for task in new.tasks:
        same = before.get(task.full_name)
        if task.parent in sees_change or (same and same.config.get("_export") != task.config.get("_export")):
            sees_change.add(task.index)
        differs = same is None or _own(old, same) != _own(new, task)
        if differs or (not task.is_group and (task.index in sees_change or files & uses.of(task))):
            touched.append(task.full_name)
    return tuple(touched)


def _own(loaded: Loaded, task: TaskDefinition) -> tuple[bool, Params, set[str]]:
    """What makes a task itself: all but its exports, and the names of the tasks that it waits for."""
    upstreams = {loaded.tasks[index].full_name for index in task.upstreams}
    return task.is_group, task.config.without("_export"), upstreams


def used_files(loaded: Loaded) -> frozenset[Path]:
    """The files, resolved, that the workflow's tasks use."""
    uses = Uses(loaded.project.directory)
    return frozenset(path for task in loaded.tasks for path in uses.of(task))


class Uses:
    """The files that tasks use: those that their configs name, with what Python files import from the project.

    A file may be named by its path, also with `*` or `${...}` in it, by the name of a workflow, or by the dotted name
    of something in a Python module. Each word is looked for once, as there may be very many.

    Args:
        gone: files, resolved, that count though they may not be there any more.
    """

    def __init__(self, project: Path, gone: Iterable[Path] = ()) -> None:
        self._project = str(project)
        self._gone = frozenset(str(path) for path in gone if not path.exists())
        self._folders: dict[str, frozenset[str]] = {}
        self._named: dict[tuple[str, str], frozenset[Path]] = {}
        self._imported: dict[Path, frozenset[Path]] = {}

    def of(self, task: TaskDefinition) -> frozenset[Path]:
        """The files, resolved, that a task's own config leads to."""
        workspace = os.path.join(self._project, str(task.config.get("_workdir", "")))
        words = {(workspace, word) for text in _texts(task.config) for word in _words(text)}
        return frozenset(path for word in words for path in self._named_by(*word))

    def _named_by(self, workspace: str, word: str) -> frozenset[Path]:
        key = (workspace, word)
        if re.split(r"[/.]", word, maxsplit=1)[0] not in self._beginnings(workspace) and "*" not in word:
            return frozenset()
        if key not in self._named:
            files = self._files(_named_files(workspace, word))
            self._named[key] = frozenset(path for file in files for path in self._with_imports(file))
        return self._named[key]

    def _files(self, places: Iterable[str]) -> frozenset[Path]:
        """The files at these places, resolved; also those that were there."""
        return frozenset(Path(place).resolve() for place in places if self._is_file(place))

    def _is_file(self, place: str) -> bool:
        return os.path.isfile(place) or (bool(self._gone) and os.path.realpath(place) in self._gone)

    def _beginnings(self, folder: str) -> frozenset[str]:
        """What words that name files begin with, up to the first dot or slash: few words of all that there are do."""
        if folder not in self._folders:
            gone = [os.path.relpath(path, os.path.realpath(folder)).split("/")[0] for path in self._gone]
            names = [*(os.listdir(folder) if os.path.isdir(folder) else ()), *gone]
            self._folders[folder] = frozenset(("", *(name.partition(".")[0] for name in names)))
        return self._folders[folder]

    def _with_imports(self, file: Path) -> set[Path]:
        """`file` and the project's modules that it imports, directly or not."""
        found, waiting = {file}, [file]
        while waiting:
            new = self._imports(waiting.pop()) - found
            found |= new
            waiting.extend(new)
        return found

    def _imports(self, file: Path) -> frozenset[Path]:
        if file.suffix != ".py":
            return frozenset()
        if file not in self._imported:
            self._imported[file] = self._files(_imported_files(self._project, file))
        return self._imported[file]


class Feedback:
    """Keeps a workflow whose tasks write files that it uses from running again and again because of them.

    Data that is written while a task runs is the workflow's own. A file of those that people edit may be the person's
    work even then; but one that changes in `LIMIT` runs in a row is written by the workflow.
    """

    LIMIT = 3

    def __init__(self) -> None:
        self._written: dict[Path, int] = {}

    def is_own(self, path: Path, attempt: Attempt) -> bool:
        """Whether a file that changed is the workflow's own; to be asked once for each change."""
        if not written_during(path, attempt):
            self._written[path] = 0
            return False
        self._written[path] = self._written.get(path, 0) + 1
        return path.suffix not in SUFFIXES or self._written[path] >= self.LIMIT

    def is_new(self, path: Path) -> bool:
        """Whether a file was found just now to be written by the workflow though people edit its like."""
        return self._written.get(path) == self.LIMIT and path.suffix in SUFFIXES


def written_during(path: Path, attempt: Attempt) -> bool:
    """Whether a file was written last while a task ran."""
    try:
        at = os.stat(path).st_mtime + 0.01  # the clock of files runs in steps of some milliseconds
    except OSError:
        return False
    runs = ((task.started_at, task.ended_at) for task in attempt.tasks.values() if not task.is_group)
    return any(start and start <= at and (end is None or at <= end + 0.02) for start, end in runs)


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _words(text: str) -> Iterator[str]:
    """What of a text may name files; a template stands for any text."""
    for word in re.sub(r"\$\{[^}]*\}", "*", text).split() if "${" in text else text.split():
        word = word.strip("\"';&|()<>")
        if 0 < len(word) < 256 and "\0" not in word:
            yield word


def _named_files(workspace: str, word: str) -> Iterator[str]:
    """Where files that a word may name would be."""
    if "*" in word:
        yield from _matching(workspace, word)
        return
    place = os.path.join(workspace, word)
    yield from (place, f"{place}.dig", f"{place}.rb")
    yield from _module_files(workspace, word)


def _matching(workspace: str, pattern: str) -> Iterator[str]:
    """The files of a pattern that says at least what their names end in."""
    suffix = os.path.splitext(pattern)[1]
    if len(suffix) > 1 and "*" not in suffix and not pattern.startswith("/") and "**" not in pattern:
        yield from map(str, Path(workspace).glob(pattern))


def _module_files(folder: str, dotted: str) -> Iterator[str]:
    parts = dotted.split(".")
    if all(part.isidentifier() for part in parts):
        for count in range(1, len(parts) + 1):
            place = os.path.join(folder, *parts[:count])
            yield from (f"{place}.py", f"{place}/__init__.py")


def _imported_files(project: str, file: Path) -> Iterator[str]:
    """Where what a Python file imports may lie: in the project, or beside the file."""
    import ast

    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module_files(project, alias.name)
                yield from _module_files(str(file.parent), alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = f"{node.module}." if node.module else ""
            for folder in (str(file.parents[node.level - 1]),) if node.level else (project, str(file.parent)):
                for alias in node.names:
                    yield from _module_files(folder, base + alias.name if alias.name != "*" else base[:-1])
