"""`digdag-tui py`: the function of one `py>` task, with the values that the workflow would give it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ..operators.dap_client import DapClient
from ..program import PROGRAM, digdag_tui

WORKFLOW = """\
timezone: UTC

_export:
  td: {database: sales}
  base: data/${session_date}

+extract:
  py>: tasks.etl.extract
  shops: [ginza, umeda]

+load:
  _parallel: true
  +shops:
    for_each>:
      shop: [ginza, umeda]
    _do:
      +row:
        py>: tasks.etl.load
        target: ${base}/${shop}.csv
  +report:
    py>: tasks.etl.report
    rows: ${total}

+job:
  py>: tasks.etl.Job.work
  limit: 3

+split:
  py>: tasks.etl.split

+fail:
  py>: tasks.etl.fail
  n: 3

+late:
  py>: tasks.etl.late

+echo:
  echo>: hello

+script:
  py>:
  script: |
    import json, sys
    print("a script")
    json.dump({"store_params": {"a": 1}}, open(sys.argv[2], "w"))
"""
TASKS = """\
import digdag


def extract(shops, td=None):
    print("extract", shops, td)
    digdag.env.store(total=len(shops))


def load(shop, target):
    print("load", shop, target)
    digdag.env.store({"last": shop})


def report(rows, limit=10):
    print("report", rows, limit, digdag.env.params["session_date"])


class Job:
    def __init__(self, limit):
        self.limit = limit

    def work(self, **rest):
        digdag.env.export(year=2026)
        print(self.limit, "td" in rest, "total" in rest)


def split():
    for i in range(2):
        digdag.env.add_subtask(piece, i=i)


def piece(i):
    print("piece", i)


def fail(n):
    print("before", end="")
    digdag.env.store(never=1)
    raise ValueError(f"boom {n}")


def late(never):
    print("late", never)


def wait():
    import time
    print("waits", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "main.dig").write_text(WORKFLOW)
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "etl.py").write_text(TASKS)
    return tmp_path


