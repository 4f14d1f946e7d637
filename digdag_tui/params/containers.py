"""The images of a project's tasks that this machine cannot run, known before a task needs one (operators 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from msgspec import Struct

from ..workflow.config import Params, position_of
from ..workflow.errors import Position, Problem
from ..workflow.expansion import Node
from .findings import warning
from .flow import Flow

Lacks: TypeAlias = Callable[[Params], tuple[str, str] | None]
"""What this machine lacks for a map `docker`, as the end of a sentence, and what to do; None if it lacks nothing."""

_CONTAINED: Final = frozenset(("sh", "py", "rb", "embulk"))


class _Need(Struct, frozen=True):
    """A task in a container: its name, its `docker` and where that stands."""

    task: str
    docker: Params
    position: Position | None


def container_problems(flows: Iterable[Flow], lacks: Lacks) -> Iterator[Problem]:
    """One warning for each image that this machine cannot run, at the first task that needs it."""
    needs: dict[str, dict[Position | None, _Need]] = {}
    for flow in flows:
        for node in flow.nodes:
            if node.operator in _CONTAINED and (need := _need(flow, node)):
                needs.setdefault(str(need.docker["image"]), {}).setdefault(node.position, need)
    for image, tasks in needs.items():
        first = next(iter(tasks.values()))
        if lack := lacks(first.docker):
            reason, advice = lack
            more = {1: "runs", 2: "and another task run"}.get(len(tasks), f"and {len(tasks) - 1} more run")
            yield warning("no-container", f"{first.task} {more} in {image}, {reason}", first.position, advice)


def _need(flow: Flow, node: Node) -> _Need | None:
    if "docker" in node.own:
        docker, position = node.own["docker"], position_of(node.config, "docker") or node.position
    elif bound := flow.bindings(("docker",), node):
        docker, position = bound[-1].value, bound[-1].origin.position
    else:
        return None
    named = isinstance(docker, dict) and isinstance(docker.get("image"), str)
    return _Need(node.full_name, docker, position) if named else None
