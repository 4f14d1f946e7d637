"""What an expression does with the texts that params are: asks whether they are true, joins them (core 6.4)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

from .tokens import ScriptError, Token, token_at

Path: TypeAlias = tuple[str, ...]

_COMPARISONS = frozenset(("==", "===", "!=", "!==", "<", ">", "<=", ">=", "in", "instanceof"))
_OPENS_OPERAND = frozenset(("", "(", "&&", "||", "!", ",", "?", ":", "="))


@lru_cache(maxsize=4096)
def truth_tests(source: str) -> frozenset[Path]:
    """The variables whose truth decides something: `a` in `a && b`, `!a` and `a ? b : c`."""
    return frozenset(
        path
        for before, path, after in _variables(source)
        if before == "!" or (after in ("&&", "||", "?") and before in _OPENS_OPERAND)
    )


@lru_cache(maxsize=4096)
def joined(source: str) -> frozenset[Path]:
    """The variables that `+` takes, where no text written beside them says that joining is meant."""
    tokens = _tokens(source)
    if any(token.kind == "string" for token in tokens):
        return frozenset()
    return frozenset(path for before, path, after in _variables(source) if "+" in (before, after))


@lru_cache(maxsize=4096)
def is_condition(source: str) -> bool:
    """Whether an expression surely comes to true or false: comparisons, `!x`, and these with `&&` and `||`."""
    operands: list[list[Token]] = [[]]
    depth = 0
    for token in _tokens(source):
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        if depth == 0 and token.kind == "punctuator" and token.text in ("?", ",", "=", ";"):
            return False
        if depth == 0 and token.text in ("&&", "||"):
            operands.append([])
        else:
            operands[-1].append(token)
    return all(map(_is_boolean, operands))


def _is_boolean(operand: list[Token]) -> bool:
    if not operand:
        return False
    if len(operand) == 1 or (operand[0].text == "!" and len(operand) > 1):
        return operand[0].text in ("true", "false", "!")
    depth = 0
    for token in operand:
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        if depth == 0 and token.kind in ("punctuator", "keyword") and token.text in _COMPARISONS:
            return True
    return False


def _variables(source: str) -> Iterator[tuple[str, Path, str]]:
    """Each dotted name with the tokens before and after it; calls and computed properties are none."""
    tokens = _tokens(source)
    index = 0
    while index < len(tokens):
        if tokens[index].kind != "name":
            index += 1
            continue
        before = tokens[index - 1].text if index else ""
        path = [tokens[index].text]
        while index + 2 < len(tokens) and tokens[index + 1].text == "." and tokens[index + 2].kind == "name":
            path.append(tokens[index + 2].text)
            index += 2
        index += 1
        after = tokens[index].text if index < len(tokens) else ""
        if before != "." and after not in ("(", "[", "."):
            yield before, tuple(path), after


@lru_cache(maxsize=4096)
def _tokens(source: str) -> tuple[Token, ...]:
    """The tokens of an expression, none if it is no ECMAScript 5; a regular expression may hide what follows it."""
    found: list[Token] = []
    position = 0
    try:
        while (token := token_at(source, position)).kind not in ("end", "error"):
            found.append(token)
            position = token.end
    except ScriptError:
        return ()
    return tuple(found) if token.kind == "end" else ()
