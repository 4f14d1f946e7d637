"""Actions inside of Python: the same keys as for tasks, one level lower, while a task is stopped in its function."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final

from ..debugger.python_stops import LONGEST, PythonEvent, PythonStopped, Variable
from ..engine.attempt import Task
from ..workflow.errors import DigdagError
from .actions import Action
from .change_actions import ChangeActions
from .inside import Inside
from .look_actions import LookActions
from .run_actions import RunActions
from .stack import StackPane
from .stop_actions import StopActions
from .tasks import operator_and_command
from .view import Changed
from .watch import WatchPane

if TYPE_CHECKING:
    from ..debugger.python_debugger import PythonDebugger
    from ..debugger.session import Session
    from .python_prompts import Call

STEPS: Final = ("step_over", "step_into", "step_out")
TOO_FAST: Final = 1.0
"""Seconds after a step in which another is dropped that comes before its stop: a key that is held down."""
RUNS: Final = "its Python runs: pause (p) it first"


LOWER: Final[Mapping[str, Callable[[PythonDebugger, int], Future[None]]]] = {
    "resume": lambda python, task: python.resume(task),
    "step_over": lambda python, task: python.step_over(task),
    "step_into": lambda python, task: python.step_into(task),
    "step_out": lambda python, task: python.step_out(task),
    "pause": lambda python, task: python.pause(task),
}
"""What actions are one level lower."""


class PythonActions(RunActions, ChangeActions, StopActions, LookActions):
    """What keys do to a task that is stopped inside of Python, or runs under the debugger."""

    _typed_python: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self._insides: dict[int, Inside] = {}
        self._went = -TOO_FAST
        """When Python was stepped last."""

    def begin_python(self, session: Session) -> None:
        """Show what a session's Python debugger tells."""
        main = self.main
        main.python.inside_of = main.source.inside_of = main.watch_pane.inside_of = self.inside_of
        main.source.python_states = lambda: session.python.states
        main.watch_pane.call_of = self._call

    # What is stopped

    def inside_of(self, task: Task | None) -> Inside | None:
        """Where a task is stopped inside of Python, or was before it went on, with what is known of that."""
        if task is None or task.id not in self.view.python.attached or self.view.past or self.session is None:
            return None
        stop, known = self.view.python_stop(task), self._insides.get(task.id)
        if stop and (known is None or known.stop is not stop):
            known = Inside(
                stop,
                self.session.python,
                self._ask,
                lambda: self._show_inside(stop),
                lambda: self.view.python_stop(task) is stop,
                known,
            )
            self._insides[task.id] = known
        return known

    def _python_task(self) -> int | None:
        """The task that the keys are about one level lower: the selected one, else the last that stopped."""
        stand, selected = self.view.python, self.main.selected
        if self.view.past:
            return None
        if selected and (selected.id in stand.stops or (selected.id in stand.attached and not self.view.stopped)):
            return selected.id
        return next(reversed(stand.stops), None) if self.view.stopped is None else None

    def _inside(self) -> Inside | None:
        """The stop that the keys are about."""
        task = self._python_task()
        return self.inside_of(self.view.tasks.get(task)) if task in self.view.python.stops else None

    def _call(self, inside: Inside | None = None) -> Call | None:
        """The call that is looked at, to evaluate in."""
        from .python_prompts import Call

        inside = inside or self._inside()
        if inside is None or inside.frame is None or self.session is None:
            return None
        return Call(inside.task, inside.frame, self.session.python, self._ask, self.view.mask)

    def _ask(self, future: Future[Any], then: Callable[[Any, str], None]) -> None:
        """Wait for an answer of the debugger; `then` gets it in this thread, or a sentence about what went wrong."""

        def take() -> None:
            error = None if future.cancelled() else future.exception()
            if error is None and not future.cancelled():
                then(future.result(), "")
            else:
                then(None, error.message if isinstance(error, DigdagError) else str(error or "the task went on"))

        future.add_done_callback(lambda _: self.call_later(take))

    def _show_inside(self, stop: PythonStopped) -> None:
        """Show what became known of a stop."""
        if self.main.python.inside and self.main.python.inside.stop is stop:
            self.main.python.refill()
        self.main.source.show_inside()
        self._shown_keys = ()

    # The keys that mean the same, one level lower

    def refusal(self, action: Action) -> str | None:
        task = self._python_task()
        if task is not None and action.name == "pause":
            return "it is stopped already: continue (c) or step (n)" if task in self.view.python.stops else None
        if task is not None and action.name in LOWER:
            return None if task in self.view.python.stops else RUNS
        if task is not None and action.name == "run_to" and self._runs_to_line():
            return self._refuse_line(task)
        return super().refusal(action)

    def _do(self, name: str, command: Callable[[Session], Future[None]]) -> None:
        task, lower = self._python_task(), LOWER.get(name)
        if name in STEPS and not self.view.at_rest() and time.monotonic() - self._went < TOO_FAST:
            return
        if task is None or lower is None:
            super()._do(name, command)
        elif self._possible(name) and self.session:
            self._went = time.monotonic() if name in STEPS else -TOO_FAST
            self._answer(lower(self.session.python, task))

    def action_step_into(self) -> None:
        stop = self.view.stop_task()
        starts = self._python_task() is None and stop is not None and operator_and_command(stop)[0] == "py>"
        if starts and stop and self._possible("step_into"):
            self.view.python.starting = stop.id
        super().action_step_into()

    def action_run_to(self) -> None:
        task, position = self._python_task(), self.main.source.position
        if task is None or not self._runs_to_line():
            super().action_run_to()
        elif self._possible("run_to") and self.session and position:
            self._answer(self.session.python.run_to(task, position.file, position.line))

    def _runs_to_line(self) -> bool:
        """Whether `t` is about a line of Python: all but a later task that is selected in the tree."""
        selected = self.main.selected
        return self.main.active == "source" or selected is None or selected.id in self.view.python.attached

    def _refuse_line(self, task: int) -> str | None:
        position = self.main.source.position
        if self.main.active != "source" or position is None or not position.file.endswith(".py"):
            return "put the cursor on a line of the Python file in Source (3)"
        return None if task in self.view.python.stops else RUNS

    async def action_leave_debugger(self) -> None:
        """Esc while the debugger is started: back to before the task."""
        task = self.view.python.starting
        if task is not None and self.session:
            self.view.python.starting = None
            self._answer(self.session.rewind(task))

    # Changing and asking

    def _variable(self) -> tuple[Inside, Variable] | None:
        """The variable at the cursor of the Python pane, and the stop that shows it."""
        pane = self.main.python
        row = pane.stack_row() if self.main.shows("python") and self.main.active != "params" else None
        inside = pane.inside if pane.inside and pane.inside.is_live() else None
        return (inside, row.variable) if row and row.variable and inside else None

    async def action_edit(self) -> None:
        found = self._variable()
        if found is None and (self._inside() is None or self.main.active == "params"):
            await super().action_edit()
        elif self._possible("edit") and found:
            from .python_prompts import SetInside

            inside, variable = found
            call = self._call(inside)
            if call:
                await self.push_screen(SetInside(call, variable), lambda name: self._was_set(inside, name))

    def refuse_edit(self, task: Task | None) -> str | None:
        inside = self._inside()
        if inside is None or self.main.active == "params":
            return super().refuse_edit(task)
        found = self._variable()
        if found is None:
            return "put the cursor on a variable in Python (i), or on a param in Params (2)"
        if inside.stop.raised:
            return "the exception has left this function: its values can only be read; rewind (w) runs it again"
        if found[1].read_only:
            return f"{found[1].name} can only be read"
        if not found[1].evaluate_name:
            return f"no expression leads to {found[1].name}: evaluate (:) a statement that changes it"
        return None

    def _was_set(self, inside: Inside, name: str | None) -> None:
        if name:
            self.toast(f"{name} is set")
            self._values_changed(inside)

    def _values_changed(self, inside: Inside) -> None:
        """Ask for all values again."""
        inside.forget()
        self._show_inside(inside.stop)
        self.main.watch_pane.work_out()

    async def action_evaluate(self) -> None:
        inside, call = self._inside(), self._call()
        if inside is None or call is None:
            await super().action_evaluate()
        elif self._possible("evaluate"):
            from .python_prompts import EvaluateInside

            past = [*self._typed_python]
            prompt = EvaluateInside(call, past, lambda: self._values_changed(inside))

            def watch(expression: str | None) -> None:
                self._typed_python = tuple(past)
                self._watch_python(None, expression)

            await self.push_screen(prompt, watch)

    async def action_watch_expression(self) -> None:
        call, found = self._call(), self._variable()
        if call is None or self.main.active == "params":
            await super().action_watch_expression()
        else:
            await self._ask_python_watch(call, None, found[1].evaluate_name if found else "")

    async def on_watch_pane_python_edited(self, event: WatchPane.PythonEdited) -> None:
        call = self._call()
        if call:
            await self._ask_python_watch(call, event.number, event.text)

    async def _ask_python_watch(self, call: Call, number: int | None, text: str) -> None:
        from .python_prompts import WatchInside

        await self.push_screen(WatchInside(call, text), lambda typed: self._watch_python(number, typed))

    def _watch_python(self, number: int | None, text: str | None) -> None:
        if text is None:
            return
        self.main.show_pane("watch", focus=number is not None or self.main.one_at_a_time)
        problem = self.main.watch_pane.change(number, text, python=True)
        if problem:
            self.toast(f"the expression is watched until you leave: {problem}", "warning")

    def action_copy(self) -> None:
        found = self._variable() if self.main.active == "python" else None
        if found is None or len(found[1].value) < LONGEST or not found[1].evaluate_name:
            super().action_copy()
            return
        inside, variable = found
        if self.session and inside.frame:
            whole = self.session.python.evaluate(inside.task, variable.evaluate_name, inside.frame.id)
            self._ask(whole, lambda value, problem: self._copy(value.value if value else variable.value))

    # Where it stops

    def action_break_on_raise(self) -> None:
        if self._possible("break_on_raise") and self.session:
            breaks = self.session.breaks
            breaks.on_raise = not breaks.on_raise
            self.toast(
                "py> tasks run under the debugger and stop where an exception is not caught"
                if breaks.on_raise
                else "py> tasks run plainly: an exception stops the task, not its Python"
            )
            self.main.stops.show()

    def refuse_break_on_raise(self, task: Task | None) -> str | None:
        return "the workflow is still loading" if self.session is None else None

    def action_breakpoint(self) -> None:
        frame = self.main.python.frame() if self.main.active == "python" else None
        if frame is None or self.session is None:
            super().action_breakpoint()
        elif not frame.file:
            self.toast("can't break: this code has no file", "warning")
        else:
            from .source import frame_place

            place = frame_place({"file": frame.file, "line": frame.line}, self.view.project)
            self._toggle_line(place.file, place.line)

    def action_here(self) -> None:
        """From stop to stop: those inside of Python, and the workflow's."""
        if not self._possible("here"):
            return
        stops = [*self.view.python.stops]
        if self.view.stopped:
            stops.append(self.view.stopped.task)
        here = self.main.selected.id if self.main.selected else None
        following = stops[(stops.index(here) + 1) % len(stops)] if here in stops else stops[-1]
        self.main.select(self.view.tasks[following])

    def refuse_here(self, task: Task | None) -> str | None:
        return None if self.view.python.stops or self.view.stopped else "the workflow is not stopped"

    def on_stack_pane_frame_chosen(self, event: StackPane.FrameChosen) -> None:
        event.inside.level = event.level
        self.main.look_inside()
        if event.inside.frame and not event.inside.frame.file:
            self.toast("this code has no file to show", "warning")

    # What the session tells

    def follow_python(self, told: Sequence[PythonEvent]) -> None:
        """Show where Python stopped, or what showed before it did."""
        stops = [event for event in told if isinstance(event, PythonStopped)]
        stop = next((each for each in reversed(stops) if each is self.view.python.stops.get(each.task)), None)
        if stop and not self.view.past:
            self.main.select(self.view.tasks[stop.task])
            self.main.go_inside()
        if told:
            self._point()

    def leave_python(self) -> None:
        """Show what showed before Python stopped, if none does any more."""
        stand = self.view.python
        if not stand.stops and (self.view.stopped or not stand.attached):
            self.main.go_outside()
            if not stand.attached:
                self._insides.clear()

    def _point(self) -> None:
        """Let the header tell of the stop that the keys are about."""
        self.view.python.shown = self._python_task()
        self.main.paint(Changed.STATUS)

    def on_main_screen_selected(self) -> None:
        super().on_main_screen_selected()
        if self.view.python.stops:
            self._point()
