"""Reading typed values out of configs, with Digdag's conversions and messages (core 2, operators 2.3).

`read_*` take a value as it is; `parse_*` also take JSON text. Absent and null give the default, or fail without one.
The `optional` forms give None for absent and null and, where Digdag reads a boxed number, for blank text and `null`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from .config import Params, Value, position_of
from .errors import ConfigError
from .text import JSON_BLANKS, java_double, json_text, json_type, parse_json, sample

MISSING: Final[Any] = object()
"""The default of a required key."""

T = TypeVar("T")
Section = Mapping[str, Value]

_BLANKS = "".join(map(chr, range(0x21)))
_INTEGER = re.compile(r"[+-]?\d+")
_STRING, _LIST, _BOOL = "string type", "array type", "'true' or 'false'"
_INT, _LONG = "integer (int) type", "integer (long) type"


class Mismatch(Exception):
    """A value has no form of the wanted type."""


def to_string(value: Value) -> str:
    """The text of a scalar.

    Raises:
        Mismatch: null, a list or an object.
    """
    match value:
        case str():
            return value
        case float():
            return java_double(value)
        case bool() | int():
            return json_text(value)
        case _:
            raise Mismatch


def to_bool(value: Value) -> bool:
    """A boolean of Jackson's kind: an integer, `true True TRUE false False FALSE`, or blank for false.

    Raises:
        Mismatch: anything else, floats too.
    """
    match value:
        case bool():
            return value
        case int():
            return value != 0
        case str():
            text = value.strip(_BLANKS)
            if text in ("true", "True", "TRUE"):
                return True
            if text in ("false", "False", "FALSE", "", "null"):
                return False
    raise Mismatch


def to_integer(value: Value, bits: int) -> int:
    """An integer of `bits` bits: a number cut toward zero, decimal text, or blank for 0.

    Raises:
        Mismatch: anything else, and numbers that do not fit.
    """
    match value:
        case bool():
            raise Mismatch
        case int():
            number = value
        case float() if -(2.0 ** (bits - 1)) <= value <= 2.0 ** (bits - 1) - 1:
            number = min(int(value), 2 ** (bits - 1) - 1)
        case str():
            text = value.strip(_BLANKS)
            if text in ("", "null"):
                return 0
            if not _INTEGER.fullmatch(text) or len(text) > 4000:
                raise Mismatch
            number = int(text)
        case _:
            raise Mismatch
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise Mismatch
    return number


def to_int(value: Value) -> int:
    """A 32-bit integer; see `to_integer`."""
    return to_integer(value, 32)


def to_long(value: Value) -> int:
    """A 64-bit integer; see `to_integer`."""
    return to_integer(value, 64)


def to_list(value: Value) -> list[Value]:
    """A list; a scalar is never made one.

    Raises:
        Mismatch: anything else.
    """
    if not isinstance(value, list):
        raise Mismatch
    return value


def to_strings(value: Value) -> list[Any]:
    """A list of text; nulls in it stay.

    Raises:
        Mismatch: not a list of scalars.
    """
    return [None if item is None else to_string(item) for item in to_list(value)]


def read_string(config: Section, key: str, default: str = MISSING) -> str:
    """Text.

    Raises:
        ConfigError: required and absent, or not a scalar.
    """
    return _read(config, key, default, to_string, _STRING)


def read_int(config: Section, key: str, default: int = MISSING) -> int:
    """A 32-bit integer.

    Raises:
        ConfigError: required and absent, or not a 32-bit integer.
    """
    return _read(config, key, default, to_int, _INT)


def read_long(config: Section, key: str, default: int = MISSING) -> int:
    """A 64-bit integer.

    Raises:
        ConfigError: required and absent, or not a 64-bit integer.
    """
    return _read(config, key, default, to_long, _LONG)


def read_bool(config: Section, key: str, default: bool = MISSING) -> bool:
    """A boolean.

    Raises:
        ConfigError: required and absent, or not a boolean.
    """
    return _read(config, key, default, to_bool, _BOOL)


def read_list(config: Section, key: str, default: list[Value] = MISSING) -> list[Value]:
    """A list.

    Raises:
        ConfigError: required and absent, or not a list.
    """
    return _read(config, key, default, to_list, _LIST)


def read_strings(config: Section, key: str, default: list[Any] = MISSING) -> list[Any]:
    """A list of text, in which nulls stay.

    Raises:
        ConfigError: required and absent, or not a list of scalars.
    """
    return _read(config, key, default, to_strings, _LIST)


def read_map(config: Section, key: str, default: Params = MISSING) -> Params:
    """An object.

    Raises:
        ConfigError: required and absent, or not an object.
    """
    value = config.get(key)
    if value is None and (default is not MISSING or key not in config):
        default = _absent(config, key, default)
        return default
    return _object(config, key, value)


def parse_list(config: Section, key: str, default: list[Value] = MISSING) -> list[Value]:
    """A list, or its JSON text.

    Raises:
        ConfigError: required and absent, no JSON, or not a list.
    """
    return _read(_parsed(config, key, _LIST), key, default, to_list, _LIST)


def parse_strings(config: Section, key: str, default: list[Any] = MISSING) -> list[Any]:
    """A list of text, or its JSON text.

    Raises:
        ConfigError: required and absent, no JSON, or not a list of scalars.
    """
    return _read(_parsed(config, key, _LIST), key, default, to_strings, _LIST)


def parse_map(config: Section, key: str, default: Params = MISSING) -> Params:
    """An object, or its JSON text.

    Raises:
        ConfigError: required and absent, no JSON, or not an object.
    """
    parsed = _parsed(config, key)
    return _object(config, key, parsed[key]) if isinstance(config.get(key), str) else read_map(parsed, key, default)


def read_optional_string(config: Section, key: str) -> str | None:
    """Text, or None.

    Raises:
        ConfigError: not a scalar.
    """
    return _read(config, key, None, to_string, optional_type("java.lang.String"))


def read_optional_int(config: Section, key: str) -> int | None:
    """A 32-bit integer, or None.

    Raises:
        ConfigError: not a 32-bit integer.
    """
    return _boxed(config, key, to_int, optional_type("java.lang.Integer"))


def read_optional_long(config: Section, key: str) -> int | None:
    """A 64-bit integer, or None.

    Raises:
        ConfigError: not a 64-bit integer.
    """
    return _boxed(config, key, to_long, optional_type("java.lang.Long"))


def read_optional_bool(config: Section, key: str) -> bool | None:
    """A boolean, or None.

    Raises:
        ConfigError: not a boolean.
    """
    return _boxed(config, key, to_bool, optional_type("java.lang.Boolean"))


def read_optional_list(config: Section, key: str) -> list[Value] | None:
    """A list, or None.

    Raises:
        ConfigError: not a list.
    """
    return _read(config, key, None, to_list, _LIST)


def read_optional_map(config: Section, key: str) -> Params | None:
    """An object, or None.

    Raises:
        ConfigError: not an object.
    """
    value = config.get(key)
    return None if value is None else _object(config, key, value)


def optional_type(java_class: str) -> str:
    """The type's name in messages about an optional value (core 2)."""
    return f"[reference type, class com.google.common.base.Optional<{java_class}><[simple type, class {java_class}]>]"


