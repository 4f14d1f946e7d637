"""The params of a task: who set them, what they overrode, and changing them."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

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
        assert "~ changed, was 0" in text.split("\n")[rows + 1]
        assert (
            "╰ overrides 0" in text.split("\n")[rows + 2] and "_export +main  main.dig:2" in text.split("\n")[rows + 2]
        )
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
        await screen.press("4")
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
        await screen.press("escape", "4", "c")
        await screen.stops("✖ +main+b failed")
        await screen.shows("log", "*** and it is ***")
        assert "no it is ***" in screen.text("error")
        await screen.press("4", "up", "1", "home", "down")
        for pane in ("tasks", "params", "task", "error", "log"):
            assert "hunter2222" not in screen.text(pane)


async def test_the_task_pane_has_the_definition_as_written_and_evaluated(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}, size=(200, 50)) as screen:
        await at_use(screen)
        await screen.press("4")
        text = screen.text("task")
        assert "◎ ready" in text and "main.dig:9:13" in text and "after    +store" in text
        assert "echo>: ${rows} ${region}" in text and 'echo>: "1042 west"' in text
        await screen.press("up", "up", "1", "home", "down", "4")
        assert "Stored" in screen.text("task") and "rows: 1042" in screen.text("task")


def on(screen: Screen, *path: str) -> bool:
    """Whether the cursor is on a param."""
    param = screen.app.main.params.selected()
    return param is not None and param.path == path


# Changed since the last stop


STORES = """
_export:
  db: {host: local, port: 5432}
  list: [1, 2]
+a:
  py>: work.a
+g:
  _export: {gone: 1}
  +b:
    py>: work.b
+c:
  echo>: c
"""
CHANGING = """
import digdag
def a():
    digdag.env.store({"rows": 1, "rate": "0.05"})
def b():
    digdag.env.store({"rows": 2, "rate": 0.05, "db": {"port": 6000}, "list": [1, 3], "more": {"x": None}})
