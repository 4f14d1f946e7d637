"""The pane of stops: all breakpoints, what else stops, and the branches that run, wait or are held."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from msgspec import Struct
from textual.binding import Binding, BindingType
from textual.message import Message

from ..debugger.breakpoints import Breakpoint
from ..engine.attempt import Task
from ..workflow.errors import Position
from .lines import Lines, Part, Row, Subject
from .pages import Line, wrap
from .symbols import HERE, NOT_MATCHED, STOP, Look, breakpoint_look
from .tasks import operator_and_command, short_name
from .text import clean, countdown, duration, plural
from .view import View

if TYPE_CHECKING:
    from ..debugger.session import Session

Switch: TypeAlias = Literal["failures", "raises", "branches"]


class Entry(Struct):
    """A row, and what it is about."""

    left: list[Part]
    right: list[Part] = []
    role: str = ""
    breakpoint: Breakpoint | None = None
    task: Task | None = None
    switch: Switch | None = None


class StopsPane(Lines):
    """Where the workflow stops, and what each branch of it does now."""

    HELP = """\
Breakpoints and other things that stop the workflow, and what each branch of it does now.
  ●  always   ◉  with a condition or a number of hits   ◆  prints instead of stopping   ○  off, or all are muted
  ◌  no task has the name yet: it is looked for again at each reload and each generated task;
     in a Python file: the debugger found no code there
