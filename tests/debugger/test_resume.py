"""Going on from a journal that ends anywhere comes to the same end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from digdag_tui.debugger.gate import Opening
from digdag_tui.debugger.history import last_attempt

from ..support import Debugged, debugged, write

WORKFLOWS = {
    "success": """
        _export: {n: 2}
        +a: {echo>: "${n}", _check: {echo>: check}}
        +p:
          _parallel: true
          +l:
            for_each>: {i: [1, 2]}
            _do: {+one: {echo>: "${i}"}}
          +i:
            if>: ${n == "2"}
            _do: {echo>: yes}
        +end: {echo>: end}
        """,
    "failure": """
        _error: {echo>: "${error.message}"}
        +g:
          _retry: 1
          +a: {echo>: a}
          +b: {fail>: no, _error: {echo>: handled}}
        +never: {echo>: never}
        """,
}


def attempt(project: Path, opening: Opening) -> Debugged:
    run = Debugged(project, break_on_failure=False)
    asyncio.run(run.session.run_attempt(opening))
    return run


def rows(run: Debugged) -> list[tuple[int, str, str, object]]:
    return [(task.id, task.full_name, task.state, task.error) for task in run.session.attempt.tasks.values()]


@pytest.mark.parametrize("kind", WORKFLOWS)
def test_after_any_event(tmp_path: Path, kind: str) -> None:
    write(tmp_path, {"main.dig": WORKFLOWS[kind]})
    whole = attempt(tmp_path, Opening())
    folder = whole.session.journal_folder
    assert folder
    (journal,) = folder.glob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    for kept in range(1, len(lines)):
        torn = lines[kept][: len(lines[kept]) // 2]
        journal.write_bytes(b"".join(lines[:kept]) + torn)
        past = last_attempt(folder)
        assert past and not past.finished
        run = attempt(tmp_path, Opening(past=past))
        assert rows(run) == rows(whole), f"after {kept} events"
        assert run.session.attempt.success is whole.session.attempt.success


def test_leaving_at_a_stop_keeps_the_attempt_to_go_on_with(tmp_path: Path) -> None:
    dig = "+a: {sh>: echo a >> log}\n+b: {sh>: echo b >> log}\n+c: {sh>: '[ -e ok ] && echo c >> log'}\n"
    with debugged(tmp_path, dig) as run:
        assert run.do("run_to", "+main+b") == "goto +main+b"
        folder = run.session.journal_folder
    assert folder
    past = last_attempt(folder)
    assert past and (past.outcome, past.ended_tasks, past.last_task) == ("not finished", 1, "+main+a")
    with debugged(tmp_path, dig, Opening(past=past)) as run:
        assert run.where() == "exception +main+c"
    past = last_attempt(folder)
    assert past and (past.number, past.outcome, past.last_task) == (1, "not finished", "+main+b")
    (tmp_path / "ok").touch()
    with debugged(tmp_path, dig, Opening(past=past)) as run:
        assert run.where() == "ended" and run.finished() == [True]
    assert (tmp_path / "log").read_text() == "a\nb\nc\n"
