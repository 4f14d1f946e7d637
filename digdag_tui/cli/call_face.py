"""What `digdag-tui py` prints: what is called with which values, what it says, and what it came to."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence

import click

from ..debugger.alone import Alone
from ..debugger.environment import LocalEnvironment
from ..debugger.events import DebuggerWaiting, EditorAttached, EditorDetached, SessionEvent
from ..debugger.explained import in_words, record, value_text
from ..debugger.failure import failure_lines, told
from ..debugger.trial import Trial
from ..engine.events import TaskLogged, TaskOutput
from ..engine.journal import encode
from ..engine.runner import MANAGER
from ..workflow.config import Params, position_of
from ..workflow.python_signature import Signature, Slot
from ..workflow.text import json_text
from .faces import LINE_BREAKS
from .log import CONTROLS
from .params_text import labelled

_LONGEST = 60
"""Characters of a value in the list of arguments."""


class CallFace:
    """Prints what is called, what it says and what it came to, as text or as one JSON object a line."""

    def __init__(self, environment: LocalEnvironment, alone: Alone, as_json: bool) -> None:
        self._project = environment.project
        self._mask = environment.secrets.masker.mask
        self._alone = alone
        self._json = as_json
        self._at_start = True
        self._names = [param.name for param in alone.params]
        """All params that the task has; the call's own keys among them."""

    def show_call(self, source: str, *, from_run: bool) -> None:
        """What is called with which values."""
        alone = self._alone
        if self._json:
            self._print({
                "event": "call", "task": alone.task.full_name, "command": self._command(), "from": source,
                "position": str(alone.call.position) if alone.call and alone.call.position else None,
                "arguments": [self._argument(slot, from_run) for signature in self._signatures()
                              for slot in signature.slots(self._names) if slot.how != "bound"],
                "reads": [self._value(name, from_run) for name in alone.reads], "left_out": alone.left_out,
            })  # fmt: skip
            return
        self._lines(self._call_lines(source, from_run))

    def refuse(self, message: str) -> None:
        """Why it cannot be called."""
        if self._json:
            self._print({"event": "rejected", "message": message})
        else:
            click.echo(self._mask(f"error: {message}"), err=True)

    def hear(self, event: TaskOutput | TaskLogged) -> None:
        """What the task says, as it comes."""
        if self._json:
            self._print(event)
        elif isinstance(event, TaskOutput):
            sys.stdout.write(self._mask(event.text))
            sys.stdout.flush()
            self._at_start = event.text.endswith("\n")
        elif event.level != "DEBUG" and event.logger != MANAGER:
            self._lines([f"{event.level.lower()}: {event.message.translate(CONTROLS)}"])

    def tell(self, event: SessionEvent) -> None:
        """What happens at the port where an editor comes."""
        match event:
            case DebuggerWaiting() if self._json:
                self._print({"event": "waiting", "host": event.host, "port": event.port, "root": event.root})
            case DebuggerWaiting():
                from ..debugger.editor_entries import entries, tunnel

                entry, *others = entries(event, self._project)
                self._lines([
                    f"-- waits for a debugger on {event.host}:{event.port}; Ctrl-C ends it",
                    *([f"   {line}"] if (line := tunnel(event)) else []),
                    f"   {entry.editor}, {entry.place}, then {entry.then}:",
                    *textwrap.indent(entry.text, "   ").split("\n"),
                    f"   {' and '.join(other.editor for other in others)}: the debugger (digdag-tui FILE) shows theirs",
                ])  # fmt: skip
            case EditorAttached() | EditorDetached():
                has_come = isinstance(event, EditorAttached)
                words = "the editor is there" if has_come else "the editor has left"
                if self._json:
                    self._print({"event": "attached" if has_come else "detached"})
                else:
                    self._lines([f"-- {words}"])
            case _:
                pass

    def show_result(self, trial: Trial | None) -> None:
        """What it came to, None if it was stopped."""
        if self._json:
            self._print({"event": "result", "success": False, "stopped": True} if trial is None else _result(trial))
        else:
            self._lines(["-- stopped"] if trial is None else _result_lines(trial))

    def _signatures(self) -> tuple[Signature, ...]:
        return self._alone.call.signatures if self._alone.call else ()

    def _value(self, name: str, from_run: bool) -> Params:
        param = self._alone.param(name)
        return record(param, from_run=from_run) if param else {"name": name, "known": False}

    def _argument(self, slot: Slot, from_run: bool) -> Params:
        argument = slot.argument
        found = {"kind": argument.kind, "annotation": argument.annotation, "default": argument.default, "how": slot.how}
        more = {"problem": slot.error} if slot.error else {}
        given = self._value(argument.name, from_run) if slot.how == "given" else {"name": argument.name}
        return {**given, **found, **more}

    def _command(self) -> str:
        """What is called, as the task names it."""
        found = self._alone.param("py>") or self._alone.param("_command")
        if found is None or found.value is None:
            return "the text of its script"
        return found.value if isinstance(found.value, str) else value_text(found.value)

    def _call_lines(self, source: str, from_run: bool) -> Iterator[str]:
        alone, config = self._alone, self._alone.task.config
        place = position_of(config, next((key for key in config if key.endswith(">")), "_type"))
        yield f"{alone.task.full_name}: py> {self._command()}" + (f"  ({place})" if place else "")
        yield from labelled("  values from ", source, True)
        if alone.call and alone.call.problem:
            yield from labelled("  ", alone.call.problem, True)
        for signature in self._signatures():
            yield from labelled("  ", f"{signature_text(signature)}  {signature.position}", True)
            rows = [
                (slot.argument.name, self._slot_text(slot, from_run))
                for slot in signature.slots(self._names)
                if slot.how not in ("bound", "rest")
            ]
            yield from _table(rows)
        if alone.reads:
            yield "  digdag.env.params"
            yield from _table([(name, self._given(name, from_run)) for name in alone.reads])
        if alone.left_out and (alone.reads_all or alone.call is None or alone.call.takes_all):
            yield from labelled("  left out, as only a run tells them: ", ", ".join(alone.left_out), True)

    def _slot_text(self, slot: Slot, from_run: bool) -> str:
        """Where the value of an argument comes from."""
        match slot.how:
            case "given":
                return self._given(slot.argument.name, from_run)
            case "default":
                return f"{slot.argument.default}   its default"
            case "keywords":
                named = [argument.name for signature in self._signatures() for argument in signature.arguments]
                known = {*named, *self._alone.left_out}
                others = [param.name for param in self._alone.params if param.section != "built in"]
                return ", ".join([*(name for name in others if name not in known), "and Digdag's own"])
            case "missing":
                return "missing: nothing sets it"
            case _:
                return slot.error or ""

    def _given(self, name: str, from_run: bool) -> str:
        """The value of a param, and who gives it."""
        param = self._alone.param(name)
        if param is None:
            return "nothing sets it"
        value = value_text(param.value)
        value = value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
        return f"{value}   {in_words(param.origin, from_run=from_run)}"

    def _lines(self, lines: Iterable[str]) -> None:
        """Print lines, from the start of one."""
        start = "" if self._at_start else "\n"
        sys.stdout.write(start + "".join(self._mask(line).translate(CONTROLS) + "\n" for line in lines))
        sys.stdout.flush()
        self._at_start = True

    def _print(self, value: object) -> None:
        sys.stdout.write(self._mask(encode(value).decode()).translate(LINE_BREAKS) + "\n")
        sys.stdout.flush()


