"""`sla`: its time, its tasks, and that it stops nothing (core 5.8)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.debugger.gate import Opening
from digdag_tui.debugger.history import last_attempt
from digdag_tui.engine.events import AttemptStarted, SlaViolated, TaskLogged
from digdag_tui.engine.sla import sla_time
from digdag_tui.workflow.errors import ConfigError

from ..support import Debugged, run, write

NOW = datetime(2026, 1, 31, 10, 0, 0, tzinfo=UTC)


def hours_from_now(sla: dict[str, Any], timezone: str = "UTC") -> float:
    at = sla_time({"sla": sla}, timezone, NOW.timestamp())
    assert at is not None
    return (at - NOW.timestamp()) / 3600


@pytest.mark.parametrize(
    ("sla", "timezone", "hours"),
    [
        ({"duration": "01:30"}, "UTC", 1.5),
        ({"duration": "00:00:36"}, "UTC", 0.01),
        ({"duration": "30:90"}, "Asia/Tokyo", 31.5),
        ({"duration": "-1:00"}, "UTC", -1),
        ({"duration": "1:+30:"}, "UTC", 1.5),
        ({"time": "10:00"}, "UTC", 0),
        ({"time": "12:30:00"}, "UTC", 2.5),
        ({"time": "9:59:24"}, "UTC", 23.99),
        ({"time": "25:61"}, "UTC", 16 + 1 / 60),
        ({"time": "20:00"}, "Asia/Tokyo", 1),
        ({"time": "18:00"}, "Asia/Tokyo", 23),
        ({"time": "06:00", "duration": None}, "America/New_York", 1),
    ],
)
def test_when_it_is_violated(sla: dict[str, Any], timezone: str, hours: float) -> None:
    assert hours_from_now(sla, timezone) == pytest.approx(hours)


def test_a_time_that_is_over_is_24_hours_later_whatever_the_clocks_do() -> None:
    before_summer = datetime(2026, 3, 28, 12, 0, 0, tzinfo=UTC).timestamp()
    assert sla_time({"sla": {"time": "03:00"}}, "Europe/Berlin", before_summer) == (
        datetime(2026, 3, 29, 2, 0, 0, tzinfo=UTC).timestamp()
    )


def test_without_one_there_is_no_time() -> None:
    assert sla_time({}, "UTC", 0) is None


EITHER = "SLA must be specified using either the 'time' or 'duration' option"


@pytest.mark.parametrize(
    ("sla", "said"),
    [
        ({}, EITHER),
        ({"time": None, "fail": True}, EITHER),
        ({"time": "1:00", "duration": "1:00"}, EITHER),
        ({"time": "12"}, "SLA time option needs to be HH:MM or HH:MM:SS format: Optional.of(12)"),
        ({"time": "1:2:3:4"}, "SLA time option needs to be HH:MM or HH:MM:SS format: Optional.of(1:2:3:4)"),
        ({"time": "noon:00"}, "SLA time option needs to be HH:MM or HH:MM:SS format: Optional.of(noon:00)"),
        ({"time": " 1:00"}, "SLA time option needs to be HH:MM or HH:MM:SS format: Optional.of( 1:00)"),
        ({"duration": "soon"}, "SLA duration option needs to be HH:MM or HH:MM:SS format: Optional.absent()"),
        ({"duration": ""}, "SLA duration option needs to be HH:MM or HH:MM:SS format: Optional.absent()"),
        ([1], "Parameter 'sla' must be an object"),
    ],
)
def test_what_is_no_sla(sla: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sla_time({"sla": sla}, "UTC", 0)
    assert caught.value.message == said


def test_a_bad_one_refuses_the_run_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=EITHER):
        run(tmp_path, "sla: {fail: true}\n+a: {sh>: touch ran}\n")
    assert not (tmp_path / "ran").exists()


SLOW = "+slow: {sh>: 'sleep 0.6'}\n+after: {echo>: after}\n"


def late(project: Path, sla: str) -> Debugged:
    """A run whose `sla` is violated in its first second."""
    return run(project, f"sla:\n  duration: 00:00:00\n{sla}{SLOW}")


DONE = {"+main+slow": "success", "+main+after": "success"}


@pytest.mark.parametrize(
    ("sla", "states"),
    [
        ("", {"+main": "success", **DONE, "+main^sla^alert": "success", "+main^sla": "success"}),
        ("  alert: false\n", {"+main": "success", **DONE, "+main^sla": "success"}),
        (
            "  fail: true\n",
            {"+main": "group_error", **DONE, "+main^sla^alert": "success", "+main^sla^fail": "error",
             "+main^sla": "success", "+main^failure-alert": "success"},
        ),
        (
            "  alert: 'false'\n  +tell: {echo>: late}\n",
            {"+main": "success", **DONE, "+main^sla": "success", "+main^sla+tell": "success"},
        ),
        ("  alert: false\n  echo>: late\n", {"+main": "success", **DONE, "+main^sla": "success"}),
    ],
)  # fmt: skip
def test_it_adds_tasks_and_all_others_still_run(tmp_path: Path, sla: str, states: dict[str, str]) -> None:
    finished = late(tmp_path, sla)
    assert finished.states() == states
    added = [task for task in finished.session.attempt.tasks.values() if "^sla" in task.full_name]
    assert all(not task.initial and not task.upstreams for task in added)
    assert all(task.parent is finished.session.attempt.root for task in added if "+tell" not in task.full_name)


def test_what_its_tasks_are(tmp_path: Path) -> None:
    finished = late(tmp_path, "  fail: true\n  _parallel: true\n  +t: {echo>: late}\n")
    configs = {name: finished.task(f"+main{name}").config for name in ("^sla^alert", "^sla^fail", "^sla")}
    assert configs == {
        "^sla^alert": {"_type": "notify", "_command": "SLA violation"},
        "^sla^fail": {"_type": "fail", "_command": "SLA violation"},
        "^sla": {"_parallel": True},
    }
    assert finished.task("+main^sla^fail").error == {"message": "SLA violation"}


def test_its_tasks_see_the_root_exports(tmp_path: Path) -> None:
    dig = f"_export: {{who: me}}\nsla: {{duration: 00:00:00, alert: false, echo>: '${{who}} is late'}}\n{SLOW}"
    assert run(tmp_path, dig).output("+main^sla") == "me is late\n"


def test_no_limit_of_tasks_holds_it_back(tmp_path: Path) -> None:
    finished = run(tmp_path, f"sla: {{duration: 00:00:00, +a: {{echo>: x}}}}\n{SLOW}", task_limit=4)
    assert len(finished.states()) == 6


@pytest.mark.parametrize("sla", ["  unknown: 1\n", "  +a: 1\n", "  _export: 1\n", "  echo>: a\n  sh>: b\n"])
def test_one_that_does_not_compile_is_logged_and_adds_the_alert_alone(tmp_path: Path, sla: str) -> None:
    finished = late(tmp_path, sla)
    assert finished.states() == {"+main": "success", **DONE, "+main^sla^alert": "success"}
    assert [event.message.split(":")[0] for event in logged(finished, "ERROR")] == ["Invalid SLA configuration"]


def test_options_that_are_no_booleans_are_logged_and_count_as_not_given(tmp_path: Path) -> None:
    finished = late(tmp_path, "  alert: maybe\n  fail: maybe\n")
    assert finished.states() == {"+main": "success", **DONE, "+main^sla^alert": "success", "+main^sla": "success"}
    said = "sla configuration error: Expected 'true' or 'false' for key '{}' but got \"maybe\" (string) (config)"
    assert [event.message for event in logged(finished, "WARN")] == [said.format("alert"), said.format("fail")]


def logged(finished: Debugged, level: str) -> list[TaskLogged]:
    return [event for event in finished.events if isinstance(event, TaskLogged) and event.level == level]


def test_a_run_that_is_done_in_time_has_none_of_it(tmp_path: Path) -> None:
    finished = run(tmp_path, "sla: {duration: '01:00'}\n+a: {echo>: a}\n")
    assert finished.states() == {"+main": "success", "+main+a": "success"}


def test_it_wakes_an_attempt_that_only_waits(tmp_path: Path) -> None:
    dig = "sla: {duration: 00:00:01, alert: false, sh>: touch go}\n+w: {sh>: 'until [ -e go ]; do sleep 0.05; done'}\n"
    assert run(tmp_path, dig).states() == {"+main": "success", "+main+w": "success", "+main^sla": "success"}


def test_a_retried_root_does_not_run_its_tasks_again(tmp_path: Path) -> None:
    flaky = "+a: {sh>: 'sleep 0.4; [ -e done ] || { touch done; exit 1; }'}\n"
    finished = run(tmp_path, f"_retry: 1\nsla: {{duration: 00:00:00, alert: false, echo>: late}}\n{flaky}")
    names = [task.full_name for task in finished.session.attempt.tasks.values()]
    assert names == ["+main", "+main+a", "+main^sla", "+main+a"]
    assert finished.finished() == [True]


def test_a_called_file_has_none(tmp_path: Path) -> None:
    files = {"child.dig": f"sla: {{duration: 00:00:00}}\n{SLOW}"}
    assert not any("^sla" in name for name in run(tmp_path, "+a: {call>: child}\n", files).states())


def test_a_required_workflow_has_its_own(tmp_path: Path) -> None:
    from digdag_tui.debugger.events import RequiredEvent

    files = {"dep.dig": f"sla: {{duration: 00:00:00}}\n{SLOW}"}
    finished = run(tmp_path, "+a: {require>: dep}\n", files)
    assert any(isinstance(event, RequiredEvent) and isinstance(event.event, SlaViolated) for event in finished.events)


def test_going_on_after_any_event_adds_its_tasks_once(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": f"sla: {{duration: 00:00:00, +t: {{echo>: late}}}}\n{SLOW}"})
    whole = Debugged(tmp_path, break_on_failure=False)
    asyncio.run(whole.session.run_attempt(Opening()))
    folder = whole.session.journal_folder
    assert folder
    (journal,) = folder.glob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    assert b'"sla_at"' in lines[0]
    for kept in range(1, len(lines), 3):
        journal.write_bytes(b"".join(lines[:kept]))
        resumed = Debugged(tmp_path, break_on_failure=False)
        asyncio.run(resumed.session.run_attempt(Opening(past=last_attempt(folder))))
        assert resumed.states() == whole.states(), f"after {kept} events"
        assert sum(isinstance(event, SlaViolated) for event in resumed.events) == 1


def test_the_first_event_says_when(tmp_path: Path) -> None:
    finished = run(tmp_path, "sla: {duration: '02:00'}\n+a: {echo>: a}\n")
    started = next(event for event in finished.events if isinstance(event, AttemptStarted))
    assert started.sla_at == started.at + 7200
