"""Tells a person who looks elsewhere that a long run has stopped: the terminal's bell, a notification, its title."""

from __future__ import annotations

import re

LONG = 10.0
"""Seconds from which a run is long enough for people to look elsewhere."""
_LONGEST = 120
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069;]")


def plain(text: str) -> str:
    """A text that may stand within an escape sequence: nothing in it ends that or begins another."""
    return _UNSAFE.sub(" ", text)[:_LONGEST].strip()


def notification(title: str, text: str) -> str:
    """What makes terminals notify: OSC 9 (iTerm2, WezTerm, kitty, Windows Terminal), OSC 777 (VTE, foot), the bell."""
    title, text = plain(title), plain(text)
    return f"\x1b]9;{title}: {text}\x07\x1b]777;notify;{title};{text}\x07\a"


def title(text: str) -> str:
    """What sets the terminal's title; an empty one gives it back."""
    return f"\x1b]2;{plain(text)}\x07"


SAVE_TITLE, RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"
"""xterm's stack of titles, which most terminals have."""


class Timer:
    """Measures how long a session has been running since it was last at rest."""

    def __init__(self) -> None:
        self._since: float | None = None

    def rests(self, at_rest: bool, now: float) -> float | None:
        """Seconds of the run that has just come to rest, or None; `now` is a monotonic time in seconds."""
        if not at_rest:
            self._since = self._since if self._since is not None else now
            return None
        since, self._since = self._since, None
        return None if since is None else now - since
