"""What the runner tells of a `py>` task's failure: the exceptions with their frames and the values of locals.

Each exception has `class`, `message`, `notes`, `relation` to the one before (`cause`, `context`, `member`; blank for
the task's own), `depth` within groups, and `frames`, outermost first. A frame has `file`, `line`, `function`, `source`;
`library` where it is none of the user's own; else `lines` from the line `first` on, `columns` and `locals`. A value has
`name`, `type` and `text` or `items`; `length` says how long a text was that is cut.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ..workflow.config import Params

FAILURE: Final = "failure.json"
"""The file where the runner leaves it."""
_LIMITS: Final = {"text": 1000, "message": 1000, "source": 1000, "lines": 1000, "notes": 1000, "name": 100}
"""The longest texts that the runner leaves whole."""


def read_failure(folder: Path, masked: Callable[[str, bool], str]) -> Params:
    """The failure in a folder of temporary files, without the values of secrets; empty if there is none to read.

    Args:
        masked: takes them out of a text; with True also the start of one at the end of a text that was cut off.
    """
    try:
        found = json.loads((folder / FAILURE).read_bytes())
        return _clean(found, "", masked) if isinstance(found.get("exceptions"), list) else {}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


def _clean(value: Any, key: str, masked: Callable[[str, bool], str]) -> Any:
    match value:
        case str():
            return masked(value.encode("utf-8", "replace").decode(), len(value) >= _LIMITS.get(key, 10**6))
        case dict():
            cut = "length" in value
            return {
                name: masked(item.encode("utf-8", "replace").decode(), True)
                if cut and name in ("text", "message")
                else _clean(item, name, masked)
                for name, item in value.items()
            }
        case list():
            return [_clean(item, key, masked) for item in value]
        case _:
            return value


def own_frames(exceptions: list[Params]) -> list[Params]:
    """The places of the user's own frames: of the first exception that has any."""
    kept = ("file", "line", "function", "source")
    for exception in exceptions:
        own = [frame for frame in exception["frames"] if "library" not in frame]
        if own:
            return [{name: frame.get(name, "") for name in kept} for frame in own]
    return []
