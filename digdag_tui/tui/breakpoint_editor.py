"""The dialog in which a breakpoint is written: where it stops, when, and what it prints instead."""

from __future__ import annotations

import re
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Static

from ..debugger.breakpoints import EVENTS, Breakpoint, Kind, check
from ..workflow.errors import DigdagError
from .modal import Modal
from .text import clean

KINDS: tuple[tuple[Kind, str, str], ...] = (
    ("task", "a task", "+load, the end of its name; +load*; or py>"),
    ("line", "a line", "main.dig:12, any line of the task"),
    ("data", "a param changes", "rate, or td.database: stops after who changed it"),
    ("template", "a template fails", "in +load, or * for any task: stops before that fails"),
    ("event", "an event", ", ".join(EVENTS)),
)


class KindChoice(Widget, can_focus=True):
    """What kind of breakpoint it is: one of `KINDS`, by the arrow keys or a click."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "choose(1)", "Down", show=False),
        Binding("up", "choose(-1)", "Up", show=False),
        Binding("enter", "screen.focus_next", "Next", show=False),
    ]

    class Chosen(Message):
        """Another kind."""

    chosen: reactive[int] = reactive(0)

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.set_reactive(KindChoice.chosen, [name for name, _, _ in KINDS].index(kind))

    @property
    def kind(self) -> Kind:
        return KINDS[self.chosen][0]

    def render(self) -> Content:
        return Content("\n").join(
            Content.assemble(
                ("● " if number == self.chosen else "○ ", "$text-accent b"),
                (f"{name:18}", "b" if number == self.chosen else ""),
                (example, "$foreground 60%"),
            )
            for number, (_, name, example) in enumerate(KINDS)
        )

    def watch_chosen(self) -> None:
        self.post_message(self.Chosen())

    def action_choose(self, step: int) -> None:
        self.chosen = max(0, min(self.chosen + step, len(KINDS) - 1))

    def on_click(self, event: events.Click) -> None:
        if 0 <= event.y < len(KINDS):
            self.chosen = event.y


class BreakpointEditor(Modal[Breakpoint | None]):
    """Makes a breakpoint, or changes one; `exists` is whether it may be removed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("ctrl+s", "accept", "Save", show=False, priority=True),
    ]

    def __init__(self, breakpoint: Breakpoint, *, is_new: bool) -> None:
        super().__init__()
        self._given = breakpoint
        self._is_new = is_new

    def compose(self) -> ComposeResult:
        given = self._given
        with Vertical(classes="dialog", id="breakpoint") as dialog:
            dialog.border_title = "New breakpoint" if self._is_new else "Breakpoint"
            yield KindChoice(given.kind)
            yield from self._field("Where", "target", given.target, "")
            yield from self._field("Only if", "condition", given.condition, "region == 'west', or ${...}")
            yield from self._field("Hits", "hits", given.hit_condition, "3, >= 3, or % 2 for every second time")
            yield from self._field("Print", "log", given.log_message, "instead of stopping, such as: rows ${rows}")
            yield Static(id="verdict")
            with Horizontal(classes="buttons"):
                yield Button("Save  ⏎", id="save", variant="primary", compact=True)
                yield Button("Cancel  Esc", id="cancel", compact=True)

    @staticmethod
    def _field(label: str, identifier: str, text: str, placeholder: str) -> ComposeResult:
        with Horizontal(classes="field"):
            yield Label(label)
            yield Input(text, compact=True, id=identifier, placeholder=placeholder)

    def on_mount(self) -> None:
        for field in self.query(Input):
            field.cursor_blink = False
        self.set_focus(self.query_one("#condition" if self._given.target else "#target"))
        self._check()

    @on(Input.Changed, "#target")
    def _recognise(self, event: Input.Changed) -> None:
        """A task and a line look different enough to tell which is meant."""
        choice = self.query_one(KindChoice)
        if choice.kind in ("task", "line"):
            is_line = re.fullmatch(r"[^+^*].*:\d+", event.value.strip())
            choice.chosen = 1 if is_line else 0

    def _typed(self) -> Breakpoint:
        """What is typed.

        Raises:
            DigdagError: it means nothing.
        """
        target, condition, hits, log = (
            self.query_one(f"#{name}", Input).value for name in ("target", "condition", "hits", "log")
        )
        kind = self.query_one(KindChoice).kind
        given = self._given
        target = target.strip() or ("*" if kind == "template" else "")
        return check(Breakpoint(given.id, kind, target, condition.strip(), hits.strip(), log, given.enabled))

    @on(Input.Changed)
    @on(KindChoice.Chosen)
    def _check(self) -> None:
        fields = self.query(Input)
        if not any(field.value for field in fields):
            self.query_one("#verdict", Static).update("")
            return
        try:
            typed = self._typed()
            text = Content.assemble(("= ", "$text-success b"), clean(in_words(typed)))
        except DigdagError as error:
            text = Content.assemble(("✖ ", "$text-error b"), (clean(error.message), "$text-error"))
        self.query_one("#verdict", Static).update(text)

    @on(Input.Submitted)
    @on(Button.Pressed, "#save")
    def _accept(self, event: events.Event | Message) -> None:
        self.action_accept()

    def action_accept(self) -> None:
        """Save what is typed, if it means something."""
        try:
            self.dismiss(self._typed())
        except DigdagError:
            return

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)


def in_words(breakpoint: Breakpoint) -> str:
    """What a breakpoint does, in a sentence."""
    does = "prints" if breakpoint.log_message else "stops"
    where = {"task": "before ", "line": "before the task at "}.get(breakpoint.kind, "when ")
    only = f" if {breakpoint.condition}" if breakpoint.condition else ""
    times = f", at hit {breakpoint.hit_condition}" if breakpoint.hit_condition else ""
    return f"{does} {where}{breakpoint}{only}{times}"
