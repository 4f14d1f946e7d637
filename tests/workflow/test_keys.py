from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.workflow.keys import edit_distance, hash_order, suggestions


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], []),
        (
            ["_type", "daily>", "_command", "skip_on_overtime", "skip_delayed_by", "start", "end"],
            ["_type", "skip_delayed_by", "start", "daily>", "_command", "skip_on_overtime", "end"],
        ),
        (["Aa", "BB", "é", "😀"], ["Aa", "BB", "😀", "é"]),
        (["BB", "Aa"], ["BB", "Aa"]),
    ],
)
def test_the_order_of_java_hash_tables(keys: list[str], expected: list[str]) -> None:
    assert hash_order(keys) == expected


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("ab", "acb", 1), ("a", "cbda", 3), ("kitten", "sitting", 3)],
)
def test_edit_distance(a: str, b: str, distance: int) -> None:
    assert edit_distance(a, b) == distance


def test_suggestions_differ_in_half_of_their_characters_at_most() -> None:
    assert suggestions("strat", ["end", "start", "_type", "skip_on_overtime"]) == ["start"]
    assert suggestions("x", ["yz"]) == []
    assert suggestions("y", ["yz"]) == ["yz"]


@given(st.lists(st.text(), unique=True))
def test_no_key_is_lost(keys: list[str]) -> None:
    assert sorted(hash_order(keys)) == sorted(keys)


WORDS = st.text(alphabet="ab", max_size=6)


@given(WORDS, WORDS, WORDS)
def test_edit_distance_is_a_metric(a: str, b: str, c: str) -> None:
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, b) == edit_distance(b, a)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
