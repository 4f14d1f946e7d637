"""Local secrets, and keeping the values of secrets out of everything that is shown or written (cli 1.3)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from ..workflow.errors import TaskRuntimeError
from ..workflow.text import json_text

MASK = "***"
MIN_LENGTH = 4
"""Shorter texts are not masked: they would hide too much else."""

LONGEST_KEY = 255
LARGEST_VALUE = 16384
"""Bytes of UTF-8."""

_PREFIX = "secrets."
_SEGMENT = "[a-zA-Z](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?"
_KEY = rf"{_SEGMENT}(?:\.{_SEGMENT})*"


class LocalSecrets:
    """The secrets of Digdag's local mode.

    Args:
        properties: Digdag's configuration (`properties.load_properties`); its `secrets.KEY` come first.
        home: the directory that holds `secrets/` with a file for each key (`properties.config_home`).

    `masker` knows every value that can be read.
    """

    def __init__(self, properties: Mapping[str, str], home: Path) -> None:
        self._configured = {
            key.removeprefix(_PREFIX): value for key, value in properties.items() if key.startswith(_PREFIX)
        }
        self._directory = home / "secrets"
        self.masker = Masker()
        for value in self._configured.values():
            self.masker.add(value)
        for path in self._files():
            with suppress(TaskRuntimeError):
                self.get(path.name)

    def get(self, key: str) -> str | None:
        """The value of a secret exactly as it is kept, None if there is none.

        Raises:
            TaskRuntimeError: its file cannot be read.
        """
        value = self._configured.get(key)
        if value is None and is_file_name(key):
            value = self._read(key)
            self.masker.add(value or "")
        return value

    def _read(self, key: str) -> str | None:
        try:
            return (self._directory / key).read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TaskRuntimeError(f"Secret '{key}' cannot be read: {error.strerror}") from None

    def _files(self) -> list[Path]:
        try:
            return [path for path in self._directory.iterdir() if path.is_file()]
        except OSError:
            return []


class SecretFiles:
    """The files of local secrets in `home`, one for each key, for `digdag secrets --local` (cli 3)."""

    def __init__(self, home: Path) -> None:
        self.directory = home / "secrets"

    def stored_keys(self) -> list[str]:
        """The keys that have a value, in order.

        Raises:
            OSError: the directory cannot be read.
        """
        return sorted(os.listdir(self.directory)) if self.directory.is_dir() else []

    def write(self, key: str, value: str) -> None:
        """Keep a value exactly as it is, readable for its owner alone.

        Raises:
            OSError: it cannot be written.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(self.directory / key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(value.encode("utf-8", "surrogateescape"))

    def delete(self, key: str) -> None:
        """Forget a value, if there is one.

        Raises:
            OSError: its file cannot be deleted.
        """
        (self.directory / key).unlink(missing_ok=True)


def is_secret_key(key: str) -> bool:
    """Whether Digdag takes `key` for a secret: words joined by dots, each from a letter to a letter or digit."""
    return len(key) <= LONGEST_KEY and re.fullmatch(_KEY, key) is not None


def is_secret_value(value: str) -> bool:
    """Whether a value is short enough for Digdag."""
    return len(value.encode("utf-8", "replace")) <= LARGEST_VALUE


def is_file_name(key: str) -> bool:
    """Whether a secret's key can name a file in the directory of secrets, and nothing outside of it."""
    return key not in ("", ".", "..") and not any(character in key for character in "/\\\0")


class Masker:
    """Puts `***` in the place of the values that it was given, each line of a value on its own."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def add(self, value: str) -> None:
        """Mask `value` from now on, also as it looks within JSON and in Python's notation."""
        for line in value.splitlines():
            line = line.strip()
            for text in (line, json_text(line)[1:-1], repr(line)[1:-1], repr(line.encode("utf-8", "replace"))[2:-1]):
                if len(text) >= MIN_LENGTH and text not in self._texts:
                    self._texts.append(text)

    def mask(self, text: str) -> str:
        """`text` without any of the values."""
        if not self._texts:
            return text
        return _replace(text, self._spans(text))

    def stream(self, write: Callable[[str], None]) -> MaskedStream:
        """A stream that masks values that come in several pieces, too."""
        return MaskedStream(self, write)

    def split(self, text: str) -> tuple[str, str]:
        """The masked part of `text` that no further text can change, and the rest as it is: a value may begin there."""
        spans = self._spans(text)
        end = len(text)
        for value in self._texts:
            end = _start_of_value(value, text, end)
        while spans and spans[-1][1] > end:
            end = min(end, spans.pop()[0])
        return _replace(text[:end], spans), text[end:]

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Where values stand, those that overlap joined."""
        joined: list[tuple[int, int]] = []
        for start, end in sorted(span for value in self._texts for span in _occurrences(value, text)):
            if joined and start < joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((start, end))
        return joined


class MaskedStream:
    """Masks text that comes in pieces of any size and passes it on; what may be the start of a value waits."""

    def __init__(self, masker: Masker, write: Callable[[str], None]) -> None:
        self._masker = masker
        self._write = write
        self._held = ""

    def write(self, text: str) -> None:
        done, self._held = self._masker.split(self._held + text)
        if done:
            self._write(done)

    def close(self) -> None:
        """Pass on what waits; call it at the end of the text."""
        held, self._held = self._held, ""
        if held:
            self._write(self._masker.mask(held))


def _occurrences(value: str, text: str) -> Iterator[tuple[int, int]]:
    place = text.find(value)
    while place >= 0:
        yield place, place + len(value)
        place = text.find(value, place + 1)


def _start_of_value(value: str, text: str, end: int) -> int:
    """The first place before `end` from which the rest of `text` is a beginning of `value`; else `end`."""
    place = text.find(value[0], max(len(text) - len(value) + 1, 0), end)
    while place >= 0:
        if value.startswith(text[place:]):
            return place
        place = text.find(value[0], place + 1, end)
    return end


def _replace(text: str, spans: list[tuple[int, int]]) -> str:
    pieces, place = [], 0
    for start, end in spans:
        pieces += [text[place:start], MASK]
        place = end
    return "".join(pieces) + text[place:] if spans else text
