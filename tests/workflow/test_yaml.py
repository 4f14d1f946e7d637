"""YAML with Digdag's rules (core 1)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digdag_tui.workflow import yaml
from digdag_tui.workflow.config import Config
from digdag_tui.workflow.errors import DigdagError, Position
from digdag_tui.workflow.scalars import resolve
from digdag_tui.workflow.sources import FileError, YamlError
from digdag_tui.workflow.text import json_text
from digdag_tui.workflow.yaml import load_text


def error_of(text: str) -> YamlError:
    with pytest.raises(YamlError) as caught:
        load_text(text, "main.dig")
    return caught.value


def place(line: int, column: int) -> Position:
    return Position("main.dig", line, column)


SCALARS: dict[str, Any] = {
    "true": True, "True": True, "false": False, "False": False,
    "TRUE": "TRUE", "FALSE": "FALSE", "yes": "yes", "No": "No", "on": "on", "OFF": "OFF", "y": "y", "n": "n",
    "": None, "~": None, "null": None, "Null": None, "NULL": None, "nULL": "nULL", "none": "none",
    "0": 0, "-0": 0, "12": 12, "-12": -12, "+12": 12, "010": 8, "007": 7, "00": 0, "-010": -8, "0_17": 15, "0_": 0,
    "08": "08", "0o10": "0o10", "0xG": "0xG", "0x1F": 31, "0x_F": 15, "-0x10": -16, "0b101": 5, "0b1_0": 2,
    "1_000": 1000, "1__0": 10, "1_": 1, "1:30": "1:30", "12:30:45": "12:30:45",
    "9223372036854775808": 9223372036854775808, "123456789012345678901234567890": 123456789012345678901234567890,
    ".5": 0.5, "-.5": -0.5, "1.5": 1.5, "1.": 1.0, "1e3": 1000.0, "1.5e+3": 1500.0, "2.5E-2": 0.025, "1_0.5": 10.5,
    "-2.25": -2.25, "1:30.5": 90.5, "-1:30.5": -90.5, "0:30.5": 30.5, "190:20:30.15": 685230.15,
    ".inf": "Infinity", "+.INF": "Infinity", "-.Inf": "-Infinity", ".nan": "NaN", ".NaN": "NaN",
    "1e400": "Infinity", "-1e400": "-Infinity", "inf": "inf",
    "0.5": "0.5", "-0.5": "-0.5", "0.": "0.", "0e1": "0e1", "00.5": "00.5", "1.5e": "1.5e", "1.2.3": "1.2.3",
    "2016-01-01": "2016-01-01", "2016-01-01 00:00:00": "2016-01-01 00:00:00",
    "=": "=", "+": "+", "-x": "-x", ".": ".", "...x": "...x", "->": "->", "${1}": "${1}", "a*b": "a*b", "a!b": "a!b",
    "+task": "+task", "!include:x": "!include:x",
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_plain_scalars(text: str, value: Any) -> None:
    found = resolve(text)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", [text for text in SCALARS if text and not text.startswith("!")])
def test_plain_scalars_in_a_file(text: str) -> None:
    assert load_text(f"key: {text}\n", "main.dig") == {"key": SCALARS[text]}
    assert load_text(f"key: '{text}'\n", "main.dig") == {"key": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!!str 0x10", "0x10"),
        ('!!int "3"', 3),
        ('!!int "0x10"', 16),
        ('!!int "1:30"', 90),
        ("!!float 3", 3.0),
        ('!!float "0.5"', 0.5),
        ("!!float .inf", "Infinity"),
        ("!!bool yes", True),
        ('!!bool "On"', True),
        ("!!bool off", False),
        ("!!bool maybe", None),
        ('!!null ""', None),
        ("!!null x", None),
        ("!!binary aGVs bG8=", "aGVsbG8="),
        ("!!timestamp 2016-01-01", 1451606400000),
        ("!!timestamp 2016-01-01T09:00:00.5+09:00", 1451606400500),
        ("!!timestamp 2016-01-01 00:00:00 -1", 1451610000000),
        ("!!set {x, y}", ["x", "y"]),
        ("!!omap [{a: 1}, {b: 2}]", {"a": 1, "b": 2}),
        ("!!pairs [{x: 1}, {x: 2}]", [["x", 1], ["x", 2]]),
        ("!!seq [1]", [1]),
        ("!!map {a: 1}", {"a": 1}),
        ('! "12"', 12),
        ("!<tag:yaml.org,2002:str> 1", "1"),
    ],
)
def test_explicit_tags(text: str, value: Any) -> None:
    found = load_text(f"key: {text}\n", "main.dig")["key"]

    assert found == value
    assert type(found) is type(value) or isinstance(found, Config)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!!int x", 'For input string: "x"'),
        ("!!int 0o7", 'For input string: "0o7"'),
        ("!!float 0x10", 'For input string: "0x10"'),
        ("0x_", 'For input string: "0x_"'),
        ("!!timestamp today", "Unexpected timestamp: today"),
        ("!!binary ä", "string argument should contain only ASCII characters"),
    ],
)
def test_text_that_does_not_fit_its_tag(text: str, message: str) -> None:
    error = error_of(f"key: {text}\n")

    assert error.message == message
    assert error.position == place(1, 6)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("01: x", ["1"]),
        ("true: x", ["true"]),
        ("1.5: x\n1e3: y", ["1.5", "1000.0"]),
        ("2016-01-01: x", ["2016-01-01"]),
        ("yes: x", ["yes"]),
        ("? [a, b]\n: x", ["[a, b]"]),
        ("? {a: 1}\n: x", ["{a=1}"]),
        ("=: x", ["="]),
        ("1: a\nb: b\n0x1: c", ["b", "1"]),
        ("z: 1\na: 2\nm: 3", ["z", "a", "m"]),
    ],
)
def test_keys_are_text(text: str, keys: list[str]) -> None:
    assert list(load_text(text, "main.dig")) == keys


@pytest.mark.parametrize("key", ["null", "~", "!!null x"])
def test_null_key_ends_the_load(key: str) -> None:
    with pytest.raises(FileError, match="Null key for a Map not allowed in JSON") as caught:
        load_text(f"a:\n  {key}: x\n", "main.dig")

    assert caught.value.position == place(2, 3)


@pytest.mark.parametrize(
    ("text", "keys", "position"),
    [
        ("a: 1\nb: 2\na: 3\n", "a", place(3, 1)),
        ("a: 1\nb: 2\na: 3\nb: 4\n", "a, b", place(3, 1)),
        ('1: a\n"1": b\n', "1", place(2, 1)),
        ("x: {a: 1, 'a': 2}\n", "a", place(1, 11)),
        ("x: &x {a: 1}\ny:\n  <<: *x\n  <<: *x\n", "<<", place(4, 3)),
    ],
)
def test_duplicate_keys(text: str, keys: str, position: Position) -> None:
    error = error_of(text)

    assert error.message == f"Duplicated keys: [{keys}]"
    assert error.kind == "duplicate key yaml"
    assert error.position == position


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("{y: 3, <<: {x: 1, y: 2}}", [("y", 3), ("x", 1)]),
        ("{<<: {x: 1, y: 2}, y: 3}", [("x", 1), ("y", 3)]),
        ("{d: 4, <<: [{a: 1, b: 1}, {b: 2, c: 2}]}", [("d", 4), ("a", 1), ("b", 1), ("c", 2)]),
        ('{"<<": {x: 1}}', [("<<", {"x": 1})]),
        ("{<<: {}}", []),
    ],
)
def test_merge_expands_in_place(text: str, items: list[tuple[str, Any]]) -> None:
    assert list(load_text(f"m: {text}", "main.dig")["m"].items()) == items


def test_merged_keys_stand_where_they_are_written() -> None:
    config = load_text("a: &a\n  x: 1\nb:\n  <<: *a\n  y: 2\n", "main.dig")

    assert config["b"].positions == {"x": place(2, 3), "y": place(5, 3)}


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("a: {<<: x}", "expected a mapping or list of mappings for merging, but found scalar", place(1, 9)),
        ("a: {<<: [{}, x]}", "expected a mapping for merging, but found scalar", place(1, 9)),
        ("a: <<", "could not determine a constructor for the tag tag:yaml.org,2002:merge", place(1, 4)),
        ("a: !foo x", "could not determine a constructor for the tag !foo", place(1, 4)),
        ("!include : x", "could not determine a constructor for the tag !include", place(1, 1)),
        ("a: !!str [x]", "could not determine a constructor for the tag tag:yaml.org,2002:str", place(1, 4)),
        ("a: *x", "found undefined alias x", place(1, 4)),
        ("a: 1\n---\nb: 2\n", "but found another document", place(2, 1)),
        ("a: [1, 2}", "expected ',' or ']', but got }", place(1, 9)),
        ("a: {b: 1]", "expected ',' or '}', but got ]", place(1, 9)),
        ("a: b: c", "mapping values are not allowed here", place(1, 5)),
        ("a: - b", "sequence entries are not allowed here", place(1, 4)),
        ("a:\n\tb: c", r"found character '\t(TAB)' that cannot start any token.", place(2, 1)),
        ("a: @b", "found character '@' that cannot start any token.", place(1, 4)),
        ("a: 1\nb\nc: 2", "could not find expected ':'", place(3, 1)),
        ("a: 'open", "found unexpected end of stream", place(1, 9)),
        ('a: "\\q"', "found unknown escape character q(113)", place(1, 6)),
        ('a: "\\/"', "found unknown escape character /(47)", place(1, 6)),
        ("a:\n  b: 1\n c: 2\n", "expected <block end>, but found '<block mapping start>'", place(3, 2)),
        ("a: |x\n  y\n", "expected chomping or indentation indicators, but found x(120)", place(1, 5)),
        ("a: 'bell \x07'", "special characters are not allowed", place(1, 10)),
        ("%YAML 2.0\n---\na: 1", "found incompatible YAML document (version 1.* is required)", place(1, 1)),
        ('a: "\\UFFFFFFFF"', "found an escape of no character", place(1, 7)),
        ("%YAML x\n---\na: 1", "expected a digit, but found x(120)", place(1, 7)),
        ("%YAML 1." + "1" * 5000, "found a number that is too large", place(1, 1)),
        ("a: *", "unexpected character found \0(0)", place(1, 5)),
    ],
)
def test_syntax_errors(text: str, message: str, position: Position) -> None:
    error = error_of(text)

    assert message in error.message
    assert error.position == position
    assert "\n" not in error.summary


def test_syntax_error_shows_the_lines() -> None:
    assert error_of("+a:\n  list: [1, 2}\n").message == (
        "while parsing a flow sequence\n"
        " in 'string', line 2, column 9:\n"
        "      list: [1, 2}\n"
        "            ^\n"
        "expected ',' or ']', but got }\n"
        " in 'string', line 2, column 14:\n"
        "      list: [1, 2}\n"
        "                 ^\n"
    )


def test_syntax_error_cuts_long_lines() -> None:
    line = "a: " + "x" * 50 + ": " + "y" * 60

    assert error_of(line).message.splitlines()[-2] == "     ... " + "x" * 32 + ": " + "y" * 30 + " ... "


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a:\n\tb: c", "use spaces for indentation"),
        ("a: [1", "close the list"),
        ("a: {b: 1", "close the mapping"),
        ("a: b: c", "in quotes"),
        ("a: 'x", "close the quotes"),
        ('a: "\\d"', "single quotes"),
        ("!include: x", "`!include : FILE`"),
        ("a: 1\na: 2", "remove one"),
        ("- a", "`+hello:`"),
        ("a: 1\n---\nb: 2", "one document"),
    ],
)
def test_hints(text: str, hint: str) -> None:
    assert hint in (error_of(text).problem.hint or "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", "null"), ("# comment\n", "null"), ("- 1\n- {a: b}\n", '[1,{"a":"b"}]'), ("text", '"text"'), ("1.0", "1.0")],
)
def test_root_must_be_a_mapping(text: str, shown: str) -> None:
    error = error_of(text)

    assert error.message == f"Expected object to load Config but got {shown}"
    assert error.position == place(1, 1)


@pytest.mark.parametrize("load", ["libyaml", "pure"])
def test_positions(load: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if load == "pure":
        monkeypatch.setattr(yaml, "CParser", None)
    text = "timezone: UTC\r\n\r\n+a:\r\n  _export: {x: 1, 'é': [{y: 2}]}\r\n  \"echo>\": hello\r\n"

    config = load_text(text, "sub/main.dig")

    assert config.positions == {"timezone": Position("sub/main.dig", 1, 1), "+a": Position("sub/main.dig", 3, 1)}
    assert {key: (p.line, p.column) for key, p in config["+a"].positions.items()} == {
        "_export": (4, 3),
        "echo>": (5, 3),
    }
    assert {key: p.column for key, p in config["+a"]["_export"].positions.items()} == {"x": 13, "é": 19}
    assert config["+a"]["_export"]["é"][0].positions["y"].column == 26


def test_aliases() -> None:
    config = load_text("a: &a {x: [1]}\nb: *a\nc: &é$ text\nd: *é$\n? *é$\n: key\n", "main.dig")

    assert config == {"a": {"x": [1]}, "b": {"x": [1]}, "c": "text", "d": "text", "text": "key"}


@pytest.mark.parametrize(("count", "is_refused"), [(50, False), (51, True)])
def test_aliases_of_collections_are_limited(count: int, is_refused: bool) -> None:
    text = "a: &a [1]\nall:\n" + "  - *a\n" * count

    if is_refused:
        error = error_of(text)
        assert error.message == "Number of aliases for non-scalar nodes exceeds the specified max=50"
        assert error.position == place(53, 5)
    else:
        assert load_text(text, "main.dig")["all"] == [[1]] * 50


def test_aliases_of_scalars_are_not_limited() -> None:
    assert load_text("a: &a 1\nall:\n" + "  - *a\n" * 60, "main.dig")["all"] == [1] * 60


def test_alias_within_its_anchor() -> None:
    assert "stands inside what it names" in error_of("a: &a {b: *a}").message


def test_aliases_of_aliases_cannot_grow_without_end() -> None:
    lines = ["a0: &a0 [1, 2]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 26))]

    assert "1000000 values" in error_of("\n".join(lines)).message


@pytest.mark.parametrize("text", ["a: " + "[" * 5000, "a: " + "{b: " * 300 + "1" + "}" * 300])
def test_deep_nesting_is_refused(text: str) -> None:
    assert error_of(text).message == "Lists and mappings are nested more than 200 deep"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("key: one\t# comment", "one"),
        ("key: one\ttwo", "one\ttwo"),
        ("key: one\n  two\n\n  three", "one two\nthree"),
        ("key: |\n  a\n    b\n\n", "a\n  b\n"),
        ("key: >-\n  a\n  b\n", "a b"),
        ("key: |2\n    a\n", "  a\n"),
        ("key: |+\n  a\n\n", "a\n\n"),
        ('key: "a\\tb\\x41\\u3042\\U0001F600"', "a\tbAあ😀"),
        ('key: "\\ud83d\\ude00"', "😀"),
        ('key: "a\\\n  b"', "ab"),
        ("key: 'it''s'", "it's"),
        ("key: a#b # comment", "a#b"),
        ("key: http://example.com/?x=y#z", "http://example.com/?x=y#z"),
        ("key: [a, b c, {d: e}, 'f, g', h: i]", ["a", "b c", {"d": "e"}, "f, g", {"h": "i"}]),
        ("key: {a, b: , http://x}", {"a": None, "b": None, "http://x": None}),
        ("key:\n- a\n- - b", ["a", ["b"]]),
    ],
)
def test_syntax(text: str, value: Any) -> None:
    assert load_text(text, "main.dig")["key"] == value


fragments = st.sampled_from(
    [
        "a", "b", "+t", "echo>", "key", "1", "0.5", "é", "<<", "!foo", "&x", "*x", ":", "-", "[", "]", "{", "}", ",",
        "'", '"', "#", "%", "@", "`", "\\", "\\n", "\\u", "\\ud83d", "\\U0011", "${x}", "~", "=", "!include ",
        "!!int ", "? ", ": ", "- ", ", ", "|\n  ", ">-\n  ", " # c", "---\n", "...\n", " ", "\n", "\n  ", "\n    ",
        "x?y", "?", "${x ? y}", "\t", "\r\n", "\x85", "\u2028", "\ufeff", "\x07",
    ]
)  # fmt: skip
documents = st.lists(fragments, max_size=25).map("".join)
lines = st.lists(
    st.tuples(
        st.integers(0, 3), st.sampled_from(["a", "b", "+c", '"d"', "'e f'", "- x", "1", "? k", "&n m"]), fragments
    ),
    max_size=8,
).map(lambda rows: "".join(f"{'  ' * depth}{key}: {value}\n" for depth, key, value in rows))


def outcome(text: str) -> Any:
    try:
        config = load_text(text, "main.dig", includes=True)
    except DigdagError as error:
        assert error.position is not None
        return error.message, error.position
    return json_text(config), positions(config)


def positions(value: Any) -> Any:
    if isinstance(value, Config):
        return [(key, position, positions(value[key])) for key, position in value.positions.items()]
    return [positions(item) for item in value] if isinstance(value, list) else None


@settings(max_examples=400, deadline=None)
@given(documents | lines | st.text())
@example("a: [x?y]")
@example("a: ${x ? y : z}\nb: c[d]?")
@example("? a\n: b?c")
@example("&a?b: c")
@example("a: |#b\n  c")
@example("[-\n]: 1")
@example("a: &b%c d")
@example('a: "\\/"')
@example("a: b\n---c: d")
@example("a: b\n  ---\n")
@example("a: [!x,y]")
@example('"\\U00110000": 1')
@example("%YAML 1." + "1" * 5000)
def test_both_parsers_agree_on_any_text(text: str) -> None:
    fast = outcome(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "CParser", None)
        assert outcome(text) == fast


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("~: 1", ""),
        ("a: {b: {null: 1}}", 'java.util.LinkedHashMap["a"]->java.util.LinkedHashMap["b"]->'),
        ("a: [1, {~: 1}]", 'java.util.LinkedHashMap["a"]->java.util.ArrayList[1]->'),
    ],
)
def test_null_keys_are_told_with_their_path(text: str, path: str) -> None:
    with pytest.raises(FileError) as caught:
        load_text(text, "main.dig")
    message = "Null key for a Map not allowed in JSON (use a converting NullKeySerializer?)"
    chain = f'(through reference chain: {path}java.util.LinkedHashMap["null"])'
    assert caught.value.message == f"{message} {chain}"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "z: {<<: 1}",
            [
                "while constructing a mapping",
                " in 'string', line 1, column 4:",
                "    z: {<<: 1}",
                "       ^",
                "expected a mapping or list of mappings for merging, but found scalar",
                " in 'string', line 1, column 9:",
                "    z: {<<: 1}",
                "            ^",
            ],
        ),
        (
            ": 1",
            [
                "while parsing a block mapping",
                " in 'string', line 1, column 1:",
                "    : 1",
                "    ^",
                "expected <block end>, but found ':'",
                " in 'string', line 1, column 1:",
                "    : 1",
                "    ^",
            ],
        ),
        (
            'a: "\\x4g"',
            [
                "while scanning a double-quoted scalar",
                " in 'string', line 1, column 4:",
                '    a: "\\x4g"',
                "       ^",
                "expected escape sequence of 2 hexadecimal numbers, but found: 4g",
                " in 'string', line 1, column 7:",
                '    a: "\\x4g"',
                "          ^",
            ],
        ),
    ],
)
def test_messages_in_full(text: str, lines: list[str]) -> None:
    assert error_of(text).message == "\n".join([*lines, ""])


def test_an_alias_of_a_key_is_that_key() -> None:
    assert error_of("&x a: 1\n*x : 2").message == "Duplicated keys: [a]"
    assert load_text("b: &x a\n*x : 2\n", "main.dig") == {"b": "a", "a": 2}


@pytest.mark.parametrize("text", ["1:30.5", "0o7", "+-1", ""])
def test_numbers_that_are_none(text: str) -> None:
    assert error_of(f"a: !!int '{text}'").message.startswith("For input string: ")


@pytest.mark.parametrize("text", ["a: !foo x", "{~: 1}", "a: 1\na: 2", "a: {<<: 1}", "a: !!int x"])
def test_wrong_syntax_comes_first(text: str) -> None:
    assert "found undefined alias" not in error_of(f"{text}\n}}").message
    assert error_of(f"{text}\n}}").position == place(text.count("\n") + 2, 1)
