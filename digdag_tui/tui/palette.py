"""The command palette: what is possible now."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider

from .actions import ACTIONS, PANES, Action

if TYPE_CHECKING:
    from .app import DebuggerApp


class DebuggerCommands(Provider):
    """The app's actions, without those that the session would refuse."""

    @property
    def debugger(self) -> DebuggerApp:
        app: DebuggerApp = self.app  # type: ignore[assignment]
        return app

    def _commands(self) -> Iterator[tuple[str, str, str]]:
        """Text, help and action."""
        for action in ACTIONS:
            if self.debugger.refusal(action) is None:
                yield _text(action, self.debugger.key_of(action)), action.help, action.name
        for pane in PANES:
            key = self.debugger.main.pane_keys[pane.name]
            yield _with_key(f"{pane.title} pane", key), f"go to {pane.title}", f"pane('{pane.name}')"

    async def discover(self) -> Hits:
        for text, help, action in self._commands():
            yield DiscoveryHit(text, partial(self.app.run_action, action), help=help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for text, help, action in self._commands():
            score = matcher.match(f"{text} {help}")
            if score > 0:
                yield Hit(score, matcher.highlight(text), partial(self.app.run_action, action), help=help)


class Palette(CommandPalette):
    """Textual's palette, for keys that come faster than it is painted."""

    def _action_command_list(self, action: str) -> None:
        if self.query_one(CommandList).size.height:
            super()._action_command_list(action)

    def dismiss(self, result: None = None) -> AwaitComplete:
        return super().dismiss(result) if self.is_active else AwaitComplete()


def _text(action: Action, key: str) -> str:
    word = action.label if action.label not in ("over", "into", "out") else f"step {action.label}"
    return _with_key(f"{word[0].upper()}{word[1:]}", key)


def _with_key(text: str, key: str) -> str:
    return f"{text}  ({key})" if key else text
