"""Projects and the top-level keys of workflow files (core 3, cli 2.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from digdag_tui.workflow.definition import WorkflowDefinition
from digdag_tui.workflow.errors import ConfigError, DigdagError, Position, ProjectError
from digdag_tui.workflow.names import ModelValidationError
from digdag_tui.workflow.project import (
    WorkflowNotFoundError,
    find_workflow,
    load_called,
    load_project,
    problems_of,
)
from digdag_tui.workflow.sources import FileError
from digdag_tui.workflow.workflow_file import read_workflow
from digdag_tui.workflow.yaml import load_text


def write(directory: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


def read(text: str, name: str = "main") -> WorkflowDefinition:
    return read_workflow(name, Path("main.dig"), load_text(text, "main.dig"))


def error_of(text: str, name: str = "main") -> DigdagError:
    with pytest.raises(DigdagError) as caught:
        read(text, name)
    return caught.value


def test_keys_are_put_in_order() -> None:
    text = (
        "+b: {}\n_parallel: true\ntimezone: Asia/Tokyo\n_retry: 1\n+a: {}\n"
        "sla: {}\n_check: {}\n_error: {}\nschedule: {}\n_export: {x: 1}\n"
    )

    workflow = read(text)

    assert list(workflow.config) == [
        "_export", "schedule", "sla", "_error", "_check", "_retry", "_parallel", "+b", "+a",
    ]  # fmt: skip
    assert workflow.timezone == "Asia/Tokyo"
    assert workflow.config.positions["+a"] == Position("main.dig", 5, 1)
    assert "timezone" not in workflow.config.positions


@pytest.mark.parametrize(
    ("text", "timezone"),
    [
        ("{}", "UTC"),
        ("timezone:", "UTC"),
        ("timezone: ''", "UTC"),
        ("timezone: Europe/Paris", "Europe/Paris"),
        ("timezone: ' UTC+9 '", "UTC+09:00"),
        ("timezone: '+09:00'", "+09:00"),
    ],
)
def test_timezone(text: str, timezone: str) -> None:
    assert read(text).timezone == timezone


@pytest.mark.parametrize("text", ["{}", "_export:", "_export: {}"])
def test_empty_export_is_left_out(text: str) -> None:
    assert read(text).config == {}


ZONE = (
    "[reference type, class com.google.common.base.Optional<java.time.ZoneId><[simple type, class java.time.ZoneId]>]"
)


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("timezone: Mars/Olympus", f"Expected {ZONE} for key 'timezone' but got \"Mars/Olympus\" (string)", (1, 1)),
        ("timezone: 9", f"Expected {ZONE} for key 'timezone' but got 9 (number)", (1, 1)),
        ("+a: {}\n_export: [a]", "Parameter '_export' must be an object", (2, 1)),
        ("_retry:", "Parameter '_retry' is required but null", (1, 1)),
        ("+a:\n", "Parameter '+a' is required but null", (1, 1)),
        ("+a: {}\nretry: 3\nname: x", "Workflow 'main' includes unknown keys: [retry, name]", (2, 1)),
        (
            "_background: true\n_after: [+a]\n_disable: true\n_secrets: {}\n_type: echo\nmeta: 1\nsh>: x",
            "Workflow 'main' includes unknown keys: [_background, _after, _disable, _secrets, _type, meta, sh>]",
            (1, 1),
        ),
    ],
)
def test_errors_of_keys(text: str, message: str, position: tuple[int, int]) -> None:
    error = error_of(text)

    assert isinstance(error, ConfigError)
    assert error.message == message
    assert error.position == Position("main.dig", *position)
    assert error.hint or "_export" in message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("timezon: UTC", "did you mean timezone?"),
        ("sh>: x", "put the operator in a task"),
        ("load: {}", "write +load: for a task"),
        ("+a:", "write {}"),
        ("timezone: JST", "Asia/Tokyo"),
    ],
)
def test_hints(text: str, part: str) -> None:
    assert part in (error_of(text).hint or "")


def test_names_are_checked_last_and_all_at_once() -> None:
    error = error_of("+a+b: {}\n+ok: {}\n+c^d: {}\n", "1st")

    assert isinstance(error, ModelValidationError)
    assert error.error_message == (
        "Validating workflow failed\n"
        "task name must not contain character '+': \"+a+b\"\n"
        'task name must not contain ^ character: "+c^d"\n'
        'name must not start with a numeric digit (0-9): "1st" (model validation)'
    )
    assert [str(problem.position) for problem in problems_of(error)] == ["main.dig:1:1", "main.dig:3:1", "1st.dig:1:1"]


def test_project(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "main.dig": "+a: {}\n!include : inc/x.yml", "b.c.dig": "+b: {}", "inc/x.yml": "+x: {}", "sub/no.dig": "?",
            ".hidden.dig": "?", "skip.dig": "?", ".digdagignore": "skip.dig", "dir.dig/x": "", "notes.txt": "",
        },
    )  # fmt: skip

    project = load_project(tmp_path)

    assert list(project.workflows) == ["b.c", "main"]
    assert list(project.workflows["main"].config) == ["+a", "+x"]
    assert project.workflows["main"].path == tmp_path / "main.dig"
    assert project.directory == tmp_path
    assert project.sources == {tmp_path / "main.dig", tmp_path / "b.c.dig", tmp_path / "inc/x.yml"}


def test_empty_project(tmp_path: Path) -> None:
    assert load_project(tmp_path).workflows == {}


def test_errors_of_all_files_are_collected(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.dig": "+a: [1, 2}", "b.dig": "what: 1", "c.dig": "+c:", "d.dig": "+a: {}\n+a: {}", "e.dig": "+e f: {}",
            "f.dig": "+f: {}", "g.dig": "- 1",
        },
    )  # fmt: skip

    with pytest.raises(ProjectError) as caught:
        load_project(tmp_path)

    assert caught.value.error_message == (
        "Validating project failed\n"
        f"workflow {tmp_path}/a.dig while parsing a flow sequence\n"
        " in 'string', line 1, column 5:\n    +a: [1, 2}\n        ^\n"
        "expected ',' or ']', but got }\n"
        " in 'string', line 1, column 10:\n    +a: [1, 2}\n             ^\n\n"
        f"workflow {tmp_path}/b.dig Workflow 'b' includes unknown keys: [what]\n"
        f"workflow {tmp_path}/c.dig Parameter '+c' is required but null\n"
        f"workflow {tmp_path}/d.dig Duplicated keys: [+a]\n"
        f"workflow {tmp_path}/e.dig Validating workflow failed\n"
        "task name must not contain character ' ': \"+e f\"\n"
        f"workflow {tmp_path}/g.dig Expected object to load Config but got [1] (model validation)"
    )
    assert [str(problem.position) for problem in caught.value.problems] == [
        "a.dig:1:10", "b.dig:1:1", "c.dig:1:1", "d.dig:2:1", "e.dig:1:1", "g.dig:1:1",
    ]  # fmt: skip
    assert caught.value.problems[0].message == "while parsing a flow sequence: expected ',' or ']', but got }"


def test_file_errors_end_the_load(tmp_path: Path) -> None:
    write(tmp_path, {"a.dig": "what: 1", "b.dig": "!include : nowhere.yml"})

    with pytest.raises(FileError) as caught:
        load_project(tmp_path)

    assert caught.value.error_message == f"{tmp_path}/nowhere.yml (no such file)"


@pytest.mark.parametrize(
    ("name", "summary"), [("nowhere", "Directory does not exist: "), ("file", "Not a directory: ")]
)
def test_directory_that_is_none(tmp_path: Path, name: str, summary: str) -> None:
    write(tmp_path, {"file": ""})

    with pytest.raises(FileError) as caught:
        load_project(tmp_path / name)

    assert caught.value.summary == f"{summary}{tmp_path / name}"


@pytest.mark.parametrize("name", ["main", "main.dig", "./main.dig", "sub/../main.dig"])
def test_find_workflow(tmp_path: Path, name: str) -> None:
    project = load_project(write(tmp_path, {"main.dig": "+a: {}"}))

    assert find_workflow(project, name) is project.workflows["main"]


@pytest.mark.parametrize(
    ("name", "option", "message"),
    [
        (
            "x",
            None,
            "Workflow 'x' does not exist in current directory. "
            "You may need to change directory first, or set --project option.",
        ),
        (
            "sub/x.dig",
            None,
            "Workflow 'sub/x' does not exist in current directory. "
            'You may need to type "cd sub" first, or set "--project sub" option.',
        ),
        ("x.dig", "some/dir", "Workflow 'x' does not exist in project directory 'some/dir'."),
    ],
)
def test_workflow_that_does_not_exist(tmp_path: Path, name: str, option: str | None, message: str) -> None:
    project = load_project(write(tmp_path, {"main.dig": "+a: {}", "other.dig": "+a: {}"}))

    with pytest.raises(WorkflowNotFoundError) as caught:
        find_workflow(project, name, project_option=option)

    assert caught.value.error_message == f"{message} (resource not found)"
    assert caught.value.hint == "the project has main, other"


@pytest.mark.parametrize(
    ("path", "text", "name", "config"),
    [
        ("one.dig", "timezone: Asia/Tokyo\n+a: {}", "one", {"+a": {}}),
        ("a/b/one.dig", "+a: {}", "a/b/one", {"_export": {"_workdir": "a/b"}, "+a": {}}),
        (
            "a/one.dig",
            "+a: {}\n_export: {_workdir: c, x: 1}\n_retry: 2",
            "a/one",
            {"_export": {"_workdir": "a/c", "x": 1}, "_retry": 2, "+a": {}},
        ),
        ("a/1st.dig", "{}", "a/1st", {"_export": {"_workdir": "a"}}),
    ],
)
def test_called_workflow(tmp_path: Path, path: str, text: str, name: str, config: dict[str, Any]) -> None:
    workflow = load_called(tmp_path, write(tmp_path, {path: text}) / path)

    assert workflow.name == name
    assert workflow.config == config
    assert list(workflow.config) == list(config)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "File not found: {0}/sub/x.dig (config)"),
        ({"sub/x.dig": "!include : no.dig"}, "File not found: {0}/sub/no.dig (config)"),
        ({"sub/x.dig": "!include : ../x"}, "File not found: File name must not include ..: ../x (config)"),
        (
            {"sub/x.dig": "~: 1"},
            "Failed to read file: sub/x.dig: class com.fasterxml.jackson.databind.JsonMappingException (config)",
        ),
        ({"sub/x.dig/y": ""}, "Failed to read file: sub/x.dig: class java.io.IOException (config)"),
        ({"sub/x.dig": "colour: red"}, "Workflow 'sub/x' includes unknown keys: [colour] (config)"),
        ({"sub/x.dig": "+a: {}\n+a: {}"}, "Duplicated keys: [+a] (duplicate key yaml)"),
        (
            {"sub/x.dig": "a: *b"},
            "found undefined alias b\n in 'string', line 1, column 4:\n    a: *b\n       ^\n (composer)",
        ),
        (
            {"sub/x.dig": "+a b: {}"},
            "Validating workflow failed\ntask name must not contain character ' ': \"+a b\" (model validation)",
        ),
    ],
)
def test_called_workflow_that_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(DigdagError) as caught:
        load_called(write(tmp_path, files), tmp_path / "sub/x.dig")

    assert caught.value.error_message == message.format(tmp_path)


def test_called_file_is_shown_as_it_was_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_called(write(tmp_path, {"sub/x.dig": "{}"}), tmp_path / "sub" / ".." / "y.dig")

    assert caught.value.error_message == f"File not found: {tmp_path}/sub/../y.dig (config)"
    assert caught.value.hint is not None
    assert load_called(tmp_path, tmp_path / "sub" / ".." / "sub/x.dig").name == "sub/x"


@pytest.mark.parametrize(
    ("timezone", "zone"), [("-1", "-01:00"), ("' UTC '", "UTC"), ("'+9'", "+09:00"), ("''", "UTC")]
)
def test_timezone_may_be_a_number(tmp_path: Path, timezone: str, zone: str) -> None:
    write(tmp_path, {"main.dig": f"timezone: {timezone}\n+a: {{}}"})

    assert load_project(tmp_path).workflows["main"].timezone == zone
