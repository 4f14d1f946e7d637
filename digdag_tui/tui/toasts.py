"""Notices in the corner of the screen, for a while."""

from __future__ import annotations

from typing import Final

from textual.notifications import Notification

LEAST: Final = 0.1
"""Seconds for which a notice is shown that is shown at all."""


class Toast(Notification):
    """A notice whose time may end at any moment.

    Textual looks whether it has, and then sets a timer for what is left. Where that is less than nothing by then, its
    timer never comes to an end, and nothing else is done any more.
    """

    @property
    def time_left(self) -> float:
        return max(super().time_left, LEAST)

    @property
    def has_expired(self) -> bool:
        return super().time_left <= 0
