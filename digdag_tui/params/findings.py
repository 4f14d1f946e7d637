"""The sentences about params that are surely not meant, for values that are known, with or without a run."""

from __future__ import annotations

import linecache
import re
from pathlib import Path
from typing import Final

from ..workflow.config import Value
from ..workflow.errors import Position, Problem
from ..workflow.expansion import OPEN
from ..workflow.python_arguments import Argument, kind_of
from ..workflow.text import json_text
from .layers import Binding, Origin, Source
from .template import split

FALSE_WORDS: Final = frozenset(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "0", "null", "n"))
"""Texts that look untrue, and are true to JavaScript and Python."""
NUMBER: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
FROM_OUTSIDE: Final = frozenset((Source.CONFIG_FILE, Source.PARAMS_FILE, Source.COMMAND_LINE))
LITERAL_SECRETS: Final = frozenset(("py", "rb", "sh", "echo", "fail", "notify", "if", "loop", "for_each", "for_range"))
"""Operators that fill in no secrets but those of `_env`."""

_FRACTION: Final = re.compile(r"([-+]?)0+(\.\d*(?:[eE][-+]?\d+)?)")
_SECRET: Final = re.compile(r"\$\{secret:[^}]*\}")
_WORDS: Final = {
    "number": "a number", "boolean": "true or false", "object": "a map", "list": "a list", "text": "a text",
}  # fmt: skip


def truth_problem(name: str, value: str, binding: Binding, position: Position | None) -> Problem:
    """A text that is asked whether it is true."""
    what = f'"{value}"' if value in FALSE_WORDS else '"true" or "false"'
    message = f'{name} is the text {what}{_set_at(binding)}, and inside ${{...}} every text but "" is true'
    return warning("became-text", message, position, f"write {name} == 'true'")


def joined_problem(name: str, value: str, binding: Binding, position: Position | None) -> Problem:
    """A text that `+` takes, though it looks like a number."""
    message = f'{name} is the text "{value}"{_set_at(binding)}: + joins texts instead of adding numbers'
    return warning("became-text", message, position, f"write Number({name})")


def raw_problem(name: str, value: str, nested: bool, key: str, position: Position | None) -> Problem:
    """A variable that is seen before it is evaluated: `nested` from inside of a map, or from `key` above it."""
    if nested:
        reason, advice = "a text in a map does not see it evaluated", "write its ${...} here"
    else:
        reason, advice = "it stands below this text and is not evaluated yet", f"move {name} above {key}"
    return warning("raw-template", f"{name} comes out as {_short(value)}: {reason}", position, advice)


def argument_problem(project: Path, function: str, argument: Argument, binding: Binding) -> Problem | None:
    """A text that a function gets where it wants something else, if that is so."""
    value, position = binding.value, binding.origin.position
    if not isinstance(value, str) or argument.converts or argument.wants == "text":
        return None
    fraction = _FRACTION.fullmatch(value)
    if fraction and position and is_plain(project, position, value):
        number = fraction[1] + (fraction[2] if len(fraction[2]) > 1 else "0.0")
        message = f'{function} gets {argument.name} as the text "{value}": no number of Digdag\'s begins with 0'
        return warning("became-text", message, position, f"write {number}")
    if argument.wants is None:
        return None
    wanted = _WORDS[argument.wants]
    if binding.origin.source in FROM_OUTSIDE and binding.origin.source is not Source.PARAMS_FILE:
        reason, advice = "what -p sets is always text", "give it in a file with -P"
    elif split(value).expressions:
        reason, advice = "a text with ${...} always comes to text", f"convert it in {function}"
    else:
        reason, advice = f'"{value}" is text', "write it without quotes" if NUMBER.fullmatch(value) else "correct it"
    message = f"{function} wants {wanted} as {argument.name} and gets a text: {reason}"
    return warning("became-text", message, position, advice)


def caught_problem(
    function: str, argument: Argument, value: Value, binding: Binding, position: Position | None
) -> Problem:
    """A param from above that an argument with a default catches."""
    message = f"{function}({argument}) gets {_short(value)}{_set_at(binding)}, not its default {argument.default}"
    return warning("caught-by-argument", message, position, f"give {argument.name} beside py>, or rename the argument")


def differs_problem(function: str, argument: Argument, value: Value, binding: Binding) -> Problem:
    """A value of another type than the annotation says."""
    wanted, got = _WORDS[argument.wants or "text"], _WORDS[kind_of(value) or "text"]
    message = f"{function}({argument.name}: {argument.annotation}) wants {wanted} and gets {got}: {_short(value)}"
    quoted = argument.wants == "text" and not isinstance(value, dict | list)
    advice = f'write "{_short(value)}" in quotes' if quoted else "correct the value, or the annotation"
    return warning("wrong-type", message, binding.origin.position, advice)


def beaten_problem(
    source: Source, path: tuple[str, ...], value: Value, winner: Origin, position: Position | None = None
) -> Problem:
    """A param from outside that an `_export` or a store beats."""
    given = f"{source.value} {'.'.join(path)}={value if isinstance(value, str) else _short(value)}"
    place = f" at {winner.position.file}:{winner.position.line}" if winner.position else ""
    by = {Source.EXPORT: f"the _export of {winner.task}{place}", Source.LOCAL: "the task's own key"}
    message = f"{given} has no effect: {by.get(winner.source, str(winner))} beats it"
    return warning("beaten-param", message, position, "change the value there, or remove it there")


def secret_problem(secret: str, key: str, position: Position | None) -> Problem:
    """A secret that stays as it is written."""
    message = f"{secret} stays this text at {key}: secrets are filled in below _env only"
    return warning("literal-secret", message, position, f"write _env: {{NAME: {secret}}} and read NAME in the program")


def outside_problem(position: Position) -> Problem:
    """A file that is run on its own too, and imports what only Digdag has."""
    message = f"python {position.file} ends here with ModuleNotFoundError: digdag is there only while a task runs"
    advice = "write try: import digdag, except ImportError: pass, or run the task alone with digdag-tui py"
    return warning("outside-digdag", message, position, advice)


def find_secret(value: Value) -> str | None:
    """The first `${secret:...}` in a value."""
    match value:
        case str():
            found = _SECRET.search(value)
            return found[0] if found else None
        case dict():
            return next(filter(None, map(find_secret, value.values())), None)
        case list():
            return next(filter(None, map(find_secret, value)), None)
        case _:
            return None


def is_plain(project: Path, position: Position, text: str) -> bool:
    """Whether a value stands in its file without quotes, after the key at `position`."""
    file = str(project / position.file)
    linecache.checkcache(file)
    line = linecache.getline(file, position.line)[position.column - 1 :]
    return re.match(rf"[^:]*:\s*{re.escape(text)}\s*(?:[,}}\]#]|$)", line) is not None


def _set_at(binding: Binding) -> str:
    origin = binding.origin
    return f" (set at {origin.position.file}:{origin.position.line})" if origin.position else f" (from {origin})"


def _short(value: Value) -> str:
    text = json_text(_shown(value))
    return text if len(text) <= 60 else text[:57] + "..."


def _shown(value: Value) -> Value:
    """A value without what is not known."""
    if value is OPEN:
        return "?"
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list) else value


def warning(code: str, message: str, position: Position | None, hint: str) -> Problem:
    """A problem that Digdag does not refuse."""
    return Problem(message, position, hint, "warning", code)
