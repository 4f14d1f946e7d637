"""The log: linked with the tasks, filtered, followed; and what tasks print is data."""

from __future__ import annotations

from pathlib import Path

from .support import opened

FLOW = """
+a: {sh>: "seq 1 50"}
+b:
  +c: {echo>: from c}
  +d: {echo>: from d}
"""


async def test_lines_and_tasks_select_each_other(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.press("c")
        await screen.stops("finished: success")
        await screen.shows("log", "from d")
        await screen.press("5", "up", "up")
        assert screen.selected() == "+main+b+c"
        await screen.press("home")
        assert screen.selected() == "+main+a"
        await screen.press("1", "end")
        assert screen.app.main.log_pane.line(screen.app.main.log_pane.cursor).task == screen.app.main.selected.id  # type: ignore[union-attr]


async def test_one_tasks_lines_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.press("down", "o", "c")
        await screen.stops("finished: success")
        await screen.shows("log", "from d")
        assert "from c" in screen.text("log") and "50" not in screen.text("log")
        assert "only +b" in str(screen.app.main.query_one("#output-box").border_subtitle)
        await screen.press("o")
        assert "50" in screen.text("log")


async def test_the_end_is_followed_until_the_person_moves(tmp_path: Path) -> None:
    dig = """
    +a: {sh>: "seq 1 60; while [ ! -e go ]; do sleep 0.01; done; seq 61 99"}
    """
    async with opened(tmp_path, dig) as screen:
        await screen.press("c")
        await screen.shows("log", "60")
        pane = screen.app.main.log_pane
        assert pane.cursor == pane.count() - 1
        await screen.press("5", "up")
        assert not pane.following
        seen = pane.cursor
        (tmp_path / "go").touch()
        await screen.stops("finished: success")
        await screen.shows("log", "99")
        assert pane.cursor == seen
        await screen.press("end")
        assert pane.following


HOSTILE = """
import sys
sys.stdout.write("\\033[31mred\\033[0m \\033]0;title\\007 ")
sys.stdout.write("\\033[2J [b]x[/b] [@click=app.quit]y[/] 日本語 a\\tb \\u202e\\n")
sys.stdout.write("10%\\r20%\\r")
print("to the end")
"""


async def test_what_tasks_print_is_data(tmp_path: Path) -> None:
    dig = r"""
    _export: {"[b]key[/b]": "[red]v[/red] \e[2J 値"}
    +a: {sh>: python3 hostile.py}
    +b: {fail>: "[b]no[/b] \e[31m ${session_date}"}
    """
    async with opened(tmp_path, dig, {"hostile.py": HOSTILE}) as screen:
        await screen.press("c")
        await screen.stops("✖ +main+b failed")
        shown = "red ␛]0;title␇ ␛[2J [b]x[/b] [@click=app.quit]y[/] 日本語 a    b \\u202e"
        assert shown in screen.line("log", "red")
        assert "to the end" in screen.text("log") and "%" not in screen.text("log")
        assert "[b]no[/b]" in screen.text("error")
        await screen.press("2")
        assert "[b]key[/b]" in screen.text("params") and "[red]v[/red]" in screen.text("params")
        picture = screen.picture()
        assert not any(letter in picture for letter in "\x1b\x07\u202e")


async def test_a_long_line_says_that_it_goes_on(tmp_path: Path) -> None:
    dig = """
    +a: {sh>: "echo begin $(seq -s- 1 99) end; echo short"}
    """
    async with opened(tmp_path, dig) as screen:
        await screen.press("c")
        await screen.stops("finished: success")
        await screen.press("5", "home")
        long = next(line for line in screen.picture().split("\n") if "begin 1-2-3" in line)
        assert "…" in long and "-99" not in long
        await screen.press(*["right"] * 50)
        await screen.sees("-99 end")
        row = next(line for line in screen.picture().split("\n") if "-99 end" in line)
        assert row.count("…") == 1 and row.index("…") < row.index("-99 end")


async def test_finding_in_the_log_and_the_tree(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.press("c")
        await screen.stops("finished: success")
        await screen.press("5", "home", "slash")
        await screen.type("FROM")
        await screen.sees("1/4")
        await screen.press("enter", "full_stop", "full_stop")
        assert screen.selected() == "+main+b+d"
        await screen.press("comma", "comma")
        assert screen.selected() == "+main+b+c"
        await screen.press("escape", "1", "down", "left", "slash")
        await screen.type("+d")
        await screen.sees("1/1")
        assert screen.selected() == "+main+b+d"
        await screen.type("x")
        await screen.sees("not found")
        await screen.press("escape")
        assert screen.app.focused is screen.pane("tasks")
