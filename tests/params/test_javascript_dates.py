"""Date and moment in the workflow's time zone (core 6.5)."""

from __future__ import annotations

import os
import time

import pytest

from digdag_tui.params.evaluate import Evaluator
from digdag_tui.workflow.errors import ConfigError

EVALUATOR = Evaluator()
SESSION = "2026-01-31T00:00:00+00:00"


def text(template: str, timezone: str, session_time: str = SESSION) -> str:
    return EVALUATOR.text(
        template, {"timezone": timezone, "session_time": session_time, "session_unixtime": 1769817600}
    )


@pytest.mark.parametrize(
    ("timezone", "template", "result"),
    [
        (
            "Asia/Tokyo",
            "${new Date(session_time).getHours()} ${new Date(session_time).getTimezoneOffset()} "
            "${new Date(2026, 0, 31).toISOString()}",
            "9 -540 2026-01-30T15:00:00.000Z",
        ),
        (
            "Asia/Tokyo",
            "${Date.UTC(2026, 0, 31)} ${new Date(session_time).getTime()} ${Date.length}",
            "1769817600000 1769817600000 7",
        ),
        (
            "Asia/Tokyo",
            "${String(new Date(0))}|${new Date(0).toDateString()}|${new Date(0).toTimeString()}",
            "Thu Jan 01 1970 09:00:00 GMT+0900 (JST)|Thu Jan 01 1970|09:00:00 GMT+0900 (JST)",
        ),
        (
            "Asia/Tokyo",
            "${new Date(0).toLocaleDateString()} ${new Date(0).toLocaleTimeString()}",
            "1970-01-01 09:00:00",
        ),
        (
            "Asia/Tokyo",
            "${new Date(0).toUTCString()} ${new Date(0)}",
            'Thu, 01 Jan 1970 00:00:00 GMT "1970-01-01T00:00:00.000Z"',
        ),
        (
            "UTC",
            "${typeof Date()} ${new Date(NaN).getHours()} ${String(new Date(NaN))} ${new Date(NaN)}",
            "string null Invalid Date null",
        ),
        (
            "UTC",
            "${new Date(99, 0).getFullYear()} ${new Date(0).getYear()} ${new Date() instanceof Date}",
            "1999 70 true",
        ),
        (
            "UTC",
            "${Object.prototype.toString.call(new Date())} ${new Date(0).constructor === Date}",
            "[object Date] true",
        ),
        (
            "+05:30",
            "${new Date(2026, 0, 1).toISOString()} ${String(new Date(0))}",
            "2025-12-31T18:30:00.000Z Thu Jan 01 1970 05:30:00 GMT+0530 (+05:30)",
        ),
        # local to UTC is by the savings at the time in standard time: a skipped hour is taken an hour earlier
        (
            "America/New_York",
            "${new Date(2026, 2, 8, 2, 30).toISOString()} ${new Date(2026, 10, 1, 1, 30).toISOString()}",
            "2026-03-08T06:30:00.000Z 2026-11-01T06:30:00.000Z",
        ),
        (
            "America/New_York",
            "${new Date(2026, 6, 1).getTimezoneOffset()} ${new Date(2026, 0, 1).getTimezoneOffset()}",
            "240 300",
        ),
        (
            "America/New_York",
            "${new Date(2100, 6, 1).getTimezoneOffset()} ${new Date(2400, 0, 1).getTimezoneOffset()}",
            "240 300",
        ),
        (
            "America/New_York",
            "${(function() { var d = new Date(2026, 2, 7, 12); d.setDate(8); return d; })()}",
            '"2026-03-08T16:00:00.000Z"',
        ),
        (
            "America/New_York",
            "${(function() { var d = new Date(NaN); d.setFullYear(2026); return d; })()}",
            '"2026-01-01T05:00:00.000Z"',
        ),
        (
            "America/New_York",
            "${(function() { var d = new Date(0); d.setHours(1, 2, 3, 4); return d; })()}",
            '"1969-12-31T06:02:03.004Z"',
        ),
        # Digdag's engine takes the offset of 1970 for the standard time, so its London is an hour ahead
        (
            "Europe/London",
            "${new Date(2026, 0, 31).toISOString()} ${new Date(session_time).getHours()}",
            "2026-01-30T23:00:00.000Z 1",
        ),
        ("Europe/London", "${String(new Date(session_time))}", "Sat Jan 31 2026 00:00:00 GMT+0000 (GMT)"),
    ],
)
def test_date_is_local_to_the_workflow(timezone: str, template: str, result: str) -> None:
    assert text(template, timezone) == result


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        ("2026-01", "2026-01-01T00:00:00.000Z"),
        ("2026", "2026-01-01T00:00:00.000Z"),
        ("2026-01-31T10:11", "2026-01-31T10:11:00.000Z"),
        ("2026-01-31T10:11:12.5", "2026-01-31T10:11:12.500Z"),
        ("2026-01-31T10:11:12Z", "2026-01-31T10:11:12.000Z"),
        ("2026-01-31T10:11:12+09:00", "2026-01-31T01:11:12.000Z"),
        ("2026-01-31T10:11:12-0330", "2026-01-31T13:41:12.000Z"),
        ("2026-01-31T24:00:00", "2026-02-01T00:00:00.000Z"),
        ("+012026-01-31", "+012026-01-31T00:00:00.000Z"),
        ("2026-01-31 00:00:00", "2026-01-30T15:00:00.000Z"),
        ("2026/01/31", "2026-01-30T15:00:00.000Z"),
        ("1/31/2026", "2026-01-30T15:00:00.000Z"),
        ("31 Jan 2026", "2026-01-30T15:00:00.000Z"),
        ("Jan 31, 2026 5:06 pm", "2026-01-31T08:06:00.000Z"),
        ("January 31 2026 12:00 am", "2026-01-30T15:00:00.000Z"),
        ("Sat Jan 31 2026 09:00:00 GMT+0900 (JST)", "2026-01-31T00:00:00.000Z"),
        ("Sat, 31 Jan 2026 00:00:00 GMT", "2026-01-31T00:00:00.000Z"),
        ("31 Jan 99 00:00 EST", "1999-01-31T05:00:00.000Z"),
        ("2026-01-31T10:11:12 Z", None),
        ("2026-13-01T00:00", None),
        ("2026-01-31T25:00", None),
        ("2026-01-32T00:00", None),
        ("Sat Jan 31 2026 JST", None),
        ("13/13/2026", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_texts_of_dates(written: str, utc: str | None) -> None:
    """ECMAScript 5's form is UTC unless it says otherwise; other forms are local, here in Tokyo."""
    assert text("${new Date('" + written + "')}", "Asia/Tokyo") == (f'"{utc}"' if utc else "null")


@pytest.mark.parametrize(
    ("timezone", "template", "result"),
    [
        (
            "UTC",
            "${moment(session_time).format()} | ${moment(session_time).format('YYYY-MM-DD HH:mm:ss Z ZZ')}",
            "2026-01-31T00:00:00+00:00 | 2026-01-31 00:00:00 +00:00 +0000",
        ),
        (
            "UTC",
            "${moment(session_time).format('LLLL')} | ${moment(session_time).format('dddd, Do MMM YY, h:mm a')}",
            "Saturday, January 31, 2026 12:00 AM | Saturday, 31st Jan 26, 12:00 am",
        ),
        ("UTC", "${moment(session_time).format('[Q]Q DDDD w W E x X')}", "Q1 031 5 5 6 1769817600000 1769817600"),
        (
            "UTC",
            "${moment(session_time).add(1, 'month').format('L')} ${moment(session_time).startOf('week').format('L')}",
            "02/28/2026 01/25/2026",
        ),
        (
            "UTC",
            "${moment(session_time)} ${moment.duration(90, 'minutes').humanize()} ${moment(session_time).locale()}",
            '"2026-01-31T00:00:00.000Z" 2 hours en',
        ),
        (
            "Asia/Tokyo",
            "${moment(session_time).format()} ${moment(session_time).utc().format()} "
            "${moment(session_time).utcOffset()}",
            "2026-01-31T09:00:00+09:00 2026-01-31T00:00:00Z 540",
        ),
        (
            "Asia/Tokyo",
            "${moment.utc(session_time).format('HH:mm')} ${moment(session_unixtime * 1000).format('HH')}",
            "00:00 09",
        ),
        (
            "America/New_York",
            "${moment('2026-03-08T02:30:00').format()} ${moment('2026-11-01T01:30:00').format()} "
            "${moment('2026-11-01T00:30:00').add(1, 'hour').format()} "
            "${moment('2026-11-01T00:30:00').add(2, 'hour').format()}",
            "2026-03-08T01:30:00-05:00 2026-11-01T01:30:00-05:00 2026-11-01T01:30:00-04:00 2026-11-01T01:30:00-05:00",
        ),
        (
            "America/New_York",
            "${moment('2026-03-08').add(1, 'day').format()} ${moment('2026-03-08').add(24, 'hours').format()} "
            "${moment('2026-03-08').isDST()} ${moment('2026-03-09').isDST()}",
            "2026-03-09T00:00:00-04:00 2026-03-09T01:00:00-04:00 false true",
        ),
        (
            "America/Los_Angeles",
            "${moment('2016-03-13T10:00:00Z').format()} ${moment('2016-03-13T10:00:00Z').add(-1, 'hours').format()}",
            "2016-03-13T03:00:00-07:00 2016-03-13T01:00:00-08:00",
        ),
    ],
)
def test_moment_is_local_to_the_workflow(timezone: str, template: str, result: str) -> None:
    assert text(template, timezone) == result


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("moment.version", "2.21.0"),
        ("typeof moment.tz", "undefined"),
        ("moment(session_time).toISOString(true)", "2026-01-31T09:00:00.000+09:00"),
        ("moment(session_time).toISOString()", "2026-01-31T00:00:00.000Z"),
        ("moment('nonsense').toISOString()", ""),
        ("moment(session_time).inspect()", 'moment("2026-01-31T09:00:00.000")'),
        ("moment.utc(session_time).inspect()", 'moment.utc("2026-01-31T00:00:00.000+00:00")'),
        ("moment(NaN).inspect()", "moment.invalid(/* NaN */)"),
        ("moment.HTML5_FMT.DATETIME_LOCAL", "YYYY-MM-DDTHH:mm"),
        ("moment('2026-01-31x').isValid()", "false"),
        ("moment.utc('Sat, 31 Jan 2026 10:11:12 +0900').format()", "2026-01-31T01:11:12Z"),
        ("moment('Sun, 31 Jan 2026 10:11:12 +0900').isValid()", "false"),
        ("moment.parseZone('2026-01-31T10:00:00-03:00').format()", "2026-01-31T10:00:00-03:00"),
        ("moment.parseZone('2026-01-31').format()", "2026-01-31T00:00:00Z"),
        ("moment('2024-02-29').year(2025).format('L')", "02/28/2025"),
        ("moment('2026-01-31').hour(NaN).format('L')", "01/31/2026"),
        ("moment('2026-01-31').set({date: 1, month: 1}).format('L')", "02/01/2026"),
        ("moment('2026-02-28').set({date: 31, month: 2}).format('L')", "03/31/2026"),
        ("moment('2026-02-01').isoWeekday('Monday').format('L')", "01/26/2026"),
        ("moment(session_time).add({days: 1, hours: 2}).format()", "2026-02-01T11:00:00+09:00"),
        ("moment.duration(1, 'h').isValid() + ' ' + moment.duration(1, 'h').clone().asMinutes()", "true 60"),
        ("moment.localeData().months().length", "12"),
        ("moment(session_time).toDate() === moment(session_time)._d", "false"),
    ],
)
def test_moment_is_version_2_21(expression: str, result: str) -> None:
    assert text("${" + expression + "}", "Asia/Tokyo") == result


