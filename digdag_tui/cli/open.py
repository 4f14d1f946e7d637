"""`digdag-tui FILE.dig`: the debugger in the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..workflow.errors import DigdagError
from .options import launch_from, launch_options, locate

if TYPE_CHECKING:
    from ..debugger.gate import Opening


@click.command("open", short_help="Open a workflow in the debugger.")
@click.argument("path", required=False, metavar="[FILE.dig | DIR]")
@launch_options
@click.option(
    "--from-status", "status", metavar="DIR",
    help="Go on with what `digdag run` saved in DIR, such as .digdag/status/20260131T000000+0000.",
)  # fmt: skip
def command(path: str | None, status: str | None, **options: Any) -> int:
    """Open a workflow in the debugger, stopped before its first task, or before the first that has no saved state."""
    opening: Callable[[], Opening] | None = None
    try:
        if status is None:
            file = _workflow_file(path or ".")
        else:
            file, options["session"], opening = _saved(Path(status), path, options["project"])
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise click.ClickException("the debugger needs a terminal: use `digdag-tui run` without one")
        project, workflow = locate(file, options["project"])
        from ..tui.app import run_app

        return run_app(project, workflow.removesuffix(".dig"), lambda: launch_from(file, **options), opening)
    except DigdagError as error:
        from .faces import place_of

        hint = f": {error.hint}" if error.hint else ""
        raise click.ClickException(f"{place_of(error)}{error.error_message}{hint}") from None


def _saved(status: Path, path: str | None, project: str | None) -> tuple[str, str, Callable[[], Opening]]:
    """The workflow's file, the session and the opening that a status directory tells of.

    The project is where `.digdag/status` lies, unless a file or a project is named.
    """
    from ..debugger.status import saved_run

    file = _workflow_file(path) if path else None
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


def _workflow_file(path: str) -> str:
    """The workflow file that `path` means: itself, or the only one in the directory."""
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
