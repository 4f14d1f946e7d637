"""How tasks stand inside of Python, as the session tells it: which stopped where, which run under the debugger."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from ..debugger.python_stops import (
    Frame,
    PythonAttached,
    PythonContinued,
    PythonDetached,
    PythonReason,
    PythonStopped,
)
from .symbols import STOP

REASONS: Final[dict[PythonReason, str]] = {
    "entry": "first line of", "step": "step in", "breakpoint": "breakpoint in", "pause": "paused in",
    "exception": "raised in", "goto": "ran to here in",
}  # fmt: skip
"""Why Python stopped, in words before where."""


class PythonStand:
    """The tasks that run under the Python debugger, by their ids."""

    def __init__(self) -> None:
        self.stops: dict[int, PythonStopped] = {}
        """Tasks that are stopped inside of Python; the one that stopped last is the last."""
        self.attached: set[int] = set()
        """Tasks that run under the debugger."""
        self.starting: int | None = None
        """The task for which the debugger is being started."""
        self.shown: int | None = None
        """The task of which the screen shows where it is stopped."""

    def apply(self, event: PythonAttached | PythonStopped | PythonContinued | PythonDetached) -> None:
        """Take in an event."""
        self.stops.pop(event.task, None)
        match event:
            case PythonDetached():
                self.ended(event.task)
            case PythonStopped():
                self.stops[event.task] = event
                self.attached.add(event.task)
                self.starting = None if self.starting == event.task else self.starting
            case _:
                self.attached.add(event.task)

    def ended(self, task: int) -> None:
        """A task's process has ended, or was let go."""
        self.stops.pop(task, None)
        self.attached.discard(task)
        self.starting = None if self.starting == task else self.starting

    def forget(self) -> None:
        """Another attempt begins."""
        self.stops.clear()
        self.attached.clear()
        self.starting = None

    def words(self, also: int) -> tuple[str, str, str] | None:
        """How the task shown is stopped: symbol, words and role; None if it is not.

        Args:
            also: how many stops there are beside those inside of Python.
        """
        stop = self.stops.get(self.shown or 0)
        if stop is None:
            return None
        others = len(self.stops) - 1 + also
        more = f" · {others} more stopped (g)" * bool(others)
        where = frame_text(stop.frames[0]) if stop.frames else "Python"
        if stop.raised:
            return "✖", f"{stop.raised.type} in {where}{more}", "error"
        return STOP, f"{REASONS[stop.reason]} {where}{more}", "warning"


def frame_text(frame: Frame) -> str:
    """`run (load.py:12)`."""
    return f"{frame.name} ({file_and_line(frame)})"


def file_and_line(frame: Frame) -> str:
    """`load.py:12`."""
    return f"{PurePath(frame.file).name}:{frame.line}" if frame.file else "no file"
