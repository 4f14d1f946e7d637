"""What becomes known of a `py>` task that fails: masked, with what to do about a missing module."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.debugger.environment import LocalEnvironment
from digdag_tui.debugger.failure import failure_lines
from digdag_tui.debugger.failure import told as known
from digdag_tui.operators.interpreters import PYTHON
from digdag_tui.operators.py import PythonError
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.params.secrets import LocalSecrets

from .support import call, error

SECRET = "s3cr3t-token-of-42-letters-and-more-letters"


def failed(project: Path, code: str, secret: str = SECRET, command: str = "body.f", **options: Any) -> PythonError:
    """The error of a task that calls `f`, with a secret that is known."""
    (project / "body.py").write_text(code)
    environment = LocalEnvironment(project, Evaluator(), LocalSecrets({"secrets.token": secret}, project / "no-home"))
    task = call(project, "py", command, options, masked=environment.masked)
    with pytest.raises(PythonError) as caught:
        asyncio.run(task.run())
    return caught.value


def told(failure: PythonError) -> str:
    return "\n".join(failure_lines(failure.exceptions, "/none"))


def test_frames_and_locals_reach_the_error(tmp_path: Path) -> None:
    failure = failed(tmp_path, "def f():\n    rows = [1, {'a': 'x'}]\n    return rows[2]\n")
    assert [frame["line"] for frame in failure.frames] == [3]
    text = told(failure)
    assert f"{tmp_path}/body.py:3 in f" in text
    assert "rows = [1, {…}]" in text
    assert ">    3      return rows[2]" in text


@pytest.mark.parametrize("at", range(990, 1001))
def test_no_part_of_a_secret_shows_where_a_text_was_cut(tmp_path: Path, at: int) -> None:
    code = f"import os\ndef f():\n    long = 'x' * {at} + os.environ['T'] + 'y' * 50\n    raise ValueError(long)\n"
    failure = failed(tmp_path, code, _env={"T": SECRET})
    assert SECRET[:3] not in str(failure.exceptions)
    assert "x" * 900 in str(failure.exceptions)


@pytest.mark.parametrize("secret", ['it\'s "quoted" \\ here', "naïve-日本-secret", SECRET])
def test_secrets_are_masked_in_every_place(tmp_path: Path, secret: str) -> None:
    code = """\
import os
TOKEN = os.environ["T"]
class Client:
    def __init__(self): self.token = TOKEN
class Shown:
    def __repr__(self): return repr([TOKEN, TOKEN.encode()])
def f():
    plain, data, inside, client, shown = TOKEN, TOKEN.encode(), {TOKEN: [TOKEN]}, Client(), Shown()
    raise KeyError(TOKEN)
