"""Edits: the rules for them, taking them back, keeping them over rewinds and reloads, and in a params file."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from digdag_tui.debugger.editing import Document, problem_of_edit
from digdag_tui.debugger.edits import Edits, MadeEdit
from digdag_tui.debugger.events import AttemptOpened, SessionEvent
from digdag_tui.debugger.inspect import inspect
from digdag_tui.debugger.launch import Launch
from digdag_tui.debugger.params_file import as_params, loses_to, save_params
from digdag_tui.debugger.session import NotPossible
from digdag_tui.engine.attempt import Attempt
from digdag_tui.engine.events import AttemptStarted, Override, ParamEdited
from digdag_tui.engine.journal import read_journal
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.params.overrides import override_layers
from digdag_tui.workflow.config import Config
from digdag_tui.workflow.errors import DigdagError

from ..support import Debugged, debugged, write

FLOW = """
_export: {x: 1, db: {host: local, port: 5432}}
+a: {echo>: "a ${x} ${db.port}", own: 1}
+b: {echo>: "b ${x}"}
+g:
  +c: {echo>: "c ${x}"}
"""


def edits(run: Debugged) -> list[tuple[str, object, bool, bool]]:
    return [(edit.name, edit.event.value, edit.had_effect, edit.undone) for edit in run.session.edits.made]


def set_param(run: Debugged, task: str, name: str, value: object, scope: str = "onward") -> None:
    path = tuple(name.split("."))
    run.session.set_param(run.task(task).id, path, value, scope).result(5)  # type: ignore[arg-type]


@pytest.mark.parametrize("scope", ["task", "onward"])
def test_undo_takes_the_last_edit_back(tmp_path: Path, scope: str) -> None:
    with debugged(tmp_path, FLOW) as run:
        set_param(run, "+main+a", "db", {"port": 1}, scope)
        set_param(run, "+main+a", "db", {"port": 2, "more": 3}, scope)
        set_param(run, "+main+a", "x", 7, scope)
        run.session.undo().result(5)
        run.session.undo().result(5)
        task = run.task("+main+a")
        assert (task.edits or task.stored_edits) == {"db": {"port": 1}}, "what merged into it is gone too"
        run.do("step_over")
        assert run.output("+main+a") == "a 1 1\n"


def test_undo_of_an_edit_for_the_session(tmp_path: Path) -> None:
    with debugged(tmp_path, '+a: {echo>: "${x}"}\n') as run:
        set_param(run, "+main+a", "x", 1, "session")
        set_param(run, "+main+a", "x", 2, "session")
        run.session.undo().result(5)
        run.do("step_over")
        assert run.output("+main+a") == "1\n"
        assert edits(run) == [("x", 1, True, False), ("x", 2, False, True)]


def test_an_edit_that_had_an_effect_is_not_taken_back_and_rewinding_without_it_is_possible(tmp_path: Path) -> None:
    with debugged(tmp_path, FLOW) as run:
        with pytest.raises(NotPossible, match="no param was edited"):
            run.session.undo().result(5)
        set_param(run, "+main+a", "x", 7)
        run.do("step_over")
        set_param(run, "+main+b", "x", 8)
        run.session.undo().result(5)
        assert edits(run) == [("x", 7, True, False), ("x", 8, False, True)]
        with pytest.raises(NotPossible, match=r"\+main\+a has begun with x: rewind \(w\) to it"):
            run.session.undo().result(5)
        last = run.session.edits.last()
        assert last
        assert run.do("rewind", run.task("+main+a").id, last) == "goto +main+a"
        assert edits(run) == []
        run.do("step_over")
        assert run.output("+main+a") == "a 1 5432\n"


def test_an_edit_at_a_failure_has_its_effect_with_the_next_call(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {fail>: '${x}'}\n+b: {echo>: '${x}'}\n") as run:
        run.do("resume")
        set_param(run, "+main+a", "x", "again", "task")
        run.session.undo().result(5)
        set_param(run, "+main+a", "x", "again", "task")
        run.do("retry")
        with pytest.raises(NotPossible, match="has begun with x"):
            run.session.undo().result(5)


def test_an_edit_is_made_again(tmp_path: Path) -> None:
    with debugged(tmp_path, FLOW) as run:
        set_param(run, "+main+a", "x", 7)
        (made,) = run.session.edits.made
        run.session.undo(made).result(5)
        run.session.undo(made).result(5)
        run.do("step_over")
        assert run.output("+main+a") == "a 7 5432\n"
        run.session.set_param(run.task("+main+b").id, ("x",), 8, "task").result(5)
        second = run.session.edits.made[1]
        run.session.undo(second).result(5)
        run.do("step_over")
        with pytest.raises(NotPossible, match=r"\+main\+b has run already"):
            run.session.undo(second).result(5)


def test_rewinding_keeps_all_edits_also_those_of_later_tasks(tmp_path: Path) -> None:
    with debugged(tmp_path, FLOW) as run:
        set_param(run, "+main+a", "x", 7)
        run.do("step_over")
        set_param(run, "+main+b", "x", 8, "task")
        set_param(run, "+main+g+c", "x", 9, "task")
        assert run.do("rewind", run.task("+main+a").id) == "goto +main+a"
        assert edits(run) == [("x", 7, False, False)]
        waiting = run.session.waiting_edits()
        assert [(edit.task, edit.event.value, edit.number) for edit in waiting] == [
            ("+main+b", 8, None), ("+main+g+c", 9, None),
        ]  # fmt: skip
        assert run.do("rewind", run.task("+main+a").id) == "goto +main+a", "also twice"
        run.session.undo(run.session.waiting_edits()[0]).result(5)
        run.do("resume")
        assert [run.output(f"+main{name}").split()[1] for name in ("+a", "+b", "+g+c")] == ["7", "7", "9"]


def test_an_edit_survives_a_reload(tmp_path: Path) -> None:
    with debugged(tmp_path, FLOW) as run:
        set_param(run, "+main+a", "x", 7)
        opened = sum(isinstance(event, AttemptOpened) for event in run.events)
        write(tmp_path, {"main.dig": FLOW.replace("a ${x}", "A ${x}")})
        run.session.reload([tmp_path / "main.dig"]).result(5)
        while sum(isinstance(event, AttemptOpened) for event in run.events) == opened:
            run.session.wait("stopped", "loading", "running")
        assert run.where() == "goto +main+a"
        run.do("step_over")
        assert run.output("+main+a") == "A 7 5432\n"


def test_an_undo_is_an_event_so_that_the_journal_has_the_same_state(tmp_path: Path) -> None:
    with debugged(tmp_path, FLOW) as run:
        set_param(run, "+main+a", "x", 7)
        set_param(run, "+main+a", "db.port", 1)
        run.session.undo().result(5)
        folder = run.session.journal_folder
        assert folder
        attempt, folded = Attempt(), Edits()
        for event in read_journal(folder / "0001.jsonl"):
            attempt.apply(event)
            folded.apply(event)
        assert attempt.tasks[2].stored_edits == {"x": 7}
        assert [edit.name for edit in folded.in_force] == ["x"]


def test_an_edit_knows_what_was_there_before(tmp_path: Path) -> None:
    with debugged(tmp_path, FLOW) as run:
        set_param(run, "+main+a", "db.port", 1)
        set_param(run, "+main+a", "own", 2, "task")
        set_param(run, "+main+a", "new", 3)
        olds = [edit.event.old for edit in run.session.edits.made]
        assert olds == [5432, 1, msgspec.UNSET]


def test_several_edits_are_made_all_or_none(tmp_path: Path) -> None:
    with debugged(tmp_path, FLOW) as run:
        with pytest.raises(NotPossible, match="_retry"):
            run.session.set_params(2, [(("x",), 2, "task"), (("_retry",), "often", "task")]).result(5)
        assert edits(run) == []
        run.session.set_params(2, [(("x",), 2, "task"), (("_retry",), 1, "task")]).result(5)
        assert [name for name, *_ in edits(run)] == ["x", "_retry"]


@pytest.mark.parametrize(
    ("task", "name", "value", "scope", "problem"),
    [
        ("+main+a", "x", [1], "onward", None),
        ("+main+a", "_retry", 3, "task", None),
        ("+main+a", "_retry", {"limit": 3, "interval": 5}, "task", None),
        ("+main+a", "_retry.limit", "many", "task", "limit"),
        ("+main+a", "_retry", True, "task", "Invalid _retry format:true: it is a number"),
        ("+main+a", "_retry", "${x}", "task", None),
        ("+main+a", "_export", 3, "onward", "_export is an object, such as {key: value}, not a number"),
        ("+main+a", "_export", {"x": 3}, "onward", "_export was read already: set the params in it, from here on"),
        ("+main+a", "timezone", "Mars/Base", "task", "Unknown time zone name: Mars/Base: "),
        ("+main+a", "timezone", 9, "task", "Unknown time zone name"),
        ("+main+a", "timezone", "Asia/Tokyo", "task", None),
        ("+main+a", "timezone", "Asia/Tokyo", "onward", "timezone is set by Digdag for every task"),
        ("+main+a", "_env", [1], "task", "_env"),
        ("+main+a", "_env", {"A": {}}, "task", "A"),
        ("+main+a", "_env.A", "text", "task", None),
        ("+main+a", "_do", "text", "task", "_do is an object, such as {key: value}, not a string"),
        ("+main+a", "_parallel", True, "task", "_parallel was read when the workflow was loaded"),
        ("+main+a", "_error", {}, "task", "_error was read when the workflow was loaded"),
        ("+main+a", "echo>", "hi", "onward", "echo> names what a task does: edit it for one task only"),
        ("+main+g", "x", 1, "task", "+main+g is a group, which has no params for itself alone: set it from here on"),
        ("+main+g", "x", 1, "onward", None),
    ],
)
def test_what_cannot_be_set_is_said(
    run_of_flow: Debugged, task: str, name: str, value: object, scope: str, problem: str | None
) -> None:
    path = tuple(name.split("."))
    found = problem_of_edit(run_of_flow.task(task), path, value, scope, {"timezone"})  # type: ignore[arg-type]
    assert found is None if problem is None else found and problem in found


@pytest.fixture(scope="module")
def run_of_flow(tmp_path_factory: pytest.TempPathFactory) -> object:
    with debugged(tmp_path_factory.mktemp("flow"), FLOW) as run:
        yield run


SECRET_FLOW = """
_export: {token: "hunter2222 and more", n: 1, list: [1, 2], db: {host: local, port: 1}, t: "${n}"}
+a: {echo>: "${n}", own: {deep: hunter2222}}
"""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> object:
    with debugged(tmp_path_factory.mktemp("document"), SECRET_FLOW) as run:
        yield Document(run.session.attempt, run.task("+main+a"), lambda text: text.replace("hunter2222", "***"))


def test_all_params_as_one_text(document: Document) -> None:
    assert document.text.startswith('# its own keys, edited for this task alone\n"echo>": "${n}"\nown:\n  deep: ')
    assert "hunter" not in document.text and "*** and more" in document.text
    assert 't: "${n}"' in document.text, "templates stay templates"
    assert document.is_own(("own", "deep")) and not document.is_own(("n",))


def test_only_what_differs_is_a_change(document: Document) -> None:
    assert document.changes(document.text) == []
    text = document.text.replace("n: 1\n", "n: 2\n").replace("port: 1", "port: 2").replace("[1, 2]", "[1, 3]")
    changes = document.changes(text + "new: {a: 1}\n")
    assert [(change.path, change.value) for change in changes] == [
        (("n",), 2), (("list",), [1, 3]), (("db", "port"), 2), (("new",), {"a": 1}),
    ]  # fmt: skip
    line = text.split("\n").index("  port: 2") + 1
    place = changes[2].position
    assert place and (place.line, place.column) == (line, 3)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("n: 1\n", "", "n is missing: an edit can change a param, not remove it"),
        ("  port: 1\n", "", "db.port is missing"),
        ("*** and more", "*** and less", "token has *** in it, which stands for a secret"),
        ("n: 1\n", "n: [1\n", ""),
    ],
)
def test_a_text_that_cannot_be_taken_says_why(document: Document, old: str, new: str, problem: str) -> None:
    assert old in document.text
    with pytest.raises(DigdagError) as caught:
        document.changes(document.text.replace(old, new))
    assert problem in str(caught.value)


def test_a_group_shows_no_own_keys(run_of_flow: Debugged) -> None:
    document = Document(run_of_flow.session.attempt, run_of_flow.task("+main+g"), str)
    assert "own keys" not in document.text and "host: local" in document.text


def test_saved_edits_come_back_with_a_params_file(tmp_path: Path) -> None:
    """Those that an `_export` sets do not, and that is said beforehand."""
    dig = '_export: {x: 1}\n+a: {echo>: "${x} ${y} ${db.port}"}\n'
    first, second = tmp_path / "first", tmp_path / "second"
    with debugged(first, dig) as run:
        for name, value in {"x": 9, "y": 0.05, "db.port": "0123"}.items():
            set_param(run, "+main+a", name, value)
        seen = inspect(run.session.attempt, run.task("+main+a"), Evaluator())
        beaten = {edit.name: loses_to(seen, edit.event.path) for edit in run.session.edits.in_force}
        assert beaten == {"x": "_export +main  main.dig:1", "y": None, "db.port": None}
        save_params(tmp_path / "params.yml", as_params(run.session.edits.in_force))
        run.do("resume")
        assert run.output("+main+a") == "9 0.05 0123\n"
    (layer,) = override_layers(Config(), tmp_path / "params.yml", [])
    overrides = (Override(layer.source.value, dict(layer.values)),)
    write(second, {"main.dig": dig})
    again = Debugged(second)
    again.session.launch = Launch(second, "main", session="2026-01-31", overrides=overrides)
    again.session.start()
    try:
        assert again.session.wait("ended") == "ended"
        assert again.output("+main+a") == "1 0.05 0123\n"
    finally:
        again.session.quit()


def test_a_params_file_that_exists_keeps_what_else_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "params.yml"
    file.write_text("# mine\nkeep: 1\ndb:\n  host: local\nx: old\n")
    save_params(file, {"x": 9, "db": {"port": 2}})
    assert file.read_text() == "# mine\nkeep: 1\ndb:\n  host: local\n  port: 2\nx: 9\n"
    save_params(file, {"x": 10}, replace=True)
    assert file.read_text() == "x: 10\n"
    file.write_text("- no mapping\n")
    with pytest.raises(DigdagError, match="Expected object"):
        save_params(file, {"x": 9})
    assert file.read_text() == "- no mapping\n"
    with pytest.raises(DigdagError, match=r"params.yml cannot be written"):
        save_params(file / "params.yml", {"x": 9})


def test_the_last_edit_without_effect_is_undone_before_one_that_had_it() -> None:
    folded = Edits()
    event = ParamEdited(1, ("x",), 1, "task", 1)
    folded.made = [MadeEdit(event, "+a", 0), MadeEdit(event, "+b", 1, had_effect=True)]
    last = folded.last()
    assert last and last.number == 0


def test_a_new_attempt_begins_without_edits() -> None:
    folded = Edits()
    folded.made = [MadeEdit(ParamEdited(1, ("x",), 1, "task", 1), "+a", 0)]
    started: SessionEvent = AttemptStarted(1, "main", "u", "2026-01-31T00:00:00+00:00", "UTC", 10)
    folded.apply(started)
    assert folded.made == []


def test_an_edit_of_a_task_that_is_not_ready_does_not_fix_what_it_sees(tmp_path: Path) -> None:
    dig = "_export: {x: 1, y: 1}\n+a: {echo>: a}\n+g:\n  +h:\n    +c: {echo>: 'c ${x} ${y}'}\n"
    with debugged(tmp_path, dig) as run:
        set_param(run, "+main+g+h+c", "own", 1, "task")
        set_param(run, "+main+g", "y", 2)
        run.do("skip", {"x": 5})
        run.do("resume")
        assert run.output("+main+g+h+c") == "c 5 2\n"


def test_after_a_rewind_an_edit_for_the_session_holds_for_earlier_tasks_too(tmp_path: Path) -> None:
    with debugged(tmp_path, "_export: {x: 1}\n+a: {echo>: 'a ${y}'}\n+b: {echo>: b}\n+c: {echo>: 'c ${y}'}\n") as run:
        set_param(run, "+main+a", "y", 2, "session")
        run.do("run_to", "+main+c")
        set_param(run, "+main+c", "y", 3, "session")
        assert run.do("rewind", run.task("+main+a").id) == "goto +main+a"
        assert edits(run) == [("y", 2, False, False), ("y", 3, False, False)]
        run.do("run_to", "+main+c")
        assert run.output("+main+a") == "a 3\n"
        assert edits(run) == [("y", 2, True, False), ("y", 3, True, False)]
        run.do("rewind", run.task("+main+c").id)
        assert edits(run) == [("y", 2, True, False), ("y", 3, True, False)], "+a is kept, and saw them"


def test_an_edit_of_a_task_that_a_retry_made_again_stays_with_it(tmp_path: Path) -> None:
    dig = "_export: {x: 1}\n+g:\n  _retry: 1\n  +a: {fail>: 'no ${x}'}\n"
    with debugged(tmp_path, dig) as run:
        run.do("resume")
        run.do("resume")
        again = run.session.stopped
        assert again and again.error and again.error["message"] == "no 1"
        run.session.set_param(again.task, ("x",), 2, "onward").result(5)
        run.do("rewind", again.task)
        assert run.do("resume") == "exception +main+g+a"
        assert run.session.stopped and run.session.stopped.error
        assert (run.session.stopped.task, run.session.stopped.error["message"]) == (again.task, "no 2")


def test_an_edit_of_an_attempt_before_is_not_mistaken_for_one_of_this(tmp_path: Path) -> None:
    with debugged(tmp_path, FLOW) as run:
        set_param(run, "+main+a", "x", 7)
        (made,) = run.session.edits.made
        run.do("restart")
        with pytest.raises(NotPossible, match="x was edited in an attempt before this one"):
            run.session.undo(made).result(5)
        set_param(run, "+main+a", "x", 8)
        with pytest.raises(NotPossible, match="x was edited in an attempt before this one"):
            run.session.undo(made).result(5)
