"""The project's problems: what keeps it from loading, and what is surely not meant."""

from __future__ import annotations

from collections.abc import Iterator

from textual.message import Message

from ..workflow.errors import Position, Problem
from .pages import BLANK, Line, Page
from .text import clean, clean_lines
from .view import View


class ProblemsPane(Page):
    """All problems that are known; Enter and a double click lead to the line of one."""

    HELP = """\
What is wrong with the files of the project, errors (✖) first, then warnings (⚠), each with what to do (➤).
Enter shows the line. While a file is broken the workflow as it was goes on."""

    class Chosen(Message):
        """The person wants to see the place of a problem."""

        def __init__(self, position: Position) -> None:
            super().__init__()
            self.position = position

    def __init__(self, view: View, *, id: str) -> None:
        super().__init__(view, id=id)
        self._places: dict[str, Position] = {}

    def on_mount(self) -> None:
        self.refill()

    def refill(self) -> None:
        """Show what is known now."""
        self.show(problem_lines(self._view), keep=True)
        self.move_to(min(self.cursor, max(0, self.count() - 1)))

    def selected(self) -> Problem | None:
        """The problem at the cursor."""
        line = self._rows[self.cursor][1] if self.cursor < len(self._rows) else None
        return line.problem if line else None

    def position_at_cursor(self) -> Position | None:
        problem = self.selected()
        return problem.position if problem else None

    def action_choose(self) -> None:
        problem = self.selected()
        if problem and problem.position:
            self.post_message(self.Chosen(problem.position))

    def copied(self) -> str:
        problem = self.selected()
        return self._view.mask(str(problem)) if problem else super().copied()


def problem_lines(view: View) -> Iterator[Line]:
    """What is wrong with the project, what does not load first."""
    problems = view.all_problems()
    if not problems:
        words = "the files load" + (", and no problems are found in them" if view.is_checked else "")
        yield Line([("✔ ", "success"), (words, "dim")])
        return
    for problem in problems:
        yield from _problem(problem)
    if view.problems:
        yield BLANK
        before = "The workflow as it was before goes on. " if view.tasks else ""
        yield Line([(f"{before}Correct the file and save it: it is loaded again.", "dim")])


def _problem(problem: Problem) -> Iterator[Line]:
    mark = ("✖ error    ", "error") if problem.severity == "error" else ("⚠ warning  ", "warning")
    place = f"{problem.position}  " if problem.position else ""
    first, *rest = clean_lines(problem.message)
    code = [(f"  [{problem.code}]", "dim")] if problem.code else []
    yield Line([mark, (clean(place), "key"), (first, "emphasis"), *code], 11, problem=problem)
    yield from (Line([(" " * 11 + text, "")], 11, problem=problem) for text in rest)
    if problem.hint:
        yield Line([(" " * 11 + "➤ ", "accent"), (clean(problem.hint), "accent")], 13, problem=problem)
