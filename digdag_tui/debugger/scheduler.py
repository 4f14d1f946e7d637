"""Runs the sessions of a project's schedules when they are due, as `digdag scheduler` does (cli 3, core 8.2)."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import msgspec
from msgspec import Struct

from ..engine.events import AttemptStarted
from ..engine.operator import AttemptRequest, RequiredAttempt
from ..engine.planner import TaskLimitError
from ..engine.runner import Runner
from ..engine.sla import sla_time
from ..workflow.compiler import compile_workflow
from ..workflow.definition import Project, TaskDefinition
from ..workflow.errors import DigdagError, ProjectError
from ..workflow.project import load_project, workflow_files
from ..workflow.schedule import Schedule
from ..workflow.session_time import format_session_time
from ..workflow.zones import zone
from .environment import LocalEnvironment
from .events import RequiredEvent
from .history import new_journal, session_folder
from .launch import Launch, Loaded, start_event
from .required import PROJECT, AttemptLimitError, attempt_limit, check_attempts
from .threads import SharedThreads
from .timetable import BROKEN, FULL, Entry, Timetable, instant

POLL: Final = 1.0
"""Seconds between looks at the clock and at the project's files."""

EXECUTOR: Final = "io.digdag.core.schedule.ScheduleExecutor"
RELOADER: Final = "io.digdag.cli.RevisionAutoReloader"

Log: TypeAlias = Callable[[str, str, str], None]
"""Takes a level, Digdag's logger class and a message."""


class _Attempt(Struct):
    """What is kept of an attempt when it has ended."""

    session_id: int
    session_uuid: str
    attempt_id: int
    session_time: str
    retry_attempt_name: str | None
    success: bool | None = None


class _Running(NamedTuple):
    workflow: str
    runner: Runner


