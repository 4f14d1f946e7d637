"""Expressions that are watched."""

from __future__ import annotations

from pathlib import Path

from .support import Screen, opened

FLOW = """
_export: {rows: 0, name: Ada}
+a: {py>: work.store}
+b: {echo>: "${rows}"}
+c: {echo>: "${rows}"}
"""
WORK = """
import digdag
def store():
    digdag.env.store({"rows": 1042})
"""


async def watch(screen: Screen, text: str) -> None:
    await screen.dialog("W")
    await screen.press("ctrl+u")
    await screen.type(text)
    await screen.press("enter")
    await screen.until(lambda: screen.app.screen is screen.app.main, "the main screen")


async def test_an_expression_is_watched_from_stop_to_stop(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await screen.stops("before +main+a")
        await watch(screen, "rows * 2")
        await watch(screen, "name")
        await watch(screen, "nosuch")
        assert "changed" not in screen.text("watch")
        assert screen.line("watch", "rows * 2").split()[3:] == ["0", "number"]
        assert '"Ada"' in screen.line("watch", "name")
        assert "✖ ReferenceError: nosuch is not defined" in screen.line("watch", "nosuch")
        await screen.press("n")
        await screen.stops("before +main+b")
        await screen.shows("watch", "2084")
        assert screen.line("watch", "rows").startswith("~ ")
        assert "changed, was 0" in screen.line("watch", "rows")
        assert "changed" not in screen.line("watch", "name")
        await screen.press("n")
        await screen.stops("before +main+c")
        await screen.until(lambda: "changed" not in screen.text("watch"), "no change")


async def test_what_it_was_at_a_stop_that_nobody_looked_at_is_known_too(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await screen.stops("before +main+a")
        await screen.press("n")
        await screen.stops("before +main+b")
        await watch(screen, "rows")
        assert "changed, was 0" in screen.line("watch", "rows")


async def test_without_a_task_no_expression_is_edited(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await screen.stops("before +main+a")
        await watch(screen, "rows")
        await screen.press("8")
        screen.app.main.selected = None
        await screen.press("enter")
        await screen.says("can't watch: no task is selected")


async def test_the_scope_is_that_of_the_selected_task(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await screen.stops("before +main+a")
        await watch(screen, "task_name")
        later = screen.app.view.attempt.named("+main+c")
        assert later
        screen.app.main.select(later)
        await screen.shows("watch", '"+main+c"')


async def test_the_param_at_the_cursor_is_offered_and_expressions_are_changed_and_removed(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await screen.stops("before +main+a")
        await screen.press("2")
        screen.app.main.params.select(("rows",))
        await screen.dialog("W")
        await screen.sees("= 0  number")
        await screen.press("enter")
        await screen.shows("watch", "rows")
        await screen.press("8", "enter")
        await screen.until(lambda: screen.app.screen is not screen.app.main, "the dialog")
        await screen.focused("#expression")
        await screen.press("end")
        await screen.type(" + 1")
        await screen.press("enter")
        await screen.shows("watch", "rows + 1")
        assert screen.pane("watch").count() == 1
        await screen.press("8", "delete")
        assert screen.pane("watch").count() == 0
        assert "no expressions yet" in screen.picture()


async def test_expressions_are_kept_between_sessions_of_the_program(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await screen.stops("before +main+a")
        await watch(screen, "rows")
        await watch(screen, "name")
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await screen.until(lambda: "✖" not in screen.header() and screen.app.session, "the session")
        await screen.press("8")
        await screen.shows("watch", '"Ada"')
        assert screen.app.main.watch_pane.expressions == ["rows", "name"]


async def test_secrets_are_masked(tmp_path: Path) -> None:
    dig = '_export: {token: hunter2222}\n+a: {echo>: "${token}"}\n+b: {echo>: b}\n'
    async with opened(tmp_path, dig, secrets={"password": "hunter2222"}) as screen:
        await screen.stops("before +main+a")
        await watch(screen, "token")
        await screen.shows("watch", '"***"')
        await screen.press("8", "y")
        await screen.says("copied: ")
        assert screen.app.clipboard == '"***"'
