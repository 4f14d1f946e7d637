"""What is kept between sessions: a JSON file in the project for its layout and the like, one of the person's for taste.

Nobody depends on such a file: one that is damaged counts as empty, and one that cannot be written is not.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
VERSION = 1
PROJECT_FILE = Path(".digdag", "tui", "state.json")


class _Content(msgspec.Struct):
    """The file."""

    version: int
    values: dict[str, Any]


class State:
    """Values by name, each made of what JSON has.

    Several sessions may share a file: saving changes the values that were set here, and leaves the others.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        content = self._read()
        self._values = content.values
        self._newer = content.version > VERSION
        self._changed: set[str] = set()

    def get(self, name: str, default: T) -> T:
        """The value of a name; `default` if there is none, or one of another type."""
        value = self._values.get(name)
        return value if type(value) is type(default) else default

    def set(self, name: str, value: object) -> None:
        """Keep a value; it is written by `save`."""
        if self._values.get(name) != value:
            self._values[name] = value
            self._changed.add(name)

    def save(self) -> str | None:
        """Write what was set since the last time; why that cannot be done, once."""
        if not self._changed or self._newer:
            return None
        values = {**self._read().values, **{name: self._values[name] for name in self._changed}}
        self._changed.clear()
        try:
            write_atomic(self._file, msgspec.json.format(msgspec.json.encode(_Content(VERSION, values)), indent=1))
        except OSError as error:
            return f"{self._file.name} cannot be written: {error.strerror}"
        return None

    def _read(self) -> _Content:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Content)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return _Content(VERSION, {})


def person_file() -> Path:
    """Where a person's own state is."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "digdag-tui" / "state.json"


def write_atomic(file: Path, content: bytes) -> None:
    """Write a file so that it is never seen half written.

    Raises:
        OSError: it cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)
