from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from digdag_tui.operators import interpreters
from digdag_tui.operators.interpreters import CHOICE, PYTHON, Interpreter

from .test_py_failure import environment


def test_virtual_environments_are_found_up_to_the_root_of_the_repository(tmp_path: Path) -> None:
    project = tmp_path / "repository" / "workflows" / "sales"
    project.mkdir(parents=True)
    environment(tmp_path)
    outer = environment(tmp_path / "repository")
    assert list(interpreters.environments(project)) == []
    (tmp_path / "repository" / ".git").mkdir()
    assert list(interpreters.environments(project)) == [outer]
    inner = environment(project)
    assert list(interpreters.environments(project)) == [inner, outer]


def test_a_folder_that_only_looks_like_one(tmp_path: Path) -> None:
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    assert list(interpreters.environments(tmp_path)) == []


def test_nothing_is_used_that_the_person_has_not_chosen(tmp_path: Path) -> None:
    folder = environment(tmp_path)
    program = interpreters.program_of(folder)
    assert interpreters.default_program(tmp_path, None) is None
    assert interpreters.offered(tmp_path) == folder
    said = interpreters.notice(tmp_path, {})
    assert said and ".venv is not used" in said
    interpreters.choose(tmp_path, program)
    assert interpreters.default_program(tmp_path, None) == program
    assert interpreters.offered(tmp_path) is None
    said = interpreters.notice(tmp_path, {PYTHON: program})
    assert said == "py> tasks run in .venv/bin/python, as you chose"
    interpreters.choose(tmp_path, "")
    assert interpreters.default_program(tmp_path, None) is None and interpreters.offered(tmp_path) is None
    interpreters.choose(tmp_path, None)
    assert interpreters.offered(tmp_path) == folder


def test_a_chosen_one_that_is_gone_is_said(tmp_path: Path) -> None:
    interpreters.choose(tmp_path, str(tmp_path / "gone" / "bin" / "python"))
    assert interpreters.default_program(tmp_path, None) is None
    said = interpreters.notice(tmp_path, {})
    assert said and "is gone" in said


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"program": 5}', "\udcff"])
def test_a_broken_choice_is_none(tmp_path: Path, content: str) -> None:
    file = tmp_path / CHOICE
    file.parent.mkdir(parents=True)
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert interpreters.chosen(tmp_path) is None


def test_an_active_environment_is_not_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = environment(tmp_path)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert interpreters.offered(tmp_path) is None


def test_the_option_takes_a_program_or_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = environment(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert interpreters.named(".venv") == str(folder / "bin" / "python")
    assert interpreters.named("./.venv/bin/python") == str(folder / "bin" / "python")
    assert interpreters.named("python3.12") == "python3.12"


def test_an_interpreter_says_which_one_it_is(tmp_path: Path) -> None:
    folder = environment(tmp_path)
    found = interpreters.ask([str(folder / "bin" / "python")], tmp_path)
    assert isinstance(found, Interpreter)
    assert (found.version, found.environment) == (".".join(map(str, sys.version_info[:3])), str(folder))
    assert "virtual environment .venv" in interpreters.about(found, tmp_path)
    assert interpreters.ask(["no-such-python"], tmp_path) == "no-such-python is not found in PATH"
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexit 3\n")
    silent.chmod(0o755)
    assert "does not say" in str(interpreters.ask([str(silent)], tmp_path))
