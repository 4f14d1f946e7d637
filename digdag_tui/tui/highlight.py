"""Source text in colour: `.dig` with its templates, Python, SQL and shell, line by line and never refusing anything.

A line's colours depend on the lines before it only through a small state, such as "in a comment", so that the middle of
a long file costs a quick look at what is before it, once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import PurePath
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len

from .lines import ROLES, Part
from .text import clean

TAB = 4
"""Cells between two tab stops."""
LONGEST = 4000
"""Characters of a line that are shown."""

State: TypeAlias = tuple[str, int, int]
"""What a line begins in: its name, "" for nothing, how deep, and how many braces of a template are open."""

CALM: State = ("", 0, 0)

_JAVASCRIPT = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<number>\b\d[\w.]*)|(?P<accent>[A-Za-z_$][\w$]*)"""
)
_BRACES = re.compile(r"[{}]")
_SECRET = re.compile(r"\$\{\s*secret:[^}]*\}")


class Language(NamedTuple):
    """A language whose text is a row of tokens.

    The groups of `tokens` are roles, or names of `ends`: what begins there goes on to the end of that pattern, in later
    lines perhaps, and has that role. `edges` are those tokens only that begin such, or may hide that one begins. A line
    without `restless` in it has none that goes on.
    """

    tokens: re.Pattern[str]
    edges: re.Pattern[str]
    restless: re.Pattern[str]
    ends: dict[str, tuple[str, re.Pattern[str]]]
    words: frozenset[str]
    folds: bool = False
    """Whether words may be in upper or lower case."""


class Highlighted:
    """The lines of a text, in colour when they are asked for."""

    def __init__(self, lines: Sequence[str], language: str, mask: Callable[[str], str] = str) -> None:
        self._lines = lines
        self._mask = mask
        self._language = language
        self._states = [CALM]
        """The states that lines begin in, as far as they are known."""

    def parts(self, number: int) -> list[Part]:
        """A line, counted from 0, as it is shown."""
        while len(self._states) <= number:
            before = len(self._states) - 1
            self._states.append(_next(self._lines[before], self._states[before], self._language))
        parts, _ = _scan(shown(self._mask(self._lines[number])), self._states[number], self._language)
        return parts


def language_of(file: str) -> str:
    """The language of a file, by its name."""
    suffixes = {".dig": "dig", ".yml": "dig", ".yaml": "dig", ".json": "dig", ".py": "python", ".sql": "sql"}
    return {**suffixes, ".sh": "shell", ".bash": "shell"}.get(PurePath(file).suffix.lower(), "text")


def shown(line: str) -> str:
    """A line that is safe to show, with blanks up to the tab stops for its tabs."""
    *before, last = line[:LONGEST].split("\t")
    text = ""
    for piece in before:
        text += clean(piece)
        text += " " * (TAB - cell_len(text) % TAB)
    return text + clean(last)


def templates(text: str, role: str, parts: list[Part], depth: int = 0) -> int:
    """Add a text to `parts` in which `${...}` stands out, and in it names, texts and numbers.

    Args:
        depth: how many braces of a template are open where the text begins.

    Returns:
        How many are open where it ends.
    """
    place = 0
    while place < len(text):
        if not depth:
            start = text.find("${", place)
            parts.append((text[place : start if start >= 0 else None], role))
            if start < 0:
                return 0
            if secret := _SECRET.match(text, start):
                parts.append((secret[0], "warning"))
                place = secret.end()
                continue
            parts.append(("${", "accent"))
            place, depth = start + 2, 1
        end, depth = _closing(text, place, depth)
        _expression(text[place : end - (not depth)], parts)
        parts.append(("}" * (not depth), "accent"))
        place = end
    return depth


def _expression(text: str, parts: list[Part]) -> None:
    place = 0
    for token in _JAVASCRIPT.finditer(text):
        role = "accent emphasis" if token.lastgroup == "accent" else str(token.lastgroup)
        parts.extend(((text[place : token.start()], "dim"), (token[0], role)))
        place = token.end()
    parts.append((text[place:], "dim"))


def _closing(text: str, place: int, depth: int) -> tuple[int, int]:
    """Where a template ends, or the text does, and how many of its braces are open there."""
    for brace in _BRACES.finditer(text, place):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.end(), 0
    return len(text), depth


def _next(line: str, state: State, name: str) -> State:
    """The state that the line after this one begins in."""
    if name == "text":
        return CALM
    language = None if name == "dig" else languages()[name]
    if state == CALM and not (language.restless if language else _DIG_RESTLESS).search(line):
        return CALM
    return _behind(line, state[0], language) if language else _dig(line, state, [])


def _behind(line: str, open_ended: str, language: Language) -> State:
    place = 0
    while True:
        if open_ended:
            end = language.ends[open_ended][1].match(line, place)
            if not end:
                return (open_ended, 0, 0)
            place = end.end()
        edge = language.edges.search(line, place)
        if edge is None:
            return CALM
        group, place = edge.lastgroup or "", edge.end()
        open_ended = group if group in language.ends else ""


