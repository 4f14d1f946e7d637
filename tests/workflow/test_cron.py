from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digdag_tui.workflow.cron import CronPattern, InvalidPatternError
from digdag_tui.workflow.errors import ConfigError, Position
from digdag_tui.workflow.zones import zone

LOS_ANGELES = "America/Los_Angeles"


def times(pattern: str, zone_id: str, after: str, count: int) -> list[str]:
    """The next matches after a local time."""
    place = datetime.fromisoformat(after).replace(tzinfo=zone(zone_id))
    found = []
    for _ in range(count):
        place = CronPattern.parse(pattern).next(place, zone(zone_id))
        found.append(place.astimezone(zone(zone_id)).isoformat(timespec="minutes"))
    return found


@pytest.mark.parametrize(
    ("pattern", "after", "expected"),
    [
        ("0 0 * * *", "2026-01-31T00:00", ["2026-02-01T00:00", "2026-02-02T00:00"]),
        ("*\t0  1 1 *", "2026-12-31T23:59", ["2027-01-01T00:00", "2027-01-01T00:01"]),
        ("15 6,18 * * 1-5", "2026-01-30T18:15", ["2026-02-02T06:15", "2026-02-02T18:15"]),
        ("0 0 1 jan,JUL *", "2026-01-01T00:00", ["2026-07-01T00:00", "2027-01-01T00:00"]),
        ("3-18/5 * * * *", "2026-01-01T00:00", ["2026-01-01T00:03", "2026-01-01T00:08"]),
        ("5 0 * * *|30 12 * * Sat", "2026-01-02T00:00", ["2026-01-02T00:05", "2026-01-03T00:05", "2026-01-03T12:30"]),
    ],
)
def test_matches(pattern: str, after: str, expected: list[str]) -> None:
    assert times(pattern, "UTC", after, len(expected)) == [f"{time}+00:00" for time in expected]


@pytest.mark.parametrize(
    ("pattern", "after", "expected"),
    [
        pytest.param("0 0 13 * fri", "2026-01-01T00:00", "2026-02-13T00:00", id="day of month and day of week"),
        pytest.param("0 0 * * 7", "2026-01-01T00:00", "2026-01-04T00:00", id="7 is Sunday"),
        pytest.param("0 0 * * 5-7", "2026-01-03T00:00", "2026-01-04T00:00", id="a range to Sunday"),
        pytest.param("0 0 * * 0-7", "2026-01-04T00:00", "2026-01-11T00:00", id="0-7 is Sunday only"),
        pytest.param("0 0 * * 6-1/2", "2026-01-01T00:00", "2026-01-03T00:00", id="a step in a range that wraps"),
        pytest.param("0 22-2 * * *", "2026-01-01T02:00", "2026-01-01T22:00", id="hours wrap"),
        pytest.param("50-10/5 * * * *", "2026-01-01T00:10", "2026-01-01T00:50", id="minutes wrap"),
        pytest.param("*/7 * * * *", "2026-01-01T00:56", "2026-01-01T01:00", id="steps begin again each hour"),
        pytest.param("*/90 * * * *", "2026-01-01T00:50", "2026-01-01T01:00", id="a step over 60 is hourly"),
        pytest.param("0/5 * * * *", "2026-01-01T00:00", "2026-01-01T01:00", id="a step without range is the value"),
        pytest.param("0 0 1 */5 *", "2026-06-01T00:00", "2026-11-01T00:00", id="months step from January"),
        pytest.param("-5 * * * *", "2026-01-01T00:00", "2026-01-01T00:05", id="negative is positive"),
        pytest.param("0 0 L * *", "2026-01-31T00:00", "2026-02-28T00:00", id="last day of a month"),
        pytest.param("0 0 l * *", "2028-01-31T00:00", "2028-02-29T00:00", id="last day in a leap year"),
        pytest.param("0 0 30-L * *", "2026-04-29T00:00", "2026-04-30T00:00", id="a range to the last day"),
        pytest.param("0 0 31 * *", "2026-01-31T00:00", "2026-03-31T00:00", id="months without the day are left out"),
        pytest.param("0 0 29 2 *", "2096-02-29T00:00", "2104-02-29T00:00", id="leap years"),
        pytest.param("0 0 29 2 1", "2026-01-01T00:00", "2044-02-29T00:00", id="a leap day on a Monday"),
        pytest.param("0 0 1,31 * *", "2026-02-01T00:00", "2026-03-31T00:00", id="February 31 hides March 1"),
        pytest.param("0 0 1,30 * *", "2026-02-01T00:00", "2026-03-30T00:00", id="February 30 hides March 1"),
        pytest.param("* * * * *", "2026-01-01T00:00:59", "2026-01-01T00:01", id="seconds do not count"),
    ],
)
def test_quirks_of_cron4j(pattern: str, after: str, expected: str) -> None:
    assert times(pattern, "UTC", after, 1) == [f"{expected}+00:00"]


