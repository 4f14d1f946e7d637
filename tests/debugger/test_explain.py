"""What bites in a task that is stopped at, and who reads a param."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from digdag_tui.debugger.environment import LocalEnvironment
from digdag_tui.debugger.explain import Hint, hints, readers
from digdag_tui.debugger.gate import Opening
from digdag_tui.debugger.inspect import inspect
from digdag_tui.debugger.launch import Launch
from digdag_tui.debugger.session import Session
from digdag_tui.engine.events import Override
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.params.secrets import LocalSecrets

from ..support import debugged, write

TASKS = """
import digdag


def go(x, td=None, limit: int = 10):
    digdag.env.store(rows=3)


def store():
    digdag.env.store({"flag": "false", "count": "3", "share": 0.5})
"""


def hints_at(project: Path, workflow: str, task: str, given: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """What is said of the task when the session has stopped before it: `path code`."""
    return [f"{'.'.join(hint.path)} {hint.code}" for hint in told(project, workflow, task, given)]


def told(project: Path, workflow: str, task: str, given: Mapping[str, str] = MappingProxyType({})) -> list[Hint]:
    write(project, {"main.dig": workflow, "tasks.py": TASKS})
    environment = LocalEnvironment(project, Evaluator(), LocalSecrets({}, project / "no-home"))
    overrides = (Override("-p", dict(given)),) if given else ()
    session = Session(Launch(project, "main", overrides, "2026-01-31"), environment, lambda event: None)
    session.start(Opening(entry=True))
    try:
        session.wait("stopped")
        stopped = session.stopped
        if stopped is None or session.attempt.tasks[stopped.task].full_name != task:
            session.run_to(task).result(timeout=10)
            session.wait("stopped")
        found = session.attempt.named(task)
        assert found
        inspection = inspect(session.attempt, found, Evaluator())
        return hints(session.attempt, found, inspection, project, session.loaded)
    finally:
        session.quit()


@pytest.mark.parametrize(
    ("workflow", "expected"),
    [
        ("_export: {flag: '${1 > 2}'}\n+a: {echo>: '${flag && 1}'}", ["echo> became-text"]),
        ("_export: {flag: '${1 < 2}'}\n+a: {echo>: '${flag && 1}'}", []),
        ("_export: {flag: '${1 > 2}'}\n+a: {echo>: '${flag}'}", []),
        ("_export: {n: '${1 + 1}'}\n+a: {echo>: '${n + 1}'}", ["echo> became-text"]),
        ("_export: {day: '${session_date}', m: {t: '${day}'}}\n+a: {echo>: a}", ["m.t raw-template"]),
        ("_export: {early: '${late}', late: '${1 + 1}'}\n+a: {echo>: a}", ["early raw-template"]),
        ("_export: {td: {database: d}}\n+a: {py>: tasks.go, x: 1}", ["td caught-by-argument"]),
        ("_export: {td: {database: d}}\n+a: {py>: tasks.go, x: 1, td: x}", []),
        ("_export: {x: 0.05}\n+a: {py>: tasks.go}", ["x became-text"]),
        ("_export: {x: '0.05'}\n+a: {py>: tasks.go}", []),
        ("+a: {py>: tasks.go, x: 1, limit: '${5 + 5}'}", ["limit became-text"]),
        ("_export: {limit: 10}\n+a: {py>: tasks.go, x: 1}", []),
        ("+a: {py>: tasks.go, x: '${secret:k}'}", ["x literal-secret"]),
        ("_export: {session_time: x}\n+a: {echo>: a}", ["session_time shadows-built-in"]),
        ("+a: {sh>: 'true', session_date: x}", ["session_date shadows-built-in"]),
        ("_export: {region: x}\n+a: {echo>: '${regoin}'}", ["echo> undefined-name"]),
        ("+a: {echo>: '${rows}'}\n+b: {py>: tasks.go, x: 1}", ["echo> forward-reference"]),
        ("+a: {sh>: 'true', _env: {K: '${secret:k}'}}", []),
    ],
)
def test_hints_before_the_first_task(tmp_path: Path, workflow: str, expected: list[str]) -> None:
    assert hints_at(tmp_path, workflow, "+main+a") == expected


def test_what_another_task_stored_is_known_at_the_stop(tmp_path: Path) -> None:
    workflow = "+s: {py>: tasks.store}\n+a: {echo>: '${flag ? 1 : 2} ${count + 1} ${share + 1}'}\n"
    first, second = told(tmp_path, workflow, "+main+a")
    assert first.message == (
        'flag is the text "false" (from stored by +main+s), and inside ${...} every text but "" is true'
    )
    assert second.advice == "write Number(count)"


def test_what_was_given_and_has_no_effect(tmp_path: Path) -> None:
    workflow = "_export: {region: west, m: {a: 1}}\n+a: {echo>: a}\n"
    (hint,) = told(tmp_path, workflow, "+main+a", {"region": "east", "other": "x"})
    assert (hint.path, hint.message, hint.advice) == (
        ("region",),
        "-p region=east has no effect: the _export of +main at main.dig:1 beats it",
        "change the value there, or remove it there",
    )


def test_a_missing_name_has_its_nearest(tmp_path: Path) -> None:
    (hint,) = told(tmp_path, "_export: {region: x}\n+a: {echo>: '${regoin}'}", "+main+a")
    assert hint.advice == "did you mean region?"


READERS = """
_export:
  td: {database: d}
  region: west
  day: ${moment(session_time).format("D")}

+a:
  echo>: ${region} ${td.database}

+b:
  td>: q.sql

+c:
  py>: tasks.go
  x: ${region}

+d:
  sh>: echo $region

+e:
  region: own
  echo>: ${region}

+f:
  for_each>: {item: "${region}"}
  _do:
    +g:
      echo>: ${item} ${region.length}
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "region",
            ["+main+a main.dig:7 template", "+main+c main.dig:14 template", "+main+d main.dig:17 variable",
             "+main+f main.dig:24 template", "+main+f^sub+for-*+g main.dig:27 template"],
        ),
        (
            "td.database",
            ["+main+a main.dig:7 template", "+main+b q.sql:1 template", "+main+b main.dig:10 option",
             "+main+c tasks.py:4 argument"],
        ),
        ("item", ["+main+f^sub+for-*+g main.dig:27 template"]),
        ("session_time", ["+main main.dig:4 template"]),
        ("timezone", ["+main main.dig:4 template"]),
        ("nothing", []),
    ],
)  # fmt: skip
def test_readers(tmp_path: Path, path: str, expected: list[str]) -> None:
    write(tmp_path, {"tasks.py": TASKS, "q.sql": "select * from ${td.database}"})
    with debugged(tmp_path, READERS) as run:
        run.where()
        assert run.session.loaded
        found = readers(run.session.loaded, tuple(path.split(".")))
    shown = [
        f"{reader.task} {reader.position.file}:{reader.position.line} {reader.how}"
        for reader in found
        if reader.position
    ]
    assert shown == expected
