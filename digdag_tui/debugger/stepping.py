"""Steps: what they let start, and where they stop (design: stopping and stepping)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from ..engine.attempt import DONE, Task

Verdict = Literal["stop", "start", "hold"]


class Step(Struct, frozen=True):
    """Tasks inside `within` start, or stop the step if it goes `into`; others wait until `within` has ended."""

    within: Task
    into: bool

    def verdict(self, task: Task) -> Verdict:
        inside = task is self.within or self.within in task.ancestors()
        if task.parent is None:
            return "start"
        if inside and not self.into:
            return "start"
        if inside or self.within.state in DONE:
            return "stop"
        return "hold"


def step_into(origin: Task) -> Step:
    return Step(origin, into=True)


def step_over(origin: Task) -> Step:
    return Step(origin, into=False)


def step_out(origin: Task) -> Step:
    return Step(origin.parent or origin, into=False)


def nearest(ready: Iterable[Task], origin: Task | None) -> list[Task]:
    """`ready` in the order in which a step from `origin` prefers to stop: its own branch first, then file order."""
    if origin is None:
        return sorted(ready, key=lambda task: task.id)
    lineage = [origin, *origin.ancestors()]

    def distance(task: Task) -> tuple[int, int, int]:
        shared = next(depth for depth, node in enumerate(lineage) if node is task or node in task.ancestors())
        return shared, origin.id not in task.upstreams, task.id

    return sorted(ready, key=distance)
