"""`digdag-tui open`: what it refuses, and a run of `digdag run` gone on with (`--from-status`)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ..program import digdag_tui
from ..support import write
from ..terminal import Terminal

STATUS = ".digdag/status"
SESSION = f"{STATUS}/20260131T000000+0000"
DIG = "+a: {sh>: echo a >> log}\n+g:\n  +b: {sh>: echo b >> log}\n  +c: {sh>: '[ -e ok ] && echo c >> log'}\n"


def left_behind(project: Path) -> None:
    """What a run that failed at `+c` saved."""
    write(project, {"main.dig": DIG, "other.dig": "+x: {echo>: x}\n"})
    assert digdag_tui("run", "main", "--session", "2026-01-31", cwd=project).returncode == 1
    shutil.rmtree(project / ".digdag" / "tui")
    (project / "ok").touch()


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.parametrize(
    ("words", "cwd"),
    [(["--from-status", SESSION], ""), (["open", "project/main.dig", "--from-status", f"project/{SESSION}"], "..")],
    ids=["found", "named"],
)
def test_the_debugger_goes_on_before_the_first_task_that_is_not_saved(
    tmp_path: Path, words: list[str], cwd: str
) -> None:
    project = tmp_path / "project"
    left_behind(project)
    terminal = Terminal(tmp_path if cwd else project, *words)
    try:
        terminal.see("before +main+g+c", "session 2026-01-31 00:00 +00:00", "✔ +b", " saved│")
        terminal.press("c")
        terminal.see("✔ +c")
        terminal.press("q")
        assert terminal.ended() == 0
    finally:
        terminal.close()
    assert (project / "log").read_text() == "a\nb\nc\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--from-status", "nowhere"], "nowhere is no directory: name one such as .digdag/status/20260131T000000+0000"),
        (["--from-status", STATUS], f"{STATUS} is not named after a session: it holds 20260131T000000+0000, 2026"),
        (["--from-status", ".digdag"], ".digdag is not named after a session: such as 20260131T000000+0000"),
        (["other.dig", "--from-status", SESSION], f"{SESSION} has tasks of main only: digdag run saves a file for"),
        (["--from-status", f"{STATUS}/20260201T000000+0000"], "has tasks of main, other: name the workflow's file"),
        (["--from-status", f"{STATUS}/20260202T000000+0000"], "0202T000000+0000 has no saved task: digdag run saves"),
        (
            ["--from-status", f"{STATUS}/20260203T000000+0000"],
            "/+main+a.yml:1:1: State file is broken: result is missing: delete the file, and its task runs again",
        ),
        (["--from-status", SESSION], "the debugger needs a terminal: use `digdag-tui run` without one"),
        (["--from-status"], "Expected a value after parameter --from-status"),
    ],
)
def test_a_directory_that_is_no_saved_run_is_one_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    left_behind(tmp_path)
    status = tmp_path / ".digdag" / "status"
    for name in ("20260201T000000+0000", "20260202T000000+0000", "20260203T000000+0000"):
        (status / name).mkdir()
    write(status / "20260201T000000+0000", {"+main+a.yml": "", "+other+x.yml": ""})
    write(status / "20260203T000000+0000", {"+main+a.yml": "fullName: +main+a\nstate: success\n"})
    done = digdag_tui(*words, cwd=tmp_path)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("word", ["nosuch.dig", "no/such"])
def test_a_file_that_is_not_there(tmp_path: Path, word: str) -> None:
    done = digdag_tui(word, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--attempt", "nonsense"], "there is no attempt nonsense: last, a number, or one of main/2026"),
        (["other.dig", "--attempt", "1"], "no attempt of other is kept in "),
        (["--attempt", "last"], "the debugger needs a terminal: use `digdag-tui run` without one"),
        (["gone.dig", "--attempt", "last"], "no attempt of gone is kept in "),
        (["--attempt", "1", "--project", "nowhere"], "no attempt is kept in "),
    ],
)
def test_an_attempt_that_there_is_not_is_one_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    write(tmp_path, {"main.dig": DIG, "other.dig": "+x: {echo>: x}\n"})
    assert digdag_tui("run", "main", "--session", "2026-01-31", cwd=tmp_path).returncode == 1
    done = digdag_tui(*words, cwd=tmp_path)
    assert done.returncode == 1 and sentence in done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.parametrize("words", [["--attempt", "last"], ["project/main.dig", "--attempt", "20260131/1"]])
def test_a_past_attempt_opens_though_its_file_is_gone(tmp_path: Path, words: list[str]) -> None:
    project = tmp_path / "project"
    write(project, {"main.dig": DIG})
    assert digdag_tui("run", "main", "--session", "2026-01-31", cwd=project).returncode == 1
    (project / "main.dig").unlink()
    terminal = Terminal(tmp_path if len(words) > 2 else project, *words)
    try:
        terminal.see("attempt 1, recorded: +main+g+c failed", "✔ +b", "✖ +c")
        terminal.press("q")
        assert terminal.ended() == 0
    finally:
        terminal.close()
