"""Which operator a name means; an operator's module is imported when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from msgspec import Struct

from ..engine.operator import OperatorContext, OperatorEntry, OperatorResult
from ..workflow.errors import ConfigError, TaskRuntimeError

GROUP: Final = "digdag_tui.operators"
"""Entry points of this group name further operators: an `OperatorEntry` each, or a coroutine function."""


class _BuiltIn(Struct, frozen=True):
    """Where an operator is; `retries` and `reads` are `OperatorEntry`'s."""

    module: str
    function: str
    retries: bool = False
    reads: frozenset[str] | None = None


_BUILT_IN: Final = {
    "call": _BuiltIn("flow", "call", retries=True),
    "echo": _BuiltIn("messages", "echo", reads=frozenset({"_command"})),
    "fail": _BuiltIn("messages", "fail", reads=frozenset({"_command"})),
    "for_each": _BuiltIn("loops", "for_each"),
    "for_range": _BuiltIn("loops", "for_range"),
    "if": _BuiltIn("flow", "branch", reads=frozenset({"_command", "_do", "_else_do"})),
    "loop": _BuiltIn("loops", "loop"),
    "notify": _BuiltIn("messages", "notify", reads=frozenset({"_command"})),
    "py": _BuiltIn("py", "run", retries=True),
    "sh": _BuiltIn("sh", "run", retries=True),
    "wait": _BuiltIn("wait", "run", reads=frozenset({"_command", "blocking", "poll_interval"})),
}

_NOT_BUILT: Final = frozenset(
    {"rb", "mail", "embulk", "require", "http", "http_call", "param_set", "param_get", "pg"}
    | {"redshift", "redshift_load", "redshift_unload", "s3_wait", "emr", "bq", "bq_load", "bq_extract", "bq_ddl"}
    | {"gcs_wait", "td", "td_for_each", "td_run", "td_load", "td_ddl", "td_table_export", "td_wait", "td_wait_table"}
    | {"td_partial_delete", "td_result_export"}
)
"""Digdag's operators that are not written yet."""


def known_operators() -> frozenset[str]:
    """The names of Digdag's operators (operators 1), those among them that this version cannot run too."""
    return _NOT_BUILT.union(_BUILT_IN)


def find_operator(name: str) -> OperatorEntry:
    """The operator of a name. One that Digdag has and this version has not fails when it runs.

    Raises:
        ConfigError: nothing has this name.
    """
    if place := _BUILT_IN.get(name):
        module = import_module(f".{place.module}", __package__)
        return OperatorEntry(getattr(module, place.function), place.retries, place.reads)
    if entry := _from_other_package(name):
        return entry
    if name in _NOT_BUILT:
        return OperatorEntry(_not_built, retries=False)
    raise ConfigError(f"Unknown task type: {name}", hint=_near(name))


def _from_other_package(name: str) -> OperatorEntry | None:
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP, name=name):
        loaded = point.load()
        return loaded if isinstance(loaded, OperatorEntry) else OperatorEntry(loaded)
    return None


async def _not_built(context: OperatorContext) -> OperatorResult:
    name = context.config["_type"]
    raise TaskRuntimeError(f"The operator {name}> is not available in this version of digdag-tui yet", "not available")


def _near(name: str) -> str | None:
    from difflib import get_close_matches

    near = get_close_matches(name.strip().lower(), sorted(known_operators()), n=3)
    return f"did you mean {' or '.join(f'{found}>' for found in near)}?" if near else None
