"""Params as text of 80 columns without colour, for `explain` and the debugger without a screen."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from ..debugger.explain import Hint
from ..debugger.explained import Explained, in_words, value_text

WIDTH = 80


def param_lines(
    param: Explained, hints: Sequence[Hint], *, from_run: bool, indent: int = 0, whole: bool = False
) -> Iterator[str]:
    """A param with who set it, what that overrode, what its template reads, and what bites.

    Args:
        hints: of all params; those of this one are shown.
        from_run: whether an attempt has it, or only the files.
        whole: show all of it, with what is in it.
    """
    before = " " * indent
    value = value_text(param.value)
    head = f"{before}{param.path[-1] if not whole or len(param.path) == 1 else param.name}"
    detail = " " * (indent + 4)
    if param.children and (whole or len(head) + len(value) + 2 > WIDTH):
        yield f"{head}  {{{len(param.children)} keys}}"
        for child in param.children if whole else ():
            yield from param_lines(child, hints, from_run=from_run, indent=indent + 2)
    else:
        yield from labelled(head + "  ", value, whole)
    yield from labelled(detail + "from   ", in_words(param.origin, from_run=from_run), True)
    if param.template is not None:
        yield from labelled(detail + "text   ", " ".join(param.template.split()), whole)
    for variable in param.reads:
        origin = f"   {in_words(variable.origin, from_run=from_run)}" if variable.origin else "   nobody sets it"
        yield from labelled(detail + "reads  ", variable.name + origin, True)
    for binding in param.overrode:
        origin = in_words(binding.origin, from_run=from_run)
        word = "with   " if isinstance(binding.value, dict) and isinstance(param.value, dict) else "over   "
        yield from labelled(detail + word, f"{_cut(value_text(binding.value), 40)}   {origin}", True)
    for error in param.errors:
        yield from labelled(detail + "fails  ", error, True)
    for hint in hints:
        if hint.path == param.path:
            yield from labelled(detail + "!      ", f"{hint.message} ({hint.advice}) [{hint.code}]", True)


def labelled(label: str, text: str, whole: bool) -> Iterator[str]:
    """A label with its text behind it, in as many lines as it takes, or cut to one."""
    room = max(20, WIDTH - len(label))
    if not whole:
        yield label + _cut(text, room)
        return
    lines = textwrap.wrap(text, room, break_on_hyphens=False, replace_whitespace=False) or [""]
    yield label + lines[0]
    yield from (" " * min(len(label), WIDTH - room) + line for line in lines[1:])


def below(head: str, text: str, indent: int, *, cut: bool) -> Iterator[str]:
    """A text in the lines below its head."""
    yield head
    yield from labelled(" " * indent, text, not cut)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
