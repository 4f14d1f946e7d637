"""The dialog in which all params of a task are edited at once, as YAML."""

from __future__ import annotations

from collections.abc import Container
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static, TextArea

from ..debugger.editing import Change, Document, problem_of_edit
from ..debugger.edits import Scope
from ..engine.attempt import Task
from ..workflow.errors import ConfigError, DigdagError
from ..workflow.project import problems_of
from ..workflow.text import json_text
from .editor import Edit, ScopeChoice
from .highlight import Highlighted
from .lines import ROLES
from .modal import Modal
from .text import clean, fit, plural


class ParamsArea(TextArea):
    """YAML in colour."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "app.focus_next", show=False, priority=True)]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"lines--{role}" for role in ROLES}

    def __init__(self, text: str) -> None:
        super().__init__(text, compact=True, show_line_numbers=True)
        self.cursor_blink = False
        self._coloured: tuple[str, Highlighted] | None = None

    def get_line(self, line_index: int) -> Text:
        plain = super().get_line(line_index)
        if self._coloured is None or self._coloured[0] != self.text:
            self._coloured = self.text, Highlighted(self.text.split("\n"), "dig")
        try:
            parts = self._coloured[1].parts(line_index)
        except IndexError:
            return plain
        if "".join(text for text, _ in parts) != plain.plain:
            return plain
        line = Text(end="", no_wrap=True)
        for text, roles in parts:
            names = [f"lines--{role}" for role in roles.split()]
            line.append(text, self.get_component_rich_style(*names, partial=True) if names else None)
        return line


class TaskEditor(Modal[list[Edit]]):
    """All params of a task; gives an edit for each that was changed.

    Args:
        document: the params as text.
        built_ins: the names that Digdag sets itself.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss([])", "Close", show=False),
        Binding("ctrl+s", "accept", "Save", show=False, priority=True),
    ]

    def __init__(self, task: Task, document: Document, built_ins: Container[str]) -> None:
        super().__init__()
        self._edited_task = task
        self._document = document
        self._built_ins = built_ins

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="all-params") as dialog:
            dialog.border_title = "All params"
            dialog.border_subtitle = clean(self._edited_task.full_name)
            yield ParamsArea(self._document.text)
            yield Static(id="verdict")
            yield ScopeChoice("onward")
            with Horizontal(classes="buttons"):
                yield Button("Save  ^S", id="save", variant="primary", compact=True)
                yield Button("Cancel  Esc", id="cancel", compact=True)

    def on_mount(self) -> None:
        self.set_focus(self.query_one(ParamsArea))
        self._check()

    @on(TextArea.Changed)
    @on(ScopeChoice.Chosen)
    def _check(self) -> None:
        try:
            changes = self._changes()
        except DigdagError as error:
            shown = _problem(error)
        else:
            words = f"{plural(len(changes), 'change')}: " if changes else "nothing is changed yet"
            values = "  ".join(f"{'.'.join(each.path)} = {json_text(each.value)}" for each in changes)
            shown = Content.assemble(("= ", "$text-success b"), words, (fit(clean(values), 400), "$foreground 80%"))
        self.query_one("#verdict", Static).update(shown)

    def _changes(self) -> list[Change]:
        """What was changed.

        Raises:
            DigdagError: it cannot be, with its place in the text.
        """
        changes = self._document.changes(self.query_one(ParamsArea).text)
        for path, value, position in changes:
            problem = problem_of_edit(self._edited_task, path, value, self._scope(path), self._built_ins)
            if problem:
                raise ConfigError(problem, position=position)
        return changes

    def _scope(self, path: tuple[str, ...]) -> Scope:
        return "task" if self._document.is_own(path) else self.query_one(ScopeChoice).scope

    @on(Button.Pressed, "#save")
    def action_accept(self) -> None:
        """Make the edits; a mistake stays to be corrected, with the cursor on it."""
        try:
            changes = self._changes()
        except DigdagError as error:
            position = next(problems_of(error)).position
            area = self.query_one(ParamsArea)
            if position:
                area.move_cursor((position.line - 1, position.column - 1), center=True)
            self.set_focus(area)
            return
        self.dismiss([Edit(path, value, self._scope(path)) for path, value, _ in changes])

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss([])


def _problem(error: DigdagError) -> Content:
    problem = next(problems_of(error))
    place = f"line {problem.position.line}, column {problem.position.column}: " if problem.position else ""
    words = f"{problem.message}: {problem.hint}" if problem.hint else problem.message
    return Content.assemble(("✖ ", "$text-error b"), (clean(f"{place}{' '.join(words.split())}"), "$text-error"))
