"""The person's own keys: a YAML file of actions and their keys, in place of those of the table of actions."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from textual.keys import (
    KEY_ALIASES,
    KEY_TO_UNICODE_NAME,
    REPLACED_KEYS,
    Keys,
    _character_to_key,
    format_key,
)

from ..workflow.errors import DigdagError, Position, Problem
from ..workflow.text import json_text
from .actions import GROUPS, PANES, written

MODIFIERS = ("ctrl", "alt", "shift", "super", "meta", "hyper")
TAKEN = {
    "escape": "closes what is open",
    "tab": "goes to the next pane",
    "shift+tab": "goes to the pane before",
    "enter": "opens what is at the cursor",
    "ctrl+p": "opens the palette",
    "ctrl+c": "is for copying and leaving",
    "ctrl+q": "leaves",
}
"""Keys that cannot be given to an action."""
MOVING = frozenset(("up", "down", "left", "right", "pageup", "pagedown", "home", "end", "space", *"jhlG"))
"""Keys that move within panes."""


class Default(NamedTuple):
    """What can be given keys: an action or a pane, its keys, and what it does."""

    keys: tuple[str, ...]
    help: str


class Entry(NamedTuple):
    """A line of the file."""

    keys: tuple[str, ...]
    position: Position


class Keymap(NamedTuple):
    """The keys that differ from the defaults, by the ids of their bindings, and what is wrong with the file."""

    keys: dict[str, tuple[str, ...]]
    problems: tuple[Problem, ...] = ()


def keymap_file() -> Path:
    """Where a person's keymap is, whether there is one or not."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "digdag-tui" / "keys.yml"


def defaults() -> dict[str, Default]:
    """All that can be given keys, by the ids of their bindings."""
    actions = {action.name: Default(_split(action.keys), action.help) for group in GROUPS.values() for action in group}
    return actions | {pane.binding: Default((pane.key,), f"go to {pane.title}") for pane in PANES}


def read_keymap(file: Path) -> Keymap:
    """The keymap in a file; what cannot be used of it is a problem, and has its default.

    Raises:
        DigdagError: the file cannot be read, or is no mapping.
    """
    from ..workflow.yaml import load_text

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        words = "it is no UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise DigdagError(f"{file}: {words}") from None
    if all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines()):
        return Keymap({})
    config = load_text(text, str(file))
    known, problems = defaults(), list[Problem]()
    entries: dict[str, Entry] = {}
    for name, value in config.items():
        position = config.positions.get(name) or Position(str(file), 1, 1)
        if name not in known:
            problems.append(_unknown(name, list(known), position))
            continue
        keys = []
        for given in _given(value):
            key = normal(given)
            reason = _refused(given, key)
            if key is None or reason:
                problems.append(Problem(f"{name}: {reason}", position, severity="warning"))
            else:
                keys.append(key)
        if keys or not _given(value):
            entries[name] = Entry(tuple(dict.fromkeys(keys)), position)
    problems += _without_conflicts(entries, known)
    problems.sort(key=lambda problem: problem.position.line if problem.position else 0)
    return Keymap({name: entry.keys for name, entry in entries.items()}, tuple(problems))


def draft() -> str:
    """A file to begin from: all actions with their keys, in comments."""
    lines = [
        "# The keys of digdag-tui. Take the # from a line and change its keys: they are used instead of the others.",
        "# Several keys are separated by blanks, none are []. Names: f5, ctrl+t, alt+x, space, or a sign such as ?",
    ]
    for group, actions in GROUPS.items():
        lines += ["", f"# {group}"]
        lines += [_line(action.name, Default(_split(action.keys), action.help)) for action in actions]
    lines += ["", "# Panes"]
    lines += [_line(pane.binding, Default((pane.key,), f"go to {pane.title}")) for pane in PANES]
    return "\n".join(lines) + "\n"


