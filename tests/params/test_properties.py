from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.params.properties import config_home, load_properties, parse_properties
from digdag_tui.workflow.errors import DigdagError, Position


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a = 1 \nb:2\r\nc 3\rd\t4", {"a": "1 ", "b": "2", "c": "3", "d": "4"}),
        ("a", {"a": ""}),
        ("=1", {"": "1"}),
        ("a==1\nb=:2\nc  =  =3\nd : = 4", {"a": "=1", "b": ":2", "c": "=3", "d": "= 4"}),
        ("# a=1\n  ! b=2\n\n \t\f\nc=3 # not a comment", {"c": "3 # not a comment"}),
        ("a=1\na=2", {"a": "2"}),
        ("a=x,\\\n   y,\\\r\n\tz", {"a": "x,y,z"}),
        ("a=x\\\\\nb=2", {"a": "x\\", "b": "2"}),
        ("a=x\\\n# b=2", {"a": "x# b=2"}),
        ("# a=1\\\nb=2", {"b": "2"}),
        ("a=1\\\n\nb=2", {"a": "1", "b": "2"}),
        ("\\\n# a=1\nb=2", {"b": "2"}),
        ("a=1\\", {"a": "1"}),
        ("a\\ b\\=c\\:d=1", {"a b=c:d": "1"}),
        ("\\#a=1\n\\!b=2", {"#a": "1", "!b": "2"}),
        ("a=\\t\\n\\r\\f\\q\\\\", {"a": "\t\n\r\fq\\"}),
        ("a=\\u0041\\u00e9\\uD83D\\uDE00", {"a": "Aé😀"}),
        ("a=\\uD83Dx", {"a": "\ufffdx"}),
        ("a=1\x0b2\x853\u20284", {"a": "1\x0b2\x853\u20284"}),
    ],
)
def test_the_format(text: str, expected: dict[str, str]) -> None:
    assert parse_properties(text, "config") == expected


def test_positions() -> None:
    found = parse_properties("a=1\n\n# c\n  b=\\\n  2\nc=3", "config")
    assert found.positions == {
        "a": Position("config", 1, 1),
        "b": Position("config", 4, 3),
        "c": Position("config", 6, 1),
    }


@pytest.mark.parametrize("text", ["x=1\na=\\u12", "x=1\n\\uxyzw=2", "x=1\na=\\u"])
def test_a_malformed_escape(text: str) -> None:
    with pytest.raises(DigdagError) as caught:
        parse_properties(text, "config")
    assert caught.value.error_message == "Malformed \\uxxxx encoding. (illegal argument)"
    assert caught.value.position == Position("config", 2, 1)


@pytest.mark.parametrize(
    ("environment", "home"),
    [
        ({"HOME": "/home/me"}, "/home/me/.config/digdag"),
        ({"HOME": "/home/me", "XDG_CONFIG_HOME": "/etc/xdg"}, "/etc/xdg/digdag"),
        ({"HOME": "/home/me", "XDG_CONFIG_HOME": "/etc/xdg", "DIGDAG_CONFIG_HOME": "/opt/digdag"}, "/opt/digdag"),
    ],
)
def test_the_home_of_the_configuration(environment: dict[str, str], home: str) -> None:
    assert config_home(environment) == Path(home)


def test_later_sources_win(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a=home\nb=home\nc=home\n")
    given_file = tmp_path / "given"
    given_file.write_text("c=file\nd=file")
    environment = {"DIGDAG_CONFIG_HOME": str(tmp_path), "DIGDAG_CONFIG": "b=environment\nc=environment\ne=environment"}

    found = load_properties(environment)
    assert found == {"a": "home", "b": "environment", "c": "environment", "e": "environment"}
    assert found.positions["a"] == Position(str(tmp_path / "config"), 1, 1)
    assert found.positions["b"] == Position("DIGDAG_CONFIG", 1, 1)

    found = load_properties(environment, given_file, {"d": "system", "e": "system"})
    assert found == {"b": "environment", "c": "file", "d": "file", "e": "system"}


def test_files_are_latin_1(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes("a=é\nb=\\u65e5".encode("latin-1"))
    assert load_properties({"DIGDAG_CONFIG_HOME": str(tmp_path)}) == {"a": "é", "b": "日"}
    assert load_properties({"DIGDAG_CONFIG_HOME": str(tmp_path / "none"), "DIGDAG_CONFIG": "a=日"}) == {"a": "日"}


def test_a_given_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(DigdagError) as caught:
        load_properties({"DIGDAG_CONFIG_HOME": str(tmp_path)}, tmp_path / "none")
    assert caught.value.error_message == f"{tmp_path / 'none'} (no such file)"
    with pytest.raises(DigdagError, match="Is a directory"):
        load_properties({"DIGDAG_CONFIG_HOME": str(tmp_path)}, tmp_path)


def escaped(text: str) -> str:
    return "".join(f"\\u{unit[0]:02x}{unit[1]:02x}" for unit in zip(*[iter(text.encode("utf-16-be"))] * 2, strict=True))


TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.dictionaries(TEXTS, TEXTS, max_size=6))
def test_escaped_texts_are_read_as_they_were(values: dict[str, str]) -> None:
    text = "\n".join(f"{escaped(key)}={escaped(value)}" for key, value in values.items())
    found = parse_properties(text, "config")
    assert {key: value for key, value in found.items() if key or "" in values} == values


PLAIN = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\\\r\n"), min_size=1, max_size=20)


@given(st.lists(PLAIN, min_size=1, max_size=4))
def test_continued_lines_are_one(parts: list[str]) -> None:
    text = "key=" + "\\\n \t".join(parts)
    blanks = " \t\f"
    assert parse_properties(text, "config") == {"key": "".join(part.lstrip(blanks) for part in parts)}


@given(st.text(alphabet="ab=: \t\f\n\r\\#!u0é", max_size=30))
def test_any_text_gives_texts_or_one_error(text: str) -> None:
    try:
        found = parse_properties(text, "config")
    except DigdagError as error:
        assert error.position
    else:
        assert found.keys() == found.positions.keys()
