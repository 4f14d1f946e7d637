from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.engine.operator import OperatorResult
from digdag_tui.operators.py import PythonError

from .support import Call, call, error, message

TASKS = """\
import os
import sys

import digdag

LIMIT = 5


def hello(name="nobody"):
    print("hello", name)


def keep(**kw):
    digdag.env.store({"a": 1}, b=[1, {"d": None}])
    digdag.env.store(a=2)
    digdag.env.export({"color": "red"}, size=3)
    digdag.env.set_state(counter=1)
    print(sorted(key for key in kw if not key.startswith("_")))


def split():
    digdag.env.add_subtask(part, number=1)
    digdag.env.add_subtask({"echo>": "dict"}, **{"echo>": "keyword wins"})
    digdag.env.add_subtask(**{"sh>": "true"})
    digdag.env.add_subtask(Job.part, label="x")
    digdag.env.add_subtask(Job)
    digdag.env.subtask_config["_parallel"] = True
    digdag.env.subtask_config["+named"] = {"echo>": "named"}


def part(number):
    print(number)


class Job:
    def __init__(self, source="db"):
        self.source = source

    def part(self, label):
        print(label, self.source)

    def run(self):
        print("run", self.source)


def fail(text):
    inner(text)


def inner(text):
    raise ValueError(text)


def leave(code=None):
    sys.exit(code)


def hard(code):
    os._exit(code)


def broken():
    digdag.env.store(items={1})


def show():
    print(os.environ.get("number"), os.environ.get("FROM_ENV"), sys.path[-1] == os.getcwd())
    print(sys.argv[1], [os.path.dirname(word).split("/")[:2] for word in sys.argv[2:]])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tasks.py").write_text(TASKS)
    return tmp_path


def ran(project: Path, *arguments: Any, **more: Any) -> tuple[Call, OperatorResult]:
    task = call(project, "py", *arguments, **more)
    return task, asyncio.run(task.run())


@pytest.mark.parametrize(
    ("command", "options", "lines"),
    [
        ("tasks.hello", {}, ["hello nobody"]),
        ("tasks.hello", {"name": "Ann"}, ["hello Ann"]),
        ("tasks.Job.part", {"label": "l", "source": "own"}, ["l own"]),
        ("tasks.Job", {}, ["run db"]),
        ("pprint.pprint", {"object": {"b": 1, "a": [2.5, None]}}, ["{'a': [2.5, None], 'b': 1}"]),
        ("tasks.show", {"number": 1, "_env": {"FROM_ENV": "x"}}, [
            "None x True", "tasks.show [['.digdag', 'tmp'], ['.digdag', 'tmp']]",
        ]),
    ],
)  # fmt: skip
def test_a_function_gets_what_it_asks_for(
    project: Path, command: str, options: dict[str, Any], lines: list[str]
) -> None:
    task, result = ran(project, command, options)
    assert task.lines == lines
    assert result == OperatorResult()
    assert list((project / ".digdag" / "tmp").iterdir()) == []


def test_what_a_function_leaves_behind(project: Path) -> None:
    task, result = ran(project, "tasks.keep", {"own": 1}, params={"exported": 2, "py": {"python": sys.executable}})
    assert result == OperatorResult(store={"a": 2, "b": [1, {"d": None}]}, export={"color": "red", "size": 3})
    assert task.lines == ["['exported', 'own', 'py', 'py>', 'python']"]


def test_subtasks(project: Path) -> None:
    assert ran(project, "tasks.split")[1].subtasks == {
        "+subtask0": {"number": 1, "py>": "tasks.part"},
        "+subtask1": {"echo>": "keyword wins"},
        "+subtask2": {"sh>": "true"},
        "+subtask3": {"label": "x", "py>": "tasks.Job.part"},
        "+subtask4": {"py>": "tasks.Job"},
        "_parallel": True,
        "+named": {"echo>": "named"},
    }


ODD = """\
NOTHING = None


class Job:
    def run(self):
        print("run")

    def __del__(self):
        print("deleted")


class Strict:
    def __init__(self, limit):
        print("never")


class Harmless(Exception):
    def __bool__(self):
        return False


async def later():
    print("never")


def raise_harmless():
    raise Harmless("x")
