"""Operators of services that nobody has at hand (operators 6): all that happens before such a service is called.

Options are read and checked in Digdag's order, with its sentences; texts for the service are made and kept as artifacts
of the task. Then the task comes to its pin; without one it fails, unless such tasks are skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

from msgspec.structs import replace

from ..engine.events import PINNED
from ..engine.operator import OperatorContext, OperatorResult, OutputNeeded
from ..engine.retry import RetryPolicy
from ..workflow.errors import ConfigError, DigdagError
from ..workflow.pins import Pin
from .catalog import BIGQUERY, CATALOG, CLOUD_STORAGE, TREASURE_DATA
from .command import with_scope
from .pinned import example, needs, pin_result
from .remote_task import RemoteTask

POLICY: Final = "digdag-tui.remote-operators"
"""The setting that says what a task does that would call a service and has no pin.

`ask` stops there for the person to give its output, where there is one; else it fails, as with `pin`. `skip` is a
success that stores nothing. `fail` uses no pin at all, and wants secrets as a server does.
"""
POLICIES: Final = ("ask", "pin", "skip", "fail")

_MODULES: Final = {TREASURE_DATA: "remote_td", BIGQUERY: "remote_gcp", CLOUD_STORAGE: "remote_gcp"}
"""Where the checks of a service's operators are, by their names; those of Amazon's are in `remote_aws`."""


async def run(context: OperatorContext) -> OperatorResult:
    """Do all that needs no service, then have the pin's output.

    Raises:
        DigdagError: Digdag would refuse an option, or a file.
        OutputNeeded: nothing says what the task comes to.
    """
    name = str(context.config["_type"])
    form = CATALOG[name]
    policy = context.settings.get(POLICY, "ask")
    if form.name != "s3_wait":
        _ = context.workspace
        RetryPolicy.parse(context.config.get("_retry", 0))
    if policy not in POLICIES:
        raise ConfigError(f"invalid {POLICY} option:{policy}", hint=f"it is one of {', '.join(POLICIES)}")
    task = RemoteTask(context, with_scope(context.config, *form.scopes), policy == "fail")
    check = getattr(import_module(f".{_MODULES.get(form.service, 'remote_aws')}", __package__), name)
    check(task)
    if context.pin:
        return pin_result(context, context.pin)
    why = f"{name}> needs {form.service}, which is not called from here: nothing was sent"
    if policy == "skip":
        context.log("WARN", PINNED, f"Skipped: {why}, nothing is stored")
        return pin_result(context, Pin(rows=() if name == "td_for_each" else None))
    if task.strict:
        raise OutputNeeded(why, hint="--remote-operators fail uses no pin")
    hint = needs(context.full_name, example(name, task.config))
    raise OutputNeeded(why, hint=hint, asks=policy == "ask", unanswered=_refusal(check, task, f"{why}; {hint}"))


def _refusal(check: Callable[[RemoteTask], None], task: RemoteTask, hint: str) -> DigdagError | None:
    """How a server fails that lacks the secrets which the task lacks here; None if it lacks none."""
    unseen = replace(task.context, artifact=lambda name, text: None)
    try:
        check(RemoteTask(unseen, task.config, strict=True))
    except DigdagError as error:
        error.hint = hint
        return error
    return None
