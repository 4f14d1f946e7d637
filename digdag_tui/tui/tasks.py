"""The tree of tasks."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import unquote_plus

from rich.cells import cell_len
from textual.message import Message

from ..engine.attempt import DONE, Task
from ..engine.scopes import path
from ..workflow.text import java_text, json_text
from .lines import Lines, Part, Row
from .symbols import BREAKPOINT, CLOSED, HERE, OPEN
from .text import clean, countdown, duration, pad
from .view import View

GUTTER = 2
_ITERATION = re.compile(r"\+for-(\d+=[^=&]*=\d+=[^=&]*(?:&\d+=[^=&]*=\d+=[^=&]*)*)")


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

    class BreakpointClicked(Message):
        """The person clicked the gutter before a task."""

        def __init__(self, task: Task) -> None:
            super().__init__()
            self.task = task

    def __init__(self, view: View, breakpoints: Callable[[], set[str]], *, id: str) -> None:
        super().__init__(id=id)
        self._view = view
        self._breakpoints = breakpoints
        self._folded: set[str] = set()
        self._rows: list[tuple[Task, int]] = []
        self._numbers: dict[int, int] = {}
        self._names = 0

    def rebuild(self) -> None:
        """Find the rows again: tasks were added, or groups opened or closed."""
        self._rows, longest = [], 0
        waiting = [(self._view.attempt.root, 0)] if self._view.tasks else []
        while waiting:
            task, depth = waiting.pop()
            self._rows.append((task, depth))
            longest = max(longest, 2 * depth + len(label(task)))
            if task.children and task.full_name not in self._folded:
                waiting.extend((child, depth + 1) for child in reversed(task.children))
        self._numbers = {task.id: number for number, (task, _) in enumerate(self._rows)}
        self._names = longest
        self.update()

    def count(self) -> int:
        return len(self._rows)

    def nothing(self) -> str:
        return "no tasks: the workflow does not load" if self._view.problems else "loading …"

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
        stop = self._view.stop_task() is task
        name = label(task)
        operator, command = operator_and_command(task)
        indent = GUTTER + 4 + 2 * depth
        operators = min(self._names + GUTTER + 4, max(16, width // 2))
        left: list[Part] = [
            (BREAKPOINT, "error") if task.full_name in self._breakpoints() else (" ", ""),
            (HERE, "warning emphasis") if stop else (" ", ""),
            (" " * (1 + 2 * depth) + self._expander(task) + " ", "dim"),
            (look.symbol + " ", look.role),
            (pad(name, max(cell_len(name), operators - indent)), self._name_role(task)),
            (f"  {operator}" if operator else "", "key"),
            (f" {self._view.mask(command)}" if command else "", "dim"),
        ]
        failed = self._view.failing(task) and not self._view.asking(task)
        return Row(left, self._right(task), ("failed" if failed else "stop") if stop else "")

    def text_of(self, number: int) -> str:
        return self._text(self._rows[number][0])

    def places(self, needle: str) -> list[int]:
        wanted = needle.casefold()
        root = [self._view.attempt.root] if self._view.tasks else []
        return [
            task.id for start in root for task in (start, *start.descendants()) if wanted in self._text(task).casefold()
        ]

    def place(self) -> int:
        return self._rows[self.cursor][0].id if self._rows else 0

    def order(self, place: int) -> list[int]:
        return path(self._view.tasks[place]) if place in self._view.tasks else []

    def go(self, place: int) -> None:
        self.reveal(self._view.tasks[place])
        self.move_by_person(self.cursor)

    def clicked(self, number: int, x: int) -> None:
        task, depth = self._rows[number]
        if x < GUTTER:
            self.post_message(self.BreakpointClicked(task))
        elif x <= GUTTER + 2 + 2 * depth and task.children:
            self._toggle(task)

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

    def _toggle(self, task: Task) -> None:
        self._folded ^= {task.full_name}
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
        given = self._view.given_word(task)
        if given:
            return [*parts, (given, "warning")]
        if task.id in self._view.waiting and task.retry_at:
            return [*parts, (f"in {countdown(task.retry_at - time.time())}", "dim")]
        seconds = self._seconds(task)
        return parts if seconds is None else [*parts, (duration(seconds), "dim")]

    def _seconds(self, task: Task) -> float | None:
        """How long a task took, or has been running."""
        if task.started_at is None:
            return None
        if task.state in DONE and task.ended_at:
            return max(0.0, task.ended_at - task.started_at)
        return max(0.0, time.time() - task.started_at) if task.id in self._view.running else None

    @staticmethod
    def _text(task: Task) -> str:
        return clean(" ".join((task.full_name, *operator_and_command(task))))
