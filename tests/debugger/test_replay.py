"""The attempt as it was after any of its events: forward, back, in jumps, and while more comes."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from digdag_tui.debugger.events import Stopped
from digdag_tui.debugger.gate import Opening
from digdag_tui.debugger.replay import Replay
from digdag_tui.engine.attempt import Attempt
from digdag_tui.engine.events import (
    AnyEvent,
    AttemptFinished,
    AttemptStarted,
    CancelRequested,
    GroupPlanned,
    NewTask,
    ParamEdited,
    TaskArtifact,
    TaskEnded,
    TaskLogged,
    TaskOutput,
    TaskReady,
    TaskStarted,
    TaskSucceeded,
)
from digdag_tui.engine.journal import read_journal

from ..support import Debugged, debugged, write

WORKFLOW = """
    _error: {echo>: "${error.message}"}
    +l:
      for_each>: {i: [1, 2]}
      _do: {+one: {echo>: "${i}"}}
    +p:
      _parallel: true
      +a: {echo>: a, _check: {echo>: check}}
      +b: {echo>: b}
    +g:
      _retry: 1
      +bad: {fail>: no, _error: {echo>: handled}}
    +never: {echo>: never}
    """


def events_of(project: Path) -> list[AnyEvent]:
    """All that happens when the workflow runs to its end."""
    write(project, {"main.dig": WORKFLOW})
    run = Debugged(project, break_on_failure=False)
    asyncio.run(run.session.run_attempt(Opening()))
    assert run.session.journal_folder
    (journal,) = run.session.journal_folder.glob("*.jsonl")
    return list(read_journal(journal))


def picture(attempt: Attempt) -> object:
    """All that an attempt is, without the identity of its tasks."""
    rows = [
        {
            **{name: getattr(task, name) for name in task.__struct_fields__ if name not in ("parent", "children")},
            "parent": task.parent and task.parent.id,
            "children": [child.id for child in task.children],
        }
        for task in attempt.tasks.values()
    ]
    whole = (attempt.started, attempt.session_edits, attempt.cancel_requested, attempt.sla_violated, attempt.success)
    return whole, rows


def started(*names: str) -> AttemptStarted:
    added = [NewTask(1, "+main", None, (), True, {})]
    added += [NewTask(number, f"+main+{name}", 1, (), False, {}) for number, name in enumerate(names, 2)]
    return AttemptStarted(0, "main", "uuid", "2026-01-31T00:00:00+00:00", "UTC", 1000, added=tuple(added))


def test_every_event_of_a_run_in_any_order(tmp_path: Path) -> None:
    events = events_of(tmp_path)
    replay = Replay(events)
    assert not any(isinstance(event, TaskOutput | TaskLogged) for event in replay.events)
    pictures = [picture(replay.attempt_at(position)) for position in range(len(replay.events) + 1)]
    chance = random.Random(5)
    ways = [*range(len(replay.events), 0, -1), *range(1, len(replay.events) + 1)]
    ways += [chance.randint(1, len(replay.events)) for _ in range(200)]
    for position in ways:
        replay.move(position)
        assert replay.position == position
        assert picture(replay.attempt) == pictures[position], position
        assert replay.last()
    replay.move(10**9)
    assert not replay.is_past and replay.attempt.success is False


def test_before_the_first_event_there_is_nothing_to_show(tmp_path: Path) -> None:
    replay = Replay()
    replay.move(-5)
    assert (replay.position, replay.is_past, replay.last()) == (0, False, "nothing yet")
    replay.add(started("a"))
    replay.move(-5)
    assert replay.position == 1 and replay.last() == "the attempt began"


def test_a_task_is_the_same_object_after_it_was_undone() -> None:
    row = NewTask(3, "+main+a^sub", 2, (), False, {"echo>": "x"})
    replay = Replay([started("a"), TaskStarted(1, 2), TaskSucceeded(2, 2, {"n": 1}, added=(row,)), TaskReady(3, 3)])
    generated = replay.attempt.tasks[3]
    replay.move(2)
    assert 3 not in replay.attempt.tasks and replay.attempt.tasks[2].children == [] and replay.known[3] is generated
    replay.move(3)
    assert replay.attempt.tasks[3] is generated and generated.state == "blocked"
    assert replay.attempt.tasks[2].children == [generated] and replay.attempt.tasks[2].store == {"n": 1}


def test_events_that_come_while_the_past_is_shown_wait_for_the_present() -> None:
    replay = Replay([started("a", "b"), TaskReady(1, 2), TaskStarted(2, 2)])
    replay.move(2)
    replay.add(TaskSucceeded(3, 2, {"n": 1}))
    assert replay.position == 2 and picture(replay.attempt) == picture(replay.attempt_at(2))
    replay.move(len(replay.events))
    assert replay.attempt.tasks[2].state == "success" and replay.attempt.tasks[2].store == {"n": 1}


def test_edits_artifacts_and_a_cancel_are_undone() -> None:
    replay = Replay(
        [
            started("a", "b"),
            ParamEdited(1, ("x",), 1, "session", 2),
            ParamEdited(2, ("x",), 2, "session", 2),
            ParamEdited(3, ("y",), 3, "task", 2),
            TaskArtifact(4, 2, "query.sql", "select 1"),
            TaskArtifact(5, 2, "query.sql", "select 2"),
            TaskEnded(6, 2, "success"),
            CancelRequested(7),
            TaskEnded(8, 3, "canceled"),
            AttemptFinished(9, False),
        ]
    )
    a, b = replay.attempt.tasks[2], replay.attempt.tasks[3]
    assert (a.cancel_requested, b.cancel_requested) == (False, True)
    replay.move(7)
    assert not replay.attempt.cancel_requested and not b.cancel_requested and replay.attempt.success is None
    replay.move(5)
    assert a.artifacts == {"query.sql": "select 1"}
    replay.move(2)
    assert replay.attempt.session_edits == {"x": 1} and a.edits == {} and a.artifacts == {}
    replay.move(1)
    assert replay.attempt.session_edits == {}


def test_stops_last_until_the_session_goes_on() -> None:
    replay = Replay([started("a", "b"), TaskReady(1, 2)])
    first, second = Stopped("entry", 2), Stopped("step", 3)
    replay.stop(first, 10)
    replay.add(ParamEdited(11, ("x",), 1, "task", 2))
    assert replay.stop_at(3) is first, "it lasts"
    replay.go_on(12)
    assert replay.stop_at(3) is None, "it goes on"
    for event in (TaskStarted(12, 2), TaskSucceeded(13, 2), TaskReady(14, 3)):
        replay.add(event)
    replay.stop(second, 15)
    assert [replay.stop_at(position) for position in range(7)] == [None, None, first, first, None, None, second]
    assert replay.next_stop(1) is None
    assert replay.next_stop(-1) == 2
    replay.move(2)
    assert replay.next_stop(1) == 6 and replay.next_stop(-1) is None


def test_a_journal_keeps_the_stops_with_their_errors(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {echo>: a}\n+b: {fail>: no}\n") as run:
        assert run.do("resume") == "exception +main+b"
        told = run.session.stopped
        assert run.session.journal_folder and told
        (journal,) = run.session.journal_folder.glob("*.jsonl")
        replay = Replay(read_journal(journal))
        assert [stop.stopped.reason for stop in replay.stops] == ["entry", "exception"]
        assert replay.stops[1].stopped == told and replay.stop_at(replay.position) == told
        assert run.do("resume") == "ended"
    replay = Replay(read_journal(journal))
    assert replay.stops[1].until is not None and replay.stop_at(replay.position) is None


@pytest.mark.parametrize("tasks", [3000])
def test_a_step_changes_one_task_only(tasks: int) -> None:
    """However large the attempt is: what was not touched by the event is not looked at."""
    names = [f"t{number}" for number in range(tasks)]
    events: list[AnyEvent] = [started(*names), GroupPlanned(1, 1)]
    for number in range(2, tasks + 2):
        events += [TaskReady(2, number), TaskStarted(3, number), TaskSucceeded(4, number, {"n": number})]
    replay = Replay(events)
    replay.move(len(events) - 1)
    last = replay.attempt.tasks[tasks + 1]
    others = [task for task in replay.attempt.tasks.values() if task is not last]
    assert last.state == "running" and all(task.state == "success" for task in others[1:])
    replay.move(1)
    assert {task.state for task in replay.attempt.tasks.values()} == {"blocked"}
    replay.move(len(events))
    assert all(task.store == {"n": task.id} for task in replay.attempt.tasks.values() if task.id > 1)
