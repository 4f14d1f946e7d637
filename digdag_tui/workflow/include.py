"""Loading a source file with the files that its `!include` keys name (core 1.4)."""

from __future__ import annotations

import os.path
from pathlib import Path
from typing import cast

from .config import Config, Value
from .errors import Position
from .sources import FileError, read_source, shown_path
from .text import json_text
from .yaml import INCLUDE, load_text


def load_file(path: Path, directory: Path | None = None, sources: set[Path] | None = None) -> Config:
    """The mapping that a file holds, with what it includes.

    Args:
        path: the file.
        directory: the project directory, which positions are relative to.
        sources: gets the absolute path of every file that is read or asked for.

    Raises:
        FileError: a file cannot be read, or lies outside of the directory that includes it.
        YamlError: no YAML, or no mapping.
    """
    return _Loader(directory, set() if sources is None else sources, ()).load(path)


class _Loader:
    """Loads one file; `including` are the files that include it, outermost first."""

    def __init__(self, directory: Path | None, sources: set[Path], including: tuple[Path, ...]) -> None:
        self.directory = directory
        self.sources = sources
        self.including = including
        self.expanded: dict[int, Value] = {}

    def load(self, path: Path, position: Position | None = None) -> Config:
        absolute = Path(os.path.abspath(path))
        file = shown_path(path, self.directory)
        self.sources.add(absolute)
        if absolute in self.including:
            raise FileError(f"{file} includes itself", "stack overflow", position=position)
        text = read_source(path, file, position)
        config = load_text(text, file, includes=True)
        if INCLUDE[:-1] not in text:
            return config
        self.including = (*self.including, absolute)
        return cast(Config, self.expand(config, None))

    def expand(self, value: Value, position: Position | None) -> Value:
        """`value` with the files in it; a value that aliases share is expanded once."""
        if id(value) in self.expanded:
            return self.expanded[id(value)]
        if isinstance(value, Config):
            expanded: Value = self.expand_mapping(value)
        elif isinstance(value, list):
            expanded = [self.expand_item(item, position) for item in value]
        else:
            return value
        self.expanded[id(value)] = expanded
        return expanded

    def expand_mapping(self, config: Config) -> Config:
        built = Config()
        for key, value in config.items():
            position = config.positions.get(key)
            if key.startswith(INCLUDE) and not isinstance(value, (dict, list)):
                _merge(built, self.include(value if isinstance(value, str) else json_text(value), position))
            else:
                built[key] = self.expand_item(value, position)
                if position:
                    built.positions[key] = position
        return built

    def expand_item(self, value: Value, position: Position | None) -> Value:
        """Text that looks like an included key names a file, as it does in Digdag."""
        if isinstance(value, str) and value.startswith(INCLUDE):
            return self.include(value, position)
        return self.expand(value, position)

    def include(self, name: str, position: Position | None) -> Config:
        folder = str(self.including[-1].parent)
        path = os.path.normpath(os.path.join(folder, name))
        if not path.startswith(folder):
            hint = "name a file in the same directory or below"
            raise FileError(f"File name must not include ..: {name}", "file not found", position=position, hint=hint)
        return _Loader(self.directory, self.sources, self.including).load(Path(path), position)


def _merge(config: Config, included: Config) -> None:
    """Merge `included` into `config`: objects deeply, all else replaces and keeps its place."""
    for key, value in included.items():
        old = config.get(key)
        if isinstance(old, Config) and isinstance(value, Config):
            merged = Config(old, old.positions)
            _merge(merged, value)
            value = merged
        config[key] = value
        config.positions[key] = included.positions[key]
