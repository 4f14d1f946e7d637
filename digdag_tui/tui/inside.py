"""One stop inside of Python as far as it is known: its frames, their variables, and what changed since the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ..debugger.python_stops import LONGEST, Frame, PythonStopped, Scope, Variable, Variables
from .python_stand import frame_text

if TYPE_CHECKING:
    from ..debugger.python_debugger import PythonDebugger

Key: TypeAlias = tuple[str, ...]
"""A variable by the names that lead to it, its scope's first."""
Call: TypeAlias = tuple[str, str]
"""The function and the file of a frame, by which its variables are compared from stop to stop."""

LOCALS = "Locals"
"""The scope that is open by itself."""


class Ask(Protocol):
    """Waits for an answer: gives it, or a sentence about what went wrong, to a function in the screen's thread."""

    def __call__(self, future: Future[Any], then: Callable[[Any, str], None]) -> None: ...


class Inside:
    """What is known of a stop. What is not is asked for when it is looked at, and `told` is called when it is there.

    Args:
        before: the stop before this one in the same task.
        is_live: whether the task is still stopped there.
    """

    def __init__(
        self,
        stop: PythonStopped,
        python: PythonDebugger,
        ask: Ask,
        told: Callable[[], None],
        is_live: Callable[[], bool],
        before: Inside | None,
    ) -> None:
        self.stop = stop
        self._python = python
        self._ask = ask
        self._told = told
        self.is_live = is_live
        self.level = 0
        """How far out the frame is that is looked at."""
        self.opened: set[Key] = before.opened if before else set()
        """What the person opened, in whatever function."""
        self._before: dict[Call, dict[Key, str]] = {**before._before, **before._seen} if before else {}
        self._seen: dict[Call, dict[Key, str]] = {}
        """What was seen at this stop, by the function."""
        self._scopes: dict[int, tuple[Scope, ...]] = {}
        self._items: dict[int, list[Variable]] = {}
        self._more: dict[int, int] = {}
        self._texts: dict[Key, str] = {}
        self._asked: set[object] = set()
        self.problems: dict[object, str] = {}
        """Why something could not be known, by what it is: a frame's id, a reference or a key."""

    @property
    def task(self) -> int:
        return self.stop.task

    @property
    def frame(self) -> Frame | None:
        """The frame that is looked at."""
        return self.stop.frames[self.level] if self.stop.frames else None

    def frame_name(self) -> str:
        """The frame that is looked at, in words."""
        return frame_text(self.frame) if self.frame else "Python"

    @property
    def call(self) -> Call:
        return (self.frame.name, self.frame.file) if self.frame else ("", "")

    def scopes(self) -> tuple[Scope, ...] | None:
        """The scopes of the frame; None as long as they are not known."""
        frame = self.frame
        if frame is None:
            return ()
        if frame.id not in self._scopes:
            self._want(frame.id, lambda: self._python.scopes(self.task, frame.id), self._scopes)
        return self._scopes.get(frame.id)

    def items(self, key: Key, reference: int) -> list[Variable] | None:
        """What is inside of a scope or a variable; None as long as that is not known."""
        if reference not in self._items:
            self._page(key, reference, reference)
        return self._items.get(reference)

    def has_more(self, reference: int) -> bool:
        """Whether there is more inside than `items` gives."""
        return bool(self._more.get(reference))

    def next_page(self, key: Key, reference: int) -> None:
        """Ask for more of what is inside."""
        if page := self._more.get(reference):
            self._page(key, reference, page)

    def _page(self, key: Key, reference: int, page: int) -> None:
        seen = self._seen.setdefault(self.call, {})

        def take(found: Variables | None, problem: str) -> None:
            if found:
                self._items.setdefault(reference, []).extend(found.items)
                self._more[reference] = found.more
                seen.update(((*key, item.name), item.value) for item in found.items)

        self._want(("page", page), lambda: self._python.variables(self.task, page), take)

    def whole(self, key: Key, variable: Variable) -> str | None:
        """All of a value, as far as the debugger gives it; None as long as that is not known."""
        frame = self.frame
        if len(variable.value) < LONGEST or not variable.evaluate_name or frame is None:
            return variable.value
        texts = self._texts
        if key not in texts:

            def take(found: Variable | None, problem: str) -> None:
                texts[key] = found.value if found else variable.value

            name = variable.evaluate_name
            self._want(key, lambda: self._python.evaluate(self.task, name, frame.id), take)
        return texts.get(key)

    def _want(
        self,
        what: object,
        request: Callable[[], Future[Any]],
        into: dict[int, Any] | Callable[[Any, str], None],
    ) -> None:
        """Ask for something, once."""
        if what in self._asked or not self.is_live():
            return
        self._asked.add(what)

        def take(found: Any, problem: str) -> None:
            if callable(into):
                into(found, problem)
            elif found is not None:
                into[what] = found  # type: ignore[index]
            if problem:
                self.problems[what] = problem
            self._told()

        self._ask(request(), take)

    def sign(self, key: Key, value: str) -> str:
        """`~` for what changed since the stop before, `+` for what is new since then in the same function."""
        before = self._before.get(self.call)
        if before is None or not any(name[: len(key) - 1] == key[:-1] for name in before):
            return " "
        return "+" if key not in before else "~" if before[key] != value else " "

    def was(self, key: Key) -> str | None:
        """What a variable was at the stop before."""
        return self._before.get(self.call, {}).get(key)

    def local_values(self) -> dict[str, str]:
        """The values of the frame's variables by their names, as far as they are known."""
        return {variable.name: variable.value for variable in self._locals()}

    def _locals(self) -> Iterator[Variable]:
        scope = next((scope for scope in self.scopes() or () if scope.name == LOCALS), None)
        yield from (self.items((LOCALS,), scope.reference) or ()) if scope else ()

    def forget(self) -> None:
        """A variable was set: ask for all values again."""
        self._scopes.clear()
        self._items.clear()
        self._more.clear()
        self._texts.clear()
        self._asked.clear()
        self.problems.clear()
