"""YAML scalars as Digdag types them (core 1.1): `0.5`, `yes` and `1:30` are text, `010` is 8."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar

from .config import Value
from .text import java_double

MERGE: Final = object()
"""What a plain `<<` resolves to."""

_Number = TypeVar("_Number", int, float)

STANDARD_TAG = "tag:yaml.org,2002:"

_WORDS: dict[str, Value] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None, "<<": MERGE,
    "true": True, "True": True, "false": False, "False": False,
}  # fmt: skip
_BOOLEANS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_INT = re.compile(r"[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[1-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_DECIMAL = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def resolve(text: str) -> Value:
    """The value of a plain scalar, or `MERGE`.

    Raises:
        ValueError: a number without digits, such as `0x_`.
    """
    if text[:1] in "0123456789+-." and text:
        if text[0] in "+-." and text[1:2] not in "0123456789.iInN":
            return text
        if _INT.fullmatch(text):
            return integer(text)
        return double(text) if _FLOAT.fullmatch(text) else text
    return _WORDS.get(text, text)


def tagged(kind: str, text: str) -> Value:
    """The value of a scalar with a standard tag, such as `!!int "3"` (`kind` is `int`).

    Raises:
        KeyError: no scalar has that tag.
        ValueError: the text does not fit the tag.
    """
    return _TAGGED[kind](text)


def integer(text: str) -> int:
    """The number that an `int` scalar stands for; base 2, 8, 10, 16 and 60 (`1:30`).

    Raises:
        ValueError: no such number.
    """
    sign, digits = _sign(text)
    if ":" in digits:
        return sign * _sexagesimal(digits.rstrip(":"), _decimal_integer)
    base, digits = (
        (2, digits[2:]) if digits.startswith("0b")
        else (16, digits[2:]) if digits.startswith("0x")
        else (8, digits[1:]) if digits.startswith("0") and digits != "0"
        else (10, digits)
    )  # fmt: skip
    if not (digits.isascii() and digits.isalnum()):
        raise ValueError(f'For input string: "{text}"')
    try:
        return sign * int(digits, base)
    except ValueError:
        raise ValueError(f'For input string: "{text[:40]}"') from None


def double(text: str) -> float | str:
    """The number that a `float` scalar stands for; infinities and NaN are text (core 1.2).

    Raises:
        ValueError: no such number.
    """
    sign, digits = _sign(text.lower())
    if digits == ".nan":
        return "NaN"
    if digits == ".inf":
        number = float("inf")
    elif ":" in digits:
        number = _sexagesimal(digits, _decimal)
    else:
        number = _decimal(digits)
    return java_double(sign * number) if number == float("inf") else sign * number


def _sign(text: str) -> tuple[int, str]:
    digits = text.replace("_", "")
    return (-1 if digits[0] == "-" else 1, digits[1:]) if digits[:1] in ("+", "-") else (1, digits)


def _decimal(digits: str) -> float:
    if not _DECIMAL.fullmatch(digits):
        raise ValueError(f'For input string: "{digits}"')
    return float(digits)


def _decimal_integer(digits: str) -> int:
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f'For input string: "{digits}"')
    return int(digits)


def _sexagesimal(digits: str, number: Callable[[str], _Number]) -> _Number:
    total = number("0")
    for part in digits.split(":"):
        total = total * 60 + number(part)
    return total


def _binary(text: str) -> str:
    from base64 import b64decode, b64encode

    return b64encode(b64decode("".join(text.split()), validate=True)).decode()


def _timestamp(text: str) -> int:
    """Milliseconds since the epoch; UTC unless an offset is given."""
    from datetime import UTC, datetime

    found = re.fullmatch(
        r"(\d{4})-(\d\d?)-(\d\d?)"
        r"(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?(?:[ \t]*(?:Z|([-+])(\d\d?):?(\d\d)?))?)?",
        text,
    )
    if not found:
        raise ValueError(f"Unexpected timestamp: {text}")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    fraction, sign, zone_hours, zone_minutes = found.groups()[6:]
    offset = (int(zone_hours or 0) * 60 + int(zone_minutes or 0)) * (-60 if sign == "-" else 60)
    seconds = int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) - offset
    return seconds * 1000 + int((fraction or "").ljust(3, "0")[:3])


_TAGGED: dict[str, Callable[[str], Value]] = {
    "str": str,
    "int": integer,
    "float": double,
    "bool": lambda text: _BOOLEANS.get(text.lower()),
    "null": lambda text: None,
    "binary": _binary,
    "timestamp": _timestamp,
}
