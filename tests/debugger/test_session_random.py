"""A session given commands at random: whatever is asked of it, some things always hold.

No command makes it fail; what it says is possible is; each attempt can be brought to its end; the journal and the
events tell the same attempt; an edit that is taken back leaves no trace; rewinding loses no edit.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.debugger.attempts import State
from digdag_tui.debugger.breakpoints import EVENTS, Breakpoints
from digdag_tui.debugger.events import AttemptOpened, ProblemsFound, SessionEvent
from digdag_tui.debugger.gate import Opening
from digdag_tui.debugger.history import last_attempt
from digdag_tui.debugger.replay import Replay
from digdag_tui.debugger.session import NotPossible
from digdag_tui.engine.attempt import Attempt, Task
from digdag_tui.engine.events import Event, TaskStarted
from digdag_tui.engine.journal import read_journal
from digdag_tui.engine.scopes import Scopes, layers
from digdag_tui.params.layers import merged
from digdag_tui.workflow.errors import DigdagError

from ..support import Debugged, write

COMMANDS = 40
REST: tuple[State, ...] = ("stopped", "ended", "broken", "recorded")
WORKFLOWS = [
    """
    _export: {x: 1, db: {host: local, port: 5432}, list: [1, 2]}
    +a: {echo>: "a ${x}", _export: {x: 2}}
    +each:
      for_each>: {i: [1, 2, 3]}
      _parallel: true
      _do:
        +one: {echo>: "${i} ${x}"}
        +two: {if>: "${i == 2}", _do: {+yes: {echo>: "yes ${db.port}"}}}
    +last: {echo>: "last ${x} ${db.host}", _check: {+ok: {echo>: "ok ${x}"}}}
    """,
    """
    _error: {+say: {echo>: "error ${error.message}"}}
    _export: {x: 1, db: {port: 1}}
    +group:
      _retry: 2
      +b: {echo>: "b ${x}"}
      +bad: {fail>: "no ${x}", _error: {echo>: "handled ${x}"}}
    +after: {echo>: "after"}
    """,
    """
    _export: {x: 1}
    +p:
      _parallel: {limit: 2}
      +l: {+l1: {echo>: "l1 ${x}"}, +l2: {fail>: "l2 ${x}", _retry: 1}}
      +m: {loop>: 2, _do: {+n: {echo>: "${i} ${x}"}}}
      +r: {call>: other}
      +free: {echo>: "free ${x}", _after: [+l, +m]}
    +bg: {echo>: "bg ${x}", _background: true}
    +end: {echo>: "end ${x}"}
    """,
    """
    _export: {x: 1, db: {host: a}}
    sla: {duration: "00:00:01", +late: {echo>: "late ${x}"}}
    +s: {sh>: "sleep 0.05; echo ${x}"}
    +w: {wait>: 1s, blocking: false}
    +t: {echo>: "${nothing}"}
    +u: {echo>: "${db.host}"}
    """,
]
OTHER = '_export: {x: 3}\n+c: {echo>: "c ${x}"}\n+d: {echo>: "d ${x}"}\n'
BREAKPOINTS: list[tuple[Any, str, dict[str, Any]]] = [
    ("task", "+*", {"condition": "x == 1"}),
    ("task", "echo>", {"hit_condition": "% 2"}),
    ("task", "+one", {"condition": "i == 2"}),
    ("task", "+*", {"log_message": "at ${task_name} ${x}"}),
    ("task", "+*", {"condition": "(x = 5, true)"}),
    ("task", "+*", {"condition": "nothing.at.all"}),
    ("data", "x", {}),
    ("data", "db.port", {"condition": "x > 0"}),
    ("template", "*", {}),
    ("line", "main.dig:3", {}),
    *[("event", name, {}) for name in EVENTS],
]
VALUES = [1, 2, 0.5, None, True, "text", "${x}", {"port": 7}, {"host": {"deep": 1}}, [1, {"a": 2}], "", {}]
PATHS = [("x",), ("db",), ("db", "port"), ("db", "host", "deep"), ("new",), ("echo>",), ("list",), ("_export",)]


def rows(attempt: Attempt) -> list[tuple[object, ...]]:
    """All that is known of each task."""
    names = [name for name in Task.__struct_fields__ if name not in ("parent", "children")]
    return [tuple(getattr(task, name) for name in names) for task in attempt.tasks.values()]


def assert_same(before: dict[int, object], after: dict[int, object], message: str) -> None:
    """Tasks that run beside the stop may end, and generate others."""
    both = before.keys() & after.keys()
    assert {task: before[task] for task in both} == {task: after[task] for task in both}, message


class Person:
    """Somebody who does anything, and looks at what comes of it."""

    def __init__(self, project: Path, seed: int) -> None:
        self.project = project
        self.random = random.Random(seed)
        self.dig = self.random.choice(WORKFLOWS)
        write(project, {"main.dig": self.dig, "other.dig": OTHER})
        self.breakpoints = Breakpoints()
        self.done: list[str] = []
        self.wrong: list[str] = []
        """Tasks that were called with other params than they should see."""
        self.run = self.begin(Opening(entry=True))

    def begin(self, opening: Opening) -> Debugged:
        run = Debugged(self.project, breakpoints=self.breakpoints)
        run.session._listener = lambda event: self.hear(run, event)
        run.session.start(opening)
        return run

    def hear(self, run: Debugged, event: SessionEvent) -> None:
        """In the session's thread: each task is called with what the walk of core 6.2 gives it."""
        run.events.append(event)
        runner = run.session._runner
        if isinstance(event, TaskStarted) and runner and runner.attempt is run.session.attempt:
            task = runner.attempt.tasks[event.task]
            if runner.scopes.params(task) != merged({}, layers(runner.attempt, task)):
                self.wrong.append(task.full_name)

    def act(self) -> None:
        """Do one thing."""
        actions: list[Callable[[], None]] = [
            *[lambda name=name: self.move(name) for name in ("step_into", "step_over", "step_out", "resume", "retry")],
            *[self.edit] * 4, *[self.edit_and_undo] * 3, self.undo, self.skip, self.skip, self.run_to,
            self.toggle, self.add, self.add, self.clear, self.rewind, self.rewind, self.rewind_to, self.restart,
            self.pause, self.stop, self.reload, self.leave_and_come_back, self.look_back, self.settings, self.try_task,
        ]  # fmt: skip
        if self.run.session.state == "recorded" and self.random.random() < 0.6:
            actions = [self.restart, lambda: self.move("resume"), self.rewind]
        action = self.random.choice(actions)
        self.done.append(action.__name__)
        action()
        if self.random.random() < 0.8:
            self.look()

    # What is done

    def command(self, name: str, future: Callable[[], Future[None]], *, whole: bool = True) -> bool:
        """Give a command; True if it was taken. One that is possible is refused only for what it is about."""
        session = self.run.session
        begins = session._reopening is not None and not session._reopening.done()
        rests = session.state in ("stopped", "ended", "recorded") and not begins
        reason = session.not_possible(name)
        self.done[-1] += f" {reason or 'possible'}"
        try:
            future().result(20)
        except NotPossible as error:
            assert str(error)
            assert not (rests and whole and reason is None), f"{name} was said to be possible: {error}"
            return False
        assert not (rests and reason), f"{name} was said to be impossible: {reason}"
        return True

    def move(self, name: str) -> None:
        known = {"resume": "continue", "retry": "retry"}
        self.command(known.get(name, "step"), getattr(self.run.session, name))

    def task(self) -> Task:
        return self.random.choice([*self.run.session.attempt.tasks.values()])

    def change(self) -> bool:
        session, stopped = self.run.session, self.run.session.stopped
        identifier = stopped.task if stopped and self.random.random() < 0.7 else self.task().id
        path, value = self.random.choice(PATHS), self.random.choice(VALUES)
        scope: Any = self.random.choice(["task", "onward", "session"])
        self.done[-1] += f" {identifier} {path} {value} {scope}"
        return self.command("edit", lambda: session.set_param(identifier, path, value, scope), whole=False)

    def edit(self) -> None:
        if self.run.session.attempt.tasks:
            self.change()

    def edit_and_undo(self) -> None:
        session = self.run.session
        if self.rested() != "stopped":
            return
        before = self.seen()
        if self.change():
            made = session.edits.made[-1]
            assert not made.had_effect
            session.undo(made).result(20)
            assert_same(before, self.seen(), "an edit that was taken back is still seen")
            session.undo(made).result(20)
            after = self.seen()
            session.undo(made).result(20)
            assert_same(before, self.seen(), "an edit that was taken back twice is still seen")
            session.undo(made).result(20)
            assert_same(after, self.seen(), "an edit that was made again is not seen")
            if self.random.random() < 0.7:
                session.undo(made).result(20)

    def seen(self) -> dict[int, object]:
        """What each task sees that has not begun."""
        runner = self.run.session._runner
        assert runner
        tasks = runner.attempt.tasks.values()
        return {task.id: (runner.params(task), task.edits) for task in tasks if task.state in ("blocked", "ready")}

    def undo(self) -> None:
        known = [*self.run.session.edits.made, *self.run.session.waiting_edits(), None]
        chosen = self.random.choice(known)
        self.command("undo", lambda: self.run.session.undo(chosen), whole=False)

    def skip(self) -> None:
        store: Any = self.random.choice([{}, {"x": 9}, {"db": {"port": 8}}, {"x": {"a": 1}}, {"new": [1]}])
        self.command("skip", lambda: self.run.session.skip(store), whole=False)

    def run_to(self) -> None:
        if self.run.session.attempt.tasks:
            name = self.task().full_name
            self.command("run to task", lambda: self.run.session.run_to(name))

    def toggle(self) -> None:
        if self.run.session.attempt.tasks:
            self.run.session.toggle_breakpoint(self.task().full_name)

    def add(self) -> None:
        kind, target, more = self.random.choice(BREAKPOINTS)
        self.breakpoints.add(kind, target, **more)

    def clear(self) -> None:
        self.breakpoints.remove(*[each.id for each in self.breakpoints.all])

    def settings(self) -> None:
        breaks = self.run.session.breaks
        breaks.on_failure = self.random.random() < 0.5
        breaks.hold_branches = self.random.random() < 0.5
        self.breakpoints.mute(self.random.random() < 0.2)

    def edits(self) -> list[tuple[object, ...]]:
        session = self.run.session
        kept = [*session.edits.in_force, *session.waiting_edits()]
        return sorted(
            (*(("", 0) if each.event.scope == "session" else (each.task, each.row)), each.name, repr(each.event.value))
            for each in kept
        )

    def rewind(self) -> None:
        if self.rested() in REST and self.run.session.attempt.tasks:
            before, task = self.edits(), self.task()
            if self.command("rewind", lambda: self.run.session.rewind(task.id), whole=False):
                self.kept(before)

    def rewind_to(self) -> None:
        if self.rested() in REST and self.run.session.journal_path:
            events = [*read_journal(self.run.session.journal_path, output=False)]
            place, before = self.random.randint(1, len(events)), self.edits()
            if self.command("rewind", lambda: self.run.session.rewind_to(place), whole=False):
                self.kept(before)

    def kept(self, before: list[tuple[object, ...]]) -> None:
        self.rested()
        assert self.edits() == before, "rewinding lost an edit"

    def restart(self) -> None:
        self.command("restart", self.run.session.restart)

    def pause(self) -> None:
        self.command("pause", self.run.session.pause)

    def stop(self) -> None:
        self.command("stop", self.run.session.stop)

    def reload(self) -> None:
        changed, longer = self.dig.replace("${x}", "X ${x}", 1), self.dig + "    +new: {echo>: n}\n"
        text = self.random.choice([self.dig, changed, longer])
        if self.random.random() < 0.2:
            text = "+broken: [\n"
        write(self.project, {"main.dig": text})
        self.run.session.watch_mode = self.random.choice(["reload", "touched", "all"])
        self.command("reload", lambda: self.run.session.reload([self.project / "main.dig"]))

    def leave_and_come_back(self) -> None:
        write(self.project, {"main.dig": self.dig})
        folder = self.run.session.journal_folder
        self.leave()
        past = last_attempt(folder) if folder else None
        wanted = self.random.choice(["new", "go on", "look"]) if past else "new"
        self.done[-1] += f" {wanted}"
        if past and wanted == "go on" and not past.finished:
            self.run = self.begin(Opening(entry=True, past=past))
        elif past and wanted == "look":
            self.run = self.begin(Opening(recorded=past.path))
        else:
            self.run = self.begin(Opening(entry=True))

    def look_back(self) -> None:
        folder = self.run.session.journal_folder
        past = [*folder.glob("*.jsonl")] if folder and folder.exists() else []
        own = self.run.session.journal_path
        others = [path for path in past if path != own]
        if others:
            chosen = self.random.choice(sorted(others))
            self.command("open", lambda: self.run.session.look_at(chosen))

    def try_task(self) -> None:
        session = self.run.session
        if session.state in ("stopped", "ended") and session.attempt.tasks:
            task = self.task()
            before = rows(session.attempt)
            try:
                session.try_task(task.id, {"echo>": "tried"}).result(20)
            except (NotPossible, DigdagError) as error:
                assert str(error)
            if session.state == "ended":
                assert rows(session.attempt) == before, "trying a task changed the attempt"

    # What must hold

    def rested(self) -> str:
        """Wait until the session has come to rest, and is not about to begin again."""
        session = self.run.session
        while session.wait(*REST, timeout=60) and session._reopening and not session._reopening.done():
            stopped = session.stopped
            if stopped and stopped.reason == "exception":
                with suppress(NotPossible):
                    session.resume().result(20)
        return session.wait(*REST, timeout=60)

    def look(self) -> None:
        """Wait for rest, and compare what is known in several ways."""
        state = self.rested()
        assert not self.wrong
        for event in self.run.events:
            if isinstance(event, ProblemsFound):
                assert not any("itself failed" in problem.message for problem in event.problems), event.problems
        session = self.run.session
        if state != "broken" and session.attempt.tasks and session._loop:
            asyncio.run_coroutine_threadsafe(self.compare(), session._loop).result(60)

    async def compare(self) -> None:
        """In the session's thread, so that nothing happens meanwhile."""
        session, attempt = self.run.session, self.run.session.attempt
        told, replay, read = Attempt(), Replay(), Attempt()
        opened = [number for number, event in enumerate(self.run.events) if isinstance(event, AttemptOpened)]
        for event in self.run.events[opened[-1] :]:
            if isinstance(event, Event):
                told.apply(event)
                replay.add(event)
        assert rows(told) == rows(attempt), "the events tell another attempt"
        replay.move(self.random.randint(1, len(replay.events)))
        replay.move(len(replay.events))
        assert rows(replay.attempt) == rows(attempt), "looking back changes it"
        for event in read_journal(session.journal_path) if session.journal_path else ():
            read.apply(event)
        assert rows(read) == rows(attempt), "the journal tells another attempt"
        if session._runner and session.state == "stopped":
            fresh, kept = Scopes(attempt), session._runner.scopes
            for task in attempt.tasks.values():
                if task.state == "ready":
                    assert kept.params(task) == fresh.params(task) == merged({}, layers(attempt, task)), task.full_name

    def finish(self) -> None:
        """Every attempt can be brought to its end."""
        write(self.project, {"main.dig": self.dig})
        session = self.run.session
        self.clear()
        session.breaks.on_failure = session.breaks.on_question = False
        if self.rested() == "broken":
            session.reload([self.project / "main.dig"]).result(20)
        for _ in range(200):
            state = self.rested()
            if state == "ended":
                break
            if state == "recorded" and session.not_possible("continue"):
                break
            session.resume().result(20)
        assert state in ("ended", "recorded")
        assert session.attempt.success is not None
        self.look()

    def leave(self) -> None:
        self.run.session.quit()
        thread = self.run.session._thread
        assert thread and not thread.is_alive()


@pytest.mark.parametrize("seed", range(12))
def test_a_session_given_anything(tmp_path: Path, seed: int) -> None:
    person = Person(tmp_path, seed)
    try:
        for _ in range(COMMANDS):
            person.act()
        person.finish()
    except BaseException as error:
        error.add_note(f"seed {seed}: " + "\n  ".join(person.done))
        raise
    finally:
        person.leave()
