"""`digdag-tui version`: this program's version and a server's (cli 3)."""

from __future__ import annotations

import os
from pathlib import Path

import click

from .. import __version__
from ..operators.java_strings import visible
from ..params.properties import load_properties
from ..workflow.errors import DigdagError
from .usage import announce, show_usage

ENDPOINT = "http://127.0.0.1:65432"


@click.command("version", short_help="Show the versions of this program and of a server.")
@click.argument("words", nargs=-1, metavar="")
@click.option("-e", "--endpoint", metavar="HOST[:PORT]", help=f"The server; by default {ENDPOINT}.")
@click.option("-c", "--config", metavar="FILE", help="A configuration file, which may have client.http.endpoint.")
def command(words: tuple[str, ...], endpoint: str | None, config: str | None) -> int:
    """Show the version of Digdag that this program is like, and that of a running server."""
    announce()
    if words:
        return show_usage()
    click.echo(f"Client version: 0.10.6 (digdag-tui {__version__})")
    try:
        properties = load_properties(os.environ, Path(config) if config else None)
        version = _server_version(endpoint or properties.get("client.http.endpoint", ENDPOINT))
        click.echo(f"Server version: {visible(version)}")
    except DigdagError as error:
        click.echo("An error happened during getting Server version.")
        raise click.ClickException(visible(error.log_message)) from None
    return 0


def _server_version(endpoint: str) -> str:
    """The version that a server tells.

    Raises:
        DigdagError: there is no server, or its answer is none.
    """
    import httpx

    try:
        url = httpx.URL(endpoint if "://" in endpoint else f"http://{endpoint}")
        answer = httpx.get(url.copy_with(raw_path=b"/api/version"), timeout=30)
        return str(answer.raise_for_status().json().get("version", ""))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError) as error:
        raise DigdagError(f"The server {endpoint} doesn't tell its version: {error}") from None
