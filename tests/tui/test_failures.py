"""A task that fails: its error, and what a person does about it."""

from __future__ import annotations

import re
from contextvars import Context
from pathlib import Path

from .support import opened

FLOW = """
_export: {limit: many}
+before: {echo>: before}
+work:
  py>: work.run
+after:
  echo>: "after ${result}"
"""
WORK = """
import digdag

def check(limit):
    return int(limit) + 1

def run(limit):
    digdag.env.store({"result": check(limit)})
"""


async def test_the_error_shows_with_the_persons_own_code(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await screen.press("c")
        await screen.stops("✖ +main+work failed")
        assert screen.app.main.shows("error") and "✖" in str(screen.app.main.query_one("#about-box").border_title)
        text = screen.text("error")
        assert "Python command failed with code 1" in text
        assert "invalid literal for int() with base 10: 'many' (ValueError)" in text
        assert "work.py:4 in check" in text and "work.py:7 in run" in text
        assert "➤    4     return int(limit) + 1" in text
        assert text.index("Your Python code") < text.index("Full traceback")
        assert "✖ +work" in screen.line("tasks", "+work")


async def test_enter_shows_the_line_of_ones_own_code_and_backspace_comes_back(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await screen.press("c")
        await screen.stops("✖ +main+work failed")
        error = screen.pane("error")
        error.move_to(next(row for row in range(error.count()) if "work.py:7" in error.text_of(row)))
        await screen.press("enter")
        await screen.until(lambda: screen.app.main.active == "source", "the source")
        position = screen.app.main.source.position
        assert position and (position.file, position.line) == ("work.py", 7)
        await screen.press("backspace")
        await screen.until(lambda: screen.app.main.active == "error", "the error")


async def test_the_next_stop_shows_the_pane_that_the_error_covered(tmp_path: Path) -> None:
    dig = "+a: {sh>: '[ -e ok ]'}\n+b: {sh>: '[ -e ok ]'}\n+c: {echo>: c}"
    async with opened(tmp_path, dig) as screen:
        main = screen.app.main
        await screen.stops("before +main+a")
        await screen.press("4", "1", "c")
        await screen.stops("✖ +main+a failed")
        await screen.until(lambda: main.active == "error", "the error")
        (tmp_path / "ok").touch()
        await screen.press("r")
        await screen.stops("before +main+b")
        await screen.until(lambda: main.shows("task") and main.active == "tasks", "what was shown before")
        (tmp_path / "ok").unlink()
        await screen.press("n")
        await screen.stops("✖ +main+b failed")
        await screen.press("2")
        (tmp_path / "ok").touch()
        await screen.press("r")
        await screen.stops("before +main+c")
        assert main.shows("params") and main.active == "params"


async def test_what_the_error_covered_is_kept_for_the_next_session(tmp_path: Path) -> None:
    async with opened(tmp_path, "+a: {sh>: exit 1}") as screen:
        await screen.stops("before +main+a")
        await screen.press("4", "1", "c")
        await screen.stops("✖ +main+a failed")
        await screen.until(lambda: screen.app.main.active == "error", "the error")
        after_the_end = Context().run(screen.app.main.remembered)
        assert after_the_end["panes"]["about-box"] == "task"


async def test_what_is_surprising_about_the_params_stands_with_the_error(tmp_path: Path) -> None:
    dig = '_export: {limit: "5"}\n+work: {py>: work.run}'
    work = "def run(limit: int):\n    return 1 + limit\n"
    async with opened(tmp_path, dig, {"work.py": work}) as screen:
        await screen.press("c")
        await screen.stops("✖ +main+work failed")
        assert "⚠ work.run wants" in screen.text("error") and "➤ " in screen.line("error", "without quotes")


async def test_an_edit_and_a_retry_finish_the_workflow(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await screen.press("c")
        await screen.stops("✖ +main+work failed")
        await screen.press("2")
        screen.app.main.params.select(("limit",))
        await screen.dialog("e")
        await screen.press("4", "1", "enter")
        await screen.until(lambda: "edited by you" in screen.text("params"), "the edit")
        await screen.press("r")
        await screen.stops("before +main+after")
        await screen.press("c")
        await screen.stops("finished: success")
        assert "after 42" in screen.text("log")


async def test_skipping_with_values_finishes_the_workflow(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await screen.press("c")
        await screen.stops("✖ +main+work failed")
        await screen.dialog("k")
        await screen.type("7")
        assert "are an object, such as" in screen.picture()
        await screen.press("enter", "backspace")
        await screen.type("result: 7")
        await screen.press("enter")
        await screen.stops("before +main+after")
        await screen.press("c")
        await screen.stops("finished: success")
        assert "after 7" in screen.text("log")


async def test_going_on_runs_the_error_task(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW + '_error: {echo>: "caught ${error.message}"}', {"work.py": WORK}) as screen:
        await screen.press("c")
        await screen.stops("✖ +main+work failed")
        await screen.press("c")
        await screen.stops("✖ finished: +main+work failed")
        assert "caught Python command failed" in screen.text("log")
        assert "✔ ^error" in screen.text("tasks")
        await screen.press("1", "home", "5")
        assert "inside of the selected +main" in screen.text("error")


async def test_what_is_known_is_told_once_and_stays(tmp_path: Path) -> None:
    async with opened(tmp_path, "+a: {sh>: exit 3}\n+b: {echo>: '${nope.x}'}\n") as screen:
        await screen.press("c")
        await screen.stops("✖ +main+a failed")
        assert screen.text("error").count("Command failed with code 3") == 1
        await screen.press("k")
        await screen.until(lambda: screen.app.screen is not screen.app.main, "the dialog")
        await screen.press("enter")
        await screen.stops("before +main+b")
        await screen.press("c")
        await screen.stops("✖ +main+b failed")
        assert "no param is named nope" in screen.text("error")
        await screen.press("c")
        await screen.stops("finished")
        screen.app.main.select(screen.app.view.attempt.tasks[3])
        await screen.shows("error", "no param is named nope")


async def test_a_task_that_waits_says_how_long(tmp_path: Path) -> None:
    dig = """
    +a:
      sh>: "[ -e go ] || exit 1"
      _retry: {limit: 1, interval: 90}
    """
    async with opened(tmp_path, dig) as screen:
        await screen.stops("before +main+a")
        await screen.press("x", "c")
        await screen.stops("↻ +main+a waits to retry")
        assert re.search(r"↻1 +in (1m)?\d+s?$", screen.line("tasks", "+a"))
        await screen.press("K")
        await screen.stops("finished: stopped")


async def test_failures_may_pass_and_are_found(tmp_path: Path) -> None:
    dig = """
    +p:
      _parallel: true
      +a: {fail>: first}
      +b: {echo>: fine}
      +c: {fail>: last}
    """
    async with opened(tmp_path, dig) as screen:
        await screen.stops("before +main+p")
        await screen.press("x")
        await screen.says("failures do not stop")
        await screen.press("c")
        await screen.stops("finished")
        await screen.press("exclamation_mark")
        assert screen.selected() == "+main+p+a" and "first" in screen.text("error")
        await screen.press("exclamation_mark")
        assert screen.selected() == "+main+p+c" and "last" in screen.text("error")
        await screen.press("exclamation_mark")
        assert screen.selected() == "+main+p+a"
