"""The form of what can be said about an operator: its parameters, what it stores, what it needs."""

from __future__ import annotations

from msgspec import Struct

from .config import Params, Value


class Parameter(Struct, frozen=True):
    """A key that an operator reads; `type` is in words, such as `text`, `list or text`, `duration`."""

    name: str
    type: str
    default: Value = None
    required: bool = False


class OperatorForm(Struct, frozen=True):
    """What is known of an operator without running it (operators 3 to 6).

    `command` is what stands after `NAME>:`, and `alias` the key that is read where no command is. `template` says that
    the command names a file of the workspace whose `${...}` are filled in (operators 2.9). `scopes` are the maps whose
    keys count as the task's own, the nearest first. `stores` is an example of what it stores, `resets` what is cleared
    before that. `service` names the service that it needs and that is not called from here. `any_key` says that every
    key means something to it, `reports_unused` that Digdag reports the keys that it does not read (core 6.7).
    """

    name: str
    command: Parameter
    parameters: tuple[Parameter, ...] = ()
    alias: str = ""
    template: bool = False
    scopes: tuple[str, ...] = ()
    stores: Params = {}
    resets: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    service: str = ""
    any_key: bool = False
    reports_unused: bool = False

    def keys(self) -> frozenset[str]:
        """The names of its parameters."""
        return frozenset(parameter.name for parameter in self.parameters)


TASK_KEYS = frozenset(
    {"_type", "_command", "_export", "_retry", "_parallel", "_background", "_after", "_error", "_check", "_disable"}
    | {"_env", "_secrets", "_workdir", "timezone", "docker", "plugin"}
)
"""Keys that every task may have."""
