"""What a `py>` task's parameters will get, where that comes from, and what bites."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from digdag_tui.debugger.inspect import inspect
from digdag_tui.debugger.signature import Row, TaskSignature, task_signature
from digdag_tui.params.evaluate import Evaluator

from ..support import debugged

TASKS = """
import digdag


def go(a, b: int = 2, *rest, c=3, **kw):
    print(a)


def typed(x: str, y: dict, z: float, region="none"):
    print(x, y, z)


def names(docker=None, timezone="Asia/Tokyo", session_date=None):
    print(docker)


def needs(regoin, missing):
    print(regoin, missing)


def by_position(a, /, b=1):
    print(a, b)


def by_keyword(*, a=1):
    print(a)


def store():
    digdag.env.store(stored=[1, 2])


def stored(stored, other=None):
    print(stored)


async def later(a=1):
    print(a)


class Job:
    def __init__(self, source, limit=5):
        print(source)

    def run(self, region):
        print(region)

    @staticmethod
    def static(first, second=2):
        print(first)


def loose(function):
    def inner(*args, **kwargs):
        return function(*args, **kwargs)
    return inner


@loose
def hidden(a):
    print(a)


def dump(**kw):
    print("@" + json.dumps(sorted(kw)))


import json
"""


def signature(project: Path, workflow: str, task: str = "+main+a", tasks: str = TASKS) -> TaskSignature:
    with debugged(project, workflow, files={"tasks.py": tasks}) as run:
        run.where()
        found = run.task(task)
        inspection = inspect(run.session.attempt, found, Evaluator())
        return task_signature(run.session.attempt, found, inspection, project, run.session.loaded)


def rows(found: TaskSignature) -> dict[str, Row]:
    return {row.slot.argument.name: row for called in found.called for row in called.rows}


def codes(found: TaskSignature) -> list[str]:
    said = [f"call {hint.code}" for hint in found.hints]
    return said + [f"{name} {hint.code}" for name, row in rows(found).items() for hint in row.hints]


def test_each_parameter_has_its_value_and_who_set_it(tmp_path: Path) -> None:
    found = signature(tmp_path, "_export: {b: 7, other: x}\n+a: {py>: tasks.go, a: '${b}!'}\n")
    a, b, rest, c, kw = rows(found).values()
    assert a.param and (a.param.value, str(a.param.origin)) == ("7!", "the task's own key  main.dig:2")
    assert b.param and (b.param.value, str(b.param.origin)) == (7, "_export +main  main.dig:1")
    assert (rest.slot.how, c.slot.how, c.slot.argument.default) == ("rest", "default", "3")
    taken = [param.name for param in kw.taken]
    assert {"other", "py>", "session_time", "task_name"} <= set(taken) and not {"a", "b"} & set(taken)
    assert kw.added == ("_type", "_command")
    assert [called.signature.position for called in found.called] and codes(found) == []


def test_keywords_are_told_as_the_function_gets_them(tmp_path: Path) -> None:
    workflow = "_export: {other: x, py: {extra: 1}}\n+a: {py>: tasks.dump, own: 1}\n"
    found = signature(tmp_path, workflow)
    kw = rows(found)["kw"]
    with debugged(tmp_path, workflow, files={"tasks.py": TASKS}) as run:
        run.where()
        run.do("resume")
        (line,) = [line for line in run.output("+main+a").split("\n") if line.startswith("@")]
    assert json.loads(line[1:]) == sorted([*(param.name for param in kw.taken), *kw.added])


def test_a_stored_value_has_the_task_that_stored_it(tmp_path: Path) -> None:
    workflow = "+s: {py>: tasks.store}\n+a: {py>: tasks.stored}\n"
    with debugged(tmp_path, workflow, files={"tasks.py": TASKS}) as run:
        run.where()
        run.do("step_over")
        task = run.task("+main+a")
        inspection = inspect(run.session.attempt, task, Evaluator())
        found = task_signature(run.session.attempt, task, inspection, tmp_path, run.session.loaded)
    param = rows(found)["stored"].param
    assert param and (param.value, param.origin.task) == ([1, 2], "+main+s")


@pytest.mark.parametrize(
    ("workflow", "expected"),
    [
        ("+a: {py>: tasks.go, a: 1}", []),
        ("_export: {td: {database: d}}\n+a: {py>: tasks.go, a: 1}", ["kw caught-by-argument"]),
        ("_export: {docker: {image: x}}\n+a: {py>: tasks.names}",
         ["docker caught-by-argument", "timezone caught-by-argument"]),
        ("+a: {py>: tasks.names, timezone: UTC}", []),
        ("_export: {region: east}\n+a: {py>: tasks.typed, x: a, y: {}, z: 1}", []),
        ("+a: {py>: tasks.typed, x: 5, y: [1], z: 1}", ["x wrong-type", "y wrong-type"]),
        ("+a: {py>: tasks.typed, x: a, y: {}, z: '1'}", ["z became-text"]),
        ("+a: {py>: tasks.typed, x: '${secret:k}', y: {}, z: 1}", ["x literal-secret"]),
        ("_export: {region: e}\n+a: {py>: tasks.needs}", ["regoin missing-argument", "missing missing-argument"]),
        ("+a: {py>: tasks.by_position, a: 1}", ["a never-given"]),
        ("+a: {py>: tasks.by_keyword, a: 5}", ["a never-given"]),
        ("+a: {py>: tasks.by_keyword}", []),
        ("+a: {py>: tasks.Job.static, source: s}", ["first never-given"]),
        ("+a: {py>: tasks.Job, source: s, region: r}", []),
        ("+a: {py>: tasks.later}", ["call never-runs"]),
        ("+a: {py>: tasks.hidden, a: 1}", ["call hidden-arguments"]),
    ],
)  # fmt: skip
def test_what_bites(tmp_path: Path, workflow: str, expected: list[str]) -> None:
    assert codes(signature(tmp_path, workflow)) == expected


def test_a_missing_argument_has_what_is_near_or_stored_later(tmp_path: Path) -> None:
    found = signature(tmp_path, "_export: {region: e}\n+a: {py>: tasks.needs}")
    regoin, missing = rows(found)["regoin"], rows(found)["missing"]
    assert regoin.hints[0].advice == "did you mean region?"
    assert missing.slot.error == "Method 'needs' requires parameter 'missing' but not set"
    assert "give it with -p missing=…" in missing.hints[0].advice
    found = signature(tmp_path, "+a: {py>: tasks.stored}\n+s: {py>: tasks.store}")
    assert "+main+s stores it" in rows(found)["stored"].hints[0].message


def test_a_class_has_its_constructor_and_its_method(tmp_path: Path) -> None:
    found = signature(tmp_path, "_export: {region: east}\n+a: {py>: tasks.Job, source: s}")
    assert [called.signature.title for called in found.called] == ["Job.__init__", "Job.run"]
    assert list(rows(found)) == ["source", "limit", "region"]


@pytest.mark.parametrize(
    ("workflow", "problem", "advice"),
    [
        ("+a: {echo>: x}", "echo> runs no Python function", None),
        ("+a: {py>: , script: 'print(1)'}", "It runs the text of script:", "it gets two file names"),
        ("+a: {py>: }", "py> names no function", "write py>: module.function"),
        ("+a: {py>: '${nosuch}'}", "nosuch is not defined", None),
        ("+a: {py>: tasks.gone}", "tasks.py has no gone", "it has go, typed, names, needs"),
        ("+a: {py>: task.go, a: 1}", "There is no task.py in the project", "did you mean tasks.go?"),
        ("+a: {py>: [x]}", "py> takes the name of a function as text", "write py>: module.function"),
    ],
)
def test_why_there_is_no_signature(tmp_path: Path, workflow: str, problem: str, advice: str | None) -> None:
    found = signature(tmp_path, workflow)
    assert found.problem and problem in found.problem and not found.called
    assert advice is None or advice in (found.advice or "")


def test_a_group_has_none(tmp_path: Path) -> None:
    assert "is a group" in (signature(tmp_path, "+a:\n  +b: {echo>: x}").problem or "")
