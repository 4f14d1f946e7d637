"""What is imported where: the contracts in pyproject.toml, and what the static graph cannot see."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .program import ROOT, digdag_tui

LOADED = re.compile(r"^import time: +\d+ \| +\d+ \| +(\S+)$", re.MULTILINE)
WORKFLOW = "+greet:\n  echo>: hello ${session_date}\n"
RUNNER = ROOT / "digdag_tui" / "python" / "runner.py"


def test_contracts() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("run", "greet.dig", "--rerun"),
        ("run", "greet.dig", "--rerun", "--json"),
        ("check",),
        ("--help",),
        ("--version",),
    ],
    ids=" ".join,
)
def test_command_line_loads_only_what_it_uses(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "greet.dig").write_text(WORKFLOW)
    done = digdag_tui(*words, cwd=tmp_path, python=("-X", "importtime"))
    assert done.returncode == 0, done.stdout + done.stderr
    packages = {name.partition(".")[0] for name in LOADED.findall(done.stderr)}
    assert "digdag_tui" in packages
    assert packages.isdisjoint({"textual", "rich", "httpx", "debugpy", "watchdog"})


def test_runner_of_python_tasks_stands_alone() -> None:
    tree = ast.parse(RUNNER.read_text(), feature_version=(3, 7))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in imports for alias in node.names} | {str(node.module) for node in froms}
    assert all(node.level == 0 for node in froms)
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
