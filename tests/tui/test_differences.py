"""Differences between params, previews and outlines of values, as lines."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.debugger.compare import differences
from digdag_tui.tui.differences import difference_lines, was_parts
from digdag_tui.tui.lines import Part
from digdag_tui.tui.outline import item_height, item_lines, preview
from digdag_tui.workflow.text import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("a\n${}値", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=10,
)


def text(parts: list[Part]) -> str:
    return "".join(part for part, _ in parts).rstrip()


def lines(old: dict[str, Any], new: dict[str, Any], width: int = 80) -> list[str]:
    return [text(line) for line in difference_lines(differences(old, new), str, width)]


def test_each_kind_has_its_sign_its_word_and_both_values() -> None:
    assert lines({"a": 1, "gone": "x", "list": [1]}, {"a": 2, "b": {"c": True}, "list": [1, 2]}) == [
        "~ a     changed  1 → 2",
        '+ b     new      {"c":true}',
        "~ list  changed  1 item → 2 items  [1,2]",
        '- gone  removed  "x"',
    ]


def test_another_type_is_said_in_words() -> None:
    assert lines({"rate": "0.05"}, {"rate": 0.05}) == ['~ rate  changed  "0.05" → 0.05  string → number']


def test_of_long_texts_the_part_that_differs_is_shown() -> None:
    start = "x" * 100_000
    (line,) = lines({"a": start + "old"}, {"a": start + "new"})
    assert "xold" in line and "xnew" in line and len(line) <= 80


def test_secrets_are_masked_also_where_texts_are_cut() -> None:
    def mask(value: str) -> str:
        return value.replace("hunter2222", "***")

    found = differences({"a": "x" * 50 + "hunter2222"}, {"a": "x" * 50 + "hunter2222 more"})
    for width in range(20, 120):
        shown = "".join(map(text, difference_lines(found, mask, width)))
        assert "hunter" not in shown.replace("***", "") and "2222" not in shown
    assert "hunter" not in text(was_parts(found[0], mask, 60))


@given(VALUES, st.integers(1, 40))
def test_a_preview_is_the_beginning_of_the_json(value: Any, room: int) -> None:
    whole = json_text(value)
    shown = "".join(part for part, _ in preview(value, room))
    assert whole.startswith(shown) and len(shown) >= min(room, len(whole))


@given(VALUES)
def test_the_height_of_an_item_is_the_number_of_its_lines(value: Any) -> None:
    assert len(list(item_lines(value))) == item_height(value)
