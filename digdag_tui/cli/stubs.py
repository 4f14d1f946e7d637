"""`digdag-tui stubs`: the types of `import digdag`, where editors and type checkers find them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import click

from .. import __version__

NAME = "digdag.pyi"
_SHIPPED = Path(__file__).parent.parent / "python" / NAME
_FIRST_LINE = re.compile(r"# Written by digdag-tui stubs \((\S+), (\w{16})\): .*\n")


@click.command("stubs", short_help="Write typing stubs, so that editors and checkers know digdag.env.")
@click.argument("directory", default=".", metavar="[DIR]", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace the file even if it was changed by hand.")
def command(directory: Path, force: bool) -> int:
    """Write typing stubs, so that editors and checkers know digdag.env.

    The file digdag.pyi goes into DIR, by default the current directory. That is to be the one that is opened in the
    editor and where checkers are started: Pylance, Pyright, PyCharm, jedi and mypy all look there without being told.
    Called again it brings the file up to date; one that was changed by hand stays. Python never reads it.
    """
    if not directory.is_dir():
        raise click.ClickException(f"{directory} is no directory: name the one that you open in your editor")
    own = next((path for path in (directory / "digdag.py", directory / "digdag") if _is_module(path)), None)
    if own:
        raise click.ClickException(f"{own} is a module digdag of your own: stubs beside it would hide it")
    file, text = directory / NAME, stubs()
    try:
        present = file.read_text(encoding="utf-8") if file.exists() else None
        if present == text:
            click.echo(f"{file} is up to date.")
            return 0
        if present is not None and not force and not is_ours(present):
            raise click.ClickException(f"{file} was changed by hand, or is not of digdag-tui: --force replaces it")
        file.write_text(text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: {getattr(error, 'strerror', None) or 'it is no UTF-8 text'}") from None
    click.echo(f"{file} {'written' if present is None else 'replaced'}: import digdag has types now.")
    for advice in _advice(directory):
        click.echo(advice)
    return 0


def stubs() -> str:
    """The text of the file; its first line tells whether the rest is as we wrote it."""
    body = _SHIPPED.read_text(encoding="utf-8")
    return f"# Written by digdag-tui stubs ({__version__}, {_sum(body)}): replaced by the next call.\n{body}"


def is_ours(text: str) -> bool:
    """Whether a file is as some version of digdag-tui wrote it."""
    found = _FIRST_LINE.match(text)
    return found is not None and found[2] == _sum(text[found.end() :])


def _sum(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def _is_module(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and next(path.rglob("*.py"), None) is not None)


def _advice(directory: Path) -> Iterator[str]:
    """What may be to do beside, a line each."""
    above = next((folder for folder in directory.absolute().parents if (folder / ".git").exists()), None)
    if above and not (directory / ".git").exists():
        yield f"If you open {above} in the editor or start mypy there: digdag-tui stubs {above}"
    yield "Pyright and Pylance remark that its source is missing, as it is; that is silenced in pyproject.toml by"
    yield "  [tool.pyright] reportMissingModuleSource = false"
