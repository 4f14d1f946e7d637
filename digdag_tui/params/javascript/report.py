"""JavaScript errors in the words of Digdag's engine, and what to do about them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...workflow.config import Value
from ..template import Template, TemplateError
from .code import AFTER, MARK, METHODS, Code, source_of
from .syntax import ScriptError

_HIDDEN = {MARK + name[1:]: name for name in METHODS}
_HIDDEN_NAME = re.compile(MARK + r"\w+")
_FRAME = re.compile(r"\(<input>:(\d+):(\d+)\)")
_NEWER_METHODS = {
    "assign": "a loop over Object.keys(x)", "at": "[n]", "entries": "Object.keys(x)", "fill": "a loop",
    "find": "filter(f)[0]", "findIndex": "a loop", "flat": "concat", "flatMap": "map and concat", "from": "map",
    "includes": "indexOf(x) >= 0", "isInteger": "x % 1 === 0", "matchAll": "match with the flag g", "padEnd": "+",
    "padStart": "('0' + n).slice(-2)", "trimEnd": "trim", "trimStart": "trim", "values": "Object.keys(x).map(f)",
}  # fmt: skip
_NEWER_NAMES = frozenset(
    "BigInt Intl Map Promise Proxy Reflect Set Symbol WeakMap WeakSet globalThis".split()  # noqa: SIM905
)


def syntax_error(template: Template, error: ScriptError) -> TemplateError:
    """The error for a script that is no ECMAScript 5: with the line of Digdag's generated code, and a mark under it."""
    if error.kind == "TypeError":
        return TemplateError(template.text, f"{error.kind}: {error.message}", hint=error.hint)
    source, _ = source_of(template)
    before = source[: error.position].split("\n")
    line, column = len(before), len(before[-1])
    reason = (
        f"{error.kind}: <function>:{line}:{column} {error.message}\n{source.split(chr(10))[line - 1]}\n{' ' * column}^"
    )
    return TemplateError(template.text, reason, hint=error.hint or _syntax_hint(template, error))


def _syntax_hint(template: Template, error: ScriptError) -> str | None:
    sources = [expression.source for expression in template.expressions]
    if not all(map(str.strip, sources)):
        return "write ${} for nothing"
    if error.message == "Missing close quote":
        return "a template ends at the first } that closes it, also inside quotes"
    if any("//" in source.rpartition("\n")[2] for source in sources):
        return "a // comment hides the end of the template: write /* */"
    return None


def thrown(template: Template, scope: Mapping[str, Value], code: Code, message: str, stack: str) -> TemplateError:
    """The error for what a script threw."""
    message = _HIDDEN_NAME.sub(lambda found: _HIDDEN.get(found[0], found[0]), message)
    name, _, rest = message.partition(": ")
    hint = missing = None
    if name == "ReferenceError" and rest.endswith(" is not defined"):
        missing = rest.removesuffix(" is not defined")
        if missing in _NEWER_NAMES:
            hint = f"templates are ECMAScript 5, which has no {missing}"
    elif rest.startswith(("cannot read property", "cannot set property")):
        message = f"{name}: C{rest[1:]}"
    elif rest in ("not a function", "not a constructor"):
        callees = _callees(scope, code, stack)
        newer = [callee for callee in callees if callee.rpartition(".")[2] in _NEWER_METHODS]
        callees = newer[:1] or callees
        if len(callees) == 1:
            _, dot, method = callees[0].rpartition(".")
            message = f"{name}: {'(intermediate value).' if dot else ''}{method} is {rest}"
            if newer:
                hint = f"templates are ECMAScript 5, which has no {method}: use {_NEWER_METHODS[method]}"
        if callees and not newer:
            hint = f"{' or '.join(callees)} is {rest}"
    return TemplateError(template.text, message, missing=missing, hint=hint)


def _callees(scope: Mapping[str, Value], code: Code, stack: str) -> list[str]:
    """What may have been called where `stack` begins: QuickJS tells the last name or property that it looked at."""
    frame = _FRAME.search(stack.partition("\n")[0])
    if frame is None:
        return []
    lines = code.source.split("\n")[: int(frame[1]) - 1]
    position = sum(len(line) + 1 for line in lines) + int(frame[2]) - 1
    calls = list(code.script.calls)
    for _, end in code.expressions:  # the template's own JSON.stringify(__t)
        start = end + AFTER.index("JSON")
        calls.append((start, start + len("JSON.stringify"), start + len("JSON.stringify(__t)")))
    found = []
    for start, callee_end, end in calls:
        callee = code.source[start:callee_end]
        dot = callee.rfind(".")
        if start + dot <= position < end and (dot >= 0 or not callee.isidentifier() or callee in scope):
            found.append(callee)
    return found
