"""Makes the pictures of this folder from the real debugger on `examples/sales`: python screenshots/make.py."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from digdag_tui.cli.options import launch_from
from digdag_tui.tui.app import DebuggerApp

HERE = Path(__file__).resolve().parent
SIZE = (120, 36)
PROJECT = Path("/tmp/sales")
"""A place that says nothing about the machine: Python's tracebacks have it."""


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it does not within a minute.
    """
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the example did not go as it should")
        await pilot.pause(0.05)
    await pilot.pause(0.2)


async def make(project: Path) -> None:
    """Step through the example as its README does, and save what is to be seen on the way."""
    app = DebuggerApp(
        project, "sales", lambda: launch_from(str(project / "sales.dig"), session="2026-01-31"), watches=False
    )
    view = app.view

    def save(name: str) -> None:
        (HERE / f"{name}.svg").write_text(app.export_screenshot(title="digdag-tui sales.dig"), encoding="utf-8")

    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: view.stopped)
        await pilot.press("2")
        app.main.params.select(("max_incomplete",))
        await pilot.press("D")
        await until(pilot, lambda: app.session and app.session.breakpoints.all)
        app.session.breakpoints.add("task", "+report", condition="shops.length > 2")
        app.session.breakpoints.add("task", "+load*", log_message="${shop}: ${max_incomplete}", enabled=False)
        await pilot.press("c")
        await until(pilot, lambda: view.stopped and view.stopped.reason == "data breakpoint")
        await pilot.press("9")
        await until(pilot, lambda: True)
        save("stops")

        app.session.breakpoints.remove(*(each.id for each in app.session.breakpoints.all))
        await pilot.press("6", "c")
        await until(pilot, lambda: view.stopped and view.stopped.reason == "exception")
        await until(pilot, lambda: list(view.running) == [])
        app.main.log_pane.scroll_home(animate=False)
        await pilot.press("5")
        await until(pilot, lambda: True)
        save("failure")

        await pilot.press("3", "greater_than_sign")
        await until(pilot, lambda: True)
        save("source")

        await pilot.press("i")
        await until(pilot, lambda: app.main.shows("python"))
        save("signature")

        await pilot.press("s")
        await until(pilot, lambda: view.python.stops)
        for line in (20, 19, 21, 22, 23):  # the end of `with` is where it began
            await pilot.press("n")
            await until(pilot, lambda line=line: [stop.frames[0].line for stop in view.python.stops.values()] == [line])
        save("python")

        await pilot.press("c")
        await until(pilot, lambda: [stop.reason for stop in view.python.stops.values()] == ["exception"])
        await pilot.press("c")
        await until(pilot, lambda: view.stopped and view.stopped.reason == "exception")

        await pilot.press("2")
        app.main.params.select(("max_incomplete",))
        await until(pilot, lambda: True)
        save("params")

        await pilot.press("e")
        await until(pilot, lambda: app.screen is not app.main)
        await pilot.press("ctrl+u", "0", "full_stop", "0", "5")
        await until(pilot, lambda: True)
        save("edit")

        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.main)
        await pilot.press("r")
        await until(pilot, lambda: view.stopped and view.stopped.reason == "step")
        await pilot.press("c")
        await until(pilot, lambda: view.attempt.success is not None)
        await pilot.press("7", "end")
        await until(pilot, lambda: True)
        save("timeline")
    app.close()


def main() -> None:
    PROJECT.mkdir()
    try:
        ignored = shutil.ignore_patterns(".digdag", "__pycache__")
        shutil.copytree(HERE.parent / "examples" / "sales", PROJECT, ignore=ignored, dirs_exist_ok=True)
        asyncio.run(make(PROJECT))
    finally:
        shutil.rmtree(PROJECT)


if __name__ == "__main__":
    main()
