"""What is known of a `py>` task that runs under the debugger: its stops, frames and variables, as plain records.

All text is masked. Values are cut to `LONGEST` characters, what `evaluate` gives to `LONGEST_RESULT`.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct

LONGEST: Final = 1_000
LONGEST_RESULT: Final = 100_000
MOST_FRAMES: Final = 200

PythonReason: TypeAlias = Literal["entry", "step", "breakpoint", "pause", "exception", "goto"]
"""Why Python stopped, in the Debug Adapter Protocol's words; `entry` is the first line of the task's function."""


class Frame(Struct, frozen=True):
    """A call that has not returned.

    `id` holds until the task goes on. `file` is absolute, or empty when the code came from no file: then there may be
    a `source_reference` to ask for its text by. `own` is whether the code is the user's and no library's.
    """

    id: int
    name: str
    file: str
    line: int
    own: bool = True
    source_reference: int = 0


class Scope(Struct, frozen=True):
    """A group of a frame's variables, such as `Locals`; `reference` is what `variables` takes."""

    name: str
    reference: int


class Variable(Struct, frozen=True):
    """A variable, or an item of one; `reference` is what `variables` takes for what is inside, 0 for nothing."""

    name: str
    value: str
    type: str = ""
    reference: int = 0
    evaluate_name: str = ""
    """The expression that has this value; empty where there is none."""
    read_only: bool = False


class Variables(Struct, frozen=True):
    """A page of variables; `more` is the reference of the next page, 0 after the last."""

    items: tuple[Variable, ...]
    more: int = 0


class Completion(Struct, frozen=True):
    """What may be written in the place of `length` characters from `start` (from 0)."""

    label: str
    kind: str
    start: int
    length: int


class Raised(Struct, frozen=True):
    """An exception that nothing in the task catches; `details` is its traceback."""

    type: str
    message: str
    details: str


class BreakpointState(Struct, frozen=True):
    """What became of a breakpoint in a Python file: it may stand at another line, or say why it cannot stop."""

    verified: bool
    line: int
    message: str = ""


class PythonAttached(Struct, frozen=True):
    """A task runs under the debugger."""

    task: int


class PythonStopped(Struct, frozen=True):
    """A task stopped inside its Python code; the innermost of the `frames` is the first.

    `breakpoints` are the ids of those that were hit.
    """

    task: int
    reason: PythonReason
    frames: tuple[Frame, ...]
    thread: int
    description: str = ""
    raised: Raised | None = None
    breakpoints: tuple[int, ...] = ()


class PythonContinued(Struct, frozen=True):
    """A task that had stopped goes on: its frames and references are void."""

    task: int


class PythonDetached(Struct, frozen=True):
    """A task is not under the debugger any more: it has ended, or was let go."""

    task: int


class PythonBreakpoints(Struct, frozen=True):
    """What became of breakpoints in Python files in a task, by their ids."""

    task: int
    states: dict[int, BreakpointState]


PythonEvent: TypeAlias = PythonAttached | PythonStopped | PythonContinued | PythonDetached | PythonBreakpoints
