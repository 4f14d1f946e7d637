"""What runs in the user's interpreter runs in Python 3.7 too: its syntax, and what it takes from the library."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "digdag_tui" / "python"
FILES = sorted(FOLDER.glob("*.py"))
PYTHON = next((Path.home() / ".pyenv" / "versions").glob("3.7.*/bin/python"), None)
CHECK = """
import importlib, json, sys
for module, name in json.load(sys.stdin):
    if not hasattr(importlib.import_module(module), name):
        print(module + "." + name)
"""


def taken(tree: ast.AST) -> set[tuple[str, str]]:
    """What a module takes from others, without first asking if they have it: pairs of a module and an attribute."""
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    attributes = {
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported
    }
    froms = {
        (str(node.module), alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    asked_for = {
        (node.args[0].id, str(node.args[1].value))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "hasattr"
        and isinstance(node.args[0], ast.Name)
        and isinstance(node.args[1], ast.Constant)
    }
    return {(module, name) for module, name in attributes | froms if module.partition(".")[0] != "debugpy"} - asked_for


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_syntax_is_that_of_37(file: Path) -> None:
    tree = ast.parse(file.read_text(), feature_version=(3, 7))
    used = {module.partition(".")[0] for module, _ in taken(tree)}
    assert used <= set(sys.stdlib_module_names)


@pytest.mark.skipif(PYTHON is None, reason="this machine has no Python 3.7")
def test_the_library_of_37_has_all_that_is_taken() -> None:
    wanted = sorted(set().union(*(taken(ast.parse(file.read_text())) for file in FILES)))
    assert ("json", "dump") in wanted
    done = subprocess.run(
        [str(PYTHON), "-c", CHECK], input=json.dumps(wanted), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
