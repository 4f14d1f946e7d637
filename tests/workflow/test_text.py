"""Values as Java and Jackson write and read them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.workflow.errors import ConfigError
from digdag_tui.workflow.text import java_double, java_text, json_text, json_type, parse_json

VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (0.001, "0.001"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (12345678.0, "1.2345678E7"),
        (123456789012345.0, "1.23456789012345E14"),
        (1e20, "1.0E20"),
        (-1.5e-7, "-1.5E-7"),
        (0.0009, "9.0E-4"),
        (0.000123, "1.23E-4"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (float("nan"), "NaN"),
    ],
)
def test_java_double(number: float, text: str) -> None:
    assert java_double(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_java_double_keeps_the_number(number: float) -> None:
    assert float(java_double(number)) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [1.0, None, True, "é日😀"]}, '{"b":1,"a":[1.0,null,true,"é日😀"]}'),
        ('"\\\n\t\r\b\f/', '"\\"\\\\\\n\\t\\r\\b\\f/"'),
        ("\x00\x1b\x1f\x7f", '"\\u0000\\u001B\\u001F\x7f"'),
        ("\\u001b", '"\\\\u001b"'),
        ([], "[]"),
        ({}, "{}"),
        (1e20, "1.0E20"),
    ],
)
def test_json_text(value: Any, text: str) -> None:
    assert json_text(value) == text


@given(json_values)
def test_json_text_is_json(value: Any) -> None:
    assert json.loads(json_text(value)) == value


@given(json_values.filter(lambda value: value != ""))
def test_json_text_is_read_back(value: Any) -> None:
    assert parse_json(json_text(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("as is", "as is"),
        (True, "true"),
        (12, "12"),
        (1.0, "1.0"),
        (["a", "b", None], "[a, b, null]"),
        ({"a": 1, "b": {"c": [1e20]}}, "{a=1, b={c=[1.0E20]}}"),
    ],
)
def test_java_text(value: Any, text: str) -> None:
    assert java_text(value) == text


@pytest.mark.parametrize(
    ("value", "kind"),
    [(None, "null"), (True, "boolean"), (1, "number"), (1.5, "number"), ("", "string"), ([], "array"), ({}, "object")],
)
def test_json_type(value: Any, kind: str) -> None:
    assert json_type(value) == kind


@pytest.mark.parametrize(
    ("text", "sentence", "place"),
    [
        ("hello", f"Unrecognized token 'hello': was expecting {VALUES}", "line: 1, column: 6"),
        ("a, b", f"Unrecognized token 'a': was expecting {VALUES}", "line: 1, column: 2"),
        (" \n x", f"Unrecognized token 'x': was expecting {VALUES}", "line: 2, column: 3"),
        ("[1, two]", f"Unrecognized token 'two': was expecting {VALUES}", "line: 1, column: 8"),
        ("(", f"Unexpected character ('(' (code 40)): expected a valid value {VALUES}", "line: 1, column: 2"),
        ("{a:1}", "Unexpected character ('a' (code 97)): was expecting double-quote to start field name", "column: 3"),
        (
            "{'a':1}",
            "Unexpected character (''' (code 39)): was expecting double-quote to start field name",
            "column: 3",
        ),
        ('{"a" 1}', "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value", ""),
        ("[1 2]", "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries", "column: 5"),
        ("[1", "Unexpected end-of-input", "column: 3"),
        ("[NaN]", "Non-standard token 'NaN'", ""),
    ],
)
def test_text_that_is_no_json(text: str, sentence: str, place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_json(text)

    assert sentence in caught.value.message
    assert place in caught.value.message
    assert caught.value.message.startswith("com.fasterxml.jackson.core.")


def test_long_text_that_is_no_json_is_cut() -> None:
    with pytest.raises(ConfigError, match=r'\(String\)"x{500}"\[truncated 100 chars\]'):
        parse_json("x" * 600)


def test_what_follows_the_first_value_is_ignored() -> None:
    assert parse_json(' {"a": [1]} and more') == {"a": [1]}


@given(st.text())
def test_any_text_gives_a_value_or_a_config_error(text: str) -> None:
    try:
        parse_json(text)
    except ConfigError as error:
        assert error.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'["\ud83d"]', ["?"]),
        (r'["a\udE00b", 1]', ["a?b", 1]),
        (r'{"\ud83d": "\ud83d\ude00"}', {"?": "😀"}),
        ("[1E400, -1E400, 1e3]", ["Infinity", "-Infinity", 1000.0]),
    ],
)
def test_halves_of_characters_and_endless_numbers_in_json(text: str, value: object) -> None:
    assert parse_json(text) == value
