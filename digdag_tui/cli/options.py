"""Options that several commands have, and what they mean together."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..debugger.environment import LocalEnvironment
    from ..debugger.launch import Launch

TASK_LIMIT = "executor.task_max_run"

Function = TypeVar("Function", bound=Callable[..., Any])


def launch_options(function: Function) -> Function:
    """`-p`, `-P`, `--session`, `--project` and `-X`, as `digdag run` has them (cli 2)."""
    options = [
        click.option(
            "-p", "--param", "params", multiple=True, metavar="KEY=VALUE", help="Set a param; every _export beats it."
        ),
        click.option("-P", "--params-file", metavar="FILE", help="Read params from a YAML or JSON file."),
        click.option(
            "-t", "--session", default="last", metavar="TIME", show_default=True,
            help='hourly, daily, schedule, last, "yyyy-MM-dd[ HH:mm:ss]", or an ISO time with its offset.',
        ),
        click.option("--project", metavar="DIR", help="The project's directory; by default the workflow file's."),
        click.option("-c", "--config", metavar="FILE", help="A configuration file, as Digdag has them."),
        click.option("-X", "system", multiple=True, metavar="KEY=VALUE", help="Such as executor.task_max_run=2000."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def launch_from(
    file: str,
    *,
    params: tuple[str, ...] = (),
    params_file: str | None = None,
    session: str = "last",
    project: str | None = None,
    config: str | None = None,
    system: tuple[str, ...] = (),
    max_task_threads: int | None = None,
) -> tuple[Launch, LocalEnvironment]:
    """What to run and where, from the command line's words.

    All that this needs is imported here, after the debugger's first paint.

    Raises:
        DigdagError: a file given cannot be read, or an assignment is none.
    """
    from ..debugger.environment import LocalEnvironment
    from ..debugger.launch import Launch
    from ..engine.events import Override
    from ..params.evaluate import Evaluator
    from ..params.layers import Source
    from ..params.overrides import override_layers
    from ..params.properties import config_home, load_properties
    from ..params.secrets import LocalSecrets
    from ..workflow.convert import read_int

    directory, workflow = locate(file, project)
    properties = load_properties(os.environ, Path(config) if config else None, _system(system))
    layers = override_layers(properties, Path(params_file) if params_file else None, params)
    overrides = [Override(layer.source.value, dict(layer.values)) for layer in layers]
    if project is not None and directory != Path.cwd():
        overrides.append(Override(Source.COMMAND_LINE.value, {"_project_path": str(directory)}))
    limit = read_int(properties, TASK_LIMIT, read_int(properties, "io.digdag.limits.maxWorkflowTasks", 1000))
    launch = Launch(directory, workflow, tuple(overrides), session, limit, max_task_threads)
    return launch, LocalEnvironment(directory, Evaluator(), LocalSecrets(properties, config_home(os.environ)))


def _system(assignments: tuple[str, ...]) -> dict[str, str]:
    """`-X KEY=VALUE`, as Java takes system properties."""
    return {key: value for key, _, value in (assignment.partition("=") for assignment in assignments)}


def locate(file: str, project: str | None) -> tuple[Path, str]:
    """The project's directory and the workflow's name.

    A file in another directory than the current one brings its project with it, where Digdag wants a `cd` first.
    """
    path = Path(file)
    if project is not None:
        return Path(project).absolute(), file
    if path.parent != Path(".") and path.parent.is_dir():
        return Path(os.path.abspath(path.parent)), path.name
    return Path.cwd(), file
