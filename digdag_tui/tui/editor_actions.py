"""Opening what is at the cursor in the person's own editor."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from textual.app import SuspendNotSupported

from ..debugger.events import Notice
from ..engine.attempt import Task
from ..workflow.errors import DigdagError, Position
from .keeping import Keeping


class EditorActions(Keeping):
    """The way out to `$VISUAL` or `$EDITOR`, and back."""

    def refuse_open_editor(self, task: Task | None) -> str | None:
        place = self._editor_place()
        if place is None:
            return "nothing at the cursor is written in a file"
        if not (self.view.project / place.file).is_file():
            return f"{place.file} is not there"
        from .editors import find_editor

        try:
            find_editor()
        except DigdagError as error:
            return error.error_message
        return None

    def action_open_editor(self) -> None:
        place = self._editor_place()
        if not self._possible("open_editor") or place is None:
            return
        from .editors import find_editor

        editor = find_editor()
        command = editor.command(Path(self.view.project, place.file).absolute(), place.line, place.column)
        if not editor.in_terminal:
            self._open_beside(editor.name, command)
            return
        try:
            with self.suspend():
                code = subprocess.run(command, cwd=self.view.project).returncode
        except SuspendNotSupported:
            self.toast(f"{editor.name} cannot have this terminal", "warning")
        except OSError as error:
            self.toast(f"{editor.name} cannot be started: {error.strerror}", "error")
        else:
            self.refresh(layout=True)
            if code:
                self.toast(f"{editor.name} ended with code {code}", "warning")

    def _open_beside(self, name: str, command: list[str]) -> None:
        """Start an editor that has a window, and go on."""
        silence = subprocess.DEVNULL
        try:
            process = subprocess.Popen(
                command, cwd=self.view.project, stdin=silence, stdout=silence, stderr=silence, start_new_session=True
            )
        except OSError as error:
            self.toast(f"{name} cannot be started: {error.strerror}", "error")
            return

        def wait() -> None:
            if process.wait() > 0:
                self._inbox.append(Notice(f"{name} ended with code {process.returncode}", "warning"))

        threading.Thread(target=wait, name="editor", daemon=True).start()
        self.toast(f"opened in {name}")

    def _editor_place(self) -> Position | None:
        """Where the file is that the pane with the focus is about: at its cursor, or else the selected task."""
        from ..debugger.report import position_of_task

        main = self.main
        at_cursor = main.pane(main.active).position_at_cursor()
        return at_cursor or (position_of_task(main.selected) if main.selected else None)
