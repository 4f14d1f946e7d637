"""A workflow's tasks with those that they will generate, as far as that can be told without running anything.

What `_do`, `_check`, `_error`, `call>` and `add_subtask` make is there once, whatever the number of rounds: a part of a
name that only running it tells is `*`.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .compiler import compile_generated, compile_workflow
from .config import Config, Params, Value
from .definition import TaskDefinition, WorkflowDefinition
from .errors import DigdagError, Position
from .project import load_called
from .python_signature import Call
from .python_source import Function, PythonSource

_ROUNDS: Final = {"loop": "+loop-", "for_each": "+for-", "for_range": "+range-", "td_for_each": "+td-for-each-"}
_PLACE: Final = "+round"
_MOST: Final = 50_000
"""More tasks than that are not looked at."""


@dataclass(slots=True, eq=False)
class Node:
    """A task: one of a workflow file, or one that another task generates.

    `operator` is None for a group and "" where only running tells it; `key` is what names it in `config`. `folder` is
    the working directory in the project, None where that is not known. `is_round` says that the task is done for each
    round of a loop. `may_generate` is set where it has tasks below that are not known. `end` is the index behind all
    that is in it.
    """

    full_name: str
    config: Config
    parent: Node | None
    operator: str | None
    key: str
    position: Position | None
    folder: str | None
    upstreams: list[Node] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    call: Call | None = None
    function: Function | None = None
    is_round: bool = False
    may_generate: bool = False
    index: int = 0
    end: int = 0
    depth: int = 0

    @property
    def export(self) -> Params:
        """Its `_export`."""
        export = self.config.get("_export")
        return export if isinstance(export, dict) else {}

    @property
    def own(self) -> Config:
        """Its keys that are params of its own: what is generated of it and what is exported is left out."""
        return self.config.without("_export", "_check", "_error")

    @property
    def command(self) -> Value:
        """What its operator is given."""
        return self.config.get("_command" if self.key == "_type" else self.key)

    def ancestors(self) -> Iterator[Node]:
        """Parents, nearest first."""
        node = self.parent
        while node:
            yield node
            node = node.parent

    def descendants(self) -> Iterator[Node]:
        """Everything below, in pre-order."""
        for child in self.children:
            yield child
            yield from child.descendants()

    def last_part(self) -> str:
        """The end of its name, as a person would write it."""
        return self.full_name[len(self.parent.full_name) :] if self.parent else self.full_name


def expand(project: Path, workflow: WorkflowDefinition, python: PythonSource | None = None) -> list[Node]:
    """All tasks of a workflow, the root first, each before what is in it.

    Args:
        project: its directory, absolute.
        python: the project's Python files, where they were read before.

    Raises:
        ConfigError: Digdag refuses the workflow.
    """
    return _Expansion(project, python or PythonSource(project)).of(workflow)


class _Expansion:
    def __init__(self, project: Path, python: PythonSource) -> None:
        self.project = project
        self.python = python
        self.count = 0

    def of(self, workflow: WorkflowDefinition) -> list[Node]:
        root = self.add(compile_workflow(workflow), None, os.path.dirname(workflow.name))
        waiting: list[tuple[Node, tuple[str, ...]]] = [(root, (str(workflow.path),))]
        while waiting:
            top, inside = waiting.pop()
            for node in [top, *top.descendants()]:
                waiting += [(new, (*inside, *made)) for new, made in self.generate(node, inside)]
        nodes = [root, *root.descendants()]
        for index, node in enumerate(nodes):
            node.index = index
            node.depth = node.parent.depth + 1 if node.parent else 0
        for node in reversed(nodes):
            node.end = node.children[-1].end if node.children else node.index + 1
        return nodes

    def add(
        self,
        tasks: Iterable[TaskDefinition],
        parent: Node | None,
        folder: str | None,
        rename: tuple[str, str] = ("", ""),
    ) -> Node:
        """The nodes of a compiled list of tasks; the first of them."""
        nodes: list[Node] = []
        for task in tasks:
            above = parent if task.parent is None else nodes[task.parent]
            inherited = above.folder if above else folder
            node = Node(
                task.full_name.replace(*rename, 1) if rename[0] else task.full_name,
                task.config,
                above,
                *_operator(task),
                task.position,
                _folder(task.config, inherited),
                [nodes[index] for index in task.upstreams],
            )
            if above:
                above.children.append(node)
            nodes.append(node)
        self.count += len(nodes)
        return nodes[0]

    def generate(self, node: Node, inside: tuple[str, ...]) -> Iterator[tuple[Node, tuple[str, ...]]]:
        """What a task will add below itself, with what must not be gone into again there."""
        if self.count > _MOST:
            node.may_generate = True
            return
        before = len(node.children)
        if node.operator is not None:
            yield from self.subtasks(node, inside)
            yield from self.body(node, "_check", "^check")
        for made, what in list(self.body(node, "_error", "^error")):
            made.upstreams = node.children[: max(before, len(node.children) - 1)]
            error = {"error": {"message": "", "stacktrace": ""}}
            made.config = _exporting(made.config, error, made.position)
            yield made, what

    def subtasks(self, node: Node, inside: tuple[str, ...]) -> Iterator[tuple[Node, tuple[str, ...]]]:
        """What stands below `^sub`."""
        match node.operator:
            case "call":
                yield from self.called(node, inside)
            case "py":
                yield from self.python_tasks(node, inside)
            case "http_call" | "rb" | "":
                node.may_generate = True
            case operator:
                prefix = _ROUNDS.get(operator or "")
                for key in ("_do", "_else_do"):
                    for made, what in self.body(node, key, "^sub", prefix):
                        if prefix:
                            made.is_round = "_parallel" not in node.config
                            made.config = _exporting(made.config, *_round_values(node))
                        yield made, what

    def body(
        self, node: Node, key: str, name: str, rounds: str | None = None
    ) -> Iterator[tuple[Node, tuple[str, ...]]]:
        """The tasks of a body that stands in the task's own config."""
        body = node.config.get(key)
        if not isinstance(body, dict):
            return
        place = f"{node.full_name}{name}"
        try:
            if rounds:
                tasks = compile_generated(place, _PLACE, body)
                yield self.add(tasks, node, node.folder, (place + _PLACE, f"{place}{rounds}*")), ()
            else:
                yield self.add(compile_generated(node.full_name, name, body), node, node.folder), ()
        except DigdagError:
            node.may_generate = True

    def called(self, node: Node, inside: tuple[str, ...]) -> Iterator[tuple[Node, tuple[str, ...]]]:
        command = node.command
        if not isinstance(command, str) or "$" in command or node.folder is None:
            node.may_generate = True
            return
        path = Path(os.path.normpath(self.project / node.folder / command.removesuffix(".dig")) + ".dig")
        if str(path) in inside:
            node.may_generate = True
            return
        try:
            workflow = load_called(self.project, path.relative_to(self.project))
            tasks = compile_generated(node.full_name, "^sub", workflow.config)
        except (DigdagError, ValueError):
            node.may_generate = True
            return
        yield self.add(tasks, node, node.folder), (str(path),)

    def python_tasks(self, node: Node, inside: tuple[str, ...]) -> Iterator[tuple[Node, tuple[str, ...]]]:
        command = node.command
        if isinstance(command, str) and "$" not in command and node.folder is not None:
            node.call = self.python.call(command, node.folder)
            node.function = self.python.function(command, node.folder)
        if node.function is None:
            node.may_generate = True
            return
        earlier: list[Node] = []
        for subtask in dict.fromkeys(node.function.subtasks):
            if subtask.command in inside:
                node.may_generate = True
                continue
            config = Config({"py>": subtask.command, **dict.fromkeys(subtask.keys, OPEN)})
            config.positions.update(dict.fromkeys(config, subtask.position))
            name = f"{node.full_name}^sub+subtask*"
            made = Node(name, config, node, "py", "py>", subtask.position, node.folder, list(earlier))
            node.children.append(made)
            earlier.append(made)
            self.count += 1
            yield made, (subtask.command,)


