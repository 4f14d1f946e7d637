"""The list of a workflow's attempts: to open one of the past, or to compare with it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from ..debugger.history import PastAttempt, journals, past_attempt, session_of
from .lines import Lines, Part, Row
from .modal import Modal
from .symbols import LOOKS
from .text import clean, duration, fit_left, pad
from .view import View

OUTCOMES = {
    "success": (LOOKS["success"].symbol, "success"),
    "failed": (LOOKS["error"].symbol, "error"),
    "stopped": (LOOKS["canceled"].symbol, "warning"),
    "not finished": ("…", "warning"),
}
"""Symbol and role of how an attempt ended."""
NARROW = 90
"""Below so many columns a row has no room for how many tasks ended."""


class AttemptList(Lines):
    """A row per attempt, the newest first; what a journal tells is shown once it was read."""

    def __init__(self, paths: list[Path], present: Path | None) -> None:
        super().__init__(id="attempt-list")
        self.paths = paths
        self.past: dict[Path, PastAttempt | None] = {}
        """What was read; None for a journal that has no attempt in it."""
        self._present = present

    def count(self) -> int:
        return len(self.paths)

    def nothing(self) -> str:
        return "no attempt of this workflow is kept yet"

    def row(self, number: int, width: int) -> Row:
        path = self.paths[number]
        session = session_of(path.parent.name)
        at = session.strftime("%Y-%m-%d %H:%M") if session else clean(path.parent.name)
        left: list[Part] = [(f" {pad(at, 17)}", "dim"), (f"{int(path.stem):>4} ", "key")]
        if path == self._present:
            return Row([*left, (" ➤ the present one", "accent")])
        if path not in self.past:
            return Row([*left, (" reading …", "dim")])
        past = self.past[path]
        if past is None:
            return Row([*left, (" ✖ damaged: nothing of it can be read", "error")])
        symbol, role = OUTCOMES[past.outcome]
        narrow = width < NARROW
        began = time.strftime("%m-%d %H:%M" if narrow else "%m-%d %H:%M:%S", time.localtime(past.began))
        left += [
            (f" {began}  ", ""),
            (f"{symbol} {past.outcome:13}", role),
            ("" if narrow else f"{past.ended_tasks:>5,}/{past.tasks:<5,} ", "dim"),
            (f"{duration(max(0.0, past.ended - past.began)):>6}  ", "dim"),
        ]
        used = sum(len(text) for text, _ in left)
        failed = None if past.success else past.failed_task
        name = failed or ("" if past.finished else past.last_task and f"after {past.last_task}")
        return Row([*left, (fit_left(clean(name or ""), max(0, width - used)), "error" if failed else "dim")])

    def action_choose(self) -> None:
        self.screen.dismiss(("open", self.paths[self.cursor]) if self.paths else None)


class Attempts(Modal[tuple[str, Path] | None]):
    """Gives `open` or `compare` with the journal chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,A,q", "dismiss(None)", "Close", show=False),
        Binding("equals_sign", "compare", "Compare", show=False),
    ]

    def __init__(self, view: View, project: Path, present: Path | None) -> None:
        super().__init__()
        self._workflow = view.workflow
        self._list = AttemptList(journals(project, view.workflow), present)
        self._left = threading.Event()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="attempts") as dialog:
            dialog.border_title = f"Attempts of {clean(self._workflow)}".replace("[", r"\[")
            dialog.border_subtitle = "Enter opens · = compares · Esc closes"
            yield self._list

    def on_mount(self) -> None:
        self._list.styles.height = max(3, min(len(self._list.paths), self.app.size.height - 6))
        self.set_focus(self._list)
        self._list.update()
        threading.Thread(target=self._read, name="attempts", daemon=True).start()

    def on_unmount(self) -> None:
        self._left.set()

    def _read(self) -> None:
        """In a thread of its own: read the journals, the newest first."""
        for path in self._list.paths:
            if self._left.is_set():
                return
            try:
                self._list.past[path] = past_attempt(path)
            except (OSError, ValueError, LookupError):
                self._list.past[path] = None
            self._list.call_later(self._list.refresh)

    def action_compare(self) -> None:
        if self._list.paths:
            self.dismiss(("compare", self._list.paths[self._list.cursor]))
