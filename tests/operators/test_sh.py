from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from .support import Call, call, message


def ran(project: Path, *arguments: Any, **more: Any) -> Call:
    task = call(project, "sh", *arguments, **more)
    asyncio.run(task.run())
    return task


def test_a_script_is_one_program(tmp_path: Path) -> None:
    script = 'greet() { echo "hello $1"; }\nfor name in Ann Bob; do\n  greet "$name"\ndone\ncat <<END\ntotal\nEND\n'
    assert ran(tmp_path, script).lines == ["hello Ann", "hello Bob", "total"]


def test_a_number_is_a_script(tmp_path: Path) -> None:
    assert message(tmp_path, "sh", 5) == "Command failed with code 127 (runtime)"


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 3", 3), ("exit 255", 255), ("no_such_command", 127), ("./plain", 126), ("kill -KILL $$", 137)],
)
def test_the_exit_code_is_in_the_error(tmp_path: Path, script: str, code: int) -> None:
    (tmp_path / "plain").touch()
    assert message(tmp_path, "sh", script) == f"Command failed with code {code} (runtime)"


PARAMS: dict[str, Any] = {
    "a_text": "plain", "an_int": 7, "a_float": 1.5, "big": 12345678901234567890, "yes": True, "empty": "",
    "list": [1, "two", {"three": 3}], "map": {"b": 1, "a": {"deep": "x y"}}, "unicode": "é日", "lines": "one\ntwo",
    "tiny": 1e-7,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a_text", "plain"), ("an_int", "7"), ("a_float", "1.5"), ("big", "12345678901234567890"), ("yes", "true"),
        ("empty", ""), ("list", '[1,"two",{"three":3}]'), ("map", '{"b":1,"a":{"deep":"x y"}}'), ("unicode", "é日"),
        ("lines", "one\ntwo"), ("tiny", "1.0E-7"), ("_type", "sh"), ("_env", '{"X":"${secret:k}"}'), ("X", "v"),
        ("shell", '["/bin/sh"]'), ("sh", '{"shell":["/bin/sh"]}'),
    ],
)  # fmt: skip
def test_every_param_is_a_variable(tmp_path: Path, name: str, value: str) -> None:
    options = {"_env": {"X": "${secret:k}"}}
    task = ran(
        tmp_path,
        f'printf "[%s]" "${name}"',
        options,
        params={**PARAMS, "sh": {"shell": ["/bin/sh"]}},
        secrets={"k": "v"},
    )
    assert "".join(task.output) == f"[{value}]"


def test_names_that_no_variable_can_have_are_left_out(tmp_path: Path) -> None:
    params = {"good_1": "a", "with-dash": "d", "with.dot": "e", "with space": "f", "1st": "g", "ünï": "h", "sh>": "i"}
    task = ran(tmp_path, "env | grep -cE '^(with|1st|.n|sh>)' ; echo $good_1", params=params)
    assert task.lines == ["0", "a"]


def test_env_wins_over_params(tmp_path: Path) -> None:
    assert ran(tmp_path, "echo $mode", {"_env": {"mode": "env"}}, params={"mode": "param"}).lines == ["env"]


def test_secrets_reach_the_script_and_env_only(tmp_path: Path) -> None:
    task = ran(
        tmp_path,
        "echo ${secret:api.key} $plain $FULL",
        {"plain": "${secret:api.key}", "_env": {"FULL": "<${secret:api.key}>"}},
        secrets={"api.key": "k3y"},
    )
    assert task.lines == ["k3y ${secret:api.key} <k3y>"]


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("true", {"nothing": None}, "Parameter 'nothing' is required but null (config)"),
        (None, {}, "Parameter '_command' is required but not set (config)"),
        ([1], {}, "Expected string type for key '_command' but got [1] (array) (config)"),
        ("true", {"shell": "bash"}, "Expected array type for key 'shell' but got \"bash\" (string) (config)"),
        ("true", {"shell": ["sh", None]}, "java.lang.NullPointerException"),
        ("true", {"shell": ["sh\0"]}, "java.io.IOException: invalid null character in command (runtime)"),
        ("true", {"sh": "bash"}, "Parameter 'sh' must be an object (config)"),
        ("true", {"text": "a\0b"}, 'Invalid environment variable value: "a\0b" (illegal argument)'),
        ("true", {"_env": {"A": "\0"}}, 'Invalid environment variable value: "\0" (illegal argument)'),
        ("${name:-fallback}", {}, "Invalid parametrization: '${name:-fallback}' (config)"),
        ("${secret:no.such}", {}, "Secret not found for key: 'no.such' (secret not found)"),
        ("true", {"_env": {"a-b": 1}}, "Invalid _env key name: a-b (config)"),
        ("true", {"_env": 5, "shell": "bash"}, "Parameter '_env' must be an object (config)"),
        (
            "true",
            {"shell": ["no-such-shell"]},
            'java.io.IOException: Cannot run program "no-such-shell" (in directory "P"): '
            "error=2, No such file or directory (runtime)",
        ),
        (
            "true",
            {"_workdir": "missing"},
            'java.io.IOException: Cannot run program "/bin/sh" (in directory "P/missing"): '
            "error=2, No such file or directory (runtime)",
        ),
    ],
)
def test_what_stops_a_script_before_it_runs(tmp_path: Path, command: Any, options: dict[str, Any], said: str) -> None:
    assert message(tmp_path, "sh", command, options) == said


