from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.params.builtins import BuiltIns, schedule_params
from digdag_tui.workflow.config import Config, Params, Value, merge
from digdag_tui.workflow.errors import ConfigError
from digdag_tui.workflow.schedule import Schedule

UUID = "01234567-89ab-cdef-0123-456789abcdef"
TIME = "2026-01-31T00:00:00+00:00"
ALWAYS = [
    "timezone", "session_uuid", "session_time", "session_id", "session_date", "session_date_compact",
    "session_local_time", "session_tz_offset", "session_unixtime",
    "last_executed_session_time", "last_executed_session_date", "last_executed_session_date_compact",
    "last_executed_session_local_time", "last_executed_session_tz_offset", "last_executed_session_unixtime",
    "project_id", "attempt_id", "task_name",
]  # fmt: skip


def built_ins(time: str = TIME, timezone: str = "UTC", params: Params | None = None) -> Params:
    return BuiltIns(UUID, time, timezone).for_task("+main+a", params or {})


@pytest.mark.parametrize(
    ("time", "timezone", "expected"),
    [
        (
            "2026-03-05T06:07:08+00:00",
            "UTC",
            "2026-03-05T06:07:08+00:00 | 2026-03-05 | 20260305 | 2026-03-05 06:07:08 | +0000 | 1772690828 | UTC",
        ),
        (
            "2026-01-31T20:30:00-05:00",
            "Asia/Tokyo",
            "2026-02-01T10:30:00+09:00 | 2026-02-01 | 20260201 | 2026-02-01 10:30:00 | +0900 | 1769909400 | Asia/Tokyo",
        ),
        (
            "2026-03-08T06:30:00+00:00",
            "America/New_York",
            "2026-03-08T01:30:00-05:00 | 2026-03-08 | 20260308 | 2026-03-08 01:30:00 | -0500 | 1772951400 | "
            "America/New_York",
        ),
        (
            "2026-01-31T00:00:00+00:00",
            "+09:00",
            "2026-01-31T09:00:00+09:00 | 2026-01-31 | 20260131 | 2026-01-31 09:00:00 | +0900 | 1769817600 | +09:00",
        ),
        (
            "1969-12-31T23:59:59+00:00",
            "UTC+9",
            "1970-01-01T08:59:59+09:00 | 1970-01-01 | 19700101 | 1970-01-01 08:59:59 | +0900 | -1 | UTC+09:00",
        ),
    ],
)
def test_the_session_in_the_workflows_zone(time: str, timezone: str, expected: str) -> None:
    found = built_ins(time, timezone)
    names = ["time", "date", "date_compact", "local_time", "tz_offset", "unixtime"]
    assert " | ".join([str(found[f"session_{name}"]) for name in names] + [found["timezone"]]) == expected


def test_order_and_types() -> None:
    found = built_ins()
    assert list(found) == ALWAYS
    numbers = {name for name, value in found.items() if type(value) is int}
    assert numbers == {"session_id", "session_unixtime", "project_id", "attempt_id"}
    assert all(type(found[name]) is str for name in found.keys() - numbers)
    assert (found["session_uuid"], found["task_name"], found["attempt_id"]) == (UUID, "+main+a", 1)


def test_ids_and_the_name_of_a_retry() -> None:
    attempt = BuiltIns(UUID, TIME, "UTC", session_id=2, project_id=3, attempt_id=4, retry_attempt_name="again")
    found = attempt.for_task("+main", {})
    assert list(found)[-4:] == ["project_id", "retry_attempt_name", "attempt_id", "task_name"]
    assert [found[key] for key in ("session_id", "project_id", "retry_attempt_name", "attempt_id")] == [
        2,
        3,
        "again",
        4,
    ]


@pytest.mark.parametrize(
    ("timezone", "offset"), [("UTC", "+0000"), ("Asia/Tokyo", "+0900"), ("Europe/London", "+0100")]
)
@pytest.mark.parametrize("params", [{}, {"last_executed_session_time": None}])
def test_without_a_last_executed_session_its_variables_are_empty_texts(
    timezone: str, offset: str, params: Params
) -> None:
    found = built_ins(timezone=timezone, params=params)
    values = {name: found[name] for name in ALWAYS if name.startswith("last_executed_")}
    assert values.pop("last_executed_session_tz_offset") == offset
    assert set(values.values()) == {""}
    assert "last_session_date" not in found
    assert "next_session_date" not in found


@pytest.mark.parametrize("prefix", ["last_session_", "next_session_", "last_executed_session_"])
def test_what_a_session_time_in_the_params_gives(prefix: str) -> None:
    found = built_ins(timezone="Asia/Tokyo", params={f"{prefix}time": "2026-02-28T20:00:00+00:00"})
    assert {name: value for name, value in found.items() if name.startswith(prefix)} == {
        f"{prefix}date": "2026-03-01",
        f"{prefix}date_compact": "20260301",
        f"{prefix}local_time": "2026-03-01 05:00:00",
        f"{prefix}tz_offset": "+0900",
        f"{prefix}unixtime": 1772308800,
    }


