"""Stopping an attempt: what each task comes to (core 5.7)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from digdag_tui.debugger.gate import Opening
from digdag_tui.debugger.history import last_attempt
from digdag_tui.engine.attempt import Task
from digdag_tui.engine.events import TaskLogged

from ..support import Debugged, debugged

SLEEP = "sh>: 'touch started; sleep 60'"


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def stopped(project: Path, dig: str, moment: Callable[[Debugged], bool]) -> Debugged:
    """A run that was stopped when `moment` came."""
    with debugged(project, dig) as debug:
        debug.session.breaks.on_failure = False
        debug.session.resume().result(5)
        until(lambda: moment(debug))
        assert debug.do("stop") == "ended"
        return debug


def in_state(name: str, state: str) -> Callable[[Debugged], bool]:
    def reached(debug: Debugged) -> bool:
        task = debug.session.attempt.named(name)
        return task is not None and task.state == state

    return reached


def warnings(debug: Debugged) -> list[str]:
    return [event.message for event in debug.events if isinstance(event, TaskLogged) and event.level == "WARN"]


CASES: dict[str, tuple[str, tuple[str, str], dict[str, str], list[str]]] = {
    "what runs is canceled, what waits for it stays blocked, no handler and no alert runs": (
        f"_error: {{echo>: never}}\n+a: {{{SLEEP}, _error: {{echo>: never}}}}\n+b: {{echo>: b}}\n",
        ("+main+a", "running"),
        {"+main": "canceled", "+main+a": "canceled", "+main+b": "blocked"},
        ["Task +main+a is canceled."],
    ),
    "an operator that waits for its retry is cleaned up": (
        "+a: {sh>: exit 1, _retry: {limit: 1, interval: 3600}}\n+b: {echo>: b}\n",
        ("+main+a", "retry_waiting"),
        {"+main": "canceled", "+main+a": "canceled", "+main+b": "blocked"},
        ["Task +main+a is canceled."],
    ),
    "an operator that polls is cleaned up": (
        "+a: {wait>: 1h}\n+b: {echo>: b}\n",
        ("+main+a", "retry_waiting"),
        {"+main": "canceled", "+main+a": "canceled", "+main+b": "blocked"},
        ["Task +main+a is canceled."],
    ),
    "a group that waits for its retry is canceled": (
        "+g:\n  _retry: {limit: 1, interval: 3600}\n  +a: {fail>: no}\n+b: {echo>: b}\n",
        ("+main+g", "group_retry_waiting"),
        {"+main": "canceled", "+main+g": "canceled", "+main+g+a": "error", "+main+b": "blocked"},
        [],
    ),
    "an operator that waits to redo its subtasks is cleaned up": (
        "+l: {loop>: 1, _retry: {limit: 1, interval: 3600}, _do: {fail>: no}}\n",
        ("+main+l", "group_retry_waiting"),
        {"+main": "canceled", "+main+l": "canceled", "+main+l^sub": "group_error", "+main+l^sub+loop-0": "error"},
        ["Task +main+l is canceled."],
    ),
    "what generated tasks is canceled with them": (
        f"+l: {{loop>: 2, _do: {{{SLEEP}}}}}\n",
        ("+main+l^sub+loop-0", "running"),
        {"+main": "canceled", "+main+l": "canceled", "+main+l^sub": "canceled", "+main+l^sub+loop-0": "canceled",
         "+main+l^sub+loop-1": "blocked"},
        ["Task +main+l^sub+loop-0 is canceled."],
    ),
    "a failure before the stop stays one, and its group is canceled": (
        f"+p:\n  _parallel: true\n  _error: {{echo>: never}}\n  +a: {{fail>: no}}\n  +b: {{{SLEEP}}}\n",
        ("+main+p+b", "running"),
        {"+main": "canceled", "+main+p": "canceled", "+main+p+a": "error", "+main+p+b": "canceled"},
        ["Task +main+p+b is canceled."],
    ),
    "a handler that runs is canceled, and so is its task": (
        f"+a: {{fail>: no, _error: {{{SLEEP}}}}}\n+b: {{echo>: b}}\n",
        ("+main+a^error", "running"),
        {"+main": "canceled", "+main+a": "canceled", "+main+a^error": "canceled", "+main+b": "blocked"},
        ["Task +main+a^error is canceled."],
    ),
    "what ended before stays as it is": (
        f"+a: {{echo>: a}}\n+b: {{{SLEEP}}}\n",
        ("+main+b", "running"),
        {"+main": "canceled", "+main+a": "success", "+main+b": "canceled"},
        ["Task +main+b is canceled."],
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", CASES)
def test_states_after_a_stop(tmp_path: Path, rule: str) -> None:
    dig, moment, states, said = CASES[rule]
    debug = stopped(tmp_path, dig, in_state(*moment))
    assert debug.states() == states
    assert debug.finished() == [False]
    assert warnings(debug) == said


def test_blocked_tasks_have_the_flag_and_ended_ones_have_not(tmp_path: Path) -> None:
    dig = f"+a: {{echo>: a}}\n+b: {{{SLEEP}}}\n+c: {{echo>: c}}\n"
    debug = stopped(tmp_path, dig, in_state("+main+b", "running"))
    flags = {task.full_name: task.cancel_requested for task in debug.session.attempt.tasks.values()}
    assert flags == {"+main": True, "+main+a": False, "+main+b": True, "+main+c": True}


def test_a_group_held_at_its_start_is_canceled_with_its_first_task(tmp_path: Path) -> None:
    with debugged(tmp_path, "+g:\n  +a: {echo>: a}\n  +b: {echo>: b}\n+c: {echo>: c}\n") as debug:
        assert debug.where() == "entry +main+g"
        assert debug.do("stop") == "ended"
        assert debug.states() == {
            "+main": "canceled", "+main+g": "canceled", "+main+g+a": "canceled", "+main+g+b": "blocked",
            "+main+c": "blocked",
        }  # fmt: skip


def test_a_task_held_at_its_failure_is_canceled(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {fail>: no, _error: {echo>: never}}\n") as debug:
        assert debug.do("resume") == "exception +main+a"
        assert debug.do("stop") == "ended"
        assert debug.states() == {"+main": "canceled", "+main+a": "canceled"}


@pytest.mark.parametrize(
    ("dig", "moment"),
    [
        (f"+a: {{{SLEEP}}}\n+b: {{echo>: b}}\n", ("+main+a", "running")),
        ("+a: {wait>: 1h}\n+b: {echo>: b}\n", ("+main+a", "retry_waiting")),
        ("+g:\n  _retry: {limit: 1, interval: 3600}\n  +a: {fail>: no}\n", ("+main+g", "group_retry_waiting")),
    ],
)
def test_a_process_that_dies_while_it_stops_can_be_gone_on_with(
    tmp_path: Path, dig: str, moment: tuple[str, str]
) -> None:
    whole = stopped(tmp_path, dig, in_state(*moment))
    folder = whole.session.journal_folder
    assert folder
    (journal,) = folder.glob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    asked = next(index for index, line in enumerate(lines) if b'"cancel_requested"' in line)
    for kept in range(asked + 1, len(lines)):
        journal.write_bytes(b"".join(lines[:kept]))
        resumed = Debugged(tmp_path, break_on_failure=False)
        asyncio.run(asyncio.wait_for(resumed.session.run_attempt(Opening(past=last_attempt(folder))), 20))
        assert states_of(resumed.session.attempt.tasks) == states_of(whole.session.attempt.tasks), kept
        assert resumed.finished() == [False]


def states_of(tasks: dict[int, Task]) -> list[tuple[str, str]]:
    return [(task.full_name, task.state) for task in tasks.values()]
