"""The attempts of other workflows that `require>` tasks start beside the main one (operators 3)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Struct

from ..engine.events import AttemptFinished, AttemptStarted, TaskFailed, TaskSucceeded
from ..engine.journal import Journal, read_journal
from ..engine.operator import AttemptRequest, RequiredAttempt
from ..engine.recording import Recording
from ..engine.runner import Runner
from ..workflow.config import merge
from ..workflow.convert import read_int
from ..workflow.errors import DigdagError
from ..workflow.session_time import format_session_time, parse_session_time
from ..workflow.zones import zone
from .environment import LocalEnvironment
from .events import Notice, RequiredEvent, SessionEvent
from .history import last_journal, new_journal, session_folder
from .launch import Launch, Loaded, load_required, start_event

PROJECT: Final = (1, "default")
"""The id and the name that Digdag gives to the project of a local run."""

Key = tuple[str, datetime]
"""A session: a workflow and the time in UTC."""


class AttemptLimitError(DigdagError):
    """More attempts than may run at a time (core 9)."""

    kind = "attempt limit exceeded"


def attempt_limit(settings: Mapping[str, str]) -> int:
    """The most attempts that run at a time, by Digdag's configuration (core 9).

    Raises:
        ConfigError: it is no number there.
    """
    return read_int(settings, "executor.attempt_max_run", read_int(settings, "io.digdag.limits.maxAttempts", 100))


def check_attempts(limit: int, running: int) -> None:
    """See that one more attempt may run beside `running` ones.

    Raises:
        AttemptLimitError: it may not.
    """
    if running >= limit:
        raise AttemptLimitError(f"Too many attempts running. Limit: {limit}, Current: {running}")


class _Entry(Struct):
    """An attempt of a session; `runner` is there while it runs."""

    started: AttemptStarted
    success: bool | None = None
    runner: Runner | None = None


class RequiredAttempts:
    """All attempts of one main attempt: `require` starts or finds them, `close` ends what still runs."""

    def __init__(
        self,
        launch: Launch,
        loaded: Loaded,
        environment: LocalEnvironment,
        listener: Callable[[SessionEvent], None],
        main: AttemptStarted,
        *,
        journaled: bool,
        resumed: bool,
    ) -> None:
        self._launch = launch
        self._loaded = loaded
        self._environment = environment
        self._listener = listener
        self._journaled = journaled
        self._since = main.at if resumed else None
        self._sessions: dict[Key, list[_Entry]] = {_key(main): [_Entry(main)]}
        self._running: set[asyncio.Task[None]] = set()
        self._last_session = self._last_attempt = 1

    def keep(self, earlier: RequiredAttempts, recording: Recording) -> None:
        """Have the ended attempts of an earlier main attempt whose tasks are not called again."""
        for key, entries in earlier._sessions.items():
            for entry in entries:
                outcomes = recording.outcomes.get(entry.started.required_by or "")
                if entry.success is not None and outcomes and isinstance(outcomes[-1].end, TaskSucceeded | TaskFailed):
                    self._add(key, entry)

    def require(self, request: AttemptRequest, main_task: str | None = None) -> RequiredAttempt | None:
        """The session's attempt of that retry name, or its last one without a name; a new one if it has none.

        Args:
            main_task: the main attempt's task for which this is done, if an attempt that it required asks.

        Raises:
            DigdagError: the attempt cannot be started.
        """
        if request.project not in PROJECT or request.workflow not in self._loaded.project.workflows:
            return None
        key = (request.workflow, request.session_time)
        entries = self._sessions.get(key) or self._ended_before(key)
        found = _named(entries, request.retry_attempt_name)
        if found:
            self._last_session, self._last_attempt = self._last_session + 1, self._last_attempt + 1
        entry = found or self._start(key, entries, request, main_task or request.task)
        started = entry.started
        return RequiredAttempt(
            started.session_id, started.attempt_id, started.session_time, found is None, entry.success
        )

    async def close(self) -> None:
        """End every attempt that runs."""
        for entries in self._sessions.values():
            for entry in entries:
                if entry.runner:
                    entry.runner.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def _start(self, key: Key, entries: list[_Entry], request: AttemptRequest, main_task: str) -> _Entry:
        active = sum(entry.success is None for entries in self._sessions.values() for entry in entries)
        check_attempts(attempt_limit(self._environment.settings), active)
        loaded = load_required(self._loaded, request.workflow)
        local_time = format_session_time(request.session_time.astimezone(zone(loaded.workflow.timezone)))
        event = start_event(self._launch, loaded, local_time, time.time())
        started = msgspec.structs.replace(
            event,
            params=merge(request.params, event.params),
            session_uuid=entries[0].started.session_uuid if entries else event.session_uuid,
            session_id=entries[0].started.session_id if entries else self._last_session + 1,
            attempt_id=self._last_attempt + 1,
            retry_attempt_name=request.retry_attempt_name,
            required_by=main_task,
        )
        folder = session_folder(self._launch.project, started.workflow, started.session_time)
        journal = new_journal(folder, self._environment.secrets.masker.mask)[1] if self._journaled else None
        runner = Runner(
            self._environment,
            lambda event: self._listener(RequiredEvent(started.session_id, started.attempt_id, event)),
            journal=journal,
            max_tasks=self._launch.max_task_threads,
            require=lambda request: self.require(request, main_task),
        )
        entry = _Entry(started, runner=runner)
        self._add(key, entry)
        running = asyncio.get_running_loop().create_task(self._run(entry, runner, journal))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return entry

    async def _run(self, entry: _Entry, runner: Runner, journal: Journal | None) -> None:
        """Run an attempt to its end, and tell of its failures."""
        started = entry.started
        try:
            entry.success = await runner.run(started)
            for task in runner.attempt.tasks.values():
                if task.state == "error":
                    message = task.error.get("message", "")
                    self._tell(f"{started.required_by} requires {task.full_name}, which failed: {message}")
        except Exception as error:
            entry.success = False
            self._tell(f"{started.required_by} requires {started.workflow}, which broke: {error}")
        finally:
            entry.runner = None
            if journal:
                journal.close()

    def _tell(self, text: str) -> None:
        self._listener(Notice(self._environment.secrets.masker.mask(text), "error"))

    def _add(self, key: Key, entry: _Entry) -> None:
        self._sessions.setdefault(key, []).append(entry)
        self._last_session = max(self._last_session, entry.started.session_id)
        self._last_attempt = max(self._last_attempt, entry.started.attempt_id)

    def _ended_before(self, key: Key) -> list[_Entry]:
        """What a main attempt that is gone on with required, and that ended before its process died."""
        workflow, at = key
        if self._since is None:
            return []
        local_time = format_session_time(at.astimezone(zone(self._loaded.project.workflows[workflow].timezone)))
        last = last_journal(session_folder(self._launch.project, workflow, local_time))
        events = list(read_journal(last[1])) if last else []
        if not events:
            return []
        first, end = events[0], events[-1]
        was_required = isinstance(first, AttemptStarted) and first.required_by and first.at >= self._since
        if isinstance(first, AttemptStarted) and was_required and isinstance(end, AttemptFinished):
            self._add(key, _Entry(first, end.success))
        return self._sessions.get(key, [])


def _key(started: AttemptStarted) -> Key:
    return started.workflow, parse_session_time(started.session_time).astimezone(UTC)


def _named(entries: list[_Entry], retry_attempt_name: str | None) -> _Entry | None:
    if retry_attempt_name is None:
        return entries[-1] if entries else None
    return next((entry for entry in entries if entry.started.retry_attempt_name == retry_attempt_name), None)
