"""The person's edits of an attempt: which hold, which had an effect already, and taking one back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from ..engine.attempt import nested
from ..engine.events import AttemptStarted, EditUndone, GroupPlanned, ParamEdited, TaskStarted
from ..engine.recording import INSERTING, Row
from ..workflow.config import Params, Value, merge

Scope: TypeAlias = Literal["task", "onward", "session"]


class MadeEdit(Struct):
    """An edit.

    Attributes:
        number: its place among the attempt's edits, from 0; None while its task is not ready in this attempt yet.
        task: the full name of the task at which it was made.
        had_effect: whether a task has begun since that saw it.
        undone: whether it was taken back.
        row: which of the tasks of that name it is, from 1: a group's retry makes more of them.
    """

    event: ParamEdited
    task: str
    number: int | None = None
    had_effect: bool = False
    undone: bool = False
    row: int = 1

    @property
    def name(self) -> str:
        """Its path as people write it."""
        return ".".join(self.event.path)


class Edits:
    """All edits of one attempt, a fold of its events."""

    def __init__(self) -> None:
        self.made: list[MadeEdit] = []
        self._rows: dict[int, Row] = {}
        self._count: Counter[str] = Counter()

    def apply(self, event: object) -> None:
        """Take in what happened."""
        match event:
            case AttemptStarted():
                self.made.clear()
                self._rows.clear()
                self._count.clear()
            case ParamEdited():
                name, row = self._rows[event.task]
                self.made.append(MadeEdit(event, name, len(self.made), row=row))
            case EditUndone():
                self.made[event.edit].undone = not event.again
            case TaskStarted() | GroupPlanned():
                for edit in self.made:
                    if not edit.undone and _sees(event, edit.event):
                        edit.had_effect = True
            case _:
                pass
        if isinstance(event, INSERTING):
            for new in event.added:
                self._count[new.full_name] += 1
                self._rows[new.id] = new.full_name, self._count[new.full_name]

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
        self, waiting: Mapping[Row, Iterable[ParamEdited]], without: int | None = None
    ) -> dict[Row, list[ParamEdited]]:
        """For a new attempt: what holds but the edit numbered `without`, and what is `waiting` still, by task.

        Those for the session hold from its beginning.
        """
        kept: dict[Row, list[ParamEdited]] = {}
        for edit in self.in_force:
            if edit.number != without:
                row = self._rows[1] if edit.event.scope == "session" else (edit.task, edit.row)
                kept.setdefault(row, []).append(edit.event)
        for row, events in waiting.items():
            kept.setdefault(row, []).extend(events)
        return kept


def _sees(event: TaskStarted | GroupPlanned, edit: ParamEdited) -> bool:
    """Whether a task that begins does so with an edit; one that is kept from before began without."""
    if edit.scope == "session":
        return isinstance(event, TaskStarted) and event.at >= edit.at
    return edit.task == event.task


def old_value(values: Params, path: tuple[str, ...]) -> Value:
    """What stands at a path, `msgspec.UNSET` if nothing does."""
    value: Value = values
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return msgspec.UNSET
        value = value[key]
    return value
