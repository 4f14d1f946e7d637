"""All lines of an attempt's log, each with its task.

Output comes in pieces of many lines, and so it is kept: what holds for all lines of a piece stands in one `Run`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from msgspec import Struct
from rich.cells import cell_len

from ..engine.events import TaskLogged, TaskOutput
from .text import clean_lines, last_state, printed_lines

OUTPUT = ""
"""The level of what a task printed itself."""
TOGETHER = 0.1
"""Output that comes within so many seconds has the time of the first of it."""
RECENT = 1000
"""Runs of lines among which a task's last output is looked for."""


class LogLine(NamedTuple):
    """`text` is safe to show; `level` is `OUTPUT` or one of Digdag's, `begins` whether a message begins here.

    `at` is when it came, in seconds since the epoch. `required` is blank, or the full name of a task in another
    attempt, which `task` required. `logger` is who wrote it; blank for output.
    """

    task: int
    level: str
    text: str
    begins: bool = True
    required: str = ""
    at: float = 0.0
    logger: str = ""


class Run(Struct, gc=False):
    """Lines that follow each other and have all but their text in common; `first` is the number of the first."""

    first: int
    at: float
    task: int
    level: str
    required: str
    logger: str

    def holds(self, at: float, task: int, required: str) -> bool:
        """Whether output of that time belongs to this run."""
        return (self.task, self.level, self.required) == (task, OUTPUT, required) and at - self.at < TOGETHER


_first = attrgetter("first")


