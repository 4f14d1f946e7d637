"""`digdag-tui debug`: breakpoints given on the command line and, headless, commands from standard input."""

from __future__ import annotations

import sys
from typing import Any

import click

from ..workflow.errors import DigdagError
from ..workflow.project import problems_of
from .options import launch_from, launch_options, locate


@click.command("debug", short_help="Debug a workflow, without a screen with --headless.")
@click.argument("path", required=False, metavar="[FILE.dig | DIR]")
@click.option("--headless", is_flag=True, help="Print each stop, and read commands from standard input.")
@click.option(
    "-b",
    "--break",
    "breaks",
    multiple=True,
    metavar="WHERE",
    help="Stop before a task (+load, '+load*', py>) or at a line (main.dig:12); `+load if ${rows > 1}` at times only.",
)
@click.option("--break-on-failure/--no-break-on-failure", default=True, help="Stop at a task that fails; the default.")
@click.option("--entry/--no-entry", default=None, help="Stop before the first task, as without --break….")
@click.option("--json", "as_json", is_flag=True, help="With --headless: one JSON object a line, stops among them.")
@launch_options
def command(
    path: str | None,
    headless: bool,
    breaks: tuple[str, ...],
    break_on_failure: bool,
    entry: bool | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Debug a workflow.

    With --headless each stop is printed, and a line of standard input says how to go on: `help` lists the commands,
    which are those of pdb where it has them. At the end of the input the debugger leaves: with
    `--headless --break-on-failure </dev/null` a build shows the task that failed and all that it saw. The exit code is
    0 when the workflow succeeded.
    """
    from .open import command as open_command
    from .open import find_file

    if not headless:
        return _with_screen(open_command, path, breaks, break_on_failure, as_json, options)
    source = click.get_current_context().get_parameter_source("break_on_failure")
    asked = bool(breaks) or source is click.core.ParameterSource.COMMANDLINE
    try:
        from .console import Console

        launch, environment = launch_from(find_file(path or "."), **options)
        console = Console(launch, environment, as_json=as_json, break_on_failure=break_on_failure)
        return console.debug(breaks, entry=not asked if entry is None else entry, lines=sys.stdin)
    except DigdagError as error:
        raise click.ClickException("\n".join(map(str, problems_of(error)))) from None


def _with_screen(
    opening: click.Command,
    path: str | None,
    breaks: tuple[str, ...],
    break_on_failure: bool,
    as_json: bool,
    options: dict[str, Any],
) -> int:
    """Open the debugger in the terminal, with these breakpoints."""
    from ..debugger.breakpoints import FILE, Breakpoints
    from .console import add_breakpoint
    from .open import find_file, refused

    if as_json or not break_on_failure:
        raise click.UsageError("--json and --no-break-on-failure go with --headless: x does it in the debugger")
    try:
        project, _ = locate(find_file(path or "."), options["project"])
        breakpoints = Breakpoints(project / FILE)
        for text in breaks:
            add_breakpoint(breakpoints, text)
    except DigdagError as error:
        raise refused(error) from None
    result: int = click.get_current_context().invoke(opening, path=path, **options)
    return result