def write_draft(file: Path) -> None:
    """Write `draft` to a file that is not there yet.

    Raises:
        OSError: it is there, or cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("x", encoding="utf-8") as out:
        out.write(draft())


def normal(key: str) -> str | None:
    """A key as Textual names it; None if there is no such key."""
    *modifiers, base = key.split("+") if key != "+" and not key.endswith("++") else [*key[:-1].split("+")[:-1], "+"]
    modifiers = [modifier.lower() for modifier in modifiers]
    if len(key) == 2 and key[0] == "^":
        modifiers, base = ["ctrl"], key[1].lower()
    if any(modifier not in MODIFIERS for modifier in modifiers) or not base:
        return None
    if len(base) == 1:
        if not base.isprintable():
            return None
        if modifiers == ["shift"] and base.isalpha():
            return base.upper()
        base = base.lower() if modifiers else base
        name = base if base.isalnum() and base.isascii() else _character_to_key(base)
    else:
        name = {"esc": "escape", "return": "enter", "pgup": "pageup", "pgdn": "pagedown"}.get(
            base.lower(), base.lower()
        )
        if not _is_name(name):
            return None
    return "+".join([*sorted(set(modifiers), key=MODIFIERS.index), name])


def _is_name(name: str) -> bool:
    if name in KEY_TO_UNICODE_NAME or name in REPLACED_KEYS:
        return True
    if name in {key.value for key in Keys}:
        return "+" not in name and "-" not in name and not name.startswith("<")
    try:
        unicodedata.lookup(name.replace("_", " ").upper())
    except KeyError:
        return False
    return True


def _split(keys: str) -> tuple[str, ...]:
    return tuple(key for key in keys.split(",") if key)


def _given(value: object) -> list[str]:
    """The keys as they are written: a text with blanks between, a list, or nothing."""
    if value is None:
        return []
    if isinstance(value, list):
        return [key for item in value for key in _given(item)]
    return [key for key in re.split(r"(?<=\S),\s*(?=\S)|\s+", str(value)) if key]


def _refused(given: str, key: str | None) -> str | None:
    if key is None:
        return f"there is no key {given}: a key is a sign such as ?, or named as in f5, ctrl+t, space"
    if key in TAKEN:
        return f"{written(key)} {TAKEN[key]}: choose another key"
    if key in MOVING:
        return f"{written(key)} moves in the panes: choose another key"
    same = next((name for name, aliases in KEY_ALIASES.items() if key in aliases and name in TAKEN), None)
    return f"terminals send {given} as {same}: choose another key" if same else None


def _unknown(name: str, known: list[str], position: Position) -> Problem:
    from ..workflow.names import did_you_mean

    hint = did_you_mean(str(name), known) or "the palette writes a file with all names"
    return Problem(f"there is no action {name}", position, hint, severity="warning")


def _without_conflicts(entries: dict[str, Entry], known: Mapping[str, Default]) -> Iterator[Problem]:
    """Take out the last entry of those that share a key, until none do."""
    while conflict := _conflict(entries, known):
        name, other, key = conflict
        position = entries.pop(name).position
        words = f"{written(key)} is the key of {other} too: give that another one, or none ([])"
        yield Problem(f"{name}: {words}", position, severity="warning")


def _conflict(entries: Mapping[str, Entry], known: Mapping[str, Default]) -> tuple[str, str, str] | None:
    """The entry to take out, what it shares a key with, and the key."""
    owners: dict[str, list[str]] = {}
    for name, default in known.items():
        for key in entries[name].keys if name in entries else default.keys:
            owners.setdefault(key, []).append(name)
    for key, names in owners.items():
        changed = sorted((name for name in names if name in entries), key=lambda name: entries[name].position.line)
        if len(names) > 1 and changed:
            return changed[-1], next(name for name in names if name != changed[-1]), key
    return None


def _line(name: str, default: Default) -> str:
    keys = " ".join(sign if len(sign := format_key(key)) == 1 and normal(sign) == key else key for key in default.keys)
    value = json_text(keys) if keys else "[]"
    return f"# {f'{name}: {value}':40}  # {default.help}"
