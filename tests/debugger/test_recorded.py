"""A past attempt opened again: what it shows, where its tasks stand in the files, and what can follow from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from digdag_tui.debugger.events import Notice, ProblemsFound
from digdag_tui.debugger.gate import Opening
from digdag_tui.debugger.history import find_attempt, journals, past_attempt
from digdag_tui.debugger.session import NotPossible
from digdag_tui.workflow.config import position_of
from digdag_tui.workflow.errors import DigdagError

from ..support import Debugged, debugged, write

DIG = """
    _export: {n: 3}
    +a: {sh>: echo a >> log}
    +each:
      for_each>: {i: [1, 2]}
      _do:
        +one: {sh>: "echo ${i} >> log"}
    +c: {sh>: "[ -e ok ] && echo c >> log"}
    """


def failed(project: Path) -> Path:
    """The journal of an attempt that failed at `+c`."""
    with debugged(project, DIG) as run:
        run.session.breaks.on_failure = False
        assert run.do("resume") == "ended"
    return find_attempt(project, "last")


def recorded(project: Path, journal: Path) -> Debugged:
    run = Debugged(project)
    run.session.start(Opening(recorded=journal))
    run.session.wait("recorded", "broken")
    return run


def test_it_is_as_it_was_and_its_keys_have_their_places(tmp_path: Path) -> None:
    journal = failed(tmp_path)
    run = recorded(tmp_path, journal)
    try:
        assert run.session.state == "recorded" and run.session.session_time == "2026-01-31T00:00:00+00:00"
        assert run.states()["+main+c"] == "error" and run.finished() == [False]
        assert str(position_of(run.task("+main+a").config, "sh>")) == "main.dig:2:6"
        one = run.task("+main+each^sub+for-0=i=1=2+one")
        assert str(position_of(one.config, "sh>")) == "main.dig:6:12"
        assert str(position_of(run.task("+main").export, "n")) == "main.dig:1:11"
        for command in ("step_over", "stop", "retry", "resume"):
            with pytest.raises(NotPossible, match=r"only looked at: rewind \(w\) or restart \(R\)"):
                getattr(run.session, command)().result(10)
        assert len(journals(tmp_path)) == 1 and (tmp_path / "log").read_text() == "a\n1\n2\n"
    finally:
        run.session.quit()


def test_exports_of_called_workflows_have_their_places(tmp_path: Path) -> None:
    write(tmp_path, {"child.dig": "_export:\n  limit: 3\n+in: {echo>: in}\n"})
    with debugged(tmp_path, "+a: {call>: child}\n") as run:
        assert run.do("resume") == "ended"
    again = recorded(tmp_path, find_attempt(tmp_path, "last"))
    try:
        assert str(position_of(again.task("+main+a^sub").export, "limit")) == "child.dig:2:3"
    finally:
        again.session.quit()


def test_a_definition_that_changed_since_has_no_place(tmp_path: Path) -> None:
    journal = failed(tmp_path)
    (tmp_path / "main.dig").write_text((tmp_path / "main.dig").read_text().replace("echo a", "echo other"))
    run = recorded(tmp_path, journal)
    try:
        assert position_of(run.task("+main+a").config, "sh>") is None
        assert position_of(run.task("+main+c").config, "sh>") is not None
    finally:
        run.session.quit()


def test_rewinding_begins_a_new_attempt_that_keeps_what_had_ended(tmp_path: Path) -> None:
    journal = failed(tmp_path)
    run = recorded(tmp_path, journal)
    try:
        (tmp_path / "ok").touch()
        run.session.rewind(run.task("+main+c").id).result(10)
        run.session.wait("stopped")
        assert run.where() == "goto +main+c"
        assert run.do("resume") == "ended" and run.finished()[-1]
    finally:
        run.session.quit()
    assert (tmp_path / "log").read_text() == "a\n1\n2\nc\n", "nothing ran twice"
    assert [path.stem for path in journals(tmp_path, "main")] == ["0002", "0001"]


@pytest.mark.parametrize("back", [1, 5, 9, 14, 19])
def test_rewinding_to_any_event_keeps_what_had_ended_by_then(tmp_path: Path, back: int) -> None:
    journal = failed(tmp_path)
    run = recorded(tmp_path, journal)
    try:
        (tmp_path / "ok").touch()
        run.session.rewind_to(back).result(10)
        run.session.wait("stopped")
        before = dict(run.states())
        assert run.where().startswith("entry ")
        assert run.do("resume") == "ended" and run.finished()[-1]
    finally:
        run.session.quit()
    lines = (tmp_path / "log").read_text().split()[3:]
    kept = [name for name, state in before.items() if state == "success"]
    expected = {"+main+a": "a", "+main+each^sub+for-0=i=0=1+one": "1", "+main+each^sub+for-0=i=1=2+one": "2"}
    assert lines == [line for name, line in expected.items() if name not in kept] + ["c"]


def test_without_the_project_it_is_still_shown(tmp_path: Path) -> None:
    journal = failed(tmp_path)
    (tmp_path / "main.dig").unlink()
    run = recorded(tmp_path, journal)
    try:
        assert run.session.state == "recorded" and run.states()["+main+c"] == "error"
        assert any(isinstance(event, ProblemsFound) and event.problems for event in run.events)
        run.session.restart().result(10)
        assert run.session.wait("broken") == "broken"
    finally:
        run.session.quit()


def test_a_damaged_journal_is_shown_as_far_as_it_can_be_read(tmp_path: Path) -> None:
    journal = failed(tmp_path)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:9], b"{damaged\n", *lines[9:]]))
    run = recorded(tmp_path, journal)
    try:
        (notice,) = (event for event in run.events if isinstance(event, Notice))
        assert notice.text == "line 10 of 0001.jsonl is damaged: only what was before it is shown"
        assert run.session.attempt.success is None
        assert run.do("resume").startswith("entry "), "without an end it can be gone on with"
    finally:
        run.session.quit()


def test_attempts_are_found_as_people_call_them(tmp_path: Path) -> None:
    with pytest.raises(DigdagError, match="no attempt is kept in") as none:
        find_attempt(tmp_path, "last")
    assert none.value.hint == "run the workflow first"
    first = failed(tmp_path)
    run = recorded(tmp_path, first)
    run.session.restart().result(10)
    run.session.wait("stopped")
    run.session.quit()
    second = find_attempt(tmp_path, "last")
    assert (second.stem, first.stem) == ("0002", "0001")
    for wanted in ("1", "20260131/1", "20260131T000000+0000/1", "main/1", "main/20260131T000000+0000/1"):
        assert find_attempt(tmp_path, wanted) == first, wanted
        assert find_attempt(tmp_path, wanted, "main") == first, wanted
    past = past_attempt(first)
    assert past and past.id == "main/20260131T000000+0000/1"
    assert (past.outcome, past.failed_task, past.ended_tasks, past.tasks) == ("failed", "+main+c", 6, 6)
    for wanted in ("3", "nonsense", "other/1", "20270101/1", "/"):
        with pytest.raises(DigdagError, match="there is no attempt"):
            find_attempt(tmp_path, wanted)
    with pytest.raises(DigdagError, match="no attempt of other is kept"):
        find_attempt(tmp_path, "1", "other")
