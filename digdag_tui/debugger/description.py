"""A stop and its params as plain data, and as text without colour: for `debug`, `explain` and reports."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from ..engine.attempt import Task
from ..workflow.config import Params, Value, position_of
from ..workflow.text import java_text, json_text, json_type
from .events import Stopped
from .inspect import Inspection, Param

LONGEST = 200
"""Characters of a value that a line of text shows."""


def param_record(param: Param) -> Params:
    """A param: its value and type, who set it, what that overrode, and what became of its template."""
    record: Params = {
        "name": ".".join(param.path),
        "value": param.value,
        "type": json_type(param.value),
        "origin": str(param.origin),
    }
    if param.overridden:
        record["overrode"] = [{"value": binding.value, "origin": str(binding.origin)} for binding in param.overridden]
    if param.reading:
        record["template"] = param.reading.text
        record["reads"] = list(param.reading.variables)
    if param.errors:
        record["errors"] = list(param.errors)
    return record


def params_record(inspection: Inspection) -> list[Params]:
    """The task's own keys, then the params that it sees, without Digdag's built-in ones."""
    return [param_record(param) for param in (*inspection.own, *inspection.params)]


def stop_record(stopped: Stopped, task: Task, inspection: Inspection) -> Params:
    """A stop: why and where, what failed, and the params of its task."""
    record: Params = {"event": "stopped", "reason": stopped.reason, "task": task.full_name}
    operator, command, position = operator_of(task)
    if operator:
        record |= {"operator": operator, "command": command}
    if position:
        record["position"] = position
    if stopped.error:
        record["error"] = stopped.error
    if stopped.hint:
        record["hint"] = stopped.hint
    if stopped.frames:
        record["frames"] = list(stopped.frames)
    record["params"] = params_record(inspection)
    if inspection.error:
        record["params_error"] = inspection.error
    return record


def operator_of(task: Task) -> tuple[str | None, Value, str | None]:
    """What a task runs as it stands in its file: the operator's key, its command, and where that is."""
    key = next((key for key in task.config if key.endswith(">") or key == "_type"), None)
    if key is None:
        first = next(iter(task.config), None)
        return None, None, str(position_of(task.config, first) or "") or None if first else None
    place = str(position_of(task.config, key) or "") or None
    return (key, task.config[key], place) if key != "_type" else (f"{task.config[key]}>", None, place)


def stop_text(record: Params) -> str:
    """A stop for a person."""
    return "\n".join(_stop_lines(record))


def params_text(records: Iterable[Params]) -> str:
    """Params for a person, a line each, with what they overrode below."""
    return "\n".join(_param_lines(list(records)))


def _stop_lines(record: Params) -> Iterator[str]:
    word = "failed" if record["reason"] == "exception" else f"is next ({record['reason']})"
    command = "" if record.get("command") is None else " " + _short(java_text(record["command"]))
    what = f": {record['operator']}{command}" if "operator" in record else ""
    place = f"  ({record['position']})" if "position" in record else ""
    yield f"-- {record['task']} {word}{what}{place}"
    message = str(record.get("error", {}).get("message", "")).partition("\n\tfrom ")[0].strip()
    if message:
        yield textwrap.indent(message, "   ")
    for frame in record.get("frames", ()):
        yield f"   at {frame['file']}:{frame['line']}: {str(frame.get('source') or '').strip()}".rstrip(": ")
    if record.get("hint", record.get("position")) != record.get("position"):
        yield f"   hint: {record['hint']}"
    if "params_error" in record:
        yield f"   {record['params_error']}"
    yield from _param_lines(record["params"], "   ")


def _param_lines(records: list[Params], indent: str = "") -> Iterator[str]:
    names = min(max((len(record["name"]) for record in records), default=0), 24)
    for record in records:
        before = " " * (len(indent) + max(names, len(record["name"])) + 2)
        value = _short(json_text(record["value"]))
        yield f"{indent}{record['name']:{names}}  {value}   {record['origin']}"
        yield from (f"{before}! {error}" for error in record.get("errors", ()))
        if "template" in record:
            reads = f"   reads {', '.join(record['reads'])}" if record["reads"] else ""
            yield f"{before}= {_short(' '.join(record['template'].split()))}{reads}"
        for binding in record.get("overrode", ()):
            yield f"{before}over {_short(json_text(binding['value']))}   {binding['origin']}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
