from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.operators import py_failure

RUNNER = Path(__file__).parents[2] / "digdag_tui" / "python" / "runner.py"


@dataclass
class Ran:
    """What became of a command."""

    code: int
    printed: list[str]
    result: dict[str, Any] | None

    @property
    def error(self) -> tuple[str, str]:
        """The class and the message of the error."""
        assert self.code == 1
        assert self.result is not None
        return self.result["error"]["class"], self.result["error"]["message"]

    @property
    def traceback(self) -> list[str]:
        """What was printed, without the frames."""
        return [line for line in self.printed if not line.startswith("  ")]


def run(folder: Path, command: str, **params: Any) -> Ran:
    """Run a command in a folder, as an operator does."""
    (folder / "in.json").write_text(json.dumps({"params": params}))
    words = [sys.executable, str(RUNNER), command, "in.json", "out.json"]
    done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    result = folder / "out.json"
    return Ran(done.returncode, done.stdout.splitlines(), json.loads(result.read_text()) if result.exists() else None)


def own_frames(folder: Path) -> list[dict[str, Any]]:
    """The user's own frames that the last run left behind."""
    frames = py_failure.own_frames(json.loads((folder / "failure.json").read_text())["exceptions"])
    assert all(isinstance(frame, dict) for frame in frames)
    return frames


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    def write(name: str, *lines: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")

    write(
        "tasks.py",
        "import digdag, functools, sys",
        "from abc import ABC",
        "def show(a, b, c='default c', d=None): print(a, b, c, d)",
        "def star(a, *rest): print(a, rest)",
        "def loose(a, b='b', *rest, **kw): print(a, b, rest, sorted(kw))",
        "def only(a, *, b='default'): print(a, b)",
        "def needs(a, *, b): pass",
        "class Job:",
        "    def __init__(self, source, limit=1): self.source, self.limit = source, limit",
        "    def work(self, target, source='s'): print(self.source, self.limit, target, source)",
        "    def run(self): print('run', self.source)",
        "    @classmethod",
        "    def by_class(cls, a): print(cls.__name__, a)",
        "    @staticmethod",
        "    def static(a='default', b='default'): print(a, b)",
        "class Plain:",
        "    def work(self): print('plain')",
        "class Loose:",
        "    def __init__(self, **kw): self.kw = kw",
        "    def work(self, target): print(target, sorted(self.kw))",
        "class Abstract(ABC):",
        "    def run(self): print('abstract')",
        "def wrapper(function):",
        "    @functools.wraps(function)",
        "    def inner(*args, **kwargs): return function(*args, **kwargs)",
        "    return inner",
        "@wrapper",
        "def decorated(a): print(a)",
        "VALUE = 5",
    )
    write("pkg/__init__.py", "class Top:", "    def work(self): print('pkg.Top.work')")
    write("pkg/deep/__init__.py")
    write("pkg/deep/mod.py", "class Inner:", "    def run(self): print('inner')", "def f(): print('f')")
    write("broken.py", "import surely_not_installed")
    write("pkg/broken.py", "", "import surely_not_installed")
    write("syntax.py", "def run():", "    return = 5")
    write("loaded.py", "print('loaded')", "def f(): print('f')")
    return tmp_path


PARAMS = {"a": "A", "b": "B", "source": "db", "target": "lake"}


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("tasks.show", "A B default c None"),
        ("tasks.star", "A ()"),
        ("tasks.only", "A default"),
        ("tasks.Job.work", "db 1 lake db"),
        ("tasks.Job", "run db"),
        ("tasks.Job.run", "run db"),
        ("tasks.Job.by_class", "Job A"),
        ("tasks.Job.static", "default B"),
        ("tasks.Plain.work", "plain"),
        ("tasks.Abstract.run", "abstract"),
        ("pkg.Top.work", "pkg.Top.work"),
        ("pkg.deep.mod.Inner", "inner"),
        ("pkg.deep.mod.Inner.run", "inner"),
        ("pkg.deep.mod.f", "f"),
    ],
)
def test_a_command_finds_a_function_or_a_method(folder: Path, command: str, printed: str) -> None:
    ran = run(folder, command, **PARAMS)
    assert (ran.code, ran.printed) == (0, [printed])
    assert ran.result == {"subtask_config": {}, "export_params": {}, "store_params": {}}


def test_a_class_of_another_metaclass_is_only_made(folder: Path) -> None:
    ran = run(folder, "tasks.Abstract")
    assert (ran.code, ran.printed) == (0, [])


def test_keywords_take_every_param(folder: Path) -> None:
    assert run(folder, "tasks.loose", **PARAMS).printed == ["A B () ['source', 'target']"]
    assert run(folder, "tasks.Loose.work", **PARAMS).printed == ["lake ['a', 'b', 'source', 'target']"]


