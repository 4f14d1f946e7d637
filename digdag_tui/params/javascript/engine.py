"""Runs the scripts of templates on QuickJS, each as if it were alone (core 6.5)."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ...workflow.config import Value
from ...workflow.errors import ConfigError
from ..template import Expression, Template, TemplateError
from .syntax import Script, ScriptError, parse
from .zones import periods

_METHODS = [
    "codePointAt",
    "codePointBefore",
    "codePointCount",
    "compareTo",
    "compareToIgnoreCase",
    "contains",
    "contentEquals",
    "endsWith",
    "equals",
    "equalsIgnoreCase",
    "formatted",
    "hashCode",
    "intern",
    "isBlank",
    "isEmpty",
    "length",
    "matches",
    "regionMatches",
    "repeat",
    "replaceAll",
    "replaceFirst",
    "startsWith",
    "strip",
    "stripLeading",
    "stripTrailing",
    "subSequence",
]
_MARK = "\u029d"
_HIDDEN = {name: _MARK + name[1:] for name in _METHODS}
"""java.lang.String's methods under names of the same length, so that renaming a call moves nothing (see java.js)."""
_VISIBLE = {hidden: name for name, hidden in _HIDDEN.items()}
_HIDDEN_NAME = re.compile(_MARK + r"\w+")

_HEADER = "with(this){\nvar __t,__p='',__j=Array.prototype.join,print=function(){__p+=__j.call(arguments,'');};\n__p+='"
_BEFORE, _AFTER = "'+\n((__t=(", "))==null?'':(typeof __t==\"string\"?__t:JSON.stringify(__t)))+\n'"
_FOOTER = "';\nreturn __p;\n}\n"
_STRINGIFY = slice(_AFTER.index("JSON"), _AFTER.index("(__t)", 40))
_FUNCTION = "(function(){"
_TEMPLATE_READS = frozenset(("Array", "JSON", "__t", "__p", "__j", "print"))

_OBJECT_METHODS = frozenset(
    ("hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf")
)
"""Called by their bare name they get the params as `this`."""
_REFLECTION = frozenset(
    [
        "Function",
        "__defineGetter__",
        "__defineSetter__",
        "__proto__",
        "callee",
        "caller",
        "constructor",
        "defineProperties",
        "defineProperty",
        "eval",
        "prototype",
        "setPrototypeOf",
    ]
)
_LOCALES = frozenset(
    [
        "creationData",
        "defineLocale",
        "getOwnPropertyDescriptor",
        "lang",
        "langData",
        "locale",
        "localeData",
        "relativeTimeRounding",
        "relativeTimeThreshold",
        "updateLocale",
    ]
)
"""What reaches the state that moment keeps for itself."""

_SPECIAL = re.compile("[\\\\'\r\n\u2028\u2029\0\ud800-\udfff]")
_UNSAFE = re.compile("[\0\ud800-\udfff]")
_FRAME = re.compile(r"\(<input>:(\d+):(\d+)\)")
_NEWER_METHODS = {
    "includes": "indexOf(x) >= 0", "padStart": "('0' + n).slice(-2)", "padEnd": "+", "find": "filter(f)[0]",
    "findIndex": "a loop", "trimStart": "replace(/^\\s+/, '')", "trimEnd": "replace(/\\s+$/, '')", "flat": "concat",
    "flatMap": "map and concat", "fill": "a loop", "at": "an index", "matchAll": "match with flag g",
    "assign": "a loop over Object.keys", "entries": "Object.keys", "values": "Object.keys(x).map", "from": "map",
    "isInteger": "x % 1 === 0",
}  # fmt: skip


class Engine:
    """Evaluates templates that need JavaScript.

    Scripts that cannot change anything beyond their own text share a context whose built-ins are frozen; any other
    gets a context for itself. Contexts stay with the thread that made them: a second thread gets its own.

    Args:
        time_limit: seconds of processor time that one text may take.
        memory_limit: bytes that a context may hold.
    """

    def __init__(self, time_limit: float, memory_limit: int) -> None:
        self.time_limit = time_limit
        self.memory_limit = memory_limit
        self._local = threading.local()

    def evaluate(self, template: Template, scope: Mapping[str, Value], timezone: str) -> str:
        """The template's text with the params of `scope`.

        Raises:
            TemplateError: it is no ECMAScript 5, threw, or ran into a limit.
            ConfigError: the time zone does not exist.
        """
        try:
            code = _compile(template)
        except ScriptError as error:
            raise TemplateError(
                template.text, _syntax_error(template, error), hint=_syntax_hint(template, error)
            ) from None
        zone = timezone if code.needs_moment else ""
        params = _params(template, code, scope)
        try:
            if code.alone:
                result = self._context(zone, shared=False).run(code.source, params)
            else:
                result = self._shared(zone).run(code.source, params)
        except _Limit as error:
            self._contexts.pop(zone, None)
            raise self._limit_error(template, str(error)) from None
        if isinstance(result, str):
            return result
        if result[0].startswith("InternalError"):
            self._contexts.pop(zone, None)
            raise self._limit_error(template, result[0])
        raise _thrown(template, code.source, *result)

    @property
    def _contexts(self) -> dict[str, _Context]:
        """This thread's shared contexts: one without moment, and one for each time zone."""
        contexts: dict[str, _Context] = self._local.__dict__.setdefault("contexts", {})
        return contexts

    def _shared(self, zone: str) -> _Context:
        contexts = self._contexts
        if zone not in contexts:
            if len(contexts) > 4:
                contexts.clear()
            contexts[zone] = self._context(zone, shared=True)
        return contexts[zone]

    def _context(self, zone: str, shared: bool) -> _Context:
        return _Context(zone, self.time_limit, self.memory_limit, shared)

    def _limit_error(self, template: Template, message: str) -> TemplateError:
        if "interrupted" in message:
            reason = f"time limit of {self.time_limit:g} s exceeded"
        elif "memory" in message or "too long" in message:
            reason = f"memory limit of {self.memory_limit / 2**20:g} MB exceeded"
        else:
            reason = message.partition("\n    at ")[0].strip()
        return TemplateError(template.text, reason)


