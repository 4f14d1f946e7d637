"""The base of all dialogs and pages over the screen."""

from __future__ import annotations

from typing import Any, TypeVar

from textual import events
from textual.await_complete import AwaitComplete
from textual.message import Message
from textual.screen import ModalScreen, Screen

Result = TypeVar("Result")


class Modal(ModalScreen[Result]):
    """A page over the screen, which closes once: a key that comes right after the one that closed it does nothing."""

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def on_unmount(self) -> None:
        """Let the app forget its text areas: they watch the app's theme, which would keep them until it changes."""
        watchers = getattr(self.app, "__watchers", {}).get("theme", [])
        watchers[:] = [each for each in watchers if each[0].is_running]

    async def _on_message(self, message: Message) -> None:
        if not comes_late(self, message):
            await super()._on_message(message)


def comes_late(screen: Screen[Any], message: Message) -> bool:
    """Whether a screen is closed already that gets word of a widget, or of a timer: its widgets may be gone."""
    is_word = message.control is not None or isinstance(message, events.Timer)
    return is_word and screen not in screen.app.screen_stack
