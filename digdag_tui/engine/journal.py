"""The events of an attempt on disk: one JSON text a line, appended as they happen.

A process that is killed leaves whole lines and at most one torn last line, which reading drops. Each line goes to the
operating system at once, so that nothing that had ended is lost with the process.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

import msgspec

from .events import AnyEvent, AttemptStarted, TaskLogged, TaskOutput

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
        for number, (line, event) in enumerate(_whole_events(file, output), 1):
            if line is None:
                on_damage(number)
            elif event is not None:
                yield event


def truncate_torn(path: Path) -> None:
    """Cut a torn or damaged end off, so that appending goes on behind the last whole event.

    Whole lines behind a damaged one may be of use to somebody: then all that there was is kept as `*.damaged`.
    """
    kept = 0
    with path.open("rb") as file:
        for line, _ in _whole_events(file, output=True):
            kept += len(line or b"")
        file.seek(kept)
        lost = file.read()
    if b"\n" in lost:
        shutil.copyfile(path, path.with_suffix(".damaged"))
    os.truncate(path, kept)


def _whole_events(file: IO[bytes], output: bool) -> Iterator[tuple[bytes | None, AnyEvent | None]]:
    """Each line with its event, None for output that is not wanted; None instead of a line that is damaged ends it."""
    rows = 0
    for line in file:
        if not output and line.startswith(_OUTPUT):
            yield line, None
            continue
        event = _decoded(line)
        if event is None or not _follows(event, rows):
            yield None, None
            return
        rows += len(getattr(event, "added", ()))
        yield line, event


def _decoded(line: bytes) -> AnyEvent | None:
    try:
        return _decoder.decode(line) if line.endswith(b"\n") else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _follows(event: AnyEvent, rows: int) -> bool:
    """Whether an event can come when there are so many task rows: a line that was lost leaves a gap."""
    if isinstance(event, TaskOutput | TaskLogged):
        return True
    if isinstance(event, AttemptStarted) is not (rows == 0):
        return False
    added = getattr(event, "added", ())
    return getattr(event, "task", 0) <= rows and all(new.id == rows + place for place, new in enumerate(added, 1))
