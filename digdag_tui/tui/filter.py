"""A line above a pane in which a person types what the pane's rows must have in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static


class FilterLine(Horizontal):
    """Enter goes back to `pane` and keeps the filter, Esc ends it.

    Args:
        filtered: called with each text typed, "" at the end; gives how much is found, in words.
        ended: called when the line is gone.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "end", "All", show=False),
        Binding("down", "keep", "To the rows", show=False),
    ]

    def __init__(self, pane: Widget, filtered: Callable[[str], str], ended: Callable[[], None]) -> None:
        super().__init__(classes="filter")
        self._pane = pane
        self._filtered = filtered
        self._ended = ended
        self._input = Input(compact=True, classes="filter-text", placeholder="name, path or value")

    def compose(self) -> ComposeResult:
        yield Static("F", classes="filter-sign")
        yield self._input
        yield Static(classes="filter-count")

    def on_mount(self) -> None:
        self._input.cursor_blink = False
        self.take_focus()

    def take_focus(self) -> None:
        """Let the person type."""
        self._input.focus()

    def count(self, words: str) -> None:
        """Say how much is found."""
        if self.is_mounted and self.query(".filter-count"):
            self.query_one(".filter-count", Static).update(words)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.count(self._filtered(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_keep()

    def action_keep(self) -> None:
        """Back to the rows."""
        if self._input.value:
            self._pane.focus()
        else:
            self.action_end()

    def action_end(self) -> None:
        """Show all rows again."""
        self._ended()
        self._filtered("")
        self._pane.focus()
        self.remove()
