"""The lines that tasks are written in, and the files that they use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from digdag_tui.debugger.gate import Opening
from digdag_tui.debugger.inspect import inspect
from digdag_tui.debugger.sources import LARGEST, Sources, Span, places
from digdag_tui.engine.attempt import Attempt, Task
from digdag_tui.params.evaluate import Evaluator

from ..support import Debugged, write

FLOW = """\
_export: {rows: 3}
# of the next

+load:
  for_each>:
    region: [east, west]
  _do:
    py>: load.run
    x: "${region}"

+group:
  _export: {a: 1}
  +inner:
    loop>: 2
    _do:
      +deep:
        echo>: "${i}"  # last
      # after
  +flow: {echo>: hi, other: {
    data: x
  }}
+called: {call>: sub/other.dig}
!include : sub/included.dig
+fails:
  sh>: exit 1
  _error:
    echo>: sorry
"""
OTHER = "+o1:\n  echo>: o\n+o2:\n  +o3: {echo>: z}\n"
LOAD = """\
import helper
from digdag import env
def no(): pass
def run(x):
    env.add_subtask(no)
"""
FILES = {
    "main.dig": FLOW,
    "sub/other.dig": OTHER,
    "sub/included.dig": "+i1:\n  echo>: inc\n",
    "load.py": LOAD,
    "helper.py": "",
}


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    """The whole workflow, run to its end."""
    write(tmp_path, FILES)
    debugged = Debugged(tmp_path, journaled=False, break_on_failure=False)
    try:
        debugged.session.start(Opening())
        debugged.session.wait("ended")
    finally:
        debugged.session.quit()
    return debugged.session.attempt


def named(attempt: Attempt, name: str) -> Task:
    task = attempt.named(f"+main{name}")
    assert task, [task.full_name for task in attempt.tasks.values()]
    return task


def test_a_task_is_the_block_of_its_name_without_what_follows(tmp_path: Path, attempt: Attempt) -> None:
    sources = Sources(tmp_path)
    spans = {
        "": ("main.dig", 1, 27), "+load": ("main.dig", 4, 9), "+group": ("main.dig", 11, 21),
        "+group+inner": ("main.dig", 13, 17), "+group+flow": ("main.dig", 19, 21), "+called": ("main.dig", 22, 22),
        "+i1": ("sub/included.dig", 1, 2), "+fails": ("main.dig", 24, 27),
    }  # fmt: skip
    assert {name: sources.span(named(attempt, name)) for name in spans} == {k: Span(*v) for k, v in spans.items()}


def test_a_generated_task_is_where_the_one_that_made_it_has_it(tmp_path: Path, attempt: Attempt) -> None:
    sources = Sources(tmp_path)
    spans = {
        "+load^sub": ("main.dig", 4, 9), "+load^sub+for-0=region=1=west": ("main.dig", 7, 9),
        "+load^sub+for-0=region=1=west^sub+subtask0": ("main.dig", 7, 9),
        "+group+inner^sub+loop-1": ("main.dig", 15, 17), "+group+inner^sub+loop-1+deep": ("main.dig", 16, 17),
        "+called^sub": ("sub/other.dig", 1, 4), "+called^sub+o2": ("sub/other.dig", 3, 4),
        "+called^sub+o2+o3": ("sub/other.dig", 4, 4), "+fails^error": ("main.dig", 26, 27),
    }  # fmt: skip
    assert {name: sources.span(named(attempt, name)) for name in spans} == {k: Span(*v) for k, v in spans.items()}


def test_a_line_belongs_to_the_innermost_tasks(tmp_path: Path, attempt: Attempt) -> None:
    sources = Sources(tmp_path)

    def at(line: int, file: str = "main.dig") -> list[str]:
        return [task.full_name[5:] for task in sources.tasks_at(attempt.tasks.values(), file, line)]

    assert at(1) == [""] and at(3) == [""]
    assert at(4) == at(6) == ["+load"]
    assert at(8) == ["+load^sub+for-0=region=0=east", "+load^sub+for-0=region=1=west"]
    assert at(12) == ["+group"]
    assert at(17) == ["+group+inner^sub+loop-0+deep", "+group+inner^sub+loop-1+deep"]
    assert at(20) == ["+group+flow"]
    assert at(27) == ["+fails^error"]
    assert at(4, "sub/other.dig") == ["+called^sub+o2+o3"]
    assert at(99) == at(1, "none.dig") == []


def test_places_follow_what_is_edited_above_them(tmp_path: Path, attempt: Attempt) -> None:
    sources = Sources(tmp_path)
    task = named(attempt, "+group+flow")
    assert sources.span(task) == Span("main.dig", 19, 21)
    before = (tmp_path / "main.dig").stat()
    write(tmp_path, {"main.dig": "# one\n# two\n" + FLOW})
    os.utime(tmp_path / "main.dig", (before.st_atime, before.st_mtime + 1))
    assert sources.span(task) == Span("main.dig", 21, 23)
    (tmp_path / "main.dig").unlink()
    assert sources.span(task)
    assert sources.read("main.dig").error == "main.dig does not exist any more"


def test_a_file_that_goes_or_shrinks_leaves_places_in_it(tmp_path: Path, attempt: Attempt) -> None:
    for text in (None, "", "+load:\n"):
        write(tmp_path, FILES)
        sources = Sources(tmp_path)
        for task in 2 * [*attempt.tasks.values()]:
            assert sources.span(task)
        before = (tmp_path / "main.dig").stat()
        (tmp_path / "main.dig").unlink()
        if text is not None:
            write(tmp_path, {"main.dig": text})
            os.utime(tmp_path / "main.dig", (before.st_atime, before.st_mtime + 1))
        for task in attempt.tasks.values():
            span = sources.span(task)
            assert span and 1 <= span.first <= span.last


def test_files_that_cannot_be_shown_say_why(tmp_path: Path) -> None:
    sources = Sources(tmp_path)
    (tmp_path / "data").write_bytes(b"a\0b")
    with open(tmp_path / "huge.sql", "wb") as file:
        file.truncate(LARGEST + 1)
    (tmp_path / "folder").mkdir()
    assert sources.read("data").error == "data is no text: it has null bytes"
    assert sources.read("huge.sql").error == "huge.sql is too large to be shown: 32 MB"
    assert sources.read("folder").error == "folder is no file"
    assert "cannot be read" in (sources.read("a\0b").error or "")
    (tmp_path / "crlf.dig").write_bytes(b"\xef\xbb\xbf+a:\r\n  echo>: \xff\r\n\r\n")
    assert sources.read("crlf.dig").lines == ["+a:", "  echo>: \ufffd", ""]
    assert sources.read("crlf.dig") is sources.read("crlf.dig")


USES = {
    "main.dig": """\
