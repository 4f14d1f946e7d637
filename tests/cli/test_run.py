"""`digdag-tui run`: its log, report, exit codes, and what it does after another run (cli 2)."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digdag_tui.cli.log_files import RollingFile

from ..operators.test_py_failure import environment
from ..program import PROGRAM, digdag_tui
from ..support import write

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000"


def stampless(text: str) -> list[str]:
    return [re.sub(rf"^{STAMP} ", "", line) for line in text.splitlines()]


def test_a_success_reads_as_digdags(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {echo>: hello}\n+b: {sh>: echo from the shell}\n"})
    done = digdag_tui("run", "main.dig", "--session", "2026-01-31", cwd=tmp_path)
    folder = f"{tmp_path}/.digdag/status/20260131T000000+0000"
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
        "  * Use --rerun, --start +NAME, or --goal +NAME argument to rerun skipped tasks.",
    ]
    assert done.returncode == 0


def test_a_failure_names_the_tasks_and_their_messages(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+p:\n  _parallel: true\n  +a: {fail>: no luck}\n  +b: {sh>: exit 3}\n"})
    done = digdag_tui("run", "main", "--no-save", cwd=tmp_path)
    assert done.returncode == 1
    assert "Task +main+p+a failed.\nno luck\n" in done.stdout
    assert done.stderr.split("\n", 1)[1] == (
        "error: \n  * +main+p+a:\n    no luck\n    main.dig:3:8\n"
        "  * +main+p+b:\n    Command failed with code 3 (runtime)\n    main.dig:4:8\n\n\n"
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
        (["main", "--bogus"], {"main.dig": "+a: {}\n"}, "error: Unknown option: --bogus\n"),
        (["main", "-p"], {"main.dig": "+a: {}\n"}, "error: Expected a value after parameter -p\n"),
        (["main", "--max-task-threads", "x"], {}, '--max-task-threads": couldn\'t convert "x" to an integer\n'),
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
        ("+a: {py>: tasks.missing}\n", "has no module surely_not_there"),
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


def test_words_that_make_no_sense_show_the_usage(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {echo>: a}\n"})
    for words, error in [
        ([], None),
        (["main", "+a", "+b"], None),
        (["main", "-s", "+a", "-g", "+a"], "-s, --start and -g, --goal don't work together"),
        (["main", "-g", "+a", "-e", "+a"], "-s, --start and -e, --end don't work together"),
        (["main", "-a", "-s", "+a"], "-a, --rerun and -s, --start don't work together"),
        (["main", "--all", "-g", "+a"], "-a, --rerun and -g, --goal don't work together"),
        (["-a", "-s", "+a"], "-a, --rerun and -s, --start don't work together"),
        (["main", "-l", "loud"], "Unknown log level 'loud'"),
        (["main", "-l", "INFO"], "Unknown log level 'INFO'"),
    ]:
        done = digdag_tui("run", *words, cwd=tmp_path)
        first, usage, *_, last = done.stderr.splitlines()
        assert re.fullmatch(rf"{STAMP}: Digdag v\S+ \(digdag-tui \S+\)", first)
        assert usage.startswith("Usage: digdag-tui ")
        assert done.stdout == ""
        assert (done.returncode, last.startswith("error: ")) == ((1, True) if error else (0, False))
        assert not error or last == f"error: {error}"


@pytest.mark.parametrize("words", [["r", "main"], ["-c", "digdag.properties", "run", "main"]])
def test_the_command_may_be_short_and_come_after_its_configuration(tmp_path: Path, words: list[str]) -> None:
    write(tmp_path, {"main.dig": "+a: {echo>: 'a ${x}'}\n", "digdag.properties": "params.x = 1\n"})
    done = digdag_tui(*words, "-p", "x=2", cwd=tmp_path)
    assert done.returncode == 0 and "\na 2\n" in done.stdout


def test_an_unknown_command_names_the_known_ones(tmp_path: Path) -> None:
    done = digdag_tui("deploy", cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert re.match(rf"{STAMP}: Digdag v.*\nUsage: digdag-tui ", done.stderr)
    assert done.stderr.splitlines()[-1].startswith("error: available commands are: [open, debug, diff, run, check, ")


@pytest.mark.parametrize("words", [["--version"], ["run", "main", "--version"], ["nosuch", "--version"]])
def test_the_version_anywhere_is_all_that_is_printed(tmp_path: Path, words: list[str]) -> None:
    done = digdag_tui(*words, cwd=tmp_path)
    assert re.fullmatch(r"digdag-tui \d+\.\d+\S*\n", done.stdout)
    assert done.stderr == "" and done.returncode == 0


def test_another_project_is_a_param_and_a_line(tmp_path: Path) -> None:
    write(tmp_path, {"sub/main.dig": "+a: {echo>: 'in ${_project_path}'}\n"})
    done = digdag_tui("run", "main.dig", "--project", "sub", cwd=tmp_path)
    lines = stampless(done.stdout)
    assert lines[0] == f"[INFO] (main) io.digdag.cli.Arguments: Setting project path to {tmp_path}/sub"
    assert f"in {tmp_path}/sub" in lines
    assert (tmp_path / "sub" / ".digdag" / "status").is_dir()
    done = digdag_tui("run", "nosuch", "--project", "sub", cwd=tmp_path)
    assert "error: Workflow 'nosuch' does not exist in project directory 'sub'. (resource not found)\n" in done.stderr


def test_a_zone_for_the_system_is_accepted_and_ignored(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {echo>: '${timezone}'}\n"})
    done = digdag_tui("run", "main", "--timezone", "Asia/Tokyo", "--session-time", "2026-01-31", cwd=tmp_path)
    assert "\nUTC\n" in done.stdout and "session_time=2026-01-31T00:00:00+00:00" in done.stdout


@pytest.mark.parametrize("threads", ["0", "-1", "1"])
def test_threads(tmp_path: Path, threads: str) -> None:
    meet = "touch %s; timeout 30 sh -c 'until [ -e %s ]; do sleep 0.05; done'"
    dig = f'_parallel: true\n+a: {{sh>: "{meet % ("a", "b")}"}}\n+b: {{sh>: "{meet % ("b", "a")}"}}\n'
    alone = "_parallel: true\n+a: {sh>: 'mkdir x; sleep 0.2; rmdir x'}\n+b: {sh>: 'mkdir x; sleep 0.2; rmdir x'}\n"
    write(tmp_path, {"main.dig": alone if threads == "1" else dig})
    assert digdag_tui("run", "main", "--max-task-threads", threads, cwd=tmp_path).returncode == 0


def test_a_dry_run_evaluates_but_calls_nothing(tmp_path: Path) -> None:
    dig = "+a: {sh>: 'touch ${name}', shell: [sh]}\n+l: {loop>: 2, _do: {echo>: i}}\n+b: {nosuch>: b}\n"
    write(tmp_path, {"main.dig": dig})
    done = digdag_tui("run", "main", "-d", "-p", "name=made", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "OperatorManager: sh>: touch made\n" in done.stdout
    assert "OperatorManager: nosuch>: b\n" in done.stdout
    assert "Parameter 'shell' is not used at task +main+a.\n" in done.stdout
    assert "^sub" not in done.stdout
    assert not (tmp_path / "made").exists()
    failed = digdag_tui("run", "main", "--dry-run", "--rerun", cwd=tmp_path)
    assert failed.returncode == 1
    assert "ReferenceError: name is not defined" in failed.stderr


def test_params_are_shown_in_digdags_order_before_each_call(tmp_path: Path) -> None:
    text = "word " * 20
    write(tmp_path, {"main.dig": f"_export: {{m: {{n: [1, 0.5]}}}}\n+a: {{echo>: '${{p}}', text: {text}}}\n"})
    for words in (["-E"], ["-dE"], ["--show-params", "--dry-run"]):
        done = digdag_tui("run", "main", "--rerun", "-p", "p=x", "--session", "2026-01-31", *words, cwd=tmp_path)
        shown = done.stdout.split("OperatorManagerWithSkip: \n", 1)[1].split("\n\n", 1)[0]
        assert "[INFO] (0002@[0:default:1:1]+main+a) io.digdag.core.agent.OperatorManager: echo>: x\n" in done.stdout
        assert "is not used" not in done.stdout
        assert re.sub(r'session_uuid: "[^"]+"', "session_uuid: U", shown) == (
            '  p: "x"\n  m:\n    n:\n    - 1\n    - "0.5"\n  timezone: "UTC"\n  session_uuid: U\n'
            '  session_time: "2026-01-31T00:00:00+00:00"\n  session_id: 1\n  session_date: "2026-01-31"\n'
            '  session_date_compact: "20260131"\n  session_local_time: "2026-01-31 00:00:00"\n'
            '  session_tz_offset: "+0000"\n  session_unixtime: 1769817600\n  last_executed_session_time: ""\n'
            '  last_executed_session_date: ""\n  last_executed_session_date_compact: ""\n'
            '  last_executed_session_local_time: ""\n  last_executed_session_tz_offset: "+0000"\n'
            '  last_executed_session_unixtime: ""\n  project_id: 1\n  attempt_id: 1\n  task_name: "+main+a"\n'
            '  echo>: "x"\n'
            '  text: "word word word word word word word word word word word word word word word\\\n'
            '    \\ word word word word word"\n'
            '  _type: "echo"\n  _command: "x"'
        )
        assert ("\nx\n" in done.stdout) is (words == ["-E"])


def test_debug_tells_what_was_evaluated_and_every_row_at_the_end(tmp_path: Path) -> None:
    tasks = "import digdag\ndef f(): digdag.env.store({'k': 'v'}); digdag.env.export({'e': 1})\n"
    write(tmp_path, {"main.dig": "_export: {x: 1}\n+a: {py>: tasks.f}\n+b: {fail>: no}\n", "tasks.py": tasks})
    for level, shown in (("debug", True), ("trace", True), ("info", False)):
        done = digdag_tui("run", "main", "--rerun", "-l", level, "--session", "2026-01-31", cwd=tmp_path)
        lines = stampless(done.stdout)
        (evaluated,) = [line for line in lines if "evaluated config: " in line and "+main+a)" in line] or [""]
        assert bool(evaluated) is shown
        if shown:
            logged = json.loads(evaluated.split("evaluated config: ", 1)[1])
            assert list(logged) == [
                "project_id", "session_id", "session_time", "attempt_id", "task_name", "last_executed_session_time",
                "session_uuid", "timezone",
            ]  # fmt: skip
        dump = [line.removeprefix("[DEBUG] (main) io.digdag.cli.Run: ") for line in lines if "[DEBUG] (main)" in line]
        assert dump[:13] == shown * [
            "  Task[1]: +main", "    parent: (root)", "    upstreams: ", "    state: GROUP_ERROR",
            "    retryAt: Optional.absent()", '    config: {"x":1}', "    taskType: TaskType{GROUPING_ONLY}",
            "    exported: {}", "    stored: {}", "    stateParams: {}", "    in: []", "    out: []", "    error: {}",
        ]  # fmt: skip
        assert not shown or [line for line in dump if line.startswith("    stored: ")][1] == '    stored: {"k":"v"}'
        assert not shown or '    error: {"message":"no"}' in dump
        assert not shown or dump[26:29] == ["  Task[3]: +main+b", "    parent: 1", "    upstreams: 2"]


@pytest.mark.parametrize(
    ("level", "kept"),
    [("error", ["ERROR"]), ("warn", ["ERROR", "WARN"]), ("info", ["ERROR", "INFO", "WARN"])],
)
def test_levels(tmp_path: Path, level: str, kept: list[str]) -> None:
    write(tmp_path, {"main.dig": "+a: {sh>: echo out}\n+b: {fail>: no}\n"})
    done = digdag_tui("run", "main", "-l", level, cwd=tmp_path)
    assert sorted(set(re.findall(r"\[(ERROR|WARN|INFO|DEBUG)\]", done.stdout))) == kept
    assert re.search("^out$", done.stdout, re.MULTILINE)


def test_the_log_goes_to_a_file_and_output_stays(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {sh>: echo out}\n"})
    done = digdag_tui("run", "main", "-L", "logs/run.log", "--session", "2026-01-31", cwd=tmp_path)
    assert done.stdout == "out\n"
    lines = (tmp_path / "logs" / "run.log").read_text().splitlines()
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \+0000"
    assert all(re.match(rf"{stamp} \[INFO\] \(", line) for line in lines)
    assert lines[-1].endswith(" [INFO] (0002@[0:default:1:1]+main+a): sh>: echo out")
    digdag_tui("run", "main", "-L", "logs/run.log", cwd=tmp_path)
    assert len((tmp_path / "logs" / "run.log").read_text().splitlines()) > len(lines)
    refused = digdag_tui("run", "main", "-L", ".", cwd=tmp_path)
    assert refused.returncode == 1 and refused.stderr.endswith("error: .: Is a directory\n")


def test_a_full_log_file_is_packed_and_five_are_kept(tmp_path: Path) -> None:
    log = RollingFile(tmp_path / "run.log")
    block = "x" * 2**20 + "\n"
    for number in range(72):
        log.write(f"{number} {block}")
    log.close()
    packed = sorted(path.name for path in tmp_path.iterdir())
    assert packed == ["run.log", *(f"run.log.{number}.gz" for number in range(1, 6))]
    firsts = [gzip.decompress((tmp_path / name).read_bytes()).split(b" ", 1)[0] for name in packed[1:]]
    assert firsts == [b"60", b"50", b"40", b"30", b"20"]
    assert (tmp_path / "run.log").read_bytes().startswith(b"70 ")


def test_each_call_of_a_task_has_a_log_file(tmp_path: Path) -> None:
    script = "echo out; [ -e x ] || { touch x; false; }"
    dig = f"timezone: Asia/Tokyo\n+a: {{sh>: '{script}', _retry: 1}}\n+g: {{+b: {{echo>: b}}}}\n"
    write(tmp_path, {"main.dig": dig})
    for _ in range(2):  # what is skipped has no log
        words = ["run", "main", "-O", "logs", "--session", "2026-01-31", "-X", "secrets.s=echo out"]
        assert digdag_tui(*words, cwd=tmp_path).returncode == 0
    day = re.compile(r"\d{4}-\d\d-\d\d/0\.1main@20260131T000000\+0900/(.*)@[0-9a-f]{16}\.\d+@[^/]+\.log\.gz")
    files = sorted(path for path in (tmp_path / "logs").rglob("*") if path.is_file())
    found = [day.fullmatch(str(file.relative_to(tmp_path / "logs"))) for file in files]
    assert [name and name[1] for name in found] == ["+main+a", "+main+a", "+main+g+b"]
    first, second, last = (gzip.decompress(file.read_bytes()).decode() for file in files)
    head = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \+0000 \[(\w+)\] \(0002@\[0:default:1:1\]\+main\+a\) (io\.\S+): "
    assert re.fullmatch(rf"{head}evaluated config: .*", first.splitlines()[0])
    assert re.fullmatch(rf"{head}sh>: \*\*\*; .*", first.splitlines()[1])
    assert "\nout\n" in first and "Task failed, retrying" in first
    assert "\nout\n" in second and "Task failed" not in second
    assert last.endswith("echo>: b\nb\n")


def test_a_directory_for_logs_that_cannot_be_made(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {echo>: a}\n"})
    done = digdag_tui("run", "main", "-O", "main.dig/x", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.endswith("error: main.dig/x: Not a directory\n")


def test_no_save_leaves_nothing_behind(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {echo>: a}\n"})
    done = digdag_tui("run", "main", "--no-save", cwd=tmp_path)
    assert done.stderr.splitlines()[1:] == [
        "Success.",
        '  * Use --session <daily | hourly | "yyyy-MM-dd[ HH:mm:ss]"> to not reuse the last session time.',
        "  * Use --rerun, --start +NAME, or --goal +NAME argument to rerun skipped tasks.",
    ]
    assert "Using session " not in done.stdout
    assert not (tmp_path / ".digdag").exists()


def test_a_java_exceptions_name_is_cut_from_the_report(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {fail>: 'java.io.IOException: gone'}\n"})
    done = digdag_tui("run", "main", cwd=tmp_path)
    assert "\n  * +main+a:\n    gone\n" in done.stderr


@pytest.mark.skipif(shutil.which("script") is None, reason="script is not installed")
def test_in_a_terminal_levels_have_colours_and_lines_no_class(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {echo>: a}\n"})
    command = f"{sys.executable} -m digdag_tui run main --session 2026-01-31 -l debug"
    words = ["script", "-qec", command, "/dev/null"]
    shown = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60).stdout
    task, end = r"\(0002@\[0:default:1:1\]\+main\+a\)", r"\x1b\[0m"
    assert re.search(rf"\x1b\[32m{STAMP} \[INFO\] {task}: echo>: a{end}", shown)
    assert re.search(rf"\x1b\[37m{STAMP} \[DEBUG\] \(main\) io\.digdag\.cli\.Run:   Task\[1\]: \+main{end}", shown)


def test_the_configuration_may_say_what_options_say(tmp_path: Path) -> None:
    alone = "_parallel: true\n+a: {sh>: 'mkdir x; sleep 0.2; rmdir x'}\n+b: {sh>: 'mkdir x; sleep 0.2; rmdir x'}\n"
    write(tmp_path, {"main.dig": alone})
    properties = ["agent.max-task-threads=1", "log-server.type=local", "log-server.local.path=logs"]
    words = [word for item in properties for word in ("-X", item)]
    assert digdag_tui("run", "main", *words, cwd=tmp_path).returncode == 0
    assert len(list((tmp_path / "logs").rglob("*.log.gz"))) == 2


@pytest.mark.parametrize(("option", "code"), [((), 0), (("--json",), 1)])
def test_an_unused_key_of_a_schedule_is_logged_and_with_json_refused_as_on_a_server(
    tmp_path: Path, option: tuple[str, ...], code: int
) -> None:
    (tmp_path / "main.dig").write_text("schedule: {daily>: '07:00:00', skip_on_over_time: true}\n+a: {echo>: hi}\n")
    done = digdag_tui("run", "main.dig", "--no-save", "--session", "2026-01-31", *option, cwd=tmp_path)
    assert done.returncode == code
    assert "Parameter 'skip_on_over_time' is not used at schedule." in done.stdout


def test_a_python_failure_is_told_with_frames_and_locals(tmp_path: Path) -> None:
    code = "def run(size):\n    parts = [0] * size\n    return 1 / sum(parts)\n"
    write(tmp_path, {"main.dig": "+a:\n  py>: work.run\n  size: 2\n", "work.py": code})
    done = digdag_tui("run", "main.dig", "--no-save", cwd=tmp_path)
    assert done.returncode == 1
    assert "      work.py:3 in run\n" in done.stderr
    assert "            parts = [0, 0]\n" in done.stderr


def test_which_python_runs_tasks_is_said_when_there_is_a_choice(tmp_path: Path) -> None:
    environment(tmp_path)
    write(tmp_path, {"main.dig": "+a: {py>: work.run}\n", "work.py": "import sys\ndef run(): print(sys.prefix)\n"})
    done = digdag_tui("run", "main.dig", "--no-save", cwd=tmp_path)
    assert "the virtual environment .venv is not used" in done.stdout
    assert f"{tmp_path}/.venv\n" not in done.stdout
    done = digdag_tui("run", "main.dig", "--no-save", "--python", ".venv", cwd=tmp_path)
    assert "py> tasks run in .venv/bin/python" in done.stdout
    assert f"{tmp_path}/.venv\n" in done.stdout
