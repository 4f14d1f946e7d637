"""What an expression does with the texts that params are."""

from __future__ import annotations

import pytest

from digdag_tui.params.javascript.truth import is_condition, joined, truth_tests


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("a && b", {"a"}),
        ("x && a || b", {"x", "a"}),
        ("!a.b", {"a.b"}),
        ("a ? b : c", {"a"}),
        ("x == a && b", set()),
        ("a == 'true' ? 1 : 2", set()),
        ("f(a) || b", set()),
        ("a[0] && b", set()),
        ("a.b() ? 1 : 2", set()),
        ("'a && b'", set()),
        ("a && (", {"a"}),
        ("a /* ", set()),
        ("'a", set()),
    ],
)
def test_what_is_asked_whether_it_is_true(source: str, asked: set[str]) -> None:
    assert {".".join(path) for path in truth_tests(source)} == asked


@pytest.mark.parametrize(
    ("source", "found"),
    [("a + 1", {"a"}), ("1 + a.b", {"a.b"}), ("a - 1", set()), ("a + 'x'", set()), ("a * 2 + b", {"b"})],
)
def test_what_plus_takes(source: str, found: set[str]) -> None:
    assert {".".join(path) for path in joined(source)} == found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 > 2", True), ("!x", True), ("true", True), ("a == b && c != d", True), ("'k' in m", True),
        ("a && b", False), ("a > 1 || 'x'", False), ("a > 1 ? b : c", False), ("a", False), ("f(a > 1)", False),
        ("", False), ("(a > 1)", False), ("a = b > 1", False),
    ],
)  # fmt: skip
def test_what_comes_to_true_or_false(source: str, expected: bool) -> None:
    assert is_condition(source) is expected
