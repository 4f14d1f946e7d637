"""Watches a project's files, and tells once about each burst of changes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

SUFFIXES = frozenset({".dig", ".py", ".yml", ".yaml", ".sql", ".sh", ".rb"})
"""What people edit; data that tasks write must not count as a change."""
QUIET = 0.2
"""Seconds without a change that end a burst."""


class Watcher(FileSystemEventHandler):
    """Calls `changed` in a thread of its own with the files of each burst. Files that only were read do not count.

    Editors that save by renaming are seen too: what counts is that the content differs from before.
    """

    def __init__(self, project: Path, changed: Callable[[frozenset[Path]], None]) -> None:
        self._project = project
        self._changed = changed
        self._burst: set[Path] = set()
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
            if event.is_directory and event.event_type in ("created", "moved") and not _hidden(path.name):
                for new in self._watch_below(path):
                    self._note(new)
            elif path.suffix in SUFFIXES and not _hidden(path.name):
                self._note(path)

    def _watch_below(self, folder: Path) -> list[Path]:
        """Watch each folder by itself, as hidden ones change all the time; the source files found there."""
        found: list[Path] = []
        for place, folders, _ in os.walk(folder):
            folders[:] = [name for name in folders if not _hidden(name)]
            self._observer.schedule(self, place)
            files = (path for path in Path(place).iterdir() if path.suffix in SUFFIXES and not _hidden(path.name))
            found += files  # listed once the folder is watched: a file that comes later is told of
        return found

    def _note(self, path: Path) -> None:
        with self._lock:
            self._burst.add(path)
            if self._timer:
                self._timer.cancel()
            self._timer = threading.Timer(QUIET, self._tell)
            self._timer.daemon = True
            self._timer.start()

    def _tell(self) -> None:
        with self._lock:
            burst, self._burst = self._burst, set()
        different = frozenset(path for path in burst if self._differs(path))
        if different:
            self._changed(different)

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
        return hashlib.blake2b(path.read_bytes(), digest_size=16).digest()
    except OSError:
        return None
