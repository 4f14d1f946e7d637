from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.workflow.config import Config
from digdag_tui.workflow.errors import ConfigError, DigdagError
from digdag_tui.workflow.schedule import Schedule
from digdag_tui.workflow.session_time import format_session_time, month_length, parse_session, parse_session_time
from digdag_tui.workflow.zones import zone

NOW = datetime(2026, 1, 30, 20, 34, 56, 789, tzinfo=UTC)
TOKYO, NEW_YORK = "Asia/Tokyo", "America/New_York"


def daily(timezone: str) -> Schedule:
    return Schedule.parse(Config({"daily>": "07:00:00"}), timezone)


def session(expression: str, timezone: str = "UTC", now: datetime = NOW) -> str:
    time, warning = parse_session(expression, timezone, now, None, None)
    assert warning is None
    return format_session_time(time)


@pytest.mark.parametrize(
    ("expression", "timezone", "expected"),
    [
        ("hourly", "UTC", "2026-01-30T20:00:00+00:00"),
        ("hourly", TOKYO, "2026-01-31T05:00:00+09:00"),
        ("hourly", "Asia/Kathmandu", "2026-01-31T02:00:00+05:45"),
        ("daily", "UTC", "2026-01-30T00:00:00+00:00"),
        ("daily", TOKYO, "2026-01-31T00:00:00+09:00"),
        ("2026-01-31", "UTC", "2026-01-31T00:00:00+00:00"),
        ("2026-01-31", TOKYO, "2026-01-31T00:00:00+09:00"),
        ("2026-01-31 02:03:04", NEW_YORK, "2026-01-31T02:03:04-05:00"),
        ("2026-02-31", "UTC", "2026-02-28T00:00:00+00:00"),
        ("2026-04-31 23:59:59", "UTC", "2026-04-30T23:59:59+00:00"),
        ("2026-01-31 24:00:00", "UTC", "2026-02-01T00:00:00+00:00"),
        ("0002-01-01", "UTC", "0002-01-01T00:00:00+00:00"),
        ("2026-03-08 02:30:00", NEW_YORK, "2026-03-08T03:30:00-04:00"),
        ("2026-11-01 01:30:00", NEW_YORK, "2026-11-01T01:30:00-04:00"),
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T01:00:00-02:00"),
        ("2026-01-31T00:00:00+00:00", "UTC", "2026-01-31T00:00:00+00:00"),
        ("2026-01-31T20:30:00-05:00", TOKYO, "2026-02-01T10:30:00+09:00"),
        ("2026-03-08T06:30:00+00:00", NEW_YORK, "2026-03-08T01:30:00-05:00"),
        ("2026-01-31T00:00:00Z", "+09:00", "2026-01-31T09:00:00+09:00"),
    ],
)
def test_expressions(expression: str, timezone: str, expected: str) -> None:
    assert session(expression, timezone) == expected


@pytest.mark.parametrize(
    ("expression", "timezone", "now", "expected"),
    [
        ("hourly", NEW_YORK, "2026-11-01T06:40:00+00:00", "2026-11-01T01:00:00-05:00"),
        ("hourly", NEW_YORK, "2026-11-01T05:40:00+00:00", "2026-11-01T01:00:00-04:00"),
        ("daily", "America/Sao_Paulo", "2018-11-04T12:00:00+00:00", "2018-11-04T01:00:00-02:00"),
        ("daily", "America/Havana", "2026-11-01T17:00:00+00:00", "2026-11-01T00:00:00-05:00"),
        ("daily", "America/Havana", "2026-11-01T04:30:00+00:00", "2026-11-01T00:00:00-04:00"),
    ],
)
def test_truncating_around_daylight_saving(expression: str, timezone: str, now: str, expected: str) -> None:
    assert session(expression, timezone, datetime.fromisoformat(now)) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "", "now", "DAILY", "2026-1-1", "2026-01-32", "2026-13-01", "2026-00-01", "2026-01-00", "2026-01-01 24:00:01",
        "2026-01-01 23:60:00", "2026-01-01 1:00:00", "2026-01-01 ", " 2026-01-01", "2026-01-01T00:00:00", "12026-01-01",
        "0000-01-01", "0001-01-01", "9999-12-31", "2026-01-01T00:00:00+18:01", "2026-01-01T00:00:00+0900",
        "2026-01-01T00:00:00.5+00:00", "2026-01-01T25:00:00Z", "\uff12026-01-01", "2026-01-01\n",
    ],
)  # fmt: skip
def test_other_expressions_are_refused(expression: str) -> None:
    with pytest.raises(ConfigError) as caught:
        session(expression)
    assert caught.value.error_message == (
        f'--session must be hourly, daily, last, "yyyy-MM-dd", or "yyyy-MM-dd HH:mm:SS" format: {expression} (config)'
    )


