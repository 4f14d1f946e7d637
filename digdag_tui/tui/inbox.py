"""What the session tells, on its way to the screen; a session that tells more than can be shown has to wait."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from ..debugger.events import RequiredEvent, SessionEvent, Stopped
from ..debugger.python_stops import PythonStopped
from ..engine.events import TaskLogged, TaskOutput

ROOM = 4 * 2**20
"""Characters of output that may be on their way."""
PATIENCE = 1.0
"""Seconds after which the session goes on in any case: a screen that shows nothing holds nothing up for ever."""


class Inbox:
    """Events in the order in which they were told.

    The session's thread uses `put`, which makes its tasks' output wait in their pipes; everyone else `append`.
    `wake` is called in that thread at each stop, which a person waits for.
    """

    def __init__(self, wake: Callable[[], object] = lambda: None) -> None:
        self._wake = wake
        self._events: deque[SessionEvent] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._open = True

    def __bool__(self) -> bool:
        return bool(self._events)

    def put(self, event: SessionEvent) -> None:
        """Add an event, and wait until there is room for more."""
        self._events.append(event)
        if isinstance(event, Stopped | PythonStopped):
            self._wake()
        size = _size(event)
        if size:
            with self._changed:
                self._size += size
                self._changed.wait_for(lambda: self._size < ROOM or not self._open, PATIENCE)

    def append(self, event: SessionEvent) -> None:
        """Add a small event, without waiting."""
        self._events.append(event)

    def popleft(self) -> SessionEvent:
        """Take the oldest event.

        Raises:
            IndexError: there is none.
        """
        event = self._events.popleft()
        size = _size(event)
        if size:
            with self._changed:
                self._size -= size
                self._changed.notify()
        return event

    def put_back(self, events: Sequence[SessionEvent]) -> None:
        """Put events that were taken before all others again."""
        with self._changed:
            self._size += sum(map(_size, events))
        self._events.extendleft(reversed(events))

    def close(self) -> None:
        """Let the session go on: nothing is shown any more."""
        with self._changed:
            self._open = False
            self._changed.notify()


def _size(event: SessionEvent) -> int:
    told = event.event if isinstance(event, RequiredEvent) else event
    match told:
        case TaskOutput():
            return len(told.text)
        case TaskLogged():
            return len(told.message)
        case _:
            return 0