class _Limit(Exception):
    """A script was stopped from outside; nothing in it can catch that."""


class _Context:
    """A QuickJS context with Digdag's globals; with a `zone` also with its Date and moment."""

    def __init__(self, zone: str, time_limit: float, memory_limit: int, shared: bool) -> None:
        # The package around it imports logging and starts a thread.
        import _quickjs  # type: ignore[import-not-found]

        self._quickjs: Any = _quickjs
        self._context: Any = _quickjs.Context()
        self._context.set_memory_limit(memory_limit)
        self._context.set_max_stack_size(_stack_size())
        self._functions: dict[str, Any] = {}
        try:
            if zone:
                self._set_up("date.js", periods(zone))
                self._context.eval(_moment())
                self._set_up("moment.js", {})
            self._set_up("java.js", _HIDDEN)
            self._run = self._context.eval(_resource("es5.js"))(shared)
        except _quickjs.JSException as error:
            raise _Limit(str(error)) from None
        self._context.set_time_limit(time_limit)

    def _set_up(self, resource: str, argument: Mapping[str, object]) -> None:
        self._context.eval(_resource(resource))(self._context.parse_json(json.dumps(argument)))

    def run(self, source: str, params: str) -> str | list[str]:
        """The result of a function body, or what it threw and the stack of that."""
        try:
            function = self._functions.get(source)
            if function is None:
                if len(self._functions) >= 1000:
                    self._functions.clear()
                function = self._functions[source] = self._context.eval(f"{_FUNCTION}{source}}})")
            result = self._run(function, params)
        except self._quickjs.JSException as error:
            message = str(error)
            if message.startswith("SyntaxError"):
                return [message.partition("\n")[0], ""]
            raise _Limit(message) from None
        return result if isinstance(result, str) else json.loads(result.json())


class _Code:
    """A template as JavaScript."""

    __slots__ = ("alone", "names", "needs_moment", "script", "source")

    def __init__(self, source: str, script: Script) -> None:
        words = script.members.union(path[0] for path in script.reads)
        reflects = script.reads_global or not _REFLECTION.isdisjoint(words)
        self.needs_moment = reflects or "moment" in words or "Date" in words
        self.alone = script.changes or reflects or ("moment" in words and _reaches_locales(script))
        self.script = script
        self.source = source
        self.names: frozenset[str] | None = _TEMPLATE_READS.union(path[0] for path in script.reads)
        if script.reads_all or "eval" in words or not _OBJECT_METHODS.isdisjoint(self.names):
            self.names = None


def _reaches_locales(script: Script) -> bool:
    private = any(name.startswith("_") for name in script.members)
    return script.dynamic or private or not _LOCALES.isdisjoint(script.members)


@lru_cache(maxsize=4096)
def _compile(template: Template) -> _Code:
    source, spans = _source(template)
    script = parse(source, spans)
    characters = list(source)
    for name, position in script.methods:
        if name in _HIDDEN:
            characters[position] = _MARK
    return _Code(_UNSAFE.sub(_escape, "".join(characters)), script)


def _source(template: Template) -> tuple[str, list[tuple[int, int]]]:
    """The body of Digdag's template function, and where the expressions stand in it."""
    pieces, spans, length = [_HEADER], [], len(_HEADER)
    for part in template.parts:
        if isinstance(part, Expression):
            start = length + len(_BEFORE)
            spans.append((start, start + len(part.source)))
            piece = _BEFORE + part.source + _AFTER
        else:
            piece = _SPECIAL.sub(_escape, part)
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces) + _FOOTER, spans


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return {"\\": "\\\\", "'": "\\'", "\r": "\\r", "\n": "\\n"}.get(character) or f"\\u{ord(character):04x}"


