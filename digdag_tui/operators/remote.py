"""Operators of services that nobody has at hand (operators 6): all that happens before such a service is called.

Options are read and checked in Digdag's order, with its sentences; texts for the service are made and kept as artifacts
of the task. Then the task comes to its pin; without one it fails, unless such tasks are skipped.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from ..engine.events import PINNED
from ..engine.operator import OperatorContext, OperatorResult, OutputNeeded
from ..engine.retry import RetryPolicy
from ..workflow.errors import ConfigError
from ..workflow.pins import Pin
from .catalog import BIGQUERY, CATALOG, CLOUD_STORAGE, TREASURE_DATA
from .pinned import example, needs, pin_result, with_scopes
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
    if form.name != "s3_wait" and "_retry" in context.config:
        RetryPolicy.parse(context.config["_retry"])
    if policy not in POLICIES:
        raise ConfigError(f"invalid {POLICY} option:{policy}", hint=f"it is one of {', '.join(POLICIES)}")
    task = RemoteTask(context, with_scopes(context.config, form.scopes), policy == "fail")
    checks = import_module(f".{_MODULES.get(form.service, 'remote_aws')}", __package__)
    getattr(checks, name)(task)
    if context.pin:
        return pin_result(context, context.pin)
    why = f"{name}> needs {form.service}, which is not called from here: nothing was sent"
    if policy == "skip":
        context.log("WARN", PINNED, f"Skipped: {why}, nothing is stored")
        return pin_result(context, Pin(rows=() if name == "td_for_each" else None))
    body = example(name, task.config)
    hint = "--remote-operators fail uses no pin" if task.strict else needs(context.full_name, body)
    raise OutputNeeded(why, hint=hint, asks=policy == "ask")
