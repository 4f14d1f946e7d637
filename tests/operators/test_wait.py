from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.engine.operator import OperatorResult, PollingRetry

from .support import call, error, message, run

PROJECT = Path("/project")
START = "wait_start_time_millis"


def poll(command: str, **options: Any) -> PollingRetry:
    state = options.pop("state", {})
    with pytest.raises(PollingRetry) as caught:
        asyncio.run(call(PROJECT, "wait", command, options, state=state).run())
    return caught.value


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10), ("2m", 120), ("1d 2h 3m 4s", 93784), ("1D2H", 93600), (" 3 h ", 10800), ("0s", 1),
        ("5 m 1 s", 301),
    ],
)  # fmt: skip
def test_the_first_call_asks_to_come_back(text: str, seconds: int) -> None:
    before = int(time.time() * 1000)
    retry = poll(text)
    assert retry.seconds == seconds
    assert before <= retry.state[START] <= int(time.time() * 1000)


def test_later_calls_wait_for_what_is_left() -> None:
    start = int(time.time() * 1000) - 95_000
    retry = poll("100s", state={START: start, "other": 1})
    assert 1 <= retry.seconds <= 5
    assert retry.state == {START: start, "other": 1}


def test_a_poll_interval_is_taken_as_it_is() -> None:
    assert poll("10s", poll_interval="1m").seconds == 60


def test_a_time_that_is_over_is_a_success() -> None:
    task = call(PROJECT, "wait", "1s", state={START: 1000})
    asyncio.run(task.run())
    assert task.log == [
        (
            "INFO",
            "io.digdag.standards.operator.WaitOperatorFactory$WaitOperator",
            "wait finished. start:1970-01-01T00:00:01Z",
        )
    ]


def test_blocking_succeeds_at_the_first_call() -> None:
    assert run(PROJECT, "wait", "1s", {"blocking": "true"}) == OperatorResult()


@pytest.mark.parametrize("command", ["soon", 1, None, "", "17", "1 7s", "-4s", "4s 1d", [1]])
def test_no_duration(command: Any) -> None:
    assert message(PROJECT, "wait", command) == "Invalid configuration (config)"


def test_the_log_tells_what_is_wrong_with_a_duration() -> None:
    assert error(PROJECT, "wait", "soon").log_message == (
        "Invalid configuration (config)\n> Invalid duration (date time parse)"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"blocking": True, "poll_interval": "1s"}, "poll_interval can't be specified with blocking:true"),
        ({"poll_interval": "often"}, "Invalid configuration"),
        ({"blocking": "maybe"}, "Expected 'true' or 'false' for key 'blocking' but got \"maybe\" (string)"),
    ],
)
def test_bad_options(options: dict[str, Any], said: str) -> None:
    assert message(PROJECT, "wait", "1s", options) == f"{said} (config)"
