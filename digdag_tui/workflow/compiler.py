"""A workflow's tree of tasks as a flat list (core 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from .config import Config, Value, position_of
from .convert import read_bool, read_int, read_map, read_strings
from .definition import TaskDefinition, WorkflowDefinition
from .errors import ConfigError, Position, Problem
from .keys import suggestions
from .names import did_you_mean, task_name_failures
from .text import json_text

GROUP_KEYS = (
    "schedule", "_parallel", "timezone", "_error", "sla", "_check", "_export", "_secrets", "_background", "_retry",
    "_after",
)  # fmt: skip
"""The keys that a group may have beside its tasks, in the order in which Digdag suggests them."""

MAX_DEPTH = 200

_VALIDATION = "io.digdag.core.repository.ModelValidationException: "


def compile_workflow(workflow: WorkflowDefinition) -> list[TaskDefinition]:
    """The tasks of a workflow, the root `+<name>` first, each before its children.

    Raises:
        ConfigError: Digdag refuses the workflow; the first of its reasons.
    """
    return _compile_root(workflow).finish()


def compile_generated(parent_full_name: str, name: str, body: Mapping[str, Value]) -> list[TaskDefinition]:
    """The tasks that a task's result or an option makes below it: `^sub`, `^check`, `^error` (core 7).

    Args:
        parent_full_name: the task that they belong to; the first task of the list has no parent in it.
        name: the first task's own name.
        body: its config; operators generate plain mappings, files give a `Config`.

    Raises:
        ConfigError: Digdag refuses the body.
    """
    compilation = _Compilation()
    compilation.add(None, name, parent_full_name + name, _as_config(body), None)
    return compilation.finish()


def compile_problems(workflow: WorkflowDefinition) -> list[Problem]:
    """Every reason for which Digdag refuses a workflow, where `compile_workflow` raises for the first alone."""
    return _compile_root(workflow).problems()


def generated_problems(parent_full_name: str, name: str, body: Mapping[str, Value]) -> list[Problem]:
    """Every reason for which Digdag will refuse a body when its tasks are made."""
    compilation = _Compilation()
    compilation.add(None, name, parent_full_name + name, _as_config(body), None)
    return compilation.problems()


def _compile_root(workflow: WorkflowDefinition) -> _Compilation:
    compilation = _Compilation()
    place = Position(workflow.name + ".dig", 1, 1)
    compilation.add(None, "+" + workflow.name, "+" + workflow.name, workflow.config, place)
    return compilation


class _Task(Struct):
    """A task that is being compiled."""

    index: int
    name: str
    full_name: str
    parent: _Task | None
    config: Config
    is_group: bool
    position: Position | None
    upstreams: list[int] = []

    def without(self, key: str) -> None:
        self.config = self.config.without(key)

    def definition(self) -> TaskDefinition:
        config = self.config
        if "_export" in config and not config["_export"] and config["_export"] in (None, {}):
            config = config.without("_export")
        parent = self.parent.index if self.parent else None
        return TaskDefinition(
            self.index, self.full_name, parent, tuple(self.upstreams), self.is_group, config, self.position
        )


class _Compilation:
    """Collects tasks and everything wrong with them, in Digdag's order."""

    def __init__(self) -> None:
        self.tasks: list[_Task] = []
        self.errors: list[ConfigError] = []
        self.found: list[Problem] = []
        self.invalid_keys: list[tuple[str, list[Problem]]] = []

    def finish(self) -> list[TaskDefinition]:
        """The tasks.

        Raises:
            ConfigError: the first error: of structure, of names, of keys.
        """
        if self.errors:
            raise self.errors[0]
        for task in self.tasks:
            if failures := task_name_failures(task.name, position=task.position):
                message = "\n".join([f"{_VALIDATION}Validating workflow task failed", *map(str, failures)])
                raise ConfigError(message, position=task.position)
        if self.invalid_keys:
            lines = [line for line, _ in self.invalid_keys]
            first = self.invalid_keys[0][1][0]
            message = "\n".join([f"{_VALIDATION}Validating workflow failed", *lines])
            raise ConfigError(message, position=first.position, hint=first.hint)
        return [task.definition() for task in self.tasks]

    def problems(self) -> list[Problem]:
        """Everything wrong."""
        found = list(self.found)
        for task in self.tasks:
            found += [failure.problem for failure in task_name_failures(task.name, position=task.position)]
        found += [problem for _, problems in self.invalid_keys for problem in problems]
        return found

    def refuse(self, error: ConfigError) -> None:
        self.errors.append(error)
        self.found.append(Problem(error.message, error.position, error.hint))

    def fail(self, message: str, position: Position | None, hint: str | None = None) -> None:
        self.refuse(ConfigError(message, position=position, hint=hint))

    def add(
        self, parent: _Task | None, name: str, full_name: str, body: Config, position: Position | None, depth: int = 0
    ) -> None:
        """Add a task and its children (core 4.1); what is wrong is noted in the order in which Digdag sees it."""
        subtasks = [key for key in body if key[:1] == "+"]
        bodies = self.task_bodies(body, subtasks) if subtasks else {}
        operators = [key for key in body if key[-1:] == ">"]
        own = _without_subtasks(body) if subtasks else body
        task = _Task(len(self.tasks), name, full_name, parent, own, not operators and "_type" not in own, position)
        self.tasks.append(task)
        if depth > MAX_DEPTH:
            self.fail(f"Tasks are nested more than {MAX_DEPTH} deep", position)
            return
        try:
            if "_disable" in own and read_bool(own, "_disable", False):
                task.config, task.is_group = Config({"_disable": True}), True
                return
        except ConfigError as error:
            self.refuse(error)
            return
        if task.is_group:
            self.add_children(task, body, bodies, depth)
        elif bodies:
            hint = "give the operator a task of its own beside the subtasks"
            self.fail(f"A task can't have subtasks: {json_text(own)}", position_of(body, next(iter(bodies))), hint)
        elif len(operators) > 1:
            hint = "make each operator a task of its own"
            message = f"A task can't have more than one operator: {json_text(own)}"
            self.fail(message, position_of(body, operators[1]), hint)
        try:
            error_body = read_map(own, "_error", {})
        except ConfigError as error:
            self.refuse(error)
            return
        if error_body:
            self.check_generated(full_name + "^error", error_body)

    def task_bodies(self, body: Config, names: Sequence[str]) -> dict[str, Config]:
        """The bodies of a group's tasks."""
        bodies = {}
        for name in names:
            try:
                bodies[name] = task_body(body, name)
            except ConfigError as error:
                self.refuse(error)
        return bodies

    def check_generated(self, full_name: str, body: Mapping[str, Value]) -> None:
        """What is wrong with tasks that are generated later."""
        inner = _Compilation()
        inner.add(None, "^error", full_name, _as_config(body), None)
        self.found += inner.problems()
        try:
            inner.finish()
        except ConfigError as error:
            self.errors.append(error)

    def add_children(self, group: _Task, body: Config, bodies: Mapping[str, Config], depth: int) -> None:
        keys = [key for key in group.config if key not in GROUP_KEYS]
        if keys:
            self.invalid_keys.append((_invalid_keys_line(group, keys), [_key_problem(group, key) for key in keys]))
        children = []
        for name, child in bodies.items():
            children.append(len(self.tasks))
            self.add(group, name, group.full_name + name, child, position_of(body, name), depth + 1)
        try:
            link([self.tasks[index] for index in children], group.config)
        except ConfigError as error:
            self.refuse(error)


