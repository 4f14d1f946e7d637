"""The dialogs in which values are written: editing a param, and skipping a task with values to store."""

from __future__ import annotations

import json
import re
from typing import ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Static, TextArea

from ..debugger.inspect import parse_value
from ..debugger.session import Scope
from ..workflow.config import Params, Value
from ..workflow.errors import DigdagError
from ..workflow.pins import PINS_FILE, Pin, parse_pin, pin_body
from ..workflow.project import problems_of
from ..workflow.text import json_text, json_type
from .outline import outline
from .text import clean, fit

SCOPES: tuple[tuple[Scope, str, str], ...] = (
    ("task", "this task", "for this task alone; it beats everything else"),
    ("onward", "from here on", "as if it had been stored just before this task"),
    ("session", "whole session", "as with -p: every _export and every store beats it"),
)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\u00a0-\u1fff\u2070-\ud7ff\uf900-\ufdff]")


class Edit(NamedTuple):
    """What the person wants."""

    path: tuple[str, ...]
    value: Value
    scope: Scope


def as_text(value: Value) -> str:
    """A value as it is typed: as in a file where that reads as itself, else as JSON."""
    if isinstance(value, dict) and value:
        text = "\n".join("".join(text for text, _ in parts) for parts in outline(value))
    else:
        text = value if isinstance(value, str) else json_text(value)
    try:
        if parse_value(text) == value:
            return text
    except DigdagError:
        pass
    return _UNPRINTABLE.sub(_escape, json.dumps(value, ensure_ascii=False))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class ValueArea(TextArea):
    """A value as YAML or JSON; Enter accepts it, Ctrl+J breaks the line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "Accept", show=False, priority=True),
        Binding("ctrl+j", "break_line", "New line", show=False, priority=True),
        Binding("tab", "app.focus_next", show=False, priority=True),
    ]

    class Accepted(Message):
        """Enter was pressed."""

    def __init__(self, text: str) -> None:
        super().__init__(text, show_line_numbers=False, compact=True, classes="value")
        self.cursor_blink = False

    def action_accept(self) -> None:
        self.post_message(self.Accepted())

    def action_break_line(self) -> None:
        self.insert("\n")

    def parsed(self) -> Value:
        """The value typed.

        Raises:
            DigdagError: it is none.
        """
        return parse_value(self.text)


class ScopeChoice(Widget, can_focus=True):
    """How far an edit holds: one of `SCOPES`, by the arrow keys or a click."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "choose(1)", "Down", show=False),
        Binding("up", "choose(-1)", "Up", show=False),
    ]

    chosen: reactive[int] = reactive(0)

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.set_reactive(ScopeChoice.chosen, [name for name, _, _ in SCOPES].index(scope))

    @property
    def scope(self) -> Scope:
        return SCOPES[self.chosen][0]

    def render(self) -> Content:
        return Content("\n").join(
            Content.assemble(
                ("● " if number == self.chosen else "○ ", "$text-accent b"),
                (f"{name:15}", "b" if number == self.chosen else ""),
                (meaning, "$foreground 60%"),
            )
            for number, (_, name, meaning) in enumerate(SCOPES)
        )

    def action_choose(self, step: int) -> None:
        self.chosen = max(0, min(self.chosen + step, len(SCOPES) - 1))

    def on_click(self, event: events.Click) -> None:
        if 0 <= event.y < len(SCOPES):
            self.chosen = event.y


def verdict(area: ValueArea) -> Content:
    """What was typed, as it is understood."""
    try:
        value = area.parsed()
    except DigdagError as error:
        problem = next(problems_of(error))
        words = f"{problem.message}: {problem.hint}" if problem.hint else problem.message
        return Content.assemble(("✖ ", "$text-error b"), (clean(" ".join(words.split())), "$text-error"))
    return Content.assemble(
        ("= ", "$text-success b"), fit(clean(json_text(value)), 60), (f"  {json_type(value)}", "$foreground 60%")
    )


class ParamEditor(ModalScreen[Edit | None]):
    """Sets a param."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("ctrl+s", "accept", "Save", show=False, priority=True),
    ]

    def __init__(self, task: str, path: tuple[str, ...] | None, text: str, scope: Scope) -> None:
        super().__init__()
        self._task_name = task
        self._path = path
        self._text = text
        self._scope = scope

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="editor") as dialog:
            dialog.border_title = "Edit a param" if self._path else "Set a param"
            dialog.border_subtitle = clean(self._task_name)
            yield Label("Name (path with dots)")
            yield Input(".".join(self._path or ()), compact=True, id="name", placeholder="region, or db.host")
            yield Label("Value (YAML or JSON)")
            yield ValueArea(self._text)
            yield Static(id="verdict")
            yield Label("It holds for")
            yield ScopeChoice(self._scope)
            with Horizontal(classes="buttons"):
                yield Button("Save  ⏎", id="save", variant="primary", compact=True)
                yield Button("Cancel  Esc", id="cancel", compact=True)

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        area = self.query_one(ValueArea)
        if self._path:
            area.select_all()
        self.set_focus(area if self._path else self.query_one(Input))
        self._check()

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _check(self) -> None:
        problem = self._name_problem()
        text = Content.assemble(("✖ ", "$text-error b"), (problem, "$text-error")) if problem else self._verdict()
        self.query_one("#verdict", Static).update(text)

    def _verdict(self) -> Content:
        return verdict(self.query_one(ValueArea))

    def _name_problem(self) -> str | None:
        name = self.query_one(Input).value
        if not name.strip():
            return "a param needs a name"
        return None if all(part.strip() for part in name.split(".")) else "a part of the name is empty"

    @on(Input.Submitted)
    def _to_value(self) -> None:
        self.set_focus(self.query_one(ValueArea))

    @on(ValueArea.Accepted)
    @on(Button.Pressed, "#save")
    def action_accept(self) -> None:
        """Save what is typed, if it is a value."""
        if self._name_problem():
            self.set_focus(self.query_one(Input))
            return
        try:
            value = self.query_one(ValueArea).parsed()
        except DigdagError:
            return
        name = self.query_one(Input).value.strip()
        path = self._path if self._path and name == ".".join(self._path) else tuple(name.split("."))
        self.dismiss(Edit(path, value, self.query_one(ScopeChoice).scope))

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)


class Pinning(NamedTuple):
    """A task's output as the person gave it; `save` is whether it is kept in the project's file."""

    pin: Pin
    save: bool


class PinDialog(ModalScreen[Pinning | None]):
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
            text = Content.assemble(("✖ ", "$text-error b"), (clean(str(next(problems_of(error)))), "$text-error"))
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


class SkipDialog(ModalScreen[Params | None]):
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
            text = Content.assemble(("✖ ", "$text-error b"), (clean(error.message), "$text-error"))
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