def _params(template: Template, code: _Code, scope: Mapping[str, Value]) -> str:
    """The params that the code may ask for, as JSON."""
    if code.names is None:
        params = dict(scope)
    else:
        params = {name: scope[name] for name in code.names if name in scope}
        # Variables that Digdag's template code leaves behind where a script can see them.
        for name, value in (
            ("m", [template.rest and "${" + template.rest, template.rest or None]),
            ("all", template.rest and "${" + template.rest),
            ("match", template.rest or None),
        ):
            if name in code.names:
                params.setdefault(name, value)
    try:
        return json.dumps(params, allow_nan=False)
    except ValueError:
        return json.dumps(_without_nan(params))


def _without_nan(value: Value) -> Value:
    """NaN and the infinities as texts, as Digdag writes them into JSON."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return [_without_nan(item) for item in value] if isinstance(value, list) else value


def reads(template: Template) -> tuple[tuple[str, ...], ...]:
    """The variables that a template names, with the properties asked of them; nothing if it is no ECMAScript 5."""
    try:
        return _compile(template).script.reads
    except ScriptError:
        return ()


# What went wrong


def _syntax_error(template: Template, error: ScriptError) -> str:
    source, _ = _source(template)
    before = source[: error.position].split("\n")
    line, column = len(before), len(before[-1])
    text = source.split("\n")[line - 1]
    return f"{error.kind}: <function>:{line}:{column} {error.message}\n{text}\n{' ' * column}^"


def _syntax_hint(template: Template, error: ScriptError) -> str | None:
    if error.hint:
        return error.hint
    sources = [expression.source for expression in template.expressions]
    if any(not source.strip() for source in sources):
        return "write ${} for nothing"
    if error.message == "Missing close quote":
        return "a template ends at the first } that closes it, also inside quotes"
    if any("//" in source.rpartition("\n")[2] for source in sources):
        return "a // comment hides the end of the template: write /* */"
    return None


def _thrown(template: Template, source: str, message: str, stack: str) -> TemplateError:
    """The error for what a script threw, in the words of Digdag's engine."""
    message = _HIDDEN_NAME.sub(lambda found: _VISIBLE.get(found[0], found[0]), message)
    name, _, rest = message.partition(": ")
    hint = missing = None
    if name == "ReferenceError" and rest.endswith(" is not defined"):
        missing = rest.removesuffix(" is not defined").strip("'\"")
        message = f"ReferenceError: {missing} is not defined"
    elif rest.startswith(("cannot read property", "cannot set property")):
        message = f"{name}: C{rest[1:]}"
    elif rest in ("not a function", "not a constructor"):
        callee = _callee(template, source, stack)
        if callee:
            root, dot, path = callee.rpartition(".")
            message = f"{name}: {'(intermediate value).' + path if dot else callee} is {rest}"
            hint = f"{callee} is {rest}"
            if path in _NEWER_METHODS and root:
                hint = f"templates are ECMAScript 5, which has no {path}: use {_NEWER_METHODS[path]}"
    return TemplateError(template.text, message, missing=missing, hint=hint)


def _callee(template: Template, source: str, stack: str) -> str | None:
    """The text of what was called where `stack` begins."""
    frame = _FRAME.search(stack.partition("\n")[0])
    if frame is None:
        return None
    line, column = int(frame[1]), int(frame[2]) - 1
    lines = source.split("\n")
    position = sum(len(text) + 1 for text in lines[: line - 1]) + column - (len(_FUNCTION) if line == 1 else 0)
    original, expressions = _source(template)
    stringify = [(end + _STRINGIFY.start, end + _STRINGIFY.stop) for _, end in expressions]
    spans = [span for span in (*_compile(template).script.callees, *stringify) if span[0] <= position < span[1]]
    if not spans:
        return None
    start, end = min(spans, key=lambda span: span[1] - span[0])
    return original[start:end]


# Resources


@lru_cache
def _resource(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()


@lru_cache
def _moment() -> str:
    """moment.js of the package js.momentjs, which is not imported: that would load a web framework.

    Nor is it asked for through importlib.metadata, which takes longer to load than all else that a template needs.
    """
    for directory in sys.path:
        path = os.path.join(directory, "js", "momentjs", "resources", "moment.min.js")
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                # Since 2.16 a text is in ISO's form only if all of it is.
                return file.read().replace(r"|\s*Z)?)?/", r"|\s*Z)?)?$/")
    raise ConfigError("moment.js is missing", hint="install the package js.momentjs")


@lru_cache
def _stack_size() -> int:
    """Bytes of the C stack that a script may use: half of what threads have, since they come here with some in use."""
    try:
        import resource

        stack = resource.getrlimit(resource.RLIMIT_STACK)[0]
    except ImportError:
        stack = 2**20
    size = 2**21 if stack < 0 else stack
    return min(threading.stack_size() or size, size, 2**23) // 2
