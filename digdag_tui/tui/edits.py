"""The list of edits: what was set, where, whether it has had its effect; taking edits back, and saving them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import msgspec
from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

from ..debugger.edits import MadeEdit
from ..debugger.params_file import PARAMS_FILE, as_params, save_params
from ..workflow.config import Value
from ..workflow.errors import DigdagError
from ..workflow.text import json_text
from .editor import SCOPES
from .lines import Lines, Part, Row
from .modal import Modal
from .outline import json_parts
from .text import clean, clock, fit, fit_left, pad, plural

STATES = {
    "waits": ("◌", "waits", "dim"),
    "undone": ("⊘", "taken back", "dim"),
    "used": ("●", "in effect", "success"),
    "set": ("○", "not yet", "accent"),
}
"""How an edit stands: symbol, word and role."""
_SCOPE_NAMES = {scope: name for scope, name, _ in SCOPES}


def state_of(edit: MadeEdit) -> str:
    """A key of `STATES`."""
    if edit.number is None:
        return "waits"
    if edit.undone:
        return "undone"
    return "used" if edit.had_effect else "set"


class EditList(Lines):
    """One row an edit."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        super().__init__(id="edit-list")
        self._mask = mask
        self.edits: Sequence[MadeEdit] = ()

    def show(self, edits: Sequence[MadeEdit]) -> None:
        """Show other edits, or the same as they stand now."""
        self.edits = edits
        self.update()

    def chosen(self) -> MadeEdit | None:
        """The edit at the cursor."""
        return self.edits[self.cursor] if self.edits else None

    def count(self) -> int:
        return len(self.edits)

    def nothing(self) -> str:
        return "No param was edited: e edits the one at the cursor"

    def row(self, number: int, width: int) -> Row:
        edit = self.edits[number]
        symbol, word, role = STATES[state_of(edit)]
        column = max(4, min(max(cell_len(clean(each.name)) for each in self.edits), width // 3))
        task = fit_left(clean(edit.task), max(10, width // 4))
        right: list[Part] = [(f"  {task}", ""), (f"  {word:10}", role)]
        room = max(8, (width - column - 8 - sum(cell_len(text) for text, _ in right)) // 2)
        old = [] if edit.event.old is msgspec.UNSET else [*self._value(edit.event.old, room), (" → ", "dim")]
        struck = " struck" if edit.undone else ""
        left: list[Part] = [(f"{symbol} ", role), (pad(clean(edit.name), column) + "  ", f"key{struck}")]
        return Row([*left, *old, *((text, part + struck) for text, part in self._value(edit.event.value, room))], right)

    def action_choose(self) -> None:
        screen = self.screen
        if isinstance(screen, EditsDialog):
            screen.action_go()

    def _value(self, value: Value, room: int) -> list[Part]:
        text = fit(clean(self._mask(json_text(value))), room)
        return [(text, next((role for _, role in json_parts(value)), ""))]


class EditsDialog(Modal[MadeEdit | None]):
    """All edits, the newest first; gives the one that the person wants to go to.

    Args:
        edits: asked for what there is, again and again while the dialog is open.
        undo: takes an edit back, or makes it again.
        save: opens the question for a file.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close", show=False),
        Binding("delete,backspace,u", "undo", "Take back", show=False),
        Binding("s", "save", "Save", show=False),
    ]

    def __init__(
        self,
        edits: Callable[[], Sequence[MadeEdit]],
        mask: Callable[[str], str],
        undo: Callable[[MadeEdit], None],
        save: Callable[[], None],
    ) -> None:
        super().__init__()
        self._edits = edits
        self._mask = mask
        self._undo = undo
        self._save = save
        self._shown: object = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="edits") as dialog:
            dialog.border_title = "Edits"
            yield EditList(self._mask)
            yield Static(id="edit-detail")
            yield Static(id="edit-help")

    def on_mount(self) -> None:
        self.set_focus(self.query_one(EditList))
        self._look()
        self.set_interval(0.1, self._look)

    def _look(self) -> None:
        edits = [*self._edits()]
        now = [(edit.number, edit.event, state_of(edit)) for edit in edits]
        if now != self._shown:
            self._shown = now
            pane = self.query_one(EditList)
            pane.show(edits)
            pane.styles.height = max(1, min(len(edits), 14))
            self._detail()

    @on(Lines.Moved)
    def _detail(self) -> None:
        edit = self.query_one(EditList).chosen()
        self.query_one("#edit-detail", Static).update(self._about(edit) if edit else "")
        keys = {"⏎": "go there", "Del": "take back, or again", "s": "save for -P", "Esc": "close"}
        shown = keys if edit else {"Esc": "close"}
        self.query_one("#edit-help", Static).update(
            Content("  ").join(
                Content.assemble((key, "b $text-accent"), (f" {word}", "$foreground 70%"))
                for key, word in shown.items()
            )
        )

    def _about(self, edit: MadeEdit) -> Content:
        event = edit.event
        old = "not set" if event.old is msgspec.UNSET else fit(clean(self._mask(json_text(event.old))), 60)
        new = fit(clean(self._mask(json_text(event.value))), 60)
        words = {
            "waits": f"made again when {edit.task} is ready",
            "undone": "taken back: Del makes it again",
            "used": f"{edit.task} has begun with it: rewinding takes it back",
            "set": "no task has begun with it yet",
        }
        rows = [
            (edit.name, "b"),
            (f"was {old}", "$foreground 70%"),
            (f"is  {new}", ""),
            (f"{_SCOPE_NAMES[event.scope]}, at {edit.task}, {clock(event.at)}", "$foreground 70%"),
            (words[state_of(edit)], "$foreground 70%"),
        ]
        return Content("\n").join(Content.styled(clean(text), style) for text, style in rows)

    def action_undo(self) -> None:
        edit = self.query_one(EditList).chosen()
        if edit:
            self._undo(edit)

    def action_save(self) -> None:
        if self.query_one(EditList).edits:
            self._save()

    def action_go(self) -> None:
        """Go to where the edit at the cursor was made."""
        edit = self.query_one(EditList).chosen()
        if edit:
            self.dismiss(edit)


class Saved(NamedTuple):
    """An edit that is to be saved, and why `-P` will not give it back, or not everywhere."""

    edit: MadeEdit
    remark: str = ""
    left_out: bool = False


class SaveDialog(Modal[str | None]):
    """Asks for the params file that edits are saved in; gives what was done, in words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("ctrl+s", "save(False)", "Save", show=False, priority=True),
        Binding("ctrl+r", "save(True)", "Replace", show=False, priority=True),
    ]

    def __init__(self, project: Path, saved: Sequence[Saved]) -> None:
        super().__init__()
        self._project = project
        self._saved = saved

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="save-params") as dialog:
            dialog.border_title = "Save the edits in a params file"
            yield Label(f"File, in {clean(self._project.name)} unless it is absolute")
            yield Input(PARAMS_FILE, compact=True, id="file")
            yield Static(self._remarks(), id="remarks")
            yield Static(id="verdict")
            with Horizontal(classes="buttons"):
                yield Button("Save  ⏎", id="save", variant="primary", compact=True)
                yield Button("Replace  ^R", id="replace", compact=True)
                yield Button("Cancel  Esc", id="cancel", compact=True)

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self.set_focus(self.query_one(Input))
        self._check()

    def _remarks(self) -> Content:
        count = sum(not item.left_out for item in self._saved)
        lines = [Content(f"{plural(count, 'param')}, to be given back with -P FILE")]
        for item in self._saved:
            if item.remark:
                name = (clean(item.edit.name), "b")
                lines.append(Content.assemble(("⚠ ", "$text-warning b"), name, (f" {item.remark}", "$text-warning")))
        return Content("\n").join(lines)

    @property
    def _file(self) -> Path:
        return self._project / self.query_one(Input).value.strip()

    @on(Input.Changed)
    def _check(self) -> None:
        name = self.query_one(Input).value.strip()
        there = bool(name) and self._file.is_file()
        self.query_one("#replace").display = there
        words = f"{name} exists: its other keys stay, or ^R replaces all of it" if there else ""
        if not name or self._file.is_dir():
            words = "a file needs a name" if not name else f"{name} is a directory"
        self.query_one("#verdict", Static).update(Content.styled(clean(words), "$text-warning"))

    @on(Input.Submitted)
    @on(Button.Pressed, "#save")
    def _accept(self) -> None:
        self.action_save(False)

    @on(Button.Pressed, "#replace")
    def _replace(self) -> None:
        self.action_save(True)

    def action_save(self, replace: bool) -> None:
        """Write the file; if that fails, say why and stay."""
        name = self.query_one(Input).value.strip()
        edits = [item.edit for item in self._saved if not item.left_out]
        if not name or self._file.is_dir():
            return
        try:
            save_params(self._file, as_params(edits), replace=replace)
        except DigdagError as error:
            words = f"{error.message}: {error.hint}" if error.hint else error.message
            self.query_one("#verdict", Static).update(Content.styled(f"✖ {clean(words)}", "$text-error"))
            return
        self.dismiss(f"{plural(len(edits), 'param')} saved in {name}: digdag-tui -P {name} gives them back")

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)
