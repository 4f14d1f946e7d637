"""What the engine needs from the machine it runs on: operators, secrets, an evaluator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from ..engine.operator import Keep, OperatorContext, OperatorEntry, OperatorResult
from ..operators.interpreters import PYTHON
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
    keep: Keep = field(default_factory=Keep)
    """Closed at the end of the session."""

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

    def use_python(self, program: str | None) -> None:
        """Run `py>` tasks that begin from now on in this interpreter; None for the one in PATH."""
        others = {key: value for key, value in self.settings.items() if key != PYTHON}
        self.settings = {**others, PYTHON: program} if program else others

    def masked(self, text: str, is_cut: bool) -> str:
        """`text` without the values of secrets; if its end was cut off, without the start of one there either."""
        masker = self.secrets.masker
        return masker.split(text)[0] if is_cut else masker.mask(text)


def _failing(error: DigdagError) -> OperatorEntry:
    async def run(context: OperatorContext) -> OperatorResult:
        raise error

    return OperatorEntry(run, retries=False)
