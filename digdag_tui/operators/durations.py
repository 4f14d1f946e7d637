"""Durations as Digdag writes them, such as `1d 2h 3m 4s` (operators 3, wait)."""

from __future__ import annotations

import re

from ..workflow.convert import Section, mismatch, optional_type

_TYPE = "io.digdag.util.DurationParam"
_DURATION = re.compile(
    r"\s*(?:(\d+)\s*d\s*)?(?:(\d+)\s*h\s*)?(?:(\d+)\s*m\s*)?(?:(\d+)\s*s\s*)?", re.IGNORECASE | re.ASCII
)


def read_duration(config: Section, key: str, default: int) -> int:
    """The seconds of a duration.

    Raises:
        ConfigError: it is no duration.
    """
    seconds = _read(config, key, f"class {_TYPE}")
    return default if seconds is None else seconds


def read_optional_duration(config: Section, key: str) -> int | None:
    """The seconds of a duration, or None.

    Raises:
        ConfigError: it is no duration.
    """
    return _read(config, key, optional_type(_TYPE))


def parse_duration(text: str) -> int:
    """Seconds.

    Raises:
        ValueError: the text is no duration.
    """
    found = _DURATION.fullmatch(text)
    if found is None or found.lastindex is None:
        raise ValueError("Invalid duration")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def duration_text(seconds: int) -> str:
    """`seconds` as Digdag's messages have them, such as `2d` or `1m 30s`."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return " ".join(f"{n}{unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")) if n)


def _read(config: Section, key: str, expected: str) -> int | None:
    value = config.get(key)
    try:
        return None if value is None else parse_duration(value)
    except (ValueError, TypeError):
        raise mismatch(config, key, expected, "a duration is written like 1d 2h 3m 4s") from None
