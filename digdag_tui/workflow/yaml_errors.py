"""YAML errors in SnakeYAML's words, with a sentence and a hint for a person."""

from __future__ import annotations

import re
from typing import Any

from yaml.constructor import ConstructorError
from yaml.error import MarkedYAMLError
from yaml.reader import ReaderError
from yaml.scanner import ScannerError

from .errors import Position
from .sources import YamlError

_BREAKS = "\0\r\n\x85\u2028\u2029"
_CHARACTER = re.compile(r"(but found|escape character) '(.)'$", re.DOTALL)
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_ESCAPE = re.compile(r"(expected escape sequence of (\d) hexadecimal numbers, but found)")
_HINTS = (
    ("(TAB)", "use spaces for indentation"),
    ("cannot start any token", "put the text in quotes"),
    ("mapping values are not allowed here", "put text with `: ` in quotes, or check the indentation"),
    ("sequence entries are not allowed here", "put the list on its own lines"),
    ("could not find expected ':'", "write `key: value`, or indent the lines of a text"),
    ("expected <block end>", "check the indentation"),
    ("expected ',' or ']'", "separate items with commas and close the list with ]"),
    ("expected ',' or '}'", "separate entries with commas and close the mapping with }"),
    ("unexpected end of stream", "close the quotes"),
    ("unknown escape character", "use single quotes, or write \\\\ for a backslash"),
    ("undefined alias", "put text that begins with * in quotes, or define the anchor before it"),
    ("but found another document", "remove the `---` line: a file is one document"),
    ("special characters are not allowed", "write it as an escape such as \\u0007 in double quotes"),
    ("tag !include", "write `!include : FILE` as a key on its own line, with a space before the colon"),
    ("2002:merge", 'put "<<" in quotes'),
    ("for merging", "name a mapping such as `<<: *defaults`"),
    ("constructor for the tag", "put text that begins with ! in quotes"),
)


def syntax_error(error: MarkedYAMLError | ReaderError, text: str, file: str) -> YamlError:
    """A parser's error as SnakeYAML words it."""
    if isinstance(error, ReaderError):
        lines = _LINE_BREAK.split(text[: error.position])
        place = Position(file, len(lines), len(lines[-1]) + 1)
        character = error.character if isinstance(error.character, int) else ord(error.character)
        summary = f"special characters are not allowed: U+{character:04X}"
        return YamlError(error.reason, "reader", position=place, hint=_hint(error.reason), summary=summary)
    mark: Any = error.problem_mark or error.context_mark
    problem = _words(error, text[mark.index :])
    lines = [error.context] if error.context else []
    if error.context_mark:
        lines.append(_place(text, error.context_mark))
    lines += [problem, _place(text, mark)]
    return YamlError(
        "\n".join(lines) + "\n",
        type(error).__name__.removesuffix("Error").lower(),
        position=Position(file, mark.line + 1, mark.column + 1),
        hint=_hint(problem),
        summary=(f"{error.context}: {problem}" if error.context else problem).partition(". (")[0],
    )


def tag_error(tag: str, mark: Any, text: str, file: str) -> YamlError:
    """The error of a tag that nothing is known about."""
    problem = f"could not determine a constructor for the tag {tag}"
    return syntax_error(ConstructorError(None, None, problem, mark), text, file)


def _words(error: MarkedYAMLError, rest: str) -> str:
    """PyYAML's words to SnakeYAML's; `rest` is the text from where the problem is."""
    problem = error.problem or ""
    if escape := _ESCAPE.match(problem):
        return f"{escape[1]}: {rest[: int(escape[2])]}"
    if "cannot start any token" in problem:
        shown = "\\t(TAB)" if r"'\t'" in problem else problem.split("'")[1]
        return f"found character '{shown}' that cannot start any token. (Do not use {shown} for indentation)"
    if "but got '" in problem:
        return re.sub(r"but got '(.*)'$", r"but got \1", problem)
    if isinstance(error, ScannerError):
        return _CHARACTER.sub(lambda found: f"{found[1]} {found[2]}({ord(found[2])})", problem)
    return problem


def _hint(problem: str) -> str | None:
    return next((hint for words, hint in _HINTS if words in problem), None)


def _place(text: str, mark: Any) -> str:
    """A mark as SnakeYAML prints it: the line and a caret."""
    start = end = mark.index
    head = tail = ""
    while start > 0 and text[start - 1] not in _BREAKS:
        start -= 1
        if mark.index - start > 36.5:
            head = " ... "
            start += 5
            break
    while end < len(text) and text[end] not in _BREAKS:
        end += 1
        if end - mark.index > 36.5:
            tail = " ... "
            end -= 5
            break
    caret = " " * (4 + mark.index - start + len(head)) + "^"
    return f" in 'string', line {mark.line + 1}, column {mark.column + 1}:\n    {head}{text[start:end]}{tail}\n{caret}"