@pytest.mark.parametrize(
    ("command", "params", "error"),
    [
        ("tasks.show", {"a": 1}, ("TypeError", "Method 'show' requires parameter 'b' but not set")),
        ("tasks.Job.work", {"source": 1}, ("TypeError", "Method 'Job.work' requires parameter 'target' but not set")),
        ("tasks.Job.work", {}, ("TypeError", "Method 'Job.__init__' requires parameter 'source' but not set")),
        ("tasks.needs", {"a": 1}, ("TypeError", "needs() missing 1 required keyword-only argument: 'b'")),
        ("calendar.prmonth", {}, ("TypeError", "Method 'TextCalendar.prmonth' requires parameter 'self' but not set")),
        ("tasks.decorated", {"x": 1}, ("TypeError", "decorated() got an unexpected keyword argument 'x'")),
        ("tasks.VALUE", {}, ("TypeError", "unsupported callable")),
        ("tasks.nothing", {}, ("AttributeError", "Module 'tasks' has no attribute 'nothing'")),
        ("tasks.NoJob.run", {}, ("AttributeError", "Module 'tasks' has no attribute 'run'")),
        ("tasks.Plain.nothing", {}, ("AttributeError", "'Plain' object has no attribute 'nothing'")),
        ("tasks.", {}, ("AttributeError", "Module 'tasks' has no attribute ''")),
        ("tasks", {}, ("ValueError", "Empty module name")),
        ("nowhere.run", {}, ("ValueError", "Empty module name")),
        ("nowhere.Job.run", {}, ("ModuleNotFoundError", "No module named 'nowhere'")),
        ("broken.run", {}, ("ValueError", "Empty module name")),
        ("pkg.broken.run", {}, ("ModuleNotFoundError", "No module named 'surely_not_installed'")),
    ],
)
def test_what_cannot_be_called(folder: Path, command: str, params: dict[str, Any], error: tuple[str, str]) -> None:
    ran = run(folder, command, **params)
    assert ran.error == error
    assert ran.printed[-1] == ": ".join(error)


DURING = ["", "During handling of the above exception, another exception occurred:", ""]
HEAD = ["Traceback (most recent call last):"]


@pytest.mark.parametrize(
    ("command", "chain"),
    [
        ("tasks.show", ["TypeError: Method 'show' requires parameter 'a' but not set"]),
        ("tasks.nothing", ["AttributeError: module 'tasks' has no attribute 'nothing'", None,
                           "AttributeError: Module 'tasks' has no attribute 'nothing'"]),
        ("tasks.NoJob.run", ["ModuleNotFoundError: No module named 'tasks.NoJob'; 'tasks' is not a package", None,
                             "AttributeError: module 'tasks' has no attribute 'NoJob'", None,
                             "AttributeError: Module 'tasks' has no attribute 'run'"]),
        ("nowhere.run", ["ModuleNotFoundError: No module named 'nowhere'", None, "ValueError: Empty module name"]),
        ("tasks.Plain.nothing", ["AttributeError: 'Plain' object has no attribute 'nothing'"]),
    ],
)  # fmt: skip
def test_the_chain_of_errors_that_is_printed(folder: Path, command: str, chain: list[str | None]) -> None:
    expected = list(HEAD)
    for line in chain:
        expected += [line] if line is not None else [*DURING, *HEAD]
    assert run(folder, command).traceback == expected


@pytest.mark.parametrize(
    ("command", "frame"),
    [
        (
            "broken.run",
            {"file": "broken.py", "line": 1, "function": "<module>", "source": "import surely_not_installed"},
        ),
        (
            "pkg.broken.run",
            {"file": "pkg/broken.py", "line": 2, "function": "<module>", "source": "import surely_not_installed"},
        ),
        ("syntax.run", {"file": "syntax.py", "line": 2, "function": None, "source": "return = 5"}),
    ],
)
def test_the_place_of_an_error_in_the_users_code(folder: Path, command: str, frame: dict[str, Any]) -> None:
    result = run(folder, command).result
    assert result is not None
    assert own_frames(folder) == [{**frame, "file": str(folder / frame["file"])}]


def test_an_error_outside_of_the_users_code_has_no_frames(folder: Path) -> None:
    result = run(folder, "tasks.nothing").result
    assert result is not None
    assert own_frames(folder) == []


def test_frames_of_nested_calls_and_of_generated_code(folder: Path) -> None:
    (folder / "nested.py").write_text("def f(): g()\ndef g(): exec('1 / 0')\n")
    result = run(folder, "nested.f").result
    assert result is not None
    assert [(frame["line"], frame["function"]) for frame in own_frames(folder)] == [(1, "f"), (2, "g")]
    assert result["error"]["backtrace"][0] == "Traceback (most recent call last):\n"
    assert result["error"]["backtrace"][-1] == "ZeroDivisionError: division by zero\n"


def env(folder: Path, *lines: str, **params: Any) -> Ran:
    """Run a function of these lines."""
    body = "".join(f"    {line}\n" for line in lines)
    (folder / "body.py").write_text(f"import digdag, digdag_env\ndef f():\n{body}")
    return run(folder, "body.f", **params)


