"""Everything wrong with a project at once, for `check` and the debugger's list of problems."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping
from pathlib import Path

from .compiler import compile_problems, generated_problems, task_body
from .config import Config, Value, position_of
from .convert import read_map
from .definition import WorkflowDefinition
from .errors import ConfigError, DigdagError, Position, Problem
from .include import load_file
from .keys import edit_distance
from .names import did_you_mean
from .parameters import TASK_KEYS, OperatorForm
from .pins import PINS_FILE, load_pins
from .project import problems_of, workflow_files, workflow_name
from .schedule import Schedule
from .workflow_file import examine

_GENERATED = ("_do", "_else_do", "_check", "_error")
_INERT_IN_GROUPS = ("timezone", "schedule", "sla", "_secrets", "_check")


def problems(directory: Path, operators: Mapping[str, OperatorForm | None]) -> list[Problem]:
    """What is wrong with the workflow files in `directory`, the files that they call and the pins, by place.

    Errors are what Digdag refuses at the start or surely fails on when it comes to it; warnings are what has no effect.

    Args:
        operators: all operators there are, by name, with what is known of them.
    """
    return _Linter(Path(os.path.abspath(directory)), operators).project()


class _Linter:
    def __init__(self, directory: Path, operators: Mapping[str, OperatorForm | None]) -> None:
        self.directory = directory
        self.operators = operators
        self.found: list[Problem] = []
        self.called: list[Path] = []
        self.names: set[str] = set()
        self.has_plugins = False
        self.has_unread = False

    def project(self) -> list[Problem]:
        try:
            files = workflow_files(self.directory)
        except DigdagError as error:
            return list(problems_of(error))
        if not files:
            hint = "a workflow file's name ends in .dig"
            self.warn("no-workflows", f"There are no workflow files in {self.directory}", None, hint)
        seen = set(files)
        while files:
            for path in files:
                self.file(path)
            files = [path for path in dict.fromkeys(self.called) if path not in seen]
            self.called.clear()
            seen.update(files)
        self.pins()
        return sorted(dict.fromkeys(self.found), key=place_of)

    def pins(self) -> None:
        pins, wrong = load_pins(self.directory / PINS_FILE)
        self.found += wrong
        for name, pin in pins.items():
            if not (name in self.names or "*" in name or "^" in name or self.has_unread):
                hint = did_you_mean(name, sorted(self.names)) or "the full name of a task begins with its workflow's"
                self.warn("unused-pin", f"No task has the name {name}", pin.position, hint)

    def file(self, path: Path) -> None:
        name = workflow_name(self.directory, path)
        try:
            config = load_file(path, self.directory)
        except DigdagError as error:
            self.found += problems_of(error)
            self.has_unread = True
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
        self.names.add(full_name)
        if body.get("_disable") in (True, "true", "True", "TRUE"):
            return
        folder = self.exports(body, folder)
        operator = _operator(body)
        if operator:
            self.operator(*operator, full_name, body, folder)
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
                self.warn("no-effect", f"{key} has no effect on a group", position_of(body, key), "remove it")
        retry = body.get("_retry")
        if isinstance(retry, str) and "${" in retry:
            hint = "write a number, or put _retry on the tasks in it"
            message = "_retry of a group is not evaluated, so this has no effect"
            self.warn("no-effect", message, position_of(body, "_retry"), hint)

    def operator(self, name: str, key: str, full_name: str, body: Config, folder: str | None) -> None:
        position = position_of(body, key)
        if name and name not in self.operators and not self.has_plugins:
            hint = (
                did_you_mean(f"{name}>", [f"{known}>" for known in sorted(self.operators)])
                or "no operator has this name"
            )
            self.found.append(Problem(f"Unknown task type: {name}", position, hint))
        form = self.operators.get(name)
        command = body.get("_command" if key == "_type" else key)
        file = self.command_file(name, form, command)
        place = None if file is None or folder is None else self.directory / folder / file
        if file is not None and place:
            self.used_file(name, file, Path(os.path.normpath(place)), position)
        if form:
            if key != "_type":
                self.required(form, key, body)
            texts = [*_templates(body), _read(place) if place and name != "call" else ""]
            self.keys(form, full_name, body, "\n".join(texts))

    def command_file(self, name: str, form: OperatorForm | None, command: Value) -> str | None:
        """The file that a command names, as far as that is known."""
        if not isinstance(command, str) or "$" in command or not command:
            return None
        if name == "call":
            return command if command.endswith(".dig") else command + ".dig"
        if name == "td_load":
            return command if command.endswith((".yml", ".yaml")) else None
        return command if form and form.template else None

    def used_file(self, name: str, file: str, path: Path, position: Position | None) -> None:
        """Check that a file that an operator reads is there."""
        called = name == "call"
        if not path.is_relative_to(self.directory):
            hint = "call a file of the project" if called else "name a file of the project"
            self.warn("missing-file", f"File name must not be outside of project path: {file}", position, hint)
        elif not path.is_file():
            data = "" if name in ("td_load", "embulk") else ": a text of its own goes below `data:`"
            end = ", with or without .dig" if called else data
            self.warn("missing-file", f"File not found: {path}", position, f"{name}> names a file of the project{end}")
        elif called:
            self.called.append(path)

    def required(self, form: OperatorForm, key: str, body: Config) -> None:
        """Find what no `_export` gives and no operator can do without: a command, and the tasks below."""
        position = position_of(body, key)
        if form.command.required and body[key] is None:
            hint = f"{key} needs a command: {form.command.type}"
            self.found.append(Problem("Parameter '_command' is required but not set", position, hint))
        if form.name == "if" and not (body.get("_do") or body.get("_else_do")):
            hint = "add the tasks to run below _do"
            self.found.append(Problem("Both _do and _else_do are not specified.", position, hint))
        for parameter in form.parameters:
            if parameter.required and parameter.type == "tasks" and parameter.name not in body:
                message = f"Parameter '{parameter.name}' is required but not set"
                self.found.append(Problem(message, position, f"add the tasks to run below {parameter.name}"))

    def keys(self, form: OperatorForm, full_name: str, body: Config, texts: str) -> None:
        """Find keys that the operator does not read and that no template of the task uses.

        Where Digdag itself would not say so, only those count that look like a misspelt one.
        """
        known = TASK_KEYS | form.keys()
        for key in body:
            if key in known or key[:1] == "+" or key.endswith(">") or key in texts or (form.any_key and key[:1] != "_"):
                continue
            near = min(known, key=lambda name: (edit_distance(key, name), name))
            hint = f"did you mean {near}?" if _is_misspelt(key, near) else None
            if form.reports_unused and key[:1] != "_":
                message = f"Parameter '{key}' is not used at task {full_name}."
                self.warn("unused-key", message, position_of(body, key), hint or f"{form.name}> has no such parameter")
            elif hint:
                self.warn("unused-key", f"{form.name}> has no parameter '{key}'", position_of(body, key), hint)

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

    def warn(self, code: str, message: str, position: Position | None, hint: str) -> None:
        self.found.append(Problem(message, position, hint, "warning", code))


def _operator(body: Config) -> tuple[str, str] | None:
    """A task's operator, "" for one that a template names, and the key that says so; None for a group."""
    if "_type" in body:
        kind = body["_type"]
        return (kind, "_type") if isinstance(kind, str) and "$" not in kind else ("", "_type")
    key = next((key for key in body if key.endswith(">")), None)
    return (key[:-1], key) if key else None


def _is_misspelt(key: str, name: str) -> bool:
    """Whether `key` surely stands for `name`: a letter or so differs, or two changed places."""
    return edit_distance(key, name) <= max(1, len(name) // 4) or sorted(key) == sorted(name)


def _templates(value: Value) -> Iterator[str]:
    """The texts in a task with templates in them."""
    match value:
        case str() if "${" in value:
            yield value
        case dict():
            for item in value.values():
                yield from _templates(item)
        case list():
            for item in value:
                yield from _templates(item)
        case _:
            pass


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""


def place_of(problem: Problem) -> tuple[str, int, int]:
    """Where a problem is, to sort by."""
    position = problem.position
    return (position.file, position.line, position.column) if position else ("", 0, 0)
