"""`digdag-tui`: opens the debugger, or runs one of the commands without a screen.

A command's module is imported only when the command is called.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import NoReturn

import click

from .. import __version__

COMMANDS = ("open", "run", "check")
OWN_OPTIONS = ("-h", "--help", "--version")


class Commands(click.Group):
    """Finds a command in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f".{cmd_name}", __package__).command
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, message="digdag-tui %(version)s")
def digdag_tui() -> None:
    """A visual debugger for Digdag workflows.

    `digdag-tui FILE.dig` or `digdag-tui DIR` opens a workflow in the debugger.
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with Digdag's codes: 0 for success, 1 for everything else."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] not in (*COMMANDS, *OWN_OPTIONS):
        words = ["open", *words]
    try:
        status = digdag_tui.main(words, prog_name="digdag-tui", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        status = 1
    except click.exceptions.Abort:
        status = 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status if isinstance(status, int) else 0)
