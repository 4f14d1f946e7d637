"""Watches: expressions, and what they come to in the selected task's scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from .lines import Lines, Part, Row, Subject
from .state import PROJECT_FILE, State
from .text import clean, fit, pad
from .view import View

if TYPE_CHECKING:
    from .evaluating import Outcome

KEPT = "watches"
"""Their name in the project's state."""
REMEMBERED = 20
"""Stops whose values are kept; those of other stops are worked out from the attempt's history."""


class WatchPane(Lines):
    """One row an expression: its value and type now, and what it was at the stop before if that was another."""

    HELP = """\
Expressions, evaluated in the scope of the selected task at each stop, with what they were at the stop before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete,minus", "remove", "Remove", show=False),
    ]

    class Edited(Message):
        """The person wants to change the expression at the cursor, or to add one."""

        def __init__(self, number: int | None) -> None:
            super().__init__()
            self.number = number

    def __init__(self, view: View, *, id: str) -> None:
        super().__init__(id=id)
        self._view = view
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

    def change(self, number: int | None, expression: str) -> str | None:
        """Put an expression in the place of another, or at the end; why it cannot be kept.

        An empty one removes what is there.
        """
        expressions = self.expressions
        place = len(expressions) if number is None else number
        expressions[place : place + 1] = [expression] if expression else []
        self._kept().set(KEPT, list(dict.fromkeys(expressions)))
        problem = self._kept().save()
        self._work_out()
        if expression in self.expressions:
            self.move_to(self.expressions.index(expression))
        return problem

    def look_at(self, subject: Subject, *, keep: bool) -> None:
        self._subject = subject
        self._work_out()

    def count(self) -> int:
        return len(self._outcomes)

    def nothing(self) -> str:
        return "no expressions yet: W adds one, such as amount * 2"

    def row(self, number: int, width: int) -> Row:
        expression = [*self._outcomes][number]
        found = self._outcomes[expression]
        column = max(8, min(max(map(cell_len, map(clean, self._outcomes))), width // 3))
        changed = self._was(expression)
        sign = ("~ ", "warning") if changed is not None else ("  ", "")
        left: list[Part] = [sign, (pad(clean(expression), column) + "  ", "key")]
        if found.failed:
            return Row([*left, ("✖ ", "error"), *found.parts, (f"  {found.hint}", "dim")])
        was = f"  changed, was {fit(changed, max(12, width // 4))}" if changed is not None else ""
        return Row([*left, *found.parts], [(was, "warning"), (f"  {found.kind}", "dim")])

    def text_of(self, number: int) -> str:
        expression = [*self._outcomes][number]
        return f"{clean(expression)}  {self._outcomes[expression].whole}"

    def copied(self) -> str:
        expression = self.chosen()
        return self._outcomes[expression].whole if expression is not None else ""

    def chosen(self) -> str | None:
        """The expression at the cursor."""
        return [*self._outcomes][self.cursor] if self._outcomes else None

    def action_choose(self) -> None:
        self.post_message(self.Edited(self.cursor if self._outcomes else None))

    def action_remove(self) -> None:
        """Take away the expression at the cursor."""
        if self._outcomes:
            self.change(self.cursor, "")

    def _kept(self) -> State:
        if self._state is None:
            self._state = State(self._view.project / PROJECT_FILE)
        return self._state

    def _work_out(self) -> None:
        from .evaluating import outcome, scope_of

        subject = self._subject
        if subject is None:
            return
        scope = scope_of(subject)
        self._outcomes = {text: outcome(text, scope, self._view.mask) for text in self.expressions}
        self._before = self._at_the_stop_before(subject)
        self.update()

    def _was(self, expression: str) -> str | None:
        """What an expression was at the stop before, if it is something else now."""
        now, before = self._outcomes[expression].whole, self._before.get(expression)
        return before if before is not None and before != now else None

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
