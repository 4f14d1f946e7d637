"""The source pane: which file and line it shows, and what is said beside the text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.widgets import Input

from digdag_tui.tui.source import SourcePane
from digdag_tui.workflow.errors import Position

from .support import Screen, opened

FLOW = """\
_export:
  region: west
  td: {database: dev}

+extract:
  py>: orders.fetch
  day: "${region} of ${td.database}"
+group:
  _export: {region: east}
  +inner:
    echo>: ${region.toUpperCase() + ' ' + td['database']}
+load:
  for_each>: {n: [1, 2, 3]}
  _do:
    echo>: ${n}
+query:
  _type: nosuch
  file: q.sql
"""
ORDERS = """\
import helper

class Nothing: pass

def fetch(day):
    return 1 / len(day)

def fails(day):
    return 1 / 0
"""
FILES = {"orders.py": ORDERS, "helper.py": "", "q.sql": "SELECT '${region}' -- one\nFROM ${td.database}.t\n"}


def pane(screen: Screen) -> SourcePane:
    return screen.app.main.source


def shown(screen: Screen, line: int) -> str:
    """A line as it is painted, with its gutter; blanks at its end left out."""
    row = pane(screen).row(line - 1, 120)
    return "".join(text for text, _ in (*row.gutter, *row.left)).rstrip()


def header(screen: Screen) -> str:
    title = pane(screen).border_title
    return pane(screen).render_str(str(title)).plain.strip() if title else ""


def at(screen: Screen) -> str:
    position = pane(screen).position
    return f"{position.file}:{position.line}" if position else ""


async def test_it_shows_where_the_workflow_stands_and_follows_it(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, FILES) as screen:
        await screen.stops("before +main+extract")
        await screen.press("3")
        await screen.shows("source", "+extract:")
        assert at(screen) == "main.dig:5"
        assert shown(screen, 5) == " ➤  5 ┃ +extract:"
        assert shown(screen, 6) == "    6 ┃   py>: orders.fetch"
        assert shown(screen, 8) == "    8 │ +group:"
        assert pane(screen).row(4, 100).role == "stop"
        await screen.press("home", "down")
        assert at(screen) == "main.dig:2"
        await screen.press("n")
        await screen.stops("before +main+group")
        await screen.until(lambda: at(screen) == "main.dig:8", "the group's line")
        await screen.press("s")
        await screen.stops("before +main+group+inner")
        await screen.until(lambda: at(screen) == "main.dig:10", "the inner task's line")
        assert shown(screen, 10).startswith(" ➤ 10 ┃") and shown(screen, 9).startswith("    9 │")


async def test_values_stand_behind_the_templates_that_read_them(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, FILES) as screen:
        await screen.stops("before +main+extract")
        await screen.press("3")
        await screen.shows("source", '"${region} of ${td.database}"   region = "west"  td.database = "dev"')
        assert shown(screen, 11) == "   11 │     echo>: ${region.toUpperCase() + ' ' + td['database']}"
        await screen.press("n")
        await screen.stops("before +main+group")
        await screen.until(lambda: at(screen) == "main.dig:8", "the group's line")
        assert shown(screen, 11).startswith("   11 ┃") and shown(screen, 11).endswith("td['database']}")
        await screen.press("s")
        await screen.stops("before +main+group+inner")
        await screen.until(lambda: at(screen) == "main.dig:10", "the inner task's line")
        assert shown(screen, 11).endswith("""['database']}   region = "east"  td = {"database":"dev"}""")
        assert shown(screen, 7).endswith('${td.database}"')
        row = pane(screen).row(10, 90)
        assert sum(len(text) for text, _ in (*row.gutter, *row.left)) <= 90
        assert row.left[-1][0].endswith("…") and row.left[-1][1] == "comment"


async def test_the_tasks_own_code_is_one_key_away(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, FILES) as screen:
        await screen.stops("before +main+extract")
        await screen.press("3")
        await screen.until(lambda: header(screen) == "main.dig  orders.py  helper.py  < >", "the files")
        await screen.press("greater_than_sign")
        assert at(screen) == "orders.py:5" and shown(screen, 5) == "    5 │ def fetch(day):"
        await screen.press("greater_than_sign", "greater_than_sign")
        assert at(screen) == "main.dig:5"
        await screen.press("less_than_sign", "less_than_sign")
        assert at(screen) == "orders.py:5"
        await screen.press("n")
        await screen.stops("before +main+group")
        await screen.until(lambda: header(screen) == "main.dig", "the group has one file")


async def test_a_tab_of_the_header_is_clicked(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, FILES) as screen:
        await screen.stops("before +main+extract")
        await screen.press("3")
        await screen.sees("orders.py  helper.py")
        await screen.pilot.click("#source", offset=(14, 0))
        await screen.until(lambda: at(screen) == "orders.py:5", "the function")


async def test_a_failed_function_is_shown_at_the_line_that_failed(tmp_path: Path) -> None:
    flow = "+extract:\n  py>: orders.fails\n  day: ''\n+next: {echo>: hi}\n"
    async with opened(tmp_path, flow, FILES) as screen:
        await screen.stops("before +main+extract")
        await screen.press("n")
        await screen.stops("✖ +main+extract failed")
        await screen.press("3")
        await screen.until(lambda: at(screen) == "orders.py:9", "the failed line")
        assert shown(screen, 9) == " ➤  9 │     return 1 / 0" and pane(screen).row(8, 100).role == "failed"
        await screen.press("less_than_sign", "less_than_sign")
        assert at(screen) == "main.dig:1" and pane(screen).row(0, 100).role == "failed"


async def test_templates_in_the_files_of_a_task_have_values_too(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, FILES) as screen:
        await screen.stops("before +main+extract")
        await screen.press("end", "3")
        assert screen.selected() == "+main+query"
        await screen.until(lambda: header(screen) == "main.dig  q.sql  < >", "the files")
        await screen.press("greater_than_sign")
        assert shown(screen, 1).endswith("SELECT '${region}' -- one   region = \"west\"")
        assert ("SELECT", "word") in pane(screen).row(0, 100).left


async def test_breakpoints_are_set_by_key_and_by_click(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, FILES) as screen:
        await screen.stops("before +main+extract")
        await screen.press("3")
        await screen.shows("source", "+extract:")
        await screen.press("G", "up", "up", "up", "b")
        assert at(screen) == "main.dig:15"
        await screen.until(lambda: shown(screen, 15).startswith("◌ "), "the mark of a line that matches no task yet")
        await screen.pilot.click("#source", offset=(1, 3))
        await screen.press("pagedown")
        top = pane(screen).scroll_offset.y
        line = 11 - top
        assert shown(screen, 11).startswith("  ")
        await screen.pilot.click("#source", offset=(2, line))
        await screen.until(lambda: shown(screen, 11).startswith("●  11"), "the breakpoint")
        await screen.press("c")
        await screen.stops("at the breakpoint +main+group+inner")
        await screen.press("c")
        await screen.stops("at the breakpoint +main+load n=1")
        await screen.until(lambda: shown(screen, 15).startswith("●"), "the mark of a line that matches")
        assert screen.selected() == "+main+load^sub+for-0=n=0=1"


async def test_a_double_click_in_a_gutter_is_one_click(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, FILES) as screen:
        await screen.stops("before +main+extract")
        await screen.press("3")
        await screen.shows("source", "+extract:")
        row = next(row for row in range(pane(screen).count()) if "+extract:" in shown(screen, row + 1))
        await screen.pilot.double_click("#source", offset=(1, row - pane(screen).scroll_offset.y + 1))
        await screen.until(lambda: shown(screen, row + 1).startswith("●"), "the breakpoint")
        session = screen.app.session
        assert session and len(session.breakpoints.all) == 1


async def test_running_to_the_line_and_selecting_its_task(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, FILES) as screen:
        await screen.stops("before +main+extract")
        await screen.press("3")
        await screen.shows("source", "+extract:")
        await screen.press("down", "down", "down", "down", "down", "down", "enter")
        await screen.until(lambda: screen.selected() == "+main+group+inner", "the selection")
        assert at(screen) == "main.dig:11" and shown(screen, 11).startswith("   11 ┃")
        await screen.press("home", "t")
        await screen.says("can't run to task: +main has begun already")
        await screen.press("down", "down", "down", "down", "down", "down", "down", "down", "down", "down", "t")
        await screen.stops("before +main+group+inner")


async def test_a_line_of_a_loop_is_the_iteration_that_is_selected_or_next(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, FILES) as screen:
        await screen.stops("before +main+extract")
        for key, name in (("n", "group"), ("n", "load"), ("s", "load^sub"), ("s", "load n=1")):
            await screen.press(key)
            await screen.stops(f"before +main+{name}")
        await screen.press("3")
        await screen.until(lambda: at(screen) == "main.dig:14", "the loop's body")
        assert shown(screen, 15).endswith("echo>: ${n}   n = 1")
        task = pane(screen).task_at_cursor()
        assert task and task.name == "+for-0=n=0=1"
        await screen.press("n")
        await screen.stops("before +main+load n=2")
        await screen.press("1", "home", "3", "G", "up", "up", "up")
        task = pane(screen).task_at_cursor()
        assert task and task.name == "+for-0=n=1=2"


async def test_a_file_that_is_saved_is_shown_as_it_is_on_disk(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, FILES) as screen:
        await screen.stops("before +main+extract")
        await screen.press("3")
        await screen.shows("source", "+extract:")
        (tmp_path / "main.dig").write_text("# new\n" + FLOW)
        os.utime(tmp_path / "main.dig", (2e9, 2e9))
        await screen.shows("source", "# new")
        await screen.until(lambda: shown(screen, 6).startswith(" ➤  6 ┃ +extract:"), "the task, a line further down")
        assert "⚠ saved after the attempt began" in header(screen)
        (tmp_path / "main.dig").unlink()
        await screen.sees("main.dig does not exist any more")
        assert at(screen) == ""
        await screen.press("b", "enter", "t", "y", "down", "end")
        (tmp_path / "main.dig").write_bytes(b"\0\1")
        await screen.until(lambda: pane(screen).count() == 0, "a file without lines")


async def test_a_workflow_that_does_not_load_is_shown_at_its_problem(tmp_path: Path) -> None:
    async with opened(tmp_path, "+a:\n  echo>: x\n  b: c: d\n") as screen:
        await screen.stops("does not load")
        await screen.press("3")
        await screen.until(lambda: at(screen) == "main.dig:3", "the line of the problem")
        assert "✖ does not load" in header(screen)
        assert "b: c: d   ✖ mapping values are not allowed here" in shown(screen, 3)


async def test_finding_copying_and_jumping_to_a_place(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, FILES) as screen:
        await screen.stops("before +main+extract")
        await screen.press("3")
        await screen.shows("source", "+extract:")
        await screen.press("slash")
        await screen.type("echo>: ${n")
        await screen.until(lambda: at(screen) == "main.dig:15", "what is looked for")
        marked = [text for text, role in pane(screen)._marked(pane(screen).row(14, 100).left) if "match" in role]
        assert "".join(marked) == "echo>: ${n"
        await screen.press("enter")
        assert not screen.app.main.query_one("#find-text", Input).has_focus
        assert pane(screen).copied() == "echo>: ${n}"
        screen.app.main.show_position(Position("orders.py", 8, 1))
        assert at(screen) == "orders.py:8" and header(screen).startswith("main.dig  orders.py")
        screen.app.main.show_position(Position("gone.py", 8, 1))
        await screen.sees("gone.py does not exist any more")


async def test_odd_characters_long_lines_and_secrets(tmp_path: Path) -> None:
    text = '+a:\r\n  echo>: "日本語\tx \x1b[31m\x07 [b]no[/b]" # topsecret\r\n  long: \'' + "x" * 300 + "'\r\n"
    async with opened(tmp_path, "+a: {echo>: x}", secrets={"a": "topsecret"}) as screen:
        await screen.stops("before +main+a")
        (tmp_path / "odd.dig").write_bytes(text.encode())
        screen.app.main.show_position(Position("odd.dig", 2, 1))
        line = pane(screen).text_of(1)
        assert "日本語   x ␇ [b]no[/b]" in line or "日本語" in line
        assert "\x1b" not in line and "\r" not in line and "\t" not in line and "topsecret" not in line
        assert "topsecret" not in shown(screen, 2) and "topsecret" not in pane(screen).copied()
        await screen.sees("…")
        picture = screen.picture()
        await screen.press("right", "right", "right")
        assert pane(screen).scroll_offset.x == 24
        await screen.until(lambda: screen.picture() != picture, "the text moved")
        assert "  2 ┃" in screen.picture() or "  2 │" in screen.picture()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50), (62, 16)])
async def test_the_header_fits(tmp_path: Path, size: tuple[int, int]) -> None:
    names = [f"module_with_a_rather_long_name_{number}" for number in range(9)]
    files = {f"{name}.py": "" for name in names} | {
        "first.py": "".join(f"import {name}\n" for name in names) + "def run(): pass\n"
    }
    async with opened(tmp_path, "+a: {py>: first.run}", files, size=size) as screen:
        await screen.stops("before +main+a")
        await screen.press("3")
        await screen.until(lambda: "main.dig" in header(screen), "the header")
        await screen.press("greater_than_sign")
        assert "first.py" in header(screen)
        assert len(header(screen)) <= pane(screen).size.width
        assert any("first.py" in line for line in screen.picture().split("\n"))
        assert " < >" in header(screen)


async def test_a_long_file_opens_at_once_and_jumps_to_its_end(tmp_path: Path) -> None:
    lines = ["def f():", "    '''", *["    text 'a' # x"] * 100_000, "    '''", "x = 1"]
    async with opened(tmp_path, "+a: {echo>: x}", {"long.py": "\n".join(lines)}) as screen:
        await screen.stops("before +main+a")
        screen.app.main.show_position(Position("long.py", 1, 1))
        assert len(pane(screen)._text._states) < 1000
        await screen.press("end")
        assert ("1", "number") in pane(screen).row(100_003, 100).left
        assert pane(screen).row(100_001, 100).left == [("    text 'a' # x", "string")]
