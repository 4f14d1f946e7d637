"""The statements of a script, split where PostgreSQL's JDBC driver splits it."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"(?<![\w$])[eE]'(?:[^'\\]|\\.)*(?:'|\Z)"
    r"|'[^']*(?:'|\Z)"
    r'|"[^"]*(?:"|\Z)'
    r"|--[^\r\n]*"
    r"|(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)"
    r"|/\*|\?\?|[();]",
    re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


def split_statements(script: str) -> list[str]:
    """The statements between semicolons, with the blanks and comments around them; blank ones are left out.

    A semicolon in parentheses, a literal, a quoted name or a comment ends none; `??` stands for `?`.
    """
    found: list[str] = []
    statement: list[str] = []
    start = place = depth = 0
    while token := _TOKEN.search(script, place):
        place = token.end()
        match token[0]:
            case "/*":
                place = _end_of_comment(script, place)
            case "(":
                depth += 1
            case ")":
                depth -= 1
            case "??":
                statement.append(script[start : token.start() + 1])
                start = place
            case ";" if depth == 0:
                found.append("".join([*statement, script[start : token.start()]]))
                statement, start = [], place
    found.append("".join([*statement, script[start:]]))
    return [text for text in found if text.strip()]


def _end_of_comment(script: str, place: int) -> int:
    """Where the comment ends that began before `place`; comments nest."""
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(script, place)):
        depth += 1 if edge[0] == "/*" else -1
        place = edge.end()
    return len(script) if depth else place
