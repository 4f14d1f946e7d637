"""`_retry`: how often something is done again, and after how many seconds (core 5.4)."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from ..workflow.config import Params, Value
from ..workflow.convert import Mismatch, mismatch, optional_type, read_int, read_optional_string, to_int
from ..workflow.errors import ConfigError
from ..workflow.text import json_text

_INT_MAX: Final = 2**31 - 1


class RetryPolicy(Struct, frozen=True):
    """`limit` is the number of tries after the first one; `base` and `longest` are seconds."""

    limit: int = 0
    base: int = 0
    exponential: bool = False
    longest: int | None = None

    @classmethod
    def parse(cls, value: Value) -> RetryPolicy:
        """The policy that a `_retry` means.

        Raises:
            ConfigError: it has no form that Digdag takes; null and booleans have none.
        """
        match value:
            case bool() | None | list():
                raise ConfigError(
                    f"Invalid _retry format:{json_text(value)}",
                    hint="it is a number, or a map of limit, interval, max_interval and interval_type",
                )
            case dict():
                limit = read_int(value, "limit")
                base = _seconds(value, "interval") or 0
                longest = _seconds(value, "max_interval")
                return cls(limit, base, _is_exponential(read_optional_string(value, "interval_type")), longest)
            case _:
                return cls(read_int({"_retry": value}, "_retry"))

    def interval(self, retry_count: int) -> int:
        """Seconds before the retry that follows `retry_count` earlier ones, in Java's 32-bit arithmetic."""
        if not self.exponential:
            return self.base
        product = self.base * min(1 << retry_count, _INT_MAX)
        seconds = (product + 2**31) % 2**32 - 2**31
        return seconds if self.longest is None else min(seconds, self.longest)


def _seconds(config: Params, key: str) -> int | None:
    """A 32-bit integer, or None; Digdag reads it as a primitive, so that a blank text is 0.

    Raises:
        ConfigError: not a 32-bit integer.
    """
    if config.get(key) is None:
        return None
    try:
        return to_int(config[key])
    except Mismatch:
        raise mismatch(config, key, optional_type("int")) from None


def _is_exponential(kind: str | None) -> bool:
    if kind is None or kind.lower() == "constant":
        return False
    if kind.lower() == "exponential":
        return True
    raise ConfigError(f"Invalid retry_interval_type: {kind}", hint="it is constant or exponential")
