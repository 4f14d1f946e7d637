"""`digdag-tui scheduler`: a real process that runs real schedules (cli 3, core 8.2)."""

from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ..program import PROGRAM, digdag_tui
from ..support import write

SHOW = "timezone: Asia/Tokyo\nschedule:\n  seconds_interval>: 1\n"


class Scheduler:
    """A scheduler in a process of its own, and what it printed so far."""

    def __init__(self, project: Path, *words: str) -> None:
        self._log = project.parent / f"{project.name}.log"
        with self._log.open("w") as log:
            command = [*PROGRAM, "scheduler", *words]
            self.process = subprocess.Popen(command, cwd=project, stdout=log, stderr=log)

    def text(self) -> str:
        return self._log.read_text()

    def wait_for(self, pattern: str, count: int = 1) -> list[re.Match[str]]:
        """What matches in the lines printed, once there are so many matches."""
        deadline = time.monotonic() + 60
        while True:
            found = list(re.finditer(pattern, self.text(), re.MULTILINE))
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline and self.process.poll() is None, self.text()
            time.sleep(0.05)

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


@contextmanager
def scheduling(project: Path, files: dict[str, str], *words: str) -> Iterator[Scheduler]:
    write(project, files)
    scheduler = Scheduler(project, *words)
    try:
        yield scheduler
    finally:
        scheduler.process.kill()
        scheduler.process.wait()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def test_sessions_run_one_after_another_and_know_their_neighbours(project: Path) -> None:
    variables = "session_time last_session_time next_session_time last_executed_session_time session_id attempt_id"
    shown = " ".join(f"${{{name}}}" for name in variables.split())
    with scheduling(project, {"main.dig": f"{SHOW}+a: {{echo>: 'of {shown} ${{p}}'}}\n"}, "-p", "p=x") as scheduler:
        runs = scheduler.wait_for(r"^of (\S+) (\S+) (\S+) (\S*) (\d) (\d) x$", 3)[:3]
        assert scheduler.end() == 0
    second = timedelta(seconds=1)
    executed = ""
    for number, run in enumerate(runs, 1):
        session, last, following = (datetime.fromisoformat(text) for text in run.groups()[:3])
        assert (last, following) == (session - second, session + second)
        assert run[1].endswith("+09:00")
        assert (run[4], run[5], run[6]) == (executed, str(number), str(number))
        executed = run[1]
    assert [run[1] for run in runs] == sorted({run[1] for run in runs})


def test_the_log_reads_as_digdags(project: Path) -> None:
    with scheduling(project, {"main.dig": f"{SHOW}+a: {{echo>: hello}}\n"}) as scheduler:
        scheduler.wait_for("^hello$", 2)
        scheduler.end(signal.SIGTERM)
        lines = [
            re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000:? ", "", line) for line in scheduler.text().splitlines()
        ]
    assert lines[0].startswith("Digdag v")
    assert lines[1] == "[INFO] (main) io.digdag.cli.RevisionAutoReloader: Added new revision 1"
    time_in_utc = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    stored = rf"StoredSchedule\{{workflowName=main, nextRunTime={time_in_utc}, nextScheduleTime={time_in_utc}\}}"
    following = rf"ScheduleTime\{{runTime={time_in_utc}, time={time_in_utc}\}}"
    wanted = [
        r"\[INFO\] \(main\) io\.digdag\.core\.workflow\.WorkflowExecutor: Starting a new session project id=1 "
        r"workflow name=main session_time=\S+\+09:00",
        r"\[INFO\] \(main\) io\.digdag\.core\.schedule\.ScheduleExecutor: Updating next schedule time: "
        rf"sched={stored}, next={following}, lastSessionTime={time_in_utc}",
        r"\[INFO\] \(0002@\[0:default:1:1\]\+main\+a\) io\.digdag\.core\.agent\.OperatorManager: echo>: hello",
        "hello",
        r"\[INFO\] \(0002@\[0:default:2:2\]\+main\+a\) io\.digdag\.core\.agent\.OperatorManager: echo>: hello",
    ]
    places = [next(i for i, line in enumerate(lines) if re.fullmatch(pattern, line)) for pattern in wanted]
    assert places[0] < places[1] < places[4]
    assert places[0] < places[2] < places[3] < places[4]


def test_attempts_have_journals(project: Path) -> None:
    with scheduling(project, {"main.dig": f"{SHOW}+a: {{echo>: hello}}\n"}) as scheduler:
        scheduler.wait_for("^hello$", 2)
        scheduler.end()
    journals = sorted((project / ".digdag/tui/main").glob("*/0001.jsonl"))
    assert len(journals) >= 2
    assert '"event":"attempt_finished"' in journals[0].read_text()