@pytest.mark.parametrize(
    ("pattern", "zone_id", "after", "expected"),
    [
        pytest.param(
            "30 2 * * *",
            LOS_ANGELES,
            "2026-03-07T00:00",
            ["2026-03-07T02:30-08:00", "2026-03-08T03:30-07:00", "2026-03-09T02:30-07:00"],
            id="a time that spring skips comes later",
        ),
        pytest.param(
            "30 1 * * *",
            LOS_ANGELES,
            "2026-10-31T00:00",
            ["2026-10-31T01:30-07:00", "2026-11-01T01:30-08:00", "2026-11-02T01:30-08:00"],
            id="of a time that autumn repeats only the second",
        ),
        pytest.param(
            "0 * * * *",
            LOS_ANGELES,
            "2026-11-01T00:00",
            ["2026-11-01T01:00-08:00", "2026-11-01T02:00-08:00"],
            id="two hours between hours in autumn",
        ),
        pytest.param(
            "0 * * * *",
            LOS_ANGELES,
            "2026-03-08T00:30",
            ["2026-03-08T01:00-08:00", "2026-03-08T03:00-07:00"],
            id="no two o'clock in spring",
        ),
        pytest.param(
            "* * * * *",
            LOS_ANGELES,
            "2026-11-01T01:58",
            ["2026-11-01T01:59-07:00", "2026-11-01T01:00-08:00"],
            id="the minute that follows is taken as it is",
        ),
        pytest.param(
            "0 0 * * *",
            "America/Sao_Paulo",
            "2018-11-03T00:00",
            ["2018-11-04T01:00-02:00", "2018-11-05T00:00-02:00"],
            id="no midnight in spring",
        ),
        pytest.param(
            "0 0 30 12 *", "Pacific/Apia", "2010-12-31T00:00", ["2012-12-30T00:00+14:00"], id="a day that was left out"
        ),
        pytest.param(
            "*/15 * * * *",
            "Australia/Lord_Howe",
            "2026-04-05T01:20",
            ["2026-04-05T01:30+10:30", "2026-04-05T01:45+10:30", "2026-04-05T02:00+10:30"],
            id="half an hour of daylight saving",
        ),
        pytest.param("0 0 * * *", "Asia/Kathmandu", "2026-01-01T00:00", ["2026-01-02T00:00+05:45"], id="quarter hours"),
    ],
)
def test_zones(pattern: str, zone_id: str, after: str, expected: list[str]) -> None:
    assert times(pattern, zone_id, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", 'invalid pattern: ""'),
        ("|", 'invalid pattern: "|"'),
        ("bad", 'invalid pattern: "bad"'),
        ("@daily", 'invalid pattern: "@daily"'),
        ("* * * *", 'invalid pattern: "* * * *"'),
        ("* * * * * *", 'invalid pattern: "* * * * * *"'),
        ("0 0 * * *|x", 'invalid pattern: "x"'),
        (
            "61 * * * *",
            'invalid pattern "61 * * * *". Error parsing minutes field: invalid field "61", invalid element "61", '
            'invalid range, invalid value "61", value out of range.',
        ),
        (
            "9999999999 * * * *",
            'invalid pattern "9999999999 * * * *". Error parsing minutes field: invalid field "9999999999", '
            'invalid element "9999999999", invalid range, invalid value "9999999999", invalid integer value.',
        ),
        (
            "* 1-24 * * *",
            'invalid pattern "* 1-24 * * *". Error parsing hours field: invalid field "1-24", invalid element "1-24", '
            'invalid range, invalid value "24", value out of range.',
        ),
        (
            "* * 1,0 * *",
            'invalid pattern "* * 1,0 * *". Error parsing days of month field: invalid field "1,0", '
            'invalid element "0", invalid range, invalid value "0", value out of range.',
        ),
        (
            "* * * foo *",
            'invalid pattern "* * * foo *". Error parsing months field: invalid field "foo", invalid element "foo", '
            'invalid range, invalid value "foo", invalid alias "foo".',
        ),
        (
            "* * * * 8",
            'invalid pattern "* * * * 8". Error parsing days of week field: invalid field "8", invalid element "8", '
            'invalid range, invalid value "8", invalid alias "8".',
        ),
        (
            "*/0 * * * *",
            'invalid pattern "*/0 * * * *". Error parsing minutes field: invalid field "*/0", invalid element "*/0", '
            'non positive divisor "0".',
        ),
        (
            "*/x * * * *",
            'invalid pattern "*/x * * * *". Error parsing minutes field: invalid field "*/x", invalid element "*/x", '
            'invalid divisor "x".',
        ),
        (
            "1/2/3 * * * *",
            'invalid pattern "1/2/3 * * * *". Error parsing minutes field: invalid field "1/2/3", '
            'invalid element "1/2/3", syntax error.',
        ),
        (
            "1-2-3 * * * *",
            'invalid pattern "1-2-3 * * * *". Error parsing minutes field: invalid field "1-2-3", '
            'invalid element "1-2-3", invalid range, syntax error.',
        ),
        (", * * * *", 'invalid pattern ", * * * *". Error parsing minutes field: invalid field ",".'),
    ],
)
def test_invalid_patterns(pattern: str, message: str) -> None:
    place = Position("main.dig", 3, 5)
    with pytest.raises(InvalidPatternError) as caught:
        CronPattern.parse(pattern, place)
    assert caught.value.error_message == f"{message} (invalid pattern)"
    assert caught.value.position == place


