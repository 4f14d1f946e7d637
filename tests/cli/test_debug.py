"""`digdag-tui debug --headless`: stops as text and as JSON, commands from standard input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ..program import PROGRAM
from ..support import write

FLOW = {
    "main.dig": """\
_export:
  limit: "0.05"
+first:
  echo>: first
+work:
  py>: work.run
+loop:
  for_each>: {n: [1, 2, 3]}
  _do:
    echo>: n ${n}
""",
    "work.py": "import digdag\n\ndef run(limit):\n    digdag.env.store({'rows': 2 if limit > 0.01 else 1})\n",
}


def debug(folder: Path, *words: str, lines: str = "") -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, "debug", "--headless", *words]
    return subprocess.run(command, cwd=folder, input=lines, capture_output=True, text=True, timeout=120)


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, FLOW)
    return tmp_path


def test_a_build_sees_the_task_that_failed_and_what_it_saw(project: Path) -> None:
    done = debug(project, "main.dig", "--break-on-failure")
    assert done.returncode == 1 and done.stderr == ""
    assert "-- +main+work failed: py> work.run  (main.dig:6:3)" in done.stdout
    assert "'>' not supported between instances of 'str' and 'float'" in done.stdout
    assert 'limit  "0.05"\n       from   _export +main  main.dig:2' in done.stdout
    assert "work.run wants a number as limit and gets a text" in done.stdout


def test_find_and_mend_the_failing_task(project: Path) -> None:
    lines = "c\np limit\nset limit 0.05\nr\nc\n"
    done = debug(project, "main.dig", lines=lines)
    assert done.returncode == 0, done.stdout
    assert "-- +main+first is next (entry): echo> first  (main.dig:4:3)" in done.stdout
    assert "limit  0.05\n    from   edited by you" in done.stdout
    assert 'over   "0.05"   _export +main  main.dig:2' in done.stdout
    assert "-- +main+loop is next (step)" in done.stdout
    assert "n 3" in done.stdout and done.stdout.endswith("Success.\n")


def test_json_has_one_object_a_line(project: Path) -> None:
    done = debug(project, "main.dig", "--json", "--break", "+work", lines="eval limit * 2\nzzzzzzzz\nk {rows: 5}\nc\n")
    found = events(done)
    stop = next(event for event in found if event["event"] == "stopped")
    assert (stop["reason"], stop["task"], stop["operator"]) == ("breakpoint", "+main+work", "py>")
    assert {"name": "limit", "value": "0.05", "type": "string"}.items() <= stop["params"][-1].items()
    assert next(event for event in found if event["event"] == "result")["value"] == 0.1
    problem = next(event for event in found if event["event"] == "error")
    assert problem["message"] == "there is no command zzzzzzzz: help lists them"
    assert found[-1] == {"event": "ended", "success": True}
    assert done.returncode == 0


def test_conditions_and_logpoints(project: Path) -> None:
    words = ["--break", "+loop^sub* if n == 2", "--break", "+first log limit is ${limit}", "--no-break-on-failure"]
    done = debug(project, "main.dig", *words, "-p", "x=1", lines="break\nclear all\np n\nq\n")
    assert "limit is 0.05" in done.stdout
    assert done.returncode == 1  # +work fails, and that does not stop


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("to +nowhere", "*** no task is named +nowhere: tasks lists them"),
        ("to +lop", "*** no task is named +lop: did you mean +loop"),
        ("retry", "*** can't retry: only a task that failed can be retried: step over (n) runs this one"),
        ("set limit", "*** set KEY VALUE [task|onward|session], such as: set rows 3"),
        ("set limit {", "*** "),
        ("params limt", "*** no param is named limt: did you mean limit"),
        ("break +load if (", "*** "),
        ("clear 9", "*** there is no breakpoint 9: break lists them with their numbers"),
        ("skip 3", "*** the values to store are an object, such as {rows: 3}"),
        ("failures", "*** failures on, or failures off"),
        ("eval nope", "*** "),
    ],
)
def test_what_is_wrong_is_said_and_the_stop_stays(project: Path, line: str, answer: str) -> None:
    done = debug(project, "main.dig", lines=f"{line}\nwhere\n")
    said = [text for text in done.stdout.splitlines() if text.startswith("***")]
    assert len(said) == 1 and answer in said[0], done.stdout
    assert done.stdout.count("-- +main+first is next") == 2
    assert "Traceback" not in done.stdout + done.stderr


def test_help_names_every_command(project: Path) -> None:
    done = debug(project, "main.dig", lines="help\nhelp set\nh n\n")
    assert "continue" in done.stdout and "rewind" in done.stdout and "EOF" not in done.stdout
    assert "set KEY VALUE" in done.stdout and "over (n, next)" in done.stdout


def test_a_workflow_that_does_not_load(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a:\n  echo>: [\n"})
    done = debug(tmp_path, "main.dig")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and "main.dig:" in done.stderr and "Traceback" not in done.stderr


def test_interrupting_pauses_what_runs(project: Path) -> None:
    write(project, {"main.dig": "+a: {sh>: echo started; sleep 1}\n+b: {echo>: b}\n"})
    command = [*PROGRAM, "debug", "--headless", "main.dig", "--break-on-failure"]
    process = subprocess.Popen(command, cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    for line in process.stdout:
        if line == "started\n":
            break
    os.kill(process.pid, signal.SIGINT)
    assert any("-- +main+b is next (pause)" in line for line in process.stdout)
    process.stdin.close()
    process.stdout.close()
    assert process.wait(60) == 1


HANGING = {
    "main.dig": "+a: {py>: tasks.hang}\n+b: {echo>: b}\n",
    "tasks.py": """\
        import os, subprocess, time

        def hang():
            child = subprocess.Popen(["sleep", "600"])
            print("pids", os.getpid(), child.pid, flush=True)
            time.sleep(600)
        """,
}


def hanging(folder: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """A debugger in which a task hangs, and the ids of the task's processes."""
    write(folder, HANGING)
    command = [*PROGRAM, "debug", "--headless", "main.dig", "--break", "+b"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout
    said = next(line for line in process.stdout if line.startswith("pids"))
    return process, [int(word) for word in said.split()[1:]]


def runs(pid: int) -> bool:
    """Whether a process runs: nobody may have asked yet about one that has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_whole_process_trees(tmp_path: Path, number: signal.Signals) -> None:
    process, pids = hanging(tmp_path)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert not any(map(runs, pids))


def test_interrupting_twice_leaves(tmp_path: Path) -> None:
    process, pids = hanging(tmp_path)
    assert process.stderr
    process.send_signal(signal.SIGINT)
    assert process.stderr.readline() == "what runs now ends first; Ctrl-C again leaves\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert not any(map(runs, pids))


def test_it_leaves_when_nobody_reads_any_more(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {sh>: 'while :; do echo more; sleep 0.01; done'}\n"})
    command = [*PROGRAM, "debug", "--headless", "main.dig", "--no-entry"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdin and process.stdout and process.stderr
    next(line for line in process.stdout if line == "more\n")
    process.stdout.close()
    assert process.wait(60)
    assert process.stderr.read() == ""
    process.stdin.close()
    process.stderr.close()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(project: Path, closed: str) -> None:
    write(project, {"main.dig": "+a: {sh>: 'echo ran > ran.txt'}\n"})
    command = [*PROGRAM, "debug", "--headless", "main.dig", "--no-entry", "--break-on-failure"]
    done = subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", *command], cwd=project, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (project / "ran.txt").read_text() == "ran\n"


def test_every_line_of_json_is_json(project: Path) -> None:
    lines = "help\n?\nh set\nhelp x\nb param\nset x {\neval x*\neval )(\nu\nset limit 1\nu\np limit\n"
    found = events(debug(project, "main.dig", "--json", "--entry", lines=lines))
    assert "undo" in next(event for event in found if event["event"] == "help")["commands"]
    errors = [event["message"] for event in found if event["event"] == "error"]
    assert errors == [
        "there is no command x: help lists them",
        "a param is named by its path, such as rate or td.database",
        "while parsing a flow node: expected the node content, but found '<stream end>'",
        "something is missing at the end of x*",
        "Expected an operand but found ) at column 1 of )(",
        "can't undo: no param was edited",
    ]
    undone = next(event for event in found if event["event"] == "undone")
    assert undone["path"] == ["limit"]
    assert next(event for event in found if event["event"] == "params")["params"][0]["value"] == "0.05"