def test_now_is_now() -> None:
    before = int(time.time())
    assert before <= int(text("${moment().unix()}", "UTC")) <= time.time() + 1
    assert before <= int(text("${Math.floor(Date.now() / 1000)}", "UTC")) <= time.time() + 1


def test_the_time_zone_of_the_process_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    template = "${new Date(2026, 0, 31).toISOString()} ${moment('2026-01-31').format()} ${new Date('2026/01/31')}"
    expected = text(template, "Asia/Tokyo")
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert Evaluator().text(template, {"timezone": "Asia/Tokyo"}) == expected
        assert os.environ["TZ"] == "America/New_York"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_without_a_timezone_in_the_params_the_evaluators_own_counts() -> None:
    assert Evaluator("Asia/Tokyo").text("${new Date(0).getHours()}", {}) == "9"
    assert Evaluator("Asia/Tokyo").text("${new Date(0).getHours()}", {"timezone": "UTC"}) == "0"


def test_many_zones_one_after_another() -> None:
    for hours in range(12):
        assert text("${new Date(0).getHours()}", f"+{hours:02}:00") == str(hours)


def test_an_unknown_zone_is_a_config_error() -> None:
    assert text("${1 + 1}", "Mars/Olympus") == "2"
    with pytest.raises(ConfigError, match="Unknown time-zone ID: Mars/Olympus"):
        text("${moment()}", "Mars/Olympus")


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("moment.duration(1234567890).toISOString()", "PT342H56M7.89S"),
        ("moment.duration(-90, 'minutes').toISOString()", "-PT1H30M"),
        ("moment.duration({days: 1, hours: 2}).toISOString()", "P1DT2H"),
        ("moment.duration({months: 14, days: -3}).toISOString()", "P1Y2M-3D"),
        ("moment.duration(0).toJSON()", "P0D"),
        ("moment.utc(0).utcOffset('x').format()", "1970-01-01T00:00:00Z"),
        ("moment.localeData('fr').months()[0]", "January"),
        ("moment.calendarFormat(moment('2026-01-01'), moment('2026-01-02'))", "lastDay"),
        ("moment.calendarFormat(moment('2026-01-09'), moment('2026-01-02'))", "sameElse"),
        ("new Date(new Date(5)).getTime()", "5"),
    ],
)
def test_moment_2_21(expression: str, result: str) -> None:
    assert Evaluator().text("${" + expression + "}", {"timezone": "UTC"}) == result
