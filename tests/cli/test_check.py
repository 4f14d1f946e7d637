"""`digdag-tui check`, and what the debugger says where it cannot open."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..program import digdag_tui
from ..support import write


def test_every_problem_has_its_place_and_an_error_exits_1(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.dig": "+x:\n  echo>: a\n  sh>: b\n+y:\n  ecko>: z\n+g:\n  _parralel: true\n",
            "b.dig": "_export: {list: [1, 2}\n",
        },
    )
    done = digdag_tui("check", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["a.dig:3:3", "a.dig:5:3", "a.dig:7:3", "b.dig:1:22"]
    assert "echo>" in lines[1] and "_parallel" in lines[2]
    assert done.stderr == "4 errors, 0 warnings\n"


def test_a_project_without_problems(tmp_path: Path) -> None:
    write(tmp_path, {"a.dig": "+x: {echo>: a}\n"})
    done = digdag_tui("check", "a.dig", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "0 errors, 0 warnings\n")


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    done = digdag_tui("check", "nowhere", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "error: nowhere does not exist: name a .dig file or a project's directory\n"


@pytest.mark.parametrize("words", [["main.dig"], ["."], []])
def test_the_debugger_needs_a_terminal(tmp_path: Path, words: list[str]) -> None:
    write(tmp_path, {"main.dig": "+x: {echo>: a}\n"})
    done = digdag_tui(*words, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "error: the debugger needs a terminal: use `digdag-tui run` without one\n"


def test_help_and_version(tmp_path: Path) -> None:
    assert digdag_tui("--version", cwd=tmp_path).stdout.startswith("digdag-tui 0.")
    help_text = digdag_tui("--help", cwd=tmp_path).stdout
    assert all(command in help_text for command in ("open", "run", "check"))
