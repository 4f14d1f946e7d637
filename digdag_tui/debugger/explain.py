"""What a person should know about the params of a task that is stopped at, and who reads a param."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from ..engine.attempt import Attempt, Task
from ..operators.registry import operator_forms
from ..params.arguments import Arguments, Given, option_maps, required_problem
from ..params.findings import (
    FALSE_WORDS,
    FROM_OUTSIDE,
    LITERAL_SECRETS,
    NUMBER,
    beaten_problem,
    find_secret,
    joined_problem,
    raw_problem,
    secret_problem,
    truth_problem,
)
from ..params.flow import Flow, Reader, Setter
from ..params.javascript.truth import joined, truth_tests
from ..params.layers import Layer, Source
from ..params.lint import flow_of
from ..params.reads import reads_of
from ..workflow.errors import Problem
from ..workflow.expansion import expand
from ..workflow.names import did_you_mean
from ..workflow.python_signature import Call
from ..workflow.python_source import PythonSource
from .inspect import Inspection, Param
from .launch import Loaded


class Hint(Struct, frozen=True):
    """Something about the param at `path` that bites in this task: one sentence, and what to do.

    `code` is the name of its kind, as `check` prints it.
    """

    path: tuple[str, ...]
    code: str
    message: str
    advice: str


def hints(
    attempt: Attempt, task: Task, inspection: Inspection, project: Path, loaded: Loaded | None = None
) -> list[Hint]:
    """What is surprising about the params of `task`, by what is really known of them, in the order of the params.

    Args:
        loaded: the workflow, to look for who sets a param that is missing.
    """
    found = _Hints(attempt, task, inspection, project, loaded)
    params = (*inspection.own, *inspection.params, *inspection.built_in)
    return list(dict.fromkeys([*found.of_call(), *(hint for param in params for hint in found.of(param))]))


def static_flow(loaded: Loaded) -> Flow:
    """Who sets and who reads the params of a loaded workflow, what its operators generate included."""
    project, workflow = loaded.project, loaded.workflow
    given = [Layer(Source.SESSION, {})]
    return flow_of(project, workflow, expand(project.directory, workflow), operator_forms(), given)


def readers(loaded: Loaded, path: tuple[str, ...]) -> list[Reader]:
    """Who reads the param at `path`, or a part of it, in the whole workflow, in file order.

    A name has `*` where only a run tells what stands there.
    """
    return static_flow(loaded).readers(path)


class _Hints:
    """What bites in one task."""

    def __init__(
        self, attempt: Attempt, task: Task, inspection: Inspection, project: Path, loaded: Loaded | None
    ) -> None:
        self.attempt = attempt
        self.task = task
        self.inspection = inspection
        self.project = project
        self.loaded = loaded
        self.operator = operator_of(inspection)
        self.call = called(inspection, project)
        self.arguments = self._arguments(self.call) if self.call and not self.call.problem else None

    def of(self, param: Param) -> Iterator[Hint]:
        """What there is to say of a param and what is in it."""
        for problem in self.problems(param):
            yield Hint(param.path, problem.code, problem.message, problem.hint or "")
        if param.overridden or any(param.readings()):
            for child in param.children():
                yield from self.of(child)

    def problems(self, param: Param) -> Iterator[Problem]:
        yield from self.beaten(param)
        yield from self.template(param)
        if len(param.path) == 1:
            yield from self.shadowed(param)
            yield from self.secret(param)

    def beaten(self, param: Param) -> Iterator[Problem]:
        """What was given from outside and did not win."""
        winner = param.bindings[-1] if param.bindings else None
        if winner is None or isinstance(winner.value, dict) or winner.origin.source is Source.BUILT_IN:
            return
        for binding in param.overridden:
            if binding.origin.source in FROM_OUTSIDE and str(binding.value) != str(winner.value):
                yield beaten_problem(binding.origin.source, param.path, binding.value, winner.origin)
                return

    def template(self, param: Param) -> Iterator[Problem]:
        """What its `${...}` made of texts, or could not."""
        reading = param.reading
        if reading is None:
            return
        if reading.error and reading.error.missing:
            yield self.missing(reading.error.missing)
        for read in reads_of(reading.text):
            variable = self.inspection.find(read.path)
            if variable is None or not isinstance(variable.value, str) or not variable.bindings:
                continue
            name, value, binding = ".".join(read.path), variable.value, variable.bindings[-1]
            if not read.plain and read.path in truth_tests(read.source) and value in FALSE_WORDS:
                yield truth_problem(name, value, binding, None)
            elif not read.plain and read.path in joined(read.source) and NUMBER.fullmatch(value):
                yield joined_problem(name, value, binding, None)
            elif variable.reading and variable.reading.text in (reading.result or "") and "${" in variable.reading.text:
                yield raw_problem(name, variable.reading.text, len(param.path) > 1, param.path[0], None)

    def missing(self, name: str) -> Problem:
        """A variable that is not there."""
        known = [param.name for param in (*self.inspection.own, *self.inspection.params, *self.inspection.built_in)]
        setter = self._stored_by(name)
        if setter and setter.node:
            message = f"{name} is not there yet: {setter.node.full_name} stores it"
            return Problem(message, None, f"run that task before {self.task.full_name}", "warning", "forward-reference")
        hint = did_you_mean(name, known) or f"set it with E, with -p {name}=…, or in an _export"
        return Problem(f"Nothing sets {name}", None, hint, "warning", "undefined-name")

    def _stored_by(self, name: str) -> Setter | None:
        if self.loaded is None:
            return None
        return next(iter(static_flow(self.loaded).all_setters(name)), None)

    def shadowed(self, param: Param) -> Iterator[Problem]:
        """A name that Digdag has too."""
        if not param.bindings:
            return
        name, sources = param.name, [binding.origin.source for binding in param.bindings]
        if Source.BUILT_IN not in sources or (name.endswith("session_time") and name != "session_time"):
            return
        above = param.bindings[sources.index(Source.BUILT_IN) - 1] if sources.index(Source.BUILT_IN) else None
        if above and above.value != param.value:
            message = f"{name} of {above.origin} has no effect: Digdag's own {name} wins"
            yield Problem(message, None, "take another name", "warning", "shadows-built-in")
        elif sources[-1] is Source.LOCAL and name not in ("timezone", "session_time"):
            message = f"{name} hides Digdag's own {name} in this task, in its templates too"
            yield Problem(message, None, "take another name", "warning", "shadows-built-in")

    def secret(self, param: Param) -> Iterator[Problem]:
        secret = find_secret(param.value)
        if secret is None or param.name in ("_env", "_do", "_else_do") or self.operator not in LITERAL_SECRETS:
            return
        if param in self.inspection.own or param.name in self.asked():
            yield secret_problem(secret, param.name, None)

    def asked(self) -> set[str]:
        """The names of the arguments that the task's function takes."""
        return {argument.name for argument in self.call.arguments} if self.call else set()

    def of_call(self) -> Iterator[Hint]:
        """What there is to say of the function of a `py>` task and of its arguments."""
        if self.call is None:
            return
        command = ("py>",) if self.inspection.find(("py>",)) else ("_command",)
        if self.call.problem and self.call.position:
            yield Hint(command, "missing-function", self.call.problem, self.call.advice or "correct py>")
        if self.arguments is None:
            return
        for name, problem in self.arguments.problems():
            yield Hint((name,) if name else command, problem.code, problem.message, problem.hint or "")
        for slot in self.arguments.required():
            if slot.how == "missing":
                problem = self.required(slot.argument.name)
                yield Hint((slot.argument.name,), problem.code, problem.message, problem.hint or "")

    def required(self, name: str) -> Problem:
        """An argument that must be given, and is not."""
        found = self.missing(name)
        near = found.hint if found.code == "forward-reference" or str(found.hint).startswith("did you") else None
        command = self.call.command if self.call else ""
        problem = required_problem(command, name, self.task.full_name, None, near)
        if found.code == "forward-reference":
            return replace(problem, message=f"{command} requires {name}: {found.message}")
        return problem

    def _arguments(self, call: Call) -> Arguments:
        def given(name: str) -> Given | None:
            param = self.inspection.find((name,)) or self.inspection.find(("py", name))
            if param is None or not param.bindings:
                return None
            is_own = any(own.name == name for own in self.inspection.own)
            is_built_in = param.origin.source is Source.BUILT_IN
            return Given(param.value, param.bindings[-1], is_own, is_built_in)

        return Arguments(self.project, call, given, option_maps(operator_forms()), None)


def called(inspection: Inspection, project: Path) -> Call | None:
    """What a `py>` task calls, by the source alone; None for other tasks, a script, and a command that is no text."""
    if operator_of(inspection) != "py":
        return None
    command = inspection.find(("py>",)) or inspection.find(("_command",))
    folder = inspection.find(("_workdir",))
    if command is None or not isinstance(command.value, str) or command.errors:
        return None
    return PythonSource(project).call(command.value, str(folder.value) if folder else "")


def operator_of(inspection: Inspection) -> str:
    """The operator of a task, "" for a group."""
    kind = inspection.find(("_type",))
    if kind:
        return str(kind.value)
    params = (*inspection.own, *inspection.params)
    return next((param.name[:-1] for param in params if param.name.endswith(">")), "")