def signature_text(signature: Signature) -> str:
    """A signature as it stands in the source, without what Python gives by itself."""
    words: list[str] = []
    for number, argument in enumerate(signature.arguments):
        if number < signature.skipped and signature.is_bound:
            continue
        star = {"variadic positional": "*", "variadic keyword": "**"}.get(argument.kind, "")
        if argument.kind == "keyword-only" and not any(word.startswith("*") for word in words):
            words.append("*")
        annotation = f": {argument.annotation}" if argument.annotation else ""
        equals = " = " if annotation else "="
        words.append(f"{star}{argument.name}{annotation}" + (f"{equals}{argument.default}" if argument.default else ""))
        following = signature.arguments[number + 1 : number + 2]
        if argument.kind == "positional-only" and (not following or following[0].kind != "positional-only"):
            words.append("/")
    return f"{signature.title}({', '.join(words)})"


def _table(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        yield from labelled(f"    {name:<{width}}  ", text, True)


def _result(trial: Trial) -> Params:
    found: Params = {
        "event": "result", "success": trial.success, "seconds": round(trial.seconds, 3), "store_params": trial.store,
        "export_params": trial.export, "subtask_config": trial.subtasks,
    }  # fmt: skip
    if not trial.success:
        found |= {"error": trial.error, "frames": list(trial.frames), "hint": trial.hint}
        found |= {"exceptions": list(trial.exceptions)} if trial.exceptions else {}
    return found


def _result_lines(trial: Trial) -> Iterator[str]:
    if not trial.success:
        message = str(trial.error.get("message", "")).partition("\n\tfrom ")[0].strip()
        yield f"-- failed after {trial.seconds:.2f} s"
        yield from (f"   {line}" for line in message.rpartition("\nError messages from python: ")[2].split("\n"))
        yield from (f"   {line}" for line in failure_lines(told(trial.exceptions, trial.frames), os.getcwd()))
        if trial.hint:
            yield f"   hint: {trial.hint}"
        return
    yield f"-- succeeded after {trial.seconds:.2f} s"
    for title, values in (("stored", trial.store), ("exported", trial.export), ("subtasks", trial.subtasks)):
        for name, value in values.items():
            yield from labelled(f"   {title:<8}  {name}  ", json_text(value), True)
    if not (trial.store or trial.export or trial.subtasks):
        yield "   it stored nothing"
