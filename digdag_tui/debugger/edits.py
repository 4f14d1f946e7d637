"""The person's edits of an attempt: which hold, which had an effect already, and taking one back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from ..engine.attempt import nested
from ..engine.events import AttemptStarted, EditUndone, GroupPlanned, ParamEdited, TaskStarted
from ..engine.recording import INSERTING
from ..workflow.config import Params, Value, merge

Scope: TypeAlias = Literal["task", "onward", "session"]


class MadeEdit(Struct):
    """An edit.

    Attributes:
        number: its place among the attempt's edits, from 0; None while its task is not ready in this attempt yet.
        task: the full name of the task at which it was made.
        had_effect: whether a task has begun since that saw it.
        undone: whether it was taken back.
    """

    event: ParamEdited
    task: str
    number: int | None = None
    had_effect: bool = False
    undone: bool = False

    @property
    def name(self) -> str:
        """Its path as people write it."""
        return ".".join(self.event.path)


class Edits:
    """All edits of one attempt, a fold of its events."""

    def __init__(self) -> None:
        self.made: list[MadeEdit] = []
        self._names: dict[int, str] = {}

    def apply(self, event: object) -> None:
        """Take in what happened."""
        match event:
            case AttemptStarted():
                self.made.clear()
                self._names.clear()
            case ParamEdited():
                self.made.append(MadeEdit(event, self._names[event.task], len(self.made)))
            case EditUndone():
                self.made[event.edit].undone = not event.again
            case TaskStarted() | GroupPlanned():
                for edit in self.made:
                    if not edit.undone and (edit.event.scope == "session" or edit.event.task == event.task):
                        edit.had_effect = True
            case _:
                pass
        if isinstance(event, INSERTING):
            self._names.update((new.id, new.full_name) for new in event.added)

    @property
    def in_force(self) -> list[MadeEdit]:
        """Those that were not taken back."""
        return [edit for edit in self.made if not edit.undone]

    def last(self) -> MadeEdit | None:
        """What undoing is about: the last edit that had no effect yet, else the last one."""
        edits = self.in_force
        return next((edit for edit in reversed(edits) if not edit.had_effect), edits[-1] if edits else None)

    def toggled(self, number: int, at: float) -> EditUndone:
        """The event that takes an edit back, or makes it again if it was; `at` is seconds since the epoch."""
        edit = self.made[number]
        scope, task = edit.event.scope, edit.event.task
        values: Params = {}
        for other in self.made:
            same = other.event.scope == scope and (scope == "session" or other.event.task == task)
            if same and other.undone == (other is edit):
                values = merge(values, nested(other.event.path, other.event.value))
        return EditUndone(at, number, values, scope, task, again=edit.undone)

    def to_make_again(
        self, waiting: Mapping[str, Iterable[ParamEdited]], without: int | None = None
    ) -> dict[str, list[ParamEdited]]:
        """For a new attempt: what holds but the edit numbered `without`, and what is `waiting` still, by task."""
        kept: dict[str, list[ParamEdited]] = {}
        for edit in self.in_force:
            if edit.number != without:
                kept.setdefault(edit.task, []).append(edit.event)
        for name, events in waiting.items():
            kept.setdefault(name, []).extend(events)
        return kept


def old_value(values: Params, path: tuple[str, ...]) -> Value:
    """What stands at a path, `msgspec.UNSET` if nothing does."""
    value: Value = values
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return msgspec.UNSET
        value = value[key]
    return value
