"""The panes of the main screen: which of them show, in which boxes, and how big those are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import events
from textual.containers import Container, Horizontal, Vertical
from textual.screen import Screen

from .actions import PANES
from .boxes import Box, Tab
from .error_page import ErrorPage
from .layout import Direction, Layout
from .lines import Lines
from .log import LEVELS, LogPane
from .pages import TaskPage
from .params import ParamsPane
from .problems import ProblemsPane
from .source import SourcePane
from .stack import StackPane
from .stops import StopsPane
from .symbols import ASKING
from .tasks import TaskTree
from .timeline import Timeline
from .view import View
from .watch import WatchPane

if TYPE_CHECKING:
    from ..debugger.inspect import Param
    from ..engine.attempt import Task

NARROW, TALL, LEAST = 100, 34, (60, 15)
"""Below so many columns panes do not fit side by side; below so many lines not above each other."""
WIDE = 170
"""From so many columns on, the source has a box of its own beside what else is about the task."""

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


class PanesScreen(Screen[None]):
    """Panes in three boxes: side by side, above each other, or one at a time, as the terminal has room."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view = view
        self.selected: Task | None = None
        self.active = "tasks"
        """The pane that has the focus, and that alone shows when there is room for one."""
        self._current = {box: panes[0] for box, panes in BOXES.items()}
        """The pane in front of each box."""
        self._covered: tuple[str, str, str] | None = None
        """The pane that a stop brought to the front, the one that it covers, and the one that had the focus."""
        self._outside: tuple[str, str] | None = None
        """While Python is stopped: the pane about the task, and the one with the focus, before that."""
        self._zoomed = False
        self._layout = Layout()
        self._pane_keys = {pane.name: pane.key for pane in PANES}
        self.tasks = TaskTree(view, id="tasks")
        self.params = ParamsPane(view, id="params")
        self.source = SourcePane(view, id="source")
        self.python = StackPane(view, id="python")
        self.log_pane = LogPane(view, id="log")
        self.watch_pane = WatchPane(view, id="watch")
        self.stops = StopsPane(view, id="stops")
        self.problems = ProblemsPane(view, id="problems")
        self.panes: dict[str, Lines] = {
            "tasks": self.tasks,
            "params": self.params,
            "source": self.source,
            "task": TaskPage(view, id="task"),
            "python": self.python,
            "error": ErrorPage(view, id="error"),
            "log": self.log_pane,
            "timeline": Timeline(view, id="timeline"),
            "watch": self.watch_pane,
            "stops": self.stops,
            "problems": self.problems,
        }

    def body(self) -> Container:
        """All boxes with the panes in them."""
        boxes = {name: Box(*(self.panes[pane] for pane in panes), id=name) for name, panes in CONTENTS.items()}
        about = Horizontal(boxes["about-box"], boxes["source-box"], id="about")
        return Container(boxes["tasks-box"], Vertical(about, boxes["output-box"], id="right"), id="body")

    def arranged(self) -> None:
        """Other panes show, or of another size."""

    def pane(self, name: str) -> Lines:
        """A pane by its name."""
        return self.panes[name]

    def param_at_cursor(self) -> Param | None:
        """The param that the cursor of Params is on, or that of the signature while this shows instead."""
        return self.python.selected() if self.shows("python") and self.active != "params" else self.params.selected()

    def show_pane(self, name: str, *, focus: bool = True) -> None:
        """Bring a pane to the front of its box, and the focus to it."""
        box = _box_of(name)
        hidden = self._current[box]
        if name != "source" or not self.beside:
            self._current[box] = name
        if focus or self.active == hidden or self.one_at_a_time:
            self.active = name
        self.arrange_boxes()
        if self.active == name:
            self.set_focus(self.pane(name))

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

    def go_inside(self) -> None:
        """Show where Python is stopped until `go_outside`: the source, and the stack with it where there is room."""
        if self._outside is None:
            self._outside = (self._current["about-box"], self.active)
        if self.one_at_a_time or self.narrow:
            self.show_pane("python" if self.active == "python" else "source")
        else:
            self._current["about-box"] = "python"
            stays = self.active in ("python", "watch", "log", "stops")
            self.show_pane(self.active if stays else "source")

    def go_outside(self) -> None:
        """Show again what showed before Python stopped, unless the person went elsewhere since."""
        if self._outside is None:
            return
        (about, active), self._outside = self._outside, None
        if self._current["about-box"] in ("python", "source"):
            self._current["about-box"] = about
        if self.active in ("python", "source"):
            self.show_pane(active)
        self.arrange_boxes()

    @property
    def one_at_a_time(self) -> bool:
        """Whether only one pane shows."""
        return self._zoomed or (self.size.width < NARROW and self.size.height < TALL)

    @property
    def wide(self) -> bool:
        """Whether there is room for the source beside what else is about the task."""
        return not self._zoomed and self.size.width >= WIDE

    @property
    def stacked(self) -> bool:
        """Whether the source shows above the stack of a task that is stopped inside of Python."""
        return self._outside is not None and not (self.wide or self.one_at_a_time or self.narrow)

    @property
    def beside(self) -> bool:
        """Whether the source shows with what else is about the task."""
        return self.wide or self.stacked

    def zoom(self) -> None:
        """Show one pane at a time, or as many as there is room for."""
        self._zoomed = not self._zoomed
        self.arrange_boxes()

    def action_next_pane(self, step: int) -> None:
        names = [*filter(self.shows, self.panes)] if not self.one_at_a_time else [*self.panes]
        here = names.index(self.active) if self.active in names else -1
        self.show_pane(names[(here + step) % len(names)])

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, Lines) and event.widget.id and event.widget.id != self.active:
            self.active = event.widget.id
            self.tabs()

    def on_resize(self, event: events.Resize) -> None:
        self.arrange_boxes()

    def move_border(self, direction: Direction) -> bool:
        """Move a border between boxes by a key; False if there is none that can be moved so."""
        if self.one_at_a_time or not self._layout.step(self, direction, narrow=self.size.width < NARROW):
            return False
        self.arrange_boxes()
        return True

    def on_box_dragged(self, event: Box.Dragged) -> None:
        border = event.border
        start = self.query_one(f"#{border.before}").region
        self._layout.move(self, border, event.x - start.x if border.axis == "width" else event.y - start.y)
        self.arrange_boxes()

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
        self.tabs()

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
        if self._outside:
            panes["about-box"] = self._outside[0]
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

    def arrange_boxes(self) -> None:
        width, height = self.size
        self.set_class(width < LEAST[0] or height < LEAST[1], "-tiny")
        self.set_class(width < NARROW, "-narrow")
        self.set_class(self.one_at_a_time, "-one")
        self.set_class(self.wide, "-wide")
        self.set_class(self.stacked, "-stacked")
        if self.beside and self._current["about-box"] == "source":
            self._current["about-box"] = "python" if self.stacked else "params"
        self._layout.apply(self, narrow=width < NARROW, wide=self.wide, one=self.one_at_a_time)
        for name, pane in self.panes.items():
            pane.display = self.shows(name)
        for box, panes in CONTENTS.items():
            self.query_one(f"#{box}").display = any(map(self.shows, panes))
        self.query_one("#about").display = any(map(self.shows, BOXES["about-box"]))
        self.query_one("#right").display = not self.one_at_a_time or self.active != "tasks"
        self.tabs()
        self.arranged()

    def tabs(self) -> None:
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
            active = self.active if self.one_at_a_time else next(filter(self.shows, group), "")
            self.query_one(f"#{box}", Box).show_tabs(shown, active)

    def shows(self, name: str) -> bool:
        """Whether a pane can be seen."""
        if self.one_at_a_time:
            return self.active == name
        return name in self._current.values() or (name == "source" and self.beside)
