"""The Problems pane: what is wrong with the project, whether it loads or not."""

from __future__ import annotations

from pathlib import Path

from .support import opened

FLOW = "_export:\n  region: west\n+a:\n  echo>: ${region}\n+b:\n  echo>: ${regoin}\n"


async def test_warnings_are_found_after_the_start_and_marked_in_the_tab(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.press("0")
        await screen.shows("problems", "⚠ warning  main.dig:6:3  Nothing sets regoin, which +main+b needs")
        assert "did you mean region?" in screen.text("problems")
        assert "[undefined-name]" in screen.text("problems")
        await screen.sees("Problems 1")
        await screen.stops("before +main+a")


async def test_enter_leads_to_the_line_and_its_task(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW) as screen:
        await screen.press("0")
        await screen.shows("problems", "Nothing sets regoin")
        assert screen.selected() == "+main+a"
        await screen.press("enter")
        await screen.until(lambda: screen.app.main.shows("source"), "the source")
        position = screen.app.main.source.position
        assert position and (position.file, position.line) == ("main.dig", 6)
        await screen.until(lambda: screen.selected() == "+main+b", "the task of the line")
        await screen.sees("⚠ Nothing sets regoin")


async def test_saving_looks_again(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, watches=True) as screen:
        await screen.shows("problems", "Nothing sets regoin")
        await screen.press("0")
        (tmp_path / "main.dig").write_text(FLOW.replace("${regoin}", "[1"))
        await screen.shows("problems", "✖ error")
        assert "Correct the file and save it" in screen.text("problems")
        (tmp_path / "main.dig").write_text(FLOW.replace("regoin", "region"))
        await screen.shows("problems", "the files load, and no problems are found in them")


async def test_what_bites_is_said_beside_the_param(tmp_path: Path) -> None:
    flow = "_export:\n  flag: ${1 > 2}\n+a:\n  echo>: ${flag && 'on'}\n"
    async with opened(tmp_path, flow) as screen:
        await screen.press("2")
        await screen.shows("params", 'flag is the text "false"')
        await screen.shows("params", "write flag == 'true'")


async def test_a_secret_in_a_problem_is_masked(tmp_path: Path) -> None:
    async with opened(tmp_path, "+a: {echo>: '${hunter22}'}", secrets={"k": "hunter22"}) as screen:
        await screen.shows("problems", "Nothing sets")
        assert "hunter22" not in screen.text("problems")
