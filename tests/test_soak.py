"""A short soak: random keys and edits against the real program in a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .program import ROOT


@pytest.mark.skipif(not Path("/proc").exists(), reason="what a program holds is read in /proc")
def test_nothing_goes_wrong_in_a_short_soak() -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "--minutes", "0.35", "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing went wrong" in done.stdout
