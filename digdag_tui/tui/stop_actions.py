"""Actions about where the workflow stops: breakpoints, failures, branches."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from ..debugger.breakpoints import Breakpoint
from ..engine.attempt import Task
from ..workflow.errors import DigdagError
from .commands import NO_TASK, Commanding
from .source import SourcePane
from .stops import StopsPane
from .tasks import TaskTree

if TYPE_CHECKING:
    from ..debugger.session import Session

ROOT = "the workflow itself has no breakpoint: set it on a task"
LOADING = "the workflow is still loading"


class StopActions(Commanding):
    """Breakpoints, and going to where it stopped."""

    def show_breakpoints_of(self, session: Session) -> None:
        """Show a session's breakpoints in all panes."""
        self.main.tasks.breakpoints = session.breakpoints
        self.main.source.breakpoints = session.breakpoints
        self.main.stops.session = session
        self.show_breakpoints()

    def show_breakpoints(self) -> None:
        """Show breakpoints that were changed; say what went wrong with their file."""
        self.main.tasks.refresh()
        self.main.source.refresh_breakpoints()
        self.main.stops.show()
        problem = self.session.breakpoints.take_problem() if self.session else None
        if problem:
            self.toast(problem, "warning")

    # Setting and clearing

    def action_breakpoint(self) -> None:
        if not self._possible("breakpoint"):
            return
        position = self.main.source.position if self.main.active == "source" else None
        selected = self.main.stops.selected() if self.main.active == "stops" else None
        if position:
            self._toggle_line(position.file, position.line)
        elif selected:
            self.main.stops.action_choose()
        elif self.main.selected:
            self._toggle_breakpoint(self.main.selected)
        else:
            self.toast(NO_TASK, "warning")

    def refuse_breakpoint(self, task: Task | None) -> str | None:
        if self.session is None:
            return LOADING
        if self.main.active in ("source", "stops"):
            return None
        if task is None:
            return NO_TASK
        return ROOT if task.parent is None else None

    def on_task_tree_breakpoint_clicked(self, event: TaskTree.BreakpointClicked) -> None:
        if event.task.parent is None:
            self.toast(ROOT, "warning")
        else:
            self._toggle_breakpoint(event.task)

    def on_source_pane_gutter_clicked(self, event: SourcePane.GutterClicked) -> None:
        self._toggle_line(event.file, event.line)

    def _toggle_breakpoint(self, task: Task) -> None:
        if self.session is None:
            return
        breakpoints = self.session.breakpoints
        is_set = breakpoints.toggle_task(task.full_name)
        others = [str(each) for each in breakpoints.of(task) if each.target != task.full_name]
        if others and not is_set:
            self.toast(f"{task.full_name} still has a breakpoint: {others[0]} (9 lists them)")
        self.show_breakpoints()

    def _toggle_line(self, file: str, line: int) -> None:
        if self.session is None:
            return
        try:
            self.session.breakpoints.toggle_line(file, line)
        except DigdagError as error:
            self.toast(f"can't break: {error.message}", "warning")
        self.show_breakpoints()

    # Editing

    async def action_edit_breakpoint(self) -> None:
        if not self._possible("edit_breakpoint") or self.session is None:
            return
        from .breakpoint_editor import BreakpointEditor

        found = self._breakpoint_here()
        breakpoint = found or self._new_breakpoint()
        await self.push_screen(
            BreakpointEditor(breakpoint, is_new=found is None),
            lambda edited: self._keep_breakpoint(edited, is_new=found is None),
        )

    def refuse_edit_breakpoint(self, task: Task | None) -> str | None:
        return LOADING if self.session is None else None

    def _breakpoint_here(self) -> Breakpoint | None:
        """The breakpoint at the cursor of the pane that has the focus."""
        main, task = self.main, self.main.selected
        if self.session is None or main.active == "params":
            return None
        if main.active == "stops":
            return main.stops.selected()
        position = main.source.position if main.active == "source" else None
        if position:
            return self.session.breakpoints.lines(position.file).get(position.line)
        return next(iter(self.session.breakpoints.of(task)), None) if task else None

    def _new_breakpoint(self) -> Breakpoint:
        """What a new breakpoint begins with: what is at the cursor."""
        main, task = self.main, self.main.selected
        position = main.source.position if main.active == "source" else None
        param = main.params.selected() if main.active == "params" else None
        if position:
            return Breakpoint(0, "line", f"{position.file}:{position.line}")
        if param:
            return Breakpoint(0, "data", ".".join(param.path))
        named = task is not None and task.parent is not None and main.active != "stops"
        return Breakpoint(0, "task", task.full_name if task and named else "")

    def _keep_breakpoint(self, edited: Breakpoint | None, *, is_new: bool) -> None:
        if edited is None or self.session is None:
            return
        breakpoints = self.session.breakpoints
        kept = breakpoints.add(edited.kind, edited.target) if is_new else edited
        kept = breakpoints.change(
            kept.id,
            kind=edited.kind,
            target=edited.target,
            condition=edited.condition,
            hit_condition=edited.hit_condition,
            log_message=edited.log_message,
        )
        self.show_breakpoints()
        self.main.stops.select(kept)
        if kept.kind == "task" and not breakpoints.matched(self.view.tasks.values())[kept.id]:
            near = breakpoints.near(kept, self.view.tasks.values())
            self.toast(f"{kept.target} matches no task yet{f': {near}' if near else ''}", "warning")

    # Params

    def action_data_breakpoint(self) -> None:
        param = self.main.params.selected() if self.main.shows("params") else None
        if not self._possible("data_breakpoint") or param is None or self.session is None:
            return
        path, breakpoints = ".".join(param.path), self.session.breakpoints
        same = [each.id for each in breakpoints.all if each.kind == "data" and each.target == path]
        if same:
            breakpoints.remove(*same)
        else:
            breakpoints.add("data", path)
        self.toast(f"changes of {path} no longer stop" if same else f"stops after the task that changes {path}")
        self.show_breakpoints()

    def refuse_data_breakpoint(self, task: Task | None) -> str | None:
        if self.session is None:
            return LOADING
        param = self.main.params.selected() if self.main.shows("params") else None
        if param is None or task is None:
            return "put the cursor on a param in Params (2)"
        if any(each.path == param.path for each in self.main.inspection(task).own):
            return f"{param.name} is this task's own key, which no other task changes"
        if any(each.path == param.path[:1] for each in self.main.inspection(task).built_in):
            return f"{param.path[0]} is set by Digdag for every task: nothing changes it"
        return None

    # The pane of stops

    async def on_stops_pane_toggled(self, event: StopsPane.Toggled) -> None:
        match event.what:
            case "failures":
                self.action_break_on_failure()
            case "branches":
                self.action_hold_branches()
            case "raises":
                await self.run_action("break_on_raise")
            case breakpoint if self.session:
                self.session.breakpoints.change(breakpoint.id, enabled=not breakpoint.enabled)
        self.show_breakpoints()

    def on_stops_pane_removed(self, event: StopsPane.Removed) -> None:
        if event.breakpoint is None or self.session is None:
            self.toast("can't remove: this row is no breakpoint; Enter switches it on or off", "warning")
            return
        self.session.breakpoints.remove(event.breakpoint.id)
        self.show_breakpoints()

    def on_stops_pane_task_chosen(self, event: StopsPane.TaskChosen) -> None:
        self.main.select(event.task)
        self.main.show_pane("tasks")

    # One task alone

    async def action_try_task(self) -> None:
        task, session = self.main.selected, self.session
        if not self._possible("try_task") or task is None or session is None:
            return
        from ..debugger.editing import Change, Document
        from ..debugger.trial import Trial, with_changes
        from .trial import TrialDialog

        attempt = self.view.attempt

        def run(changes: Iterable[Change]) -> Future[Trial]:
            values = with_changes(attempt, task, [(change.path, change.value) for change in changes])
            return session.try_task(task.id, values)

        await self.push_screen(TrialDialog(self.view, task, Document(attempt, task, self.view.mask), run))

    def refuse_try_task(self, task: Task | None) -> str | None:
        if task is None:
            return NO_TASK
        from ..debugger.trial import refusal

        return refusal(task)

    # What else stops

    def action_break_on_failure(self) -> None:
        if self.session:
            breaks = self.session.breaks
            breaks.on_failure = not breaks.on_failure
            self.toast(
                "a failure stops" if breaks.on_failure else "failures do not stop: _retry and _error take effect"
            )
            self.show_breakpoints()

    def action_mute(self) -> None:
        if self._possible("mute") and self.session:
            breakpoints = self.session.breakpoints
            breakpoints.mute(not breakpoints.muted)
            self.toast("breakpoints are muted: none stops" if breakpoints.muted else "breakpoints stop again")
            self.show_breakpoints()

    def refuse_mute(self, task: Task | None) -> str | None:
        has_some = self.session is not None and self.session.breakpoints.all
        return None if has_some else "there is no breakpoint to mute: b sets one"

    def action_hold_branches(self) -> None:
        if self.session:
            breaks = self.session.breaks
            breaks.hold_branches = not breaks.hold_branches
            held = "wait while one is stepped" if breaks.hold_branches else "run free while one is stepped"
            self.toast(f"the other branches {held}")
            self.show_breakpoints()

    def action_here(self) -> None:
        stop = self.view.stop_task()
        if self._possible("here") and stop:
            self.main.select(stop)

    def refuse_here(self, task: Task | None) -> str | None:
        return "the workflow is not stopped" if self.view.stopped is None else None

    def action_next_failure(self) -> None:
        if not self._possible("next_failure"):
            return
        failures = sorted(self.view.failures(), key=lambda task: task.id)
        here = self.main.selected.id if self.main.selected else 0
        self.main.select(next((task for task in failures if task.id > here), failures[0]))
        self.main.show_pane("error", focus=self.main.one_at_a_time)

    def refuse_next_failure(self, task: Task | None) -> str | None:
        return "no task has failed" if next(self.view.failures(), None) is None else None
