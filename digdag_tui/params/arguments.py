"""What bites in the arguments that a `py>` task's function gets, with or without a run (operators 4.4)."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from ..workflow.config import Value
from ..workflow.errors import Position, Problem
from ..workflow.expansion import OPEN
from ..workflow.parameters import OperatorForm
from ..workflow.python_arguments import Argument, kind_of
from ..workflow.python_signature import Call, Signature, Slot
from .findings import argument_problem, caught_problem, differs_problem, warning
from .layers import Binding

_EMPTY: Final = ("None", "''", '""')
"""Defaults that stand for a value that comes from elsewhere."""
_ADVICE: Final = {
    "positional-only": "take the / out of its signature",
    "keyword-only": "take the * out of its signature, or give it a default",
}


class Given(Struct, frozen=True):
    """A param that a task has: its value, of which parts may be `OPEN`, and who set it, if that is known."""

    value: Value
    binding: Binding | None = None
    is_own: bool = False
    is_built_in: bool = False


class Arguments:
    """The checks of the arguments of one task.

    Args:
        project: its directory, absolute.
        given: the param of a name, if the task has it.
        options: names of maps that are for operators.
        position: the place of the task's command.
    """

    def __init__(
        self,
        project: Path,
        call: Call,
        given: Callable[[str], Given | None],
        options: Container[str],
        position: Position | None,
    ) -> None:
        self._project = project
        self._call = call
        self._given = given
        self._options = options
        self._position = position

    def required(self) -> Iterator[Slot]:
        """The arguments that must be given: those that are not are `missing`."""
        for signature in self._call.signatures:
            yield from (slot for slot in self._slots(signature) if slot.argument.default is None)

    def problems(self) -> Iterator[tuple[str, Problem]]:
        """What is wrong with the call (under no name) and with each argument but a missing one, by its name."""
        for signature in self._call.signatures:
            yield from (("", problem) for problem in self._of_call(signature))
            for number, slot in enumerate(self._slots(signature)):
                for problem in self._of_slot(number, signature, slot):
                    yield slot.argument.name, problem

    def _slots(self, signature: Signature) -> list[Slot]:
        return signature.slots({argument.name for argument in signature.arguments if self._given(argument.name)})

    def _of_call(self, signature: Signature) -> Iterator[Problem]:
        if signature.never_runs:
            message = f"{signature.title} {signature.never_runs}"
            yield warning("never-runs", message, self._position, "let py> call a plain function that does the work")
        if signature.hides_arguments:
            shown = f"{signature.title}({', '.join(item.name for item in signature.hidden)})"
            message = f"{signature.wrapper} makes {shown} take any keyword, and Digdag passes it every param"
            advice = f"let {signature.title} take **keywords too, or name a function without {signature.wrapper}"
            yield warning("hidden-arguments", message, self._position, advice)

    def _of_slot(self, number: int, signature: Signature, slot: Slot) -> Iterator[Problem]:
        argument = slot.argument
        given = self._given(argument.name)
        left_out = number < signature.skipped and not signature.is_bound
        advice = "make it a function of the module" if left_out else _ADVICE.get(argument.kind, "")
        match slot.how:
            case "never":
                message = f"{self._call.command}: {slot.error}"
                yield warning("never-given", message, self._position, advice)
            case "default" if given and given.is_own:
                message = f"{self._call.command} keeps its default {argument}: Digdag gives no {argument.kind} argument"
                if left_out:
                    message = f"{self._call.command} keeps its default {argument}: Digdag takes it for self"
                yield warning("never-given", message, self._position, advice.removesuffix(", or give it a default"))
            case "given" if given:
                yield from self._of_value(argument, given)
            case "keywords":
                yield from self._of_keywords(argument)
            case _:
                pass

    def _of_value(self, argument: Argument, given: Given) -> Iterator[Problem]:
        value, binding, command = given.value, given.binding, self._call.command
        if given.is_built_in:
            if argument.default not in (None, *_EMPTY) and (value is OPEN or repr(value) != argument.default):
                message = f"{command}({argument}) gets Digdag's own {argument.name}, not its default {argument.default}"
                yield warning("caught-by-argument", message, self._position, "rename the argument")
            return
        if binding is None or value is OPEN:
            return
        written = binding if isinstance(binding.value, str) else Binding(value, binding.origin)
        text = argument_problem(self._project, command, argument, written)
        if text:
            yield text
        elif not given.is_own and self._is_caught(argument, value):
            yield caught_problem(command, argument, value, binding, self._position)
        elif argument.is_annotated and not argument.converts and kind_of(value) not in (None, "text", argument.wants):
            yield differs_problem(command, argument, value, binding)

    def _is_caught(self, argument: Argument, value: Value) -> bool:
        """Whether an argument with a default gets a map of an operator's options, or a value of another type."""
        if argument.default is None or argument.converts:
            return False
        is_options = isinstance(value, dict) and argument.name in self._options
        return is_options or bool(argument.wants and kind_of(value) not in (argument.wants, None, "text"))

    def _of_keywords(self, argument: Argument) -> Iterator[Problem]:
        names = [item.name for signature in self._call.signatures for item in signature.arguments]
        for name in ("td", "docker"):
            given = self._given(name)
            if given and isinstance(given.value, dict) and name not in names:
                message = f"{self._call.command}(**{argument.name}) gets {name} too, which is for Digdag's operators"
                advice = "name the arguments that it needs instead of **" + argument.name
                yield warning("caught-by-argument", message, self._position, advice)
                return


def option_maps(operators: Mapping[str, OperatorForm | None]) -> set[str]:
    """The names of the maps of options that operators take from the params."""
    scopes = {scope.split(".")[0] for form in operators.values() if form for scope in form.scopes}
    return scopes | {"docker", "plugin"}


def required_problem(command: str, name: str, task: str, position: Position | None, near: str | None) -> Problem:
    """An argument that must be given, and that nothing gives."""
    message = f"{command} requires {name}, and nothing gives it to {task}"
    advice = f"write {name}: beside py>, give it with -p {name}=…, or give the argument a default"
    return warning("missing-argument", message, position, near or advice)