def test_ctrl_c_ends_what_runs(project: Path) -> None:
    dig = f"{SHOW}  skip_on_overtime: true\n+a: {{sh>: 'echo $$$$ > pid; sleep 60'}}\n"
    with scheduling(project, {"main.dig": dig}) as scheduler:
        scheduler.wait_for("sh>: echo")
        deadline = time.monotonic() + 30
        while not (project / "pid").exists() or not (project / "pid").read_text().strip():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        scheduler.wait_for("still running and skip_on_overtime = true. Skipping this schedule: StoredSchedule")
        assert scheduler.end() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int((project / "pid").read_text()), 0)
    assert "Starting a new session" in scheduler.text()
    assert scheduler.text().count("Starting a new session") == 1


def test_sessions_overlap_unless_they_are_skipped(project: Path) -> None:
    with scheduling(project, {"main.dig": f"{SHOW}+a: {{sh>: sleep 60}}\n"}) as scheduler:
        scheduler.wait_for("sh>: sleep 60", 2)
        assert scheduler.end() == 0


def test_changes_are_taken_and_mistakes_leave_the_old_revision(project: Path) -> None:
    with scheduling(project, {"main.dig": f"{SHOW}+a: {{echo>: first}}\n"}) as scheduler:
        scheduler.wait_for("^first$")
        write(project, {"main.dig": f"{SHOW}+a: {{echo>: x, sh>: y}}\n"})
        scheduler.wait_for(r"ERROR.*: Failed to reload\n.*\n  main.dig:4:16: make each operator a task of its own")
        scheduler.wait_for("^first$", len(scheduler.wait_for("^first$")) + 2)
        assert scheduler.text().count("Failed to reload") == 1
        write(project, {"main.dig": f"{SHOW}+a:\n  !include : words.yml\n", "words.yml": "echo>: second\n"})
        scheduler.wait_for(rf"INFO.*: Reloading {project}\n.*INFO.*: Added new revision \d")
        scheduler.wait_for("^second$")
        write(project, {"words.yml": "echo>: third\n"})
        scheduler.wait_for("^third$")
        (project / "main.dig").touch()
        write(project, {"other.dig": f"{SHOW}+a: {{echo>: fourth}}\n"})
        scheduler.wait_for("^fourth$")
        (project / "main.dig").unlink()
        revision = int(scheduler.wait_for(r"Added new revision (\d)", 4)[-1][1])
        scheduler.wait_for(f"Added new revision {revision}")
        scheduler.wait_for("^fourth$", len(scheduler.wait_for("^fourth$")) + 3)
        assert scheduler.end() == 0


def test_a_required_workflow_is_the_session_that_the_schedule_started(project: Path) -> None:
    files = {
        "a.dig": f"{SHOW}+a: {{sh>: 'sleep 1; echo a of ${{session_time}}'}}\n",
        "b.dig": SHOW + "+r: {require>: a, session_time: '${session_time}'}\n+b: {echo>: 'b of ${session_time}'}\n",
        "c.dig": f"{SHOW}+r: {{require>: d}}\n+c: {{echo>: c}}\n",
        "d.dig": "+d: {echo>: 'd of ${attempt_id}'}\n",
    }
    with scheduling(project, files) as scheduler:
        first = scheduler.wait_for(r"^b of (\S+)$")[0]
        scheduler.wait_for("^c$")
        assert scheduler.end() == 0
    before = scheduler.text()[: first.start()]
    assert before.count(f"\na of {first[1]}\n") == 1
    assert (
        len(re.findall(rf"Starting a new session .*name=a session_time={re.escape(first[1])}", scheduler.text())) == 1
    )
    assert re.search(r"^d of \d+$", scheduler.text(), re.MULTILINE)


def test_an_sla_counts_from_the_run_time(project: Path) -> None:
    sla = "sla:\n  duration: 00:00:01\n  +late: {echo>: it is late}\n"
    dig = f"{SHOW}  skip_on_overtime: true\n{sla}+a: {{sh>: sleep 60}}\n"
    with scheduling(project, {"main.dig": dig}) as scheduler:
        scheduler.wait_for("^it is late$")
        assert scheduler.end() == 0
    assert "]+main^sla+late) io.digdag.core.agent.OperatorManager: echo>: it is late" in scheduler.text()


def test_attempts_share_the_threads(project: Path) -> None:
    task = "sh>: echo begin >> calls; sleep 0.2; echo end >> calls"
    files = {f"{name}.dig": f"{SHOW}+p:\n  _parallel: true\n  +x: {{{task}}}\n  +y: {{{task}}}\n" for name in "ab"}
    with scheduling(project, files, "--max-task-threads", "1") as scheduler:
        scheduler.wait_for("sh>: echo", 6)
        calls = (project / "calls").read_text().split()
        assert scheduler.end() == 0
    assert len(calls) >= 8
    assert set(calls[::2]) == {"begin"} and set(calls[1::2]) == {"end"}


