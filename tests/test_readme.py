"""The README: its two commands, and that what it names is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from digdag_tui.tui.actions import ACTIONS, PANES

from .program import ROOT, digdag_tui

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
DOCUMENTS = sorted(path for pattern in ("*.md", "benchmarks/*.md", "examples/**/*.md") for path in ROOT.glob(pattern))


def test_two_commands_of_one_line_each() -> None:
    opens, tests = BLOCKS[:2]
    assert opens.count("\n") == tests.count("\n") == 1
    setup = opens.removesuffix(".venv/bin/digdag-tui examples/sales/sales.dig\n")
    assert tests == f"{setup}.venv/bin/python -m pytest -q -n auto --dist loadfile\n"
    programs = [step.split()[0] for step in re.split(r"&&|\|\|", setup) if step.strip()]
    assert programs == ["test", "python3", ".venv/bin/pip", ".venv/bin/pip", ".venv/bin/python"]


@pytest.mark.parametrize("block", BLOCKS[:2], ids=["open", "test"])
def test_command_is_shell(block: str) -> None:
    done = subprocess.run(["sh", "-n"], input=block, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_example_has_a_line() -> None:
    projects = {path.parent.relative_to(ROOT) for path in (ROOT / "examples").rglob("*.dig")}
    assert {str(project) for project in projects} == set(re.findall(r"^\| \[`(.+?)`\]", README, re.MULTILINE))


def test_options_exist() -> None:
    command_line = README.split("## Command line", 1)[1].split("\n## ", 1)[0]
    named = set(re.findall(r"`[^`]*?(--?[a-zA-Z][a-z-]*)", command_line))
    commands = ("open", "debug", "diff", "run", "check", "explain", "py", "init", "stubs", "secrets", "scheduler")
    help_text = "".join(digdag_tui(command, "--help", cwd=ROOT).stdout for command in commands)
    assert named
    assert named <= set(re.findall(r"--?[a-zA-Z][a-z-]*", help_text))


def test_keys_are_those_of_the_app() -> None:
    table = README.split("## Keys", 1)[1].split("\n## ", 1)[0]
    named = {_lower(key) for key in re.findall(r"`(.+?)`", table)}
    keys = {_lower(action.key) for action in ACTIONS if action.keys} | {pane.key for pane in PANES}
    aliases = {alias for action in ACTIONS for alias in action.keys.split(",")[1:]} | {"tab", "ctrl+p", "ctrl+r"}
    assert keys - {pane.key for pane in PANES[1:-2]} <= named
    assert {name for name in named if "/" not in name and name != "no_color"} - {"py>"} <= keys | aliases


def _lower(key: str) -> str:
    return key.lower() if len(key) > 1 else key


def test_lock_names_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "uv pip compile" in lock
    assert "://" not in lock
    assert "--index" not in lock.partition("\n\n")[0].replace("--no-emit-index-url", "")


def test_lock_has_what_is_needed() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[ =<>[]", requirement)[0].lower().replace(".", "-") for requirement in wanted}
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert names - locked == set()


def test_version_of_the_changelog() -> None:
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    done = subprocess.run([sys.executable, "-m", "digdag_tui", "--version"], capture_output=True, text=True, cwd=ROOT)
    assert newest
    assert done.stdout.split()[-1] == newest[1]
