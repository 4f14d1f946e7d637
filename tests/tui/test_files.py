"""Files that do not load, files that change, and journals of attempts that did not finish."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
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
        assert "no problems" in screen.text("problems") and screen.app.main.shows("log")
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
