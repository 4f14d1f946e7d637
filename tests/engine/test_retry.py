from __future__ import annotations

from typing import Any

import pytest

from digdag_tui.engine.retry import RetryPolicy
from digdag_tui.workflow.errors import ConfigError

OPTIONAL_INT = "[reference type, class com.google.common.base.Optional<int><[simple type, class int]>]"


@pytest.mark.parametrize(
    ("value", "limit"),
    [(0, 0), (3, 3), (-1, -1), (1.9, 1), ("2", 2), ("", 0), (" 4 ", 4), ({"limit": "5"}, 5), ({"limit": 2.5}, 2)],
)
def test_limits(value: Any, limit: int) -> None:
    assert RetryPolicy.parse(value) == RetryPolicy(limit)


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({}, [0, 0, 0]),
        ({"interval": 3}, [3, 3, 3]),
        ({"interval": "2", "interval_type": "constant", "max_interval": 1}, [2, 2, 2]),
        ({"interval": 1, "interval_type": "exponential"}, [1, 2, 4, 8]),
        ({"interval": 3, "interval_type": "EXPONENTIAL", "max_interval": 10}, [3, 6, 10, 10]),
        ({"interval": 3, "interval_type": "exponential", "max_interval": ""}, [0, 0]),
        ({"interval": None, "interval_type": None, "max_interval": None}, [0, 0]),
    ],
)
def test_intervals(options: dict[str, Any], seconds: list[int]) -> None:
    policy = RetryPolicy.parse({"limit": 9, **options})
    assert [policy.interval(count) for count in range(len(seconds))] == seconds


@pytest.mark.parametrize(
    ("count", "seconds"), [(29, 1610612736), (30, -1073741824), (31, 2147483645), (40, 2147483645)]
)
def test_intervals_overflow_as_in_java(count: int, seconds: int) -> None:
    assert RetryPolicy.parse({"limit": 99, "interval": 3, "interval_type": "exponential"}).interval(count) == seconds


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "Invalid _retry format:true"),
        (None, "Invalid _retry format:null"),
        ([1, "a"], 'Invalid _retry format:[1,"a"]'),
        ("often", "Expected integer (int) type for key '_retry' but got \"often\" (string)"),
        ({}, "Parameter 'limit' is required but not set"),
        ({"limit": None}, "Parameter 'limit' is required but null"),
        ({"limit": 1, "interval_type": "linear"}, "Invalid retry_interval_type: linear"),
        ({"limit": 1, "interval": "x"}, f"Expected {OPTIONAL_INT} for key 'interval' but got \"x\" (string)"),
        ({"limit": 1, "max_interval": [1]}, f"Expected {OPTIONAL_INT} for key 'max_interval' but got [1] (array)"),
    ],
)
def test_what_is_no_retry(value: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RetryPolicy.parse(value)
    assert caught.value.message == said
