"""The command palette: what is possible now."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider

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
                yield _text(action), action.help, action.name
        for number, (pane, name) in enumerate(PANES, 1):
            yield f"{name} pane  ({number})", f"go to {name.lower()}", f"pane('{pane}')"

    async def discover(self) -> Hits:
        for text, help, action in self._commands():
            yield DiscoveryHit(text, partial(self.app.run_action, action), help=help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for text, help, action in self._commands():
            score = matcher.match(f"{text} {help}")
            if score > 0:
                yield Hit(score, matcher.highlight(text), partial(self.app.run_action, action), help=help)


def _text(action: Action) -> str:
    word = action.label if action.label not in ("over", "into", "out") else f"step {action.label}"
    return f"{word.capitalize()}  ({action.key})"
