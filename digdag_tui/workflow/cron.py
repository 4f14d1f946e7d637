"""Cron patterns and their next times, by the rules of cron4j, the library that Digdag uses (core 8.1)."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from .errors import ConfigError, Position
from .session_time import month_length

LAST_DAY: Final = 32
"""`L` in a day-of-month field."""

_MINUTE = timedelta(minutes=1)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_INTEGER = re.compile(r"[+-]?\d{1,4000}")


class InvalidPatternError(ConfigError):
    """cron4j's InvalidPatternException."""

    kind = "invalid pattern"


class _Invalid(Exception):
    """Why a part of a field is no such part; the message is cron4j's."""


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the five fields; `names` stand for the numbers from `low` on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def value(self, text: str) -> int:
        try:
            number = self._number(text)
        except _Invalid:
            if not self.names:
                raise
            if text.lower() not in self.names:
                raise _Invalid(f'invalid alias "{text}"') from None
            number = self.names.index(text.lower()) + self.low
        return number % 7 if self.names is _WEEKDAYS else number

    def _number(self, text: str) -> int:
        if self.name == "days of month" and text in ("L", "l"):
            return LAST_DAY
        number = java_int(text)
        if number is None:
            raise _Invalid("invalid integer value")
        if not self.low <= number <= self.high:
            raise _Invalid("value out of range")
        return number

    def values(self, text: str) -> frozenset[int]:
        """The values that a field of a pattern stands for."""
        if text == "*":
            return frozenset(range(self.low, self.high + 1))
        found: set[int] = set()
        for element in _tokens(text, ","):
            try:
                found.update(self._element(element))
            except _Invalid as error:
                raise _Invalid(f'invalid field "{text}", invalid element "{element}", {error}') from None
        if not found:
            raise _Invalid(f'invalid field "{text}"')
        return frozenset(found)

    def _element(self, text: str) -> list[int]:
        parts = _tokens(text, "/")
        if len(parts) not in (1, 2):
            raise _Invalid("syntax error")
        try:
            values = self._range(parts[0])
        except _Invalid as error:
            raise _Invalid(f"invalid range, {error}") from None
        return values[:: _divisor(parts[1])] if len(parts) == 2 else values

    def _range(self, text: str) -> list[int]:
        if text == "*":
            return list(range(self.low, self.high + 1))
        ends = _tokens(text, "-")
        if len(ends) not in (1, 2):
            raise _Invalid("syntax error")
        values = []
        for end in ends:
            try:
                values.append(self.value(end))
            except _Invalid as error:
                raise _Invalid(f'invalid value "{end}", {error}') from None
        first, last = values[0], values[-1]
        if first <= last:
            return list(range(first, last + 1))
        return [*range(first, self.high + 1), *range(self.low, last + 1)]


_FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("days of month", 1, 31),
    _Field("months", 1, 12, _MONTHS),
    _Field("days of week", 0, 7, _WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class _Alternative:
    """One pattern of those that `|` separates: the values that each field takes, and its times of day in order."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    times: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, values: Sequence[frozenset[int]]) -> _Alternative:
        minutes, hours, days, months, weekdays = values
        times = tuple((hour, minute) for hour in sorted(hours) for minute in sorted(minutes))
        return cls(minutes, hours, days, months, weekdays, times)

    def matches(self, local: datetime) -> bool:
        return (
            local.minute in self.minutes
            and local.hour in self.hours
            and self._takes_day(local.year, local.month, local.day)
            and local.month in self.months
            and local.isoweekday() % 7 in self.weekdays
        )

    def next(self, local: datetime) -> datetime:
        """The first match from `local` on, as cron4j finds it, in UTC.

        A day that the month does not have (the 31st of April) stands for one of the next month, from which the search
        goes on: `0 0 1,31 * *` has no 1st of March.
        """
        year, month, day, hour, minute = local.year, local.month, local.day, local.hour, local.minute
        while True:
            year, month, day, hour, minute = self._date_and_time(year, month, day, hour, minute)
            time = _instant(year, month, day, hour, minute, local.tzinfo)
            date = time.astimezone(local.tzinfo)
            if (date.year, date.month, date.day) != (year, month, day):
                year, month, day = date.year, date.month, date.day
            elif date.isoweekday() % 7 in self.weekdays:
                return time
            else:
                day, hour, minute = day + 1, 0, 0

    def has_dates(self) -> bool:
        """Whether any month has any of the days."""
        leap_year = 2000
        return any(
            self._takes_day(leap_year, month, day)
            for month in self.months
            for day in range(1, month_length(leap_year, month) + 1)
        )

    def _date_and_time(self, year: int, month: int, day: int, hour: int, minute: int) -> tuple[int, int, int, int, int]:
        """The first day of a month of 31 days, hour and minute from the given ones on that the fields take."""
        while True:
            later = bisect_left(self.times, (hour, minute))
            if later == len(self.times):
                day, later = day + 1, 0
            if day > 31:
                month, day = month + 1, 1
            if month > 12:
                year, month = year + 1, 1
            if not self._takes_day(year, month, day):
                day, hour, minute = day + 1, 0, 0
            elif month not in self.months:
                month, day, hour, minute = month + 1, 1, 0, 0
            else:
                return year, month, day, *self.times[later]

    def _takes_day(self, year: int, month: int, day: int) -> bool:
        return day in self.days or (LAST_DAY in self.days and day == month_length(year, month))


@dataclass(frozen=True, slots=True)
class CronPattern:
    """A cron4j pattern: five fields, or several such patterns separated by `|`; all fields of one must match."""

    text: str
    alternatives: tuple[_Alternative, ...]

    @classmethod
    def parse(cls, text: str, position: Position | None = None) -> CronPattern:
        """Read a pattern.

        Raises:
            InvalidPatternError: it is none.
            ConfigError: it matches no date, so that Digdag would look for its next time for ever.
        """
        patterns = _tokens(text, "|")
        if not patterns:
            raise InvalidPatternError(f'invalid pattern: "{text}"', position=position)
        return cls(text, tuple(_parse_alternative(pattern, position) for pattern in patterns))

    def next(self, after: datetime, zone: tzinfo) -> datetime:
        """The first match after `after`, both aware; the fields mean local time in `zone`.

        Local times that daylight saving skips are moved on by what is skipped; of those that it repeats, the second is
        taken. Only a minute that directly follows `after` is always taken as it is.

        Raises:
            OverflowError, ValueError: there is none before the year 10000.
        """
        time = after.astimezone(UTC).replace(second=0, microsecond=0) + _MINUTE
        local = time.astimezone(zone)
        if any(alternative.matches(local) for alternative in self.alternatives):
            return time
        return min(alternative.next(local) for alternative in self.alternatives)


def java_int(text: str) -> int | None:
    """The integer that Java's `Integer.parseInt` makes of `text`, None where it refuses."""
    number = int(text) if _INTEGER.fullmatch(text) else None
    return number if number is not None and -(2**31) <= number < 2**31 else None


def _parse_alternative(text: str, position: Position | None) -> _Alternative:
    texts = _tokens(text, " \t")
    if len(texts) != len(_FIELDS):
        raise InvalidPatternError(f'invalid pattern: "{text}"', position=position)
    values = []
    for field, part in zip(_FIELDS, texts, strict=True):
        try:
            values.append(field.values(part))
        except _Invalid as error:
            raise InvalidPatternError(
                f'invalid pattern "{text}". Error parsing {field.name} field: {error}.', position=position
            ) from None
    alternative = _Alternative.of(values)
    if not alternative.has_dates():
        raise ConfigError(
            f'pattern "{text}" never matches: no month of it has such a day',
            position=position,
            hint="Digdag would search for its next time for ever",
        )
    return alternative


def _divisor(text: str) -> int:
    divisor = java_int(text)
    if divisor is None:
        raise _Invalid(f'invalid divisor "{text}"')
    if divisor < 1:
        raise _Invalid(f'non positive divisor "{divisor}"')
    return divisor


def _instant(year: int, month: int, day: int, hour: int, minute: int, zone: tzinfo | None) -> datetime:
    """A local time as Java's GregorianCalendar takes it, in UTC; `day` may go beyond the month's end."""
    local = datetime(year, month, 1, hour, minute, tzinfo=zone) + timedelta(days=day - 1)
    return max(local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))


def _tokens(text: str, delimiters: str) -> list[str]:
    return [part for part in re.split(f"[{re.escape(delimiters)}]", text) if part]
