"""Everything wrong with a project at once, its params included, for `check` and the debugger's list of problems."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..workflow.config import Config, Value
from ..workflow.definition import Project, WorkflowDefinition
from ..workflow.errors import DigdagError, Position, Problem
from ..workflow.expansion import OPEN, Node, expand
from ..workflow.lint import place_of, problems
from ..workflow.parameters import OperatorForm
from ..workflow.project import load_project
from ..workflow.python_outside import import_that_fails
from ..workflow.python_source import PythonSource
from .checks import Candidate, Checks
from .containers import Lacks, container_problems
from .findings import outside_problem
from .flow import Flow
from .layers import Layer, Source


def all_problems(
    directory: Path,
    operators: Mapping[str, OperatorForm | None],
    given: Sequence[Layer] = (),
    lacks: Lacks | None = None,
) -> list[Problem]:
    """What is wrong with a project, by place: its files, its tasks, its params.

    Args:
        operators: all operators there are, by name, with what is known of them.
        given: the layers of params that a run would be given.
        lacks: tells of each image that this machine cannot run; without it nobody asks.
    """
    directory = Path(os.path.abspath(directory))
    found = problems(directory, operators)
    try:
        project = load_project(directory)
    except DigdagError:
        return found
    return sorted(dict.fromkeys([*found, *param_problems(project, operators, given, lacks)]), key=place_of)


def param_problems(
    project: Project,
    operators: Mapping[str, OperatorForm | None],
    given: Sequence[Layer] = (),
    lacks: Lacks | None = None,
) -> list[Problem]:
    """What is wrong with the params of a project's workflows; those that do not compile are left out.

    What a workflow lacks counts only if it lacks it too where other workflows call it.
    """
    python = PythonSource(project.directory)
    trees: dict[str, list[Node]] = {}
    for name, workflow in project.workflows.items():
        try:
            trees[name] = expand(project.directory, workflow, python)
        except DigdagError:
            continue
    required = _required_params(trees)
    found: list[Problem] = []
    flows: list[Flow] = []
    candidates: dict[tuple[Position | None, str, str], list[Problem | None]] = {}
    for name, nodes in trees.items():
        if name in required and required[name] is None:
            continue
        layers = [*given, *([Layer(Source.SESSION, required[name] or {})] if name in required else [])]
        flow = flow_of(project, project.workflows[name], nodes, operators, layers)
        flows.append(flow)
        for problem in Checks(flow).problems():
            if isinstance(problem, Candidate):
                candidates.setdefault(problem.place, []).append(problem.problem)
            else:
                found.append(problem)
    for everywhere in candidates.values():
        if everywhere[0] and all(everywhere):
            found.append(everywhere[0])
    for file, tree in python.files():
        if statement := import_that_fails(tree):
            found.append(outside_problem(Position(file, statement.lineno, statement.col_offset + 1)))
    if lacks:
        found += container_problems(flows, lacks)
    return list(dict.fromkeys(found))


def flow_of(
    project: Project,
    workflow: WorkflowDefinition,
    nodes: Sequence[Node],
    operators: Mapping[str, OperatorForm | None],
    given: Sequence[Layer] = (),
) -> Flow:
    """Who sets and who reads the params of a workflow that `expand` gave the tasks of."""
    is_scheduled = "schedule" in workflow.config
    return Flow(nodes, project.directory, operators, given, timezone=workflow.timezone, is_scheduled=is_scheduled)


def _required_params(trees: Mapping[str, Sequence[Node]]) -> dict[str, Config | None]:
    """What `require>` gives to other workflows, by their names; None where only running it tells."""
    found: dict[str, Config | None] = {}
    for node in _requiring(trees):
        name, params = node.command, node.own.get("params", {})
        if not isinstance(name, str) or (isinstance(params, dict) and not params):
            continue
        if not _is_known(params) or "$" in name or found.get(name, True) is None:
            found[name] = None
        else:
            found[name] = Config({**(found.get(name) or {}), **dict.fromkeys(params, OPEN)})
    return found


def _requiring(trees: Mapping[str, Sequence[Node]]) -> Iterator[Node]:
    return (node for nodes in trees.values() for node in nodes if node.operator == "require")


def _is_known(params: Value) -> bool:
    return isinstance(params, dict)
