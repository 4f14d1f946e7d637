"""The debugger on a small project, driven by keys, and read as a person reads it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from digdag_tui.debugger.environment import LocalEnvironment
from digdag_tui.debugger.launch import Launch
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.params.secrets import LocalSecrets
from digdag_tui.tui.app import DebuggerApp
from digdag_tui.tui.boxes import HeaderLine, KeyBar
from digdag_tui.tui.lines import Lines
from digdag_tui.tui.pages import Page
from tests.support import write

PATIENCE = 30.0


def debugger(project: Path, *, watches: bool = False, secrets: dict[str, str] | None = None) -> DebuggerApp:
    """The app for a project's `main.dig`."""

    def prepare() -> tuple[Launch, LocalEnvironment]:
        properties = {f"secrets.{key}": value for key, value in (secrets or {}).items()}
        environment = LocalEnvironment(project, Evaluator(), LocalSecrets(properties, project / "no-home"))
        return Launch(project, "main", session="2026-01-31"), environment

    return DebuggerApp(project, "main", prepare, watches=watches)


class Screen:
    """What is on the screen of a running debugger."""

    def __init__(self, app: DebuggerApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot
        self.toasts: list[str] = []

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait until something holds.

        Raises:
            TimeoutError: it never does; the message shows the screen.
        """
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                shown = "\n".join([self.header(), *(f"{name}: {self.text(name)}" for name in ("tasks", "log"))])
                raise TimeoutError(f"{what or 'it'} never came; the screen:\n{shown}\n{self.notices()}")
            await self.pilot.pause(0.01)
        await self.pilot.pause()

    async def shows(self, pane: str, text: str) -> None:
        """Wait until a pane shows a text."""
        await self.until(lambda: text in self.text(pane), f"{text!r} in {pane}")

    async def stops(self, status: str) -> None:
        """Wait until the header says so, such as `before +main+a`."""
        await self.until(lambda: status in self.header(), f"{status!r} in the header")

    async def says(self, text: str) -> None:
        """Wait for a notice."""
        await self.until(lambda: any(text in notice for notice in self.notices()), f"the notice {text!r}")

    async def sees(self, text: str) -> None:
        """Wait until a text is painted somewhere."""
        await self.until(lambda: text in self.picture(), f"{text!r} on the screen")

    async def press(self, *keys: str) -> None:
        """Press keys by their names, one after the other, as fast as they are taken."""
        for key in keys:
            letter = {"space": " ", "slash": "/"}.get(key, key)
            self.app.post_message(events.Key(key, letter if len(letter) == 1 else None))
            await self.pilot.pause(0)
        await self.pilot.pause()

    async def dialog(self, key: str) -> None:
        """Press a key that opens a dialog, and wait for that."""
        await self.press(key)
        main = self.app.main
        await self.until(lambda: self.app.screen is not main and self.app.screen.query(".dialog"), f"a dialog at {key}")
        await self.until(lambda: self.app.screen.focused or not self.app.screen.focus_chain, "its focus")

    async def focused(self, selector: str) -> None:
        """Wait until a widget of the present screen has the focus."""
        await self.until(lambda: self.app.screen.query_one(selector).has_focus, f"the focus on {selector}")

    async def type(self, text: str) -> None:
        for letter in text:
            self.app.post_message(events.Key(_character_to_key(letter), letter))
        await self.pilot.pause()

    def header(self) -> str:
        return self.app.main.query_one(HeaderLine).render().plain

    def bar(self) -> str:
        return self.app.main.query_one(KeyBar).render().plain

    def notices(self) -> list[str]:
        return [notice.message for notice in self.app._notifications]

    def text(self, pane: str) -> str:
        """All rows of a pane, as wide as they are; of a page its lines as they are before they are broken."""
        lines = self.app.main.pane(pane)
        if isinstance(lines, Page):
            return "\n".join("".join(text for text, _ in line.parts) for line in lines.lines)
        rows = (lines.row(number, 200) for number in range(lines.count()))
        return "\n".join("".join(text for text, _ in (*row.left, *row.right)).rstrip() for row in rows)

    def line(self, pane: str, text: str) -> str:
        """The first row of a pane with a text; blank if there is none."""
        return next((line for line in self.text(pane).split("\n") if text in line), "")

    def param(self, name: str) -> str:
        """The row of a param."""
        return next(row for row in self.text("params").split("\n") if row.lstrip("▾▸+~- ").startswith(f"{name} "))

    def picture(self) -> str:
        """The whole screen as it is painted."""
        width, height = self.app.size
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text[:width] for strip in lines[:height])

    def pane(self, name: str) -> Lines:
        return self.app.main.pane(name)

    def selected(self) -> str:
        task = self.app.main.selected
        return task.full_name if task else ""


@asynccontextmanager
async def opened(
    project: Path,
    dig: str,
    files: dict[str, str] | None = None,
    *,
    size: tuple[int, int] = (120, 40),
    watches: bool = False,
    secrets: dict[str, str] | None = None,
    asks: bool = False,
) -> AsyncIterator[Screen]:
    """The debugger opened on a workflow, or before that if it `asks`; the session ends with the test."""
    write(project, {"main.dig": dig, **(files or {})})
    app = debugger(project, watches=watches, secrets=secrets)
    try:
        async with app.run_test(size=size, notifications=True) as pilot:
            screen = Screen(app, pilot)
            await screen.until(
                lambda: app.screen is not app.main if asks else app.view.problems or app.main.tasks.count(),
                "the workflow",
            )
            yield screen
    finally:
        app.close()
