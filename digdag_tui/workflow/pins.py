"""Pins: what tasks come to without being run, by patterns on their full names, kept in a YAML file of the project."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from .config import Config, Params, Value, position_of
from .convert import read_map
from .errors import ConfigError, DigdagError, Position, Problem, ProjectError
from .names import did_you_mean
from .project import problems_of
from .sources import read_source
from .yaml import load_text

PINS_FILE: Final = "digdag-tui.pins.yml"

_FIELDS = ("store", "export", "reset", "subtasks", "rows")
_KEY_PATH = r"[a-zA-Z0-9_]+(?:\.[a-zA-Z0-9_]+)*"
_HEADER = "# What tasks come to without being run, by their full names; * stands for any text.\n"


class Pin(Struct, frozen=True):
    """What a task comes to. The values are constants: templates in them are not evaluated.

    `store` and `export` are params, `subtasks` the body of `^sub`, `reset` the key paths cleared before the store (None
    for those that the operator itself would clear), `rows` what its query gives. `position` is where it is written,
    None for one that is kept in memory only.
    """

    store: Params = {}
    export: Params = {}
    reset: tuple[str, ...] | None = None
    subtasks: Params = {}
    rows: tuple[Params, ...] | None = None
    position: Position | None = None


def read_pin(body: Config, key: str) -> Pin:
    """The pin at `key`; an empty one is a success that leaves nothing behind.

    Raises:
        ConfigError: it has no form of a pin.
    """
    position = position_of(body, key)
    values = read_map(body, key, {})
    for field in values:
        if field not in _FIELDS:
            hint = did_you_mean(field, _FIELDS) or f"a pin has {', '.join(_FIELDS)}"
            raise ConfigError(
                f"{field} is no part of a pin", position=position_of(values, field) or position, hint=hint
            )
    store, export, subtasks = (_map(values, field, position) for field in ("store", "export", "subtasks"))
    reset, rows = values.get("reset"), values.get("rows")
    if reset is not None and not (_is_list_of(reset, str) and all(re.fullmatch(_KEY_PATH, key) for key in reset)):
        raise _wrong(values, "reset", "is a list of keys such as td.last_results", position)
    if rows is not None and not _is_list_of(rows, dict):
        raise _wrong(values, "rows", "is a list of objects, one for each row", position)
    return Pin(
        store,
        export,
        None if reset is None else tuple(reset),
        subtasks,
        None if rows is None else tuple(rows),
        position,
    )


def parse_pin(text: str) -> Pin:
    """The pin that a text holds, written as it would be in the file below the task's name.

    Raises:
        DigdagError: it is none.
    """
    config = load_text(text, "the pin") if says_something(text) else Config()
    pin = read_pin(Config({"pin": config}), "pin")
    return Pin(**{field: _without_places(getattr(pin, field)) for field in _FIELDS})


def pin_body(pin: Pin) -> Params:
    """What is written of a pin."""
    values = {field: getattr(pin, field) for field in _FIELDS}
    said = {field: value for field, value in values.items() if value or (value == () and field in ("reset", "rows"))}
    return {field: list(value) if isinstance(value, tuple) else value for field, value in said.items()}


class Pins:
    """The pins of a project: those of its file, and those that the person made and did not keep."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._saved: dict[str, Pin] = {}
        self._unsaved: dict[str, Pin] = {}
        self._patterns: list[tuple[re.Pattern[str], Pin]] = []

    def __bool__(self) -> bool:
        return bool(self._saved or self._unsaved)

    def read(self) -> None:
        """Read the file, if there is one.

        Raises:
            ProjectError: something is wrong with it; the pins stay as they were.
        """
        if self._file is None:
            return
        saved, problems = load_pins(self._file)
        if problems:
            raise ProjectError("Pins cannot be read", problems)
        self._saved = saved
        self._patterns = [(_pattern(name), pin) for name, pin in saved.items() if "*" in name]

    def find(self, full_name: str) -> Pin | None:
        """The pin of a task: one of exactly its name, else the first pattern in the file that it matches."""
        exact = self._unsaved.get(full_name) or self._saved.get(full_name)
        return exact or next((pin for pattern, pin in self._patterns if pattern.fullmatch(full_name)), None)

    def same(self, full_name: str, other: Pins) -> bool:
        """Whether the task comes to the same with `other` pins."""
        mine, others = (pins.find(full_name) for pins in (self, other))
        return (mine and replace(mine, position=None)) == (others and replace(others, position=None))

    def copy(self) -> Pins:
        """The pins as they are now."""
        pins = Pins(self._file)
        pins._saved, pins._unsaved, pins._patterns = self._saved, dict(self._unsaved), self._patterns
        return pins

    def keep(self, full_name: str, pin: Pin, *, save: bool) -> None:
        """Pin a task, in the file too if it is to be saved.

        Raises:
            DigdagError: the file cannot be written, or not without losing something in it.
        """
        if save:
            self._write(full_name, pin)
            self._unsaved.pop(full_name, None)
            self.read()
        else:
            self._unsaved[full_name] = replace(pin, position=None)

    def _write(self, full_name: str, pin: Pin) -> None:
        if self._file is None:
            raise DigdagError("There is no project to save the pin in")
        from .pins_text import with_entry

        before = read_source(self._file, self._file.name) if self._file.exists() else _HEADER
        text = with_entry(before, self._file.name, full_name, pin_body(pin))
        beside = self._file.with_name(f".{self._file.name}.new")
        try:
            beside.write_text(text, encoding="utf-8", newline="")
            os.replace(beside, self._file)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise DigdagError(f"{self._file.name} cannot be written: {error.strerror}") from None


def load_pins(file: Path) -> tuple[dict[str, Pin], list[Problem]]:
    """The pins of a file by their names, and what is wrong with it; nothing if there is no such file."""
    if not file.exists():
        return {}, []
    pins: dict[str, Pin] = {}
    problems: list[Problem] = []
    try:
        text = read_source(file, file.name)
        config = load_text(text, file.name) if says_something(text) else Config()
    except DigdagError as error:
        return {}, list(problems_of(error))
    for name in config:
        if name[:1] not in ("+", "*"):
            hint = "a pin has a task's full name, such as +main+load, or a pattern of it, such as '*+load'"
            problems.append(Problem(f"{name} is no name of a task", position_of(config, name), hint))
            continue
        try:
            pins[name] = read_pin(config, name)
        except ConfigError as error:
            problems += problems_of(error)
    return pins, problems


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, name.split("*"))), re.DOTALL)


def says_something(text: str) -> bool:
    """Whether a text has more than blank lines and comments."""
    return any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())


def _map(values: Params, field: str, place: Position | None) -> Params:
    value = values.get(field)
    if value is not None and not isinstance(value, dict):
        raise _wrong(values, field, "is an object, such as {rows: 10}", place)
    return value or {}


def _without_places(value: Value) -> Value:
    """The same value that does not know where its keys stand."""
    match value:
        case dict():
            return {key: _without_places(item) for key, item in value.items()}
        case list() | tuple():
            return type(value)(map(_without_places, value))
        case _:
            return value


def _is_list_of(value: Value, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)


def _wrong(values: Params, field: str, rule: str, place: Position | None) -> ConfigError:
    return ConfigError(f"{field} of a pin {rule}", position=position_of(values, field) or place)
