"""Naming tasks of a compiled workflow from outside: `+task`, `--start`, `--goal` and `--end` (cli 2.1, 2.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from .definition import TaskDefinition
from .errors import DigdagError
from .names import did_you_mean

_BEFORE_A_NAME = re.compile(r"(?![-=\[\]{}%&@,._])(?=\W)")


class PatternSyntaxError(DigdagError):
    """A pattern that can name no task."""

    kind = "syntax"


class NoMatchError(DigdagError):
    """A pattern that no task's name ends with."""

    kind = "no match"


class MultipleMatchError(DigdagError):
    """A pattern that the names of several tasks end with."""

    kind = "multiple task match"


def find_task(tasks: Sequence[TaskDefinition], pattern: str) -> int:
    """The index of the only task whose full name ends with `pattern`.

    Raises:
        PatternSyntaxError: a name in `pattern` has one character.
        NoMatchError: there is no such task.
        MultipleMatchError: there are several.
    """
    if any(len(name) == 1 for name in filter(None, _BEFORE_A_NAME.split(pattern))):
        message = f"Match patterns excepting direct child (+name+name) is not supported: {pattern}"
        raise PatternSyntaxError(message, hint="write the end of the task's name, such as +load or +load+clean")
    names = _names(tasks)
    found = [index for index, name in enumerate(names) if name.endswith(pattern)]
    if not found:
        raise NoMatchError(f"Task pattern '{pattern}' doesn't match with any tasks.", hint=_hint(pattern, names))
    if len(found) > 1:
        candidates = ", ".join(names[index] for index in found)
        message = f"Task pattern '{pattern}' is ambiguous. Matching candidates are [{candidates}]"
        raise MultipleMatchError(message, hint="write more of the name, from its end")
    return found[0]


def subtree(tasks: Sequence[TaskDefinition], index: int) -> list[TaskDefinition]:
    """The root with the task at `index` and all below it; what lies between is left out, what it waits for too."""
    if index == 0:
        return list(tasks)
    kept = [tasks[0], tasks[index], *(tasks[inner] for inner in inside(tasks, index))]
    places = {task.index: place for place, task in enumerate(kept)}
    return [
        msgspec.structs.replace(
            task,
            index=place,
            parent=None if task.parent is None else places.get(task.parent, 0),
            upstreams=() if task.index == index else tuple(places[upstream] for upstream in task.upstreams),
        )
        for place, task in enumerate(kept)
    ]


def before(tasks: Sequence[TaskDefinition], index: int) -> set[int]:
    """What must be done before the task at `index`: its ancestors, and what it and they wait for with all inside."""
    found: set[int] = set()
    for node in (index, *_ancestors(tasks, index)):
        if node != index:
            found.add(node)
        for upstream in _all_upstreams(tasks, node):
            found.add(upstream)
            found.update(inside(tasks, upstream))
    return found


def inside(tasks: Sequence[TaskDefinition], index: int) -> Iterator[int]:
    """The indexes of all tasks below the one at `index`; a task comes after its parent."""
    known = {index}
    for task in tasks[index + 1 :]:
        if task.parent in known:
            known.add(task.index)
            yield task.index


def _names(tasks: Sequence[TaskDefinition]) -> list[str]:
    """Full names along the parents as they are; in a subtree they leave out what it left out."""
    names: list[str] = []
    for task in tasks:
        own = task.full_name[task.full_name.rindex("+") :]
        names.append(own if task.parent is None else names[task.parent] + own)
    return names


def _ancestors(tasks: Sequence[TaskDefinition], index: int) -> Iterator[int]:
    parent = tasks[index].parent
    while parent is not None:
        yield parent
        parent = tasks[parent].parent


def _all_upstreams(tasks: Sequence[TaskDefinition], index: int) -> set[int]:
    found: set[int] = set()
    waiting = list(tasks[index].upstreams)
    while waiting:
        upstream = waiting.pop()
        if upstream not in found:
            found.add(upstream)
            waiting.extend(tasks[upstream].upstreams)
    return found


def _hint(pattern: str, names: list[str]) -> str:
    last = "+" + pattern.rpartition("+")[2]
    near = did_you_mean(last, [name[name.rindex("+") :] for name in names]) if len(last) > 3 else None
    shown = ", ".join(names[1:9]) or names[0]
    return near or f"there are {shown}{' …' if len(names) > 9 else ''}"
