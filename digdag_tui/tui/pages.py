"""Panes that show text: a task's definition, its error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len, chop_cells
from textual.message import Message

from ..engine.attempt import DONE, Task
from ..workflow.config import Params, position_of
from ..workflow.errors import Position, Problem
from .lines import Lines, Part, Row, Subject
from .outline import outline
from .symbols import ASKING, LOOKS
from .tasks import operator_and_command
from .text import clean, clean_lines, clock, duration, plural
from .view import View

if TYPE_CHECKING:
    from ..debugger.inspect import Inspection

OUTPUT_LINES = 10
"""Lines of a failed task's output that are shown with its error."""
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

    def action_choose(self) -> None:
        line = self._rows[self.cursor][1] if self._rows else None
        target = line and (line.task or line.position)
        if target:
            self.post_message(self.Followed(target))


class TaskPage(Page):
    """All about a task, and the texts that its operator made."""

    HELP = """\
The selected task: how it stands, its definition as written and as evaluated, what it stored and exported, and the
texts that its operator made, such as a query with all templates filled in."""

    def look_at(self, subject: Subject, *, keep: bool) -> None:
        self.show(task_lines(self._view, subject.task, subject.inspection(), self.width()), keep=keep)


class ErrorPage(Page):
    """Why a task failed, and what can be done."""

    HELP = """\
Why the selected task, or one in it, failed: the message, what to do (➤), your own Python code with the line that
raised (➤), and the traceback. Enter on a line of your code shows it in Source, on the task's name it goes to the task;
Backspace comes back."""

    def look_at(self, subject: Subject, *, keep: bool) -> None:
        self.show(error_lines(self._view, subject), keep=keep)


def task_lines(view: View, task: Task, inspection: Inspection, width: int) -> Iterator[Line]:
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


def error_lines(view: View, subject: Subject) -> Iterator[Line]:
    """Why a task failed: Digdag's words, what to do, the person's own Python code, and all that is known."""
    task = subject.task
    failed = _with_error(view, task)
    if failed is None:
        look = view.look(task)
        yield Line([(clean(task.full_name), "emphasis"), ("  has no error", "dim")])
        yield Line([(f"{look.symbol} {look.word}", look.role)])
        others = list(view.failures())
        yield BLANK
        if not others:
            yield Line([("when a task fails, this is where it says why, and what can be done", "dim")])
        else:
            yield Line([(f"{plural(len(others), 'task')} failed; ", "dim"), ("!", "key"), (" goes to the next", "dim")])
        return
    error, frames, hint = view.error_of(failed)
    operator, command = operator_and_command(failed)
    symbol, _, role = ASKING if view.asking(failed) else LOOKS["error"]
    name = (clean(failed.full_name), f"{role} emphasis")
    yield Line([(f"{symbol} ", role), name, (f"  {operator} {command}", "dim")], 2, failed)
    if failed is not task:
        yield Line([("  inside of the selected ", "dim"), (clean(task.full_name), "dim")], 2, failed)
    yield BLANK
    message, trace = _message_and_trace(str(error.get("message", "")))
    yield from (Line([("  " + text, "emphasis" if first else "")], 2) for first, text in _first(message))
    if hint:
        yield BLANK
        yield Line([("  ➤ ", "accent"), (clean(hint), "accent")], 4)
    if failed is task:
        yield from _hint_lines(view, subject)
    if view.failing(failed):
        yield BLANK
        yield from _what_to_do(view, failed)
    yield from _required_lines(view, failed)
    yield from _frame_lines(frames, view.project)
    if not frames and not view.past and (output := view.log.last_output(failed.id, OUTPUT_LINES)):
        yield BLANK
        yield title("The end of its output")
        yield from (Line([("  " + text, "")], 4) for text in output)
    trace = trace or clean_lines(str(error.get("stacktrace", "")).strip())
    if any(trace) and trace != message:
        yield BLANK
        yield title("Full traceback" if frames else "Details")
        yield from (Line([("  " + text, "dim")], 6) for text in trace)


