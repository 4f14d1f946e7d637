"""Stepping inside of a `py>` task by keys and mouse: what the panes show, and what can be done there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from digdag_tui.tui.stack import StackPane

from .support import Screen, opened

DIG = """
_export: {rate: 2}
+price:
  py>: steps.run
  rows: [1, 2, 3]
+report: {echo>: "the price is ${price}"}
"""
STEPS = """
import json

import digdag


def run(rows, rate):
    total = 0
    for row in rows:
        total += price(row, rate)
    digdag.env.store({"price": total})


def price(row, rate):
    found = {"row": row, "text": "long " * 100}
    return json.loads(json.dumps(row), parse_int=lambda number: int(number) * rate)


def broken():
    values = [1, 2]
    return values[5]
"""
STORE, TOTAL, FOUND = 10, 9, 14
"""Lines of `STEPS`."""


@asynccontextmanager
async def inside(project: Path, *, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Screen]:
    """The debugger stopped in the first line of the function."""
    async with opened(project, DIG, {"steps.py": STEPS}, size=size) as screen:
        await screen.stops("before +main+price")
        await screen.press("s")
        await screen.stops("first line of run (steps.py:7)")
        yield screen


async def at_line(screen: Screen, line: int) -> None:
    """Put the cursor of the source on a line."""
    await screen.press("3", "home", *["down"] * (line - 1))
    await screen.until(lambda: screen.pane("source").cursor == line - 1)


async def on_variable(screen: Screen, name: str) -> None:
    """Put the cursor of the Python pane on a variable."""
    await screen.until(lambda: screen.line("python", f"{name} "), name)
    rows = [row.strip("+~ ▸▾") for row in screen.text("python").split("\n")]
    await screen.press("i", "home", *["down"] * next(at for at, row in enumerate(rows) if row.startswith(f"{name} ")))


async def test_step_into_shows_the_function_its_stack_and_its_arguments(tmp_path: Path) -> None:
    async with inside(tmp_path) as screen:
        await screen.shows("python", "rows = [1, 2, 3]")
        assert "➤ run" in screen.line("python", "steps.py:7")
        assert "int" in screen.line("python", "rate = 2")
        assert "in Python :7" in screen.line("tasks", "+price")
        assert screen.line("source", "def run").endswith("rows = [1, 2, 3]  rate = 2")
        picture = screen.picture()
        assert "➤  7" in picture
        assert "Call stack" in picture


async def test_stepping_marks_what_changed_and_ends_at_the_next_task(tmp_path: Path) -> None:
    async with inside(tmp_path) as screen:
        await screen.press("n")
        await screen.stops("step in run (steps.py:8)")
        await screen.until(lambda: screen.line("python", "total = 0").startswith("+"), "total is new")
        await screen.press("f")
        await screen.stops("before +main+report")
        await screen.until(lambda: not screen.app.main.stacked)
        await screen.press("2")
        assert "12" in screen.param("price")


async def test_steps_into_calls_and_looks_at_frames_further_out(tmp_path: Path) -> None:
    async with inside(tmp_path) as screen:
        for line in (8, 9):
            await screen.press("n")
            await screen.stops(f"step in run (steps.py:{line})")
        await screen.press("s")
        await screen.stops("step in price (steps.py:14)")
        await screen.shows("python", "Locals of price")
        await screen.press("i", "home", "down", "down", "enter")
        await screen.shows("python", "Locals of run")
        await screen.shows("python", "total = 0")
        assert "▹ run" in screen.line("python", "steps.py:9")
        assert "▹  9" in screen.picture()
        await screen.press("f")
        await screen.stops("step in run (steps.py:9)")
        await screen.shows("python", "(return) price")


async def test_a_variable_is_set_and_a_mistake_is_said_in_place(tmp_path: Path) -> None:
    async with inside(tmp_path) as screen:
        await on_variable(screen, "rate")
        await screen.dialog("e")
        await screen.type("nonsense")
        await screen.press("enter")
        await screen.sees("name 'nonsense' is not defined")
        await screen.press("ctrl+u")
        await screen.type("rows[-1] + 7")
        await screen.press("enter")
        await screen.says("rate is set")
        await screen.shows("python", "rate = 10")
        await screen.press("c")
        await screen.stops("finished: success")
        await screen.shows("log", "the price is 60")


async def test_long_values_and_what_is_inside_open(tmp_path: Path) -> None:
    async with inside(tmp_path) as screen:
        await at_line(screen, FOUND + 1)
        await screen.press("t")
        await screen.stops("ran to here in price (steps.py:15)")
        await on_variable(screen, "found")
        await screen.press("enter")
        await screen.shows("python", "'row'")
        await on_variable(screen, "'text'")
        await screen.press("enter")
        await screen.until(lambda: screen.text("python").count("│ ") > 5, "the whole text")
        await screen.press("y")
        await screen.says("copied: 'long long")


async def test_evaluates_in_the_call_and_completes_its_names(tmp_path: Path) -> None:
    async with inside(tmp_path) as screen:
        await screen.dialog("colon")
        await screen.type("sum(row")
        await screen.sees("Tab rows")
        await screen.press("tab")
        await screen.type(") * rate")
        await screen.press("enter")
        await screen.sees("= 12  int")
        await screen.type("1 / 0")
        await screen.press("enter")
        await screen.sees("division by zero")


async def test_watches_are_python_while_inside(tmp_path: Path) -> None:
    async with inside(tmp_path) as screen:
        await screen.dialog("W")
        await screen.type("len(rows) + rate")
        await screen.sees("= 5  int")
        await screen.press("enter")
        await screen.until(lambda: "5" in screen.line("watch", "len(rows)"))
        assert "In run (steps.py:7), stopped in Python" in screen.text("watch")
        await screen.press("f")
        await screen.stops("before +main+report")
        await screen.until(lambda: "len(rows)" not in screen.text("watch"))


async def test_breakpoints_by_key_and_by_click_in_a_python_file(tmp_path: Path) -> None:
    async with opened(tmp_path, DIG, {"steps.py": STEPS}) as screen:
        await screen.stops("before +main+price")
        await screen.press("1", "enter")
        await screen.until(lambda: screen.app.main.source.file == "steps.py", "the function's file")
        await at_line(screen, STORE)
        await screen.press("b")
        await screen.sees("●  10")
        source = screen.pane("source")
        top = source.scroll_offset.y
        await screen.pilot.click(source, offset=(1, FOUND - top))
        await screen.sees("●  14")
        await screen.press("9")
        assert "steps.py:10" in screen.text("stops")
        await screen.press("c")
        await screen.stops("breakpoint in price (steps.py:14)")
        await screen.until(lambda: "1 hit" in screen.line("stops", "steps.py:14"))
        await screen.press("3", "b", "c")
        await screen.stops("breakpoint in run (steps.py:10)")


async def test_a_breakpoint_where_no_code_is_says_so(tmp_path: Path) -> None:
    async with inside(tmp_path) as screen:
        assert screen.app.session
        for place in ("steps.py:400", "gone.py:3"):
            screen.app.session.breakpoints.add("line", place)
        await screen.press("9")
        await screen.until(lambda: "stops in line 20" in screen.line("stops", "steps.py:400"))
        await screen.until(lambda: "not verified: " in screen.line("stops", "gone.py:3"))


async def test_an_exception_stops_where_it_was_raised(tmp_path: Path) -> None:
    async with opened(tmp_path, "+bad: {py>: steps.broken}\n", {"steps.py": STEPS}) as screen:
        await screen.stops("before +main+bad")
        await screen.press("I", "9")
        await screen.until(lambda: "on (I)" in screen.line("stops", "where Python raises"))
        await screen.press("c")
        await screen.stops("IndexError in broken (steps.py:20)")
        await screen.shows("python", "IndexError: list index out of range")
        await screen.shows("python", "values = [1, 2]")
        assert "IndexError" in screen.line("source", "return values[5]")
        await screen.press("c")
        await screen.stops("+main+bad failed")
        await screen.until(lambda: screen.app.main.shows("error") and not screen.app.main.stacked)


async def test_two_tasks_at_once_each_with_its_stop(tmp_path: Path) -> None:
    dig = """
    +both:
      _parallel: true
      +one: {py>: steps.run, rows: [1], rate: 1}
      +two: {py>: steps.run, rows: [2], rate: 1}
    """
    async with opened(tmp_path, dig, {"steps.py": STEPS}) as screen:
        await screen.stops("before +main+both")
        assert screen.app.session
        screen.app.session.breakpoints.add("line", f"steps.py:{STORE}")
        await screen.press("c")
        await screen.stops("1 more stopped (g)")
        first = screen.selected()
        await screen.shows("python", "rows  = [1]" if first.endswith("one") else "rows  = [2]")
        await screen.press("g")
        await screen.until(lambda: screen.selected() != first)
        await screen.shows("python", "rows  = [2]" if first.endswith("one") else "rows  = [1]")
        await screen.press("c")
        await screen.until(lambda: len(screen.app.view.python.stops) == 1)
        await screen.press("g", "c")
        await screen.stops("finished: success")


async def test_a_click_chooses_a_frame_and_opens_a_variable(tmp_path: Path) -> None:
    async with inside(tmp_path) as screen:
        pane = screen.pane("python")
        assert isinstance(pane, StackPane)
        await screen.shows("python", "rows = ")
        row = next(at for at, text in enumerate(screen.text("python").split("\n")) if "rows = " in text)
        await screen.pilot.click(pane, offset=(6, row - pane.scroll_offset.y))
        await screen.shows("python", "len()")
        await screen.pilot.click(pane, offset=(6, 1))
        assert pane.cursor == 1


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        (["1", "t"], "put the cursor on a line of the Python file in Source (3)"),
        (["3", "e"], "put the cursor on a variable in Python (i)"),
        (["p"], "it is stopped already"),
        (["r"], "a task is stopped inside its Python code: continue (c) there first"),
    ],
)
async def test_what_is_not_possible_is_said(tmp_path: Path, keys: list[str], why: str) -> None:
    async with inside(tmp_path, size=(80, 24)) as screen:
        await screen.press(*keys)
        await screen.says(why)


async def test_stop_ends_it_from_inside(tmp_path: Path) -> None:
    async with inside(tmp_path, size=(80, 24)) as screen:
        assert screen.app.main.active == "source"
        await screen.press("K")
        await screen.stops("finished: stopped")
        await screen.until(lambda: screen.app.main.active == "tasks")


async def test_escape_leaves_while_the_debugger_starts(tmp_path: Path) -> None:
    async with opened(tmp_path, DIG, {"steps.py": STEPS}) as screen:
        await screen.stops("before +main+price")
        await screen.press("s")
        if screen.app.view.python.starting is not None:
            await screen.press("escape")
            await screen.stops("before +main+price")
            await screen.press("c")
            await screen.stops("finished: success")


async def test_a_python_task_that_runs_is_paused(tmp_path: Path) -> None:
    steps = "import time\n\ndef run():\n    end = False\n    while not end:\n        time.sleep(0.01)\n"
    async with opened(tmp_path, "+wait: {py>: steps.run}\n", {"steps.py": steps}) as screen:
        await screen.stops("before +main+wait")
        await screen.press("s")
        await screen.stops("first line of run")
        await screen.press("c")
        await screen.until(lambda: not screen.app.view.python.stops)
        await screen.press("n")
        await screen.says("its Python runs: pause (p) it first")
        await screen.press("p")
        await screen.stops("paused in run")
        await on_variable(screen, "end")
        await screen.dialog("e")
        await screen.type("True")
        await screen.press("enter")
        await screen.says("end is set")
        await screen.press("c")
        await screen.stops("finished: success")
