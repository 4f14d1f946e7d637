"""What `digdag-tui run` saves, what it skips, and which session it takes (cli 2.2, 2.3)."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from ..program import PROGRAM, digdag_tui
from ..support import write

SESSION = "20260131T000000+0000"
SAVED = """\
fullName: "{name}"
state: "{state}"
result:
  subtaskConfig: {{}}
  exportParams: {{}}
  resetStoreParams: []
  storeParams: {store}
  report: {{inputs: [], outputs: []}}
"""
DIG = """\
_export: {top: 1}
+a: {sh>: echo a >> log}
+p:
  _export: {inner: 2}
  +s1: {sh>: "echo s1 ${inner} >> log"}
  +s2: {sh>: "echo s2 ${typeof top} ${typeof inner} >> log"}
+l:
  loop>: 2
  _do: {+it: {sh>: "echo it${i} >> log"}}
+c: {sh>: echo c >> log}
+d: {sh>: echo d >> log}
"""


def run(project: Path, *words: str) -> list[str]:
    """Run `main` in the session of 2026-01-31; what its tasks wrote into `log`."""
    (project / "log").unlink(missing_ok=True)
    done = digdag_tui("run", "main", "--session", "2026-01-31", *words, cwd=project)
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    log = project / "log"
    return log.read_text().splitlines() if log.exists() else []


def folder(project: Path) -> Path:
    return project / ".digdag" / "status" / SESSION


def save(project: Path, name: str, store: str = "{}", *, session: str = SESSION, state: str = "success") -> Path:
    place = project / ".digdag" / "status" / session
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{name}.yml"
    file.write_text(SAVED.format(name=name, store=store, state=state))
    return file


def test_every_success_has_a_file_in_digdags_format(tmp_path: Path) -> None:
    dig = """\
    _error: {echo>: "failed"}
    +a:
      py>: tasks.store
      _check: {echo>: checked}
    +l: {loop>: 1, _do: {+in: {echo>: "${i}"}}}
    +g: {+bad: {fail>: no, _error: {echo>: handled}}}
    +never: {echo>: never}
    """
    tasks = "import digdag\ndef store():\n    digdag.env.store({'k': [1, {'é': 'x'}], 'f': 0.05})\n"
    write(tmp_path, {"main.dig": dig, "tasks.py": tasks + "    digdag.env.export({'e': None})\n"})
    assert digdag_tui("run", "main", "--session", "2026-01-31", cwd=tmp_path).returncode == 1
    assert sorted(path.name for path in folder(tmp_path).iterdir()) == [
        "+main+a.yml",
        "+main+a^check.yml",
        "+main+g+bad^error.yml",
        "+main+l.yml",
        "+main+l^sub+loop-0+in.yml",
        "+main+l^sub+loop-0.yml",
        "+main+l^sub.yml",
        "+main^error.yml",
        "+main^failure-alert.yml",
    ]
    assert (folder(tmp_path) / "+main+a.yml").read_text() == (
        'fullName: "+main+a"\nstate: "success"\nresult:\n  subtaskConfig: {}\n  exportParams:\n    e: null\n'
        '  resetStoreParams: []\n  storeParams:\n    k:\n    - 1\n    - é: "x"\n    f: 0.05\n'
        "  report:\n    inputs: []\n    outputs: []\n"
    )
    loop = yaml.safe_load((folder(tmp_path) / "+main+l.yml").read_text())["result"]["subtaskConfig"]
    assert list(loop) == ["+loop-0"] and loop["+loop-0"]["+in"] == {"echo>": "${i}"}


def test_the_failure_alert_is_saved_and_skipped(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {fail>: no}\n"})
    assert digdag_tui("run", "main", cwd=tmp_path).returncode == 1
    second = digdag_tui("run", "main", cwd=tmp_path)
    assert "+main^failure-alert) io.digdag.cli.Run$OperatorManagerWithSkip: Skipped\n" in second.stdout
    assert "type: notify" not in second.stdout


def test_a_second_run_of_the_session_runs_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": DIG})
    assert run(tmp_path) == ["a", "s1 2", "s2 number number", "it0", "it1", "c", "d"]
    done = digdag_tui("run", "main", "--session", "2026-01-31", cwd=tmp_path)
    assert done.returncode == 0
    skipped = [line for line in done.stdout.splitlines() if line.endswith("OperatorManagerWithSkip: Skipped")]
    assert len(skipped) == 8 and all(" [WARN] (" in line for line in skipped)
    assert len((tmp_path / "log").read_text().splitlines()) == 7


@pytest.mark.parametrize(
    ("words", "wrote"),
    [
        (["--rerun"], ["a", "s1 2", "s2 number number", "it0", "it1", "c", "d"]),
        (["--all"], ["a", "s1 2", "s2 number number", "it0", "it1", "c", "d"]),
        (["--start", "+p"], ["s1 2", "s2 number number", "it0", "it1", "c", "d"]),
        (["--start", "+s2"], ["s2 number number", "it0", "it1", "c", "d"]),
        (["--start", "+c"], ["it0", "it1", "c", "d"]),  # iterations of an earlier loop are in no list
        (["-g", "+p"], ["s1 2", "s2 number number"]),
        (["-g", "+l"], []),  # the loop itself runs, its iterations don't
        (["--goal", "+c"], ["c"]),
        (["--end", "+c"], []),
        (["--start", "+s2", "--end", "+c"], ["s2 number number"]),
        (["--no-save", "--start", "+zz"], None),
        (["--no-save"], ["a", "s1 2", "s2 number number", "it0", "it1", "c", "d"]),
        (["--no-save", "--goal", "+a"], ["a", "s1 2", "s2 number number", "it0", "it1", "c", "d"]),
        (["+p"], []),
        (["+p", "--rerun"], ["s1 2", "s2 number number"]),
        (["+p+s2", "--rerun"], ["s2 number undefined"]),
    ],
)
def test_what_runs_again(tmp_path: Path, words: list[str], wrote: list[str] | None) -> None:
    write(tmp_path, {"main.dig": DIG})
    run(tmp_path)
    if wrote is None:
        assert digdag_tui("run", "main", *words, cwd=tmp_path).returncode == 1
    else:
        assert run(tmp_path, *words) == wrote


@pytest.mark.parametrize(
    ("words", "wrote"),
    [
        (["--goal", "+l"], ["a", "s1 2", "s2 number number"]),
        (["--goal", "+c"], ["a", "s1 2", "s2 number number", "c"]),
        (["--end", "+c"], ["a", "s1 2", "s2 number number"]),
        (["--end", "+s2"], ["a", "s1 2"]),
        (["--dry-run"], []),
    ],
)
def test_what_was_left_out_counts_as_done_afterwards(tmp_path: Path, words: list[str], wrote: list[str]) -> None:
    write(tmp_path, {"main.dig": DIG})
    assert run(tmp_path, *words) == wrote
    assert run(tmp_path) == []


def test_saved_values_and_subtasks_are_had_again(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {fail>: not called}\n+b: {echo>: '${x.y} ${n + 1} ${t}'}\n+c: {fail>: no}\n"})
    save(tmp_path, "+main+a", '{x: {y: "0.5"}, n: 0.05, t: "long \\\n  text"}')
    generated = 'subtaskConfig: {"+g": {"echo>": "${t}!", "_export": {t: "generated"}}}'
    file = save(tmp_path, "+main+c")
    file.write_text(file.read_text().replace("subtaskConfig: {}", generated))
    done = digdag_tui("run", "main", "--session", "2026-01-31", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\n0.5 1.05 long text\n" in done.stdout
    assert "\ngenerated!\n" in done.stdout


def test_a_file_of_another_state_is_no_success(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": DIG})
    save(tmp_path, "+main+a", state="error")
    assert run(tmp_path)[0] == "a"


def test_a_broken_file_is_told_with_its_place_and_its_task_runs(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": DIG})
    file = save(tmp_path, "+main+a")
    file.write_text('fullName: "+main+a"\nstate: "success"\nresult:\n  exportParams: {\n')
    done = digdag_tui("run", "main", "--session", "2026-01-31", cwd=tmp_path)
    assert done.returncode == 0
    (warning,) = (line for line in done.stdout.splitlines() if "State file is broken" in line)
    assert f"[WARN] (main) io.digdag.cli.ResumeStateManager: {file}:5:1: State file is broken: " in warning
    assert (tmp_path / "log").read_text().startswith("a\n")
    assert "storeParams: {}" in file.read_text()


def test_another_directory_keeps_its_own_state(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": DIG})
    run(tmp_path)
    assert len(run(tmp_path, "-o", "elsewhere/./x")) == 7
    assert (tmp_path / "elsewhere" / "x" / SESSION / "+main+a.yml").is_file()
    assert run(tmp_path, "--save", str(tmp_path / "elsewhere" / "x")) == []


def test_state_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {echo>: a}\n", "file": ""})
    done = digdag_tui("run", "main", "--save", "file", cwd=tmp_path)
    assert done.returncode == 1
    done = digdag_tui("run", "main", "--save", "file/x", "--session", "daily", cwd=tmp_path)
    assert done.returncode == 0
    assert "[ERROR] (main) io.digdag.cli.ResumeStateManager: Failed to write state file: +main+a: " in done.stdout


def test_a_result_with_a_secret_is_not_saved(tmp_path: Path) -> None:
    tasks = "import digdag\ndef store(): digdag.env.store({'k': 'hunter22'})\n"
    write(tmp_path, {"main.dig": "+a: {py>: tasks.store}\n+b: {echo>: b}\n", "tasks.py": tasks})
    done = digdag_tui("run", "main", "--session", "2026-01-31", "-X", "secrets.p=hunter22", cwd=tmp_path)
    assert "its result holds a secret's value" in done.stdout
    assert {path.name for path in folder(tmp_path).iterdir()} == {"+main+b.yml", "+main.yml"}


def test_a_killed_run_goes_on_where_it_was_a_second_before(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {sh>: echo a >> log}\n+b: {sh>: '[ -e ok ] || { touch on; sleep 60; }'}\n"})
    command = [*PROGRAM, "run", "main", "--session", "2026-01-31"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not (folder(tmp_path) / "+main+a.yml").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    (tmp_path / "ok").touch()
    assert digdag_tui("run", "main", cwd=tmp_path).returncode == 0
    assert (tmp_path / "log").read_text() == "a\n"


@pytest.mark.parametrize(
    ("saved", "words", "line"),
    [
        ({}, [], "Using a new session time "),
        (
            {SESSION: "+main+a"},
            [],
            "[WARN] (main) io.digdag.cli.Run: Reusing the last session time 2026-01-31T09:00:00+09:00.",
        ),
        ({SESSION: "+main+a"}, ["--no-save"], "Reusing the last session time 2026-01-31T09:00:00+09:00."),
        ({SESSION: "+main^failure-alert"}, [], "Reusing the last session time 2026-01-31T09:00:00+09:00."),
        ({SESSION: "+main"}, [], "Using a new session time "),
        ({SESSION: "+mainly+a"}, [], "Using a new session time "),
        ({SESSION: "+other+a"}, [], "Using a new session time "),
        ({"20260131": "+main+a"}, [], "Using a new session time "),
        ({"20260231T000000+9999": "+main+a"}, [], "Using a new session time "),
        (
            {"20260131T000000+0900": "+main+a", "20260130T200000-0500": "+main+b", SESSION: "+x+y"},
            [],
            "Reusing the last session time 2026-01-31T10:00:00+09:00.",
        ),
    ],
)
def test_the_last_session_is_the_newest_with_a_task_of_this_workflow(
    tmp_path: Path, saved: dict[str, str], words: list[str], line: str
) -> None:
    write(tmp_path, {"main.dig": "timezone: Asia/Tokyo\n+a: {echo>: a}\n"})
    for session, name in saved.items():
        save(tmp_path, name, session=session)
    done = digdag_tui("run", "main", *words, cwd=tmp_path)
    assert line in done.stdout.splitlines()[0]


def test_the_session_of_a_western_zone_is_found_again(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "timezone: America/New_York\n+a: {echo>: a}\n"})
    done = digdag_tui("run", "main", "--session", "2026-01-31 12:00:00", cwd=tmp_path)
    assert f"Using session {tmp_path}/.digdag/status/20260131T120000-0500.\n" in done.stdout
    assert "Reusing the last session time 2026-01-31T12:00:00-05:00." in digdag_tui("run", "main", cwd=tmp_path).stdout


def test_a_session_that_only_the_debugger_knows_is_not_the_last(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {echo>: a}\n"})
    (tmp_path / ".digdag" / "tui" / "main" / SESSION).mkdir(parents=True)
    (tmp_path / ".digdag" / "tui" / "main" / SESSION / "0001.jsonl").touch()
    assert "Using a new session time " in digdag_tui("run", "main", cwd=tmp_path).stdout


def test_a_state_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {echo>: a}\n"})
    (folder(tmp_path) / "+main+a.yml").mkdir(parents=True)
    done = digdag_tui("run", "main", "--session", "2026-01-31", cwd=tmp_path)
    place = f"{folder(tmp_path)}/+main+a.yml"
    assert f"State file cannot be read: {place}: Is a directory; its task runs again\n" in done.stdout
    assert "Failed to write state file: +main+a: Is a directory\n" in done.stdout
    assert done.returncode == 0


def test_a_name_too_long_for_a_file_is_told_once(tmp_path: Path) -> None:
    name = "+" + "x" * 246
    write(tmp_path, {"main.dig": f"{name}: {{echo>: a}}\n"})
    done = digdag_tui("run", "main", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.count("Failed to write state file: +main+xxx") == 1
