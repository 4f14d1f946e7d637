"""Keys as Java keeps and compares them: the order of its hash tables, and what a misspelt one may mean (core 6.7)."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def hash_order(keys: Collection[str]) -> list[str]:
    """`keys` in the order in which a Java `HashMap` or `HashSet` gives them back that got them in this order."""
    buckets = 16
    while len(keys) > buckets * 3 // 4:
        buckets *= 2
    return sorted(keys, key=lambda key: _spread_hash(key) % buckets)


def suggestions(key: str, candidates: Iterable[str]) -> list[str]:
    """The candidates that differ from `key` in at most half of their characters."""
    return [candidate for candidate in candidates if edit_distance(key, candidate) <= len(candidate) // 2]


def edit_distance(a: str, b: str) -> int:
    """How many characters to insert, delete or replace to make `a` into `b`."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return row[-1]


def _spread_hash(text: str) -> int:
    units = text.encode("utf-16-be", "surrogatepass")
    code = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        code = (31 * code + (high << 8 | low)) & 0xFFFFFFFF
    return code ^ code >> 16
