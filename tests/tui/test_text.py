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
from digdag_tui.tui.logbook import Excerpt, LogBook
from digdag_tui.tui.outline import outline
from digdag_tui.tui.pages import Line, wrap
from digdag_tui.tui.text import clean, countdown, duration, fit, fit_left, last_state, pad, printed_lines

texts = st.text(st.characters(codec=None), max_size=30)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain [b]x[/b]", "plain [b]x[/b]"), ("\x1b[1;31mred\x1b[0m", "red"), ("\x1b[2J", "␛[2J"), ("a\tb", "a       b"),
     ("日本\tb", "日本    b"), ("\x1b[K50%\x1b[?25l\x1b(B", "50%"),
     ("👨‍👩‍👧 👍🏽 ❤️ e\u0301", "👨👩👧 👍 ❤ e\u0301"), ("a\nb", "a␊b"),
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


def test_what_is_printed_looks_as_in_a_terminal() -> None:
    printed = "10%\r\x1b[K20%\r\n\x1b[32m日本\x1b[0m\tx\na\tb\x07\n12345678\tc"
    assert printed_lines(printed) == ["20%", "日本    x", "a       b␇", "12345678        c"]


@given(st.text(st.characters(codec=None), max_size=30))
def test_lines_at_once_are_lines_alone(text: str) -> None:
    assert printed_lines(text) == [clean(last_state(line)) for line in text.split("\n")]


def test_a_progress_bar_is_one_line_however_long_it_takes() -> None:
    book = LogBook()
    for percent in range(5000):
        book.add(TaskOutput(0.0, 1, f"\r{percent} of 5000"))
    assert [line.text for line in book.lines] == ["4999 of 5000"]


def test_endless_lines_are_broken() -> None:
    book = LogBook()
    book.add(TaskOutput(0.0, 1, "x"))
    book.add(TaskOutput(0.0, 1, "y" * 3 * LogBook.LONGEST + "\n"))
    assert [len(line.text) for line in book.lines] == [LogBook.LONGEST] * 3 + [1]
    assert book.widest == LogBook.LONGEST


def test_a_log_is_bounded_by_its_size_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogBook, "LARGEST", 1000)
    book = LogBook()
    for number in range(100):
        book.add(TaskOutput(0.0, 1, f"{number:099}\n"))
    assert sum(len(text) for text in book.texts) <= 1000
    assert int(book.line(book.end - 1).text) == 99 and book.line(book.dropped).text == f"{book.dropped:099}"


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4)), max_size=40), st.integers(2, 12), st.integers(1, 7))
def test_an_excerpt_has_the_lines_that_are_wanted(adds: list[tuple[int, int]], limit: int, looks: int) -> None:
    """However many lines come between two looks, and whichever are dropped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LogBook, "LIMIT", limit)
        book = LogBook()
        excerpt = Excerpt(book, lambda run: run.task != 2)
        rows = 0
        for number, (task, lines) in enumerate(adds):
            book.add(TaskOutput(float(number // 3), task, "".join(f"{number}.{line}\n" for line in range(lines))))
            if number % looks == 0:
                before = [excerpt.number(row) for row in range(rows)]
                gone = excerpt.take_in()
                rows = excerpt.count
                assert [excerpt.number(row) for row in range(rows)][: len(before) - gone] == before[gone:]
        excerpt.take_in()
        wanted = [line for line in book.lines if line.task != 2]
        assert [excerpt.line(row) for row in range(excerpt.count)] == wanted
        numbers = [excerpt.number(row) for row in range(excerpt.count)]
        assert [excerpt.row_from(number) for number in numbers] == list(range(excerpt.count))
        found = [(row + index, text) for row, _, texts in excerpt.batches(3) for index, text in enumerate(texts)]
        assert found == [(row, line.text) for row, line in enumerate(wanted)]


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
