"""What to do about a module that a `py>` task does not find: where it is, and how it would be installed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from ..workflow.config import Params
from ..workflow.names import did_you_mean
from . import interpreters

PACKAGES: Final = {
    "yaml": "PyYAML", "PIL": "Pillow", "cv2": "opencv-python", "sklearn": "scikit-learn", "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil", "dotenv": "python-dotenv", "psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient",
    "Crypto": "pycryptodome", "jwt": "PyJWT", "tdclient": "td-client", "attr": "attrs", "slack": "slackclient",
    "google.cloud": "google-cloud", "serial": "pyserial", "docx": "python-docx", "magic": "python-magic",
}  # fmt: skip
"""Packages that are named otherwise than the module in them."""
SEARCHED: Final = 5000
"""Files of the project that are looked at."""


def hint(name: str, command: str, python: Params, project: Path, *, contained: bool) -> str:
    """What to do about the missing module `name`.

    Args:
        command: what the task calls.
        python: the interpreter, as the runner tells of it.
        contained: whether it runs in a container.
    """
    top = name.partition(".")[0]
    if part := _not_there(name, project):
        return part
    environment = python.get("environment")
    where = f"the virtual environment {environment}" if environment else "no virtual environment"
    about = f"{python['program']} (Python {python['version']}, {where}) has no module {top}"
    found = list(islice(_in_project(top, project), 1))
    if found:
        dotted = str(found[0].with_suffix("")).replace(os.sep, ".").removesuffix(".__init__")
        return f"{found[0]} is in the project: its module is {dotted}, as seen from the project's folder"
    said = [about + (" in its container" if contained else "")]
    if top == command.partition(".")[0]:
        said.insert(0, f"py> wants MODULE.FUNCTION, and {top}.py is not in the project's folder")
    if near := did_you_mean(top, _modules(project)):
        said.append(near.removesuffix("?") + ", which the project has?")
    for folder in interpreters.environments(project) if not contained else ():
        if str(folder) != environment and _has(folder, top):
            said.append(f"{interpreters.shown(str(folder), project)} has it, and is not used: --python takes it")
            break
    else:
        if not contained and _is_ours(top):
            said.append("digdag-tui's own Python has it, which no task runs in")
        said.append(_install(top, python, contained))
    return "; ".join(said)


def _not_there(name: str, project: Path) -> str | None:
    """That a package or module of the project has no such part, and what it has of a near name."""
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        place, part = Path(*parts[:count]), parts[count]
        if (project / place).is_dir():
            near = did_you_mean(part, _modules(project / place))
            return f"{place}/ of the project has no {part}.py" + (f": {near}" if near else "")
        if (project / f"{place}.py").is_file():
            return f"{place}.py of the project is no package, and has no module {part}"
    return None


def _install(top: str, python: Params, contained: bool) -> str:
    package = PACKAGES.get(top, top)
    if contained:
        return f"a line `pip install {package}` in docker: build: installs it there"
    if python.get("managed"):
        return f"this Python is the system's: make a virtual environment (python3 -m venv .venv) and install {package}"
    program = shlex.quote(str(python["program"]))
    if not python.get("pip"):
        return f"`uv pip install --python {program} {package}` installs it (this Python has no pip)"
    return f"`{program} -m pip install {package}` installs it"


def _in_project(top: str, project: Path) -> Iterator[Path]:
    """Where the project has a module of that name, below its own folder."""
    for file in _files(project):
        is_it = file.name == f"{top}.py" or (file.name == "__init__.py" and file.parent.name == top)
        if is_it and (file.parent if file.name == "__init__.py" else file) != Path(top):
            yield file


def _modules(project: Path) -> list[str]:
    """The modules in the project's own folder."""
    with os.scandir(project) as entries:
        files = [entry.name for entry in entries]
    return [name.removesuffix(".py") for name in files if name.endswith(".py")]


def _files(project: Path) -> Iterator[Path]:
    """The Python files of the project, relative to it; not those of virtual environments and hidden folders."""
    seen = 0
    for folder, folders, files in os.walk(project):
        seen += len(files)
        if seen > SEARCHED:
            return
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in
                            ("node_modules", "__pycache__")
                            and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg")))  # fmt: skip
        for name in sorted(files):
            if name.endswith(".py"):
                yield Path(os.path.relpath(os.path.join(folder, name), project))


def _has(environment: Path, top: str) -> bool:
    """Whether a virtual environment has a module."""
    patterns = (top, f"{top}.py", f"{top}.*.so")
    return any(True for pattern in patterns for _ in environment.glob(f"lib/python*/site-packages/{pattern}"))


def _is_ours(top: str) -> bool:
    from importlib.util import find_spec

    try:
        return top.isidentifier() and find_spec(top) is not None
    except (ImportError, ValueError):
        return False
