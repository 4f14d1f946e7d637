"""Reading source files, and what can be wrong with them."""

from __future__ import annotations

from pathlib import Path

from .errors import DigdagError, Position, Problem


class SourceError(DigdagError):
    """A file that cannot be used.

    Args:
        message: Digdag's own text, in several lines perhaps.
        kind: the Java exception's words (core 5.5).
        summary: the same in one sentence for a person, where `message` is not.
    """

    def __init__(
        self,
        message: str,
        kind: str,
        *,
        position: Position | None = None,
        hint: str | None = None,
        summary: str | None = None,
    ) -> None:
        super().__init__(message, kind, position=position, hint=hint)
        self.summary = summary or message

    @property
    def problem(self) -> Problem:
        return Problem(self.summary, self.position, self.hint)


class FileError(SourceError):
    """Digdag's IOException: it ends the load of a whole project at once (core 3)."""


class YamlError(SourceError):
    """A file whose text is no config."""


def shown_path(path: Path, directory: Path | None) -> str:
    """`path` as positions have it: relative to the project directory where it lies in it."""
    try:
        return str(path.relative_to(directory)) if directory else str(path)
    except ValueError:
        return str(path)


def read_source(path: Path, file: str, position: Position | None = None) -> str:
    """The text of a file, without byte order mark; bytes that are not UTF-8 become U+FFFD, as in Java.

    Args:
        file: the path as messages show it.
        position: the place that names the file; the file itself if None.

    Raises:
        FileError: it cannot be read.
    """
    place = position or Position(file, 1, 1)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileError(str(path), "no such file", position=place, summary=f"File does not exist: {file}") from None
    except IsADirectoryError:
        raise FileError("Is a directory", "io", position=place, summary=f"Is a directory, not a file: {file}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        summary = f"File cannot be read: {file}: {reason}"
        raise FileError(f"{path}: {reason}", "file system", position=place, summary=summary) from None
    return data.decode(errors="replace").removeprefix("\ufeff")
