"""Which tasks a change touches, and what runs because of it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from digdag_tui.debugger.events import AttemptOpened, Notice, Reloaded, WatchMode
from digdag_tui.debugger.launch import Launch, load
from digdag_tui.debugger.reload import touched_tasks, used_files
from digdag_tui.debugger.session import NotPossible

from ..support import Debugged, debugged, write

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


OTHERS = """
+each: {td>: "queries/${name}.sql"}
+data: {sh>: "sort data/rows.csv | head"}
+quoted: {sh>: 'python "tools/convert.py" --to=x'}
+ruby: {rb>: Task.run, require: tasks/mine}
+text: {echo>: "${name} *"}
"""
OTHER_FILES = {
    "queries/a.sql": "select 1\n",
    "queries/b.sql": "select 2\n",
    "data/rows.csv": "1\n",
    "tools/convert.py": "import beside\n",
    "tools/beside.py": "",
    "tasks/mine.rb": "",
    "main.sql": "",
}


@pytest.mark.parametrize(
    ("file", "task"),
    [
        ("queries/b.sql", "+each"),
        ("data/rows.csv", "+data"),
        ("tools/convert.py", "+quoted"),
        ("tools/beside.py", "+quoted"),
        ("tasks/mine.rb", "+ruby"),
        ("main.sql", None),
    ],
)
def test_templates_data_scripts_and_what_they_import_are_used(tmp_path: Path, file: str, task: str | None) -> None:
    write(tmp_path, {"main.dig": OTHERS, **OTHER_FILES})
    loaded = load(Launch(tmp_path, "main"))
    (tmp_path / file).write_text("other\n")
    touched = touched_tasks(loaded, loaded, frozenset({tmp_path / file}))
    assert touched == ((f"+main{task}",) if task else ())
    assert ((tmp_path / file).resolve() in used_files(loaded)) == bool(task)


def test_a_deleted_module_touches_its_tasks(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    loaded = load(Launch(tmp_path, "main"))
    (tmp_path / "scripts" / "helper.py").unlink()
    touched = touched_tasks(loaded, loaded, frozenset({tmp_path / "scripts" / "helper.py"}))
    assert touched == ("+main+py", "+main+loop")


COUNTED = """
+a: {sh>: echo a >> ran}
+b: {sh>: echo b >> ran}
+c: {sh>: echo c >> ran}
"""


def attempts(run: Debugged) -> int:
    return sum(isinstance(event, AttemptOpened) for event in run.events)


def save(run: Debugged, files: dict[str, str], mode: WatchMode) -> tuple[str, ...]:
    """Save files in a mode; the names of the tasks touched."""
    run.session.watch_mode = mode
    write(run.project, files)
    run.session.reload([run.project / name for name in files]).result(5)
    event = next(event for event in reversed(run.events) if isinstance(event, Reloaded))
    assert event.mode == mode
    return event.touched


def ended_again(run: Debugged, attempt: int) -> list[str]:
    """Wait for the end of an attempt; what ran since the beginning."""
    deadline = time.monotonic() + 30
    while attempts(run) < attempt or run.where() != "ended":
        assert time.monotonic() < deadline, f"attempt {attempts(run)}: {run.where()}"
        time.sleep(0.01)
    return (run.project / "ran").read_text().split()


def test_reload_only_marks_what_is_touched_until_the_person_runs_it(tmp_path: Path) -> None:
    with debugged(tmp_path, COUNTED) as run:
        assert run.do("resume") == "ended"
        with pytest.raises(NotPossible, match="no saved file touches a task"):
            run.session.rerun().result(5)
        assert save(run, {"main.dig": COUNTED.replace("echo c", "echo C")}, "reload") == ("+main+c",)
        assert save(run, {"main.dig": COUNTED.replace("echo c", "echo C").replace("echo b", "echo B")}, "reload") == (
            "+main+b",
        )
        assert run.session.touched == {"+main+b", "+main+c"} and attempts(run) == 1
        run.session.rerun().result(5)
        assert ended_again(run, 2) == ["a", "b", "c", "B", "C"]
        assert run.session.touched == set()


def test_what_is_touched_stays_so_until_it_begins(tmp_path: Path) -> None:
    with debugged(tmp_path, COUNTED) as run:
        assert run.do("run_to", "+main+c") == "goto +main+c"
        save(run, {"main.dig": COUNTED.replace("echo c", "echo C").replace("echo a", "echo A")}, "reload")
        assert run.do("resume") == "ended"
        assert run.session.touched == {"+main+a", "+main+c"}, "the attempt that goes on has the old text"
        assert run.do("rewind", run.task("+main+b").id) == "goto +main+b"
        assert run.session.touched == {"+main+a", "+main+c"}
        assert run.do("resume") == "ended"
        assert run.session.touched == {"+main+a"}, "its old result was kept"
        assert (tmp_path / "ran").read_text().split() == ["a", "b", "c", "b", "C"]


def test_all_runs_everything_again_whatever_was_saved(tmp_path: Path) -> None:
    with debugged(tmp_path, COUNTED, files={"unused.py": ""}) as run:
        assert run.do("resume") == "ended"
        assert save(run, {"unused.py": "x = 1\n"}, "all") == ()
        assert ended_again(run, 2) == ["a", "b", "c"] * 2
        assert save(run, {"main.dig": COUNTED.replace("echo c", "echo C")}, "all") == ("+main+c",)
        assert ended_again(run, 3) == [*["a", "b", "c"] * 2, "a", "b", "C"]


def test_all_stops_where_it_was_stopped(tmp_path: Path) -> None:
    with debugged(tmp_path, COUNTED) as run:
        assert run.do("run_to", "+main+b") == "goto +main+b"
        save(run, {"main.dig": COUNTED.replace("echo c", "echo C")}, "all")
        deadline = time.monotonic() + 30
        while attempts(run) < 2 or run.where() != "goto +main+b":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert (tmp_path / "ran").read_text().split() == ["a", "a"]


def test_data_that_a_task_writes_does_not_run_it_again_but_a_persons_does(tmp_path: Path) -> None:
    dig = "+write: {sh>: echo 1 >> data.csv; echo w >> ran}\n+read: {sh>: cat data.csv; echo r >> ran}\n"
    with debugged(tmp_path, dig) as run:
        assert run.do("resume") == "ended"
        run.session.reload([tmp_path / "data.csv"]).result(5)
        assert not any(isinstance(event, Reloaded) for event in run.events)
        time.sleep(0.05)
        assert save(run, {"data.csv": "2\n"}, "touched") == ("+main+write", "+main+read")
        assert ended_again(run, 2) == ["w", "r", "w", "r"]


def test_a_source_that_the_workflow_writes_each_time_ends_the_circle(tmp_path: Path) -> None:
    dig = "+make: {sh>: date +%s%N > made.sql; echo m >> ran}\n+use: {sh>: cat made.sql; echo u >> ran}\n"
    with debugged(tmp_path, dig) as run:
        assert run.do("resume") == "ended"
        for attempt in (2, 3):
            run.session.reload([tmp_path / "made.sql"]).result(5)
            ended_again(run, attempt)
        run.session.reload([tmp_path / "made.sql"]).result(5)
        told = [event.text for event in run.events if isinstance(event, Notice)]
        assert told[-1] == "made.sql is written by the workflow itself: it does not run again for that"
        assert attempts(run) == 3
        later = time.time() + 60
        os.utime(tmp_path / "made.sql", (later, later))
        run.session.reload([tmp_path / "made.sql"]).result(5)
        assert ended_again(run, 4).count("u") == 4, "the person's own save counts"
