"""Tokens of ECMAScript 5, the language of templates (core 6.5)."""

from __future__ import annotations

import re

KEYWORDS = frozenset(
    "break case catch class const continue debugger default delete do else enum export extends false "  # noqa: SIM905
    "finally for function if import in instanceof new null return super switch this throw true try typeof var void "
    "while with".split()
)
"""Words that are no names. ECMAScript 5 has no `let`, `yield`, `static`, …: outside strict mode they are names."""

_BLANK = re.compile(r"(?:[\s\ufeff]|//[^\n\r\u2028\u2029]*|/\*[\s\S]*?\*/)*")
_NEWLINE = re.compile(r"[\n\r\u2028\u2029]")
_NAME_PART = r"[\w$\u200c\u200d]|[^\x00-\x7f\s\ufeff]|\\u[0-9a-fA-F]{4}"
_TOKEN = re.compile(
    rf"""
    (?P<name>(?!\d)(?:{_NAME_PART})+)
  | (?P<number>(?:0[xX][0-9a-fA-F]+|0|[1-9]\d*)n|0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<string>"(?:[^"\\\n\r]|\\(?:\r\n|[\s\S]))*"|'(?:[^'\\\n\r]|\\(?:\r\n|[\s\S]))*')
  | (?P<punctuator>
        >>>=|\*\*=|\.\.\.|===|!==|>>>|<<=|>>=|\*\*|=>|<=|>=|==|!=|\+\+|--|<<|>>|&&|\|\||[-+*%&|^/]=|[{{}}()\[\].;,<>+\-*/%&|^!~?:=]
    )
    """,
    re.VERBOSE,
)
_REGEX = re.compile(
    r"/(?![*/])((?:[^\\/\[\n\r\u2028\u2029]|\\[^\n\r\u2028\u2029]|\[(?:[^\]\\\n\r]|\\[^\n\r])*\])+)/([\w$]*)"
)
_UNICODE_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_BAD_ESCAPE = re.compile(r"(?:[^\\]|\\(?!u(?![0-9a-fA-F]{4})|x(?![0-9a-fA-F]{2}))[\s\S])*(\\[ux])?")


class ScriptError(Exception):
    """A text that is no ECMAScript 5.

    Args:
        message: Digdag's words.
        position: where, in characters from 0.
        newer: the part of a newer ECMAScript that it would be, with what to write instead.
        kind: the class of the JavaScript error.
    """

    def __init__(self, message: str, position: int, newer: str | None = None, kind: str = "SyntaxError") -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.hint = newer and f"templates are ECMAScript 5, which has no {newer}"
        self.kind = kind


class Token:
    """One token; `kind` is a group of `_TOKEN`, `keyword`, `regex`, `error` or `end`, `text` a name without escapes."""

    __slots__ = ("end", "kind", "newline", "start", "text")

    def __init__(self, kind: str, text: str, start: int, end: int, newline: bool) -> None:
        self.kind = kind
        self.text = text
        self.start = start
        self.end = end
        self.newline = newline


def token_at(source: str, position: int) -> Token:
    """The token that follows `position`; a `/` is a division: where an operand stands, ask `regex_at`.

    Raises:
        ScriptError: a character, number or string that ECMAScript 5 does not have.
    """
    blank = _BLANK.match(source, position)
    start = blank.end() if blank else position
    newline = _NEWLINE.search(source, position, start) is not None
    if start == len(source):
        return Token("end", "eof", start, start, newline)
    found = _TOKEN.match(source, start)
    if found is None:
        if source[start] in "\"'":
            line_end = _NEWLINE.search(source, start)
            raise ScriptError("Missing close quote", line_end.start() if line_end else len(source))
        return Token("error", "error", start, start + 1, newline)
    kind, text, end = str(found.lastgroup), found.group(), found.end()
    if kind == "name":
        if not text.isascii() or "\\" in text:
            text = _UNICODE_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text)
            if not re.sub("[$\u200c\u200d]", "_", text).isidentifier():
                raise ScriptError("Illegal character in identifier", start)
        elif text in KEYWORDS:
            kind = "keyword"
    elif kind == "number" and _TOKEN.match(source, end) and re.match(r"[\w$]", source[end]):
        newer = "binary and octal literals or _ in numbers" if source[end] in "bBoO_" else None
        raise ScriptError("Missing space after numeric literal", end, newer)
    elif kind == "string" and "\\" in text:
        bad = _BAD_ESCAPE.match(text)
        if bad and bad[1]:
            position = start + bad.start(1) + 2
            newer = r"\u{...}: write \uXXXX" if source[position] == "{" else None
            raise ScriptError("Invalid hex digit", position, newer)
    return Token(kind, text, start, end, newline)


def regex_at(source: str, slash: Token) -> Token:
    """The regular expression that begins at the token `slash`.

    Raises:
        ScriptError: it does not end on its line, or has flags that are newer than ECMAScript 5.
    """
    found = _REGEX.match(source, slash.start)
    if found is None:
        raise ScriptError("Expected an operand but found " + slash.text, slash.start)
    flags = found[2]
    for index, flag in enumerate(flags):
        if flag not in "gim":
            raise ScriptError(f"Unsupported RegExp flag: {flag}", found.start(2) + index, f"flag {flag}")
        if flag in flags[:index]:
            raise ScriptError(f"Repeated RegExp flag: {flag}", found.start(2) + index)
    return Token("regex", found.group(), slash.start, found.end(), slash.newline)
