"""Watches: expressions, and what they come to in the selected task's scope, or in the call that it is stopped in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from .lines import Lines, Part, Row, Subject
from .state import PROJECT_FILE, State
from .text import clean, fit, pad
from .view import View

if TYPE_CHECKING:
    from ..engine.attempt import Task
    from .evaluating import Outcome
    from .inside import Inside
    from .python_prompts import Call

KEPT, KEPT_PYTHON = "watches", "python_watches"
"""Their names in the project's state: expressions of params, and those of Python."""
REMEMBERED = 20
"""Stops whose values are kept; those of other stops are worked out from the attempt's history."""


class Watched(NamedTuple):
    """A row: an expression, or a title over some; `number` counts those of its kind, -1 for a title."""

    text: str
    number: int = -1
    python: bool = False


class WatchPane(Lines):
    """One row an expression: its value and type now, and what it was at the stop before if that was another."""

    HELP = """\
Expressions, evaluated in the scope of the selected task at each stop, with what they were at the stop before.
While the task is stopped inside of Python those of Python come first, evaluated in the call that is looked at."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete,minus", "remove", "Remove", show=False),
    ]

    class Edited(Message):
        """The person wants to change the expression at the cursor, or to add one."""

        def __init__(self, number: int | None) -> None:
            super().__init__()
            self.number = number

    class PythonEdited(Message):
        """The person wants to change the Python expression at the cursor, or to add one where there is none."""

        def __init__(self, number: int | None, text: str) -> None:
            super().__init__()
            self.number = number
            self.text = text

    def __init__(self, view: View, *, id: str) -> None:
        super().__init__(id=id)
        self._view = view
        self.inside_of: Callable[[Task], Inside | None] = lambda task: None
        """Where a task is stopped inside of Python."""
        self.call_of: Callable[[Inside], Call | None] = lambda inside: None
        """The call that is looked at there."""
        self._rows: list[Watched] = []
        self._python: dict[str, Outcome] = {}
        """What the Python expressions came to, as far as that is known."""
        self._python_before: dict[str, str] = {}
        self._python_stop: object = None
        """The stop at which they did."""
        self._state: State | None = None
        self._subject: Subject | None = None
        self._outcomes: dict[str, Outcome] = {}
        self._before: dict[str, str] = {}
        self._seen: dict[tuple[int, int], dict[str, str]] = {}
        """What the expressions came to at the stops looked at: by the attempt, and how many events it had had."""

    @property
    def expressions(self) -> list[str]:
        """All watches, in the order in which they were added."""
        return [text for text in self._kept().get(KEPT, list[str]()) if isinstance(text, str)]

    @property
    def python_expressions(self) -> list[str]:
        """The watches of Python."""
        return [text for text in self._kept().get(KEPT_PYTHON, list[str]()) if isinstance(text, str)]

    def change(self, number: int | None, expression: str, *, python: bool = False) -> str | None:
        """Put an expression in the place of another, or at the end; why it cannot be kept.

        An empty one removes what is there.
        """
        expressions = self.python_expressions if python else self.expressions
        place = len(expressions) if number is None else number
        expressions[place : place + 1] = [expression] if expression else []
        self._kept().set(KEPT_PYTHON if python else KEPT, list(dict.fromkeys(expressions)))
        problem = self._kept().save()
        self.work_out()
        rows = (row for row, (text, _, is_python) in enumerate(self._rows) if (text, is_python) == (expression, python))
        self.move_to(next(rows, self.cursor))
        return problem

    def look_at(self, subject: Subject, *, keep: bool) -> None:
        self._subject = subject
        self.work_out()

    def count(self) -> int:
        return len(self._rows)

    def nothing(self) -> str:
        return "no expressions yet: W adds one, such as amount * 2"

    def row(self, number: int, width: int) -> Row:
        watched = self._rows[number]
        expression = watched.text
        if watched.number < 0:
            return Row([(expression, "title")])
        found = self._outcome(watched)
        column = max(8, min(max(cell_len(clean(row.text)) for row in self._rows if row.number >= 0), width // 3))
        if found is None:
            return Row([("  ", ""), (pad(clean(expression), column) + "  ", "key"), ("…", "dim")])
        changed = self._was(watched)
        sign = ("~ ", "warning") if changed is not None else ("  ", "")
        left: list[Part] = [sign, (pad(clean(expression), column) + "  ", "key")]
        if found.failed:
            return Row([*left, ("✖ ", "error"), *found.parts, (f"  {found.hint}", "dim")])
        was = f"  changed, was {fit(changed, max(12, width // 4))}" if changed is not None else ""
        return Row([*left, *found.parts], [(was, "warning"), (f"  {found.kind}", "dim")])

    def text_of(self, number: int) -> str:
        watched = self._rows[number]
        found = self._outcome(watched)
        return f"{clean(watched.text)}  {found.whole}" if found else clean(watched.text)

    def copied(self) -> str:
        found = self._outcome(self._rows[self.cursor]) if self._rows else None
        return found.whole if found else ""

    def chosen(self) -> str | None:
        """The expression at the cursor."""
        watched = self._rows[self.cursor] if self._rows else None
        return watched.text if watched and watched.number >= 0 else None

    def action_choose(self) -> None:
        watched = self._rows[self.cursor] if self._rows else Watched("")
        number = watched.number if watched.number >= 0 else None
        if watched.python:
            self.post_message(self.PythonEdited(number, watched.text if number is not None else ""))
        else:
            self.post_message(self.Edited(number))

    def action_remove(self) -> None:
        """Take away the expression at the cursor."""
        watched = self._rows[self.cursor] if self._rows else None
        if watched and watched.number >= 0:
            self.change(watched.number, "", python=watched.python)

    def _outcome(self, watched: Watched) -> Outcome | None:
        return (self._python if watched.python else self._outcomes).get(watched.text)

    def _kept(self) -> State:
        if self._state is None:
            self._state = State(self._view.project / PROJECT_FILE)
        return self._state

    def work_out(self) -> None:
        """Evaluate all again."""
        from .evaluating import outcome, scope_of

        subject = self._subject
        if subject is None:
            return
        scope = scope_of(subject)
        self._outcomes = {text: outcome(text, scope, self._view.mask) for text in self.expressions}
        self._before = self._at_the_stop_before(subject)
        params = [Watched(text, number) for number, text in enumerate(self._outcomes)]
        inside = self.inside_of(subject.task)
        self._rows = params if inside is None else [*self._in_python(inside), *params]
        if inside and params:
            self._rows.insert(len(self._rows) - len(params), Watched("In the task's params"))
        self.update()

    def _in_python(self, inside: Inside) -> list[Watched]:
        """The Python expressions, which are evaluated meanwhile in the call that is looked at."""
        call = self.call_of(inside) if inside.is_live() else None
        if call:
            if self._python_stop is not inside.stop:
                self._python_before = {text: found.whole for text, found in self._python.items() if not found.failed}
                self._python_stop = inside.stop
            for text in self.python_expressions:
                call.evaluate(text, "watch", lambda found, text=text: self._take(inside, text, found))  # type: ignore[misc]
        name = inside.frame_name()
        hint = "" if self.python_expressions else ": W adds an expression of Python"
        title = Watched(f"In {clean(name)}, stopped in Python{hint}", python=True)
        return [title, *(Watched(text, number, True) for number, text in enumerate(self.python_expressions))]

    def _take(self, inside: Inside, text: str, found: Outcome) -> None:
        if inside.is_live():
            self._python[text] = found
            self.refresh()

    def _was(self, watched: Watched) -> str | None:
        """What an expression was at the stop before, if it is something else now."""
        found = self._outcome(watched)
        before = (self._python_before if watched.python else self._before).get(watched.text)
        return before if found and before is not None and before != found.whole else None

    def _at_the_stop_before(self, subject: Subject) -> dict[str, str]:
        """What the expressions came to at the stop before this one; nothing for a task that is not stopped at."""
        view = self._view
        if subject.task is not view.stop_task():
            return {}
        positions = [stop.position for stop in view.replay.stops if stop.position <= view.replay.position]
        here = (view.number, positions[-1] if positions else 0)
        self._seen.pop(here, None)
        earlier = next((key for key in reversed(self._seen) if key[0] != view.number), None)
        before = next((position for position in reversed(positions) if position < here[1]), None)
        if before is not None:
            earlier = (view.number, before)
            known = self._seen.setdefault(earlier, {})
            missing = [text for text in self._outcomes if text not in known]
            known.update(self._as_it_was(before, missing) if missing else {})
        self._seen[here] = {text: found.whole for text, found in self._outcomes.items()}
        while len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return self._seen.get(earlier, {}) if earlier else {}

    def _as_it_was(self, position: int, expressions: list[str]) -> dict[str, str]:
        """What expressions came to at a stop at which nobody looked at them."""
        from ..debugger.evaluate import variables
        from ..debugger.inspect import inspect
        from ..workflow.errors import DigdagError
        from .evaluating import evaluator, outcome

        attempt = self._view.replay.attempt_at(position)
        stop = next(stop for stop in reversed(self._view.replay.stops) if stop.position == position)
        task = attempt.tasks[stop.stopped.task]
        try:
            scope = variables(task, inspect(attempt, task, evaluator()))
        except DigdagError:
            return {}
        return {text: outcome(text, scope, self._view.mask).whole for text in expressions}
