"""Help and the palette, made of the bindings; reports, pictures and copies."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.binding import Binding
from textual.command import CommandPalette
from textual.widgets import Input

from digdag_tui.tui.actions import ACTIONS, PANES, written
from digdag_tui.tui.help import Help, pane_entries
from digdag_tui.tui.palette import DebuggerCommands

from .support import Screen, opened

FLOW = "+a: {echo>: one}\n+b: {echo>: two}\n"


def page(screen: Screen) -> str:
    """The whole text of the page of help."""
    return " ".join(str(screen.app.screen.query_one("#help-text").render()).split())


@pytest.mark.parametrize("size", [(80, 24), (60, 15), (200, 50)])
async def test_help_has_the_pane_first_and_every_key(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(tmp_path, FLOW, size=size) as screen:
        await screen.stops("before +main+a")
        await screen.press("2")
        await screen.dialog("question_mark")
        await screen.until(lambda: "Program" in page(screen), "the page")
        text = str(screen.app.screen.query_one("#help-text").render())
        assert text.startswith("Params\nEach row is a param")
        lines = text.split("\n")
        assert max(map(len, lines)) <= size[0] - 4
        flat = "".join(text.split())
        for action in ACTIONS:
            for word in action.help.split():
                assert word in text, action
            for key in action.keys.split(",") if action.keys else ():
                assert written(key) in flat
        for pane in PANES:
            assert pane.title in text
        await screen.press("escape")
        assert screen.app.screen is screen.app.main


@pytest.mark.parametrize("name", [pane.name for pane in PANES])
async def test_each_pane_says_what_it_shows_and_its_own_keys(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        pane = screen.pane(name)
        assert pane.HELP.strip(), "every pane has a text"
        assert max(map(len, pane.HELP.splitlines())) <= 120
        told = {entry.text for entry in pane_entries(pane)}
        own = {binding.description for binding in Binding.make_bindings(type(pane).__dict__.get("BINDINGS", ()))}
        assert own <= told | {""}
        screen.app.main.show_pane(name)
        await screen.dialog("question_mark")
        title = next(pane.title for pane in PANES if pane.name == name)
        await screen.until(lambda: page(screen).startswith(title), "the pane's text first")


async def test_help_finds_keys_and_words(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, size=(80, 24)) as screen:
        await screen.stops("before +main+a")
        await screen.dialog("question_mark")
        await screen.type("report")
        await screen.until(lambda: page(screen) == "Program X a report on the failure", "what was found")
        screen.app.screen.query_one(Input).value = "^r"
        await screen.until(lambda: page(screen) == "Run ^r run what saved files touched", "a key")
        screen.app.screen.query_one(Input).value = "zzzz"
        await screen.until(lambda: page(screen) == "no key for zzzz", "nothing")


async def test_the_palette_has_what_is_possible_now_with_its_keys(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        commands = DebuggerCommands(screen.app.main)
        texts = [text for text, _, _ in commands._commands()]
        possible = [action for action in ACTIONS if screen.app.refusal(action) is None]
        assert len(texts) == len(possible) + len(PANES)
        assert {"Continue  (c)", "Step over  (n)", "Theme", "Picture  (S)", "Tasks pane  (1)"} <= set(texts)
        assert not any(text.startswith(("Pause", "Retry")) for text in texts)
        await screen.press("ctrl+p")
        await screen.until(lambda: isinstance(screen.app.screen, CommandPalette), "the palette")
        await screen.type("restart")
        await screen.sees("Restart  (R)")


FAILING = """
_export: {token: "in hunter2secret"}
+a: {sh>: "echo using hunter2secret; exit 3"}
"""
SECRETS = {"api.token": "hunter2secret"}


async def test_a_report_is_written_copied_and_without_secrets(tmp_path: Path) -> None:
    async with opened(tmp_path, FAILING, secrets=SECRETS) as screen:
        await screen.press("c")
        await screen.stops("+main+a failed")
        await screen.press("X")
        await screen.says("the report on +main+a is copied, and in .digdag/tui/reports/")
        (file,) = (tmp_path / ".digdag" / "tui" / "reports").iterdir()
        text = file.read_text()
        assert text == screen.app.clipboard
        assert text.startswith("# +main+a: failed") and "    using ***" in text and 'token = "in ***"' in text
        assert "hunter2" not in text


async def test_a_picture_of_the_screen_is_written(tmp_path: Path) -> None:
    async with opened(tmp_path, FAILING, secrets=SECRETS) as screen:
        await screen.stops("before +main+a")
        await screen.press("S")
        await screen.says("the screen is in .digdag/tui/pictures/")
        (file,) = (tmp_path / ".digdag" / "tui" / "pictures").iterdir()
        assert file.read_text().startswith("<svg") and "hunter2" not in file.read_text()


async def test_a_report_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        (tmp_path / ".digdag" / "tui" / "reports").touch()
        await screen.press("X")
        await screen.says("cannot be written")


async def test_copy_as_offers_what_there_is(tmp_path: Path) -> None:
    dig = "_export: {db: {host: h1, list: [1, 2]}, key: in hunter2secret}\n+g:\n  +a: {fail>: no way}\n"
    async with opened(tmp_path, dig, secrets=SECRETS) as screen:
        await screen.press("c")
        await screen.stops("+main+g+a failed")

        async def copied(key: str) -> str:
            await screen.dialog("Y")
            await screen.press(key)
            await screen.until(lambda: screen.app.screen is screen.app.main, "the question answered")
            return screen.app.clipboard

        assert await copied("t") == "+main+g+a"
        assert await copied("l") == "main.dig:3"
        assert "no way" in await copied("e")
        command = await copied("c")
        assert command.endswith("main.dig +g+a --rerun --session 2026-01-31T00:00:00+00:00")
        await screen.press("2")
        screen.app.main.params.select(("db",))
        assert await copied("v") == '{"host":"h1","list":[1,2]}'
        assert await copied("p") == "db"
        screen.app.main.params.select(("key",))
        assert await copied("v") == "in ***"


async def test_the_mode_of_watching_is_shown_changed_and_kept(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        assert "⟳ touched" in screen.header()
        await screen.press("M")
        await screen.says("all: saving runs all tasks again")
        assert "⟳ all" in screen.header()
        await screen.press("M")
        await screen.says("reload: saving loads the new text and runs nothing")
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        assert "⟳ reload" in screen.header()
        assert screen.app.session and screen.app.session.watch_mode == "reload"


async def test_help_closes_by_its_own_keys(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        for key in ("escape", "f1"):
            await screen.dialog("question_mark")
            assert isinstance(screen.app.screen, Help)
            await screen.press(key)
            await screen.until(lambda: screen.app.screen is screen.app.main, "the main screen")
