"""Durations (operators 3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.operators.durations import duration_text, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1d 2h 3m 4s", 93_784),
        ("1D2H3M4S", 93_784),
        (" 90 s ", 90),
        ("1h\n30m", 5400),
        ("0s", 0),
        ("36h", 129_600),
    ],
)
def test_a_duration(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", " ", "90", "4s 3m", "1d 1d", "1.5h", "-1s", "1 week", "9" * 5000 + "s", " " * 10_000 + "x", "1d" * 9999],
)
def test_no_duration(text: str) -> None:
    with pytest.raises(ValueError):
        parse_duration(text)


@given(st.integers(1, 10**9))
def test_a_duration_is_written_as_it_is_read(seconds: int) -> None:
    assert parse_duration(duration_text(seconds)) == seconds
