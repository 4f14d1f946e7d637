"""What Jackson says of a text that is no JSON: Digdag shows its words to people (core 2)."""

from __future__ import annotations

import re

_PACKAGE = "com.fasterxml.jackson.core."
_VALUE = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_WORD = re.compile(r"[^\W\d][\w$]*|\$[\w$]*")
_DIGITS = re.compile(r"[0-9]*")
_ESCAPE = re.compile(r"[\"\\/bfnrt]|u[0-9a-fA-F]{4}")
_HEX = re.compile(r"[0-9a-fA-F]*")
_CONTROL = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LONGEST_WORD, _LONGEST_SOURCE = 256, 500


def problem_of(text: str) -> str | None:
    """Jackson's message for the first mistake in the first JSON value of `text`, or None."""
    try:
        _Reader(text).root()
    except _ProblemError as problem:
        return f"{_PACKAGE}{problem.kind}: {problem.message}\n at {_location(text, problem.index, problem.column)}"
    except RecursionError:
        return "JSON text is nested too deeply"
    return None


def _location(text: str, index: int, column: int) -> str:
    """A place in Jackson's words: the line of `index` and, in it, `column` characters further."""
    shown = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04X}", text[:_LONGEST_SOURCE])
    cut = len(text) - _LONGEST_SOURCE
    source = f'(String)"{shown}"' + (f"[truncated {cut} chars]" if cut > 0 else "")
    start = text.rfind("\n", 0, index) + 1
    return f"[Source: {source}; line: {text.count(chr(10), 0, index) + 1}, column: {index - start + column}]"


class _ProblemError(Exception):
    """A mistake: it is reported `column` characters after the one at `index`."""

    def __init__(self, message: str, index: int, column: int = 2, kind: str = "JsonParseException") -> None:
        self.message = message
        self.index = index
        self.column = column
        self.kind = kind


