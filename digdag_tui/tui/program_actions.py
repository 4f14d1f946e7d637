"""Actions of the program itself: help, reports and pictures, what saving leads to, keys and themes, leaving."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..debugger.events import WATCH_MODES, Reloaded
from ..debugger.history import FOLDER
from ..engine.attempt import Task
from .actions import PANES
from .boxes import HeaderLine
from .editor_actions import EditorActions
from .interpreter_actions import InterpreterActions

if TYPE_CHECKING:
    from ..workflow.pins import Pin
    from .layout import Direction

NAMED = 6
"""How many touched tasks a notice names."""
WORDS = {
    "reload": "saving loads the new text and runs nothing: ^r runs what it touches",
    "touched": "saving runs again from the first touched task",
    "all": "saving runs all tasks again",
}
"""What the modes of watching do."""


class ProgramActions(EditorActions, InterpreterActions):
    """What concerns the program, and not the workflow."""

    async def action_help(self) -> None:
        from .help import Help

        name = self.main.active
        title = next(pane.title for pane in PANES if pane.name == name)
        await self.push_screen(Help(self.main.pane(name), title, self))

    # Reports and pictures

    def action_report(self) -> None:
        task = self._reported()
        if not self._possible("report") or task is None:
            return
        from ..debugger.report import report

        view = self.view
        text = report(
            view.attempt,
            task,
            self.main.inspection(task),
            project=view.project,
            mask=view.mask,
            number=view.number,
            stopped=view.stopped,
            pins=self._pins(),
            log=self._log_of(task),
        )
        name = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in task.full_name.lstrip("+"))
        place = self._write_file("reports", f"{name[:60]}.md", text)
        if place:
            self.copy_to_clipboard(text)
            self.toast(f"the report on {task.full_name} is copied, and in {place}")

    def refuse_report(self, task: Task | None) -> str | None:
        return "no task is selected, and none has failed" if self._reported() is None else None

    def _reported(self) -> Task | None:
        from ..debugger.report import subject_of

        return subject_of(self.view.attempt, self.view.stopped, self.main.selected)

    def _pins(self) -> dict[str, Pin]:
        names = (task.full_name for task in self.view.tasks.values() if self.view.is_pinned(task.full_name))
        pins = {name: self.session.pinned(name) for name in names} if self.session else {}
        return {name: pin for name, pin in pins.items() if pin}

    def _log_of(self, task: Task) -> list[str]:
        """What the task and those in it printed last."""
        from ..debugger.report import LOG_LINES
        from .logbook import Excerpt

        inside = {task.id, *(child.id for child in task.descendants())}
        lines = Excerpt(self.view.log, lambda run: run.task in inside)
        lines.take_in()
        last = map(lines.line, range(max(0, lines.count - LOG_LINES - 1), lines.count))
        return [f"{line.level} {line.text}".strip() if line.level else line.text for line in last]

    def action_picture(self) -> None:
        picture = self.export_screenshot(title=f"{self.view.project.name} - digdag-tui")
        place = self._write_file("pictures", f"{self.view.workflow or 'screen'}.svg", self.view.mask(picture))
        if place:
            self.toast(f"the screen is in {place}")

    def _write_file(self, folder: str, name: str, text: str) -> Path | None:
        """Write a file of the project's `.digdag/tui`, its time in its name; its place, or None if that failed."""
        stem, _, suffix = name.rpartition(".")
        place = FOLDER / folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{stem}.{suffix}"
        file = self.view.project / place
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            self.toast(f"{place} cannot be written: {error.strerror}", "error")
            return None
        return place

    # What saving a file leads to

    def action_watch_mode(self) -> None:
        session = self.session
        if not self._possible("watch_mode") or session is None:
            return
        session.watch_mode = WATCH_MODES[(WATCH_MODES.index(session.watch_mode) + 1) % len(WATCH_MODES)]
        self.state.set("watch_mode", session.watch_mode)
        self.main.query_one(HeaderLine).on_save = session.watch_mode
        self.toast(f"{session.watch_mode}: {WORDS[session.watch_mode]}")

    def refuse_watch_mode(self, task: Task | None) -> str | None:
        return "the workflow is still loading" if self.session is None else None

    def action_rerun(self) -> None:
        self._do("rerun", lambda session: session.rerun())

    def _tell_reload(self, reloaded: Reloaded) -> None:
        names = " ".join(reloaded.touched[:NAMED]) + " …" * (len(reloaded.touched) > NAMED)
        touched = f"{names} touched" if names else "no task is touched"
        after = {"reload": "; ^r runs again" if names else "", "all": ", all run again"}.get(reloaded.mode, "")
        self.toast(f"reloaded: {touched}{after}")

    # The screen

    def action_move_border(self, direction: str) -> None:
        if not self.main.move_border(cast("Direction", direction)):
            one = self.main.one_at_a_time
            reason = "one pane shows at a time (z)" if one else "panes are above each other: use ^↑ and ^↓"
            self.toast(f"can't move the border: {reason}", "warning")

    def action_theme(self) -> None:
        from textual.theme import ThemeProvider

        from .palette import Palette

        self.push_screen(Palette(providers=[ThemeProvider], placeholder="Find a theme"))

    def action_notifications(self) -> None:
        wanted = not self.person.get("notifications", True)
        self.person.set("notifications", wanted)
        self.toast("the end of a long run is told by bell and notification" if wanted else "runs end silently")

    def action_keys_file(self) -> None:
        from .keymap import keymap_file, write_draft

        file = self.keys_file or keymap_file()
        try:
            write_draft(file)
        except FileExistsError:
            self.toast(f"{file} is there already: edit it; it is read at the start")
        except OSError as error:
            self.toast(f"{file} cannot be written: {error.strerror}", "error")
        else:
            self.toast(f"{file} has all keys: change what you like; it is read at the start")

    async def action_quit(self) -> None:
        failing = self.view.stopped.task if self.view.stopped and self.view.stopped.reason == "exception" else None
        running = len(self.view.running.keys() - {failing})
        if self.session and self.session.state in ("running", "stopped") and running:
            from .dialogs import quit_question

            await self.push_screen(quit_question(running), lambda answer: self.exit() if answer == "quit" else None)
        else:
            self.exit()
