"""The fixture `digdag_env`, in a pytest of its own, as a project with digdag-tui in its environment runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

TASKS = '''\
"""
>>> digdag_env = getfixture("digdag_env")
>>> count(2)
>>> digdag_env.store_params
{'total': 3}
"""
import digdag
import digdag_env as results
from digdag import env


def count(n):
    digdag.env.store(total=n + 1)


def read():
    return env.params["n"]


def where(td=None, **rest):
    return td, sorted(rest)


def replace():
    digdag.env.store_params = {"lost": 1}
    results.store_params = {"kept": results.params["n"]}


def guarded():
    try:
        import digdag
        digdag.env.store(n=1)
    except ImportError:
        return "outside"


def leave():
    raise SystemExit(0)


def broken():
    digdag.env.store(when={1})


class Parallel:
    def __init__(self, shops):
        self.shops = shops

    def split(self):
        digdag.env.export(year=2026)
        for shop in self.shops:
            digdag.env.add_subtask(Parallel.load, shop=shop)
        digdag.env.add_subtask({"echo>": "done"}, _export={"a": 1})
        digdag.env.subtask_config["_parallel"] = True

    def load(self, shop, year, currency="JPY"):
        digdag.env.store({"loaded": {shop: [year, currency]}})
        digdag.env.set_state(seen=shop)
'''


@dataclass
class Ran:
    """What became of a pytest."""

    text: str
    outcomes: dict[str, str]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\nasyncio_mode = auto\n")
    return tmp_path


def run(project: Path, test: str, *words: str) -> Ran:
    """Run a test file."""
    (project / "test_it.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-rA", "-q", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120)
    found = re.findall(r"^(PASSED|FAILED|ERROR) \S+?::(\S+)", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    return Ran(done.stdout, {name: outcome for outcome, name in found})


def passes(project: Path, test: str, *words: str) -> Ran:
    ran = run(project, test, *words)
    assert set(ran.outcomes.values()) == {"PASSED"}, ran.text
    return ran


SEVERAL = """\
import asyncio
import pytest
import digdag
import tasks


@pytest.mark.parametrize("n", range(6))
def test_each_begins_anew(digdag_env, n):
    assert (digdag_env.store_params, digdag_env.params, digdag_env.subtasks) == ({}, {}, [])
    tasks.count(n)
    digdag_env.params["n"] = n
    assert tasks.read() == n
    assert digdag_env.store_params == {"total": n + 1}


async def test_async(digdag_env):
    await asyncio.gather(asyncio.to_thread(tasks.count, 1), asyncio.sleep(0))
    assert digdag_env.store_params == {"total": 2}


class TestMethod:
    def test_method(self, digdag_env):
        digdag_env.params = {"n": 7}
        tasks.replace()
        assert digdag_env.store_params == {"kept": 7}
"""


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_tests_one_after_another(project: Path, words: tuple[str, ...]) -> None:
    assert len(passes(project, SEVERAL, *words).outcomes) == 8


def test_doctests(project: Path) -> None:
    ran = passes(project, "def test_nothing():\n    pass\n", "--doctest-modules")
    assert ran.outcomes == {"tasks": "PASSED", "test_nothing": "PASSED"}


CALLS = """\
import pytest
import digdag_tui.pytest_plugin
import tasks


def test_arguments(digdag_env):
    digdag_env.params.update(td={"database": "sales"}, n=(1, 2))
    assert digdag_env.call("tasks.where", session="x") == ({"database": "sales"}, ["n", "session"])
    assert digdag_env.call(tasks.read) == [1, 2]
    assert digdag_env.params == {"td": {"database": "sales"}, "n": (1, 2)}


def test_a_later_call_sees_what_was_stored(digdag_env):
    digdag_env.call("tasks.count", n=1)
    assert digdag_env.call("tasks.where") == (None, ["total"])


