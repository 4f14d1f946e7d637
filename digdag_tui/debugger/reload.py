"""Which tasks a change of files touches (design: reload)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..workflow.config import Params, Value
from ..workflow.definition import TaskDefinition
from .launch import Loaded


def touched_tasks(old: Loaded, new: Loaded, changed: frozenset[Path]) -> tuple[str, ...]:
    """Full names of the tasks, in file order, that would run otherwise now.

    A task is touched when its definition or an `_export` above it changed, when it is new, or when it uses one of the
    `changed` files: a `py>` module with what that imports from the project, a called workflow, or a file that its
    config names. Groups are touched only through their own keys.
    """
    if old.workflow.timezone != new.workflow.timezone or old.schedule != new.schedule:
        return tuple(task.full_name for task in new.tasks if not task.is_group)
    before = {task.full_name: task for task in old.tasks}
    project = new.project.directory
    files = {path.resolve() for path in changed}
    sees_change: set[int] = set()
    touched = []
    for task in new.tasks:
        same = before.get(task.full_name)
        if task.parent in sees_change or (same and same.config.get("_export") != task.config.get("_export")):
            sees_change.add(task.index)
        differs = same is None or _own(old, same) != _own(new, task)
        if differs or (not task.is_group and (task.index in sees_change or files & used_files(project, task))):
            touched.append(task.full_name)
    return tuple(touched)


def _own(loaded: Loaded, task: TaskDefinition) -> tuple[bool, Params, set[str]]:
    """What makes a task itself: all but its exports, and the names of the tasks that it waits for."""
    upstreams = {loaded.tasks[index].full_name for index in task.upstreams}
    return task.is_group, task.config.without("_export"), upstreams


def used_files(project: Path, task: TaskDefinition) -> frozenset[Path]:
    """The files that a task's own config names, with what the Python ones import from the project."""
    workspace = project / str(task.config.get("_workdir", ""))
    found: set[Path] = set()
    for text in _texts(task.config):
        for place in _named_files(workspace, text):
            if place.is_file():
                found |= _with_imports(project, place.resolve(), found)
    return frozenset(found)


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _named_files(workspace: Path, text: str) -> Iterator[Path]:
    """Files that a text may name: the words of it as paths, and as the dotted name of something in a module."""
    for word in text.split():
        if len(word) < 256 and "\0" not in word and "$" not in word:
            yield workspace / word
            yield workspace / f"{word}.dig"
            yield from _module_files(workspace, word)


def _module_files(folder: Path, dotted: str) -> Iterator[Path]:
    parts = dotted.split(".")
    if all(part.isidentifier() for part in parts):
        for count in range(1, len(parts) + 1):
            place = folder.joinpath(*parts[:count])
            yield place.with_suffix(".py")
            yield place / "__init__.py"


def _with_imports(project: Path, file: Path, known: Iterable[Path]) -> set[Path]:
    """`file` and the project's modules that it imports, directly or not."""
    found, waiting = {*known}, [file]
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.add(current)
        if current.suffix == ".py":
            waiting.extend(place.resolve() for place in _imports(project, current) if place.is_file())
    return found


def _imports(project: Path, file: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module_files(project, alias.name)
        elif isinstance(node, ast.ImportFrom):
            folder = project if not node.level else file.parents[node.level - 1]
            base = f"{node.module}." if node.module else ""
            for alias in node.names:
                yield from _module_files(folder, base + alias.name if alias.name != "*" else base[:-1])
