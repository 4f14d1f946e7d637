"""A program in a terminal of its own, for timing what it paints."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from pathlib import Path
from types import TracebackType
from typing import Self


class Terminal:
    """Runs a command in a pseudo terminal of 120x40."""

    def __init__(self, command: list[str], directory: Path) -> None:
        self.started = time.perf_counter()
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execvpe(command[0], command, {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.close(self._file)
        os.waitpid(self.pid, 0)

    def press(self, keys: str) -> float:
        """Send keys; the seconds until something is painted."""
        begin = time.perf_counter()
        os.write(self._file, keys.encode())
        self._read(timeout=10)
        return time.perf_counter() - begin

    def wait_for(self, text: str, timeout: float = 30) -> float:
        """The seconds from the program's start until it painted `text`.

        Raises:
            TimeoutError: it has not in `timeout` seconds; the message shows what it painted last.
        """
        painted = b""
        while text.encode() not in painted:
            left = self.started + timeout - time.perf_counter()
            try:
                painted += self._read(left)
            except (TimeoutError, OSError):
                raise TimeoutError(f"{text!r} was not painted; the last was {painted[-500:]!r}") from None
        return time.perf_counter() - self.started

    def wait_for_quiet(self, quiet: float = 0.3) -> None:
        """Return when nothing was painted for `quiet` seconds."""
        while select.select([self._file], [], [], quiet)[0]:
            os.read(self._file, 1 << 16)

    def memory(self) -> float:
        """Resident MiB, as the system tells them; 0 where it does not."""
        status = Path(f"/proc/{self.pid}/statm")
        if not status.exists():
            return 0
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def _read(self, timeout: float) -> bytes:
        if timeout <= 0 or not select.select([self._file], [], [], timeout)[0]:
            raise TimeoutError(f"nothing was painted in {timeout:.1f} seconds")
        return os.read(self._file, 1 << 16)