@pytest.mark.parametrize("pattern", ["0 0 30 2 *", "0 0 31 4,6,9,nov *", "0 0 * * *|0 0 30-31 feb 1"])
def test_a_pattern_without_dates_is_refused_where_digdag_would_hang(pattern: str) -> None:
    with pytest.raises(ConfigError, match="never matches"):
        CronPattern.parse(pattern)


def element(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high).map(str)
    ranges = st.tuples(number, number).map("-".join)
    steps = st.tuples(st.one_of(ranges, st.just("*")), st.integers(1, 9).map(str)).map("/".join)
    return st.one_of(st.just("*"), number, ranges, steps)


PATTERNS = st.tuples(element(0, 59), element(0, 23), element(1, 28), element(1, 12), element(0, 7)).map(" ".join)
MOMENTS = st.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
ZONES = st.sampled_from(["UTC", LOS_ANGELES, "Europe/London", "Asia/Kathmandu", "America/Sao_Paulo", "+09:00"])


@settings(max_examples=150, deadline=None)
@given(PATTERNS, MOMENTS, ZONES)
def test_the_next_times_follow_each_other(pattern: str, after: datetime, zone_id: str) -> None:
    parsed, place = CronPattern.parse(pattern), after
    found = [place]
    for _ in range(4):
        place = parsed.next(place, zone(zone_id))
        found.append(place)
    assert all(before < later for before, later in pairwise(found))
    assert all(time.second == 0 and time.microsecond == 0 for time in found[1:])


@settings(max_examples=100, deadline=None)
@given(PATTERNS, MOMENTS)
def test_nothing_matches_between_a_time_and_the_next(pattern: str, after: datetime) -> None:
    parsed = CronPattern.parse(pattern)
    following = parsed.next(after, UTC)
    minute = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    for step in range(min(int((following - minute) / timedelta(minutes=1)), 200)):
        between = minute + timedelta(minutes=step)
        assert parsed.next(between, UTC) == following


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789*/-,|L \tjanmosu", max_size=24), MOMENTS)
def test_any_text_gives_a_time_or_one_error(text: str, after: datetime) -> None:
    try:
        pattern = CronPattern.parse(text)
    except ConfigError as error:
        assert error.message
    else:
        assert pattern.next(after, UTC) > after


def reference(pattern: str, after: datetime) -> datetime:
    """The first minute after `after` that all fields match, in UTC, for elements without wrapping ranges."""

    def values(text: str, low: int, high: int) -> list[int]:
        ends, _, step = text.partition("/")
        first, _, last = (f"{low}-{high}" if ends == "*" else ends).partition("-")
        return list(range(int(first), int(last or first) + 1, int(step or 1)))

    minutes, hours, days, months, weekdays = (
        values(text, *bounds)
        for text, bounds in zip(pattern.split(), [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)], strict=True)
    )
    day = after.replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        if day.day in days and day.month in months and day.isoweekday() % 7 in {weekday % 7 for weekday in weekdays}:
            times = (day.replace(hour=hour, minute=minute) for hour in hours for minute in minutes)
            found = next((time for time in times if time > after), None)
            if found:
                return found
        day += timedelta(days=1)


def ordered_element(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    ranges = st.lists(number, min_size=2, max_size=2).map(lambda ends: "-".join(map(str, sorted(ends))))
    steps = st.tuples(st.one_of(ranges, st.just("*")), st.integers(1, high + 5).map(str)).map("/".join)
    return st.one_of(st.just("*"), number.map(str), ranges, steps)


PLAIN = st.tuples(
    ordered_element(0, 59),
    ordered_element(0, 23),
    ordered_element(1, 28),
    ordered_element(1, 12),
    ordered_element(0, 6),
).map(" ".join)


@settings(max_examples=300)
@given(PLAIN, MOMENTS)
def test_the_next_time_is_the_first_that_matches(pattern: str, after: datetime) -> None:
    assert CronPattern.parse(pattern).next(after, UTC) == reference(pattern, after)


@given(PLAIN, PLAIN, MOMENTS)
def test_the_next_time_of_alternatives_is_the_first_of_theirs(one: str, other: str, after: datetime) -> None:
    parsed = [CronPattern.parse(text).next(after, UTC) for text in (f"{one}|{other}", one, other)]
    assert parsed[0] == min(parsed[1:])
