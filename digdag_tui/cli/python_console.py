"""The debugger without a screen, while a task is stopped inside its Python code: the commands mean the same there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Final, TypeVar

from ..debugger.breakpoints import Breakpoint
from ..debugger.python_stops import Frame, PythonStopped, Variable
from ..debugger.session import Session
from ..workflow.config import Params
from ..workflow.errors import DigdagError

WAIT: Final = 60.0
"""Seconds that a task's process has to answer."""
AROUND: Final = 5
"""Lines of source before and after the present one."""
SHORT: Final = {
    "r": "out", "w": "where", "bt": "where", "l": "list", "p": "print", "!": "print", "eval": "print", "u": "up",
    "d": "down", "params": "locals",
}  # fmt: skip
"""Other words for commands inside Python, beside those at tasks: pdb's."""

Result = TypeVar("Result")


class PythonConsole:
    """Commands for the task that is stopped inside Python; each has a docstring for `help`.

    Args:
        answer: prints a record, or the text.
        settle: waits for the next stop and shows it.
    """

    def __init__(
        self, session: Session, answer: Callable[[Params, str | None], None], settle: Callable[[], None]
    ) -> None:
        self._session = session
        self._answer = answer
        self._settle = settle
        self._task: int | None = None
        self._shown: PythonStopped | None = None
        self._number = 0
        """The frame that is looked at; the innermost is 0."""

    @property
    def stop(self) -> PythonStopped | None:
        """The stop that the commands are about: that of the task stepped, else the last."""
        stops = self._session.python.stops
        if self._task is not None and self._task in stops:
            return stops[self._task]
        return next(reversed([*stops.values()]), None)

    @property
    def is_settled(self) -> bool:
        """Whether the task that was stepped has stopped again, or nothing is left to wait for in it."""
        return (
            self._task is None
            or self._task in self._session.python.stops
            or (self._task not in self._session.python.attached)
        )

    def show_new(self) -> bool:
        """Show the present stop, if there is one; whether there is."""
        stop = self.stop
        if stop and stop is not self._shown:
            self._task, self._shown, self._number = stop.task, stop, 0
            self._show(stop)
        return stop is not None

    def _show(self, stop: PythonStopped) -> None:
        task = self._session.attempt.tasks[stop.task].full_name
        values = self._locals(stop)
        record: Params = {"event": "stopped", "reason": stop.reason, "task": task, "inside": "python"}
        record["frames"] = [self._frame_record(frame) for frame in stop.frames]
        record["frame"] = self._number
        record["locals"] = {each.name: {"value": each.value, "type": each.type} for each in values}
        record["breakpoints"] = list(stop.breakpoints)
        lines = [f"-- {task} is stopped in {_place(self._frame)} ({stop.reason})"]
        if stop.raised:
            record["exception"] = {"type": stop.raised.type, "message": stop.raised.message}
            lines.append(f"   {stop.raised.type}: {stop.raised.message}")
        if source := self._source_line(self._frame):
            lines.append(f"   {self._frame.line:>4}  {source}")
        self._answer(record, "\n".join([*lines, *(f"   {line}" for line in _values(values))]))

    @property
    def _frame(self) -> Frame:
        return self._stopped().frames[self._number]

    def _stopped(self) -> PythonStopped:
        if self.stop is None:
            raise DigdagError("no task is stopped inside Python: into (s) steps into a py> task")
        return self.stop

    def _locals(self, stop: PythonStopped) -> tuple[Variable, ...]:
        python, frame = self._session.python, stop.frames[self._number]
        scopes = python.scopes(stop.task, frame.id).result(WAIT)
        return python.variables(stop.task, scopes[0].reference).result(WAIT).items if scopes else ()

    def _source(self, frame: Frame) -> list[str]:
        try:
            return self._session.python.source(self._stopped().task, frame).result(WAIT).splitlines()
        except DigdagError:
            return []

    def _source_line(self, frame: Frame) -> str:
        lines = self._source(frame)
        return lines[frame.line - 1].strip() if frame.line <= len(lines) else ""

    def _frame_record(self, frame: Frame) -> Params:
        place = {"file": frame.file, "line": frame.line, "function": frame.name}
        return {**place, "source": self._source_line(frame), "own": frame.own}

    # Commands

    def do_over(self, words: str) -> None:
        """over (n, next): run to the next line of the function; at its end, to the next task."""
        self._go(self._session.python.step_over)

    def do_into(self, words: str) -> None:
        """into (s, step): run to the first line of the function that this line calls, or to the next line."""
        self._go(self._session.python.step_into)

    def do_out(self, words: str) -> None:
        """out (f, r, return): run to where the function returns to; out of the task's function, to the next task."""
        self._go(self._session.python.step_out)

    def do_continue(self, words: str) -> None:
        """continue (c): run to the next stop."""
        self._go(self._session.python.resume)

    def do_to(self, words: str) -> None:
        """to [FILE:]LINE (t, until): run to a line, or to a stop before."""
        file, _, line = words.rpartition(":")
        if not line.isdigit():
            raise DigdagError("to LINE, or to FILE:LINE, such as: to 12")
        self._go(lambda task: self._session.python.run_to(task, file or self._frame.file, int(line)))

    def do_where(self, words: str) -> None:
        """where (w, bt): the calls that have not returned, the innermost last."""
        frames = self._stopped().frames
        places = [f"{_place(frame)}: {self._source_line(frame)}" for frame in frames]
        lines = [f"{'>' if number == self._number else ' '} {place}" for number, place in enumerate(places)]
        record = {"event": "frames", "frames": [self._frame_record(frame) for frame in frames], "frame": self._number}
        self._answer(record, "\n".join(reversed(lines)))

    def do_list(self, words: str) -> None:
        """list (l): the source around the present line."""
        frame, lines = self._frame, self._source(self._frame)
        first = max(0, frame.line - AROUND - 1)
        around = list(enumerate(lines[first : frame.line + AROUND], first + 1))
        text = [f"{number:>4} {'->' if number == frame.line else '  '} {line}" for number, line in around]
        numbered = {str(number): line for number, line in around}
        record = {"event": "source", "file": frame.file, "line": frame.line, "lines": numbered}
        self._answer(record, "\n".join(text))

    def do_locals(self, words: str) -> None:
        """locals: the variables of the frame."""
        found = self._locals(self._stopped())
        values = {each.name: {"value": each.value, "type": each.type} for each in found}
        self._answer({"event": "locals", "locals": values}, "\n".join(_values(found)) or "no variables")

    def do_print(self, words: str) -> None:
        """print EXPRESSION (p, !, eval): what Python code comes to in the frame; ! may carry out statements, too."""
        if not words:
            raise DigdagError("an expression is missing, such as: p rows")
        found = self._wait(self._session.python.evaluate(self._stopped().task, words, self._frame.id))
        record = {"event": "result", "value": found.value, "type": found.type}
        self._answer(record, f"{found.value}   ({found.type})" if found.type else found.value)

    def do_set(self, words: str) -> None:
        """set NAME VALUE (e): give a variable, such as rows or rows[0], the value of a Python expression."""
        name, _, value = words.partition(" ")
        if not value:
            raise DigdagError("set NAME VALUE, such as: set rows 3")
        stop, python = self._stopped(), self._session.python
        found = self._wait(python.set_expression(stop.task, name, value, self._frame.id))
        self._answer({"event": "set", "name": name, "value": found.value}, f"{name} = {found.value}")

    def do_up(self, words: str) -> None:
        """up (u): look at the frame that called this one."""
        self._look(self._number + 1, "this is the outermost frame")

    def do_down(self, words: str) -> None:
        """down (d): look at the frame that this one called."""
        self._look(self._number - 1, "this is the innermost frame")

    def _look(self, number: int, end: str) -> None:
        stop = self._stopped()
        if not 0 <= number < len(stop.frames):
            raise DigdagError(end)
        self._number = number
        self._show(stop)

    def _go(self, command: Callable[[int], Future[None]]) -> None:
        stop = self._stopped()
        self._task = stop.task
        self._wait(command(stop.task))
        if command == self._session.python.resume:
            self._task = None
        self._settle()

    def _wait(self, future: Future[Result]) -> Result:
        try:
            return future.result(WAIT)
        except TimeoutError:
            future.cancel()
            raise DigdagError("the task's process does not answer: stop ends it") from None


def state_text(breakpoint: Breakpoint, session: Session) -> str:
    """What became of a breakpoint in a Python file, in words."""
    state = session.python.states.get(breakpoint.id)
    if state is None:
        return ""
    if not state.verified:
        return f"  {state.message or 'does not stop yet'}"
    return f"  stops at line {state.line}" if state.line != breakpoint.place[1] else ""


def _place(frame: Frame) -> str:
    return f"{frame.name}, {frame.file or 'no file'}:{frame.line}"


def _values(found: Iterable[Variable]) -> list[str]:
    return [f"{each.name} = {each.value}" + (f"   ({each.type})" if each.type else "") for each in found]
