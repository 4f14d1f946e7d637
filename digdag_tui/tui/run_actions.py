"""Actions that run the workflow: continue, steps, pause, restart, a debugger inside of a task."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from ..debugger.events import DebuggerWaiting
from ..engine.attempt import DONE, Task
from .commands import NO_TASK, Commanding
from .tasks import operator_and_command
from .view import Changed

if TYPE_CHECKING:
    from ..debugger.session import Session


class RunActions(Commanding):
    """Running, and where to stop next."""

    def action_resume(self) -> None:
        self._do("resume", lambda session: session.resume())

    def action_step_over(self) -> None:
        self._do("step_over", lambda session: session.step_over())

    def action_step_into(self) -> None:
        self._do("step_into", lambda session: session.step_into())

    def action_step_out(self) -> None:
        self._do("step_out", lambda session: session.step_out())

    def action_run_to(self) -> None:
        task = self._goal(self.main.selected)
        self._do("run_to", lambda session: session.run_to(task.full_name if task else ""))

    def _goal(self, selected: Task | None) -> Task | None:
        """Where to run to: the line of the cursor if the source has the focus, else the selected task."""
        return self.main.source.task_at_cursor() if self.main.active == "source" else selected

    def refuse_run_to(self, task: Task | None) -> str | None:
        task = self._goal(task)
        if task is None:
            return NO_TASK if self.main.active != "source" else "no task is in this line"
        return f"{task.full_name} has begun already: rewind (w) to it" if task.started_at is not None else None

    def action_pause(self) -> None:
        def pause(session: Session) -> Future[None]:
            self.view.pausing = True
            self.main.paint(Changed.STATUS)
            return session.pause()

        self._do("pause", pause)

    def action_stop(self) -> None:
        self._do("stop", lambda session: session.stop())

    def action_restart(self) -> None:
        self._do("restart", lambda session: session.restart())

    def action_attach(self) -> None:
        self._do("attach", lambda session: session.attach())

    def refuse_attach(self, task: Task | None) -> str | None:
        stop = self.view.stop_task()
        if stop is None or operator_and_command(stop)[0] == "py>":
            return None
        return f"{stop.full_name} is no py> task: a debugger attaches to Python only"

    def _wait_for_editor(self, waiting: DebuggerWaiting) -> None:
        from .dialogs import Attach

        task = self.view.tasks[waiting.task]

        def answer(choice: str | None) -> None:
            if choice == "cancel" and self.session and task.state not in DONE:
                self._answer(self.session.rewind(task.id))

        self.push_screen(Attach(task, waiting.host, waiting.port, self.view.project), answer)

    def _end_waiting(self) -> None:
        """Close the page about a task that waited for an editor and goes on now, or has ended."""
        from .dialogs import Attach

        if isinstance(self.screen, Attach) and self.screen.waiting.id not in self.view.running:
            self.screen.dismiss("hide")