def mismatch(config: Section, key: str, expected: str, hint: str | None = None) -> ConfigError:
    """The error of a value at `key` that is no `expected` (core 2)."""
    value = config[key]
    return ConfigError(
        f"Expected {expected} for key '{key}' but got {sample(value)} ({json_type(value)})",
        position=position_of(config, key),
        hint=hint,
    )


def _read(config: Section, key: str, default: Any, convert: Callable[[Value], T], expected: str) -> T:
    value = config.get(key)
    if value is None:
        found: T = _absent(config, key, default)
        return found
    try:
        return convert(value)
    except Mismatch:
        raise mismatch(config, key, expected) from None


def _boxed(config: Section, key: str, convert: Callable[[Value], T], expected: str) -> T | None:
    value = config.get(key)
    if isinstance(value, str) and value.strip(_BLANKS) in ("", "null"):
        return None
    return _read(config, key, None, convert, expected)


def _absent(config: Section, key: str, default: Any) -> Any:
    if default is not MISSING:
        return default
    state = "null" if key in config else "not set"
    raise ConfigError(f"Parameter '{key}' is required but {state}", position=position_of(config, key))


def _object(config: Section, key: str, value: Value) -> Params:
    if not isinstance(value, dict):
        raise ConfigError(f"Parameter '{key}' must be an object", position=position_of(config, key))
    return value


def _parsed(config: Section, key: str, expected: str | None = None) -> Section:
    """`config` with the JSON text at `key` read, if there is one; a blank text is no `expected`."""
    value = config.get(key)
    if not isinstance(value, str):
        return config
    if not value.strip(JSON_BLANKS):
        if expected is None:
            return config
        raise ConfigError(f"Expected {expected} for key '{key}' but got  (MISSING)", position=position_of(config, key))
    try:
        return {key: parse_json(value)}
    except ConfigError as error:
        raise ConfigError(error.message, position=position_of(config, key)) from error.__cause__
