"""Everything wrong with a project at once, for `check` and the debugger's list of problems."""

from __future__ import annotations

import os.path
from collections.abc import Collection
from pathlib import Path

from .compiler import compile_problems, generated_problems, task_body
from .config import Config, position_of
from .convert import read_map
from .definition import WorkflowDefinition
from .errors import ConfigError, DigdagError, Position, Problem
from .include import load_file
from .names import did_you_mean
from .project import problems_of, workflow_files, workflow_name
from .schedule import Schedule
from .workflow_file import examine

_GENERATED = ("_do", "_else_do", "_check", "_error")
_INERT_IN_GROUPS = ("timezone", "schedule", "sla", "_secrets", "_check")


def problems(directory: Path, operators: Collection[str]) -> list[Problem]:
    """What is wrong with the workflow files in `directory` and the files that they call, by place.

    Errors are what Digdag refuses at the start or surely fails on when it comes to it; warnings are what has no effect.

    Args:
        operators: the names of all operators there are.
    """
    return _Linter(Path(os.path.abspath(directory)), operators).project()


class _Linter:
    def __init__(self, directory: Path, operators: Collection[str]) -> None:
        self.directory = directory
        self.operators = operators
        self.found: list[Problem] = []
        self.called: list[Path] = []
        self.has_plugins = False

    def project(self) -> list[Problem]:
        try:
            files = workflow_files(self.directory)
        except DigdagError as error:
            return list(problems_of(error))
        if not files:
            self.warn(f"There are no workflow files in {self.directory}", None, "a workflow file's name ends in .dig")
        seen = set(files)
        while files:
            for path in files:
                self.file(path)
            files = [path for path in dict.fromkeys(self.called) if path not in seen]
            self.called.clear()
            seen.update(files)
        return sorted(dict.fromkeys(self.found), key=_place)

    def file(self, path: Path) -> None:
        name = workflow_name(self.directory, path)
        try:
            config = load_file(path, self.directory)
        except DigdagError as error:
            self.found += problems_of(error)
            return
        workflow, errors = examine(name, path, config)
        for wrong in errors:
            self.found += problems_of(wrong)
        folder = os.path.dirname(name)
        if folder:
            self.found += generated_problems("+" + name, "^sub", workflow.config)
        else:
            self.found += compile_problems(workflow)
            self.schedule(workflow)
        self.task("+" + name, workflow.config, folder, is_root=True)

    def schedule(self, workflow: WorkflowDefinition) -> None:
        try:
            schedule = Schedule.of(workflow)
        except ConfigError as error:
            position = error.position or position_of(workflow.config, "schedule")
            self.found.append(Problem(error.message, position, error.hint))
        else:
            self.found += schedule.warnings if schedule else ()

    def task(self, full_name: str, body: Config, folder: str | None, *, is_root: bool = False) -> None:
        """A task and what is below it; `folder` is the working directory in the project, None when it is not known."""
        if body.get("_disable") in (True, "true", "True", "TRUE"):
            return
        folder = self.exports(body, folder)
        operator = _operator(body)
        if operator:
            self.operator(*operator, body, folder)
        else:
            self.group(body, is_root)
        for key in _GENERATED:
            if operator or key == "_error":
                self.generated(full_name, key, body, folder)
        if operator:
            return
        for name in body:
            if name[:1] == "+":
                try:
                    inner = task_body(body, name)
                except ConfigError:
                    continue  # the compiler has told of it
                self.task(full_name + name, inner, folder)

    def exports(self, body: Config, folder: str | None) -> str | None:
        """Check `_export`; the working directory below."""
        try:
            export = read_map(body, "_export", {}) or {}
        except ConfigError as error:
            self.found += problems_of(error)
            return folder
        self.has_plugins |= "plugin" in export
        workdir = export.get("_workdir", folder)
        return workdir if isinstance(workdir, str) and "$" not in workdir else None

    def group(self, body: Config, is_root: bool) -> None:
        for key in ("_check",) if is_root else _INERT_IN_GROUPS:
            if key in body:
                self.warn(f"{key} has no effect on a group", position_of(body, key), "remove it")
        retry = body.get("_retry")
        if isinstance(retry, str) and "${" in retry:
            hint = "write a number, or put _retry on the tasks in it"
            self.warn("_retry of a group is not evaluated, so this has no effect", position_of(body, "_retry"), hint)

    def operator(self, name: str, key: str, body: Config, folder: str | None) -> None:
        position = position_of(body, key)
        if name and name not in self.operators and not self.has_plugins:
            hint = (
                did_you_mean(f"{name}>", [f"{known}>" for known in sorted(self.operators)])
                or "no operator has this name"
            )
            self.found.append(Problem(f"Unknown task type: {name}", position, hint))
        command = body.get("_command" if key == "_type" else key)
        if name == "call" and folder is not None and isinstance(command, str) and "$" not in command:
            file = command if command.endswith(".dig") else command + ".dig"
            path = Path(os.path.normpath(os.path.join(self.directory, folder, file)))
            if not path.is_relative_to(self.directory):
                self.warn(
                    f"File name must not be outside of project path: {file}", position, "call a file of the project"
                )
            elif path.is_file():
                self.called.append(path)
            else:
                self.warn(
                    f"File not found: {path}", position, "call> names a file of the project, with or without .dig"
                )

    def generated(self, full_name: str, key: str, body: Config, folder: str | None) -> None:
        """Tasks that are compiled when they are needed: `_do`, `_check`, `_error`."""
        inner = body.get(key)
        if not isinstance(inner, dict):
            return
        suffix = "^sub" if key in ("_do", "_else_do") else key.replace("_", "^")
        config = inner if isinstance(inner, Config) else Config(inner)
        if key != "_error":
            self.found += generated_problems(full_name, suffix, config)
        self.task(full_name + suffix, config, folder)

    def warn(self, message: str, position: Position | None, hint: str) -> None:
        self.found.append(Problem(message, position, hint, "warning"))


def _operator(body: Config) -> tuple[str, str] | None:
    """A task's operator, "" for one that a template names, and the key that says so; None for a group."""
    if "_type" in body:
        kind = body["_type"]
        return (kind, "_type") if isinstance(kind, str) and "$" not in kind else ("", "_type")
    key = next((key for key in body if key.endswith(">")), None)
    return (key[:-1], key) if key else None


def _place(problem: Problem) -> tuple[str, int, int]:
    position = problem.position
    return (position.file, position.line, position.column) if position else ("", 0, 0)
