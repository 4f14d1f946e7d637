"""A stop of the debugger without a screen: as plain data, and as text."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Sequence

from ..debugger.events import Stopped
from ..debugger.explain import Hint
from ..debugger.explained import Explained, record
from ..debugger.failure import failure_lines, told
from ..engine.attempt import Task
from ..workflow.config import Params, position_of
from ..workflow.text import java_text
from .params_text import WIDTH, param_lines


def stop_record(stopped: Stopped, task: Task, params: Sequence[Explained], hints: Sequence[Hint]) -> Params:
    """A stop: why and where, what failed, and the params of its task."""
    found: Params = {"event": "stopped", "reason": stopped.reason, "task": task.full_name, "after": stopped.after}
    key = next((key for key in task.config if key.endswith(">")), None)
    if key:
        found |= {"operator": key, "command": task.config[key], "position": str(position_of(task.config, key) or "")}
    if stopped.description:
        found["description"] = stopped.description
    if stopped.error:
        found |= {"error": stopped.error, "frames": list(stopped.frames), "hint": stopped.hint}
        found |= {"exceptions": list(stopped.exceptions)} if stopped.exceptions else {}
    return {**found, **params_record(params, hints)}


def params_record(params: Sequence[Explained], hints: Sequence[Hint]) -> Params:
    """Params as `explain` has them, and what is surprising about them."""
    return {
        "params": [record(param, from_run=True) for param in params],
        "warnings": [
            {"name": ".".join(hint.path), "code": hint.code, "message": hint.message, "advice": hint.advice}
            for hint in hints
        ],
    }


def stop_lines(stopped: Stopped, task: Task, params: Sequence[Explained], hints: Sequence[Hint]) -> Iterator[str]:
    """A stop for a person."""
    found = stop_record(stopped, task, (), ())
    failed = stopped.reason == "exception"
    word = "failed" if failed else f"has ended ({stopped.reason})" if stopped.after else f"is next ({stopped.reason})"
    command = java_text(found.get("command", "")).split("\n")[0]
    what = f": {found['operator']} {command}" if "operator" in found else ""
    place = f"  ({found['position']})" if found.get("position") else ""
    yield textwrap.shorten(f"-- {task.full_name} {word}{what}", max(WIDTH, 24 + len(task.full_name))) + place
    if stopped.description:
        yield f"   {stopped.description}"
    message = str((stopped.error or {}).get("message", "")).partition("\n\tfrom ")[0].strip()
    if message:
        yield textwrap.indent(message, "   ")
    if exceptions := told(stopped.exceptions, stopped.frames):
        yield from (f"   {line}" for line in failure_lines(exceptions, os.getcwd()))
    if stopped.hint and stopped.hint != found.get("position"):
        yield f"   hint: {stopped.hint}"
    for param in params:
        yield from param_lines(param, hints, from_run=True, indent=3)