def py(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return digdag_tui("py", "main.dig", *words, cwd=project)


def records(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """What `--json` printed."""
    return [json.loads(line) for line in done.stdout.splitlines()]


def attempt(project: Path) -> None:
    """Run the workflow, which fails at +fail."""
    done = digdag_tui("run", "main.dig", "--session", "2026-01-31", cwd=project)
    assert "boom 3" in done.stderr


def test_values_from_the_files(project: Path) -> None:
    done = py(project, "+extract", "--session", "2026-01-31")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:6] == [
        "+main+extract: py> tasks.etl.extract  (main.dig:8:3)",
        "  values from the files, for the session 2026-01-31T00:00:00+00:00",
        "  extract(shops, td=None)  tasks/etl.py:4:1",
        '    shops  ["ginza","umeda"]   the task\'s own key  main.dig:9',
        '    td     {"database":"sales"}   _export +main  main.dig:4',
        "extract ['ginza', 'umeda'] {'database': 'sales'}",
    ]
    assert lines[6].startswith("-- succeeded after ")
    assert lines[7:] == ["   stored    total  2"]
    assert not (project / ".digdag" / "status").exists()
    assert not (project / ".digdag" / "tui").exists()


def test_a_workflow_need_not_be_named_where_there_is_one(project: Path) -> None:
    done = digdag_tui("py", "+job", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "3 True False\n" in done.stdout
    assert "  left out, as only a run tells them: total, last\n" in done.stdout
    assert "   exported  year  2026\n" in done.stdout


@pytest.mark.parametrize(
    ("task", "reason", "options"),
    [
        (
            "+report",
            "total may be stored by +main+extract at tasks/etl.py:6, and rows needs it",
            "give -p total=…, or take the values of an attempt with --attempt last",
        ),
        (
            "+row",
            "shop is another one in each round of +main+load+shops^sub+for-*, and target needs it",
            "give -p shop=…, or take the values of an attempt with --attempt last",
        ),
        (
            "+subtask*",
            "i is an argument that +main+split gives when it adds this task",
            "give -p i=…, or take the values of an attempt with --attempt last",
        ),
        (
            "+late",
            "never may be stored by +main+fail at tasks/etl.py:38",
            "give -p never=…, or take the values of an attempt with --attempt last",
        ),
    ],
)
def test_what_depends_on_other_tasks_is_said(project: Path, task: str, reason: str, options: str) -> None:
    done = py(project, task)
    assert done.returncode == 1
    assert done.stderr == f"error: not known before the workflow runs: {reason}\n  {options}\n"
    (call, rejected) = records(py(project, task, "--json"))
    assert (call["event"], rejected["event"]) == ("call", "rejected")


def test_what_is_given_lies_on_top(project: Path) -> None:
    done = py(project, "+row", "-p", "shop=kobe", "-p", "base=other", "--session", "2026-01-31")
    assert "load kobe other/kobe.csv\n" in done.stdout, done.stderr
    (project / "more.yml").write_text("total: 9\nlimit: 7\n")
    done = py(project, "+report", "-P", "more.yml", "-p", "limit=8", "--session", "2026-01-31")
    assert "report 9 8 2026-01-31\n" in done.stdout, done.stderr
    assert '    limit  "8"   -p\n' in done.stdout
    done = py(project, "+extract", "-p", "shops=one")
    assert "extract one {'database': 'sales'}\n" in done.stdout


def test_values_of_an_attempt(project: Path) -> None:
    attempt(project)
    done = py(project, "+report", "--attempt", "last")
    assert done.returncode == 0, done.stderr
    assert "  values from attempt 1 of the session 2026-01-31T00:00:00+00:00: success\n" in done.stdout
    assert "report 2 10 2026-01-31\n" in done.stdout
    done = py(project, "+for-0=shop=1=umeda+row", "--attempt", "20260131/1", "-p", "base=other")
    assert "load umeda other/umeda.csv\n" in done.stdout, done.stderr
    assert '   stored    last  "umeda"\n' in done.stdout
    done = py(project, "+split^sub+subtask1", "--attempt", "last")
    assert "piece 1\n" in done.stdout, done.stderr


def test_what_had_not_run_in_an_attempt(project: Path) -> None:
    attempt(project)
    done = py(project, "+late", "--attempt", "last")
    assert done.returncode == 1
    reason = "never is stored by +main+fail, which has not succeeded"
    assert done.stderr == f"error: not known in that attempt: {reason}\n  give -p never=…\n"
    assert "late 1\n" in py(project, "+late", "--attempt", "last", "-p", "never=1").stdout


def test_the_code_is_that_of_now(project: Path) -> None:
    attempt(project)
    source = project / "tasks" / "etl.py"
    source.write_text(source.read_text().replace('raise ValueError(f"boom {n}")', 'print("better", n)'))
    done = py(project, "+fail", "--attempt", "last")
    assert done.returncode == 0, done.stderr
    assert "beforebetter 3\n" in done.stdout
    assert "   stored    never  1\n" in done.stdout


def test_a_failure_shows_the_users_frames(project: Path) -> None:
    done = py(project, "+fail", "-p", "n=4")
    assert done.returncode == 1
    assert "\nbefore" in done.stdout
    result = done.stdout.partition("-- failed after ")[2].splitlines()[1:]
    assert result[0] == "   boom 4 (ValueError)"
    assert result[1] == "     tasks/etl.py:39 in fail"
    assert result[-1].split() == ["n", "=", '"4"']
    assert not any("runner.py" in line for line in result)
    last = records(py(project, "+fail", "--json"))[-1]
    assert (last["event"], last["success"]) == ("result", False)
    assert [(frame["line"], frame["function"]) for frame in last["frames"]] == [(39, "fail")]
    assert "boom 3 (ValueError)" in last["error"]["message"]


def test_json(project: Path) -> None:
    call, *said, result = records(py(project, "+extract", "--json"))
    assert (call["task"], call["command"]) == ("+main+extract", "tasks.etl.extract")
    assert [(item["name"], item["value"]) for item in call["arguments"]] == [
        ("shops", ["ginza", "umeda"]),
        ("td", {"database": "sales"}),
    ]
    output = "".join(event["text"] for event in said if event["event"] == "task_output")
    assert output == "extract ['ginza', 'umeda'] {'database': 'sales'}\n"
    assert (result["success"], result["store_params"]) == (True, {"total": 2})
    result = records(py(project, "+split", "--json"))[-1]
    assert result["subtask_config"]["+subtask1"] == {"i": 1, "py>": "tasks.etl.piece"}


def test_arguments_of_every_kind(project: Path) -> None:
    (project / "tasks" / "kinds.py").write_text(
        "class Kinds:\n"
        "    def __init__(self, a: int, b: str = 'b'): pass\n"
        "    def work(self, c, /, d=None, *rest, e=1, **more): print(c, d, rest, e, sorted(more)[-2:])\n"
    )
    (project / "main.dig").write_text("+it:\n  py>: tasks.kinds.Kinds.work\n  a: 1\n  e: 2\n  x: 3\n")
    done = py(project, "+it")
    assert done.stdout.splitlines()[2:8] == [
        "  Kinds.__init__(a: int, b: str = 'b')  tasks/kinds.py:2:5",
        "    a  1   the task's own key  main.dig:3",
        "    b  'b'   its default",
        "  Kinds.work(c, /, d=None, *rest, e=1, **more)  tasks/kinds.py:3:5",
        "    c     missing: nothing sets it",
        "    d     None   its default",
    ]
    assert "    e     2   the task's own key  main.dig:4\n" in done.stdout
    assert "    more  py>, x, and Digdag's own\n" in done.stdout
    assert "   Method 'Kinds.work' requires parameter 'c' but not set (TypeError)\n" in done.stdout
    assert done.returncode == 1


def test_a_script(project: Path) -> None:
    done = py(project, "+script")
    assert done.returncode == 0, done.stderr
    assert "a script\n" in done.stdout
    assert "   stored    a  1\n" in done.stdout


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("+exract",), "No task is named +exract (did you mean +main+extract?)"),
        (("+echo",), "+main+echo is no py> task (digdag-tui run FILE +TASK runs any task, with what is in it)"),
        (
            ("+load",),
            "+main+load is no py> task (in it are +main+load+shops^sub+for-*+row, +main+load+report)",
        ),
        (("+job", "--attempt", "9"), "no attempt of main is kept in "),
        ((), "No task is named main.dig (there are "),
    ],
)
def test_mistakes(project: Path, words: tuple[str, ...], error: str) -> None:
    done = py(project, *words)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"error: {error}")


