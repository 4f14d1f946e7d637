"""Problems a person can fix: each is one sentence with its place and what to do.

DigdagError                 message, kind, position, hint
├── ConfigError             "(config)": a value that Digdag refuses
├── ProjectError            "(model validation)": files that do not load; holds every Problem
├── TaskExecutionError      an expected failure of a task; no kind
└── TaskRuntimeError        any other failure of a task: "(runtime)" or the kind it names
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Position(Struct, frozen=True):
    """A place in a source file; `line` and `column` count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(Struct, frozen=True):
    """One thing wrong with a project, in Digdag's words, with our place and hint."""

    message: str
    position: Position | None = None
    hint: str | None = None
    severity: Literal["error", "warning"] = "error"
    code: str = ""
    """The short name of a kind of warning, such as `undefined-name`."""

    def __str__(self) -> str:
        place = f"{self.position}: " if self.position else ""
        hint = f" ({self.hint})" if self.hint else ""
        code = f" [{self.code}]" if self.code else ""
        return f"{place}{self.severity}: {self.message}{hint}{code}"


class DigdagError(Exception):
    """A failure with Digdag's message.

    Args:
        message: Digdag's own text, without the kind.
        kind: the words of the Java class, such as `secret not found`, where they are not the class's own.
        position: where in the source, when known.
        hint: what the person can do about it, when we know.
    """

    kind: str | None = None

    def __init__(
        self, message: str, kind: str | None = None, *, position: Position | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind or self.kind
        self.position = position
        self.hint = hint

    @property
    def error_message(self) -> str:
        """`error.message` as `_error`, the REST API and the final report show it (core 5.5).

        Of an error without a message it is the name of Digdag's class.
        """
        message = self.message or f"{(self.kind or 'task execution').title().replace(' ', '')}Exception"
        return f"{message} ({self.kind})" if self.kind else message

    @property
    def advice(self) -> str | None:
        """Where the mistake is and what to do, as far as we know."""
        return ": ".join(str(part) for part in (self.position, self.hint) if part) or None

    @property
    def log_message(self) -> str:
        """The message and those of its causes, one `> ` line each (core 10.2)."""
        lines = [self.error_message]
        cause = self.__cause__
        while isinstance(cause, DigdagError):
            if cause.message not in "\n".join(lines):
                lines.append(cause.error_message)
            cause = cause.__cause__
        return "\n> ".join(lines)


class ConfigError(DigdagError):
    """Digdag's ConfigException."""

    kind = "config"


class TaskExecutionError(DigdagError):
    """Digdag's TaskExecutionException: a failure that an operator expects, such as `fail>`'s."""


class TaskRuntimeError(DigdagError):
    """Any other failure of a task."""

    kind = "runtime"


class ProjectError(DigdagError):
    """A project that cannot be loaded or compiled; `problems` has at least one."""

    kind = "model validation"

    def __init__(self, message: str, problems: list[Problem]) -> None:
        super().__init__(message)
        self.problems = problems
