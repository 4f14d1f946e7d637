"""Looks for problems of the project in the background, once it is loaded and whenever its files change."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ..debugger.events import WarningsFound
from .commands import Commanding

if TYPE_CHECKING:
    from ..params.containers import Lacks

DELAY = 0.5
"""Seconds that the screen has for itself before."""


class Linting(Commanding):
    """The part of the debugger that keeps the list of problems."""

    _looks = 0
    _lacks: Lacks | None = None
    """What this machine lacks for a container, once the session is there."""

    def look_for_problems(self) -> None:
        """Look soon; of several calls in a row the last counts."""
        self._looks += 1
        number = self._looks
        self.set_timer(DELAY, lambda: self._look(number))

    def _look(self, number: int) -> None:
        if number == self._looks:
            threading.Thread(target=self._find_problems, args=(number,), name="problems", daemon=True).start()

    def _find_problems(self, number: int) -> None:
        """In a thread of its own."""
        from ..operators.registry import operator_forms
        from ..params.layers import Layer, Source
        from ..params.lint import all_problems
        from ..workflow.errors import DigdagError

        overrides = self.session.launch.overrides if self.session else ()
        try:
            found = all_problems(
                self.view.project,
                operator_forms(),
                [Layer(Source(override.source), override.values) for override in overrides],
                self._lacks,
            )
        except DigdagError:
            return  # the session has told of it
        if number == self._looks:
            self._inbox.append(WarningsFound(tuple(found)))