@pytest.mark.parametrize(
    ("options", "params"),
    [({"shell": [sys.executable, "-I"]}, {}), ({}, {"sh": {"shell": [sys.executable]}})],
)
def test_another_shell(tmp_path: Path, options: dict[str, Any], params: dict[str, Any]) -> None:
    assert ran(tmp_path, "print(1 + 1)", options, params=params).lines == ["2"]


def test_a_shell_of_the_task_wins(tmp_path: Path) -> None:
    script = "case $- in *e*) echo errexit;; *) echo lenient;; esac"
    assert ran(tmp_path, script, {"shell": ["sh", "-e"]}, params={"sh": {"shell": ["sh"]}}).lines == ["errexit"]


def test_a_script_starts_in_its_workspace_and_leaves_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    task = ran(tmp_path, 'pwd -P; echo "$0"; ls "$0"; ls ../.digdag/tmp | wc -l', params={"_workdir": "sub"})
    folder, script, listed, count = task.lines
    assert folder == str(tmp_path.resolve() / "sub")
    assert script.startswith("../.digdag/tmp/digdag-sh-7-")
    assert script.endswith("/runner.sh")
    assert (listed, int(count)) == (script, 1)
    assert list((tmp_path / ".digdag" / "tmp").iterdir()) == []


def test_nothing_is_left_after_a_failure(tmp_path: Path) -> None:
    message(tmp_path, "sh", "mkdir -p $(dirname $0)/deep/er; exit 1")
    assert list((tmp_path / ".digdag" / "tmp").iterdir()) == []


def test_only_its_owner_sees_a_scripts_files(tmp_path: Path) -> None:
    assert ran(tmp_path, 'ls -ld "$(dirname "$0")" | cut -c 1-10').lines == ["drwx------"]


def test_path_stays_without_the_workspace(tmp_path: Path) -> None:
    tool = tmp_path / "mytool"
    tool.write_text("#!/bin/sh\necho found\n")
    tool.chmod(0o755)
    assert message(tmp_path, "sh", "mytool") == "Command failed with code 127 (runtime)"
    assert ran(tmp_path, "./mytool").lines == ["found"]


def test_an_exported_env_sets_nothing(tmp_path: Path) -> None:
    params = {"_env": {"X": "exported"}}
    assert ran(tmp_path, 'echo "[$X] $_env"', params=params).lines == ['[] {"X":"exported"}']


def test_what_the_scope_gives_is_a_variable_too(tmp_path: Path) -> None:
    task = ran(
        tmp_path,
        'echo "$a $b $map"',
        {"map": {"own": 1}},
        params={"sh": {"a": 1, "map": {"own": 2, "more": 3}}, "b": 2},
    )
    assert task.lines == ['1 2 {"own":1,"more":3}']


def test_no_newline_is_added_to_a_script(tmp_path: Path) -> None:
    assert ran(tmp_path, 'wc -c < "$0"').lines == [str(len('wc -c < "$0"'))]


def test_both_outputs_come_as_they_are(tmp_path: Path) -> None:
    assert "".join(ran(tmp_path, "printf 'a\\tb'; printf '\\033[1mc' >&2").output) == "a\tb\033[1mc"


def test_a_project_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / ".digdag").write_text("a file")
    assert message(tmp_path, "sh", "true").startswith("Cannot make the folder P/.digdag/tmp/digdag-sh-7-")
