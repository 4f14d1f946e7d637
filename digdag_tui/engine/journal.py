"""The events of an attempt on disk: one JSON text a line, appended as they happen.

A process that is killed leaves whole lines and at most one torn last line, which reading drops. Each line goes to the
operating system at once, so that nothing that had ended is lost with the process.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from .events import AnyEvent, TaskLogged, TaskOutput

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_OUTPUT = (b'{"event":"task_output"', b'{"event":"task_logged"')


def encode(value: object) -> bytes:
    """An event, or anything made of JSON values, as one JSON text."""
    return _encoder.encode(value)


OUTPUT_LIMIT: Final = 128 * 2**20
"""Characters of output that a journal keeps: a task that prints without end must not fill the disk."""


class Journal:
    """A journal open for appending. Output and log lines wait for the next event that changes a task's state.

    `mask` takes secrets out of each line. Output beyond `OUTPUT_LIMIT` is left out, and that is said once.
    """

    def __init__(self, path: Path, mask: Callable[[str], str] | None = None) -> None:
        self._mask = mask
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._waiting = bytearray()
        self._room = OUTPUT_LIMIT - os.fstat(self._file).st_size

    def write(self, event: AnyEvent) -> None:
        """Append one event.

        Raises:
            OSError: the disk is full or the file cannot be written.
        """
        if isinstance(event, TaskOutput):
            if self._room < 0:
                return
            self._room -= len(event.text)
            if self._room < 0:
                event = TaskLogged(event.at, event.task, "WARN", __name__, "The journal keeps no more output")
        line = _encoder.encode(event)
        self._waiting += self._mask(line.decode()).encode() if self._mask else line
        self._waiting += b"\n"
        if len(self._waiting) > 65536 or not isinstance(event, TaskOutput | TaskLogged):
            self.flush()

    def lock(self) -> None:
        """Mark the journal as in use for as long as this process lives."""
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def flush(self) -> None:
        """Hand over what waits to the operating system."""
        while self._waiting:
            written = os.write(self._file, self._waiting)
            del self._waiting[:written]

    def close(self) -> None:
        self.flush()
        os.close(self._file)


def read_journal(
    path: Path, *, output: bool = True, on_damage: Callable[[int], None] = lambda line: None
) -> Iterator[AnyEvent]:
    """The events of a journal; a torn or damaged line ends them, and its number is given to `on_damage`.

    Args:
        path: the journal.
        output: whether output and log lines are wanted too, which are most of a journal.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not output and line.startswith(_OUTPUT):
                continue
            try:
                if not line.endswith(b"\n"):
                    raise msgspec.DecodeError("torn")
                event = _decoder.decode(line)
            except msgspec.DecodeError:
                on_damage(number)
                return
            yield event


def truncate_torn(path: Path) -> None:
    """Cut a torn or damaged end off, so that appending goes on behind the last whole event."""
    kept = 0
    with path.open("rb") as file:
        for line in file:
            try:
                _decoder.decode(line)
            except msgspec.DecodeError:
                break
            if not line.endswith(b"\n"):
                break
            kept += len(line)
    os.truncate(path, kept)
