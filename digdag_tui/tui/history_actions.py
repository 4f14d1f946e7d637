"""Actions that go back in time: events and stops, rewinding, past attempts, comparing."""

from __future__ import annotations

from pathlib import Path

from ..engine.attempt import Task
from .commands import NO_TASK, Commanding
from .timeline import Timeline


class HistoryActions(Commanding):
    """The history of an attempt, which is only looked at, and the attempts before it."""

    # Looking back

    def action_event_back(self) -> None:
        if self._possible("event_back"):
            self.look_back(self.view.replay.position - 1)

    def refuse_event_back(self, task: Task | None) -> str | None:
        return None if self.view.replay.position > 1 else "there is no event before this one"

    def action_event_forward(self) -> None:
        if self._possible("event_forward"):
            self.look_back(self.view.replay.position + 1)

    def refuse_event_forward(self, task: Task | None) -> str | None:
        return self.refuse_present(task)

    def on_timeline_scrubbed(self, event: Timeline.Scrubbed) -> None:
        self.look_back(event.position)

    def action_stop_back(self) -> None:
        place = self.view.replay.next_stop(-1)
        if self._possible("stop_back") and place:
            self.look_back(place)

    def refuse_stop_back(self, task: Task | None) -> str | None:
        if self.view.replay.next_stop(-1) is None:
            return "it did not stop before: [ goes back by one event"
        return None

    def action_stop_forward(self) -> None:
        if self._possible("stop_forward"):
            self.look_back(self.view.replay.next_stop(1) or len(self.view.replay.events))

    def refuse_stop_forward(self, task: Task | None) -> str | None:
        return self.refuse_present(task)

    def action_present(self) -> None:
        if self._possible("present"):
            self.look_back(len(self.view.replay.events))

    def refuse_present(self, task: Task | None) -> str | None:
        return None if self.view.past else "this is the present"

    def look_back(self, position: int) -> None:
        """Show the attempt as it was after so many events, about the task that the last of them, or the stop, is of."""
        view = self.view
        if not 1 <= position <= len(view.replay.events):
            self.toast("this is the first event" if position < 1 else "this is the present")
            return
        was_past = view.past
        changed = view.look_back(position)
        if was_past and not view.past:
            self._inbox.put_back(view.held)
            view.held.clear()
        task = view.stop_task() or view.tasks.get(getattr(view.replay.events[position - 1], "task", 0))
        self._shown_stop = view.stopped
        selected = self.main.selected
        if task is None and (selected is None or selected.id not in view.tasks):
            task = view.attempt.root
        with self.batch_update():
            self.main.paint(changed)
            if task:
                self.main.select(task)
            self.main.log_pane.show_end(view.log_end())
        self._refresh_keys()

    # Rewinding

    def action_rewind(self) -> None:
        task = self.main.selected
        if self.view.past and task and task.started_at is None:
            position = self.view.replay.position
            self._do("rewind", lambda session: session.rewind_to(position))
        else:
            self._do("rewind", lambda session: session.rewind(self._selected_task().id))

    def refuse_rewind(self, task: Task | None) -> str | None:
        if task is None:
            return NO_TASK
        if task.started_at is None and not self.view.past:
            return f"{task.full_name} has not begun yet: run to it (t)"
        return None

    # Other attempts

    async def action_attempts(self) -> None:
        session = self.session
        if not self._possible("attempts") or session is None:
            return
        from .attempts import Attempts

        def answered(answer: tuple[str, Path] | None) -> None:
            if answer and answer[0] == "compare":
                self.call_later(self._compare_with, answer[1])
            elif answer:
                self._open_past(answer[1])

        await self.push_screen(Attempts(self.view, session.launch.project, session.journal_path), answered)

    def refuse_attempts(self, task: Task | None) -> str | None:
        return None if self.session else "the workflow is still loading"

    def _open_past(self, journal: Path) -> None:
        session = self.session
        if session is None:
            return
        running = len(self.view.running)
        if session.state != "running" or not running:
            self._answer(session.look_at(journal))
            return
        from .dialogs import leave_question

        def answered(answer: str | None) -> None:
            if answer == "leave":
                self._answer(session.look_at(journal))

        self.push_screen(leave_question(running), answered)

    async def action_compare(self) -> None:
        if self._possible("compare"):
            await self._compare_with(None)

    def refuse_compare(self, task: Task | None) -> str | None:
        if self.session is None:
            return "the workflow is still loading"
        return NO_TASK if task is None else None

    async def _compare_with(self, journal: Path | None) -> None:
        """Hold the selected task against its run in another attempt, at first in the one before, or another stop."""
        session, task = self.session, self.main.selected
        if session is None or task is None:
            return
        from ..debugger.history import journals
        from .compare import CompareRuns, stop_sides

        known = journals(session.launch.project, self.view.workflow)
        others = [path for path in known if path != session.journal_path]
        if not others and not stop_sides(self.view):
            self.toast("can't compare: there is no other attempt or stop yet: step (n), or rewind (w) later", "warning")
            return
        first = others.index(journal) if journal in others else 0
        inspection = self.main.inspection(task)
        await self.push_screen(CompareRuns(self.view, task, inspection, others, first))