@pytest.mark.parametrize("prefix", ["last_session_", "next_session_", "last_executed_session_"])
@pytest.mark.parametrize(
    "value",
    ["", "yesterday", "2026-01-01", "2026-01-01T00:00:00Z", "${session_time}", 20260101, True, [], {"time": 1},
     "0001-01-01T00:00:00+18:00", "9999-12-31T23:59:59-18:00"],
)  # fmt: skip
def test_what_is_no_session_time_gives_nothing(prefix: str, value: Value) -> None:
    params = {f"{prefix}time": value}
    before = {name for name in ALWAYS if not name.startswith(prefix)}
    assert built_ins(params=params).keys() == before


def test_the_order_with_a_schedule() -> None:
    times = {"next_session_time": TIME, "last_session_time": TIME}
    prefixes = [name.removesuffix("date") for name in built_ins(params=times) if name.endswith("_date")]
    assert prefixes == ["session_", "last_session_", "last_executed_session_", "next_session_"]


def test_they_override_exports_and_session_params() -> None:
    params = {"session_date": "fake1", "task_name": {"a": 1}, "session_unixtime": 5, "timezone": "Mars"}
    merged = merge(params, built_ins(params=params))
    assert list(merged)[:4] == list(params)
    assert [merged[key] for key in params] == ["2026-01-31", "+main+a", 1769817600, "UTC"]


def test_tasks_do_not_share_what_they_get() -> None:
    attempt = BuiltIns(UUID, TIME, "UTC")
    attempt.for_task("+a", {"last_session_time": TIME})["last_session_date"] = "changed"
    assert attempt.for_task("+b", {"last_session_time": TIME})["last_session_date"] == "2026-01-31"
    assert attempt.for_task("+c", {}).keys() == set(ALWAYS)


def test_a_zone_that_is_none() -> None:
    with pytest.raises(ConfigError, match="Unknown time zone name: Mars"):
        BuiltIns(UUID, TIME, "Mars")


@given(st.dictionaries(st.sampled_from(["last_session_time", "next_session_time", "x"]), st.text(max_size=30)))
def test_any_text_in_the_params_is_harmless(params: Params) -> None:
    assert set(ALWAYS) <= built_ins(params=params).keys()


@pytest.mark.parametrize(
    ("config", "timezone", "session", "last", "following"),
    [
        (
            {"daily>": "02:30:00"},
            "America/Los_Angeles",
            "2026-03-08T08:00:00+00:00",
            "2026-03-07T00:00:00-08:00",
            "2026-03-09T00:00:00-07:00",
        ),
        (
            {"daily>": "00:00:00", "end": "2026-01-31"},
            "Asia/Tokyo",
            "2026-01-31T00:00:00+09:00",
            "2026-01-30T00:00:00+09:00",
            "9999-01-01T09:00:00+09:00",
        ),
    ],
)
def test_what_a_schedule_adds(config: Params, timezone: str, session: str, last: str, following: str) -> None:
    schedule = Schedule.parse(Config(config), timezone)
    found = schedule_params(schedule, datetime.fromisoformat(session))
    assert found == {"last_session_time": last, "next_session_time": following}
    variables = built_ins(session, timezone, found)
    assert (variables["last_session_date"], variables["next_session_date"]) == (last[:10], following[:10])


def test_every_variable_of_a_retried_session_that_a_schedule_started() -> None:
    session = "2026-03-29T00:00:00+00:00"
    schedule = Schedule.parse(Config({"daily>": "07:00:00"}), "Europe/London")
    around = schedule_params(schedule, datetime.fromisoformat(session))
    params = {**around, "last_executed_session_time": "2026-03-27T00:00:00+00:00"}
    attempt = BuiltIns(UUID, session, "Europe/London", session_id=7, attempt_id=9, retry_attempt_name="again")
    assert merge(params, attempt.for_task("+main+a^sub", params)) == {
        "timezone": "Europe/London",
        "session_uuid": UUID,
        "session_time": "2026-03-29T00:00:00+00:00",
        "session_id": 7,
        "session_date": "2026-03-29",
        "session_date_compact": "20260329",
        "session_local_time": "2026-03-29 00:00:00",
        "session_tz_offset": "+0000",
        "session_unixtime": 1774742400,
        "last_session_time": "2026-03-28T00:00:00+00:00",
        "last_session_date": "2026-03-28",
        "last_session_date_compact": "20260328",
        "last_session_local_time": "2026-03-28 00:00:00",
        "last_session_tz_offset": "+0000",
        "last_session_unixtime": 1774656000,
        "last_executed_session_time": "2026-03-27T00:00:00+00:00",
        "last_executed_session_date": "2026-03-27",
        "last_executed_session_date_compact": "20260327",
        "last_executed_session_local_time": "2026-03-27 00:00:00",
        "last_executed_session_tz_offset": "+0000",
        "last_executed_session_unixtime": 1774569600,
        "next_session_time": "2026-03-30T00:00:00+01:00",
        "next_session_date": "2026-03-30",
        "next_session_date_compact": "20260330",
        "next_session_local_time": "2026-03-30 00:00:00",
        "next_session_tz_offset": "+0100",
        "next_session_unixtime": 1774825200,
        "project_id": 1,
        "retry_attempt_name": "again",
        "attempt_id": 9,
        "task_name": "+main+a^sub",
    }


def test_no_schedule_adds_nothing() -> None:
    assert schedule_params(None, datetime.fromisoformat(TIME)) == {}
