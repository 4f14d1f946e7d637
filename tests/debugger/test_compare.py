"""What differs between two objects of params."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.debugger.compare import Difference, differences, dotted

SCALARS = (
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 0.5, float("nan")]) | st.text("ab")
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=4),
    max_leaves=12,
)
PARAMS = st.dictionaries(st.text("abc", max_size=2), VALUES, max_size=5)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [Difference(("a",), "changed", 1, 2)]),
        ({"a": 1}, {}, [Difference(("a",), "removed", old=1)]),
        ({}, {"a": {"b": 1}}, [Difference(("a",), "added", new={"b": 1})]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, [Difference(("a", "c"), "changed", 2, 3)]),
        ({"a": {"b": 1}}, {"a": {}}, [Difference(("a", "b"), "removed", old=1)]),
        ({"a": {}}, {"a": []}, [Difference(("a",), "changed", {}, [])]),
        ({"a": None}, {}, [Difference(("a",), "removed", old=None)]),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, [Difference(("a", 1, "b"), "changed", 2, 3)]),
        ({"a": [1]}, {"a": [1, 2]}, [Difference(("a",), "changed", [1], [1, 2])]),
        ({"z": 1, "a": 1}, {"b": 1, "a": 2},
         [Difference(("b",), "added", new=1), Difference(("a",), "changed", 1, 2), Difference(("z",), "removed", 1)]),
    ],
)  # fmt: skip
def test_differences(old: dict[str, Any], new: dict[str, Any], found: list[Difference]) -> None:
    assert differences(old, new) == found


@pytest.mark.parametrize(("old", "new"), [(1, 1.0), (1, True), (0, False), (0.05, "0.05"), (None, ""), (None, False)])
def test_values_that_only_python_takes_for_one_another_differ(old: object, new: object) -> None:
    assert differences({"a": old}, {"a": new}) == [Difference(("a",), "changed", old, new)]


@given(PARAMS, PARAMS)
def test_the_differences_make_the_new_params_of_the_old(old: dict[str, Any], new: dict[str, Any]) -> None:
    result = copy.deepcopy(old)
    for difference in differences(old, new):
        inside: Any = result
        for part in difference.path[:-1]:
            inside = inside[part]
        if difference.kind == "removed":
            assert repr(inside.pop(difference.path[-1])) == repr(difference.old)
        else:
            inside[difference.path[-1]] = copy.deepcopy(difference.new)
    assert _sorted(result) == _sorted(new)


@given(PARAMS)
def test_nothing_differs_from_its_copy(params: dict[str, Any]) -> None:
    assert differences(params, copy.deepcopy(params)) == []


@given(PARAMS, PARAMS)
def test_the_way_back_has_the_same_paths(old: dict[str, Any], new: dict[str, Any]) -> None:
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    there = {(difference.path, turned[difference.kind]) for difference in differences(old, new)}
    assert there == {(difference.path, difference.kind) for difference in differences(new, old)}


def test_paths_as_people_write_them() -> None:
    assert dotted(("db", "hosts", 0, "name")) == "db.hosts[0].name"
    assert Difference(("a",), "added").name == "a"


def _sorted(value: Any) -> str:
    """A text in which types differ, NaN is itself and the order of keys does not count."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key!r}:{_sorted(value[key])}" for key in sorted(value)) + "}"
    return "[" + ",".join(map(_sorted, value)) + "]" if isinstance(value, list) else repr(value)
