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

COMMANDS = (
    "open",
    "debug",
    "diff",
    "run",
    "check",
    "explain",
    "py",
    "init",
    "stubs",
    "scheduler",
    "secrets",
    "version",
)
ALIASES = {"r": "run", "c": "check", "new": "init", "sched": "scheduler", "secret": "secrets"}
OWN_OPTIONS = ("-h", "--help")


class Commands(click.Group):
    """Finds a command in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f".{name}", __package__).command
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option("--version", is_flag=True, help="Print the version, whatever else is asked for.")
def digdag_tui(version: bool) -> None:
    """A visual debugger for Digdag workflows.

    `digdag-tui FILE.dig` or `digdag-tui DIR` opens a workflow in the debugger.
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with Digdag's codes: 0 for success, 1 for everything else (cli 1)."""
    _open_streams()
    words = sys.argv[1:] if arguments is None else arguments
    if "--version" in words:
        click.echo(f"digdag-tui {__version__}")
        sys.exit(0)
    words = _command_first(words)
    try:
        status = _unknown(words[0]) or digdag_tui.main(words, prog_name="digdag-tui", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and words[0] != "open":
            from .usage import announce

            announce()
        click.echo(f"error: {_sentence(error)}", err=True)
        status = 2 if words[0] == "diff" else 1
    except click.exceptions.Abort:
        status = 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status if isinstance(status, int) else 0)


def _open_streams() -> None:
    """Give a program that was started with a standard stream closed (`<&-`) one that is empty, or keeps nothing."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115


def _command_first(words: list[str]) -> list[str]:
    """`words` as they are given to a command: `open` unless another is named, `-c FILE` before it put behind it."""
    known = (*COMMANDS, *ALIASES)
    if words[:1] in (["-c"], ["--config"]) and words[2:3] and words[2] in known:
        return [words[2], *words[:2], *words[3:]]
    if words and (words[0] in (*known, *OWN_OPTIONS) or not _means_place(words[0])):
        return words
    return ["open", *words]


def _means_place(word: str) -> bool:
    """Whether a first word is an option of `open`, a file, a directory or a workflow's name, rather than a command."""
    if word.startswith("-") or word.endswith(".dig") or os.sep in word:
        return True
    return os.path.exists(word) or os.path.exists(f"{word}.dig")


def _unknown(word: str) -> int:
    """1 after saying that no command is called `word`, if that is so."""
    if word in (*COMMANDS, *ALIASES, *OWN_OPTIONS):
        return 0
    from .usage import announce, show_usage

    announce()
    with click.Context(digdag_tui, info_name="digdag-tui"):
        return show_usage(f"available commands are: [{', '.join(COMMANDS)}]")


def _sentence(error: click.ClickException) -> str:
    """What is wrong with the words given, as Digdag's option parser says it."""
    match error:
        case click.NoSuchOption():
            near = f"\n  did you mean {' or '.join(error.possibilities)}?" if error.possibilities else ""
            return f"Unknown option: {error.option_name}{near}"
        case click.BadOptionUsage() if "requires an argument" in error.message:
            return f"Expected a value after parameter {error.option_name}"
        case _:
            return error.format_message()
