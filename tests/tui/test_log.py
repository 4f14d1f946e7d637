"""The log: linked with the tasks, filtered, followed; and what tasks print is data."""

from __future__ import annotations

from pathlib import Path

import pytest

from digdag_tui.tui.logbook import LogBook
from digdag_tui.tui.text import clock

from .support import Screen, opened

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
        await screen.press("6", "up", "up")
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
        await screen.until(lambda: pane.cursor == pane.count() - 1)
        await screen.press("6", "up")
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
        shown = "red ␛]0;title␇ ␛[2J [b]x[/b] [@click=app.quit]y[/] 日本語 a     b \\u202e"
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
        await screen.press("6", "home")
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
        await screen.press("6", "home", "slash")
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


LEVELS = """
+a: {sh>: "echo printed"}
+b:
  echo>: said
  unused: 1
"""


async def test_levels_of_the_log(tmp_path: Path) -> None:
    async with opened(tmp_path, LEVELS) as screen:
        await screen.press("c")
        await screen.stops("finished: success")
        await screen.shows("log", "not used")
        assert "INFO" in screen.text("log") and "printed" in screen.text("log")
        await screen.press("O")
        assert "INFO" not in screen.text("log") and "printed" not in screen.text("log")
        assert "ERROR" in screen.text("log") and "only warnings and errors (O)" in border(screen)
        await screen.press("O", "O")
        assert screen.text("log").split() == ["+a", "printed", "+b", "said"] and "only output (O)" in border(screen)
        await screen.press("O")
        assert "INFO" in screen.text("log") and "only" not in border(screen)


async def test_lines_are_marked_and_copied(tmp_path: Path) -> None:
    async with opened(tmp_path, '+a: {sh>: "seq 11 20"}') as screen:
        await screen.press("c")
        await screen.stops("finished: success")
        await screen.shows("log", "20")
        await screen.press("6", "end", "up", "shift+up", "shift+up")
        await screen.until(lambda: "3 lines marked" in border(screen))
        assert screen.text("log").count("▌") == 3
        await screen.press("y")
        assert screen.app.clipboard == "17\n18\n19"
        await screen.says("copied 3 lines")
        await screen.press("up", "y")
        assert screen.app.clipboard == "16" and "▌" not in screen.text("log")


async def test_wide_panes_show_times(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, size=(180, 40)) as screen:
        await screen.press("c")
        await screen.stops("finished: success")
        pane = screen.app.main.log_pane
        await screen.press("6", "z")
        assert clock(pane.line(0).at) in screen.line("log", "50")[:10] or screen.text("log").startswith(
            clock(pane.line(0).at)
        )
        await screen.press("z", "home")
        assert clock(pane.line(0).at) in border(screen)


async def test_older_lines_are_dropped_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogBook, "LIMIT", 1000)
    dig = """
    +a: {sh>: "seq 1 900; while [ ! -e go ]; do sleep 0.01; done; seq 901 1500"}
    """
    async with opened(tmp_path, dig) as screen:
        await screen.press("c")
        await screen.until(lambda: screen.app.view.log.texts[-1:] == ["900"])
        pane = screen.app.main.log_pane
        await screen.press("6", *["up"] * 10)
        seen, above = pane.line(pane.cursor).text, pane.cursor - pane.scroll_offset.y
        (tmp_path / "go").touch()
        await screen.stops("finished: success")
        await screen.until(lambda: screen.app.view.log.texts[-1] == "1500")
        assert pane.line(pane.cursor).text == seen and pane.cursor - pane.scroll_offset.y == above
        dropped = screen.app.view.log.dropped
        assert dropped > 400 and f"{dropped:,} older ones in the journal" in border(screen)
        (journal,) = (tmp_path / ".digdag").rglob("*.jsonl")
        assert r"\n1\n2\n3\n" in journal.read_text() or r"\n2\n3\n" in journal.read_text()


async def test_a_search_looks_on_while_keys_are_pressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digdag_tui.tui.finding.AT_ONCE", 0.0)
    async with opened(tmp_path, '+a: {sh>: "seq 1 30000"}') as screen:
        await screen.press("c")
        await screen.stops("finished: success")
        await screen.until(lambda: screen.app.view.log.texts[-1] == "30000")
        await screen.press("6", "home", "slash")
        await screen.type("777")
        await screen.sees("1/57")
        assert screen.app.main.log_pane.copied() == "777"
        await screen.press("enter", "full_stop")
        await screen.says("777: 2/57")
        await screen.press("comma", "comma")
        await screen.says("777: 57/57")
        assert screen.app.main.log_pane.copied() == "29777"


def border(screen: Screen) -> str:
    return str(screen.app.main.query_one("#output-box").border_subtitle)
