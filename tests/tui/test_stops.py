"""The pane of stops, the breakpoint editor, gutters, branches, and running one task alone, by keys and mouse."""

from __future__ import annotations

import json
from pathlib import Path

from textual.widgets import Input

from digdag_tui.debugger.breakpoints import Breakpoint
from digdag_tui.tui.trial import TrialDialog

from .support import Screen, opened

LOOP = """
_export: {rate: 1}
+start: {echo>: start}
+load:
  for_each>: {region: [east, west]}
  _do:
    +fetch: {echo>: "fetch ${region}"}
+set: {py>: t.put, key: rate, value: 0.8x}
+report: {echo>: "report ${rate}"}
"""
FILES = {"t.py": "import digdag\ndef put(key, value):\n    print('put', value)\n    digdag.env.store({key: value})\n"}


def breakpoints(screen: Screen) -> tuple[Breakpoint, ...]:
    assert screen.app.session
    return screen.app.session.breakpoints.all


async def fill_in(screen: Screen, **fields: str) -> None:
    """Type into the fields of the open dialog, and save it."""
    for name, text in fields.items():
        field = screen.app.screen.query_one(f"#{name}", Input)
        field.focus()
        await screen.focused(f"#{name}")
        field.value = ""
        await screen.type(text)
    await screen.press("enter")


async def test_a_conditional_breakpoint_in_a_for_each(tmp_path: Path) -> None:
    async with opened(tmp_path, LOOP, FILES) as screen:
        await screen.stops("before +main+start")
        await screen.press("9")
        await screen.dialog("B")
        await fill_in(screen, target="+fetch", condition="region == 'west'")
        await screen.shows("stops", "+fetch  if region == 'west'")
        assert "matches no task yet" in screen.line("stops", "+fetch")
        assert "◌" in screen.line("stops", "+fetch")
        await screen.press("c")
        await screen.stops("at the breakpoint +main+load region=west+fetch")
        await screen.shows("stops", "2 tasks · 1 hit")
        assert "◉" in screen.line("stops", "+fetch") and "if" in screen.line("tasks", "+fetch")


async def test_a_condition_that_does_not_parse_stays_in_the_dialog(tmp_path: Path) -> None:
    async with opened(tmp_path, LOOP, FILES) as screen:
        await screen.stops("before +main+start")
        await screen.press("down")
        await screen.dialog("B")
        await fill_in(screen, condition="region ==")
        await screen.sees("something is missing at the end of region ==")
        await fill_in(screen, condition="region == 1", hits="often")
        await screen.sees("hits are a number")
        await fill_in(screen, hits="")
        await screen.until(lambda: breakpoints(screen), "the breakpoint")
        assert breakpoints(screen)[0].condition == "region == 1"


async def test_a_logpoint_prints_and_looks_like_one(tmp_path: Path) -> None:
    async with opened(tmp_path, LOOP, FILES) as screen:
        await screen.stops("before +main+start")
        await screen.press("down")
        await screen.dialog("B")
        await fill_in(screen, log="rate is ${rate}")
        await screen.until(lambda: breakpoints(screen), "the breakpoint")
        assert screen.line("tasks", "+load").startswith("◆") or screen.line("tasks", "+start").startswith("◆")
        await screen.press("c")
        await screen.stops("finished")
        await screen.shows("log", "rate is 1")
        assert "POINT" in screen.line("log", "rate is 1")


async def test_a_data_breakpoint_finds_who_overwrote_a_variable(tmp_path: Path) -> None:
    async with opened(tmp_path, LOOP, FILES) as screen:
        await screen.stops("before +main+start")
        await screen.press("2")
        screen.app.main.params.select(("rate",))
        await screen.press("D")
        await screen.says("stops after the task that changes rate")
        await screen.press("9", "c")
        await screen.stops("after +main+set")
        await screen.shows("stops", 'rate: 1 → "0.8x", stored by +main+set')
        await screen.press("k")
        await screen.says("has run already: rewind (w) to it first")
        await screen.press("n")
        await screen.stops("before +main+report")


async def test_what_no_breakpoint_can_be_set_on_says_why(tmp_path: Path) -> None:
    async with opened(tmp_path, LOOP, FILES) as screen:
        await screen.stops("before +main+start")
        await screen.press("m")
        await screen.says("there is no breakpoint to mute: b sets one")
        await screen.press("2")
        screen.app.main.params.select(("echo>",))
        await screen.press("D")
        await screen.says("is this task's own key")
        await screen.press("9", "home", "delete")
        await screen.says("this row is no breakpoint")


async def test_between_two_attempts_no_breakpoint_is_set_on_what_the_old_one_shows(tmp_path: Path) -> None:
    async with opened(tmp_path, LOOP, FILES) as screen:
        await screen.stops("before +main+start")
        await screen.press("2")
        screen.app.main.params.select(("rate",))
        screen.app.main.selected = None
        await screen.press("D")
        await screen.says("put the cursor on a param")


