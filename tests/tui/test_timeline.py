"""The timeline: a row per task that ran, each call a bar of its own, and time travel along it."""

from __future__ import annotations

from pathlib import Path

from digdag_tui.debugger.calls import Axis, Calls
from digdag_tui.debugger.events import Stopped
from digdag_tui.debugger.replay import Replay
from digdag_tui.engine.events import (
    AttemptStarted,
    GroupPlanned,
    NewTask,
    RetryScheduled,
    TaskEnded,
    TaskFailed,
    TaskReady,
    TaskStarted,
    TaskSucceeded,
)
from digdag_tui.tui.timeline import Timeline

from .support import Screen, opened

DIG = """
    +a: {sh>: sleep 0.1}
    +g:
      _parallel: true
      +x: {sh>: "true"}
      +y: {sh>: "true"}
    +flaky:
      sh>: "[ -e ok ] || { touch ok; exit 1; }"
      _retry: 1
    +never: {sh>: "true"}
    """


def started(at: float, *names: str) -> AttemptStarted:
    added = [NewTask(1, "+main", None, (), True, {})]
    added += [NewTask(number, f"+main+{name}", 1, (), False, {}) for number, name in enumerate(names, 2)]
    return AttemptStarted(at, "main", "uuid", "2026-01-31T00:00:00+00:00", "UTC", 1000, added=tuple(added))


def spans(calls: Calls, task: int) -> list[tuple[object, ...]]:
    return [(span.kind, span.start, span.stop, span.end) for span in calls.spans.get(task, [])]


def test_each_call_and_each_wait_is_a_span_of_its_own() -> None:
    replay = Replay([started(0, "a", "b"), GroupPlanned(0, 1), TaskReady(1, 2), TaskStarted(1, 2)])
    calls = Calls(replay)
    assert calls.take_in() and spans(calls, 2) == [("call", 1, None, "")]
    for event in (
        RetryScheduled(3, 2, 8, {}),
        TaskReady(8, 2),
        TaskStarted(9, 2),
        TaskFailed(10, 2, {"message": "no"}),
        TaskEnded(10, 3, "canceled"),
        TaskEnded(11, 1, "group_error"),
    ):
        replay.add(event)
    assert not calls.take_in(), "no other task has begun"
    assert spans(calls, 2) == [("call", 1, 3, "again"), ("wait", 3, 8, ""), ("call", 9, 10, "failed")]
    assert spans(calls, 1) == [("group", 0, 11, "failed")] and spans(calls, 3) == []


def test_a_failure_that_is_stopped_at_ends_the_call_and_a_retry_is_the_next() -> None:
    replay = Replay([started(0, "a"), TaskStarted(1, 2)])
    replay.stop(Stopped("exception", 2), 2)
    replay.go_on(60)
    for event in (TaskStarted(60, 2), TaskSucceeded(61, 2)):
        replay.add(event)
    calls = Calls(replay)
    calls.take_in()
    assert spans(calls, 2) == [("call", 1, 2, "failed"), ("call", 60, 61, "success")]
    assert calls.busy(100) == [(1, 2), (60, 61)]


def test_times_in_which_nothing_ran_are_left_out_of_the_axis() -> None:
    axis = Axis([(100, 110), (110.5, 120), (4000, 4020)], 42)
    assert len(axis.pieces) == 2 and list(axis.cuts()) == [20]
    assert [axis.cell(at) for at in (100, 120, 2000, 4000, 4020)] == [0, 20, 20, 22, 42]
    assert axis.time(10) == 110 and axis.time(32) == 4010 and axis.time(21) == 120
    assert Axis([], 10).cell(5) == 0
    assert Axis([(5, 5)], 10).time(3) == 5


def test_many_calls_in_any_order_are_one_time() -> None:
    replay = Replay([started(0, *map(str, range(500)))])
    for task in range(501, 1, -1):
        for event in (TaskStarted(task, task), TaskSucceeded(task + 1.05, task)):
            replay.add(event)
    calls = Calls(replay)
    calls.take_in()
    assert calls.busy(1000) == [(2, 502.05)]


async def finished(screen: Screen) -> Timeline:
    """Run to the end, and show the timeline."""
    await screen.press("x", "c")
    await screen.stops("finished: success")
    await screen.press("7")
    pane = screen.pane("timeline")
    assert isinstance(pane, Timeline)
    await screen.until(lambda: pane.count() > 1, "rows")
    return pane


async def test_a_row_per_task_that_ran_with_its_calls(tmp_path: Path) -> None:
    async with opened(tmp_path, DIG, size=(100, 30)) as screen:
        await screen.stops("before +main+a")
        await finished(screen)
        text = screen.text("timeline")
        assert [line.split()[1] for line in text.split("\n")[1:]] == [
            "+main", "+a", "+g", "+x", "+y", "+flaky", "+never",
        ]  # fmt: skip
        assert "0s" in text.split("\n")[0] and "─" in screen.line("timeline", "+g")
        assert "✖" in screen.line("timeline", "+flaky") and "2x" in screen.line("timeline", "+flaky")
        assert "█" in screen.line("timeline", "+a") and "✖" not in screen.line("timeline", "+a")


async def test_the_cursor_selects_and_the_arrows_travel_in_time(tmp_path: Path) -> None:
    async with opened(tmp_path, DIG, size=(100, 30)) as screen:
        await screen.stops("before +main+a")
        pane = await finished(screen)
        await screen.press("home", "down")
        assert screen.selected() == "+main+a"
        await screen.press("left")
        await screen.stops("history, event ")
        assert "▼" in screen.text("timeline").split("\n")[0]
        last = len(screen.app.view.replay.events)
        await screen.until(lambda: screen.app.view.replay.position == last - 1)
        await screen.press("shift+left")
        await screen.until(lambda: screen.app.view.replay.position < last - 1, "another cell")
        await pilot_click(screen, pane, pane._names() + 1)
        await screen.until(lambda: screen.app.view.now() <= pane._calls.spans[2][0].start, "the beginning")
        assert "○" in screen.line("timeline", "+never"), "it has not run yet"
        await screen.press("escape")
        await screen.stops("finished: success")
        assert "▼" not in screen.text("timeline")


async def pilot_click(screen: Screen, pane: Timeline, x: int) -> None:
    """Click on the axis."""
    await screen.pilot.click(pane, offset=(x, 0))


async def test_zooming_in_and_out(tmp_path: Path) -> None:
    async with opened(tmp_path, DIG, size=(100, 30)) as screen:
        await screen.stops("before +main+a")
        await finished(screen)
        await screen.press("home", "down")

        def length() -> int:
            return screen.line("timeline", "+a").count("█")

        before = length()
        await screen.press("plus")
        assert length() > before and "2x" in screen.text("timeline").split("\n")[0]
        await screen.press("minus", "minus")
        assert length() == before and "2x" not in screen.text("timeline").split("\n")[0]


async def test_before_anything_ran_it_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path, DIG, size=(60, 15)) as screen:
        await screen.stops("before +main+a")
        await screen.press("7")
        await screen.sees("+main")
        for size in ((60, 15), (200, 50)):
            await screen.pilot.resize_terminal(*size)
            await screen.sees("+main")
