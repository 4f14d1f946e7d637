"""The Error page: why a task failed, with the frames of its Python code, and what can be done."""

from __future__ import annotations

from collections.abc import Iterator, Set

from ..debugger.failure import told
from ..engine.attempt import Task
from .failure_lines import FailureLines
from .lines import Subject
from .pages import BLANK, Line, Page, title
from .symbols import ASKING, LOOKS
from .tasks import operator_and_command
from .text import clean, clean_lines, plural
from .view import View

OUTPUT_LINES = 10
"""Lines of a failed task's output that are shown with its error."""
LONGEST = 20_000
"""Characters of a message and of a traceback that are shown."""


class ErrorPage(Page):
    """Why a task failed, and what can be done."""

    HELP = """\
Why the selected task, or one in it, failed: the message, what to do (➤), your own Python code with the line that
raised (➤), the values of its locals, and the traceback. Enter on a line of your code shows it in Source, ^o opens it
in your editor; Enter on ▸ opens a value, the locals of a frame, or the frames of a library. On the task's name it
goes to the task; Backspace comes back."""

    def __init__(self, view: View, *, id: str) -> None:
        super().__init__(view, id=id)
        self._subject: Subject | None = None
        self._opened: set[str] = set()
        """The folds that the person opened or closed."""

    def look_at(self, subject: Subject, *, keep: bool) -> None:
        if not keep:
            self._opened.clear()
        self._subject = subject
        self.show(error_lines(self._view, subject, self._opened), keep=keep)

    def action_choose(self) -> None:
        line = self.line()
        if line and line.fold:
            self._fold(line.fold)
        else:
            super().action_choose()

    def action_open(self) -> None:
        self._turn("▸")

    def action_close(self) -> None:
        self._turn("▾")

    def _turn(self, sign: str) -> None:
        """Open or close what the sign at the cursor stands for."""
        line = self.line()
        if line and line.fold and any(sign in text for text, _ in line.parts[:1]):
            self._fold(line.fold)

    def _fold(self, key: str) -> None:
        self._opened ^= {key}
        if self._subject:
            self.look_at(self._subject, keep=True)


def error_lines(view: View, subject: Subject, opened: Set[str] = frozenset()) -> Iterator[Line]:
    """Why a task failed: Digdag's words, what to do, the person's own Python code, and all that is known."""
    task = subject.task
    failed = _with_error(view, task)
    if failed is None:
        look = view.look(task)
        yield Line([(clean(task.full_name), "emphasis"), ("  has no error", "dim")])
        yield Line([(f"{look.symbol} {look.word}", look.role)])
        others = list(view.failures())
        yield BLANK
        if not others:
            yield Line([("when a task fails, this is where it says why, and what can be done", "dim")])
        else:
            yield Line([(f"{plural(len(others), 'task')} failed; ", "dim"), ("!", "key"), (" goes to the next", "dim")])
        return
    error, frames, hint = view.error_of(failed)
    exceptions = told(view.exceptions_of(failed), frames)
    operator, command = operator_and_command(failed)
    symbol, _, role = ASKING if view.asking(failed) else LOOKS["error"]
    name = (clean(failed.full_name), f"{role} emphasis")
    yield Line([(f"{symbol} ", role), name, (f"  {operator} {command}", "dim")], 2, failed)
    if failed is not task:
        yield Line([("  inside of the selected ", "dim"), (clean(task.full_name), "dim")], 2, failed)
    yield BLANK
    message, trace = map(_cut, _message_and_trace(view.mask(str(error.get("message", "")))))
    yield from (Line([("  " + text, "emphasis" if first else "")], 2) for first, text in _first(message))
    if hint:
        yield BLANK
        yield Line([("  ➤ ", "accent"), (clean(hint), "accent")], 4)
    if failed is task:
        yield from _hint_lines(view, subject)
    if exceptions:
        yield from FailureLines(view.project, opened).lines(exceptions, "\n".join(message))
    if view.failing(failed):
        yield BLANK
        yield from _what_to_do(view, failed, operator)
    yield from _required_lines(view, failed)
    has_code = exceptions or view.exceptions_of(failed)
    if not (has_code or view.past) and (output := view.log.last_output(failed.id, OUTPUT_LINES)):
        yield BLANK
        yield title("The end of its output")
        yield from (Line([("  " + text, "")], 4) for text in output)
    trace = trace or _cut(clean_lines(view.mask(str(error.get("stacktrace", "")).strip())))
    if any(trace) and trace != message:
        yield BLANK
        yield title("Full traceback" if exceptions else "Details")
        yield from (Line([("  " + text, "dim")], 6) for text in trace)


