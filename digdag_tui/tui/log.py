"""The log of the attempt, line by line, each linked to its task."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType

from ..engine.attempt import Task
from .lines import Lines, Part, Row
from .logbook import OUTPUT, Excerpt, LogLine, Run
from .tasks import short_name
from .text import clean, clock, fit_left, pad, plural
from .view import View

ROLES_OF_LEVELS = {"ERROR": "error", "WARN": "warning", "INFO": "dim", "DEBUG": "dim", "POINT": "accent"}
LEVELS: Final[dict[str, frozenset[str] | None]] = {
    "all": None,
    "warnings and errors": frozenset({"WARN", "ERROR"}),
    "errors": frozenset({"ERROR"}),
    "output": frozenset({OUTPUT}),
}
"""What may be shown, and the levels of that."""
WIDE = 100
"""From so many columns on each line has its time."""
PAUSE = 1 / 12
"""Seconds between two pictures of lines that come fast: nobody reads more, and keys are painted in between."""
BATCH = 4000
"""Lines that are searched at once."""


def whose(line: LogLine) -> tuple[int, str]:
    """What lines that stand together have in common."""
    return line.task, line.required


class LogPane(Lines):
    """All lines, or those of one task and what is inside of it. At its end it follows what comes."""

    HELP = """\