def _scan(line: str, state: State, language: str) -> tuple[list[Part], State]:
    """A line in colour, and the state that the next begins in."""
    parts: list[Part] = []
    if language == "text":
        templates(line, "", parts)
    elif language == "dig":
        state = _dig(line, state, parts)
    else:
        state = _tokens(line, state, languages()[language], parts)
    return [part for part in parts if part[0]], state


# Languages of tokens


def _tokens(line: str, state: State, language: Language, parts: list[Part]) -> State:
    place, open_ended = 0, state[0]
    while True:
        if open_ended:
            role, end = language.ends[open_ended]
            found = end.match(line, place)
            templates(line[place : found.end() if found else None], role, parts)
            if not found:
                return (open_ended, 0, 0)
            place = found.end()
        token = language.tokens.search(line, place)
        if token is None:
            parts.append((line[place:], ""))
            return CALM
        parts.append((line[place : token.start()], ""))
        group, place = token.lastgroup or "", token.end()
        open_ended = group if group in language.ends else ""
        if open_ended:
            parts.append((token[0], language.ends[group][0]))
        elif group == "name":
            word = token[0].lower() if language.folds else token[0]
            parts.append((token[0], "word" if word in language.words else ""))
        else:
            templates(token[0], group if group in ROLES else "", parts)


_PYTHON_WORDS = (
    "False None True and as assert async await break case class continue def del elif else except finally for from "
    "global if import in is lambda match nonlocal not or pass raise return try while with yield"
)
_SQL_WORDS = (
    "add all alter analyze and any array as asc begin between bigint boolean by case cast char column commit "
    "constraint copy create cross current database date dateadd datediff day decimal default delete desc describe "
    "distinct distribute double drop else end escape except exists explain extract false fetch filter first float "
    "following for foreign from full function grant group grouping having hour if ilike in index inner insert int "
    "integer intersect interval into is join key last lateral left like limit materialized merge minute month natural "
    "not null nulls numeric offset on or order outer over overwrite partition preceding precision primary range "
    "recursive references replace returning right rollback row rows schema second select set sets similar sort string "
    "table tablesample temp temporary text then time timestamp to transaction true truncate unbounded union unique "
    "unnest update using values varchar view when where window with within year zone"
)
_SHELL_WORDS = (
    "case do done elif else esac export fi for function if in local readonly return select set shift then trap unset "
    "until while exit source"
)
_NUMBER = r"(?P<number>(?<![\w$])\d[\w.]*)"
_NAME = r"(?P<name>[\w$]+)"


@cache
def languages() -> dict[str, Language]:
    """The languages of tokens, by their names."""
    return {"python": _python(), "sql": _sql(), "shell": _shell()}


def _language(
    edges: tuple[str, ...],
    others: tuple[str, ...],
    restless: str,
    ends: dict[str, tuple[str, str]],
    words: str,
    *,
    folds: bool = False,
) -> Language:
    return Language(
        re.compile("|".join((*edges, *others))),
        re.compile("|".join(edges)),
        re.compile(restless),
        {name: (role, re.compile(end)) for name, (role, end) in ends.items()},
        frozenset(words.split()),
        folds,
    )


def _python() -> Language:
    edges = (
        r"(?P<comment>#.*)",
        r'(?P<long_double>(?i:\b[rbuf]{1,2})?""")',
        r"(?P<long_single>(?i:\b[rbuf]{1,2})?''')",
        r"""(?P<string>(?i:\b[rbuf]{1,2})?(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|'(?:[^'\\]|\\.)*(?:'|\\?$)))""",
    )
    others = (r"(?P<accent>^\s*@[\w.]+)", r"(?P<title>(?<=\bdef )\w+|(?<=\bclass )\w+)", _NUMBER, _NAME)
    ends = {
        "long_double": ("string", r'(?:[^\\"]|\\.?|"(?!""))*"""'),
        "long_single": ("string", r"(?:[^\\']|\\.?|'(?!''))*'''"),
    }
    return _language(edges, others, "\"\"\"|'''", ends, _PYTHON_WORDS)


def _sql() -> Language:
    edges = (
        r"(?P<comment>--.*)",
        r"(?P<long_comment>/\*)",
        r"(?P<template>\$\{[^}]*\}?)",
        r"(?P<text>')",
        r'(?P<key>"[^"]*"?|`[^`]*`?)',
    )
    ends = {"long_comment": ("comment", r".*?\*/"), "text": ("string", r"(?:\$\{[^}]*\}|[^'])*?'")}
    return _language(edges, (_NUMBER, _NAME), r"'|/\*", ends, _SQL_WORDS, folds=True)