async def test_rows_toggle_remove_and_mute(tmp_path: Path) -> None:
    async with opened(tmp_path, LOOP, FILES) as screen:
        await screen.stops("before +main+start")
        await screen.press("down", "b", "9")
        await screen.shows("stops", "1 task")
        await screen.press("home", "down", "down", "down", "space")
        await screen.shows("stops", "off ·")
        assert not breakpoints(screen)[0].enabled
        assert screen.line("tasks", "+load").startswith("○")
        await screen.press("enter")
        assert breakpoints(screen)[0].enabled
        await screen.press("m")
        await screen.shows("stops", "all muted (m)")
        assert "muted" in screen.line("tasks", "+load")
        await screen.press("m", "delete")
        await screen.until(lambda: not breakpoints(screen), "no breakpoint")
        await screen.press("home", "down", "enter")
        await screen.says("failures do not stop")
        assert "off (x)" in screen.line("stops", "failures")


async def test_a_narrow_header_keeps_why_it_stopped(tmp_path: Path) -> None:
    dig = "+a: {echo>: a}\n+" + "long" * 20 + ": {echo>: b}"
    async with opened(tmp_path, dig, size=(80, 24)) as screen:
        await screen.stops("before +main+a")
        await screen.press("n")
        await screen.stops("❚❚ before …")
        assert screen.header().rstrip().endswith("longlong")


async def test_a_click_switches_a_breakpoint(tmp_path: Path) -> None:
    async with opened(tmp_path, LOOP, FILES) as screen:
        await screen.stops("before +main+start")
        await screen.press("down", "b", "9")
        await screen.shows("stops", "1 task")
        await screen.pilot.click("#stops", offset=(0, 3))
        await screen.until(lambda: not breakpoints(screen)[0].enabled, "a disabled breakpoint")


async def test_they_are_there_in_the_next_session(tmp_path: Path) -> None:
    async with opened(tmp_path, LOOP, FILES) as screen:
        await screen.stops("before +main+start")
        await screen.press("down", "b")
        await screen.until(lambda: breakpoints(screen), "the breakpoint")
    async with opened(tmp_path, LOOP, FILES) as screen:
        await screen.stops("before +main+start")
        await screen.press("c")
        await screen.stops("at the breakpoint +main+load")


async def test_a_damaged_file_is_said_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / ".digdag" / "tui"
    folder.mkdir(parents=True)
    (folder / "breakpoints.json").write_text("{")
    async with opened(tmp_path, LOOP, FILES) as screen:
        await screen.says("cannot be read")
        assert (folder / "breakpoints.damaged.json").read_text() == "{"
        await screen.stops("before +main+start")
        await screen.press("b")
        await screen.until((folder / "breakpoints.json").exists, "the file")
        assert len(json.loads((folder / "breakpoints.json").read_text())["breakpoints"]) == 1


async def test_a_breakpoint_on_a_line_of_the_source(tmp_path: Path) -> None:
    async with opened(tmp_path, LOOP, FILES) as screen:
        await screen.stops("before +main+start")
        await screen.press("3")
        await screen.until(lambda: screen.app.main.source.position, "the file")
        screen.app.main.source.move_to(5)
        await screen.press("b")
        await screen.until(lambda: breakpoints(screen), "the breakpoint")
        assert breakpoints(screen)[0].target == "main.dig:6"
        await screen.press("c")
        await screen.stops("+load region=east+fetch")
        await screen.press("3")
        screen.app.main.source.move_to(0)
        await screen.press("b")
        await screen.says("line 1 of main.dig belongs to no task")


async def test_all_branches_are_in_one_view(tmp_path: Path) -> None:
    dig = """
    +p:
      _parallel: true
      +a: {sh>: "while [ ! -e go ]; do sleep 0.01; done"}
      +b: {echo>: b}
      +c: {echo>: c}
    """
    async with opened(tmp_path, dig) as screen:
        await screen.stops("before +main+p")
        await screen.press("9", "s")
        await screen.stops("before +main+p+a")
        await screen.shows("stops", "held")
        assert "is next" in screen.line("stops", "+p+a")
        assert "held" in screen.line("stops", "+p+b") and "held" in screen.line("stops", "+p+c")
        await screen.press("H")
        await screen.says("the other branches run free")
        await screen.press("n")
        await screen.until(
            lambda: all("✔" in screen.line("tasks", name) for name in ("+b", "+c")), "the free branches' end"
        )
        (tmp_path / "go").touch()
        await screen.stops("finished")


async def test_one_task_is_run_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, LOOP, FILES) as screen:
        await screen.stops("before +main+start")
        await screen.press("home", "down", "down", "T")
        await screen.until(lambda: isinstance(screen.app.screen, TrialDialog), "the dialog")
        await screen.press("ctrl+s")
        await screen.sees("+main+load^sub+for-0=region=0=east")
        await screen.press("escape", "end", "up", "T")
        await screen.until(lambda: isinstance(screen.app.screen, TrialDialog), "the dialog")
        area = screen.app.screen.query_one("ParamsArea")
        area.text = area.text.replace("0.8x", "9")  # type: ignore[attr-defined]
        await screen.sees("1 change: value")
        await screen.press("ctrl+s")
        await screen.sees("success after")
        assert "put 9" in screen.picture() and 'rate: "9"' in screen.picture()
        await screen.press("escape")
        assert "○ +set" in screen.line("tasks", "+set")
        await screen.press("home", "T")
        await screen.says("is a group: select one of the tasks in it")
