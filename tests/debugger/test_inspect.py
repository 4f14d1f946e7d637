"""A task's params, what was read for them, and what has changed between two stops."""

from __future__ import annotations

from typing import Any

from digdag_tui.debugger.compare import Difference
from digdag_tui.debugger.inspect import Inspection, changes, inspect
from digdag_tui.engine.attempt import Attempt
from digdag_tui.engine.events import AttemptStarted, NewTask, ParamEdited, TaskSucceeded
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.params.layers import Source


def attempt(export: dict[str, Any], *tasks: dict[str, Any]) -> Attempt:
    """A workflow of one task after the other."""
    rows = [NewTask(1, "+main", None, (), True, {}, export)]
    for number, config in enumerate(tasks, 2):
        rows.append(NewTask(number, f"+main+t{number}", 1, tuple(range(2, number)), False, config))
    found = Attempt()
    found.apply(AttemptStarted(0, "main", "uuid", "2026-01-31T00:00:00+00:00", "UTC", 1000, added=tuple(rows)))
    return found


def seen(of: Attempt, task: int) -> Inspection:
    return inspect(of, of.tasks[task], Evaluator())


def stored(of: Attempt, task: int, **values: Any) -> None:
    of.apply(TaskSucceeded(1, task, store=values))


def test_a_param_has_its_value_its_origin_and_what_it_overrode() -> None:
    found = attempt({"rows": 0, "db": {"host": "a", "port": 1}}, {"echo>": "${rows}"}, {"echo>": "${rows}"})
    stored(found, 2, rows=5, db={"port": 2})
    inspection = seen(found, 3)
    rows, port, host = (inspection.find(path) for path in (("rows",), ("db", "port"), ("db", "host")))
    assert rows and rows.value == 5 and rows.origin.source is Source.STORE and rows.origin.task == "+main+t2"
    assert [(binding.value, binding.origin.source) for binding in rows.overridden] == [(0, Source.EXPORT)]
    assert port and port.value == 2 and port.origin.task == "+main+t2"
    assert host and host.origin.source is Source.EXPORT and not host.overridden
    assert inspection.find(("db", "nosuch")) is None and inspection.find(("rows", "x")) is None


def test_readings_are_found_where_their_texts_stand() -> None:
    found = attempt({"a": 1, "list": ["x", "${a}", {"deep": "${nosuch}"}]}, {"echo>": "${a} ${list[0]}"})
    inspection = seen(found, 2)
    items, command = inspection.find(("list",)), inspection.find(("echo>",))
    assert items and command and command.reading
    assert command.value == "1 x" and command.reading.variables == ("a", "list")
    assert {path: reading.result for path, reading in items.readings()} == {(1,): "1", (2, "deep"): None}
    assert len(items.errors) == 1 and "nosuch is not defined" in items.errors[0]
    assert not command.errors and list(command.readings()) == []


def test_changes_between_two_stops_leave_out_the_tasks_own_keys() -> None:
    found = attempt({"rows": 0, "text": "${rows} rows"}, {"py>": "a", "own": 1}, {"echo>": "x", "text": "mine"})
    before = seen(found, 2)
    stored(found, 2, rows=5, own=7)
    assert changes(before, seen(found, 3), same_task=False) == [Difference(("rows",), "changed", 0, 5)]


def test_changes_of_the_same_task_are_of_its_own_keys_too() -> None:
    found = attempt({"rows": 0}, {"rate": 1, "echo>": "${rows} ${rate}"})
    before = seen(found, 2)
    found.apply(ParamEdited(1, ("rate",), 2, "task", 2))
    assert changes(before, seen(found, 2), same_task=True) == [
        Difference(("rate",), "changed", 1, 2),
        Difference(("echo>",), "changed", "0 1", "0 2"),
    ]
    assert changes(before, before, same_task=True) == []


def test_nothing_is_known_to_have_changed_where_params_are_not_known() -> None:
    inspection = seen(attempt({"a": 1}, {"echo>": "x"}), 2)
    assert changes(Inspection(error="no"), inspection, same_task=True) == []
    assert changes(inspection, Inspection(error="no"), same_task=True) == []