Enter switches a row on or off, or goes to the task."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete,backspace", "remove", "Remove", show=False),
    ]

    class Toggled(Message):
        """The person switches a breakpoint or something else that stops on or off."""

        def __init__(self, what: Breakpoint | Switch) -> None:
            super().__init__()
            self.what = what

    class Removed(Message):
        """The person wants a row's breakpoint gone; None where there is none."""

        def __init__(self, breakpoint: Breakpoint | None) -> None:
            super().__init__()
            self.breakpoint = breakpoint

    class TaskChosen(Message):
        """The person wants to see a task."""

        def __init__(self, task: Task) -> None:
            super().__init__()
            self.task = task

    def __init__(self, view: View, *, id: str) -> None:
        super().__init__(id=id)
        self._view = view
        self.session: Session | None = None
        """Whose breakpoints are shown, once there is one."""
        self._entries: list[Entry] = []

    def selected(self) -> Breakpoint | None:
        """The breakpoint at the cursor."""
        return self._entries[self.cursor].breakpoint if self.cursor < len(self._entries) else None

    def position_at_cursor(self) -> Position | None:
        entry = self._entries[self.cursor] if self.cursor < len(self._entries) else None
        if entry and entry.breakpoint and entry.breakpoint.kind == "line":
            return Position(*entry.breakpoint.place, 1)
        task = entry.task if entry else None
        if entry and entry.breakpoint and self.session:
            found = self.session.breakpoints.of
            task = next((each for each in self._view.tasks.values() if entry.breakpoint in found(each)), None)
        from ..debugger.report import position_of_task

        return position_of_task(task) if task else None

    def select(self, breakpoint: Breakpoint) -> None:
        """Put the cursor on a breakpoint."""
        rows = (row for row, entry in enumerate(self._entries) if entry.breakpoint == breakpoint)
        self.move_to(next(rows, self.cursor))

    def look_at(self, subject: Subject, *, keep: bool) -> None:
        self.show()

    def tick(self) -> None:
        self.show()

    def show(self) -> None:
        """Show the breakpoints and branches as they are now; the cursor stays on what it is on."""
        about = self._about(self.cursor)
        self._entries = list(self._rows())
        self.update()
        if about is not None:
            rows = (row for row in range(len(self._entries)) if self._about(row) == about)
            self.move_to(next(rows, self.cursor))

    def _about(self, row: int) -> object:
        entry = self._entries[row] if row < len(self._entries) else None
        if entry is None:
            return None
        return entry.breakpoint.id if entry.breakpoint else entry.task.full_name if entry.task else entry.switch

    def on_resize(self) -> None:
        self.show()
        super().on_resize()

    def count(self) -> int:
        return len(self._entries)

    def nothing(self) -> str:
        return "loading …"

    def row(self, number: int, width: int) -> Row:
        entry = self._entries[number]
        return Row(entry.left, entry.right, entry.role)

    def clicked(self, number: int, x: int) -> bool:
        on_sign = x < 3 and not self._entries[number].task
        if on_sign:
            self.action_choose()
        return on_sign

    def action_choose(self) -> None:
        entry = self._entries[self.cursor] if self._entries else None
        if entry is None:
            return
        if entry.task:
            self.post_message(self.TaskChosen(entry.task))
        elif what := entry.breakpoint or entry.switch:
            self.post_message(self.Toggled(what))

    def action_open(self) -> None:
        """Show the first task that a breakpoint is on."""
        entry = self._entries[self.cursor] if self._entries else None
        task = entry.task if entry else None
        if entry and entry.breakpoint and self.session:
            breakpoints, wanted = self.session.breakpoints, entry.breakpoint.id
            tasks = self._view.tasks.values()
            task = next((task for task in tasks if any(each.id == wanted for each in breakpoints.of(task))), None)
        if task:
            self.post_message(self.TaskChosen(task))

    def action_remove(self) -> None:
        self.post_message(self.Removed(self.selected()))

    # Rows

    def _rows(self) -> Iterator[Entry]:
        session = self.session
        if session is None:
            return
        stopped = self._view.stopped
        if stopped and stopped.description:
            text = clean(self._view.mask(stopped.description))
            line = Line([(f"{HERE} ", "warning emphasis"), (text, "emphasis")], 2)
            yield from (Entry(parts, role="stop") for parts in wrap(line, max(20, self.size.width - 1)))
        muted = session.breakpoints.muted
        yield Entry([("Breakpoints", "title")], [("all muted (m)", "warning")] if muted else [])
        yield self._switch("failures", "failures, before _retry and _error", "x", session.breaks.on_failure)
        yield self._switch("raises", "where Python raises: py> under the debugger", "I", session.breaks.on_raise)
        matched = session.breakpoints.matched(self._view.tasks.values())
        for each in session.breakpoints.all:
            yield self._breakpoint(session, each, matched)
        if not session.breakpoints.all:
            hint = "  b sets one on the task or line at the cursor, B any other, D one on a param"
            yield from (Entry(parts) for parts in wrap(Line([(hint, "dim")], 2), max(20, self.size.width - 1)))
        branches = list(self._branches(session))
        if branches:
            yield Entry([("Branches", "title")], [(plural(len(branches), "task"), "dim")])
            yield self._switch("branches", "others wait while one is stepped", "H", session.breaks.hold_branches)
            yield from branches

    @staticmethod
    def _switch(what: Switch, text: str, key: str, is_on: bool) -> Entry:
        sign: Part = ("✔ ", "success") if is_on else ("○ ", "dim")
        return Entry(
            [sign, (text, "" if is_on else "dim")], [(f"{'on' if is_on else 'off'} ({key})", "dim")], switch=what
        )

    def _breakpoint(self, session: Session, breakpoint: Breakpoint, matched: Counter[int]) -> Entry:
        muted, named = session.breakpoints.muted, breakpoint.kind in ("task", "line") and not breakpoint.in_python
        look = breakpoint_look(breakpoint, muted=muted)
        state = session.python.states.get(breakpoint.id) if breakpoint.in_python else None
        lost = state is not None and not state.verified
        if (lost or (named and not matched[breakpoint.id])) and breakpoint.enabled and not muted:
            look = Look(NOT_MATCHED.symbol, look.word, NOT_MATCHED.role)
        left: list[Part] = [
            (look.symbol + " ", look.role),
            (clean(str(breakpoint)), "dim" if look.role == "dim" else ""),
        ]
        if breakpoint.condition:
            left += [("  if ", "key"), (clean(breakpoint.condition), "")]
        if breakpoint.hit_condition:
            left += [("  hits ", "key"), (clean(breakpoint.hit_condition), "")]
        if breakpoint.log_message:
            left += [("  log ", "key"), (clean(breakpoint.log_message), "string")]
        right: list[Part] = [(f" {look.word} ·", look.role)] if look.role == "dim" else []
        if named and matched[breakpoint.id]:
            right.append((f" {plural(matched[breakpoint.id], 'task')}", "dim"))
        elif named:
            near = session.breakpoints.near(breakpoint, self._view.tasks.values())
            hint = f" {near}" if near else ""
            left.append((f"  matches no task yet{':' if near else ''}{clean(hint)}", "warning"))
        elif breakpoint.in_python:
            left += self._in_python(session, breakpoint)
        hits = session.breakpoints.hits[breakpoint.id]
        if hits:
            right.append((" · " * bool(right) + plural(hits, "hit"), "dim"))
        hits_now = {*(self._view.stopped.breakpoints if self._view.stopped else ())}
        hits_now.update(*(stop.breakpoints for stop in self._view.python.stops.values()))
        hit_now = breakpoint.id in hits_now
        return Entry(left, right, "stop" if hit_now else "", breakpoint=breakpoint)

    def _in_python(self, session: Session, breakpoint: Breakpoint) -> list[Part]:
        """Why a breakpoint in a Python file does not stop, or where it does instead of its line."""
        state = session.python.states.get(breakpoint.id) if breakpoint.in_python else None
        if state is None:
            return []
        reason = f": {clean(self._view.mask(state.message))}" if state.message else ""
        if not state.verified:
            return [(f"  not verified{reason}", "warning")]
        moved = state.line not in (0, breakpoint.place[1])
        return [(f"  stops in line {state.line}", "dim")] if moved else []

    def _branches(self, session: Session) -> Iterator[Entry]:
        """What runs, waits or is held now, in file order."""
        if self._view.attempt.success is not None:
            return
        stop = self._view.stop_task()
        for task in self._view.tasks.values():
            if task is stop or task.id in self._view.running or task.id in self._view.waiting or task.state == "ready":
                yield self._branch(task, task is stop)

    def _branch(self, task: Task, is_stop: bool) -> Entry:
        operator, command = operator_and_command(task)
        seconds = time.time() - task.started_at if task.started_at and task.id in self._view.running else None
        look, right = self._view.look(task), ""
        if self._view.python_stop(task):
            right = "stopped in Python"
        elif is_stop:
            failing = self._view.failing(task)
            look = look if failing else Look(STOP, "stopped", "warning")
            right = "failed" if failing else "has run" if self._view.stopped and self._view.stopped.after else "is next"
        elif seconds is not None:
            right = f"running {duration(seconds)}"
        elif task.retry_at:
            right = f"retries in {countdown(task.retry_at - time.time())}"
        elif task.state == "ready":
            right = "held" if self._view.stopped else "ready"
        left: list[Part] = [
            (f"{look.symbol:2} ", look.role),
            (short_name(task), "emphasis" if is_stop else ""),
            (f"  {operator}", "key"),
            (f" {self._view.mask(command)}" if command else "", "dim"),
        ]
        return Entry(left, [(f" {right}", look.role)], task=task)
