from __future__ import annotations

import asyncio
import string
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.workflow.config import Config
from digdag_tui.workflow.errors import Position

from .support import call, message, run

PROJECT = Path("/project")
DO = {"_do": {"echo>": "x"}}


def exports(subtasks: dict[str, Any]) -> dict[str, Any]:
    return {name: body["_export"] for name, body in subtasks.items() if name.startswith("+")}


@pytest.mark.parametrize(
    ("count", "rounds"), [(3, 3), ("2", 2), (2.9, 2), (0, 0), (-2, 0), ("", 0), ("null", 0), (1000, 1000)]
)
def test_loop_counts_from_zero(count: Any, rounds: int) -> None:
    subtasks = run(PROJECT, "loop", count, DO).subtasks
    assert exports(subtasks) == {f"+loop-{i}": {"i": i} for i in range(rounds)}
    assert list(subtasks) == [f"+loop-{i}" for i in range(rounds)]


@pytest.mark.parametrize(
    ("count", "options", "said"),
    [
        ("many", DO, "Expected integer (int) type for key '_command' but got \"many\" (string)"),
        ("2.9", DO, "Expected integer (int) type for key '_command' but got \"2.9\" (string)"),
        ([1, 2], DO, "Expected integer (int) type for key '_command' but got [1,2] (array)"),
        (True, DO, "Expected integer (int) type for key '_command' but got true (boolean)"),
        (None, DO, "Parameter '_command' is required but not set"),
        (None, {**DO, "count": 2}, "Parameter '_command' is required but not set"),
        (1001, DO, "Too many loop subtasks. Limit: 1000"),
        (1, {}, "Parameter '_do' is required but not set"),
        (1, {"_do": None}, "Parameter '_do' must be an object"),
        (1, {"_do": "text"}, "Parameter '_do' must be an object"),
        (1, {"_do": {"_export": 5}}, "Parameter '_export' must be an object"),
        (1, {**DO, "_parallel": 3}, "Invalid _parallel format: 3"),
        (1, {**DO, "_parallel": None}, "Invalid _parallel format: null"),
        (1, {**DO, "_parallel": [1]}, "Invalid _parallel format: [1]"),
        (1, {**DO, "_parallel": "tru"}, "Expected 'true' or 'false' for key '_parallel' but got \"tru\" (string)"),
        (1, {**DO, "_parallel": {}}, "Parameter 'limit' is required but not set"),
        (1, {**DO, "_parallel": {"limit": "x"}}, "Expected integer (int) type for key 'limit' but got \"x\" (string)"),
    ],
)
def test_loop_refuses(count: Any, options: dict[str, Any], said: str) -> None:
    assert message(PROJECT, "loop", count, options) == f"{said} (config)"


def test_loop_takes_count_before_its_command() -> None:
    assert list(run(PROJECT, "loop", 5, {**DO, "count": "1"}).subtasks) == ["+loop-0"]


def test_a_round_keeps_the_body_and_adds_to_its_export() -> None:
    body = {"_export": {"i": "mine", "label": "run ${i}"}, "+show": {"echo>": "${label}"}}
    assert run(PROJECT, "loop", 2, {"_do": body}).subtasks == {
        "+loop-0": {"_export": {"i": 0, "label": "run ${i}"}, "+show": {"echo>": "${label}"}},
        "+loop-1": {"_export": {"i": 1, "label": "run ${i}"}, "+show": {"echo>": "${label}"}},
    }
    assert body["_export"] == {"i": "mine", "label": "run ${i}"}


def test_a_round_knows_where_its_tasks_stand() -> None:
    place = Position("main.dig", 4, 5)
    (round_,) = run(PROJECT, "loop", 1, {"_do": Config({"+show": {"echo>": "x"}}, {"+show": place})}).subtasks.values()
    assert round_.positions == {"+show": place}


@pytest.mark.parametrize(
    ("parallel", "kept"),
    [(True, True), ("true", "true"), ({"limit": 2}, {"limit": 2}), (False, None), ("false", None), ("", None)],
)
@pytest.mark.parametrize(
    ("operator", "command"),
    [("loop", 1), ("for_each", {"a": [1]}), ("for_range", {"from": 0, "to": 1, "step": 1})],
)
def test_parallel_is_for_the_rounds(operator: str, command: Any, parallel: Any, kept: Any) -> None:
    assert run(PROJECT, operator, command, {**DO, "_parallel": parallel}).subtasks.get("_parallel") == kept


