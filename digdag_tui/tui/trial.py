"""The dialog in which one task is run alone: its params on one side, what it came to on the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static, TextArea

from ..debugger.editing import Change, Document
from ..debugger.trial import Trial
from ..engine.attempt import Task
from ..engine.events import TaskOutput
from ..workflow.config import Params
from ..workflow.errors import DigdagError
from ..workflow.project import problems_of
from .all_params import ParamsArea
from .modal import Modal
from .outline import outline
from .pages import BLANK, Line, Page, title
from .text import clean, clean_lines, duration, plural
from .view import View

TOLD = "Change what you like and run it (^S): nothing of the attempt changes. What the task does outside is done."


class TrialDialog(Modal[None]):
    """Runs a task alone as often as one likes; leaving it ends a run.

    Args:
        document: the task's params as text.
        run: runs the task with these changes; its result is set in another thread.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", show=False),
        Binding("ctrl+s", "run", "Run", show=False, priority=True),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012

    def __init__(
        self, view: View, task: Task, document: Document, run: Callable[[Iterable[Change]], Future[Trial]]
    ) -> None:
        super().__init__()
        self._task_tried = task
        self._document = document
        self._try = run
        self._call: Future[Trial] | None = None
        self._result = Page(view, id="trial-result")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="trial") as dialog:
            dialog.border_title = "Test this task alone"
            dialog.border_subtitle = clean(self._task_tried.full_name)
            with Horizontal(id="trial-sides"):
                yield ParamsArea(self._document.text)
                yield self._result
            yield Static(id="verdict")
            with Horizontal(classes="buttons"):
                yield Button("Run it  ^S", id="run", variant="primary", compact=True)
                yield Button("Close  Esc", id="close", compact=True)

    def on_mount(self) -> None:
        self.set_focus(self.query_one(ParamsArea))
        self._result.show([Line([(TOLD, "dim")])])
        self._check()

    def on_unmount(self) -> None:
        if self._call:
            self._call.cancel()

    @on(TextArea.Changed)
    def _check(self) -> None:
        try:
            changes = self._document.changes(self.query_one(ParamsArea).text)
        except DigdagError as error:
            problem = next(problems_of(error))
            place = f"line {problem.position.line}: " if problem.position else ""
            words = " ".join(f"{problem.message}{f': {problem.hint}' if problem.hint else ''}".split())
            text = Content.assemble(("✖ ", "$text-error b"), (clean(place + words), "$text-error"))
        else:
            names = ", ".join(".".join(change.path) for change in changes)
            said = f"{plural(len(changes), 'change')}: {names}" if changes else "as the task sees them"
            text = Content.assemble(("= ", "$text-success b"), clean(said))
        self.query_one("#verdict", Static).update(text)

    @on(Button.Pressed, "#run")
    def action_run(self) -> None:
        """Run the task with what is typed, if that can be read; one run at a time."""
        if self._call and not self._call.done():
            return
        try:
            changes = self._document.changes(self.query_one(ParamsArea).text)
            self._call = self._try(changes)
        except Exception as error:
            self._result.show([Line([("✖ ", "error"), (clean(str(error)), "error")], 2)])
            return
        self._result.show([Line([("▶ ", "accent"), ("running …", "accent")])])
        app = self.app
        self._call.add_done_callback(lambda done: app.call_later(self._show, done))

    def _show(self, done: Future[Trial]) -> None:
        if not self.is_attached:
            return
        try:
            self._result.show(trial_lines(done.result()))
        except CancelledError:
            pass
        except Exception as error:
            self._result.show([Line([("✖ ", "error"), (clean(str(error)), "error")], 2)])

    @on(Button.Pressed, "#close")
    def action_leave(self) -> None:
        """Close the dialog, and end what runs."""
        self.dismiss(None)


def trial_lines(trial: Trial) -> Iterator[Line]:
    """What a task came to, for a person."""
    took = duration(trial.seconds)
    if trial.success:
        yield Line([("✔ ", "success"), (f"success after {took}", "success")])
    else:
        yield Line([("✖ ", "error"), (f"failed after {took}", "error")])
        message = str(trial.error.get("message", "")).partition("\n\tfrom ")[0]
        yield from (Line([("  " + text, "emphasis")], 2) for text in clean_lines(message.strip()))
        if trial.hint:
            yield Line([("  ➤ ", "accent"), (clean(trial.hint), "accent")], 4)
        for frame in trial.frames[-1:]:
            yield Line([(f"  {clean(str(frame['file']).rpartition('/')[2])}:{frame['line']}", "key")], 4)
    yield from _values("Stored", trial.store)
    yield from _values("Exported", trial.export)
    if trial.reset_store:
        yield from [BLANK, title("Reset"), Line([("  " + clean(", ".join(trial.reset_store)), "")], 2)]
    if trial.generated:
        yield from [BLANK, title(f"Generated, and not run ({len(trial.generated)})")]
        yield from (Line([("  " + clean(name), "")], 4) for name in trial.generated[:50])
    printed = "".join(event.text for event in trial.said if isinstance(event, TaskOutput))
    yield BLANK
    yield title("Output")
    if printed:
        yield from (Line([("  " + text, "")], 4) for text in clean_lines(printed.rstrip("\n"))[-1000:])
    else:
        yield Line([("  nothing was printed", "dim")])


def _values(word: str, values: Params) -> Iterator[Line]:
    if values:
        yield from [BLANK, title(word)]
        yield from (Line(parts, 4) for parts in outline(values, 2))
