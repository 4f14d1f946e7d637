"""Everything wrong with a project at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digdag_tui.operators.catalog import CATALOG
from digdag_tui.workflow.lint import problems

OPERATORS = {
    **{name: CATALOG[name] for name in ("echo", "sh", "py", "call", "if", "loop", "for_each", "http", "mail", "wait")},
    **{name: CATALOG[name] for name in ("td", "td_for_each", "td_load", "td_run", "param_get")},
    "shout": None,
}


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
        ("_check: {echo>: a}", ["main.dig:1:1: warning: _check has no effect on a group (remove it) [no-effect]"]),
        ("+g: {timezone: UTC}", ["main.dig:1:6: warning: timezone has no effect on a group (remove it) [no-effect]"]),
        (
            "+g: {_retry: '${n}'}",
            ["main.dig:1:6: warning: _retry of a group is not evaluated, so this has no effect "
             "(write a number, or put _retry on the tasks in it) [no-effect]"],
        ),
        ("+a: {echo>: a, _retry: '${n}', timezone: x}", []),
        ("+a: {shout>: , lowder: 1}", []),
        ("+a: {echo>: }", [
            "main.dig:1:6: error: Parameter '_command' is required but not set (echo> needs a command: text)"
        ]),
        ("+a: {_type: echo}", []),
        ("+a: {py>: , script: x}\n+b: {td>: , query: x}\n+c: {http>: }\n+d: {_type: sh}", []),
        ("+a: {loop>: 1}", [
            "main.dig:1:6: error: Parameter '_do' is required but not set (add the tasks to run below _do)"
        ]),
        ("+a: {if>: true}", [
            "main.dig:1:6: error: Both _do and _else_do are not specified. (add the tasks to run below _do)"
        ]),
        ("+a: {if>: true, _else_do: {echo>: b}}", []),
        ("+a: {td_for_each>: {data: x}, do: {echo>: b}}", [
            "main.dig:1:6: error: Parameter '_do' is required but not set (add the tasks to run below _do)",
            "main.dig:1:31: warning: td_for_each> has no parameter 'do' (did you mean _do?) [unused-key]",
        ]),
        ("+a: {echo>: a, mesage: x}", [
            "main.dig:1:16: warning: Parameter 'mesage' is not used at task +main+a. "
            "(echo> has no such parameter) [unused-key]"
        ]),
        ("+a: {mesage: x, echo>: '${mesage}'}", []),
        ("+a: {wait>: 1s, pol_interval: 1s}", [
            "main.dig:1:17: warning: Parameter 'pol_interval' is not used at task +main+a. "
            "(did you mean poll_interval?) [unused-key]"
        ]),
        ("+a: {td>: {data: x}, databse: y, insert-into: t, other: z}", [
            "main.dig:1:22: warning: td> has no parameter 'databse' (did you mean database?) [unused-key]",
            "main.dig:1:34: warning: td> has no parameter 'insert-into' (did you mean insert_into?) [unused-key]",
        ]),
        ("+a: {databse: y, td>: {data: 'select ${databse}'}}", []),
        ("+a: {http>: 'http://h/', hedaers: []}", [
            "main.dig:1:26: warning: http> has no parameter 'hedaers' (did you mean headers?) [unused-key]"
        ]),
        ("+a: {sh>: a, shel: [x], retry: 3, _rety: 3}", [
            "main.dig:1:35: warning: sh> has no parameter '_rety' (did you mean _retry?) [unused-key]"
        ]),
        ("+a: {param_get>: , retry: r}", []),
        ("+a: {td>: q.sql}", [
            "main.dig:1:6: warning: File not found: DIR/q.sql "
            "(td> names a file of the project: a text of its own goes below `data:`) [missing-file]"
        ]),
        ("+a: {mail>: hello}", [
            "main.dig:1:6: warning: File not found: DIR/hello "
            "(mail> names a file of the project: a text of its own goes below `data:`) [missing-file]"
        ]),
        ("+a: {td>: ../q.sql}", [
            "main.dig:1:6: warning: File name must not be outside of project path: ../q.sql "
            "(name a file of the project) [missing-file]"
        ]),
        ("+a: {td>: '${x}.sql'}\n+b: {td>: {data: x}}\n+c: {td_load>: session}\n+d: {td_run>: saved}", []),
        ("+a: {td_load>: load.yml}", [
            "main.dig:1:6: warning: File not found: DIR/load.yml (td_load> names a file of the project) [missing-file]"
        ]),
        ("+g: {_disable: true, ecko>: a, _export: 1}", []),
        ("schedule: {daily>: 10:00:00}", []),
        (
            "+a: {call>: nowhere}",
            ["main.dig:1:6: warning: File not found: DIR/nowhere.dig "
             "(call> names a file of the project, with or without .dig) [missing-file]"],
        ),
        (
            "+a: {call>: ../x}",
            ["main.dig:1:6: warning: File name must not be outside of project path: ../x.dig "
             "(call a file of the project) [missing-file]"],
        ),
        ("+a: {call>: '${x}'}", []),
        ("_export: {_workdir: '${x}'}\n+a: {call>: nowhere}", []),
        (
            "_export: {_workdir: sub}\n+a: {call>: x}",
            ["main.dig:2:6: warning: File not found: DIR/sub/x.dig "
             "(call> names a file of the project, with or without .dig) [missing-file]"],
        ),
    ],
)  # fmt: skip
def test_one_file(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert found(tmp_path, {"main.dig": text}) == expected


def test_a_key_that_the_file_of_a_command_uses_is_used(tmp_path: Path) -> None:
    files = {"main.dig": "+a: {td>: q/a.sql, tables: x}\n+b: {td>: q/b.sql, preview_: x}", "q/a.sql": "${tables}"}
    assert found(tmp_path, {**files, "q/b.sql": "${tables}"}) == [
        "main.dig:2:20: warning: td> has no parameter 'preview_' (did you mean preview?) [unused-key]"
    ]


def test_pins(tmp_path: Path) -> None:
    pins = "+main+lod: {}\n+main+load: {stor: 1}\n+main+g^sub+x: {}\n'+other*': {}\n+main+g: {rows: 1}\n"
    assert found(tmp_path, {"main.dig": "+load: {echo>: x}\n+g: {echo>: y}", "digdag-tui.pins.yml": pins}) == [
        "digdag-tui.pins.yml:1:1: warning: No task has the name +main+lod (did you mean +main+load?) [unused-pin]",
        "digdag-tui.pins.yml:2:14: error: stor is no part of a pin (did you mean store?)",
        "digdag-tui.pins.yml:5:11: error: rows of a pin is a list of objects, one for each row",
    ]


def test_a_pin_of_a_file_that_does_not_load_is_not_unknown(tmp_path: Path) -> None:
    lines = found(tmp_path, {"main.dig": "+a: [", "digdag-tui.pins.yml": "+main+a: {}"})
    assert len(lines) == 1 and lines[0].startswith("main.dig:1:")


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
        ({}, ["warning: There are no workflow files in DIR (a workflow file's name ends in .dig) [no-workflows]"]),
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