def _shell() -> Language:
    edges = (
        r"(?P<comment>(?:^|(?<=[\s;]))#.*)",
        r"(?P<template>\$\{[^}]*\}?)",
        r"(?P<escaped>\\.)",
        r'(?P<text>")',
        r"(?P<raw>')",
    )
    others = (r"(?P<accent>\$(?:\w+|[?@#*!$-]|\(\(?))", _NUMBER, r"(?P<name>[\w./-]+)")
    ends = {"text": ("string", r'(?:\\.|[^"\\])*"'), "raw": ("string", r"[^']*'")}
    return _language(edges, others, "[\"']", ends, _SHELL_WORDS)


# .dig: YAML, as far as its look needs it

_DIG_RESTLESS = re.compile(r"""["'{\[]|[|>][-+\d]*[ \t]*(?:#.*)?$""")
_START = re.compile(r"(?P<blanks>\s*)(?P<dashes>(?:-[ \t]+|-$)*)")
_KEY = re.compile(
    r"""(?P<key>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|(?!!(?!include))[^\s#:{}\[\],"'&*|>%@`-](?:[^:#{}\[\],]|:(?=\S)|(?<=\S)\#)*?)"""
    r"(?P<colon>\s*:)(?=\s|$)"
)
_BLOCK = re.compile(r"[|>][-+\d]*(?=\s*(?:#.*)?$)")
_COMMENT = re.compile(r"#.*")
_ANCHOR = re.compile(r"[&*!][^\s,\[\]{}]*")
_QUOTED = {
    '"': re.compile(r'(?:[^"\\]|\\.)*"'),
    "'": re.compile(r"(?:[^']|'')*'(?!')"),
}
_PLAIN = re.compile(r"(?:\$\{[^}]*\}?|[^#]|(?<=\S)#)+?(?=\s*(?:(?<=\s)#.*)?$)")
_PLAIN_IN_FLOW = re.compile(r"(?:\$\{[^}]*\}?|[^#,\[\]{}]|(?<=\S)#)+?(?=\s*(?:[,\[\]{}]|(?<=\s)#|$)|:(?:\s|$))")
_WORD = re.compile(r"(?i:true|false|yes|no|on|off|null)|~")
_DIGITS = re.compile(r"[-+]?\.?\d[\d_.:]*(?:[eE][-+]?\d+)?|0x[\da-fA-F]+")


def _dig(line: str, state: State, parts: list[Part]) -> State:
    mode, depth, braces = state
    start = _START.match(line)
    assert start
    indent = len(start["blanks"])
    if mode == "block":
        if not line.strip() or indent > depth:
            return (mode, depth, templates(line, "string", parts, braces))
        mode, depth, _ = CALM
    if mode in _QUOTED:
        closing = _QUOTED[mode].match(line)
        place = closing.end() if closing else len(line)
        braces = templates(line[:place], "string", parts, braces)
        if not closing:
            return (mode, depth, braces)
    else:
        parts.extend(((start["blanks"], ""), (start["dashes"], "dim")))
        place = start.end()
    return _dig_values(line, place, depth, indent, parts)


def _dig_values(line: str, place: int, depth: int, indent: int, parts: list[Part]) -> State:
    """Keys and values from `place` on; `depth` counts the brackets and braces around them."""
    may_be_key = True
    while place < len(line):
        letter = line[place]
        if letter.isspace():
            parts.append((letter, ""))
            place += 1
        elif letter == "#" and (not place or line[place - 1].isspace()):
            parts.append((line[place:], "comment"))
            break
        elif may_be_key and (key := _KEY.match(line, place)):
            indent = max(indent, place) if not depth else indent
            parts.extend(((key["key"], _role_of_key(key["key"])), (key["colon"], "dim")))
            place, may_be_key = key.end(), bool(depth)
        elif letter in "{[]},":
            depth = max(0, depth + {"{": 1, "[": 1, "]": -1, "}": -1, ",": 0}[letter])
            parts.append((letter, "dim"))
            place, may_be_key = place + 1, True
        elif letter in _QUOTED:
            closing = _QUOTED[letter].match(line, place + 1)
            end = closing.end() if closing else len(line)
            braces = templates(line[place:end], "string", parts)
            if not closing:
                return (letter, depth, braces)
            place = end
        elif not depth and (block := _BLOCK.match(line, place)):
            parts.extend(((block[0], "dim"), (line[block.end() :], "comment")))
            return ("block", indent, 0)
        elif anchor := _ANCHOR.match(line, place):
            parts.append((anchor[0], "word"))
            place = anchor.end()
        else:
            plain = (_PLAIN_IN_FLOW if depth else _PLAIN).match(line, place)
            text = plain[0] if plain else line[place]
            templates(text, _role_of_plain(text), parts)
            place += len(text)
    return ("", depth, 0)


def _role_of_key(key: str) -> str:
    name = key.strip("\"'")
    if name[:1] == "+":
        return "task"
    if name.endswith(">"):
        return "operator"
    return "word" if name[:1] == "_" or name.startswith("!") else "key"


def _role_of_plain(text: str) -> str:
    if _WORD.fullmatch(text):
        return "word"
    return "number" if _DIGITS.fullmatch(text) else "string"
