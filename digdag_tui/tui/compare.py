"""Two runs of one task side by side: what differs comes first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

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

TALLEST = 8
"""Lines that a value has at most."""
ABSENT = "—"


class SideBySide(Lines):
    """Names, and beside them the old and the new value."""

    def __init__(self, view: View) -> None:
        super().__init__(id="side-by-side")
        self._view = view
        self._entries: list[tuple[str, str, str, str]] = []
        """Name, old and new text, and `differs`, `same` or `title`."""
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


class CompareRuns(Modal[None]):
    """The selected task here, and in another attempt."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,equals_sign,q", "dismiss", "Close", show=False),
        Binding("left_square_bracket", "other(1)", "An older attempt", show=False),
        Binding("right_square_bracket", "other(-1)", "A newer attempt", show=False),
    ]

    def __init__(self, view: View, task: Task, inspection: Inspection, others: list[Path], number: int) -> None:
        """Args:
        others: the journals of other attempts, the newest first; `number` is the one to begin with.
        """
        super().__init__()
        self._task_name = task.full_name
        self._here = inspected_run(task, inspection)
        self._others = others
        self._number = number
        when = f"event {view.replay.position:,} of {len(view.replay.events):,}" if view.past else "as shown"
        self._here_name = f"attempt {view.number}, {when}"
        self._pane = SideBySide(view)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="compare") as dialog:
            dialog.border_title = f"Compare {clean(self._task_name)}".replace("[", r"\[")
            dialog.border_subtitle = (r"\[ older  ] newer attempt  " if len(self._others) > 1 else "") + "Esc closes"
            yield self._pane

    def on_mount(self) -> None:
        self.set_focus(self._pane)
        self._read_other()

    def action_other(self, step: int) -> None:
        number = self._number + step
        if 0 <= number < len(self._others):
            self._number = number
            self._read_other()

    def _read_other(self) -> None:
        self._pane.say("reading …")
        path = self._others[self._number]
        threading.Thread(target=self._read, args=(path,), name="compare", daemon=True).start()

    def _read(self, path: Path) -> None:
        """In a thread of its own: fold the journal, and evaluate what the task saw."""
        from ..debugger.inspect import inspect
        from ..params.evaluate import Evaluator

        attempt = Attempt()
        run: TaskRun | None = None
        problem = ""
        try:
            for event in read_journal(path, output=False):
                attempt.apply(event)
            task = attempt.named(self._task_name)
            if task:
                run = inspected_run(task, inspect(attempt, task, Evaluator(time_limit=0.5)))
        except (OSError, LookupError) as error:
            problem = f"{path.name} cannot be read: {error}"
        self._pane.call_later(self._show, path, run, problem)

    def _show(self, path: Path, run: TaskRun | None, problem: str) -> None:
        if path != self._others[self._number] or not self.is_attached:
            return
        session = session_of(path.parent.name)
        other = f"attempt {int(path.stem)}" + (f" ({session:%m-%d %H:%M})" if session else "")
        if problem or run is None:
            self._pane.say(problem or f"{other} has no task {clean(self._task_name)}: [ shows an older attempt")
            return
        self._pane.show([("", other, self._here_name, "same"), *_entries(run, self._here)])


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
        yield ("nothing but the time it took", "", "", "same")
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
