"""Options that several commands have, and what they mean together."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..debugger.environment import LocalEnvironment
    from ..debugger.launch import Launch

TASK_LIMIT = "executor.task_max_run"
REMOTE_OPERATORS = "digdag-tui.remote-operators"
WARM_PYTHON = "digdag-tui.warm-python"

Function = TypeVar("Function", bound=Callable[..., Any])


class _Integer(click.ParamType[int]):
    """A number as Digdag's option parser takes it."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return int(value)
        except ValueError:
            option = param.opts[0] if param else ""
            raise click.UsageError(f'"{option}": couldn\'t convert "{value}" to an integer') from None


INTEGER = _Integer()


def param_options(function: Function) -> Function:
    """`-p` and `-P` (cli 1.2)."""
    options = [
        click.option(
            "-p", "--param", "params", multiple=True, metavar="KEY=VALUE", help="Set a param; every _export beats it."
        ),
        click.option("-P", "--params-file", metavar="FILE", help="Read params from a YAML or JSON file."),
    ]
    return _with(options, function)


config_option = click.option("-c", "--config", metavar="FILE", help="A configuration file, as Digdag has them.")
"""`-c` (cli 1.1)."""


def launch_options(function: Function) -> Function:
    """`-p`, `-P`, `--session`, `--project` and `-X`, as `digdag run` has them (cli 2)."""
    options = [
        param_options,
        click.option(
            "-t", "--session", "--session-time", default="last", metavar="TIME", show_default=True,
            help='hourly, daily, schedule, last, "yyyy-MM-dd[ HH:mm:ss]", or an ISO time with its offset.',
        ),
        click.option("--project", metavar="DIR", help="The project's directory; by default the workflow file's."),
        config_option,
        click.option("-X", "system", multiple=True, metavar="KEY=VALUE", help="Such as executor.task_max_run=2000."),
        click.option(
            "--remote-operators", type=click.Choice(("ask", "pin", "skip", "fail")),
            help="What td>, bq>, s3_wait> and the like do: have their pinned output, and without one ask for it in the "
            "debugger (ask, the default) or fail (pin); count as a success without output (skip); fail always.",
        ),
        click.option(
            "--python", metavar="PROGRAM",
            help="What runs py> tasks without the option python: a Python, or the folder of a virtual environment.",
        ),
        click.option(
            "--no-warm-python", "warm_python", flag_value=False, default=True,
            help="Start an interpreter anew for each py> task, instead of forking one that has started before.",
        ),
    ]  # fmt: skip
    return _with(options, function)


def log_options(function: Function) -> Function:
    """`-L`, `-l` and `--logback-config`, as every command of Digdag has them (cli 1)."""
    options = [
        click.option(
            "-L", "--log", "log_file", default="-", metavar="FILE", help="Write the log there instead of on the screen."
        ),
        click.option(
            "-l", "--log-level", default="info", metavar="LEVEL", help="error, warn, info, debug or trace."
        ),
        click.option("--logback-config", metavar="FILE", help="Is accepted, and changes nothing.", expose_value=False),
    ]  # fmt: skip
    return _with(options, function)


def _with(options: Sequence[Callable[[Any], Any]], function: Function) -> Function:
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
    remote_operators: str | None = None,
    warm_python: bool = True,
    python: str | None = None,
    max_task_threads: int | None = None,
    **more: Any,
) -> tuple[Launch, LocalEnvironment]:
    """What to run and where, from the command line's words; `more` are fields of the launch.

    All that this needs is imported here, after the debugger's first paint.

    Raises:
        DigdagError: a file given cannot be read, or an assignment is none.
    """
    from ..debugger.environment import LocalEnvironment
    from ..debugger.launch import Launch
    from ..engine.events import Override
    from ..operators.interpreters import PYTHON, default_program
    from ..params.evaluate import Evaluator
    from ..params.layers import Source
    from ..params.overrides import override_layers
    from ..params.properties import config_home, load_properties
    from ..params.secrets import LocalSecrets
    from ..workflow.convert import read_int
    from ..workflow.pins import PINS_FILE, Pins

    directory, workflow = locate(file, project)
    properties = load_properties(os.environ, Path(config) if config else None, _system(system))
    layers = override_layers(properties, Path(params_file) if params_file else None, params)
    overrides = [Override(layer.source.value, dict(layer.values)) for layer in layers]
    if project is not None and directory != Path.cwd():
        overrides.append(Override(Source.COMMAND_LINE.value, {"_project_path": str(directory)}))
    limit = read_int(properties, TASK_LIMIT, read_int(properties, "io.digdag.limits.maxWorkflowTasks", 1000))
    wanted = (max_task_threads or 0, read_int(properties, "agent.max-task-threads", 0))
    threads = next((number for number in wanted if number > 0), None)
    launch = Launch(directory, workflow, tuple(overrides), session, limit, threads, project_option=project, **more)
    secrets = LocalSecrets(properties, config_home(os.environ))
    if remote_operators:
        properties[REMOTE_OPERATORS] = remote_operators
    if program := default_program(directory, python):
        properties[PYTHON] = program
    if not warm_python:
        properties[WARM_PYTHON] = "false"
    pins = Pins(directory / PINS_FILE if properties.get(REMOTE_OPERATORS) != "fail" else None)
    return launch, LocalEnvironment(directory, Evaluator.configured(properties), secrets, properties, pins)


def _system(assignments: tuple[str, ...]) -> dict[str, str]:
    """`-X KEY=VALUE`, as Java takes system properties."""
    return {key: value for key, _, value in (assignment.partition("=") for assignment in assignments)}


def locate(file: str, project: str | None) -> tuple[Path, str]:
    """The project's directory and the workflow's name.

    A file in another directory than the current one brings its project with it, where Digdag wants a `cd` first.
    """
    path = Path(file)
    if project is not None:
        return Path(os.path.normpath(project)).absolute(), file
    if path.parent != Path(".") and path.parent.is_dir():
        return Path(os.path.abspath(path.parent)), path.name
    return Path.cwd(), file
