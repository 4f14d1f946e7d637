"""The person's edits as a params file, which `-P` gives back (cli 1.2)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ..engine.attempt import nested
from ..params.layers import Source
from ..workflow.config import Config, Params, merge
from ..workflow.errors import DigdagError
from ..workflow.pins import says_something
from ..workflow.pins_text import block_text, with_entry
from ..workflow.sources import read_source
from ..workflow.yaml import load_text
from .edits import MadeEdit
from .inspect import Inspection
from .inspect import Path as ParamPath

PARAMS_FILE = "params.yml"
"""The name that is offered."""


def loses_to(inspection: Inspection, path: ParamPath) -> str | None:
    """Who beats a value of `-P` that is set instead of the edit; None if `-P` wins (core 6.1)."""
    param = inspection.find(path)
    others = [each.origin for each in param.bindings if each.origin.source is not Source.EDIT] if param else []
    if not others or others[-1].source in (Source.CONFIG_FILE, Source.PARAMS_FILE):
        return None
    return str(others[-1])


def as_params(edits: Iterable[MadeEdit]) -> Params:
    """What the edits set, the later over the earlier."""
    values: Params = {}
    for edit in edits:
        values = merge(values, nested(edit.event.path, edit.event.value))
    return values


def save_params(file: Path, values: Params, *, replace: bool = False) -> None:
    """Write a params file for `-P`; one that exists keeps all its other keys and lines, unless it is to be replaced.

    Raises:
        DigdagError: it cannot be written, or is no mapping of keys on lines of their own.
    """
    text = ""
    if not replace and file.exists():
        text = read_source(file, file.name)
    before = load_text(text, file.name) if says_something(text) else Config()
    if not says_something(text):
        text = block_text(values)
    else:
        for key, value in values.items():
            old = before.get(key)
            both = isinstance(old, dict) and isinstance(value, dict)
            text = with_entry(text, file.name, key, merge(old or {}, value) if both else value)
    beside = file.with_name(f".{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8", newline="")
        os.replace(beside, file)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise DigdagError(f"{file.name} cannot be written: {error.strerror}") from None
