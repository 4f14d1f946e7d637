"""Reading typed values, with Digdag's conversions and messages (core 2, operators 2.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from digdag_tui.workflow.config import Config
from digdag_tui.workflow.convert import (
    parse_list,
    parse_map,
    parse_strings,
    read_bool,
    read_int,
    read_list,
    read_long,
    read_map,
    read_optional_bool,
    read_optional_int,
    read_optional_list,
    read_optional_long,
    read_optional_map,
    read_optional_string,
    read_string,
    read_strings,
)
from digdag_tui.workflow.errors import ConfigError, Position

PLACE = Position("main.dig", 3, 5)


def message(call: Callable[[], Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        call()
    return caught.value.message


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (read_string, "text", "text"),
        (read_string, "", ""),
        (read_string, "null", "null"),
        (read_string, 12, "12"),
        (read_string, 123456789012345678901234567890, "123456789012345678901234567890"),
        (read_string, 1.0, "1.0"),
        (read_string, 1e10, "1.0E10"),
        (read_string, True, "true"),
        (read_string, False, "false"),
        (read_int, 7, 7),
        (read_int, 1.7, 1),
        (read_int, -1.7, -1),
        (read_int, " 12 ", 12),
        (read_int, "+12", 12),
        (read_int, "-12", -12),
        (read_int, "007", 7),
        (read_int, "", 0),
        (read_int, "\uff11\uff12", 12),
        (read_int, "  ", 0),
        (read_int, "null", 0),
        (read_int, 2147483647, 2147483647),
        (read_int, -2147483648, -2147483648),
        (read_long, 2147483648, 2147483648),
        (read_long, "9223372036854775807", 9223372036854775807),
        (read_bool, True, True),
        (read_bool, 0, False),
        (read_bool, 2, True),
        (read_bool, "true", True),
        (read_bool, "True", True),
        (read_bool, "TRUE", True),
        (read_bool, "false", False),
        (read_bool, "False", False),
        (read_bool, "FALSE", False),
        (read_bool, "", False),
        (read_bool, "null", False),
        (read_list, [1, None], [1, None]),
        (read_strings, [1, "a", None, 1.5, True], ["1", "a", None, "1.5", "true"]),
        (read_map, {"a": 1}, {"a": 1}),
        (parse_list, "[1, 2]", [1, 2]),
        (parse_list, [1], [1]),
        (parse_list, " [] ignored", []),
        (parse_strings, "[1]", ["1"]),
        (parse_map, '{"a": 1.0}', {"a": 1.0}),
        (parse_map, {"a": 1}, {"a": 1}),
        (read_optional_string, "", ""),
        (read_optional_int, "", None),
        (read_optional_int, " ", None),
        (read_optional_int, "null", None),
        (read_optional_int, "5", 5),
        (read_optional_long, "", None),
        (read_optional_bool, "", None),
        (read_optional_bool, "true", True),
        (read_optional_list, [1], [1]),
        (read_optional_map, {}, {}),
    ],
)
def test_conversions(read: Callable[..., Any], value: Any, expected: Any) -> None:
    result = read({"k": value}, "k")

    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("read", "value", "shown"),
    [
        (read_string, [1], "Expected string type for key 'k' but got [1] (array)"),
        (read_string, {"a": 1}, "Expected string type for key 'k' but got {\"a\":1} (object)"),
        (read_int, "1.5", "Expected integer (int) type for key 'k' but got \"1.5\" (string)"),
        (read_int, "0x10", "Expected integer (int) type for key 'k' but got \"0x10\" (string)"),
        (read_int, "1_000", "Expected integer (int) type for key 'k' but got \"1_000\" (string)"),
        (read_int, True, "Expected integer (int) type for key 'k' but got true (boolean)"),
        (read_int, 2147483648, "Expected integer (int) type for key 'k' but got 2147483648 (number)"),
        (read_int, 1e30, "Expected integer (int) type for key 'k' but got 1.0E30 (number)"),
        (read_long, 2**63, "Expected integer (long) type for key 'k' but got 9223372036854775808 (number)"),
        (read_bool, "yes", "Expected 'true' or 'false' for key 'k' but got \"yes\" (string)"),
        (read_bool, "tRUE", "Expected 'true' or 'false' for key 'k' but got \"tRUE\" (string)"),
        (read_bool, 1.0, "Expected 'true' or 'false' for key 'k' but got 1.0 (number)"),
        (read_list, "a", "Expected array type for key 'k' but got \"a\" (string)"),
        (read_strings, [[1]], "Expected array type for key 'k' but got [[1]] (array)"),
        (read_map, "{}", "Parameter 'k' must be an object"),
        (read_map, None, "Parameter 'k' must be an object"),
        (read_string, None, "Parameter 'k' is required but null"),
        (read_int, None, "Parameter 'k' is required but null"),
        (parse_list, "5", "Expected array type for key 'k' but got 5 (number)"),
        (parse_list, "", "Expected array type for key 'k' but got  (MISSING)"),
        (parse_list, " \n", "Expected array type for key 'k' but got  (MISSING)"),
        (parse_map, "null", "Parameter 'k' must be an object"),
        (read_int, 2147483647.5, "Expected integer (int) type for key 'k' but got 2.1474836475E9 (number)"),
        (parse_map, "[]", "Parameter 'k' must be an object"),
        (parse_map, " ", "Parameter 'k' must be an object"),
        (
            read_optional_int,
            "x",
            "Expected [reference type, class com.google.common.base.Optional<java.lang.Integer>"
            "<[simple type, class java.lang.Integer]>] for key 'k' but got \"x\" (string)",
        ),
        (read_optional_map, 1, "Parameter 'k' must be an object"),
    ],
)
def test_messages(read: Callable[..., Any], value: Any, shown: str) -> None:
    assert message(lambda: read({"k": value}, "k")) == shown


@pytest.mark.parametrize("read", [read_string, read_int, read_long, read_bool, read_list, read_map, parse_map])
def test_absent(read: Callable[..., Any]) -> None:
    assert message(lambda: read({}, "k")) == "Parameter 'k' is required but not set"


@pytest.mark.parametrize(
    ("read", "default"),
    [(read_string, "d"), (read_int, 1), (read_bool, True), (read_list, [1]), (read_map, {"a": 1}), (parse_list, [])],
)
def test_default_for_absent_and_null(read: Callable[..., Any], default: Any) -> None:
    assert read({}, "k", default) == default
    assert read({"k": None}, "k", default) == default


@pytest.mark.parametrize(
    "read", [read_optional_string, read_optional_int, read_optional_long, read_optional_list, read_optional_map]
)
def test_optional_is_none_for_absent_and_null(read: Callable[..., Any]) -> None:
    assert read({}, "k") is None
    assert read({"k": None}, "k") is None


def test_sample_is_cut_at_100_characters() -> None:
    assert '"' + "x" * 97 + '" (string)' in message(lambda: read_list({"k": "x" * 97}, "k"))
    assert 'got "' + "x" * 96 + "... (string)" in message(lambda: read_list({"k": "x" * 98}, "k"))


@pytest.mark.parametrize("read", [read_int, read_map, parse_list, read_optional_int])
def test_errors_have_the_position_of_the_key(read: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        read(Config({"k": "(x"}, {"k": PLACE}), "k")

    assert caught.value.position == PLACE
