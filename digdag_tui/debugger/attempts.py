"""The attempts of a debugged workflow, one after another, in an event loop of their own.

`start` gives them a thread, `run` uses the caller's loop. What an attempt may keep of the one before is in its opening.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from ..engine.attempt import Attempt
from ..engine.events import (
    AnyEvent,
    AttemptStarted,
    SessionContinued,
    SessionStopped,
    TaskLogged,
)
from ..engine.journal import Journal, read_journal
from ..engine.planner import rows
from ..engine.runner import Runner
from ..workflow.errors import DigdagError, Problem
from ..workflow.project import problems_of
from .breakpoints import LOGPOINT, Breakpoints
from .environment import LocalEnvironment
from .events import AttemptOpened, Continued, Notice, ProblemsFound, SessionEvent, Stopped
from .gate import Breaks, Opening, StopGate
from .history import new_journal, reopen_journal, session_folder
from .launch import Launch, Loaded, load, session_time, start_event
from .python_debugger import PythonDebugger
from .python_stops import PythonContinued, PythonDetached, PythonStopped
from .required import RequiredAttempts

if TYPE_CHECKING:
    pass

if TYPE_CHECKING:
    from .hits import Hits

State: TypeAlias = Literal["loading", "broken", "running", "stopped", "ended", "recorded"]
"""`recorded` is an attempt of the past that is only looked at."""


class Attempts:
    """Runs attempts of a workflow, or shows recorded ones; `Session` adds what a person commands.

    `state`, `attempt` and `loaded` are for reading, the attempt at best while the session is stopped: a face that needs
    it at any time applies the events to an attempt of its own.

    Args:
        launch: what to run.
        environment: operators, secrets and the evaluator; used in the session's thread only.
        listener: called with every event, in the session's thread.
        journaled: whether attempts are kept on disk, as rewinding, reloading and resuming need.
    """

    def __init__(
        self,
        launch: Launch,
        environment: LocalEnvironment,
        listener: Callable[[SessionEvent], None] = lambda event: None,
        *,
        journaled: bool = True,
        break_on_failure: bool = True,
        breakpoints: Breakpoints | None = None,
    ) -> None:
        self.launch = launch
        self.state: State = "loading"
        self.attempt = Attempt()
        self.loaded: Loaded | None = None
        self.breaks = Breaks(on_failure=break_on_failure, on_question=break_on_failure)
        self.breakpoints = Breakpoints() if breakpoints is None else breakpoints
        self._environment = environment
        self._listener = listener
        self._journaled = journaled
        self._journal: Journal | None = None
        self._journal_path: Path | None = None
        self.session_time: str | None = None
        """The session's time in the workflow's zone, once the workflow was loaded."""
        self.session_warning: str | None = None
        """What Digdag logs about how the session's time was chosen."""
        self._runner: Runner | None = None
        self.python = PythonDebugger(
            launch.project,
            self.breakpoints,
            mask=environment.secrets.masker.mask,
            tell=self._tell,
            log=self._log_python,
            notice=lambda text: self._tell(Notice(text)),
            going=lambda task, stepped: self._gate.step_from(self.attempt.tasks[task], stepped),
        )
        """The tasks that run under the Python debugger."""
        self._required: RequiredAttempts | None = None
        self._gate = StopGate(Opening(), self.breaks, self._tell)
        self._openings: asyncio.Queue[Opening] = asyncio.Queue()
        self._leaving = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._opened_at = 0.0
        """When the attempt began; infinite once files that it does not have were loaded."""
        self._changed = threading.Condition()

    def load(self) -> Loaded:
        """Load and compile the project, if that was not done yet, and fix the session's time.

        Raises:
            DigdagError: it cannot be loaded, or the session's time is not one.
        """
        loaded = self.loaded or load(self.launch)
        if self.loaded is None:
            self.breakpoints.bind(loaded)
        if self.session_time is None:
            self.session_time, self.session_warning = session_time(self.launch, loaded, time.time())
        self.loaded = loaded
        return loaded

    def start(self, opening: Opening | None = None) -> None:
        """Run in a thread of its own until `quit`."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self.run(opening)), name="session", daemon=True)
        self._thread.start()

    async def run(self, opening: Opening | None = None) -> None:
        """Run attempts in the caller's event loop, as the commands want them, until `quit`."""
        self._loop = asyncio.get_running_loop()
        following = opening or Opening()
        try:
            await self._run(following)
        finally:
            self._environment.keep.close()

    async def _run(self, following: Opening) -> None:
        while not self._leaving:
            try:
                if following.recorded:
                    self._look_at(following.recorded)
                else:
                    await self.run_attempt(following)
            except DigdagError as error:
                self._tell(ProblemsFound(tuple(problems_of(error))))
                self._set_state("broken")
            except Exception as error:
                message = f"digdag-tui itself failed: {type(error).__name__}: {error}"
                self._tell(ProblemsFound((Problem(message, hint="restart (R) begins again; please report it"),)))
                self._set_state("broken")
            following = await self._openings.get()
            while not self._openings.empty():
                following = self._openings.get_nowait()

    async def run_attempt(self, opening: Opening) -> bool:
        """Run one attempt to its end; True for a success.

        Raises:
            DigdagError: the workflow cannot be loaded or started.
        """
        self._loop = asyncio.get_running_loop()
        self._set_state("loading")
        self._opened_at = time.time()
        self._gate = StopGate(opening, self.breaks, self._tell)
        started, past = self._beginning(opening)
        number = self._open_journal(opening, started)
        self.attempt = Attempt()
        self._tell(AttemptOpened(number, started.workflow, len(opening.recording.outcomes)))
        for event in past:
            self.attempt.apply(event)
            self._tell(event)
        required = self._required = self._required_attempts(opening, started)
        self._runner = Runner(
            self._environment,
            self._happened,
            attempt=self.attempt,
            journal=self._journal,
            gate=self._gate,
            recording=opening.recording,
            max_tasks=self.launch.max_task_threads,
            require=required.require,
        )
        self.breakpoints.begin()
        self._gate.watch(self.breakpoints, partial(self._hits, self._runner))
        self._gate.python = self.python
        self._set_state("running")
        try:
            return await self._runner.run(None if past else started)
        except BrokenPipeError:
            raise  # of the listener, whose reader went away
        except OSError as error:
            raise DigdagError(f"The journal cannot be written: {error}", hint="see that the disk has room") from error
        finally:
            if self._gate.editors:
                self._gate.editors.close_all()
            await required.close()
            if self._journal:
                self._journal.close()
            self._set_state("ended" if self._openings.empty() else "loading")

    def quit(self) -> None:
        """End everything that runs, then the session's thread."""
        self._leaving = True
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._open, Opening())
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join(timeout=10)

    def wait(self, *states: State, timeout: float = 30) -> State:
        """Wait until the session is in one of `states`; `timeout` is in seconds.

        Raises:
            TimeoutError: it never was.
        """
        self.wait_for(lambda: self.state in states, timeout)
        return self.state

    def wait_for(self, condition: Callable[[], bool], timeout: float = 30) -> None:
        """Wait until something is true of the session's state, or of what is stopped inside Python.

        Raises:
            TimeoutError: it never was; `timeout` is in seconds.
        """
        with self._changed:
            if not self._changed.wait_for(condition, timeout):
                raise TimeoutError(f"the session is {self.state}")

    @property
    def journal_folder(self) -> Path | None:
        """Where the session's attempts are kept, once the workflow was loaded."""
        if not self._journaled or self.loaded is None or self.session_time is None:
            return None
        return session_folder(self.launch.project, self.loaded.workflow.name, self.session_time)

    @property
    def journal_path(self) -> Path | None:
        """The journal of the present attempt."""
        return self._journal_path

    @property
    def stopped(self) -> Stopped | None:
        """The present stop."""
        return self._gate.stopped

    def _hits(self, runner: Runner) -> Hits:
        from .hits import Hits

        return Hits(self.breakpoints, runner, self._environment.evaluator, self._environment.secrets.masker.mask)

    # What is told

    def _happened(self, event: AnyEvent) -> None:
        self._tell(event)
        self._gate.observe(event)

    def _tell(self, event: SessionEvent) -> None:
        self._listener(event)
        if isinstance(event, Stopped):
            self._note(SessionStopped(time.time(), msgspec.to_builtins(event)))
            self._set_state("stopped")
        elif isinstance(event, Continued):
            self._note(SessionContinued(time.time()))
            self._set_state("running")
        elif isinstance(event, PythonStopped):
            self._gate.enter(event.task)
            self._set_state(self.state)
        elif isinstance(event, PythonContinued | PythonDetached):
            self._gate.exit(event.task)
            self._set_state(self.state)
            if self._runner:
                self._runner.wake()

    def _log_python(self, task: int, text: str) -> None:
        if self._runner:
            self._runner.emit(TaskLogged(time.time(), task, "POINT", LOGPOINT, text))

    def _note(self, event: SessionStopped | SessionContinued) -> None:
        """Keep a stop in the journal of the attempt, for those who look at it later."""
        if self._journal and self.attempt.success is None:
            self._journal.write(event)

    def _set_state(self, state: State) -> None:
        with self._changed:
            self.state = state
            self._changed.notify_all()

    # Beginning and ending

    def _cancel(self) -> None:
        stopped = self._gate.stopped
        self._gate.leave()
        if stopped:
            self._tell(Continued())
        if self._runner:
            self._runner.cancel()

    def _open(self, opening: Opening) -> None:
        """Begin another attempt; the present one is stopped, or left so that it can be gone on with."""
        self._openings.put_nowait(opening)
        if self._runner and (self._leaving or opening.recorded):
            self._runner.leave()
        else:
            self._cancel()
        self._set_state("loading")

    def _look_at(self, path: Path) -> None:
        """Tell a journal's events without running anything; a new attempt then has that one's session and params."""
        from .recorded import placed_events

        self._loop = asyncio.get_running_loop()
        self._set_state("loading")
        self._journal, self._journal_path, self._runner = None, path, None
        loaded = None
        try:
            loaded = self.load()
        except DigdagError as error:
            self._tell(ProblemsFound(tuple(problems_of(error))))
        damaged: list[int] = []
        events = placed_events(read_journal(path, on_damage=damaged.append), loaded)
        started = next(events, None)
        self.attempt = Attempt()
        if not isinstance(started, AttemptStarted):
            raise DigdagError(f"{path} has no attempt in it", hint="its first line is damaged: open another (A)")
        given = tuple(override for override in self.launch.overrides if override not in started.overrides)
        self.launch = msgspec.structs.replace(
            self.launch, session=started.session_time, overrides=(*started.overrides, *given)
        )
        self.session_time = started.session_time
        self._tell(AttemptOpened(int(path.stem), started.workflow, recorded=True))
        for event in (started, *events):
            self.attempt.apply(event)
            self._tell(event)
        if damaged and self.attempt.success is None:
            lost = f"line {damaged[0]:,} of {path.name} is damaged: only what was before it is shown"
            self._tell(Notice(lost, "warning"))
        self._set_state("recorded")

    def _beginning(self, opening: Opening) -> tuple[AttemptStarted, list[AnyEvent]]:
        """The first event; for an attempt that is gone on with, also all that happened before."""
        loaded = self.load()
        self._environment.pins.read()
        if opening.past:
            events = list(read_journal(opening.past.path))
            first = events[0]
            if isinstance(first, AttemptStarted):
                added = rows(loaded.tasks)
                if added == first.added:
                    first = events[0] = msgspec.structs.replace(first, added=added)
                return first, events
        return start_event(self.launch, loaded, self.session_time or "", time.time()), []

    def _required_attempts(self, opening: Opening, started: AttemptStarted) -> RequiredAttempts:
        """Where the attempts that this one requires run, with those that an earlier one keeps for it."""
        required = RequiredAttempts(
            self.launch,
            self.load(),
            self._environment,
            self._tell,
            started,
            journaled=self._journaled,
            resumed=opening.past is not None,
        )
        if self._required:
            required.keep(self._required, opening.recording)
        return required

    def _open_journal(self, opening: Opening, started: AttemptStarted) -> int:
        if not self._journaled:
            return 1
        mask = self._environment.secrets.masker.mask
        if opening.past:
            self._journal = reopen_journal(opening.past, mask)
            self._journal_path = self._journal.path
            return opening.past.number
        number, self._journal = new_journal(self.journal_folder or self.launch.project, mask)
        self._journal_path = self._journal.path
        return number
