"""What to do about a `py>` task whose process ended in a way that says little (operators 4.4)."""

from __future__ import annotations

import signal
from typing import Final

from ..workflow.config import Params

NOTHING_LEFT: Final = "the process ended before its result was written: os._exit(), or a python: that is no Python"

_RAISED: Final = {
    "SystemExit": "sys.exit() always fails a task, whatever its code: return from the function instead",
    "BdbQuit": "pdb has nothing to read in a task: step into it (s), or attach an editor (a)",
}
_NOTHING_SAID: Final = (
    "the log has what the process said: it needs Python 3.7 or later with its library, and .digdag/tmp left in place"
)
_UNWRITABLE: Final = "what a task stores, exports or adds as a subtask must be JSON: {}"
_BROKE_OFF: Final = "the task's log has why its result broke off, such as a full disk"


def hint(code: int, exceptions: list[Params], *, written: bool) -> str | None:
    """What to do about an exit code, when `exceptions` is what is known of the failure.

    Args:
        written: whether the runner wrote a result.
    """
    last = exceptions[0] if exceptions else None
    if last and last["class"] in _RAISED:
        return _RAISED[last["class"]]
    if written or last:
        return None
    if code > 128:
        return _ended_by(code - 128)
    return "what python: names cannot be run, or is not found there" if code in (126, 127) else _NOTHING_SAID


def unwritable(exceptions: list[Params]) -> str:
    """What to do about a result that broke off when it was written."""
    return _UNWRITABLE.format(exceptions[0]["message"]) if exceptions else _BROKE_OFF


def _ended_by(number: int) -> str | None:
    try:
        name = signal.Signals(number).name
    except ValueError:
        return None
    often = {"SIGKILL": ", as the system does when memory is short", "SIGSEGV": ": compiled code in it is broken"}
    return f"the process was ended by {name}{often.get(name, '')}"
