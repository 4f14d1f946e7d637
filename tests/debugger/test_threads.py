"""A limit of operator calls that several attempts share (cli 3)."""

from __future__ import annotations

from pathlib import Path

from digdag_tui.debugger.environment import LocalEnvironment
from digdag_tui.debugger.events import RequiredEvent
from digdag_tui.debugger.threads import SharedThreads
from digdag_tui.engine.attempt import Task
from digdag_tui.engine.events import TaskSucceeded
from digdag_tui.engine.runner import Runner
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.params.secrets import LocalSecrets


def task(number: int) -> Task:
    return Task(number, f"+main+t{number}", None, (), False, {"echo>": "x"}, {}, True)


def test_calls_wait_until_another_ends_or_its_attempt_breaks_off(tmp_path: Path) -> None:
    environment = LocalEnvironment(tmp_path, Evaluator(), LocalSecrets({}, tmp_path / "no-home"))
    threads = SharedThreads(2)
    one, two = threads.gate(1), threads.gate(2)
    for attempt in (1, 2):
        threads.add(attempt, Runner(environment, lambda event: None))
    tasks = [task(number) for number in (2, 3, 4)]
    assert one.release(tasks) == tasks[:2]
    assert two.release(tasks) == []
    threads.observe(RequiredEvent(1, 1, TaskSucceeded(0.0, 2)))
    assert two.release(tasks) == tasks[:1]
    assert two.release(tasks[1:]) == []
    threads.remove(1)
    assert two.release(tasks[1:]) == tasks[1:2]
