"""Running one task alone."""

from __future__ import annotations

from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from digdag_tui.debugger.session import NotPossible
from digdag_tui.debugger.trial import own_and_seen
from digdag_tui.engine.events import TaskOutput
from digdag_tui.workflow.errors import DigdagError
from tests.support import Debugged, debugged

DIG = """
_export: {rate: "0.8x", td: {database: dev}}
+b:
  _retry: 3
  _error: {sh>: touch handled}
  _check: {sh>: touch checked}
  py>: tasks.use
+l: {loop>: 2, _do: {echo>: hi}}
+g:
  +in: {echo>: in}
"""
TASKS = """
import digdag
def use(rate):
    print("got", rate)
    digdag.env.store({"double": float(rate) * 2})
"""


def output(trial_said: list[object]) -> str:
    return "".join(event.text for event in trial_said if isinstance(event, TaskOutput))


def values(run: Debugged, name: str, **others: object) -> dict[str, object]:
    own, seen = own_and_seen(run.session.attempt, run.task(name))
    return {**seen, **own, **others}


def test_a_task_is_tried_with_other_params_and_nothing_of_the_attempt_changes(tmp_path: Path) -> None:
    with debugged(tmp_path, DIG, files={"tasks.py": TASKS}) as run:
        task, before = run.task("+main+b"), len(run.events)
        failed = run.session.try_task(task.id, values(run, "+main+b")).result(30)
        assert not failed.success and "could not convert string to float" in failed.error["message"]
        assert failed.frames[-1]["function"] == "use" and failed.seconds > 0
        good = run.session.try_task(task.id, values(run, "+main+b", rate="3")).result(30)
        assert good.success and good.store == {"double": 6.0}
        assert output(good.said) == "got 3\n"  # type: ignore[arg-type]
        assert not (tmp_path / "handled").exists() and not (tmp_path / "checked").exists()
        assert len(run.events) == before and run.where() == "entry +main+b"
        assert run.states()["+main+b"] == "ready" and not task.store


def test_generated_tasks_are_named_and_not_run(tmp_path: Path) -> None:
    with debugged(tmp_path, DIG, files={"tasks.py": TASKS}) as run:
        trial = run.session.try_task(run.task("+main+l").id, values(run, "+main+l")).result(30)
        assert trial.generated == ("+main+l^sub", "+main+l^sub+loop-0", "+main+l^sub+loop-1")
        assert trial.success and output(trial.said) == ""  # type: ignore[arg-type]


def test_own_keys_and_what_they_are_merged_over_can_be_edited(tmp_path: Path) -> None:
    dig = "_export: {td: {a: 1}}\n+a: {td: {b: 2}, echo>: '${td.a} ${td.b} ${session_date}'}\n"
    with debugged(tmp_path, dig) as run:
        own, seen = own_and_seen(run.session.attempt, run.task("+main+a"))
        assert own["td"] == {"a": 1, "b": 2} and seen == {}
        given = values(run, "+main+a", td={"a": 5, "b": 6})
        trial = run.session.try_task(run.task("+main+a").id, given).result(30)
        assert output(trial.said) == "5 6 2026-01-31\n"  # type: ignore[arg-type]


def test_groups_are_refused_and_so_is_a_running_workflow(tmp_path: Path) -> None:
    dig = "+g: {+in: {echo>: in}}\n+wait: {sh>: 'while [ ! -e go ]; do sleep 0.01; done'}\n"
    with debugged(tmp_path, dig) as run:
        with pytest.raises(DigdagError, match="is a group: select one of the tasks in it"):
            run.session.try_task(run.task("+main+g").id, {}).result(10)
        run.session.resume().result(10)
        with pytest.raises(NotPossible, match="pause"):
            run.session.try_task(run.task("+main+wait").id, {}).result(10)
        (tmp_path / "go").touch()
        run.session.wait("ended")


def test_a_trial_can_be_canceled_and_ends_what_it_runs(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {sh>: 'touch began; sleep 60; touch ended'}\n") as run:
        trial = run.session.try_task(2, values(run, "+main+a"))
        while not (tmp_path / "began").exists():
            pass
        trial.cancel()
        with pytest.raises(CancelledError):
            trial.result(10)
        assert run.do("skip") == "ended"
