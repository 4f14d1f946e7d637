"""The examples, run as a person runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .program import PROGRAM, ROOT, digdag_tui

EXAMPLES = ROOT / "examples"
PROJECTS = sorted({path.parent for path in EXAMPLES.rglob("*.dig") if "plugin" not in path.parts})
FAILING = "+sales+ingest^sub+load^sub+subtask1"


def copy(project: Path, place: Path) -> Path:
    return shutil.copytree(project, place / project.name, ignore=shutil.ignore_patterns(".digdag", "__pycache__"))


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    return copy(EXAMPLES / "sales", tmp_path)


def correct(sales: Path) -> None:
    """Give the one wrong value as the number that it should be."""
    ingest = sales / "ingest.dig"
    text = ingest.read_text()
    assert text.count("max_incomplete: 0.05") == 1
    ingest.write_text(text.replace("max_incomplete: 0.05", "max_incomplete: .05"))


def result(stdout: str) -> dict[str, Any]:
    """The last line of `run --json`."""
    last: dict[str, Any] = json.loads(stdout.splitlines()[-1])
    return last


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: str(project.relative_to(EXAMPLES)))
def test_check_finds_no_error(project: Path) -> None:
    done = digdag_tui("check", str(project), cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_sales_fails_where_a_number_is_text(sales: Path) -> None:
    done = digdag_tui("run", "sales.dig", "--json", cwd=sales)
    assert done.returncode == 1
    tasks = result(done.stdout)["tasks"]
    failed = [task for task in tasks if task["state"] == "error"]
    assert [task["fullName"] for task in failed] == [FAILING]
    message = failed[0]["error"]["message"]
    assert "'>' not supported between instances of 'float' and 'str' (TypeError)" in message
    assert "one_shop" in message
    (ingest,) = (task for task in tasks if task["fullName"] == "+sales+ingest^sub")
    assert ingest["exportParams"] == {"max_incomplete": "0.05"}


def test_sales_tells_of_the_failure(sales: Path) -> None:
    done = digdag_tui("run", "sales.dig", "--session", "2026-01-31", cwd=sales)
    assert done.returncode == 1
    assert "To the sales channel: no report for 2026-01-31. Python command failed with code 1" in done.stdout
    assert FAILING in done.stderr


def test_sales_passes_with_the_value_corrected(sales: Path) -> None:
    correct(sales)
    done = digdag_tui("run", "sales.dig", "--session", "2026-01-31", cwd=sales)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sapporo: 23 orders, 1 left out" in done.stdout
    assert "3 shops sold for 156650 JPY, umeda the most" in done.stdout
    report = (sales / ".digdag" / "sales.md").read_text()
    assert report.startswith("# Sales of 31 January 2026\n")
    assert [line.split()[1] for line in report.splitlines()[4:]] == ["umeda", "ginza", "sapporo"]


def test_sales_goes_on_from_the_failed_task(sales: Path) -> None:
    digdag_tui("run", "sales.dig", "--session", "2026-01-31", cwd=sales)
    correct(sales)
    done = digdag_tui("run", "sales.dig", "--session", "2026-01-31", cwd=sales)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ginza: 32 orders" not in done.stdout
    assert "3 shops sold for 156650 JPY" in done.stdout


def test_sales_test_script(sales: Path) -> None:
    program = sales / "program"
    program.write_text(f'#!/bin/sh\nexec {" ".join(PROGRAM)} "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        ["sh", str(sales / "run_test.sh")], env={**os.environ, "DIGDAG": "./program"}, cwd=sales.parent,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "as expected: {'east': 3, 'west': 2}" in done.stdout


def test_testing_tests_its_tasks_alone(tmp_path: Path) -> None:
    project = copy(EXAMPLES / "testing", tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout
    done = digdag_tui("py", "orders.dig", "+report", "-P", "params.yml", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '   stored    best  "umeda"\n' in done.stdout


def test_testing_runs(tmp_path: Path) -> None:
    project = copy(EXAMPLES / "testing", tmp_path)
    done = digdag_tui("run", "orders.dig", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ginza: 2100 JPY\numeda: 2800 JPY\n" in done.stdout
