"""The timeline: what ran when, a row per task, with a cursor that moves through the history."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import groupby
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from ..debugger.calls import Axis, Calls, Span
from ..engine.attempt import Task
from .lines import Lines, Part, Row, Subject
from .tasks import label
from .text import clean, duration, fit, pad
from .view import View

STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds that may lie between two marks of the axis."""
BETWEEN = 9
"""Cells that lie between them at least."""
PARTS_OF_CELL = " ▏▎▍▌▋▊▉█"
LARGEST = 1 << 12
"""How often the whole run fits into what is shown, at most."""

Cell = tuple[str, str]
"""What stands in a cell, and its role."""
SIGNS: dict[str, Cell] = {"failed": ("✖", "error"), "again": ("✖", "warning"), "canceled": ("⊘", "warning")}
"""What the end of a call is marked with."""


class Timeline(Lines):
    """A row per task that has run; the first is the axis, which stays at the top."""

    HELP = """\
When each task ran, and how often it was called. Enter or a click in a bar shows the attempt as it was then; Esc goes
back to the present."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+right", "scrub(1)", "Later", show=False),
        Binding("shift+left", "scrub(-1)", "Earlier", show=False),
        Binding("plus", "zoom(2.0)", "Zoom in", show=False),
        Binding("minus", "zoom(0.5)", "Zoom out", show=False),
    ]

    class Scrubbed(Message):
        """The person wants to see the attempt as it was after so many events."""

        def __init__(self, position: int) -> None:
            super().__init__()
            self.position = position

    def __init__(self, view: View, *, id: str) -> None:
        super().__init__(id=id)
        self._view = view
        self._calls = Calls(view.replay)
        self._rows: list[tuple[Task, int]] = []
        self._numbers: dict[int, int] = {}
        self._axis = Axis((), 1)
        self._zoom = 1.0
        self._left = 0
        """The first cell of the axis that is shown."""

    # Contents

    def look_at(self, subject: Subject, *, keep: bool) -> None:
        self._take_in()
        number = self._numbers.get(subject.task.id)
        if number is not None and number != self.cursor:
            self.move_to(number, center=True)

    def tick(self) -> None:
        self._take_in()

    def _take_in(self) -> None:
        if self._calls.replay is not self._view.replay:
            self._calls = Calls(self._view.replay)
            self._rows, self._numbers, self._zoom, self._left = [], {}, 1.0, 0
        if self._calls.take_in() or not self._rows:
            self._find_rows()
        self._measure()
        self.update()

    def _find_rows(self) -> None:
        """The tasks that have run, in the order of the tree."""
        at_cursor = self.task_at(self.cursor)
        children: dict[int, list[Task]] = {}
        for task in self._calls.replay.known.values():
            if task.id in self._calls.spans:
                children.setdefault(task.parent.id if task.parent else 0, []).append(task)
        self._rows = []
        waiting = [(task, 0) for task in reversed(children.get(0, []))]
        while waiting:
            task, depth = waiting.pop()
            self._rows.append((task, depth))
            waiting.extend((child, depth + 1) for child in reversed(children.get(task.id, [])))
        self._numbers = {task.id: number for number, (task, _) in enumerate(self._rows, 1)}
        if at_cursor and at_cursor.id in self._numbers:
            self.move_to(self._numbers[at_cursor.id])

    def count(self) -> int:
        return len(self._rows) + 1 if self._rows else 0

    def nothing(self) -> str:
        return "nothing has run yet"

    def task_at(self, number: int) -> Task | None:
        """The task of a row; None for the axis."""
        return self._rows[number - 1][0] if 0 < number <= len(self._rows) else None

    def text_of(self, number: int) -> str:
        task = self.task_at(number)
        return clean(task.full_name) if task else ""

    # The axis

    def _names(self) -> int:
        return max(12, min(34, self.size.width // 3))

    def _cells(self) -> int:
        """How many cells are there for bars."""
        return max(8, self.scrollable_content_region.width - self._names() - 10)

    def _measure(self) -> None:
        now = max(self._view.now(), self._last_time()) if self._view.past else self._view.now()
        cells = self._cells()
        self._axis = Axis(self._calls.busy(now), max(1, int((cells - 1) * self._zoom)))
        place = int(self._axis.cell(self._time()))
        most = max(0, int((cells - 1) * self._zoom) - cells + 1)
        if self._zoom == 1:
            self._left = 0
        elif not self._left <= place < self._left + cells:
            self._left = place - cells // 2
        self._left = max(0, min(self._left, most))

    def _last_time(self) -> float:
        at: float = self._view.replay.events[-1].at
        return at

    def _time(self) -> float:
        """The time of the cursor."""
        return self._view.now()

    def _axis_row(self, width: int) -> Row:
        cells: list[Cell] = [(" ", "")] * self._cells()
        for cut in self._axis.cuts():
            self._put(cells, int(cut) - self._left, "┆", "dim")
        taken = 0
        for cell, text in self._marks():
            at = int(cell) - self._left
            if at >= taken and at + len(text) + 1 < len(cells):
                self._put(cells, at, "╷", "dim")
                for index, letter in enumerate(text, 1):
                    self._put(cells, at + index, letter, "dim")
                taken = at + len(text) + 2
        if self._view.past:
            self._put(cells, int(self._axis.cell(self._time())) - self._left, "▼", "warning emphasis")
        zoom = f"{self._zoom:.0f}x" if self._zoom > 1 else ""
        head = "+ - zoom  ← → time" if self._names() >= 20 else "← → time"
        return Row([(pad(f" {head}", self._names() + 1), "dim"), *_parts(cells), (f" {zoom:>7}", "dim")])

    @staticmethod
    def _put(cells: list[Cell], at: int, text: str, role: str) -> None:
        if 0 <= at < len(cells):
            cells[at] = (text, role)

    def _marks(self) -> Iterator[tuple[float, str]]:
        """Where times are written below the axis, counted from its beginning."""
        axis, room = self._axis, max(1, int((self._cells() - 1) * self._zoom))
        least = axis.length * BETWEEN / room
        step = STEPS[min(bisect_left(STEPS, least), len(STEPS) - 1)]
        for start, stop, cell in axis.pieces:
            yield cell, _after(start - axis.start)
            number = int((start - axis.start) / step) + 1
            while axis.start + number * step <= stop:
                at = axis.cell(axis.start + number * step)
                if at >= self._left + self._cells():
                    break
                if at >= self._left - BETWEEN:
                    yield at, _after(number * step)
                number += 1

    def render_line(self, y: int) -> Strip:
        if y or not self._rows:
            return super().render_line(y)
        width = self.scrollable_content_region.width
        row = self._axis_row(width)
        return Strip([Segment(text, self._base + self._style(role)) for text, role in row.left]).crop_extend(
            0, width, self._base
        )

    # Rows

    def row(self, number: int, width: int) -> Row:
        task = self.task_at(number)
        if task is None:
            return self._axis_row(width)
        depth = self._rows[number - 1][1]
        spans = self._calls.spans[task.id]
        there = task.id in self._view.tasks
        look = self._view.look(task) if there else None
        names = self._names()
        name: list[Part] = [
            (" " * min(depth, names // 3), ""),
            (f"{look.symbol} " if look else "○ ", look.role if look else "dim"),
        ]
        used = min(depth, names // 3) + 2
        role = "dim" if task.is_group or not there else ""
        name.append((pad(fit(label(task), names - used), names - used) + " ", role))
        calls = sum(span.kind == "call" for span in spans)
        took = duration(max(0.0, (spans[-1].stop or self._now()) - spans[0].start))
        right: list[Part] = [(f"{calls}x " if calls > 1 else "", "warning"), (f"{took:>5}", "dim")]
        return Row([*name, *_parts(self._bars(spans))], right)

    def _now(self) -> float:
        return self._last_time() if self._view.past or self._view.recorded else self._view.now()

    def _bars(self, spans: list[Span]) -> list[Cell]:
        """The cells of a task's spans, those later than the time that is shown dimmed."""
        cells: list[Cell] = [(" ", "")] * self._cells()
        for span in spans:
            self._bar(cells, span)
        for span in spans:
            sign = SIGNS.get(span.end)
            if sign and span.kind == "call":
                self._put(cells, int(self._axis.cell(span.stop or span.start)) - self._left, *sign)
        if self._view.past:
            here = int(self._axis.cell(self._time())) - self._left
            for at in range(max(0, here + 1), len(cells)):
                cells[at] = (cells[at][0], "dim")
            if 0 <= here < len(cells):
                text, role = cells[here]
                cells[here] = ("│", "warning emphasis") if text == " " else (text, f"{role} match")
        return cells

    def _bar(self, cells: list[Cell], span: Span) -> None:
        first = self._axis.cell(span.start) - self._left
        last = self._axis.cell(self._now() if span.stop is None else span.stop) - self._left
        start, stop = int(first), int(last)
        symbol, role = _look(span)
        if self._calls.kept(span):
            role = "dim"
        for at in range(max(0, start), min(stop, len(cells))):
            self._put(cells, at, symbol, role)
        if span.kind == "call":
            part = PARTS_OF_CELL[max(1, int((last - stop) * 8))] if span.stop else "▶"
            self._put(cells, stop, part, role)
        elif span.kind == "wait" or stop == start:
            self._put(cells, stop, symbol, role)

    # The cursors: of rows and of time

    def move_to(self, number: int, *, center: bool = False) -> None:
        """As everywhere, but the topmost line is the axis."""
        self.cursor = max(1, min(number, self.count() - 1))
        height, top = self.scrollable_content_region.height, self.scroll_offset.y
        if height < 2 or top < self.cursor < top + height:
            return
        nearest = self.cursor - 1 if self.cursor <= top else self.cursor - height + 1
        target = self.cursor - height // 2 if center else nearest
        self.scroll_to(y=max(0, target), animate=False, force=True)

    def action_open(self) -> None:
        self.post_message(self.Scrubbed(self._view.replay.position + 1))

    def action_close(self) -> None:
        self.post_message(self.Scrubbed(self._view.replay.position - 1))

    def action_scrub(self, step: int) -> None:
        """Move the time by at least one cell."""
        replay = self._view.replay
        position = replay.position
        here = int(self._axis.cell(self._time()))
        while 1 <= position + step <= len(replay.events):
            position += step
            if int(self._axis.cell(replay.events[position - 1].at)) != here:
                break
        self.post_message(self.Scrubbed(position))

    def action_zoom(self, factor: float) -> None:
        """Show the time around the cursor larger or smaller."""
        self._zoom = max(1.0, min(self._zoom * factor, LARGEST))
        self._measure()
        task = self.task_at(self.cursor)
        if self._zoom > 1 and task and not self._view.past:
            self._left = int(self._axis.cell(self._calls.spans[task.id][0].start)) - 2
            most = int((self._cells() - 1) * self._zoom) - self._cells() + 1
            self._left = max(0, min(self._left, most))
        self.refresh()

    def on_resize(self) -> None:
        self._measure()
        super().on_resize()

    async def _on_click(self, event: events.Click) -> None:
        position = event.get_content_offset(self)
        if position is None or position.y or not self._rows:
            await super()._on_click(event)
            return
        at = self._axis.time(position.x - self._names() - 1 + self._left)
        history = self._view.replay.events
        place = next((number for number in range(len(history), 0, -1) if history[number - 1].at <= at), 1)
        self.post_message(self.Scrubbed(place))


def _after(seconds: float) -> str:
    """A time since the beginning: `0.5s`, `12s`, `1m30`."""
    return f"{round(seconds, 1):g}s" if seconds < 60 else duration(seconds)


def _look(span: Span) -> Cell:
    """What a span is drawn with: each kind another sign, so that colour only repeats it."""
    if span.kind == "group":
        return "─", "dim"
    if span.kind == "wait":
        return "┄", "warning"
    return "█", {"failed": "error", "again": "warning", "canceled": "warning", "": "accent"}.get(span.end, "success")


def _parts(cells: list[Cell]) -> Iterator[Part]:
    """Cells of one role that stand together as one part."""
    for role, group in groupby(cells, key=lambda cell: cell[1]):
        yield "".join(text for text, _ in group), role
