"""The prompts for expressions: evaluating them in a task's scope, and watching them; names are completed in both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from ..debugger.evaluate import Completion, Variables, complete
from .evaluating import Outcome, content, outcome
from .modal import Modal
from .text import clean, fit

SHOWN = 30
"""So many of the names that may be meant are shown at most."""


class Prompt(Modal[str | None]):
    """A line for an expression, with a help line under it that shows the names which may be meant.

    Args:
        task: the full name of the task in whose scope it is.
        scope: what can be named.
        mask: takes secrets out of a text.
        text: what stands in the line.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("tab", "complete", "Complete", show=False, priority=True),
    ]
    title_of_dialog: ClassVar[str]
    keys: ClassVar[dict[str, str]]

    def __init__(self, task: str, scope: Variables | None, mask: Callable[[str], str], text: str = "") -> None:
        super().__init__()
        self._task_name = task
        self._scope = scope
        self._mask = mask
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog prompt") as dialog:
            dialog.border_title = self.title_of_dialog
            dialog.border_subtitle = f"in {clean(self._task_name)}"
            yield from self.above()
            with Horizontal(id="prompt-line"):
                yield Static(":", id="prompt-sign")
                yield Input(self._text, compact=True, id="expression", placeholder="amount * 2, or a text: to ${name}")
            yield from self.below()
            yield Static(id="prompt-help")

    def above(self) -> Iterator[Widget]:
        """What stands over the line."""
        yield from ()

    def below(self) -> Iterator[Widget]:
        """What stands under the line."""
        yield from ()

    def on_mount(self) -> None:
        self.field.cursor_blink = False
        self.set_focus(self.field)
        self._show_names()

    @property
    def field(self) -> Input:
        """The line."""
        return self.query_one("#expression", Input)

    @on(Input.Changed)
    def _show_names(self) -> None:
        names = self._found().candidates if self.field.value else ()
        if names:
            words = Content("  ").join(Content.styled(clean(name), "$text-primary") for name in names[:SHOWN])
            text = Content.assemble(("Tab ", "b $text-accent"), words)
        else:
            text = Content("  ").join(
                Content.assemble((key, "b $text-accent"), (f" {word}", "$foreground 70%"))
                for key, word in self.keys.items()
            )
        self.query_one("#prompt-help", Static).update(text)

    def _found(self) -> Completion:
        cursor = self.field.cursor_position
        return complete(self.field.value, cursor, self._scope) if self._scope else Completion(cursor, ())

    def action_complete(self) -> None:
        """Write what all the names that may be meant begin with, or all of the only one."""
        field, found = self.field, self._found()
        shared, typed = found.shared, field.value[found.start : field.cursor_position]
        if len(found.candidates) == 1 or (len(shared) > len(typed) and shared.startswith(typed)):
            field.value = field.value[: found.start] + shared + field.value[field.cursor_position :]
            field.cursor_position = found.start + len(shared)
            self._show_names()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_accept()

    def action_accept(self) -> None:
        """What Enter does."""
        raise NotImplementedError


class EvaluatePrompt(Prompt):
    """Evaluates what is typed, again and again; gives an expression that is to be watched."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "recall(-1)", "Before", show=False, priority=True),
        Binding("down", "recall(1)", "After", show=False, priority=True),
        Binding("ctrl+t", "watch", "Watch", show=False, priority=True),
    ]
    title_of_dialog = "Evaluate"
    keys: ClassVar[dict[str, str]] = {
        "⏎": "evaluate", "Tab": "complete", "↑↓": "history", "^T": "watch it", "Esc": "close",
    }  # fmt: skip

    def __init__(self, task: str, scope: Variables | None, mask: Callable[[str], str], past: list[str]) -> None:
        """Args:
        past: what was typed before, the oldest first; what is typed now is added.
        """
        super().__init__(task, scope, mask)
        self._past = past
        self._place = len(past)
        self._draft = ""
        self._told: list[Content] = []

    def above(self) -> Iterator[Widget]:
        told = VerticalScroll(Static(id="told-text"), id="told", can_focus=False)
        told.display = False
        yield told

    def action_recall(self, step: int) -> None:
        """Bring back what was typed before, or after that."""
        if self._place == len(self._past):
            self._draft = self.field.value
        self._place = max(0, min(self._place + step, len(self._past)))
        self.field.value = self._past[self._place] if self._place < len(self._past) else self._draft
        self.field.cursor_position = len(self.field.value)

    def action_accept(self) -> None:
        """Show what is typed with its result above the line; a mistake stays to be corrected."""
        text = self.field.value.strip()
        if text:
            self.remember(text)
            self.tell(text, outcome(text, self._scope, self._mask))

    def remember(self, text: str) -> None:
        """Keep what was typed, to be brought back."""
        if self._past[-1:] != [text]:
            self._past.append(text)
        self._place = len(self._past)

    def tell(self, text: str, found: Outcome) -> None:
        """Show what a text came to above the line."""
        self._told += [Content.assemble((": ", "$foreground 50%"), clean(self._mask(text))), *outcome_lines(found)]
        told = self.query_one("#told", VerticalScroll)
        told.display = True
        self.query_one("#told-text", Static).update(Content("\n").join(self._told))
        told.scroll_end(animate=False)
        if not found.failed:
            self.field.value = ""

    def action_watch(self) -> None:
        """Leave, and watch what is typed, or what was evaluated last."""
        self.dismiss(self.field.value.strip() or next(reversed(self._past), None))


class WatchDialog(Prompt):
    """Asks for an expression to watch, and shows what it comes to while it is typed; gives it, "" to watch none."""

    title_of_dialog = "Watch an expression"
    keys: ClassVar[dict[str, str]] = {"⏎": "watch it", "Tab": "complete", "Esc": "close"}

    def below(self) -> Iterator[Widget]:
        yield Static(id="verdict")

    @on(Input.Changed)
    def _preview(self) -> None:
        text = self.field.value.strip()
        lines = outcome_lines(outcome(text, self._scope, self._mask)) if text else []
        self.query_one("#verdict", Static).update(Content("\n").join(lines))

    def action_accept(self) -> None:
        self.dismiss(self.field.value.strip())


def outcome_lines(found: Outcome) -> list[Content]:
    """A result and its type, or an error and what to do about it."""
    if found.failed:
        lines = [Content.assemble(("✖ ", "$text-error b"), (found.whole, "$text-error"))]
        return lines + [Content.styled(f"  {found.hint}", "$foreground 70%")] * bool(found.hint)
    words = f"  {found.kind}" + (f", in a param {fit(found.text, 40)}" if found.text else "")
    return [Content.assemble(("= ", "$text-success b"), content(found.parts), (words, "$foreground 60%"))]
