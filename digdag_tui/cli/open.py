"""`digdag-tui FILE.dig`: the debugger in the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..workflow.errors import DigdagError
from .options import launch_from, launch_options, locate

if TYPE_CHECKING:
    from ..debugger.events import WatchMode
    from ..debugger.gate import Opening


@click.command("open", short_help="Open a workflow in the debugger.")
@click.argument("path", required=False, metavar="[FILE.dig | DIR]")
@launch_options
@click.option(
    "--from-status", "status", metavar="DIR",
    help="Go on with what `digdag run` saved in DIR, such as .digdag/status/20260131T000000+0000.",
)  # fmt: skip
@click.option(
    "--attempt", metavar="ID",
    help="Look at a past attempt: last, its number in the last session, or all of it: sales/20260131T000000+0900/3.",
)  # fmt: skip
@click.option(
    "--watch", type=click.Choice(("reload", "touched", "all")),
    help="What saving a file leads to: only the new text, a run from the first touched task, or a run of all tasks.",
)  # fmt: skip
@click.option(
    "--keys", metavar="FILE", help="The keymap; by default digdag-tui/keys.yml in ~/.config or $XDG_CONFIG_HOME."
)
def command(
    path: str | None,
    status: str | None,
    attempt: str | None,
    watch: WatchMode | None,
    keys: str | None,
    **options: Any,
) -> int:
    """Open a workflow in the debugger, stopped before its first task, or before the first that has no saved state."""
    opening: Callable[[], Opening] | None = None
    try:
        if attempt is not None:
            file, opening = _recorded(attempt, path, options["project"])
        elif status is None:
            file = find_file(path or ".")
        else:
            file, options["session"], opening = _saved(Path(status), path, options["project"])
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise click.ClickException("the debugger needs a terminal: use `digdag-tui run` without one")
        project, workflow = locate(file, options["project"])
        from ..tui.app import run_app

        keymap = Path(keys).absolute() if keys else None
        prepare = partial(launch_from, file, **options)
        return run_app(project, workflow.removesuffix(".dig"), prepare, opening, watch, keymap)
    except DigdagError as error:
        raise refused(error) from None


def _saved(status: Path, path: str | None, project: str | None) -> tuple[str, str, Callable[[], Opening]]:
    """The workflow's file, the session and the opening that a status directory tells of.

    The project is where `.digdag/status` lies, unless a file or a project is named.
    """
    from ..debugger.status import saved_run

    file = find_file(path) if path else None
    run = saved_run(status, Path(file).name.removesuffix(".dig") if file else None)
    inside = Path(os.path.abspath(status)).parent
    if file is None:
        is_usual = inside.parts[-2:] == (".digdag", "status")
        file = str(inside.parents[1] / f"{run.workflow}.dig") if is_usual and not project else f"{run.workflow}.dig"
    recording = run.recording()

    def opening() -> Opening:
        from ..debugger.gate import Opening

        return Opening(recording=recording, entry=True)

    return file, run.session, opening


def _recorded(attempt: str, path: str | None, project: str | None) -> tuple[str, Callable[[], Opening]]:
    """The workflow's file, which may be gone, and the opening of a past attempt in the project that `path` is in."""
    from ..debugger.history import find_attempt, workflow_of

    workflow = None
    if project is not None:
        directory, workflow = Path(os.path.abspath(project)), path
    elif path and not Path(path).is_dir():
        directory, workflow = locate(path, None)
    else:
        directory = Path(os.path.abspath(path or "."))
    journal = find_attempt(directory, attempt, workflow.removesuffix(".dig") if workflow else None)
    name = workflow_of(directory, journal)

    def opening() -> Opening:
        from ..debugger.gate import Opening

        return Opening(recorded=journal)

    return name if project is not None else str(directory / f"{name}.dig"), opening


def refused(error: DigdagError) -> click.ClickException:
    """What is said of a workflow that cannot be opened."""
    from .faces import place_of

    hint = f": {error.hint}" if error.hint else ""
    return click.ClickException(f"{place_of(error)}{error.error_message}{hint}")


def find_file(path: str) -> str:
    """The workflow file that `path` means: itself, or the only one in the directory.

    Raises:
        ClickException: there is none, or there are several.
    """
    place = Path(path)
    if not place.is_dir():
        if place.suffix == ".dig" and not place.is_file():
            raise click.ClickException(f"{path} does not exist: name a .dig file, or a directory with one")
        return path
    from ..workflow.project import workflow_files

    files = [file.name for file in workflow_files(place)]
    if len(files) == 1:
        return str(place / files[0])
    if not files:
        raise click.ClickException(f"{path} holds no .dig file: name a workflow file, or its directory")
    raise click.ClickException(f"{path} holds several workflows, name one: {', '.join(files)}")
