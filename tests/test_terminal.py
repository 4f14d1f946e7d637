"""The debugger in a real terminal, by keys alone: tmux types them and reads the screen."""

from __future__ import annotations

import os
import pty
import shlex
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from .program import ROOT
from .support import write

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """A program in a tmux window of its own."""

    def __init__(self, folder: Path, *words: str, size: str = "120x40") -> None:
        self._socket = f"digdag-tui-{uuid.uuid4().hex[:8]}"
        columns, rows = size.split("x")
        command = [sys.executable, "-m", "digdag_tui", *words]
        settings = folder.parent / f"{folder.name}-tmux.conf"
        settings.write_text("set -g remain-on-exit on\n")
        self._status = folder.parent / f"{folder.name}-status"
        self._status.unlink(missing_ok=True)
        # tmux gives a new window its size a little late, and sometimes does not tell a program's exit code.
        script = f'sleep 0.3; "$0" "$@"; echo $? > {shlex.quote(str(self._status))}'
        later = ["sh", "-c", script, *command]
        self._tmux("-f", str(settings), "new-session", "-d", "-x", columns, "-y", rows, "-c", str(folder), *later)

    def _tmux(self, *words: str) -> str:
        command = ["tmux", "-L", self._socket, *words]
        # os.environ, since the C library's environment has the size of the terminal that pytest's readline saw.
        return subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        """Press keys by their tmux names, one after another."""
        for key in keys:
            self._tmux("send-keys", key)
            time.sleep(0.05)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def see(self, *texts: str) -> str:
        """Wait until all of `texts` are on the screen."""
        end = time.monotonic() + 30
        while not all(text in (screen := self.screen()) for text in texts):
            assert time.monotonic() < end, f"never saw {texts}:\n{screen}"
            time.sleep(0.05)
        return screen

    def lose(self, text: str) -> None:
        """Wait until `text` is gone from the screen."""
        end = time.monotonic() + 30
        while text in (screen := self.screen()):
            assert time.monotonic() < end, f"still there: {text}\n{screen}"
            time.sleep(0.05)

    def ended(self) -> int:
        """Wait for the program's end; its exit code."""
        end = time.monotonic() + 30
        while not self._status.exists() or not self._status.read_text():
            assert time.monotonic() < end, f"still running:\n{self.screen()}"
            time.sleep(0.05)
        return int(self._status.read_text())

    def kill(self) -> None:
        """End the program as the system does when it has no memory left."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        subprocess.run(["pkill", "-KILL", "-P", shell], check=True)

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], check=False, capture_output=True)


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns(".digdag", "__pycache__")
    return shutil.copytree(ROOT / "examples" / "sales", tmp_path / "sales", ignore=ignored)


@pytest.fixture
def terminal(sales: Path) -> Iterator[Terminal]:
    opened = Terminal(sales, "sales.dig", "--session", "2026-01-31")
    yield opened
    opened.close()


def test_find_the_failure_change_a_value_run_again_rewind_and_finish(terminal: Terminal, sales: Path) -> None:
    terminal.see("before +sales+ingest")
    terminal.press("s")
    terminal.see("before +sales+ingest^sub")
    terminal.press("c")
    terminal.see("+sales+ingest^sub+load^sub+subtask1 failed", "'float' and 'str' (TypeError)", "py_scripts/load.py:23")
    terminal.press("e")
    terminal.see("Set a param")
    terminal.press("Escape")
    terminal.lose("Set a param")
    terminal.press("2")
    terminal.see('"0.05"', "ingest.dig:4", "params.yml:6")
    terminal.press("Down", "Down", "Down", "Down", "e")
    terminal.see("Edit a param", "max_incomplete  ", '= "0.05"  string')
    terminal.press("C-u")
    terminal.type("0.05")
    terminal.see("= 0.05  number")
    terminal.press("Enter")
    terminal.see("edited by you")
    terminal.press("r")
    terminal.see("before +sales+summarize")
    terminal.press("c")
    terminal.see("finished")
    assert (sales / ".digdag" / "sales.md").read_text().startswith("# Sales of 31 January 2026\n")

    (sales / ".digdag" / "sales.md").unlink()
    terminal.press("1", "/")
    terminal.type("+report")
    terminal.press("Enter")
    terminal.see('"py_scripts.report.write"')
    terminal.press("w")
    terminal.see("before +sales+report")
    terminal.press("c")
    terminal.see("finished")
    assert (sales / ".digdag" / "sales.md").exists()
    terminal.press("q")
    assert terminal.ended() == 0


def test_a_saved_file_is_loaded_and_run_again_from_the_task_it_touches(terminal: Terminal, sales: Path) -> None:
    terminal.see("before +sales+ingest")
    terminal.press("c")
    terminal.see("subtask1 failed")
    ingest = sales / "ingest.dig"
    ingest.write_text(ingest.read_text().replace("max_incomplete: 0.05", "max_incomplete: .05"))
    terminal.see("before +sales+summarize")
    terminal.press("c")
    terminal.see("finished")


def test_a_file_that_breaks_shows_its_problem_and_goes_on_when_it_is_mended(terminal: Terminal, sales: Path) -> None:
    terminal.see("before +sales+ingest")
    workflow = sales / "sales.dig"
    text = workflow.read_text()
    workflow.write_text(text + "+broken: {echo>: [1, 2}\n")
    terminal.see("sales.dig:", "got }")
    workflow.write_text(text)
    terminal.press("n")
    terminal.see("subtask1 failed")


def test_a_killed_debugger_offers_to_go_on(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "main.dig": "+a: {sh>: echo x >> a.txt}\n+b: {sh>: 'echo $$$$ > pid; [ -e ok ] || sleep 60'}\n"
            "+c: {sh>: echo x >> c.txt}\n"
        },
    )
    first = Terminal(tmp_path, "main.dig", "--session", "2026-01-31")
    try:
        first.see("before +main+a")
        first.press("c")
        end = time.monotonic() + 30
        while not (tmp_path / "pid").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        first.kill()
        assert first.ended() == 137
    finally:
        first.close()
    (tmp_path / "ok").touch()
    second = Terminal(tmp_path, "main.dig", "--session", "2026-01-31")
    try:
        second.see("+main+a", "go on")
        second.press("Enter")
        second.see("before +main+c")
        second.press("c")
        second.see("finished")
    finally:
        second.close()
    assert (tmp_path / "a.txt").read_text() == "x\n"
    assert (tmp_path / "c.txt").read_text() == "x\n"


@pytest.mark.parametrize(
    ("files", "words", "message"),
    [
        ({}, ["nosuch.dig"], "nosuch.dig does not exist"),
        ({}, ["."], "holds no .dig file"),
        ({"a.dig": "+a: {}\n", "b.dig": "+b: {}\n"}, ["."], "holds several workflows, name one: a.dig, b.dig"),
        ({"a.dig": "+a: {}\n"}, ["a.dig", "-P", "no.yml"], "no.yml"),
    ],
)
def test_what_cannot_be_opened_is_said_in_one_sentence(
    tmp_path: Path, files: dict[str, str], words: list[str], message: str
) -> None:
    write(tmp_path, files)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "digdag_tui", *words]
    done = subprocess.run(command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 1
    said = done.stderr.rpartition("error: ")[2]
    assert message in said and said.count("\n") == 1
