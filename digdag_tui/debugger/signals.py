"""The signals that end a program from outside, that of a closed terminal among them: what it runs is to end with it."""

from __future__ import annotations

import signal
from collections.abc import Callable


def ending_signals() -> list[signal.Signals]:
    """Those that nobody wants to be ignored, as `nohup` does."""
    return [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]


def on_ending(leave: Callable[[int], object]) -> None:
    """Call `leave` with the signal's number, in the main thread, instead of dying on the spot."""
    for number in ending_signals():
        signal.signal(number, lambda number, frame: leave(number))
