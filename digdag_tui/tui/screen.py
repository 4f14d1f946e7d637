"""The main screen: what each of its panes shows of the view."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from ..engine.attempt import Task
from .boxes import Box, HeaderLine, KeyBar, Small
from .finding import Finding, FindText
from .lines import Lines
from .panes_screen import PanesScreen
from .problems import ProblemsPane
from .source import SourcePane
from .tasks import TaskTree
from .timeline import Timeline
from .view import Changed, View

if TYPE_CHECKING:
    from ..debugger.inspect import Inspection
    from ..workflow.errors import Position

REST = 20
"""How much longer than working them out panes stay as they are while tasks run."""


class TaskSubject:
    """The selected task, and its params once they were asked for."""

    def __init__(self, task: Task, inspect: Callable[[Task], Inspection]) -> None:
        self.task = task
        self._inspect = inspect
        self._inspection: Inspection | None = None

    def inspection(self) -> Inspection:
        if self._inspection is None:
            self._inspection = self._inspect(self.task)
        return self._inspection


class MainScreen(PanesScreen):
    """What the panes show of the view: the selected task above all."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "next_pane(1)", "Next pane", show=False),
        Binding("shift+tab", "next_pane(-1)", "Previous pane", show=False),
        Binding("escape", "end_find", "Close", show=False),
    ]

    class Selected(Message):
        """Another task is selected."""

    def __init__(
        self,
        view: View,
        workflow: str,
        inspect: Callable[[Task], Inspection],
    ) -> None:
        super().__init__(view)
        self._workflow = workflow
        self._inspect = inspect
        self._subject: TaskSubject | None = None
        self._stale: set[str] = set()
        self._keep = False
        self._rested = 0.0
        """When what is shown about a task may be worked out again while tasks run."""
        self._wanted = ""
        self.find_pane: Lines = self.tasks
        self._found_from = 0
        self._finding: Finding | None = None
        self._output_words = ""

    def compose(self) -> ComposeResult:
        yield HeaderLine(self.view.project.name, self._workflow, id="header")
        yield self.body()
        with Horizontal(id="find"):
            yield Static("/", id="find-sign")
            yield FindText(self._end_typing)
            yield Static(id="find-count")
        yield KeyBar(id="keys")
        yield Small(id="small")

    def on_mount(self) -> None:
        self.query_one("#find-text", Input).cursor_blink = False
        self.query_one("#find").display = False
        self.arrange_boxes()
        self.set_focus(self.pane(self.active))

    def arranged(self) -> None:
        self._output_subtitle()
        self._refresh_stale()

    # Selection: one task, which all panes are about

    def select(self, task: Task, *, from_pane: str = "") -> None:
        """Select a task and show it in all panes but the one that the person did it in."""
        if from_pane != "tasks":
            self.tasks.reveal(task)
        if task is self.selected:
            return
        self.selected = task
        self._wanted = task.full_name
        if from_pane != "log":
            self.log_pane.show_task(task)
        self._outdate(keep=False)
        self._refresh_stale()
        self.post_message(self.Selected())

    @on(Lines.Moved)
    def _moved(self, event: Lines.Moved) -> None:
        if event.pane is self.tasks:
            task = self.tasks.selected()
        elif event.pane is self.log_pane:
            task = self.log_pane.task_at(event.row)
            self._output_subtitle()
        elif isinstance(event.pane, Timeline):
            task = event.pane.task_at(event.row)
            task = self.view.tasks.get(task.id) if task else None
        else:
            return
        if task:
            self.select(task, from_pane=event.pane.id or "")

    def on_source_pane_task_chosen(self, event: SourcePane.TaskChosen) -> None:
        self.select(event.task, from_pane="source")

    def on_task_tree_opened(self, event: TaskTree.Opened) -> None:
        self.select(event.task, from_pane="tasks")
        self.show_pane("source")
        self.source.show_code()

    def on_problems_pane_chosen(self, event: ProblemsPane.Chosen) -> None:
        self.show_position(event.position)
        self.source.action_choose()

    def show_position(self, position: Position, *, focus: bool = True) -> None:
        """Show a line of a source file, whichever task is selected."""
        self.show_pane("source", focus=focus)
        self.source.show_position(position)

    # Painting

    def paint(self, changed: Changed) -> None:
        """Show what changed in the view."""
        if Changed.ATTEMPT in changed:
            self.selected, self._subject = None, None
        if changed & (Changed.LOG | Changed.ATTEMPT):
            self.log_pane.take_in()
            if self.view.at_rest():
                self._output_subtitle()
        if changed & (Changed.ROWS | Changed.ATTEMPT):
            self.tasks.rebuild()
            self._find_selected()
        if changed & (Changed.STATES | Changed.ROWS | Changed.ATTEMPT):
            self.tasks.states_changed()
            self._tasks_subtitle()
        if changed & ~(Changed.LOG | Changed.PROBLEMS):
            self._outdate(keep=True)
            if changed & (Changed.PARAMS | Changed.PAST) or self.view.at_rest():
                self._refresh_stale()
        if Changed.PROBLEMS in changed:
            self.source.show_problems()
            self.problems.refill()
            self._stale.add("python")
            self._refresh_stale()
            self.tabs()
            for pane in () if self.view.tasks else self.panes.values():
                pane.refresh()
        if changed & (Changed.STATUS | Changed.ATTEMPT):
            header = self.query_one(HeaderLine)
            header.status = self.view.status()
            header.set_class(self.view.past, "-past")

    def tick(self) -> None:
        """What changes while tasks run: how long they have, and what the selected one sees."""
        self._output_subtitle()
        if self.view.running or self.view.waiting:
            for name in filter(self.shows, self.panes):
                self.panes[name].tick()
        if self._stale and time.monotonic() > self._rested:
            self._refresh_stale()

    def _find_selected(self) -> None:
        """After another attempt began: the same task as before, if there is one."""
        if self.selected is None and self.view.tasks:
            task = self.view.attempt.named(self._wanted) if self._wanted else None
            if task:
                self.select(task)
            elif not self._wanted:
                self.select(self.view.attempt.root)
        elif self.selected:
            self.tasks.reveal(self.selected)

    def _outdate(self, *, keep: bool) -> None:
        """What is shown about the selected task does not hold any more."""
        self._stale = {*self.panes}
        self._subject = None
        self._keep = keep
        self.tabs()

    def _refresh_stale(self) -> None:
        task, began = self.selected, time.monotonic()
        if task is None:
            return
        for name in [name for name in self._stale if self.shows(name)]:
            self._stale.discard(name)
            self.panes[name].look_at(self.subject(task), keep=self._keep)
        now = time.monotonic()
        self._rested = now + REST * (now - began)

    def look_inside(self) -> None:
        """Show another call of the stop inside of Python."""
        self._outdate(keep=True)
        self._refresh_stale()

    def subject(self, task: Task) -> TaskSubject:
        """The selected task for the panes that are about it."""
        if self._subject is None or self._subject.task is not task:
            self._subject = TaskSubject(task, self._inspect)
        return self._subject

    def inspection(self, task: Task) -> Inspection:
        """The params of the selected task."""
        return self.subject(task).inspection()

    def _tasks_subtitle(self) -> None:
        done, count = self.view.progress()
        self.query_one("#tasks-box", Box).border_subtitle = f"{done:,}/{count:,} done" if count else ""

    def _output_subtitle(self) -> None:
        """Say below the log how much of it is shown."""
        words = " · ".join(self.log_pane.words()).replace("[", r"\[") if self.shows("log") else ""
        if words != self._output_words:
            self._output_words = words
            for box in self.query("#output-box").results(Box):
                box.border_subtitle = words

    def filter_log(self, task: Task | None) -> None:
        """Show the log of one task only, or all of it."""
        self.log_pane.show_only(task)
        self._output_subtitle()
        self.show_pane("log", focus=self.one_at_a_time)

    def show_log_level(self, level: str) -> None:
        """Show what a key of the log's `LEVELS` names."""
        self.log_pane.show_level(level)
        self._output_subtitle()
        self.show_pane("log", focus=self.one_at_a_time)

    def copied(self) -> str:
        """What copying takes from the pane that has the focus."""
        pane = self.pane(self.active)
        if pane is self.tasks:
            return self.selected.full_name if self.selected else ""
        return pane.copied()

    # Finding

    def find(self) -> None:
        """Ask what to find in the pane that has the focus."""
        self.find_pane = self.pane(self.active)
        self._found_from = self.find_pane.place()
        self.query_one("#find").display = True
        field = self.query_one("#find-text", Input)
        field.value = ""
        self.set_focus(field)

    @on(Input.Changed, "#find-text")
    def _find_changed(self, event: Input.Changed) -> None:
        self.find_pane.needle = event.value
        self._go_to_found(self._found_from, 0)

    def _end_typing(self) -> None:
        self.query_one("#find").display = False
        self.set_focus(self.find_pane)

    async def action_end_find(self) -> None:
        if self.find_pane.needle or self.query_one("#find").display:
            self.find_pane.needle, self._finding = "", None
            self.query_one("#find").display = False
            self.set_focus(self.find_pane)
        elif self.view.past:
            await self.run_action("app.present")
        elif self.view.python.starting is not None:
            await self.run_action("app.leave_debugger")

    def find_next(self, step: int) -> bool:
        """Go to the next place found, or the one before; False if nothing is looked for."""
        if self.find_pane.needle and self._finding and not self._finding.done:
            self._finding.also(step)
        elif self.find_pane.needle:
            self._go_to_found(self.find_pane.place(), step)
        return bool(self.find_pane.needle)

    def _go_to_found(self, start: int, step: int) -> None:
        self._finding = Finding(self.find_pane, start, step) if self.find_pane.needle else None
        self.query_one("#find-count", Static).update("")
        if self._finding:
            self._find_on(self._finding)

    def _find_on(self, finding: Finding) -> None:
        """Look on, unless something else is looked for by now."""
        if finding is not self._finding:
            return
        finding.work()
        self.query_one("#find-count", Static).update(finding.text)
        if not finding.done:
            self.set_timer(0.005, lambda: self._find_on(finding))
        elif finding.step:
            self.notify(f"{self.find_pane.needle}: {finding.text}", timeout=1.5, markup=False)
