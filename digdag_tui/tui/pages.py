"""Panes that show text: what they have in common, and a task's definition."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.cells import cell_len, chop_cells
from textual.message import Message

from ..engine.attempt import DONE, Task
from ..workflow.config import Params, position_of
from ..workflow.errors import Position, Problem
from .lines import Lines, Part, Row, Subject
from .outline import outline
from .text import clean, clean_lines, clock, duration, plural
from .view import View

if TYPE_CHECKING:
    from ..debugger.inspect import Inspection

_PIECES = re.compile(r"\s+|\S+")


@dataclass(slots=True)
class Line:
    """A line before it is broken to the pane's width; its rest is indented by `hang` cells."""

    parts: list[Part]
    hang: int = 0
    task: Task | None = None
    """Where Enter and a double click lead."""
    position: Position | None = None
    """The same, for a line of a file."""
    problem: Problem | None = None
    """What the line tells of."""
    fold: str = ""
    """The key of what opens and closes there."""


def title(text: str) -> Line:
    return Line([(text, "title")])


BLANK = Line([("", "")])


def wrap(line: Line, width: int) -> Iterator[list[Part]]:
    """The parts of each row of a line that is broken between words, or within those that are too long."""
    hang = min(line.hang, width // 2)
    row: list[Part] = []
    room = width
    for text, role in line.parts:
        for piece in _PIECES.findall(text):
            if cell_len(piece) > room and room < width - hang:
                yield row
                row, room = [(" " * hang, "")], width - hang
                if piece.isspace():
                    continue
            while cell_len(piece) > room:
                head = chop_cells(piece, room)[0]
                yield [*row, (head, role)]
                row, room, piece = [(" " * hang, "")], width - hang, piece[len(head) :]
            row.append((piece, role))
            room -= cell_len(piece)
    yield row


class Page(Lines):
    """Lines of text, broken to the pane's width."""

    class Followed(Message):
        """The person wants to see the task or the place that a line is about."""

        def __init__(self, target: Task | Position) -> None:
            super().__init__()
            self.target = target

    def __init__(self, view: View, *, id: str) -> None:
        super().__init__(id=id)
        self._view = view
        self.lines: list[Line] = []
        self._rows: list[tuple[list[Part], Line]] = []

    def show(self, lines: Iterable[Line], *, keep: bool = False) -> None:
        """Show other text; the cursor goes to the top unless it is to be kept."""
        mask = self._view.mask
        self.lines = [replace(line, parts=[(mask(text), role) for text, role in line.parts]) for line in lines]
        self._break()
        if not keep:
            self.set_reactive(Lines.cursor, 0)
            self.scroll_to(y=0, animate=False, force=True)

    def _break(self) -> None:
        self._rows = [(row, line) for line in self.lines for row in wrap(line, self.width())]
        self.update()

    def width(self) -> int:
        """How many cells a line has."""
        return max(10, self.scrollable_content_region.width)

    def on_resize(self) -> None:
        self._break()
        super().on_resize()

    def count(self) -> int:
        return len(self._rows)

    def nothing(self) -> str:
        return self._view.why_empty()

    def row(self, number: int, width: int) -> Row:
        return Row(self._rows[number][0])

    def line(self) -> Line | None:
        """The line at the cursor."""
        return self._rows[self.cursor][1] if self.cursor < len(self._rows) else None

    def position_at_cursor(self) -> Position | None:
        line = self.line()
        if line is None or line.task is None:
            return line.position if line else None
        from ..debugger.report import position_of_task

        return position_of_task(line.task)

    def action_choose(self) -> None:
        line = self.line()
        target = line and (line.task or line.position)
        if target:
            self.post_message(self.Followed(target))


class TaskPage(Page):
    """All about a task, and the texts that its operator made."""

    HELP = """\
The selected task: how it stands, its definition as written and as evaluated, what it stored and exported, and the
texts that its operator made, such as a query with all templates filled in."""

    def __init__(self, view: View, *, id: str) -> None:
        super().__init__(view, id=id)
        self._interpreters: dict[tuple[str, ...], str] = {}
        """Which Python each command line starts, once that is known."""
        self._subject: Subject | None = None

    def look_at(self, subject: Subject, *, keep: bool) -> None:
        self._subject = subject
        python = self._python(subject)
        self.show(task_lines(self._view, subject.task, subject.inspection(), self.width(), python), keep=keep)

    def _python(self, subject: Subject) -> str:
        """Which Python runs the task; blank if none does."""
        from ..operators import interpreters

        own = {param.name: param.value for param in (*subject.inspection().own, *subject.inspection().params)}
        if "py>" not in own:
            return ""
        if isinstance(own.get("docker"), dict):
            return "python of its container"
        words = interpreters.program_of_task(own, self._view.settings())
        if words is None:
            return "the option python is no program"
        key = (*words, str(self._view.settings().get(interpreters.PYTHON)))
        if key not in self._interpreters:
            self._interpreters[key] = f"{' '.join(words)}: asking which one that is …"
            self.run_worker(lambda: self._ask(words, key), thread=True, group="interpreter")
        return self._interpreters[key]

    def _ask(self, words: list[str], key: tuple[str, ...]) -> None:
        """In a thread: ask a Python which one it is, and show that."""
        from ..operators import interpreters

        found = interpreters.ask(words, self._view.project)
        self._interpreters[key] = found if isinstance(found, str) else interpreters.about(found, self._view.project)
        self.app.call_from_thread(self._answered)

    def _answered(self) -> None:
        if self._subject and self.display:
            self.look_at(self._subject, keep=True)


def task_lines(view: View, task: Task, inspection: Inspection, width: int, python: str = "") -> Iterator[Line]:
    """All about a task: how it stands, its definition as written, and as evaluated beside or below it."""
    look = view.look(task)
    yield Line([(clean(task.full_name), "emphasis")])
    given = view.given_word(task)
    yield Line([(f"{look.symbol} {look.word}", look.role), *([] if given else _timing(task))])
    places = [position_of(config, key) for config in (task.export, task.config) for key in config]
    position = min((place for place in places if place), key=lambda place: place.line, default=None)
    about = [("at", str(position))] if position else []
    after = [view.tasks[upstream] for upstream in task.upstreams]
    if after:
        about.append(("after", ", ".join(upstream.name for upstream in after[:5]) + " …" * (len(after) > 5)))
    if python:
        about.append(("python", python))
    if task.is_group:
        about.append(("group of", plural(len(task.children), "task")))
    if given:
        about.append((given, "its output is given, the operator is not called"))
    if retries := task.state_params.get("retry_count"):
        about.append(("retries", str(retries)))
    for word, text in about:
        yield Line([(f"{word:9}", "dim"), (clean(text), "")], hang=9)
    yield BLANK
    definition = {**({"_export": task.export} if task.export else {}), **task.config}
    written = [title("Definition"), *_outlined(definition)]
    evaluated = [] if task.is_group else list(_evaluated(inspection))
    if evaluated and _is_as_written(inspection, task):
        written[0].parts.append(("  nothing in it to evaluate", "dim"))
        evaluated = []
    yield from _beside(written, evaluated, width)
    for word, values in (("Stored", task.store), ("Exported", task.runtime_export), ("Its state", task.state_params)):
        if values:
            yield BLANK
            yield title(word)
            yield from _outlined(values)
    for name, text in task.artifacts.items():
        yield BLANK
        yield title(clean(name))
        yield from (Line([("  " + line, "")], 4) for line in clean_lines(text.rstrip("\n")))


def _is_as_written(inspection: Inspection, task: Task) -> bool:
    """Whether evaluating a task's definition changes nothing in it."""
    return all(not param.errors and param.value == task.config.get(param.name) for param in inspection.own)


def _evaluated(inspection: Inspection) -> Iterator[Line]:
    yield title("Evaluated")
    yield from _outlined({param.name: param.value for param in inspection.own if not param.errors})
    for param in inspection.own:
        yield from (Line([("  ⚠ ", "error"), (clean(error), "error")], 4) for error in param.errors)


def _beside(left: list[Line], right: list[Line], width: int) -> Iterator[Line]:
    """Two texts side by side if there is room, else one below the other."""
    half = width // 2
    if not right or any(_length(line) > half - 2 for line in (*left, *right)):
        yield from left
        yield from [BLANK, *right] if right else []
        return
    for one, other in zip_longest(left, right, fillvalue=BLANK):
        yield Line([*one.parts, (" " * (half - _length(one)), ""), *other.parts])


def _length(line: Line) -> int:
    return sum(cell_len(text) for text, _ in line.parts)


def _timing(task: Task) -> list[Part]:
    if task.started_at is None:
        return []
    parts = f"   started {clock(task.started_at)}"
    if task.ended_at and task.state in DONE:
        parts += f", ended {clock(task.ended_at)} after {duration(task.ended_at - task.started_at)}"
    return [(parts, "dim")]


def _outlined(values: Params) -> Iterator[Line]:
    for parts in outline(values, 2):
        indent = len(parts[0][0]) if parts[0][0].isspace() else 0
        yield Line(parts, indent + 4)
