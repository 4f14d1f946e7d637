"""`digdag-tui explain`: where each value comes from, from the files and from an attempt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..program import digdag_tui
from ..support import debugged, write

MAIN = """
_export:
  region: west
  share: 0.5
  opts: {a: 1, b: "${region}"}

+first:
  py>: tasks.store

+load:
  for_each>: {shop: [1, 2]}
  _do:
    +one:
      echo>: ${shop} ${rows} ${region}

+report:
  _export:
    region: north
  py>: tasks.report
  title: Sales of ${region} ${session_date}
  count: ${rows + 1}

+broken:
  echo>: ${nothing}
"""
TASKS = """
import digdag


def store():
    digdag.env.store(rows=3)


def report(title, count, share=1):
    print(title, count, share)
"""


def explain(project: Path, *words: str, code: int = 0) -> str:
    done = digdag_tui("explain", "main.dig", *words, cwd=project)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code != 1 else done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, {"main.dig": MAIN, "tasks.py": TASKS})
    return tmp_path


def test_from_the_files(project: Path) -> None:
    text = explain(project, "+report", "--session", "2026-01-31", "-p", "region=east", "-p", "other=x")
    assert (
        text
        == """\
+main+report
  from the files, for the session 2026-01-31T00:00:00+00:00: ? is what only a
  run tells

This task's own keys
  py>  "tasks.report"
      from   the task's own key  main.dig:18
  title  "Sales of north 2026-01-31"
      from   the task's own key  main.dig:19
      text   Sales of ${region} ${session_date}
      reads  region   _export +main+report  main.dig:17
      reads  session_date   built in
  count  ?
      from   the task's own key  main.dig:20
      text   ${rows + 1}
      reads  rows   may be stored by +main+first  tasks.py:5

Params
  other  "x"
      from   -p
  region  "north"
      from   _export +main+report  main.dig:17
      over   "west"   _export +main  main.dig:2
      over   "east"   -p
      !      -p region=east has no effect: the _export of +main+report beats it
             (change the value there, or remove it there) [beaten-param]
  share  "0.5"
      from   _export +main  main.dig:3
      !      tasks.report gets share as the text "0.5": no number of Digdag's
             begins with 0 (write .5) [became-text]
  opts  {"a":1,"b":"north"}
      from   _export +main  main.dig:4
  rows  ?
      from   may be stored by +main+first  tasks.py:5

Built in: timezone, session_uuid, session_time, session_id, session_date,
  session_date_compact, session_local_time, session_tz_offset, session_unixtime,
  last_executed_session_time, last_executed_session_date,
  last_executed_session_date_compact, last_executed_session_local_time,
  last_executed_session_tz_offset, last_executed_session_unixtime, project_id,
  attempt_id, task_name
"""
    )
    assert max(map(len, text.splitlines())) <= 80


def test_one_param_and_who_reads_it(project: Path) -> None:
    assert (
        explain(project, "+load", "region", "--session", "2026-01-31")
        == """\
+main+load
  from the files, for the session 2026-01-31T00:00:00+00:00: ? is what only a
  run tells

region  "west"
    from   _export +main  main.dig:2

Read by
  +main
    ${region}  main.dig:4:16
  +main+load^sub+for-*+one
    ${shop} ${rows} ${region}  main.dig:13:7
  +main+report
    Sales of ${region} ${session_date}  main.dig:19:3
