"""Jackson's words for texts that are no JSON (core 2)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.workflow.errors import ConfigError
from digdag_tui.workflow.json_errors import problem_of
from digdag_tui.workflow.text import parse_json

VALUE = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
FIELD = "was expecting double-quote to start field name"
DIGIT = "expected digit (0-9) to follow minus sign, for valid numeric value"
COMMENT = (
    "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)"
)
QUOTE = "was expecting closing quote for a string value"
ESCAPED = "has to be escaped using backslash to be included in string value"
NON_NUMERIC = "enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow"


@pytest.mark.parametrize(
    ("text", "sentence", "column"),
    [
        ("tru", f"Unrecognized token 'tru': was expecting {VALUE}", 4),
        ("nulll", f"Unrecognized token 'nulll': was expecting {VALUE}", 6),
        ("a-b", f"Unrecognized token 'a': was expecting {VALUE}", 2),
        ("http://x", f"Unrecognized token 'http': was expecting {VALUE}", 5),
        ("${x}", f"Unrecognized token '$': was expecting {VALUE}", 2),
        ("日本", f"Unrecognized token '日本': was expecting {VALUE}", 3),
        ("[a]", f"Unrecognized token 'a': was expecting {VALUE}", 3),
        ("x" * 300, f"Unrecognized token '{'x' * 256}...': was expecting {VALUE}", 257),
        ("'x'", f"Unexpected character (''' (code 39)): expected a valid value {VALUE}", 2),
        ("[1,]", f"Unexpected character (']' (code 93)): expected a valid value {VALUE}", 5),
        ("[,1]", f"Unexpected character (',' (code 44)): expected a valid value {VALUE}", 3),
        ('{"a":}', f"Unexpected character ('}}' (code 125)): expected a valid value {VALUE}", 7),
        (".5", f"Unexpected character ('.' (code 46)): expected a valid value {VALUE}", 2),
        ("\uff11", f"Unexpected character ('\uff11' (code 65297 / 0xff11)): expected a valid value {VALUE}", 2),
        ("{a:1}", f"Unexpected character ('a' (code 97)): {FIELD}", 3),
        ('{"a":1,}', f"Unexpected character ('}}' (code 125)): {FIELD}", 9),
        ('{"a" 1}', "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value", 7),
        ('{"a":1 "b":2}', "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries", 9),
        ("/x", f"Unexpected character ('/' (code 47)): {COMMENT}", 2),
        ("[1/2]", f"Unexpected character ('/' (code 47)): {COMMENT}", 4),
        ("01", "Invalid numeric value: Leading zeroes not allowed", 2),
        ("[01]", "Invalid numeric value: Leading zeroes not allowed", 3),
        ("1.", "Unexpected character ('.' (code 46)) in numeric value: Decimal point not followed by a digit", 3),
        ("[1.x]", "Unexpected character ('x' (code 120)) in numeric value: Decimal point not followed by a digit", 4),
        (
            "1ex",
            "Unexpected character ('x' (code 120)) in numeric value: Exponent indicator not followed by a digit",
            3,
        ),
        ("-x", f"Unexpected character ('x' (code 120)) in numeric value: {DIGIT}", 3),
        ("+1", f"Unexpected character ('1' (code 49)) in numeric value: {DIGIT}", 3),
        ("1x", "Unexpected character ('x' (code 120)): Expected space separating root-level values", 3),
        ("1,2", "Unexpected character (',' (code 44)): Expected space separating root-level values", 3),
        ("2016-01-01", "Unexpected character ('-' (code 45)): Expected space separating root-level values", 6),
        ("NaN", f"Non-standard token 'NaN': {NON_NUMERIC}", 4),
        ("[-Infinity]", f"Non-standard token '-Infinity': {NON_NUMERIC}", 11),
        ('"\\q"', "Unrecognized character escape 'q' (code 113)", 4),
        ('"a\nb"', f"Illegal unquoted character ((CTRL-CHAR, code 10)): {ESCAPED}", 4),
        ('"\\u12"', "Unexpected character ('\"' (code 34)): expected a hex-digit for character escape sequence", 7),
    ],
)
def test_a_wrong_character(text: str, sentence: str, column: int) -> None:
    source = f'[Source: (String)"{text}"; line: 1, column: {column}]'
    assert problem_of(text) == f"com.fasterxml.jackson.core.JsonParseException: {sentence}\n at {source}"


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("-", "No digit following minus sign"),
        ("+", " in a Number value"),
        ("1e", "expected a digit for number exponent"),
        ('"x', f": {QUOTE}"),
        ('["x', f": {QUOTE}"),
        ('{"a"', " within/between Object entries"),
        ('{"a":', " within/between Object entries"),
        ("", ""),
    ],
)
def test_an_end_too_early(text: str, end: str) -> None:
    source = f'[Source: (String)"{text}"; line: 1, column: {len(text) + 1}]'
    assert (
        problem_of(text)
        == f"com.fasterxml.jackson.core.io.JsonEOFException: Unexpected end-of-input{end}\n at {source}"
    )


@pytest.mark.parametrize(
    ("text", "name", "start"), [("[", "Array", 1), ("[1, 2", "Array", 1), ("{", "Object", 1), (' {"a":1', "Object", 2)]
)
def test_a_collection_without_its_end(text: str, name: str, start: int) -> None:
    place = f'[Source: (String)"{text}"; line: 1, column:'
    assert problem_of(text) == (
        f"com.fasterxml.jackson.core.io.JsonEOFException: Unexpected end-of-input: expected close marker for {name} "
        f"(start marker at {place} {start}])\n at {place} {len(text) + 1}]"
    )


@pytest.mark.parametrize(
    ("text", "found", "expected", "scope"),
    [
        ("}", "}", "]", "root starting at {} 0]"),
        ("[}", "}", "]", "Array starting at {} 1]"),
        ('{"a":1]', "]", "}", "Object starting at {} 1]"),
    ],
)
def test_the_wrong_end(text: str, found: str, expected: str, scope: str) -> None:
    place = f'[Source: (String)"{text}"; line: 1, column:'
    assert problem_of(text) == (
        f"com.fasterxml.jackson.core.JsonParseException: Unexpected close marker '{found}': expected '{expected}' "
        f"(for {scope.format(place)})\n at {place} {len(text) + 1}]"
    )


def test_the_source_is_cut_and_the_place_is_in_its_line() -> None:
    text = "[\n\t'" + "y" * 600
    shown = "[\n\\u0009'" + "y" * 496
    assert str(problem_of(text)).endswith(f'(String)"{shown}"[truncated 104 chars]; line: 2, column: 3]')


@given(st.text(alphabet="[]{}\",:0123456789.eE+-truefalsn \\u\n'/x") | st.text())
def test_what_is_refused_is_explained(text: str) -> None:
    try:
        parse_json(text)
    except ConfigError as error:
        assert error.message == problem_of(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_nothing_is_wrong_with_json(value: object) -> None:
    assert problem_of(json.dumps(value)) is None