def test_subtasks(digdag_env):
    digdag_env.params["shops"] = ["ginza", "umeda"]
    digdag_env.call(tasks.Parallel.split)
    ginza, umeda, echo = digdag_env.subtasks
    assert ginza.function is tasks.Parallel.load
    assert (umeda.name, umeda.command, umeda.args) == ("+subtask1", "tasks.Parallel.load", {"shop": "umeda"})
    assert (echo.function, echo.command, echo.config) == (None, None, {"echo>": "done", "_export": {"a": 1}})
    assert digdag_env.subtask_config["_parallel"] is True
    assert digdag_env.export_params == {"year": 2026}
    digdag_env.call(ginza)
    assert digdag_env.store_params == {"loaded": {"ginza": [2026, "JPY"]}}
    digdag_env.call(umeda, year=2027)
    assert digdag_env.store_params == {"loaded": {"ginza": [2026, "JPY"], "umeda": [2027, "JPY"]}}
    digdag_env.call(tasks.Parallel.split)
    assert [task.name for task in digdag_env.subtasks[3:]] == ["+subtask3", "+subtask4", "+subtask5"]
    assert digdag_env.subtasks[4].function is tasks.Parallel.load
    with pytest.raises(TypeError, match=r"\\+subtask2 is no py> task: only Digdag can run echo>"):
        digdag_env.call(echo)


def test_nothing_is_kept_of_a_call_that_fails(digdag_env):
    digdag_env.params["shops"] = ["ginza", {1}]
    with pytest.raises(TypeError, match="not JSON serializable"):
        digdag_env.call(tasks.Parallel.split)
    with pytest.raises(TypeError, match="not JSON serializable"):
        digdag_env.call(tasks.broken)
    assert (digdag_env.export_params, digdag_env.subtasks, digdag_env.store_params) == ({}, [], {})


@pytest.mark.parametrize(
    ("command", "params", "error", "message"),
    [
        ("tasks.count", {}, TypeError, "Method 'count' requires parameter 'n' but not set"),
        ("tasks.Parallel.split", {}, TypeError, "Method 'Parallel.__init__' requires parameter 'shops' but not set"),
        ("tasks.cuont", {}, AttributeError, "Module 'tasks' has no attribute 'cuont'"),
        ("task.count", {}, ValueError, "Empty module name"),
        ("tasks.count", {"n": {1}}, TypeError, "Object of type set is not JSON serializable: n={1}"),
        ("tasks.broken", {}, TypeError, "Object of type set is not JSON serializable: when={1}"),
        ("tasks.leave", {}, RuntimeError, "Failed to call python command with code:0"),
    ],
)
def test_errors_are_those_of_digdag(digdag_env, command, params, error, message):
    with pytest.raises(error) as caught:
        digdag_env.call(command, **params)
    assert str(caught.value).startswith(message)
"""


def test_calls_as_digdag_binds_them(project: Path) -> None:
    assert len(passes(project, CALLS).outcomes) == 11


OUTSIDE = """\
import digdag
import tasks


def test_it():
    tasks.count(1)


def test_code_that_expects_no_digdag_goes_on():
    assert tasks.guarded() == "outside"
    assert not digdag


def test_inside(digdag_env):
    assert tasks.guarded() is None
    assert digdag
"""


def test_outside_of_a_workflow_one_sentence_tells_what_to_do(project: Path) -> None:
    ran = run(project, OUTSIDE)
    assert ran.outcomes.pop("test_it") == "FAILED"
    assert set(ran.outcomes.values()) == {"PASSED"}
    assert "digdag.env.store is there only while a workflow runs: a test that uses it takes the fixture" in ran.text


OWN = """\
import digdag
import use


def test_it_stays():
    assert digdag.VERSION == 5
    assert not hasattr(digdag, "env")


def test_its_env_is_that_of_the_workflow(digdag_env):
    use.store()
    assert digdag.VERSION == 5
    assert digdag_env.store_params == {"a": 1}


def test_it_is_as_it_was():
    assert not hasattr(digdag, "env")
"""


def test_a_module_of_the_project_with_that_name_is_left_alone(project: Path) -> None:
    (project / "digdag.py").write_text("VERSION = 5\n")
    (project / "use.py").write_text("import digdag\ndef store():\n    digdag.env.store(a=1)\n")
    passes(project, OWN, "-p", "no:randomly")


def test_it_can_be_switched_off(project: Path) -> None:
    (project / "tasks.py").write_text("")
    ran = passes(
        project,
        "import importlib.util\ndef test_it():\n    assert importlib.util.find_spec('digdag') is None\n",
        "-p",
        "no:digdag",
    )
    assert ran.outcomes == {"test_it": "PASSED"}


def test_a_pytest_that_does_not_use_it_loads_nothing(project: Path) -> None:
    test = "import sys\ndef test_it():\n    print(sorted(name for name in sys.modules if 'digdag' in name))\n"
    ran = passes(project, test)
    assert "\n['digdag_tui', 'digdag_tui.pytest_plugin']\n" in ran.text
