"""Stepping, breakpoints and what is possible when, by keys alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from .support import opened

GROUPS = """
_export: {x: 1}
+a: {echo>: "a ${x}"}
+g:
  +b: {echo>: b}
  +h:
    +c: {echo>: c}
+e: {echo>: e}
"""


async def test_it_opens_before_the_first_task(tmp_path: Path) -> None:
    async with opened(tmp_path, GROUPS) as screen:
        await screen.stops("before +main+a")
        assert screen.header().strip().startswith(f"{tmp_path.name} ▸ main")
        assert "2026-01-31 00:00 +00:00" in screen.header()
        assert "➤" in screen.line("tasks", "+a")
        assert screen.selected() == "+main+a"


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        (["n", "n"], "before +main+e"),
        (["n", "s"], "before +main+g+b"),
        (["n", "s", "f"], "before +main+e"),
        (["f10", "f11", "shift+f11"], "before +main+e"),
        (["c"], "finished: success"),
        (["f5"], "finished: success"),
        (["down", "down", "down", "t"], "before +main+g+h"),
        (["down", "down", "b", "c"], "at the breakpoint +main+g+b"),
        (["down", "f9", "c"], "at the breakpoint +main+g"),
        (["K"], "finished: stopped"),
        (["n", "n", "R"], "before +main+a"),
    ],
)
async def test_keys_step(tmp_path: Path, keys: list[str], status: str) -> None:
    async with opened(tmp_path, GROUPS) as screen:
        await screen.stops("before +main+a")
        for key in keys:
            stop = screen.app.view.stopped
            await screen.press(key)
            if key not in ("down", "b", "f9"):
                await screen.until(lambda stop=stop: screen.app.view.at_rest() and screen.app.view.stopped is not stop)  # type: ignore[misc]
        await screen.stops(status)


async def test_the_tree_shows_states_operators_and_marks(tmp_path: Path) -> None:
    async with opened(tmp_path, GROUPS) as screen:
        await screen.press("end", "b")
        await screen.press("g", "n")
        await screen.stops("before +main+g")
        assert "✔ +a" in screen.line("tasks", "+a")
        assert "echo> a ${x}" in screen.line("tasks", "+a")
        assert screen.line("tasks", "+e").startswith("●")
        assert "○ +e" in screen.line("tasks", "+e")
        assert "▾" in screen.line("tasks", "+g")


async def test_groups_close_and_open(tmp_path: Path) -> None:
    async with opened(tmp_path, GROUPS) as screen:
        await screen.stops("before +main+a")
        await screen.press("down", "left")
        assert "+c" not in screen.text("tasks") and "▸" in screen.line("tasks", "+g")
        await screen.press("right")
        assert "+c" in screen.text("tasks")
        await screen.press("down", "left")
        assert screen.selected() == "+main+g"
        await screen.press("enter")
        assert "+c" not in screen.text("tasks")
        await screen.press("home", "c")
        await screen.stops("finished")


async def test_a_stop_opens_the_group_around_it(tmp_path: Path) -> None:
    async with opened(tmp_path, GROUPS) as screen:
        await screen.stops("before +main+a")
        await screen.press("down", "left", "n")
        await screen.stops("before +main+g")
        await screen.press("s")
        await screen.stops("before +main+g+b")
        assert "➤" in screen.line("tasks", "+b")


async def test_what_is_not_possible_says_why(tmp_path: Path) -> None:
    async with opened(tmp_path, GROUPS) as screen:
        await screen.stops("before +main+a")
        for key, words in (
            ("r", "only a task that failed can be retried"),
            ("p", "the workflow is stopped already"),
            ("w", "+main+a has not begun yet: run to it (t)"),
            ("a", "+main+a is no py> task"),
            ("exclamation_mark", "no task has failed"),
            ("full_stop", "nothing is looked for yet"),
        ):
            await screen.press(key)
            await screen.says(words)
        await screen.press("home", "b")
        await screen.says("the workflow itself has no breakpoint")
        await screen.press("n")
        await screen.stops("before +main+g")
        await screen.dialog("k")
        await screen.press("enter")
        await screen.says("+main+g is a group")
        await screen.press("home", "down", "t")
        await screen.says("+main+a has begun already: rewind (w) to it")
        assert "before +main+g" in screen.header()


async def test_after_the_end_keys_say_what_to_do(tmp_path: Path) -> None:
    async with opened(tmp_path, GROUPS) as screen:
        await screen.stops("before +main+a")
        await screen.press("end", "c")
        await screen.stops("finished: success")
        for key, words in (
            ("n", "can't step: the attempt has ended: restart (R) it, or rewind (w)"),
            ("t", "can't run to task: the attempt has ended"),
            ("e", "rewind (w) to the task first"),
            ("g", "the workflow is not stopped"),
        ):
            await screen.press(key)
            await screen.says(words)


async def test_the_bar_has_the_keys_that_are_possible(tmp_path: Path) -> None:
    async with opened(tmp_path, GROUPS) as screen:
        await screen.stops("before +main+a")
        assert "n over" in screen.bar() and "k skip" in screen.bar()
        assert "r retry" not in screen.bar() and "p pause" not in screen.bar()
        await screen.press("c")
        await screen.stops("finished")
        await screen.until(lambda: "n over" not in screen.bar(), "another bar")
        assert "w rewind" in screen.bar() and "R restart" in screen.bar()


async def test_pausing_stops_before_what_would_start_next(tmp_path: Path) -> None:
    dig = """
    +wait: {sh>: "while [ ! -e go ]; do sleep 0.01; done"}
    +next: {echo>: hi}
    """
    async with opened(tmp_path, dig) as screen:
        await screen.press("c")
        await screen.until(lambda: screen.app.view.running, "a running task")
        assert "p pause" in screen.bar()
        await screen.press("p")
        await screen.stops("pausing: what runs ends first")
        (tmp_path / "go").touch()
        await screen.stops("paused before +main+next")


async def test_rewinding_keeps_what_came_before(tmp_path: Path) -> None:
    dig = """
    +a: {sh>: echo a >> ran}
    +b: {sh>: echo b >> ran}
    +c: {sh>: echo c >> ran}
    """
    async with opened(tmp_path, dig) as screen:
        await screen.press("c")
        await screen.stops("finished: success")
        await screen.press("home", "down", "down", "w")
        await screen.stops("before +main+b")
        assert screen.selected() == "+main+b"
        assert "✔ +a" in screen.line("tasks", "+a") and "○ +c" in screen.line("tasks", "+c")
        await screen.press("c")
        await screen.stops("finished: success")
    assert (tmp_path / "ran").read_text().split() == ["a", "b", "c", "b", "c"]


async def test_generated_tasks_appear_below_theirs(tmp_path: Path) -> None:
    dig = """
    +each:
      for_each>: {region: [east, a b]}
      _do: {echo>: "${region}"}
    """
    async with opened(tmp_path, dig) as screen:
        await screen.stops("before +main+each")
        await screen.press("s")
        await screen.shows("tasks", "region=a b")
        assert "^sub" in screen.text("tasks")
        await screen.press("c")
        await screen.stops("finished: success")


async def test_the_palette_has_what_is_possible(tmp_path: Path) -> None:
    async with opened(tmp_path, GROUPS) as screen:
        await screen.stops("before +main+a")
        await screen.press("ctrl+p")
        await screen.type("retry")
        await screen.pilot.pause(0.3)
        assert "run the failed task again" not in screen.picture()
        await screen.press(*["backspace"] * 5)
        await screen.type("step over")
        await screen.until(lambda: "run it, stop at the next" in screen.picture(), "the command")
        await screen.press("enter")
        await screen.stops("before +main+g")


async def test_the_mouse_selects_sets_breakpoints_and_presses_keys(tmp_path: Path) -> None:
    async with opened(tmp_path, GROUPS) as screen:
        await screen.stops("before +main+a")
        await screen.pilot.click("#tasks", offset=(12, 5))
        assert screen.selected() == "+main+g+h+c"
        await screen.pilot.click("#tasks", offset=(0, 6))
        assert screen.line("tasks", "+e").startswith("●")
        await screen.pilot.click("#keys", offset=(2, 0))
        await screen.stops("at the breakpoint +main+e")
