"""Names of tasks and workflows (core 3)."""

from __future__ import annotations

import pytest

from digdag_tui.workflow.names import (
    ModelValidationError,
    task_name_failures,
    top_level_task_name_failures,
    workflow_name_failures,
)


@pytest.mark.parametrize(
    "name", ["+a", "+", "+1a", "^sub", "+a^b", "+a-b_c=d[e]f{g}h%i&j`l,m.n@", "+" + "a" * 254, "+A.B-C"]
)
def test_task_names(name: str) -> None:
    assert task_name_failures(name) == []


@pytest.mark.parametrize(
    ("name", "failures"),
    [
        ("", ['name must not be blank: ""']),
        ("a", ["name must start with '+' or '^': \"a\""]),
        ("+b c", ["name must not contain character ' ': \"+b c\""]),
        ("+a+b", ["name must not contain character '+': \"+a+b\""]),
        ("+é$", ["name must not contain character 'é': \"+é$\""]),
        ("+${x}", ["name must not contain character '$': \"+${x}\""]),
        ("+" + "a" * 255, [f'name must not be longer than 255 characters: "+{"a" * 255}"']),
        (
            "+ " + "a" * 254,
            [
                f"name must not contain character ' ': \"+ {'a' * 254}\"",
                f'name must not be longer than 255 characters: "+ {"a" * 254}"',
            ],
        ),
    ],
)
def test_task_names_that_are_refused(name: str, failures: list[str]) -> None:
    assert [str(failure) for failure in task_name_failures(name)] == failures


@pytest.mark.parametrize(
    ("name", "failures"),
    [
        ("+a", []),
        ("+c^d", ['task name must not contain ^ character: "+c^d"']),
        ("+e/f", ["task name must not contain character '/': \"+e/f\""]),
    ],
)
def test_top_level_task_names(name: str, failures: list[str]) -> None:
    assert [str(failure) for failure in top_level_task_name_failures(name)] == failures


@pytest.mark.parametrize("name", ["main", "my-flow.v2_x", "my flow", "a/b+c", "é", "_1", "a" * 255])
def test_workflow_names(name: str) -> None:
    assert workflow_name_failures(name) == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "must not be blank"),
        ("1st", "must not start with a numeric digit (0-9)"),
        *((c + "x", 'must not include special symbols (+ ^ @ / \\ / : * ? " < > |)') for c in '+^@/\\:*?"<>|'),
        ("a.dig", "must not end with .dig"),
        ("a" * 256, "must not be longer than 255 characters"),
    ],
)
def test_workflow_names_that_are_refused(name: str, rule: str) -> None:
    assert [str(failure) for failure in workflow_name_failures(name)] == [f'name {rule}: "{name}"']


def test_message() -> None:
    error = ModelValidationError("workflow", [*workflow_name_failures("1st"), *top_level_task_name_failures("+a b")])

    assert error.error_message == (
        "Validating workflow failed\n"
        'name must not start with a numeric digit (0-9): "1st"\n'
        "task name must not contain character ' ': \"+a b\" (model validation)"
    )
