"""The log of the attempt, line by line, each linked to its task."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events

from ..engine.attempt import Task
from .lines import Lines, Part, Row
from .logbook import LogBook, LogLine
from .tasks import short_name
from .text import clean, fit_left, pad
from .view import View

LEVELS = {"ERROR": "error", "WARN": "warning", "INFO": "dim", "DEBUG": "dim"}


def whose(line: LogLine) -> tuple[int, str]:
    """What lines that stand together have in common."""
    return line.task, line.required


class LogPane(Lines):
    """All lines, or those of one task and what is inside of it. At its end it follows what comes."""

    def __init__(self, view: View, *, id: str) -> None:
        super().__init__(id=id)
        self._view = view
        self._book: LogBook = view.log
        self._only: Task | None = None
        self._shown: list[int] = []
        """Numbers of the lines shown while only a task's are, counted from the attempt's first line."""
        self._seen = 0
        self._widest = 0
        self.following = True

    @property
    def only(self) -> Task | None:
        """The task whose lines are shown; None for all."""
        return self._only

    def show_only(self, task: Task | None) -> None:
        """Show all lines, or those of `task`."""
        self._only, self._shown, self._seen = task, [], self._view.log.dropped
        self.following = True
        self.take_in()

    def take_in(self) -> None:
        """Show what came since."""
        if self._book is not self._view.log:
            self._restart()
        book, first = self._view.log, max(self._seen, self._view.log.dropped)
        for number in range(first, book.dropped + len(book.lines)):
            line = book.lines[number - book.dropped]
            if self._widest < 500:
                self._widest = max(self._widest, cell_len(line.text))
            if self._only and self._belongs(line.task):
                self._shown.append(number)
        self._seen = book.dropped + len(book.lines)
        if self._shown and self._shown[0] < book.dropped:
            self._shown = [number for number in self._shown if number >= book.dropped]
        self.update()
        if self.following:
            self.move_to(self.count() - 1)

    def show_task(self, task: Task) -> None:
        """Put the cursor on the first line of a task, unless it is on one or follows."""
        at_cursor = self.line(self.cursor) if self.count() else None
        if self.following or (at_cursor and at_cursor.task == task.id):
            return
        for number in range(self.count()):
            if self.line(number).task == task.id:
                self.move_to(number, center=True)
                return

    def count(self) -> int:
        return len(self._shown) if self._only else len(self._view.log.lines)

    def nothing(self) -> str:
        return "this task has printed nothing" if self._only else "nothing was printed yet"

    def line(self, number: int) -> LogLine:
        """The line in a row."""
        book = self._view.log
        return book.lines[self._shown[number] - book.dropped] if self._only else book.lines[number]

    def content_width(self) -> int:
        return self._widest + self._name_width() + 8 if self._widest else 0

    def row(self, number: int, width: int) -> Row:
        line = self.line(number)
        task = self._view.tasks[line.task]
        column = self._name_width()
        top = number == self.scroll_offset.y or whose(self.line(number - 1)) != whose(line)
        name = fit_left(clean(line.required) or short_name(task), column) if top else ""
        parts: list[Part] = [(pad(name, column) + " ", "key")]
        if line.level:
            level = LEVELS.get(line.level, "dim")
            word = line.level if line.begins else ""
            return Row([*parts, (f"{word:5} ", level), (line.text, level if level != "warning" else "")])
        return Row([*parts, (line.text, "")])

    def text_of(self, number: int) -> str:
        line = self.line(number)
        return f"{line.level} {line.text}" if line.level else line.text

    def move_by_person(self, number: int) -> None:
        self.following = number >= self.count() - 1
        super().move_by_person(number)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.following = False
        super()._on_mouse_scroll_up(event)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        super()._on_mouse_scroll_down(event)
        self.following = self.following or self.is_vertical_scroll_end

    def _name_width(self) -> int:
        return max(10, min(26, self.scrollable_content_region.width // 4))

    def _belongs(self, task_id: int) -> bool:
        task: Task | None = self._view.tasks[task_id]
        while task and task is not self._only:
            task = task.parent
        return task is not None

    def _restart(self) -> None:
        """Another attempt: the same task's lines are shown, if it has it."""
        self._book, self._seen, self._widest, self._shown, self.following = self._view.log, 0, 0, [], True
        self._only = self._view.attempt.named(self._only.full_name) if self._only and self._view.tasks else None
