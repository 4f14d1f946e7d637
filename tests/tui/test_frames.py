"""How soon a key's effect is painted: Textual's own setting, which tasks do not inherit."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SHOWN = "import digdag_tui.tui, os; from textual.screen import UPDATE_PERIOD; print(round(1 / UPDATE_PERIOD))"


@pytest.mark.parametrize(("given", "painted"), [({}, "240"), ({"TEXTUAL_FPS": "30"}, "30")])
def test_the_screen_waits_little_and_the_environment_stays(given: dict[str, str], painted: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TEXTUAL_FPS"} | given
    program = f"{SHOWN}; print(os.environ.get('TEXTUAL_FPS', 'not set'))"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[:2] == [painted, given.get("TEXTUAL_FPS", "not set")], done.stderr
