"""The examples of two users' articles about Python in Digdag, run as a person runs them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ..program import ROOT, digdag_tui

ARTICLES = ROOT / "examples" / "articles"


def run(place: Path, project: str, workflow: str, *options: str) -> dict[str, Any]:
    """The last line of `run --json` in a copy of a project, whose tasks do not run in containers."""
    folder = shutil.copytree(
        ARTICLES / project, place / project, ignore=shutil.ignore_patterns(".digdag", "__pycache__")
    )
    here = ("-X", "agent.command_executor.type=simple")
    done = digdag_tui("run", f"{workflow}.dig", "--json", "--no-save", *here, *options, cwd=folder)
    result: dict[str, Any] = json.loads(done.stdout.split("\n")[-2])
    assert done.returncode == (0 if result["attempt"]["success"] else 1), done.stderr
    return result


@pytest.mark.parametrize(
    ("project", "workflow", "printed"),
    [
        ("python-api", "store", {"+step2": ["step2: 1"]}),
        ("python-api", "workflow", {"+step1^sub+subtask0": ["step3: 1"], "+step2": ["step2: default"]}),
        (
            "python-api",
            "python_args",
            {
                "+a": ["required1 = 1", "required2 = 2"],
                "+b": ["optional1 = None", "optional2 = default"],
                "+c": ["arg1 = a", "arg2 = {'b': 'c'}", "arg3 = None"],
                "+d": ["arg1 = 引数", "key1 = a, key2 = val2", "True"],
            },
        ),
        (
            "python-api",
            "generate_subtasks",
            {f"+parallel_process^sub+subtask{index}": [f"Processing {index}"] for index in range(3)},
        ),
        (
            "td-guide",
            "arguments",
            {
                "+simple_with_arg": ["Message is Hello World"],
                "+simple_with_arg2": ["'msg' is Hello World and 'td' is {'database': 'my_db'}"],
                "+simple_with_kwargs": [
                    "Message is Hello World",
                    "td is {'database': 'my_db'} and docker is {'image': 'digdag/digdag-python:3.7'}",
                    "timezone is UTC",
                ],
            },
        ),
        (
            "td-guide",
            "types",
            {"+simple_with_int": ["Total is 360"], "+simple_with_int_ng": ["Total is 120120120"]},
        ),
        ("td-guide", "environment", {"+simple_with_env": ["Env var is hello"]}),
        (
            "td-guide",
            "variables",
            {
                "+read": ["素晴らしいメッセージ"],
                "+read_again": ["stored message"],
                "+show": ["select * from accesses"],
            },
        ),
        (
            "td-guide",
            "awesome_workflow",
            {
                "+ingest^sub+upload": ["my_db.fruits <- 1 apple", "my_db.fruits <- 2 りんご"],
                "+enrich": ["my_db: select count(1) as cnt from fruits", "2 rows to learn from"],
            },
        ),
        (
            "td-guide",
            "test",
            {
                "+ingest^sub+upload": ["my_db_test.fruits <- 1 apple", "my_db_test.fruits <- 2 りんご"],
                "+enrich": ["my_db_test: select count(1) as cnt from fruits", "2 rows to learn from"],
            },
        ),
    ],
)
def test_what_the_tasks_print(tmp_path: Path, project: str, workflow: str, printed: dict[str, list[str]]) -> None:
    result = run(tmp_path, project, workflow)
    assert result["attempt"]["success"]
    assert result["printed"] == {f"+{workflow}{task}": lines for task, lines in printed.items()}


def test_a_secret_reaches_python_by_its_environment_only(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("secrets.td.apikey = 1234/XXXX\n")
    result = run(tmp_path, "td-guide", "secrets", "--config", str(config))
    assert result["printed"] == {
        "+secrets+simple_with_env2": ["The key has 9 characters"],
        "+secrets+simple_with_env_ng": ["${secret:td.apikey}"],
    }


def test_a_secret_that_is_not_there(tmp_path: Path) -> None:
    result = run(tmp_path, "td-guide", "secrets")
    (error,) = [task["error"]["message"] for task in result["tasks"] if task["state"] == "error"]
    assert error == "Secret not found for key: 'td.apikey' (secret not found)"


def test_the_error_task_tells_what_python_raised(tmp_path: Path) -> None:
    lines = run(tmp_path, "td-guide", "errors")["printed"]["+errors^error"]
    assert lines[:2] == [
        "Python command failed with code 1",
        "Error messages from python: invalid literal for int() with base 10: 'a1234' (ValueError)",
    ]
    assert '    int("a1234")  # raises ValueError' in lines
