"""`digdag-tui FILE.dig`: the debugger in the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ..workflow.errors import DigdagError
from .options import launch_from, launch_options, locate


@click.command("open")
@click.argument("path", default=".", metavar="[FILE.dig | DIR]")
@launch_options
def command(path: str, **options: Any) -> int:
    """Open a workflow in the debugger, stopped before its first task."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.ClickException("the debugger needs a terminal: use `digdag-tui run` without one")
    file = _workflow_file(path)
    project, workflow = locate(file, options["project"])
    from ..tui.app import run_app

    try:
        return run_app(project, workflow.removesuffix(".dig"), lambda: launch_from(file, **options))
    except DigdagError as error:
        place = f"{error.position}: " if error.position else ""
        raise click.ClickException(f"{place}{error.error_message}") from None


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
