"""`digdag-tui check`, and what the debugger says where it cannot open (cli 3)."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from ..program import digdag_tui
from ..support import write

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000"
SALES = {
    "a.dig": "+x: {require>: b}\n+y:\n  +z: {require>: b}\n  +t: {require>: c}\n",
    "b.dig": "timezone: Asia/Tokyo\nschedule:\n  daily>: 07:00:00\n  skip_delayed_by: 1h\n+x: {echo>: b}\n",
    "c.dig": "schedule: {monthly>: '1,00:00:00', end: 2020-01-01}\n+x: {}\n",
    "sub/d.dig": "what: 1\n",
}


def problem_lines(text: str) -> list[str]:
    """Standard error without its first line."""
    first, *lines = text.splitlines()
    assert re.fullmatch(rf"{STAMP}: Digdag v\S+ \(digdag-tui \S+\)", first)
    return lines


def test_what_digdag_shows(tmp_path: Path) -> None:
    write(tmp_path, SALES)
    before = datetime.now().astimezone()
    done = digdag_tui("check", "-p", "region=east", "-p", "td.database=dev", cwd=tmp_path)
    assert done.returncode == 0
    text = re.sub(rf"{STAMP} \(in [^)]*\)", "TIME", done.stdout)
    first = re.search(
        rf"first session time: ({STAMP})\n +first scheduled to run at: ({STAMP}) \(in (.*)\)\n", done.stdout
    )
    assert first
    assert (
        text
        == f"""\
  System default timezone: UTC

  Definitions (3 workflows):
    a (5 tasks)
      -> b
      -> c
    b (2 tasks)
    c (2 tasks)

  Parameters:
    region: "east"
    td:
      database: "dev"

  Schedules (2 entries):
    b:
      daily>: "07:00:00"
      skip_delayed_by: "1h"
      first session time: {first[1]}
      first scheduled to run at: TIME
    c:
      monthly>: "1,00:00:00"
      end: "2020-01-01"
      first session time: 9999-01-01 00:00:00 +0000
      first scheduled to run at: TIME

