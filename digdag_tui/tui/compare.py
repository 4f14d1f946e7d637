"""A task side by side with its run in another attempt, or with another stop: what differs comes first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import msgspec
from rich.cells import chop_cells
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from ..debugger.attempt_diff import RunDifference, TaskRun, inspected_run
from ..debugger.compare import dotted
from ..debugger.history import session_of
from ..engine.attempt import Attempt, Task
from ..engine.journal import read_journal
from ..workflow.text import json_text
from .lines import Lines, Part, Row
from .modal import Modal
from .symbols import LOOKS
from .text import clean, clean_lines, duration, pad
from .view import View

if TYPE_CHECKING:
    from ..debugger.inspect import Inspection
    from ..debugger.replay import Stop

TALLEST = 8
"""Lines that a value has at most."""
ABSENT = "—"


class SideBySide(Lines):
    """Names, and beside them the old and the new value."""

    def __init__(self, view: View) -> None:
        super().__init__(id="side-by-side")
        self._view = view
        self._entries: list[tuple[str, str, str, str]] = []
        """Name, old and new text, and `differs`, `same`, `title` or `note`."""
        self._rows: list[list[Part]] = []
        self._message = "reading …"

    def show(self, entries: list[tuple[str, str, str, str]]) -> None:
        """Show these, or say what there is instead."""
        self._entries = entries
        self._lay_out()
        self.styles.height = max(3, min(self.count(), self.app.size.height - 6))
        self.move_to(0)

    def say(self, message: str) -> None:
        """Show a sentence instead."""
        self._entries, self._message = [], message
        self.styles.height = 3
        self._lay_out()

    def on_resize(self) -> None:
        self._lay_out()
        super().on_resize()

    def count(self) -> int:
        return len(self._rows)

    def nothing(self) -> str:
        return self._message

    def row(self, number: int, width: int) -> Row:
        return Row(self._rows[number])

    def columns(self) -> tuple[int, int]:
        """How wide names and values are."""
        width = max(40, self.scrollable_content_region.width)
        names = max(14, min(30, width // 4))
        return names, (width - names - 5) // 2

    def _lay_out(self) -> None:
        names, values = self.columns()
        self._rows = []
        for name, old, new, kind in self._entries:
            if kind == "title":
                self._rows += [[("", "")]] * bool(self._rows) + [[(name, "title")]]
                continue
            if kind == "note":
                self._rows.append([(f"  {name}", "dim")])
                continue
            differs = kind == "differs"
            sides = [_cell(self._view.mask(text), values) for text in (old, new)]
            for line in range(max(map(len, sides))):
                left, right = (side[line] if line < len(side) else "" for side in sides)
                role = "" if differs else "dim"
                self._rows.append(
                    [
                        ("≠ " if differs and not line else "  ", "warning"),
                        (pad(clean(name) if not line else "", names), "key" if differs else "dim"),
                        (" ", ""),
                        (pad(left, values), "error" if differs and left == ABSENT else role),
                        ("│ ", "dim"),
                        (pad(right, values), "emphasis" if differs else role),
                    ]
                )
        self.update()


def _cell(text: str, width: int) -> list[str]:
    """The lines of a value in a column."""
    lines = [piece for line in clean_lines(text) for piece in (chop_cells(line, width) or [""])]
    if len(lines) > TALLEST:
        lines = [*lines[: TALLEST - 1], f"… {len(lines) - TALLEST + 1} more lines"]
    return lines


class Side(NamedTuple):
    """What the task as it is shown is held against: a run of it in another attempt, or what another stop saw."""

    name: str
    read: Callable[[], TaskRun | None]
    """Works it out, in a thread of its own; None where the task is not there."""


def attempt_side(path: Path, task: str) -> Side:
    """A task in the attempt of a journal."""

    def read() -> TaskRun | None:
        attempt = Attempt()
        for event in read_journal(path, output=False):
            attempt.apply(event)
        found = attempt.named(task)
        return _inspected(attempt, found) if found else None

    session = session_of(path.parent.name)
    return Side(f"attempt {int(path.stem)}" + (f" ({session:%m-%d %H:%M})" if session else ""), read)


def stop_sides(view: View) -> list[Side]:
    """The stops of the attempt but the one that is shown, the last of them first."""
    return [_stop_side(view, stop) for stop in reversed(view.replay.stops) if stop.stopped is not view.stopped]


def _stop_side(view: View, stop: Stop) -> Side:
    task, error = view.replay.known[stop.stopped.task], stop.stopped.error or {}

    def read() -> TaskRun:
        attempt = view.replay.attempt_at(stop.position)
        run = _inspected(attempt, attempt.tasks[task.id])
        return msgspec.structs.replace(run, error=str(error["message"])) if "message" in error else run

    word = "failure of" if error else "stop after" if stop.stopped.after else "stop before"
    return Side(f"{word} {clean(task.full_name)}", read)


def _inspected(attempt: Attempt, task: Task) -> TaskRun:
    from ..debugger.inspect import inspect
    from ..params.evaluate import Evaluator

    return inspected_run(task, inspect(attempt, task, Evaluator(time_limit=0.5)))


class CompareRuns(Modal[None]):
    """The selected task as it is shown, and in another attempt or at another stop."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,equals_sign,q", "dismiss", "Close", show=False),
        Binding("left_square_bracket", "attempt(1)", "An older attempt", show=False),
        Binding("right_square_bracket", "attempt(-1)", "A newer attempt", show=False),
        Binding("left_curly_bracket", "stop(1)", "An earlier stop", show=False),
        Binding("right_curly_bracket", "stop(-1)", "A later stop", show=False),
    ]

    def __init__(self, view: View, task: Task, inspection: Inspection, others: list[Path], number: int) -> None:
        """Args:
        others: the journals of other attempts, the newest first; `number` is the one to begin with.
        """
        super().__init__()
        self._task_name = task.full_name
        self._here = inspected_run(task, inspection)
        self._attempts = [attempt_side(path, task.full_name) for path in others]
        self._stops = stop_sides(view)
        self._place = {"attempt": number, "stop": -1 if others else 0}
        self._side = self._attempts[number] if others else self._stops[0]
        when = f"event {view.replay.position:,} of {len(view.replay.events):,}" if view.past else "as shown"
        self._here_name = f"attempt {view.number}, {when}"
        self._pane = SideBySide(view)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="compare") as dialog:
            dialog.border_title = f"Compare {clean(self._task_name)}".replace("[", r"\[")
            keys = [r"\[ ] attempts"] * (len(self._attempts) > 1) + ["{ } stops"] * bool(self._stops)
            dialog.border_subtitle = " · ".join([*keys, "Esc closes"])
            yield self._pane

    def on_mount(self) -> None:
        self.set_focus(self._pane)
        self._read_side(self._side)

    def action_attempt(self, step: int) -> None:
        self._go("attempt", self._attempts, step)

    def action_stop(self, step: int) -> None:
        self._go("stop", self._stops, step)

    def _go(self, kind: str, sides: list[Side], step: int) -> None:
        """Another side of the kind; that of the other kind stays where it is."""
        number = self._place[kind] + step
        if 0 <= number < len(sides):
            self._place[kind] = number
            self._read_side(sides[number])

    def _read_side(self, side: Side) -> None:
        self._side = side
        self._pane.say("reading …")
        threading.Thread(target=self._read, args=(side,), name="compare", daemon=True).start()

    def _read(self, side: Side) -> None:
        """In a thread of its own."""
        run, problem = None, f"{side.name} has no task {clean(self._task_name)}"
        try:
            run = side.read()
        except (OSError, LookupError) as error:
            problem = f"{side.name} cannot be read: {error}"
        self._pane.call_later(self._show, side, run, problem)

    def _show(self, side: Side, run: TaskRun | None, problem: str) -> None:
        if side is not self._side or not self.is_attached:
            return
        if run is None:
            self._pane.say(problem)
            return
        self._pane.show([("", side.name, self._here_name, "same"), *_entries(run, self._here)])