def link(siblings: Sequence[_Task], group: Config) -> None:
    """Set the upstreams of a group's tasks, and take the options away that say so (core 4.2).

    Raises:
        ConfigError: an option is not valid here.
    """
    is_parallel, limit = _parallel(group)
    if is_parallel:
        _link_parallel(siblings, limit)
    else:
        _link_sequence(siblings)


def _link_sequence(siblings: Sequence[_Task]) -> None:
    before: list[int] = []
    for task in siblings:
        config = task.config
        if "_after" in config:
            raise ConfigError(
                'Setting "_after" option is invalid if its parent task doesn\'t have "_parallel: true" option',
                position=position_of(config, "_after"),
                hint="add `_parallel: true` to the group, or remove it: tasks run in the order of the file",
            )
        if "_background" in config:
            is_background = read_bool(config, "_background", False)
            task.without("_background")
            if is_background:
                before.append(task.index)
                continue
        task.upstreams += before
        before = [task.index]


def _link_parallel(siblings: Sequence[_Task], limit: int) -> None:
    names: dict[str, int] = {}
    for place, task in enumerate(siblings):
        config = task.config
        if "_background" in config and read_bool(config, "_background", False):
            raise ConfigError(
                'Setting "_background: true" option is invalid (unnecessary) if its parent task has '
                '"_parallel: true" option',
                position=position_of(config, "_background"),
                hint="remove it",
            )
        if "_after" in config:
            for name in read_strings(config, "_after", []):
                if name not in names:
                    raise ConfigError(
                        f"Dependency task '{'null' if name is None else name}' does not exist",
                        position=position_of(config, "_after"),
                        hint="name a task that stands before this one in the same group",
                    )
                task.upstreams.append(names[name])
            task.without("_after")
        if limit > 0:
            chunk = place - place % limit
            task.upstreams += [sibling.index for sibling in siblings[max(chunk - limit, 0) : chunk]]
        names[task.name] = task.index