@pytest.mark.parametrize(
    ("lines", "result"),
    [
        (["digdag.env.store({'a': 1}, b=2)", "digdag.env.store(a=3)"], {"store_params": {"a": 3, "b": 2}}),
        (["digdag.env.store(t=(1, 2))"], {"store_params": {"t": [1, 2]}}),
        (["digdag.env.store(d={1: 'x', None: 'y'})"], {"store_params": {"d": {"1": "x", "null": "y"}}}),
        (["digdag.env.export({'a': {'b': 1}})", "digdag.env.export(a=2)"], {"export_params": {"a": 2}}),
        (["digdag.env.set_state({'n': 1}, m=2)"], {}),
        (["digdag.env.store(n=digdag.env.params['n'] + 1)"], {"store_params": {"n": 6}}),
        (["digdag_env.store_params = {'own': digdag_env.params['n']}"], {"store_params": {"own": 5}}),
        (["digdag.env.store_params = {'own': 1}"], {}),
        (["digdag.env.add_subtask({'echo>': 'x'}, _export={'a': 1})"],
         {"subtask_config": {"+subtask0": {"echo>": "x", "_export": {"a": 1}}}}),
        (["digdag.env.add_subtask(f, n=1)", "digdag.env.add_subtask(f)"],
         {"subtask_config": {"+subtask0": {"n": 1, "py>": "body.f"}, "+subtask1": {"py>": "body.f"}}}),
        (["digdag.env.add_subtask(lambda: 1)"], {"subtask_config": {"+subtask0": {"py>": "body.f.<locals>.<lambda>"}}}),
        (["digdag.env.subtask_config['_parallel'] = True"], {"subtask_config": {"_parallel": True}}),
    ],
)  # fmt: skip
def test_what_a_function_gives_back(folder: Path, lines: list[str], result: dict[str, Any]) -> None:
    ran = env(folder, *lines, n=5)
    assert (ran.code, ran.printed) == (0, [])
    assert ran.result == {"subtask_config": {}, "export_params": {}, "store_params": {}, **result}


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (
            "digdag.env.add_subtask(f, when={1})",
            ("TypeError", "Parameters must be serializable using JSON: Object of type set is not JSON serializable"),
        ),
        ("import sys; sys.exit(3)", ("SystemExit", "Failed to call python command with code:3 Possible cause: Invalid "
                                     "python module call, duplicate module name with standard library")),
        ("raise KeyError('k')", ("KeyError", "'k'")),
        ("raise RuntimeError", ("RuntimeError", "")),
        ("raise OSError(2, 'no file', 'x.csv')", ("FileNotFoundError", "[Errno 2] no file: 'x.csv'")),
    ],
)  # fmt: skip
def test_what_a_function_raises(folder: Path, line: str, error: tuple[str, str]) -> None:
    assert env(folder, line).error == error


@pytest.mark.parametrize("argument", ["", "'bye'"])
def test_leaving_without_a_number_leaves_no_result(folder: Path, argument: str) -> None:
    ran = env(folder, f"import sys; sys.exit({argument})")
    assert (ran.code, ran.result) == (1, None)
    assert ran.traceback[1].startswith("SystemExit")
    assert ran.traceback[2:5] == DURING
    assert ran.traceback[-1].startswith("TypeError: %d format: a ")


def test_a_value_that_json_cannot_hold_leaves_half_a_result(folder: Path) -> None:
    (folder / "body.py").write_text(
        "import digdag\ndef f():\n    digdag.env.store(a=1, when={1})\n    print('stored')\n"
    )
    (folder / "in.json").write_text('{"params": {}}')
    words = [sys.executable, str(RUNNER), "body.f", "in.json", "out.json"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "stored\n")
    assert done.stderr.splitlines()[-1] == "TypeError: Object of type set is not JSON serializable"
    written = '{"subtask_config": {}, "export_params": {}, "store_params": {"a": 1, "when": '
    assert (folder / "out.json").read_text() == written


def test_the_project_comes_last_on_the_path(folder: Path) -> None:
    (folder / "textwrap.py").write_text("def indent(text, prefix): print('shadowed')\n")
    ran = run(folder, "textwrap.indent", text="x", prefix="> ")
    assert (ran.code, ran.printed) == (0, [])
    ran = env(folder, "import os, sys; print(sys.path[-1] == os.getcwd(), __name__, len(sys.argv))")
    assert ran.printed == ["True body 4"]


def test_module_code_runs_before_the_function(folder: Path) -> None:
    assert run(folder, "loaded.f").printed == ["loaded", "f"]


@pytest.mark.parametrize("file", [RUNNER, RUNNER.with_name("runner_debugger.py")], ids=lambda file: file.name)
def test_the_runner_is_for_old_pythons_and_needs_no_package(file: Path) -> None:
    tree = ast.parse(file.read_text(), feature_version=(3, 7))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names
