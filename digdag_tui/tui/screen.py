"""The main screen: where the panes are, which of them show, and what each shows of the view."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from ..engine.attempt import Task
from .actions import PANES
from .boxes import Box, HeaderLine, KeyBar, Small, Tab
from .lines import Lines
from .log import LogPane
from .pages import Page, artifact_lines, error_lines, problem_lines, task_lines
from .params import ParamsPane
from .symbols import ASKING
from .tasks import TaskTree, short_name
from .text import fit_left, plural
from .view import Changed, View

if TYPE_CHECKING:
    from ..debugger.inspect import Inspection

NARROW, TALL, LEAST = 100, 34, (60, 15)
"""Below so many columns panes do not fit side by side; below so many lines not above each other."""

REST = 20
"""How much longer than working them out panes stay as they are while tasks run."""

BOXES = {
    "tasks-box": ("tasks",),
    "about-box": ("params", "task", "error", "artifacts"),
    "output-box": ("log", "problems"),
}


class MainScreen(Screen[None]):
    """Seven panes in three boxes: side by side, above each other, or one at a time, as the terminal has room."""

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
        breakpoints: Callable[[], set[str]],
    ) -> None:
        super().__init__()
        self._workflow = workflow
        self.view = view
        self.selected: Task | None = None
        self.active = "tasks"
        """The pane that has the focus, and that alone shows when there is room for one."""
        self._inspect = inspect
        self._inspection: Inspection | None = None
        self._current = {box: panes[0] for box, panes in BOXES.items()}
        self._stale = {*BOXES["about-box"]}
        self._keep = False
        self._rested = 0.0
        """When what is shown about a task may be worked out again while tasks run."""
        self._zoomed = False
        self._wanted = ""
        self.tasks = TaskTree(view, breakpoints, id="tasks")
        self.params = ParamsPane(view, id="params")
        self.task_page = Page(view, id="task")
        self.error_page = Page(view, id="error")
        self.artifacts = Page(view, id="artifacts")
        self.log_pane = LogPane(view, id="log")
        self.problems = Page(view, id="problems")
        self.find_pane: Lines = self.tasks
        self._found_from = 0

    def compose(self) -> ComposeResult:
        yield HeaderLine(self.view.project.name, self._workflow, id="header")
        with Container(id="body"):
            with Box(id="tasks-box"):
                yield self.tasks
            with Vertical(id="right"):
                with Box(id="about-box"):
                    yield self.params
                    yield self.task_page
                    yield self.error_page
                    yield self.artifacts
                with Box(id="output-box"):
                    yield self.log_pane
                    yield self.problems
        with Horizontal(id="find"):
            yield Static("/", id="find-sign")
            yield Input(compact=True, id="find-text", select_on_focus=False)
            yield Static(id="find-count")
        yield KeyBar(id="keys")
        yield Small(id="small")

    def on_mount(self) -> None:
        self.query_one("#find-text", Input).cursor_blink = False
        self.query_one("#find").display = False
        self._arrange()
        self.problems.show(problem_lines((), loaded=True))
        self.set_focus(self.pane(self.active))

    # Panes

    def pane(self, name: str) -> Lines:
        """A pane by its name."""
        return self.query_one(f"#{name}", Lines)

    def show_pane(self, name: str, *, focus: bool = True) -> None:
        """Bring a pane to the front of its box, and the focus to it."""
        box = next(box for box, panes in BOXES.items() if name in panes)
        hidden = self._current[box]
        self._current[box] = name
        if focus or self.active == hidden or self.one_at_a_time:
            self.active = name
        self._arrange()
        if self.active == name:
            self.set_focus(self.pane(name))
        self._refresh_stale()

    @property
    def one_at_a_time(self) -> bool:
        """Whether only one pane shows."""
        return self._zoomed or (self.size.width < NARROW and self.size.height < TALL)

    def zoom(self) -> None:
        """Show one pane at a time, or as many as there is room for."""
        self._zoomed = not self._zoomed
        self._arrange()
        self._refresh_stale()

    def action_next_pane(self, step: int) -> None:
        names = [name for name, _ in PANES] if self.one_at_a_time else list(self._current.values())
        self.show_pane(names[(names.index(self.active) + step) % len(names)])

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, Lines) and event.widget.id and event.widget.id != self.active:
            self.active = event.widget.id
            self._tabs()

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()

    def _arrange(self) -> None:
        width, height = self.size
        self.set_class(width < LEAST[0] or height < LEAST[1], "-tiny")
        self.set_class(width < NARROW, "-narrow")
        self.set_class(self.one_at_a_time, "-one")
        for box, panes in BOXES.items():
            self.query_one(f"#{box}").display = not self.one_at_a_time or self.active in panes
            for name in panes:
                self.pane(name).display = name == self._current[box]
        self.query_one("#right").display = not self.one_at_a_time or self.active != "tasks"
        self._tabs()

    def _tabs(self) -> None:
        asking = self.selected is not None and self.view.asking(self.selected)
        failed = self.selected is not None and self.view.error_of(self.selected)[0]
        marks = {
            "error": ASKING.symbol if asking else "✖" if failed else "",
            "problems": str(len(self.view.problems) or ""),
            "artifacts": str(len(self.selected.artifacts) or "") if self.selected else "",
        }
        tabs = [
            Tab(pane, number, name, marks.get(pane, ""), pane != "artifacts" and not (asking and pane == "error"))
            for number, (pane, name) in enumerate(PANES, 1)
        ]
        for box, panes in BOXES.items():
            active = self.active if self.one_at_a_time else self._current[box]
            shown = tabs if self.one_at_a_time else [tab for tab in tabs if tab.pane in panes]
            self.query_one(f"#{box}", Box).show_tabs(shown, active)

    def shows(self, name: str) -> bool:
        """Whether a pane can be seen."""
        if self.one_at_a_time:
            return self.active == name
        return name in self._current.values()

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
            task = self.view.tasks.get(self.log_pane.line(event.row).task)
            self._output_subtitle()
        else:
            return
        if task:
            self.select(task, from_pane=event.pane.id or "")

    def on_page_followed(self, event: Page.Followed) -> None:
        self.select(event.task)

    # Painting

    def paint(self, changed: Changed) -> None:
        """Show what changed in the view."""
        if Changed.ATTEMPT in changed:
            self.selected, self._inspection = None, None
        if changed & (Changed.LOG | Changed.ATTEMPT):
            self.log_pane.take_in()
            self._output_subtitle()
        if changed & (Changed.ROWS | Changed.ATTEMPT):
            self.tasks.rebuild()
            self._find_selected()
        if changed & (Changed.STATES | Changed.ROWS | Changed.ATTEMPT):
            self.tasks.refresh()
            self._tasks_subtitle()
        if changed & ~(Changed.LOG | Changed.PROBLEMS):
            self._outdate(keep=True)
            if Changed.PARAMS in changed or self.view.at_rest():
                self._refresh_stale()
        if Changed.PROBLEMS in changed:
            self.problems.show(problem_lines(self.view.problems, bool(self.view.tasks)))
            self._tabs()
        if changed & (Changed.STATUS | Changed.ATTEMPT):
            self.query_one(HeaderLine).status = self.view.status()

    def tick(self) -> None:
        """What changes while tasks run: how long they have, and what the selected one sees."""
        if self.view.running or self.view.waiting:
            self.tasks.refresh()
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
        self._stale = {*BOXES["about-box"]}
        self._inspection = None
        self._keep = keep
        self._tabs()

    def _refresh_stale(self) -> None:
        task, began = self.selected, time.monotonic()
        if task is None:
            return
        for name in [name for name in self._stale if self.shows(name)]:
            self._stale.discard(name)
            match name:
                case "params":
                    self.params.show(self.inspection(task))
                case "task":
                    self.task_page.show(
                        task_lines(self.view, task, self.inspection(task), self.task_page.width()), keep=self._keep
                    )
                case "artifacts":
                    self.artifacts.show(artifact_lines(self.view, task), keep=self._keep)
                case _:
                    self.error_page.show(error_lines(self.view, task), keep=self._keep)
        now = time.monotonic()
        self._rested = now + REST * (now - began)

    def inspection(self, task: Task) -> Inspection:
        """The params of the selected task."""
        if self._inspection is None:
            self._inspection = self._inspect(task)
        return self._inspection

    def _tasks_subtitle(self) -> None:
        done, count = self.view.progress()
        self.query_one("#tasks-box", Box).border_subtitle = f"{done:,}/{count:,} done" if count else ""

    def _output_subtitle(self) -> None:
        pane = self.log_pane
        words = [plural(pane.count(), "line")]
        if pane.only:
            words.insert(0, f"only {fit_left(short_name(pane.only), 30)} (o: all)")
        if not pane.following:
            words.append("End follows")
        self.query_one("#output-box", Box).border_subtitle = " · ".join(words).replace("[", r"\[")

    def filter_log(self, task: Task | None) -> None:
        """Show the log of one task only, or all of it."""
        self.log_pane.show_only(task)
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

    @on(Input.Submitted, "#find-text")
    def _find_done(self) -> None:
        self.query_one("#find").display = False
        self.set_focus(self.find_pane)

    def action_end_find(self) -> None:
        if self.find_pane.needle or self.query_one("#find").display:
            self.find_pane.needle = ""
            self.query_one("#find").display = False
            self.set_focus(self.find_pane)

    def find_next(self, step: int) -> bool:
        """Go to the next place found, or the one before; False if nothing is looked for."""
        if self.find_pane.needle:
            self._go_to_found(self.find_pane.place(), step)
        return bool(self.find_pane.needle)

    def _go_to_found(self, start: int, step: int) -> None:
        pane = self.find_pane
        places = pane.places(pane.needle) if pane.needle else []
        count = ""
        if places:
            here = pane.order(start)
            if step < 0:
                before = (index for index, place in enumerate(places) if pane.order(place) < here)
                index = max(before, default=len(places) - 1)
            else:
                later = (
                    i for i, place in enumerate(places) if pane.order(place) > here or (not step and place == start)
                )
                index = next(later, 0)
            pane.go(places[index])
            count = f"{index + 1}/{len(places)}"
        elif pane.needle:
            count = "not found"
        self.query_one("#find-count", Static).update(count)
        if step and count:
            self.notify(f"{pane.needle}: {count}", timeout=1.5, markup=False)
