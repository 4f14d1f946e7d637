"""State files: every value comes back, every damage is told, and the debugger goes on with a run that saved some."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from digdag_tui.debugger.gate import Opening
from digdag_tui.debugger.history import session_name, session_of
from digdag_tui.debugger.state_file import StateFileError, parse_state, state_text
from digdag_tui.debugger.status import saved_run
from digdag_tui.engine.attempt import Task
from digdag_tui.engine.operator import OperatorResult
from digdag_tui.workflow.errors import DigdagError

from ..support import Debugged, write

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
PARAMS = st.dictionaries(TEXTS, VALUES, max_size=4)
DIGDAGS = b"""\
fullName: "+w+b"
state: "success"
result:
  subtaskConfig: {"+loop-0": {_do: {echo>: "${i}"}}}
  exportParams: {}
  resetStoreParams: []
  storeParams:
    plain: 0.05
    number: 010
    text: "0.05 \\
      and \\u00e9"
    none: null
    yes: true
    list:
    - 1
    - {a: 1.0E20}
  report: {inputs: [], outputs: []}
"""


def task(result: OperatorResult) -> Task:
    row = Task(1, "+main+a", None, (), False, {}, {}, True)
    row.subtasks, row.runtime_export, row.store = result.subtasks, result.export, result.store
    return row


def same(left: Any, right: Any) -> bool:
    """Whether two values are the same as JSON, in which `1` and `1.0` differ, and the order of keys counts."""
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def test_what_digdag_saved_is_read_as_jackson_reads_it() -> None:
    result = parse_state(DIGDAGS, "+w+b.yml")
    assert result is not None
    assert result.subtasks == {"+loop-0": {"_do": {"echo>": "${i}"}}}
    store = {"plain": 0.05, "number": 10, "text": "0.05 and é", "none": None, "yes": True, "list": [1, {"a": 1e20}]}
    assert same(result.store, store)


@given(PARAMS, PARAMS, PARAMS)
@example({"a": {}}, {"": "", "a b": [], "- x": "y", "k:": 1, "#": 0, "null": None, "1": "\x07\x85\u2028\ufeff😀"}, {})
@example({}, {}, {"long" * 50: "word " * 100, "lines": "a\nb\r\n\tc "})
def test_every_result_comes_back(subtasks: dict[str, Any], export: dict[str, Any], store: dict[str, Any]) -> None:
    text = state_text(task(OperatorResult(subtasks, export, store)))
    found = parse_state(text.encode(), "file.yml")
    assert found is not None
    assert same([found.subtasks, found.export, found.store], [subtasks, export, store])
    assert yaml.safe_load(text)["fullName"] == "+main+a"


@given(st.integers(0, len(DIGDAGS)), st.none() | st.binary(max_size=2), st.booleans())
@example(0, None, True)
@example(30, b"\xff", False)
@example(40, b"\0", False)
@example(100, b"&a", False)
@example(100, b"*a", False)
@example(0, b"? [a]\n: b\n", False)
@example(0, b"[" * 5000, False)
def test_a_cut_or_garbled_file_is_one_clear_sentence_or_a_result(place: int, noise: bytes | None, cut: bool) -> None:
    data = DIGDAGS[:place] + (noise or b"") + (b"" if cut else DIGDAGS[place + len(noise or b"") :])
    try:
        result = parse_state(data, "file.yml")
    except StateFileError as error:
        assert error.message.startswith("State file is broken: ")
        assert "\n" not in error.message
        assert error.position and error.position.file == "file.yml"
        assert 1 <= error.position.line <= data.count(b"\n") + 1
        assert error.position.column >= 1
        assert error.hint
    else:
        assert result is None or isinstance(result.store, dict)


def test_a_file_cut_anywhere_never_loses_a_value_silently() -> None:
    whole = parse_state(DIGDAGS, "file.yml")
    for end in range(len(DIGDAGS)):
        with suppress(StateFileError):
            assert parse_state(DIGDAGS[:end], "file.yml") == whole, end


@pytest.mark.parametrize(
    ("text", "sentence", "place"),
    [
        ("", "it is empty", "1:1"),
        ("- a\n", "it is no map", "1:1"),
        ("a: {b\n", "did not find expected ',' or '}'", "2:1"),
        ("a: \xe9", "it is no UTF-8", "1:4"),
        ("a: x\nb: \x00", "it has a character that YAML does not allow", "2:4"),
        ("fullName: a\n", "state is missing", "1:1"),
        ("state: success\n", "result is missing", "1:1"),
        ("state: success\nresult: []\n", "result is no map", "2:1"),
        ("state: success\nresult:\n  subtaskConfig: {}\n  exportParams: 1\n", "exportParams is no map", "4:3"),
        ("state: success\nresult: {subtaskConfig: {}}\n", "exportParams is missing", "2:1"),
        ("state: success\nresult: &a\n  b: *a\n", "it has an alias", "3:6"),
    ],
)
def test_what_is_wrong_with_a_file(text: str, sentence: str, place: str) -> None:
    with pytest.raises(StateFileError) as caught:
        parse_state(text.encode("latin-1"), "file.yml")
    assert caught.value.message == f"State file is broken: {sentence}"
    assert str(caught.value.position) == f"file.yml:{place}"


@pytest.mark.parametrize(
    ("time", "name"),
    [
        ("2026-01-31T00:00:00+00:00", "20260131T000000+0000"),
        ("2026-01-31T23:59:59+09:00", "20260131T235959+0900"),
        ("2026-01-31T00:00:00-03:30", "20260131T000000-0330"),
    ],
)
def test_a_session_is_known_by_its_directory(time: str, name: str) -> None:
    assert session_name(time) == name
    found = session_of(name)
    assert found and found.isoformat() == time


@pytest.mark.parametrize(
    "name", ["", "x", "20260131", "20260131T000000", "20261331T000000+0000", "20260131T000000+1900"]
)
def test_other_names_are_of_no_session(name: str) -> None:
    assert session_of(name) is None


# The debugger on what `digdag run` left behind

DIG = """
    +a: {fail>: not called}
    +g:
      +l:
        loop>: 2
        _do: {+in: {echo>: "${x} ${i}"}}
      +b: {echo>: "b ${x}"}
    +c: {echo>: c}
    """


def save(folder: Path, name: str, result: OperatorResult = OperatorResult()) -> None:  # noqa: B008 (immutable)
    folder.mkdir(parents=True, exist_ok=True)
    text = state_text(task(result)).replace('"+main+a"', f'"{name}"')
    (folder / f"{name}.yml").write_text(text)


def status(project: Path) -> Path:
    return project / ".digdag" / "status" / "20260131T000000+0000"


def test_the_debugger_stops_before_the_first_task_that_is_not_saved(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": DIG})
    save(status(tmp_path), "+main+a", OperatorResult(store={"x": "stored"}))
    iterations = {f"+loop-{i}": {"_export": {"i": i}, "+in": {"echo>": "${x} ${i}"}} for i in range(2)}
    save(status(tmp_path), "+main+g+l", OperatorResult(subtasks=iterations))
    save(status(tmp_path), "+main+g+l^sub+loop-0+in", OperatorResult(export={"y": 1}))
    save(status(tmp_path), "+main+g+l^sub+loop-0")
    run = Debugged(tmp_path)
    recording = saved_run(status(tmp_path)).recording()
    run.session.start(Opening(recording=recording, entry=True))
    try:
        assert run.where() == "entry +main+g+l^sub+loop-1"
        assert run.task("+main+a").store == {"x": "stored"}
        assert run.task("+main+g+l^sub+loop-0+in").runtime_export == {"y": 1}
        assert run.do("step_into") == "step +main+g+l^sub+loop-1+in"
        assert run.do("step_over") == "step +main+g+b"
        assert run.output("+main+g+l^sub+loop-1+in") == "stored 1\n"
        assert run.output("+main+g+l^sub+loop-0+in") == ""
        assert run.do("resume") == "ended"
        assert run.finished() == [True]
    finally:
        run.session.quit()


def test_a_group_that_is_done_passes_and_one_without_saved_tasks_stops(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+g: {+a: {fail>: no}}\n+h: {+b: {echo>: b}}\n"})
    save(status(tmp_path), "+main+g+a")
    save(status(tmp_path), "+main+g")
    run = Debugged(tmp_path)
    run.session.start(Opening(recording=saved_run(status(tmp_path)).recording(), entry=True))
    try:
        assert run.where() == "entry +main+h"
    finally:
        run.session.quit()


def test_all_saved_runs_to_the_end(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {fail>: no}\n+b: {fail>: no}\n"})
    for name in ("+main+a", "+main+b", "+main"):
        save(status(tmp_path), name)
    run = Debugged(tmp_path)
    opening = Opening(recording=saved_run(status(tmp_path)).recording(), entry=True)
    assert asyncio.run(run.session.run_attempt(opening))


def test_the_files_tell_the_workflow_and_the_session(tmp_path: Path) -> None:
    folder = tmp_path / "20260131T000000-0500"
    save(folder, "+main^failure-alert")
    run = saved_run(folder)
    assert (run.workflow, run.session) == ("main", "2026-01-31T00:00:00-05:00")


@pytest.mark.parametrize(
    ("names", "folder", "workflow", "message", "hint"),
    [
        ([], "20260131T000000+0000", None, "20260131T000000+0000 has no saved task", "digdag run saves a file"),
        (["+a+x", "+b+x"], "20260131T000000+0000", None, "has tasks of a, b", "name the workflow's file"),
        (["+a+x"], "20260131T000000+0000", "main", "has tasks of a only", "digdag run saves a file"),
        (["+a+x"], ".", None, " is not named after a session", "it holds 20260131T000000+0000: name one"),
        (["+a+x"], "20260130T000000+0000", None, "20260130T000000+0000 is no directory", "such as .digdag/status/"),
    ],
)
def test_a_directory_that_is_none_is_told(
    tmp_path: Path, names: list[str], folder: str, workflow: str | None, message: str, hint: str
) -> None:
    (tmp_path / "20260131T000000+0000").mkdir()
    for name in names:
        save(tmp_path / "20260131T000000+0000", name)
    with pytest.raises(DigdagError, match=r"^[^\n]+$") as caught:
        saved_run(tmp_path / folder, workflow)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