"""


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ("odd.Job", ["run", "deleted"]),
        ("odd.Job.", ["deleted"]),
        ("odd.later", ["sys:1: RuntimeWarning: coroutine 'later' was never awaited"]),
        ("odd.raise_harmless", []),
    ],
)
def test_what_succeeds_although_it_looks_wrong(tmp_path: Path, command: str, lines: list[str]) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    assert ran(tmp_path, command)[0].lines == lines


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("odd.NOTHING.run", "unsupported callable (TypeError)"),
        ("odd.Strict.", "Method 'Strict' requires parameter 'self' but not set (TypeError)"),
    ],
)
def test_what_is_no_method_of_a_class(tmp_path: Path, command: str, said: str) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    assert message(tmp_path, "py", command).splitlines()[1] == f"Error messages from python: {said}"


def test_half_a_pair_of_surrogates_is_a_question_mark(tmp_path: Path) -> None:
    (tmp_path / "half.py").write_text(
        "import digdag\n\ndef keep():\n    digdag.env.store(half='a\\ud800b', pair='\U0001f600', big=10 ** 30)\n"
    )
    assert ran(tmp_path, "half.keep")[1].store == {"half": "a?b", "pair": "\U0001f600", "big": 10**30}


def test_an_exception_has_its_place_in_the_users_code(project: Path) -> None:
    failure = error(project, "py", "tasks.fail", {"text": "böse"})
    assert isinstance(failure, PythonError)
    lines = failure.error_message.splitlines()
    assert lines[:3] == [
        "Python command failed with code 1",
        "Error messages from python: böse (ValueError)",
        "\tfrom Traceback (most recent call last):",
    ]
    assert lines[-2:] == ["\tfrom ValueError: böse", " (runtime)"]
    tasks, source = str(project / "tasks.py"), TASKS.splitlines()
    calling, raising = source.index("    inner(text)") + 1, source.index("    raise ValueError(text)") + 1
    assert f'\tfrom   File "{tasks}", line {raising}, in inner' in lines
    assert failure.frames == [
        {"file": tasks, "line": calling, "function": "fail", "source": "inner(text)"},
        {"file": tasks, "line": raising, "function": "inner", "source": "raise ValueError(text)"},
    ]


FROM = "1\nError messages from python: "


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("tasks.nothing", {}, FROM + "Module 'tasks' has no attribute 'nothing' (AttributeError)"),
        ("nowhere.run", {}, FROM + "Empty module name (ValueError)"),
        ("hello", {}, FROM + "Empty module name (ValueError)"),
        (5, {}, FROM + "Empty module name (ValueError)"),
        ("tasks.part", {}, FROM + "Method 'part' requires parameter 'number' but not set (TypeError)"),
        ("tasks.LIMIT", {}, FROM + "unsupported callable (TypeError)"),
        ("tasks.fail", {"text": ""}, FROM + " (ValueError)"),
        (
            "tasks.leave",
            {"code": 0},
            FROM + "Failed to call python command with code:0 Possible cause: Invalid python "
            "module call, duplicate module name with standard library (SystemExit)",
        ),
        ("tasks.leave", {"code": "bye"}, "1 (runtime)"),
        ("tasks.hard", {"code": 7}, "7 (runtime)"),
        ("os.abort", {}, "134 (runtime)"),
    ],
)  # fmt: skip
def test_failures(project: Path, command: Any, options: dict[str, Any], said: str) -> None:
    assert message(project, "py", command, options).split("\n\tfrom ")[0] == f"Python command failed with code {said}"


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        (
            "tasks.hard",
            {"code": 0},
            "output.json does not exist. Something unexpected error happened. Please check logs. (runtime)",
        ),
        (
            "tasks.broken",
            {},
            "com.fasterxml.jackson.core.io.JsonEOFException: Unexpected end-of-input within/between Object entries\n"
            " at [Source: (sun.nio.ch.ChannelInputStream); line: 1, column: 71] (runtime)",
        ),
        (["tasks", "run"], {}, 'Expected string type for key \'_command\' but got ["tasks","run"] (array) (config)'),
        (None, {}, "Parameter 'script' is required but not set (config)"),
        ("tasks.hello", {"py": 1}, "Parameter 'py' must be an object (config)"),
        ("tasks.hello", {"python": 3}, "Invalid python: 3 (config)"),
        ("tasks.hello", {"python": True}, "Invalid python: true (config)"),
        ("tasks.hello", {"python": None}, "Invalid python: null (config)"),
        ("tasks.hello", {"python": {"path": "x"}}, "Invalid python:  (config)"),
        ("tasks.hello", {"python": [None]}, "java.lang.NullPointerException"),
        ("tasks.hello\0", {}, "java.io.IOException: invalid null character in command (runtime)"),
        ("tasks.hello", {"_env": {"a-b": 1}}, "Invalid _env key name: a-b (config)"),
        (
            "tasks.hello",
            {"python": "no-such-python"},
            'java.io.IOException: Cannot run program "no-such-python" (in directory "P"): '
            "error=2, No such file or directory (runtime)",
        ),
    ],
)
def test_other_failures(project: Path, command: Any, options: dict[str, Any], said: str) -> None:
    assert message(project, "py", command, options) == said


def test_a_workspace_that_is_not_there(project: Path) -> None:
    assert message(project, "py", "tasks.hello", {"_workdir": "missing", "python": sys.executable}) == (
        f'java.io.IOException: Cannot run program "{sys.executable}" (in directory "P/missing"): '
        "error=2, No such file or directory (runtime)"
    )


def test_an_interpreter_that_is_not_there_comes_with_advice(project: Path) -> None:
    hint = error(project, "py", "tasks.hello", {"python": "no-such-python"}).hint
    assert hint is not None
    assert "python:" in hint


@pytest.mark.parametrize("python", [sys.executable, [sys.executable, "-O", "-W", "ignore"]])
def test_the_interpreter(project: Path, python: Any) -> None:
    (project / "flags.py").write_text("import sys\n\ndef show():\n    print(sys.flags.optimize, sys.executable)\n")
    optimize = 0 if isinstance(python, str) else 1
    assert ran(project, "flags.show", {"python": python})[0].lines == [f"{optimize} {sys.executable}"]


@pytest.mark.parametrize("names", [["python"], ["python3"], ["python", "python3"]])
def test_python_is_looked_up_and_python3_stands_in_for_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    tools = project / "tools"
    tools.mkdir()
    for name in names:
        (tools / name).write_text(f'#!/bin/sh\necho {name}\nexec {sys.executable} "$@"\n')
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    assert ran(project, "tasks.hello")[0].lines == [names[0], "hello nobody"]


def test_without_any_python(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    assert message(project, "py", "tasks.hello").startswith('java.io.IOException: Cannot run program "python" ')


SCRIPT = """\
import json, sys
with open(sys.argv[1]) as source:
    params = json.load(source)["params"]
