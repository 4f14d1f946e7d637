"""Tasks of services that nobody has at hand: what they would send, and giving what they come to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.widgets import Static

from digdag_tui.debugger.environment import LocalEnvironment
from digdag_tui.debugger.launch import Launch
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.params.secrets import LocalSecrets
from digdag_tui.tui.app import DebuggerApp
from digdag_tui.tui.editor import ValueArea
from digdag_tui.workflow.pins import PINS_FILE, Pins
from tests.support import write

from .support import Screen

FLOW = """
_export: {td: {database: d}, day: 2026-01-31}
+load:
  td>: queries/load.sql
+report: {echo>: "job ${td.last_job.id}"}
+last: {sh>: "echo was run"}
"""
SQL = {"queries/load.sql": "select *\nfrom [b]t[/]\nwhere day = '${day}'\n"}


@asynccontextmanager
async def opened(project: Path, pins: str = "") -> AsyncIterator[Screen]:
    """The debugger on the flow, with the project's pins; the session ends with the test."""
    write(project, {"main.dig": FLOW, **SQL, **({PINS_FILE: pins} if pins else {})})

    def prepare() -> tuple[Launch, LocalEnvironment]:
        secrets = LocalSecrets({}, project / "no-home")
        environment = LocalEnvironment(project, Evaluator(), secrets, {}, Pins(project / PINS_FILE))
        return Launch(project, "main", session="2026-01-31"), environment

    app = DebuggerApp(project, "main", prepare, watches=False)
    try:
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            screen = Screen(app, pilot)
            await screen.until(lambda: app.view.problems or app.main.tasks.count(), "the workflow")
            yield screen
    finally:
        app.close()


async def asked(screen: Screen) -> None:
    await screen.stops("before +main+load")
    await screen.press("c")
    await screen.stops("+main+load needs its output: P gives it")


async def test_a_task_asks_for_its_output_and_shows_what_it_would_send(tmp_path: Path) -> None:
    async with opened(tmp_path) as screen:
        await asked(screen)
        error = screen.text("error")
        assert "td> needs Treasure Data, which is not called from here: nothing was sent" in error
        assert PINS_FILE in error and "P gives its output" in error and "4 shows what it would have sent" in error
        assert "4 Task 1" in screen.picture() and "5 Error ?" in screen.picture()
        assert "? +load" in screen.line("tasks", "+load") and screen.bar().split()[:2] == ["P", "pin"]
        await screen.press("4")
        text = screen.text("task")
        assert "queries/load.sql" in text and "from [b]t[/]" in text and "where day = '2026-01-31'" in text
        screen.app.main.select(screen.app.view.attempt.tasks[3])
        await screen.until(lambda: "queries/load.sql" not in screen.text("task"), "another task")


async def test_its_output_is_given_for_now(tmp_path: Path) -> None:
    async with opened(tmp_path) as screen:
        await asked(screen)
        await screen.dialog("P")
        assert 'last_job_id: "1"' in screen.picture() and '= {"store":{"td"' in screen.picture()
        await screen.press("enter")
        await screen.stops("before +main+report")
        assert "pinned" in screen.line("tasks", "+load")
        assert "WARN  Pinned: td> is not run, its output comes from the debugger" in screen.text("log")
        screen.app.main.select(screen.app.view.attempt.tasks[2])
        await screen.press("4")
        await screen.shows("task", "its output is given, the operator is not called")
        await screen.press("c")
        await screen.stops("finished: success")
        assert "job 1" in screen.text("log") and "was run" in screen.text("log")
        assert not (tmp_path / PINS_FILE).exists()
        assert "pinned" not in screen.line("tasks", "+last")


async def test_its_output_is_saved_beside_what_is_in_the_file(tmp_path: Path) -> None:
    async with opened(tmp_path, "# mine\n+main+last:\n") as screen:
        await screen.stops("before +main+load")
        assert "pinned" in screen.line("tasks", "+last"), "it will be"
        await screen.press("c")
        await screen.stops("needs its output")
        await screen.dialog("P")
        screen.app.screen.query_one(ValueArea).select_all()
        await screen.type("stor: 1")
        verdict = screen.app.screen.query_one("#verdict", Static)
        await screen.until(lambda: "did you mean store?" in str(verdict.render()), "the mistake")
        await screen.press("ctrl+s")
        assert screen.app.screen is not screen.app.main
        screen.app.screen.query_one(ValueArea).select_all()
        await screen.type("store: {td: {last_job: {id: 8}}}")
        await screen.press("ctrl+s")
        await screen.stops("before +main+report")
        await screen.says(f"+main+load is pinned in {PINS_FILE}: it is not run")
        assert (tmp_path / PINS_FILE).read_text() == (
            "# mine\n+main+last:\n+main+load:\n  store:\n    td:\n      last_job:\n        id: 8\n"
        )
        await screen.press("c")
        await screen.stops("finished: success")
        assert "job 8" in screen.text("log") and "was run" not in screen.text("log").replace("echo was run", "")


async def test_what_a_task_came_to_is_pinned_for_later(tmp_path: Path) -> None:
    async with opened(tmp_path, "+main+load: {store: {td: {last_job: {id: 3}}}}\n") as screen:
        await screen.stops("before +main+load")
        await screen.press("c")
        await screen.stops("finished: success")
        screen.app.main.select(screen.app.view.attempt.tasks[4])
        await screen.dialog("P")
        assert "a success that leaves nothing behind" in screen.picture()
        await screen.press("enter")
        await screen.says("+main+last is pinned until you leave: it is not run")
        assert screen.app.view.attempt.success
        await screen.press("R")
        await screen.stops("before +main+load")
        assert "pinned" in screen.line("tasks", "+last")
        screen.app.main.select(screen.app.view.attempt.root)
        await screen.press("P")
        await screen.says("can't pin: +main is a group: pin the tasks in it")


async def test_a_broken_file_of_pins_is_a_problem(tmp_path: Path) -> None:
    async with opened(tmp_path, "+main+load: {stor: {}}\n") as screen:
        await screen.shows("problems", f"{PINS_FILE}:1:14")
        assert "did you mean store?" in screen.text("problems")
