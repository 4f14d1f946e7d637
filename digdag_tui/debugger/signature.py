"""The signature view of a `py>` task: what it calls, and what each parameter of that will get (operators 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from ..engine.attempt import Attempt, Task
from ..params.layers import Source
from ..workflow.python_signature import Signature, Slot
from .explain import Hint, called, hints, operator_of
from .inspect import Inspection, Param
from .launch import Loaded

_WRITE = "write py>: module.function"
_ADDED = ("_type", "_command")
"""What Digdag adds to the params of a task before it hands them to the function."""


class Row(Struct, frozen=True):
    """A parameter: where its value comes from, the param that it gets if it is one, and what bites.

    `taken` are the params that `**` takes, `added` the names of those that no file sets.
    """

    slot: Slot
    param: Param | None = None
    taken: tuple[Param, ...] = ()
    added: tuple[str, ...] = ()
    hints: tuple[Hint, ...] = ()


class Called(Struct, frozen=True):
    """A callable of the task with its parameters."""

    signature: Signature
    rows: tuple[Row, ...] = ()


class TaskSignature(Struct, frozen=True):
    """What a task calls: a constructor and a method, or a function; `problem` is why nothing is known of it."""

    command: str
    called: tuple[Called, ...] = ()
    problem: str | None = None
    advice: str | None = None
    hints: tuple[Hint, ...] = ()
    """What bites about the call itself."""


def task_signature(
    attempt: Attempt, task: Task, inspection: Inspection, project: Path, loaded: Loaded | None = None
) -> TaskSignature:
    """What `task` calls, with the values that its params have now.

    Args:
        loaded: the workflow, to look for who sets a param that is missing.
    """
    if task.is_group:
        return TaskSignature("", problem=f"{task.full_name} is a group: select a py> task in it")
    if inspection.error:
        return TaskSignature("", problem=f"The params of {task.full_name} cannot be known: {inspection.error}")
    operator = operator_of(inspection)
    if operator != "py":
        words = f"{operator}> runs no Python function" if operator else "it names no operator"
        return TaskSignature("", problem=f"{words}: this page is about py> tasks")
    call = called(inspection, project)
    if call is None:
        return _no_command(inspection)
    found = hints(attempt, task, inspection, project, loaded)
    if call.problem:
        return TaskSignature(call.command, problem=call.problem, advice=call.advice)
    params = handed_over(inspection)
    functions = tuple(_called(signature, params, found) for signature in call.signatures)
    of_call = tuple(hint for hint in found if hint.path in (("py>",), ("_command",)))
    return TaskSignature(call.command, functions, hints=of_call)


def handed_over(inspection: Inspection) -> dict[str, Param]:
    """The params that Digdag hands to the function, those of the map `py` where there are no others of their names."""
    found = {param.name: param for param in (*inspection.own, *inspection.params, *inspection.built_in)}
    scope = found.get("py")
    for param in scope.children() if scope else ():
        found.setdefault(param.name, param)
    return found


def _called(signature: Signature, params: dict[str, Param], hints: Sequence[Hint]) -> Called:
    slots = signature.slots(params)
    given = {slot.argument.name for slot in slots if slot.how == "given"}
    rows = []
    for slot in slots:
        name = slot.argument.name
        about = tuple(hint for hint in hints if hint.path[0] == name and hint.code not in ("undefined-name",))
        match slot.how:
            case "given":
                rows.append(Row(slot, params[name], hints=about))
            case "keywords":
                taken = tuple(param for key, param in params.items() if key not in given)
                rows.append(Row(slot, None, taken, tuple(key for key in _ADDED if key not in params), about))
            case "bound":
                pass
            case _:
                rows.append(Row(slot, params.get(name) if slot.how == "never" else None, hints=about))
    return Called(signature, tuple(rows))


def _no_command(inspection: Inspection) -> TaskSignature:
    """Why a `py>` task names no function."""
    command = inspection.find(("py>",)) or inspection.find(("_command",))
    if command is not None and command.errors:
        return TaskSignature("", problem=f"What it calls cannot be evaluated: {command.errors[0]}")
    if command is not None and command.value is not None:
        return TaskSignature(
            "", problem="py> takes the name of a function as text", advice="write py>: module.function"
        )
    if inspection.find(("script",)) or inspection.find(("py", "script")):
        problem = "It runs the text of script: as a program, which takes no arguments"
        advice = "it gets two file names: of its input, the params as JSON, and of its output"
        return TaskSignature("", problem=problem, advice=advice)
    return TaskSignature(
        "", problem="py> names no function, and there is no script:", advice="write py>: module.function"
    )


def who_sets(row: Row) -> Source | None:
    """Where the value of a parameter comes from."""
    return row.param.origin.source if row.param and row.param.bindings else None
