"""Editing params on the screen: one, all of a task, taking edits back, the list of edits, saving them."""

from __future__ import annotations

import gc
from pathlib import Path

from textual.widgets import TextArea

from digdag_tui.tui.editor import ValueArea

from .support import Screen, opened

FLOW = """
_export:
  rows: 0
  db: {host: local, port: 5432}
  greeting: "rows ${rows}"
+a:
  echo>: "${rows} ${db.port}"
  own: 1
+g:
  +b: {echo>: "${rows}"}
"""


async def edit(screen: Screen, *path: str) -> None:
    """Open the editor on a param, with nothing typed yet."""
    await screen.press("2")
    assert screen.app.main.params.select(path)
    await screen.dialog("e")
    await screen.focused(".value")


async def set_rows(screen: Screen, value: str) -> None:
    await edit(screen, "rows")
    await screen.type(value)
    await screen.press("enter")
    await screen.until(lambda: value in screen.param("rows"), f"rows to be {value}")


def area(screen: Screen) -> TextArea:
    return screen.app.screen.query_one(TextArea)


async def test_the_editor_shows_the_type_now_and_before(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await edit(screen, "rows")
        await screen.type('"9"')
        await screen.sees('= "9"  string')
        await screen.sees("was 0  number")
        await screen.press("escape")
        await edit(screen, "greeting")
        assert area(screen).text == "rows ${rows}", "the template, not what became of it"
        await screen.sees('→ "rows 0"')
        await screen.press("escape")
        await edit(screen, "db")
        await screen.type("{port: 7}")
        await screen.sees("objects merge: host stays as it is")


async def test_editors_that_are_closed_are_not_kept(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        for _ in range(3):
            await edit(screen, "rows")
            await screen.press("escape")
            await screen.until(lambda: screen.app.screen is screen.app.main, "the main screen")

        def kept() -> int:
            gc.collect()
            return sum(isinstance(each, ValueArea) for each in gc.get_objects())

        await screen.until(lambda: kept() == 0, "the end of all editors")


async def test_a_value_of_the_wrong_type_is_refused_in_place(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.dialog("E")
        await screen.type("_export")
        await screen.press("enter")
        await screen.type("7")
        await screen.sees("✖ _export is an object, such as {key: value}, not a number")
        await screen.press("enter")
        assert screen.app.screen is not screen.app.main, "it stays open"
        await screen.press("escape")
        await screen.dialog("E")
        await screen.type("timezone")
        await screen.press("enter")
        await screen.type("Mars")
        await screen.sees("timezone is set by Digdag for every task: edit it for one task only")
        await screen.press("tab", "up")
        await screen.sees("Unknown time zone name: Mars")


async def test_an_edit_that_something_else_beats_says_so_before_it_is_saved(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await edit(screen, "rows")
        await screen.type("9")
        await screen.press("tab", "down")
        await screen.sees("beaten here by: _export +main  main.dig:2")


async def test_a_value_with_a_secret_is_not_shown_and_cannot_be_overwritten_by_leaving_it(tmp_path: Path) -> None:
    dig = '_export: {token: "hunter2222 x", rows: 0}\n+a: {echo>: "${token} ${rows}"}\n'
    async with opened(tmp_path, dig, secrets={"password": "hunter2222"}) as screen:
        await screen.stops("before +main+a")
        await edit(screen, "token")
        await screen.sees("its value holds a secret and is not shown")
        await screen.press("enter", "escape")
        await screen.dialog("V")
        assert "hunter" not in screen.picture() and "*** x" in area(screen).text
        area(screen).text = area(screen).text.replace("rows: 0", "rows: 9")
        await screen.sees("1 change: rows = 9")
        await screen.press("ctrl+s")
        await screen.until(lambda: "9" in screen.param("rows"), "the edit")
        await screen.press("c")
        await screen.stops("finished: success")
        await screen.shows("log", "*** x 9")


async def test_all_params_of_a_task_are_edited_as_one_text(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.dialog("V")
        before = area(screen).text
        area(screen).text = before.replace("rows: 0", "rows: [1")
        await screen.sees("✖ line ")
        await screen.sees("close the list with ]")
        area(screen).text = before.replace("rows: 0\n", "")
        await screen.sees("rows is missing: an edit can change a param, not remove it")
        await screen.press("ctrl+s")
        assert screen.app.screen is not screen.app.main, "it stays open"
        area(screen).text = before.replace("own: 1", "own: 2").replace("5432", "7") + "_retry: often\n"
        await screen.sees("column 1: Expected integer")
        area(screen).text = before.replace("own: 1", "own: 2").replace("5432", "7") + "new: true\n"
        await screen.sees("3 changes: own = 2  db.port = 7  new = true")
        await screen.press("ctrl+s")
        await screen.until(lambda: len(screen.app.view.edits.made) == 3, "the edits")
        scopes = {made.name: made.event.scope for made in screen.app.view.edits.made}
        assert scopes == {"own": "task", "db.port": "onward", "new": "onward"}
        await screen.press("c")
        await screen.stops("finished: success")
        await screen.shows("log", "0 7")


async def test_nothing_changed_is_no_edit(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.dialog("V")
        await screen.sees("nothing is changed yet")
        await screen.press("ctrl+s")
        assert screen.app.screen is screen.app.main and not screen.app.view.edits.made


async def test_undo_takes_the_last_edit_back_and_offers_to_rewind_for_one_that_had_an_effect(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.press("u")
        await screen.says("can't undo: no param was edited")
        await set_rows(screen, "7")
        await set_rows(screen, "8")
        await screen.press("u")
        await screen.until(lambda: " 7 " in screen.param("rows"), "the first edit")
        await screen.press("n")
        await screen.stops("before +main+g")
        await screen.dialog("u")
        await screen.sees("+main+a has begun with rows as you set it")
        await screen.press("w")
        await screen.stops("before +main+a")
        await screen.until(lambda: "edited" not in screen.param("rows"), "no edit")
        assert not screen.app.view.edits.made


async def test_the_list_of_edits(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, size=(80, 24)) as screen:
        await screen.stops("before +main+a")
        await screen.dialog("U")
        await screen.sees("No param was edited")
        await screen.press("escape")
        await set_rows(screen, "7")
        await screen.press("n")
        await screen.stops("before +main+g")
        await set_rows(screen, "8")
        await screen.dialog("U")
        await screen.sees("● rows  0 → 7")
        await screen.sees("○ rows  7 → 8")
        await screen.press("delete")
        await screen.sees("⊘ rows")
        await screen.sees("taken back")
        await screen.press("delete")
        await screen.sees("○ rows  7 → 8")
        await screen.press("down")
        await screen.sees("+main+a has begun with it")
        await screen.press("enter")
        await screen.until(lambda: screen.app.screen is screen.app.main, "the main screen")
        assert screen.selected() == "+main+a"


async def test_edits_are_saved_in_a_params_file_that_is_never_overwritten_unasked(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        (tmp_path / "params.yml").write_text("keep: 1\n")
        await set_rows(screen, "7")
        await edit(screen, "own")
        await screen.type("2")
        await screen.press("enter")
        await screen.until(lambda: len(screen.app.view.edits.made) == 2, "both edits")
        await screen.dialog("U")
        await screen.press("s")
        await screen.sees("Save the edits in a params file")
        await screen.sees("rows loses to: _export +main  main.dig:2")
        await screen.sees("own is +main+a's own key: left out")
        await screen.sees("params.yml exists: its other keys stay")
        await screen.focused("#file")
        await screen.press("enter")
        await screen.says("1 param saved in params.yml: digdag-tui -P params.yml gives them back")
        assert (tmp_path / "params.yml").read_text() == "keep: 1\nrows: 7\n"


async def test_a_mistake_when_skipping_is_said_in_place_at_80_columns(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, size=(80, 24)) as screen:
        await screen.stops("before +main+a")
        await screen.dialog("k")
        await screen.type("[1]")
        await screen.sees("values to store are an object")
        await screen.press("backspace")
        await screen.sees("close the list with ]")
        assert "Skip it" in screen.picture() and "Cancel" in screen.picture()
