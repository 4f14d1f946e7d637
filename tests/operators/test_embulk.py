from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from digdag_tui.engine.operator import OperatorResult
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.workflow.errors import DigdagError

from .support import Call, call

EMBULK = """\
#!/bin/sh
printf '%s\\n' "$*" "$(pwd -P)" "[$OURS] [$KEY] [$n]"
cat "$2"
exit ${CODE:-0}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, and an `embulk` in PATH that shows what it is given."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "embulk").write_text(EMBULK)
    (tools / "embulk").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def ran(project: Path, *arguments: Any, **more: Any) -> Call:
    task = embulk(project, *arguments, **more)
    assert asyncio.run(task.run()) == OperatorResult()
    return task


def embulk(project: Path, *arguments: Any, **more: Any) -> Call:
    task = call(project, "embulk", *arguments, **more)
    task.context.evaluate = Evaluator().text
    return task


def failure(project: Path, *arguments: Any, **more: Any) -> DigdagError:
    with pytest.raises(DigdagError) as caught:
        asyncio.run(embulk(project, *arguments, **more).run())
    return caught.value


def said(project: Path, *arguments: Any, **more: Any) -> str:
    return failure(project, *arguments, **more).error_message.replace(str(project), "P")


LOAD = """\
in:
  type: file
  path_prefix: data_${session_date}
  password: ${secret:pg.password}
  ${secret:key}: [1, 1.5, true, null, {a: "${secret:key}"}]
  parser: {charset: UTF-8, when: 2026-01-31, on: on}
"""


def test_a_file_with_its_templates_and_secrets_becomes_json(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "inherited")
    (project / "load.yml").write_text(LOAD)
    secrets = {"pg.password": "pw", "key": "k", "other": "v"}
    options = {"session_date": "2026-01-31", "n": 1, "_env": {"KEY": "<${secret:other}>"}}
    line, folder, variables, loaded = ran(project, "load.yml", options, secrets=secrets).lines
    assert line.startswith("run .digdag/tmp/digdag-embulk-7-")
    assert line.endswith("/load.yml")
    assert folder == str(project.resolve())
    assert variables == "[inherited] [<v>] []"
    assert json.loads(loaded) == {
        "in": {
            "type": "file",
            "path_prefix": "data_2026-01-31",
            "password": "pw",
            "k": [1, 1.5, True, None, {"a": "k"}],
            "parser": {"charset": "UTF-8", "when": "2026-01-31", "on": "on"},
        }
    }
    assert list((project / ".digdag" / "tmp").iterdir()) == []


CONFIG = {
    "in": {"type": "file", "columns": [{"name": "id", "type": "long"}, {"name": "on", "type": "yes"}], "empty": {}},
    "out": {
        "n": 1,
        "x": 1.5,
        "ok": True,
        "none": None,
        "secret": "${secret:key}",
        "text": "1",
        "lines": "a\nb: é" * 50,
    },
}


def test_a_map_becomes_yaml_with_secrets_left_alone(project: Path) -> None:
    lines = ran(project, None, {"config": CONFIG}).lines[3:]
    assert lines[:6] == [
        "in:", '  type: "file"', "  columns:", '  - name: "id"', '    type: "long"', '  - name: "on"',
    ]  # fmt: skip
    assert yaml.safe_load("\n".join(lines)) == CONFIG


def test_what_the_scope_gives(project: Path) -> None:
    assert ran(project, None, params={"embulk": {"config": {"in": {}}}}).lines[3:] == ["in: {}"]


def test_remounted_secrets(project: Path) -> None:
    (project / "load.yml").write_text("a: ${secret:key}\n")
    task = ran(project, "load.yml", secrets={"other": "v"}, secret_mounts={"key": "other"})
    assert task.lines[3:] == ['{"a":"v"}']


def test_the_workspace_is_where_embulk_runs_and_finds_its_file(project: Path) -> None:
    (project / "sub").mkdir()
    (project / "sub" / "load.yml").write_text("a: 1\n")
    line, folder, _, loaded = ran(project, "load.yml", {"_workdir": "sub"}).lines
    assert line.startswith("run ../.digdag/tmp/digdag-embulk-7-")
    assert (folder, loaded) == (str(project.resolve() / "sub"), '{"a":1}')


def test_the_exit_code_is_in_the_error(project: Path) -> None:
    options = {"config": {}, "_env": {"CODE": 3}}
    assert said(project, None, options) == "Command failed with code 3 (runtime)"


@pytest.mark.parametrize(
    ("command", "options", "expected"),
    [
        (None, {}, "Parameter 'config' is required but not set (config)"),
        (None, {"config": 5}, "Parameter 'config' must be an object (config)"),
        (None, {"embulk": 5}, "Parameter 'embulk' must be an object (config)"),
        (["load.yml"], {}, "Expected string type for key '_command' but got [\"load.yml\"] (array) (config)"),
        ("nowhere.yml", {}, "java.nio.file.NoSuchFileException: P/nowhere.yml (runtime)"),
        ("../load.yml", {}, "File name must not be outside of project path (P): ../load.yml (illegal argument)"),
        ("binary.yml", {}, "java.nio.charset.MalformedInputException: Input length = 1 (runtime)"),
        (".", {}, "java.io.IOException: Is a directory (runtime)"),
        ("broken.yml", {}, "Failed to parse yaml file (config)"),
        ("list.yml", {}, "Failed to parse yaml file (config)"),
        ("empty.yml", {}, "Failed to parse yaml file (config)"),
        ("secret.yml", {}, "Secret not found for key: 'nowhere' (secret not found)"),
        ("other.yml", {}, "Invalid parametrization: '${abc:def}' (config)"),
        (
            "template.yml",
            {},
            "io.digdag.spi.TemplateException: Failed to evaluate a variable a: ${nowhere}\n"
            " (ReferenceError: nowhere is not defined) (runtime)",
        ),
        ("load.yml", {"_env": {"a-b": 1}}, "Invalid _env key name: a-b (config)"),
    ],
)
def test_what_stops_a_load_before_it_runs(project: Path, command: Any, options: dict[str, Any], expected: str) -> None:
    files = {
        "load.yml": b"a: 1\n", "binary.yml": b"a: \xff\n", "broken.yml": b"a: [1\n", "list.yml": b"- 1\n",
        "empty.yml": b"", "secret.yml": b"a: ${secret:nowhere}\n", "other.yml": b"a: ${abc:def}\n",
        "template.yml": b"a: ${nowhere}\n",
    }  # fmt: skip
    for name, data in files.items():
        (project / name).write_bytes(data)
    assert said(project, command, options) == expected


def test_a_file_that_is_no_yaml_has_its_cause_and_place(project: Path) -> None:
    (project / "load.yml").write_text("a: 1\nb: [1\n")
    error = failure(project, "load.yml")
    assert error.log_message.startswith("Failed to parse yaml file (config)\n> while parsing a flow sequence")
    assert error.position is not None
    assert error.position.file == "load.yml"


def test_without_embulk(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    problem = 'Cannot run program "embulk" (in directory "P"): error=2, No such file or directory'
    assert said(project, None, {"config": {}}) == f"java.io.IOException: {problem} (runtime)"
