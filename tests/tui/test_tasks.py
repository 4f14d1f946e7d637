"""The tree of tasks: folding, columns, many rows."""

from __future__ import annotations

import re
from pathlib import Path

from digdag_tui.tui.tasks import STEP

from .support import Screen, opened

GROUPS = """
+a:
  +a1: {echo>: one}
  +a2: {echo>: two}
+b:
  +b1: {echo>: three}
  +b2: {sh>: "exit 1"}
+c:
  +c1: {echo>: four}
"""


def rows(screen: Screen) -> list[str]:
    return re.findall(r"\+([a-z]+\d?)(?=\d\.\ds|\s|$)", screen.text("tasks"), re.MULTILINE)


async def test_finished_groups_fold_but_not_a_failed_one(tmp_path: Path) -> None:
    async with opened(tmp_path, GROUPS) as screen:
        await screen.stops("before +main+a")
        await screen.press("1", "home", "Z", "x", "c")
        await screen.stops("finished")
        await screen.until(lambda: "a1" not in rows(screen))
        assert rows(screen) == ["main", "a", "b", "b1", "b2", "c", "c1"]
        await screen.press("Z")
        assert rows(screen) == ["main", "a", "a1", "a2", "b", "b1", "b2", "c", "c1"]


async def test_the_group_of_the_selected_task_stays_open(tmp_path: Path) -> None:
    async with opened(tmp_path, GROUPS.replace("exit 1", "exit 0")) as screen:
        await screen.stops("before +main+a")
        await screen.press("1", "down", "down", "Z")
        assert screen.selected() == "+main+a+a2"
        await screen.press("up", "c")
        await screen.stops("finished: success")
        await screen.until(lambda: "c1" not in rows(screen))
        assert rows(screen) == ["main", "a", "a1", "a2", "b", "c"]
        assert screen.selected() == "+main+a+a1"
        assert screen.app.main.tasks.selected() is screen.app.main.selected
        await screen.press("down", "down", "right")
        assert rows(screen) == ["main", "a", "a1", "a2", "b", "b1", "b2", "c"]
        await screen.press("R")
        await screen.stops("before +main+a")
        assert len(rows(screen)) == 9


async def test_the_column_of_operators_moves_in_steps(tmp_path: Path) -> None:
    dig = """
    +a: {echo>: one}
    +a_longer_name: {echo>: two}
    +region:
      for_each>: {region: [west, a_rather_long_name], size: [1]}
      _do:
        +inner: {echo>: "${region}"}
    """
    async with opened(tmp_path, dig, size=(200, 50)) as screen:
        await screen.sees("echo> one")
        await screen.press("z")

        def column(text: str) -> int:
            line = next(line for line in screen.picture().split("\n") if text in line and "Tasks" not in line)
            return line.index("echo>")

        before = column("echo> one")
        assert column("echo> two") == before
        await screen.press("c")
        await screen.stops("finished: success")
        await screen.sees("region=west")
        assert column("echo> one") == column("echo> two")
        assert column("echo> one") == column("echo> ${region}")
        assert (column("echo> one") - before) % STEP == 0


async def test_names_that_are_too_long_are_cut_with_a_sign(tmp_path: Path) -> None:
    dig = f"""
    +a: {{echo>: one}}
    +{"x" * 80}: {{echo>: two}}
    """
    async with opened(tmp_path, dig) as screen:
        await screen.sees("echo> one")
        assert "xxx…  echo> two" in screen.picture()


async def test_many_tasks_come_and_can_be_walked_through(tmp_path: Path) -> None:
    dig = """
    +many:
      loop>: 900
      _parallel: true
      _do: {echo>: "${i}"}
    """
    async with opened(tmp_path, dig) as screen:
        await screen.press("c")
        await screen.stops("finished: success")
        assert screen.app.main.tasks.count() > 900
        await screen.press("1", "home", "slash")
        await screen.type("loop-899")
        await screen.sees("1/1")
        assert screen.selected().endswith("+loop-899")
        await screen.press("escape", "end")
        assert screen.app.main.tasks.cursor == screen.app.main.tasks.count() - 1
