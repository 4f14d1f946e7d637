"""`output.json` of a `py>` task; what is wrong with a broken one is said in the words of Jackson, which Digdag uses.

Python writes the file piece by piece, so a value that JSON cannot hold leaves the start of the file behind.
"""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Final, NoReturn

from ..workflow.config import Params, Value
from ..workflow.errors import TaskRuntimeError
from ..workflow.text import json_text, whole_characters

_BLANKS = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SCALAR = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")
_CONSTANT = re.compile(r"NaN|-?Infinity")
_WORD = re.compile(r"\w+")
_SOURCE: Final = "Source: (sun.nio.ch.ChannelInputStream)"
_CONFIG: Final = "io.digdag.client.config.Config"
_VALUES: Final = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


class MappingError(TaskRuntimeError):
    """The file is empty, or JSON but not an object."""


def parse(path: Path) -> Params:
    """The object in a file; what follows it does not count.

    Raises:
        MappingError: there is none.
        TaskRuntimeError: the file is not JSON.
    """
    data = path.read_bytes()
    text = data.decode("utf-8", "replace")
    start = _blanks_end(text, 0)
    if start == len(text):
        problem = "databind.exc.MismatchedInputException: No content to map due to end-of-input"
        raise MappingError(f"com.fasterxml.jackson.{problem}\n at [{_SOURCE}; line: 1, column: 0]")
    try:
        value = json.JSONDecoder(parse_constant=_refuse).raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        with contextlib.suppress(RecursionError):
            _Scan(data.decode("latin-1")).value(start)
        raise TaskRuntimeError(f"{path.name} cannot be read as JSON") from None
    if not isinstance(value, dict):
        problem = f"Cannot construct instance of `{_CONFIG}`, problem: Expected object but got {json_text(value)}"
        kind = "com.fasterxml.jackson.databind.exc.ValueInstantiationException"
        raise MappingError(f"{kind}: {problem}\n at [{_SOURCE}; line: 1, column: 1]")
    whole: Params = whole_characters(value, text)
    return whole


class _Scan:
    """Goes through JSON up to the place where it breaks; places count bytes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def value(self, place: int) -> int:
        """The end of the value at `place`.

        Raises:
            TaskRuntimeError: the JSON breaks in it.
        """
        found = self.text[place : place + 1]
        if found == "{":
            return self._entries(place, "Object", "}")
        if found == "[":
            return self._entries(place, "Array", "]")
        if found == '"':
            return self._string(place)
        if scalar := _SCALAR.match(self.text, place):
            return scalar.end()
        if constant := _CONSTANT.match(self.text, place):
            advice = "enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow"
            hint = f"JSON has no {constant[0]}: store None or a text instead"
            self._fail(f"Non-standard token '{constant[0]}': {advice}", constant.end(), hint=hint)
        if word := _WORD.match(self.text, place):
            self._unknown(word)
        self._unexpected(place, "expected a value" if found in {",", "]", "}"} else f"expected a valid value {_VALUES}")

    def _entries(self, start: int, kind: str, close: str) -> int:
        place = _blanks_end(self.text, start + 1)
        first = True
        while self.text[place : place + 1] != close:
            if place == len(self.text):
                marker = f"start marker at [{_SOURCE}; {self._where(start)}]"
                self._end(f": expected close marker for {kind} ({marker})")
            if not first:
                if self.text[place] != ",":
                    self._unexpected(place, f"was expecting comma to separate {kind} entries")
                place = _blanks_end(self.text, place + 1)
                if place == len(self.text):
                    self._fail(f"Unexpected end-of-input within/between {kind} entries", place)
            first = False
            place = _blanks_end(self.text, self._entry(place, kind))
        return place + 1

    def _entry(self, place: int, kind: str) -> int:
        if kind == "Object":
            if self.text[place] != '"':
                self._unexpected(place, "was expecting double-quote to start field name")
            place = _blanks_end(self.text, self._string(place))
            if self.text[place : place + 1] not in (":", ""):
                self._unexpected(place, "was expecting a colon to separate field name and value")
            place = _blanks_end(self.text, place + 1)
            if place >= len(self.text):
                self._end(f" within/between {kind} entries")
        return self.value(place)

    def _string(self, place: int) -> int:
        if found := _STRING.match(self.text, place):
            return found.end()
        self._end(": was expecting closing quote for a string value")

    def _end(self, what: str) -> NoReturn:
        self._fail(f"Unexpected end-of-input{what}", len(self.text), "core.io.JsonEOFException")

    def _unknown(self, word: re.Match[str]) -> NoReturn:
        """Say that a word is none of JSON's; Jackson has also taken the character after it, even an end of line."""
        taken = int(word.end() < len(self.text))
        self._fail(f"Unrecognized token '{word[0]}': was expecting {_VALUES}", word.end(), taken=taken)

    def _unexpected(self, place: int, wanted: str) -> NoReturn:
        found = self.text[place]
        self._fail(f"Unexpected character ('{found}' (code {ord(found)})): {wanted}", place + 1)

    def _fail(
        self,
        sentence: str,
        place: int,
        kind: str = "core.JsonParseException",
        *,
        taken: int = 0,
        hint: str | None = None,
    ) -> NoReturn:
        where = self._where(place, taken)
        raise TaskRuntimeError(f"com.fasterxml.jackson.{kind}: {sentence}\n at [{_SOURCE}; {where}]", hint=hint)

    def _where(self, place: int, taken: int = 0) -> str:
        line = self.text.count("\n", 0, place) + 1
        return f"line: {line}, column: {place - self.text.rfind(chr(10), 0, place) + taken}"


def _blanks_end(text: str, place: int) -> int:
    found = _BLANKS.match(text, place)
    return found.end() if found else place


def _refuse(name: str) -> Value:
    raise ValueError(name)
