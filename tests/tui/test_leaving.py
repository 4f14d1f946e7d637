"""Leaving from outside: a signal, or a terminal that is closed, ends what tasks run."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from ..support import write

OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes the terminal that it is given that of its session, so that closing it is noticed."""
HANGING = {
    "main.dig": "+a: {py>: tasks.hang}\n",
    "tasks.py": """\
        import os, subprocess, time

        def hang():
            child = subprocess.Popen(["sleep", "600"])
            with open("pids.tmp", "w") as file:
                file.write(f"{os.getpid()} {child.pid}")
            os.rename("pids.tmp", "pids")
            time.sleep(600)
        """,
}


def runs(pid: int) -> bool:
    """Whether a process runs: nobody may have asked yet about one that has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def read(terminal: int) -> None:
    """Take what is written until nothing is any more."""
    with suppress(OSError):
        while os.read(terminal, 65536):
            pass


@pytest.mark.parametrize("end", ["SIGTERM", "SIGHUP", "closed"])
def test_what_runs_is_ended(tmp_path: Path, end: str) -> None:
    write(tmp_path, HANGING)
    terminal, inside = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", OWN_TERMINAL, sys.executable, "-m", "digdag_tui", "main.dig"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=inside, stdout=inside, stderr=inside, start_new_session=True
    )
    os.close(inside)
    reader = threading.Thread(target=read, args=[terminal], daemon=True)
    reader.start()
    while not (tmp_path / "pids").exists():
        os.write(terminal, b"c")
        time.sleep(0.1)
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    if end == "closed":
        os.close(terminal)
    else:
        process.send_signal(signal.Signals[end])
    assert process.wait(60) == 128 + (signal.SIGTERM if end == "SIGTERM" else signal.SIGHUP)
    assert not any(map(runs, pids))
    if end != "closed":
        os.close(terminal)
