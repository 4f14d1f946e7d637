"""CSV files as Digdag writes them for `download_file` (operators 5.4)."""

from __future__ import annotations

from collections.abc import Iterable

_END = "\r\n"
_QUOTED = frozenset('",\r\n')


def csv_line(cells: Iterable[str | None]) -> str:
    """A line with its end: null is nothing, empty text `""`, line ends within a cell become LF."""
    return ",".join(map(_cell, cells)) + _END


def _cell(text: str | None) -> str:
    if text is None:
        return ""
    if text and _QUOTED.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""').replace(_END, "\n").replace("\r", "\n") + '"'
