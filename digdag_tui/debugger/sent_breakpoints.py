"""The breakpoints that the process of a `py>` task has: those in Python files, and where it is to stop just once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Iterable, Iterator
from pathlib import Path
from typing import Protocol, TypeAlias

from .breakpoints import Breakpoint, Breakpoints
from .dap_client import Body
from .python_stops import BreakpointState, PythonReason

Place: TypeAlias = tuple[str, int]
"""A file, absolute and without links, and a line."""


class Request(Protocol):
    """Asks the process; see `DapClient.request`."""

    def __call__(self, command: str, /, **arguments: object) -> Awaitable[Body]: ...


class SentBreakpoints:
    """Gives a process what breakpoints there are, in the files where that changed, and knows what became of them."""

    def __init__(self, project: Path, breakpoints: Breakpoints, request: Request) -> None:
        self.goal: tuple[Place, PythonReason] | None = None
        """Where it stops once, and what the stop is called then."""
        self._project = project
        self._breakpoints = breakpoints
        self._request = request
        self._sent: dict[str, list[Body] | None] = {}
        """What the process has, by file; None as long as it has not answered."""
        self._ids: dict[int, int] = {}
        """The process's numbers of breakpoints → ours."""
        self._placed: dict[int, Place] = {}
        """Our breakpoints → where they stand in the process."""
        self._lock = asyncio.Lock()

    async def send(self) -> dict[int, BreakpointState]:
        """Give the process what breakpoints there are now; what became of those that it did not have.

        Raises:
            DigdagError: it does not take them.
        """
        states: dict[int, BreakpointState] = {}
        async with self._lock:
            for file, pairs in self._wanted().items():
                bodies = [body for _, body in pairs]
                if self._sent.get(file) != bodies:
                    self._sent[file] = None
                    answer = await self._request("setBreakpoints", source={"path": file}, breakpoints=bodies)
                    self._sent[file] = bodies
                    states.update(self._placed_at(file, [number for number, _ in pairs], answer))
        return states

    def state(self, said: Body) -> dict[int, BreakpointState]:
        """What became of a breakpoint of which the process tells by itself."""
        number = self._ids.get(said.get("id", -1))
        return {} if number is None else {number: _state(said)}

    def named(self, numbers: Iterable[int]) -> Iterator[int]:
        """Our breakpoints, by the process's numbers."""
        return (self._ids[number] for number in numbers if number in self._ids)

    def at(self, place: Place) -> Iterator[int]:
        """Our breakpoints at a place: where there are several, the process does not tell them apart."""
        for each in self._breakpoints.in_python:
            if self._placed.get(each.id) == place and not each.log_message:
                yield each.id

    def _wanted(self) -> dict[str, list[tuple[int | None, Body]]]:
        """What the process is to have by file, with our numbers."""
        wanted: dict[str, list[tuple[int | None, Body]]] = {file: [] for file in self._sent}
        for each in self._breakpoints.in_python:
            file = os.path.realpath(self._project / each.place[0])
            wanted.setdefault(file, []).append((each.id, _source_breakpoint(each)))
        if self.goal:
            (file, line), _ = self.goal
            there = wanted.setdefault(file, [])
            there[:] = [pair for pair in there if pair[1]["line"] != line or "logMessage" in pair[1]]
            there.append((None, {"line": line}))
        return wanted

    def _placed_at(self, file: str, numbers: list[int | None], answer: Body) -> Iterator[tuple[int, BreakpointState]]:
        for number, said in zip(numbers, answer.get("breakpoints", []), strict=False):
            if number is not None:
                state = _state(said)
                self._ids[said.get("id", -1)] = number
                self._placed[number] = file, state.line
                yield number, state


def _source_breakpoint(breakpoint: Breakpoint) -> Body:
    """A breakpoint as the protocol has it."""
    hits = breakpoint.hit_condition.strip()
    found = {
        "line": breakpoint.place[1],
        "condition": breakpoint.condition,
        "hitCondition": f"={hits}" if hits[:1] == "=" and hits[:2] != "==" else hits,
        "logMessage": breakpoint.log_message,
    }
    return {name: value for name, value in found.items() if value}


def _state(said: Body) -> BreakpointState:
    message = " ".join(str(said.get("message") or "").split())
    if "filters" in message:
        message = "this file is a library's: only the project's own code stops"
    return BreakpointState(bool(said.get("verified")), int(said.get("line") or 0), message)