class LogBook:
    """The newest lines; `dropped` counts the older ones that are gone. Lines are numbered from the attempt's first."""

    LIMIT = 250_000
    LARGEST = 32 * 2**20
    """Characters of all lines."""
    LONGEST = 8_192
    """A line is broken after so many characters."""

    def __init__(self, mask: Callable[[str], str] = str) -> None:
        self._mask = mask
        self.texts: list[str] = []
        self.runs: list[Run] = []
        self.dropped = 0
        self.widest = 0
        """Cells of the widest line there was."""
        self._size = 0
        self._open: dict[tuple[int, str], tuple[int, str]] = {}
        """Task → the number of the line that its next output goes on with, and that line as it came."""

    @property
    def end(self) -> int:
        """The number of the next line that begins."""
        return self.dropped + len(self.texts)

    @property
    def lines(self) -> list[LogLine]:
        """All lines that are kept."""
        return [self.line(number) for number in range(self.dropped, self.end)]

    def line(self, number: int) -> LogLine:
        """The line of that number, which is kept."""
        run = self.runs[self.run_of(number)]
        begins = run.level == OUTPUT or run.first == number
        text = self.texts[number - self.dropped]
        return LogLine(run.task, run.level, text, begins, run.required, run.at, run.logger)

    def run_of(self, number: int) -> int:
        """The index of the run that a line is in."""
        return bisect_right(self.runs, number, key=_first) - 1

    def end_of(self, index: int) -> int:
        """The number after the last line of a run."""
        return self.runs[index + 1].first if index + 1 < len(self.runs) else self.end

    def last_output(self, task: int, count: int) -> list[str]:
        """The last lines that a task printed, among the newest runs of lines."""
        found: list[str] = []
        for index in range(len(self.runs) - 1, max(-1, len(self.runs) - 1 - RECENT), -1):
            run = self.runs[index]
            if run.task == task and run.level == OUTPUT and not run.required:
                end = self.end_of(index)
                first = max(run.first, self.dropped, end - count)
                found = self.texts[first - self.dropped : end - self.dropped] + found
            if len(found) >= count:
                break
        return found[-count:]

    def add(self, event: TaskOutput | TaskLogged, by: int | None = None, required: str = "") -> None:
        """Take in a piece of output or a log line, if it is of another attempt with the task that required that."""
        task = event.task if by is None else by
        if isinstance(event, TaskLogged):
            self.runs.append(Run(self.end, event.at, task, event.level, required, event.logger))
            self._append(clean_lines(self._mask(event.message)))
        else:
            self._output(event.at, task, required, event.text)

    def _output(self, at: float, task: int, required: str, text: str) -> None:
        number, begun = self._open.pop((task, required), (-1, ""))
        whole, ended, rest = (begun + text).rpartition("\n")
        if "\r" in rest:
            rest = last_state(rest) + "\r" * rest.endswith("\r")
        lines = printed_lines(self._mask(whole)) if ended else []
        if rest:
            lines += printed_lines(self._mask(rest))
        goes_on = bool(lines) and number >= self.dropped
        if goes_on:
            first, *more = self._broken(lines[0])
            self._replace(number - self.dropped, first)
            lines[:1] = more
        if lines:
            if not (self.runs and self.runs[-1].holds(at, task, required)):
                self.runs.append(Run(self.end, at, task, OUTPUT, required, ""))
            self._append(lines)
        if rest and len(rest) <= self.LONGEST:
            self._open[task, required] = (number if goes_on and not ended else self.end - 1, rest)

    def _append(self, lines: list[str]) -> None:
        if max(map(len, lines)) > self.LONGEST:
            lines = list(chain.from_iterable(map(self._broken, lines)))
        self._measure(lines)
        self.texts += lines
        self._size += sum(map(len, lines))
        while len(self.texts) > self.LIMIT or self._size > self.LARGEST:
            self._forget(max(1, len(self.texts) // 5))

    def _replace(self, index: int, text: str) -> None:
        self._measure([text])
        self._size += len(text) - len(self.texts[index])
        self.texts[index] = text

    def _measure(self, lines: list[str]) -> None:
        """Find the widest line; few need a look, since no letter is wider than two cells."""
        if 2 * max(map(len, lines)) > self.widest:
            self.widest = max(self.widest, *(cell_len(line) for line in lines if 2 * len(line) > self.widest))

    def _broken(self, line: str) -> list[str]:
        return [line[start : start + self.LONGEST] for start in range(0, len(line), self.LONGEST)] or [line]

    def _forget(self, count: int) -> None:
        """Drop the oldest lines."""
        self._size -= sum(map(len, self.texts[:count]))
        del self.texts[:count]
        self.dropped += count
        del self.runs[: self.run_of(self.dropped)]


class Excerpt:
    """The lines of a book that are `wanted`, in rows; what is asked is asked once for a run."""

    def __init__(self, book: LogBook, wanted: Callable[[Run], bool]) -> None:
        self.book = book
        self.count = 0
        self._wanted = wanted
        self._seen = 0
        self._rows: list[int] = []
        """The first rows of pieces without a gap, and below the numbers of their first lines."""
        self._numbers: list[int] = []

    def take_in(self) -> int:
        """Take in what came since; how many rows at the beginning are gone."""
        gone = self._forget() if self._numbers and self._numbers[0] < self.book.dropped else 0
        start, end = max(self._seen, self.book.dropped), self.book.end
        if start < end:
            for index in range(self.book.run_of(start), len(self.book.runs)):
                run = self.book.runs[index]
                if self._wanted(run):
                    self._add(max(run.first, start), self.book.end_of(index))
        self._seen = end
        return gone

    def number(self, row: int) -> int:
        """The number of the line in a row."""
        piece = bisect_right(self._rows, row) - 1
        return self._numbers[piece] + row - self._rows[piece]

    def line(self, row: int) -> LogLine:
        return self.book.line(self.number(row))

    def row_from(self, number: int) -> int:
        """The first row with a line of that number or a later one; `count` if there is none."""
        piece = bisect_right(self._numbers, number) - 1
        if piece < 0:
            return 0
        end = self._rows[piece + 1] if piece + 1 < len(self._rows) else self.count
        return min(self._rows[piece] + number - self._numbers[piece], end)

    def first_row(self, task_id: int) -> int | None:
        """The first row with a line of that task."""
        firsts = (run.first for run in self.book.runs if run.task == task_id and self._wanted(run))
        first = next(firsts, None)
        return None if first is None else self.row_from(first)

    def batches(self, size: int) -> Iterator[tuple[int, Run, list[str]]]:
        """All lines, some of one run at a time: the first one's row, the run and the texts.

        More lines may come meanwhile; it ends when rows are dropped, since all rows are others then.
        """
        book, row, dropped = self.book, 0, self.book.dropped
        for index, run in enumerate(book.runs):
            if not self._wanted(run):
                continue
            for start in range(max(run.first, dropped), min(book.end_of(index), self._seen), size):
                end = min(start + size, book.end_of(index), self._seen)
                yield row, run, book.texts[start - dropped : end - dropped]
                row += end - start
                if book.dropped != dropped:
                    return

    def _add(self, first: int, end: int) -> None:
        if not self._numbers or first != self._numbers[-1] + self.count - self._rows[-1]:
            self._rows.append(self.count)
            self._numbers.append(first)
        self.count += end - first

    def _forget(self) -> int:
        gone = self.row_from(self.book.dropped)
        kept = bisect_left(self._rows, gone + 1) - 1
        self._rows = [max(0, row - gone) for row in self._rows[kept:]]
        self._numbers = self._numbers[kept:]
        self._numbers[0] = max(self._numbers[0], self.book.dropped)
        self.count -= gone
        return gone
