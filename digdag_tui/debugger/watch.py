"""Watches a project's files, and tells once about each burst of changes."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from .reload import SUFFIXES

QUIET = 0.2
"""Seconds without a change that end a burst."""
GONE = 1.0
"""Seconds that a file may be gone while it is saved: some editors delete or rename it, then write it again."""
LARGE = 16 * 1024 * 1024
"""Bytes from which a file's size and time stand for its content."""


class Watcher(FileSystemEventHandler):
    """Calls `changed` in a thread of its own with the files of each burst. Files that only were read do not count.

    Editors that save by renaming are seen too: what counts is that the content differs from before.

    Args:
        uses: the files, resolved, that count whatever their suffix is; asked in a thread of the watcher's.
    """

    def __init__(
        self,
        project: Path,
        changed: Callable[[frozenset[Path]], None],
        uses: Callable[[], frozenset[Path]] = frozenset,
    ) -> None:
        self._project = project
        self._changed = changed
        self._uses = uses
        self._burst: set[Path] = set()
        self._gone_since: float | None = None
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._known: dict[Path, bytes | None] = {}
        self._observer = Observer()

    def start(self) -> None:
        """Begin to watch.

        Raises:
            OSError: the system has no watches left.
        """
        for path in self._watch_below(self._project):
            self._known[path] = _content(path)
        self._observer.start()

    def stop(self) -> None:
        """End watching, and a burst that has not been told."""
        self._observer.stop()
        self._observer.join(timeout=2)
        with self._lock:
            if self._timer:
                self._timer.cancel()

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in ("created", "modified", "deleted", "moved", "closed"):
            return
        for path in (Path(str(name)) for name in (event.src_path, event.dest_path) if name):
            if event.is_directory:
                if event.event_type != "modified" and not _hidden(path.name):
                    self._note_below(path)
            elif self._counts(path):
                self._note(path)

    def _counts(self, path: Path) -> bool:
        return not _hidden(path.name) and (path.suffix in SUFFIXES or Path(os.path.realpath(path)) in self._uses())

    def _note_below(self, folder: Path) -> None:
        """A folder came, went or was renamed: its files did, too."""
        found = [path for path in list(self._known) if path.is_relative_to(folder)]
        with suppress(OSError):  # it may be gone again
            found += self._watch_below(folder)
        for path in found:
            self._note(path)

    def _watch_below(self, folder: Path) -> list[Path]:
        """Watch each folder by itself, as hidden ones change all the time; the files found there that count."""
        found: list[Path] = []
        for place, folders, _ in os.walk(folder):
            folders[:] = [name for name in folders if not _hidden(name)]
            self._observer.schedule(self, place)
            found += self._counted_in(Path(place))  # once it is watched: a file that comes later is told of
        return found

    def _counted_in(self, folder: Path) -> Iterator[Path]:
        try:
            yield from (path for path in folder.iterdir() if self._counts(path) and not path.is_dir())
        except OSError:
            return

    def _note(self, path: Path) -> None:
        with self._lock:
            self._burst.add(path)
            self._wait(QUIET)

    def _wait(self, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, self._tell)
        self._timer.daemon = True
        self._timer.start()

    def _tell(self) -> None:
        with self._lock:
            if self._may_come_back():
                self._wait(QUIET)
                return
            burst, self._burst, self._gone_since = self._burst, set(), None
        different = frozenset(path for path in burst if self._differs(path))
        if different:
            self._changed(different)

    def _may_come_back(self) -> bool:
        """Whether a file of the burst is gone, and has not been for long."""
        if all(path.exists() or self._known.get(path) is None for path in self._burst):
            return False
        self._gone_since = self._gone_since or time.monotonic()
        return time.monotonic() - self._gone_since < GONE

    def _differs(self, path: Path) -> bool:
        content = _content(path)
        before = self._known.get(path)
        self._known[path] = content
        return content != before


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in ("__pycache__", "node_modules")


def _content(path: Path) -> bytes | None:
    """A short form of a file's content, or None if there is none."""
    import hashlib

    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            return None
        if about.st_size > LARGE:
            return f"{about.st_size} {about.st_mtime_ns}".encode()
        return hashlib.blake2b(path.read_bytes(), digest_size=16).digest()
    except OSError:
        return None
