"""Session times: their text, and the one that `run --session` asks for (core 8, cli 2.2)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING

from .errors import ConfigError, DigdagError
from .zones import zone

if TYPE_CHECKING:
    from .schedule import Schedule

_DATE, _TIME = "([0-9]{4})-([0-9]{2})-([0-9]{2})", "([0-9]{2}):([0-9]{2}):([0-9]{2})"
_LOCAL = re.compile(f"{_DATE}(?: {_TIME})?")
_WITH_OFFSET = re.compile(rf"{_DATE}T{_TIME}([+-])([0-9]{{2}}):([0-5][0-9])")
_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LONGEST_OFFSET = timedelta(hours=18)


def format_session_time(time: datetime) -> str:
    """An aware time as Digdag prints it, in its own zone: `2026-01-31T09:00:00+09:00`."""
    return time.isoformat(timespec="seconds")[:25]


def parse_session_time(text: str) -> datetime:
    """The time that `format_session_time` printed.

    Raises:
        ValueError: `text` is no such time.
    """
    found = _WITH_OFFSET.fullmatch(text)
    if not found:
        raise ValueError(text)
    *parts, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    if offset > _LONGEST_OFFSET:
        raise ValueError(text)
    return _local_time(parts).replace(tzinfo=timezone(-offset if sign == "-" else offset))


def month_length(year: int, month: int) -> int:
    """How many days a month has; `month` counts from 1."""
    leap = year % 400 == 0 or (year % 4 == 0 and year % 100 != 0)
    return 29 if month == 2 and leap else _MONTH_LENGTHS[month - 1]


def parse_session(
    expression: str, timezone_id: str, now: datetime, schedule: Schedule | None, last_saved: datetime | None
) -> tuple[datetime, str | None]:
    """What `--session EXPRESSION` means, in the workflow's zone, and the warning that Digdag logs about it.

    Args:
        expression: `hourly`, `daily`, `schedule`, `last`, `yyyy-MM-dd`, `yyyy-MM-dd HH:mm:ss`, or (unlike Digdag) a
            time with its offset such as `2026-01-31T00:00:00+09:00`.
        last_saved: the newest session of the workflow in the status directory.

    Raises:
        ConfigError: `expression` is none of these.
        DigdagError: `schedule` without one.
    """
    workflow_zone = zone(timezone_id)
    local_now = now.astimezone(workflow_zone)
    midnight = {"hour": 0, "minute": 0, "second": 0, "microsecond": 0}
    match expression:
        case "hourly":
            return _truncated(local_now, midnight | {"hour": local_now.hour}), None
        case "daily":
            return _truncated(local_now, midnight), None
        case "schedule" if schedule:
            return _last_of_schedule(schedule, now), None
        case "schedule":
            raise DigdagError("--session schedule is set but schedule is not set to this workflow.")
        case "last" if last_saved:
            time = last_saved.astimezone(workflow_zone)
            return time, f"Reusing the last session time {format_session_time(time)}."
        case "last" if schedule:
            time = _last_of_schedule(schedule, now)
            return time, f"Using a new session time {format_session_time(time)} based on schedule."
        case "last":
            time = _truncated(local_now, midnight)
            return time, f"Using a new session time {format_session_time(time)}."
        case _:
            return _explicit(expression, workflow_zone), None


def _explicit(expression: str, workflow_zone: tzinfo) -> datetime:
    try:
        found = _LOCAL.fullmatch(expression)
        if found:
            time = _local_time(found.groups()).replace(tzinfo=workflow_zone)
        else:
            time = parse_session_time(re.sub("Z$", "+00:00", expression))
        if not 1 < time.year < 9999:
            raise ValueError(expression)
    except (ValueError, OverflowError):
        raise ConfigError(
            f'--session must be hourly, daily, last, "yyyy-MM-dd", or "yyyy-MM-dd HH:mm:SS" format: {expression}',
            hint="also schedule, or a time with its offset such as 2026-01-31T00:00:00+09:00",
        ) from None
    return time.astimezone(UTC).astimezone(workflow_zone)


def _local_time(parts: tuple[str | None, ...] | list[str]) -> datetime:
    """Java's reading: the 31st of a shorter month is its last day, 24:00:00 is midnight of the next day."""
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        raise ValueError(parts)
    date = datetime(year, month, min(day, month_length(year, month)))
    if (hour, minute, second) == (24, 0, 0):
        return date + timedelta(days=1)
    return date.replace(hour=hour, minute=minute, second=second)


def _truncated(local: datetime, fields: dict[str, int]) -> datetime:
    """`local` with `fields` replaced; of a time that daylight saving repeats, the one with the offset of `local`."""
    first, second = (local.replace(**fields, fold=fold) for fold in (0, 1))  # type: ignore[arg-type]
    repeated = (first.utcoffset() or timedelta()) > (second.utcoffset() or timedelta())
    chosen = second if repeated and second.utcoffset() == local.utcoffset() else first
    return chosen.astimezone(UTC).astimezone(local.tzinfo)


def _last_of_schedule(schedule: Schedule, now: datetime) -> datetime:
    return schedule.last(now).session_time.replace(microsecond=0)
