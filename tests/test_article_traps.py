"""The traps that two users' articles tell of: each is a warning in `check` and on the screen before it bites."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from digdag_tui.debugger.environment import LocalEnvironment
from digdag_tui.debugger.launch import Launch
from digdag_tui.operators.registry import operator_forms
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.params.lint import all_problems
from digdag_tui.params.secrets import LocalSecrets
from digdag_tui.tui.app import DebuggerApp

from .program import PROGRAM, ROOT
from .support import write
from .tui.support import Screen

ARTICLES = ROOT / "examples" / "articles"
HERE = ("-X", "agent.command_executor.type=simple")
IMAGE = "digdag/digdag-python:3.7"

TRAPS = [
    (
        "td-guide", "arguments", "arguments.dig:14", "caught-by-argument",
        'py_scripts.examples.print_arg_td(td=None) gets {"database":"my_db"} (set at arguments.dig:3), not its default',
    ),
    (
        "td-guide", "arguments", "arguments.dig:21", "caught-by-argument",
        "py_scripts.examples.print_kwargs(**kwargs) gets td too",
    ),
    (
        "td-guide", "secrets", "secrets.dig:12", "literal-secret",
        "${secret:td.apikey} stays this text at apikey: secrets are filled in below _env only",
    ),
    (
        "td-guide", "types", "types.dig:12", "became-text",
        "py_scripts.examples.print_total_ng wants a number as price and gets a text",
    ),
    (
        "td-guide", "ingest", "py_scripts/data.py:1", "outside-digdag",
        "python py_scripts/data.py ends here with ModuleNotFoundError: digdag is there only while a task runs",
    ),
]  # fmt: skip


def copy(project: str, place: Path) -> Path:
    return shutil.copytree(
        ARTICLES / project, place / project, ignore=shutil.ignore_patterns(".digdag", "__pycache__", "examples.log")
    )


def check(project: Path, *words: str, path: str | None = None) -> list[str]:
    """The warnings of `check`."""
    environment = {**os.environ, "PATH": path or os.environ["PATH"]}
    done = subprocess.run(
        [*PROGRAM, "check", *words], cwd=project, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [line for line in done.stderr.splitlines() if ": warning: " in line]


@asynccontextmanager
async def opened(project: Path, workflow: str, settings: dict[str, str]) -> AsyncIterator[Screen]:
    """An example in the debugger, stopped before its first task."""

    def prepare() -> tuple[Launch, LocalEnvironment]:
        environment = LocalEnvironment(project, Evaluator(), LocalSecrets({}, project / "no-home"), settings)
        return Launch(project, workflow, session="2026-01-31"), environment

    app = DebuggerApp(project, workflow, prepare, watches=False)
    try:
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            screen = Screen(app, pilot)
            await screen.stops(f"before +{workflow}+")
            yield screen
    finally:
        app.close()


@pytest.mark.parametrize(("project", "workflow", "place", "code", "message"), TRAPS, ids=[trap[3] for trap in TRAPS])
def test_check_tells_of_it(tmp_path: Path, project: str, workflow: str, place: str, code: str, message: str) -> None:
    lines = check(copy(project, tmp_path), f"{workflow}.dig", *HERE)
    (line,) = [line for line in lines if line.endswith(f"[{code}]") and line.startswith(place + ":")]
    assert message in line


@pytest.mark.parametrize(("project", "workflow", "place", "code", "message"), TRAPS, ids=[trap[3] for trap in TRAPS])
async def test_the_screen_tells_of_it_before_it_runs(
    tmp_path: Path, project: str, workflow: str, place: str, code: str, message: str
) -> None:
    async with opened(copy(project, tmp_path), workflow, {"agent.command_executor.type": "simple"}) as screen:
        await screen.press("0")
        await screen.shows("problems", f"[{code}]")
        assert message in screen.text("problems")
        await screen.sees("Problems ")
        problems = screen.app.main.problems
        for _ in range(problems.count()):
            selected = problems.selected()
            if selected and selected.code == code and str(selected.position).startswith(place + ":"):
                break
            await screen.press("down")
        await screen.press("enter")
        await screen.until(lambda: screen.app.main.shows("source"), "the source")
        position = screen.app.main.source.position
        assert position and f"{position.file}:{position.line}" == place
        await screen.sees(f"⚠ {message[:12]}")
        assert "before +" in screen.header()


SIGNATURES = [
    ("td-guide", "arguments", "+simple_with_arg2", ["⚠ td=None", '"database":"my_db"', "➤ give td beside py>"]),
    ("td-guide", "arguments", "+simple_with_kwargs", ["⚠ **kwargs", "gets td too", "instead of **kwargs"]),
    ("td-guide", "secrets", "+simple_with_env_ng", ["⚠ apikey", "secrets are filled in below _env only"]),
    ("td-guide", "types", "+simple_with_int_ng", ["⚠ price: int", '"120"', "a text with ${...} always comes to text"]),
    ("td-guide", "types", "+simple_with_int", ["✔ price", '"120"']),
    ("python-api", "python_args", "+a", ["✔ required1", '"1"', "✔ required2", "2"]),
    ("python-api", "python_args", "+b", ["optional1=None", "optional2='default'"]),
    ("python-api", "python_args", "+c", ["✔ arg1", '"a"', "arg2=None", '{"b":"c"}', "arg3=None"]),
    ("python-api", "python_args", "+d", ["✔ arg1", "引数", "**kw", "every one that no other parameter"]),
]


@pytest.mark.parametrize(("project", "workflow", "task", "words"), SIGNATURES)
async def test_the_signature_of_an_example(
    tmp_path: Path, project: str, workflow: str, task: str, words: list[str]
) -> None:
    async with opened(copy(project, tmp_path), workflow, {"agent.command_executor.type": "simple"}) as screen:
        await screen.until(lambda: screen.app.view.is_checked, "the problems")
        await screen.until(lambda: screen.app.main.tasks.count() > 1, "the tasks")
        for _ in range(6):
            if screen.selected() == f"+{workflow}{task}":
                break
            await screen.press("down")
        await screen.press("i")
        await screen.sees(words[0])
        shown = " ".join(screen.text("python").split())
        assert [text for text in words if text not in shown] == []


PASSING = [
    ("python-api", "python_args", "key1 = a, key2 = val2"),
    ("python-api", "store", "step2: 1"),
    ("python-api", "workflow", "step3: 1"),
    ("python-api", "generate_subtasks", "Processing 2"),
    ("td-guide", "arguments", "timezone is UTC"),
    ("td-guide", "types", "Total is 120120120"),
    ("td-guide", "environment", "Env var is hello"),
    ("td-guide", "variables", "select * from accesses"),
    ("td-guide", "awesome_workflow", "2 rows to learn from"),
    ("td-guide", "test", "my_db_test: select count(1) as cnt from fruits"),
]


@pytest.mark.parametrize(("project", "workflow", "printed"), PASSING)
async def test_an_example_runs_to_its_end_on_the_screen(
    tmp_path: Path, project: str, workflow: str, printed: str
) -> None:
    async with opened(copy(project, tmp_path), workflow, {"agent.command_executor.type": "simple"}) as screen:
        await screen.press("c")
        await screen.stops("finished: success")
        assert printed in screen.text("log")
        if workflow == "generate_subtasks":
            assert all(f"+subtask{number}" in screen.text("tasks") for number in range(3))


async def test_what_python_raised_is_shown_before_the_error_task_tells_of_it(tmp_path: Path) -> None:
    async with opened(copy("td-guide", tmp_path), "errors", {"agent.command_executor.type": "simple"}) as screen:
        await screen.press("c")
        await screen.stops("+errors+simple_raise_error failed")
        await screen.shows("error", "invalid literal for int() with base 10: 'a1234' (ValueError)")
        assert 'int("a1234")  # raises ValueError' in screen.text("error")
        await screen.press("c")
        await screen.stops("finished: ")
        assert "Error messages from python: invalid literal for int()" in screen.text("log")


def test_what_is_written_as_it_should_be_has_no_warning(tmp_path: Path) -> None:
    lines = check(copy("td-guide", tmp_path), *HERE)
    fine = {"arguments.dig:7", "secrets.dig:3", "secrets.dig:5", "types.dig:7"}
    assert not [line for line in lines if ":".join(line.split(":")[:2]) in fine]
    assert not [line for line in lines if line.split(".dig")[0] in ("environment", "variables", "errors", "install")]


def test_a_params_file_that_an_include_beats(tmp_path: Path) -> None:
    lines = check(copy("td-guide", tmp_path), "awesome_workflow.dig", "-P", "config/params.test.yml", *HERE)
    (line,) = [line for line in lines if line.startswith("config/params.yml:2")]
    assert "-P td.database=my_db_test has no effect: the _export of +awesome_workflow beats it" in line
    assert line.endswith("[beaten-param]")


# Containers


def engine(place: Path, *, answers: bool, has: str = "") -> str:
    """A PATH on which docker is a program that knows one image."""
    said = "exit 0" if answers else "echo 'Cannot connect to the engine' >&2; exit 1"
    script = f"""
        #!/bin/sh
        case "$1" in
            version) {said} ;;
            image) [ "$3" = "{has}" ] || exit 1 ;;
        esac
    """
    write(place, {"bin/docker": "\n".join(line[8:] for line in script.strip("\n").split("\n"))})
    (place / "bin" / "docker").chmod(0o755)
    return str(place / "bin")


@pytest.mark.parametrize(
    ("answers", "has", "expected"),
    [
        (True, IMAGE, ""),
        (True, "", f"which is not on this machine yet (docker pull {IMAGE} fetches it now; "),
        (False, "", "and docker does not answer: Cannot connect to the engine (start it; "),
        (None, "", "and this machine has no docker (install docker; "),
    ],
)
def test_an_image_that_cannot_run_here_is_said_once(
    tmp_path: Path, answers: bool | None, has: str, expected: str
) -> None:
    project = copy("td-guide", tmp_path)
    path = str(tmp_path) if answers is None else engine(tmp_path, answers=answers, has=has)
    lines = [line for line in check(project, path=path) if line.endswith("[no-container]")]
    if not expected:
        assert lines == []
        return
    (line,) = lines
    assert line.startswith("arguments.dig:9:3: warning: +arguments+simple_with_arg and ")
    assert f" more run in {IMAGE}, {expected}-X agent.command_executor.type=simple runs them on this machine" in line
    assert check(project, *HERE, path=path) == [
        line for line in check(project, path=path) if "no-container" not in line
    ]


def test_the_engine_that_a_task_names_is_asked(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "_export: {docker: {image: a, docker: nerdctl}}\n+a: {sh>: ls}\n+b: {echo>: x}\n"})
    (line,) = check(tmp_path, path=engine(tmp_path, answers=True))
    assert line.startswith(
        "main.dig:1:11: warning: +main+a runs in a, and this machine has no nerdctl (install nerdctl"
    )


async def test_the_screen_tells_of_the_container_before_a_task_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", engine(tmp_path, answers=False))
    async with opened(copy("td-guide", tmp_path), "environment", {}) as screen:
        await screen.press("0")
        await screen.shows("problems", f"more run in {IMAGE}, and docker does not answer: Cannot connect to the engine")
        await screen.sees("[no-container]")


# A file that is run on its own

IMPORTS = [
    ("import digdag\n", True),
    ("import digdag.env as env\n", True),
    ("from digdag import env\n", True),
    ("import digdag_tui\n", False),
    ("try:\n    import digdag\nexcept ImportError:\n    pass\n", False),
    ("try:\n    import digdag\nexcept (OSError, ModuleNotFoundError):\n    pass\n", False),
    ("try:\n    import digdag\nexcept OSError:\n    pass\n", True),
    ("def run():\n    import digdag\n", True),
    ("def other():\n    import digdag\n", False),
    ("def run():\n    try:\n        import digdag\n    except:\n        pass\n", False),
]


@pytest.mark.parametrize(("imports", "fails"), IMPORTS)
def test_a_file_run_on_its_own_is_warned_of_exactly_if_it_fails(tmp_path: Path, imports: str, fails: bool) -> None:
    run = "" if "def run" in imports else "def run():\n    pass\n"
    text = f'{imports}{run}if __name__ == "__main__":\n    run()\n'
    write(tmp_path, {"main.dig": "+a: {py>: job.run}\n", "job.py": text})
    found = [problem for problem in all_problems(tmp_path, operator_forms()) if problem.code == "outside-digdag"]
    assert len(found) == fails
    if "digdag_tui" not in imports:
        alone = subprocess.run([sys.executable, "-S", "job.py"], cwd=tmp_path, capture_output=True, timeout=60)
        assert (alone.returncode != 0) == fails


def test_a_file_that_is_only_imported_may_import_digdag(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {py>: job.run}\n", "job.py": "import digdag\ndef run():\n    pass\n"})
    assert all_problems(tmp_path, operator_forms()) == []


def test_a_package_that_cannot_be_installed_says_so_in_the_log(tmp_path: Path) -> None:
    project = copy("td-guide", tmp_path)
    done = subprocess.run(
        [*PROGRAM, "run", "install.dig", "--no-save", *HERE], cwd=project, stdin=subprocess.DEVNULL, timeout=120,
        env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "No matching distribution found for pytd==1.4.3" in done.stdout + done.stderr
    assert "returned non-zero exit status 1" in done.stdout + done.stderr
