"""Digdag's configuration: Java properties from the home directory, the environment and `-c` (cli 1.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..workflow.config import Config
from ..workflow.errors import Position
from ..workflow.sources import FileError, SourceError

_BLANKS = " \t\f"
_LINE = re.compile(r"\r\n|\n|\r")
_PAIR = re.compile(r"((?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def config_home(environment: Mapping[str, str]) -> Path:
    """The directory of Digdag's `config` file and of `secrets/`."""
    if "DIGDAG_CONFIG_HOME" in environment:
        return Path(environment["DIGDAG_CONFIG_HOME"])
    if "XDG_CONFIG_HOME" in environment:
        return Path(environment["XDG_CONFIG_HOME"], "digdag")
    return Path(environment.get("HOME") or Path.home(), ".config", "digdag")


def load_properties(
    environment: Mapping[str, str], config_file: Path | None = None, system: Mapping[str, str] | None = None
) -> Config:
    """All keys of the configuration, as texts, with their places.

    Args:
        environment: the environment variables.
        config_file: `-c FILE`, which is read instead of the one in the home directory.
        system: system properties (`-X KEY=VALUE`).

    Raises:
        SourceError: a file cannot be read, or has a malformed escape.
    """
    found = Config()
    home_file = config_home(environment) / "config"
    if config_file is None and home_file.is_file():
        _update(found, _read(home_file))
    _update(found, parse_properties(environment.get("DIGDAG_CONFIG", ""), "DIGDAG_CONFIG"))
    found.update(system or {})
    if config_file is not None:
        _update(found, _read(config_file))
    return found


def parse_properties(text: str, file: str) -> Config:
    """The keys and values of a properties text; `file` is the name that positions show.

    Raises:
        SourceError: a malformed `\\uXXXX`.
    """
    config = Config()
    for line, position in _logical_lines(text, file):
        pair = _PAIR.fullmatch(line)
        if pair:
            key = _unescape(pair[1], position)
            config[key] = _unescape(pair[2], position)
            config.positions[key] = position
    return config


def _read(path: Path) -> Config:
    try:
        return parse_properties(path.read_bytes().decode("latin-1"), str(path))
    except FileNotFoundError:
        raise FileError(str(path), "no such file", summary=f"File does not exist: {path}") from None
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}", "file system", summary=f"File cannot be read: {path}") from None


def _update(config: Config, other: Config) -> None:
    config.update(other)
    config.positions.update(other.positions)


def _logical_lines(text: str, file: str) -> Iterator[tuple[str, Position]]:
    """Lines without comments, joined where a backslash ends them, and where each begins."""
    joined, position = "", Position(file, 1, 1)
    for number, natural in enumerate(_LINE.split(text), 1):
        line = natural.lstrip(_BLANKS)
        if not joined:
            if line[:1] in ("", "#", "!"):
                continue
            position = Position(file, number, len(natural) - len(line) + 1)
        joined += line
        if (len(line) - len(line.rstrip("\\"))) % 2:
            joined = joined[:-1]
        else:
            yield joined, position
            joined = ""
    if joined:
        yield joined, position


def _unescape(text: str, position: Position) -> str:
    def replacement(escape: re.Match[str]) -> str:
        if escape[1]:
            return chr(int(escape[1], 16))
        if escape[2] == "u":
            hint = "four hexadecimal digits follow \\u"
            raise SourceError("Malformed \\uxxxx encoding.", "illegal argument", position=position, hint=hint)
        return _CONTROLS.get(escape[2], escape[2])

    if "\\" not in text:
        return text
    return _ESCAPE.sub(replacement, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
