"""What names may look like, and how Digdag says that one may not (core 3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .errors import DigdagError, Position, Problem
from .keys import edit_distance, suggestions

_OTHER_CHARACTER = re.compile(r"[^a-zA-Z0-9_\-=\[\]{}%&@`,.^]")
_TASK_NAME = re.compile(r"[+^][a-zA-Z0-9_\-=\[\]{}%&@`,.^]{0,254}")
_LONGEST = 255


class Failure(NamedTuple):
    """A rule that a name breaks: `<field> <rule>: "<name>"`."""

    field: str
    rule: str
    name: str
    position: Position | None = None

    def __str__(self) -> str:
        return f'{self.field} {self.rule}: "{self.name}"'

    @property
    def problem(self) -> Problem:
        return Problem(str(self), self.position, "names have letters, digits and _-=[]{}%&@`,. only")


class ModelValidationError(DigdagError):
    """Digdag's ModelValidationException: names that may not be so."""

    kind = "model validation"

    def __init__(self, model: str, failures: Sequence[Failure]) -> None:
        super().__init__("\n".join([f"Validating {model} failed", *map(str, failures)]), position=failures[0].position)
        self.failures = tuple(failures)


def task_name_failures(name: str, field: str = "name", position: Position | None = None) -> list[Failure]:
    """The rules for a task's name at any level that `name` breaks."""
    if _TASK_NAME.fullmatch(name):
        return []
    rules = []
    if not name:
        rules.append("must not be blank")
    elif name[0] not in "+^":
        rules.append("must start with '+' or '^'")
    other = _OTHER_CHARACTER.search(name, 1)
    if other:
        rules.append(f"must not contain character '{other[0]}'")
    if len(name) > _LONGEST:
        rules.append(f"must not be longer than {_LONGEST} characters")
    return [Failure(field, rule, name, position) for rule in rules]


def top_level_task_name_failures(name: str, position: Position | None = None) -> list[Failure]:
    """The rules for a task's name in a workflow file that `name` breaks; it begins with `+`."""
    failures = task_name_failures(name, "task name", position)
    if "^" in name:
        failures.insert(0, Failure("task name", "must not contain ^ character", name, position))
    return failures


def workflow_name_failures(name: str, position: Position | None = None) -> list[Failure]:
    """The rules for a workflow's name that `name` breaks."""
    rules = []
    if not name:
        rules.append("must not be blank")
    elif name[0] in "0123456789":
        rules.append("must not start with a numeric digit (0-9)")
    elif name[0] in '+^@/\\:*?"<>|':
        rules.append('must not include special symbols (+ ^ @ / \\ / : * ? " < > |)')
    if name.endswith(".dig"):
        rules.append("must not end with .dig")
    if len(name) > _LONGEST:
        rules.append(f"must not be longer than {_LONGEST} characters")
    return [Failure("name", rule, name, position) for rule in rules]


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """A hint with the candidates nearest to a misspelt `word`, if any is near."""
    near = suggestions(word, candidates)
    least = min((edit_distance(word, candidate) for candidate in near), default=0)
    nearest = [candidate for candidate in near if edit_distance(word, candidate) == least]
    return f"did you mean {' or '.join(nearest)}?" if nearest else None
