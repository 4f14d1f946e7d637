"""Jump keys: a label over each row that is seen; typing one goes there, and a pane's own key to the pane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from .lines import Lines
from .modal import Modal

LETTERS = "asdfghjklqwertyuiopzxcvbnm"


class Target(NamedTuple):
    """A row that is seen, and where on the screen it begins."""

    pane: Lines
    row: int
    x: int
    y: int


class Jump(Modal[Target | str | None]):
    """Asks for a label; gives its row, the name of a pane, or None.

    Args:
        targets: the rows that can be gone to.
        panes: names of panes by their keys.
    """

    def __init__(self, targets: Sequence[Target], panes: dict[str, str]) -> None:
        super().__init__()
        self._targets = dict(zip(labels(len(targets)), targets, strict=False))
        self._panes = panes
        self._typed = ""

    def compose(self) -> ComposeResult:
        for label, target in self._targets.items():
            place = Static(Content(label), classes="jump", id=f"jump-{label}")
            place.styles.offset = (target.x, target.y)
            yield place

    def on_key(self, event: events.Key) -> None:
        event.stop()
        character = event.character or ""
        typed = self._typed + character
        if not self._typed and character in self._panes:
            self.dismiss(self._panes[character])
        elif typed in self._targets:
            self.dismiss(self._targets[typed])
        elif character and any(label.startswith(typed) for label in self._targets):
            self._typed = typed
            for label in self._targets:
                self.query_one(f"#jump-{label}").display = label.startswith(typed)
        else:
            self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        self.dismiss(None)


def labels(count: int) -> Iterator[str]:
    """So many labels, none of which begins another: of one letter if those are enough, else of two."""
    if count <= len(LETTERS):
        return iter(LETTERS[:count])
    return islice(("".join(pair) for pair in product(LETTERS, LETTERS)), count)


def visible_rows(panes: Sequence[Lines]) -> Iterator[Target]:
    """The rows that are seen of panes and have a text, pane by pane."""
    for pane in panes:
        region, first = pane.scrollable_content_region, pane.scroll_offset.y
        place = pane.content_region
        for line in range(min(region.height, pane.count() - first)):
            if pane.text_of(first + line).strip():
                yield Target(pane, first + line, place.x, place.y + line)
