"""Jump keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from digdag_tui.tui.jump import LETTERS, Jump, labels

from .support import Screen, opened

FLOW = "+a: {echo>: one}\n+b: {echo>: two}\n+c: {echo>: three}\n"


@pytest.mark.parametrize("count", [0, 1, len(LETTERS), len(LETTERS) + 1, 300])
def test_no_label_begins_another(count: int) -> None:
    found = list(labels(count))
    assert len(found) == len(set(found)) == count
    assert len({len(label) for label in found}) <= 1


async def jump(screen: Screen) -> Jump:
    await screen.press("apostrophe")
    await screen.until(lambda: isinstance(screen.app.screen, Jump) and screen.app.screen.query(".jump"), "labels")
    assert isinstance(screen.app.screen, Jump)
    return screen.app.screen


async def test_a_label_goes_to_its_row(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        labelled = await jump(screen)
        label = next(
            label for label, target in labelled._targets.items() if target.pane.id == "tasks" and target.row == 3
        )
        await screen.sees(label)
        await screen.type(label)
        await screen.until(lambda: screen.selected() == "+main+c", "the task")
        assert screen.app.main.active == "tasks" and screen.app.screen is screen.app.main


async def test_rows_of_other_panes_and_panes_themselves_are_reached(tmp_path: Path) -> None:
    async with opened(tmp_path, "_export: {x: 1, y: 2}\n" + FLOW) as screen:
        await screen.stops("before +main+a")
        labelled = await jump(screen)
        row = screen.app.main.params.count() - 1
        label = next(
            label for label, target in labelled._targets.items() if target.pane.id == "params" and target.row == row
        )
        await screen.type(label)
        await screen.until(
            lambda: screen.app.main.active == "params" and screen.pane("params").cursor == row, "the row"
        )
        await jump(screen)
        await screen.type("6")
        await screen.until(lambda: screen.app.main.active == "log", "the pane")


async def test_any_other_key_goes_nowhere(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.stops("before +main+a")
        for key in ("escape", "ctrl+x", "exclamation_mark"):
            await jump(screen)
            await screen.press(key)
            await screen.until(lambda: screen.app.screen is screen.app.main, "the screen")
        assert screen.selected() == "+main+a" and "before +main+a" in screen.header()


async def test_many_rows_have_labels_of_two_letters(tmp_path: Path) -> None:
    dig = "\n".join(f"+t{number}: {{echo>: x}}" for number in range(60))
    async with opened(tmp_path, dig) as screen:
        await screen.stops("before +main+t0")
        labelled = await jump(screen)
        assert len(labelled._targets) > len(LETTERS)
        await screen.type("a")
        await screen.until(
            lambda: (
                not any(
                    labelled.query_one(f"#jump-{label}").display
                    for label in labelled._targets
                    if not label.startswith("a")
                )
            ),
            "only labels that go on with it",
        )
        await screen.type("d")
        await screen.until(lambda: screen.selected() == "+main+t1", "the task")