class Open:
    """Stands for a value that only running the workflow tells."""

    def __repr__(self) -> str:
        return "?"


OPEN: Final = Open()


def _operator(task: TaskDefinition) -> tuple[str | None, str]:
    """A task's operator, "" for one that a template names, and the key that says so."""
    config = task.config
    if task.is_group:
        return None, ""
    if "_type" in config:
        kind = config["_type"]
        return (kind if isinstance(kind, str) and "$" not in kind else ""), "_type"
    key = next(key for key in config if key.endswith(">"))
    return key[:-1], key


def _folder(config: Mapping[str, Value], inherited: str | None) -> str | None:
    export = config.get("_export")
    folder = config.get("_workdir", export.get("_workdir", inherited) if isinstance(export, dict) else inherited)
    return folder if isinstance(folder, str) and "$" not in folder else None


def _round_values(node: Node) -> tuple[Params, Position | None]:
    """What a loop sets for each of its rounds."""
    position = node.config.positions.get(node.key)
    match node.operator:
        case "loop":
            return {"i": OPEN}, position
        case "for_range":
            return {"range": {"from": OPEN, "to": OPEN, "index": OPEN}}, position
        case "td_for_each":
            return {"td": {"each": OPEN}}, position
        case _:
            command = node.command
            if not isinstance(command, dict):
                node.may_generate = True
                return {}, position
            places = command.positions if isinstance(command, Config) else {}
            return Config(dict.fromkeys(command, OPEN), places), position


def _exporting(config: Config, values: Params, position: Position | None) -> Config:
    """A task's config with more in its `_export`."""
    given = config.get("_export")
    export = (
        Config(given, given.positions if isinstance(given, Config) else {}) if isinstance(given, dict) else Config()
    )
    for key, value in values.items():
        export[key] = value
        place = values.positions.get(key) if isinstance(values, Config) else position
        if place:
            export.positions[key] = place
    return Config({**config, "_export": export}, config.positions)
