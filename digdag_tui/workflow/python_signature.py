"""What a callable of a `py>` task takes, and what Digdag's runner gives it: arguments by name (operators 4.4)."""

from __future__ import annotations

from collections.abc import Container
from typing import Literal, TypeAlias

from msgspec import Struct

from .errors import Position
from .python_arguments import Argument

How: TypeAlias = Literal["bound", "given", "default", "rest", "keywords", "missing", "never"]
"""Where an argument's value comes from: Python's own `self`, a param, the default, `*` and `**`, or nowhere.

`missing` is what Digdag asks for, `never` what it cannot give.
"""


class Slot(Struct, frozen=True):
    """An argument and where its value comes from; `error` is why the call fails for it."""

    argument: Argument
    how: How
    error: str | None = None


class Signature(Struct, frozen=True):
    """What a callable takes, as `inspect.getfullargspec` tells it to the runner.

    `title` is its qualified name. `skipped` is how many of the first arguments the runner leaves out, as it does for
    methods; `is_bound` tells that Python gives those. `unknown` is why the source does not tell what it takes.
    `never_runs` is why a call does not run its body. `wrapper` names the decorator whose arguments these are,
    `hidden` are those of the function behind it. `condition` tells that it is there only in some cases.
    `names_missing` tells that the runner can say which argument is missing.
    """

    title: str
    position: Position | None
    arguments: tuple[Argument, ...] = ()
    skipped: int = 0
    is_bound: bool = True
    unknown: str | None = None
    never_runs: str | None = None
    wrapper: str | None = None
    hidden: tuple[Argument, ...] = ()
    condition: str | None = None
    names_missing: bool = True

    @property
    def asked(self) -> tuple[Argument, ...]:
        """The arguments that the runner looks for among the params, and passes by name."""
        named = [argument for argument in self.arguments if argument.kind.startswith("positional")]
        return tuple(named[self.skipped :])

    @property
    def takes_all(self) -> bool:
        """Whether all params are passed: it has `**keywords`, or the source does not tell."""
        return self.unknown is not None or any(item.kind == "variadic keyword" for item in self.arguments)

    @property
    def hides_arguments(self) -> bool:
        """Whether a decorator takes all params for a function that does not."""
        behind = any(item.kind == "variadic keyword" for item in self.hidden)
        return self.wrapper is not None and self.takes_all and not behind

    def slots(self, names: Container[str]) -> list[Slot]:
        """Where the value of each argument comes from when the task has params of these names."""
        asked = {argument.name for argument in self.asked}
        return [
            self._slot(number, argument, argument.name in names and (self.takes_all or argument.name in asked))
            for number, argument in enumerate(self.arguments)
        ]

    def _slot(self, number: int, argument: Argument, passed: bool) -> Slot:
        name, has_default = argument.name, argument.default is not None
        match argument.kind:
            case "variadic positional":
                return Slot(argument, "rest")
            case "variadic keyword":
                return Slot(argument, "keywords")
            case _ if number < self.skipped and self.is_bound:
                return Slot(argument, "bound")
            case "positional-only" if passed or number >= self.skipped:
                return self._positional_only(argument, passed)
            case _ if passed:
                return Slot(argument, "given")
            case _ if has_default:
                return Slot(argument, "default")
            case "keyword-only":
                error = f"{name} can be given by keyword only, and Digdag passes no such argument: the call fails"
            case _ if number < self.skipped:
                error = f"Digdag takes the first argument of a static method for self and never gives {name}"
            case _:
                return Slot(argument, "missing", self._missing(name))
        return Slot(argument, "never", error)

    def _missing(self, name: str) -> str:
        if self.names_missing:
            return f"Method '{self.title}' requires parameter '{name}' but not set"
        return "Digdag says so in its own way: 'functools.partial' object has no attribute '__name__'"

    def _positional_only(self, argument: Argument, passed: bool) -> Slot:
        name = argument.name
        if not passed and argument.default is None:
            return Slot(argument, "missing", self._missing(name))
        if passed and not (self.takes_all and argument.default is not None):
            error = f"{name} can be given by position only, and Digdag gives arguments by name: the call fails"
            return Slot(argument, "never", error)
        return Slot(argument, "default")


class Call(Struct):
    """What a `py>` command calls: a function, or a constructor and then a method.

    `problem` is why nothing can be said about it, or why it cannot be called; `advice` what to do.
    """

    command: str
    position: Position | None = None
    signatures: tuple[Signature, ...] = ()
    problem: str | None = None
    advice: str | None = None

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """All arguments that params are looked for."""
        return tuple(argument for signature in self.signatures for argument in signature.asked)

    @property
    def takes_all(self) -> bool:
        """Whether any of it is passed all params."""
        return any(signature.takes_all for signature in self.signatures)
