"""The tree of tasks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice
from urllib.parse import unquote_plus

from rich.cells import cell_len
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from ..debugger.breakpoints import Breakpoints
from ..engine.attempt import DONE, Task
from ..engine.scopes import path
from ..workflow.text import java_text, json_text
from .lines import SEARCHED, Lines, Part, Row
from .symbols import ASKING, CLOSED, HERE, IN_PYTHON, LOOKS, OPEN, TOUCHED, gutter_look
from .text import clean, countdown, duration, pad
from .view import View

GUTTER = 2
STEP = 8
"""Cells by which the column of names grows."""
_ITERATION = re.compile(r"\+for-(\d+=[^=&]*=\d+=[^=&]*(?:&\d+=[^=&]*=\d+=[^=&]*)*)")

_LOOKS = [*dict.fromkeys((*LOOKS.values(), ASKING, IN_PYTHON))]
_LEGEND = [_LOOKS[start : start + 3] for start in range(0, len(_LOOKS), 3)]
"""All states, three in a row."""


def operator_and_command(task: Task) -> tuple[str, str]:
    """What a task runs, as it stands in the file: `py>` and `load.run`; blank for a group."""
    key = next((key for key in task.config if key.endswith(">")), None)
    if key:
        command = task.config[key]
        text = json_text(command) if isinstance(command, dict | list) else java_text(command)
        return key, clean(" ".join(text.split()))
    if "_type" in task.config:
        return f"{task.config['_type']}>", ""
    return "", "parallel" if task.own_config.get("_parallel") else ""


def label(task: Task) -> str:
    """A task's name below its parent; iterations of `for_each>` by their values."""
    name = task.name
    iteration = _ITERATION.fullmatch(name) if name.startswith("+for-") else None
    if iteration:
        parts = [part.split("=") for part in iteration[1].split("&")]
        return clean(" ".join(f"{unquote_plus(key)}={unquote_plus(value)}" for _, key, _, value in parts))
    return clean(name)


def short_name(task: Task) -> str:
    """A task's place in the workflow, for narrow columns: without the workflow's name and `^sub`."""
    around = [node for node in (task, *task.ancestors()) if node.parent and node.name != "^sub"]
    return " ".join(label(node) for node in reversed(around)).replace(" +", "+") or clean(task.name)


