"""A task as a text to paste into an issue: what it is, why it failed, and where each of its values came from."""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from .. import __version__
from ..engine.attempt import DONE, Attempt, Task
from ..params.layers import Origin, Source
from ..workflow.config import Params, Value, position_of
from ..workflow.errors import Position
from ..workflow.pins import Pin, pin_body
from ..workflow.pins_text import flow_text
from ..workflow.text import json_text
from .events import Stopped
from .failure import failure_lines, printable, told
from .inspect import Inspection, Param

LOG_LINES = 50
"""How many of the task's last lines a report has."""
LONGEST = 400
"""Characters of a value; the rest is left out."""
TRACE_LINES = 60


def report(
    attempt: Attempt,
    task: Task,
    inspection: Inspection,
    *,
    project: Path,
    mask: Callable[[str], str],
    number: int = 1,
    stopped: Stopped | None = None,
    pins: Mapping[str, Pin] | None = None,
    log: Iterable[str] = (),
) -> str:
    """A report on `task`, in Markdown that reads as plain text.

    Args:
        inspection: the task's params (`inspect`).
        mask: takes the values of secrets out of a text.
        number: the attempt's.
        stopped: where the session is stopped; a failure that it is stopped at is told as that.
        pins: the outputs given for tasks, by full name.
        log: what the task and those in it printed and logged, line by line; the last `LOG_LINES` are kept.
    """
    writer = _Writer(attempt, task, inspection, mask, stopped)
    sections = (
        writer.head(project, number),
        writer.definition(),
        writer.error(project),
        writer.params(),
        writer.templates(),
        writer.changes(pins or {}),
        writer.log(log),
    )
    text = "\n".join(chain.from_iterable(sections)).rstrip() + "\n"
    return mask(text.replace(f"{project}/", "").replace(str(Path.home()), "~"))


def subject_of(attempt: Attempt, stopped: Stopped | None, selected: Task | None) -> Task | None:
    """The task that a report is about: `selected` or what it holds, if that failed; else the failure there is."""
    if stopped and stopped.reason == "exception":
        return attempt.tasks[stopped.task]
    inside = (selected, *selected.descendants()) if selected else ()
    return next((task for task in (*inside, *attempt.tasks.values()) if task.error), selected)


def position_of_task(task: Task) -> Position | None:
    """Where the first of a task's own keys stands."""
    places = [position_of(config, key) for config in (task.export, task.config) for key in config]
    return min((place for place in places if place), key=lambda place: place.line, default=None)