@pytest.mark.parametrize(
    ("command", "rounds"),
    [
        ({"word": ["a", "fig"]}, {"+for-0=word=0=a": {"word": "a"}, "+for-0=word=1=fig": {"word": "fig"}}),
        (
            {"verb": ["eat", "throw"], "n": [1, 2]},
            {
                "+for-0=verb=0=eat&1=n=0=1": {"verb": "eat", "n": 1},
                "+for-0=verb=0=eat&1=n=1=2": {"verb": "eat", "n": 2},
                "+for-0=verb=1=throw&1=n=0=1": {"verb": "throw", "n": 1},
                "+for-0=verb=1=throw&1=n=1=2": {"verb": "throw", "n": 2},
            },
        ),
        ('{"x": [1], "y": "[\\"a\\"]"}', {"+for-0=x=0=1&1=y=0=a": {"x": 1, "y": "a"}}),
        ({"x": "[true, null, 1.5]"}, {
            "+for-0=x=0=true": {"x": True}, "+for-0=x=1=null": {"x": None}, "+for-0=x=2=1.5": {"x": 1.5},
        }),
        ({"a": [], "b": [1, 2]}, {"+for-1=b=0=1": {"b": 1}, "+for-1=b=1=2": {"b": 2}}),
        ({"a": [0], "b": [], "c": [1]}, {"+for-2=c=0=1": {"c": 1}}),
        ({"a": [1, 2], "b": []}, {}),
        ({"a": []}, {}),
        ({}, {}),
    ],
)  # fmt: skip
def test_for_each_combines(command: Any, rounds: dict[str, Any]) -> None:
    subtasks = run(PROJECT, "for_each", command, DO).subtasks
    assert exports(subtasks) == rounds
    assert list(subtasks) == list(rounds)


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("a b", "a%20b"), ("x/y", "x%2Fy"), ("1+1", "1%2B1"), ("k=v&w", "k%3Dv%26w"), ("50%", "50%25"),
        ("日本語", "%E6%97%A5%E6%9C%AC%E8%AA%9E"), ("it's", "it%27s"), ("~-_.", "%7E-_."), ("(a)", "%28a%29"),
        ("*.csv", "*.csv"), ("", ""), ("warehouse/2026", "warehous"), (123456789, "12345678"), (1000.0, "1000.0"),
        (12345678901234567890, "12345678"), (["x"], "%5B%22x%22%5D"), ({"k": "value"}, "%7B%22k%22%3A%22va"),
        ("1234567😀", "1234567%3F"), ("123456😀", "123456%F0%9F%98%80"),
    ],
)  # fmt: skip
def test_for_each_names_a_round_by_the_start_of_its_value(value: Any, tag: str) -> None:
    assert exports(run(PROJECT, "for_each", {"v": [value]}, DO).subtasks) == {f"+for-0=v=0={tag}": {"v": value}}


def test_for_each_cuts_keys_too() -> None:
    assert list(run(PROJECT, "for_each", {"a long key": [1]}, DO).subtasks) == ["+for-0=a%20long%20k=0=1"]


UNRECOGNIZED = "was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ([1, 2], "Parameter '_command' must be an object"),
        ("[1]", "Parameter '_command' must be an object"),
        (5, "Parameter '_command' must be an object"),
        (None, "Parameter '_command' is required but not set"),
        ({"x": 5}, "Expected array type for key 'x' but got 5 (number)"),
        ({"x": {"a": 1}}, "Expected array type for key 'x' but got {\"a\":1} (object)"),
        ({"x": None}, "Parameter 'x' is required but null"),
        (
            "hello",
            f"com.fasterxml.jackson.core.JsonParseException: Unrecognized token 'hello': {UNRECOGNIZED}\n"
            ' at [Source: (String)"hello"; line: 1, column: 6]',
        ),
        ({"a": [1] * 40, "b": [1] * 30}, "Too many for_each subtasks. Limit: 1000"),
    ],
)
def test_for_each_refuses(command: Any, said: str) -> None:
    assert message(PROJECT, "for_each", command, DO) == f"{said} (config)"


def test_for_each_falls_over_the_json_text_null_as_digdag_does() -> None:
    said = 'Cannot invoke "java.util.List.size()" because "nodes" is null (null pointer)'
    assert message(PROJECT, "for_each", {"x": " null "}, DO) == said


