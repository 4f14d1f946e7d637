"""A program in a real terminal: tmux types keys and reads the screen."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
import uuid
from pathlib import Path


class Terminal:
    """A program in a tmux window of its own."""

    def __init__(self, folder: Path, *words: str, size: str = "120x40") -> None:
        self._socket = f"digdag-tui-{uuid.uuid4().hex[:8]}"
        columns, rows = size.split("x")
        command = [sys.executable, "-m", "digdag_tui", *words]
        settings = folder.parent / f"{folder.name}-tmux.conf"
        settings.write_text("set -g remain-on-exit on\n")
        self._status = folder.parent / f"{folder.name}-status"
        self._status.unlink(missing_ok=True)
        # tmux gives a new window its size a little late, and sometimes does not tell a program's exit code.
        script = f'sleep 0.3; "$0" "$@"; echo $? > {shlex.quote(str(self._status))}'
        later = ["sh", "-c", script, *command]
        self._tmux("-f", str(settings), "new-session", "-d", "-x", columns, "-y", rows, "-c", str(folder), *later)

    def _tmux(self, *words: str) -> str:
        command = ["tmux", "-L", self._socket, *words]
        # os.environ, since the C library's environment has the size of the terminal that pytest's readline saw.
        return subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        """Press keys by their tmux names, one after another."""
        for key in keys:
            self._tmux("send-keys", key)
            time.sleep(0.05)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def see(self, *texts: str) -> str:
        """Wait until all of `texts` are on the screen."""
        end = time.monotonic() + 30
        while not all(text in (screen := self.screen()) for text in texts):
            assert time.monotonic() < end, f"never saw {texts}:\n{screen}"
            time.sleep(0.05)
        return screen

    def lose(self, text: str) -> None:
        """Wait until `text` is gone from the screen."""
        end = time.monotonic() + 30
        while text in (screen := self.screen()):
            assert time.monotonic() < end, f"still there: {text}\n{screen}"
            time.sleep(0.05)

    def ended(self) -> int:
        """Wait for the program's end; its exit code."""
        end = time.monotonic() + 30
        while not self._status.exists() or not self._status.read_text():
            assert time.monotonic() < end, f"still running:\n{self.screen()}"
            time.sleep(0.05)
        return int(self._status.read_text())

    def kill(self) -> None:
        """End the program as the system does when it has no memory left."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        subprocess.run(["pkill", "-KILL", "-P", shell], check=True)

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], check=False, capture_output=True)
