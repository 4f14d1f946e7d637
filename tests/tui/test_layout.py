"""How panes share the terminal: tabs that fit, the source beside params, and what borders and empty panes say."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from rich.color import Color
from textual import events
from textual.command import CommandPalette
from textual.widgets import Static

from digdag_tui.tui.actions import PANES
from digdag_tui.tui.boxes import Box, KeyBar, Tab, fitting_tabs
from digdag_tui.tui.layout import BESIDE, RIGHT, SIDE, Border, border_at

from .support import Screen, opened

FLOW = """
_export: {region: east, a_name_that_is_longer_than_all_of_the_others: 1}
+a: {echo>: "hello ${region}"}
+b: {sh>: 'echo "$HOME"', _retry: 1}
+c: {fail>: "only ${region}"}
"""
BROKEN = '+a: {echo>: "never closed}\n'


def tabs(**marks: str) -> list[Tab]:
    return [
        Tab(pane.name, pane.key, pane.title, marks.get(pane.name, ""), pane.name != "task", pane.short)
        for pane in PANES
    ]  # fmt: skip


def test_tabs_are_shortened_as_far_as_needed() -> None:
    full = fitting_tabs(tabs(error="✖", problems="12", task="3"), "error", 74)
    assert full.plain == "1Tasks 2Params 3Src 4Task iPy 5Error✖ 6Log 7Time 8Watch 9Stops 0Probs 12"
    assert "7Timeline" in fitting_tabs(tabs(), "log", 90).plain
    assert fitting_tabs(tabs(), "log", 200).plain.startswith(" 1 Tasks   2 Params ")
    assert fitting_tabs(tabs(problems="12"), "log", 54).plain == "1 2 3 4 i 5 6Log 7 8 9 0 12"


@pytest.mark.parametrize("size", [(60, 15), (60, 40), (80, 24), (100, 30), (120, 40), (170, 24), (200, 50)])
async def test_no_row_of_tabs_is_cut_off(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(tmp_path, FLOW, size=size) as screen:
        await screen.stops("before +main+a")
        for pane in PANES:
            await screen.press(pane.key)
            rows = [row for row in screen.picture().split("\n") if "╭" in row]
            assert rows and not any("…" in row for row in rows), rows
            name = rf"{pane.key} ?({pane.title}|{pane.short or pane.title})\b"
            assert any(re.search(name, row) for row in rows), rows


async def test_the_source_stands_beside_params_where_there_is_room(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, size=(200, 50)) as screen:
        await screen.stops("before +main+a")
        main = screen.app.main
        assert main.shows("params") and main.shows("source") and main.shows("log")
        about, source = main.query_one("#about-box", Box), main.query_one("#source-box", Box)
        assert about.region.right == source.region.x and about.region.y == source.region.y
        assert "3 Source" in str(source.border_title) and "Source" not in str(about.border_title)
        await screen.press("3")
        assert main.active == "source" and main.shows("params")
        for active in ("log", "tasks", "params", "source"):
            await screen.press("tab")
            assert main.active == active
        await screen.press("5")
        assert main.shows("error") and main.shows("source") and not main.shows("params")
        await screen.press("3", "z")
        await screen.until(lambda: main.shows("source") and not main.shows("error"), "the source alone")
        await screen.press("z")
        await screen.until(lambda: main.shows("source") and main.shows("error"), "both again")
        await screen.pilot.resize_terminal(120, 40)
        await screen.until(lambda: not main.shows("source"), "one of the two")
        assert main.shows("error") and "Source" in str(about.border_title)
        await screen.press("3")
        await screen.until(lambda: source.region.width > 60 and not about.display, "the source in the same place")
        assert "Params" in str(source.border_title)
        await screen.pilot.resize_terminal(200, 50)
        await screen.until(lambda: main.shows("params") and main.shows("source"), "both at once")


async def test_a_mouse_button_where_the_screen_ends_since_it_is_smaller_moves_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        box = screen.app.main.query_one("#output-box")
        box.post_message(events.MouseDown(box, 39, 1, 0, 0, 1, False, False, False, 39, 90))
        await screen.press("2")
        await screen.until(lambda: screen.app.main.active == "params", "what a key does")
        assert screen.app.mouse_captured is None


async def test_the_border_between_params_and_source_is_moved_by_the_mouse(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, size=(200, 50)) as screen:
        await screen.stops("before +main+a")
        about = screen.app.main.query_one("#about-box")
        edge = about.region.right - 1
        await screen.pilot.mouse_down(offset=(edge, 10))
        await screen.pilot.hover(offset=(edge + 12, 10))
        await screen.pilot.mouse_up(offset=(edge + 12, 10))
        await screen.until(lambda: abs(about.region.right - 1 - (edge + 12)) <= 1, "the border under the mouse")


@pytest.mark.parametrize(
    ("box", "x", "y", "border"),
    [
        ("about-box", 0, 5, SIDE), ("about-box", 39, 5, BESIDE), ("source-box", 0, 5, BESIDE),
        ("source-box", 39, 5, None), ("source-box", 5, 19, RIGHT), ("output-box", 0, 5, SIDE),
    ],
)  # fmt: skip
def test_borders_of_a_very_wide_terminal(box: str, x: int, y: int, border: Border | None) -> None:
    assert border_at(box, x, y, 40, 20, narrow=False, wide=True) == border


async def test_the_number_of_lines_stands_below_the_log_only(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.press("n")
        await screen.stops("before +main+b")
        box = screen.app.main.query_one("#output-box", Box)
        await screen.until(lambda: "lines" in str(box.border_subtitle), "the number of lines")
        await screen.press("7")
        await screen.until(lambda: not box.border_subtitle, "no number of lines")
        await screen.press("6")
        await screen.until(lambda: "lines" in str(box.border_subtitle), "the number of lines")


@pytest.mark.parametrize("pane", ["tasks", "params", "task", "error"])
async def test_a_workflow_that_does_not_load_says_so_in_each_pane(tmp_path: Path, pane: str) -> None:
    async with opened(tmp_path, BROKEN) as screen:
        await screen.stops("does not load")
        assert "see Problems" in screen.pane(pane).nothing()
        await screen.press(next(entry.key for entry in PANES if entry.name == pane))
        await screen.sees("the workflow does not load: see Problems")


async def test_an_empty_error_pane_says_what_comes_there(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.press("5")
        await screen.shows("error", "when a task fails, this is where it says why")


async def test_a_definition_without_templates_is_shown_once(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.press("4")
        await screen.shows("task", "Evaluated")
        await screen.press("n")
        await screen.stops("before +main+b")
        await screen.shows("task", "nothing in it to evaluate")
        assert "Evaluated" not in screen.text("task")


async def test_a_text_without_templates_is_not_shown_as_one(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.press("n")
        await screen.stops("before +main+b")
        await screen.shows("params", "sh>")
        assert '= echo "$HOME"' not in screen.text("params")


async def test_one_long_name_does_not_move_all_values(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, size=(80, 24)) as screen:
        await screen.stops("before +main+a")
        await screen.press("2")
        await screen.sees('"east"')
        row = next(row for row in screen.picture().split("\n") if '"east"' in row)
        assert row.index('"east"') <= 26


async def test_a_problem_that_keeps_a_file_from_loading_is_told_once(tmp_path: Path) -> None:
    async with opened(tmp_path, "+準備: {echo>: a}\n") as screen:
        await screen.stops("does not load")
        await screen.until(lambda: screen.app.view.is_checked, "all problems")
        places = [str(problem.position) for problem in screen.app.view.all_problems() if problem.severity == "error"]
        assert places and len(places) == len(set(places))


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40)])
async def test_the_palette_shows_a_command_a_line(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(tmp_path, FLOW, size=size) as screen:
        await screen.stops("before +main+a")
        await screen.press("ctrl+p")
        await screen.until(lambda: isinstance(screen.app.screen, CommandPalette), "the palette")
        await screen.sees("run it, stop at the next")
        row = next(row for row in screen.picture().split("\n") if "run it, stop at the next" in row)
        assert re.search(r"Step over +n +run it, stop at the next", row)


async def test_tabs_are_written_when_the_terminal_is_already_wide_and_the_boxes_are_not(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, size=(200, 50)) as screen:
        await screen.stops("before +main+a")
        main = screen.app.main
        main._current["about-box"] = "source"  # as it was before the terminal grew
        main.tabs()
        main.arrange_boxes()
        assert main._current["about-box"] == "params"


PRINTING = """
+each:
  for_each>: {店: [銀座]}
  _do:
    +one: {sh>: "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo 行 $i; done; exit 1"}
