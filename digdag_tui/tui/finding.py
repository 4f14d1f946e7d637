"""Looking for a text in a pane, a piece at a time, so that no key waits for it."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from .lines import Lines

AT_ONCE = 0.01
"""Seconds of looking between two looks at the keys."""


class FindText(Input):
    """Where a person types what to find; Enter calls `done` before any later key is looked at."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Done", show=False, priority=True)]

    def __init__(self, done: Callable[[], None]) -> None:
        super().__init__(compact=True, id="find-text", select_on_focus=False)
        self._done = done

    async def action_submit(self) -> None:
        self._done()


class Finding:
    """One search in `pane` for its needle, from the place `start`.

    It goes to the next place, with a negative `step` to the one before, as soon as that is known, and counts on.
    With the step 0, `start` may itself be the place.
    """

    def __init__(self, pane: Lines, start: int, step: int) -> None:
        self.done = False
        self.step = step
        self._pane = pane
        self._start = start
        self._here = pane.order(start)
        self._batches = pane.search(pane.needle)
        self._places: list[int] = []
        self._index: int | None = None
        self._steps = deque([step])

    def also(self, step: int) -> None:
        """Then go on to the next place, or the one before."""
        self._steps.append(step)

    def work(self) -> None:
        """Look for a short time."""
        until = time.monotonic() + AT_ONCE
        for places in self._batches:
            self._places += places
            if time.monotonic() > until:
                break
        else:
            self.done = True
        while self._steps and (index := self._wanted(self._steps[0])) is not None:
            self.step, self._index, self._start = self._steps.popleft(), index, self._places[index]
            self._here = self._pane.order(self._start)
            self._pane.go(self._start)

    @property
    def text(self) -> str:
        """Which place of how many: `3/17`, with `…` while it is still counting."""
        more = "" if self.done else "…"
        if self._index is None:
            return more or "not found"
        return f"{self._index + 1:,}/{len(self._places):,}{more}"

    def _wanted(self, step: int) -> int | None:
        """The index of the place to go to, if it is known by now."""
        if step < 0:
            index = bisect_left(self._places, self._here, key=self._pane.order) - 1
            known = 0 <= index < len(self._places) - 1
            last = len(self._places) - 1
            return index if known else (index if index >= 0 else last) if self.done and self._places else None
        index = bisect_right(self._places, self._here, key=self._pane.order)
        if step == 0 and index and self._places[index - 1] == self._start:
            return index - 1
        if index < len(self._places):
            return index
        return 0 if self.done and self._places else None
