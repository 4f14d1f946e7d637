"""The screen itself: sizes, panes, dialogs, leaving."""

from __future__ import annotations

from pathlib import Path

import pytest

from digdag_tui.tui.actions import ACTIONS, PANES
from digdag_tui.tui.app import DebuggerApp, session_text
from digdag_tui.workflow.errors import DigdagError

from .support import opened

FLOW = "+a: {echo>: one}\n+b: {echo>: two}\n"


@pytest.mark.parametrize(("size", "visible"), [((80, 24), 1), ((80, 40), 3), ((120, 40), 3), ((200, 50), 4)])
async def test_panes_have_the_room_there_is(tmp_path: Path, size: tuple[int, int], visible: int) -> None:
    async with opened(tmp_path, FLOW, size=size) as screen:
        await screen.stops("before +main+a")
        main = screen.app.main
        assert sum(main.shows(name) for name, *_ in PANES) == visible
        for name, title, key, *_ in PANES:
            await screen.press(key)
            assert main.shows(name) and screen.app.focused is screen.pane(name)
            assert title in screen.picture()
        await screen.press("1", "shift+tab")
        assert screen.app.focused is screen.pane(PANES[-1].name)
        await screen.press("tab")
        assert screen.app.focused is screen.pane("tasks")
        await screen.press("z", "2")
        assert sum(main.shows(name) for name, *_ in PANES) == 1
        await screen.press("z")
        assert sum(main.shows(name) for name, *_ in PANES) == visible


async def test_a_terminal_that_is_too_small_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, size=(59, 40)) as screen:
        await screen.sees("too small")
        for width, height in ((120, 14), (30, 6)):
            await screen.pilot.resize_terminal(120, 40)
            await screen.sees("1 Tasks")
            await screen.pilot.resize_terminal(width, height)
            await screen.sees("small")
            assert "Tasks" not in screen.picture()


async def test_every_key_is_an_action_of_the_app() -> None:
    for action in ACTIONS:
        name = action.name.partition("(")[0]
        assert hasattr(DebuggerApp, f"action_{name}"), name
    keys = [key for action in ACTIONS for key in action.keys.split(",") if key]
    assert len(keys) == len(set(keys))


async def test_leaving_asks_only_while_tasks_run(tmp_path: Path) -> None:
    async with opened(tmp_path, '+a: {sh>: "sleep 30"}\n') as screen:
        await screen.stops("before +main+a")
        await screen.press("c")
        await screen.until(lambda: screen.app.view.running, "a running task")
        await screen.press("q")
        assert "1 task running" in screen.picture()
        await screen.press("s")
        assert screen.app.screen is screen.app.main
        await screen.press("K")
        await screen.stops("finished: stopped")
        await screen.press("q")
        assert screen.app._exit


async def test_what_cannot_be_prepared_closes_the_screen(tmp_path: Path) -> None:
    def prepare() -> None:
        raise DigdagError("no such file")

    app = DebuggerApp(tmp_path, "main", prepare)  # type: ignore[arg-type]
    async with app.run_test() as pilot:
        while app.rejected is None:
            await pilot.pause()
    assert str(app.rejected) == "no such file"


async def test_copying_takes_what_the_cursor_is_on(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.press("y")
        assert screen.app.clipboard == "+main+a"
        await screen.press("2", "y")
        assert screen.app.clipboard == '"one"'


async def test_no_colour_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.press("b", "c")
        await screen.stops("finished: success")
        assert "●" in screen.line("tasks", "+a") and "✔" in screen.line("tasks", "+b")
        for line in screen.app.screen._compositor.render_strips():
            for segment in line:
                color = segment.style.color.triplet if segment.style and segment.style.color else None
                assert color is None or color.red == color.green == color.blue


def test_session_times() -> None:
    assert session_text("2026-01-31T00:00:00+09:00") == "2026-01-31 00:00 +09:00"
    assert session_text("2026-01-31T10:20:30+00:00") == "2026-01-31 10:20:30 +00:00"


async def test_dialogs_scroll_in_a_small_terminal(tmp_path: Path) -> None:
    async with opened(tmp_path, "+a: {echo>: a}\n", size=(60, 15)) as screen:
        await screen.stops("before +main+a")
        await screen.dialog("question_mark")
        assert "All tasks in the order of the files" in screen.picture() and "previous pane" not in screen.picture()
        await screen.press(*["pagedown"] * 40)
        await screen.sees("previous pane")
        await screen.press("escape")
        await screen.until(lambda: screen.app.screen is screen.app.main, "the main screen")
        await screen.dialog("P")
        await screen.sees("may stay empty")
        await screen.press("tab", "tab")
        await screen.sees("Pin and save it")