def _parallel(group: Config) -> tuple[bool, int]:
    """Whether a group's tasks run side by side, and how many at a time; 0 for all."""
    if "_parallel" not in group:
        return False, 0
    value = group["_parallel"]
    if isinstance(value, dict):
        try:
            return True, max(read_int(value, "limit"), 0)
        except ConfigError as error:
            error.position = error.position or position_of(group, "_parallel")
            raise
    if not isinstance(value, (bool, str)):
        position = position_of(group, "_parallel")
        hint = "write true, false or {limit: N}"
        raise ConfigError(f"Invalid _parallel format: {json_text(value)}", position=position, hint=hint)
    return read_bool(group, "_parallel"), 0


def task_body(parent: Config, name: str) -> Config:
    """The body of the task `name`: an object, or a list of objects that are laid over each other (core 2).

    Raises:
        ConfigError: it is neither.
    """
    value = parent[name]
    if isinstance(value, dict):
        return _as_config(value)
    position = position_of(parent, name)
    if not isinstance(value, list):
        hint = "write the operator on a line of its own, such as `echo>: hello`; an empty task is {}"
        message = f"Parameter '{name}' must be an object or array of objects"
        raise ConfigError(message, position=position, hint=hint)
    body = Config()
    for item in value:
        if not isinstance(item, dict):
            raise ConfigError(f"Expected object but got {json_text(item)}", position=position)
        body.update(item)
        body.positions.update(item.positions if isinstance(item, Config) else {})
    return body


def _as_config(body: Mapping[str, Value]) -> Config:
    return body if isinstance(body, Config) else Config(body)


def _without_subtasks(body: Config) -> Config:
    own = Config()
    for key, value in body.items():
        if key[:1] != "+":
            own[key] = value
            if key in body.positions:
                own.positions[key] = body.positions[key]
    return own


def _invalid_keys_line(task: _Task, keys: list[str]) -> str:
    texts = []
    for key in keys:
        near = suggestions(key, GROUP_KEYS)
        texts.append(f"'{key}' (did you mean [{', '.join(near)}]?)" if near else f"'{key}'")
    return f'{task.full_name} contains invalid keys: {", ".join(texts)}: "{json_text(task.config)}"'


def _key_problem(task: _Task, key: str) -> Problem:
    hint = did_you_mean(key, GROUP_KEYS)
    if not hint and key[:1].isalpha():
        hint = f"write {key}>: for an operator, +{key}: for a task, or put a param in _export"
    hint = hint or "a group has tasks and options only"
    return Problem(f"{task.full_name} contains invalid keys: '{key}'", position_of(task.config, key), hint)
