"""Static tasks and refusals, held against what the real Digdag did; `shared/conformance` lies beside the project."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from digdag_tui.workflow.compiler import compile_workflow
from digdag_tui.workflow.convert import read_map
from digdag_tui.workflow.definition import TaskDefinition
from digdag_tui.workflow.errors import DigdagError
from digdag_tui.workflow.project import find_workflow, load_project
from digdag_tui.workflow.schedule import Schedule

CONFORMANCE = Path(__file__).parents[3] / "shared" / "conformance"

if not CONFORMANCE.is_dir():
    pytest.skip("there are no recorded cases here", allow_module_level=True)


def load_check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check", CONFORMANCE / "check.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHECK = load_check()
CASES = sorted(path.parent for path in CONFORMANCE.glob("cases/*/*/expected.json"))


def compiled(case: Path) -> list[TaskDefinition]:
    """The static tasks of a case; refuses what Digdag refuses before anything runs."""
    about = yaml.safe_load((case / "case.yml").read_text(encoding="utf-8")) or {}
    project = load_project(case)
    workflow = find_workflow(project, about.get("workflow", "main"))
    tasks = {each.name: compile_workflow(each) for each in project.workflows.values()}[workflow.name]
    for task in tasks:
        read_map(task.config, "_export", {})
    Schedule.of(workflow)
    return tasks


def rows(tasks: list[TaskDefinition]) -> Any:
    """The tasks as plain JSON, by full name."""
    names = [task.full_name for task in tasks]
    found = [
        {
            "fullName": task.full_name,
            "parent": None if task.parent is None else names[task.parent],
            "upstreams": sorted(names[index] for index in task.upstreams),
            "isGroup": task.is_group,
            "config": task.config,
        }
        for task in tasks
    ]
    return json.loads(json.dumps(sorted(found, key=lambda row: str(row["fullName"]))))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_recorded_case(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    if "rejected" in expected:
        if case.name == "task-limit-static":
            pytest.skip("the engine counts the tasks")
        with pytest.raises(DigdagError) as caught:
            compiled(case)
        if case.parent.name != "yaml":
            message = " ".join(caught.value.error_message.split())
            for sentence in CHECK.sentences(expected["rejected"]["message"]):
                assert " ".join(sentence.split()) in message
        return
    wanted = {
        task["fullName"]: {
            "fullName": task["fullName"],
            "parent": task["parent"],
            "upstreams": sorted(task["upstreams"]),
            "isGroup": task["isGroup"],
            "config": task["config"],
        }
        for task in expected["tasks"]
        if "^" not in task["fullName"] or case.name == "caret-name-nested"
    }
    assert CHECK.same([wanted[name] for name in sorted(wanted)], rows(compiled(case)))
