"""Who set a value, in words."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from rich.cells import cell_len

from ..params.layers import Origin, Source
from .lines import Part
from .text import clean, fit_left

WHO = {
    Source.STORE: "stored by",
    Source.RUNTIME_EXPORT: "exported by",
    Source.EXPORT: "_export",
    Source.EDIT: "edited by you",
    Source.LOCAL: "",
}
_ITERATION = re.compile(r"\^sub\+for-((?:&?\d+=[^=&+]*=\d+=[^=&+]*)+)")
_KEY_AND_VALUE = re.compile(r"\d+=([^=&+]*)=\d+=([^=&+]*)")


def origin_parts(origin: Origin, width: int) -> list[Part]:
    """Who set a value, and where: at most half of a pane of `width` cells."""
    room = max(12, width // 2)
    who = WHO.get(origin.source, origin.source.value)
    task = clean(origin.task or "") if who and origin.source is not Source.EDIT else ""
    file, line = (clean(origin.position.file), f":{origin.position.line}") if origin.position else ("", "")
    if len(who) + cell_len(task) + cell_len(file) + len(line) + 5 > room:
        file, task = file.rpartition("/")[2], clean(by_values(task))
    place = f"  {fit_left(file, room // 2)}{line}" if file else ""
    task = f" {fit_left(task, max(8, room - len(who) - cell_len(place) - 2))}" if task else ""
    role = "accent emphasis" if origin.source is Source.EDIT else "dim"
    return [(f" {who}{task}", role), (place, "dim")]


def by_values(task: str) -> str:
    """A full name with iterations of `for_each>` by their values: `+main+load region=east+one`."""
    return _ITERATION.sub(
        lambda found: " " + " ".join(unquote_plus(f"{key}={value}") for key, value in _KEY_AND_VALUE.findall(found[1])),
        task,
    )
