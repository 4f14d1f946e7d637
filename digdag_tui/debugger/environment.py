"""What the engine needs from the machine it runs on: operators, secrets, an evaluator."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from ..engine.operator import OperatorEntry
from ..operators.registry import find_operator
from ..params.evaluate import Evaluator
from ..params.secrets import LocalSecrets


class LocalEnvironment(Struct):
    """This machine, for a project's directory."""

    project: Path
    evaluator: Evaluator
    secrets: LocalSecrets

    def operator(self, name: str) -> OperatorEntry:
        """The operator of that name.

        Raises:
            ConfigError: there is none.
        """
        return find_operator(name)

    def secret(self, key: str) -> str | None:
        """A secret's value, or None."""
        return self.secrets.get(key)
