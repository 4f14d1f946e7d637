"""The prompts for Python expressions in a call that is stopped: evaluating, watching, and setting a variable."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from ..debugger.evaluate import Completion
from ..debugger.python_stops import LONGEST, Variable
from ..debugger.python_stops import Completion as Found
from .evaluate import EvaluatePrompt, Prompt, outcome_lines
from .evaluating import Outcome
from .inside import Ask
from .python_stand import frame_text
from .stack_rows import ROLES
from .text import clean

if TYPE_CHECKING:
    from ..debugger.python_debugger import Context, PythonDebugger
    from ..debugger.python_stops import Frame


class Call:
    """A call that is stopped, in which expressions are evaluated and completed."""

    def __init__(self, task: int, frame: Frame, python: PythonDebugger, ask: Ask, mask: Callable[[str], str]) -> None:
        self.task = task
        self.frame = frame
        self.mask = mask
        self._python = python
        self._ask = ask

    @property
    def name(self) -> str:
        return frame_text(self.frame)

    def evaluate(self, expression: str, context: Context, then: Callable[[Outcome], None]) -> None:
        """Evaluate an expression, in the context `repl` a statement too."""

        def take(found: Variable | None, problem: str) -> None:
            then(python_outcome(found, problem, self.mask))

        self._ask(self._python.evaluate(self.task, expression, self.frame.id, context), take)

    def complete(self, text: str, cursor: int, then: Callable[[Completion], None]) -> None:
        """Find what may follow at the cursor."""

        def take(found: Sequence[Found] | None, problem: str) -> None:
            start = min((each.start for each in found or ()), default=cursor)
            then(Completion(start, tuple(dict.fromkeys(each.label for each in found or ()))))

        self._ask(self._python.completions(self.task, text, cursor, self.frame.id), take)

    def set(self, variable: Variable, value: str, then: Callable[[str], None]) -> None:
        """Give a variable the value of an expression; `then` gets what is wrong with that, or a blank."""
        answer = self._python.set_expression(self.task, variable.evaluate_name, value, self.frame.id)
        self._ask(answer, lambda found, problem: then(problem))


def python_outcome(found: Variable | None, problem: str, mask: Callable[[str], str]) -> Outcome:
    """What an expression came to."""
    if found is None:
        text = clean(mask(problem))
        return Outcome([(text, "error")], "", text)
    text = clean(mask(found.value))
    kind = found.type or ("nothing" if not text else "value")
    return Outcome([(text, ROLES.get(found.type, ""))], clean(kind), text)


_NAMES = re.compile(r"[^\W\d]\w*$|[\w)\]]\.\w*$")
"""The end of a text that may be the beginning of a name."""


class _InCall(Prompt):
    """A prompt whose names are completed by the call's process."""

    call: Call
    _known: tuple[str, Completion] = ("", Completion(0, ()))
    """What was completed last, with the text before the cursor."""

    def on_mount(self) -> None:
        super().on_mount()
        self.field.placeholder = "an expression of Python, such as len(rows)"

    def _found(self) -> Completion:
        before, found = self._known
        typed = self.field.value[: self.field.cursor_position]
        if not before or not typed.startswith(before) or not _NAMES.search(typed):
            return Completion(len(typed), ())
        return Completion(
            found.start, tuple(name for name in found.candidates if name.startswith(typed[found.start :]))
        )

    @on(Input.Changed)
    def _ask_names(self) -> None:
        typed = self.field.value[: self.field.cursor_position]
        if not _NAMES.search(typed):
            return

        def take(found: Completion) -> None:
            if self.is_active and self.field.value[: self.field.cursor_position] == typed:
                self._known = (typed, found)
                self._show_names()

        self.call.complete(self.field.value, len(typed), take)


class EvaluateInside(_InCall, EvaluatePrompt):
    """Evaluates Python in a call, again and again; gives an expression that is to be watched."""

    title_of_dialog = "Evaluate Python"

    def __init__(self, call: Call, past: list[str], changed: Callable[[], None]) -> None:
        """Args:
        changed: called after what may have changed variables.
        """
        super().__init__(call.name, None, call.mask, past)
        self.call = call
        self._changed = changed

    def action_accept(self) -> None:
        text = self.field.value.strip()
        if text:
            self.remember(text)
            self.call.evaluate(text, "repl", lambda found: self._take(text, found))

    def _take(self, text: str, found: Outcome) -> None:
        if self.is_active:
            self.tell(text, found)
        self._changed()


class WatchInside(_InCall):
    """Asks for a Python expression to watch, and shows what it comes to while it is typed."""

    title_of_dialog = "Watch a Python expression"
    keys: ClassVar[dict[str, str]] = {"⏎": "watch it", "Tab": "complete", "Esc": "close"}

    def __init__(self, call: Call, text: str) -> None:
        super().__init__(call.name, None, call.mask, text)
        self.call = call

    def below(self) -> Iterator[Widget]:
        yield Static(id="verdict")

    @on(Input.Changed)
    def _preview(self) -> None:
        text = self.field.value.strip()
        if not text:
            self._show([])
            return

        def take(found: Outcome) -> None:
            if self.is_active and self.field.value.strip() == text:
                self._show(outcome_lines(found))

        self.call.evaluate(text, "watch", take)

    def _show(self, lines: list[Content]) -> None:
        self.query_one("#verdict", Static).update(Content("\n").join(lines))

    def action_accept(self) -> None:
        self.dismiss(self.field.value.strip())


class SetInside(_InCall):
    """Asks for a variable's new value, a Python expression; gives its name once it is set."""

    keys: ClassVar[dict[str, str]] = {"⏎": "set it", "Tab": "complete", "Esc": "leave it"}
    title_of_dialog = "Set a variable"

    def __init__(self, call: Call, variable: Variable) -> None:
        whole = len(variable.value) < LONGEST
        super().__init__(call.name, None, call.mask, variable.value if whole else "")
        self.call = call
        self._variable = variable

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(".dialog").border_title = f"Set {self._variable.name}".replace("[", r"\[")

    def below(self) -> Iterator[Widget]:
        yield Static(id="verdict")

    @on(Input.Changed)
    def _forget_problem(self) -> None:
        self.query_one("#verdict", Static).update("")

    def action_accept(self) -> None:
        text = self.field.value.strip()
        if text:
            self.call.set(self._variable, text, self._take)

    def _take(self, problem: str) -> None:
        if not self.is_active:
            return
        if not problem:
            self.dismiss(self._variable.name)
        else:
            said = Content.assemble(("✖ ", "$text-error b"), (clean(self.call.mask(problem)), "$text-error"))
            self.query_one("#verdict", Static).update(said)
