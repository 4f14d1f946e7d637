"""Text from outside as data: no escape sequence or control character reaches the terminal, widths are in cells."""

from __future__ import annotations

import math
import re
import time

from rich.cells import cell_len, set_cell_size

TAB = 8
"""Cells between two stops of the tabulator."""

_SIMPLE = re.compile(r"[\x20-\x7e]*")
_SIMPLE_LINES = re.compile(r"[\x20-\x7e\n]*")
_DROPPED = re.compile(r"\x1b\[(?:[0-9;:]*m|[0-2]?K|\?[0-9;]+[hl])|\x1b\([B0]|[\ufe0e\ufe0f]")
"""Colours, erasing to the line's end, modes of the terminal, and signs that choose how an emoji looks."""
_JOINED = re.compile("(?<=[\u2600-\u27bf\U0001f000-\U0001faff])[\u200d\U0001f3fb-\U0001f3ff]")
"""What makes one emoji of several, or of another colour: terminals do not agree on how wide those are."""
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def clean(text: str) -> str:
    """One line that is safe to show: colours are dropped, other control characters become visible signs."""
    return text if _SIMPLE.fullmatch(text) else _clean(text).replace("\n", "\u240a")


def clean_lines(text: str) -> list[str]:
    """The lines of a text, each safe to show."""
    return [clean(line.rstrip("\r")) for line in text.split("\n")]


def printed_lines(text: str) -> list[str]:
    """The lines that a terminal shows of what a program printed, each safe to show; what was overwritten is left out.

    Made for many lines at once: what they cost is the splitting.
    """
    if _SIMPLE_LINES.fullmatch(text):
        return text.split("\n")
    if "\r" in text:
        text = "\n".join(map(last_state, text.split("\n")))
    return _clean(text).split("\n")


def last_state(line: str) -> str:
    """What is left of a line in which a progress bar went back to the line's start."""
    return line.rstrip("\r").rpartition("\r")[2]


def _clean(text: str) -> str:
    """Lines that are safe to show."""
    text = _UNSAFE.sub(_sign, _JOINED.sub("", _DROPPED.sub("", text)))
    if "\t" not in text:
        return text
    return text.expandtabs(TAB) if text.isascii() else "\n".join(map(_expand_tabs, text.split("\n")))


def _expand_tabs(line: str) -> str:
    first, *others = line.split("\t")
    for other in others:
        first += " " * (TAB - cell_len(first) % TAB) + other
    return first


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return "\ufffd" if 0xD800 <= code < 0xE000 else f"\\u{code:04x}"


def fit(text: str, width: int) -> str:
    """`text` in at most `width` cells, the end left out."""
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)) + "…" * (width > 0)


def fit_left(text: str, width: int) -> str:
    """`text` in at most `width` cells, the beginning left out."""
    surplus = cell_len(text) - width
    if surplus <= 0:
        return text
    for number, letter in enumerate(text):
        if surplus < 0 and cell_len(letter):
            return "…" + text[number:]
        surplus -= cell_len(letter)
    return "…" * (width > 0)


def pad(text: str, width: int) -> str:
    """`text` in exactly `width` cells."""
    return set_cell_size(fit(text, width), width)


def duration(seconds: float) -> str:
    """A length of time in at most five characters."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    if seconds < 59.5:
        return f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02}" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}"


def countdown(seconds: float) -> str:
    """A time that is left, without parts of seconds."""
    whole = max(0, math.ceil(seconds))
    return f"{whole}s" if whole < 60 else duration(whole)


def clock(at: float) -> str:
    """A time of day in the zone of this machine."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def plural(count: int, thing: str) -> str:
    """`1 task`, `1,000 tasks`."""
    return f"{count:,} {thing}" + "s" * (count != 1)
