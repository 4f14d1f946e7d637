"""Watching files: real saves on a real disk, as editors do them."""

from __future__ import annotations

import os
import queue
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from digdag_tui.debugger.watch import Watcher

Bursts = queue.Queue[frozenset[Path]]


@pytest.fixture
def bursts(tmp_path: Path) -> Iterator[Bursts]:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / ".digdag").mkdir()
    (tmp_path / "main.dig").write_text("+a: {}\n")
    (tmp_path / "scripts" / "tasks.py").write_text("x = 1\n")
    (tmp_path / "data" / "rows.csv").write_text("1\n")
    found: Bursts = queue.Queue()
    watcher = Watcher(tmp_path, found.put, lambda: frozenset({(tmp_path / "data" / "rows.csv").resolve()}))
    watcher.start()
    yield found
    watcher.stop()


def test_many_saves_in_a_burst_are_told_once(tmp_path: Path, bursts: Bursts) -> None:
    for number in range(20):
        (tmp_path / "main.dig").write_text(f"+a: {{n: {number}}}\n")
        (tmp_path / "scripts" / "tasks.py").write_text(f"x = {number + 2}\n")
    assert bursts.get(timeout=10) == {tmp_path / "main.dig", tmp_path / "scripts" / "tasks.py"}
    with pytest.raises(queue.Empty):
        bursts.get(timeout=0.6)


def in_place(file: Path, text: str) -> None:
    """nano, VS Code."""
    file.write_text(text)


def by_replacing(file: Path, text: str) -> None:
    """`sed -i`, and most programs that save safely."""
    temporary = file.with_name(f"{file.name}.tmp123")
    temporary.write_text(text)
    os.replace(temporary, file)


def vim(file: Path, text: str) -> None:
    """vim with its `backupcopy=no`: the old file becomes the backup, which is deleted at the end."""
    swap, probe, backup = file.with_name(f".{file.name}.swp"), file.with_name("4913"), file.with_name(f"{file.name}~")
    swap.write_bytes(b"b0VIM")
    probe.touch()
    probe.unlink()
    file.rename(backup)
    with file.open("w") as new:
        new.write(text)
        new.flush()
        os.fsync(new.fileno())
    backup.unlink()
    swap.unlink()


def emacs(file: Path, text: str) -> None:
    """emacs: a lock, a copy saved now and then, and a backup that stays."""
    lock, autosave = file.with_name(f".#{file.name}"), file.with_name(f"#{file.name}#")
    lock.symlink_to("user@machine.1:1")
    autosave.write_text(text)
    file.rename(file.with_name(f"{file.name}~"))
    file.write_text(text)
    autosave.unlink()
    lock.unlink()


def jetbrains(file: Path, text: str) -> None:
    """The JetBrains editors' safe write."""
    new, old = file.with_name(f"{file.name}___jb_tmp___"), file.with_name(f"{file.name}___jb_old___")
    new.write_text(text)
    file.rename(old)
    new.rename(file)
    old.unlink()


def by_deleting(file: Path, text: str) -> None:
    """Deleted, and created again."""
    file.unlink()
    file.write_text(text)


@pytest.mark.parametrize("save", [in_place, by_replacing, vim, emacs, jetbrains, by_deleting])
@pytest.mark.parametrize("name", ["main.dig", "scripts/tasks.py", "data/rows.csv"])
def test_an_editors_save_is_one_change_of_one_file(
    tmp_path: Path, bursts: Bursts, save: Callable[[Path, str], None], name: str
) -> None:
    for text in ("one\n", "two\n"):
        save(tmp_path / name, text)
        assert bursts.get(timeout=10) == {tmp_path / name}
        assert (tmp_path / name).read_text() == text
    with pytest.raises(queue.Empty):
        bursts.get(timeout=0.6)


def test_a_file_that_is_gone_for_a_moment_was_not_deleted(
    tmp_path: Path, bursts: Bursts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digdag_tui.debugger.watch.GONE", 60)
    (tmp_path / "main.dig").unlink()
    (tmp_path / "scripts" / "tasks.py").write_text("x = 2\n")
    with pytest.raises(queue.Empty):
        bursts.get(timeout=0.8)
    (tmp_path / "main.dig").write_text("+b: {}\n")
    assert bursts.get(timeout=10) == {tmp_path / "main.dig", tmp_path / "scripts" / "tasks.py"}


def test_saving_the_same_content_or_data_or_hidden_files_is_no_change(tmp_path: Path, bursts: Bursts) -> None:
    (tmp_path / "main.dig").write_text("+a: {}\n")
    (tmp_path / "result.csv").write_text("1,2\n")
    (tmp_path / ".digdag" / "x.py").write_text("1\n")
    (tmp_path / ".main.dig.swp").write_text("1\n")
    (tmp_path / "data" / "rows.csv").write_text("1\n")
    with pytest.raises(queue.Empty):
        bursts.get(timeout=0.8)


def test_files_in_new_folders_and_deleted_files_are_seen(tmp_path: Path, bursts: Bursts) -> None:
    (tmp_path / "scripts" / "tasks.py").unlink()
    assert bursts.get(timeout=10) == {tmp_path / "scripts" / "tasks.py"}
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "first.sql").write_text("select 1\n")
    (tmp_path / "sql" / "second.sql").write_text("select 2\n")
    seen: set[Path] = set()
    while len(seen) < 2:
        seen |= bursts.get(timeout=10)
    assert seen == {tmp_path / "sql" / "first.sql", tmp_path / "sql" / "second.sql"}


def test_the_files_of_a_folder_that_is_renamed_or_deleted_are_told(tmp_path: Path, bursts: Bursts) -> None:
    (tmp_path / "scripts").rename(tmp_path / "tools")
    assert bursts.get(timeout=10) == {tmp_path / "scripts" / "tasks.py", tmp_path / "tools" / "tasks.py"}
    (tmp_path / "tools" / "tasks.py").write_text("x = 3\n")
    assert bursts.get(timeout=10) == {tmp_path / "tools" / "tasks.py"}
    shutil.rmtree(tmp_path / "tools")
    assert bursts.get(timeout=10) == {tmp_path / "tools" / "tasks.py"}


def test_folders_that_come_and_go_do_not_end_the_watching(tmp_path: Path, bursts: Bursts) -> None:
    for number in range(200):
        folder = tmp_path / f"folder{number}"
        (folder / "inside").mkdir(parents=True)
        shutil.rmtree(folder)
    (tmp_path / "main.dig").write_text("+b: {}\n")
    assert bursts.get(timeout=10) == {tmp_path / "main.dig"}


def test_what_is_no_file_is_never_read(tmp_path: Path, bursts: Bursts) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    os.symlink("loop.py", tmp_path / "loop.py")
    os.symlink("loop", tmp_path / "loop")
    (tmp_path / "folder.dig").mkdir()
    (tmp_path / "main.dig").write_text("+b: {}\n")
    assert bursts.get(timeout=10) == {tmp_path / "main.dig"}
    watcher = Watcher(tmp_path, bursts.put)
    watcher.start()
    watcher.stop()
