from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.engine.operator import OperatorEntry, OperatorResult
from digdag_tui.operators.catalog import CATALOG
from digdag_tui.operators.registry import find_operator, operator_forms
from digdag_tui.workflow.errors import ConfigError
from digdag_tui.workflow.parameters import OperatorForm

from ..program import PROGRAM, ROOT
from .support import call, error, run

RETRYING = {"call", "embulk", "http", "http_call", "mail", "param_get", "param_set", "pg", "py", "rb", "require", "sh"}
REPORTING_UNUSED_KEYS = {"echo", "fail", "if", "notify", "s3_wait", "wait"}
HERE = RETRYING | {"echo", "fail", "for_each", "for_range", "if", "loop", "notify", "wait"}


def test_digdag_has_these_operators() -> None:
    assert CATALOG.keys() == HERE | {
        "td", "td_for_each", "td_run", "td_load", "td_ddl", "td_table_export", "td_wait", "td_wait_table",
        "td_partial_delete", "td_result_export", "redshift", "redshift_load", "redshift_unload", "s3_wait", "emr",
        "bq", "bq_load", "bq_extract", "bq_ddl", "gcs_wait",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_what_the_engine_must_know_of_an_operator(name: str) -> None:
    entry = find_operator(name)
    assert entry.retries is (name in RETRYING)
    assert (entry.reads is not None) is (name in REPORTING_UNUSED_KEYS)
    assert entry.takes_pin is (name not in HERE)


def test_the_catalog_knows_each_operator_and_what_it_reads() -> None:
    assert {name for name, form in CATALOG.items() if form.service} == CATALOG.keys() - HERE
    for name in REPORTING_UNUSED_KEYS:
        form = CATALOG[name]
        assert form.reports_unused and find_operator(name).reads == form.keys() | {"_command"}, name


@pytest.mark.parametrize("form", CATALOG.values(), ids=lambda form: form.name)
def test_a_catalog_entry_is_whole(form: OperatorForm) -> None:
    names = [parameter.name for parameter in form.parameters]
    assert len(names) == len(set(names))
    assert form.command.name == f"{form.name}>"
    kinds = {"text", "int", "bool", "list", "map", "any", "file", "table", "duration", "time", "tasks", "none"}
    kinds |= {"first", "all", "failed"}
    for parameter in (form.command, *form.parameters):
        assert set(parameter.type.split(" or ")) <= kinds, parameter
        assert not (parameter.required and parameter.default is not None), parameter
    if form.alias:
        assert form.alias in names
    for key in form.resets:
        value: Any = form.stores
        for part in key.split("."):
            value = value[part]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("frobnicate", None),
        ("Echo", "did you mean echo>?"),
        ("echo ", "did you mean echo>?"),
        ("for-each", "did you mean for_each> or td_for_each>?"),
        ("nop", None),
        ("", None),
    ],
)
def test_an_unknown_operator_names_those_near_it(name: str, hint: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        find_operator(name)
    assert caught.value.error_message == f"Unknown task type: {name} (config)"
    assert caught.value.hint == hint


def test_other_packages_add_operators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lent_operators.py").write_text(
        "from digdag_tui.engine.operator import OperatorEntry, OperatorResult\n"
        "async def shout(context):\n"
        "    context.output(context.config['_command'].upper())\n"
        "    return OperatorResult(store={'said': 1})\n"
        "entry = OperatorEntry(shout, retries=False, reads=frozenset({'_command'}))\n"
    )
    about = tmp_path / "lent_operators-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lent-operators\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[digdag_tui.operators]\nshout = lent_operators:shout\ntd = lent_operators:entry\necho = lent_operators:shout\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    task = call(tmp_path, "shout", "hi")
    assert asyncio.run(task.run()).store == {"said": 1}
    assert task.lines == ["HI"]
    entry = find_operator("td")
    assert (entry.retries, entry.reads) == (False, frozenset({"_command"}))
    assert isinstance(entry, OperatorEntry)
    echo = call(tmp_path, "echo", "hi")
    asyncio.run(echo.run())
    assert echo.lines == ["hi"], "Digdag's own operators win"
    assert operator_forms().keys() == CATALOG.keys() | {"shout"} and operator_forms()["shout"] is None
    with pytest.raises(ConfigError) as caught:
        find_operator("shuot")
    assert caught.value.hint == "did you mean shout>?"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("nowhere:run", "cannot be loaded: ModuleNotFoundError: No module named 'nowhere'"),
        ("odd_operators:absent", "cannot be loaded: AttributeError: module 'odd_operators' has no attribute 'absent'"),
        ("odd_operators:number", "is no function: odd_operators:number"),
        ("odd_operators:text", "gave back a str and no OperatorResult"),
        ("odd_operators:nothing", None),
        ("odd_operators:plain", None),
    ],
)
def test_mistakes_of_other_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, expected: str | None
) -> None:
    (tmp_path / "odd_operators.py").write_text(
        "from digdag_tui.engine.operator import OperatorResult\n"
        "number = 5\nasync def text(context): return 'x'\nasync def nothing(context): pass\n"
        "def plain(context): return OperatorResult()\n"
    )
    about = tmp_path / "odd-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-operators\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[digdag_tui.operators]\nodd = {value}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    if expected:
        failed = error(tmp_path, "odd", "x")
        assert failed.error_message == f"The operator odd> of the package odd-operators {expected} (plugin)"
        assert failed.hint == "this is a mistake in the package odd-operators, not in the workflow"
    else:
        assert run(tmp_path, "odd", "x") == OperatorResult()


def test_the_example_of_a_package_is_installed_and_runs(tmp_path: Path) -> None:
    package, site = tmp_path / "package", tmp_path / "site"
    shutil.copytree(ROOT / "examples" / "plugin", package, ignore=shutil.ignore_patterns(".digdag", "__pycache__"))
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    target = ["--no-build-isolation", "--no-index", "--target", str(site), str(package)]
    subprocess.run([*install, *target], check=True, timeout=300, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def digdag_tui(*words: str) -> subprocess.CompletedProcess[str]:
        command = [*PROGRAM, *words]
        return subprocess.run(
            command, cwd=package / "workflow", env=environment, capture_output=True, text=True, timeout=120
        )

    checked = digdag_tui("check")
    assert checked.returncode == 0 and checked.stderr.endswith("0 errors, 0 warnings\n"), checked.stdout
    done = digdag_tui("run", "shops.dig", "--no-save", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [lines for name, lines in events[-1]["printed"].items() if name.endswith("+show")] == [
        ["Ginza sold 330"],
        ["Umeda sold 210"],
    ]
    texts = [event["text"] for event in events if event["event"] == "task_artifact"]
    assert texts == ["select name, sold\nfrom shops\nwhere sold >= 100\norder by name\n"]


def test_only_what_is_used_is_imported() -> None:
    program = (
        "import sys; from digdag_tui.operators.registry import find_operator; find_operator('echo');"
        "print([name for name in ('asyncio', 'importlib.metadata', 'difflib', 'digdag_tui.operators.py',"
        " 'digdag_tui.operators.process') if name in sys.modules])"
    )
    here = Path(__file__).parents[2]
    shown = subprocess.run([sys.executable, "-c", program], cwd=here, capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
