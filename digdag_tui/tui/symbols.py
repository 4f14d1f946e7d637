"""How states look: a symbol and a word each, so that colour only repeats what they say."""

from __future__ import annotations

from typing import NamedTuple

from ..debugger.breakpoints import Breakpoint, Breakpoints
from ..engine.attempt import Task
from ..engine.events import State

STOP = "❚❚"
PAST = "◀"
BREAKPOINT = "●"
HERE = "➤"
OUTER = "▹"
"""A call further out, which is looked at."""
STARTING = "…"
TOUCHED = "⟳"
"""A saved file touches the task, which has not run since."""
OPEN, CLOSED = "▾", "▸"


class Look(NamedTuple):
    """`role` is a component class of `Lines`."""

    symbol: str
    word: str
    role: str


LOOKS: dict[State, Look] = {
    "blocked": Look("○", "waiting", "dim"),
    "ready": Look("◎", "ready", "accent"),
    "retry_waiting": Look("↻", "waiting to retry", "warning"),
    "group_retry_waiting": Look("↻", "waiting to retry", "warning"),
    "running": Look("▶", "running", "accent"),
    "planned": Look("▷", "in progress", "accent"),
    "group_error": Look("✖", "failed inside", "error"),
    "success": Look("✔", "success", "success"),
    "error": Look("✖", "failed", "error"),
    "canceled": Look("⊘", "canceled", "warning"),
}
NOT_MATCHED = Look("◌", "no task yet", "warning")
HANDLING = Look("▷", "failed, handling the error", "error")
FAILED_NOW = Look("✖", "failed, not handled yet", "error")
ASKING = Look("?", "needs its output", "warning")
IN_PYTHON = Look("‖", "stopped in Python", "warning")
RAISED = Look("✖", "raised, still in Python", "error")


def look(task: Task) -> Look:
    """How a task looks now."""
    return HANDLING if task.delayed and task.state == "planned" else LOOKS[task.state]


def breakpoint_look(breakpoint: Breakpoint, *, muted: bool = False) -> Look:
    """How a breakpoint looks in a gutter; the word is blank for one that always stops."""
    if muted or not breakpoint.enabled:
        return Look("○", "muted" if breakpoint.enabled else "off", "dim")
    if breakpoint.log_message:
        return Look("◆", "log", "accent")
    if breakpoint.condition or breakpoint.hit_condition:
        return Look("◉", "if", "error")
    return Look(BREAKPOINT, "", "error")


def gutter_look(breakpoints: Breakpoints, task: Task) -> Look | None:
    """How the breakpoints on a task look: the one that does most."""
    looks = [breakpoint_look(each, muted=breakpoints.muted) for each in breakpoints.of(task)]
    return min(looks, key=lambda look: "●◉◆○".index(look.symbol), default=None)
