"""The debugger in a real terminal, by keys alone: tmux types them and reads the screen."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .program import ROOT
from .support import write
from .terminal import Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


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
    terminal.press("/")
    terminal.see("\n /")
    terminal.type("max_incomplete")
    terminal.press("Enter", "e")
    terminal.see("Edit a param", "max_incomplete  ", '= "0.05"  string')
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
    terminal.see("\n /")
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
