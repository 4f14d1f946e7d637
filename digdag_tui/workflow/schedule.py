"""Schedules: a workflow's `schedule:` section and the sessions that it gives (core 8.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from .config import Config, position_of
from .convert import mismatch, optional_type, read_int, read_long, read_optional_string, read_string
from .cron import CronPattern, InvalidPatternError, java_int
from .definition import WorkflowDefinition
from .errors import ConfigError, Problem
from .keys import hash_order, suggestions
from .schedule_times import NEVER, CronTimes, IntervalTimes
from .session_time import month_length
from .text import json_text
from .zones import zone, zone_id

_KINDS = ("hourly", "daily", "weekly", "monthly", "minutes_interval", "cron", "seconds_interval")
_BUILT_IN_KEYS = ("skip_on_overtime", "skip_delayed_by", "start", "end")
_UNKNOWN_TO_CRON4J = re.compile(r"UTC?[+-].*|.*[+-]..:..:..")
_DATE_SHAPE = re.compile(r"(?:[0-9]{4}(?![0-9])(?:-(?:[0-9]{2}(?:-(?:[0-9]{2})?)?)?)?)?")
_SHORT_MONTHS = {2: "FEBRUARY", 4: "APRIL", 6: "JUNE", 9: "SEPTEMBER", 11: "NOVEMBER"}


class ScheduleTime(NamedTuple):
    """A session of a schedule and when its attempt is started, both in the workflow's zone."""

    session_time: datetime
    run_time: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """A parsed `schedule:`; `delay` is the seconds from session time to run time.

    `warnings` are about keys that nothing reads: `run` logs them, a server refuses the workflow.

    Raises:
        ConfigError: from `first`, `next` and `last`: the time would not lie in the years 1 to 9999.
    """

    timezone: str
    delay: int
    times: CronTimes | IntervalTimes
    warnings: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, workflow: WorkflowDefinition) -> Schedule | None:
        """The schedule of a workflow, None if it has none.

        Raises:
            ConfigError: it is not valid.
        """
        config = workflow.config.get("schedule")
        if config is None:
            return None
        if not isinstance(config, dict):
            raise mismatch(workflow.config, "schedule", optional_type("io.digdag.client.config.Config"))
        return cls.parse(config if isinstance(config, Config) else Config(config), workflow.timezone)

    @classmethod
    def parse(cls, config: Config, timezone: str) -> Schedule:
        """Read a `schedule:` section of a workflow in the zone with the id `timezone`.

        Raises:
            ConfigError: it is not valid, or there is no such zone.
        """
        if "_type" in config:
            kind, used = read_string(config, "_type"), ["_type"]
        else:
            key = _operator_key(config)
            kind, used = key[:-1], ["_type", key, "_command"]
            config = Config({**config, "_command": config[key]}, config.positions)
            if key in config.positions:
                config.positions["_command"] = config.positions[key]
        if kind not in _KINDS:
            hint = "it is one of " + ", ".join(f"{name}>" for name in _KINDS)
            raise _refused(config, f"Unknown scheduler type: {kind}", hint)
        warnings = _unused(config, [*used, *_BUILT_IN_KEYS])
        if kind == "seconds_interval":
            return cls(timezone, read_long(config, "delay", 0), _interval(config), warnings)
        times = _cron_times(kind, config, timezone)
        return cls(timezone, times.delay, times, warnings)

    def first(self, now: datetime) -> ScheduleTime:
        """The first session that is started at `now` or later."""
        return self._timed(self.times.first, now)

    def next(self, time: datetime) -> ScheduleTime:
        """The session after the session time `time`; `NEVER` once the schedule has ended."""
        return self._timed(self.times.next, time)

    def last(self, time: datetime) -> ScheduleTime:
        """The session before the session time `time`, whatever start and end say."""
        return self._timed(self.times.last, time)

    def _timed(self, find: Callable[[datetime], datetime], time: datetime) -> ScheduleTime:
        local = zone(self.timezone)
        try:
            session = find(time.astimezone(UTC))
            run = session if session == NEVER else session + timedelta(seconds=self.delay)
            return ScheduleTime(session.astimezone(local), run.astimezone(local))
        except (OverflowError, ValueError):
            raise ConfigError(f"The schedule has no times in the years 1 to 9999 near {time}") from None


def _operator_key(config: Config) -> str:
    key = next((key for key in config if key.endswith(">")), None)
    if key is None:
        raise ConfigError(
            f"Schedule config requires 'type>: at' parameter: {json_text(config)}",
            position=next(iter(config.positions.values()), None),
            hint="such as daily>: 07:00:00",
        )
    if config[key] is None:
        raise ConfigError(f"Parameter '{key}' is required but null", position=position_of(config, key))
    return key


def _unused(config: Config, used: list[str]) -> tuple[Problem, ...]:
    problems = []
    for key in hash_order(config):
        if key not in used:
            meant = suggestions(key, hash_order(used))
            question = f" > Did you mean '[{', '.join(meant)}]'?" if meant else ""
            message = f"Parameter '{key}' is not used at schedule.{question}"
            problems.append(Problem(message, position_of(config, key), severity="warning", code="unused-key"))
    return tuple(problems)


def _interval(config: Config) -> IntervalTimes:
    seconds = read_int(config, "_command")
    if seconds < 1:
        raise _refused(config, f"seconds_interval>: the interval must be 1 second or more: {seconds}")
    return IntervalTimes(timedelta(seconds=seconds))


