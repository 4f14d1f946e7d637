"""Dates and times of a database as Java's `java.sql` classes have them: epoch milliseconds and text (operators 5.4)."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from msgspec import Struct

from ..workflow.errors import ConfigError
from ..workflow.zones import zone

_MOMENT = re.compile(
    r"(?:(?P<date>(\d+)-(\d\d)-(\d\d)))?[ ]?"
    r"(?:(\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?"
    r"(?:(?P<sign>[+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?(?P<era> BC)?"
)
_DAY = 86_400
_FIRST_GREGORIAN = (1582, 10, 15)
_FIRST_ZONED = -2_208_988_800
"""Seconds of the year 1900; Java's zones have one offset before it."""
_INFINITIES = {"infinity": 9_223_372_036_825_200_000, "-infinity": -9_223_372_036_832_400_000}


class JavaDate(Struct, frozen=True):
    """A `java.sql.Date`, `Time` or `Timestamp`."""

    milliseconds: int
    text: str


@lru_cache(maxsize=1)
def local_zone_name() -> str:
    """The machine's zone, `UTC` where it cannot be told; Java's default zone."""
    for name in (os.environ.get("TZ", "").removeprefix(":"), _zone_of_localtime()):
        try:
            zone(name)
        except ConfigError:
            continue
        return name
    return "UTC"


def local_zone() -> tzinfo:
    """The machine's zone."""
    return zone(local_zone_name())


def java_date(text: str, local: tzinfo) -> JavaDate:
    """A `date` of PostgreSQL, midnight in the local zone."""
    date = java_timestamp(text, local)
    return JavaDate(date.milliseconds, date.text.partition(" ")[0][-10:])


def java_timestamp(text: str, local: tzinfo) -> JavaDate:
    """A `timestamp` of PostgreSQL in the local zone, or a `timestamptz` with its own."""
    if text in _INFINITIES:
        seconds, micros = _INFINITIES[text] // 1000, 0
    else:
        year, month, day, clock, micros, offset = _parts(text)
        wall = _days(year, month, day) * _DAY + clock
        seconds = wall - (_standard_offset(wall, local) if offset is None else offset)
    days, clock = divmod(seconds + _offset_at(seconds, local), _DAY)
    year, month, day = _civil(days)
    fraction = f"{micros:06}".rstrip("0") or "0"
    year_of_era = year if year > 0 else 1 - year
    shown = f"{year_of_era:04}-{month:02}-{day:02} {_clock_text(clock)}.{fraction}"
    return JavaDate(seconds * 1000 + micros // 1000, shown)


def java_time(text: str, local: tzinfo) -> str:
    """A `time` of PostgreSQL, or a `timetz` in the local zone, as `Time` prints it: without fractions."""
    *_, clock, _, offset = _parts(text)
    if offset is not None:
        clock += _offset_at(0, local) - offset
    return _clock_text(clock % _DAY)


def _parts(text: str) -> tuple[int, int, int, int, int, int | None]:
    """Year (0 is 1 BC), month, day, second of the day, microseconds and the offset in seconds."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(f"no date or time: {text}")
    _, year, month, day, hour, minute, second, fraction, sign, *zone_parts, era = found.groups()
    clock = (int(hour or 0) * 60 + int(minute or 0)) * 60 + int(second or 0)
    offset = None
    if sign:
        hours, minutes, seconds = (int(part or 0) for part in zone_parts)
        offset = ((hours * 60 + minutes) * 60 + seconds) * (-1 if sign == "-" else 1)
    number = int(year or 1970)
    return (
        1 - number if era else number, int(month or 1), int(day or 1), clock, int(f"{fraction or 0:0<6}"), offset
    )  # fmt: skip


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970 in Java's calendar, which is Julian before 15 October 1582."""
    gregorian = (year, month, day) >= _FIRST_GREGORIAN
    years, months = year + 4800 - (month < 3), (month + 9) % 12
    days = day + (153 * months + 2) // 5 + 365 * years + years // 4 - 1
    return days - years // 100 + years // 400 - 2_472_632 if gregorian else days - 2_472_670


def _civil(days: int) -> tuple[int, int, int]:
    """The date of Java's calendar that `_days` counts."""
    shifted = days + 2_472_632
    if days >= -141_427:
        century = (4 * shifted + 3) // 146_097
        shifted, years = shifted - 146_097 * century // 4, 100 * century
    else:
        shifted, years = shifted + 38, 0
    year = (4 * shifted + 3) // 1461
    rest = shifted - 1461 * year // 4
    months = (5 * rest + 2) // 153
    return years + year - 4800 + (months > 9), (months + 2) % 12 + 1, rest - (153 * months + 2) // 5 + 1


def _standard_offset(wall: int, local: tzinfo) -> int:
    """The offset in seconds at a local time; where clocks change, standard time counts."""
    if wall < _FIRST_ZONED:
        return _offset_at(wall, local)
    moment = _datetime(wall).replace(tzinfo=local)
    return min(_seconds(moment.replace(fold=fold).utcoffset()) for fold in (0, 1))


def _offset_at(seconds: int, local: tzinfo) -> int:
    """The offset in seconds at a moment."""
    if seconds < _FIRST_ZONED:
        return min(_seconds(datetime(2020, month, 1, tzinfo=local).utcoffset()) for month in (1, 7))
    return _seconds(_datetime(seconds).replace(tzinfo=UTC).astimezone(local).utcoffset())


def _datetime(seconds: int) -> datetime:
    """The moment, or the last that Python can move to any zone."""
    return datetime(1970, 1, 1) + timedelta(seconds=min(seconds, 253_402_128_000))


def _seconds(offset: timedelta | None) -> int:
    return int((offset or timedelta()).total_seconds())


def _clock_text(clock: int) -> str:
    return f"{clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}"


def _zone_of_localtime() -> str:
    try:
        return os.readlink("/etc/localtime").partition("zoneinfo/")[2]
    except OSError:
        return ""
