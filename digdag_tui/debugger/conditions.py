"""What a breakpoint may ask before it stops: a condition in the task's scope, and how often it was reached."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..params.evaluate import Evaluator
from ..params.template import Expression, TemplateError, split
from ..workflow.config import Params
from ..workflow.errors import DigdagError
from ..workflow.names import did_you_mean
from .evaluate import Variables

if TYPE_CHECKING:
    from .breakpoints import Breakpoint

_HITS = re.compile(r"\s*(>=|<=|==|=|>|<|%)?\s*(\d{1,9})\s*", re.ASCII)
_TRUTH = "${(function (value) { return value && value !== 'false' ? 'true' : ''; })(%s)}"
_OPENING = re.compile(r"\$\{(?![a-z]+:)")
_COMPARED: dict[str, Callable[[int, int], bool]] = {
    "": operator.eq,
    "=": operator.eq,
    "==": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "%": lambda hits, number: hits % number == 0,
}


def check_condition(text: str) -> None:
    """Refuse what is neither one JavaScript expression nor a text with `${...}`.

    Raises:
        DigdagError: it does not parse; one sentence that says where.
    """
    if not text.strip():
        raise DigdagError("an expression is missing: such as region == 'west'")
    if "${" in text:
        check_template(text)
        return
    template = split("${" + text + "}")
    if len(template.parts) != 1 or not isinstance(template.parts[0], Expression):
        raise DigdagError(f"the condition does not parse: a }} too many in {text}")
    _check(text, text, 0)


def check_template(text: str) -> None:
    """Refuse a text of which a `${...}` is no expression.

    Raises:
        DigdagError: it does not parse; one sentence that says where.
    """
    position = 0
    for part in split(text).parts:
        if isinstance(part, Expression):
            position = text.find(part.source, position)
            _check(part.source, text, position)
            position += len(part.source)
    if any(isinstance(part, str) and _OPENING.search(part) for part in split(text).parts):
        raise DigdagError(f"a ${{ is not closed in {text}")


def _check(source: str, text: str, offset: int) -> None:
    from ..params.javascript.code import compile_template, source_of
    from ..params.javascript.syntax import ScriptError

    template = split("${" + source + "}")
    try:
        compile_template(template)
    except ScriptError as error:
        column = error.position - source_of(template)[1][0][0]
        if column >= len(source.rstrip()) and not error.hint:
            raise DigdagError(f"something is missing at the end of {source.strip()}") from None
        hint = f": {error.hint}" if error.hint else ""
        words = " ".join(error.message.split())
        raise DigdagError(f"{words} at column {max(0, column) + offset + 1} of {text}{hint}") from None


def check_hits(text: str) -> None:
    """Refuse a hit condition of another form than `3`, `>= 3` or `% 2`.

    Raises:
        DigdagError: it is none.
    """
    found = _HITS.fullmatch(text)
    if not found:
        raise DigdagError(f"hits are a number, as 3, >= 3 or % 2 (every second time), not {text}")
    if found[1] == "%" and not int(found[2]):
        raise DigdagError("hits % 0 never comes true: % 2 is every second time")


def check_python(breakpoint: Breakpoint) -> None:
    """Refuse what is no Python in a breakpoint in a Python file.

    Raises:
        DigdagError: its condition or its message does not parse, or its hits are none.
    """
    texts = [breakpoint.condition] * bool(breakpoint.condition)
    for text in [*texts, *re.findall(r"\{([^{}]*)\}", breakpoint.log_message)]:
        try:
            compile(text.strip(), "<breakpoint>", "eval")
        except (SyntaxError, ValueError) as error:
            raise DigdagError(f"{text} is no Python expression: {getattr(error, 'msg', error)}") from None
    if breakpoint.hit_condition:
        check_hits(breakpoint.hit_condition)


def reached(hit_condition: str, hits: int) -> bool:
    """Whether a breakpoint that was hit `hits` times now, this time included, stops."""
    found = _HITS.fullmatch(hit_condition)
    return not found or _COMPARED[found[1] or ""](hits, int(found[2]))


def holds(condition: str, scope: Variables, evaluator: Evaluator) -> bool:
    """Whether a condition is true in a task's scope: JavaScript's truth, but the text `false` is false too.

    A param that a template made is always a text, and so is the result of a condition with `${...}`.

    Raises:
        DigdagError: it cannot be evaluated.
    """
    text = condition if "${" in condition else _TRUTH % condition
    try:
        return evaluator.text(text, scope.values, scope.timezone) not in ("", "false")
    except TemplateError as error:
        if error.missing and not error.hint:
            error.hint = did_you_mean(error.missing, scope.values) or f"no param is named {error.missing}"
        raise


def filled_in(message: str, scope: Variables, evaluator: Evaluator) -> str:
    """A message with its `${...}` evaluated in a task's scope.

    Raises:
        DigdagError: it cannot be evaluated.
    """
    return evaluator.text(message, scope.values, scope.timezone)


def scope_of(params: Params, own: Params, evaluator: Evaluator) -> tuple[Variables, TemplateError | None]:
    """What a task's templates can name, and why one of its own cannot be evaluated.

    Args:
        params: what the task sees, merged, built-in ones among them.
        own: its own keys; empty for a group, whose keys Digdag does not evaluate.
    """
    from ..params.evaluate import Path, Reading

    readings: dict[Path, Reading] = {}
    values = evaluator.evaluate(params, own, readings, on_error="record")
    failed = next((reading.error for reading in readings.values() if reading.error), None)
    return Variables(values, params.get("timezone")), failed
