"""Which Python runs `py>` tasks: seen, chosen, and taken back."""

from __future__ import annotations

import sys
from pathlib import Path

from digdag_tui.operators import interpreters
from tests.operators.test_py_failure import environment

from .support import opened

DIG = "+work:\n  py>: work.run\n"
WORK = "import sys\ndef run(): print('runs in', sys.prefix)\n"


async def test_a_virtual_environment_is_used_only_when_the_person_agreed(tmp_path: Path) -> None:
    folder = environment(tmp_path)
    async with opened(tmp_path, DIG, {"work.py": WORK}) as screen:
        await screen.says("py> tasks do not use .venv")
        await screen.press("end", "4")
        await screen.shows("task", "Python " + ".".join(map(str, sys.version_info[:3])))
        assert "virtual environment .venv" not in screen.line("task", "python ")
        await screen.app.run_action("interpreter")
        await screen.until(lambda: screen.app.screen.query(".dialog"), "the choice")
        await screen.press("1")
        await screen.says("py> tasks run in .venv/bin/python from now on")
        await screen.shows("task", "virtual environment .venv")
        assert interpreters.chosen(tmp_path) == interpreters.program_of(folder)
        await screen.press("c")
        await screen.shows("log", f"runs in {folder}")


async def test_the_choice_is_told_at_the_next_start_and_can_be_withdrawn(tmp_path: Path) -> None:
    folder = environment(tmp_path)
    interpreters.choose(tmp_path, interpreters.program_of(folder))
    async with opened(tmp_path, DIG, {"work.py": WORK}) as screen:
        await screen.app.run_action("interpreter")
        await screen.until(lambda: screen.app.screen.query(".dialog"), "the choice")
        await screen.press("p")
        await screen.says("py> tasks run in python of PATH from now on")
        assert interpreters.chosen(tmp_path) == ""
        await screen.press("c")
        await screen.shows("log", "runs in ")
        assert str(folder) not in screen.line("log", "runs in ")