def test_too_many_attempts_wait_ten_minutes(project: Path) -> None:
    with scheduling(
        project, {"main.dig": f"{SHOW}+a: {{sh>: sleep 60}}\n"}, "-X", "executor.attempt_max_run=1"
    ) as scheduler:
        scheduler.wait_for(
            "Number of attempts or tasks exceed limit. Pending this schedule for 10 minutes: StoredSchedule"
        )
        scheduler.wait_for(r"Too many attempts running. Limit: 1, Current: 1 \(attempt limit exceeded\)")
        update = scheduler.wait_for(
            r"nextScheduleTime=(\S+)Z, .*next=ScheduleTime\{runTime=(\S+)Z, time=(\S+)Z\}, lastSessionTime=null"
        )
        session, run, same = (datetime.fromisoformat(text) for text in update[0].groups())
        assert session == same
        assert timedelta(minutes=9) < run - session < timedelta(minutes=12)


def test_an_option_that_cannot_be_read_waits_an_hour(project: Path) -> None:
    files = {"main.dig": f"{SHOW}  skip_delayed_by: soon\n+a: {{echo>: x}}\n", "b.dig": f"{SHOW}+a: {{echo>: fine}}\n"}
    with scheduling(project, files) as scheduler:
        scheduler.wait_for(
            r"ERROR.*ScheduleExecutor: Error during scheduling. Pending this schedule for 1 hour: StoredSchedule.*\n"
            r"Expected .*DurationParam.* for key 'skip_delayed_by' but got \"soon\" \(string\) \(config\)\n"
            "  main.dig:4:3: a duration is written like 1d 2h 3m 4s"
        )
        scheduler.wait_for("^fine$", 2)
        assert scheduler.end() == 0


def test_a_failing_session_does_not_end_the_others(project: Path) -> None:
    with scheduling(project, {"main.dig": f"{SHOW}+a: {{fail>: no luck}}\n"}) as scheduler:
        scheduler.wait_for(r"Task \+main\+a failed\.\nno luck$", 2)
        assert scheduler.end() == 0


def test_a_project_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, {"sub/main.dig": f"{SHOW}+a: {{sh>: 'echo in $(basename $PWD) ${{_project_path}}'}}\n"})
    with scheduling(tmp_path, {}, "--project", "sub") as scheduler:
        scheduler.wait_for(f"Setting project path to {tmp_path}/sub$")
        scheduler.wait_for(f"^in sub {tmp_path}/sub$")
        assert scheduler.end() == 0


@pytest.mark.parametrize(
    ("dig", "message"),
    [
        ("+a: {echo>: [1, 2}\n", "error: Validating project failed\nworkflow "),
        ("+a: {echo>: x, sh>: y}\n", "error: A task can't have more than one operator"),
        ("schedule: {yearly>: 1}\n+a: {}\n", "error: Unknown scheduler type: yearly (config)\n  main.dig:1:12: it is"),
        (
            "schedule:\n  daily>: 07:00:00\n  strat: 2026-01-01\n+a: {}\n",
            "error: Parameter 'strat' is not used at schedule. > Did you mean '[start]'? (unused config)\n  main.dig",
        ),
    ],
)  # fmt: skip
def test_a_project_that_is_refused(tmp_path: Path, dig: str, message: str) -> None:
    write(tmp_path, {"main.dig": dig})
    done = digdag_tui("sched", cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_logs_in_files(project: Path) -> None:
    dig = f"{SHOW}+a: {{sh>: echo hello}}\n"
    with scheduling(project, {"main.dig": dig}, "-L", "all.log", "-O", "logs", "-l", "debug") as scheduler:
        scheduler.wait_for("^hello$", 2)
        assert scheduler.end() == 0
    assert "Added new revision" not in scheduler.text()
    assert "Added new revision 1\n" in (project / "all.log").read_text()
    assert "evaluated config: {" in (project / "all.log").read_text()
    files = sorted((project / "logs").rglob("+main+a@*.log.gz"))
    assert len(files) >= 2
    assert gzip.decompress(files[0].read_bytes()).endswith(b"hello\n")


def test_usage(tmp_path: Path) -> None:
    done = digdag_tui("scheduler", "main.dig", cwd=tmp_path)
    assert done.returncode == 0
    assert "Usage: digdag-tui scheduler" in done.stderr
    done = digdag_tui("scheduler", "-m", "-o", "db", cwd=tmp_path)
    assert done.returncode == 1
    assert "error: -o/--database: the scheduler opens no port and keeps no database" in done.stderr
    done = digdag_tui("scheduler", "-l", "loud", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.endswith("error: Unknown log level 'loud'\n")
