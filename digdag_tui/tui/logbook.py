"""All lines of an attempt's log, each with its task."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from ..engine.events import TaskLogged, TaskOutput
from .text import clean, clean_lines

OUTPUT = ""
"""The level of what a task printed itself."""


class LogLine(NamedTuple):
    """`text` is safe to show; `level` is `OUTPUT` or one of Digdag's, `begins` whether a message begins here.

    `required` is blank, or the full name of a task in another attempt, which `task` required.
    """

    task: int
    level: str
    text: str
    begins: bool = True
    required: str = ""


class LogBook:
    """The newest lines, at most `LIMIT`; `dropped` counts the older ones that are gone."""

    LIMIT = 250_000
    LONGEST = 8_192
    """A line without an end is broken after so many characters."""

    def __init__(self, mask: Callable[[str], str] = str) -> None:
        self._mask = mask
        self.lines: list[LogLine] = []
        self.dropped = 0
        self._open: dict[tuple[int, str], tuple[int, str]] = {}
        """Task → the number of the line that its next output goes on with, and that line as it came."""

    def add(self, event: TaskOutput | TaskLogged, by: int | None = None, required: str = "") -> None:
        """Take in a piece of output or a log line, if it is of another attempt with the task that required that."""
        task = event.task if by is None else by
        if isinstance(event, TaskLogged):
            lines = enumerate(clean_lines(self._mask(event.message)))
            self._append(LogLine(task, event.level, text, number == 0, required) for number, text in lines)
        else:
            self._output(task, required, event.text)

    def _output(self, task: int, required: str, text: str) -> None:
        number, begun = self._open.pop((task, required), (-1, ""))
        *whole, rest = (begun + text).split("\n")
        if len(rest) > self.LONGEST:
            whole, rest = [*whole, rest], ""
        texts = [*whole, rest] if rest else whole
        if begun and texts and number >= self.dropped:
            self.lines[number - self.dropped] = self._line(task, required, texts.pop(0))
        else:
            number = -1
        self._append(self._line(task, required, text) for text in texts)
        if rest:
            last = self.dropped + len(self.lines) - 1
            self._open[task, required] = (number if not whole and number >= 0 else last, rest)

    def _append(self, lines: Iterable[LogLine]) -> None:
        self.lines.extend(lines)
        if len(self.lines) > self.LIMIT:
            surplus = self.LIMIT // 5
            del self.lines[:surplus]
            self.dropped += surplus

    def _line(self, task: int, required: str, text: str) -> LogLine:
        """What a terminal shows of a line in which a progress bar went back to the line's start."""
        shown = clean(self._mask(text.rstrip("\r").rpartition("\r")[2]))
        return LogLine(task, OUTPUT, shown, required=required)
