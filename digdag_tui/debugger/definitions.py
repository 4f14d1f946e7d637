"""Which task a line of a source file belongs to, the tasks in a `_do` or an `_error` among them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from ..engine.attempt import Task
from ..engine.call import place
from ..workflow.config import Config, Params, Value
from ..workflow.errors import DigdagError, Position
from .launch import Loaded

BODIES = frozenset(("_do", "_else_do", "_error", "_check"))


class Line(NamedTuple):
    """A key in a file; `definition` is the place of the task that it belongs to, `begins` whether that begins here."""

    line: int
    column: int
    definition: Position | None
    begins: bool


def definition_of(task: Task) -> Position | None:
    """Where a task is defined: its name, or its operator's key if it has no name in a file."""
    named = task.config.position if isinstance(task.config, Config) else None
    return named or place(task)


class Definitions:
    """The tasks that the files of a loaded project define, whether they run or not."""

    def __init__(self, loaded: Loaded) -> None:
        self._directory = loaded.project.directory
        self._files: dict[str, list[Line]] = {}
        visited: set[int] = set()
        for workflow in loaded.project.workflows.values():
            self._take(workflow.config, visited)

    def at(self, file: str, line: int) -> Position | None:
        """The place of the task that covers a line of a file (as positions name it), or None for no task's."""
        if file not in self._files:
            self._read(file)
        lines = self._files[file]
        end = bisect_right(lines, line, key=lambda entry: entry.line)
        first = bisect_left(lines, line, key=lambda entry: entry.line)
        begun = next((entry for entry in lines[first:end] if entry.begins), None)
        last = begun or (lines[end - 1] if end else None)
        return last.definition if last else None

    def next_line(self, file: str, line: int) -> int | None:
        """The first line behind `line` on which a task begins."""
        return next((entry.line for entry in self._files.get(file, ()) if entry.line > line and entry.begins), None)

    def _read(self, file: str) -> None:
        """A file that no workflow of the project's directory names: one in a folder, for `call>`."""
        from ..workflow.include import load_file

        self._files[file] = []
        with suppress(DigdagError):
            self._take(load_file(self._directory / file, self._directory), set())

    def _take(self, config: Config, visited: set[int]) -> None:
        for position, definition in _keys(config, None, visited):
            entry = Line(position.line, position.column, definition, definition == position)
            self._files.setdefault(position.file, []).append(entry)
        for lines in self._files.values():
            lines.sort()


def _keys(config: Params, owner: Position | None, visited: set[int]) -> Iterator[tuple[Position, Position | None]]:
    """All keys below, each with the task that it belongs to."""
    if id(config) in visited or not isinstance(config, Config):
        return
    visited.add(id(config))
    for key, value in config.items():
        position = config.positions.get(key)
        inside = position if key[:1] == "+" and position else owner
        bodies = [(body, _operator_position(body) if key in BODIES else None) for body in _mappings(value)]
        if position:
            yield position, next((operator for _, operator in bodies if operator), inside)
        for body, operator in bodies:
            yield from _keys(body, operator or inside, visited)


def _mappings(value: Value) -> list[Config]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, Config)]


def _operator_position(body: Config) -> Position | None:
    key = next((key for key in body if key.endswith(">") or key == "_type"), "")
    return body.positions.get(key)