"""
    )


def test_a_key_of_the_tasks_own_is_read_by_its_function(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a:\n  py>: tasks.f\n  since: x\n  other: y\n"})
    write(tmp_path, {"tasks.py": "def f(since):\n    pass\n"})
    done = digdag_tui("explain", "main.dig", "+a", "since", cwd=tmp_path)
    assert "Read by\n  +main+a\n    tasks.f(since)  tasks.py:1:1" in done.stdout
    assert "Read by" not in digdag_tui("explain", "main.dig", "+a", "other", cwd=tmp_path).stdout


def test_a_path_and_a_task_of_a_loop(project: Path) -> None:
    text = explain(project, "+for-0=shop=0=1+one", "opts.b")
    assert text.startswith("+main+load^sub+for-*+one\n")
    assert 'opts.b  "west"\n' in text and "reads  region" in text
    assert "\nshop  ?\n    from   _export +main+load^sub+for-*  main.dig:10" in explain(project, "+one", "shop")


def test_json(project: Path) -> None:
    found = json.loads(explain(project, "+report", "count", "--json"))
    (param,) = found["own"]
    assert param == {
        "name": "count", "known": False, "origin": "the task's own key  main.dig:20", "source": "task",
        "task": "+main+report", "position": "main.dig:20:3", "template": "${rows + 1}",
        "reads": [{"name": "rows", "origin": "may be stored by +main+first  tasks.py:5", "source": "store",
                   "task": "+main+first", "position": "tasks.py:5:22"}],
    }  # fmt: skip
    assert (found["task"], found["from"]) == ("+main+report", "files")
    everything = json.loads(explain(project, "+report", "--json"))
    assert {param["name"]: param.get("value") for param in everything["params"]} == {
        "region": "north", "share": "0.5", "opts": {"a": 1, "b": "north"}, "rows": None,
    }  # fmt: skip
    assert {param["name"] for param in everything["built_in"]} >= {"session_time", "task_name"}
    assert [warning["code"] for warning in everything["warnings"]] == ["became-text"]


def ran(project: Path) -> None:
    """An attempt that stored, and that failed at its end, kept by the debugger."""
    with debugged(project, MAIN, files={"tasks.py": TASKS}) as run:
        run.where()
        assert run.do("resume") == "exception +main+broken"
        assert run.do("resume") == "ended"


def test_from_an_attempt(project: Path) -> None:
    ran(project)
    text = explain(project, "+report", "--attempt", "last")
    lines = text.splitlines()
    assert lines[1] == "  attempt 1 of the session 2026-01-31T00:00:00+00:00: success"
    assert '  count  "31"' not in lines and '  count  "4"' in lines
    rows = lines.index("  rows  3")
    assert lines[rows + 1] == "      from   stored by +main+first"
    assert "may be +main+load^sub+for-0=" in explain(project, "+one", "--attempt", "1", code=1)
    shop = json.loads(explain(project, "+for-0=shop=1=2+one", "shop", "--attempt", "1", "--json"))
    assert (shop["params"][0]["value"], shop["from"]) == (2, "attempt")


def test_what_cannot_be_evaluated_exits_2(project: Path) -> None:
    text = explain(project, "+broken", code=2)
    assert "      reads  nothing   nobody sets it\n" in text
    assert "      fails  Failed to evaluate a variable ${nothing} (ReferenceError:" in text
    explain(project, "+broken", "region")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["+repotr"], "error: No task is named +repotr (did you mean +main+report?)"),
        (["+zzzzzz"], "error: No task is named +zzzzzz (there are +main, "),
        (["+report", "regoin"], "error: +main+report has no param regoin (did you mean region?)"),
        (["+report", "opts.c"], "error: opts of +main+report has no param c (it has a, b)"),
        (["+report", "region.x"], "error: region of +main+report has no param x (it is no map)"),
        (["+report", "--attempt", "7"], "error: no attempt of main is kept in "),
        (["+report", "-p", "x"], "Parameter -p expected a value"),
    ],
)
def test_refusals(project: Path, words: list[str], message: str) -> None:
    assert message in explain(project, *words, code=1)


def test_a_workflow_that_does_not_load(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {echo>: x, sh>: y}"})
    assert "main.dig:1:16" in explain(tmp_path, "+a", code=1)


def test_secrets_are_masked(project: Path) -> None:
    write(project, {"main.dig": "_export: {x: hunter22}\n+a: {echo>: a}"})
    done = digdag_tui("explain", "main.dig", "+a", "-X", "secrets.k=hunter22", cwd=project)
    assert done.returncode == 0
    assert "hunter22" not in done.stdout
