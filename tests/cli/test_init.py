"""`digdag-tui init`: the projects that it writes, and that they run (cli 3)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from digdag_tui.cli.examples import EXAMPLES
from digdag_tui.operators.registry import operator_forms
from digdag_tui.workflow.lint import problems

from ..program import digdag_tui
from ..support import write

FILES = {
    "echo": [],
    "sh": ["scripts/myscript.sh"],
    "ruby": ["scripts/myclass.rb"],
    "python": ["scripts/__init__.py", "scripts/myclass.py"],
    "td": ["queries/query.sql"],
    "postgresql": [
        "queries/create_src_table.sql", "queries/insert_data_to_src_table.sql", "queries/summarize_src_table.sql",
    ],
}  # fmt: skip


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", FILES)
def test_each_type_writes_its_files_and_has_no_problems(tmp_path: Path, kind: str) -> None:
    done = digdag_tui("init", "-t", kind, "sales", cwd=tmp_path)
    assert done.returncode == 0
    created = [*FILES[kind], "sales.dig", ".gitignore"]
    run = "`digdag push sales` to push" if kind == "td" else "`digdag-tui run sales.dig` to run the workflow. Enjoy!"
    lines = done.stdout.splitlines()
    assert lines[:-1] == [f"  Creating sales/{name}" for name in created]
    assert lines[-1].startswith("Done. ") and "`cd sales` and then " in lines[-1] and run in lines[-1]
    assert files(tmp_path / "sales") == sorted(created)
    assert (tmp_path / "sales/.gitignore").read_text() == ".digdag\n*.pyc\n/.digdag-wrapper\n"
    assert problems(tmp_path / "sales", operator_forms()) == []


def test_every_type_is_tested() -> None:
    assert FILES.keys() == EXAMPLES.keys()


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        ("echo", ["+left does not wait", "the apple has 5 letters", "the orange has 6 letters"]),
        ("sh", ["scripts/myscript.sh was called with 2 arguments: first second", "GREETING is hello"]),
        ("python", ["3 words were counted", "3 words on 2026-01-31T00:00:00+00:00: well done"]),
        pytest.param(
            "ruby",
            ["3 words were counted", "3 words on 2026-01-31T00:00:00+00:00: well done"],
            marks=pytest.mark.skipif(not shutil.which("ruby"), reason="there is no ruby"),
        ),
    ],
)
def test_what_runs_without_a_service_runs(tmp_path: Path, kind: str, output: list[str]) -> None:
    digdag_tui("init", "project", "--type", kind, cwd=tmp_path)
    done = digdag_tui("run", "project.dig", "--session", "2026-01-31", cwd=tmp_path / "project")
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(text in done.stdout for text in output), done.stdout


def test_echo_is_the_type_when_none_is_given(tmp_path: Path) -> None:
    assert digdag_tui("new", "a/b/c", "-l", "warn", "-X", "a=b", cwd=tmp_path).returncode == 0
    assert files(tmp_path) == ["a/b/c/.gitignore", "a/b/c/c.dig"]


@pytest.mark.parametrize("word", [".", "../here", "./"])
def test_the_current_directory_needs_no_cd(tmp_path: Path, word: str) -> None:
    (tmp_path / "here").mkdir()
    done = digdag_tui("init", word, cwd=tmp_path / "here")
    assert done.returncode == 0
    assert done.stdout.endswith("Done. Type `digdag-tui run here.dig` to run the workflow. Enjoy!\n")
    assert files(tmp_path / "here") == [".gitignore", "here.dig"]


def test_a_workflow_that_is_there_stays_and_nothing_is_written(tmp_path: Path) -> None:
    write(tmp_path, {"sales/sales.dig": "+mine: {}\n"})
    done = digdag_tui("init", "sales", "-t", "sh", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "File sales/sales.dig already exists.\n")
    assert files(tmp_path) == ["sales/sales.dig"]
    assert (tmp_path / "sales/sales.dig").read_text() == "+mine: {}\n"


def test_other_files_that_are_there_stay(tmp_path: Path) -> None:
    write(tmp_path, {"sales/scripts/myscript.sh": "mine\n", "sales/.gitignore": "mine\n"})
    done = digdag_tui("init", "sales", "-t", "sh", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[:-1] == [
        "File sales/scripts/myscript.sh already exists.",
        "  Creating sales/sales.dig",
    ]
    assert (tmp_path / "sales/scripts/myscript.sh").read_text() == "mine\n"
    assert (tmp_path / "sales/.gitignore").read_text() == "mine\n"


def test_scripts_can_be_executed(tmp_path: Path) -> None:
    digdag_tui("init", "sales", "-t", "sh", cwd=tmp_path)
    assert os.access(tmp_path / "sales/scripts/myscript.sh", os.X_OK)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("1st", 'name must not start with a numeric digit (0-9): "1st"'),
        ("+a", 'name must not include special symbols (+ ^ @ / \\ / : * ? " < > |): "+a"'),
        ("a.dig", 'name must not end with .dig: "a.dig"'),
    ],
)
def test_names_that_no_workflow_can_have(tmp_path: Path, name: str, message: str) -> None:
    done = digdag_tui("init", name, cwd=tmp_path)
    assert done.returncode == 1
    assert f"error: Validating workflow failed\n{message} (model validation)\n" in done.stderr
    assert files(tmp_path) == []
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(("words", "code"), [([], 0), (["a", "b"], 0), (["a", "-t", "java"], 1), (["-t", "", "a"], 1)])
def test_usage(tmp_path: Path, words: list[str], code: int) -> None:
    done = digdag_tui("init", *words, cwd=tmp_path)
    assert done.returncode == code
    assert "Usage: digdag-tui init" in done.stderr
    assert done.stderr.endswith("error: --type has an invalid value\n") == bool(code)
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("word", "message"),
    [("file", "file is a file: name a directory"), ("file/below", "file/below: Not a directory")],
)
def test_a_file_in_the_way(tmp_path: Path, word: str, message: str) -> None:
    (tmp_path / "file").write_text("mine\n")
    done = digdag_tui("init", word, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.endswith(f"error: {message}\n")
