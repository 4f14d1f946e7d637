"""What each task sees: the walk over exports and stores (core 6.2).

`layers` is the walk itself, for one task, with every origin. `Scopes` gives the same values merged, for every task of
an attempt that goes on: it extends what the task's neighbours saw, so that a task's cost does not grow with those
before it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from ..params.layers import Layer, Source, merged
from ..workflow.config import Params
from .attempt import Attempt, Task


def base_layers(attempt: Attempt) -> list[Layer]:
    """What was given to the attempt from outside, and the person's edits for the session."""
    found = [Layer(Source(override.source), override.values) for override in attempt.start.overrides]
    found.append(Layer(Source.SESSION, attempt.start.params))
    found.append(Layer(Source.EDIT, attempt.session_edits))
    return [layer for layer in found if layer.values]


def layers(attempt: Attempt, task: Task) -> list[Layer]:
    """All layers of a task's params below the built-in ones and its own keys, lowest first."""
    found = base_layers(attempt)
    for node in reversed([task, *task.ancestors()]):
        for sibling in upstream_closure(attempt, node):
            found += stores(sibling)
            for descendant in sibling.descendants():
                found += stores(descendant)
        found += edits_onward(node)
        if node is not task:
            found += exports(node)
            found += results(node)
    return found + [Layer(Source.EXPORT, task.export, task.full_name)] * bool(task.export)


def upstream_closure(attempt: Attempt, task: Task) -> list[Task]:
    """All siblings that a task waits for, directly or not, in id order."""
    seen: set[int] = set()
    waiting = list(task.upstreams)
    while waiting:
        upstream = waiting.pop()
        if upstream not in seen:
            seen.add(upstream)
            waiting.extend(attempt.tasks[upstream].upstreams)
    return [attempt.tasks[upstream] for upstream in sorted(seen)]


def exports(task: Task) -> list[Layer]:
    """`_export`, and what the operator exported."""
    found = [Layer(Source.EXPORT, task.export, task.full_name)] if task.export else []
    if task.runtime_export:
        found.append(Layer(Source.RUNTIME_EXPORT, task.runtime_export, task.full_name))
    return found


def results(task: Task) -> list[Layer]:
    """What the operator stored."""
    if not task.store and not task.reset_store:
        return []
    return [Layer(Source.STORE, task.store, task.full_name, task.reset_store)]


def edits_onward(task: Task) -> list[Layer]:
    """What the person set from this task on."""
    return [Layer(Source.EDIT, task.stored_edits, task.full_name)] if task.stored_edits else []


def stores(task: Task) -> list[Layer]:
    """A finished task's lasting changes."""
    return edits_onward(task) + results(task)


class Trail:
    """A linked list of the siblings that changed params before a task, the last of them first."""

    __slots__ = ("before", "parent", "sibling")

    def __init__(self, parent: Task | None, before: Trail | None = None, sibling: Task | None = None) -> None:
        self.parent = parent
        self.before = before
        self.sibling = sibling

    def siblings(self) -> Iterator[Task]:
        """Newest first."""
        trail: Trail | None = self
        while trail and trail.sibling:
            yield trail.sibling
            trail = trail.before


class Scopes:
    """Merged params for the tasks of a running attempt; call `entered` when a task becomes ready or planned."""

    CACHED = 64

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._trails: dict[int, Trail] = {}
        self._roots: dict[int, Trail] = {}
        self._values: OrderedDict[Trail, Params] = OrderedDict()
        self._storing: dict[int, dict[Task, None]] = {}
        """Task → itself and its descendants that changed params."""
        for task in attempt.tasks.values():
            self.changed(task)
        for task in attempt.tasks.values():
            if task.state != "blocked":
                self.entered(task)

    def changed(self, task: Task) -> None:
        """`task` stored, exported or was edited before it ran: what lies inside of it is seen anew."""
        if results(task) or task.stored_edits:
            for node in (task, *task.ancestors()):
                self._storing.setdefault(node.id, {})[task] = None
        self._roots.pop(task.id, None)

    def rebased(self) -> None:
        """The session's own params were edited: every task sees them anew."""
        self._values.clear()

    def entered(self, task: Task) -> None:
        """Fix which siblings `task` sees; all its upstreams are done."""
        self._trails[task.id] = self._trail(task)

    def params(self, task: Task) -> Params:
        """All layers of `task` merged, below the built-in ones and its own keys, unevaluated; not to be changed.

        What a task sees that is not ready yet may change, and is not kept.
        """
        if task.id not in self._trails:
            return merged({}, layers(self._attempt, task))
        seen = self._seen(self._trails[task.id])
        own = edits_onward(task)
        if task.export:
            own.append(Layer(Source.EXPORT, task.export, task.full_name))
        return merged(seen, own)

    def _root(self, parent: Task | None) -> Trail:
        key = parent.id if parent else 0
        if key not in self._roots:
            self._roots[key] = Trail(parent)
        return self._roots[key]

    def _trail(self, task: Task) -> Trail:
        upstreams = [self._attempt.tasks[identifier] for identifier in task.upstreams]
        if not upstreams:
            return self._root(task.parent)
        before = {self._trails.get(upstream.id) for upstream in upstreams}
        if len(before) == 1 and (common := before.pop()):
            return self._extended(common, upstreams)
        return self._extended(self._root(task.parent), upstream_closure(self._attempt, task))

    def _extended(self, trail: Trail, siblings: Iterable[Task]) -> Trail:
        for sibling in sorted(siblings, key=lambda task: task.id):
            if sibling.id in self._storing:
                trail = Trail(trail.parent, trail, sibling)
        return trail

    def _seen(self, trail: Trail) -> Params:
        """The params at the end of a trail, from the nearest end whose params are still known."""
        missing: list[Trail] = []
        node: Trail | None = trail
        while node and node not in self._values:
            missing.append(node)
            node = node.before
        values = self._values[node] if node else self._inside(trail.parent)
        for node in reversed(missing):
            if node.sibling:
                values = merged(values, self._subtree(node.sibling))
            self._values[node] = values
        while len(self._values) > self.CACHED:
            self._values.popitem(last=False)
        return values

    def _inside(self, parent: Task | None) -> Params:
        """What a task's children see before any of them has run."""
        if parent is None:
            return merged({}, base_layers(self._attempt))
        seen = self._seen(self._trails.get(parent.id) or self._trail(parent))
        return merged(seen, [*edits_onward(parent), *exports(parent), *results(parent)])

    def _subtree(self, task: Task) -> Iterator[Layer]:
        for storing in sorted(self._storing[task.id], key=path):
            yield from stores(storing)


def path(task: Task) -> list[int]:
    """Ids from the root down: sorting by it gives pre-order."""
    return [task.id, *(ancestor.id for ancestor in task.ancestors())][::-1]
