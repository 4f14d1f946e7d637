"""What people do with the debugger, from the first key to the last, in a real terminal."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .program import ROOT
from .support import write
from .terminal import Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

both_sizes = pytest.mark.parametrize("size", ["80x24", "120x40"])

LOOP = """
+load:
  for_each>:
    region: [north, east, south, west]
    day: [1, 2]
  _do:
    echo>: ${region} ${day}

+report:
  echo>: all loaded
"""

OVERWRITTEN = {
    "main.dig": """
        _export:
          rate: 3

        +prices:
          +read: {py>: steps.read}
          +clean:
            _parallel: true
            +drop: {py>: steps.drop}
            +round: {py>: steps.rounded}

        +report:
          echo>: the rate is ${rate}
        """,
    "steps.py": """
        import digdag

        def read():
            digdag.env.store({"rows": 10})

        def drop():
            digdag.env.store({"rows": 8})

        def rounded():
            digdag.env.store({"rate": 5})
        """,
}

PRICES = {
    "main.dig": """
        _export:
          rate: 2

        +first:
          echo>: first

        +price:
          py>: steps.price

        +report:
          echo>: the price is ${price}
        """,
    "steps.py": """
        import digdag

        def price(rate):
            digdag.env.store({"price": rate * 100})
        """,
}


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns(".digdag", "__pycache__")
    return shutil.copytree(ROOT / "examples" / "sales", tmp_path / "sales", ignore=ignored)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


@contextmanager
def debugger(folder: Path, *words: str, size: str) -> Iterator[Terminal]:
    """The debugger in a terminal of its own, opened on the workflow in `folder` if `words` say nothing else."""
    terminal = Terminal(folder, *(words or ("main.dig", "--session", "2026-01-31")), size=size)
    try:
        yield terminal
    finally:
        terminal.close()


def find(terminal: Terminal, text: str) -> None:
    """Put the cursor on the first place of a text in the pane that has the focus."""
    terminal.press("/")
    terminal.see("\n /")
    terminal.type(text)
    terminal.see(f"\n / {text}")
    terminal.press("Enter")
    terminal.lose(f"\n / {text}")


def close(terminal: Terminal, shown: str) -> None:
    """Close what shows a text; a key that follows Esc too fast would be taken for one with Alt."""
    terminal.press("Escape")
    terminal.lose(shown)


def leave(terminal: Terminal) -> None:
    terminal.press("q")
    assert terminal.ended() == 0


def until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, f"{what} never came"
        time.sleep(0.05)


def replace(file: Path, old: str, new: str) -> None:
    """Save a file as some editors do: write another, then rename that."""
    other = file.with_name(f".{file.name}.new")
    other.write_text(file.read_text().replace(old, new))
    other.rename(file)


# Find and fix what fails


@both_sizes
def test_find_and_fix_the_failing_example(sales: Path, size: str) -> None:
    report, ingest = sales / ".digdag" / "sales.md", sales / "ingest.dig"
    with debugger(sales, "sales.dig", "--session", "2026-01-31", size=size) as terminal:
        terminal.see("before +sales+ingest")
        terminal.press("c")
        terminal.see("subtask1 failed", "'float'", "(TypeError)", "⚠ py_scripts.load.one_shop", "➤ write .05")

        find(terminal, "load.py:23")
        terminal.press("Enter")
        terminal.see("➤ 23 │     if incomplete and incomplete / len(orders) > max_in")
        terminal.press("BSpace")
        terminal.see("Error messages from python")

        terminal.press("2")
        terminal.see('"0.05"', "ingest.dig:4", "overrides 0", "params.yml:6", "⚠ py_scripts.load.one_shop", "➤ write")
        find(terminal, "max_incomplete")
        terminal.press("e")
        terminal.see("Edit a param", "max_incomplete  ", '= "0.05"  string')
        terminal.type("0.05")
        terminal.see("= 0.05  number", 'was "0.05"  string')
        terminal.press("Enter")
        terminal.see("edited by you")
        terminal.press("r")
        terminal.see("before +sales+summarize")
        terminal.press("c")
        terminal.see("finished: success")
        assert report.read_text().startswith("# Sales of 31 January 2026\n")

        report.unlink()
        ingest.write_text(ingest.read_text().replace("max_incomplete: 0.05", "max_incomplete: .05"))
        terminal.see("reloaded: +sales+ingest")
        until(report.exists, "the report")
        terminal.see("finished: success")
        leave(terminal)


@both_sizes
def test_after_a_failure_the_pane_from_before_shows_again(project: Path, size: str) -> None:
    write(project, {"main.dig": "+a:\n  sh>: '[ -e ok ]'\n+b:\n  echo>: b\n"})
    with debugger(project, size=size) as terminal:
        terminal.see("before +main+a")
        terminal.press("3")
        terminal.see("1 ┃ +a:")
        terminal.press("c")
        terminal.see("✖ +main+a failed", "Command failed with code 1")
        (project / "ok").touch()
        terminal.press("r")
        terminal.see("before +main+b", "3 ┃ +b:")
        leave(terminal)


# Breakpoints


@both_sizes
def test_a_conditional_breakpoint_in_a_for_each(project: Path, size: str) -> None:
    write(project, {"main.dig": LOOP})
    with debugger(project, size=size) as terminal:
        terminal.see("before +main+load")
        terminal.press("3")
        terminal.see("echo>: ${region}")
        find(terminal, "${region}")
        terminal.press("B")
        terminal.see("New breakpoint", "main.dig:6")
        terminal.type("region ==")
        terminal.see("✖ ")
        terminal.type(" 'south'")
        terminal.see("= stops before the task at main.dig:6 if region == 'south'")
        terminal.press("Enter")
        terminal.see("◌   6 ┃")
        terminal.press("c")
        terminal.see("at the breakpoint", 'region = "south"  day = 1', "◉")
        terminal.press("9")
        terminal.see("main.dig:6  if region == 'south'", "8 tasks · 1 hit", "is next")
        terminal.press("c")
        terminal.see("+load region=south day=2", "8 tasks · 2 hits")

        terminal.press("R")
        terminal.see("before +main+load", "matches no task yet")
        terminal.press("c")
        terminal.see("+load region=south day=1", "8 tasks · 1 hit")
        terminal.press("x", "m", "c")
        terminal.see("finished: success", "all muted (m)")
        leave(terminal)

    with debugger(project, size=size) as terminal:
        terminal.see("before +main+load")
        terminal.press("c")
        terminal.see("at the breakpoint")
        terminal.press("9")
        terminal.see("main.dig:6  if region == 'south'", "1 hit", "+load region=south day=1")
        leave(terminal)


@both_sizes
def test_a_data_breakpoint_finds_who_overwrote_a_param(project: Path, size: str) -> None:
    write(project, OVERWRITTEN)
    with debugger(project, size=size) as terminal:
        terminal.see("before +main+prices")
        terminal.press("2")
        terminal.see("_export +main")
        find(terminal, "rate")
        terminal.press("D")
        terminal.see("stops after the task that changes")
        terminal.press("c")
        terminal.see("a param changed after", "+clean+round")
        if size == "80x24":
            terminal.see("rate: 3 → 5, stored by")
            terminal.press("9")
        terminal.see("➤ rate: 3 → 5, stored by +main+prices+clean+round", "param rate changes", "1 hit", "has run")
        terminal.press("c")
        terminal.see("finished: success")
        if size == "120x40":
            terminal.see("the rate is 5")
        leave(terminal)


# Other values, other runs


@both_sizes
def test_edit_rewind_and_compare(project: Path, size: str) -> None:
    write(project, PRICES)
    with debugger(project, size=size) as terminal:
        terminal.see("before +main+first")
        terminal.press("c")
        terminal.see("finished: success")
        find(terminal, "+price")
        terminal.press("w")
        terminal.see("before +main+price")
        terminal.press("2")
        terminal.see("_export +main")
        find(terminal, "rate")
        terminal.press("e")
        terminal.see("Edit a param", "rate  ")
        terminal.type("3")
        terminal.see("= 3  number", "was 2  number")
        terminal.press("Enter")
        terminal.see("edited by you", "overrides 2")
        terminal.press("c")
        terminal.see("finished: success")
        terminal.press("=")
        screen = terminal.see("Compare +main+price", "attempt 1", "attempt 2", "Differences", "The same in both")
        differs = [line.replace("│", " ").split() for line in screen.splitlines() if "≠" in line]
        assert [words[-3:] for words in differs if words[1] == "rate"] == [["rate", "2", "3"]]
        assert [words[-3:] for words in differs if words[1] == "stored"] == [["price", "200", "300"]]
        close(terminal, "Differences")

        terminal.press("e")
        terminal.see("can't edit: the attempt has ended")
        terminal.press("6")
        terminal.see("the price is 300")
        leave(terminal)


# Files that are saved


@both_sizes
def test_saved_files_are_run_again(project: Path, size: str) -> None:
    write(project, PRICES)
    workflow, steps = project / "main.dig", project / "steps.py"
    with debugger(project, size=size) as terminal:
        terminal.see("before +main+first")
        terminal.press("6", "c")
        terminal.see("finished: success", "the price is 200")

        steps.write_text(steps.read_text().replace("100", "110"))
        terminal.see("reloaded: +main+price touched", "the price is 220")
        replace(steps, "110", "120")
        terminal.see("the price is 240", "finished: success")

        text = workflow.read_text()
        workflow.write_text(text + "+broken: {echo>: [1, 2}\n")
        terminal.see("main.dig:12")
        terminal.press("0")
        terminal.see("✖ error", "got }", "The workflow as it was before goes on.")
        workflow.write_text(text)
        terminal.lose("✖ error")
        leave(terminal)


@both_sizes
def test_what_a_saved_file_touches_waits_until_it_is_wanted(project: Path, size: str) -> None:
    write(project, PRICES)
    with debugger(project, "main.dig", "--session", "2026-01-31", "--watch", "all", size=size) as terminal:
        terminal.see("before +main+first")
        terminal.press("c")
        terminal.see("finished: success")
        terminal.press("M")
        terminal.see("reload: saving loads the new text")
        replace(project / "main.dig", "the price is", "it costs")
        terminal.see("reloaded: +main+report touched;", "⟳ touched")
        terminal.press("C-r")
        terminal.lose("⟳ touched")
        terminal.press("6")
        terminal.see("it costs 200")
        leave(terminal)


# Attempts of the past


@both_sizes
def test_a_past_attempt_is_opened_again(sales: Path, size: str) -> None:
    with debugger(sales, "sales.dig", "--session", "2026-01-31", size=size) as terminal:
        terminal.see("before +sales+ingest")
        terminal.press("c")
        terminal.see("subtask1 failed")
        leave(terminal)

    with debugger(sales, "--attempt", "last", size=size) as terminal:
        terminal.see("attempt 1, recorded", "subtask1 failed", "(TypeError)", "py_scripts/load.py:23")
        assert "r runs the task again" not in terminal.screen()
        terminal.press("2")
        terminal.see('"0.05"', "ingest.dig:4", "overrides 0")
        terminal.press("6")
        terminal.see("TypeError: '>' not supported")
        terminal.press("7")
        terminal.see("- zoom", "█✖")
        for key, command in {"e": "edit", "r": "retry", "k": "skip"}.items():
            terminal.press(key)
            terminal.see(f"can't {command}: this attempt is over", "restart (R) begins a new one")
        terminal.press("A")
        terminal.see("Attempts of sales", "➤ the present one")
        close(terminal, "Attempts of sales")
        terminal.press("R")
        terminal.see("before +sales+ingest")
        terminal.press("A")
        terminal.see("➤ the present one", "not finished")
        close(terminal, "Attempts of sales")
        leave(terminal)


@both_sizes
def test_an_attempt_that_failed_opens_at_its_failure(project: Path, size: str) -> None:
    write(project, {"main.dig": "+a: {echo>: a}\n+b:\n  sh>: exit 3\n"})
    with debugger(project, size=size) as terminal:
        terminal.see("before +main+a")
        terminal.press("x", "c")
        terminal.see("finished: +main+b failed")
        leave(terminal)
    with debugger(project, "--attempt", "last", size=size) as terminal:
        terminal.see("attempt 1, recorded: +main+b failed", "✖ +main+b  sh>", "Command failed with code 3")
        leave(terminal)


@both_sizes
def test_the_past_of_an_attempt_is_looked_at(project: Path, size: str) -> None:
    write(project, PRICES)
    with debugger(project, size=size) as terminal:
        terminal.see("before +main+first")
        terminal.press("n")
        terminal.see("before +main+price")
        terminal.press("[")
        terminal.see("history, event", "Esc now")
        terminal.press("{")
        terminal.see("before +main+first · history", "○ +price", "0/3 done" if size == "120x40" else "history")
        terminal.press("e")
        terminal.see("can't edit: this is the past")
        terminal.press("]")
        terminal.see("history, event")
        terminal.lose("before +main+first · history")
        terminal.press("Escape")
        terminal.lose("history, event")
        terminal.see("before +main+price", "✔ +first")
        leave(terminal)


# One task, one expression, one report


@both_sizes
def test_one_task_is_tested_alone(project: Path, size: str) -> None:
    write(project, PRICES)
    with debugger(project, size=size) as terminal:
        terminal.see("before +main+first")
        terminal.press("n")
        terminal.see("before +main+price")
        terminal.press("T")
        terminal.see("Test this task alone", "rate: 2")
        terminal.press("C-s")
        terminal.see("price: 200")
        close(terminal, "Test this task alone")
        terminal.see("before +main+price")
        leave(terminal)


@both_sizes
def test_an_expression_is_completed_and_evaluated(project: Path, size: str) -> None:
    write(project, PRICES)
    with debugger(project, size=size) as terminal:
        terminal.see("before +main+first")
        terminal.press(":")
        terminal.see("Evaluate", "in +main+first")
        terminal.type("ra")
        terminal.see("Tab rate")
        terminal.press("Tab")
        terminal.see(": rate")
        terminal.type(" * 21")
        terminal.press("Enter")
        terminal.see("= 42  number")
        terminal.type("rat")
        terminal.press("Enter")
        terminal.see("✖ ", "did you mean rate?")
        close(terminal, "Evaluate")
        leave(terminal)


@both_sizes
def test_a_report_is_written_without_secrets(project: Path, size: str) -> None:
    write(project, {"main.dig": "_export: {limit: 3}\n+a:\n  sh>: 'echo token is s3cr3t-value; exit $$limit'\n"})
    with debugger(
        project, "main.dig", "--session", "2026-01-31", "-p", "secrets.api=s3cr3t-value", size=size
    ) as terminal:
        terminal.see("before +main+a")
        terminal.press("c")
        terminal.see("✖ +main+a failed")
        terminal.press("X")
        terminal.see("the report on +main+a is copied")
        reports = list((project / ".digdag" / "tui" / "reports").glob("*-main-a.md"))
        assert len(reports) == 1
        text = reports[0].read_text()
        assert "+main+a" in text and "limit" in text and "main.dig:1" in text
        leave(terminal)
