"""`sla`: when a workflow is late, and the tasks that run then (core 5.8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from ..workflow.compiler import compile_generated
from ..workflow.config import Config, Params, position_of
from ..workflow.convert import read_bool, read_map, read_optional_string
from ..workflow.definition import TaskDefinition
from ..workflow.errors import ConfigError
from ..workflow.zones import zone

_NUMBER: Final = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_OPTIONS: Final = ("time", "duration", "alert", "fail")
_MESSAGE: Final = "SLA violation"


def sla_time(config: Params, timezone: str, now: float) -> float | None:
    """When the `sla` of a workflow's `config` is violated, for a run that begins `now`, in seconds since the epoch.

    Raises:
        ConfigError: it has no form that Digdag takes.
    """
    if "sla" not in config:
        return None
    sla = read_map(config, "sla")
    time, duration = read_optional_string(sla, "time"), read_optional_string(sla, "duration")
    if (time is None) is (duration is None):
        raise ConfigError(
            "SLA must be specified using either the 'time' or 'duration' option",
            position=position_of(config, "sla"),
            hint="give one of them, such as time: 05:00 or duration: 01:30",
        )
    option, text = ("duration", duration) if time is None else ("time", time)
    parts = (text or "").rstrip(":").split(":")
    if not 2 <= len(parts) <= 3 or not all(_NUMBER.fullmatch(part) for part in parts):
        shown = "Optional.absent()" if time is None else f"Optional.of({time})"
        raise ConfigError(
            f"SLA {option} option needs to be HH:MM or HH:MM:SS format: {shown}",
            position=position_of(sla, option),
            hint="such as 05:00 or 05:00:30",
        )
    hours, minutes, seconds = (*map(int, parts), 0)[:3]
    try:
        length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        return now + length.total_seconds() if time is None else _next_clock_time(length, timezone, now)
    except OverflowError:
        raise ConfigError(f"SLA {option} is out of range: {text}") from None


def sla_tasks(root_name: str, sla: Params, complain: Callable[[ConfigError], None]) -> Iterator[list[TaskDefinition]]:
    """The trees of tasks that a violated `sla` adds below the root: the alert, the failure, its own tasks.

    `complain` hears of options that are no booleans, which count as not given.

    Raises:
        ConfigError: its own tasks do not compile, after the other trees.
    """

    def wants(option: str, default: bool) -> bool:
        try:
            return read_bool(sla, option, default)
        except ConfigError as error:
            complain(error)
            return default

    if wants("alert", True):
        yield compile_generated(root_name, "^sla^alert", {"_type": "notify", "_command": _MESSAGE})
    if wants("fail", False):
        yield compile_generated(root_name, "^sla^fail", {"_type": "fail", "_command": _MESSAGE})
    own = sla if isinstance(sla, Config) else Config(sla)
    yield compile_generated(root_name, "^sla", own.without(*_OPTIONS))


def _next_clock_time(clock: timedelta, timezone: str, now: float) -> float:
    """Today at `clock`, which may be more than a day, or 24 hours later if that is over."""
    today = datetime.fromtimestamp(now, UTC).astimezone(zone(timezone))
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    at = (midnight + clock).replace(tzinfo=today.tzinfo).timestamp()
    return at if at >= now else at + 24 * 3600