def test_schedule_needs_one() -> None:
    with pytest.raises(DigdagError) as caught:
        session("schedule")
    message = "--session schedule is set but schedule is not set to this workflow."
    assert caught.value.error_message == message


@pytest.mark.parametrize("saved", [None, datetime(2026, 1, 1, tzinfo=UTC)])
def test_schedule_is_its_last_session(saved: datetime | None) -> None:
    time, warning = parse_session("schedule", TOKYO, NOW, daily(TOKYO), saved)
    assert (format_session_time(time), warning) == ("2026-01-31T00:00:00+09:00", None)


def test_schedule_is_the_session_that_begins_in_this_second() -> None:
    now = datetime(2026, 1, 31, 0, 0, 0, 500, tzinfo=UTC)
    time, _ = parse_session("schedule", "UTC", now, daily("UTC"), None)
    assert time == datetime(2026, 1, 31, tzinfo=UTC)


def test_a_session_of_a_schedule_has_whole_seconds() -> None:
    schedule = Schedule.parse(Config({"cron>": "* 9 * * *"}), "UTC")
    time, _ = parse_session("schedule", "UTC", NOW, schedule, None)
    assert format_session_time(time) == "2026-01-30T20:32:56+00:00"
    assert time.microsecond == 0


@pytest.mark.parametrize(
    ("schedule", "saved", "expected", "warning"),
    [
        pytest.param(
            daily(TOKYO),
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "2026-01-02T12:04:05+09:00",
            "Reusing the last session time 2026-01-02T12:04:05+09:00.",
            id="saved",
        ),
        pytest.param(
            daily(TOKYO),
            None,
            "2026-01-31T00:00:00+09:00",
            "Using a new session time 2026-01-31T00:00:00+09:00 based on schedule.",
            id="schedule",
        ),
        pytest.param(
            None,
            None,
            "2026-01-31T00:00:00+09:00",
            "Using a new session time 2026-01-31T00:00:00+09:00.",
            id="today",
        ),
    ],
)
def test_last(schedule: Schedule | None, saved: datetime | None, expected: str, warning: str) -> None:
    time, text = parse_session("last", TOKYO, NOW, schedule, saved)
    assert format_session_time(time) == expected
    assert text == warning


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        (datetime(1880, 1, 1, tzinfo=zone(TOKYO)), "1880-01-01T00:00:00+09:18"),
        (datetime(1, 1, 1, tzinfo=zone("-03:30")), "0001-01-01T00:00:00-03:30"),
    ],
)
def test_the_form_of_session_times(time: datetime, text: str) -> None:
    assert format_session_time(time) == text


@pytest.mark.parametrize(
    "text", ["", "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+09:60", "2026-01-01 00:00:00+00:00", "${x}"]
)
def test_texts_that_are_no_session_times(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        parse_session_time(text)


@given(st.datetimes(timezones=st.sampled_from([UTC, zone("+09:00"), zone("-03:30"), zone("+18:00")])))
def test_session_times_are_read_as_they_were_written(time: datetime) -> None:
    assert parse_session_time(format_session_time(time)) == time.replace(microsecond=0)


@given(st.text(max_size=30), st.sampled_from(["UTC", TOKYO, NEW_YORK]))
def test_any_expression_gives_a_time_or_one_error(expression: str, timezone: str) -> None:
    try:
        time, _ = parse_session(expression, timezone, NOW, daily(timezone), None)
    except ConfigError as error:
        assert expression in error.message
    else:
        assert time.tzinfo == zone(timezone)


@given(st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?", fullmatch=True))
def test_dates_with_any_numbers_give_a_time_of_that_month_or_one_error(expression: str) -> None:
    try:
        time = session(expression)
    except ConfigError:
        pass
    else:
        assert time[:7] == expression[:7] or "24:00:00" in expression


@pytest.mark.parametrize(
    ("year", "month", "length"),
    [(2026, 1, 31), (2026, 2, 28), (2028, 2, 29), (2100, 2, 28), (2000, 2, 29), (2026, 9, 30)],
)
def test_month_lengths(year: int, month: int, length: int) -> None:
    assert month_length(year, month) == length