"""
    )
    session, run = (datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z") for text in first.groups()[:2])
    assert (session.hour, session.minute, (run - session).seconds) == (15, 0, 7 * 3600)
    left = re.fullmatch(r"(?:(?:(\d+)h )?(\d+)m )?(\d+)s", first[3])
    assert left
    hours, minutes, seconds = (int(part or 0) for part in left.groups())
    assert 0 <= (run - before).total_seconds() - (hours * 3600 + minutes * 60 + seconds) < 300
    assert problem_lines(done.stderr) == ["0 errors, 0 warnings"]


def test_no_params_and_no_schedules(tmp_path: Path) -> None:
    write(tmp_path, {"a.dig": "+x: {echo>: a}\n"})
    done = digdag_tui("c", "a.dig", cwd=tmp_path)
    assert done.stdout == (
        "  System default timezone: UTC\n\n  Definitions (1 workflows):\n    a (2 tasks)\n\n"
        "  Parameters:\n    {}\n\n  Schedules (0 entries):\n\n"
    )
    assert (done.returncode, problem_lines(done.stderr)) == (0, ["0 errors, 0 warnings"])


def test_params_come_from_everywhere(tmp_path: Path) -> None:
    write(tmp_path, {"a.dig": "+x: {echo>: a}\n", "p.yml": "{b: file, c: file, n: 1, l: [x, {y: 1.5}]}\n"})
    words = ["-X", "params.a=configured", "-X", "params.b=configured", "-P", "p.yml", "-p", "c=line"]
    done = digdag_tui("check", *words, cwd=tmp_path)
    shown = done.stdout.partition("  Parameters:\n")[2].partition("\n\n")[0]
    assert shown.splitlines() == [
        '    a: "configured"', '    b: "file"', '    c: "line"', "    n: 1", "    l:", '    - "x"', "    - y: 1.5",
    ]  # fmt: skip


def test_a_project_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, {"sub/a.dig": "+x: {echo>: a}\n"})
    done = digdag_tui("check", "--project", "sub", cwd=tmp_path)
    assert f"INFO] (main) io.digdag.cli.Arguments: Setting project path to {tmp_path}/sub\n" in done.stdout
    assert f'  Parameters:\n    _project_path: "{tmp_path}/sub"\n' in done.stdout
    for word in ("sub", "sub/a.dig", f"{tmp_path}/sub"):
        done = digdag_tui("check", word, cwd=tmp_path)
        assert "  Definitions (1 workflows):\n    a (2 tasks)\n" in done.stdout
        assert "  Parameters:\n    {}\n" in done.stdout
        assert (done.returncode, problem_lines(done.stderr)) == (0, ["0 errors, 0 warnings"])


@pytest.mark.parametrize("word", ["a", "a.dig", "./a.dig"])
def test_whichever_workflow_is_named_all_are_checked(tmp_path: Path, word: str) -> None:
    write(tmp_path, {"a.dig": "+x: {echo>: a}\n", "b.dig": "+x: {ecko>: a}\n"})
    done = digdag_tui("check", word, cwd=tmp_path)
    assert "Definitions (2 workflows)" in done.stdout
    assert problem_lines(done.stderr) == [
        "b.dig:1:6: error: Unknown task type: ecko (did you mean echo>?)", "1 error, 0 warnings",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["nosuch", "nosuch.dig"])
def test_a_workflow_that_is_not_there_is_told_of(tmp_path: Path, word: str) -> None:
    write(tmp_path, {"a.dig": "+x: {echo>: a}\n", "b.dig": "+x: {}\n"})
    done = digdag_tui("check", word, cwd=tmp_path)
    assert done.returncode == 0
    assert "Definitions (2 workflows)" in done.stdout
    assert problem_lines(done.stderr) == [
        "warning: There is no workflow nosuch (the project has a, b: all of it was checked) [unknown-workflow]",
        "0 errors, 1 warning",
    ]


def test_every_problem_has_its_place_and_an_error_exits_1(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.dig": "+x:\n  echo>: a\n  sh>: b\n+y:\n  ecko>: z\n+g:\n  _parralel: true\n",
            "b.dig": "_export: {list: [1, 2}\n",
        },
    )
    done = digdag_tui("check", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == "  System default timezone: UTC\n\n"
    lines = problem_lines(done.stderr)
    assert lines[:2] == [
        "error: Validating project failed",
        next(line for line in lines if line.startswith("workflow")),
    ]
    assert lines[1].startswith(f"workflow {tmp_path}/b.dig ")
    told = [line for line in lines if re.match(r"[ab]\.dig:", line)]
    assert [line.split(": ")[0] for line in told] == ["a.dig:3:3", "a.dig:5:3", "a.dig:7:3", "b.dig:1:22"]
    assert "echo>" in told[1] and "_parallel" in told[2]
    assert lines[-1] == "4 errors, 0 warnings"


def test_what_compiles_not_stops_before_anything_is_shown(tmp_path: Path) -> None:
    write(tmp_path, {"a.dig": "+x: {echo>: a, sh>: b}\n"})
    done = digdag_tui("check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "  System default timezone: UTC\n\n")
    assert problem_lines(done.stderr) == [
        "error: A task can't have more than one operator: {\"echo>\":\"a\",\"sh>\":\"b\"} (config)",
        "a.dig:1:16: error: A task can't have more than one operator: {\"echo>\":\"a\",\"sh>\":\"b\"} "
        "(make each operator a task of its own)",
        "1 error, 0 warnings",
    ]  # fmt: skip


def test_a_schedule_that_is_not_valid_stops_after_the_params(tmp_path: Path) -> None:
    write(tmp_path, {"a.dig": "schedule:\n  daily>: 7am\n+x: {}\n"})
    done = digdag_tui("check", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.endswith("  Parameters:\n    {}\n\n")
    assert problem_lines(done.stderr) == [
        "error: daily> scheduler requires hh:mm:ss format: 7am (config)",
        "a.dig:2:3: error: daily> scheduler requires hh:mm:ss format: 7am",
        "1 error, 0 warnings",
    ]


def test_keys_of_a_schedule_that_nothing_reads_are_logged(tmp_path: Path) -> None:
    write(tmp_path, {"a.dig": "schedule:\n  daily>: 07:00:00\n  strat: 2026-01-01\n+x: {}\n"})
    done = digdag_tui("check", cwd=tmp_path)
    message = "Parameter 'strat' is not used at schedule. > Did you mean '[start]'?"
    assert f"[ERROR] (main) io.digdag.core.schedule.SchedulerManager: {message}\n" in done.stdout
    assert problem_lines(done.stderr) == [f"a.dig:3:3: warning: {message} [unused-key]", "0 errors, 1 warning"]
    assert done.returncode == 0


def test_a_required_workflow_that_is_no_text_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"a.dig": "+x: {require>: [b]}\n"})
    done = digdag_tui("check", cwd=tmp_path)
    assert done.returncode == 1
    assert problem_lines(done.stderr)[0].startswith("error: Expected ")
    assert any(line.startswith("a.dig:1:6: error: Expected ") for line in problem_lines(done.stderr))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--project", "nowhere"], "error: Directory does not exist: "),
        (["-p", "novalue"], "error: Parameter -p expected a value of the form a=b but got:novalue"),
        (["-P", "none.yml"], "none.yml"),
        (["-c", "none"], "error: none (no such file)"),
        (["-l", "loud"], "error: Unknown log level 'loud'"),
        (["--bogus"], "error: Unknown option: --bogus"),
    ],
)
def test_refusals_are_one_message_and_exit_1(tmp_path: Path, words: list[str], message: str) -> None:
    write(tmp_path, {"a.dig": "+x: {}\n"})
    done = digdag_tui("check", *words, cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_two_workflows_are_usage(tmp_path: Path) -> None:
    done = digdag_tui("check", "a", "b", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "Usage: digdag-tui check" in done.stderr


@pytest.mark.parametrize("words", [["main.dig"], ["."], []])
def test_the_debugger_needs_a_terminal(tmp_path: Path, words: list[str]) -> None:
    write(tmp_path, {"main.dig": "+x: {echo>: a}\n"})
    done = digdag_tui(*words, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "error: the debugger needs a terminal: use `digdag-tui run` without one\n"


def test_help_and_version(tmp_path: Path) -> None:
    assert digdag_tui("--version", cwd=tmp_path).stdout.startswith("digdag-tui 0.")
    help_text = digdag_tui("--help", cwd=tmp_path).stdout
    assert all(command in help_text for command in ("open", "run", "check", "init", "scheduler", "secrets"))