"""
    failure = failed(tmp_path, code, secret, _env={"T": secret})
    for form in (secret, repr(secret)[1:-1], repr(secret.encode())[2:-1]):
        assert form not in str(failure.exceptions)
        assert form not in told(failure)
    assert told(failure).count("***") >= 5


@pytest.mark.parametrize(
    "code",
    ["raise KeyboardInterrupt", "raise GeneratorExit", "raise type('E', (Exception,), {'__str__': lambda s: 1/0})"],
)
def test_what_leaves_no_result_behind_has_frames_still(tmp_path: Path, code: str) -> None:
    failure = failed(tmp_path, f"def f():\n    value = 5\n    {code}\n")
    assert failure.error_message.startswith("Python command failed with code")
    assert "value = 5" in told(failure)


def test_a_script_has_no_frames(tmp_path: Path) -> None:
    failure = error(tmp_path, "py", options={"script": "raise ValueError('x')"})
    assert getattr(failure, "exceptions", None) == []


# Missing modules


def hint(failure: PythonError) -> str:
    assert failure.hint
    return failure.hint


def test_a_missing_package_is_told_with_the_command_that_installs_it(tmp_path: Path) -> None:
    said = hint(failed(tmp_path, "import surely_not_there.part\ndef f(): pass\n"))
    version = ".".join(map(str, sys.version_info[:3]))
    assert "has no module surely_not_there" in said and "Python " in said and version.split(".")[0] in said
    assert "install surely_not_there" in said or "virtual environment" in said
    said = hint(failed(tmp_path, "def f():\n    raise ModuleNotFoundError('No module named yaml', name='yaml')\n"))
    assert "PyYAML" in said


def test_a_module_that_the_project_has_elsewhere_or_with_a_near_name(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "helper9.py").write_text("")
    assert hint(failed(tmp_path, "import helper9\n")).startswith("scripts/helper9.py is in the project")
    (tmp_path / "transform.py").write_text("")
    assert "did you mean transform" in hint(failed(tmp_path, "import transfrom\n"))
    assert hint(failed(tmp_path, "", command="nosuch9.f")).startswith("py> wants MODULE.FUNCTION")
    assert "not a file: write body." in hint(failed(tmp_path, "", command="body.py"))


def test_what_the_projects_own_packages_do_not_have_is_not_to_be_installed(tmp_path: Path) -> None:
    (tmp_path / "etl").mkdir()
    (tmp_path / "etl" / "loading.py").write_text("def orders(): pass\n")
    assert hint(failed(tmp_path, "", command="etl.loadin.orders")) == (
        "etl/ of the project has no loadin.py: did you mean loading?"
    )
    assert hint(failed(tmp_path, "import body.inner\n")) == (
        "body.py of the project is no package, and has no module inner"
    )
    assert (
        hint(failed(tmp_path, "", command="etl.loading.order")) == "etl/loading.py has no order: did you mean orders?"
    )


def test_exceptions_of_the_runners_own_search_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "etl").mkdir()
    (tmp_path / "etl" / "__init__.py").write_text("import surely_not_there\n")
    twice = failed(tmp_path, "", command="etl.jobs.f")
    assert len(twice.exceptions) == 2
    assert [each["class"] for each in known(twice.exceptions, ())] == ["ModuleNotFoundError"]
    assert not known(failed(tmp_path, "", command="body.f").exceptions, ())
    own = failed(tmp_path, "def f():\n    try: {}['a']\n    except KeyError: raise ValueError('x')\n")
    assert [each["class"] for each in known(own.exceptions, ())] == ["ValueError", "KeyError"]


def environment(project: Path) -> Path:
    """A virtual environment of the project, as far as one is needed, with a package that only it has."""
    folder = project / ".venv"
    packages = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages" / "only_there9"
    packages.mkdir(parents=True)
    (packages / "__init__.py").write_text("")
    (folder / "bin").mkdir()
    python = os.path.realpath(sys.executable)
    (folder / "bin" / "python").symlink_to(python)
    (folder / "pyvenv.cfg").write_text(f"home = {os.path.dirname(python)}\n")
    return folder


def test_a_module_of_a_virtual_environment_that_is_not_used(tmp_path: Path) -> None:
    folder = environment(tmp_path)
    assert ".venv has it, and is not used" in hint(failed(tmp_path, "import only_there9\n"))
    task = call(tmp_path, "py", "body.f", settings={PYTHON: str(folder / "bin" / "python")})
    (tmp_path / "body.py").write_text(
        "import only_there9, os, sys, shutil\n"
        "def f(): print(sys.prefix, os.environ['VIRTUAL_ENV'], shutil.which('python'))\n"
    )
    asyncio.run(task.run())
    assert task.lines == [f"{folder} {folder} {folder}/bin/python"]
    shutil.rmtree(folder)


def test_the_option_python_comes_before_the_choice(tmp_path: Path) -> None:
    (tmp_path / "body.py").write_text("import os\ndef f(): print(os.environ.get('VIRTUAL_ENV'))\n")
    folder = environment(tmp_path)
    task = call(tmp_path, "py", "body.f", {"python": sys.executable}, settings={PYTHON: str(folder / "bin" / "python")})
    asyncio.run(task.run())
    assert task.lines == [str(os.environ.get("VIRTUAL_ENV"))]
