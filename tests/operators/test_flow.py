from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .support import message, run

DO = {"_do": {"echo>": "did"}, "_else_do": {"echo>": "else"}}


@pytest.mark.parametrize(
    ("condition", "chosen"),
    [
        (True, "did"), (False, "else"), (1, "did"), (5, "did"), (-1, "did"), (0, "else"), ("true", "did"),
        ("True", "did"), ("TRUE", "did"), (" true ", "did"), ("false", "else"), ("", "else"), ("null", "else"),
    ],
)  # fmt: skip
def test_if_takes_a_branch(tmp_path: Path, condition: Any, chosen: str) -> None:
    assert run(tmp_path, "if", condition, DO).subtasks == {"echo>": chosen}


@pytest.mark.parametrize(
    ("condition", "sample"),
    [
        ("tRUE", '"tRUE" (string)'), ("0", '"0" (string)'), ("yes", '"yes" (string)'), (0.5, "0.5 (number)"),
        ([], "[] (array)"), ({"a": 1}, '{"a":1} (object)'),
    ],
)  # fmt: skip
def test_if_of_no_boolean(tmp_path: Path, condition: Any, sample: str) -> None:
    assert message(tmp_path, "if", condition, DO) == (
        f"Expected 'true' or 'false' for key '_command' but got {sample} (config)"
    )


@pytest.mark.parametrize(
    ("condition", "options", "said"),
    [
        (True, {}, "Both _do and _else_do are not specified."),
        (True, {"_do": {}, "_else_do": {}}, "Both _do and _else_do are not specified."),
        (True, {"_do": None}, "Both _do and _else_do are not specified."),
        (True, {"_do": "run me"}, "Parameter '_do' must be an object"),
        (None, DO, "Parameter '_command' is required but not set"),
        ("maybe", {}, "Expected 'true' or 'false' for key '_command' but got \"maybe\" (string)"),
        ("maybe", {"_do": 1}, "Parameter '_do' must be an object"),
    ],
)
def test_if_without_branches(tmp_path: Path, condition: Any, options: dict[str, Any], said: str) -> None:
    assert message(tmp_path, "if", condition, options) == f"{said} (config)"


def test_if_without_the_chosen_branch_makes_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, "if", False, {"_do": {"echo>": "did"}}).subtasks == {}


DEEP = {"_export": {"_workdir": "sub"}, "_error": {"echo>": "oh"}, "+t": {"echo>": "deep"}}


def write(project: Path, **files: str) -> None:
    for name, text in files.items():
        path = project / (name.replace("__", "/") + ".dig")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("name", "params", "body"),
    [
        ("child", {}, {"_export": {"a": 1}, "+t": {"echo>": "child"}}),
        ("child.dig", {}, {"_export": {"a": 1}, "+t": {"echo>": "child"}}),
        ("sub/deep", {}, DEEP),
        ("deep", {"_workdir": "sub"}, DEEP),
        ("../child", {"_workdir": "sub"}, {"_export": {"a": 1}, "+t": {"echo>": "child"}}),
    ],
)  # fmt: skip
def test_call_puts_a_file_below_its_task(tmp_path: Path, name: str, params: dict[str, Any], body: Any) -> None:
    write(
        tmp_path,
        child="timezone: Asia/Tokyo\n_export:\n  a: 1\n+t:\n  echo>: child\n",
        sub__deep="_error:\n  echo>: oh\n+t:\n  echo>: deep\n",
    )
    assert run(tmp_path, "call", name, {"plain": 3}, params=params).subtasks == body


def test_call_of_an_absolute_path_in_the_project(tmp_path: Path) -> None:
    write(tmp_path, child="+t:\n  echo>: child\n")
    assert run(tmp_path, "call", str(tmp_path / "child")).subtasks == {"+t": {"echo>": "child"}}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "File not found: P/nowhere.dig (config)"),
        ("../outside", "File name must not be outside of project path (P): ../outside.dig (illegal argument)"),
        ("/etc/hosts", "File name must not be outside of project path (P): /etc/hosts.dig (illegal argument)"),
        ([1], "Expected string type for key '_command' but got [1] (array) (config)"),
        (None, "Parameter '_command' is required but not set (config)"),
        ("unknown", "Workflow 'unknown' includes unknown keys: [colour] (config)"),
    ],
)
def test_call_of_no_workflow(tmp_path: Path, name: Any, said: str) -> None:
    write(tmp_path, unknown="colour: red\n")
    assert message(tmp_path, "call", name) == said


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("..", "Working directory must not be outside of project path (P): .. (illegal argument)"),
        ("/etc", "Working directory must not be outside of project path (P): /etc (illegal argument)"),
        ([1], "Expected string type for key '_workdir' but got [1] (array) (config)"),
    ],
)
def test_a_workspace_outside_of_the_project(tmp_path: Path, folder: Any, said: str) -> None:
    assert message(tmp_path, "call", "child", params={"_workdir": folder}) == said
