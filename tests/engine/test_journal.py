"""Journals: what was written is read, whatever byte the process died at."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digdag_tui.engine.events import (
    AnyEvent,
    AttemptFinished,
    AttemptStarted,
    NewTask,
    ParamEdited,
    TaskFailed,
    TaskLogged,
    TaskOutput,
    TaskReady,
    TaskStarted,
    TaskSucceeded,
)
from digdag_tui.engine.journal import Journal, read_journal, truncate_torn
from digdag_tui.params.secrets import Masker
from digdag_tui.workflow.config import Config

EVENTS: list[AnyEvent] = [
    AttemptStarted(
        1.5, "w", "u", "2026-01-31T00:00:00+00:00", "UTC", 1000,
        added=(NewTask(1, "+w", None, (), True, Config({"_retry": 1}), {"x": 10**30, "f": 2.0, "n": None}),),
    ),
    TaskReady(2.0, 1),
    TaskStarted(2.0, 1),
    TaskOutput(2.0, 1, "日本 \x1b[31m\n"),
    TaskSucceeded(3.0, 1, {"a": {"b": [1, "1", 1.0, True, None]}}, reset_store=("a.c",)),
    TaskFailed(3.0, 1, {"message": "no"}, ({"file": "t.py", "line": 1},)),
    ParamEdited(3.0, ("a", "b"), {"c": 1}, "onward", 1),
    AttemptFinished(4.0, False),
]  # fmt: skip


def write(path: Path, events: list[AnyEvent] = EVENTS) -> None:
    journal = Journal(path)
    for event in events:
        journal.write(event)
    journal.close()


def test_events_come_back_as_they_were(tmp_path: Path) -> None:
    write(tmp_path / "new" / "1.jsonl")
    assert list(read_journal(tmp_path / "new" / "1.jsonl")) == EVENTS


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_journal_cut_at_any_byte_keeps_every_whole_event_and_can_be_gone_on_with(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "1.jsonl"
    write(path)
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    whole = content[:cut].count(b"\n")
    assert list(read_journal(path)) == EVENTS[:whole]
    truncate_torn(path)
    write(path, EVENTS[whole:])
    assert list(read_journal(path)) == EVENTS


def test_damage_in_the_middle_ends_the_events(tmp_path: Path) -> None:
    path = tmp_path / "1.jsonl"
    write(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b'{"event": "no_such"}\n', *lines[3:]]))
    assert list(read_journal(path)) == EVENTS[:3]


@pytest.mark.parametrize(
    "line",
    [
        b'{"event":"task_ready","at":2.0,"task":2}\n',
        b'{"event":"group_planned","at":2.0,"task":1,"added":[{"id":3,"full_name":"+w+b","parent":1,"upstreams":[],'
        b'"is_group":false,"config":{}}]}\n',
        b'{"event":"task_output","at":2.0,"task":1,"text":"\xff"}\n',
        b"\0" * 40 + b"\n",
    ],
)
def test_a_line_that_cannot_come_there_is_damage(tmp_path: Path, line: bytes) -> None:
    path, damaged = tmp_path / "1.jsonl", list[int]()
    write(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], line, *lines[3:]]))
    assert list(read_journal(path, on_damage=damaged.append)) == EVENTS[:3]
    assert damaged == [4]
    path.write_bytes(b"".join(lines[1:]))
    assert list(read_journal(path)) == [], "without its first line it is no journal"


def test_whole_lines_behind_a_damaged_one_are_kept_beside(tmp_path: Path) -> None:
    path = tmp_path / "0001.jsonl"
    write(path)
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    torn = b"".join([*lines[:3], b'{"event": "of a newer version"}\n', *lines[3:]])
    path.write_bytes(torn)
    truncate_torn(path)
    assert path.read_bytes() == b"".join(lines[:3])
    assert (tmp_path / "0001.damaged").read_bytes() == torn
    (tmp_path / "0001.damaged").unlink()
    path.write_bytes(content[:-3])
    truncate_torn(path)
    assert not (tmp_path / "0001.damaged").exists(), "a torn last line is not worth it"


def test_a_task_that_ended_is_on_disk_before_the_process_can_die(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "1.jsonl")
    journal.write(EVENTS[0])
    journal.write(TaskOutput(2.0, 1, "said"))
    journal.write(TaskSucceeded(3.0, 1))
    assert len(list(read_journal(journal.path))) == 3


def test_a_journal_in_use_cannot_be_taken(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "1.jsonl")
    journal.lock()
    with pytest.raises(BlockingIOError):
        Journal(tmp_path / "1.jsonl").lock()


def test_secrets_are_masked(tmp_path: Path) -> None:
    masker = Masker()
    masker.add('pass"word')
    journal = Journal(tmp_path / "1.jsonl", masker.mask)
    journal.write(TaskOutput(2.0, 1, 'it is pass"word\n'))
    journal.close()
    assert list(read_journal(journal.path)) == [TaskOutput(2.0, 1, "it is ***\n")]


def test_output_without_end_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digdag_tui.engine.journal.OUTPUT_LIMIT", 1000)
    journal = Journal(tmp_path / "0001.jsonl")
    journal.write(EVENTS[0])
    for _ in range(100):
        journal.write(TaskOutput(1.0, 1, "x" * 99 + "\n"))
        journal.write(TaskReady(1.0, 1))
    journal.close()
    events = list(read_journal(tmp_path / "0001.jsonl"))
    assert sum(isinstance(event, TaskOutput) for event in events) == 10
    assert sum(isinstance(event, TaskReady) for event in events) == 100
    assert [event.message for event in events if isinstance(event, TaskLogged)] == ["The journal keeps no more output"]
