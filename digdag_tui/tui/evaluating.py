"""Evaluating what the person types in a task's scope, and the result as it is shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content

from ..debugger.evaluate import Variables, evaluate, variables
from ..params.template import TemplateError
from ..workflow.errors import DigdagError
from ..workflow.text import json_text
from .lines import Part, Subject
from .outline import preview, role_of
from .text import clean

if TYPE_CHECKING:
    from ..params.evaluate import Evaluator

TIME_LIMIT = 0.5
"""Seconds that an expression may take."""
ROOM = 2000
"""Characters of a value that are shown."""


_STYLES = {
    "string": "$text-success", "number": "$text-warning", "word": "$text-secondary", "accent": "$text-accent",
    "key": "$text-primary", "error": "$text-error", "dim": "$foreground 60%",
}  # fmt: skip


class Outcome(NamedTuple):
    """What was typed came to, masked: its value and type, or an error without a type.

    `whole` is all of the value, or the error, in one line; `text` is what it would be in a param, where that is not how
    it is shown.
    """

    parts: list[Part]
    kind: str
    whole: str
    text: str = ""
    hint: str = ""

    @property
    def failed(self) -> bool:
        return not self.kind


@cache
def evaluator() -> Evaluator:
    """What evaluates for the screen; in the screen's thread only."""
    from ..params.evaluate import Evaluator

    return Evaluator(time_limit=TIME_LIMIT)


def scope_of(subject: Subject) -> Variables | None:
    """What can be named in the scope of a task; None if its params cannot be known."""
    try:
        return variables(subject.task, subject.inspection())
    except DigdagError:
        return None


def outcome(expression: str, scope: Variables | None, mask: Callable[[str], str]) -> Outcome:
    """What an expression, or a text with `${...}`, comes to."""
    if scope is None:
        return _failure("the task's params cannot be known: see Params", "")
    try:
        result = evaluate(expression, scope, evaluator())
    except TemplateError as error:
        reason = _place_of_mistake(expression) if error.reason.startswith("SyntaxError") else ""
        return _failure(mask(reason or error.reason), mask("" if reason else error.hint or ""))
    except DigdagError as error:
        return _failure(mask(error.message), mask(error.hint or ""))
    if result.shown is not None:
        shown = clean(mask(result.shown))
        return Outcome([(shown, "word")], result.kind, shown, _as_param(mask(result.text)))
    role = role_of(result.value)
    parts = [(text, part_role or role) for text, part_role in preview(result.value, ROOM, mask)]
    differs = result.kind in ("null", "date", "moment")
    return Outcome(parts, result.kind, mask(json_text(result.value)), _as_param(mask(result.text)) if differs else "")


def _place_of_mistake(expression: str) -> str:
    """Where in an expression it does not parse: JavaScript's own words count in the code around it."""
    from ..debugger.conditions import check_condition

    try:
        check_condition(expression)
    except DigdagError as error:
        return error.message
    return ""


def content(parts: list[Part]) -> Content:
    """Parts of a pane's row as dialogs show them."""
    return Content.assemble(*((text, _STYLES.get(role, "")) for text, role in parts))


def _as_param(text: str) -> str:
    return clean(json_text(text))


def _failure(message: str, hint: str) -> Outcome:
    """JavaScript's own lines of code under a message are left out."""
    text = clean(message.strip().partition("\n")[0])
    return Outcome([(text, "error")], "", text, hint=clean(hint))
