from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.workflow.errors import TaskExecutionError

from .support import NOTHING, call, error, message, run


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("hello", "hello\n"),
        ("  padded  ", "  padded  \n"),
        ("first\n  second\n", "first\n  second\n"),
        ("", ""),
        ("${secret:key}", "${secret:key}\n"),
        (42, "42\n"),
        (1.5, "1.5\n"),
        (1000.0, "1000.0\n"),
        (12345678901234567890, "12345678901234567890\n"),
        (True, "true\n"),
    ],
)
def test_echo_prints_scalars_in_whole_lines(tmp_path: Path, command: Any, written: str) -> None:
    task = call(tmp_path, "echo", command)
    asyncio.run(task.run())
    assert "".join(task.output) == written


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ([1, 2], "Expected string type for key '_command' but got [1,2] (array) (config)"),
        ({"a": 1}, "Expected string type for key '_command' but got {\"a\":1} (object) (config)"),
        (None, "Parameter '_command' is required but not set (config)"),
        (NOTHING, "Parameter '_command' is required but not set (config)"),
    ],
)
@pytest.mark.parametrize("operator", ["echo", "notify"])
def test_without_a_text_there_is_nothing_to_say(tmp_path: Path, operator: str, command: Any, said: str) -> None:
    assert message(tmp_path, operator, command) == said


@pytest.mark.parametrize(("command", "said"), [("on fire", "on fire"), (404, "404"), ("", ""), (None, "")])
def test_fail_fails_with_its_message_and_no_kind(tmp_path: Path, command: Any, said: str) -> None:
    failure = error(tmp_path, "fail", command)
    assert isinstance(failure, TaskExecutionError)
    assert (failure.message, failure.kind) == (said, None)


def test_fail_of_a_list(tmp_path: Path) -> None:
    assert message(tmp_path, "fail", [1]) == "Expected string type for key '_command' but got [1] (array) (config)"


def test_notify_does_nothing(tmp_path: Path) -> None:
    task = call(tmp_path, "notify", "Workflow session attempt failed")
    result = asyncio.run(task.run())
    assert result == run(tmp_path, "echo", "")
    assert not task.output
