"""The dialog in which a param is edited, and what dialogs in which values are written are made of."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Static, TextArea

from ..debugger.editing import problem_of_edit, would_lose_to
from ..debugger.edits import Scope
from ..debugger.inspect import Inspection, Param, parse_value
from ..engine.attempt import Task
from ..workflow.config import Value
from ..workflow.errors import DigdagError
from ..workflow.project import problems_of
from ..workflow.text import json_text, json_type
from .evaluating import Outcome, content
from .modal import Modal
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

    class Chosen(Message):
        """Another one is chosen."""

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

    def watch_chosen(self) -> None:
        self.post_message(self.Chosen())

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
        return Content.assemble(("✖ ", "$text-error b"), (clean(in_one_line(error)), "$text-error"))
    return Content.assemble(
        ("= ", "$text-success b"), fit(clean(json_text(value)), 60), (f"  {json_type(value)}", "$foreground 60%")
    )


def in_one_line(error: DigdagError) -> str:
    """An error in one sentence."""
    problem = next(problems_of(error))
    words = f"{problem.message}: {problem.hint}" if problem.hint else problem.message
    return " ".join(words.split())


class ParamEditor(Modal[Edit | None]):
    """Sets a param.

    Args:
        task: where it is set.
        inspection: what the task sees.
        param: what is edited; without one a name is asked for, too.
        name: what is set where there is no such param yet.
        mask: takes secrets out of a text; a value that holds one is not shown.
        evaluated: what a text with `${...}` comes to in the task's scope.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("ctrl+s", "accept", "Save", show=False, priority=True),
    ]

    def __init__(
        self,
        task: Task,
        inspection: Inspection,
        param: Param | None,
        mask: Callable[[str], str],
        evaluated: Callable[[str], Outcome],
        name: str = "",
    ) -> None:
        super().__init__()
        self._edited_task = task
        self._inspection = inspection
        self._is_new = param is None
        self._path = param.path if param else (name,) if name else None
        text = as_text(param.unevaluated) if param else ""
        self._hidden = mask(text) != text
        self._text = "" if self._hidden else text
        self._mask = mask
        self._evaluated = evaluated
        own = param is not None and not task.is_group and inspection.is_own(param.path)
        self._scope: Scope = "task" if own or name else "onward"

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="editor") as dialog:
            dialog.border_title = "Set a param" if self._is_new else "Edit a param"
            dialog.border_subtitle = clean(self._edited_task.full_name)
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
    @on(ScopeChoice.Chosen)
    def _check(self) -> None:
        edit, problem = self._edit()
        if problem or edit is None:
            shown = Content.assemble(("✖ ", "$text-error b"), (clean(problem or ""), "$text-error"))
        else:
            shown = Content("\n").join([verdict(self.query_one(ValueArea)), *self._notes(edit)][:3])
        self.query_one("#verdict", Static).update(shown)

    def _edit(self) -> tuple[Edit | None, str | None]:
        """What is typed, or why it cannot be set."""
        problem = self._name_problem()
        if problem:
            return None, problem
        name = self.query_one(Input).value.strip()
        path = self._path if self._path and name == ".".join(self._path) else tuple(name.split("."))
        if self._hidden and not self.query_one(ValueArea).text:
            return None, "its value holds a secret and is not shown: Esc leaves it as it is"
        try:
            value = self.query_one(ValueArea).parsed()
        except DigdagError as error:
            return None, in_one_line(error)
        scope = self.query_one(ScopeChoice).scope
        built_ins = {param.name for param in self._inspection.built_in}
        problem = problem_of_edit(self._edited_task, path, value, scope, built_ins)
        return (None, problem) if problem else (Edit(path, value, scope), None)

    def _notes(self, edit: Edit) -> Iterator[Content]:
        """What else there is to know about a value before it is saved."""
        param = self._inspection.find(edit.path)
        winner = would_lose_to(param, self._edited_task, edit.scope) if param else None
        if winner:
            yield Content.assemble(("⚠ ", "$text-warning b"), (f"beaten here by: {clean(winner)}", "$text-warning"))
        if isinstance(edit.value, str) and "${" in edit.value:
            found = self._evaluated(edit.value)
            yield Content.assemble(("✖ " if found.failed else "→ ", "$foreground 60%"), content(found.parts))
        before = param.unevaluated if param else None
        if param and isinstance(edit.value, dict) and isinstance(before, dict):
            kept = [clean(key) for key in before if key not in edit.value]
            if kept:
                yield Content.styled(f"objects merge: {', '.join(kept)} stays as it is", "$text-warning")
        if param and not self._hidden and before != edit.value:
            old, new = json_type(before), json_type(edit.value)
            kind = (f"  {old}", "$text-warning" if old != new else "$foreground 60%")
            text = fit(clean(self._mask(json_text(before))), 48)
            yield Content.assemble((f"was {text}", "$foreground 60%"), kind)

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
        """Save what is typed, if it can be set."""
        edit, _ = self._edit()
        if edit:
            self.dismiss(edit)
        elif self._name_problem():
            self.set_focus(self.query_one(Input))

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)
