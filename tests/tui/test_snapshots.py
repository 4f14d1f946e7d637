"""The main screens as pictures; after a change that is meant, look at them and run pytest with --snapshot-update."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.support import write

from .support import Screen, debugger

DIG = """
_export:
  region: east
  limit: 0.5
  db: {host: db1, port: 5432}
+extract:
  echo>: "1042 rows of ${region} from ${db.host}"
+load:
  _export: {db: {host: db2}, limit: 3}
  for_each>: {shop: [銀座, umeda]}
  _do:
    +one: {echo>: "${shop}: ${limit} at most"}
+report:
  _retry: 2
  fail>: "only ${limit} of ${region} [bold]loaded[/]"
+announce:
  echo>: never
"""
REMOTE = """
_export: {td: {database: shops}, day: 2026-01-31}
+extract:
  td>: {data: "select *\\nfrom orders\\nwhere day = '${day}'"}
  insert_into: daily
+report: {echo>: "${td.last_job.num_records} orders"}
"""
SIZES = [(80, 24), (120, 40), (200, 50)]


async def stopped_at(screen: Screen, end: str) -> None:
    """Wait until the session has stopped at a task whose full name ends so, and the screen shows it."""

    def there() -> bool:
        session = screen.app.session
        if session is None or session.stopped is None:
            return False
        return session.attempt.tasks[session.stopped.task].full_name.endswith(end)

    await screen.until(there, f"a stop at {end}")
    await screen.until(lambda: screen.selected().endswith(end), f"{end} selected")


async def entry(screen: Screen) -> None:
    await stopped_at(screen, "+extract")


async def failure(screen: Screen) -> None:
    await entry(screen)
    await screen.press("b", "c")
    await stopped_at(screen, "+report")
    await screen.sees("changes a param")


async def params(screen: Screen) -> None:
    await entry(screen)
    for key, end in (("n", "+load"), ("s", "^sub"), ("s", "E5%BA%A7"), ("s", "+one")):
        await screen.press(key)
        await stopped_at(screen, end)
    await screen.press("2")
    await screen.sees("db2")


async def editor(screen: Screen) -> None:
    await params(screen)
    await screen.press("down", "down")
    await screen.dialog("e")


async def keys(screen: Screen) -> None:
    await entry(screen)
    await screen.press("question_mark")
    await screen.sees("Esc closes")


async def asks(screen: Screen) -> None:
    await entry(screen)
    await screen.press("c")
    await screen.sees("needs its output")
    await screen.sees("gives its output")


async def texts(screen: Screen) -> None:
    await asks(screen)
    await screen.press("4", "end")
    await screen.sees("INSERT INTO")


async def pin(screen: Screen) -> None:
    await asks(screen)
    await screen.dialog("P")
    await screen.sees("num_records")


Show = Callable[[Screen], Awaitable[None]]
SCREENS: dict[Show, str] = {
    entry: DIG, failure: DIG, params: DIG, editor: DIG, keys: DIG, asks: REMOTE, texts: REMOTE, pin: REMOTE
}  # fmt: skip
"""The workflow that each screen is of."""


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("show", SCREENS, ids=lambda show: show.__name__)
def test_screens(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    snap_compare: Callable[..., Any],
    show: Show,
    size: tuple[int, int],
) -> None:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr("tests.tui.support.PATIENCE", 10.0)
    for module in ("tasks", "pages"):
        monkeypatch.setattr(f"digdag_tui.tui.{module}.duration", lambda seconds: "1.2s")
    monkeypatch.setattr("digdag_tui.tui.log.clock", lambda at: "12:34:56")
    write(tmp_path / "shops", {"main.dig": SCREENS[show]})
    app = debugger(tmp_path / "shops")

    async def run(pilot: Pilot[None]) -> None:
        await show(Screen(app, pilot))
        await pilot.pause(0.2)

    try:
        assert snap_compare(app, run_before=run, terminal_size=size)
    finally:
        app.close()
