"""`!include` (core 1.4), and files that cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from digdag_tui.workflow.errors import DigdagError, Position
from digdag_tui.workflow.include import load_file
from digdag_tui.workflow.sources import FileError, YamlError


def write(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def load(directory: Path, files: dict[str, str]) -> Any:
    write(directory, files)
    return load_file(directory / "main.dig", directory)


def error_of(directory: Path, files: dict[str, str]) -> DigdagError:
    with pytest.raises(DigdagError) as caught:
        load(directory, files)
    return caught.value


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"main.dig": "!include : a.yml", "a.yml": "x: 1"}, {"x": 1}),
        ({"main.dig": "!include anything : a.yml", "a.yml": "x: 1"}, {"x": 1}),
        ({"main.dig": "a: 1\n!include : i.yml\nz: 2", "i.yml": "m: 3"}, {"a": 1, "m": 3, "z": 2}),
        (
            {"main.dig": "m: {x: 1, n: {a: 1}}\n!include : i.yml", "i.yml": "m: {y: 2, n: {a: 2, b: 3}}"},
            {"m": {"x": 1, "n": {"a": 2, "b": 3}, "y": 2}},
        ),
        ({"main.dig": "m: {x: 1}\n!include : i.yml", "i.yml": "m: [1]"}, {"m": [1]}),
        ({"main.dig": "!include : i.yml\nm: {y: 2}", "i.yml": "m: {x: 1}\nk: 1"}, {"m": {"y": 2}, "k": 1}),
        ({"main.dig": "!include : 123", "123": "x: 1"}, {"x": 1}),
        ({"main.dig": "!include : null", "null": "x: 1"}, {"x": 1}),
        ({"main.dig": "!include : ${n}.yml", "${n}.yml": "x: 1"}, {"x": 1}),
        ({"main.dig": "l: [{!include : a.yml}]", "a.yml": "x: 1"}, {"l": [{"x": 1}]}),
        (
            {"main.dig": "!include : a/b.yml", "a/b.yml": "!include : c.yml", "a/c.yml": "x: 1", "c.yml": "x: 2"},
            {"x": 1},
        ),
        (
            {"main.dig": "m:\n  !include : a.yml\n  !include : b.yml", "a.yml": "x: 1", "b.yml": "y: 2"},
            {"m": {"x": 1, "y": 2}},
        ),
        ({"main.dig": "a: &a\n  !include : i.yml\nb: *a", "i.yml": "x: 1"}, {"a": {"x": 1}, "b": {"x": 1}}),
        ({"main.dig": "!include : sub/a.yml", "sub/a.yml": "!include : ../sub2/b.yml", "sub2/b.yml": "x: 1"}, {"x": 1}),
    ],
)
def test_include(tmp_path: Path, files: dict[str, str], expected: dict[str, Any]) -> None:
    config = load(tmp_path, files)

    assert config == expected
    assert list(config) == list(expected)


def test_included_keys_keep_their_own_place(tmp_path: Path) -> None:
    config = load(tmp_path, {"main.dig": "m: {x: 1}\n\n!include : sub/i.yml", "sub/i.yml": "m:\n  y: 2"})

    assert config.positions == {"m": Position("sub/i.yml", 1, 1)}
    assert config["m"].positions == {"x": Position("main.dig", 1, 5), "y": Position("sub/i.yml", 2, 3)}


def test_collection_as_path_leaves_a_junk_key(tmp_path: Path) -> None:
    (key,) = load(tmp_path, {"main.dig": "!include : [a]"})

    assert key.startswith("!include:")


def test_sources_are_told(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "!include : sub/i.yml", "sub/i.yml": "!include : nowhere.yml"})
    sources: set[Path] = set()

    with pytest.raises(FileError):
        load_file(tmp_path / "main.dig", tmp_path, sources)

    assert {path.relative_to(tmp_path).as_posix() for path in sources} == {"main.dig", "sub/i.yml", "sub/nowhere.yml"}


@pytest.mark.parametrize(
    ("files", "message", "position"),
    [
        ({"main.dig": "a: 1\n!include : ../x.yml"}, "File name must not include ..: ../x.yml", ("main.dig", 2, 1)),
        ({"main.dig": "!include : /etc/hostname"}, "File name must not include ..: /etc/hostname", ("main.dig", 1, 1)),
        ({"main.dig": "a: 1\n!include : nowhere.yml"}, "{}/nowhere.yml", ("main.dig", 2, 1)),
        ({"main.dig": "a:\n  b: !include c.yml", "c.yml": "x: 1"}, "{}/!include:1", ("main.dig", 2, 3)),
        ({"main.dig": "a: [!include c.yml]", "c.yml": "x: 1"}, "{}/!include:1", ("main.dig", 1, 1)),
        ({"main.dig": "!include : sub", "sub/x": ""}, "Is a directory", ("main.dig", 1, 1)),
        ({"main.dig": '!include : "\\0"'}, "embedded null byte", ("main.dig", 1, 1)),
        ({"main.dig": "!include : main.dig"}, "main.dig includes itself", ("main.dig", 1, 1)),
        (
            {"main.dig": "!include : i.yml", "i.yml": "- 1"},
            "Expected object to load Config but got [1]",
            ("i.yml", 1, 1),
        ),
        ({"main.dig": "!include : i.yml", "i.yml": "a: 1\na: 2"}, "Duplicated keys: [a]", ("i.yml", 2, 1)),
    ],
)
def test_errors(tmp_path: Path, files: dict[str, str], message: str, position: tuple[str, int, int]) -> None:
    error = error_of(tmp_path, files)

    assert message.format(tmp_path) in error.message
    assert error.position == Position(*position)


def test_file_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        load_file(tmp_path / "main.dig", tmp_path)

    assert caught.value.error_message == f"{tmp_path}/main.dig (no such file)"
    assert str(caught.value.problem) == "main.dig:1:1: error: File does not exist: main.dig"


def test_directory_instead_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        load_file(tmp_path)

    assert caught.value.problem.message == f"Is a directory, not a file: {tmp_path}"


def test_file_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "main.dig").write_bytes("+a:\n  echo>: é".encode() + b"\xe9\n")

    assert load_file(tmp_path / "main.dig", tmp_path) == {"+a": {"echo>": "é\ufffd"}}


def test_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "main.dig").write_bytes(b"\xef\xbb\xbf+a: {}\n")

    assert load_file(tmp_path / "main.dig", tmp_path).positions == {"+a": Position("main.dig", 1, 1)}


def test_positions_outside_of_the_project_have_the_path_as_given(tmp_path: Path) -> None:
    write(tmp_path, {"params.yml": "a: 1", "broken.yml": "a: ["})

    assert load_file(tmp_path / "params.yml", tmp_path / "project").positions["a"].file == f"{tmp_path}/params.yml"
    with pytest.raises(YamlError, match=r"expected the node content"):
        load_file(tmp_path / "broken.yml")
