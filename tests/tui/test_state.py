"""What is kept between sessions, however the files are."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from digdag_tui.tui.layout import RIGHT, SIDE, STACK, Layout, border_at
from digdag_tui.tui.notify import Timer, notification, title
from digdag_tui.tui.state import PROJECT_FILE, State

from .support import opened

FLOW = "+a: {echo>: one}\n+g:\n  +b: {echo>: two}\n"


def test_values_are_kept_and_have_a_version(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "state.json"
    state = State(file)
    assert state.get("watches", ["x"]) == ["x"]
    state.set("watches", ["a + 1", "日本"])
    assert state.save() is None
    assert State(file).get("watches", list[str]()) == ["a + 1", "日本"]
    assert json.loads(file.read_text())["version"] == 1
    assert [path.name for path in file.parent.iterdir()] == ["state.json"]


def test_two_sessions_do_not_undo_each_others_values(tmp_path: Path) -> None:
    one, other = State(tmp_path / "s.json"), State(tmp_path / "s.json")
    one.set("a", 1)
    one.save()
    other.set("b", 2)
    other.save()
    again = State(tmp_path / "s.json")
    assert (again.get("a", 0), again.get("b", 0)) == (1, 2)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"version": "1", "values": {}}', b'{"version": 1}', b"\x00\xff", b'{"version":1,"values":[]}'],
)
def test_a_damaged_file_counts_as_empty_and_is_written_anew(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "state.json"
    file.write_bytes(content)
    state = State(file)
    assert state.get("theme", "dark") == "dark"
    state.set("theme", "light")
    assert state.save() is None
    assert State(file).get("theme", "dark") == "light"


def test_a_value_of_another_type_is_the_default(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"version": 1, "values": {"layout": [1], "theme": 7, "on": 1, "none": null}}')
    state = State(tmp_path / "s.json")
    assert state.get("layout", {}) == {} and state.get("theme", "") == "" and state.get("none", "x") == "x"
    assert state.get("on", True) is True


def test_a_newer_version_is_not_written_over(tmp_path: Path) -> None:
    text = '{"version": 99, "values": {"theme": "dark"}}'
    (tmp_path / "s.json").write_text(text)
    state = State(tmp_path / "s.json")
    state.set("theme", "light")
    assert state.save() is None
    assert (tmp_path / "s.json").read_text() == text


def test_a_place_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    state = State(tmp_path / "file" / "state.json")
    state.set("a", 1)
    assert "cannot be written" in (state.save() or "")
    assert state.save() is None


def test_a_file_is_never_seen_half_written(tmp_path: Path) -> None:
    file, ended = tmp_path / "s.json", threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not ended.is_set():
            seen.append(len(State(file).get("text", "")))

    State(file)
    first = State(file)
    first.set("text", "x" * 100_000)
    first.save()
    reader = threading.Thread(target=read)
    reader.start()
    for number in range(50):
        state = State(file)
        state.set("text", str(number % 10) * 100_000)
        state.save()
    ended.set()
    reader.join()
    assert set(seen) == {100_000}


def test_shares_from_a_file_are_kept_within_reason() -> None:
    shares = Layout({"side": 1000, "right": -3, "stack": "x", "other": 5}).shares  # type: ignore[dict-item]
    assert shares == {"side": 85, "right": 15}


@pytest.mark.parametrize(
    ("box", "x", "y", "narrow", "border"),
    [
        ("tasks-box", 39, 5, False, SIDE), ("tasks-box", 5, 19, False, None), ("tasks-box", 5, 19, True, STACK),
        ("about-box", 0, 5, False, SIDE), ("about-box", 5, 19, False, RIGHT), ("about-box", 5, 0, True, STACK),
        ("output-box", 5, 0, False, RIGHT), ("output-box", 5, 19, False, None), ("output-box", 39, 5, False, None),
    ],
)  # fmt: skip
def test_which_border_the_mouse_takes(box: str, x: int, y: int, narrow: bool, border: object) -> None:
    assert border_at(box, x, y, 40, 20, narrow=narrow) is border


async def test_the_layout_is_as_it_was_left(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        before = screen.app.main.query_one("#tasks-box").outer_size.width
        await screen.press("ctrl+right", "ctrl+right", "ctrl+up")
        await screen.until(lambda: screen.app.main.query_one("#tasks-box").outer_size.width > before)
        width = screen.app.main.query_one("#tasks-box").outer_size.width
        height = screen.app.main.query_one("#about-box").outer_size.height
        await screen.press("4", "O", "1", "down", "left")
        await screen.until(lambda: "+b" not in screen.text("tasks"), "the folded group")
        screen.app.theme = "nord"
    assert (tmp_path / PROJECT_FILE).exists()
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        assert screen.app.main.query_one("#tasks-box").outer_size.width == width
        assert screen.app.main.query_one("#about-box").outer_size.height == height
        assert "+b" not in screen.text("tasks")
        assert screen.app.main.log_pane.level == "warnings and errors"
        assert screen.app.theme == "nord"
        screen.app.theme = "textual-dark"


@pytest.mark.parametrize(
    "content", ["{", '{"version": 1, "values": {"layout": {"panes": 7, "folded": [1], "shares": [2]}}}']
)
async def test_a_damaged_state_stops_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / PROJECT_FILE).parent.mkdir(parents=True)
    (tmp_path / PROJECT_FILE).write_text(content)
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.press("c")
        await screen.stops("finished: success")


async def test_the_mouse_moves_a_border(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        box = screen.app.main.query_one("#tasks-box")
        edge = box.region.right - 1
        await screen.pilot.mouse_down(offset=(edge, 10))
        await screen.pilot.hover(offset=(edge + 12, 10))
        await screen.pilot.mouse_up(offset=(edge + 12, 10))
        await screen.until(lambda: abs(box.region.right - 1 - (edge + 12)) <= 1, "the border under the mouse")
        about = screen.app.main.query_one("#about-box")
        edge = about.region.bottom - 1
        await screen.pilot.mouse_down(offset=(edge + 60, edge))
        await screen.pilot.hover(offset=(edge + 60, edge - 6))
        await screen.pilot.mouse_up(offset=(edge + 60, edge - 6))
        await screen.until(lambda: abs(about.region.bottom - 1 - (edge - 6)) <= 1, "the lower border under the mouse")


async def test_a_border_that_cannot_move_says_why(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, size=(80, 24)) as screen:
        await screen.stops("before +main+a")
        await screen.press("ctrl+left")
        await screen.says("can't move the border: one pane shows at a time")


def test_only_a_run_that_was_long_has_a_length() -> None:
    timer = Timer()
    assert timer.rests(True, 0.0) is None
    assert timer.rests(False, 5.0) is None and timer.rests(False, 9.0) is None
    assert timer.rests(True, 20.0) == 15.0
    assert timer.rests(True, 30.0) is None


def test_what_a_task_is_called_cannot_act_on_the_terminal() -> None:
    evil = "+a\x1b]52;c;eA==\x07\n;x\u202e"
    for sequence in (notification("digdag-tui", evil), title(evil)):
        inner = sequence.removeprefix("\x1b]9;").removeprefix("\x1b]2;")
        assert "\x1b]52" not in sequence and "\u202e" not in sequence and "\n" not in inner
    assert notification("t", "a;b").count(";") == 4
