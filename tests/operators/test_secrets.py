from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.operators.secrets import environment, fill, fill_command, is_variable
from digdag_tui.workflow.errors import DigdagError

from .support import call

SECRETS = {"api.key": "k3y $x", "other": r"back\slash \1", "a.b": "ab", "x.y": "xy", "x.y.z": "xyz"}


def problem(action: Any, *arguments: Any) -> str:
    with pytest.raises(DigdagError) as caught:
        action(*arguments)
    return caught.value.error_message


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${secret:api.key}", "k3y $x"),
        ("a ${secret:other} b ${secret:other}", r"a back\slash \1 b back\slash \1"),
        ("${ secret : a.b }", "ab"),
        ("${secret:\n a.b\n}", "ab"),
        ("no ${secrets} $here {}", "no ${secrets} $here {}"),
        ("${}", "${}"),
    ],
)
def test_a_secret_takes_the_place_of_its_template(text: str, filled: str) -> None:
    assert fill(text, SECRETS.get) == filled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${secret:no.such}", "Secret not found for key: 'no.such' (secret not found)"),
        ("${abc:def}", "Invalid parametrization: '${abc:def}' (config)"),
        ("${name:-fallback}", "Invalid parametrization: '${name:-fallback}' (config)"),
        ("${secret:no.such} ${x:2:3}", "Invalid parametrization: '${x:2:3}' (config)"),
        ("${:foo}", "Invalid parametrization: '${:foo}' (config)"),
    ],
)
def test_no_secret(text: str, said: str) -> None:
    assert problem(fill, text, SECRETS.get) == said


@given(st.text())
def test_text_without_templates_stays(text: str) -> None:
    assert fill(text.replace("$", ""), SECRETS.get) == text.replace("$", "")


@pytest.mark.parametrize(
    ("mounts", "key", "value"),
    [
        ({}, "a.b", "ab"),
        ({"a": "x"}, "a.y", "xy"),
        ({"a": {"b": "x.y"}}, "a.b", "xy"),
        ({"a": {"b": "x.y"}}, "a.b.z", "xyz"),
        ({"a": {"c": "x.y"}}, "a.b", "ab"),
        ({"a": {"b": {"c": "x"}}}, "a.b", "ab"),
        ({"a": True}, "a.b", "ab"),
    ],
)
def test_secrets_remounts_keys_of_commands(mounts: dict[str, Any], key: str, value: str) -> None:
    task = call(Path("/project"), "sh", "", secrets=SECRETS, secret_mounts=mounts)
    assert fill_command(task.context, f"${{secret:{key}}}") == value


@pytest.mark.parametrize(
    ("mounts", "key", "said"),
    [
        ({"a": 5}, "a.b", "Illegal value in _secrets: 5 (config)"),
        ({"a": {"b": False}}, "a.b", "Illegal value in _secrets: false (config)"),
        ({"a": {"b": None}}, "a.b", "Illegal value in _secrets: null (config)"),
        ({"a": {"b": "gone"}}, "a.b", "Secret not found for key: 'a.b' (secret not found)"),
        ({}, " ", "Illegal key: '' (illegal argument)"),
        ({}, "a*", "Illegal key: 'a*' (illegal argument)"),
    ],
)
def test_remounts_that_lead_nowhere(mounts: dict[str, Any], key: str, said: str) -> None:
    task = call(Path("/project"), "sh", "", secrets=SECRETS, secret_mounts=mounts)
    assert problem(fill_command, task.context, f"${{secret:{key}}}") == said


def test_env_has_texts_with_their_secrets_and_no_remounts() -> None:
    env = {"A": "${secret:a.b}!", "NUMBER": 5, "FLAG": True, "_x1": 1.5}
    task = call(Path("/project"), "sh", "", {"_env": env}, secrets=SECRETS, secret_mounts={"a": "x"})
    assert environment(task.context) == {"A": "ab!", "NUMBER": "5", "FLAG": "true", "_x1": "1.5"}


def test_env_counts_only_on_the_task_itself_but_with_what_is_exported_into_it() -> None:
    exported = call(Path("/project"), "sh", "", params={"_env": {"A": "1"}})
    assert environment(exported.context) == {}
    merged = call(Path("/project"), "sh", "", {"_env": {"A": "1", "B": "2"}})
    merged.context.local = {"_env": {"B": "2"}}
    assert environment(merged.context) == {"A": "1", "B": "2"}


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"bad-name": 1}, "Invalid _env key name: bad-name (config)"),
        ({"A": [1]}, "Expected string type for key 'A' but got [1] (array) (config)"),
        ({"A": None}, "Parameter 'A' is required but null (config)"),
        ("A=1", "Parameter '_env' must be an object (config)"),
        ({"A": "${secret:no}"}, "Secret not found for key: 'no' (secret not found)"),
        ({"A": "${x:y}"}, "Invalid parametrization: '${x:y}' (config)"),
    ],
)
def test_env_refuses(env: Any, said: str) -> None:
    assert problem(lambda: environment(call(Path("/project"), "sh", "", {"_env": env}).context)) == said


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("a", True),
        ("_", True),
        ("A1_b", True),
        ("1a", False),
        ("a-b", False),
        ("ü", False),
        ("a\n", False),
        ("", False),
    ],
)
def test_names_of_variables(name: str, valid: bool) -> None:
    assert is_variable(name) is valid