@given(
    st.dictionaries(
        st.text(string.ascii_letters, min_size=1, max_size=5), st.lists(st.integers(), max_size=4), max_size=3
    )
)
def test_for_each_of_lists_that_have_items_is_their_product(lists: dict[str, list[int]]) -> None:
    task = call(PROJECT, "for_each", lists, DO)
    rounds = list(exports(asyncio.run(task.run()).subtasks).values())
    if lists and all(lists.values()):
        assert rounds == [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]
    elif not lists or not list(lists.values())[-1]:
        assert rounds == []


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_for_each_has_a_name_of_its_own_for_each_round(values: list[str]) -> None:
    subtasks = run(PROJECT, "for_each", {"v": values}, DO).subtasks
    assert list(exports(subtasks).values()) == [{"v": value} for value in values]
    allowed = set(string.ascii_letters + string.digits + "-_.*%=&+")
    assert all(set(name) <= allowed for name in subtasks)
    for place, (name, value) in enumerate(zip(subtasks, values, strict=True)):
        if value.isascii():
            assert unquote(name) == f"+for-0=v={place}={value[:8]}"


@pytest.mark.parametrize(
    ("command", "bounds"),
    [
        ({"from": 0, "to": 10, "step": 4}, [(0, 4), (4, 8), (8, 10)]),
        ({"from": 0, "to": 10, "slices": 3}, [(0, 4), (4, 8), (8, 10)]),
        ({"from": 5, "to": 9, "slices": 2}, [(5, 7), (7, 9)]),
        ({"from": 0, "to": 2, "slices": 5}, [(0, 1), (1, 2)]),
        ({"from": "100", "to": "105", "step": "3"}, [(100, 103), (103, 105)]),
        ('{"from": 0, "to": 2, "slices": 2}', [(0, 1), (1, 2)]),
        ({"from": 0, "to": 2, "step": 1, "slices": None}, [(0, 1), (1, 2)]),
        ({"from": 0, "to": 2, "step": 1, "slices": ""}, [(0, 1), (1, 2)]),
        ({"from": 3, "to": 3, "slices": 2}, []),
        ({"from": 5, "to": 1, "step": 2}, []),
        ({"from": 5, "to": 1, "slices": 2}, []),
    ],
)
def test_for_range_cuts(command: Any, bounds: list[tuple[int, int]]) -> None:
    subtasks = run(PROJECT, "for_range", command, DO).subtasks
    assert exports(subtasks) == {
        f"+range-from={low}&to={high}": {"range": {"from": low, "to": high, "index": index}}
        for index, (low, high) in enumerate(bounds)
    }


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ({"from": 0, "to": 4, "step": 2, "slices": 2}, "Setting both step and slices options to for_range is invalid"),
        ({"from": 0, "to": 4}, "step or slices option is required for for_range"),
        ({"from": 0, "to": 4, "step": 0}, "step option must be same or greater than 1 but got 0"),
        ({"from": 0, "to": 4, "slices": -1}, "slices option must be same or greater than 1 but got -1"),
        ({"from": 0, "step": 1}, "Parameter 'to' is required but not set"),
        ({"from": None, "to": 1, "step": 1}, "Parameter 'from' is required but null"),
        ({"from": "zero", "to": 4, "step": 1}, "Expected integer (long) type for key 'from' but got \"zero\" (string)"),
        ({"from": 0, "to": 2**62, "step": 1}, f"Too many for_range subtasks ({2**62}). Limit: 1000"),
        (10, "Parameter '_command' must be an object"),
        (None, "Parameter '_command' is required but not set"),
    ],
)
def test_for_range_refuses(command: Any, said: str) -> None:
    assert message(PROJECT, "for_range", command, DO) == f"{said} (config)"


@given(st.integers(-500, 500), st.integers(0, 400), st.integers(1, 60), st.booleans())
def test_for_range_covers_everything_once(start: int, width: int, size: int, slices: bool) -> None:
    command = {"from": start, "to": start + width, "slices" if slices else "step": size}
    ranges = [round_["range"] for round_ in exports(run(PROJECT, "for_range", command, DO).subtasks).values()]
    covered = [number for bounds in ranges for number in range(bounds["from"], bounds["to"])]
    assert covered == list(range(start, start + width))
    assert len({bounds["to"] - bounds["from"] for bounds in ranges[:-1]}) <= 1
    if slices:
        assert len(ranges) <= size
