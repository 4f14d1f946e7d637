"""`digdag-tui run`: its log, report, exit codes, and what it does after another run (cli 2)."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..program import PROGRAM, digdag_tui
from ..support import write

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000"


def stampless(text: str) -> list[str]:
    return [re.sub(rf"^{STAMP} ", "", line) for line in text.splitlines()]


def test_a_success_reads_as_digdags(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {echo>: hello}\n+b: {sh>: echo from the shell}\n"})
    done = digdag_tui("run", "main.dig", "--session", "2026-01-31", cwd=tmp_path)
    folder = f"{tmp_path}/.digdag/tui/main/20260131T000000+0000"
    assert stampless(done.stdout) == [
        f"[INFO] (main) io.digdag.cli.Run: Using session {folder}.",
        "[INFO] (main) io.digdag.core.workflow.WorkflowExecutor: "
        "Starting a new session project id=1 workflow name=main session_time=2026-01-31T00:00:00+00:00",
        "[INFO] (0002@[0:default:1:1]+main+a) io.digdag.core.agent.OperatorManager: echo>: hello",
        "hello",
        "[INFO] (0003@[0:default:1:1]+main+b) io.digdag.core.agent.OperatorManager: sh>: echo from the shell",
        "from the shell",
    ]
    first, *rest = done.stderr.splitlines()
    assert re.fullmatch(rf"{STAMP}: Digdag v\S+ \(digdag-tui \S+\)", first)
    assert rest == [
        f"Success. Task state is saved at {folder} directory.",
        '  * Use --session <daily | hourly | "yyyy-MM-dd[ HH:mm:ss]"> to not reuse the last session time.',
        "  * Use --rerun argument to rerun skipped tasks.",
    ]
    assert done.returncode == 0


def test_a_failure_names_the_tasks_and_their_messages(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+p:\n  _parallel: true\n  +a: {fail>: no luck}\n  +b: {sh>: exit 3}\n"})
    done = digdag_tui("run", "main", "--no-save", cwd=tmp_path)
    assert done.returncode == 1
    assert "Task +main+p+a failed.\nno luck\n" in done.stdout
    assert done.stderr.split("\n", 1)[1] == (
        "error: \n  * +main+p+a:\n    no luck\n    main.dig:3:8\n"
        "  * +main+p+b:\n    Command failed with code 3 (runtime)\n    main.dig:4:8\n\n"
    )


def test_a_retry_that_recovers_still_exits_1_as_digdag_does(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+g:\n  _retry: 1\n  +a: {sh>: '[ -e x ] || { touch x; exit 1; }'}\n"})
    done = digdag_tui("run", "main", "--json", cwd=tmp_path)
    assert json.loads(done.stdout.splitlines()[-1])["attempt"] == {"success": True}
    assert done.returncode == 1


def test_what_succeeded_in_the_session_is_skipped_unless_rerun(tmp_path: Path) -> None:
    dig = "+a: {sh>: echo x >> a}\n+l:\n  loop>: 2\n  _do: {sh>: echo x >> l}\n+b: {sh>: 'echo x >> b; [ -e ok ]'}\n"
    write(tmp_path, {"main.dig": dig})

    def counts() -> list[int]:
        return [len((tmp_path / name).read_text()) // 2 for name in "alb"]

    assert digdag_tui("run", "main", cwd=tmp_path).returncode == 1
    (tmp_path / "ok").touch()
    second = digdag_tui("run", "main", cwd=tmp_path)
    assert second.returncode == 0
    assert second.stdout.count("Skipped") == 4
    assert "Reusing the last session time" in second.stdout
    assert counts() == [1, 2, 2]
    assert digdag_tui("run", "main", cwd=tmp_path).returncode == 0
    assert counts() == [1, 2, 2]
    assert digdag_tui("run", "main", "--rerun", cwd=tmp_path).returncode == 0
    assert counts() == [2, 4, 3]
    assert digdag_tui("run", "main", "--session", "2026-01-31", cwd=tmp_path).returncode == 0
    assert counts() == [3, 6, 4]


def test_params_and_their_order(tmp_path: Path) -> None:
    dig = "_export: {a: export}\n+a: {echo>: '${a} ${b} ${c} ${m.x} ${typeof m.y}'}\n"
    write(tmp_path, {"main.dig": dig, "params.yml": "{a: file, b: file, c: file, m: {y: 1}}\n"})
    done = digdag_tui("run", "main", "-P", "params.yml", "-p", "c=1", "-p", "m.x=2", "--json", cwd=tmp_path)
    assert json.loads(done.stdout.splitlines()[-1])["printed"] == {"+main+a": ["export file 1 2 number"]}


def test_a_file_in_another_directory_brings_its_project(tmp_path: Path) -> None:
    write(tmp_path, {"sub/main.dig": "+a: {sh>: basename $PWD}\n"})
    done = digdag_tui("run", "sub/main.dig", "--no-save", cwd=tmp_path)
    assert "\nsub\n" in done.stdout


@pytest.mark.parametrize(
    ("words", "files", "message"),
    [
        (["nosuch.dig"], {"main.dig": "+a: {}\n"}, "Workflow 'nosuch' does not exist in current directory."),
        (["main"], {"main.dig": "+a: {echo>: [1, 2}\n"}, "main.dig:1:18: "),
        (["main"], {"main.dig": "+a: {echo>: x, sh>: y}\n"}, "\n  main.dig:1:16: "),
        (["main"], {"main.dig": "+a: {}\n", "b.dig": "what: 1\n"}, "Workflow 'b' includes unknown keys: [what]"),
        (["main", "-p", "novalue"], {"main.dig": "+a: {}\n"}, "Parameter -p expected a value of the form a=b"),
        (["main", "-P", "no.yml"], {"main.dig": "+a: {}\n"}, "no.yml"),
        (["main", "--session", "now"], {"main.dig": "+a: {}\n"}, "--session must be hourly, daily, last"),
        (["main", "-X", "executor.task_max_run=2"], {"main.dig": "+a: {}\n"}, "Too many tasks. Limit: 2"),
        (["main", "-X", "executor.task_max_run=x"], {"main.dig": "+a: {}\n"}, "executor.task_max_run"),
        (["main", "--bogus"], {"main.dig": "+a: {}\n"}, "No such option"),
        ([], {"main.dig": "+a: {}\n"}, "Missing argument"),
        (["main", "--project", "nowhere"], {}, "nowhere"),
    ],
)
def test_refusals_are_one_message_and_exit_1(
    tmp_path: Path, words: list[str], files: dict[str, str], message: str
) -> None:
    write(tmp_path, files)
    done = digdag_tui("run", *words, cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_json_rejections_have_a_place(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {echo>: x, sh>: y}\n"})
    done = digdag_tui("run", "main", "--json", cwd=tmp_path)
    result = json.loads(done.stdout)
    assert result["event"] == "rejected" and result["position"] == "main.dig:1:16"
    assert done.stderr == ""


def test_json_is_one_object_a_line_whatever_tasks_print(tmp_path: Path) -> None:
    script = r"printf 'a\x85b\u2028c\x1b[31m\0d\r\n'; printf 'no end'"
    write(tmp_path, {"main.dig": f"+a:\n  sh>: {script}\n"})
    done = digdag_tui("run", "main", "--json", cwd=tmp_path)
    for line in done.stdout.splitlines():
        json.loads(line)
    assert json.loads(done.stdout.splitlines()[-1])["printed"]["+main+a"][-1] == "no end"


def test_an_interrupted_run_ends_its_processes_and_exits_1(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {sh>: 'echo $$$$ > pid; sleep 60'}\n+b: {echo>: b}\n"})
    process = subprocess.Popen(
        [*PROGRAM, "run", "main"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "canceled" in errors
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_closed_pipe_is_no_traceback(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {sh>: 'seq 100000'}\n"})
    command = f"{sys.executable} -m digdag_tui run main | head -1"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("dig", "advice"),
    [
        ("_export: {region: east}\n+a:\n  echo>: in ${regoin}\n", "main.dig:3:3: did you mean region?"),
        ("+a: {echo>: '${quarter}'}\n", "main.dig:1:6: no param is named quarter"),
        ("+a: {ecko>: x}\n", "did you mean echo>?"),
        ("+a: {py>: nosuch.f}\n", "py> wants MODULE.FUNCTION"),
        ("+a: {py>: tasks.needs}\n", "give the parameter beside py>"),
        ("+a: {py>: tasks.missing}\n", "put the module into the project's folder"),
        ("+a: {py>: tasks.needs, python: no-such-python}\n", "the option python: names the program"),
        ("+a: {sh>: x, shell: /bin/sh}\n", "main.dig:1:6"),
    ],
)
def test_a_failed_task_is_told_with_its_place_and_what_to_do(tmp_path: Path, dig: str, advice: str) -> None:
    tasks = "def needs(value): pass\ndef missing(): import surely_not_there\n"
    write(tmp_path, {"main.dig": dig, "tasks.py": tasks})
    done = digdag_tui("run", "main", "--no-save", cwd=tmp_path)
    assert done.returncode == 1
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("    main.dig:"))
    assert advice in line
