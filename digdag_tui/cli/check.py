"""`digdag-tui check`: what Digdag's `check` shows of a project, and every problem with its place (cli 3)."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import reduce
from typing import Any

import click

from ..debugger.launch import Launch
from ..operators.images import Images
from ..operators.java_dates import local_zone_name
from ..operators.registry import operator_forms
from ..params.layers import Layer, Source
from ..params.lint import all_problems
from ..workflow.compiler import compile_workflow
from ..workflow.config import Params, merge
from ..workflow.convert import read_optional_string
from ..workflow.definition import Project, WorkflowDefinition
from ..workflow.errors import DigdagError, Problem
from ..workflow.project import load_project, problems_of, workflow_name
from ..workflow.schedule import Schedule
from ..workflow.yaml_text import yaml_text
from .faces import SCHEDULES
from .log import LEVELS, LogPrinter, time_text
from .options import config_option, launch_from, log_options, param_options
from .usage import announce, log_project, log_writer, show_usage


@click.command("check", short_help="Show a project's workflows, schedules and problems.")
@click.argument("words", nargs=-1, metavar="[WORKFLOW.dig | DIR]")
@click.option("--project", metavar="DIR", help="The project's directory; by default the current one.")
@param_options
@config_option
@click.option("-X", "system", multiple=True, metavar="KEY=VALUE", help="Such as params.region=east.")
@log_options
def command(words: tuple[str, ...], log_file: str, log_level: str, **options: Any) -> int:
    """Show the workflows, params and schedules of a project, then its problems, each with its place.

    The whole project is checked, whichever of its workflows is named. Exits 1 if a problem is an error. Warnings are
    what Digdag does not refuse and that is surely not meant, each with the name of its kind: [undefined-name],
    [forward-reference], [raw-template], [became-text], [caught-by-argument], [beaten-param], [literal-secret],
    [shadows-built-in], [unused-key], [no-effect], [missing-file], [no-container], [outside-digdag], and of py>
    tasks [missing-function], [missing-argument], [wrong-type], [never-given], [never-runs], [hidden-arguments].
    """
    announce()
    if len(words) > 1:
        return show_usage()
    if log_level not in map(str.lower, LEVELS):
        return show_usage(f"Unknown log level '{log_level}'")
    word = words[0] if words else None
    try:
        is_directory = word is not None and options["project"] is None and os.path.isdir(word)
        place = os.path.join(word, ".dig") if is_directory and word else word or ""
        launch, environment = launch_from(place, **options)
    except DigdagError as error:
        raise click.ClickException(error.log_message) from None
    refused: list[Problem] = []
    with ExitStack() as closing:
        try:
            project = _show(launch, LogPrinter(sys.stdout, log_level.upper(), log_writer(log_file, closing)))
            if word and not is_directory:
                refused += _unknown(project, launch.workflow)
        except DigdagError as error:
            sys.stdout.flush()
            click.echo(f"error: {error.log_message.rstrip()}", err=True)
            refused += problems_of(error)
    return _tell(launch, Images(environment.settings), refused)


def _show(launch: Launch, log: LogPrinter) -> Project:
    """Print what Digdag prints.

    Raises:
        DigdagError: it refuses the project.
    """
    click.echo(f"  System default timezone: {local_zone_name()}\n")
    log_project(launch, log.line)
    project = load_project(launch.project)
    workflows = list(project.workflows.values())
    lines = [line for workflow in workflows for line in _definition(workflow)]
    _section(f"Definitions ({len(workflows)} workflows)", lines)
    params: Params = reduce(merge, (override.values for override in launch.overrides), {})
    _section("Parameters", _yaml(params))
    entries = [lines for workflow in workflows if (lines := _schedule(workflow, log))]
    _section(f"Schedules ({len(entries)} entries)", [line for lines in entries for line in lines])
    return project


def _section(title: str, lines: list[str]) -> None:
    click.echo("\n".join([f"  {title}:", *(f"    {line}" for line in lines), ""]))


def _definition(workflow: WorkflowDefinition) -> list[str]:
    tasks = compile_workflow(workflow)
    required = dict.fromkeys(read_optional_string(task.config, "require>") for task in tasks)
    return [f"{workflow.name} ({len(tasks)} tasks)", *(f"  -> {name}" for name in required if name is not None)]


def _schedule(workflow: WorkflowDefinition, log: LogPrinter) -> list[str]:
    """The first session of a schedule, nothing for a workflow without one."""
    schedule = Schedule.of(workflow)
    if schedule is None:
        return []
    if schedule.warnings:
        log.line("ERROR", SCHEDULES, "\n".join(problem.message for problem in schedule.warnings))
    now = time.time()
    session, run = (at.timestamp() for at in schedule.first(datetime.fromtimestamp(now, UTC)))
    lines = [
        *_yaml(workflow.config["schedule"]),
        f"first session time: {time_text(session)}",
        f"first scheduled to run at: {time_text(run)} {_distance(now, run)}",
    ]
    return [f"{workflow.name}:", *(f"  {line}" for line in lines)]


def _yaml(values: Params) -> list[str]:
    return yaml_text(values).rstrip("\n").split("\n")


def _distance(now: float, at: float) -> str:
    """How far `at` is from `now`: `(in 15h 48m 18s)`, `(4s ago)`."""
    minutes, seconds = divmod(int(abs(at - now)), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h", f"{minutes}m", f"{seconds}s"]
    text = " ".join(parts[0 if hours else 1 if minutes else 2 :])
    return f"(in {text})" if at > now else f"({text} ago)"


def _unknown(project: Project, word: str) -> list[Problem]:
    """A warning about a workflow named that the project does not have; Digdag says nothing."""
    name = workflow_name(project.directory, project.directory / word)
    if name in project.workflows:
        return []
    hint = f"the project has {', '.join(project.workflows) or 'no workflows'}: all of it was checked"
    return [Problem(f"There is no workflow {name}", None, hint, "warning", "unknown-workflow")]


def _tell(launch: Launch, images: Images, refused: list[Problem]) -> int:
    """Print every problem on standard error, those that Digdag stopped at among them; the exit code."""
    given = [Layer(Source(override.source), override.values) for override in launch.overrides]
    try:
        found = all_problems(launch.project, operator_forms(), given, images.lacks)
    except DigdagError as error:
        found = list(problems_of(error))
    known = {problem.message for problem in found}
    found += [problem for problem in refused if problem.message not in known]
    errors = sum(problem.severity == "error" for problem in found)
    warnings = len(found) - errors
    sys.stdout.flush()
    for problem in found:
        click.echo(str(problem), err=True)
    click.echo(f"{_count(errors, 'error')}, {_count(warnings, 'warning')}", err=True)
    return 1 if errors else 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
