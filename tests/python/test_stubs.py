"""The typing stubs of `digdag`: as the engine's own class has it, and as mypy reads them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from ..program import ROOT, digdag_tui

PYTHON = ROOT / "digdag_tui" / "python"
USED = """\
import digdag


class Parallel:
    def split(self, shops: list[str]) -> None:
        digdag.env.store({"count": len(shops)}, first=shops[0])
        digdag.env.export(year=digdag.env.params["session_date"][:4])
        for shop in shops:
            digdag.env.add_subtask(Parallel.load, shop=shop)
        digdag.env.add_subtask({"echo>": "done"})
        digdag.env.subtask_config["_parallel"] = True
        digdag.env.set_state(seen=True)

    def load(self, shop: str) -> None: ...
"""
MISTAKES = """\
import digdag


def load(n: int) -> None:
    digdag.env.stor(total=n)
    digdag.env.store([n])
    digdag.env.add_subtask("tasks.load")
    digdag.env.subtasks
    digdag.store(total=n)
    total: int = digdag.env.store(total=n)
"""


def members(file: str, name: str) -> dict[str, str]:
    """The attributes of a class and the arguments of its methods, without types and default values."""
    tree = ast.parse((PYTHON / file).read_text())
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    known = {}
    for node in ast.walk(found):
        match node:
            case ast.FunctionDef(name=method, args=arguments) if method != "__init__":
                for argument in (*arguments.args, arguments.kwarg):
                    if argument:
                        argument.annotation = None
                arguments.defaults = [ast.Constant(...) for _ in arguments.defaults]
                known[method] = ast.unparse(arguments)
            case ast.AnnAssign(target=ast.Name(id=attribute)):
                known[attribute] = ""
            case (
                ast.Assign(targets=[ast.Attribute(attr=attribute)])
                | ast.AnnAssign(target=ast.Attribute(attr=attribute))
            ):
                known[attribute] = ""
            case _:
                pass
    return known


def mypy(folder: Path, source: str) -> list[str]:
    """The errors in a file of a user's."""
    (folder / "py_scripts").mkdir(exist_ok=True)
    (folder / "py_scripts" / "tasks.py").write_text(source)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), "py_scripts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    return [line for line in done.stdout.splitlines() if ": error: " in line]


def test_they_tell_of_all_that_the_engine_has() -> None:
    stubs, engine = members("digdag.pyi", "_Env"), members("runner.py", "Env")
    assert stubs == engine
    assert len(stubs) == 10


def test_every_member_has_a_text() -> None:
    tree = ast.parse((PYTHON / "digdag.pyi").read_text())
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef)).body
    texts = sum(isinstance(node, ast.Expr) for node in body) - 1
    texts += sum(ast.get_docstring(node) is not None for node in body if isinstance(node, ast.FunctionDef))
    assert texts == 10


def test_mypy_knows_what_a_task_uses(tmp_path: Path) -> None:
    missing = mypy(tmp_path, USED)
    assert "[import-not-found]" in missing[0]
    assert digdag_tui("stubs", cwd=tmp_path).returncode == 0
    assert mypy(tmp_path, USED) == []
    found = mypy(tmp_path, MISTAKES)
    assert {int(line.split(":")[1]) for line in found} == {5, 6, 7, 8, 9, 10}
    assert '"_Env" has no attribute "stor"; maybe "store"?' in found[0]


def test_written_once_and_then_up_to_date(tmp_path: Path) -> None:
    done = digdag_tui("stubs", "sub", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        1,
        "error: sub is no directory: name the one that you open in your editor\n",
    )
    done = digdag_tui("stubs", str(tmp_path), cwd=ROOT)
    file = tmp_path / "digdag.pyi"
    assert done.stdout.startswith(f"{file} written: ")
    text = file.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["digdag.pyi"]
    done = digdag_tui("stubs", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "digdag.pyi is up to date.\n")
    assert file.read_text() == text


def test_a_file_of_another_version_is_replaced(tmp_path: Path) -> None:
    from hashlib import sha256

    file, body = tmp_path / "digdag.pyi", "env: object\n"
    first = f"# Written by digdag-tui stubs (0.0.1, {sha256(body.encode()).hexdigest()[:16]}): replaced by the next.\n"
    file.write_text(first + body)
    done = digdag_tui("stubs", cwd=tmp_path)
    assert done.stdout.startswith("digdag.pyi replaced: ")
    assert "def add_subtask(" in file.read_text()


@pytest.mark.parametrize("change", ["behind", "own"])
def test_a_file_changed_by_hand_stays_unless_forced(tmp_path: Path, change: str) -> None:
    file = tmp_path / "digdag.pyi"
    digdag_tui("stubs", cwd=tmp_path)
    file.write_text(file.read_text() + "mine: int\n" if change == "behind" else "mine: int\n")
    before = file.read_text()
    done = digdag_tui("stubs", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "error: digdag.pyi was changed by hand, or is not of digdag-tui: --force replaces it\n"
    assert file.read_text() == before
    assert digdag_tui("stubs", "--force", cwd=tmp_path).returncode == 0
    assert "mine" not in file.read_text()


@pytest.mark.parametrize("own", ["digdag.py", "digdag/tasks/load.py"])
def test_a_module_of_that_name_is_not_hidden(tmp_path: Path, own: str) -> None:
    (tmp_path / own).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / own).write_text("")
    done = digdag_tui("stubs", cwd=tmp_path)
    assert done.returncode == 1
    assert "is a module digdag of your own" in done.stderr
    assert not (tmp_path / "digdag.pyi").exists()


def test_in_a_folder_of_a_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "workflow").mkdir()
    advice = f"If you open {tmp_path} in the editor or start mypy there: digdag-tui stubs {tmp_path}\n"
    assert advice in digdag_tui("stubs", "workflow", cwd=tmp_path).stdout
    assert advice not in digdag_tui("stubs", cwd=tmp_path).stdout
