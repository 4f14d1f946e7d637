"""Time zones by Java's zone ids: regions, `UTC`, `UTC+9`, `GMT-03:30`, `+09:00`, `Z` (core 2)."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import lru_cache

from .errors import ConfigError

_OFFSET = re.compile(
    r"(?P<prefix>UTC|GMT|UT|)(?P<sign>[+-])"
    r"(?:(?P<h>[0-9])|(?P<hh>[0-9]{2})(?:(?P<colon>:?)(?P<mm>[0-5][0-9])(?:(?P=colon)(?P<ss>[0-5][0-9]))?)?)"
)
_REGION = re.compile(r"[A-Z][A-Za-z0-9~/._+-]+")
_NOT_IN_JAVA = {"Factory", "EST", "HST", "MST", "ROC", "US/Pacific-New"}
_LONGEST_OFFSET = timedelta(hours=18)


@lru_cache(maxsize=64)
def zone(timezone_id: str) -> tzinfo:
    """The zone that Java knows by `timezone_id`.

    Raises:
        ConfigError: it is none, "Unknown time zone name: <id>".
    """
    if timezone_id in ("Z", "UTC", "UT", "GMT"):
        return UTC
    fixed = _OFFSET.fullmatch(timezone_id)
    if fixed:
        return timezone(_offset(timezone_id, fixed))
    if not _REGION.fullmatch(timezone_id) or timezone_id in _NOT_IN_JAVA:
        raise _unknown(timezone_id)
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(timezone_id)
    except (KeyError, ValueError, OSError):
        raise _unknown(timezone_id) from None


def zone_id(timezone_id: str) -> str:
    """The id as Java prints it: `+9` is `+09:00`, `UTC-0` is `UTC`, `+00:00` is `Z`.

    Raises:
        ConfigError: it is none.
    """
    fixed = _OFFSET.fullmatch(timezone_id)
    if not fixed:
        zone(timezone_id)
        return timezone_id
    seconds = int(_offset(timezone_id, fixed).total_seconds())
    if seconds == 0:
        return fixed["prefix"] or "Z"
    hours, rest = divmod(abs(seconds), 3600)
    text = f"{fixed['prefix']}{fixed['sign']}{hours:02}:{rest // 60:02}"
    return f"{text}:{rest % 60:02}" if rest % 60 else text


def _offset(timezone_id: str, fixed: re.Match[str]) -> timedelta:
    hours, minutes, seconds = (int(part or 0) for part in (fixed["h"] or fixed["hh"], fixed["mm"], fixed["ss"]))
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if offset > _LONGEST_OFFSET:
        raise _unknown(timezone_id)
    return -offset if fixed["sign"] == "-" else offset


def _unknown(timezone_id: str) -> ConfigError:
    return ConfigError(
        f"Unknown time zone name: {timezone_id}", hint="a zone is a region such as Asia/Tokyo, UTC, or an offset +09:00"
    )