def _hint_lines(view: View, subject: Subject) -> Iterator[Line]:
    """What is surprising about the params that the task got."""
    from ..debugger.explain import hints

    for hint in hints(view.attempt, subject.task, subject.inspection(), view.project):
        yield BLANK
        yield Line([("  ⚠ ", "warning"), (clean(hint.message), "warning")], 4)
        yield from [Line([("  ➤ ", "accent"), (clean(hint.advice), "accent")], 4)] if hint.advice else []


def _what_to_do(view: View, failed: Task) -> Iterator[Line]:
    if view.past or view.recorded:
        yield Line([("  w ", "key"), ("begins again from this task: what ended before it is kept", "dim")], 4)
        if not view.past:
            yield Line([("  c ", "key"), ("goes on with the attempt: this task is run again", "dim")], 4)
        return
    choices = {
        "e": "changes a param, then r runs the task again",
        "k": "skips it: a success, with values that it should have stored",
        "P": "pins its output: it is not run, now and in later runs",
        "n": "goes on with the failure: _retry and _error take effect",
    }
    if view.asking(failed):
        sent = {"4": "shows what it would have sent"} if failed.artifacts else {}
        give = "gives its output, for this run or in a file for all later ones"
        choices = {"P": give, **sent, **{key: choices[key] for key in "ken"}}
    for key, text in choices.items():
        yield Line([(f"  {key} ", "key"), (text, "dim")], 4)


def _with_error(view: View, task: Task) -> Task | None:
    """The task itself if it failed, else the first failure inside of it."""
    if view.error_of(task)[0]:
        return task
    inside = task.descendants() if task.state == "group_error" or task.delayed or _around_stop(view, task) else iter(())
    return next((child for child in inside if view.error_of(child)[0]), None)


def _around_stop(view: View, task: Task) -> bool:
    stop = view.stop_task()
    return stop is not None and view.failing(stop) and task in stop.ancestors()


def _required_lines(view: View, failed: Task) -> Iterator[Line]:
    """What failed in the attempt that a task required."""
    failures = view.required_failures.get(failed.id)
    if failures:
        yield BLANK
        yield title("In the attempt that it requires")
    for name, failure in (failures or {}).items():
        message, _ = _message_and_trace(str(failure.error.get("message", "")))
        yield Line([("  ✖ ", "error"), (clean(name), "error emphasis")], 4)
        yield from (Line([("    " + text, "")], 4) for text in message)
        if failure.hint:
            yield Line([("    ➤ ", "accent"), (clean(failure.hint), "accent")], 6)


def _message_and_trace(text: str) -> tuple[list[str], list[str]]:
    """Digdag's text of a Python error: the message, and the traceback behind the first tab and `from`."""
    message, found, trace = text.partition("\n\tfrom ")
    if not found:
        return clean_lines(text.strip()), []
    entries = trace.removesuffix(" (runtime)").split("\n\tfrom ")
    return clean_lines(message.strip()), [line for entry in entries for line in clean_lines(entry.rstrip())]


def _first(lines: list[str]) -> Iterator[tuple[bool, str]]:
    return ((number == 0, line) for number, line in enumerate(lines))


def _frame_lines(frames: tuple[Params, ...], project: Path) -> Iterator[Line]:
    """The frames, the innermost last, that one with the lines around it."""
    from ..debugger.inspect import frame_source
    from .source import frame_place

    if frames:
        yield BLANK
        yield title("Your Python code")
    for number, frame in enumerate(frames, 1):
        place = frame_place(frame, project)
        function = f" in {frame['function']}" if frame.get("function") else ""
        parts = [("  " + clean(f"{place.file}:{frame['line']}"), "key"), (clean(function), "dim")]
        yield Line(parts, 4, position=place)
        for line, text in frame_source(frame, around=2 if number == len(frames) else 0):
            here = line == frame["line"]
            sign = ("➤" if here else " ") + f"{line:>5} "
            parts = [("  " + sign, "error" if here else "dim"), (clean(text), "emphasis" if here else "dim")]
            yield Line(parts, 9, position=Position(place.file, line, 1))
