"""The files that the selected task is written in and uses, with where the workflow stands, breakpoints and values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from heapq import nlargest
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from ..workflow.config import Params
from ..workflow.errors import Position, Problem
from ..workflow.sources import shown_path
from .highlight import LONGEST, Highlighted, language_of, shown
from .inline_values import inline_values
from .inside_marks import NO_MARKS, InsideMarks, inside_marks
from .lines import Lines, Part, Row, Subject
from .symbols import HERE, NOT_MATCHED, OUTER, Look, breakpoint_look
from .text import clean, fit
from .view import View

if TYPE_CHECKING:
    from pathlib import Path

    from ..debugger.breakpoints import Breakpoint, Breakpoints
    from ..debugger.events import Stopped
    from ..debugger.python_stops import BreakpointState
    from ..debugger.sources import SourceFile, Sources, Span
    from ..engine.attempt import Task
    from .inside import Inside

AGAIN = 1.0
"""Seconds between two looks whether the file has changed on disk."""


class SourcePane(Lines):
    """One file at a time, of those that the selected task uses."""

    HELP = """\
The files that the selected task uses: its workflow's, the function of py>, SQL, shell and imported files.
  ➤  where it is stopped, or where its Python failed; ▹ the call further out that is looked at
  ┃  the lines of the selected task; behind them the values that their templates read
  ● ◉ ◆ ○  a breakpoint: always, with a condition, one that logs, off; a click sets one
  ◌  a breakpoint that is on no task yet
  ✖ ⚠  a problem in the line
