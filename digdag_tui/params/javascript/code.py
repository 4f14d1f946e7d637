"""A template as the JavaScript function that Digdag makes of it, and what that function needs (core 6.5)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ...workflow.config import Value
from ..template import KEPT_LENGTH, Expression, Template
from .syntax import Script, ScriptError, parse

HEADER = "with(this){\nvar __t,__p='',__j=Array.prototype.join,print=function(){__p+=__j.call(arguments,'');};\n__p+='"
BEFORE = "'+\n((__t=("
AFTER = "))==null?'':(typeof __t==\"string\"?__t:JSON.stringify(__t)))+\n'"
FOOTER = "';\nreturn __p;\n}\n"
_NAMES = frozenset(("Array", "JSON", "__t", "__p", "__j", "print"))

METHODS = frozenset(
    "chars codePointAt codePointBefore codePointCount codePoints compareTo compareToIgnoreCase contains "  # noqa: SIM905
    "contentEquals endsWith equals equalsIgnoreCase formatted getBytes getClass hashCode indent intern isBlank "
    "isEmpty length lines matches offsetByCodePoints regionMatches repeat replaceAll replaceFirst startsWith strip "
    "stripLeading stripTrailing subSequence toCharArray transform".split()
)
"""java.lang.String's methods, which a text shows to calls only (java.js)."""
_JAVA = METHODS | frozenset(
    "Graal JSAdapter Java JavaImporter Packages com edu exit java javafx javax load loadWithNewGlobal "  # noqa: SIM905
    "localeCompare org printErr quit template".split()
)
"""What java.js gives."""
MARK = "\u029d"
"""Stands for the first letter of such a method where it is called: a name of the same length, so nothing moves."""

_OBJECT_METHODS = frozenset(
    ("hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf")
)
"""Called by their bare names they get the params as `this`."""
_REFLECTION = frozenset(
    "Function __defineGetter__ __defineSetter__ __proto__ callee caller constructor defineProperties "  # noqa: SIM905
    "defineProperty eval prototype setPrototypeOf".split()
)
"""What reaches or changes more than a script names."""
_LOCALES = frozenset(
    "creationData defineLocale getOwnPropertyDescriptor lang langData locale localeData "  # noqa: SIM905
    "relativeTimeRounding relativeTimeThreshold updateLocale".split()
)
"""What reaches the state that moment keeps to itself."""

_SPECIAL = re.compile("[\\\\'\r\n\u2028\u2029\0\ud800-\udfff]")
_UNSAFE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True, eq=False)
class Code:
    """A template as JavaScript.

    `source` is the function's body, `runnable` the same with calls of Java's methods renamed, `expressions` the spans
    of the scripts in both. `names` are the params that it may read, None for all. It `needs_moment` if it could look
    at moment or Date, and `needs_java` if it could at what java.js gives. It must run `alone` if it could leave
    anything behind in a context whose built-ins are frozen.
    """

    source: str
    runnable: str
    expressions: tuple[tuple[int, int], ...]
    script: Script
    names: frozenset[str] | None
    needs_moment: bool
    needs_java: bool
    alone: bool

    def params(self, template: Template, scope: Mapping[str, Value]) -> str:
        """The params that the code may ask for, as JSON."""
        if self.names is None:
            params = dict(scope)
        else:
            params = {name: scope[name] for name in self.names if name in scope}
            if not self.names.isdisjoint(("m", "all", "match")):
                params = {**_left_behind(template), **params}
        try:
            return json.dumps(params, allow_nan=False)
        except ValueError:
            return json.dumps(_without_nan(params))


def compile_template(template: Template) -> Code:
    """The code of a template.

    Raises:
        ScriptError: it is no ECMAScript 5; the position is one in `source_of(template)`.
    """
    return _compile(template) if len(template.text) <= KEPT_LENGTH else _compile.__wrapped__(template)


@lru_cache(maxsize=4096)
def _compile(template: Template) -> Code:
    source, expressions = source_of(template)
    script = parse(source, expressions)
    characters = list(source)
    for name, position in script.methods:
        if name in METHODS:
            characters[position] = MARK
    runnable = _UNSAFE.sub(_escape, "".join(characters))

    roots = {path[0] for path in script.reads}
    words = script.members | roots
    reflects = script.reads_global or not _REFLECTION.isdisjoint(words)
    reads_all = script.reads_all or "eval" in words or not _OBJECT_METHODS.isdisjoint(roots)
    return Code(
        source,
        runnable,
        tuple(expressions),
        script,
        names=None if reads_all else _NAMES | roots,
        needs_moment=reflects or not words.isdisjoint(("moment", "Date")),
        needs_java=reflects or not words.isdisjoint(_JAVA),
        alone=script.changes or reflects or ("moment" in words and _reaches_locales(script)),
    )


def reads(template: Template) -> tuple[tuple[str, ...], ...]:
    """The variables that a template names, with the properties asked of them; nothing if it is no ECMAScript 5."""
    try:
        return compile_template(template).script.reads
    except ScriptError:
        return ()


def source_of(template: Template) -> tuple[str, list[tuple[int, int]]]:
    """The body of the template's function, and where its scripts stand in it."""
    pieces, spans, length = [HEADER], [], len(HEADER)
    for part in template.parts:
        if isinstance(part, Expression):
            start = length + len(BEFORE)
            spans.append((start, start + len(part.source)))
            piece = BEFORE + part.source + AFTER
        else:
            piece = _SPECIAL.sub(_escape, part)
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces) + FOOTER, spans


def _escape(found: re.Match[str]) -> str:
    return {"\\": "\\\\", "'": "\\'", "\r": "\\r", "\n": "\\n"}.get(found[0]) or f"\\u{ord(found[0]):04x}"


def _reaches_locales(script: Script) -> bool:
    private = any(name.startswith("_") for name in script.members)
    return script.dynamic or private or not _LOCALES.isdisjoint(script.members)


def _left_behind(template: Template) -> dict[str, Value]:
    """Variables of Digdag's own code that a script can see: what it found at the last `${`."""
    found = "${" + template.rest if template.rest else ""
    return {"m": [found, template.rest or None], "all": found, "match": template.rest or None}


def _without_nan(value: Value) -> Value:
    """NaN and the infinities as texts, as Digdag writes them into JSON."""
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return [_without_nan(item) for item in value] if isinstance(value, list) else value