class _Writer:
    """The sections of a report, each a run of lines. Values are masked before they are shortened or broken to lines."""

    def __init__(
        self, attempt: Attempt, task: Task, inspection: Inspection, mask: Callable[[str], str], stopped: Stopped | None
    ) -> None:
        self._attempt = attempt
        self._task = task
        self._inspection = inspection
        self._mask = mask
        self._stopped = stopped
        at_failure = stopped is not None and stopped.reason == "exception" and stopped.task == task.id
        self._failure = stopped if at_failure else None
        self._error: Params = (self._failure.error or {}) if self._failure else task.error

    def head(self, project: Path, number: int) -> Iterator[str]:
        start, tasks = self._attempt.start, self._attempt.tasks.values()
        states = Counter(task.state for task in tasks if not task.is_group)
        yield f"# {self._task.full_name}: {self._state()}"
        yield ""
        yield f"- workflow: {start.workflow}, of the project {project.name}"
        yield f"- session: {start.session_time}, attempt {number}"
        yield f"- how it stands: {self._standing()}"
        yield f"- tasks: {', '.join(f'{count} {state}' for state, count in sorted(states.items()))}"
        yield f"- versions: digdag-tui {__version__}, as Digdag 0.10.6; Python {platform.python_version()}; " + (
            f"{platform.system()} {platform.release()}"
        )
        yield f"- written: {time.strftime('%Y-%m-%d %H:%M:%S %z')}"

    def definition(self) -> Iterator[str]:
        task = self._task
        position = position_of_task(task)
        yield from _title("The task")
        about = [self._state()]
        if task.started_at and task.ended_at and task.state in DONE:
            about.append(f"after {task.ended_at - task.started_at:.1f} s")
        if task.retries:
            about.append(f"called again {task.retries} times")
        if position:
            about.append(f"at {position.file}:{position.line}")
        yield f"{task.full_name}: {', '.join(about)}"
        yield ""
        written = {**({"_export": task.export} if task.export else {}), **task.config}
        yield from _block(_outline(self._masked(written)))
        for word, values in (("stored", task.store), ("exported", task.runtime_export)):
            if values:
                yield from ("", f"It {word}:", "")
                yield from _block(_outline(self._masked(values)))

    def error(self, project: Path) -> Iterator[str]:
        if not self._error:
            return
        frames = self._failure.frames if self._failure else self._task.frames
        hint = self._failure.hint if self._failure else self._task.hint
        message, _, trace = str(self._error.get("message", "")).partition("\n\tfrom ")
        trace = trace.replace("\n\tfrom ", "\n") or str(self._error.get("stacktrace", ""))
        yield from _title("Why it failed")
        yield from _block(message.strip().splitlines())
        if hint:
            yield from ("", f"Hint: {hint}")
        exceptions = self._failure.exceptions if self._failure else self._task.exceptions
        if told_of := told(exceptions, frames):
            yield from ("", "Its Python code:", "")
            yield from _block(failure_lines(told_of, str(project)))
        if trace.strip() and trace.strip() != message.strip():
            yield from ("", "In full:", "")
            yield from _block([line for line in trace.splitlines() if line.strip()][-TRACE_LINES:])

    def params(self) -> Iterator[str]:
        found = self._inspection
        yield from ("", "## Params, each with who set it")
        if found.error:
            yield from ("", f"They cannot be known: {found.error}")
        for heading, group in (
            ("Its own keys, evaluated", found.own),
            ("What it sees", found.params),
            ("Digdag's own", found.built_in),
        ):
            if group:
                yield from ("", f"{heading}:", "")
                yield from _block(chain.from_iterable(map(self._param, group)))

    def _param(self, param: Param) -> Iterator[str]:
        children = param.children()
        if children and any(child.origin != param.origin or child.overridden or child.reading for child in children):
            yield from chain.from_iterable(map(self._param, children))
            return
        yield f"{'.'.join(param.path)} = {self._value(param.value)}"
        if param.origin.source is not Source.BUILT_IN:
            yield f"    {_who(param.origin)}"
        yield from (f"    over {self._value(other.value)}: {_who(other.origin)}" for other in param.overridden)
        yield from (f"    cannot be evaluated: {error}" for error in param.errors)

    def templates(self) -> Iterator[str]:
        readings = {
            param.reading.text: param.reading
            for param in _nested((*self._inspection.own, *self._inspection.params))
            if param.reading
        }
        if readings:
            yield from _title("Templates")
        for text, reading in readings.items():
            result = f"cannot be evaluated: {reading.error.error_message}" if reading.error else reading.result or ""
            yield from _block([f"{self._value(text)}  ->  {self._value(result)}"])
            if reading.variables:
                yield f"        reads {', '.join(reading.variables)}"

    def changes(self, pins: Mapping[str, Pin]) -> Iterator[str]:
        edits = [("for the whole session", self._attempt.session_edits)]
        for task in self._attempt.tasks.values():
            edits += [(f"for {task.full_name} alone", task.edits), (f"from {task.full_name} on", task.stored_edits)]
        edited = [(scope, values) for scope, values in edits if values]
        if edited:
            yield from _title("Edits of this attempt")
        for scope, values in edited:
            yield from _block(f"{line}    {scope}" for line in _outline(self._masked(values)))
        if pins:
            yield from _title("Outputs that were given (pins)")
        for name, pin in pins.items():
            yield from _block(_outline({name: self._masked(pin_body(pin))}))

    def log(self, lines: Iterable[str]) -> Iterator[str]:
        kept = [line for text in lines for line in self._mask(text).splitlines() or [""]]
        yield from _title(f"Its log{f', the last {LOG_LINES} lines' if len(kept) > LOG_LINES else ''}")
        yield from _block(map(printable, kept[-LOG_LINES:])) if kept else ("It printed nothing.",)

    def _state(self) -> str:
        return "failed" if self._failure else self._task.state.replace("_", " ")

    def _standing(self) -> str:
        if self._attempt.success is not None:
            return "finished: success" if self._attempt.success else "finished: failed"
        if self._stopped is None:
            return "running"
        name = self._attempt.tasks[self._stopped.task].full_name
        return f"stopped: {name} failed" if self._stopped.reason == "exception" else f"stopped before {name}"

    def _value(self, value: Value) -> str:
        text = self._mask(json_text(self._masked(value)))
        return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text):,} characters)"

    def _masked(self, value: Value) -> Value:
        match value:
            case str():
                return self._mask(value)
            case dict():
                return {self._mask(key): self._masked(item) for key, item in value.items()}
            case list():
                return [self._masked(item) for item in value]
            case _:
                return value


def _title(text: str) -> tuple[str, ...]:
    return ("", f"## {text}", "")


def _block(lines: Iterable[str]) -> Iterator[str]:
    """Lines that Markdown shows as they are."""
    yield from (f"    {line}".rstrip() for line in lines)


def _outline(values: Params, indent: int = 0) -> Iterator[str]:
    """A mapping as people write it in a workflow."""
    start = " " * indent
    for key, value in values.items():
        match value:
            case dict() if value:
                yield f"{start}{key}:"
                yield from _outline(value, indent + 2)
            case str() if "\n" in value:
                yield f"{start}{key}: |"
                yield from (f"{start}  {line}" for line in value.rstrip("\n").split("\n"))
            case _:
                yield f"{start}{key}: {flow_text(value)}"


def _nested(params: Iterable[Param]) -> Iterator[Param]:
    for param in params:
        yield param
        yield from _nested(param.children())


def _who(origin: Origin) -> str:
    return str(origin).replace("  ", ", ")
