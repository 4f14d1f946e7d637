"""What a person begins with when giving a task's output."""

from __future__ import annotations

from ..engine.attempt import Task
from ..operators.pinned import example
from ..workflow.config import Params
from ..workflow.pins import Pin, pin_body
from ..workflow.pins_text import block_text


def draft(task: Task, pin: Pin | None) -> str:
    """The text of a pin: as it is, what the task came to, or an example of what its operator stores."""
    if pin:
        return block_text(pin_body(pin))
    if task.state in ("success", "planned"):
        reset = task.reset_store or None
        return block_text(pin_body(Pin(task.store, task.runtime_export, reset, task.subtasks)))
    return block_text(example(_operator(task.config), task.config))


def _operator(config: Params) -> str:
    key = next((key for key in config if key.endswith(">")), "")
    return str(config.get("_type", key.removesuffix(">")))
