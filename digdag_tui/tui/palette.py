"""The command palette: what is possible now."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.message import Message
from textual.widgets import LoadingIndicator

from .actions import ACTIONS, PANES, Action
from .modal import comes_late

if TYPE_CHECKING:
    from .app import DebuggerApp


_NAMED: Final = 1000
"""What it counts for that a command's name is what was typed, or begins with it: more than any match of its words."""


class Command(NamedTuple):
    """A line of the palette: `action` is the app's."""

    name: str
    key: str
    help: str
    action: str

    def line(self, name: Content) -> Content:
        """How it looks, its `name` perhaps with marks."""
        key = Content.styled(f"{self.key:6}", "$text-accent")
        help = Content.styled(self.help, "not bold $foreground 70%")
        return Content("").join([name.pad_right(max(1, 18 - name.cell_length)), key, help])


class DebuggerCommands(Provider):
    """The app's actions, without those that the session would refuse."""

    @property
    def debugger(self) -> DebuggerApp:
        app: DebuggerApp = self.app  # type: ignore[assignment]
        return app

    def commands(self) -> Iterator[Command]:
        """All that can be done now."""
        for action in ACTIONS:
            if self.debugger.refusal(action) is None:
                yield Command(_name(action), self.debugger.key_of(action), action.help, action.name)
        for pane in PANES:
            key = self.debugger.main.pane_keys[pane.name]
            yield Command(f"{pane.title} pane", key, f"go to {pane.title}", f"pane('{pane.name}')")

    async def discover(self) -> Hits:
        for command in self.commands():
            line = command.line(Content(command.name))
            yield DiscoveryHit(line, partial(self.app.run_action, command.action), command.name)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self.commands():
            score = matcher.match(f"{command.name} {command.key} {command.help}")
            if score > 0:
                line = command.line(matcher.highlight(command.name))
                name, typed = command.name.lower(), query.strip().lower()
                score += _NAMED * ((name == typed) + name.startswith(typed))
                yield Hit(score, line, partial(self.app.run_action, command.action), command.name)


class FoundCommands(CommandList):
    """The lines of the palette; a click on one that a new search took away is none."""

    def _on_click(self, event: events.Click) -> None:  # type: ignore[override]
        if event.style.meta.get("option", -1) >= self.option_count:
            event.prevent_default()


class Palette(CommandPalette):
    """Textual's palette, for keys and clicks that come faster than it is painted, and searches that end after it."""

    def compose(self) -> ComposeResult:
        for widget in super().compose():
            yield FoundCommands() if isinstance(widget, CommandList) else widget

    def _on_click(self, event: events.Click) -> None:  # type: ignore[override]
        if not self.region.contains_point(event.screen_offset):
            event.prevent_default()

    def _action_command_list(self, action: str) -> None:
        if any(found.size.height for found in self.query(CommandList)):
            super()._action_command_list(action)

    async def _watch__show_busy(self) -> None:
        if self.query(LoadingIndicator):
            await super()._watch__show_busy()

    def dismiss(self, result: None = None) -> AwaitComplete:
        self._cancel_gather_commands()
        return super().dismiss(result) if self.is_active else AwaitComplete()

    async def _on_message(self, message: Message) -> None:
        if not comes_late(self, message):
            await super()._on_message(message)


def _name(action: Action) -> str:
    word = action.label if action.label not in ("over", "into", "out") else f"step {action.label}"
    return f"{word[0].upper()}{word[1:]}"
