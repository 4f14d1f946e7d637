"""What all commands print alike: their first line, how they are called, their log (cli 1)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .. import __version__
from .log import time_text

if TYPE_CHECKING:
    from ..debugger.launch import Launch

Function = TypeVar("Function", bound=Callable[..., Any])


def announce() -> None:
    """The first line of every command on standard error."""
    click.echo(f"{time_text(time.time())}: Digdag v0.10.6 (digdag-tui {__version__})", err=True)


def show_usage(error: str | None = None) -> int:
    """Print how the command in progress is called; its exit code, 1 with an error."""
    click.echo(click.get_current_context().get_help(), err=True)
    if error is None:
        return 0
    click.echo(f"error: {error}", err=True)
    return 1


def common_options(function: Function) -> Function:
    """`-c`, `-X`, `-L`, `-l` and `--logback-config` of a command that neither is configured nor logs."""
    for names in (("-c", "--config"), ("-X",), ("-L", "--log"), ("-l", "--log-level"), ("--logback-config",)):
        function = click.option(*names, "common", multiple=True, hidden=True, expose_value=False)(function)
    return function


def log_project(launch: Launch, log: Callable[[str, str, str], None]) -> None:
    """Tell where the project is if `--project` says so; `log` takes a level, Digdag's logger class and a message."""
    if launch.project_option is not None and launch.project != Path.cwd():
        log("INFO", "io.digdag.cli.Arguments", f"Setting project path to {launch.project}")


def log_writer(log_file: str, closing: ExitStack) -> Callable[[str], None] | None:
    """What takes the log's lines for `-L log_file`, None for standard output; `closing` closes the file.

    Raises:
        ClickException: the file cannot be written.
    """
    if log_file == "-":
        return None
    from .log_files import RollingFile

    try:
        file = RollingFile(Path(log_file))
    except OSError as error:
        raise click.ClickException(f"{log_file}: {error.strerror}") from None
    closing.callback(file.close)
    return file.write
