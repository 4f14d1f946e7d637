"""The main screen: where the panes are, which of them show, and what each shows of the view."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

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
from .finding import Finding, FindText
from .layout import Direction, Layout
from .lines import Lines
from .log import LEVELS, LogPane
from .pages import ErrorPage, TaskPage
from .params import ParamsPane
from .problems import ProblemsPane
from .source import SourcePane
from .stops import StopsPane
from .symbols import ASKING
from .tasks import TaskTree
from .timeline import Timeline
from .view import Changed, View
from .watch import WatchPane

if TYPE_CHECKING:
    from ..debugger.inspect import Inspection
    from ..workflow.errors import Position

NARROW, TALL, LEAST = 100, 34, (60, 15)
"""Below so many columns panes do not fit side by side; below so many lines not above each other."""
WIDE = 170
"""From so many columns on, the source has a box of its own beside what else is about the task."""

REST = 20
"""How much longer than working them out panes stay as they are while tasks run."""

BOXES = {box: tuple(pane.name for pane in PANES if pane.box == box) for box in dict.fromkeys(p.box for p in PANES)}
"""The names of the panes that take turns in a box."""
CONTENTS = {
    "tasks-box": BOXES["tasks-box"],
    "about-box": tuple(name for name in BOXES["about-box"] if name != "source"),
    "source-box": ("source",),
    "output-box": BOXES["output-box"],
}
"""The names of the panes in each border: the source has one of its own, which stands in its box or beside that."""


def _box_of(pane: str) -> str:
    return next(box for box, panes in BOXES.items() if pane in panes)


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


class MainScreen(Screen[None]):
    """Panes in three boxes: side by side, above each other, or one at a time, as the terminal has room."""

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
        super().__init__()
        self._workflow = workflow
        self.view = view
        self.selected: Task | None = None
        self.active = "tasks"
        """The pane that has the focus, and that alone shows when there is room for one."""
        self._inspect = inspect
        self._subject: TaskSubject | None = None
        self._current = {box: panes[0] for box, panes in BOXES.items()}
        """The pane in front of each box."""
        self._covered: tuple[str, str, str] | None = None
        """The pane that a stop brought to the front, the one that it covers, and the one that had the focus."""
        self._stale: set[str] = set()
        self._keep = False
        self._rested = 0.0
        """When what is shown about a task may be worked out again while tasks run."""
        self._zoomed = False
        self._layout = Layout()
        self._pane_keys = {pane.name: pane.key for pane in PANES}
        self._wanted = ""
        self.tasks = TaskTree(view, id="tasks")
        self.params = ParamsPane(view, id="params")
        self.source = SourcePane(view, id="source")
        self.log_pane = LogPane(view, id="log")
        self.watch_pane = WatchPane(view, id="watch")
        self.stops = StopsPane(view, id="stops")
        self.problems = ProblemsPane(view, id="problems")
        self.panes: dict[str, Lines] = {
            "tasks": self.tasks,
            "params": self.params,
            "source": self.source,
            "task": TaskPage(view, id="task"),
            "error": ErrorPage(view, id="error"),
            "log": self.log_pane,
            "timeline": Timeline(view, id="timeline"),
            "watch": self.watch_pane,
            "stops": self.stops,
            "problems": self.problems,
        }
        self.find_pane: Lines = self.tasks
        self._found_from = 0
        self._finding: Finding | None = None
        self._output_words = ""

    def compose(self) -> ComposeResult:
        yield HeaderLine(self.view.project.name, self._workflow, id="header")
        with Container(id="body"):
            yield self._box("tasks-box")
            with Vertical(id="right"):
                with Horizontal(id="about"):
                    yield self._box("about-box")
                    yield self._box("source-box")
                yield self._box("output-box")
        with Horizontal(id="find"):
            yield Static("/", id="find-sign")
            yield FindText(self._end_typing)
            yield Static(id="find-count")
        yield KeyBar(id="keys")
        yield Small(id="small")

    def _box(self, box: str) -> Box:
        return Box(*(self.panes[name] for name in CONTENTS[box]), id=box)

    def on_mount(self) -> None:
        self.query_one("#find-text", Input).cursor_blink = False
        self.query_one("#find").display = False
        self._arrange()
        self.set_focus(self.pane(self.active))

    # Panes

    def pane(self, name: str) -> Lines:
        """A pane by its name."""
        return self.panes[name]

    def show_pane(self, name: str, *, focus: bool = True) -> None:
        """Bring a pane to the front of its box, and the focus to it."""
        box = _box_of(name)
        hidden = self._current[box]
        if name != "source" or not self.beside:
            self._current[box] = name
        if focus or self.active == hidden or self.one_at_a_time:
            self.active = name
        self._arrange()
        if self.active == name:
            self.set_focus(self.pane(name))
        self._refresh_stale()

    def show_for_stop(self, name: str, *, focus: bool) -> None:
        """Bring a pane to the front until `uncover`."""
        if not self.shows(name):
            self._covered = (name, self._current[_box_of(name)], self.active)
        self.show_pane(name, focus=focus)

    def uncover(self, but: str = "") -> None:
        """Show again what a stop's pane covers, unless that is `but`, or the person went elsewhere since."""
        if self._covered is None or self._covered[0] == but:
            return
        (name, hidden, active), self._covered = self._covered, None
        if self.active == name:
            self._current[_box_of(name)] = hidden
            self.show_pane(active)
        elif self.shows(name):
            self.show_pane(hidden, focus=False)

    @property
    def one_at_a_time(self) -> bool:
        """Whether only one pane shows."""
        return self._zoomed or (self.size.width < NARROW and self.size.height < TALL)

    @property
    def beside(self) -> bool:
        """Whether the source shows beside what else is about the task."""
        return not self._zoomed and self.size.width >= WIDE

    def zoom(self) -> None:
        """Show one pane at a time, or as many as there is room for."""
        self._zoomed = not self._zoomed
        self._arrange()
        self._refresh_stale()

    def action_next_pane(self, step: int) -> None:
        names = [*filter(self.shows, self.panes)] if not self.one_at_a_time else [*self.panes]
        here = names.index(self.active) if self.active in names else -1
        self.show_pane(names[(here + step) % len(names)])

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, Lines) and event.widget.id and event.widget.id != self.active:
            self.active = event.widget.id
            self._tabs()

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()

    def move_border(self, direction: Direction) -> bool:
        """Move a border between boxes by a key; False if there is none that can be moved so."""
        if self.one_at_a_time or not self._layout.step(self, direction, narrow=self.size.width < NARROW):
            return False
        self._arrange()
        return True

    def on_box_dragged(self, event: Box.Dragged) -> None:
        border = event.border
        start = self.query_one(f"#{border.before}").region
        self._layout.move(self, border, event.x - start.x if border.axis == "width" else event.y - start.y)
        self._arrange()

    @property
    def narrow(self) -> bool:
        """Whether panes do not fit side by side."""
        return self.size.width < NARROW

    @property
    def pane_keys(self) -> dict[str, str]:
        """The key of each pane, as people write it; blank for none."""
        return self._pane_keys

    def use_pane_keys(self, keys: dict[str, str]) -> None:
        """Show other keys of panes."""
        self._pane_keys.update(keys)
        self._tabs()

    def restore(self, layout: dict[str, Any]) -> None:
        """Before the first paint: look as `remembered` says."""
        shares, panes, folded = (layout.get(name) for name in ("shares", "panes", "folded"))
        self._layout = Layout(shares if isinstance(shares, dict) else None)
        for box, kept in panes.items() if isinstance(panes, dict) else ():
            if kept in BOXES.get(box, ()):
                self._current[box] = kept
        self._zoomed = layout.get("zoomed") is True
        self.tasks.restore_folds(folded if isinstance(folded, list) else [], layout.get("folds_finished") is True)
        if (level := layout.get("log_level")) in LEVELS:
            self.log_pane.show_level(level)

    def remembered(self) -> dict[str, Any]:
        """How the screen looks, as JSON."""
        panes = dict(self._current)
        if self._covered and self._covered[0] in panes.values():
            panes[_box_of(self._covered[0])] = self._covered[1]
        return {
            "shares": self._layout.shares,
            "panes": panes,
            "zoomed": self._zoomed,
            "folded": self.tasks.folds(),
            "folds_finished": self.tasks.folds_finished,
            "log_level": self.log_pane.level,
        }

    def _arrange(self) -> None:
        width, height = self.size
        self.set_class(width < LEAST[0] or height < LEAST[1], "-tiny")
        self.set_class(width < NARROW, "-narrow")
        self.set_class(self.one_at_a_time, "-one")
        self.set_class(self.beside, "-wide")
        if self.beside and self._current["about-box"] == "source":
            self._current["about-box"] = "params"
        self._layout.apply(self, narrow=width < NARROW, wide=self.beside, one=self.one_at_a_time)
        for name, pane in self.panes.items():
            pane.display = self.shows(name)
        for box, panes in CONTENTS.items():
            self.query_one(f"#{box}").display = any(map(self.shows, panes))
        self.query_one("#about").display = any(map(self.shows, BOXES["about-box"]))
        self.query_one("#right").display = not self.one_at_a_time or self.active != "tasks"
        self._tabs()
        self._output_subtitle()

    def _tabs(self) -> None:
        asking = self.selected is not None and self.view.asking(self.selected)
        failed = self.selected is not None and self.view.error_of(self.selected)[0]
        marks = {
            "error": ASKING.symbol if asking else "✖" if failed else "",
            "problems": str(len(self.view.all_problems()) or ""),
            "task": str(len(self.selected.artifacts) or "") if self.selected else "",
        }
        quiet = ("task", "error") if asking else ("task",)
        tabs = [
            Tab(pane.name, self._pane_keys[pane.name], pane.title, marks.get(pane.name, ""), pane.name not in quiet,
                pane.short)
            for pane in PANES
        ]  # fmt: skip
        groups = CONTENTS if self.beside else BOXES
        for box, panes in CONTENTS.items():
            group = next(names for names in groups.values() if set(panes) <= set(names))
            shown = tabs if self.one_at_a_time else [tab for tab in tabs if tab.pane in group]
            active = self.active if self.one_at_a_time else next(filter(self.shows, group))
            self.query_one(f"#{box}", Box).show_tabs(shown, active)

    def shows(self, name: str) -> bool:
        """Whether a pane can be seen."""
        if self.one_at_a_time:
            return self.active == name
        return name in self._current.values() or (name == "source" and self.beside)

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
            self._tabs()
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
        self._tabs()

    def _refresh_stale(self) -> None:
        task, began = self.selected, time.monotonic()
        if task is None:
            return
        for name in [name for name in self._stale if self.shows(name)]:
            self._stale.discard(name)
            self.panes[name].look_at(self.subject(task), keep=self._keep)
        now = time.monotonic()
        self._rested = now + REST * (now - began)

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