"""


async def test_a_failure_shows_the_end_of_what_the_task_printed(tmp_path: Path) -> None:
    async with opened(tmp_path, PRINTING) as screen:
        await screen.stops("before +main+each")
        await screen.press("c")
        await screen.stops("failed")
        await screen.shows("error", "The end of its output")
        text = screen.text("error")
        assert "行 12" in text and "行 3" in text and "行 2" not in text.replace("行 12", "")


async def test_the_header_names_an_iteration_by_its_values(tmp_path: Path) -> None:
    async with opened(tmp_path, PRINTING, size=(80, 24)) as screen:
        await screen.stops("before +main+each")
        await screen.press("c")
        await screen.stops("+main+each 店=銀座+one failed")


async def test_a_past_attempt_fits_into_80_columns(tmp_path: Path) -> None:
    async with opened(tmp_path, PRINTING, size=(80, 24)) as screen:
        await screen.stops("before +main+each")
        await screen.press("c")
        await screen.stops("failed")
        await screen.press("x", "c")
        await screen.stops("finished")
        await screen.press("R")
        await screen.stops("before +main+each")
        await screen.dialog("A")
        await screen.sees("✖ failed")
        row = next(row for row in screen.picture().split("\n") if "✖ failed" in row)
        assert re.search(r"s +…?\S*one", row), row


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_a_click_on_each_tab_shows_its_pane(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(tmp_path, FLOW, size=size) as screen:
        await screen.stops("before +main+a")
        for pane in reversed(PANES):
            x, y = place_of(screen, rf"{pane.key} ?({pane.title}|{pane.short or pane.title})\b")
            await screen.pilot.click(offset=(x, y))
            await screen.until(partial(is_active, screen, pane.name), pane.name)


async def test_a_click_on_each_key_of_the_bar_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path, FLOW, size=(120, 40)) as screen:
        await screen.stops("before +main+a")
        keys = [action for _, _, action in screen.app.main.query_one(KeyBar).keys]
        done: list[str] = []
        for name in (*keys, "help"):
            monkeypatch.setattr(screen.app, f"action_{name}", partial(done.append, name))
        for label in (*(label for _, label, _ in screen.app.main.query_one(KeyBar).keys), "help"):
            await screen.pilot.click("#keys", offset=(screen.bar().index(f" {label} ") + 2, 0))
        await screen.until(lambda: done == [*keys, "help"], f"{keys}, not {done}")


def is_active(screen: Screen, pane: str) -> bool:
    return screen.app.main.active == pane


def place_of(screen: Screen, pattern: str) -> tuple[int, int]:
    """The middle of a text that is painted."""
    for y, row in enumerate(screen.picture().split("\n")):
        if "╭" in row and (found := re.search(pattern, row)):
            return (found.start() + found.end()) // 2, y
    raise AssertionError(f"{pattern} is not on the screen")


async def test_a_reversed_cursor_is_of_one_colour(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        screen.app.theme = "ansi-dark"
        await screen.press("2", "down", "down", "down")
        pane = screen.pane("params")
        await screen.until(lambda: pane.has_focus, "the focus")
        pane._base = pane.rich_style
        row = pane.render_line(pane.cursor - pane.scroll_offset.y)
        assert len(row) > 2 and {(segment.style.color, segment.style.reverse) for segment in row if segment.style} == {
            (Color.default(), True)
        }


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_help_uses_the_room_and_speaks_with_one_voice(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(tmp_path, FLOW, size=size) as screen:
        await screen.stops("before +main+a")
        await screen.dialog("question_mark")
        await screen.sees("Esc closes")
        lines = str(screen.app.screen.query_one("#help-text", Static).render()).splitlines()
        assert any("Run " in line and "Look" in line for line in lines)
        assert any("next pane" in line for line in lines) and not any("Next pane" in line for line in lines)
        on_one_line = any("run what saved files touched" in line for line in lines)
        assert on_one_line == (size[0] > 80)


CAUGHT = """
_export: {max_incomplete_part: 0.05}
+a: {py>: tasks.count}
"""


async def test_a_warning_begins_where_values_do_at_200_columns(tmp_path: Path) -> None:
    files = {"tasks.py": "def count(max_incomplete_part=0):\n    return max_incomplete_part > 1\n"}
    async with opened(tmp_path, CAUGHT, files, size=(200, 50)) as screen:
        await screen.stops("before +main+a")
        await screen.shows("params", "⚠")
        assert screen.line("params", "⚠").index("⚠") == screen.param("max_incomplete_part").index('"0.05"')
