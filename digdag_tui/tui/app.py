"""The debugger in a terminal: a session in its own thread, its events folded into a view, the view painted."""

from __future__ import annotations

import gc
import os
import sys
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from ..debugger.events import (
    DebuggerWaiting,
    EditorAttached,
    EditorDetached,
    Notice,
    ProblemsFound,
    Reloaded,
    SessionEvent,
    Stopped,
    WatchMode,
)
from ..debugger.python_stops import PythonEvent
from ..debugger.signals import on_ending
from ..engine.attempt import Task
from ..engine.events import AttemptFinished
from ..workflow.errors import DigdagError
from .boxes import HeaderLine
from .history_actions import HistoryActions
from .inbox import Inbox
from .linting import Linting
from .program_actions import ProgramActions
from .python_actions import PythonActions
from .screen import MainScreen
from .view import Changed, View

if TYPE_CHECKING:
    from ..debugger.environment import LocalEnvironment
    from ..debugger.gate import Opening
    from ..debugger.history import PastAttempt
    from ..debugger.inspect import Inspection
    from ..debugger.launch import Launch
    from ..debugger.session import Session
    from ..debugger.watch import Watcher
    from ..params.evaluate import Evaluator

FRAME = 1 / 30
"""Seconds between two looks at what the session told."""
TICK = 0.2
"""Seconds between two looks at how long tasks have been running."""
MANY = 1000
"""Tasks that are too many to look through whenever garbage is collected."""
BUDGET = 0.02
"""Seconds that one look may take; what is left then waits for the next, so that keys are never kept waiting."""

TOLD = Notice | Reloaded | ProblemsFound | DebuggerWaiting | EditorAttached | EditorDetached | AttemptFinished
"""What is told once, beside what it changes on the screen."""
TEMPLATE_LIMIT = 0.5
"""Seconds that a template may take where it is only shown."""


