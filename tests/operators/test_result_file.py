from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.operators.result_file import MappingError, parse
from digdag_tui.workflow.errors import TaskRuntimeError

CORE = "com.fasterxml.jackson.core."
VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
TOKEN = "enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow"


def unexpected(found: str, wanted: str) -> str:
    return f"Unexpected character ('{found}' (code {ord(found)})): {wanted}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, -2.5e3, true, null, "x\\u00e9"], "b": {}}', {"a": [1, -2500.0, True, None, "xé"], "b": {}}),
        (' \n{"big": 1180591620717411303424}', {"big": 1180591620717411303424}),
        ('{"a": 1, "a": 2} and more', {"a": 2}),
    ],
)
def test_an_object(tmp_path: Path, text: str, value: Any) -> None:
    assert read(tmp_path, text) == value


def read(folder: Path, text: str) -> Any:
    path = folder / "output.json"
    path.write_text(text)
    return parse(path)


EOF = "io.JsonEOFException"
PARSE = "JsonParseException"
END = "Unexpected end-of-input"
START = "(start marker at [Source: (sun.nio.ch.ChannelInputStream); line: 1, column: 7])"


@pytest.mark.parametrize(
    ("text", "kind", "sentence", "column"),
    [
        ('{"a": {"when": ', EOF, f"{END} within/between Object entries", 16),
        ('{"a": 1, "b": ', EOF, f"{END} within/between Object entries", 15),
        ('{"a": {', EOF, f"{END}: expected close marker for Object {START}", 8),
        ('{"a": [', EOF, f"{END}: expected close marker for Array {START}", 8),
        ('{"a": [1, ', PARSE, f"{END} within/between Array entries", 11),
        ('{"a": "b', EOF, f"{END}: was expecting closing quote for a string value", 9),
        ('{"value": NaN}', PARSE, f"Non-standard token 'NaN': {TOKEN}", 14),
        ('{"value": [Infinity]}', PARSE, f"Non-standard token 'Infinity': {TOKEN}", 20),
        ('{"value": -Infinity}', PARSE, f"Non-standard token '-Infinity': {TOKEN}", 20),
        ("{'a': 1}", PARSE, unexpected("'", "was expecting double-quote to start field name"), 3),
        ('{"a" 1}', PARSE, unexpected("1", "was expecting a colon to separate field name and value"), 7),
        ('{"a": 1 2}', PARSE, unexpected("2", "was expecting comma to separate Object entries"), 10),
        ('{"a": hello}', PARSE, f"Unrecognized token 'hello': was expecting {VALUES}", 13),
        ("hello", PARSE, f"Unrecognized token 'hello': was expecting {VALUES}", 6),
        ("hello\nyou", PARSE, f"Unrecognized token 'hello': was expecting {VALUES}", 7),
        ('{"a": None}', PARSE, f"Unrecognized token 'None': was expecting {VALUES}", 12),
        ('{"a": [1,]}', PARSE, unexpected("]", "expected a value"), 11),
        ('{"a": }', PARSE, unexpected("}", "expected a value"), 8),
        ('{"a": ?}', PARSE, unexpected("?", f"expected a valid value {VALUES}"), 8),
    ],
)
def test_what_is_no_json(tmp_path: Path, text: str, kind: str, sentence: str, column: int) -> None:
    with pytest.raises(TaskRuntimeError) as caught:
        read(tmp_path, text)
    assert caught.value.message == (
        f"{CORE}{kind}: {sentence}\n at [Source: (sun.nio.ch.ChannelInputStream); line: 1, column: {column}]"
    )


def test_the_line_of_the_problem(tmp_path: Path) -> None:
    with pytest.raises(TaskRuntimeError, match=r"line: 3, column: 8\]$"):
        read(tmp_path, '{\n"a": 1,\n  "b" 2\n}')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "No content to map due to end-of-input"),
        (" \n", "No content to map"),
        ("[1]", "Expected object but got [1]"),
    ],
)
def test_what_is_no_object(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(MappingError) as caught:
        read(tmp_path, text)
    assert said in caught.value.message


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUE, max_size=3), st.data())
def test_a_file_that_stops_somewhere_is_told_to_stop_there(
    tmp_path_factory: pytest.TempPathFactory, value: dict[str, Any], data: st.DataObject
) -> None:
    text = json.dumps(value)
    path = tmp_path_factory.getbasetemp() / "stopped.json"
    path.write_text(text[: data.draw(st.integers(1, len(text) - 1))])
    with pytest.raises(TaskRuntimeError, match=r"(?s)^com\.fasterxml\.jackson\.core\..*; line: 1, column: \d+\]$"):
        parse(path)


@given(st.text())
def test_any_text_is_read_or_refused_in_words(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(text, errors="replace")
    with pytest.raises(TaskRuntimeError, match=r"(?s)^com\.fasterxml\.jackson\."):
        parse(path)
