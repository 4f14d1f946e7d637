"""How states look: a symbol and a word each, so that colour only repeats what they say."""

from __future__ import annotations

from typing import NamedTuple

from ..engine.attempt import Task
from ..engine.events import State

STOP = "❚❚"
BREAKPOINT = "●"
HERE = "➤"
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
HANDLING = Look("▷", "failed, handling the error", "error")
FAILED_NOW = Look("✖", "failed, not handled yet", "error")
ASKING = Look("?", "needs its output", "warning")


def look(task: Task) -> Look:
    """How a task looks now."""
    return HANDLING if task.delayed and task.state == "planned" else LOOKS[task.state]
