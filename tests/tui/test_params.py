"""The params of a task: who set them, what they overrode, and changing them."""

from __future__ import annotations

from pathlib import Path

import pytest

from .support import Screen, opened

FLOW = """
_export:
  rows: 0
  region: none
  db: {host: local, port: 5432}
  greeting: "rows ${rows}, ${moment(session_time).format('YYYY')}"
+store:
  py>: work.store
+use:
  _export: {region: west}
  echo>: "${rows} ${region}"
+later:
  echo>: "later ${rows} ${region}"
"""
WORK = """
import digdag
def store():
    digdag.env.store({"rows": 1042, "db": {"port": 6000}})
"""


async def at_use(screen: Screen) -> None:
    await screen.stops("before +main+store")
    await screen.press("n")
    await screen.stops("before +main+use")


async def test_each_param_shows_its_value_its_origin_and_what_it_overrode(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await at_use(screen)
        text = screen.text("params")
        rows = text.split("\n").index(screen.param("rows"))
        assert "1042" in text.split("\n")[rows] and "stored by +main+store" in text.split("\n")[rows]
        assert "╰ 0" in text.split("\n")[rows + 1] and "_export +main  main.dig:2" in text.split("\n")[rows + 1]
        assert '"west"' in screen.param("region") and "_export +main+use" in screen.param("region")
        assert '"rows 1042, 2026"' in screen.param("greeting")
        assert "= rows ${rows}, ${moment" in text and "reads rows" in text
        assert text.index("echo>") < text.index("rows ") < text.index("Built in (")
        assert "session_uuid" not in text


async def test_objects_and_built_in_params_open(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await at_use(screen)
        await screen.press("2")
        screen.app.main.params.select(("db",))
        await screen.press("right")
        assert "6000" in screen.param("port") and "stored by +main+store" in screen.param("port")
        assert '"local"' in screen.param("host") and "_export +main" in screen.param("host")
        await screen.press("left", "end", "enter")
        assert '"+main+use"' in screen.param("task_name")


async def test_a_template_that_fails_says_so_in_its_place(tmp_path: Path) -> None:
    async with opened(tmp_path, '_export: {a: "${nosuch}"}\n+x:\n  echo>: hi\n  n: {deep: "${a.b.c}"}') as screen:
        await screen.stops("before +main+x")
        assert "nosuch is not defined" in screen.text("params")
        assert "Cannot read propert" in screen.text("params")
        await screen.press("3")
        assert "⚠" in screen.text("task")


@pytest.mark.parametrize(
    ("scope", "seen", "later"),
    [("task", "7 west", "later 1042 none"), ("onward", "7 west", "later 7 none"),
     ("session", "1042 west", "later 1042 none")],
)  # fmt: skip
async def test_an_edit_holds_as_far_as_its_scope(tmp_path: Path, scope: str, seen: str, later: str) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await at_use(screen)
        await screen.press("2")
        screen.app.main.params.select(("rows",))
        await screen.dialog("e")
        await screen.press("7", "tab")
        await screen.focused("ScopeChoice")
        await screen.press({"task": "up", "session": "down"}.get(scope, "x"), "ctrl+s")
        if scope == "session":
            await screen.says("rows keeps its value here, your edit is beaten by: stored by +main+store")
        else:
            await screen.until(lambda: "edited by you" in screen.param("rows"), "the edit")
            assert "1042" in screen.text("params")
        await screen.press("c")
        await screen.stops("finished: success")
        log = screen.text("log")
        assert f" {seen}\n" in log and f" {later}" in log


async def test_a_new_param_is_typed_and_checked(tmp_path: Path) -> None:
    async with opened(tmp_path, '+a: {echo>: "${db.host}"}') as screen:
        await screen.stops("before +main+a")
        await screen.dialog("E")
        await screen.press("tab", "enter")
        await screen.sees("a param needs a name")
        await screen.type("db.")
        await screen.sees("a part of the name is empty")
        await screen.type("host")
        await screen.press("enter")
        await screen.focused(".value")
        await screen.type("[1, 2")
        await screen.sees("close the list with ]")
        await screen.press("enter")
        await screen.type("]")
        await screen.sees("= [1,2]  array")
        await screen.press("enter")
        await screen.until(lambda: "edited by you" in screen.text("params"), "the edit")
        await screen.press("c")
        await screen.stops("finished: success")
        await screen.shows("log", "[1,2]")


async def test_an_edit_can_be_left(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await screen.stops("before +main+store")
        await screen.dialog("e")
        await screen.press("x", "escape")
        assert "edited by you" not in screen.text("params")
        assert screen.app.screen is screen.app.main


async def test_secrets_are_nowhere_on_the_screen(tmp_path: Path) -> None:
    dig = """
    _export: {copied: "it is hunter2222", nested: {deep: hunter2222}}
    +a: {echo>: "hunter2222 and ${copied}"}
    +b: {fail>: "no ${copied}"}
    """
    async with opened(tmp_path, dig, secrets={"password": "hunter2222"}) as screen:
        await screen.stops("before +main+a")
        await screen.press("2")
        screen.app.main.params.select(("nested", "deep"))
        assert "it is ***" in screen.text("params")
        await screen.press("y")
        await screen.says("copied: ")
        assert screen.app.clipboard == '"***"'
        await screen.dialog("e")
        assert "hunter" not in screen.picture()
        await screen.press("escape", "3", "c")
        await screen.stops("✖ +main+b failed")
        await screen.shows("log", "*** and it is ***")
        assert "no it is ***" in screen.text("error")
        await screen.press("3", "up", "1", "home", "down")
        for pane in ("tasks", "params", "task", "error", "log"):
            assert "hunter2222" not in screen.text(pane)


async def test_the_task_pane_has_the_definition_as_written_and_evaluated(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}, size=(200, 50)) as screen:
        await at_use(screen)
        await screen.press("3")
        text = screen.text("task")
        assert "◎ ready" in text and "main.dig:9:13" in text and "after    +store" in text
        assert "echo>: ${rows} ${region}" in text and 'echo>: "1042 west"' in text
        await screen.press("up", "up", "1", "home", "down", "3")
        assert "Stored" in screen.text("task") and "rows: 1042" in screen.text("task")
