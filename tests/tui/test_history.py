"""Looking back: the whole screen as it was, nothing undone, nothing lost; past attempts and comparing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from digdag_tui.debugger.environment import LocalEnvironment
from digdag_tui.debugger.gate import Opening
from digdag_tui.debugger.history import find_attempt
from digdag_tui.debugger.launch import Launch
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.params.secrets import LocalSecrets
from digdag_tui.tui.app import DebuggerApp

from ..support import debugged
from .support import Screen, opened

BACK, FORWARD, STOP_BACK, STOP_FORWARD = (
    "left_square_bracket",
    "right_square_bracket",
    "left_curly_bracket",
    "right_curly_bracket",
)
DIG = """
    _export: {n: 3}
    +a: {sh>: echo a, _export: {own: 1}}
    +each:
      for_each>: {i: [1, 2]}
      _do: {+one: {sh>: "echo round ${i}"}}
    +c: {sh>: "echo last; [ -e ok ]"}
    """


@asynccontextmanager
async def recorded(project: Path, wanted: str) -> AsyncIterator[Screen]:
    """The debugger opened on a past attempt, as `--attempt` does."""
    journal = find_attempt(project, wanted)

    def prepare() -> tuple[Launch, LocalEnvironment]:
        environment = LocalEnvironment(project, Evaluator(), LocalSecrets({}, project / "no-home"))
        return Launch(project, "main"), environment

    app = DebuggerApp(project, "main", prepare, opening=lambda: Opening(recorded=journal), watches=False)
    try:
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            screen = Screen(app, pilot)
            await screen.stops("recorded")
            yield screen
    finally:
        app.close()


def failed(project: Path) -> None:
    """Run the workflow to its failure at `+c`."""
    with debugged(project, DIG) as run:
        run.session.breaks.on_failure = False
        assert run.do("resume") == "ended"


async def test_the_whole_screen_shows_what_was(tmp_path: Path) -> None:
    async with opened(tmp_path, DIG) as screen:
        await screen.stops("before +main+a")
        await screen.press("c")
        await screen.stops("+main+c failed")
        assert "region" not in screen.text("tasks") and "i=2" in screen.text("tasks")
        await screen.press(STOP_BACK)
        await screen.stops("before +main+a · history, event ")
        assert screen.selected() == "+main+a"
        assert "i=2" not in screen.text("tasks") and "➤" in screen.line("tasks", "+a")
        assert "own" in screen.text("params")
        assert "✖" not in screen.text("tasks")
        assert "] forward" in screen.bar() and "Esc now" in screen.bar() and "continue" not in screen.bar()
        await screen.press(FORWARD, FORWARD)
        await screen.stops("+main+a succeeded · history, event ")
        assert "✔" in screen.line("tasks", "+a")
        await screen.press(BACK)
        await screen.stops("+main+a began · history, event ")
        assert "▶" in screen.line("tasks", "+a")
        await screen.press("escape")
        await screen.stops("✖ +main+c failed")
        assert screen.selected() == "+main+c" and "i=2" in screen.text("tasks")


async def test_what_changes_something_is_refused_in_the_past(tmp_path: Path) -> None:
    async with opened(tmp_path, DIG) as screen:
        await screen.stops("before +main+a")
        await screen.press("n")
        await screen.stops("before +main+each")
        await screen.press(BACK, "c")
        await screen.says("can't continue: this is the past, only looked at: Esc goes to the present, w begins again")
        await screen.press("e")
        await screen.says("can't edit: this is the past")
        assert screen.app.session and screen.app.session.state == "stopped"
        await screen.press(FORWARD)
        await screen.stops("❚❚ before +main+each")
        await screen.press(FORWARD)
        await screen.says("can't forward: this is the present")


async def test_what_happens_meanwhile_is_not_lost(tmp_path: Path) -> None:
    dig = "+a: {sh>: 'echo begun; while [ ! -e go ]; do sleep 0.02; done; echo done'}\n+b: {echo>: b}\n"
    async with opened(tmp_path, dig) as screen:
        await screen.stops("before +main+a")
        await screen.press("c")
        await screen.shows("log", "begun")
        await screen.press(BACK)
        await screen.stops("history, event ")
        (tmp_path / "go").touch()
        await screen.until(lambda: screen.app.session and screen.app.session.state == "ended", "the end")
        await screen.until(lambda: " new" in screen.header(), "what is new")
        assert "done" not in screen.text("log").replace("while [ ! -e go ]; do sleep 0.02; done; echo done", "")
        await screen.press("escape")
        await screen.stops("finished: success")
        assert screen.text("log").count("\n") >= 3 and "✔" in screen.line("tasks", "+b")


async def test_rewinding_from_the_past_keeps_what_had_ended(tmp_path: Path) -> None:
    async with opened(tmp_path, DIG.replace("echo a,", "echo a >> log,")) as screen:
        await screen.stops("before +main+a")
        await screen.press("n")
        await screen.stops("before +main+each")
        await screen.press("c")
        await screen.stops("+main+c failed")
        await screen.press(STOP_BACK)
        await screen.stops("before +main+each · history")
        await screen.press("w")
        await screen.until(lambda: screen.app.view.number == 2 and "❚❚ before +main+each" in screen.header())
        assert "✔" in screen.line("tasks", "+a")
        assert (tmp_path / "log").read_text() == "a\n"


async def test_a_past_attempt_shows_all_and_begins_again_by_rewinding(tmp_path: Path) -> None:
    failed(tmp_path)
    async with recorded(tmp_path, "last") as screen:
        assert "✖ attempt 1, recorded: +main+c failed" in screen.header()
        assert "session 2026-01-31 00:00 +00:00" in screen.header()
        await screen.shows("log", "round 2")
        assert "✖" in screen.line("tasks", "+c")
        await screen.press("exclamation_mark")
        await screen.shows("error", "Command failed with code 1")
        await screen.press("n")
        await screen.says("can't step: this attempt is over and only looked at: rewind (w) or restart (R) begins a new")
        await screen.press(BACK, BACK)
        await screen.stops("history, event ")
        await screen.press("escape")
        await screen.stops("attempt 1, recorded")
        (tmp_path / "ok").touch()
        await screen.press("exclamation_mark", "w")
        await screen.stops("❚❚ before +main+c")
        await screen.press("c")
        await screen.stops("finished: success")
        assert screen.app.view.number == 2


async def test_the_list_of_attempts_opens_one(tmp_path: Path) -> None:
    failed(tmp_path)
    async with opened(tmp_path, DIG) as screen:
        await screen.stops("before +main+a")
        await screen.dialog("A")
        await screen.sees("✖ failed")
        picture = screen.picture()
        assert "Attempts of main" in picture and "the present one" in picture and "+main+c" in picture
        await screen.press("down", "enter")
        await screen.stops("attempt 1, recorded: +main+c failed")
        await screen.dialog("A")
        await screen.sees("not finished")
        await screen.press("home", "enter")
        await screen.stops("attempt 2, recorded: left before +main+a")
        await screen.press("c")
        await screen.stops("❚❚ before +main+a")


async def test_two_runs_of_a_task_side_by_side(tmp_path: Path) -> None:
    failed(tmp_path)
    (tmp_path / "ok").touch()
    async with opened(tmp_path, DIG) as screen:
        await screen.press("c")
        await screen.stops("finished: success")
        await screen.press("1", "end")
        assert screen.selected() == "+main+c"
        await screen.dialog("equals_sign")
        await screen.sees("The same in both")
        rows = screen.picture().split("\n")
        assert any("attempt 1 (01-31 00:00)" in row and "attempt 2, as shown" in row for row in rows)
        rows = rows[next(i for i, row in enumerate(rows) if "Differences" in row) :]
        state = next(row for row in rows if "≠ state" in row)
        assert state.index("✖ failed") < state.index("✔ success")
        assert any("≠ error" in row and "Command failed with code 1" in row for row in rows)
        assert next(i for i, row in enumerate(rows) if "≠ state" in row) < next(
            i for i, row in enumerate(rows) if "  n  " in row and row.count("3") >= 2
        )


async def test_without_another_attempt_there_is_nothing_to_compare(tmp_path: Path) -> None:
    async with opened(tmp_path, DIG) as screen:
        await screen.stops("before +main+a")
        await screen.press("equals_sign")
        await screen.says("can't compare: there is no other attempt or stop yet: step (n), or rewind (w) later")


async def test_a_stop_beside_any_other(tmp_path: Path) -> None:
    async with opened(tmp_path, "+a: {echo>: a}\n+b: {_export: {n: 3}, echo>: b}\n+c: {echo>: c}\n") as screen:
        await screen.stops("before +main+a")
        for stop in ("before +main+b", "before +main+c"):
            await screen.press("n")
            await screen.stops(stop)
        await screen.press(STOP_BACK)
        await screen.stops("before +main+b")
        await screen.dialog("equals_sign")
        await screen.sees("stop before +main+c")
        assert any("≠ n " in row and row.index("—") < row.index("3") for row in screen.picture().split("\n"))
        await screen.press(STOP_BACK)
        await screen.sees("stop before +main+a")
        await screen.press(STOP_FORWARD)
        await screen.sees("stop before +main+c")
