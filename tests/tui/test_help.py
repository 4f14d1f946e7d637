"""Help and the palette, made of the bindings; reports, pictures and copies."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.command import CommandList, CommandPalette, Hit
from textual.widgets import Input

from digdag_tui.tui.actions import ACTIONS, PANES, written
from digdag_tui.tui.dialogs import Choice
from digdag_tui.tui.help import Help, pane_entries
from digdag_tui.tui.palette import DebuggerCommands, Palette

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
        assert {f"{text[:1].lower()}{text[1:]}" for text in own} <= told | {""}
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
        keys = {command.name: command.key for command in DebuggerCommands(screen.app.main).commands()}
        possible = [action for action in ACTIONS if screen.app.refusal(action) is None]
        assert len(keys) == len(possible) + len(PANES)
        wanted = {"Continue": "c", "Step over": "n", "Theme": "", "Picture": "S", "Tasks pane": "1"}
        assert wanted.items() <= keys.items()
        assert not {"Pause", "Retry"} & keys.keys()
        await screen.press("ctrl+p")
        await screen.until(lambda: isinstance(screen.app.screen, CommandPalette), "the palette")
        await screen.type("restart")
        await screen.until(lambda: "Restart R begin again from the start" in " ".join(screen.picture().split()), "it")


async def test_a_click_on_a_command_that_is_gone_does_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.press("ctrl+p")
        await screen.until(lambda: isinstance(screen.app.screen, CommandPalette), "the palette")
        found = screen.app.screen.query_one(CommandList)
        await screen.until(lambda: found.option_count > 5, "all commands")
        await screen.type("restart")
        await screen.until(lambda: 0 < found.option_count < 5, "fewer commands")
        x, y = found.region.offset

        def click(row: int) -> None:
            style = Style(meta={"option": row})
            found.post_message(events.Click(found, 3, 0, 0, 0, 1, False, False, False, x + 3, y, style))

        click(5)
        palette = screen.app.screen
        palette.post_message(events.Click(palette, 300, 90, 0, 0, 1, False, False, False))
        await screen.pilot.pause()
        assert screen.app.screen.query_one(CommandList) is found
        click(0)
        await screen.until(lambda: screen.app.screen is screen.app.main, "the command")


async def test_a_command_named_as_typed_comes_before_those_that_mention_it(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        commands = DebuggerCommands(screen.app.screen)
        hits = [hit async for hit in commands.search("python") if isinstance(hit, Hit)]
        assert max(hits, key=lambda hit: hit.score).text == "Python"


async def test_a_search_of_the_palette_may_end_after_it(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.press("ctrl+p")
        await screen.until(lambda: isinstance(screen.app.screen, Palette), "the palette")
        palette = screen.app.screen
        assert isinstance(palette, Palette)
        await palette.remove_children()
        palette._show_busy = not palette._show_busy
        await screen.pilot.pause()
        await screen.press("escape")
        await screen.until(lambda: screen.app.screen is screen.app.main, "the end of the palette")


async def test_what_comes_to_the_palette_after_it_is_closed_does_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        app = screen.app
        await screen.press("ctrl+p")
        await screen.until(lambda: isinstance(app.screen, Palette) and app.screen.query(Input), "the palette")
        palette = app.screen
        text = palette.query_one(Input)
        await app.pop_screen()
        for late in (Input.Changed(text, "restart"), Input.Submitted(text, "restart")):
            await palette._on_message(late)
        await screen.press("2")
        await screen.until(lambda: app.main.active == "params", "the main screen")


async def test_the_palette_opens_once_and_again(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        app = screen.app
        await screen.press("ctrl+p")
        await screen.until(lambda: isinstance(app.screen, Palette), "the palette")
        await app.push_screen(Choice("Attach", "Something came up", {"y": ("yes", "yes")}))
        app.action_command_palette()
        assert isinstance(app.screen, Choice), "it is open below"
        app.pop_screen()
        app.pop_screen()
        app.action_command_palette()
        await screen.until(lambda: isinstance(app.screen, Palette), "another palette")


async def test_themes_are_found_in_the_same_palette(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.app.run_action("theme")
        await screen.sees("nord")
        await screen.pilot.click(offset=(1, 30), times=3)
        await screen.until(lambda: screen.app.screen is screen.app.main, "the end of the palette")
        await screen.app.run_action("theme")
        await screen.sees("nord")
        await screen.type("nord")
        await screen.until(lambda: "gruvbox" not in screen.picture(), "what was found")
        await screen.press("enter")
        await screen.until(lambda: screen.app.theme == "nord", "the theme")


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
        assert "⟳ on save: touched" in screen.header()
        await screen.press("M")
        await screen.says("all: saving runs all tasks again")
        assert "⟳ on save: all" in screen.header()
        await screen.press("M")
        await screen.says("reload: saving loads the new text and runs nothing")
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        assert "⟳ on save: reload" in screen.header()
        assert screen.app.session and screen.app.session.watch_mode == "reload"


async def test_help_closes_by_its_own_keys(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        for key in ("escape", "f1"):
            await screen.dialog("question_mark")
            assert isinstance(screen.app.screen, Help)
            await screen.press(key)
            await screen.until(lambda: screen.app.screen is screen.app.main, "the main screen")
