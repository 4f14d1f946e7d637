"""Values as text, as Java and Jackson write and read them: JSON, log lines, samples in messages."""

from __future__ import annotations

import json
import math
import re
from json.encoder import encode_basestring

from .config import Value
from .errors import ConfigError

_CONTROL_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\u(00[01][0-9a-f])")
JSON_BLANKS = " \t\r\n"


def java_double(number: float) -> str:
    """A double as Java's `Double.toString` has it, such as `1.0`, `1.0E20` or `NaN` (core 1.2)."""
    if number != number:
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "Infinity" if number > 0 else "-Infinity"
    text = repr(number)
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return text
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    power = int(exponent or 0) + (len(whole) - 1 if whole != "0" else len(digits) - len(fraction) - 1)
    return f"{sign}{digits[0]}.{digits[1:].rstrip('0') or '0'}E{power}"


def json_text(value: Value) -> str:
    """Compact JSON as Jackson writes it: Java doubles, key order and non-ASCII text kept."""
    match value:
        case str():
            return _quoted(value)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            text = java_double(value)
            return text if text[-1].isdigit() else f'"{text}"'
        case dict():
            return "{" + ",".join(f"{_quoted(key)}:{json_text(item)}" for key, item in value.items()) + "}"
        case _:
            return "[" + ",".join(map(json_text, value)) + "]"


def java_text(value: Value) -> str:
    """A value as Java's `toString` has it, for log lines: `{a=1}`, `[a, b]`, text as is, nothing for null."""
    return "" if value is None else _java(value)


def json_type(value: Value) -> str:
    """The kind of a JSON value: null, boolean, number, string, array or object."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case dict():
            return "object"
        case _:
            return "array"


def sample(value: Value) -> str:
    """A value's JSON as messages show it: 100 characters and more are cut to 97 and `...` (core 2)."""
    text = json_text(value)
    return text if len(text) < 100 else text[:97] + "..."


def parse_json(text: str) -> Value:
    """The first JSON value of `text`; what follows it is ignored, as Jackson does.

    Raises:
        ConfigError: no JSON, in Jackson's words.
    """
    from .json_errors import problem_of

    start = len(text) - len(text.lstrip(JSON_BLANKS))
    try:
        value = _decoder.raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        raise ConfigError(problem_of(text) or "JSON text has a number of too many digits") from None
    problem = None if isinstance(value, (str, list, dict)) else problem_of(text)
    if problem:
        raise ConfigError(problem)
    return whole_characters(value, text)


def whole_characters(value: Value, text: str) -> Value:
    """`value`, which `text` is the JSON of, with `?` for each half of a pair of surrogates, as Java writes it."""
    if not _SURROGATE.search(text):
        return value
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _refuse_constant(name: str) -> Value:
    raise ValueError(name)


_SURROGATE = re.compile(r"\\ud[89a-f]", re.IGNORECASE)


def _double(text: str) -> float | str:
    """A number; one beyond what a double holds is the text that Jackson writes for it."""
    value = float(text)
    return value if math.isfinite(value) else f"{'-' if value < 0 else ''}Infinity"


_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_double)


def _quoted(text: str) -> str:
    quoted = encode_basestring(text)
    if "\\u00" in quoted:
        return _CONTROL_ESCAPE.sub(lambda found: f"{found[1]}\\u{found[2].upper()}", quoted)
    return quoted


def _java(value: Value) -> str:
    match value:
        case str():
            return value
        case float():
            return java_double(value)
        case dict():
            return "{" + ", ".join(f"{key}={_java(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_java, value)) + "]"
        case _:
            return json_text(value)
