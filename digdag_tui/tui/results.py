"""The dialogs in which a task's result is given instead of its operator's: pinning it, and skipping the task."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Label, Static, TextArea

from ..workflow.config import Params
from ..workflow.errors import DigdagError
from ..workflow.pins import PINS_FILE, Pin, parse_pin, pin_body
from ..workflow.text import json_text, json_type
from .editor import ValueArea, in_one_line, verdict
from .modal import Modal
from .text import clean, fit


class Pinning(NamedTuple):
    """A task's output as the person gave it; `save` is whether it is kept in the project's file."""

    pin: Pin
    save: bool


class PinDialog(Modal[Pinning | None]):
    """Gives a task's output for all its later runs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("ctrl+s", "accept(True)", "Save", show=False, priority=True),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (24, "-high")]  # noqa: RUF012

    def __init__(self, task: str, text: str) -> None:
        super().__init__()
        self._task_name = task
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="pin") as dialog:
            dialog.border_title = "Pin"
            yield Static(
                Content.assemble((clean(self._task_name), "b"), " is not run, now and later: it comes to this.")
            )
            until = f"Until you leave; or saved, in {PINS_FILE}, for everybody."
            yield Static(Content.styled(until, "$foreground 70%"))
            yield Label("store, export, reset, subtasks, rows of its query (may stay empty)")
            yield ValueArea(self._text)
            yield Static(id="verdict")
            with Horizontal(classes="buttons"):
                yield Button("Pin it  ⏎", id="pin-now", variant="primary", compact=True)
                yield Button("Pin and save it  ^S", id="pin-saved", compact=True)
                yield Button("Cancel  Esc", id="cancel", compact=True)

    def on_mount(self) -> None:
        self.set_focus(self.query_one(ValueArea))
        self._check()

    @on(TextArea.Changed)
    def _check(self) -> None:
        try:
            body = pin_body(self._pin())
            said = fit(clean(json_text(body)), 68) if body else "a success that leaves nothing behind"
            text = Content.assemble(("= ", "$text-success b"), said)
        except DigdagError as error:
            text = Content.assemble(("✖ ", "$text-error b"), (clean(in_one_line(error)), "$text-error"))
        self.query_one("#verdict", Static).update(text)

    def _pin(self) -> Pin:
        return parse_pin(self.query_one(ValueArea).text)

    @on(ValueArea.Accepted)
    @on(Button.Pressed, "#pin-now")
    def _accept(self, event: events.Event | Message) -> None:
        self.action_accept(False)

    @on(Button.Pressed, "#pin-saved")
    def action_save(self) -> None:
        """Pin it, in the project's file too."""
        self.action_accept(True)

    def action_accept(self, save: bool) -> None:
        """Pin it, if what is typed is a pin."""
        try:
            self.dismiss(Pinning(self._pin(), save))
        except DigdagError:
            return

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)


class SkipDialog(Modal[Params | None]):
    """Takes a task as a success, with values to store."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Close", show=False)]

    def __init__(self, task: str) -> None:
        super().__init__()
        self._task_name = task

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="skip") as dialog:
            dialog.border_title = "Skip"
            yield Static(Content.assemble((clean(self._task_name), "b"), " counts as a success without running."))
            yield Label("Values that it should have stored (an object; may stay empty)")
            yield ValueArea("")
            yield Static(id="verdict")
            with Horizontal(classes="buttons"):
                yield Button("Skip it  ⏎", id="save", variant="primary", compact=True)
                yield Button("Cancel  Esc", id="cancel", compact=True)

    def on_mount(self) -> None:
        self.set_focus(self.query_one(ValueArea))
        self._check()

    def _store(self) -> Params:
        """The values typed.

        Raises:
            DigdagError: they are no object.
        """
        area = self.query_one(ValueArea)
        value = area.parsed() if area.text.strip() else {}
        if not isinstance(value, dict):
            raise DigdagError(f"values to store are an object, such as `rows: 10`, not a {json_type(value)}")
        return value

    @on(TextArea.Changed)
    def _check(self) -> None:
        area = self.query_one(ValueArea)
        try:
            text = verdict(area) if self._store() else Content.styled("nothing is stored", "$foreground 60%")
        except DigdagError as error:
            text = Content.assemble(("✖ ", "$text-error b"), (clean(in_one_line(error)), "$text-error"))
        self.query_one("#verdict", Static).update(text)

    @on(ValueArea.Accepted)
    @on(Button.Pressed, "#save")
    def _accept(self, event: events.Event | Message) -> None:
        try:
            self.dismiss(self._store())
        except DigdagError:
            return

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)
