"""Everything wrong with a project at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digdag_tui.workflow.lint import problems

OPERATORS = frozenset({"echo", "sh", "py", "call", "if", "loop", "for_each"})


def found(directory: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [str(problem).replace(str(directory), "DIR") for problem in problems(directory, OPERATORS)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+a: {echo>: a}", []),
        ("+a: {}\n+a: {}", ["main.dig:2:1: error: Duplicated keys: [+a] (remove one of them)"]),
        ("+a: {ecko>: a}", ["main.dig:1:6: error: Unknown task type: ecko (did you mean echo>?)"]),
        ("+a: {_type: frobnicate}", ["main.dig:1:6: error: Unknown task type: frobnicate (no operator has this name)"]),
        ("+a: {_type: '${x}', y>: 1}", []),
        ("_export: {plugin: {dependencies: [x]}}\n+a: {frobnicate>: a}", []),
        (
            "+a:\n  loop>: 1\n  _do:\n    +b: {ecko>: b}\n",
            ["main.dig:4:10: error: Unknown task type: ecko (did you mean echo>?)"],
        ),
        (
            "+a:\n  if>: true\n  _else_do: {echo>: b, sh>: c}\n",
            ["main.dig:3:24: error: A task can't have more than one operator: {\"echo>\":\"b\",\"sh>\":\"c\"} "
             "(make each operator a task of its own)"],
        ),
        (
            "+a: {echo>: a, _check: {+x y: {}}}",
            ["main.dig:1:25: error: name must not contain character ' ': \"+x y\" "
             "(names have letters, digits and _-=[]{}%&@`,. only)"],
        ),
        ("_error: {ecko>: a}", ["main.dig:1:10: error: Unknown task type: ecko (did you mean echo>?)"]),
        ("+g: {_export: [a], +a: {}}", ["main.dig:1:6: error: Parameter '_export' must be an object"]),
        ("+g: {_export: }", []),
        ("_check: {echo>: a}", ["main.dig:1:1: warning: _check has no effect on a group (remove it)"]),
        ("+g: {timezone: UTC}", ["main.dig:1:6: warning: timezone has no effect on a group (remove it)"]),
        (
            "+g: {_retry: '${n}'}",
            ["main.dig:1:6: warning: _retry of a group is not evaluated, so this has no effect "
             "(write a number, or put _retry on the tasks in it)"],
        ),
        ("+a: {echo>: a, _retry: '${n}', timezone: x}", []),
        ("+g: {_disable: true, ecko>: a, _export: 1}", []),
        ("schedule: {daily>: 10:00:00}", []),
        (
            "+a: {call>: nowhere}",
            ["main.dig:1:6: warning: File not found: DIR/nowhere.dig "
             "(call> names a file of the project, with or without .dig)"],
        ),
        (
            "+a: {call>: ../x}",
            ["main.dig:1:6: warning: File name must not be outside of project path: ../x.dig "
             "(call a file of the project)"],
        ),
        ("+a: {call>: '${x}'}", []),
        ("_export: {_workdir: '${x}'}\n+a: {call>: nowhere}", []),
        (
            "_export: {_workdir: sub}\n+a: {call>: x}",
            ["main.dig:2:6: warning: File not found: DIR/sub/x.dig "
             "(call> names a file of the project, with or without .dig)"],
        ),
    ],
)  # fmt: skip
def test_one_file(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert found(tmp_path, {"main.dig": text}) == expected


def test_broken_schedule(tmp_path: Path) -> None:
    (line,) = found(tmp_path, {"main.dig": "+a: {}\nschedule: {daily>: noon}"})

    assert line.startswith("main.dig:2:")
    assert "daily>" in line


def test_one_broken_key_hides_no_other(tmp_path: Path) -> None:
    text = "timezone: Mars\n_export: [a]\nwhat: 1\n+n:\n+a b: {}\n+c: {ecko>: 1}\n+d: {x>: 1, y>: 2}\n"

    lines = found(tmp_path, {"main.dig": text, "other.dig": "+x: {ecko>: 1}"})

    assert [line.partition(" ")[0] for line in lines] == [
        *(f"main.dig:{line}:1:" for line in (1, 2, 3, 4, 5, 5)), "main.dig:6:6:", "main.dig:7:6:", "main.dig:7:13:",
        "other.dig:1:6:",
    ]  # fmt: skip


def test_called_files_are_looked_at_once(tmp_path: Path) -> None:
    files = {
        "main.dig": "+a: {call>: sub/one}\n+b: {call>: sub/one.dig}\n+c: {call>: main}",
        "sub/one.dig": "+x: {call>: two}\n+y: {ecko>: 1}\n",
        "sub/two.dig": "what: 1",
        "sub/alone.dig": "?",
    }

    assert [line.partition(" ")[0] for line in found(tmp_path, files)] == ["sub/one.dig:2:6:", "sub/two.dig:1:1:"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ["warning: There are no workflow files in DIR (a workflow file's name ends in .dig)"]),
        ({"a.dig": "!include : b.yml"}, ["a.dig:1:1: error: File does not exist: b.yml"]),
        ({"1.dig": "+a: {}"}, ['1.dig:1:1: error: name must not start with a numeric digit (0-9): "1" '
                               "(names have letters, digits and _-=[]{}%&@`,. only)"]),
    ],
)  # fmt: skip
def test_projects(tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
    assert found(tmp_path, files) == expected


def test_directory_that_does_not_exist(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path / "nowhere", OPERATORS)

    assert problem.message == f"Directory does not exist: {tmp_path}/nowhere"


lines = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(
            [
                "+a",
                "+b",
                "+c",
                "echo>",
                "sh>",
                "call>",
                "ecko>",
                "_type",
                "_do",
                "_error",
                "_check",
                "_export",
                "_parallel",
                "_background",
                "_after",
                "_retry",
                "_disable",
                "timezone",
                "schedule",
                "key",
            ]
        ),
        st.sampled_from(
            ["", "", "", "x", "true", "[+a]", "{}", "{limit: 2}", "[{echo>: a}]", "{_workdir: a}", "1", "'${x}'"]
        ),
    ),
    max_size=10,
)


@settings(max_examples=150, deadline=None)
@given(lines.map(lambda rows: "".join(f"{'  ' * depth}{key}: {value}\n" for depth, key, value in rows)))
def test_any_file_gives_problems_with_a_place(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    directory = tmp_path_factory.mktemp("project")
    (directory / "main.dig").write_text(text)

    assert all(problem.position and problem.message for problem in problems(directory, OPERATORS))
