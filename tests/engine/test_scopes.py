"""What tasks see, held against the walk of core 6.2 over random workflows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from digdag_tui.engine.attempt import Attempt, Task
from digdag_tui.engine.events import (
    AnyEvent,
    AttemptStarted,
    GroupPlanned,
    NewTask,
    Override,
    ParamEdited,
    RetryScheduled,
    TaskEnded,
    TaskFailed,
    TaskReady,
    TaskStarted,
    TaskSucceeded,
)
from digdag_tui.engine.operator import OperatorResult
from digdag_tui.engine.planner import Planner, rows
from digdag_tui.engine.scopes import Scopes, layers
from digdag_tui.params.layers import merged, resolve
from digdag_tui.workflow.compiler import compile_workflow
from digdag_tui.workflow.config import Config, Params
from digdag_tui.workflow.definition import WorkflowDefinition

keys = st.sampled_from(["a", "b", "m"])
values = st.one_of(
    st.integers(0, 9), st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 9), max_size=2), st.none()
)
params = st.dictionaries(keys, values, max_size=2)
resets = st.lists(st.sampled_from(["a", "m", "m.x", "b.y", "a.x.z"]), max_size=2).map(tuple)


def leaves(draw: st.DrawFn) -> Params:
    """A task with an operator, and perhaps a handler and a check."""
    body: Params = {"op>": 1, "_export": draw(params)}
    for option in ("_error", "_check"):
        if draw(st.integers(0, 3)) == 0:
            body[option] = {"_export": draw(params), "op>": 1}
    return body


def groups(draw: st.DrawFn, depth: int) -> Params:
    """A group of up to four tasks in some order, perhaps with a handler and a retry."""
    parallel = draw(st.sampled_from([None, True, {"limit": 2}]))
    group: Params = {"_export": draw(params)}
    if parallel:
        group["_parallel"] = parallel
    if draw(st.integers(0, 2)) == 0:
        group["_retry"] = 1
    if draw(st.integers(0, 3)) == 0:
        group["_error"] = {"_export": draw(params), "op>": 1}
    names: list[str] = []
    for number in range(draw(st.integers(1, 4))):
        body = groups(draw, depth - 1) if depth and draw(st.booleans()) else leaves(draw)
        if parallel and names and draw(st.booleans()):
            body["_after"] = draw(st.lists(st.sampled_from(names), max_size=2))
        elif not parallel and draw(st.integers(0, 3)) == 0:
            body["_background"] = True
        names.append(f"+t{number}")
        group[names[-1]] = body
    return group


@st.composite
def bodies(draw: st.DrawFn, depth: int) -> Params:
    return groups(draw, depth)


def reference(attempt: Attempt, task: Task) -> Params:
    """What core 6.2 says, word for word."""
    tasks = attempt.tasks
    parents = {row.id: row.parent.id if row.parent else None for row in tasks.values()}

    def with_descendants(identifier: int) -> Iterator[int]:
        yield identifier
        for child in sorted(child for child, parent in parents.items() if parent == identifier):
            yield from with_descendants(child)

    def all_upstreams(identifier: int) -> set[int]:
        direct = set(tasks[identifier].upstreams)
        return direct.union(*map(all_upstreams, direct))

    ancestors: list[int] = []
    parent = parents[task.id]
    while parent is not None:
        ancestors.insert(0, parent)
        parent = parents[parent]

    walk: list[int] = []
    for node in [*ancestors, task.id]:
        for upstream in sorted(all_upstreams(node)):
            walk += with_descendants(upstream)
        if node != task.id:
            walk.append(node)

    seen: Params = {}
    for override in attempt.start.overrides:
        seen = fold(seen, override.values)
    seen = fold(seen, attempt.start.params)
    for identifier in walk:
        row = tasks[identifier]
        if identifier in ancestors:
            seen = fold(fold(seen, row.export), row.runtime_export)
        for path in row.reset_store:
            seen = without(seen, path.split("."))
        seen = fold(seen, row.store)
    return fold(seen, task.export)


def fold(base: Params, update: Params) -> Params:
    result = dict(base)
    for key, value in update.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = fold(result[key], value) if both else value
    return result


def without(seen: Params, path: list[str]) -> Params:
    result = dict(seen)
    if len(path) == 1:
        result.pop(path[0], None)
    elif isinstance(result.get(path[0]), dict):
        result[path[0]] = without(result[path[0]], path[1:])
    return result


class Driver:
    """Runs a workflow's events as the runner does, each operator's outcome drawn at random."""

    def __init__(self, workflow: Params, draw: Any) -> None:
        self.attempt = Attempt()
        self.planner, self.scopes = Planner(self.attempt), Scopes(self.attempt)
        self.draw = draw
        self.ready: list[Task] = []
        self.now = 0.0
        definition = WorkflowDefinition("w", Path("w.dig"), "UTC", Config(workflow))
        self.happen(
            AttemptStarted(
                0, "w", "u", "t", "UTC", 1000, (Override("-p", draw(params)),), draw(params),
                added=rows(compile_workflow(definition)),
            )
        )  # fmt: skip

    def happen(self, event: AnyEvent) -> None:
        self.attempt.apply(event)
        self.planner.observe(event)
        if isinstance(event, TaskReady):
            self.scopes.entered(self.attempt.tasks[event.task])
            self.ready.append(self.attempt.tasks[event.task])
        elif isinstance(event, TaskSucceeded):
            self.scopes.changed(self.attempt.tasks[event.task])

    def run(self) -> None:
        while self.attempt.success is None:
            for event in self.planner.decisions(self.now):
                self.happen(event)
            if self.ready:
                self.step(self.ready.pop(self.draw(st.integers(0, len(self.ready) - 1))))
            elif self.attempt.success is None:
                due = self.planner.next_time
                assert due is not None, "nothing goes on"
                self.now = max(self.now, due)

    def step(self, task: Task) -> None:
        """Start a ready task, and end it."""
        seen = reference(self.attempt, task)
        assert self.scopes.params(task) == seen
        if self.draw(st.integers(0, 9)) == 0:
            assert Scopes(self.attempt).params(task) == seen
        if task.is_group:
            return self.happen(GroupPlanned(self.now, task.id))
        self.happen(TaskStarted(self.now, task.id))
        outcome = self.draw(st.sampled_from(["ok", "ok", "ok", "subtasks", "fail", "poll"]))
        if outcome == "poll" and task.retries < 2:
            return self.happen(RetryScheduled(self.now, task.id, self.now + 1, {}))
        if outcome == "fail":
            events = self.planner.failed(TaskFailed(self.now, task.id, {"message": task.full_name}))
        else:
            nested = outcome == "subtasks" and task.full_name.count("^") < 2
            subtasks = self.draw(bodies(0)) if nested else {}
            result = OperatorResult(subtasks, self.draw(params), self.draw(params), self.draw(resets))
            events = self.planner.succeeded(task, result, self.now)
        for event in events:
            self.happen(event)


@settings(max_examples=120, deadline=None)
@given(bodies(2), st.data())
def test_every_task_sees_what_the_walk_says(workflow: Params, data: st.DataObject) -> None:
    driver = Driver(workflow, data.draw)
    driver.run()
    attempt = driver.attempt
    read_again = Scopes(attempt)
    for task in attempt.tasks.values():
        seen = reference(attempt, task)
        assert read_again.params(task) == seen, task.full_name
        assert merged({}, layers(attempt, task)) == seen, task.full_name
        assert resolve(layers(attempt, task)).values == seen, task.full_name


def started(*tasks: NewTask, **options: object) -> Attempt:
    attempt = Attempt()
    attempt.apply(AttemptStarted(0, "w", "u", "t", "UTC", 1000, added=tasks, **options))  # type: ignore[arg-type]
    return attempt


def test_an_edit_from_here_on_is_seen_by_the_task_and_those_after_it_and_beats_earlier_stores() -> None:
    attempt = started(
        NewTask(1, "+w", None, (), True, {}, {"x": "root"}),
        NewTask(2, "+w+a", 1, (), False, {}),
        NewTask(3, "+w+b", 1, (2,), False, {}),
        NewTask(4, "+w+c", 1, (3,), False, {}),
    )
    scopes = Scopes(attempt)
    attempt.apply(TaskSucceeded(1, 2, {"x": "stored"}))
    scopes.changed(attempt.tasks[2])
    attempt.apply(ParamEdited(1, ("x",), "edited", "onward", 3))
    scopes.changed(attempt.tasks[3])
    assert scopes.params(attempt.tasks[3])["x"] == "edited"
    attempt.apply(TaskSucceeded(1, 3))
    assert scopes.params(attempt.tasks[4])["x"] == "edited"
    assert [str(binding.origin) for binding in resolve(layers(attempt, attempt.tasks[4])).bindings["x"]] == [
        "_export +w",
        "stored by +w+a",
        "edited by you",
    ]


def test_an_edit_for_the_session_lies_below_every_export() -> None:
    attempt = started(NewTask(1, "+w", None, (), True, {}, {"x": "root"}), NewTask(2, "+w+a", 1, (), False, {}))
    scopes = Scopes(attempt)
    for name in ("x", "y"):
        attempt.apply(ParamEdited(1, (name,), "edited", "session", 2))
        scopes.rebased()
    assert scopes.params(attempt.tasks[2]) == {"x": "root", "y": "edited"}


def test_a_finished_attempt_can_be_read_again() -> None:
    attempt = started(
        NewTask(1, "+w", None, (), True, {}),
        NewTask(2, "+w+a", 1, (), False, {}),
        NewTask(3, "+w+b", 1, (2,), False, {}),
    )
    attempt.apply(TaskSucceeded(1, 2, {"x": 1}))
    attempt.apply(TaskEnded(1, 1, "success"))
    assert Scopes(attempt).params(attempt.tasks[3]) == {"x": 1}
