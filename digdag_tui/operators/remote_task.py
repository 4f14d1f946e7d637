"""What the operators of remote services have in common: reading their options as Digdag does."""

from __future__ import annotations

from msgspec import Struct

from ..engine.operator import OperatorContext
from ..workflow.config import Params
from ..workflow.convert import read_optional_bool, read_optional_int, read_optional_string
from ..workflow.errors import ConfigError
from .secrets import missing_secret, task_secret
from .template_command import read_workspace_file, template_command


class RemoteTask(Struct):
    """A task with the params of its operator's scopes; `strict` says that secrets must be there as on a server."""

    context: OperatorContext
    config: Params
    strict: bool

    def secret(self, key: str) -> str | None:
        """A secret as the task's `_secrets` remounts it."""
        return task_secret(self.context, key)

    def required_secret(self, name: str, *scopes: str) -> str:
        """The secret `name` of the first scope that has it.

        Raises:
            TaskRuntimeError: none has it.
        """
        found = next((value for scope in scopes if (value := self.secret(f"{scope}.{name}")) is not None), None)
        if found is None:
            raise missing_secret(name)
        return found

    def query(self) -> str:
        """The text of the command's file, or of `query`.

        Raises:
            ConfigError: there is none, or a template in it fails.
        """
        text = template_command(self.context, self.config, "query")
        command = self.config.get("_command")
        self.context.artifact(command if isinstance(command, str) else "query", text)
        return text

    def file(self, name: str) -> str:
        """A file of the workspace with its templates filled in.

        Raises:
            TemplateError: one of them fails.
            ConfigError: it cannot be read.
        """
        text = self.context.evaluate(read_workspace_file(self.context, name), self.config)
        self.context.artifact(name, text)
        return text

    def texts(self, *keys: str) -> None:
        """Read texts that may be left out."""
        for key in keys:
            read_optional_string(self.config, key)

    def flags(self, *keys: str) -> None:
        """Read booleans that may be left out."""
        for key in keys:
            read_optional_bool(self.config, key)

    def numbers(self, *keys: str) -> None:
        """Read integers that may be left out."""
        for key in keys:
            read_optional_int(self.config, key)


def command_or_parts(config: Params, operator: str, part: str) -> str | None:
    """The command, if the object is not named by `bucket` and another key.

    Raises:
        ConfigError: neither names it, or both.
    """
    command = read_optional_string(config, "_command")
    parts = [read_optional_string(config, key) is not None for key in ("bucket", part)]
    if any(parts) if command is not None else not all(parts):
        raise ConfigError(
            f"Either the {operator} operator command or both 'bucket' and '{part}' parameters must be set"
        )
    return command