class _Reader:
    """Reads one value; methods are named after what they read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.index = 0
        self.open: list[tuple[str, int]] = []

    def root(self) -> None:
        self.blank()
        if self.peek() in ("]", "}"):
            self.close(self.peek())
        self.value()

    def peek(self) -> str:
        return self.text[self.index : self.index + 1]

    def blank(self) -> None:
        while self.peek() and self.peek() in " \t\r\n":
            self.index += 1
        character = self.peek()
        if character == "/":
            raise self.unexpected(
                "maybe a (non-standard) comment? "
                "(not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)"
            )
        if character and character < " ":
            kinds = "only regular white space (\\r, \\n, \\t) is allowed between tokens"
            raise _ProblemError(f"Illegal character ({_described(character)}): {kinds}", self.index)

    def value(self) -> None:
        character = self.peek()
        if character == "[":
            self.collection("Array", "]")
        elif character == "{":
            self.collection("Object", "}")
        elif character == '"':
            self.string()
        elif character == "-" or character in tuple("0123456789"):
            self.number()
        elif character == "+":
            self.index += 1
            self.no_number("in a Number value")
        else:
            self.word()

    def collection(self, name: str, end: str) -> None:
        self.open.append((name, self.index))
        self.index += 1
        first = True
        while True:
            self.blank()
            if self.peek() in ("]", "}"):
                self.close(end)
                return
            if not self.peek():
                start = _location(self.text, self.open[-1][1], 1)
                raise self.ended(f": expected close marker for {name} (start marker at {start})")
            if not first:
                if self.peek() != ",":
                    raise self.unexpected(f"was expecting comma to separate {name} entries")
                self.index += 1
                self.blank()
                if not self.peek():
                    raise self.ended(f" within/between {name} entries", "JsonParseException")
            if name == "Object":
                self.field()
            self.value()
            first = False

    def field(self) -> None:
        if self.peek() != '"':
            raise self.unexpected("was expecting double-quote to start field name")
        self.string()
        self.blank()
        if self.peek() and self.peek() != ":":
            raise self.unexpected("was expecting a colon to separate field name and value")
        self.index += 1
        self.blank()
        if not self.peek():
            self.index = len(self.text)
            raise self.ended(" within/between Object entries")

    def close(self, end: str) -> None:
        if self.peek() != end or not self.open:
            name, start = self.open[-1] if self.open else ("root", -1)
            expected = "]" if self.peek() == "}" else "}"
            place = _location(self.text, max(start, 0), 1 if self.open else 0)
            raise _ProblemError(
                f"Unexpected close marker '{self.peek()}': expected '{expected}' (for {name} starting at {place})",
                self.index,
            )
        self.open.pop()
        self.index += 1

    def string(self) -> None:
        self.index += 1
        while (character := self.peek()) != '"':
            if not character:
                raise self.ended(": was expecting closing quote for a string value")
            if character < " ":
                reason = "has to be escaped using backslash to be included in string value"
                raise _ProblemError(f"Illegal unquoted character ({_described(character)}): {reason}", self.index)
            self.index += 1
            if character == "\\":
                self.escape()
        self.index += 1

    def escape(self) -> None:
        found = _ESCAPE.match(self.text, self.index)
        if found:
            self.index = found.end()
        elif self.peek() == "u":
            self.index += 1
            self.skip(_HEX)
            if not self.peek():
                raise self.ended(" in character escape sequence")
            raise self.unexpected("expected a hex-digit for character escape sequence")
        elif not self.peek():
            raise self.ended(" in character escape sequence")
        else:
            raise _ProblemError(f"Unrecognized character escape {_described(self.peek())}", self.index)

    def number(self) -> None:
        if self.peek() == "-":
            self.index += 1
            if not self.peek().isdigit():
                self.no_number("No digit following minus sign")
        start = self.index
        if self.skip(_DIGITS) > 1 and self.text[start] == "0":
            raise _ProblemError("Invalid numeric value: Leading zeroes not allowed", start)
        if self.peek() == ".":
            self.index += 1
            self.digits("Decimal point not followed by a digit", ".")
        if self.peek() in ("e", "E"):
            self.index += 1
            if self.peek() in ("+", "-"):
                self.index += 1
            self.digits("Exponent indicator not followed by a digit")
        if not self.open and self.peek() and self.peek() not in " \t\r\n":
            raise self.unexpected("Expected space separating root-level values")

    def skip(self, characters: re.Pattern[str]) -> int:
        """Step over some characters and tell how many."""
        found = characters.match(self.text, self.index)
        length = len(found[0]) if found else 0
        self.index += length
        return length

    def digits(self, otherwise: str, point: str = "") -> None:
        if self.skip(_DIGITS):
            return
        if not self.peek() and not point:
            raise self.ended("expected a digit for number exponent")
        shown = self.peek() or point
        raise _ProblemError(f"Unexpected character ({_described(shown)}) in numeric value: {otherwise}", self.index, 1)

    def no_number(self, at_end: str) -> None:
        """A sign that no digit follows."""
        if not self.peek():
            raise self.ended(at_end if at_end.startswith("No") else f" {at_end}")
        word = _WORD.match(self.text, self.index)
        if word and word[0] in ("Infinity", "INF"):
            self.non_standard(self.text[self.index - 1] + word[0], word.end())
        reason = "expected digit (0-9) to follow minus sign, for valid numeric value"
        raise _ProblemError(f"Unexpected character ({_described(self.peek())}) in numeric value: {reason}", self.index)

    def non_standard(self, word: str, end: int) -> None:
        message = f"Non-standard token '{word}': enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow"
        raise _ProblemError(message, end, 1)

    def word(self) -> None:
        word = _WORD.match(self.text, self.index)
        if not self.peek():
            raise self.ended("")
        if word is None:
            raise self.unexpected(f"expected a valid value {_VALUE}")
        if word[0] in ("null", "true", "false"):
            self.index = word.end()
            return
        if word[0] in ("NaN", "Infinity"):
            self.non_standard(word[0], word.end())
        text = word[0]
        shown = text if len(text) < _LONGEST_WORD else text[:_LONGEST_WORD] + "..."
        end = self.index + min(len(text), _LONGEST_WORD)
        raise _ProblemError(f"Unrecognized token '{shown}': was expecting {_VALUE}", end, 1)

    def unexpected(self, reason: str) -> _ProblemError:
        return _ProblemError(f"Unexpected character ({_described(self.peek())}): {reason}", self.index)

    def ended(self, reason: str, kind: str = "io.JsonEOFException") -> _ProblemError:
        return _ProblemError(f"Unexpected end-of-input{reason}", len(self.text), 1, kind)


def _described(character: str) -> str:
    code = ord(character)
    if code < 0x20 or 0x7F <= code < 0xA0:
        return f"(CTRL-CHAR, code {code})"
    return f"'{character}' (code {code}{f' / {code:#x}' if code > 0xFF else ''})"
