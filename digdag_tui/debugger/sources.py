"""The source files of tasks: which lines a task is written in, which task a line belongs to, what files it uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..engine.attempt import Task
from ..workflow.config import Config, Params
from ..workflow.definition import TaskDefinition
from ..workflow.errors import Position
from ..workflow.python_source import PythonSource
from ..workflow.sources import shown_path
from .inspect import Inspection
from .reload import Uses

LARGEST = 32 * 2**20
"""Bytes; larger files are not read."""

_FAR = 500
"""Lines further away than that are not looked at for a key that is not where the workflow had it."""

_TEXT_ONLY = frozenset(("echo>", "fail>"))
"""Operators whose command is no name of a file, whatever it says."""
_CALLS = frozenset(("call>", "require>"))

_KEY = r"""(?:^|(?<=[\s{{,]))["']?{}["']?\s*:"""
_CLOSING = re.compile(r"\s*[\]}]+,?\s*(#.*)?")


class Span(NamedTuple):
    """Lines of a file as positions name it: those from `first` to `last`, counted from 1."""

    file: str
    first: int
    last: int

    def holds(self, file: str, line: int) -> bool:
        """Whether a line is one of these."""
        return self.file == file and self.first <= line <= self.last


class SourceFile(NamedTuple):
    """A text file as it is on disk; `error` is why it cannot be shown, `changed_at` seconds since the epoch."""

    lines: list[str]
    changed_at: float
    error: str | None = None


class Sources:
    """The source files of a project and where tasks stand in them; what was read is kept until it changes on disk.

    The places are those of the workflow that runs. Where a file was edited since, they follow the keys that are still
    in it.

    Args:
        project: the project's directory.
    """

    def __init__(self, project: Path) -> None:
        self.project = project
        self._files: dict[str, tuple[tuple[int, int], SourceFile]] = {}
        self._spans: dict[Position, Span] = {}

    def path(self, file: str) -> Path:
        """The path of a file as positions name it."""
        return self.project / file

    def read(self, file: str) -> SourceFile:
        """A file as it is on disk now."""
        path = self.path(file)
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            known = self._files.get(file)
            if known is None or known[0] != stamp:
                self._spans.clear()
                known = self._files[file] = (stamp, _read(path, file, status.st_size, status.st_mtime))
        except FileNotFoundError:
            return SourceFile([], 0.0, f"{file} does not exist any more")
        except (OSError, ValueError) as error:
            return SourceFile([], 0.0, f"{file} cannot be read: {getattr(error, 'strerror', None) or error}")
        return known[1]

    def span(self, task: Task) -> Span | None:
        """The lines that a task is written in; for what it generated without keys of its own, the nearest around it."""
        for node in (task, *task.ancestors()):
            found = self._own_span(node)
            if found:
                return found
        return None

    def tasks_at(self, tasks: Iterable[Task], file: str, line: int) -> list[Task]:
        """The tasks that a line belongs to, the innermost only: several where a loop made them of the same lines."""
        found: list[Task] = []
        size = None
        for task in tasks:
            span = self._own_span(task)
            if span is None or not span.holds(file, line):
                continue
            lines = span.last - span.first
            if size is None or lines < size:
                found, size = [], lines
            if lines == size and task.parent not in found:
                found.append(task)
        return found

    def _own_span(self, task: Task) -> Span | None:
        if task.parent is None:
            return self._whole(task.full_name[1:] + ".dig")
        name = task.config.position if isinstance(task.config, Config) else None
        if name:
            return self._block(name, task.name, is_name=True)
        first = _first_key(task.config, task.export)
        if first:
            return self._block(first[1], first[0], is_name=False)
        inside = next((span for child in task.children if (span := self._own_span(child))), None)
        return self._around(inside) if inside else None

    def _whole(self, file: str) -> Span:
        return Span(file, 1, max(1, len(self.read(file).lines)))

    def _block(self, position: Position, key: str, *, is_name: bool) -> Span:
        """The lines of the block that `key` begins, or that it is the first key in."""
        lines = self.read(position.file).lines
        known = self._spans.get(position)
        if known is None:
            line, before = _find(lines, position, key)
            if not is_name and not before.strip():
                line = _above(lines, line)
            known = self._spans[position] = Span(position.file, line, _end(lines, line))
        return known

    def _around(self, inside: Span) -> Span:
        """The block that a block is in; the whole file if it is in none."""
        lines = self.read(inside.file).lines
        line = _above(lines, inside.first)
        return self._whole(inside.file) if line == inside.first else Span(inside.file, line, _end(lines, line))


def places(project: Path, task: Task, inspection: Inspection) -> Iterator[Position]:
    """Where a task's own code is: the function that `py>` calls, then the files that its evaluated config names.

    Files are named as positions name them.
    """
    values = {param.name: param.value for param in inspection.own}
    folder = inspection.find(("_workdir",))
    workdir = str(folder.value) if folder else ""
    function = _function(project, values, workdir)
    if function:
        yield function
    if not _TEXT_ONLY.isdisjoint(values):
        return
    config = Config({**values, "_workdir": workdir})
    used = Uses(project).of(TaskDefinition(0, task.full_name, None, (), False, config, None))
    if _CALLS.isdisjoint(values):
        used = frozenset(path for path in used if path.suffix != ".dig")
    root = project.resolve()
    files = (shown_path(path, root) for path in sorted(used, key=lambda path: (path.suffix == ".py", path)))
    yield from (Position(file, 1, 1) for file in files if function is None or file != function.file)


def _function(project: Path, values: Params, workdir: str) -> Position | None:
    """Where the function of a `py>` task begins; without one that can be parsed, where its name is defined."""
    command = values.get("py>") or (values.get("_command") if values.get("_type") == "py" else None)
    if not isinstance(command, str) or "." not in command:
        return None
    found = PythonSource(project).function(command, workdir)
    if found:
        return found.position
    *module, name = command.split(".")
    for length in range(len(module), 0, -1):
        place = (project / workdir).joinpath(*module[:length])
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.is_file():
                file = shown_path(path, project)
                pattern = re.compile(rf"\s*(async\s+def|def|class)\s+{re.escape(name)}\b")
                lines = _read(path, file, path.stat().st_size, 0.0).lines
                line = next((number for number, text in enumerate(lines, 1) if pattern.match(text)), 1)
                return Position(file, line, 1)
    return None


def _read(path: Path, file: str, size: int, changed_at: float) -> SourceFile:
    if not path.is_file():
        return SourceFile([], changed_at, f"{file} is no file")
    if size > LARGEST:
        return SourceFile([], changed_at, f"{file} is too large to be shown: {size // 2**20:,} MB")
    data = path.read_bytes()
    if b"\0" in data[:8192]:
        return SourceFile([], changed_at, f"{file} is no text: it has null bytes")
    lines = data.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
    if lines[-1] == "":
        lines.pop()
    return SourceFile([line.removesuffix("\r") for line in lines], changed_at)


def _first_key(*configs: Params) -> tuple[str, Position] | None:
    """The key that stands first in a task's own file, with its place."""
    places = [item for config in configs if isinstance(config, Config) for item in config.positions.items()]
    return min(places, key=lambda item: (item[1].line, item[1].column), default=None)


def _find(lines: list[str], position: Position, key: str) -> tuple[int, str]:
    """The line of a key and what is before it there: where the workflow had it, or the nearest that has it now."""
    line = min(position.line, len(lines))
    if line == position.line and lines[line - 1][position.column - 1 :].lstrip("\"'").startswith(key):
        return line, lines[line - 1][: position.column - 1]
    pattern = re.compile(_KEY.format(re.escape(key)))
    for distance in range(_FAR):
        for near in (line - distance, line + distance):
            if 0 < near <= len(lines) and (found := pattern.search(lines[near - 1])):
                return near, lines[near - 1][: found.start()]
    return max(1, line), "?"


def _above(lines: list[str], line: int) -> int:
    """The line of the key whose block a line is in; the same line if it is in none, or no longer there."""
    if not 0 < line <= len(lines):
        return line
    indent = _indent(lines[line - 1])
    return next((number for number in range(line - 1, 0, -1) if -1 < _indent(lines[number - 1]) < indent), line)


def _end(lines: list[str], first: int) -> int:
    """The last line of the block that a line begins, without the blank lines and comments after it."""
    if first > len(lines):
        return first
    indent, last = _indent(lines[first - 1]), first
    for number in range(first + 1, len(lines) + 1):
        text = lines[number - 1]
        here = _indent(text)
        if -1 < here <= indent:
            return number if here == indent and _CLOSING.fullmatch(text) else last
        if here > indent:
            last = number
    return last


def _indent(line: str) -> int:
    """How far a line is indented; -1 if it has no key."""
    text = line.lstrip(" ")
    return -1 if not text.strip() or text[0] == "#" else len(line) - len(text)