"""


async def at_c(screen: Screen) -> None:
    for task in "agc":
        await screen.stops(f"before +main+{task}")
        await screen.press(*("n" if task != "c" else ""))
    await screen.press("2")


async def test_what_has_changed_since_the_last_stop_is_marked(tmp_path: Path) -> None:
    async with opened(tmp_path, STORES, {"work.py": CHANGING}) as screen:
        await screen.stops("before +main+a")
        assert not any(row[:1] in ("+", "~", "-") for row in screen.text("params").split("\n"))
        await at_c(screen)
        rows = screen.text("params").split("\n")
        assert screen.param("rows").startswith("~ ") and rows[rows.index(screen.param("rows")) + 1].strip() == (
            "~ changed, was 1"
        )
        assert rows[rows.index(screen.param("rate")) + 1].strip() == '~ changed, was "0.05" (string)'
        assert rows[rows.index(screen.param("db")) + 1].strip() == "~ port changed, was 5432"
        assert rows[rows.index(screen.param("list")) + 1].strip() == "~ [1] changed, was 2"
        assert screen.param("more").startswith("+") and " new stored by +main+g+b" in screen.param("more")
        assert screen.param("gone").startswith("- ") and screen.param("gone").endswith(" removed")
        assert "1" in screen.param("gone")


async def test_only_what_has_changed_is_shown_at_a_key(tmp_path: Path) -> None:
    async with opened(tmp_path, STORES, {"work.py": CHANGING}) as screen:
        await screen.stops("before +main+a")
        await screen.press("d")
        await screen.says("this is the first stop: step (n) or continue (c) to the next")
        await at_c(screen)
        assert "host" in screen.text("params") and "echo>" in screen.text("params")
        await screen.press("d")
        text = screen.text("params")
        assert "Changed since the stop before +main+g" in text and "rows" in text and "gone" in text
        assert "echo>" not in text and "Built in" not in text
        screen.app.main.params.select(("db", "port"))
        assert "port" in screen.text("params") and "host " not in screen.text("params")
        await screen.press("d")
        assert "echo>" in screen.text("params") and "Built in" in screen.text("params")
        assert on(screen, "db", "port")
        await screen.press("1", "home")
        await screen.until(lambda: screen.selected() == "+main", "another task")
        await screen.press("d")
        await screen.says("what changed is known of the task stopped at: g selects it")


async def test_nothing_but_the_scope_changed(tmp_path: Path) -> None:
    async with opened(tmp_path, "+a: {echo>: x}\n+b: {echo>: y}") as screen:
        await screen.stops("before +main+a")
        await screen.press("n")
        await screen.stops("before +main+b")
        await screen.press("d")
        assert "nothing" in screen.text("params") and "d: all params" in screen.text("params")


async def test_changes_are_known_though_the_pane_was_not_seen(tmp_path: Path) -> None:
    async with opened(tmp_path, STORES, {"work.py": CHANGING}, size=(80, 24)) as screen:
        await screen.stops("before +main+a")
        await screen.press("6", "n")
        await screen.stops("before +main+g")
        await screen.press("n")
        await screen.stops("before +main+c")
        await screen.press("2")
        await screen.shows("params", "~ changed, was 1")
        assert screen.param("more").startswith("+")


# Filter


async def test_the_filter_finds_names_paths_and_values(tmp_path: Path) -> None:
    dig = """
    _export:
      db: {host: local, port: 5432, options: {ssl: true}}
      region: west
      list: [east, north]
    +a:
      echo>: hello
    """
    async with opened(tmp_path, dig) as screen:
        await screen.stops("before +main+a")
        await screen.press("2", "F")
        await screen.focused(".filter-text")
        await screen.type("db.opt")
        await screen.sees("1 found")
        text = screen.text("params")
        assert "options" in text and "host" not in text and "region" not in text and "echo>" not in text
        await screen.press(*["backspace"] * 6)
        await screen.type("EAST")
        await screen.until(lambda: "list" in screen.text("params"), "the list")
        assert "region" not in screen.text("params")
        await screen.press("enter")
        await screen.focused("#params")
        assert "region" not in screen.text("params")
        await screen.press("escape")
        await screen.until(lambda: "region" in screen.text("params"), "all params")
        assert not screen.app.main.query(".filter")


async def test_a_filter_that_is_asked_for_twice_at_once_is_one(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main")
        params = screen.app.main.params
        params.filter()
        params.filter()
        await screen.until(lambda: screen.app.main.query(".filter-text:focus"), "the focus on the filter")
        assert len(screen.app.main.query(".filter")) == 1


async def test_a_filter_that_finds_nothing_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}, secrets={"password": "hunter2222"}) as screen:
        await screen.stops("before +main+store")
        await screen.press("F")
        await screen.focused(".filter-text")
        await screen.type("hunter")
        await screen.shows("params", "no name and no value has 'hunter' in it: Esc shows all")
        await screen.press("escape")
        await screen.shows("params", "region")


async def test_the_filter_does_not_look_behind_masks(tmp_path: Path) -> None:
    async with opened(tmp_path, "_export: {a: hunter2222}\n+a: {echo>: x}", secrets={"p": "hunter2222"}) as screen:
        await screen.stops("before +main+a")
        await screen.press("F")
        await screen.focused(".filter-text")
        await screen.type("hunter")
        await screen.shows("params", "no name and no value")
        assert "hunter2222" not in screen.picture()


# Following


async def test_enter_goes_to_what_a_text_read_and_backspace_comes_back(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await at_use(screen)
        params = screen.app.main.params
        await screen.press("2", "home", "down", "down")
        assert "= ${rows} ${region}" in params.text_of(params.cursor)
        for name in ("rows", "region", "rows"):
            await screen.press("enter")
            await screen.until(lambda name=name: on(screen, name), f"the cursor on {name}")  # type: ignore[misc]
            await screen.press("backspace")
            assert "= ${rows} ${region}" in params.text_of(params.cursor)


async def test_enter_on_a_value_goes_to_the_task_that_stored_it(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await at_use(screen)
        await screen.press("2")
        screen.app.main.params.select(("rows",))
        await screen.press("enter")
        await screen.until(lambda: screen.selected() == "+main+store", "the task")
        await screen.shows("task", "rows: 1042")
        await screen.press("backspace")
        await screen.until(lambda: screen.selected() == "+main+use", "the way back")
        assert screen.app.main.active == "params"
        assert on(screen, "rows")
        await screen.press("backspace")
        await screen.says("you have jumped nowhere yet")


async def test_enter_on_an_overridden_value_goes_to_its_line(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await at_use(screen)
        params = screen.app.main.params
        params.select(("rows",))
        await screen.press("2", "down", "down")
        assert "overrides 0" in params.text_of(params.cursor)
        await screen.press("enter")
        await screen.until(lambda: screen.app.main.active == "source", "the source")
        source = screen.app.main.pane("source")
        assert "rows: 0" in source.text_of(source.cursor)


async def test_a_click_on_a_variable_or_an_origin_follows_it(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await at_use(screen)
        params = screen.app.main.params
        width = params.scrollable_content_region.width
        row = next(row for row in range(params.count()) if "= ${rows} ${region}" in params.text_of(row))
        left = params.text_of(row)
        await screen.pilot.click(params, offset=(width - 2, row))
        await screen.until(lambda: on(screen, "region"), "the last variable")
        await screen.press("backspace")
        await screen.pilot.click(params, offset=("".join(t for t, _ in params.row(row, width).left).index("rows"), row))
        await screen.until(lambda: on(screen, "rows"), f"the first variable of {left}")
        await screen.pilot.click(params, offset=(width - 2, params.cursor - params.scroll_offset.y))
        await screen.until(lambda: screen.selected() == "+main+store", "the task that stored it")


async def test_what_nobody_in_the_workflow_set_says_who_did(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await at_use(screen)
        await screen.press("2")
        assert screen.app.main.params.select(("task_name",))
        await screen.press("enter")
        await screen.says("Digdag itself sets it, for every task")


# Large and odd values, and stepping


async def test_long_lists_and_texts_open_at_once_and_show_more_on_demand(tmp_path: Path) -> None:
    work = """
    import digdag
    def a():
        many = [{"id": n} for n in range(10000)]
        digdag.env.store({"many": many, "long": "line\\n" * 20000 + "line", "flat": "x" * 1000000})
    """
    async with opened(tmp_path, "+a: {py>: work.a}\n+b: {echo>: x}", {"work.py": work}) as screen:
        await screen.stops("before +main+a")
        await screen.press("n")
        await screen.stops("before +main+b")
        params = screen.app.main.params
        for name, last in (("many", "- id: 9999"), ("long", "line"), ("flat", "xxx")):
            params.select((name,))
            await screen.press("2", "right")
            rows = params.count()
            assert 1000 < rows < 1200
            more = next(row for row in range(rows) if "there is more: Enter shows it" in params.text_of(row))
            params.move_by_person(more)
            await screen.press("enter")
            assert params.count() > 10_000 and last in params.text_of(more + params.count() - rows)
            params.select((name,))
            await screen.press("left")
            assert params.count() < 1000


async def test_the_pane_keeps_what_is_open_its_cursor_and_its_scroll(tmp_path: Path) -> None:
    dig = "_export:\n" + "".join(f"  p{n:02}: {{x: {n}}}\n" for n in range(60))
    async with opened(tmp_path, dig + "+a: {echo>: x}\n+b: {echo>: x}\n+c:\n  +d: {echo>: x}") as screen:
        await screen.stops("before +main+a")
        params = screen.app.main.params
        await screen.press("2")
        params.select(("p40", "x"))
        before = params.cursor - params.scroll_offset.y
        for stop in ("+main+b", "+main+c"):
            await screen.press("n")
            await screen.stops(f"before {stop}")
            assert on(screen, "p40", "x")
            assert params.cursor - params.scroll_offset.y == before
            await screen.shows("params", "  x ")


async def test_wide_characters_line_up(tmp_path: Path) -> None:
    dig = "_export: {名前: 売上, name: sales, 長い名前の変数: 1}\n+a: {echo>: x}"
    async with opened(tmp_path, dig, size=(200, 50)) as screen:
        await screen.stops("before +main+a")
        rows = [screen.param(name) for name in ("名前", "name", "長い名前の変数")]
        places = [
            cell_len(row[: row.index(value)]) for row, value in zip(rows, ('"売上"', '"sales"', "1"), strict=True)
        ]
        assert len(set(places)) == 1


async def test_the_type_is_a_word_in_a_wide_pane_and_in_the_border(tmp_path: Path) -> None:
    dig = '_export: {a: "5", b: 5, c: [1, 2]}\n+a: {echo>: x}'
    async with opened(tmp_path, dig, size=(200, 50)) as screen:
        await screen.stops("before +main+a")
        assert "string" in screen.picture() and "number" in screen.picture() and "array" in screen.picture()
        await screen.press("2")
        screen.app.main.params.select(("c",))
        await screen.sees("array of 2 items · Enter opens")


async def test_a_group_says_that_its_keys_are_not_evaluated(tmp_path: Path) -> None:
    async with opened(tmp_path, "_export: {x: 1}\n+g:\n  _parallel: true\n  +a: {echo>: x}") as screen:
        await screen.stops("before +main+g")
        assert "This group's own keys, which Digdag does not evaluate" in screen.text("params")


# Hints and readers


async def test_what_bites_is_said_beside_the_param(tmp_path: Path) -> None:
    dig = """
    _export: {flag: "${1 > 2}"}
    +a:
      echo>: "${flag && 1}"
    """
    async with opened(tmp_path, dig, size=(80, 24)) as screen:
        await screen.stops("before +main+a")
        await screen.press("2")
        await screen.shows("params", "⚠ ")
        await screen.shows("params", "➤ ")
        rows = screen.text("params").split("\n")
        assert all(cell_len(row) <= 78 for row in rows if "⚠" in row or "➤" in row)


async def test_the_readers_of_a_param_are_listed_and_lead_to_their_lines(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"work.py": WORK}) as screen:
        await at_use(screen)
        await screen.press("2")
        screen.app.main.params.select(("region",))
        await screen.dialog("v")
        await screen.sees("Who reads region")
        assert "+main+use" in screen.picture() and "later ${rows} ${region}" in screen.picture()
        await screen.press("down", "enter")
        await screen.until(lambda: screen.app.main.active == "source", "the source")
        source = screen.app.main.pane("source")
        assert "later ${rows} ${region}" in source.text_of(source.cursor) and screen.selected() == "+main+later"
        await screen.press("backspace")
        await screen.until(lambda: screen.app.main.active == "params", "the way back")
        assert screen.selected() == "+main+use"


async def test_a_param_that_nobody_reads_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path, "_export: {a: 1}\n+a: {echo>: x}") as screen:
        await screen.stops("before +main+a")
        await screen.press("2")
        screen.app.main.params.select(("a",))
        await screen.dialog("v")
        await screen.sees("Nothing in the workflow reads it")
        await screen.press("escape")
        await screen.until(lambda: screen.app.screen is screen.app.main, "the end of the dialog")


async def test_iterations_are_named_by_their_values_where_there_is_little_room(tmp_path: Path) -> None:
    dig = """
    +load:
      for_each>: {region: [east]}
      _do:
        +one: {echo>: "${region}"}
    """
    async with opened(tmp_path, dig, size=(80, 24)) as screen:
        await screen.stops("before +main+load")
        for stop in ("^sub", "region=east", "+one"):
            await screen.press("s")
            await screen.stops(stop)
        await screen.press("2")
        await screen.sees("_export +main+load region=east")
