"""Which tasks a change touches."""

from __future__ import annotations

from pathlib import Path

import pytest

from digdag_tui.debugger.launch import Launch, load
from digdag_tui.debugger.reload import touched_tasks

from ..support import write

DIG = """
_export: {shared: 1}
+py: {py>: scripts.load.run}
+cls: {py>: scripts.model.Model.fit}
+sql:
  py>: other.query
  file: queries/a.sql
+sh: {sh>: sh scripts/run.sh arg}
+call: {call>: child}
+g:
  _export: {inner: 1}
  +in: {echo>: "${inner}"}
+loop:
  loop>: 2
  _do: {py>: scripts.load.run}
"""
FILES = {
    "main.dig": DIG,
    "child.dig": "+x: {echo>: x}\n",
    "scripts/__init__.py": "",
    "scripts/load.py": "from .helper import help_me\ndef run(): pass\n",
    "scripts/helper.py": "import scripts.deep\n",
    "scripts/deep.py": "import scripts.helper\n",
    "scripts/model.py": "class Model:\n    def fit(self): pass\n",
    "other.py": "def query(file): pass\n",
    "queries/a.sql": "select 1\n",
    "scripts/run.sh": "true\n",
    "unused.py": "",
}
ALL = ("+py", "+cls", "+sql", "+sh", "+call", "+g+in", "+loop")


def touched(project: Path, changes: dict[str, str]) -> tuple[str, ...]:
    write(project, FILES)
    old = load(Launch(project, "main"))
    write(project, changes)
    new = load(Launch(project, "main"))
    found = touched_tasks(old, new, frozenset(project / name for name in changes))
    return tuple(name.removeprefix("+main") for name in found)


@pytest.mark.parametrize(
    ("file", "tasks"),
    [
        ("scripts/load.py", ("+py", "+loop")),
        ("scripts/helper.py", ("+py", "+loop")),
        ("scripts/deep.py", ("+py", "+loop")),
        ("scripts/model.py", ("+cls",)),
        ("scripts/__init__.py", ("+py", "+cls", "+loop")),
        ("queries/a.sql", ("+sql",)),
        ("scripts/run.sh", ("+sh",)),
        ("child.dig", ("+call",)),
        ("unused.py", ()),
    ],
)
def test_a_file_touches_the_tasks_that_use_it(tmp_path: Path, file: str, tasks: tuple[str, ...]) -> None:
    assert touched(tmp_path, {file: FILES[file] + "\n"}) == tasks


@pytest.mark.parametrize(
    ("before", "after", "tasks"),
    [
        ("select", "select", ()),
        ("{echo>: \"${inner}\"}", "{echo>: other}", ("+g+in",)),
        ("inner: 1", "inner: 2", ("+g+in",)),
        ("shared: 1", "shared: 2", ALL),
        ("loop>: 2", "loop>: 3", ("+loop",)),
        ("+sql:", "+new: {echo>: new}\n+sql:", ("+new", "+sql")),
        ("+sh: {sh>: sh scripts/run.sh arg}\n", "", ("+call",)),
        ("shared: 1}", "shared: 1}\n_parallel: true", ("", "+cls", "+sql", "+sh", "+call", "+g", "+loop")),
        ("_export: {shared: 1}", "_export: {shared: 1}\ntimezone: Asia/Tokyo", ALL),
        ("# nothing", "# nothing", ()),
    ],
)  # fmt: skip
def test_a_change_of_the_workflow_touches_what_runs_otherwise(
    tmp_path: Path, before: str, after: str, tasks: tuple[str, ...]
) -> None:
    assert touched(tmp_path, {"main.dig": DIG.replace(before, after)}) == tasks


def test_a_python_file_that_does_not_parse_still_touches_its_task(tmp_path: Path) -> None:
    assert "+py" in touched(tmp_path, {"scripts/load.py": "def run(:\n"})