What tasks print, and Digdag's own lines with their level, in the order in which they came.
The cursor selects the task of its line. At the end the pane follows what comes: End goes there.
Shift with the arrow keys marks lines, and copying takes those that are marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+down", "mark(1)", "Mark lines, for y", show=False),
        Binding("shift+up", "mark(-1)", "Mark lines above", show=False),
        Binding("shift+home", "mark(-1000000000)", "Mark to the first", show=False),
        Binding("shift+end", "mark(1000000000)", "Mark to the last", show=False),
    ]

    def __init__(self, view: View, *, id: str) -> None:
        super().__init__(id=id)
        self._view = view
        self._only: Task | None = None
        self._level = "all"
        self._excerpt = Excerpt(view.log, self._wanted)
        self._marked_from: int | None = None
        self._painted, self._behind = 0.0, False
        self.following = True

    # What is shown

    @property
    def only(self) -> Task | None:
        """The task whose lines are shown; None for all."""
        return self._only

    @property
    def level(self) -> str:
        """Which lines are shown: a key of `LEVELS`."""
        return self._level

    def show_only(self, task: Task | None) -> None:
        """Show all lines, or those of `task`."""
        self._only, self.following = task, True
        self._choose_again()

    def show_level(self, level: str) -> None:
        """Show what a key of `LEVELS` names; what the cursor is on stays, if it is shown."""
        self._level = level
        self._choose_again()

    def take_in(self) -> None:
        """Show what came since."""
        if self._excerpt.book is not self._view.log:
            self._restart()
        gone = self._excerpt.take_in()
        if gone:
            self._move_up(gone)
        if gone or self._view.at_rest() or time.monotonic() - self._painted > PAUSE:
            self._paint()
        elif not self._behind:
            self._behind = True
            self.set_timer(PAUSE, self._paint)

    def _paint(self) -> None:
        self._behind, self._painted = False, time.monotonic()
        self.update()
        if self.following:
            self.move_to(self.count() - 1)

    def show_task(self, task: Task) -> None:
        """Put the cursor on the first line of a task, unless it is on one or follows."""
        if self.following or (self.count() and self.line(self.cursor).task == task.id):
            return
        row = self._excerpt.first_row(task.id)
        if row is not None:
            self.move_to(row, center=True)

    def show_end(self, end: int | None) -> None:
        """Put the cursor on the last of the first `end` lines; without it, follow what comes."""
        self.following = end is None
        self.move_to((self.count() if end is None else self._excerpt.row_from(end)) - 1, center=True)
        self.refresh()

    def words(self) -> list[str]:
        """What the border says: what is shown, and where."""
        words = [plural(self.count(), "line")] if self._view.log.end else []
        if self._only:
            words.insert(0, f"only {fit_left(short_name(self._only), 30)} (o: all)")
        if self._level != "all":
            words.insert(0, f"only {self._level} (O)")
        if self._view.log.dropped:
            words.append(f"{self._view.log.dropped:,} older ones in the journal")
        if self._marked_from is not None:
            words = [f"{plural(len(self._marked_rows()), 'line')} marked", "y copies"]
        elif not self.following and self.count():
            words += [clock(self.line(self.cursor).at), "End follows"]
        return words

    def count(self) -> int:
        return self._excerpt.count

    def nothing(self) -> str:
        if not self._view.log.end:
            return "nothing was printed yet"
        kind = {"all": "nothing", "output": "no output"}.get(self._level, f"no {self._level}")
        return f"{kind} of this task here" if self._only else f"{kind} here"

    def line(self, number: int) -> LogLine:
        """The line in a row."""
        return self._excerpt.line(number)

    def task_at(self, number: int) -> Task | None:
        """The task of the line in a row, if both are still there."""
        return self._view.tasks.get(self.line(number).task) if number < self.count() else None

    def content_width(self) -> int:
        widest = self._view.log.widest
        return widest + self._margin() + 6 if widest else 0

    def row(self, number: int, width: int) -> Row:
        line = self.line(number)
        top = number == self.scroll_offset.y
        before = None if top or not number else self.line(number - 1)
        parts: list[Part] = []
        if self._timed():
            at = clock(line.at)
            parts.append(((at if before is None or clock(before.at) != at else " " * len(at)) + " ", "dim"))
        column = self._name_width()
        name = "" if before and whose(before) == whose(line) else clean(line.required) or self._short_name(line.task)
        parts.append((pad(fit_left(name, column), column), "key"))
        marked = number in self._marked_rows()
        parts.append(("▌", "accent") if marked else (" ", ""))
        text = line.text[: self.scroll_offset.x + max(width, self.size.width) + 1]
        if line.level:
            role = ROLES_OF_LEVELS.get(line.level, "dim")
            parts.append((f"{line.level if line.begins else '':5} ", role))
            parts.append((text, role if role != "warning" else ""))
        else:
            parts.append((text, ""))
        end = self._view.log_end()
        if end is not None and self._excerpt.number(number) >= end:
            parts = [(text, "dim") for text, _ in parts]
        return Row(parts, role="idle-cursor" if marked else "")

    def text_of(self, number: int) -> str:
        line = self.line(number)
        return f"{line.level} {line.text}" if line.level else line.text

    def search(self, needle: str) -> Iterator[list[int]]:
        wanted = needle.casefold()
        for row, run, texts in self._excerpt.batches(BATCH):
            if run.level:
                texts = [f"{run.level} {text}" for text in texts]
            found = wanted in "\n".join(texts).casefold()
            yield [row + index for index, text in enumerate(texts) if wanted in text.casefold()] if found else []

    # Marking lines, to copy them

    def copied(self) -> str:
        if self._marked_from is None:
            return super().copied()
        return "\n".join(self.text_of(number) for number in self._marked_rows())

    def action_mark(self, rows: int) -> None:
        """Move the cursor and mark all lines on its way."""
        if self.count():
            begun = self.cursor if self._marked_from is None else self._marked_from
            self.move_by_person(self.cursor + rows)
            self._marked_from = begun
            self.refresh()

    def _marked_rows(self) -> range:
        if self._marked_from is None:
            return range(0)
        first, last = sorted((self._marked_from, self.cursor))
        return range(first, last + 1)

    def move_by_person(self, number: int) -> None:
        if self._marked_from is not None:
            self._marked_from = None
            self.refresh()
        self.following = number >= self.count() - 1
        super().move_by_person(number)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.following = False
        super()._on_mouse_scroll_up(event)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        super()._on_mouse_scroll_down(event)
        self.following = self.following or self.is_vertical_scroll_end

    # Columns

    def _timed(self) -> bool:
        return self.scrollable_content_region.width >= WIDE

    def _name_width(self) -> int:
        return max(10, min(26, self.scrollable_content_region.width // 4))

    def _margin(self) -> int:
        return self._name_width() + 1 + 9 * self._timed()

    def _short_name(self, task_id: int) -> str:
        return short_name(self._view.replay.known[task_id])

    # Rows

    def _wanted(self, run: Run) -> bool:
        levels = LEVELS[self._level]
        return (levels is None or run.level in levels) and (self._only is None or self._belongs(run.task))

    def _belongs(self, task_id: int) -> bool:
        task: Task | None = self._view.replay.known[task_id]
        while task and task is not self._only:
            task = task.parent
        return task is not None

    def _choose_again(self) -> None:
        """Find all rows again; the cursor stays on its line, or on the next one that is shown."""
        number = self._excerpt.number(self.cursor) if self.count() else 0
        self._marked_from = None
        self._excerpt = Excerpt(self._view.log, self._wanted)
        self._excerpt.take_in()
        self._paint()
        if not self.following:
            self.move_to(self._excerpt.row_from(number), center=True)

    def _move_up(self, rows: int) -> None:
        """Rows at the beginning are gone: what is seen stays, unless it is gone too."""
        if self._marked_from is not None:
            self._marked_from = max(0, self._marked_from - rows)
        self.set_reactive(Lines.cursor, max(0, self.cursor - rows))
        if not self.following:
            self.scroll_to(y=max(0, self.scroll_offset.y - rows), animate=False, force=True, immediate=True)

    def _restart(self) -> None:
        """Another attempt: the same task's lines are shown, if it has it."""
        self._only = self._view.attempt.named(self._only.full_name) if self._only and self._view.tasks else None
        self._marked_from, self.following = None, True
        self.set_reactive(Lines.cursor, 0)
        self._excerpt = Excerpt(self._view.log, self._wanted)
