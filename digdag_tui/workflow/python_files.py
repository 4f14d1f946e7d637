"""The Python files of a project as `import` finds them, parsed and never imported; each is kept until it changes."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from msgspec import Struct

from .errors import Position
from .python_names import SCOPES, Definition, Names, names_in, origin
from .sources import shown_path

TAKEN: Final = {
    "digdag": "digdag is the module that Digdag makes for a task",
    "digdag_env": "digdag_env is the module that Digdag makes for a task",
    "runner": "runner is Digdag's own runner.py, which Python finds first",
}
"""Modules that are there before those of the project."""
_MOST: Final = 2_000
"""Files that are looked at for a name like a misspelt one."""


class Parsed:
    """A file as it was when it was read.

    `defined` are its own functions and classes, `names` what each name may mean once the file has run, `rebound` those
    that its functions set as globals.
    """

    def __init__(self, content: bytes, package: str) -> None:
        self.package = package
        self.tree = ast.parse(content)
        self.defined = {node.name: node for node in self.tree.body if isinstance(node, SCOPES)}
        self.names = names_in(self.tree.body, package)
        statements = ast.walk(self.tree) if b"global " in content else ()
        self.rebound = frozenset(name for node in statements if isinstance(node, ast.Global) for name in node.names)

    @cached_property
    def imported(self) -> dict[str, tuple[str, str | None]]:
        """What each import means, those in functions too: a module, and a name in it or None."""
        return dict(_imports(self.tree, self.package))


class Module:
    """A file of the project as a module.

    Args:
        name: its dotted name.
        file: its path as positions have it.
    """

    def __init__(self, name: str, file: str, parsed: Parsed) -> None:
        self.name = name
        self.file = file
        self.tree: ast.Module = parsed.tree
        self.defined: dict[str, Definition | ast.ClassDef] = parsed.defined
        self.names: Names = parsed.names
        self.rebound = parsed.rebound
        self._parsed = parsed

    @property
    def imported(self) -> dict[str, tuple[str, str | None]]:
        """What each import means, those in functions too: a module, and a name in it or None."""
        return self._parsed.imported

    def position(self, node: ast.AST) -> Position:
        return Position(self.file, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)


class Broken(Struct, frozen=True):
    """A file that Python cannot parse."""

    reason: str
    position: Position


def read_module(project: Path, folder: str, name: str) -> Module | Broken | None:
    """The module that `import name` finds in the project's folder `folder`; the standard library's win."""
    found = locate(project / folder, name)
    if found is None:
        return None
    path, package = found
    file = shown_path(Path(os.path.normpath(path)), project)
    try:
        status = os.stat(path)
        parsed = _parse(str(path), package, (status.st_mtime_ns, status.st_size))
    except SyntaxError as error:
        return Broken(f"{file} cannot be parsed: {error.msg}", Position(file, error.lineno or 1, error.offset or 1))
    except (OSError, ValueError, RecursionError) as error:
        return Broken(f"{file} cannot be read: {error}", Position(file, 1, 1))
    return Module(name, file, parsed)


def locate(folder: Path, name: str) -> tuple[Path, str] | None:
    """The file of a module, and the package that it is in."""
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts) or parts[0] in sys.stdlib_module_names or parts[0] in TAKEN:
        return None
    for part in parts[:-1]:
        if not (folder / part).is_dir() or ((folder / f"{part}.py").is_file() and not _package(folder / part)):
            return None
        folder /= part
    if _package(folder / parts[-1]):
        return folder / parts[-1] / "__init__.py", name
    path = folder / f"{parts[-1]}.py"
    return (path, name.rpartition(".")[0]) if path.is_file() else None


def _package(folder: Path) -> bool:
    return (folder / "__init__.py").is_file()


@lru_cache(maxsize=128)
def _parse(path: str, package: str, stamp: tuple[int, int]) -> Parsed:
    """A file as it was at `stamp`.

    Raises:
        SyntaxError: it is no Python.
        OSError, ValueError, RecursionError: it cannot be read.
    """
    with open(path, "rb") as stream:
        return Parsed(stream.read(), package)


def _imports(tree: ast.Module, package: str) -> Iterator[tuple[str, tuple[str, str | None]]]:
    """What each imported name of a module means, in its functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or name, (name, None)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, (origin(node, package), alias.name)


def module_names(folder: Path) -> Iterator[str]:
    """The dotted names of the modules below a folder, but those of environments and hidden folders."""
    count = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if name.isidentifier() and not (Path(place) / name / "pyvenv.cfg").exists()
        )
        inside = os.path.relpath(place, folder)
        above = "" if inside == "." else inside.replace(os.sep, ".") + "."
        for file in sorted(files):
            stem, extension = os.path.splitext(file)
            if extension == ".py" and stem.isidentifier():
                count += 1
                yield above.rstrip(".") if stem == "__init__" else above + stem
        if count > _MOST:
            return
