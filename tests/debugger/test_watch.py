"""Watching files: real saves on a real disk."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterator
from pathlib import Path

import pytest

from digdag_tui.debugger.watch import Watcher

Bursts = queue.Queue[frozenset[Path]]


@pytest.fixture
def bursts(tmp_path: Path) -> Iterator[Bursts]:
    (tmp_path / "scripts").mkdir()
    (tmp_path / ".digdag").mkdir()
    (tmp_path / "main.dig").write_text("+a: {}\n")
    (tmp_path / "scripts" / "tasks.py").write_text("x = 1\n")
    found: Bursts = queue.Queue()
    watcher = Watcher(tmp_path, found.put)
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


def test_a_save_by_renaming_is_seen(tmp_path: Path, bursts: Bursts) -> None:
    (tmp_path / "main.dig.tmp").write_text("+b: {}\n")
    os.replace(tmp_path / "main.dig.tmp", tmp_path / "main.dig")
    assert bursts.get(timeout=10) == {tmp_path / "main.dig"}


def test_saving_the_same_content_or_data_or_hidden_files_is_no_change(tmp_path: Path, bursts: Bursts) -> None:
    (tmp_path / "main.dig").write_text("+a: {}\n")
    (tmp_path / "result.csv").write_text("1,2\n")
    (tmp_path / ".digdag" / "x.py").write_text("1\n")
    (tmp_path / ".main.dig.swp").write_text("1\n")
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