class DebuggerApp(PythonActions, HistoryActions, ProgramActions, Linting):
    """Debugs a workflow.

    The screen is painted before anything is loaded: what the session needs is imported and made afterwards, in a
    thread.

    Args:
        project: the project's directory.
        workflow: the workflow's name.
        prepare: makes what a session runs; called once.
        opening: makes how the session begins; without it, stopped before the first task.
        watches: whether saved files are loaded again.
    """

    CSS_PATH = "style.tcss"
    TITLE = "digdag-tui"

    def __init__(
        self,
        project: Path,
        workflow: str,
        prepare: Callable[[], tuple[Launch, LocalEnvironment]],
        *,
        opening: Callable[[], Opening] | None = None,
        watches: bool = True,
    ) -> None:
        super().__init__()
        self.rejected: Exception | None = None
        """Why there is nothing to debug."""
        self.view = View(project)
        self._prepare = prepare
        self._opening = opening
        self._watches = watches
        self._watcher: Watcher | None = None
        self._inbox = Inbox(lambda: self.call_later(self._drain))
        self._evaluator: Evaluator | None = None
        self._open_state(project)
        self.main = MainScreen(self.view, workflow, self._inspect)
        self._shown_stop: Stopped | None = None
        self._ticked = 0.0
        self._frozen = 0
        """How many tasks the garbage collector does not look at."""

    def get_default_screen(self) -> Screen[Any]:
        return self.main

    # Life

    def on_mount(self) -> None:
        self._take_over()
        self.call_after_refresh(self._open)

    def _open(self) -> None:
        self._show_taken_over()
        self.set_interval(FRAME, self._drain)
        threading.Thread(target=self._load, name="load", daemon=True).start()

    def _load(self) -> None:
        """In a thread of its own: load the project, and look whether its last attempt came to an end."""
        from ..debugger.breakpoints import FILE, Breakpoints
        from ..debugger.history import last_attempt
        from ..debugger.session import Session
        from ..operators.images import Images

        try:
            launch, environment = self._prepare()
        except Exception as error:
            self.rejected = error
            self.call_later(self.exit)
            return
        self.view.mask = environment.secrets.masker.mask
        self._lacks = Images(environment.settings).lacks
        self.environment, self.view.settings = environment, lambda: environment.settings
        self.view.is_pinned = lambda full_name: environment.pins.find(full_name) is not None
        breakpoints = Breakpoints(launch.project / FILE)
        session = Session(launch, environment, self._inbox.put, breakpoints=breakpoints)
        session.watch_mode = self.wanted_watch_mode
        self.view.is_touched = session.touched.__contains__
        past = None
        with suppress(DigdagError):
            session.load()
            past = last_attempt(session.journal_folder) if session.journal_folder else None
        self.call_later(self._loaded, session, past)
        if self._watches:
            self._watch(session)

    def _loaded(self, session: Session, past: PastAttempt | None) -> None:
        from ..debugger.gate import Opening

        self.session = session
        self.main.params.workflow = self.main.python.workflow = lambda: session.loaded
        self.look_for_problems()
        self.show_breakpoints_of(session)
        self.begin_python(session)
        self.tell_interpreter(session)
        if self._opening:
            session.start(self._opening())
            return
        if past is None or past.finished or not past.ended_tasks:
            session.start(Opening(entry=True))
            return
        from .dialogs import resume_question

        def begin(answer: str | None) -> None:
            session.start(Opening(entry=True, past=past if answer == "go on" else None))

        self.push_screen(resume_question(past), begin)

    def _watch(self, session: Session) -> None:
        from ..debugger.watch import Watcher

        watcher = Watcher(self.view.project, self._files_changed, session.used_files)
        try:
            watcher.start()
        except OSError as error:
            self._inbox.append(
                Notice(f"saved files are not noticed: {error.strerror}; restart (R) loads them", "warning")
            )
            return
        self._watcher = watcher

    def _files_changed(self, files: frozenset[Path]) -> None:
        if self.session:
            self._answer(self.session.reload(files))

    def close(self) -> None:
        """End the session and what it runs."""
        self._leave()
        self._inbox.close()
        if self._watcher:
            self._watcher.stop()
        if self.session:
            self.session.quit()

    # Events of the session

    def _drain(self) -> None:
        if not self.is_running:
            return
        end = time.monotonic() + BUDGET
        changed, told, inside = Changed.NOTHING, [], []
        while self._inbox:
            event = self._inbox.popleft()
            changed |= self.view.apply(event)
            if isinstance(event, TOLD):
                told.append(event)
            if isinstance(event, PythonEvent):
                inside.append(event)
            if time.monotonic() > end:
                break
        if changed:
            with self.batch_update():
                self.main.paint(changed)
            self._after(changed)
        self.follow_python(inside)
        for event in told:
            self._tell(event)
        self._refresh_keys()
        if time.monotonic() - self._ticked > TICK:
            self._ticked = time.monotonic()
            self.main.tick()
            self._tell_terminal()
            self._keep()

    def _after(self, changed: Changed) -> None:
        stopped = self.view.stopped
        self.leave_python()
        if stopped is not self._shown_stop:
            self._shown_stop = stopped
            if stopped:
                self._show_stop(stopped)
        self._end_waiting()
        self._spare_collector(changed)
        if Changed.PARAMS in changed and self._edited:
            self._check_edit(*self._edited)
        if Changed.ATTEMPT in changed and self.session:
            self.main.query_one(HeaderLine).session = session_text(self.session.session_time or "")

    def _spare_collector(self, changed: Changed) -> None:
        """Keep what an attempt is made of out of the garbage collector's sight, which stops all for 0.1 s otherwise."""
        if Changed.ATTEMPT in changed:
            gc.unfreeze()
            self._frozen = 0
        if len(self.view.tasks) > self._frozen + MANY:
            gc.freeze()
            self._frozen = len(self.view.tasks)

    def _show_stop(self, stopped: Stopped) -> None:
        task = self.view.tasks[stopped.task]
        self.main.select(task)
        main, failed = self.main, stopped.reason == "exception"
        tells = bool(stopped.description) and not main.one_at_a_time
        wanted = "error" if failed else "stops" if tells else ""
        main.uncover(but=wanted)
        if wanted:
            main.show_for_stop(wanted, focus=failed)
        elif main.shows("error"):
            main.show_pane("params", focus=main.active == "error")
        if stopped.description and not main.shows("stops"):
            self.toast(stopped.description, "warning")

    def _tell(self, event: SessionEvent) -> None:
        match event:
            case Notice():
                self.toast(event.text, event.severity)
            case Reloaded():
                self._tell_reload(event)
            case ProblemsFound():
                self.look_for_problems()
                if event.problems:
                    self.toast(str(event.problems[0]), "error")
                    self.main.show_pane("problems", focus=False)
                elif self.main.shows("problems") and not self.view.all_problems():
                    self.main.show_pane("log", focus=False)
            case DebuggerWaiting():
                self._show_offer(event)
            case EditorAttached() | EditorDetached():
                self._tell_editor(event)
            case AttemptFinished() if not self.view.past:
                if self.view.recorded:
                    self._show_first_failure()
                else:
                    self.main.uncover(but="" if event.success else "error")
            case _:
                pass

    def _show_first_failure(self) -> None:
        """What an attempt of the past is opened for."""
        failed = next(iter(sorted(self.view.failures(), key=lambda task: task.ended_at or 0)), None)
        if failed:
            self.main.select(failed)
            self.main.show_for_stop("error", focus=True)

    # What the main screen asks for

    def _inspect(self, task: Task) -> Inspection:
        from ..debugger.inspect import inspect
        from ..params.evaluate import Evaluator

        self._evaluator = self._evaluator or Evaluator(time_limit=TEMPLATE_LIMIT)
        return inspect(self.view.attempt, task, self._evaluator)


def session_text(time: str) -> str:
    """A session time without what says nothing: `2026-01-31 00:00 +09:00`."""
    date, _, rest = time.partition("T")
    clock, zone = rest[:8], rest[8:]
    return f"{date} {clock.removesuffix(':00')} {zone}".strip()


def run_app(
    project: Path,
    workflow: str,
    prepare: Callable[[], tuple[Launch, LocalEnvironment]],
    opening: Callable[[], Opening] | None = None,
    watch_mode: WatchMode | None = None,
    keys_file: Path | None = None,
) -> int:
    """Open the debugger until the person leaves it; the exit code.

    Raises:
        DigdagError: `prepare` did; the screen is closed again.
    """
    app = DebuggerApp(project, workflow, prepare, opening=opening)
    app.watch_option, app.keys_file = watch_mode, keys_file
    on_ending(partial(_end, app))
    try:
        app.run()
    finally:
        app.close()
    if app.rejected:
        raise app.rejected
    return app.return_code or 0


def _end(app: DebuggerApp, number: int) -> None:
    """Leave because of a signal; without its terminal the screen cannot be closed, and waits for ever."""
    try:
        termios.tcgetattr(sys.__stdin__ or 0)
    except (termios.error, ValueError):
        app.close()
        os._exit(128 + number)
    app.exit(return_code=128 + number)
