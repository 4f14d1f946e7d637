"""The debugger without a screen, while a `py>` task waits for an editor: how to attach, and who came and went."""

from __future__ import annotations

from collections.abc import Callable

from ..debugger.editor_entries import entries, tunnel
from ..debugger.events import DebuggerWaiting, EditorAttached, EditorDetached
from ..debugger.session import Session
from ..workflow.config import Params


class EditorConsole:
    """Tells of editors.

    Args:
        answer: prints a record, or the text.
    """

    def __init__(self, session: Session, answer: Callable[[Params, str | None], None]) -> None:
        self._session = session
        self._answer = answer
        self._waiting: int | None = None
        """The task that waited last, until it began."""

    def tell(self, event: DebuggerWaiting | EditorAttached | EditorDetached) -> None:
        """Print what happened."""
        name = self._session.attempt.tasks[event.task].full_name
        match event:
            case DebuggerWaiting():
                self._waiting = event.task
                self._show(event, name)
            case EditorAttached():
                self._answer({"event": "attached", "task": name}, f"an editor is attached to {name}")
            case EditorDetached(begun=True):
                self._answer({"event": "detached", "task": name}, f"{name} runs on without an editor")
            case EditorDetached():
                text = f"the editor went before {name} began: it waits again"
                self._answer({"event": "detached", "task": name, "waits": True}, text)

    def begin_without(self) -> bool:
        """Let the task that waits begin without an editor; False if none does."""
        waiting, self._waiting = self._waiting, None
        if waiting is None or self._session.state != "running" or self._session.not_possible("attach"):
            return False
        self._session.begin_without_editor(waiting)
        return True

    def _show(self, offer: DebuggerWaiting, name: str) -> None:
        """Where a task waits, with what each editor needs for that."""
        known, command = entries(offer, self._session.launch.project), tunnel(offer)
        lines = [f"{name} waits for a debugger on {offer.host}:{offer.port}; Ctrl-C lets it begin without one"]
        lines += [f"port {offer.taken} is taken: change the port in an entry you saved"] * bool(offer.taken)
        lines += [f"first on the editor's machine: {command}"] * bool(command)
        for entry in known:
            lines += ["", f"{entry.editor}: {entry.place}, then {entry.then}:", entry.text]
        where: Params = {"host": offer.host, "port": offer.port, "root": offer.root}
        where |= {"taken": offer.taken} if offer.taken else {}
        where |= {"tunnel": command} if command else {}
        texts = {entry.editor: entry.text for entry in known}
        self._answer({"event": "waiting", "task": name, **where, "entries": texts}, "\n".join(lines))
