"""Evaluating what a person types in a task's scope, as the engine would in one of its keys, and completing names."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import takewhile

from ..engine.attempt import Task
from ..params.evaluate import Evaluator
from ..params.layers import Source
from ..params.template import TemplateError
from ..workflow.config import Params, Value
from ..workflow.errors import DigdagError
from ..workflow.names import did_you_mean
from .inspect import Inspection, Param

GLOBALS = ("moment", "JSON", "Math", "Date", "String", "Number", "parseInt", "parseFloat")
"""Names that every template has beside the params, offered after those."""

_DESCRIBED = """(function(value) {
    var kind = Object.prototype.toString.call(value).slice(8, -1).toLowerCase();
    var text = value == null ? '' : typeof value == 'string' ? value : JSON.stringify(value);
    if (value && value._isAMomentObject) kind = 'moment';
    return JSON.stringify([kind, String(text), value === undefined ? null : value, String(value)]);
})((%s))"""
_NAME = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_BEFORE = re.compile(r"""((?:[A-Za-z_$][\w$]*|\[(?:\d+|"[^"]*"|'[^']*')\]|\.)*?)([A-Za-z_$][\w$]*)?$""", re.ASCII)
_STEP = re.compile(r"""([A-Za-z_$][\w$]*)|\[(?:(\d+)|"([^"]*)"|'([^']*)')\]|\.""", re.ASCII)


@dataclass(frozen=True, slots=True)
class Variables:
    """What a template in one task can name; `timezone` is the local time of moment and Date."""

    values: Params
    timezone: Value


@dataclass(frozen=True, slots=True)
class Result:
    """What a text came to.

    Attributes:
        value: the value as JSON has it.
        kind: what JavaScript says that it is: `number`, `string`, `array`, `object`, `undefined`, `moment`, ...
        shown: `value` as a person reads it where JSON has no word for it, such as `NaN`; else None.
        text: what `${...}` makes of it in a param: always a text.
        variables: the params that it read.
    """

    value: Value
    kind: str
    shown: str | None
    text: str
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """What may stand from `start` on instead of what is typed there."""

    start: int
    candidates: tuple[str, ...]

    @property
    def shared(self) -> str:
        """What all candidates begin with."""
        first, last = min(self.candidates, default=""), max(self.candidates, default="")
        same = takewhile(lambda letters: letters[0] == letters[1], zip(first, last, strict=False))
        return "".join(letter for letter, _ in same)


def variables(task: Task, inspection: Inspection) -> Variables:
    """What a key of `task` sees that stands after all others; a group's own keys are no params (core 6.1).

    Raises:
        DigdagError: the task's params cannot be known.
    """
    if inspection.error:
        raise DigdagError(inspection.error)
    params = (*inspection.params, *inspection.built_in, *(() if task.is_group else inspection.own))
    timezone = next((_built_in(param) for param in params if param.name == "timezone"), None)
    return Variables({param.name: param.value for param in params}, timezone)


def evaluate(text: str, scope: Variables, evaluator: Evaluator) -> Result:
    """What an expression such as `amount * 2` or a text with `${...}` comes to.

    Raises:
        TemplateError: it cannot be evaluated; its hint has the nearest names.
        DigdagError: nothing is typed.
    """
    if not text.strip():
        raise DigdagError("nothing is typed: an expression such as amount * 2, or a text with ${...}")
    try:
        if "${" in text:
            result = evaluator.text(text, scope.values, scope.timezone)
            return Result(result, "string", None, result, evaluator.variables(text, scope.values))
        return _expression(text.strip(), scope, evaluator)
    except TemplateError as error:
        if error.missing and not error.hint:
            error.hint = did_you_mean(error.missing, scope.values) or f"no param is named {error.missing}"
        raise


def as_expression(path: tuple[str, ...]) -> str:
    """The expression that gives the param at a path, "" if there is none: its first key is no name in JavaScript."""
    if not _NAME.fullmatch(path[0]):
        return ""
    return path[0] + "".join(f".{key}" if _NAME.fullmatch(key) else f"[{json.dumps(key)}]" for key in path[1:])


def is_true(result: Result) -> bool:
    """Whether JavaScript takes a result for true; a text is true unless it is empty, or `false` as a template's."""
    if result.kind == "string":
        return result.value not in ("", "false")
    if result.kind in ("null", "undefined"):
        return False
    if result.kind == "number":
        return result.shown != "NaN" if result.shown else bool(result.value)
    return result.kind != "boolean" or bool(result.value)


def complete(text: str, cursor: int, scope: Variables) -> Completion:
    """The names that may be meant at `cursor`; in a text with `${...}` only inside of that."""
    before = text[:cursor]
    if "${" in text and (before.rfind("${") < 0 or before.rfind("${") < before.rfind("}")):
        return Completion(cursor, ())
    path, typed = _path_before(before)
    start = cursor - len(typed)
    if path is None:
        return Completion(start, ())
    if path:
        holder = _at(path, scope.values)
        names = [*holder] if isinstance(holder, dict) else []
    else:
        names = [*scope.values, *(name for name in GLOBALS if name not in scope.values)]
    found = [name for name in names if name.startswith(typed) and name != typed and _NAME.fullmatch(name)]
    if not found and typed:
        found = [name for name in names if typed.casefold() in name.casefold() and _NAME.fullmatch(name)]
    return Completion(start, tuple(name for name in found if name != typed))


def _built_in(param: Param) -> Value:
    """A built-in param's value, whatever a task's own key made of it: time is not local to a task (core 6.5)."""
    return next((each.value for each in param.bindings if each.origin.source is Source.BUILT_IN), param.value)


def _expression(text: str, scope: Variables, evaluator: Evaluator) -> Result:
    template = "${" + text + "}"
    try:
        described = evaluator.text("${" + _DESCRIBED % text + "}", scope.values, scope.timezone)
        kind, result, value, shown = json.loads(described)
    except (TemplateError, ValueError):
        result = evaluator.text(template, scope.values, scope.timezone)  # fails in Digdag's own words
        value, kind, shown = result, "string", result
    odd = kind in ("undefined", "function", "regexp") or (kind == "number" and value is None)
    return Result(value, kind, shown if odd else None, result, evaluator.variables(template, scope.values))


def _path_before(before: str) -> tuple[list[str | int] | None, str]:
    """The path whose member is typed at the end of `before`, and what of it is typed; None after something else."""
    found = _BEFORE.search(before)
    way, typed = (found[1], found[2] or "") if found else ("", "")
    start = len(before) - len(way) - len(typed)
    if start and (before[start - 1] in ").]\"'" or before[start - 1].isalnum()):
        return None, typed
    if not way:
        return [], typed
    if not way.endswith("."):
        return None, typed
    path: list[str | int] = []
    for step in _STEP.finditer(way):
        if step[2] is not None:
            path.append(int(step[2]))
        else:
            name = next((group for group in (step[1], step[3], step[4]) if group is not None), None)
            if name is not None:
                path.append(name)
    return path or None, typed


def _at(path: list[str | int], value: Value) -> Value:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value
