"""`digdag-tui secrets --local`: the secrets that local runs read (cli 1.3, 3)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from ..params.properties import config_home
from ..params.secrets import SecretFiles, is_secret_key, is_secret_value
from ..workflow.errors import DigdagError
from .usage import announce, common_options, show_usage

LISTS = ("--set", "--delete")
FORMS = "write KEY=VALUE, or KEY=@FILE or KEY=- (standard input) for any value"


class ListsOfWords(click.Command):
    """Lets `--set` and `--delete` take all words up to the next option, as Digdag's option parser does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words: list[str] = []
        current: str | None = None
        for word in args:
            if word.startswith("-"):
                current = word if word in LISTS else None
            elif current:
                words += [] if words[-1] == current else [current]
            words.append(word)
        return super().parse_args(ctx, words)


@click.command("secrets", cls=ListsOfWords, short_help="List, set and delete secrets.")
@click.argument("words", nargs=-1, metavar="")
@click.option("--local", is_flag=True, help="The secrets of this machine, which local runs read.")
@click.option("--project", metavar="NAME", help="The secrets of a project on a Digdag server.")
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE...",
    help="Keep values: KEY=VALUE, KEY=@FILE, KEY=- for standard input, @FILE or @- for a YAML or JSON map, KEY to ask.",
)  # fmt: skip
@click.option("--delete", "deleted", multiple=True, metavar="KEY...", help="Forget values.")
@common_options
def command(
    words: tuple[str, ...], local: bool, project: str | None, assignments: tuple[str, ...], deleted: tuple[str, ...]
) -> int:
    """List the keys of all secrets, or set or delete some."""
    announce()
    if words:
        return show_usage()
    if assignments and deleted:
        return show_usage("Please specify only one of --set or --delete")
    if not local and project is None:
        return show_usage("Please specify either --project or --local")
    if not local:
        raise click.ClickException(f"the secrets of project '{project}' are on a server: only --local works yet")
    try:
        _change(SecretFiles(config_home(os.environ)), assignments, deleted)
    except DigdagError as error:
        return show_usage(f"{error.message}: {error.hint}" if error.hint else error.message)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
    return 0


def _change(files: SecretFiles, assignments: tuple[str, ...], deleted: tuple[str, ...]) -> None:
    if not assignments and not deleted:
        for key in files.stored_keys():
            click.echo(key)
    for key, value in parse_assignments(assignments).items():
        files.write(key, value)
        click.echo(f"Secret '{key}' set", err=True)
    for key in _parse_keys(deleted):
        files.delete(key)
        click.echo(f"Secret '{key}' deleted", err=True)


def _parse_keys(words: tuple[str, ...]) -> list[str]:
    for place, key in enumerate(words):
        if key in words[:place]:
            raise DigdagError(f"Duplicate --delete secret key: '{key}'")
    for key in words:
        if not is_secret_key(key):
            raise DigdagError(f"Invalid secret key: {key}")
    return list(words)


def parse_assignments(words: tuple[str, ...]) -> dict[str, str]:
    """The keys and values that the words of `--set` give.

    Raises:
        DigdagError: a key or value is not valid or comes twice, or standard input is asked for twice.
        OSError: a file cannot be read.
    """
    reader = _Reader()
    found: dict[str, str] = {}
    for word in words:
        for key, value, duplicate in reader.pairs(word):
            if key in found:
                raise DigdagError(duplicate)
            found[key] = value
    for key, value in found.items():
        if not is_secret_key(key):
            raise DigdagError(f"Invalid secret key: {key}")
        if not is_secret_value(value):
            raise DigdagError(f"Invalid secret value for key: {key}")
    return found


class _Reader:
    """Reads what the words of one `--set` name; standard input has one use."""

    def __init__(self) -> None:
        self._input_used = False

    def pairs(self, word: str) -> Iterator[tuple[str, str, str]]:
        """Keys, their values, and what to say if there is one of that key already."""
        if word.startswith("@"):
            source = "stdin" if word == "@-" else f"file: {word[1:]}"
            text = self._input() if word == "@-" else self._file(word[1:])
            for key, value in _parse_map(text, source).items():
                yield key, value, f"Duplicate secret key: '{key}' in {source}"
            return
        key, equals, value = word.partition("=")
        if not key:
            raise DigdagError("A secret has no key", hint=FORMS)
        if not equals:
            value = self._ask(key)
        elif value == "-":
            value = self._input()
        elif value.startswith("@"):
            value = self._file(value[1:])
        elif value.startswith("-"):
            raise DigdagError(f"The value of secret '{key}' begins with -", hint=FORMS)
        elif not value:
            raise DigdagError(f"The value of secret '{key}' is empty", hint="give one, or --delete the secret")
        yield key, value, f"Duplicate --set secret key: '{key}'"

    def _file(self, name: str) -> str:
        if name.startswith("-") or not name:
            raise DigdagError(f"'@{name}' names no file", hint=FORMS)
        return Path(name).read_bytes().decode("utf-8", "replace")

    def _input(self) -> str:
        if self._input_used:
            raise DigdagError("Can only read once from stdin")
        self._input_used = True
        return sys.stdin.buffer.read().decode("utf-8", "replace")

    def _ask(self, key: str) -> str:
        if self._input_used:
            raise DigdagError("Stdin already read")
        if not sys.stdin.isatty():
            raise DigdagError(f"Secret '{key}' has no value", hint="in a terminal it is asked for; else " + FORMS)
        from getpass import getpass

        return getpass(f"{key}:")


def _parse_map(text: str, source: str) -> dict[str, str]:
    """A YAML or JSON map of texts; numbers and the like are taken as they are written."""
    import yaml

    try:
        found = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict) or not all(
        isinstance(key, str) and key and isinstance(value, str) for key, value in found.items()
    ):
        raise DigdagError(f"Invalid key/value in {source}", hint="it is a YAML or JSON map of keys to texts")
    return found
