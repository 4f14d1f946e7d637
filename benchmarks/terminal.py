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
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

TYPE = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


class Terminal:
    """Runs a command in a pseudo terminal of 120x40."""

    def __init__(self, command: list[str], directory: Path, variables: Mapping[str, str] | None = None) -> None:
        self.started = time.perf_counter()
        self.tail = b""
        """The end of what was painted."""
        self._code: int | None = None
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execvpe(command[0], command, {**os.environ, **TYPE, **(variables or {})})
        self.resize(120, 40)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._code is None:
            os.kill(self.pid, signal.SIGKILL)
            self.ended(10)
        os.close(self._file)

    def ended(self, timeout: float) -> int | None:
        """The exit code of a program that ends by itself, negative after a signal; None if it does not."""
        end = time.perf_counter() + timeout
        while self._code is None and time.perf_counter() < end:
            with suppress(OSError):
                self.look(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def send(self, keys: str) -> None:
        """Send keys, without waiting for anything."""
        os.write(self._file, keys.encode())

    def wait_for_paint(self, timeout: float) -> None:
        """Wait until something is painted.

        Raises:
            TimeoutError: nothing is in `timeout` seconds.
        """
        self._read(timeout)

    def press(self, keys: str) -> float:
        """Send keys; the seconds until something is painted."""
        begin = time.perf_counter()
        os.write(self._file, keys.encode())
        self._read(timeout=10)
        return time.perf_counter() - begin

    def press_for(self, keys: str, text: str, timeout: float = 10) -> float:
        """Send keys while other things are painted too; the seconds until `text` is.

        Raises:
            TimeoutError: it is not in `timeout` seconds.
        """
        begin = time.perf_counter()
        os.write(self._file, keys.encode())
        self._read_until(text, begin + timeout)
        return time.perf_counter() - begin

    def look(self, seconds: float) -> None:
        """Let the program paint for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self._file], [], [], left)[0]:
                self._take()

    def wait_for(self, text: str, timeout: float = 30) -> float:
        """The seconds from the program's start until it painted `text`.

        Raises:
            TimeoutError: it has not in `timeout` seconds; the message shows what it painted last.
        """
        self._read_until(text, self.started + timeout)
        return time.perf_counter() - self.started

    def wait_for_quiet(self, quiet: float = 0.3) -> None:
        """Return when nothing was painted for `quiet` seconds."""
        while select.select([self._file], [], [], quiet)[0]:
            self._take()

    def memory(self) -> float:
        """Resident MiB, as the system tells them; 0 where it does not."""
        status = Path(f"/proc/{self.pid}/statm")
        if not status.exists():
            return 0
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def _read_until(self, text: str, end: float) -> None:
        painted, wanted = b"", text.encode()
        while wanted not in painted:
            try:
                painted = painted[-10_000:] + self._read(end - time.perf_counter())
            except (TimeoutError, OSError):
                raise TimeoutError(f"{text!r} was not painted; the last was {painted[-500:]!r}") from None

    def _read(self, timeout: float) -> bytes:
        if timeout <= 0 or not select.select([self._file], [], [], timeout)[0]:
            raise TimeoutError(f"nothing was painted in {timeout:.1f} seconds")
        return self._take()

    def _take(self) -> bytes:
        painted = os.read(self._file, 1 << 16)
        self.tail = (self.tail + painted)[-20_000:]
        return painted
