"""Which operator a name means; an operator's module is imported when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from ..engine.operator import OperatorEntry
from ..workflow.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from ..workflow.parameters import OperatorForm

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
    "embulk": _BuiltIn("embulk", "run", retries=True),
    "fail": _BuiltIn("messages", "fail", reads=frozenset({"_command"})),
    "for_each": _BuiltIn("loops", "for_each"),
    "for_range": _BuiltIn("loops", "for_range"),
    "http": _BuiltIn("http", "run", retries=True),
    "http_call": _BuiltIn("http_call", "run", retries=True),
    "if": _BuiltIn("flow", "branch", reads=frozenset({"_command", "_do", "_else_do"})),
    "loop": _BuiltIn("loops", "loop"),
    "mail": _BuiltIn("mail", "run", retries=True),
    "notify": _BuiltIn("notify", "run", reads=frozenset({"_command"})),
    "param_get": _BuiltIn("param_server", "get", retries=True),
    "param_set": _BuiltIn("param_server", "put", retries=True),
    "pg": _BuiltIn("pg", "run", retries=True),
    "py": _BuiltIn("py", "run", retries=True),
    "rb": _BuiltIn("rb", "run", retries=True),
    "require": _BuiltIn("require", "run", retries=True),
    "sh": _BuiltIn("sh", "run", retries=True),
    "wait": _BuiltIn("wait", "run", reads=frozenset({"_command", "blocking", "poll_interval"})),
}


def operator_forms() -> dict[str, OperatorForm | None]:
    """What is known of every operator there is, by name; None for those of other packages."""
    from .catalog import CATALOG

    return {**dict.fromkeys(_from_other_packages()), **CATALOG}


def find_operator(name: str) -> OperatorEntry:
    """The operator of a name.

    Raises:
        ConfigError: nothing has this name.
        TaskRuntimeError: another package has it, which cannot be loaded.
    """
    if place := _BUILT_IN.get(name):
        module = import_module(f".{place.module}", __package__)
        return OperatorEntry(getattr(module, place.function), place.retries, place.reads)
    if point := _from_other_packages().get(name):
        from .plugin import load_operator

        return load_operator(point)
    from .catalog import CATALOG

    if (form := CATALOG.get(name)) and form.service:
        return _remote(form)
    raise ConfigError(f"Unknown task type: {name}", hint=_near(name))


def _remote(form: OperatorForm) -> OperatorEntry:
    """A stand-in for an operator whose service nobody has at hand; it is not retried: its output does not change."""
    from . import remote

    reads = form.keys() | {"_command"} if form.reports_unused else None
    return OperatorEntry(remote.run, retries=False, reads=reads, takes_pin=True)


def _from_other_packages() -> dict[str, EntryPoint]:
    """Operators that other packages have, by name; where two have one, the first counts."""
    from importlib.metadata import entry_points

    return {point.name: point for point in reversed(tuple(entry_points(group=GROUP)))}


def _near(name: str) -> str | None:
    from difflib import get_close_matches

    near = get_close_matches(name.strip().lower(), sorted(operator_forms()), n=3)
    return f"did you mean {' or '.join(f'{found}>' for found in near)}?" if near else None
