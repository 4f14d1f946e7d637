"""What is at the cursor, opened in the person's own editor."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from digdag_tui.tui.editors import find_editor
from digdag_tui.workflow.errors import DigdagError
from tests.terminal import Terminal

from .support import opened


def program(folder: Path, name: str, script: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize(
    ("editor", "words"),
    [
        ("vi", ["vi", "+7", "F"]),
        ("nvim -u NONE", ["nvim", "-u", "NONE", "+7", "F"]),
        ("nano", ["nano", "+7,3", "F"]),
        ("emacs -nw", ["emacs", "-nw", "+7:3", "F"]),
        ("micro", ["micro", "+7:3", "F"]),
        ("kak", ["kak", "+7:3", "F"]),
        ("hx", ["hx", "F:7:3"]),
        ("code --wait", ["code", "--wait", "-g", "F:7:3"]),
        ("subl", ["subl", "F:7:3"]),
        ("charm", ["charm", "--line", "7", "--column", "2", "F"]),
        ("idea.sh", ["idea.sh", "--line", "7", "--column", "2", "F"]),
        ("mine", ["mine", "+7", "F"]),
    ],
)
def test_each_editor_is_told_the_line_in_its_own_way(tmp_path: Path, editor: str, words: list[str]) -> None:
    program(tmp_path, shlex.split(editor)[0])
    found = find_editor({"EDITOR": editor, "PATH": str(tmp_path)})
    assert found.command(Path("F"), 7, 3) == words
    windowed = words[0] in ("code", "subl", "charm", "idea.sh")
    assert found.in_terminal is not windowed


def test_the_variable_that_names_it(tmp_path: Path) -> None:
    place = program(tmp_path / "my editors", "ed it")
    both = {"VISUAL": f"'{place}' -x 'a b'", "EDITOR": "other", "PATH": ""}
    assert find_editor(both).words == [str(place), "-x", "a b"]
    for environment, said in (
        ({}, "no editor is set"),
        ({"EDITOR": "  "}, "no editor is set"),
        ({"EDITOR": "gone -x", "PATH": ""}, "gone, which $EDITOR names, is not found"),
        ({"EDITOR": "'vi", "PATH": ""}, "a quote in it is not closed"),
    ):
        with pytest.raises(DigdagError, match=said.replace("$", r"\$")):
            find_editor(environment)


async def test_no_editor_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    async with opened(tmp_path, "+a:\n  echo>: x\n") as screen:
        await screen.press("ctrl+o")
        await screen.says("no editor is set")


async def test_an_editor_with_a_window_starts_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    program(tmp_path / "bin", "code", f'echo "$@" > {told}.new; mv {told}.new {told}; exit 4')
    monkeypatch.setenv("VISUAL", str(tmp_path / "bin" / "code"))
    async with opened(tmp_path, "+a:\n  echo>: x\n") as screen:
        await screen.press("end", "ctrl+o")
        await screen.says("opened in code")
        await screen.until(told.exists, "the editor")
        assert told.read_text() == f"-g {tmp_path / 'main.dig'}:2:3\n"
        await screen.says("code ended with code 4")


WORK = """\
def run(count):
    rows = [{"price": 2}]
    return total(rows, count)


def total(rows, count):
    return rows[count]["price"]
"""


async def test_the_error_page_folds_frames_and_values_and_knows_their_places(tmp_path: Path) -> None:
    dig = "+work:\n  py>: work.run\n  count: 1\n"
    async with opened(tmp_path, dig, {"work.py": WORK}, size=(120, 60)) as screen:
        await screen.press("c")
        await screen.stops("✖ +main+work failed")
        text = screen.text("error")
        for words in ("count = 1", "work.py:7 in total", "▸ locals count, rows"):
            assert words in text
        error = screen.pane("error")

        def go(words: str) -> None:
            error.move_to(next(row for row in range(error.count()) if words in error.text_of(row)))

        go("▸ rows = ")
        await screen.press("enter")
        await screen.shows("error", "▾ rows = ")
        assert "price" in screen.line("error", "0 = ")
        await screen.press("left")
        await screen.shows("error", "▸ rows = ")
        go("▸ locals")
        await screen.press("right")
        await screen.shows("error", "▾ locals")
        go("work.py:3 in run")
        place = error.position_at_cursor()
        assert place and (place.file, place.line) == ("work.py", 3)
        await screen.press("enter")
        await screen.until(lambda: screen.app.main.active == "source", "the source")


async def test_a_huge_message_is_cut_on_the_page(tmp_path: Path) -> None:
    code = "def run():\n    raise ValueError('m' * 2_000_000 + '\\n' * 100_000)\n"
    async with opened(tmp_path, "+work:\n  py>: work.run\n", {"work.py": code}) as screen:
        await screen.press("c")
        await screen.stops("✖ +main+work failed")
        assert "more lines" in screen.text("error") and len(screen.text("error")) < 100_000


async def test_a_tasks_children_print_live_and_progress_bars_leave_their_last_state(tmp_path: Path) -> None:
    code = """\
import os, pathlib, time
def run():
    os.system("printf 'Collecting tea\\n'; printf ' 10%%\\r 50%%\\r100%%\\n'")
    while not pathlib.Path("seen").exists():
        time.sleep(0.02)
"""
    async with opened(tmp_path, "+work:\n  py>: work.run\n", {"work.py": code}) as screen:
        await screen.press("c")
        await screen.shows("log", "Collecting tea")
        await screen.shows("log", "100%")
        assert " 50%" not in screen.text("log") and "▶ +main+work" in screen.header()
        (tmp_path / "seen").touch()
        await screen.stops("finished: success")


async def test_secrets_in_locals_are_masked_on_the_page_and_in_the_report(tmp_path: Path) -> None:
    code = "def run():\n    token = 'hush-' + 'hush-hush'\n    raise ValueError(token)\n"
    dig = "+work:\n  py>: work.run\n"
    async with opened(tmp_path, dig, {"work.py": code}, secrets={"k": "hush-hush-hush"}) as screen:
        await screen.press("c")
        await screen.stops("✖ +main+work failed")
        await screen.shows("error", 'token = "***"')
        await screen.press("X")
        await screen.says("the report on +main+work")
        report = next((tmp_path / ".digdag" / "tui" / "reports").iterdir()).read_text()
        assert 'token = "***"' in report and "hush-hush-hush" not in report
    journal = "".join(file.read_text() for file in (tmp_path / ".digdag").rglob("*.jsonl"))
    assert "hush-hush-hush" not in journal


def test_a_terminal_editor_gets_the_terminal_and_gives_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "main.dig").write_text("+work:\n  py>: work.run\n  count: 1\n")
    (folder / "work.py").write_text(WORK)
    editor = program(tmp_path / "bin", "mine", 'echo "EDITING $@"; read line; echo "$line" > "$0.typed"; exit 3')
    monkeypatch.setenv("EDITOR", f"{editor} -q")
    monkeypatch.delenv("VISUAL", raising=False)
    terminal = Terminal(folder, "main.dig")
    try:
        terminal.see("before +main+work")
        terminal.press("c")
        terminal.see("+main+work failed")
        terminal.press("3")
        terminal.see("work.py")
        terminal.press("C-o")
        terminal.see("EDITING -q +7")
        terminal.type("hello")
        terminal.press("Enter")
        terminal.see("+main+work failed", "mine ended with code 3")
        assert Path(f"{editor}.typed").read_text() == "hello\n"
        terminal.press("5")
        terminal.see("Your Python code")
        terminal.press("q")
        assert terminal.ended() == 0
    finally:
        terminal.close()
