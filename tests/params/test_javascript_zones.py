"""Time zones as the scripts get them."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.params.javascript.zones import periods
from digdag_tui.workflow.errors import ConfigError

HOUR = 3600 * 1000


def at(zone: dict[str, Any], key: str, time: int) -> Any:
    return zone[key][max(0, bisect_right(zone["starts"], time) - 1)]


@given(
    st.sampled_from(
        ["America/New_York", "Europe/Dublin", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]
    ),
    st.integers(-2_000_000_000, 3_000_000_000),
)
def test_offsets_are_those_of_the_zone(name: str, seconds: int) -> None:
    expected = datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(name)).utcoffset()
    assert expected is not None
    assert at(periods(name), "offsets", seconds * 1000) == expected.total_seconds() * 1000


@pytest.mark.parametrize(
    ("name", "standard", "winter", "summer"),
    [
        ("UTC", 0, 0, 0),
        ("Asia/Tokyo", 9, 0, 0),
        ("America/New_York", -5, 0, 1),
        ("Europe/London", 1, 0, 1),  # in 1970 London kept summer time all year
        ("Europe/Dublin", 1, 0, 1),
    ],
)
def test_standard_time_is_that_of_1970(name: str, standard: int, winter: int, summer: int) -> None:
    zone: dict[str, Any] = periods(name)
    january, july = (int(datetime(2026, month, 15, tzinfo=UTC).timestamp()) * 1000 for month in (1, 7))
    assert zone["standard"] == standard * HOUR
    assert (at(zone, "savings", january), at(zone, "savings", july)) == (winter * HOUR, summer * HOUR)


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("+09:00", 9),
        ("-03:00", -3),
        ("+9", 9),
        ("+0530", 5.5),
        ("UTC+09:00", 9),
        ("GMT-1", -1),
        ("Z", 0),
        ("UT", 0),
        ("", 0),
    ],
)
def test_fixed_offsets_are_zones(name: str, offset: float) -> None:
    assert periods(name)["offsets"] == [offset * HOUR]


@pytest.mark.parametrize("name", ["Mars/Olympus", "../UTC", "Asia", "x" * 300, "a\0b"])
def test_an_unknown_zone_is_one_sentence(name: str) -> None:
    with pytest.raises(ConfigError, match="Unknown time-zone ID: "):
        periods(name)