class TaskTree(Lines):
    """All tasks, with their states; the cursor is the app's selected task."""

    HELP = (
        "All tasks in the order of the files: the gutter, the state, the name, what it runs, how long it took.\n"
        + "\n".join("  " + "".join(f"{look.symbol}  {look.word:20}" for look in row).rstrip() for row in _LEGEND)
        + f"\n  {HERE}  where it is stopped\n"
        f"  {TOUCHED}  touched by a saved file, and not run since\n"
        "  ● ◉ ◆ ○  a breakpoint: always, with a condition, one that logs, off; a click sets one\n"
        "  ↻2  called again twice; pinned, skipped, saved: its output was given\n"
        f"  {OPEN} {CLOSED}  a group, open or closed: Enter, → and ←; Enter on a task shows what it runs"
    )

    class BreakpointClicked(Message):
        """The person clicked the gutter before a task."""

        def __init__(self, task: Task) -> None:
            super().__init__()
            self.task = task

    class Opened(Message):
        """The person wants to see what a task runs."""

        def __init__(self, task: Task) -> None:
            super().__init__()
            self.task = task

    def __init__(self, view: View, *, id: str) -> None:
        super().__init__(id=id)
        self._view = view
        self.breakpoints: Breakpoints | None = None
        """What the gutter shows, once there is a session."""
        self._folded: set[str] = set()
        self._rows: list[tuple[Task, int]] = []
        self._numbers: dict[int, int] = {}
        self._names = 0
        """Cells that names take, with what stands before them: those that were seen so far."""
        self._attempt = view.attempt
        self.folds_finished = False
        self._ended: set[int] = set()
        """Groups that were seen to have ended well."""
        self._folded_at_end: set[str] = set()

    def rebuild(self) -> None:
        """Find the rows again: tasks were added, or groups opened or closed. The cursor stays on its task."""
        before, row = self.selected(), self.cursor
        if self._attempt is not self._view.attempt:
            self._attempt, before = self._view.attempt, None
            self._open_finished()
        self._rows = []
        waiting = [(self._view.attempt.root, 0)] if self._view.tasks else []
        while waiting:
            task, depth = waiting.pop()
            self._rows.append((task, depth))
            if task.children and task.full_name not in self._folded:
                waiting.extend((child, depth + 1) for child in reversed(task.children))
        self._numbers = {task.id: number for number, (task, _) in enumerate(self._rows)}
        self.update()
        number = self._numbers.get(before.id, row) if before else row
        if number != row:
            top = self.scroll_offset.y + number - row
            self.set_reactive(Lines.cursor, number)
            self.scroll_to(y=max(0, top), animate=False, force=True, immediate=True)

    def folds(self) -> list[str]:
        """The full names of the groups that the person folded."""
        return sorted(self._folded - self._folded_at_end)

    def restore_folds(self, folded: list[str], folds_finished: bool) -> None:
        """Fold as in an earlier session."""
        self._folded = {name for name in folded if isinstance(name, str)}
        self.folds_finished = folds_finished

    def fold_finished(self, folds: bool) -> None:
        """Fold all groups that ended well, and from now on those that do, or open them again."""
        self.folds_finished = folds
        if not folds:
            self._open_finished()
            self.rebuild()
        self.states_changed()

    def states_changed(self) -> None:
        """Show other states; groups fold as they end, unless the selected task is inside."""
        ended = self._newly_ended() if self.folds_finished else []
        self._ended.update(task.id for task in ended)
        selected = self.selected()
        around = {selected, *selected.ancestors()} if selected else set()
        names = {task.full_name for task in ended if task not in around} - self._folded
        if names:
            self._folded |= names
            self._folded_at_end |= names
            self.rebuild()
        self.refresh()

    def tick(self) -> None:
        self.states_changed()

    def _newly_ended(self) -> list[Task]:
        return [
            task for task, depth in self._rows
            if depth and task.children and task.state == "success" and task.id not in self._ended
        ]  # fmt: skip

    def _open_finished(self) -> None:
        self._folded -= self._folded_at_end
        self._folded_at_end.clear()
        self._ended.clear()

    def count(self) -> int:
        return len(self._rows)

    def nothing(self) -> str:
        return self._view.why_empty()

    def selected(self) -> Task | None:
        """The task at the cursor."""
        return self._rows[self.cursor][0] if self._rows else None

    def reveal(self, task: Task) -> None:
        """Put the cursor on a task, opening the groups around it."""
        around = {ancestor.full_name for ancestor in task.ancestors()}
        if self._folded & around or task.id not in self._numbers:
            self._folded -= around
            self.rebuild()
        if task.id in self._numbers:
            self.move_to(self._numbers[task.id], center=True)

    def row(self, number: int, width: int) -> Row:
        task, depth = self._rows[number]
        look = self._view.look(task)
        inside = self._view.python_stop(task)
        stop = inside is not None or self._view.stop_task() is task
        mark = gutter_look(self.breakpoints, task) if self.breakpoints else None
        name = label(task)
        operator, command = operator_and_command(task)
        indent = GUTTER + 4 + 2 * depth
        operators = min(self._names, max(16, width * 3 // 5))
        room = max(8, operators - indent)
        left: list[Part] = [
            (mark.symbol, mark.role) if mark else (" ", ""),
            (HERE, "warning emphasis") if stop else (" ", ""),
            (" " * (1 + 2 * depth) + self._expander(task) + " ", "dim"),
            (look.symbol + " ", look.role),
            (pad(name, room) if operator else name, self._name_role(task)),
            (f"  {operator}" if operator else "", "key"),
            (f" {self._view.mask(command)}" if command else "", "dim"),
        ]
        failed = self._view.failing(task) and not self._view.asking(task)
        failed = failed or (inside is not None and inside.raised is not None)
        right = self._right(task)
        if mark and mark.word:
            right.insert(0, (mark.word + " ", "dim"))
        return Row(left, right, ("failed" if failed else "stop") if stop else "")

    def render_lines(self, crop: Region) -> list[Strip]:
        self._make_room(range(self.scroll_offset.y, self.scroll_offset.y + self.size.height))
        return super().render_lines(crop)

    def _make_room(self, rows: range) -> None:
        """See that names have room; in steps, so that the column of operators seldom moves."""
        seen = self._rows[rows.start : rows.stop]
        longest = max((GUTTER + 4 + 2 * depth + cell_len(label(task)) for task, depth in seen), default=0)
        if longest > self._names:
            self._names = -(-longest // STEP) * STEP

    def text_of(self, number: int) -> str:
        return self._text(self._rows[number][0])

    def search(self, needle: str) -> Iterator[list[int]]:
        wanted = needle.casefold()
        root = self._view.attempt.root if self._view.tasks else None
        tasks = chain([root], root.descendants()) if root else iter(())
        while some := list(islice(tasks, SEARCHED)):
            yield [task.id for task in some if wanted in self._text(task).casefold()]

    def place(self) -> int:
        return self._rows[self.cursor][0].id if self._rows else 0

    def order(self, place: int) -> list[int]:
        return path(self._view.tasks[place]) if place in self._view.tasks else []

    def go(self, place: int) -> None:
        self.reveal(self._view.tasks[place])
        self.move_by_person(self.cursor)

    def clicked(self, number: int, x: int) -> bool:
        task, depth = self._rows[number]
        on_expander = x <= GUTTER + 2 + 2 * depth and bool(task.children)
        if x < GUTTER:
            self.post_message(self.BreakpointClicked(task))
        elif on_expander:
            self._toggle(task)
        return x < GUTTER or on_expander

    def action_open(self) -> None:
        task = self.selected()
        if task and task.full_name in self._folded:
            self._toggle(task)
        elif task and task.children:
            self.move_by_person(self.cursor + 1)

    def action_close(self) -> None:
        task = self.selected()
        if task and task.children and task.full_name not in self._folded:
            self._toggle(task)
        elif task and task.parent:
            self.move_by_person(self._numbers[task.parent.id])

    def action_choose(self) -> None:
        task = self.selected()
        if task and task.children:
            self._toggle(task)
        elif task:
            self.post_message(self.Opened(task))

    def _toggle(self, task: Task) -> None:
        self._folded ^= {task.full_name}
        self._folded_at_end.discard(task.full_name)
        self.rebuild()
        self.move_by_person(self._numbers[task.id])

    def _expander(self, task: Task) -> str:
        if not task.children:
            return " "
        return CLOSED if task.full_name in self._folded else OPEN

    def _name_role(self, task: Task) -> str:
        if task.state in ("blocked", "canceled"):
            return "dim"
        return "error" if self._view.look(task).role == "error" else ""

    def _right(self, task: Task) -> list[Part]:
        retries = task.state_params.get("retry_count", 0)
        parts: list[Part] = [(f"↻{retries} ", "warning")] if retries else []
        if self._view.is_touched(task.full_name):
            parts.insert(0, (f"{TOUCHED} touched ", "warning"))
        inside = self._view.python_stop(task)
        if inside:
            line = f" :{inside.frames[0].line}" if inside.frames else ""
            return [*parts, (f"in Python{line}", "error" if inside.raised else "warning")]
        if task.id == self._view.python.starting:
            return [*parts, ("debugger starts", "accent")]
        given = self._view.given_word(task)
        if given:
            return [*parts, (given, "warning")]
        if task.id in self._view.waiting and task.retry_at:
            return [*parts, (f"in {countdown(task.retry_at - self._view.now())}", "dim")]
        seconds = self._seconds(task)
        return parts if seconds is None else [*parts, (duration(seconds), "dim")]

    def _seconds(self, task: Task) -> float | None:
        """How long a task took, or has been running."""
        if task.started_at is None:
            return None
        if task.state in DONE and task.ended_at:
            return max(0.0, task.ended_at - task.started_at)
        return max(0.0, self._view.now() - task.started_at) if task.id in self._view.running else None

    @staticmethod
    def _text(task: Task) -> str:
        return clean(" ".join((task.full_name, *operator_and_command(task))))
