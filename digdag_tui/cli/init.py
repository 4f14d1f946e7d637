"""`digdag-tui init`: a new project with a small example to begin from (cli 3)."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ..workflow.names import ModelValidationError, workflow_name_failures
from .examples import EXAMPLES, GITIGNORE, WORKFLOW
from .usage import announce, common_options, show_usage


@click.command("init", short_help="Write an example project to begin from.")
@click.argument("words", nargs=-1, metavar="DIR")
@click.option(
    "-t", "--type", "kind", default="echo", show_default=True, metavar="|".join(EXAMPLES), help="What it shows."
)
@common_options
def command(words: tuple[str, ...], kind: str) -> int:
    """Write an example project into the directory DIR, which is made if it is not there."""
    announce()
    if len(words) != 1:
        return show_usage()
    if kind not in EXAMPLES:
        return show_usage("--type has an invalid value")
    try:
        _init(words[0], kind)
    except ModelValidationError as error:
        raise click.ClickException(f"{error.log_message}\n  a directory's name becomes its workflow's") from None
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
    return 0


def _init(directory: str, kind: str) -> None:
    """Write a project.

    Raises:
        ModelValidationError: no workflow can have the directory's name.
        OSError: a file cannot be written.
    """
    name = os.path.basename(os.path.abspath(directory))
    failures = workflow_name_failures(name)
    if failures:
        raise ModelValidationError("workflow", failures)
    if os.path.exists(directory) and not os.path.isdir(directory):
        raise click.ClickException(f"{directory} is a file: name a directory")
    workflow = f"{name}.dig"
    if os.path.exists(os.path.join(directory, workflow)):
        click.echo(f"File {os.path.join(directory, workflow)} already exists.")
        return
    for file, text in EXAMPLES[kind].items():
        _write(os.path.join(directory, workflow if file == WORKFLOW else file), text)
    if not os.path.exists(os.path.join(directory, ".gitignore")):
        _write(os.path.join(directory, ".gitignore"), GITIGNORE)
    click.echo(f"Done. {_advice(directory, name, kind)}")


def _write(path: str, text: str) -> None:
    """Write a file unless it is there already."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    if os.path.exists(path):
        click.echo(f"File {path} already exists.")
        return
    click.echo(f"  Creating {path}")
    Path(path).write_text(text)
    if path.endswith(".sh"):
        os.chmod(path, os.stat(path).st_mode | 0o111)


def _advice(directory: str, name: str, kind: str) -> str:
    is_current = os.path.abspath(directory) == os.getcwd()
    change = "" if is_current else f"`cd {os.path.normpath(directory)}` and then "
    if kind == "td":
        return (
            f"Set up your Treasure Data API key and type {change}`digdag push {name}` to push the workflow to "
            "Treasure Data. Enjoy!"
        )
    return f"Type {change}`digdag-tui run {name}.dig` to run the workflow. Enjoy!"
