"""`wait>`: let time pass (operators 3)."""

from __future__ import annotations

import time

from ..engine.operator import OperatorContext, OperatorResult, PollingRetry
from ..workflow.config import Params
from ..workflow.convert import read_bool, read_optional_long, read_optional_string, read_string
from ..workflow.errors import ConfigError, DigdagError, TaskRuntimeError
from .durations import parse_duration

_START = "wait_start_time_millis"
_LOGGER = "io.digdag.standards.operator.WaitOperatorFactory$WaitOperator"


async def run(context: OperatorContext) -> OperatorResult:
    """Be done when `_command` has passed since the first call, or with `blocking` after a sleep.

    Raises:
        ConfigError: an option has no form that Digdag takes.
        PollingRetry: the time is not over yet.
    """
    duration, interval = _durations(context.config)
    blocking = read_bool(context.config, "blocking", False)
    if blocking and interval is not None:
        raise ConfigError("poll_interval can't be specified with blocking:true")
    now = int(time.time() * 1000)
    start = read_optional_long(context.state, _START)
    start = now if start is None else start
    left = start + duration * 1000 - now
    if left < 0:
        context.log("INFO", _LOGGER, f"wait finished. start:{_instant(start)}")
        return OperatorResult()
    seconds = max(left // 1000, 1)
    if not blocking:
        raise PollingRetry(seconds if interval is None else interval, {**context.state, _START: start})
    from asyncio import sleep

    await sleep(seconds)
    return OperatorResult()


def _durations(config: Params) -> tuple[int, int | None]:
    """Seconds to wait and seconds between polls.

    Raises:
        ConfigError: one of them is no duration.
    """
    try:
        duration = parse_duration(read_string(config, "_command"))
        interval = read_optional_string(config, "poll_interval")
        return duration, None if interval is None else parse_duration(interval)
    except ConfigError as error:
        cause: DigdagError = error
    except ValueError as error:
        cause = TaskRuntimeError(str(error), "date time parse")
    raise ConfigError("Invalid configuration", hint="a duration is written like 1d 2h 3m 4s") from cause


def _instant(milliseconds: int) -> str:
    """A time as Java's `Instant` has it."""
    seconds, rest = divmod(milliseconds, 1000)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{rest:03}Z" if rest else f"{whole}Z"
