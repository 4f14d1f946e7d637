"""The signature of a `py>` task on the screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from .support import Screen, opened

FLOW = """
_export:
  td: {database: my_db}
  region: east
+load:
  py>: report.load
  msg: Hello
  token: "${secret:key}"
+job:
  py>: report.Job
  source: warehouse
+echo:
  echo>: x
+gone:
  py>: report.lod
+needs:
  py>: report.needs
"""
REPORT = """
def load(msg: str, token, td=None, **others):
    print(msg)


class Job:
    def __init__(self, source, limit=5):
        pass

    def run(self, region: str = "west"):
        pass


def needs(wanted):
    print(wanted)
"""


def row(screen: Screen, name: str) -> str:
    return next((line for line in screen.text("python").split("\n") if f" {name}" in line[:12]), "")


async def at_load(screen: Screen) -> None:
    await screen.stops("before +main+load")
    await screen.press("i")
    await screen.shows("python", "report.py:1")


def put_on(screen: Screen, text: str) -> None:
    pane = screen.pane("python")
    pane.move_by_person(next(number for number in range(pane.count()) if text in pane.text_of(number)))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_each_parameter_is_shown_with_its_value_and_who_set_it(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(tmp_path, FLOW, {"report.py": REPORT}, size=size) as screen:
        await at_load(screen)
        assert "✔ msg: str" in row(screen, "msg") and '"Hello"' in row(screen, "msg")
        assert "str" in row(screen, "msg") and "main.dig:6" in row(screen, "msg")
        assert "⚠ td=None" in row(screen, "td") and "_export +main  main.dig:2" in row(screen, "td")
        assert "not its default None" in " ".join(screen.text("python").split())
        assert "${secret:key} stays this text" in " ".join(screen.text("python").split())
        assert "params, every one" in row(screen, "**others")
        assert "py> report.load" in screen.picture()


async def test_keywords_open_and_close(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"report.py": REPORT}) as screen:
        await at_load(screen)
        assert "session_uuid" not in screen.text("python")
        put_on(screen, "**others")
        await screen.press("enter")
        assert "session_uuid" in screen.text("python") and "region" in screen.text("python")
        await screen.press("left")
        assert "session_uuid" not in screen.text("python")


async def test_enter_goes_to_who_set_a_value_and_to_the_function(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"report.py": REPORT}) as screen:
        await at_load(screen)
        put_on(screen, "td=None")
        await screen.press("enter")
        position = screen.app.main.source.position
        assert position and (position.file, position.line) == ("main.dig", 2)
        await screen.press("backspace")
        assert screen.app.main.active == "python"
        put_on(screen, "report.py:1")
        await screen.press("enter")
        position = screen.app.main.source.position
        assert position and (position.file, position.line) == ("report.py", 1)


async def test_a_param_is_edited_copied_and_its_readers_are_shown(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"report.py": REPORT}) as screen:
        await at_load(screen)
        put_on(screen, "msg: str")
        await screen.press("y")
        await screen.says('copied: "Hello"')
        await screen.dialog("e")
        await screen.type("Changed")
        await screen.press("enter")
        await screen.until(lambda: '"Changed"' in row(screen, "msg"), "the edited value")
        assert "edited by you" in row(screen, "msg") and screen.app.main.active == "python"
        put_on(screen, "td=None")
        await screen.dialog("v")
        assert "Who reads td" in screen.picture()


async def test_a_missing_parameter_is_given_by_e(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"report.py": REPORT}) as screen:
        await at_load(screen)
        task = screen.app.view.attempt.named("+main+needs")
        assert task
        screen.app.main.select(task)
        await screen.shows("python", "✖ wanted")
        assert "Method 'needs' requires parameter 'wanted' but not set" in screen.text("python")
        put_on(screen, "✖ wanted")
        await screen.dialog("e")
        await screen.type("7")
        await screen.press("enter")
        await screen.until(lambda: "✔ wanted" in screen.text("python"), "the given value")


async def test_other_tasks_say_why_there_is_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"report.py": REPORT}) as screen:
        await at_load(screen)
        for name, words in (
            ("+main+echo", "echo> runs no Python function"), ("+main+gone", "report.py has no lod"),
            ("+main", "is a group"), ("+main+job", "Job.__init__"),
        ):  # fmt: skip
            task = screen.app.view.attempt.named(name)
            assert task
            screen.app.main.select(task)
            await screen.shows("python", words)
        assert "did you mean load?" not in screen.text("python")


async def test_a_saved_file_shows_its_new_signature(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, {"report.py": REPORT}, watches=True) as screen:
        await at_load(screen)
        (tmp_path / "report.py").write_text(REPORT.replace("td=None", "quite_new=1"))
        await screen.shows("python", "quite_new=1")
