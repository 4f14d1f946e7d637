"""The person's own keys: what a file may say, and that the screen does and shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from digdag_tui.tui.keymap import defaults, draft, keymap_file, normal, read_keymap, write_draft
from digdag_tui.workflow.errors import DigdagError

from .support import opened

FLOW = "+a: {echo>: one}\n+b: {echo>: two}\n"


def keymap(folder: Path, text: str) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The keys of a file, and its problems as they are told."""
    file = folder / "keys.yml"
    file.write_text(text)
    found = read_keymap(file)
    places = [problem.position.line if problem.position else 0 for problem in found.problems]
    told = [f"{line}: {problem.message}" for line, problem in zip(places, found.problems, strict=True)]
    return found.keys, told


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("a", "a"), ("A", "A"), ("shift+a", "A"), ("?", "question_mark"), ("/", "slash"), ("+", "plus"), ("é", "é"),
        ("F5", "f5"), ("shift+f5", "shift+f5"), ("ctrl+T", "ctrl+t"), ("^t", "ctrl+t"), ("ctrl+up", "ctrl+up"),
        ("ctrl++", "ctrl+plus"), ("Esc", "escape"), ("full_stop", "full_stop"), ("space", "space"), ("pgup", "pageup"),
        ("foo", None), ("ctrl+foo", None), ("strg+t", None), ("f99", None), ("ctrl+", None),
    ],
)  # fmt: skip
def test_keys_are_named_as_people_write_them(written: str, key: str | None) -> None:
    assert normal(written) == key


def test_every_key_of_the_table_can_be_written_in_a_file(tmp_path: Path) -> None:
    for name, default in defaults().items():
        for key in default.keys:
            assert normal(key) == key, name
    keys, problems = keymap(tmp_path, draft())
    assert keys == {} and problems == []
    uncommented = "\n".join(line.removeprefix("# ") if ": " in line else line for line in draft().splitlines())
    keys, problems = keymap(tmp_path, "\n".join(line for line in uncommented.splitlines() if " keys" not in line[:14]))
    assert {name: set(given) for name, given in keys.items() if name != "present"} == {
        name: set(default.keys) for name, default in defaults().items() if name != "present"
    }


def test_keys_are_replaced_swapped_and_taken_away(tmp_path: Path) -> None:
    text = 'step_over: "s, f10"\nstep_into: n\nattach: []\nhelp:\n- "h2"\ncopy: [y, ctrl+y]\nlog_pane: L\n'
    keys, problems = keymap(tmp_path, text.replace('- "h2"', '- "f2"'))
    assert keys == {
        "step_over": ("s", "f10"),
        "step_into": ("n",),
        "attach": (),
        "help": ("f2",),
        "copy": ("y", "ctrl+y"),
        "log_pane": ("L",),
    }
    assert problems == []


def test_what_is_wrong_is_told_with_its_line_and_the_rest_works(tmp_path: Path) -> None:
    keys, problems = keymap(
        tmp_path,
        """\
step_ovr: m
step_into: strg+x
pause: escape
stop: ctrl+m
retry: j
resume: n
skip: Q
pin: Q
quit: ctrl+x
""",
    )
    assert keys == {"skip": ("Q",), "quit": ("ctrl+x",)}
    assert [problem.partition(":")[0] for problem in problems] == ["1", "2", "3", "4", "5", "6", "8"]
    assert problems[0] == "1: there is no action step_ovr"
    assert "there is no key strg+x" in problems[1]
    assert "Esc closes what is open" in problems[2].replace("esc", "Esc")
    assert "terminals send ctrl+m as enter" in problems[3]
    assert "j moves in the panes" in problems[4]
    assert "n is the key of step_over too" in problems[5]
    assert "Q is the key of skip too" in problems[6]


@pytest.mark.parametrize("content", [b"- a\n- b\n", b"a: [\n", b"\xff\xfe", b"just words\n"])
def test_a_file_that_is_no_mapping_is_one_problem(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "keys.yml").write_bytes(content)
    with pytest.raises(DigdagError):
        read_keymap(tmp_path / "keys.yml")


def test_the_file_to_begin_from_never_replaces_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert keymap_file() == tmp_path / "digdag-tui" / "keys.yml"
    write_draft(keymap_file())
    with pytest.raises(FileExistsError):
        write_draft(keymap_file())


async def test_the_screen_takes_and_shows_the_persons_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "digdag-tui").mkdir(parents=True)
    (tmp_path / "config" / "digdag-tui" / "keys.yml").write_text(
        "step_over: ctrl+t\nresume: n\nhelp: f2\nlog_pane: L\nno_such: x\n"
    )
    async with opened(tmp_path / "project", FLOW) as screen:
        await screen.says("keys.yml:5: there is no action no_such")
        await screen.stops("before +main+a")
        await screen.until(lambda: " ^t over" in screen.bar(), "the new key in the bar")
        assert " n continue" in screen.bar() and " F2 help" in screen.bar()
        await screen.sees("L Log")
        await screen.press("c", "f10")
        assert "before +main+a" in screen.header(), "the old keys do nothing"
        await screen.press("ctrl+t")
        await screen.stops("before +main+b")
        await screen.press("L")
        assert screen.app.main.active == "log"
        await screen.dialog("f2")
        await screen.sees("^t")
        await screen.press("escape")
        await screen.press("n")
        await screen.stops("finished: success")


async def test_the_palette_writes_a_file_of_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    async with opened(tmp_path / "project", FLOW) as screen:
        await screen.stops("before +main+a")
        await screen.app.run_action("keys_file")
        await screen.says("has all keys")
        assert (tmp_path / "config" / "digdag-tui" / "keys.yml").read_text() == draft()
        await screen.app.run_action("keys_file")
        await screen.says("is there already")
