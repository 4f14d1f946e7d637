from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digdag_tui.workflow.config import Config, Params, Value
from digdag_tui.workflow.definition import WorkflowDefinition
from digdag_tui.workflow.errors import ConfigError, Position
from digdag_tui.workflow.schedule import Schedule
from digdag_tui.workflow.schedule_times import NEVER
from digdag_tui.workflow.zones import zone

LOS_ANGELES = "America/Los_Angeles"


def schedule(config: Params, timezone: str = "UTC") -> Schedule:
    positions = {key: Position("main.dig", line, 3) for line, key in enumerate(config, 2)}
    return Schedule.parse(Config(config, positions), timezone)


def at(text: str, timezone: str = "UTC") -> datetime:
    """A time in a zone; with an offset, the time it says."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=zone(timezone))


def shown(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


@pytest.mark.parametrize(
    ("config", "timezone", "session", "last", "following"),
    [
        (
            {"cron>": "15 6,18 * * 1-5"},
            "Europe/London",
            "2026-01-30T18:15:00+00:00",
            "2026-01-30T06:15:00+00:00",
            "2026-02-02T06:15:00+00:00",
        ),
        (
            {"daily>": "07:30:00"},
            "UTC",
            "2026-03-01T00:00:00+00:00",
            "2026-02-28T00:00:00+00:00",
            "2026-03-02T00:00:00+00:00",
        ),
        (
            {"daily>": "02:30:00"},
            LOS_ANGELES,
            "2026-03-08T08:00:00+00:00",
            "2026-03-07T00:00:00-08:00",
            "2026-03-09T00:00:00-07:00",
        ),
        (
            {"hourly>": "15:00"},
            "Asia/Kathmandu",
            "2026-01-31T00:15:00+00:00",
            "2026-01-31T05:00:00+05:45",
            "2026-01-31T07:00:00+05:45",
        ),
        (
            {"minutes_interval>": 25},
            "UTC",
            "2026-01-31T00:50:00+00:00",
            "2026-01-31T00:25:00+00:00",
            "2026-01-31T01:00:00+00:00",
        ),
        (
            {"monthly>": "1,09:00:00"},
            "Asia/Tokyo",
            "2025-12-31T15:00:00+00:00",
            "2025-12-01T00:00:00+09:00",
            "2026-02-01T00:00:00+09:00",
        ),
        (
            {"weekly>": "Mon,09:00:00"},
            "UTC",
            "2026-02-02T00:00:00+00:00",
            "2026-01-26T00:00:00+00:00",
            "2026-02-09T00:00:00+00:00",
        ),
        (
            {"seconds_interval>": 90},
            "Asia/Tokyo",
            "2026-01-31T09:00:30+09:00",
            "2026-01-31T09:00:00+09:00",
            "2026-01-31T09:01:30+09:00",
        ),
    ],
)
def test_the_sessions_around_a_session(config: Params, timezone: str, session: str, last: str, following: str) -> None:
    parsed = schedule(config, timezone)
    assert shown(parsed.last(at(session)).session_time) == last
    assert shown(parsed.next(at(session)).session_time) == following


@pytest.mark.parametrize(
    ("config", "timezone", "time", "last"),
    [
        pytest.param(
            {"cron>": "0 9-17 * * *"},
            "UTC",
            "2026-01-31T09:00",
            "2026-01-31T07:00:00+00:00",
            id="no match stepped over",
        ),
        pytest.param(
            {"cron>": "0 9-17 * * *"}, "UTC", "2026-01-31T10:00", "2026-01-31T09:00:00+00:00", id="a match stepped over"
        ),
        pytest.param(
            {"cron>": "* 10 * * *"}, "UTC", "2026-01-31T09:30:20", "2026-01-31T09:28:20+00:00", id="with its seconds"
        ),
        pytest.param(
            {"minutes_interval>": 7}, "UTC", "2026-01-31T01:00", "2026-01-31T00:56:00+00:00", id="the short interval"
        ),
        pytest.param(
            {"daily>": "00:00:00"}, LOS_ANGELES, "2026-03-09T00:00", "2026-03-08T00:00:00-08:00", id="a short day"
        ),
        pytest.param({"daily>": "7:0:0"}, "UTC", "2026-01-31T12:34:56", "2026-01-31T00:00:00+00:00", id="between"),
        pytest.param(
            {"daily>": "7:0:0", "start": "2030-01-01"},
            "UTC",
            "2026-01-31T12:00",
            "2026-01-31T00:00:00+00:00",
            id="start",
        ),
        pytest.param(
            {"daily>": "7:0:0", "end": "2020-01-01"}, "UTC", "2026-01-31T12:00", "2026-01-31T00:00:00+00:00", id="end"
        ),
    ],
)
def test_last(config: Params, timezone: str, time: str, last: str) -> None:
    assert shown(schedule(config, timezone).last(at(time, timezone)).session_time) == last


@pytest.mark.parametrize(
    ("config", "timezone", "now", "session", "run"),
    [
        pytest.param(
            {"hourly>": "30:05"},
            "UTC",
            "2026-01-31T10:30:05",
            "2026-01-31T10:00:00",
            "2026-01-31T10:30:05",
            id="hourly",
        ),
        pytest.param(
            {"hourly>": "30:05"}, "UTC", "2026-01-31T10:30:06", "2026-01-31T11:00:00", "2026-01-31T11:30:05", id="later"
        ),
        pytest.param(
            {"daily>": "7:00:00"},
            "UTC",
            "2026-01-31T07:00:00.5",
            "2026-02-01T00:00:00",
            "2026-02-01T07:00:00",
            id="parts of a second",
        ),
        pytest.param(
            {"daily>": "25:61:61"},
            "UTC",
            "2026-01-31T00:00",
            "2026-01-30T00:00:00",
            "2026-01-31T02:02:01",
            id="no bounds",
        ),
        pytest.param(
            {"daily>": "-1:00:00"}, "UTC", "2026-01-31T12:00", "2026-02-01T00:00:00", "2026-01-31T23:00:00", id="before"
        ),
        pytest.param(
            {"daily>": "07:00:00:"},
            "UTC",
            "2026-01-31T00:00",
            "2026-01-31T00:00:00",
            "2026-01-31T07:00:00",
            id="a colon",
        ),
        pytest.param(
            {"_type": "daily", "at": "07:00:00"},
            "UTC",
            "2026-01-31T00:00",
            "2026-01-31T00:00:00",
            "2026-01-31T07:00:00",
            id="_type and at",
        ),
        pytest.param(
            {"weekly>": " 7 , 9:00:00 "},
            "UTC",
            "2026-01-31T00:00",
            "2026-02-01T00:00:00",
            "2026-02-01T09:00:00",
            id="7",
        ),
        pytest.param(
            {"monthly>": "31,09:00:00"},
            "UTC",
            "2026-02-01T00:00",
            "2026-03-31T00:00:00",
            "2026-03-31T09:00:00",
            id="months without the day",
        ),
        pytest.param(
            {"cron>": "0 * * * *", "delay": 90},
            "UTC",
            "2026-01-31T10:01:30",
            "2026-01-31T10:00:00",
            "2026-01-31T10:01:30",
            id="cron with delay",
        ),
        pytest.param(
            {"minutes_interval>": "20", "delay": "60"},
            "UTC",
            "2026-01-31T10:01:01",
            "2026-01-31T10:20:00",
            "2026-01-31T10:21:00",
            id="texts as numbers",
        ),
        pytest.param(
            {"seconds_interval>": 3, "delay": 2},
            "UTC",
            "2026-01-31T10:00:03",
            "2026-01-31T10:00:03",
            "2026-01-31T10:00:05",
            id="seconds do not count the delay",
        ),
        pytest.param(
            {"daily>": "10:00:00"},
            LOS_ANGELES,
            "2026-03-08T00:00",
            "2026-03-08T00:00:00",
            "2026-03-08T11:00:00",
            id="elapsed time in spring",
        ),
        pytest.param(
            {"daily>": "10:00:00"},
            LOS_ANGELES,
            "2026-11-01T00:00",
            "2026-11-01T00:00:00",
            "2026-11-01T09:00:00",
            id="elapsed time in autumn",
        ),
    ],
)
def test_first(config: Params, timezone: str, now: str, session: str, run: str) -> None:
    found = schedule(config, timezone).first(at(now, timezone))
    assert shown(found.session_time.replace(tzinfo=None)) == session
    assert shown(found.run_time.replace(tzinfo=None)) == run


@pytest.mark.parametrize(
    ("window", "now", "session"),
    [
        pytest.param({"start": "2026-02-10"}, "2026-01-01T00:00", "2026-02-10T00:00:00+09:00", id="before start"),
        pytest.param({"start": "2026-02-10"}, "2026-02-10T07:00", "2026-02-10T00:00:00+09:00", id="on the first day"),
        pytest.param({"start": "2026-02-10"}, "2026-03-01T00:00", "2026-03-01T00:00:00+09:00", id="after start"),
        pytest.param({"end": "2026-02-10"}, "2026-02-10T07:00", "2026-02-10T00:00:00+09:00", id="on the last day"),
        pytest.param({"end": "2026-02-10"}, "2026-02-10T07:01", "9999-01-01T09:00:00+09:00", id="after end"),
        pytest.param({"end": "9999-12-31"}, "2026-02-10T07:00", "2026-02-10T00:00:00+09:00", id="no end"),
        pytest.param({"start": None, "end": None}, "2026-02-10T07:00", "2026-02-10T00:00:00+09:00", id="null"),
    ],
)
def test_start_and_end(window: Params, now: str, session: str) -> None:
    found = schedule({"daily>": "07:00:00", **window}, "Asia/Tokyo").first(at(now, "Asia/Tokyo"))
    assert shown(found.session_time) == session
    assert found.session_time < NEVER or found.run_time == found.session_time


def test_start_and_end_hold_for_run_times() -> None:
    late = schedule({"daily>": "30:00:00", "end": "2026-02-10"})
    assert late.next(at("2026-02-08T00:00")).session_time == at("2026-02-09T00:00")
    assert late.next(at("2026-02-09T00:00")).session_time == NEVER
    early = schedule({"daily>": "30:00:00", "start": "2026-02-10"})
    assert early.next(at("2026-02-07T00:00")).session_time == at("2026-02-10T00:00")
    assert early.next(at("2026-02-08T00:00")).session_time == at("2026-02-09T00:00")


@pytest.mark.parametrize(
    ("timezone", "session"),
    [
        ("+09:00", "2026-02-01T00:00:00+09:00"),
        ("GMT+9", "2026-02-01T00:00:00+09:00"),
        ("UTC+9", "2026-01-31T09:00:00+09:00"),
        ("UT-03:30", "2026-01-30T20:30:00-03:30"),
        ("+09:00:30", "2026-01-31T09:00:30+09:00:30"),
    ],
)
def test_ids_that_java_util_timezone_does_not_know_run_in_gmt(timezone: str, session: str) -> None:
    assert shown(schedule({"daily>": "00:00:00"}, timezone).next(at("2026-01-30T23:00Z")).session_time) == session


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "Schedule config requires 'type>: at' parameter: {}"),
        ({"at": 1}, "Schedule config requires 'type>: at' parameter: {\"at\":1}"),
        ({"yearly>": "1,00:00:00"}, "Unknown scheduler type: yearly"),
        ({"_type": "x>"}, "Unknown scheduler type: x>"),
        ({"daily>": None}, "Parameter 'daily>' is required but null"),
        ({"_type": "daily"}, "Parameter 'at' is required but not set"),
        ({"_type": None}, "Parameter '_type' is required but null"),
        ({"daily>": "7am"}, "daily> scheduler requires hh:mm:ss format: 7am"),
        ({"daily>": "07:00"}, "daily> scheduler requires hh:mm:ss format: 07:00"),
        ({"daily>": 7}, "daily> scheduler requires hh:mm:ss format: 7"),
        ({"daily>": "07:00:00.5"}, "daily> scheduler requires hh:mm:ss format: 07:00:00.5"),
        ({"daily>": "07:00:99999999999"}, "daily> scheduler requires hh:mm:ss format: 07:00:99999999999"),
        ({"daily>": ""}, "daily> scheduler requires hh:mm:ss format: "),
        ({"hourly>": "1:2:3"}, "hourly>: scheduler requires mm:ss format: 1:2:3"),
        ({"hourly>": " 1:2"}, "hourly>: scheduler requires mm:ss format:  1:2"),
        ({"weekly>": "Mon"}, "weekly>: scheduler requires day,hh:mm:ss format: Mon"),
        ({"weekly>": "lun,1:2:3"}, "weekly>: scheduler requires day,hh:mm:ss format: lun,1:2:3"),
        ({"weekly>": "8,1:2:3"}, "weekly>: scheduler requires day,hh:mm:ss format: 8,1:2:3"),
        ({"weekly>": "-1,1:2:3"}, "weekly>: invalid day: -1"),
        ({"weekly>": "Mon,1:2"}, "weekly> scheduler requires hh:mm:ss format: 1:2"),
        ({"monthly>": "1"}, "monthly>: scheduler requires day,hh:mm:ss format: 1"),
        ({"monthly>": "first,1:2:3"}, "monthly>: scheduler requires day,hh:mm:ss format: first,1:2:3"),
        ({"monthly>": "1,1:2"}, "monthly> scheduler requires hh:mm:ss format: 1:2"),
        (
            {"monthly>": "32,1:2:3"},
            'invalid pattern "0 0 32 * *". Error parsing days of month field: invalid field "32", '
            'invalid element "32", invalid range, invalid value "32", value out of range.',
        ),
        (
            {"minutes_interval>": 0},
            'invalid pattern "*/0 * * * *". Error parsing minutes field: invalid field "*/0", invalid element "*/0", '
            'non positive divisor "0".',
        ),
        (
            {"minutes_interval>": "often"},
            "Expected integer (int) type for key '_command' but got \"often\" (string)",
        ),
        ({"cron>": "bad"}, 'invalid pattern: "bad"'),
        ({"cron>": [1]}, "Expected string type for key '_command' but got [1] (array)"),
        (
            {"cron>": "0 0 * * *", "delay": "x"},
            "Expected integer (long) type for key 'delay' but got \"x\" (string)",
        ),
        ({"seconds_interval>": 0}, "seconds_interval>: the interval must be 1 second or more: 0"),
        ({"daily>": "7:0:0", "start": "2026-02-02", "end": "2026-02-01"}, "The schedule of end is earlier than start"),
    ],
)
def test_what_is_refused(config: Params, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        schedule(config)
    assert caught.value.message == message
    assert (caught.value.position is None) == (not config or "required but not set" in message)


def test_an_unknown_zone() -> None:
    with pytest.raises(ConfigError, match="Unknown time zone name: Mars/Olympus"):
        schedule({"daily>": "07:00:00"}, "Mars/Olympus")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("2016-02-30", ": Invalid date 'FEBRUARY 30'"),
        ("2022-04-31", ": Invalid date 'APRIL 31'"),
        ("2022-02-29", ": Invalid date 'February 29' as '2022' is not a leap year"),
        ("2022-13-01", ": Invalid value for MonthOfYear (valid values 1 - 12): 13"),
        ("2022-04-32", ": Invalid value for DayOfMonth (valid values 1 - 28/31): 32"),
        ("2022-04-00", ": Invalid value for DayOfMonth (valid values 1 - 28/31): 0"),
        ("abc", " at index 0"),
        ("", " at index 0"),
        ("20220401", " at index 0"),
        ("2022", " at index 4"),
        ("2022/04/01", " at index 4"),
        ("2022-4-1", " at index 5"),
        ("2022-04", " at index 7"),
        ("2022-04-ii", " at index 8"),
        ("2022-04-01 00:00:00", ", unparsed text found at index 10"),
    ],
)
@pytest.mark.parametrize("key", ["start", "end"])
def test_dates_that_are_none(key: str, text: str, cause: str) -> None:
    with pytest.raises(ConfigError) as caught:
        schedule({"daily>": "07:00:00", key: text})
    exception = f"java.time.format.DateTimeParseException: Text '{text}' could not be parsed{cause}"
    assert caught.value.message == f"Invalid {key}: {text} ({exception})"
    assert caught.value.position == Position("main.dig", 3, 3)


@pytest.mark.parametrize(
    ("config", "unused", "meant"),
    [
        ({"daily>": "07:00:00", "skip_on_overtime": True, "skip_delayed_by": "1h", "start": "2026-01-01"}, None, ""),
        ({"daily>": "07:00:00", "skip_on_over_time": True}, "skip_on_over_time", "skip_on_overtime"),
        ({"daily>": "07:00:00", "skip_on_delayed": 1}, "skip_on_delayed", "skip_delayed_by, skip_on_overtime"),
        ({"daily>": "07:00:00", "wrong>": 1}, "wrong>", ""),
        ({"cron>": "0 0 * * *", "delay": 1}, "delay", ""),
        ({"_type": "daily", "at": "07:00:00"}, "at", ""),
        ({"_type": "daily", "_command": "07:00:00"}, "_command", ""),
    ],
)
def test_unused_keys(config: Params, unused: str | None, meant: str) -> None:
    warnings = schedule(config).warnings
    question = f" > Did you mean '[{meant}]'?" if meant else ""
    wanted = [f"Parameter '{unused}' is not used at schedule.{question}"] if unused else []
    assert [problem.message for problem in warnings] == wanted
    assert all(problem.severity == "warning" and problem.position for problem in warnings)


def definition(value: Value) -> WorkflowDefinition:
    config = Config({"schedule": value} if value != "absent" else {}, {"schedule": Position("main.dig", 1, 1)})
    return WorkflowDefinition("main", Path("main.dig"), "Asia/Tokyo", config)


def test_the_schedule_of_a_workflow() -> None:
    assert Schedule.of(definition("absent")) is None
    parsed = Schedule.of(definition({"daily>": "07:00:00"}))
    assert parsed
    assert parsed.timezone == "Asia/Tokyo"
    assert parsed.delay == 7 * 3600


def test_a_schedule_that_is_no_object() -> None:
    with pytest.raises(ConfigError) as caught:
        Schedule.of(definition("daily"))
    assert caught.value.message == (
        "Expected [reference type, class com.google.common.base.Optional<io.digdag.client.config.Config>"
        "<[simple type, class io.digdag.client.config.Config]>] for key 'schedule' but got \"daily\" (string)"
    )
    assert caught.value.position == Position("main.dig", 1, 1)


@pytest.mark.parametrize(
    ("config", "time"),
    [
        ({"daily>": "07:00:00"}, "0001-01-01T12:00"),
        ({"cron>": "0 0 1 1 *"}, "9998-12-31T12:00"),
        ({"cron>": "0 0 * * *", "delay": 9223372036854775807}, "2026-01-01T00:00"),
    ],
)
def test_times_that_are_too_far_away(config: Params, time: str) -> None:
    parsed = schedule(config)
    with pytest.raises(ConfigError, match="no times in the years 1 to 9999"):
        parsed.last(at(time))


CONFIGS = st.one_of(
    st.integers(0, 59).map(lambda minute: {"hourly>": f"{minute}:00"}),
    st.integers(0, 30).map(lambda hour: {"daily>": f"{hour}:30:00"}),
    st.integers(0, 7).map(lambda day: {"weekly>": f"{day},09:00:00"}),
    st.integers(1, 31).map(lambda day: {"monthly>": f"{day},09:00:00"}),
    st.integers(1, 90).map(lambda minutes: {"minutes_interval>": minutes}),
    st.integers(1, 100_000).map(lambda seconds: {"seconds_interval>": seconds}),
    st.sampled_from(["0 9-17 * * 1-5", "*/20 8,20 * * *", "0 0 L * *", "15 2 1,15 * *"]).map(
        lambda text: {"cron>": text}
    ),
)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
ZONES = st.sampled_from(["UTC", LOS_ANGELES, "Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe"])


@settings(max_examples=200, deadline=None)
@given(CONFIGS, ZONES, MOMENTS)
def test_sessions_are_neighbours(config: Params, timezone: str, time: datetime) -> None:
    parsed = schedule(config, timezone)
    last, following = (found.session_time.astimezone(UTC) for found in (parsed.last(time), parsed.next(time)))
    assert last < time < following
    assert time <= parsed.next(last).session_time.astimezone(UTC) <= following


@settings(max_examples=100, deadline=None)
@given(CONFIGS, ZONES, MOMENTS)
def test_the_last_of_a_next_session_is_that_session_or_lies_in_the_interval_before(
    config: Params, timezone: str, time: datetime
) -> None:
    parsed = schedule(config, timezone)
    session = parsed.next(time).session_time.astimezone(UTC)
    following = parsed.next(session).session_time.astimezone(UTC)
    before = parsed.last(following).session_time.astimezone(UTC)
    assert before < following
    assert parsed.next(before).session_time.astimezone(UTC) in (session, following)


@settings(max_examples=100, deadline=None)
@given(CONFIGS, ZONES, MOMENTS)
def test_the_first_run_is_not_in_the_past_and_later_by_the_delay(config: Params, timezone: str, now: datetime) -> None:
    parsed = schedule(config, timezone)
    session, run = (time.astimezone(UTC) for time in parsed.first(now))
    assert run >= now.replace(microsecond=0)
    assert run - session == timedelta(seconds=parsed.delay)


@pytest.mark.parametrize(
    ("config", "pattern", "delay"),
    [
        ({"hourly>": "30:05"}, "0 * * * *", 1805),
        ({"hourly>": "61:61"}, "0 * * * *", 3721),
        ({"daily>": "07:08:09"}, "0 0 * * *", 25689),
        ({"weekly>": "Sun,09:00:00"}, "0 0 * * 0", 32400),
        ({"weekly>": "mOn,09:00:00"}, "0 0 * * 1", 32400),
        ({"weekly>": "TUE,09:00:00"}, "0 0 * * 2", 32400),
        ({"weekly>": "wed,09:00:00"}, "0 0 * * 3", 32400),
        ({"weekly>": "thu,09:00:00"}, "0 0 * * 4", 32400),
        ({"weekly>": "fri,09:00:00"}, "0 0 * * 5", 32400),
        ({"weekly>": "Sat,09:00:00"}, "0 0 * * 6", 32400),
        ({"weekly>": "0,09:00:00"}, "0 0 * * 0", 32400),
        ({"weekly>": "7,09:00:00"}, "0 0 * * 0", 32400),
        ({"weekly>": "Mon-Wed,09:00:00"}, "0 0 * * 1-3", 32400),
        ({"weekly>": "Sat-Mon,00:00:00"}, "0 0 * * 6,0,1", 0),
        ({"monthly>": "1,09:00:00"}, "0 0 1 * *", 32400),
        ({"monthly>": "30,00:00:01"}, "0 0 30 * *", 1),
        ({"minutes_interval>": 7}, "0,7,14,21,28,35,42,49,56 * * * *", 0),
        ({"minutes_interval>": 90, "delay": 30}, "0 * * * *", 30),
        ({"cron>": "15 6,18 * * 1-5", "delay": 45}, "15 6,18 * * 1-5", 45),
    ],
)
def test_each_type_is_a_pattern_with_a_delay(config: Params, pattern: str, delay: int) -> None:
    parsed, meant = schedule(config, "Asia/Tokyo"), schedule({"cron>": pattern, "delay": delay}, "Asia/Tokyo")
    assert parsed.delay == delay
    time = at("2026-01-29T10:17:31")
    for _ in range(40):
        assert parsed.first(time) == meant.first(time)
        time = parsed.next(time).session_time
        assert time == meant.next(time - timedelta(seconds=1)).session_time


@settings(max_examples=200)
@given(CONFIGS, ZONES, MOMENTS)
def test_the_first_session_is_the_earliest_that_runs_later(config: Params, timezone: str, now: datetime) -> None:
    parsed = schedule(config, timezone)
    first = parsed.first(now)
    aligned = now if now.microsecond == 0 else now.replace(microsecond=0) + timedelta(seconds=1)
    assert first.run_time >= aligned
    days = {"monthly>": 70, "cron>": 35, "weekly>": 8, "daily>": 2}
    ((kind, value),) = config.items()
    span = timedelta(seconds=2 * value) if kind == "seconds_interval>" else timedelta(days=days.get(kind, 0.1))
    earlier = parsed.next(first.session_time - span).session_time
    while parsed.next(earlier).session_time < first.session_time:
        earlier = parsed.next(earlier).session_time
    assert earlier < first.session_time
    if kind == "seconds_interval>":
        assert earlier < now
    else:
        assert earlier + timedelta(seconds=parsed.delay) < aligned


DAYS = st.dates(datetime(2020, 1, 1).date(), datetime(2030, 1, 1).date()).map(str)
WINDOWED = CONFIGS.filter(lambda config: "seconds_interval>" not in config)


@given(WINDOWED, ZONES, st.datetimes(datetime(2019, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC)), DAYS, DAYS)
def test_runs_lie_in_the_days_from_start_to_end(
    config: Params, timezone: str, now: datetime, start: str, end: str
) -> None:
    start, end = sorted((start, end))
    free, parsed = schedule(config, timezone), schedule({**config, "start": start, "end": end}, timezone)
    begin = at(start, timezone)
    over = at(end, timezone).replace(tzinfo=None) + timedelta(days=1)
    closing = over.replace(tzinfo=zone(timezone)).astimezone(UTC)
    unbound, found = free.first(now), parsed.first(now)
    if unbound.run_time.astimezone(UTC) >= closing:
        assert found == (NEVER, NEVER)
    elif unbound.run_time < begin:
        assert found == free.next(begin.astimezone(UTC) - timedelta(seconds=1))
    else:
        assert found == unbound
