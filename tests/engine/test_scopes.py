"""What tasks see, held against the walk of core 6.2 over random trees."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from digdag_tui.engine.attempt import Attempt, Task
from digdag_tui.engine.events import (
    AttemptStarted,
    GroupPlanned,
    NewTask,
    ParamEdited,
    TaskEnded,
    TaskReady,
    TaskStarted,
    TaskSucceeded,
)
from digdag_tui.engine.planner import Planner
from digdag_tui.engine.scopes import Scopes, layers, upstream_closure
from digdag_tui.params.layers import merged, resolve
from digdag_tui.workflow.config import Params

keys = st.sampled_from(["a", "b", "m"])
values = st.one_of(
    st.integers(0, 9), st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 9), max_size=2), st.none()
)
params = st.dictionaries(keys, values, max_size=2)


@st.composite
def trees(draw: st.DrawFn) -> list[NewTask]:
    """A root and up to 12 tasks, each below a group, waiting for some of its earlier siblings."""
    tasks = [NewTask(1, "+w", None, (), True, {}, draw(params))]
    for number in range(2, draw(st.integers(2, 13)) + 1):
        parent = draw(st.sampled_from([task for task in tasks if task.is_group]))
        siblings = [task.id for task in tasks if task.parent == parent.id]
        upstreams = draw(st.lists(st.sampled_from(siblings), unique=True, max_size=3)) if siblings else []
        group = draw(st.booleans())
        name = f"{parent.full_name}+t{number}"
        tasks.append(NewTask(number, name, parent.id, tuple(sorted(upstreams)), group, {}, draw(params)))
    return tasks


def reference(attempt: Attempt, task: Task) -> Params:
    """The walk in Digdag's own words: for each node from the root to the task, upstreams from far, then itself."""
    order: list[Task] = []
    for node in [*list(task.ancestors())[::-1], task]:
        for sibling in upstream_closure(attempt, node):
            order += [sibling, *sibling.descendants()]
        if node is not task:
            order.append(node)
    ancestors = set(task.ancestors())
    seen = dict(attempt.start.params)
    for node in order:
        if node in ancestors:
            seen = fold(fold(seen, node.export), node.runtime_export)
        for path in node.reset_store:
            seen.pop(path, None)
        seen = fold(seen, node.store)
    return fold(seen, task.export)


def fold(base: Params, update: Params) -> Params:
    result = dict(base)
    for key, value in update.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = fold(result[key], value) if both else value
    return result


@settings(max_examples=150, deadline=None)
@given(trees(), st.data())
def test_every_task_sees_what_the_walk_says(tasks: list[NewTask], data: st.DataObject) -> None:
    attempt = Attempt()
    planner, scopes = Planner(attempt), Scopes(attempt)
    ready: list[Task] = []

    def happen(event: object) -> None:
        attempt.apply(event)  # type: ignore[arg-type]
        planner.observe(event)  # type: ignore[arg-type]
        if isinstance(event, TaskReady):
            scopes.entered(attempt.tasks[event.task])
            ready.append(attempt.tasks[event.task])
        if isinstance(event, TaskSucceeded):
            scopes.changed(attempt.tasks[event.task])

    happen(AttemptStarted(0, "w", "u", "t", "UTC", 1000, params=data.draw(params), added=tuple(tasks)))
    while attempt.success is None:
        for event in planner.decisions(0):
            happen(event)
        if not ready:
            break
        task = ready.pop(data.draw(st.integers(0, len(ready) - 1)))
        assert scopes.params(task) == reference(attempt, task)
        assert merged({}, layers(attempt, task)) == reference(attempt, task)
        assert resolve(layers(attempt, task)).values == reference(attempt, task)
        if task.is_group:
            happen(GroupPlanned(0, task.id))
        else:
            happen(TaskStarted(0, task.id))
            reset = tuple(data.draw(st.lists(keys, max_size=1)))
            happen(TaskSucceeded(0, task.id, data.draw(params), data.draw(params), reset))
    assert attempt.success is True


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
