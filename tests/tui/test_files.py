"""Files that do not load, files that change, and journals of attempts that did not finish."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from .support import opened

FLOW = "+a: {echo>: one}\n+b: {echo>: two}\n"


async def test_problems_show_where_and_what_to_do_and_go_when_corrected(tmp_path: Path) -> None:
    async with opened(tmp_path, "+a:\n  echo>: [1\n", watches=True) as screen:
        await screen.stops("does not load: see Problems")
        assert "main.dig:" in screen.text("problems") and screen.app.main.shows("problems")
        await screen.press("n")
        await screen.says("the workflow does not load: correct the problems shown and save")
        (tmp_path / "main.dig").write_text(FLOW)
        await screen.stops("before +main+a")
        assert "✔ the files load" in screen.text("problems") and screen.app.main.shows("log")
        await screen.press("c")
        await screen.stops("finished: success")


async def test_a_saved_change_runs_again_from_the_first_touched_task(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, watches=True) as screen:
        await screen.press("c")
        await screen.stops("finished: success")
        (tmp_path / "main.dig").write_text(FLOW.replace("two", "[1"))
        await screen.shows("problems", "main.dig:2")
        assert "finished: success" in screen.header()
        (tmp_path / "main.dig").write_text(FLOW.replace("two", "three"))
        await screen.says("reloaded: +main+b touched")
        await screen.shows("log", "three")
        await screen.stops("finished: success")


async def test_reloading_only_marks_what_is_touched_until_it_is_run(tmp_path: Path) -> None:
    async with opened(tmp_path, FLOW, watches=True) as screen:
        await screen.press("c")
        await screen.stops("finished: success")
        await screen.press("M", "M")
        await screen.press("ctrl+r")
        await screen.says("can't re-run: no saved file touches a task that has not run since")
        (tmp_path / "main.dig").write_text(FLOW.replace("two", "three"))
        await screen.says("reloaded: +main+b touched; ^r runs again")
        await screen.until(lambda: "⟳ touched" in screen.line("tasks", "+b"), "the sign in the tree")
        assert "⟳" not in screen.line("tasks", "+a") and "finished: success" in screen.header()
        await screen.press("ctrl+r")
        await screen.shows("log", "three")
        await screen.stops("finished: success")
        assert "⟳" not in screen.text("tasks")


async def test_all_runs_everything_again(tmp_path: Path) -> None:
    async with opened(tmp_path, '+a: {sh>: "echo a >> ran"}\n+b: {echo>: two}\n', watches=True) as screen:
        await screen.press("c")
        await screen.stops("finished: success")
        await screen.press("M")
        (tmp_path / "main.dig").write_text('+a: {sh>: "echo a >> ran"}\n+b: {echo>: three}\n')
        await screen.says("reloaded: +main+b touched, all run again")
        await screen.shows("log", "three")
        await screen.stops("finished: success")
        assert (tmp_path / "ran").read_text() == "a\na\n"


async def test_data_that_a_task_names_is_watched_too(tmp_path: Path) -> None:
    dig = "+a: {echo>: one}\n+b: {sh>: cat data.csv}\n"
    async with opened(tmp_path, dig, {"data.csv": "1\n", "other.csv": "1\n"}, watches=True) as screen:
        await screen.press("c")
        await screen.stops("finished: success")
        (tmp_path / "other.csv").write_text("changed\n")
        (tmp_path / "data.csv").write_text("changed\n")
        await screen.says("reloaded: +main+b touched")
        await screen.shows("log", "changed")
        await screen.stops("finished: success")


PARENT = """
import subprocess, sys, time
def run():
    child = "import subprocess, sys, time; p = subprocess.Popen(['sleep', '300']); print(p.pid, flush=True); p.wait()"
    process = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE, text=True)
    grandchild = process.stdout.readline().strip()
    open("pids.tmp", "w").write(f"{process.pid} {grandchild}")
    import os
    os.rename("pids.tmp", "pids")
    time.sleep(300)
"""


async def test_quitting_ends_the_children_of_tasks_and_theirs(tmp_path: Path) -> None:
    async with opened(tmp_path, "+a: {py>: tasks.run}\n", {"tasks.py": PARENT}) as screen:
        await screen.press("c")
        await screen.until(lambda: (tmp_path / "pids").exists(), "the processes")
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
        assert len(pids) == 2 and all(map(alive, pids))
        await screen.dialog("q")
        await screen.press("s")
        assert all(map(alive, pids)), "staying ends nothing"
        await screen.dialog("q")
        await screen.press("q")
        await screen.until(lambda: not screen.app.is_running, "the end")
    deadline = time.monotonic() + 30
    while any(map(alive, pids)):
        assert time.monotonic() < deadline, "processes that nobody ended"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


KILLED = """
+a:
  sh>: echo a >> ran
+b:
  sh>: echo waits; test -e go || exec sleep 5; echo b >> ran
"""


def killed_attempt(project: Path, until: str) -> None:
    """Run the workflow in another process and kill that once it printed a text."""
    program = """
        import sys, time
        from pathlib import Path
        from digdag_tui.debugger.environment import LocalEnvironment
        from digdag_tui.debugger.launch import Launch
        from digdag_tui.debugger.session import Session
        from digdag_tui.params.evaluate import Evaluator
        from digdag_tui.params.secrets import LocalSecrets
        project = Path(sys.argv[1])
        environment = LocalEnvironment(project, Evaluator(), LocalSecrets({}, project / "no-home"))
        said = lambda event: print(getattr(event, "text", ""), end="", flush=True)
        Session(Launch(project, "main", session="2026-01-31"), environment, said).start()
        time.sleep(60)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(project)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout
        assert any(until in line for line in process.stdout)
        os.kill(process.pid, signal.SIGKILL)


async def test_an_attempt_that_did_not_finish_is_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "main.dig").write_text(KILLED)
    killed_attempt(tmp_path, "waits")
    (tmp_path / "go").touch()
    async with opened(tmp_path, KILLED, asks=True) as screen:
        assert "Attempt 1 of this session has no result: 1 task had ended, +main+a as the last" in " ".join(
            screen.picture().replace("│", " ").split()
        )
        await screen.press("g")
        await screen.until(lambda: screen.app.view.at_rest(), "a stop")
        assert "✔ +a" in screen.line("tasks", "+a")
        await screen.press("c")
        await screen.stops("finished: success")
    assert (tmp_path / "ran").read_text().split() == ["a", "b"]


async def test_starting_over_leaves_the_old_attempt(tmp_path: Path) -> None:
    (tmp_path / "main.dig").write_text(KILLED)
    killed_attempt(tmp_path, "waits")
    (tmp_path / "go").touch()
    async with opened(tmp_path, KILLED, asks=True) as screen:
        await screen.press("escape")
        await screen.stops("before +main+a")
        await screen.press("c")
        await screen.stops("finished: success")
    assert (tmp_path / "ran").read_text().split() == ["a", "a", "b"]
