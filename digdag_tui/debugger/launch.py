"""What a session runs: a project's workflow, the params and the session time given to it."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ..engine.events import AttemptStarted, Override
from ..engine.planner import check_limit, rows
from ..engine.sla import sla_time
from ..params.builtins import schedule_params
from ..workflow.compiler import compile_workflow
from ..workflow.definition import Project, TaskDefinition, WorkflowDefinition
from ..workflow.project import find_workflow, load_project
from ..workflow.session_time import format_session_time, parse_session, parse_session_time
from .history import last_saved_session, last_session

if TYPE_CHECKING:
    from ..workflow.schedule import Schedule

STATUS_FOLDER = ".digdag/status"


class Launch(Struct, frozen=True):
    """How to run a workflow; `session` is `run --session`'s expression, `task_limit` the most rows of an attempt.

    `only` is the end of a task's name: only that task and what is in it run. `project_option` is what `--project` was
    given. `save` is the directory of saved state, relative to the project; without `considers_journals` the last
    session is the last one there, as in Digdag.
    """

    project: Path
    workflow: str
    overrides: tuple[Override, ...] = ()
    session: str = "last"
    task_limit: int = 1000
    max_task_threads: int | None = None
    only: str | None = None
    project_option: str | None = None
    save: str = STATUS_FOLDER
    considers_journals: bool = True

    @property
    def status_folder(self) -> Path:
        """Where the saved state of all sessions is."""
        return Path(os.path.normpath(self.project / self.save))


class Loaded(Struct, frozen=True):
    """A project that compiles, and the workflow to run with all its tasks."""

    project: Project
    workflow: WorkflowDefinition
    tasks: list[TaskDefinition]
    schedule: Schedule | None


def load(launch: Launch) -> Loaded:
    """Load and compile everything in the project (core 3).

    Raises:
        DigdagError: a file does not load or compile, or there is no such workflow.
    """
    project = load_project(launch.project)
    compiled = {name: compile_workflow(definition) for name, definition in project.workflows.items()}
    workflow = find_workflow(project, launch.workflow, project_option=launch.project_option)
    tasks = compiled[workflow.name]
    if launch.only:
        from ..workflow.selection import find_task, subtree

        tasks = subtree(tasks, find_task(tasks, launch.only))
    return Loaded(project, workflow, tasks, _schedule(workflow))


def load_required(loaded: Loaded, name: str) -> Loaded:
    """Another workflow of a loaded project, with all its tasks."""
    workflow = loaded.project.workflows[name]
    return Loaded(loaded.project, workflow, compile_workflow(workflow), _schedule(workflow))


def _schedule(workflow: WorkflowDefinition) -> Schedule | None:
    if "schedule" not in workflow.config:
        return None
    from ..workflow.schedule import Schedule

    return Schedule.of(workflow)


def session_time(launch: Launch, loaded: Loaded, now: float) -> tuple[str, str | None]:
    """The session's time in the workflow's zone, and what Digdag logs about how it was chosen (cli 2.2).

    Raises:
        DigdagError: `launch.session` means no time.
    """
    clock = datetime.fromtimestamp(now, UTC)
    saved = _last_session(launch, loaded.workflow.name) if launch.session == "last" else None
    chosen, warning = parse_session(launch.session, loaded.workflow.timezone, clock, loaded.schedule, saved)
    return format_session_time(chosen), warning


def _last_session(launch: Launch, workflow: str) -> datetime | None:
    sessions = [last_saved_session(launch.status_folder, workflow)]
    if launch.considers_journals:
        sessions.append(last_session(launch.project, workflow))
    return max(filter(None, sessions), default=None)


def start_event(launch: Launch, loaded: Loaded, session_time: str, now: float) -> AttemptStarted:
    """The first event of an attempt.

    Raises:
        TaskLimitError: the workflow has more tasks than an attempt may have (core 9).
        ConfigError: an `_export` is not an object.
    """
    check_limit(launch.task_limit, 1, len(loaded.tasks))
    schedule = loaded.schedule
    return AttemptStarted(
        now,
        workflow=loaded.workflow.name,
        session_uuid=str(uuid.uuid4()),
        session_time=session_time,
        timezone=loaded.workflow.timezone,
        task_limit=launch.task_limit,
        overrides=launch.overrides,
        params=schedule_params(schedule, parse_session_time(session_time)) if schedule else {},
        sla_at=sla_time(loaded.workflow.config, loaded.workflow.timezone, now),
        added=rows(loaded.tasks),
    )
