"""`digdag-tui diff`: two attempts held against each other, its exit codes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..program import digdag_tui
from ..support import write

DIG = """
    +load:
      py>: tasks.load
    +show: {echo>: "rows ${rows}"}
    +check: {sh>: test -e ok}
    """
TASKS = """
    import digdag, os
    def load():
        digdag.env.store({"rows": int(os.environ["ROWS"]), "db": {"host": "a"}})
    """


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three attempts: a failure with 10 rows, the same again, a success with 12 rows."""
    write(tmp_path, {"main.dig": DIG, "tasks.py": TASKS})
    for rows in ("10", "10", "12"):
        if rows == "12":
            (tmp_path / "ok").touch()
        monkeypatch.setenv("ROWS", rows)
        digdag_tui("run", "main", "--session", "2026-01-31", "--rerun", "-p", f"given={rows}", cwd=tmp_path)
    return tmp_path


def test_what_differs_is_told_by_task(project: Path) -> None:
    done = digdag_tui("diff", "1", "last", cwd=project)
    assert done.returncode == 1 and done.stderr == ""
    first, second, *rest = done.stdout.split("\n")
    assert first.startswith("- main/20260131T000000+0000/1 ") and first.endswith("failed at +main+check")
    assert second.startswith("+ main/20260131T000000+0000/3 ") and second.endswith("success")
    text = "\n".join(rest)
    assert 'given     given: "10" → "12"' in text
    assert "+main+load\n  stored    rows: 10 → 12\n" in text, "db is the same"
    assert '+main+show\n  params    echo>: "rows 10" → "rows 12"\n' in text
    assert "+main+check\n  state     error → success\n  error   - Command failed with code 1" in text
    assert text.endswith("5 of 5 tasks differ, 0 alike\n"), "the root and its alert are among them"


def test_attempts_that_are_alike(project: Path) -> None:
    done = digdag_tui("diff", "1", "main/20260131T000000+0000/2", cwd=project)
    assert (done.returncode, done.stdout.split("\n")[-2]) == (0, "no difference in 5 tasks")


def test_one_task_as_json_from_elsewhere(project: Path, tmp_path: Path) -> None:
    done = digdag_tui("diff", "1", "20260131/3", "+show", "--json", "--project", str(project), cwd=tmp_path.parent)
    found = json.loads(done.stdout)
    assert done.returncode == 1 and not found["alike"]
    assert [attempt["outcome"] for attempt in found["attempts"]] == ["failed", "success"]
    (task,) = found["tasks"]
    assert task["task"] == "+main+show" and task["state"] == ["success", "success"] and task["stored"] == []
    assert task["params"] == [{"path": ["echo>"], "kind": "changed", "old": "rows 10", "new": "rows 12"}]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["1", "9"], "there is no attempt 9: last, a number, or one of main/20260131T000000+0000/3, main/2026"),
        (["1", "other/2"], "there is no attempt other/2"),
        (["1", "2", "+nothing"], "neither attempt has a task whose name ends in +nothing"),
        (["1"], "Missing argument 'ATTEMPT'"),
        (["1", "2", "--project", "nowhere"], "no attempt is kept in "),
    ],
)
def test_a_mistake_is_one_sentence_and_2(project: Path, words: list[str], sentence: str) -> None:
    done = digdag_tui("diff", *words, cwd=project)
    assert done.returncode == 2 and sentence in done.stderr and "Traceback" not in done.stderr


def test_a_torn_journal_is_read_as_far_as_it_goes(project: Path) -> None:
    journal = project / ".digdag/tui/main/20260131T000000+0000/0003.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-3]) + lines[-3][:10])
    done = digdag_tui("diff", "1", "3", cwd=project)
    assert done.returncode == 1 and "not finished" in done.stdout
    journal.write_bytes(b"nothing\n")
    done = digdag_tui("diff", "1", "3", cwd=project)
    assert done.returncode == 2 and "0003.jsonl has no attempt in it: its first line is damaged" in done.stderr
