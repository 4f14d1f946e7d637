"""Pins: what tasks come to without being run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.debugger.environment import LocalEnvironment
from digdag_tui.debugger.gate import Opening
from digdag_tui.debugger.launch import Launch
from digdag_tui.debugger.session import NotPossible, Session
from digdag_tui.engine.events import TaskOutput
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.params.secrets import LocalSecrets
from digdag_tui.workflow.errors import DigdagError, ProjectError
from digdag_tui.workflow.pins import PINS_FILE, Pin, Pins, load_pins, parse_pin, pin_body
from digdag_tui.workflow.pins_text import block_text, with_entry
from digdag_tui.workflow.yaml import load_text

from ..program import digdag_tui
from ..support import Debugged, write

FLOW = """
_export: {td: {database: d}}
+wait: {td_wait>: q.sql}
+load: {td>: q.sql}
+report: {echo>: "job ${td.last_job.id}"}
"""
SQL = {"q.sql": "select 1"}


def read(directory: Path, text: str) -> Pins:
    (directory / PINS_FILE).write_text(text, encoding="utf-8")
    pins = Pins(directory / PINS_FILE)
    pins.read()
    return pins


def problems(directory: Path, text: str) -> list[str]:
    (directory / PINS_FILE).write_text(text, encoding="utf-8")
    return [str(problem) for problem in load_pins(directory / PINS_FILE)[1]]


# The file


def test_a_pin_has_these_parts(tmp_path: Path) -> None:
    pins = read(
        tmp_path,
        "+a+b:\n  store: {rows: 10}\n  export: {x: y}\n  reset: [td.last_results, a]\n"
        "  subtasks: {+s: {echo>: hi}}\n  rows: [{id: 1}]\n+a+c:\n+a+d: {reset: [], rows: []}\n",
    )
    pin = pins.find("+a+b")
    assert pin and str(pin.position) == f"{PINS_FILE}:1:1"
    assert pin_body(pin) == {
        "store": {"rows": 10},
        "export": {"x": "y"},
        "reset": ["td.last_results", "a"],
        "subtasks": {"+s": {"echo>": "hi"}},
        "rows": [{"id": 1}],
    }
    assert pin_body(pins.find("+a+c") or Pin(rows=())) == {}
    assert pin_body(pins.find("+a+d") or Pin()) == {"reset": [], "rows": []}
    assert pins.find("+a") is None and pins.find("+a+b+c") is None


def test_values_are_constants_as_digdag_reads_them(tmp_path: Path) -> None:
    pin = read(tmp_path, "+a: {store: {t: '${x} $$', text: 0.5, number: .5, eight: 010, yes: yes}}").find("+a")
    assert pin and pin.store == {"t": "${x} $$", "text": "0.5", "number": 0.5, "eight": 8, "yes": "yes"}


def test_patterns(tmp_path: Path) -> None:
    pins = read(
        tmp_path,
        "'*+load': {store: {n: 1}}\n+main+*: {store: {n: 2}}\n+main+a+load: {store: {n: 3}}\n'*[x]': {store: {n: 4}}\n",
    )

    def found(name: str) -> Any:
        pin = pins.find(name)
        return pin.store["n"] if pin else None

    assert found("+main+a+load") == 3, "a whole name beats every pattern"
    assert found("+main+b+load") == 1, "the first pattern counts"
    assert found("+main+b^sub+c") == 2, "a star goes over levels"
    assert found("+other+[x]") == 4 and found("+other+x") is None, "brackets are no classes"
    assert found("+main") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# nothing\n\n", []),
        ("+a: {stor: {}}", [f"{PINS_FILE}:1:6: error: stor is no part of a pin (did you mean store?)"]),
        (
            "+a: {zzzzzzzzz: {}}",
            [f"{PINS_FILE}:1:6: error: zzzzzzzzz is no part of a pin (a pin has store, export, reset, subtasks, rows)"],
        ),
        ("+a: 5", [f"{PINS_FILE}:1:1: error: Parameter '+a' must be an object"]),
        ("+a: {store: 5}", [f"{PINS_FILE}:1:6: error: store of a pin is an object, such as {{rows: 10}}"]),
        ("+a: {rows: {a: 1}}", [f"{PINS_FILE}:1:6: error: rows of a pin is a list of objects, one for each row"]),
        ("+a: {reset: a}", [f"{PINS_FILE}:1:6: error: reset of a pin is a list of keys such as td.last_results"]),
        ("+a: {reset: [a-b]}", [f"{PINS_FILE}:1:6: error: reset of a pin is a list of keys such as td.last_results"]),
        (
            "main+a: {}",
            [
                f"{PINS_FILE}:1:1: error: main+a is no name of a task "
                "(a pin has a task's full name, such as +main+load, or a pattern of it, such as '*+load')"
            ],
        ),
        ("+a: {}\n+a: {}", [f"{PINS_FILE}:2:1: error: Duplicated keys: [+a] (remove one of them)"]),
        ("- a", None),
        ("+a: [", None),
    ],
)
def test_what_is_wrong_with_a_file(tmp_path: Path, text: str, expected: list[str] | None) -> None:
    found = problems(tmp_path, text)
    assert found == expected if expected is not None else found[0].startswith(f"{PINS_FILE}:")


def test_every_mistake_is_told_and_old_pins_stay(tmp_path: Path) -> None:
    pins = read(tmp_path, "+a: {store: {n: 1}}")
    (tmp_path / PINS_FILE).write_text("+a: 1\n+b: 2\n")
    with pytest.raises(ProjectError) as caught:
        pins.read()
    assert len(caught.value.problems) == 2
    assert pins.find("+a") == Pin({"n": 1}, position=(pins.find("+a") or Pin()).position)


def test_a_file_that_is_not_there_is_no_mistake(tmp_path: Path) -> None:
    pins = Pins(tmp_path / PINS_FILE)
    pins.read()
    assert not pins


# Keeping a pin


def test_the_first_pin_makes_the_file(tmp_path: Path) -> None:
    pins = Pins(tmp_path / PINS_FILE)
    pins.keep("+main+load", Pin({"td": {"last_job_id": "7"}}, rows=({"id": 1, "x": [1, {}]},)), save=True)
    assert (tmp_path / PINS_FILE).read_text() == (
        "# What tasks come to without being run, by their full names; * stands for any text.\n"
        '+main+load:\n  store:\n    td:\n      last_job_id: "7"\n  rows:\n  - {id: 1, x: [1, {}]}\n'
    )
    pin = pins.find("+main+load")
    assert pin and str(pin.position) == f"{PINS_FILE}:2:1"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# mine\n+b: {}  # b\n", "# mine\n+b: {}  # b\n+a:\n  store:\n    n: 1\n"),
        ("+b: {}", "+b: {}\n+a:\n  store:\n    n: 1\n"),
        (
            "# first\n+a:\n  store: {n: 5}\n  # in it\n\n# of b\n+b: {}\n# last\n",
            "# first\n+a:\n  store:\n    n: 1\n  # in it\n\n# of b\n+b: {}\n# last\n",
        ),
        ("+b: {}\n'+a': {store: {n: 5}}\n", "+b: {}\n+a:\n  store:\n    n: 1\n"),
        ("+x:\n  store: {t: |\n  }\n", None),
        ("{+b: {}}\n", None),
    ],
)
def test_all_else_in_the_file_stays_as_it_is(before: str, after: str | None) -> None:
    if after is None:
        with pytest.raises(DigdagError):
            with_entry(before, PINS_FILE, "+a", {"store": {"n": 1}})
    else:
        assert with_entry(before, PINS_FILE, "+a", {"store": {"n": 1}}) == after


def test_a_file_that_cannot_be_changed_by_lines_says_what_to_add() -> None:
    with pytest.raises(DigdagError) as caught:
        with_entry("{+b: {}}\n", PINS_FILE, "+a", {"store": {"n": 1}})
    assert caught.value.hint and caught.value.hint.endswith("add it by hand: +a: {store: {n: 1}}")


def test_a_pin_that_is_not_saved_is_in_no_file(tmp_path: Path) -> None:
    pins = read(tmp_path, "+a: {store: {n: 1}}")
    before = pins.copy()
    pins.keep("+a", Pin({"n": 2}), save=False)
    assert (tmp_path / PINS_FILE).read_text() == "+a: {store: {n: 1}}"
    assert (pins.find("+a") or Pin()).store == {"n": 2} and not pins.same("+a", before)
    assert pins.same("+b", before)


texts = st.text(st.characters(codec="utf-8"))
numbers = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


@given(st.dictionaries(texts, values, max_size=4))
def test_what_is_written_is_read_as_the_same(body: dict[str, Any]) -> None:
    pins = {"+a": {"store": body}}
    assert json.dumps(load_text(block_text(pins), "f")) == json.dumps(pins)


def test_a_pin_as_a_person_types_it() -> None:
    assert parse_pin("") == Pin() == parse_pin("# nothing")
    assert parse_pin("store:\n  a: .5\nrows: [{b: 1}]") == Pin({"a": 0.5}, rows=({"b": 1},))
    with pytest.raises(DigdagError):
        parse_pin("5")
    with pytest.raises(DigdagError):
        parse_pin("sore: {}")


# Runs


def test_a_run_fails_without_pins_and_says_how_to_pin(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": FLOW, **SQL})
    done = digdag_tui("run", "main.dig", "--no-save", cwd=tmp_path)
    assert done.returncode == 1
    assert "td_wait> needs Treasure Data, which is not called from here: nothing was sent" in done.stderr
    line = next(line for line in done.stderr.splitlines() if PINS_FILE in line).rpartition(f"{PINS_FILE}: ")[2]
    (tmp_path / PINS_FILE).write_text(line + "\n+main+load: {store: {td: {last_job: {id: 42}}}}\n")
    done = digdag_tui("run", "main.dig", "--no-save", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\njob 42\n" in done.stdout
    pinned = [line for line in done.stdout.splitlines() if "Pinned:" in line]
    assert len(pinned) == 2 and all("[WARN]" in line and f"{PINS_FILE}:" in line for line in pinned)


@pytest.mark.parametrize(
    ("words", "pins", "code", "said"),
    [
        (["--remote-operators", "pin"], "'*': {store: {td: {last_job: {id: 1}}}}", 0, "Pinned: td>"),
        (["--remote-operators", "pin"], "", 1, "nothing was sent"),
        (["--remote-operators", "skip", "-p", "td.last_job.id=0"], "", 0, "Skipped: td>"),
        (["--remote-operators", "fail"], "'*': {}", 1, "The 'td.apikey' secret is missing"),
        (["-X", "digdag-tui.remote-operators=skip", "-p", "td.last_job.id=0"], "", 0, "Skipped: td>"),
        (["--remote-operators", "never"], "", 1, "'never' is not one of"),
        ([], "+main+wait: {stor: {}}", 1, f"{PINS_FILE}:1:14: error: stor is no part of a pin (did you mean store?)"),
    ],
)
def test_policies(tmp_path: Path, words: list[str], pins: str, code: int, said: str) -> None:
    write(tmp_path, {"main.dig": FLOW, **SQL, PINS_FILE: pins})
    done = digdag_tui("run", "main.dig", "--no-save", *words, cwd=tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout + done.stderr


def test_any_task_may_be_pinned_even_one_of_an_unknown_operator(tmp_path: Path) -> None:
    flow = """
    +a: {sh>: "touch ran; exit 3", _retry: 2}
    +b: {snowflake>: q.sql}
    +c: {http>: "http://localhost:1/", _check: {+checked: {echo>: "status ${http.last_status}"}}}
    +d: {py>: nowhere.run}
    """
    pins = """
    +main+a:
    +main+b: {store: {snowflake: {rows: 5}}}
    +main+c: {store: {http: {last_status: 204}}}
    '*+d': {subtasks: {+made: {echo>: "${snowflake.rows} rows"}}, export: {x: y}}
    """
    write(tmp_path, {"main.dig": flow, PINS_FILE: pins})
    done = digdag_tui("run", "main.dig", "--no-save", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert not (tmp_path / "ran").exists()
    assert result["printed"] == {"+main+c^check+checked": ["status 204"], "+main+d^sub+made": ["5 rows"]}
    tasks = {task["fullName"]: task for task in result["tasks"]}
    assert tasks["+main+d"]["exportParams"] == {"x": "y"} and tasks["+main+a"]["state"] == "success"


def test_rows_of_a_local_operator_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {sh>: exit 3}", PINS_FILE: "+main+a: {rows: [{a: 1}]}"})
    done = digdag_tui("run", "main.dig", "--no-save", cwd=tmp_path)
    assert done.returncode == 1 and "sh> has no rows (config)" in done.stderr


# In the debugger


class Pinning(Debugged):
    """A session stopped before its first task, with the project's pins."""

    def __init__(self, project: Path, **options: Any) -> None:
        super().__init__(project)
        self.pins = Pins(project / PINS_FILE)
        environment = LocalEnvironment(project, Evaluator(), LocalSecrets({}, project / "no-home"), {}, self.pins)
        what = Launch(project, "main", session="2026-01-31")
        self.session = Session(what, environment, self.events.append, **options)


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_task_without_output_asks_for_it(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": FLOW, **SQL})
    run = Pinning(tmp_path)
    run.session.start(Opening(entry=True))
    try:
        assert run.where() == "entry +main+wait"
        run.session.breaks.on_failure = False
        assert run.do("resume") == "exception +main+wait", "it asks though failures do not stop"
        stopped = run.session.stopped
        assert stopped and stopped.asks and stopped.hint and PINS_FILE in stopped.hint
        assert run.task("+main+wait").artifacts == {"q.sql": "select 1"}
        pin = Pin({"td": {"last_job": {"id": 5}}})
        assert run.do("pin", stopped.task, Pin()) == "step +main+load"
        assert not (tmp_path / PINS_FILE).exists()
        assert run.do("step_over") == "exception +main+load"
        assert (
            run.do(
                "pin",
                run.task("+main+load").id,
                pin,
            )
            == "step +main+report"
        )
        run.session.pin(run.task("+main+load").id, pin, save=True).result(timeout=10)
        assert parse_pin((tmp_path / PINS_FILE).read_text().partition("+main+load:\n")[2]) == pin
        assert run.do("resume") == "ended" and run.output("+main+report") == "job 5\n"
        assert run.do("rewind", run.task("+main+report").id) == "goto +main+report"
        assert run.task("+main+load").artifacts == {"q.sql": "select 1"}, "what was made is kept"
        with pytest.raises(NotPossible, match="pin a group"):
            run.do("pin", run.session.attempt.root.id, pin)
    finally:
        run.session.quit()


def test_a_changed_pin_touches_its_tasks(tmp_path: Path) -> None:
    pins = "+main+wait:\n+main+load: {store: {td: {last_job: {id: 1}}}}\n"
    write(tmp_path, {"main.dig": FLOW, **SQL, PINS_FILE: pins})
    run = Pinning(tmp_path)
    run.session.start(Opening())
    try:
        assert run.where() == "ended" and run.output("+main+report") == "job 1\n"
        write(tmp_path, {PINS_FILE: pins.replace("id: 1", "id: 2")})
        run.session.reload([tmp_path / PINS_FILE]).result(timeout=10)
        eventually(lambda: any(isinstance(event, TaskOutput) and event.text == "job 2\n" for event in list(run.events)))
        assert run.session.wait("ended") == "ended"
        assert run.task("+main+wait").state == "success"
        write(tmp_path, {PINS_FILE: "+main+wait: 5\n"})
        run.session.reload([tmp_path / PINS_FILE]).result(timeout=10)
        assert any("must be an object" in str(event) for event in run.events)
    finally:
        run.session.quit()


def test_a_task_is_pinned_before_it_runs(tmp_path: Path) -> None:
    write(tmp_path, {"main.dig": "+a: {sh>: touch ran}\n+b: {echo>: '${n}'}"})
    run = Pinning(tmp_path)
    run.session.start(Opening(entry=True))
    try:
        assert run.where() == "entry +main+a"
        assert run.do("pin", run.task("+main+a").id, Pin({"n": 3})) == "step +main+b"
        assert run.do("resume") == "ended" and run.output("+main+b") == "3\n"
        assert not (tmp_path / "ran").exists()
    finally:
        run.session.quit()
