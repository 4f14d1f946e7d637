"""`digdag-tui check`: every problem of a project, with its place."""

from __future__ import annotations

from pathlib import Path

import click

from ..operators.registry import known_operators
from ..workflow.errors import DigdagError
from ..workflow.lint import problems


@click.command("check")
@click.argument("path", default=".", type=click.Path(path_type=Path))
def command(path: Path) -> int:
    """Print every problem of the project in PATH, or of the one that the file PATH lies in; exit 1 for an error."""
    directory = path if path.is_dir() else path.parent
    if not path.exists():
        raise click.ClickException(f"{path} does not exist: name a .dig file or a project's directory")
    try:
        found = problems(directory, known_operators())
    except DigdagError as error:
        raise click.ClickException(error.error_message) from None
    for problem in found:
        click.echo(str(problem))
    errors = sum(problem.severity == "error" for problem in found)
    click.echo(f"{errors} error{'' if errors == 1 else 's'}, {len(found) - errors} warnings", err=True)
    return 1 if errors else 0