_export: {part: daily}
+py: {py>: tasks.load.Loader.go}
+again: {py>: tasks.again}
+broken: {py>: broken.run}
+sql: {td>: "queries/${part}.sql"}
+shell: {sh>: bash run.sh, _workdir: queries}
+other: {py>: os.getcwd}
""",
    "tasks/__init__.py": "from .load import again\n",
    "tasks/load.py": "import helper\nclass Loader:\n    def run(self): ...\n    def go(self): ...\ndef again(): ...\n",
    "helper.py": "",
    "broken.py": "x = (\n\nasync def run(a:\n",
    "queries/daily.sql": "select 1",
    "queries/run.sh": "exit 0",
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("+py", ["tasks/load.py:4:5", "helper.py:1:1", "tasks/__init__.py:1:1"]),
        ("+again", ["tasks/load.py:5:1", "helper.py:1:1", "tasks/__init__.py:1:1"]),
        ("+broken", ["broken.py:3:1"]),
        ("+sql", ["queries/daily.sql:1:1"]),
        ("+shell", ["queries/run.sh:1:1"]),
        ("+other", []),
    ],
)
def test_a_tasks_code_and_the_files_that_it_names(tmp_path: Path, name: str, expected: list[str]) -> None:
    write(tmp_path, USES)
    debugged = Debugged(tmp_path, journaled=False)
    try:
        debugged.session.start(Opening(entry=True))
        debugged.session.wait("stopped")
    finally:
        debugged.session.quit()
    attempt = debugged.session.attempt
    task = named(attempt, name)
    assert [str(place) for place in places(tmp_path, task, inspect(attempt, task, Evaluator()))] == expected
