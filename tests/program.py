"""The command line as a person calls it, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = [sys.executable, "-m", "digdag_tui"]


def digdag_tui(*words: str, cwd: Path, python: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run `digdag-tui WORDS` to its end; `python` are options of the interpreter."""
    command = [sys.executable, *python, "-m", "digdag_tui", *words]
    return subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