class Scheduler:
    """Starts sessions and reloads the project until `stop`.

    Args:
        launch: the project and what its attempts run with; `workflow` and `session` do not count.
        log: told what Digdag's scheduler logs.
        listener: called with what happens in the attempts.

    Raises:
        ConfigError: the configuration's limit of attempts is no number.
    """

    def __init__(
        self,
        launch: Launch,
        environment: LocalEnvironment,
        log: Log,
        listener: Callable[[RequiredEvent], None],
    ) -> None:
        self.timetable = Timetable()
        self._attempt_limit = attempt_limit(environment.settings)
        self._launch = launch
        self._environment = environment
        self._log = log
        self._listener = listener
        self._project = Project(launch.project, {}, frozenset())
        self._tasks: dict[str, list[TaskDefinition]] = {}
        self._revision = 0
        self._stamps: dict[Path, tuple[int, int]] = {}
        self._refused = ""
        self._sessions: dict[tuple[str, datetime], list[_Attempt]] = {}
        self._last_attempt = 0
        self._running: dict[asyncio.Task[None], _Running] = {}
        self._stopping = asyncio.Event()
        self._threads = SharedThreads(launch.max_task_threads or sys.maxsize)

    def load(self) -> None:
        """Load the project, and take it for a new revision if its workflows differ from the last one's.

        Raises:
            DigdagError: it does not load or compile, or a schedule is not valid.
        """
        self._stamps = before = self._stamp()
        project = load_project(self._launch.project)
        if self._revision and project.workflows == self._project.workflows:
            return
        tasks = {name: compile_workflow(workflow) for name, workflow in project.workflows.items()}
        self.timetable.update(project.workflows.values(), datetime.now(UTC))
        if self._revision:
            self._log("INFO", RELOADER, f"Reloading {self._launch.project}")
        self._project, self._tasks = project, tasks
        self._stamps = {**self._stamp(), **before}
        self._revision += 1
        self._log("INFO", RELOADER, f"Added new revision {self._revision}")

    async def run(self) -> None:
        """Start what is due until `stop`, then end what runs; the project has been loaded."""
        while not self._stopping.is_set():
            await self._start_due()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), POLL)
            self._reload()
        await asyncio.sleep(0)  # so that an attempt has begun which was started just now
        for running in self._running.values():
            running.runner.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def stop(self) -> None:
        """End `run` and all tasks that it started."""
        self._stopping.set()

    # Schedules

    async def _start_due(self) -> None:
        now = datetime.now(UTC)
        while entry := self.timetable.ready(now):
            before, started = str(entry), False
            try:
                started = self._settle(entry, now)
                await asyncio.sleep(0)
            except (TaskLimitError, AttemptLimitError) as error:
                text = "Number of attempts or tasks exceed limit. Pending this schedule for 10 minutes"
                self._log("INFO", EXECUTOR, f"{text}: {before}\n{error.log_message}")
                entry.postpone(now, FULL)
            except (DigdagError, OSError) as error:
                text = f"Error during scheduling. Pending this schedule for 1 hour: {before}"
                self._log("ERROR", EXECUTOR, f"{text}\n{_told(error)}")
                entry.postpone(now, BROKEN)
            due = f"ScheduleTime{{runTime={instant(entry.due.run_time)}, time={instant(entry.due.session_time)}}}"
            last = instant(entry.last_session) if started and entry.last_session else "null"
            text = f"Updating next schedule time: sched={before}, next={due}, lastSessionTime={last}"
            self._log("INFO", EXECUTOR, text)

    def _settle(self, entry: Entry, now: datetime) -> bool:
        """Start the session that is due, or skip it; whether it was started.

        Raises:
            TaskLimitError, AttemptLimitError: too much runs.
            DigdagError: the session cannot be started.
            OSError: no journal can be written.
        """
        is_active = any(running.workflow == entry.workflow for running in self._running.values())
        reason = entry.reason_to_skip(now, is_active)
        if reason:
            self._log("INFO", EXECUTOR, reason)
        elif _key(entry.workflow, entry.due.session_time) in self._sessions:
            self._log("DEBUG", EXECUTOR, f"Scheduled attempt of {entry} is already executed. Skipping")
        else:
            last = entry.last_session
            params = {"last_executed_session_time": format_session_time(last)} if last else {}
            request = AttemptRequest(PROJECT[0], entry.workflow, entry.due.session_time, None, params, task="")
            self._begin(request, entry.due.run_time.timestamp())
        entry.go_on(started=reason is None)
        return reason is None

    # Attempts

    def _require(self, request: AttemptRequest) -> RequiredAttempt | None:
        """The attempt that a `require>` asks for: one of its session, or a new one."""
        if request.project not in PROJECT or request.workflow not in self._project.workflows:
            return None
        earlier = self._sessions.get(_key(request.workflow, request.session_time), [])
        found = [one for one in earlier if request.retry_attempt_name in (None, one.retry_attempt_name)]
        attempt = found[-1] if found else self._begin(request, time.time())
        return RequiredAttempt(attempt.session_id, attempt.attempt_id, attempt.session_time, not found, attempt.success)

    def _begin(self, request: AttemptRequest, run_time: float) -> _Attempt:
        """Start an attempt; `run_time`, in seconds since the epoch, is what the workflow's `sla` counts from.

        Raises:
            TaskLimitError, AttemptLimitError: too much runs.
            DigdagError: the attempt cannot be started.
            OSError: no journal can be written.
        """
        check_attempts(self._attempt_limit, len(self._running))
        name, session = request.workflow, _key(request.workflow, request.session_time)
        workflow = self._project.workflows[name]
        loaded = Loaded(self._project, workflow, self._tasks[name], Schedule.of(workflow))
        local_time = format_session_time(request.session_time.astimezone(zone(workflow.timezone)))
        event = start_event(self._launch, loaded, local_time, time.time())
        sla_at = sla_time(workflow.config, workflow.timezone, run_time)
        earlier = self._sessions.get(session, [])
        _, journal = new_journal(
            session_folder(self._launch.project, name, local_time), self._environment.secrets.masker.mask
        )
        self._last_attempt += 1
        attempt = _Attempt(
            session_id=earlier[0].session_id if earlier else len(self._sessions) + 1,
            session_uuid=earlier[0].session_uuid if earlier else event.session_uuid,
            attempt_id=self._last_attempt,
            session_time=local_time,
            retry_attempt_name=request.retry_attempt_name,
        )
        self._sessions[session] = [*earlier, attempt]
        started = msgspec.structs.replace(
            event,
            params={**request.params, **event.params},
            session_id=attempt.session_id,
            session_uuid=attempt.session_uuid,
            attempt_id=attempt.attempt_id,
            retry_attempt_name=attempt.retry_attempt_name,
            required_by=request.task or None,
            sla_at=sla_at,
        )
        runner = Runner(
            self._environment,
            lambda event: self._tell(RequiredEvent(attempt.session_id, attempt.attempt_id, event)),
            journal=journal,
            gate=self._threads.gate(attempt.attempt_id),
            require=self._require,
        )
        task = asyncio.get_running_loop().create_task(self._run(attempt, runner, started))
        self._running[task] = _Running(name, runner)
        self._threads.add(attempt.attempt_id, runner)

        def ended(task: asyncio.Task[None]) -> None:
            del self._running[task]
            self._threads.remove(attempt.attempt_id)
            journal.close()

        task.add_done_callback(ended)
        return attempt

    async def _run(self, attempt: _Attempt, runner: Runner, started: AttemptStarted) -> None:
        try:
            attempt.success = await runner.run(started)
        except Exception as error:
            attempt.success = False
            self._log("ERROR", EXECUTOR, f"The attempt {attempt.attempt_id} of {started.workflow} broke off: {error}")

    def _tell(self, event: RequiredEvent) -> None:
        self._threads.observe(event)
        self._listener(event)

    # Revisions

    def _reload(self) -> None:
        """Take changes of the project's files; what is wrong with them is told once."""
        if not self._refused and self._stamp() == self._stamps:
            return
        try:
            self.load()
            self._refused = ""
        except DigdagError as error:
            text = _told(error)
            if text != self._refused:
                self._log("ERROR", RELOADER, f"Failed to reload\n{text}")
            self._refused = text

    def _stamp(self) -> dict[Path, tuple[int, int]]:
        """When the project's files were written, and how large they are."""
        stamps = {}
        with contextlib.suppress(DigdagError):
            for path in {*workflow_files(self._launch.project), *self._project.sources}:
                with contextlib.suppress(OSError):
                    status = path.stat()
                    stamps[path] = (status.st_mtime_ns, status.st_size)
        return stamps


def _key(workflow: str, session: datetime) -> tuple[str, datetime]:
    """A session, however its time is given: times that daylight saving repeats are equal in one zone only."""
    return workflow, session.astimezone(UTC)


def _told(error: DigdagError | OSError) -> str:
    """An error's message, and below it where the mistakes are and what to do."""
    if isinstance(error, OSError):
        return str(error)
    problems = error.problems if isinstance(error, ProjectError) else []
    places = [str(problem) for problem in problems] or ([error.advice] if error.advice else [])
    return "\n".join([error.log_message, *(f"  {place}" for place in places)])