def _entries(old: TaskRun, new: TaskRun) -> Iterator[tuple[str, str, str, str]]:
    """Rows: first what differs, then what is the same."""
    found = RunDifference(new.full_name, old, new)
    rows = [
        ("state", _state(old), _state(new)),
        ("took", _seconds(old), _seconds(new)),
        ("called again", str(old.retries), str(new.retries)),
        ("error", old.error.strip() or ABSENT, new.error.strip() or ABSENT),
    ]
    yield ("Differences", "", "", "title")
    yield from ((name, before, after, "differs") for name, before, after in rows if before != after)
    for section, changes in found.sections.items():
        for change in changes:
            before = ABSENT if change.kind == "added" else json_text(change.old)
            after = ABSENT if change.kind == "removed" else json_text(change.new)
            yield (_label(section, change.name), before, after, "differs")
    if not found.differs:
        yield ("nothing but the time it took", "", "", "note")
    yield ("The same in both", "", "", "title")
    yield from ((name, before, after, "same") for name, before, after in rows if before == after)
    for section, values in (("params", new.params), ("stored", new.stored), ("exported", new.exported)):
        changed = {change.path[0] for change in found.sections[section]}
        for key, value in values.items():
            if key not in changed:
                yield (_label(section, dotted((key,))), json_text(value), json_text(value), "same")


def _label(section: str, name: str) -> str:
    return name if section == "params" else f"{section} {name}"


def _state(run: TaskRun) -> str:
    look = LOOKS[run.state]
    return f"{look.symbol} {look.word}"


def _seconds(run: TaskRun) -> str:
    return ABSENT if run.seconds is None else duration(run.seconds)
