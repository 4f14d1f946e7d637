"""Attempts that tasks require: their log and their failures stand with the task that required them."""

from __future__ import annotations

from pathlib import Path

from .support import opened

FLOW = """
+first: {require>: child}
+own: {echo>: from main}
+last: {require>: broken}
"""
FILES = {
    "child.dig": '+a: {sh>: "printf one; sleep 0.1; echo two"}\n+b: {echo>: "from b"}\n',
    "broken.dig": '+x: {fail>: "no [b]such[/b] luck \\e[2J"}\n+y: {echo>: never}\n',
}


async def test_their_log_names_their_tasks(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, FILES) as screen:
        await screen.stops("before +main+first")
        await screen.press("c")
        await screen.stops("✖ +main+last failed")
        await screen.press("6")
        lines = screen.text("log").split("\n")
        (told,) = (number for number, line in enumerate(lines) if "onetwo" in line)
        assert lines[told - 1].startswith("+child+a ") and lines[told + 1].startswith("+child+b ")
        assert any(line.startswith("+broken+x ") for line in lines)
        screen.app.main.log_pane.move_by_person(told)
        await screen.until(lambda: screen.selected() == "+main+first", "the task")
        await screen.press("o")
        assert "from b" in screen.text("log") and "from main" not in screen.text("log")
        assert "luck" not in screen.text("log")


async def test_what_failed_in_them_is_told_with_the_error(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, FILES) as screen:
        await screen.press("c")
        await screen.stops("✖ +main+last failed")
        await screen.shows("error", "Dependent workflow failed")
        inside = screen.text("error").partition("In the attempt that it requires")[2]
        assert "✖ +broken+x" in inside and "no [b]such[/b] luck ␛[2J" in inside
        await screen.press("R")
        await screen.stops("before +main+first")
        await screen.shows("error", "has no error")
