from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.workflow.errors import ConfigError
from digdag_tui.workflow.zones import zone, zone_id


@pytest.mark.parametrize(
    ("given_id", "java_id", "minutes"),
    [
        ("UTC", "UTC", 0),
        ("GMT", "GMT", 0),
        ("UT", "UT", 0),
        ("Z", "Z", 0),
        ("GMT0", "GMT0", 0),
        ("Etc/UTC", "Etc/UTC", 0),
        ("Zulu", "Zulu", 0),
        ("Asia/Tokyo", "Asia/Tokyo", 540),
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires", -180),
        ("Etc/GMT+9", "Etc/GMT+9", -540),
        ("EST5EDT", "EST5EDT", -300),
        ("+9", "+09:00", 540),
        ("-09", "-09:00", -540),
        ("+0930", "+09:30", 570),
        ("+09:30", "+09:30", 570),
        ("+09:30:00", "+09:30", 570),
        ("+093015", "+09:30:15", 570.25),
        ("+18:00", "+18:00", 1080),
        ("+00:00", "Z", 0),
        ("-00:00", "Z", 0),
        ("UTC+9", "UTC+09:00", 540),
        ("GMT-03:30", "GMT-03:30", -210),
        ("UT-0330", "UT-03:30", -210),
        ("UTC-0", "UTC", 0),
        ("GMT+00:00", "GMT", 0),
    ],
)
def test_ids_of_java(given_id: str, java_id: str, minutes: float) -> None:
    assert zone_id(given_id) == java_id
    assert zone(given_id).utcoffset(datetime(2026, 1, 31)) == timedelta(minutes=minutes)
    assert zone(java_id).utcoffset(datetime(2026, 1, 31)) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text",
    [
        "", "JST", "PST", "EST", "HST", "MST", "ROC", "utc", "z", "asia/tokyo", "Mars/Olympus", "Asia", "zone.tab",
        "posix/Asia/Tokyo", "right/UTC", "posixrules", "localtime", "Factory", "../etc/passwd", "/etc/passwd",
        "Asia//Tokyo", "Asia/Tokyo/", " UTC", "UTC ", "UTC+", "UTC+18:30", "+18:01", "+9:30", "+09:0", "+09:60",
        "+09:0030", "+0900:30", "UTC+9:00", "GMT09", "+", "A", "${zone}", "UTC+09:00\n", "\0",
    ],
)  # fmt: skip
def test_other_ids_are_refused(text: str) -> None:
    for read in (zone, zone_id):
        with pytest.raises(ConfigError) as caught:
            read(text)
        assert caught.value.message == f"Unknown time zone name: {text}"


@given(st.text(max_size=20))
def test_any_text_is_a_zone_or_gives_one_error(text: str) -> None:
    try:
        found = zone(text)
    except ConfigError as error:
        assert text in error.message
    else:
        assert datetime(2026, 1, 31, tzinfo=UTC).astimezone(found).utcoffset() is not None
        assert zone_id(zone_id(text)) == zone_id(text)
