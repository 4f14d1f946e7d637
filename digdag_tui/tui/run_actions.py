"""Actions that run the workflow: continue, steps, pause, restart, a debugger inside of a task."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from ..debugger.events import DebuggerWaiting, EditorAttached, EditorDetached
from ..engine.attempt import Task
from .commands import NO_TASK, Commanding
from .tasks import operator_and_command
from .view import Changed

if TYPE_CHECKING:
    from ..debugger.session import Session


class RunActions(Commanding):
    """Running, and where to stop next."""

    _editor = 0
    """The editor whose entry was looked at last."""

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
        offer = self._offer()
        if offer and self._possible("attach"):
            self._show_offer(offer)
        else:
            self._do("attach", lambda session: session.attach())

    def _offer(self) -> DebuggerWaiting | None:
        """Where the selected task waits for an editor, or any one when the workflow is not stopped."""
        offers = self.view.offers
        selected = offers.get(self.main.selected.id) if self.main.selected else None
        return selected or (None if self.view.stopped else next(iter(offers.values()), None))

    def refuse_attach(self, task: Task | None) -> str | None:
        stop = self.view.stop_task()
        if self._offer():
            return None
        if stop is None or operator_and_command(stop)[0] == "py>":
            return None
        return f"{stop.full_name} is no py> task: a debugger attaches to Python only"

    def _show_offer(self, offer: DebuggerWaiting) -> None:
        from .attach import Attach

        task = self.view.tasks[offer.task]
        page = Attach(self.view, task, offer, self._editor)

        def answer(choice: str | None) -> None:
            self._editor = page.chosen
            if self.session is None or task.id not in self.view.offers:
                return
            if choice == "run":
                self._answer(self.session.begin_without_editor(task.id))
            elif choice == "rewind":
                self._answer(self.session.rewind(task.id))

        self.push_screen(page, answer)

    def _tell_editor(self, event: EditorAttached | EditorDetached) -> None:
        """Say that the editor of a task has come, or gone."""
        name = self.view.tasks[event.task].full_name
        match event:
            case EditorAttached():
                self.toast(f"an editor is attached to {name}")
            case EditorDetached(begun=True) if event.task in self.view.running:
                self.toast(f"{name} runs on without an editor")
            case EditorDetached(begun=False) if event.task in self.view.running:
                self.toast(f"the editor went before {name} began: it waits again (a)", "warning")
            case _:
                pass

    def _end_waiting(self) -> None:
        """Close the page about a task that waited for an editor and goes on now, or has ended."""
        from .attach import Attach

        if isinstance(self.screen, Attach) and self.screen.waiting.id not in self.view.offers:
            self.screen.dismiss("hide")
