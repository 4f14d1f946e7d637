"""`digdag-tui debug --headless` inside the Python code of a task."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from ..program import PROGRAM
from ..support import write
from .test_debug import debug, events

FLOW = {
    "main.dig": """\
+work: {py>: work.run, limit: 4}
+shown: {echo>: "rows ${rows}"}
+bad: {py>: work.bad}
""",
    "work.py": """\
import digdag


def half(number):
    found = number / 2
    return found


def run(limit):
    rows = limit + 1
    rows = half(rows)
    digdag.env.store(rows=rows)


def bad():
    nothing = 0
    return half(1) / nothing
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, FLOW)
    return tmp_path


def test_step_through_a_function_and_change_what_it_stores(project: Path) -> None:
    lines = "s\nn\nset rows 84\np rows + 1\n!more = rows * 2\np more\nl\ns\nw\nu\nlocals\nr\nn\nn\nn\nq\n"
    done = debug(project, "main.dig", lines=lines)
    said = done.stdout
    place = project / "work.py"
    assert (
        f"-- +main+work is stopped in run, {place}:10 (entry)\n     10  rows = limit + 1\n   limit = 4   (int)" in said
    )
    assert "\nrows = 84\n85   (int)\n\n168   (int)\n" in said
    assert "  11 ->     rows = half(rows)\n" in said
    assert f"  run, {place}:11: rows = half(rows)\n> half, {place}:5: found = number / 2\n" in said
    assert "-- +main+shown is next (step)" in said
    assert "rows  42.0" in said


def test_breakpoints_and_exceptions(project: Path) -> None:
    lines = "b work.py:5, number == 1\nraises on\nc\nb\np number\nw\nclear all\nc\np nothing\nset nothing 1\nc\nq\n"
    done = debug(project, "main.dig", lines=lines)
    said = done.stdout
    assert "  1  work.py:5 if number == 1\n" in said
    assert f"-- +main+bad is stopped in half, {project / 'work.py'}:5 (breakpoint)" in said
    assert "  1  work.py:5 if number == 1, hit 1 times\n1   (int)\n" in said
    assert "(exception)\n   ZeroDivisionError: float division by zero\n     17  return half(1) / nothing\n" in said
    assert "\n0   (int)\n*** the function has been left by the exception: its values can only be read\n" in said
    assert "-- +main+bad failed: py> work.bad" in said


def test_json_has_the_frames_and_the_locals(project: Path) -> None:
    done = debug(project, "main.dig", "--json", lines="s\nn\ns\nlocals\nwhere\nl\np 1 +\nbt\nhelp\nq\n")
    told = events(done)
    stops = [event for event in told if event["event"] == "stopped" and event.get("inside") == "python"]
    assert [stop["reason"] for stop in stops] == ["entry", "step", "step"]
    assert [(frame["function"], frame["line"]) for frame in stops[-1]["frames"]] == [("half", 5), ("run", 11)]
    assert stops[-1]["locals"] == {"number": {"value": "5", "type": "int"}}
    assert stops[-1]["frames"][0]["source"] == "found = number / 2"
    by_name = {event["event"]: event for event in told}
    assert by_name["locals"]["locals"]["number"]["value"] == "5"
    assert len(by_name["frames"]["frames"]) == 2
    assert by_name["source"]["lines"]["5"] == "    found = number / 2"
    assert "SyntaxError" in by_name["error"]["message"]
    assert {"locals", "up", "print", "over"} <= set(by_name["help"]["commands"])


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("p", "*** an expression is missing, such as: p rows"),
        ("set rows", "*** set NAME VALUE, such as: set rows 3"),
        ("to x", "*** to LINE, or to FILE:LINE, such as: to 12"),
        ("u", "*** this is the outermost frame"),
        ("d", "*** this is the innermost frame"),
        ("p nothing", "*** NameError: name 'nothing' is not defined"),
        ("k", "*** can't skip: a task is stopped inside its Python code: continue (c) there first"),
        ("b work.py:5, number ==", "*** number == is no Python expression: invalid syntax"),
        ("help l", "list (l): the source around the present line."),
    ],
)
def test_what_is_wrong_is_said_and_the_stop_stays(project: Path, line: str, answer: str) -> None:
    done = debug(project, "main.dig", lines=f"s\n{line}\np limit\nq\n")
    assert f"{answer}\n4   (int)\n" in done.stdout


def test_when_we_are_killed_the_stopped_process_ends_too(project: Path) -> None:
    command = [*PROGRAM, "debug", "--headless", "main.dig"]
    with subprocess.Popen(command, cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as ours:
        assert ours.stdin is not None and ours.stdout is not None
        ours.stdin.write("s\np 'process', __import__('os').getpid()\n")
        ours.stdin.flush()
        line = next(line for line in ours.stdout if line.startswith("('process'"))
        pid = int(re.sub(r"\D", "", line))
        os.kill(pid, 0)
        ours.kill()
    for _ in range(500):
        if not is_running(pid):
            return
        time.sleep(0.02)
    pytest.fail("it still waits")


def is_running(pid: int) -> bool:
    """Whether a process is there that nobody waits for as a zombie."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return found[:1] not in ("", "Z")
