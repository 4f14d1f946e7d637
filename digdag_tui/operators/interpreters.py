"""The interpreter of `py>` tasks: the one in PATH, as Digdag has it, or a virtual environment that the person chose."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from msgspec import Struct

from ..workflow.config import Params
from . import process

PYTHON: Final = "digdag-tui.python"
"""The setting that names the interpreter of tasks that have no option `python`."""
CHOICE: Final = Path(".digdag", "tui", "python.json")
"""The file of a project that keeps what the person chose."""
FOLDERS: Final = (".venv", "venv", "env")
PATIENCE: Final = 10.0
"""Seconds that an interpreter may take to say which one it is."""

_ASK: Final = (
    "import sys, json; print(json.dumps(['.'.join(map(str, sys.version_info[:3])), sys.executable, sys.prefix, "
    "getattr(sys, 'base_prefix', sys.prefix)]))"
)


class Interpreter(Struct, frozen=True):
    """A Python; `environment` is the folder of its virtual environment, None if it has none."""

    program: str
    version: str
    environment: str | None


def environments(project: Path) -> Iterator[Path]:
    """The virtual environments of a project: in its folder, and in those above it up to the repository's root."""
    above = [project, *project.parents]
    root = next((number for number, folder in enumerate(above) if (folder / ".git").exists()), 0)
    for folder in above[: root + 1]:
        for name in FOLDERS:
            if (folder / name / "pyvenv.cfg").is_file() and os.access(program_of(folder / name), os.X_OK):
                yield folder / name


def program_of(environment: Path) -> str:
    """The interpreter of a virtual environment."""
    return str(environment / "bin" / "python")


def environment_of(program: str) -> Path | None:
    """The virtual environment whose interpreter a file is."""
    folder = Path(program).parent.parent
    return folder if os.path.isabs(program) and (folder / "pyvenv.cfg").is_file() else None


def is_active(environment: Path) -> bool:
    """Whether `python` means the interpreter of a virtual environment already."""
    found = process.find("python")
    return found is not None and os.path.realpath(Path(found).parent) == os.path.realpath(environment / "bin")


def offered(project: Path) -> Path | None:
    """The virtual environment that could be used, while the person has not chosen."""
    found = next(environments(project), None) if chosen(project) is None else None
    return found if found and not is_active(found) else None


# What the person chose


def chosen(project: Path) -> str | None:
    """The interpreter that the person chose for a project's tasks; blank for the one in PATH, None for no choice."""
    try:
        program = json.loads((project / CHOICE).read_bytes())["program"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return program if isinstance(program, str) else None


def choose(project: Path, program: str | None) -> None:
    """Keep the person's choice, or forget it.

    Raises:
        OSError: the file cannot be written.
    """
    file = project / CHOICE
    if program is None:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"program": program}) + "\n")


def named(program: str) -> str:
    """The interpreter that `--python` names: a program, or the folder of a virtual environment."""
    if (Path(program) / "pyvenv.cfg").is_file():
        program = program_of(Path(program))
    return os.path.abspath(program) if "/" in program else program


def default_program(project: Path, option: str | None) -> str | None:
    """The interpreter that `--python` or the person's choice names; None for the one in PATH."""
    if option:
        return named(option)
    program = chosen(project)
    return program if program and os.access(program, os.X_OK) else None


def notice(project: Path, settings: Mapping[str, str]) -> str | None:
    """What is to be said about the interpreter of a project's tasks before they run."""
    if program := settings.get(PYTHON):
        why = ", as you chose" if program == chosen(project) else ""
        return f"py> tasks run in {shown(program, project)}{why}"
    if program := chosen(project):
        return f"the chosen Python {shown(program, project)} is gone: py> tasks run in python of PATH"
    if found := offered(project):
        name = shown(str(found), project)
        return f"the virtual environment {name} is not used: py> tasks run in python of PATH (--python {name} uses it)"
    return None


def shown(path: str, project: Path) -> str:
    """A path, relative to the project where that is short."""
    relative = os.path.relpath(path, project)
    return relative if len(relative) < len(path) and not relative.startswith("../../..") else path


# How a task's process is started


def default(settings: Mapping[str, str], *, contained: bool) -> str:
    """The interpreter of a task without the option `python`."""
    if contained:
        return "python"
    if program := settings.get(PYTHON):
        return str(program)
    return "python" if process.find("python") or not process.find("python3") else "python3"


def variables(program: str) -> dict[str, str]:
    """What activating the virtual environment of an interpreter sets; nothing for another interpreter."""
    environment = environment_of(program)
    if environment is None:
        return {}
    path = os.pathsep.join([str(environment / "bin"), *os.get_exec_path()])
    return {"VIRTUAL_ENV": str(environment), "PATH": path}


def program_of_task(config: Params, settings: Mapping[str, str]) -> list[str] | None:
    """The command line of the interpreter that a task names or gets; None where it would fail for that."""
    words = config.get("python")
    if words is None:
        return [default(settings, contained=False)]
    words = [words] if isinstance(words, str) else words
    return [str(word) for word in words] if isinstance(words, list) and words else None


def about(found: Interpreter, project: Path) -> str:
    """An interpreter in words: its program, version and virtual environment."""
    environment = found.environment
    where = f"virtual environment {shown(environment, project)}" if environment else "no virtual environment"
    return f"{shown(found.program, project)}, Python {found.version}, {where}"


def ask(words: list[str], folder: Path) -> Interpreter | str:
    """Which Python a command line starts from a folder, or in a sentence why that is not known."""
    found = words[0] if "/" in words[0] else process.find(words[0])
    file = os.path.join(folder, found) if found else None
    if file is None or not os.access(file, os.X_OK):
        return f"{words[0]} is not found" + ("" if "/" in words[0] else " in PATH")
    return _asked((file, *words[1:]), os.stat(file).st_mtime_ns, str(folder))


@lru_cache(maxsize=100)
def _asked(words: tuple[str, ...], changed_at: int, folder: str) -> Interpreter | str:
    try:
        done = subprocess.run(
            [*words, "-c", _ASK],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=True,
        )
        done.check_returncode()
        version, program, prefix, base = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return f"{words[0]} does not say which Python it is"
    return Interpreter(program or words[0], version, prefix if prefix != base else None)
