"""What the engine needs from the machine it runs on: operators, secrets, an evaluator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from ..engine.operator import OperatorContext, OperatorEntry, OperatorResult
from ..operators.registry import find_operator
from ..params.evaluate import Evaluator
from ..params.secrets import LocalSecrets
from ..workflow.errors import DigdagError
from ..workflow.pins import Pins


class LocalEnvironment(Struct):
    """This machine, for a project's directory."""

    project: Path
    evaluator: Evaluator
    secrets: LocalSecrets
    settings: Mapping[str, str] = {}
    """Digdag's configuration (cli 1.1)."""
    pins: Pins = field(default_factory=Pins)
    verbose: bool = False

    def operator(self, name: str) -> OperatorEntry:
        """The operator of that name, which is not called for pinned tasks; those need none.

        Raises:
            DigdagError: there is none, or it cannot be loaded.
        """
        if not self.pins:
            return find_operator(name)
        from ..operators.pinned import pinned

        try:
            return pinned(find_operator(name), self.pins)
        except DigdagError as error:
            return pinned(_failing(error), self.pins)

    def secret(self, key: str) -> str | None:
        """A secret's value, or None."""
        return self.secrets.get(key)


def _failing(error: DigdagError) -> OperatorEntry:
    async def run(context: OperatorContext) -> OperatorResult:
        raise error

    return OperatorEntry(run, retries=False)
