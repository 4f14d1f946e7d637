"""What every action needs: whether it is possible now, and how the session is given its command.

The actions themselves are in the modules of their groups. Beside `action_x` a `refuse_x` may say why it cannot be done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from textual.app import App
from textual.binding import BindingType
from textual.notifications import Notify, SeverityLevel

from ..debugger.events import Notice
from ..engine.attempt import Task
from .actions import ACTIONS, GROUPS, Action, bindings, written
from .boxes import KeyBar
from .inbox import Inbox
from .palette import DebuggerCommands, Palette
from .screen import MainScreen
from .toasts import Toast
from .view import View

if TYPE_CHECKING:
    from ..debugger.session import Session

NO_TASK: Final = "no task is selected"
IN_THE_PAST: Final = ("rewind", "restart", "pause", "stop", "attempts")
"""Commands that are meant as they are said, whatever time is shown."""


class Commanding(App[None]):
    """The part of the debugger that carries out what the person wants."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]
    COMMANDS = {DebuggerCommands}  # noqa: RUF012
    ALLOW_SELECT = False
    """Terminals select text themselves; Textual fails where what is selected in is just being closed."""

    view: View
    main: MainScreen
    session: Session | None = None
    keymap: Mapping[str, tuple[str, ...]] = {}
    """The person's own keys, by the ids of bindings; the others are those of the table of actions."""
    _inbox: Inbox
    _shown_keys: tuple[object, ...] = ()

    def toast(self, text: str, severity: Literal["information", "warning", "error"] = "information") -> None:
        """Show something once; the text is data."""
        self.notify(
            self.view.mask(text), severity=severity, markup=False, timeout=8 if severity != "information" else 4
        )

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        seconds = self.NOTIFICATION_TIMEOUT if timeout is None else timeout
        self.post_message(Notify(Toast(message, title, severity, seconds, markup=markup)))

    def keys_of(self, action: Action) -> tuple[str, ...]:
        """The keys of an action as they are now."""
        return self.keymap.get(action.name, tuple(filter(None, action.keys.split(","))))

    def key_of(self, action: Action) -> str:
        """The first key of an action as people write it; blank if it has none."""
        return next(map(written, self.keys_of(action)), "")

    # What is possible

    def refusal(self, action: Action) -> str | None:
        """Why an action cannot be done now, or None if it can."""
        if self.view.past and action.command and action.name not in IN_THE_PAST:
            return "this is the past, only looked at: Esc goes to the present, w begins again from here"
        if action.command:
            if self.session is None:
                return "the workflow is still loading"
            reason = self.session.not_possible(action.command)
            if reason:
                return reason
        refuse = getattr(self, f"refuse_{action.name.partition('(')[0]}", None)
        reason = refuse(self.main.selected) if refuse else None
        return str(reason) if reason else None

    def _refresh_keys(self) -> None:
        past = self.view.replay.position if self.view.past else 0
        inside = (*self.view.python.stops, *self.view.python.attached)
        shown = (self.session.state if self.session else "", self.main.selected, self.view.stopped, past, inside)
        if shown != self._shown_keys:
            self._shown_keys = shown
            first, last = "pin" if self.view.asking() else "", "restart"
            wanted = [action for action in ACTIONS if action.bar or action.name == first]
            if self.view.past or self.view.recorded:
                wanted = [*dict.fromkeys((*GROUPS["History"], *([] if self.view.past else wanted)))]
            possible = [action for action in wanted if self.refusal(action) is None]
            possible.sort(key=lambda action: (action.name != first, action.name == last))
            bar = self.main.query_one(KeyBar)
            bar.keys = tuple((self.key_of(action), action.label, action.name) for action in possible)
            bar.help_key = next(self.key_of(action) for action in ACTIONS if action.name == "help")

    def action_command_palette(self) -> None:
        if not any(isinstance(screen, Palette) for screen in self.screen_stack):
            self.push_screen(Palette())

    def on_main_screen_selected(self) -> None:
        self._refresh_keys()

    def _possible(self, name: str) -> bool:
        """Whether an action can be done now; if not, say why."""
        action = next(action for action in ACTIONS if action.name == name)
        reason = self.refusal(action)
        if reason:
            self.toast(f"can't {action.command or action.label}: {reason}", "warning")
        return reason is None

    def _do(self, name: str, command: Callable[[Session], Future[None]]) -> None:
        """Give the session a command, or say why that is not possible."""
        if self._possible(name) and self.session:
            self._answer(command(self.session))

    def _answer(self, future: Future[None]) -> None:
        future.add_done_callback(self._answered)

    def _answered(self, future: Future[None]) -> None:
        """In the session's thread."""
        from ..debugger.session import NotPossible

        error = future.exception()
        if error:
            severity: Any = "warning" if isinstance(error, NotPossible) else "error"
            self._inbox.append(Notice(str(error), severity))

    def _selected_task(self) -> Task:
        """The selected task; `refusal` has made sure that there is one."""
        assert self.main.selected
        return self.main.selected
