"""`run --dry-run` calls no operators; `run --show-params` logs what each is called with (cli 2.4)."""

from __future__ import annotations

import msgspec

from ..debugger.environment import LocalEnvironment
from ..engine.operator import OperatorContext, OperatorEntry, OperatorResult
from ..engine.recording import SKIPPING
from ..workflow.yaml_text import yaml_text


class _Rehearsal(LocalEnvironment):
    dry_run: bool = False
    show_params: bool = False

    def operator(self, name: str) -> OperatorEntry:
        """What is called in the place of that operator: nothing reads the task's params, or the log reads all."""
        found = OperatorEntry(_nothing, retries=False, reads=frozenset()) if self.dry_run else super().operator(name)
        if not self.show_params:
            return found

        async def shown(context: OperatorContext) -> OperatorResult:
            self._show(context)
            return await found.run(context)

        return OperatorEntry(shown, found.retries)

    def _show(self, context: OperatorContext) -> None:
        params = dict(context.config)
        if context.secret_mounts:
            params["_secrets"] = context.secret_mounts
        text = self.secrets.masker.mask(yaml_text(params))
        context.log("WARN", SKIPPING, "\n" + "".join(f"  {line}\n" for line in text.rstrip("\n").split("\n")))


async def _nothing(context: OperatorContext) -> OperatorResult:
    return OperatorResult()


def rehearsed(environment: LocalEnvironment, dry_run: bool, show_params: bool) -> LocalEnvironment:
    """An environment whose operators are not called, or only after their params were logged."""
    return _Rehearsal(**msgspec.structs.asdict(environment), dry_run=dry_run, show_params=show_params)