def _hint_lines(view: View, subject: Subject) -> Iterator[Line]:
    """What is surprising about the params that the task got."""
    from ..debugger.explain import hints

    for hint in hints(view.attempt, subject.task, subject.inspection(), view.project):
        yield BLANK
        yield Line([("  ⚠ ", "warning"), (clean(hint.message), "warning")], 4)
        yield from [Line([("  ➤ ", "accent"), (clean(hint.advice), "accent")], 4)] if hint.advice else []


def _what_to_do(view: View, failed: Task, operator: str) -> Iterator[Line]:
    if view.past or view.recorded:
        yield Line([("  w ", "key"), ("begins again from this task: what ended before it is kept", "dim")], 4)
        if not view.past:
            yield Line([("  c ", "key"), ("goes on with the attempt: this task is run again", "dim")], 4)
        return
    choices = {
        "e": "changes a param, then r runs the task again",
        **({"s": "runs it again, and stops in its function's first line"} if operator == "py>" else {}),
        "k": "skips it: a success, with values that it should have stored",
        "P": "pins its output: it is not run, now and in later runs",
        "n": "goes on with the failure: _retry and _error take effect",
    }
    if view.asking(failed):
        sent = {"4": "shows what it would have sent"} if failed.artifacts else {}
        give = "gives its output, for this run or in a file for all later ones"
        choices = {"P": give, **sent, **{key: choices[key] for key in "ken"}}
    for key, text in choices.items():
        yield Line([(f"  {key} ", "key"), (text, "dim")], 4)


def _with_error(view: View, task: Task) -> Task | None:
    """The task itself if it failed, else the first failure inside of it."""
    if view.error_of(task)[0]:
        return task
    inside = task.descendants() if task.state == "group_error" or task.delayed or _around_stop(view, task) else iter(())
    return next((child for child in inside if view.error_of(child)[0]), None)


def _around_stop(view: View, task: Task) -> bool:
    stop = view.stop_task()
    return stop is not None and view.failing(stop) and task in stop.ancestors()


def _required_lines(view: View, failed: Task) -> Iterator[Line]:
    """What failed in the attempt that a task required."""
    failures = view.required_failures.get(failed.id)
    if failures:
        yield BLANK
        yield title("In the attempt that it requires")
    for name, failure in (failures or {}).items():
        message, _ = _message_and_trace(str(failure.error.get("message", "")))
        yield Line([("  ✖ ", "error"), (clean(name), "error emphasis")], 4)
        yield from (Line([("    " + text, "")], 4) for text in message)
        if failure.hint:
            yield Line([("    ➤ ", "accent"), (clean(failure.hint), "accent")], 6)


def _message_and_trace(text: str) -> tuple[list[str], list[str]]:
    """Digdag's text of a Python error: the message, and the traceback behind the first tab and `from`."""
    message, found, trace = text.partition("\n\tfrom ")
    if not found:
        return clean_lines(text.strip()), []
    entries = trace.removesuffix(" (runtime)").split("\n\tfrom ")
    return clean_lines(message.strip()), [line for entry in entries for line in clean_lines(entry.rstrip())]


def _cut(lines: list[str]) -> list[str]:
    """Lines up to what can be read, with how many are left out."""
    kept: list[str] = []
    room = LONGEST
    for line in lines:
        if room <= 0:
            return [*kept, f"… {len(lines) - len(kept):,} more lines"]
        kept.append(line if len(line) <= room else f"{line[:room]} … ({len(line):,} characters)")
        room -= len(line) + 1
    return kept


def _first(lines: list[str]) -> Iterator[tuple[bool, str]]:
    return ((number == 0, line) for number, line in enumerate(lines))