Enter selects the task of the line, b stops there, t runs to it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("less_than_sign", "next_file(-1)", "The file before", show=False),
        Binding("greater_than_sign", "next_file(1)", "The next file that the task uses", show=False),
    ]

    class TaskChosen(Message):
        """The person wants to see the task that a line belongs to."""

        def __init__(self, task: Task) -> None:
            super().__init__()
            self.task = task

    class GutterClicked(Message):
        """The person clicked the gutter of a line."""

        def __init__(self, file: str, line: int) -> None:
            super().__init__()
            self.file = file
            self.line = line

    def __init__(self, view: View, *, id: str) -> None:
        super().__init__(id=id)
        self._view = view
        self.breakpoints: Breakpoints | None = None
        self.inside_of: Callable[[Task], Inside | None] = lambda task: None
        """Where a task is stopped inside of Python."""
        self.python_states: Callable[[], Mapping[int, BreakpointState]] = dict
        """What became of breakpoints in Python files, by their ids."""
        self._stopped_in: Inside | None = None
        self._at: tuple[object, int] = (None, 0)
        """The stop inside of Python that was shown last, and how far out its frame was."""
        self._python_marks = NO_MARKS
        self._known: Sources | None = None
        self._subject: Subject | None = None
        self._stop: Stopped | None = None
        self._chosen: Task | None = None
        self._places: list[Position] = []
        """The files of the task, each with the line to begin at."""
        self._shown = 0
        self._file: SourceFile | None = None
        self._text = Highlighted([], "text")
        self._widest = 0
        self._stop_line = 0
        self._failed = False
        self._span: Span | None = None
        self._inside: list[Span] = []
        """The lines of other tasks in those of the selected one."""
        self._marks: dict[int, Look] = {}
        """How breakpoints look, by their lines."""
        self._problems: dict[int, Problem] = {}
        self._found: tuple[tuple[int, ...], list[Task]] = ((), [])

    @property
    def sources(self) -> Sources:
        """The project's files, as they are read."""
        from ..debugger.sources import Sources

        if self._known is None:
            self._known = Sources(self._view.project)
        return self._known

    @property
    def file(self) -> str:
        """The file that is shown, as positions name it; blank for none."""
        return self._places[self._shown].file if self._places else ""

    @property
    def position(self) -> Position | None:
        """Where the cursor is."""
        return Position(self.file, self.cursor + 1, 1) if self.count() else None

    def position_at_cursor(self) -> Position | None:
        return self.position

    def on_mount(self) -> None:
        self.set_interval(AGAIN, self._look_again)

    # What is shown

    def look_at(self, subject: Subject, *, keep: bool) -> None:
        stopped = self._view.stopped
        follows = not keep or (stopped is not None and stopped is not self._stop and stopped.task == subject.task.id)
        chosen, self._chosen = self._chosen is subject.task, None
        self._subject, self._stop = subject, stopped
        before = self.position
        places = list(self._places_of(subject))
        if self._follow_inside(subject.task, places, always=not keep):
            return
        if before and (chosen or not follows):
            self._show(places, self._with_file(places, before.file), self.cursor)
            return
        place = places[-1] if self._frames(subject.task) else places[0] if places else None
        index = places.index(place) if place else 0
        self._show(places, index, place.line - 1 if place else 0, center=True)

    def _follow_inside(self, task: Task, places: list[Position], *, always: bool) -> bool:
        """Show the frame that is looked at, if that is another one; whether that was done."""
        self._stopped_in = inside = self.inside_of(task)
        at = (inside.stop, inside.level) if inside else (None, 0)
        moved, self._at = at[0] is not self._at[0] or at[1] != self._at[1], at
        frame = inside.frame if inside else None
        if frame is None or not frame.file or not (moved or always):
            return False
        place = frame_place({"file": frame.file, "line": frame.line}, self._view.project)
        self._show(places, self._with_file(places, place.file), place.line - 1, center=True)
        return True

    def show_inside(self) -> None:
        """Show what became known of the frame that is looked at."""
        self._python_marks = self._inside_marks()
        self.refresh()

    def _inside_marks(self) -> InsideMarks:
        lines = self._file.lines if self._file else []
        inside = self._stopped_in
        return inside_marks(inside, self.file, lines, self._view.project) if inside else NO_MARKS

    def show_position(self, position: Position) -> None:
        """Show a line of a file, whether the selected task uses it or not."""
        index = self._with_file(self._places, position.file)
        self._show(self._places, index, position.line - 1, center=True)

    def show_code(self) -> None:
        """Show the first of the task's own files beside its workflow's, such as the function of `py>`."""
        if len(self._places) > 1 and not self._stopped_in:
            self.action_file(1)

    def action_next_file(self, step: int) -> None:
        if self._places:
            self.action_file((self._shown + step) % len(self._places))

    def action_file(self, index: int) -> None:
        """Show another of the task's files, at the line that it is about."""
        if index < len(self._places):
            self._show(self._places, index, self._places[index].line - 1, center=True)

    def _places_of(self, subject: Subject) -> Iterator[Position]:
        """Where the task is written, then where its code is; where that failed last."""
        from ..debugger.sources import places

        task = subject.task
        span = self.sources.span(task)
        found = [Position(span.file, span.first, 1)] if span else []
        if not task.is_group:
            used = places(self._view.project, task, subject.inspection())
            found += (place for place in used if not span or place.file != span.file)
        frames = self._frames(task)
        failed = frames[-1] if frames else None
        yield from (place for place in found if not failed or place.file != failed.file)
        if failed:
            yield failed

    def _frames(self, task: Task) -> list[Position]:
        """The frames of the person's own code that the task failed in, the innermost last."""
        _, frames, _ = self._view.error_of(task)
        return [frame_place(frame, self._view.project) for frame in frames]

    @staticmethod
    def _with_file(places: list[Position], file: str) -> int:
        """Which of the places is in a file, which is added if none is."""
        if all(place.file != file for place in places):
            places.append(Position(file, 1, 1))
        return next(index for index, place in enumerate(places) if place.file == file)

    def _show(self, places: list[Position], index: int, row: int, *, center: bool = False) -> None:
        self._places, self._shown = places, index
        self._read()
        self._find_marks()
        self.update()
        self.move_to(row)
        if center:
            self._make_room_below()
        self._show_header()

    def _make_room_below(self) -> None:
        """Scroll so that what follows the cursor can be read."""
        height = self.scrollable_content_region.height
        if height and not self.scroll_offset.y <= self.cursor < self.scroll_offset.y + 2 * height // 3:
            self.scroll_to(y=max(0, self.cursor - height // 3), animate=False, force=True)

    def _look_again(self) -> None:
        """Show a file that was saved."""
        if self.display and self.file and self.sources.read(self.file) != self._file:
            self._show(self._places, self._shown, self.cursor)

    def _read(self) -> None:
        file = self.sources.read(self.file) if self.file else None
        if file is not self._file or not file:
            self._file = file
            lines = file.lines if file else []
            self._text = Highlighted(lines, language_of(self.file), self._view.mask)
            self._widest = max(map(_cells, nlargest(50, lines, key=lambda line: len(line.encode()))), default=0)

    def _find_marks(self) -> None:
        """The lines that something is to be said of."""
        task = self._subject.task if self._subject else None
        stop = self._view.stop_task() or (task if self._stopped_in else None)
        self._span = self.sources.span(task) if task else None
        self._inside = list(self._spans_inside(task, self._span)) if task and self._span else []
        at = self.sources.span(stop) if stop else None
        self._failed = stop is not None and self._view.failing(stop)
        self._stop_line = at.first if at and at.file == self.file else 0
        frames = [frame.line for frame in self._frames(task) if frame.file == self.file] if task else []
        if frames and not self._stop_line:
            self._stop_line, self._failed = frames[-1], True
        self._python_marks = self._inside_marks()
        if self._python_marks.stop:
            self._stop_line, self._failed = self._python_marks.stop, bool(self._python_marks.raised)
        self.refresh_breakpoints()
        found = (problem for problem in reversed(self._view.all_problems()) if problem.position)
        self._problems = {
            problem.position.line: problem
            for problem in found
            if problem.position and problem.position.file == self.file
        }

    def _spans_inside(self, task: Task, lines: Span) -> Iterator[Span]:
        """The lines of the tasks that are written within the lines of a task."""
        while task.parent and self.sources.span(task.parent) == lines:
            task = task.parent
        waiting = [*task.children]
        while waiting:
            child = waiting.pop()
            span = self.sources.span(child)
            if span == lines:
                waiting += child.children
            elif span:
                yield span

    def show_problems(self) -> None:
        """Show problems that were found or are gone; where one is, if no task can be shown."""
        place = next((problem.position for problem in self._view.problems if problem.position), None)
        if place and self._subject is None:
            self.show_position(place)
        elif self.file:
            self._show(self._places, self._shown, self.cursor)

    def refresh_breakpoints(self) -> None:
        """Show breakpoints that were set or cleared."""
        breakpoints = self.breakpoints
        marks = breakpoints.lines(self.file) if breakpoints and self.file else {}
        matched = breakpoints.matched(self._view.tasks.values()) if breakpoints and marks else {}
        self._marks = {
            line: breakpoint_look(each, muted=breakpoints is not None and breakpoints.muted)
            if each.id in matched or self._may_stop(each)
            else NOT_MATCHED
            for line, each in marks.items()
        }
        self.refresh()

    def _may_stop(self, breakpoint: Breakpoint) -> bool:
        """Whether a breakpoint in a Python file is where code is, as far as that is known."""
        state = self.python_states().get(breakpoint.id)
        return breakpoint.in_python and (state is None or state.verified)

    # The header: the files, and what is to be known of this one

    def on_resize(self) -> None:
        super().on_resize()
        self._make_room_below()
        self._show_header()

    def _show_header(self) -> None:
        room = self.size.width - 4
        note = self._note()
        names = [place.file for place in self._places]
        for kind in ("paths", "names", "one"):
            if kind == "names":
                names = [name.rpartition("/")[2] for name in names]
            header = self._header(names, note, only_shown=kind == "one")
            if header.cell_length <= room:
                break
        self.border_title = header.truncate(max(0, room), ellipsis=True).markup

    def _header(self, names: list[str], note: str, *, only_shown: bool) -> Content:
        tabs = []
        for index, name in enumerate(names):
            if index == self._shown:
                count = f" {index + 1}/{len(names)}" if only_shown and len(names) > 1 else ""
                tabs.append(Content.styled(f" {clean(name)}{count} ", "b $foreground on $primary-muted"))
            elif not only_shown:
                tab = Content.styled(f" {clean(name)} ", "$foreground 70%")
                tabs.append(tab.stylize(f"@click=file({index})"))
        if len(names) > 1:
            tabs.append(Content.styled(" < >", "$text-accent"))
        if note:
            tabs.append(Content.styled(f"  {note}", "$text-warning"))
        return Content("").join(tabs)

    def _note(self) -> str:
        """What the file on disk is not."""
        if self._file is None or self._file.error:
            return ""
        broken = (problem.position for problem in self._view.problems if problem.severity == "error")
        if any(place and place.file == self.file for place in broken):
            return "✖ does not load" + ": the workflow as it was before goes on" * bool(self._view.tasks)
        if self._subject is None or self._view.attempt.started is None:
            return ""
        task, changed = self._subject.task, self._file.changed_at
        if self.file.endswith(".dig"):
            return "⚠ saved after the attempt began" if changed > self._view.attempt.start.at else ""
        return "⚠ saved after the task began" if task.started_at and changed > task.started_at else ""

    # Rows

    def count(self) -> int:
        return len(self._file.lines) if self._file else 0

    def nothing(self) -> str:
        if self._file and self._file.error:
            return clean(self._file.error)
        if self._file:
            return f"{clean(self.file)} is empty"
        return "no file says where this task comes from" if self._subject else "no task is selected"

    def content_width(self) -> int:
        return self._gutter_width() + self._widest if self._widest else 0

    def row(self, number: int, width: int) -> Row:
        parts = self._text.parts(number)
        line = number + 1
        room = width - self._gutter_width() - sum(cell_len(text) for text, _ in parts)
        extra, role = self._said(number)
        if extra and room > 12:
            parts.append((f"   {fit(extra, room - 4)}", role))
        stops = ("failed" if self._failed else "stop") if line == self._stop_line else ""
        return Row(parts, role=stops, gutter=self._gutter(line))

    def text_of(self, number: int) -> str:
        return shown(self._view.mask(self._file.lines[number])) if self._file else ""

    def _gutter_width(self) -> int:
        return 2 + self._digits() + 3

    def _digits(self) -> int:
        return max(3, len(str(self.count())))

    def _gutter(self, line: int) -> list[Part]:
        mark = self._marks.get(line)
        sign: Part = (mark.symbol, mark.role) if mark else (" ", "")
        here: Part = (HERE, "error" if self._failed else "warning") if line == self._stop_line else (" ", "")
        here = (OUTER, "accent") if line == self._python_marks.outer else here
        own = self._span is not None and self._span.holds(self.file, line)
        bar: Part = (" ┃ ", "accent") if own else (" │ ", "dim")
        return [sign, here, (f"{line:>{self._digits()}}", "" if own else "dim"), bar]

    # Values at the ends of lines

    def _said(self, number: int) -> Part:
        """A problem in a line, or the values of what its templates read."""
        if self._python_marks.raised and number + 1 == self._python_marks.stop:
            return "✖ " + clean(self._view.mask(self._python_marks.raised)), "error"
        if value := self._python_marks.values.get(number + 1):
            return clean(self._view.mask(value)), "comment"
        problem = self._problems.get(number + 1)
        if problem:
            error = problem.severity == "error"
            words = clean(" ".join(problem.message.split()))
            return (f"✖ {words}", "error") if error else (f"⚠ {words}", "warning")
        if not self._file or not self._subject or "${" not in self._file.lines[number] or not self._is_own(number + 1):
            return "", ""
        values = inline_values(self._file.lines[number], self._subject.inspection())
        return self._view.mask(clean(values)), "comment"

    def _is_own(self, line: int) -> bool:
        """Whether the templates of a line are evaluated for the selected task."""
        if not self.file.endswith(".dig"):
            return language_of(self.file) != "python"
        if self._span is None or not self._span.holds(self.file, line):
            return False
        return not any(span.holds(self.file, line) for span in self._inside)

    # What the person does

    def task_at_cursor(self) -> Task | None:
        """The task that the line of the cursor belongs to; of those of a loop the selected one, or what is next."""
        if not self.count():
            return None
        if not self.file.endswith(".dig"):
            return self._subject.task if self._subject else None
        found = self._tasks_at(self.cursor + 1)
        preferred = (self._subject.task if self._subject else None, self._view.stop_task())
        return next(
            (task for task in preferred if task in found),
            next((task for task in found if task.started_at is None), found[0] if found else None),
        )

    def _tasks_at(self, line: int) -> list[Task]:
        """The tasks of a line; worked out again only when there are others."""
        tasks = self._view.tasks
        asked = (id(self._view.attempt), len(tasks), id(self._file), line)
        if asked != self._found[0]:
            self._found = (asked, self.sources.tasks_at(tasks.values(), self.file, line))
        return self._found[1]

    def action_choose(self) -> None:
        task = self.task_at_cursor()
        if task:
            self._chosen = task
            self.post_message(self.TaskChosen(task))

    def clicked(self, number: int, x: int) -> bool:
        in_gutter = x - self.scroll_offset.x < self._gutter_width() - 2
        if in_gutter:
            self.post_message(self.GutterClicked(self.file, number + 1))
        return in_gutter


def frame_place(frame: Params, project: Path) -> Position:
    """Where a frame of the person's own code is."""
    from pathlib import Path

    return Position(shown_path(Path(str(frame["file"])), project), int(frame["line"] or 1), 1)


def _cells(line: str) -> int:
    return cell_len(shown(line[:LONGEST]))
