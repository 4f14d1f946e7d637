"""Text from outside as data: no escape sequence or control character reaches the terminal, widths are in cells."""

from __future__ import annotations

import math
import re
import time

from rich.cells import cell_len, set_cell_size

_SGR = re.compile(r"\x1b\[[0-9;:]*m")
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_SIMPLE = re.compile(r"[\x20-\x7e]*")


def clean(text: str) -> str:
    """One line that is safe to show: colours are dropped, other control characters become visible signs."""
    if _SIMPLE.fullmatch(text):
        return text
    return _UNSAFE.sub(_sign, _SGR.sub("", text).replace("\t", "    "))


def clean_lines(text: str) -> list[str]:
    """The lines of a text, each safe to show."""
    return [clean(line.rstrip("\r")) for line in text.split("\n")]


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return "\ufffd" if 0xD800 <= code < 0xE000 else f"\\u{code:04x}"


def fit(text: str, width: int) -> str:
    """`text` in at most `width` cells, the end left out."""
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)) + "…" * (width > 0)


def fit_left(text: str, width: int) -> str:
    """`text` in at most `width` cells, the beginning left out."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - 1:
        text = text[1:]
    return "…" + text if width > 0 else ""


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
