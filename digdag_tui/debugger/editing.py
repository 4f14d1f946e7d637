"""What may be edited, and how: the rules for a key's value, and all params of a task as one text."""

from __future__ import annotations

from collections.abc import Callable, Container
from itertools import takewhile
from typing import NamedTuple

from ..engine.attempt import Attempt, Task, nested
from ..engine.call import own_keys
from ..engine.retry import RetryPolicy
from ..engine.scopes import layers
from ..params.layers import Source, resolve
from ..params.secrets import MASK
from ..workflow.config import Config, Value, merge, position_of
from ..workflow.convert import read_map, read_string
from ..workflow.errors import DigdagError, Position
from ..workflow.pins import says_something
from ..workflow.pins_text import block_text
from ..workflow.text import json_text, json_type
from ..workflow.yaml import load_text
from ..workflow.zones import zone
from .compare import differences
from .edits import Scope
from .inspect import Param, Path

_READ_WHEN_LOADED = frozenset({"_parallel", "_background", "_after", "_disable", "_check", "_error", "schedule", "sla"})
_TEXTS = frozenset({"_type", "_workdir"})
_OBJECTS = frozenset({"_do", "_else_do", "_secrets"})


class Change(NamedTuple):
    """A value that the person gave to the param at `path`; `position` is where in the text."""

    path: Path
    value: Value
    position: Position | None


def problem_of_edit(task: Task, path: Path, value: Value, scope: Scope, built_ins: Container[str]) -> str | None:
    """Why a value cannot be set, with what would be possible; None if it can. What has a `$` is not known yet."""
    key = path[0]
    if scope == "task" and task.is_group:
        return f"{task.full_name} is a group, which has no params for itself alone: set it from here on"
    if scope != "task" and key in built_ins:
        return f"{key} is set by Digdag for every task: edit it for one task only"
    if scope != "task" and key.endswith(">"):
        return f"{key} names what a task does: edit it for one task only"
    whole = merge(own_keys(task), nested(path, value))[key] if scope == "task" else nested(path, value)[key]
    return _wrong_type(key, whole) or _without_effect(key)


def would_lose_to(param: Param, task: Task, scope: Scope) -> str | None:
    """Who beats an edit of a param with that scope at `task`; None if the edit wins there (core 6.1)."""
    above = {
        "task": frozenset[Source](),
        "onward": frozenset({Source.BUILT_IN, Source.LOCAL}),
        "session": frozenset({Source.BUILT_IN, Source.LOCAL, Source.EXPORT, Source.RUNTIME_EXPORT, Source.STORE}),
    }[scope]
    for binding in reversed(param.bindings):
        origin = binding.origin
        own_export = origin.source is Source.EXPORT and origin.task == task.full_name
        if origin.source in above or (scope == "onward" and own_export):
            return str(origin)
    return None


def _wrong_type(key: str, value: Value) -> str | None:
    if isinstance(value, str) and "$" in value:
        return None
    kind = json_type(value)
    article = "an" if kind[0] in "aeiou" else "a"
    if (key == "_export" or key in _OBJECTS) and not isinstance(value, dict):
        return f"{key} is an object, such as {{key: value}}, not {article} {kind}"
    if key in _TEXTS and not isinstance(value, str):
        return f"{key} is a text, not {article} {kind}"
    try:
        if key == "timezone":
            zone(value if isinstance(value, str) else "")
        elif key == "_retry":
            RetryPolicy.parse(value)
        elif key == "_env":
            env = read_map({key: value}, key)
            for name in env:
                read_string(env, name)
    except DigdagError as error:
        return f"{error.message}: {error.hint}" if error.hint else error.message
    return None


def _without_effect(key: str) -> str | None:
    if key == "_export":
        return "_export was read already: set the params in it, from here on"
    if key in _READ_WHEN_LOADED:
        return f"{key} was read when the workflow was loaded: change it in the file, saving that reloads it"
    return None


class Document:
    """All that can be edited of a task, as YAML: its own keys and what else it sees, templates unevaluated.

    What holds a secret shows as `***`, and stays as it is as long as that does.

    Args:
        mask: takes the values of secrets out of a text.
    """

    def __init__(self, attempt: Attempt, task: Task, mask: Callable[[str], str]) -> None:
        own = {} if task.is_group else dict(own_keys(task))
        others = {key: value for key, value in resolve(layers(attempt, task)).values.items() if key not in own}
        sections = {"its own keys, edited for this task alone": own, "params": others}
        self._own = frozenset(own)
        self.text = "\n".join(
            f"# {title}\n{block_text(_masked(values, mask))}" for title, values in sections.items() if values
        )
        self._values = _read(self.text)

    def is_own(self, path: Path) -> bool:
        """Whether a path is one of the task's own keys, which are edited for it alone."""
        return path[0] in self._own

    def changes(self, text: str) -> list[Change]:
        """What `text`, which came from this one, sets otherwise; a list counts as one value.

        Raises:
            DigdagError: it is no mapping, lacks a key, or changes a part of what holds a secret; with its position.
        """
        new = _read(text)
        found: dict[Path, Change] = {}
        for difference in differences(self._values, new):
            keys = takewhile(lambda part: isinstance(part, str), difference.path)
            path = tuple(str(key) for key in keys)
            name, position = ".".join(path), _position(new, path)
            if difference.kind == "removed" and len(path) == len(difference.path):
                message = f"{name} is missing: an edit can change a param, not remove it"
                raise DigdagError(message, hint="write it again, or give it null", position=position)
            value = _at(new, path)
            if MASK in json_text(value):
                message = f"{name} has {MASK} in it, which stands for a secret"
                raise DigdagError(message, hint="leave all of it as it was, or write it anew", position=position)
            found[path] = Change(path, value, position)
        return list(found.values())


def _read(text: str) -> Config:
    return load_text(text, "params") if says_something(text) else Config()


def _masked(value: Value, mask: Callable[[str], str]) -> Value:
    """A value without secrets, in whose places there are texts."""
    match value:
        case dict():
            return {key: _masked(item, mask) for key, item in value.items()}
        case list() | tuple():
            return [_masked(item, mask) for item in value]
        case str():
            return mask(value)
        case _:
            text = json_text(value)
            return value if mask(text) == text else MASK


def _at(value: Value, path: Path) -> Value:
    for key in path:
        value = value[key]
    return value


def _position(config: Config, path: Path) -> Position | None:
    """Where the last key of a path that there is stands."""
    value: Value = config
    found = None
    for key in path:
        if not isinstance(value, dict) or key not in value:
            break
        found = position_of(value, key) or found
        value = value[key]
    return found