def _cron_times(kind: str, config: Config, timezone: str) -> CronTimes:
    if kind == "weekly":
        pattern, delay = _weekly(config)
    else:
        text, delay = _pattern_and_delay(kind, config)
        pattern = CronPattern.parse(text, position_of(config, "_command"))
    start, end = _start(config, timezone), _end(config, timezone)
    if start and end and start >= end:
        raise ConfigError("The schedule of end is earlier than start", position=position_of(config, "end"))
    return CronTimes(pattern, _cron_zone(timezone), delay, start, end)


def _pattern_and_delay(kind: str, config: Config) -> tuple[str, int]:
    """The pattern of the session times, and the seconds from them to the run times."""
    match kind:
        case "cron":
            return read_string(config, "_command"), read_long(config, "delay", 0)
        case "minutes_interval":
            return f"*/{read_int(config, '_command')} * * * *", read_long(config, "delay", 0)
        case "hourly":
            return "0 * * * *", _seconds(config, _at(config), 2, "hourly>: scheduler requires mm:ss format")
        case "daily":
            return "0 0 * * *", _seconds(config, _at(config), 3, "daily> scheduler requires hh:mm:ss format")
        case _:
            text, _, time = _at(config).partition(",")
            day = java_int(text)
            if day is None or "," not in _at(config):
                complaint = "monthly>: scheduler requires day,hh:mm:ss format"
                raise _refused(config, f"{complaint}: {_at(config)}", "such as 1,07:00:00")
            return f"0 0 {day} * *", _seconds(config, time, 3, "monthly> scheduler requires hh:mm:ss format")


def _weekly(config: Config) -> tuple[CronPattern, int]:
    at = _at(config)
    refused = _refused(config, f"weekly>: scheduler requires day,hh:mm:ss format: {at}", "such as Mon,07:00:00")
    day, comma, time = at.partition(",")
    if not comma:
        raise refused
    if (java_int(day.strip()) or 0) < 0:
        raise _refused(config, f"weekly>: invalid day: {day.strip()}", "0 to 7, or Sun to Sat")
    delay = _seconds(config, time.strip(), 3, "weekly> scheduler requires hh:mm:ss format")
    try:
        return CronPattern.parse(f"0 0 * * {day.strip()}"), delay
    except InvalidPatternError:
        raise refused from None


def _at(config: Config) -> str:
    command = read_optional_string(config, "_command")
    return read_string(config, "at") if command is None else command


def _seconds(config: Config, text: str, count: int, complaint: str) -> int:
    """`hh:mm:ss` or `mm:ss` in seconds; numbers have no bounds, and empty parts at the end do not count."""
    parts = [java_int(part) for part in text.rstrip(":").split(":")]
    seconds = 0
    for part in parts:
        if part is None or len(parts) != count:
            raise _refused(config, f"{complaint}: {text}")
        seconds = seconds * 60 + part
    return seconds


def _refused(config: Config, message: str, hint: str | None = None) -> ConfigError:
    position = position_of(config, "_command") or position_of(config, "at") or position_of(config, "_type")
    return ConfigError(message, position=position, hint=hint)


def _cron_zone(timezone: str) -> tzinfo:
    """The zone of the patterns: cron4j takes ids that java.util.TimeZone does not know, as `UTC+09:00`, for GMT."""
    return UTC if _UNKNOWN_TO_CRON4J.fullmatch(zone_id(timezone)) else zone(timezone)


def _start(config: Config, timezone: str) -> datetime | None:
    date = _date(config, "start")
    return date.replace(tzinfo=zone(timezone)) if date else None


def _end(config: Config, timezone: str) -> datetime | None:
    """The midnight after the day of `end`; None if that is beyond `NEVER`."""
    date = _date(config, "end")
    return (date + timedelta(days=1)).replace(tzinfo=zone(timezone)) if date and date.year < NEVER.year else None


def _date(config: Config, key: str) -> datetime | None:
    text = read_optional_string(config, key)
    if text is None:
        return None
    try:
        return _strict_date(text)
    except ValueError as error:
        shown = text if len(text) <= 64 else text[:64] + "..."
        cause = f"java.time.format.DateTimeParseException: Text '{shown}' could not be parsed{error}"
        position = position_of(config, key)
        raise ConfigError(f"Invalid {key}: {text} ({cause})", position=position, hint="such as 2026-01-31") from None


def _strict_date(text: str) -> datetime:
    """A date of the form `yyyy-MM-dd`; errors end Java's sentence "could not be parsed"."""
    shape = _DATE_SHAPE.match(text)
    place = shape.end() if shape else 0
    if place < len("yyyy-MM-dd"):
        raise ValueError(f" at index {place}")
    if place < len(text):
        raise ValueError(f", unparsed text found at index {place}")
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:])
    if year == 0:
        raise ValueError(f": Invalid value for Year (valid values 1 - 9999): {year}")
    if not 1 <= month <= 12:
        raise ValueError(f": Invalid value for MonthOfYear (valid values 1 - 12): {month}")
    if not 1 <= day <= 31:
        raise ValueError(f": Invalid value for DayOfMonth (valid values 1 - 28/31): {day}")
    if day == 29 and month_length(year, month) == 28:
        raise ValueError(f": Invalid date 'February 29' as '{year}' is not a leap year")
    if day > month_length(year, month):
        raise ValueError(f": Invalid date '{_SHORT_MONTHS[month]} {day}'")
    return datetime(year, month, day)
