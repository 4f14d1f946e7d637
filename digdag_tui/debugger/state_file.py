"""The format of Digdag's state files: the result of one task that succeeded, as YAML (cli 2.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml
from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from yaml.reader import ReaderError

from ..engine.attempt import Task
from ..engine.operator import OperatorResult
from ..workflow.config import Config, Params, Value, position_of
from ..workflow.errors import DigdagError, Position
from ..workflow.yaml_text import yaml_lines

SUFFIX = ".yml"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?\d{1,4000}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d+)?", re.ASCII)


class StateFileError(DigdagError):
    """A state file that cannot be used."""


def state_text(task: Task) -> str:
    """What is saved of a task that succeeded."""
    empty = not (task.subtasks or task.runtime_export or task.store)
    rest = _EMPTY_RESULT if empty else _rest_text(task.subtasks, task.runtime_export, task.store)
    return f'fullName: "{task.full_name}"\n{rest}'


def _rest_text(subtasks: Params, export: Params, store: Params) -> str:
    """All that stands below the name, which needs no escapes (core 3)."""
    result: Params = {
        "subtaskConfig": subtasks,
        "exportParams": export,
        "resetStoreParams": [],
        "storeParams": store,
        "report": {"inputs": [], "outputs": []},
    }
    return yaml_lines({"state": "success", "result": result})


_EMPTY_RESULT = _rest_text({}, {}, {})
"""Most tasks store nothing."""


def read_state(path: Path) -> OperatorResult | None:
    """The result in a state file; None if there is no such file, or its task was no success.

    Raises:
        StateFileError: it cannot be read, or is not whole.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateFileError(f"State file cannot be read: {path}: {error.strerror}") from None
    return parse_state(data, str(path))


def parse_state(data: bytes, file: str) -> OperatorResult | None:
    """The result that a state file's bytes hold; `file` is the name that positions show.

    Raises:
        StateFileError: they hold none.
    """
    state = _StateFile(data, file).document()
    if not isinstance(state.get("state"), str):
        _refuse("state is missing", file)
    if state["state"] != "success":
        return None
    result = _object(state, "result", file)
    keys = ("subtaskConfig", "exportParams", "storeParams", "report")
    parts = [_plain(_object(result, key, file, position_of(state, "result"))) for key in keys]
    resets = result.get("resetStoreParams", [])
    if not isinstance(resets, list) or not all(isinstance(key, str) for key in resets):
        _refuse("resetStoreParams is no list of texts", file, position_of(result, "resetStoreParams"))
    return OperatorResult(parts[0], parts[1], parts[2], tuple(resets))


def _object(config: Config, key: str, file: str, place: Position | None = None) -> Config:
    value = config.get(key)
    if not isinstance(value, Config):
        _refuse(f"{key} is {'no map' if key in config else 'missing'}", file, position_of(config, key) or place)
    return value


def _refuse(problem: str, file: str, position: Position | None = None) -> NoReturn:
    raise StateFileError(
        f"State file is broken: {problem}",
        position=position or Position(file, 1, 1),
        hint="delete the file, and its task runs again",
    )


def _plain(value: Value) -> Value:
    """`value` without the places of its keys: those of a state file tell a person nothing about the workflow."""
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case _:
            return value


class _StateFile:
    """Reads YAML as Digdag's state files have it, which is not as workflows have it: an unquoted `0.05` is a number."""

    def __init__(self, data: bytes, file: str) -> None:
        self._data = data
        self._lines = data.count(b"\n") + 1
        self._file = file
        self._events: Iterator[Event] = iter(())

    def document(self) -> Config:
        """The mapping that the file holds.

        Raises:
            StateFileError: there is none.
        """
        try:
            self._events = yaml.parse(self._data.decode(), Loader=_LOADER)
            event = next(self._events)
            while isinstance(event, StreamStartEvent | DocumentStartEvent):
                event = next(self._events)
            value = None if isinstance(event, StreamEndEvent) else self._value(event)
        except UnicodeDecodeError as error:
            _refuse("it is no UTF-8", self._file, self._place(error.start))
        except MarkedYAMLError as error:
            _refuse(str(error.problem or error.context), self._file, self._at(error.problem_mark))
        except ReaderError as error:
            _refuse("it has a character that YAML does not allow", self._file, self._place(error.position))
        except RecursionError:
            _refuse("it is nested too deeply", self._file)
        if not isinstance(value, Config):
            _refuse("it is empty" if value is None else "it is no map", self._file)
        return value

    def _value(self, event: Event) -> Value:
        match event:
            case MappingStartEvent():
                return self._mapping()
            case SequenceStartEvent():
                items = []
                while not isinstance(event := next(self._events), SequenceEndEvent):
                    items.append(self._value(event))
                return items
            case ScalarEvent():
                return _scalar(event.value) if event.implicit[0] else event.value
            case _:
                self._unknown(event)

    def _mapping(self) -> Config:
        config = Config()
        while not isinstance(event := next(self._events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                self._unknown(event)
            config.positions[event.value] = self._at(event.start_mark)
            config[event.value] = self._value(next(self._events))
        return config

    def _unknown(self, event: Event) -> NoReturn:
        what = "an alias" if isinstance(event, AliasEvent) else "a key that is no text"
        _refuse(f"it has {what}", self._file, self._at(event.start_mark))

    def _at(self, mark: Any) -> Position:
        """Where a mark of the parser is, whose end of the text may lie one line too far."""
        if not mark:
            return Position(self._file, 1, 1)
        return Position(self._file, min(mark.line + 1, self._lines), mark.column + 1)

    def _place(self, offset: int) -> Position:
        before_it = self._data[:offset]
        return Position(self._file, before_it.count(b"\n") + 1, offset - before_it.rfind(b"\n"))


def _scalar(text: str) -> Value:
    """An unquoted scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
