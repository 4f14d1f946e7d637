"""The two ways of a schedule to place its sessions: a cron pattern and an interval (core 8.1). Times are in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from .cron import CronPattern

NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Session and run time of a schedule that has ended."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND, _MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class CronTimes:
    """Sessions at the times of a pattern in `zone`, run `delay` seconds later, from `start` until before `end`."""

    pattern: CronPattern
    zone: tzinfo
    delay: int
    start: datetime | None = None
    end: datetime | None = None

    def first(self, now: datetime) -> datetime:
        seconds = now.replace(microsecond=0)
        return self.next((seconds - _SECOND if seconds == now else seconds) - timedelta(seconds=self.delay))

    def next(self, time: datetime) -> datetime:
        session = self._match_after(time)
        run = session + timedelta(seconds=self.delay)
        if self.end and self.end <= run:
            return NEVER
        if self.start and run < self.start:
            return self._match_after(self.start - _SECOND)
        return session

    def last(self, time: datetime) -> datetime:
        """The session before `time`, whatever start and end say.

        Digdag steps back by two of the next interval and goes forward again. Without a match on the way the place that
        it stepped back to is the result, although the pattern does not match there.
        """
        following = self._match_after(time)
        found = time - 2 * (self._match_after(following) - following)
        while (session := self._match_after(found)) < time:
            found = session
        return found

    def _match_after(self, time: datetime) -> datetime:
        return self.pattern.next(time, self.zone)


@dataclass(frozen=True, slots=True)
class IntervalTimes:
    """Sessions at the multiples of an interval since the epoch."""

    interval: timedelta

    def first(self, now: datetime) -> datetime:
        return self.next(now - _MICROSECOND)

    def next(self, time: datetime) -> datetime:
        return self._at_or_before(time) + self.interval

    def last(self, time: datetime) -> datetime:
        return self._at_or_before(time - _MICROSECOND)

    def _at_or_before(self, time: datetime) -> datetime:
        return _EPOCH + (time - _EPOCH) // self.interval * self.interval
