"""When sessions start (core 8.2), decided from given times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.debugger.timetable import BROKEN, FULL, Entry, Timetable, UnusedConfigError, instant
from digdag_tui.workflow.config import Config, Params
from digdag_tui.workflow.definition import WorkflowDefinition
from digdag_tui.workflow.errors import ConfigError, Position
from digdag_tui.workflow.schedule_times import NEVER


def workflow(name: str, schedule: Params | None, timezone: str = "UTC") -> WorkflowDefinition:
    positions = {key: Position(f"{name}.dig", line, 3) for line, key in enumerate(schedule or {}, 2)}
    config = Config({} if schedule is None else {"schedule": Config(schedule, positions)})
    return WorkflowDefinition(name, Path(f"{name}.dig"), timezone, config)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def timetable(*workflows: WorkflowDefinition, now: str) -> Timetable:
    table = Timetable()
    table.update(workflows, at(now))
    return table


def due(table: Timetable, name: str = "main") -> tuple[str, str]:
    entry = table.entries[name]
    return instant(entry.due.session_time), instant(entry.due.run_time)


def run(table: Timetable, now: str, is_active: bool = False) -> list[str]:
    """Start or skip all that is due; the sessions started, by workflow."""
    started = []
    while entry := table.ready(at(now)):
        skipped = entry.reason_to_skip(at(now), is_active)
        if not skipped:
            started.append(f"{entry.workflow} {instant(entry.due.session_time)}")
        entry.go_on(started=not skipped)
    return started


def test_a_schedule_begins_with_the_first_session_that_runs_later() -> None:
    table = timetable(workflow("main", {"daily>": "07:00:00"}, "Asia/Tokyo"), now="2026-01-30T22:00:01")
    assert due(table) == ("2026-01-31T15:00:00Z", "2026-01-31T22:00:00Z")
    table = timetable(workflow("main", {"daily>": "07:00:00"}, "Asia/Tokyo"), now="2026-01-30T22:00:00")
    assert due(table) == ("2026-01-30T15:00:00Z", "2026-01-30T22:00:00Z")


def test_a_session_is_due_at_its_run_time() -> None:
    table = timetable(workflow("main", {"hourly>": "15:00"}), workflow("other", None), now="2026-01-31T00:00:00")
    assert run(table, "2026-01-31T00:14:59") == []
    assert run(table, "2026-01-31T00:15:00") == ["main 2026-01-31T00:00:00Z"]
    assert due(table) == ("2026-01-31T01:00:00Z", "2026-01-31T01:15:00Z")


def test_missed_sessions_are_caught_up_one_by_one_a_schedule_at_a_time() -> None:
    hourly, daily = workflow("b", {"hourly>": "00:00"}), workflow("a", {"daily>": "00:30:00"})
    table = timetable(hourly, daily, now="2026-01-30T23:30:00")
    assert run(table, "2026-01-31T02:59:59") == [
        "b 2026-01-31T00:00:00Z",
        "b 2026-01-31T01:00:00Z",
        "b 2026-01-31T02:00:00Z",
        "a 2026-01-31T00:00:00Z",
    ]
    assert run(table, "2026-01-31T02:59:59") == []


@pytest.mark.parametrize(
    ("now", "started"),
    [
        ("2026-01-31T00:30:00", ["main 2026-01-31T00:00:00Z"]),
        ("2026-01-31T00:30:00.000001", []),
        ("2026-01-31T02:10:00", ["main 2026-01-31T02:00:00Z"]),
    ],
)
def test_skip_delayed_by(now: str, started: list[str]) -> None:
    config = {"hourly>": "00:00", "skip_delayed_by": "30m"}
    table = timetable(workflow("main", config), now="2026-01-30T23:30:00")
    assert run(table, now) == started


@pytest.mark.parametrize(
    ("value", "is_active", "skipped"),
    [(True, True, True), ("true", True, True), (True, False, False), (False, True, False), (None, True, False)],
)
def test_skip_on_overtime(value: object, is_active: bool, skipped: bool) -> None:
    config = {"hourly>": "00:00", "skip_on_overtime": value}
    table = timetable(workflow("main", config), now="2026-01-31T00:00:00")
    assert (run(table, "2026-01-31T00:00:00", is_active) == []) == skipped
    assert due(table)[0] == "2026-01-31T01:00:00Z"


def test_a_delay_is_told_before_overtime() -> None:
    config = {"hourly>": "00:00", "skip_on_overtime": True, "skip_delayed_by": "1h 90s"}
    entry = timetable(workflow("main", config), now="2026-01-31T00:00:00").entries["main"]
    stored = (
        "StoredSchedule{workflowName=main, nextRunTime=2026-01-31T00:00:00Z, nextScheduleTime=2026-01-31T00:00:00Z}"
    )
    assert entry.reason_to_skip(at("2026-01-31T01:01:30.250"), True) == (
        "Now=2026-01-31T01:01:30.250Z is too late from scheduled time=2026-01-31T00:00:00Z. "
        f"It's over skip_delayed_by=1h 1m 30s. Skipping this schedule: {stored}"
    )
    assert entry.reason_to_skip(at("2026-01-31T01:01:30"), True) == (
        "An attempt of the scheduled workflow is still running and skip_on_overtime = true. "
        f"Skipping this schedule: {stored}"
    )


def test_a_delay_may_be_longer_than_time_itself() -> None:
    config = {"hourly>": "00:00", "skip_delayed_by": "999999999999d"}
    assert run(timetable(workflow("main", config), now="2026-01-31T00:59:59"), "2026-01-31T01:00:00")


@pytest.mark.parametrize("value", ["often", 90, "", ["1h"], True])
def test_a_delay_that_is_none(value: object) -> None:
    entry = timetable(workflow("main", {"hourly>": "00:00", "skip_delayed_by": value}), now="2026-01-31").entries[
        "main"
    ]
    with pytest.raises(ConfigError, match=r"DurationParam.* for key 'skip_delayed_by' but got") as caught:
        entry.reason_to_skip(at("2026-01-31"), False)
    assert caught.value.position == Position("main.dig", 3, 3)


def test_what_was_started_is_the_last_executed_session_and_what_was_skipped_is_not() -> None:
    config = {"hourly>": "00:00", "skip_on_overtime": True}
    entry = timetable(workflow("main", config), now="2026-01-31T00:00:00").entries["main"]
    assert entry.last_session is None
    entry.go_on(started=True)
    assert entry.last_session == at("2026-01-31T00:00:00")
    entry.go_on(started=False)
    assert entry.last_session == at("2026-01-31T00:00:00")
    assert entry.due.session_time == at("2026-01-31T02:00:00")
    assert str(entry).endswith("nextScheduleTime=2026-01-31T02:00:00Z, lastSessionTime=2026-01-31T00:00:00Z}")


@pytest.mark.parametrize(("delay", "later"), [(FULL, "2026-01-31T00:10:07"), (BROKEN, "2026-01-31T01:00:07")])
def test_a_postponed_session_stays_the_next(delay: timedelta, later: str) -> None:
    table = timetable(workflow("main", {"hourly>": "00:00"}), now="2026-01-31T00:00:00")
    table.entries["main"].postpone(at("2026-01-31T00:00:07.5"), delay)
    assert due(table) == ("2026-01-31T00:00:00Z", f"{later}Z")
    assert run(table, "2026-01-31T00:05:00") == []
    assert run(table, later)[0] == "main 2026-01-31T00:00:00Z"


def test_a_new_revision_goes_on_after_the_last_session_or_begins_anew() -> None:
    first = [
        workflow("ran", {"hourly>": "00:00"}),
        workflow("new", {"hourly>": "59:00"}),
        workflow("gone", {"cron>": "* * * * *"}),
    ]
    table = timetable(*first, now="2026-01-31T00:00:00")
    assert len(run(table, "2026-01-31T00:00:00")) == 2
    second = [workflow("added", {"daily>": "12:00:00"}), workflow("new", {"daily>": "06:00:00"}),
              workflow("ran", {"minutes_interval>": 10})]  # fmt: skip
    table.update(second, at("2026-01-31T00:35:00"))
    assert list(table.entries) == ["ran", "new", "added"]
    assert due(table, "ran") == ("2026-01-31T00:10:00Z", "2026-01-31T00:10:00Z")
    assert due(table, "new") == ("2026-01-31T00:00:00Z", "2026-01-31T06:00:00Z")
    assert due(table, "added") == ("2026-01-31T00:00:00Z", "2026-01-31T12:00:00Z")
    assert run(table, "2026-01-31T00:35:00") == [f"ran 2026-01-31T00:{minute}0:00Z" for minute in (1, 2, 3)]
    table.update([workflow("ran", None)], at("2026-01-31T00:40:00"))
    table.update([workflow("ran", {"minutes_interval>": 10})], at("2026-01-31T01:00:01"))
    assert table.entries["ran"].last_session is None
    assert due(table, "ran")[0] == "2026-01-31T01:10:00Z"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"daily>": "07:00:00", "strat": "2026-01-01"},
            "Parameter 'strat' is not used at schedule. > Did you mean '[start]'?",
        ),
        ({"cron>": "0 0 * * *", "delay": 60}, "Parameter 'delay' is not used at schedule."),
    ],
)
def test_keys_that_nothing_reads_are_refused_and_the_old_revision_stays(config: Params, message: str) -> None:
    table = timetable(workflow("main", {"hourly>": "00:00"}), now="2026-01-31T00:00:00")
    with pytest.raises(UnusedConfigError) as caught:
        table.update([workflow("main", config)], at("2026-01-31T00:00:00"))
    assert caught.value.error_message == f"{message} (unused config)"
    assert caught.value.position == Position("main.dig", 3, 3)
    assert due(table)[0] == "2026-01-31T00:00:00Z"


def test_a_schedule_that_has_ended_is_never_due() -> None:
    table = timetable(workflow("main", {"daily>": "07:00:00", "end": "2026-01-31"}), now="2026-01-31T00:00:00")
    assert run(table, "2026-02-05T00:00:00") == ["main 2026-01-31T00:00:00Z"]
    assert table.entries["main"].due == (NEVER, NEVER)
    assert table.ready(at("2099-01-01")) is None


def test_instants() -> None:
    times = ["2026-01-31T00:00:00", "2026-01-31T00:00:00.000999", "2026-01-31T00:00:00.120"]
    assert [instant(at(time)) for time in times] == [
        "2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00.120Z",
    ]  # fmt: skip


STEPS = st.lists(st.tuples(st.integers(0, 7200), st.booleans()), max_size=12)


@given(
    st.sampled_from(
        [{"hourly>": "10:00"}, {"minutes_interval>": 7}, {"daily>": "01:00:00"}, {"cron>": "*/25 * * * *"}]
    ),
    STEPS,
)
def test_every_session_is_started_or_skipped_once_and_in_order(config: Params, steps: list[tuple[int, bool]]) -> None:
    now = at("2026-01-31T00:00:00")
    table = Timetable()
    table.update([workflow("main", {**config, "skip_on_overtime": True})], now)
    entry: Entry = table.entries["main"]
    session, schedule = entry.due.session_time, entry.schedule
    for seconds, is_active in steps:
        now += timedelta(seconds=seconds)
        while table.ready(now):
            assert entry.due.session_time == session
            assert entry.due.run_time <= now
            entry.go_on(started=entry.reason_to_skip(now, is_active) is None)
            session = schedule.next(session).session_time
        assert entry.due.run_time > now
        assert entry.last_session is None or entry.last_session < entry.due.session_time