print("inline", params["n"], len(sys.argv))
with open(sys.argv[2], "w") as target:
    json.dump({"store_params": {"m": params["n"] + 1}, "subtask_config": {"+sub": {"echo>": "x"}}}, target)
"""


def test_a_script_reads_and_writes_the_files_itself(project: Path) -> None:
    task, result = ran(project, None, {"script": SCRIPT, "n": 5})
    assert task.lines == ["inline 5 3"]
    assert result == OperatorResult(store={"m": 6}, subtasks={"+sub": {"echo>": "x"}})


@pytest.mark.parametrize(
    ("written", "code", "said"),
    [
        ('{"store_params": 5}', 0, "Parameter 'store_params' must be an object (config)"),
        ('{"store_params": null} trailing', 0, None),
        ("{}", 1, "Python command failed with code 1\nError messages from python (runtime)"),
        (
            '{"error": {"message": "m"}}',
            1,
            "Python command failed with code 1\nError messages from python: m (runtime)",
        ),
        (
            "[]",
            1,
            "Python command failed with code 1\n"
            "\tCan't parse output.json. The command failed unexpectedly. Please check logs. (runtime)",
        ),
        (
            "",
            2,
            "Python command failed with code 2\n"
            "\tCan't parse output.json. The command failed unexpectedly. Please check logs. (runtime)",
        ),
    ],
)
def test_what_a_script_writes(project: Path, written: str, code: int, said: str | None) -> None:
    script = f"import sys\nopen(sys.argv[2], 'w').write({written!r})\nsys.exit({code})\n"
    if said is None:
        assert ran(project, None, {"script": script})[1] == OperatorResult()
    else:
        assert message(project, "py", None, {"script": script}) == said


def test_a_secret_reaches_python_through_env_only(project: Path) -> None:
    (project / "tell.py").write_text("import os\n\ndef tell(option):\n    print(option, os.environ['KEY'])\n")
    options = {"option": "${secret:k}", "_env": {"KEY": "<${secret:k}>"}}
    assert ran(project, "tell.tell", options, secrets={"k": "v"})[0].lines == ["${secret:k} <v>"]


def test_the_workspace_is_where_python_runs_and_finds_modules(project: Path) -> None:
    (project / "sub").mkdir()
    (project / "sub" / "only.py").write_text("import os\n\ndef here():\n    print(os.path.basename(os.getcwd()))\n")
    assert ran(project, "only.here", params={"_workdir": "sub"})[0].lines == ["sub"]


def test_cancelling_ends_python_and_cleans_up(project: Path) -> None:
    (project / "slow.py").write_text(
        "import os, time\n\ndef sleep():\n    open('pid', 'w').write(str(os.getpid()))\n    time.sleep(60)\n"
    )

    async def cancel() -> None:
        task = asyncio.create_task(call(project, "py", "slow.sleep").run())
        while not (project / "pid").exists() or not (project / "pid").read_text():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    with pytest.raises(ProcessLookupError):
        os.kill(int((project / "pid").read_text()), 0)
    assert list((project / ".digdag" / "tmp").iterdir()) == []
