"""Text from outside as data, and how it fits into cells."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from digdag_tui.debugger.inspect import parse_value
from digdag_tui.engine.events import TaskLogged, TaskOutput
from digdag_tui.tui.editor import as_text
from digdag_tui.tui.lines import Part
from digdag_tui.tui.logbook import LogBook
from digdag_tui.tui.outline import outline
from digdag_tui.tui.pages import Line, wrap
from digdag_tui.tui.text import clean, countdown, duration, fit, fit_left, pad

texts = st.text(st.characters(codec=None), max_size=30)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain [b]x[/b]", "plain [b]x[/b]"), ("\x1b[1;31mred\x1b[0m", "red"), ("\x1b[2J", "␛[2J"), ("a\tb", "a    b"),
     ("\x00\x7f\x9b", "␀␡\\u009b"), ("\u202eevil", "\\u202eevil"), ("\ud800", "\ufffd"), ("値", "値")],
)  # fmt: skip
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(texts)
def test_nothing_alive_is_left(text: str) -> None:
    shown = clean(text)
    assert not any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in shown)
    shown.encode()


@given(texts.map(clean), st.integers(0, 12))
def test_texts_fit(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) <= width
    assert cell_len(fit_left(text, width)) <= width
    assert cell_len(pad(text, width)) == width


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (59.4, "59s"),
        (59.6, "1m00"),
        (61, "1m01"),
        (3600, "1h00"),
        (7260, "2h01"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(-3, "0s"), (0.2, "1s"), (59, "59s"), (59.1, "1m00"), (3600, "1h00")])
def test_countdowns(seconds: float, text: str) -> None:
    assert countdown(seconds) == text


@given(st.text("ab\n\r ", max_size=40), st.data())
def test_output_is_the_same_in_any_pieces(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    whole, pieces = LogBook(), LogBook()
    whole.add(TaskOutput(0.0, 1, text))
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        pieces.add(TaskOutput(0.0, 1, text[start:end]))
    assert pieces.lines == whole.lines
    assert [line.text for line in whole.lines] == [
        line.rstrip("\r").rpartition("\r")[2] for line in text.removesuffix("\n").split("\n")
    ] * bool(text)


def test_lines_of_tasks_side_by_side_stay_apart() -> None:
    book = LogBook()
    for task, text in ((1, "one "), (2, "two "), (1, "and\n"), (2, "more"), (1, "next")):
        book.add(TaskOutput(0.0, task, text))
    book.add(TaskLogged(0.0, 2, "ERROR", "x", "first\nsecond"))
    assert [(line.task, line.level, line.text, line.begins) for line in book.lines] == [
        (1, "", "one and", True), (2, "", "two more", True), (1, "", "next", True),
        (2, "ERROR", "first", True), (2, "ERROR", "second", False),
    ]  # fmt: skip


def test_a_long_log_forgets_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogBook, "LIMIT", 10)
    book = LogBook()
    for number in range(25):
        book.add(TaskOutput(0.0, 1, f"{number}\n"))
    assert book.dropped + len(book.lines) == 25
    assert book.lines[-1].text == "24" and len(book.lines) <= 10


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("a c:#", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(values)
def test_a_value_that_is_edited_and_left_alone_is_the_same(value: object) -> None:
    assert parse_value(as_text(value)) == value


def test_an_outline_reads_like_the_file() -> None:
    value = {
        "a": 1,
        "b": {"c": "x", "d": ["y", {"e": None, "f": True}]},
        "g": "no",
        "h": "1\n2\n",
        "i": {},
        "j": "${k}",
    }
    assert ["".join(text for text, _ in parts) for parts in outline(value)] == [
        "a: 1", "b:", "  c: x", "  d:", "    - y", "    - e: null", "      f: true", 'g: "no"', "h: |", "  1", "  2",
        "i: {}", "j: ${k}",
    ]  # fmt: skip


@given(st.lists(st.tuples(st.text("ab 値", max_size=12), st.just("")), max_size=4), st.integers(4, 20))
def test_wrapping_loses_nothing_and_stays_inside(parts: list[Part], width: int) -> None:
    rows = list(wrap(Line(parts, 2), width))
    assert all(cell_len("".join(text for text, _ in row)) <= width for row in rows)
    joined = "".join(text for row in rows for text, _ in row)
    assert joined.replace(" ", "") == "".join(text for text, _ in parts).replace(" ", "")
