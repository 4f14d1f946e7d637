"""Texts as Java counts them, and texts from servers for messages."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")


def java_length(text: str) -> int:
    """The length of a text as Java counts it, in units of UTF-16."""
    return len(text) + sum(character > "\uffff" for character in text)


def java_start(text: str, length: int) -> str:
    """The first `length` units of a text in UTF-16; half a character at the end is left out."""
    return text.encode("utf-16-le", "surrogatepass")[: 2 * length].decode("utf-16-le", "ignore")


def visible(text: str) -> str:
    """Text from a server for a log line or a message: control characters that a terminal obeys are replaced."""
    return _CONTROL.sub("\ufffd", text)
