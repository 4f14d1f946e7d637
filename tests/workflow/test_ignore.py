"""`.digdagignore`."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.workflow.ignore import Ignore


@pytest.mark.parametrize(
    ("text", "path", "is_ignored"),
    [
        ("", "a.dig", False),
        ("", ".a.dig", True),
        ("", ".git/config", True),
        ("a.dig", "a.dig", True),
        ("a.dig", "sub/a.dig", True),
        ("/a.dig", "sub/a.dig", False),
        ("/a.dig", "a.dig", True),
        ("*.dig", "a.dig", True),
        ("*.dig", "a.digs", False),
        ("a?.dig", "ab.dig", True),
        ("a?.dig", "a.dig", False),
        ("[ab].dig", "b.dig", True),
        ("[!ab].dig", "b.dig", False),
        ("[!ab].dig", "c.dig", True),
        ("[", "[", True),
        ("sub/", "sub", False),
        ("sub/", "sub/a.dig", True),
        ("sub", "sub/deep/a.dig", True),
        ("sub/*.sql", "sub/a.sql", True),
        ("sub/*.sql", "sub/deep/a.sql", False),
        ("sub/*.sql", "other/sub/a.sql", False),
        ("sub/**", "sub/deep/a.sql", True),
        ("**/a.sql", "a.sql", True),
        ("**/a.sql", "x/y/a.sql", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("# a.dig", "# a.dig", False),
        ("\\#a", "#a", True),
        ("a.dig  ", "a.dig", True),
        ("*.dig\n!keep.dig", "keep.dig", False),
        ("!keep.dig\n*.dig", "keep.dig", True),
        ("a.b", "axb", False),
    ],
)
def test_rules(text: str, path: str, is_ignored: bool) -> None:
    assert Ignore(text).ignores(path) is is_ignored


def test_rules_for_directories() -> None:
    assert Ignore("sub/").ignores("sub", is_directory=True)


@pytest.mark.parametrize(("text", "is_ignored"), [("a.dig\n", True), (None, False)])
def test_rules_of_a_project(tmp_path: Path, text: str | None, is_ignored: bool) -> None:
    if text is not None:
        (tmp_path / ".digdagignore").write_text(text)

    assert Ignore.of(tmp_path).ignores("a.dig") is is_ignored


@given(st.text("ab*?[]!/\\#- .\n"), st.text("ab/.*[", min_size=1))
def test_any_text_is_taken(text: str, path: str) -> None:
    assert Ignore(text).ignores(path) in (True, False)
