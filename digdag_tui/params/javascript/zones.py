"""Time zones as `date.js` wants them: as a list of periods, since JavaScript cannot ask Python while it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ...workflow.errors import ConfigError
from ...workflow.zones import zone_id

_FIXED = re.compile(r"(?:UTC|GMT|UT)?(?:([+-])(\d\d?)(?::?(\d\d)(?::?(\d\d))?)?)?|Z")
_FIRST, _END = datetime(1900, 1, 1), datetime(2067, 1, 1)
_STEP = timedelta(days=14)
_YEAR = 400 * 86400 * 1000
_EPOCH = datetime(1970, 1, 1)


@lru_cache(maxsize=16)
def periods(name: str) -> dict[str, object]:
    """The zone `name`, a name that Java's ZoneId.of knows, from 1900 to 2066; times in ms.

    Raises:
        ConfigError: there is no such zone.
    """
    fixed = _FIXED.fullmatch(name)
    if fixed:
        sign, hours, minutes, seconds = fixed.groups(default="0")
        offset = 1000 * (3600 * int(hours) + 60 * int(minutes) + int(seconds)) * (-1 if sign == "-" else 1)
        return {
            "standard": offset,
            "starts": [0],
            "savings": [0],
            "offsets": [offset],
            "names": [zone_id(name or "UTC")],
        }
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"Unknown time-zone ID: {name}", hint="write one like Asia/Tokyo, UTC or +09:00") from None
    found = list(_changes(zone))
    starts = [start for start, *_ in found]
    offsets = [offset for _, offset, _, _ in found]
    savings = _savings(starts, offsets, [saving for _, _, saving, _ in found])
    names = {saving > 0: name for saving, (*_, name) in zip(savings, found, strict=True)}  # Java has two for a zone
    return {
        "standard": _milliseconds(datetime.fromtimestamp(0, zone).utcoffset()),
        "starts": starts,
        "savings": savings,
        "offsets": offsets,
        "names": [names[saving > 0] for saving in savings],
    }


def _changes(zone: tzinfo) -> Iterator[tuple[int, int, int, str]]:
    """Start (UTC), offset, saving and name of each period."""

    def state(local: datetime) -> tuple[timedelta | None, timedelta | None]:
        return zone.utcoffset(local), zone.dst(local)

    def period(start: int, local: datetime) -> tuple[int, int, int, str]:
        return start, _milliseconds(zone.utcoffset(local)), _milliseconds(zone.dst(local)), zone.tzname(local) or ""

    before, last = _FIRST, state(_FIRST)
    yield period(_since_epoch(_FIRST), _FIRST)
    while before < _END:
        after = before + _STEP
        new = state(after)
        if new != last:
            low, high = before, after
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                low, high = (middle, high) if state(middle) == last else (low, middle)
            change = high.replace(microsecond=0)
            # Clocks that a change has set show its moment in the later of the two offsets.
            offset = max(last[0] or timedelta(), state(change)[0] or timedelta())
            yield period(_since_epoch(change - offset), change)
            after, new = change, state(change)
        before, last = after, new


def _savings(starts: list[int], offsets: list[int], savings: list[int]) -> list[int]:
    """Java knows no negative summer time: where winter has one (Dublin), it takes winter for the standard time."""
    fixed = [max(saving, 0) for saving in savings]
    for winter, saving in enumerate(savings):
        for summer in (winter - 1, winter + 1):
            if saving < 0 and 0 <= summer < len(savings) - 1 and starts[summer + 1] - starts[summer] < _YEAR:
                fixed[summer] = offsets[summer] - offsets[winter]
    return fixed


def _since_epoch(utc: datetime) -> int:
    return int((utc - _EPOCH).total_seconds()) * 1000


def _milliseconds(offset: timedelta | None) -> int:
    return int((offset or timedelta()).total_seconds()) * 1000
