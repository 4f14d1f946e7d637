"""What differs between two objects of params."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

from ..workflow.config import Params, Value

Kind = Literal["added", "removed", "changed"]
Path: TypeAlias = tuple[str | int, ...]
"""Keys of objects, and indexes of lists."""


class Difference(msgspec.Struct, frozen=True):
    """A value that is there in one object only, or another in each; `old` is None where it was added, `new` removed."""

    path: Path
    kind: Kind
    old: Value = None
    new: Value = None

    @property
    def name(self) -> str:
        """The path as people write it."""
        return dotted(self.path)


def dotted(path: Iterable[str | int]) -> str:
    """`db.hosts[0]` for the path `db`, `hosts`, 0."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def differences(old: Params, new: Params) -> list[Difference]:
    """What has to be done to `old` to have `new`, changes and additions in the order of `new`, removals after them.

    Objects are compared key by key, lists of one length item by item; a list that grew or shrank has changed as a
    whole, as has a value of another type. 1 and 1.0 differ, as they do in a text; the order of keys does not count.
    """
    return list(_objects(old, new, ()))


def _objects(old: Params, new: Params, path: Path) -> Iterator[Difference]:
    for key, value in new.items():
        if key in old:
            yield from _values(old[key], value, (*path, key))
        else:
            yield Difference((*path, key), "added", new=value)
    for key, value in old.items():
        if key not in new:
            yield Difference((*path, key), "removed", old=value)


def _values(old: Value, new: Value, path: Path) -> Iterator[Difference]:
    if old is new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _objects(old, new, path)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _values(before, after, (*path, index))
    elif not _same(old, new):
        yield Difference(path, "changed", old, new)


def _same(old: Value, new: Value) -> bool:
    """Whether two values that are not both objects or lists of one length are the same; NaN is NaN."""
    return type(old) is type(new) and (old == new or (old != old and new != new))