def test_pins_do_not_count(project: Path) -> None:
    (project / "digdag-tui.pins.yml").write_text("+main+job:\n  store: {a: 1}\n")
    assert "3 True False\n" in py(project, "+job").stdout


def test_secrets_are_masked(project: Path) -> None:
    (project / "tasks" / "etl.py").write_text(
        "import os\ndef work(limit):\n    print('key', os.environ['KEY'])\n    raise ValueError(os.environ['KEY'])\n"
    )
    (project / "main.dig").write_text(
        "+job:\n  py>: tasks.etl.work\n  limit: s3cr3t-value\n  _env:\n    KEY: ${secret:api.key}\n"
    )
    (project / "config").write_text("secrets.api.key=s3cr3t-value\n")
    for more in ((), ("--json",)):
        done = py(project, "+job", "-c", "config", *more)
        assert done.returncode == 1
        assert "key " in done.stdout, done.stderr
        assert "s3cr3t-value" not in done.stdout + done.stderr


def test_it_is_stopped(project: Path) -> None:
    (project / "main.dig").write_text("+wait:\n  py>: tasks.etl.wait\n")
    command = [*PROGRAM, "py", "main.dig", "+wait"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        for line in program.stdout:
            if line == "waits\n":
                break
        program.send_signal(signal.SIGINT)
        assert program.stdout.read() == "-- stopped\n"
        assert program.wait(60) == 1


async def test_under_a_debugger(project: Path) -> None:
    command = [*PROGRAM, "py", "main.dig", "+extract", "--debug", "--json"]
    program = await asyncio.create_subprocess_exec(
        *command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert program.stdout and program.stderr
    waiting: dict[str, Any] = {}
    async for line in program.stdout:
        waiting = json.loads(line)
        if waiting["event"] == "waiting":
            break
    assert waiting["root"] == str(project.resolve())
    store = TASKS.splitlines().index("    digdag.env.store(total=len(shops))") + 1
    file = project / "tasks" / "etl.py"
    client = await DapClient.attach(waiting["host"], waiting["port"], {file: [store]})
    stopped = await client.event("stopped")
    frame = (await client.ask("stackTrace", threadId=stopped["threadId"]))["stackFrames"][0]
    assert (frame["name"], frame["line"]) == ("extract", store)
    await client.ask("evaluate", expression="shops.append('kobe')", frameId=frame["id"], context="repl")
    client.send("continue", threadId=stopped["threadId"])
    await client.event("terminated")
    await client.close()
    said = [json.loads(line) async for line in program.stdout]
    assert await program.wait() == 0
    assert said[-1]["store_params"] == {"total": 3}
    assert "attached" in [event["event"] for event in said]
    assert await program.stderr.read() == b""
