"""When the schedules of a project start sessions (core 8.2), decided from given times alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from ..operators.durations import duration_text, read_optional_duration
from ..workflow.config import Params
from ..workflow.convert import read_bool
from ..workflow.definition import WorkflowDefinition
from ..workflow.errors import ConfigError
from ..workflow.schedule import Schedule, ScheduleTime

FULL = timedelta(minutes=10)
"""How long a session waits when too many attempts or tasks run."""
BROKEN = timedelta(hours=1)
"""How long a session waits that cannot be started."""


class UnusedConfigError(ConfigError):
    """Keys of a schedule that nothing reads; a server and the scheduler refuse them."""

    kind = "unused config"


class Entry(Struct):
    """A workflow's place in the timetable: its next session, and the last one that was started."""

    workflow: str
    schedule: Schedule
    options: Params
    due: ScheduleTime
    last_session: datetime | None = None

    def __str__(self) -> str:
        last = f", lastSessionTime={instant(self.last_session)}" if self.last_session else ""
        return (
            f"StoredSchedule{{workflowName={self.workflow}, nextRunTime={instant(self.due.run_time)}, "
            f"nextScheduleTime={instant(self.due.session_time)}{last}}}"
        )

    def reason_to_skip(self, now: datetime, is_active: bool) -> str | None:
        """Why the session that is due is not started, in Digdag's words.

        Args:
            is_active: an attempt of the workflow runs.

        Raises:
            ConfigError: an option of the schedule has no form that Digdag takes.
        """
        skips_on_overtime = read_bool(self.options, "skip_on_overtime", False)
        limit = read_optional_duration(self.options, "skip_delayed_by")
        if limit is not None and (now - self.due.run_time).total_seconds() > limit:
            return (
                f"Now={instant(now)} is too late from scheduled time={instant(self.due.session_time)}. "
                f"It's over skip_delayed_by={duration_text(limit)}. Skipping this schedule: {self}"
            )
        if is_active and skips_on_overtime:
            return (
                "An attempt of the scheduled workflow is still running and skip_on_overtime = true. "
                f"Skipping this schedule: {self}"
            )
        return None

    def go_on(self, *, started: bool) -> None:
        """Go on to the next session; `started` says whether the one that was due was."""
        if started:
            self.last_session = self.due.session_time
        self.due = self.schedule.next(self.due.session_time)

    def postpone(self, now: datetime, delay: timedelta) -> None:
        """Try the session that is due again later."""
        self.due = ScheduleTime(self.due.session_time, now.replace(microsecond=0) + delay)


class Timetable:
    """The schedules of a project's newest revision, in the order in which they came."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def update(self, workflows: Iterable[WorkflowDefinition], now: datetime) -> None:
        """Take a new revision: schedules that have run go on after their last session, others begin anew.

        Raises:
            ConfigError: a schedule is not valid, or has keys that nothing reads. Nothing has changed then.
        """
        new = {entry.workflow: entry for entry in (_entry(workflow, now) for workflow in workflows) if entry}
        for name, entry in new.items():
            old = self.entries.get(name)
            if old and old.last_session:
                entry.last_session = old.last_session
                entry.due = entry.schedule.next(old.last_session)
        kept = [name for name in self.entries if name in new]
        self.entries = {name: new[name] for name in dict.fromkeys([*kept, *new])}

    def ready(self, now: datetime) -> Entry | None:
        """The first schedule whose next session is to be started."""
        return next((entry for entry in self.entries.values() if entry.due.run_time <= now), None)


def instant(time: datetime) -> str:
    """A time as Java's `Instant` prints it, to the millisecond."""
    precision = "milliseconds" if time.microsecond // 1000 else "seconds"
    return f"{time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision)}Z"


def _entry(workflow: WorkflowDefinition, now: datetime) -> Entry | None:
    schedule = Schedule.of(workflow)
    if schedule is None:
        return None
    if schedule.warnings:
        first = schedule.warnings[0]
        message = "\n".join(problem.message for problem in schedule.warnings)
        raise UnusedConfigError(message, position=first.position, hint="a server refuses it too: remove it")
    return Entry(workflow.name, schedule, workflow.config["schedule"], schedule.first(now))
