"""Breakpoints of every kind, in real runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from digdag_tui.debugger.breakpoints import LOGPOINT, Breakpoints
from digdag_tui.debugger.events import Notice, Stopped
from digdag_tui.debugger.session import NotPossible
from digdag_tui.engine.events import TaskLogged
from digdag_tui.workflow.errors import DigdagError
from tests.support import Debugged, debugged

from .test_session import reload

LOOP = """
_export: {limit: 2, late: "${1 > 2}"}
+start: {echo>: start}
+load:
  for_each>: {region: [east, west, north]}
  _do:
    +fetch:
      echo>: "fetch ${region}"
    +clean:
      echo>: "clean ${region}"
+report: {echo>: report}
"""


def stops(run: Debugged, command: str = "resume", most: int = 20) -> list[str]:
    """All stops up to the end."""
    found: list[str] = []
    while len(found) < most and (place := run.do(command)) != "ended":
        found.append(place)
    return found


def said(run: Debugged) -> list[str]:
    """What the stops said."""
    return [event.description for event in run.events if isinstance(event, Stopped) and event.description]


def names(found: list[str]) -> list[str]:
    """The last names of the tasks stopped at."""
    return [place[place.rindex("+") :] for place in found]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("+main+report", ["+report"]),
        ("+report", ["+report"]),
        ("+port", []),
        ("+fetch", ["+fetch"] * 3),
        ("+for-0=region=1=west+fetch", ["+fetch"]),
        ("+load^sub*+c*", ["+clean"] * 3),
        ("for_each>", ["+load"]),
        ("e*>", ["+start", *["+fetch", "+clean"] * 3, "+report"]),
    ],
)
def test_names_patterns_and_operators(tmp_path: Path, target: str, expected: list[str]) -> None:
    with debugged(tmp_path, LOOP) as run:
        run.session.breakpoints.add("task", target)
        found = stops(run)
        assert names(found) == (expected[1:] if expected[:1] == ["+start"] else expected)
        assert all(place.startswith("breakpoint ") for place in found)


def test_a_pattern_matches_what_is_generated_too(tmp_path: Path) -> None:
    with debugged(tmp_path, "+l:\n  loop>: 2\n  _do: {echo>: hi}\n") as run:
        run.session.breakpoints.add("task", "+l*")
        assert [place.removeprefix("breakpoint +main") for place in stops(run)] == [
            "+l^sub",
            "+l^sub+loop-0",
            "+l^sub+loop-1",
        ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [(2, ["+start"]), (3, ["+load"]), (4, ["+load"]), (6, ["+fetch"] * 3), (7, ["+fetch"] * 3), (10, ["+report"])],
)
def test_a_line_stops_at_the_task_that_covers_it(tmp_path: Path, line: int, expected: list[str]) -> None:
    dig = "+first: {echo>: 1}\n" + LOOP.split("\n", 2)[2]
    with debugged(tmp_path, dig) as run:
        assert run.session.breakpoints.toggle_line("main.dig", line)
        assert names(stops(run)) == expected


def test_a_line_in_a_called_an_included_file_and_in_a_nameless_do(tmp_path: Path) -> None:
    files = {
        "child.dig": "+in:\n  echo>: in\n+more: {echo>: more}\n",
        "sub/deep.dig": "+x: {echo>: x}\n+y:\n  echo>: y\n",
        "part.dig": "+a: {echo>: a}\n+b:\n  echo>: b\n",
    }
    dig = """
    +c: {call>: child}
    +s: {call>: sub/deep}
    +i:
      !include : part.dig
    +l:
      loop>: 2
      _do:
        _export: {x: 1}
        echo>: hi
    """
    with debugged(tmp_path, dig, files=files) as run:
        for place in ("child.dig:2", "sub/deep.dig:3", "part.dig:3", "main.dig:9"):
            run.session.breakpoints.add("line", place)
        assert names(stops(run)) == ["+in", "+y", "+b", "+loop-0", "+loop-1"]


@pytest.mark.parametrize("line", [3, 4])
def test_the_line_of_a_do_belongs_to_the_task_in_it(tmp_path: Path, line: int) -> None:
    with debugged(tmp_path, "+l:\n  loop>: 2\n  _do:\n    echo>: hi\n") as run:
        assert run.session.breakpoints.toggle_line("main.dig", line)
        assert names(stops(run)) == ["+loop-0", "+loop-1"]


def test_a_line_of_no_task_is_refused_with_the_next_that_is_one(tmp_path: Path) -> None:
    with debugged(tmp_path, "timezone: UTC\n_export: {x: 1}\n+a: {echo>: a}\n") as run:
        with pytest.raises(DigdagError) as raised:
            run.session.breakpoints.toggle_line("main.dig", 2)
        assert raised.value.message == "line 2 of main.dig belongs to no task: the next one begins in line 3"


def test_error_and_check_tasks_stop_by_name_line_and_event(tmp_path: Path) -> None:
    dig = """
    _error:
      echo>: bad
    +a:
      echo>: a
      _check:
        echo>: checked
    +b: {fail>: no}
    """
    with debugged(tmp_path, dig, break_on_failure=False) as run:
        breakpoints = run.session.breakpoints
        for event in ("error", "check", "alert"):
            breakpoints.add("event", event)
        assert stops(run) == [
            "breakpoint +main+a^check", "breakpoint +main^failure-alert", "breakpoint +main^error",
        ]  # fmt: skip
        assert said(run)[0] == "^check of +main+a is about to run"
        breakpoints.remove(*(each.id for each in breakpoints.all))
        breakpoints.add("task", "^check")
        breakpoints.add("line", "main.dig:2")
        run.do("restart")
        assert stops(run) == ["breakpoint +main+a^check", "breakpoint +main^error"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("region == 'west'", 1),
        ("${region == 'west'}", 1),
        ("${region}", 3),
        ("region == 'west' || limit == 2", 3),
        ("${limit == 3}", 0),
        ("${region == 'west'} and more", 3),
        ("late", 0),
        ("!late", 0),
        ("late == 'false'", 3),
    ],
)
def test_conditions_are_evaluated_in_the_tasks_scope(tmp_path: Path, condition: str, expected: int) -> None:
    with debugged(tmp_path, LOOP) as run:
        run.session.breakpoints.add("task", "+fetch", condition=condition)
        assert len(stops(run)) == expected


def test_a_condition_sees_the_tasks_own_evaluated_keys(tmp_path: Path) -> None:
    with debugged(tmp_path, "+z: {echo>: z}\n+a: {y: '${1 + 1}', echo>: a}\n") as run:
        run.session.breakpoints.add("task", "+a", condition="y == '2'")
        assert run.do("resume") == "breakpoint +main+a"


def test_a_condition_that_fails_stops_and_says_so(tmp_path: Path) -> None:
    with debugged(tmp_path, LOOP) as run:
        run.session.breakpoints.add("task", "+report", condition="nothing > 1")
        assert run.do("resume") == "breakpoint +main+report"
        assert "its condition nothing > 1 cannot be evaluated" in said(run)[0] and "nothing" in said(run)[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("region ==", "something is missing at the end of region =="),
        ("a } b", "a } too many"),
        ("${region", "a ${ is not closed"),
        ("x => 1", "ECMAScript 5, which has no arrow functions"),
        ("${a} ${b ! c}", "at column 10 of"),
    ],
)
def test_a_condition_that_does_not_parse_is_refused(text: str, words: str) -> None:
    breakpoints = Breakpoints()
    with pytest.raises(DigdagError) as raised:
        breakpoints.add("task", "+a", condition=text)
    assert words in raised.value.message and "\n" not in raised.value.message
    assert not breakpoints.all


@pytest.mark.parametrize(
    ("kind", "target", "words"),
    [
        ("task", "load", "did you mean +load?"),
        ("task", "", "named by"),
        ("line", "main.dig", "file:line"),
        ("line", "main.dig:0", "file:line"),
        ("data", "a..b", "path"),
        ("event", "nothing", "one of retry"),
    ],
)
def test_targets_that_mean_nothing_are_refused(kind: str, target: str, words: str) -> None:
    with pytest.raises(DigdagError, match=words.replace("+", r"\+").replace("?", r"\?")):
        Breakpoints().add(kind, target)  # type: ignore[arg-type]


@pytest.mark.parametrize(("hits", "expected"), [("2", [1]), (">= 2", [1, 2]), ("% 2", [1]), ("<3", [0, 1]), (">9", [])])
def test_hit_conditions(tmp_path: Path, hits: str, expected: list[int]) -> None:
    with debugged(tmp_path, LOOP) as run:
        made = run.session.breakpoints.add("task", "+fetch", hit_condition=hits)
        regions = ["east", "west", "north"]
        found = [next(region for region in regions if region in place) for place in stops(run)]
        assert found == [regions[number] for number in expected]
        assert run.session.breakpoints.hits[made.id] == 3
    with pytest.raises(DigdagError, match="hits are a number"):
        Breakpoints().add("task", "+a", hit_condition="often")


def test_logpoints_print_instead_of_stopping(tmp_path: Path) -> None:
    with debugged(tmp_path, LOOP) as run:
        run.session.breakpoints.add("task", "+clean", log_message="now ${region}, ${limit * 2}")
        run.session.breakpoints.add("task", "+report", log_message="${nothing}")
        assert stops(run) == []
        logged = [event for event in run.events if isinstance(event, TaskLogged) and event.logger == LOGPOINT]
        assert [event.message for event in logged][:3] == ["now east, 4", "now west, 4", "now north, 4"]
        assert "cannot be evaluated" in logged[3].message
        assert {event.level for event in logged} == {"POINT"}


def test_disabled_and_muted_ones_do_nothing(tmp_path: Path) -> None:
    with debugged(tmp_path, LOOP) as run:
        breakpoints = run.session.breakpoints
        made = breakpoints.add("task", "+fetch")
        breakpoints.change(made.id, enabled=False)
        breakpoints.add("task", "+report")
        assert names(stops(run)) == ["+report"]
        breakpoints.mute(True)
        run.do("restart")
        assert stops(run) == []


def test_a_task_stops_once_though_breakpoints_change_while_it_waits(tmp_path: Path) -> None:
    dig = "+p:\n  _parallel: true\n  +a: {echo>: a}\n  +b: {echo>: b}\n+c: {echo>: c}\n"
    with debugged(tmp_path, dig) as run:
        breakpoints = run.session.breakpoints
        first = breakpoints.add("task", "+p+*")
        assert run.do("resume") == "breakpoint +main+p+a"
        other = breakpoints.add("task", "+c")
        assert run.do("resume") == "breakpoint +main+p+b"
        assert run.do("resume") == "breakpoint +main+c"
        assert (breakpoints.hits[first.id], breakpoints.hits[other.id]) == (2, 1)


# Data


def test_a_data_breakpoint_finds_who_changed_a_param(tmp_path: Path) -> None:
    dig = """
    _export: {rate: 1, td: {database: dev}}
    +a: {py>: t.put, key: other, value: 1}
    +b: {py>: t.put, key: rate, value: 0.8x}
    +same: {py>: t.put, key: rate, value: 0.8x}
    +g:
      _export: {rate: 3}
      +in: {echo>: "${rate}"}
    +d: {py>: t.put, key: td, value: {database: live}}
    """
    files = {"t.py": "import digdag\ndef put(key, value):\n    digdag.env.store({key: value})\n"}
    with debugged(tmp_path, dig, files=files) as run:
        run.session.breakpoints.add("data", "rate")
        run.session.breakpoints.add("data", "td.database")
        assert run.do("resume") == "data breakpoint +main+b"
        stopped = run.session.stopped
        assert stopped and stopped.after and run.states()["+main+b"] == "success"
        assert run.states()["+main+same"] == "blocked"
        with pytest.raises(NotPossible, match="has run already: rewind"):
            run.session.skip().result(5)
        with pytest.raises(NotPossible, match="has run already: rewind"):
            run.session.retry().result(5)
        assert run.do("step_over") == "step +main+same"
        assert run.do("resume") == "data breakpoint +main+g"
        assert run.do("resume") == "data breakpoint +main+d"
        assert run.session.state == "stopped", "the last task's change stops too"
        assert run.do("step_over") == "ended"
        assert run.finished() == [True]
        assert said(run) == [
            'rate: 1 → "0.8x", stored by +main+b',
            'rate: "0.8x" → 3, _export of +main+g (main.dig:6)',
            'td.database: "dev" → "live", stored by +main+d',
        ]


def test_the_condition_and_the_message_of_a_data_breakpoint_see_the_new_value(tmp_path: Path) -> None:
    dig = "_export: {rate: 1}\n+a: {py>: t.put, rate: 2}\n+b: {py>: t.put, rate: 3}\n+c: {echo>: c}\n"
    files = {"t.py": "import digdag\ndef put(rate):\n    digdag.env.store({'rate': rate + 10})\n"}
    with debugged(tmp_path, dig, files=files) as run:
        run.session.breakpoints.add("data", "rate", condition="rate == 13")
        run.session.breakpoints.add("data", "rate", log_message="rate is ${rate} now")
        assert stops(run) == ["data breakpoint +main+b"]
        said = [event.message for event in run.events if isinstance(event, TaskLogged) and event.level == "POINT"]
        assert said == ["rate is 12 now", "rate is 13 now"]


def test_a_parallel_branch_that_stores_the_same_key_is_found(tmp_path: Path) -> None:
    dig = """
    +p:
      _parallel: true
      +a: {py>: t.put, value: 1}
      +b:
        +wait: {sh>: "while [ ! -e go ]; do sleep 0.01; done"}
        +put: {py>: t.put, value: 2}
    +end: {echo>: "${rate}"}
    """
    files = {"t.py": "import digdag\ndef put(value):\n    digdag.env.store({'rate': value})\n"}
    with debugged(tmp_path, dig, files=files) as run:
        run.session.breakpoints.add("data", "rate")
        assert run.do("resume") == "data breakpoint +main+p+a"
        (tmp_path / "go").touch()
        assert run.do("resume") == "data breakpoint +main+p+b+put"
        assert run.do("resume") == "ended"
        assert said(run) == [
            "rate: not set → 1, stored by +main+p+a",
            "rate: not set → 2, stored by +main+p+b+put; beside it +main+p+a made it 1",
        ]


def test_what_is_kept_after_a_rewind_does_not_stop_again(tmp_path: Path) -> None:
    dig = "+a: {py>: t.put, value: 1}\n+b: {py>: t.put, value: 2}\n+c: {echo>: c}\n"
    files = {"t.py": "import digdag\ndef put(value):\n    digdag.env.store({'rate': value})\n"}
    with debugged(tmp_path, dig, files=files) as run:
        run.session.breakpoints.add("data", "rate")
        assert stops(run) == ["data breakpoint +main+a", "data breakpoint +main+b"]
        assert run.do("rewind", run.task("+main+b").id) == "goto +main+b"
        assert stops(run) == ["data breakpoint +main+b"]
        assert said(run)[-1] == "rate: 1 → 2, stored by +main+b"


def test_an_edit_of_a_watched_param_is_told(tmp_path: Path) -> None:
    with debugged(tmp_path, "_export: {rate: 1}\n+a: {echo>: a}\n+b: {echo>: b}\n") as run:
        run.session.breakpoints.add("data", "rate")
        run.session.set_param(2, ("rate",), 2, "onward").result(5)
        told = [event.text for event in run.events if isinstance(event, Notice)]
        assert told == ["rate: 1 → 2, edited by you"]
        assert run.do("resume") == "ended"


# Templates and events


def test_a_template_that_fails_stops_before_the_task(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {echo>: a}\n+b: {echo>: '${nothing}'}\n", break_on_failure=False) as run:
        run.session.breakpoints.add("template", "*")
        assert run.do("resume") == "breakpoint +main+b"
        assert "a template fails" in said(run)[0] and "nothing" in said(run)[0]
        run.session.set_param(run.task("+main+b").id, ("nothing",), "it", "task").result(5)
        assert run.do("resume") == "ended"
        assert run.output("+main+b") == "it\n"


def test_a_retry_and_generated_tasks_stop(tmp_path: Path) -> None:
    dig = """
    +l: {loop>: 2, _do: {echo>: hi}}
    +a:
      _retry: 1
      sh>: exit 1
    """
    with debugged(tmp_path, dig, break_on_failure=False) as run:
        run.session.breakpoints.add("event", "generated")
        run.session.breakpoints.add("event", "retry")
        assert run.do("resume") == "breakpoint +main+l"
        assert run.do("step_into") == "step +main+l^sub"
        assert run.do("resume") == "breakpoint +main+a"
        assert run.states()["+main+a"] == "retry_waiting"
        assert run.do("resume") == "ended"
        assert said(run) == ["+main+l generated 2 tasks", "+main+a is tried again: retry 1"]


def test_a_group_that_is_done_again_stops(tmp_path: Path) -> None:
    with debugged(tmp_path, "+g:\n  _retry: 1\n  +a: {fail>: no}\n", break_on_failure=False) as run:
        run.session.breakpoints.add("event", "retry")
        assert run.do("resume") == "breakpoint +main+g"
        assert run.do("resume") == "ended"


# Branches

PARALLEL = """
+p:
  _parallel: true
  +left:
    +l1: {echo>: l1}
    +l2: {echo>: l2}
  +right:
    +r1: {echo>: r1}
    +r2: {echo>: r2}
+end: {echo>: end}
"""


def test_other_branches_run_free_when_they_are_not_held(tmp_path: Path) -> None:
    with debugged(tmp_path, PARALLEL) as run:
        run.session.breaks.hold_branches = False
        run.do("step_into")
        assert run.do("step_into") == "step +main+p+left+l1"
        assert run.do("step_over") == "step +main+p+left+l2"
        assert run.do("step_over") in ("step +main+end", "step +main+p+right+r2", "step +main+p+right+r1")
        assert run.do("resume") == "ended"


def test_a_held_branch_does_not_stop_at_its_breakpoints(tmp_path: Path) -> None:
    with debugged(tmp_path, PARALLEL) as run:
        run.session.breakpoints.add("task", "+r1")
        assert [run.do("step_into") for _ in range(2)][-1] == "step +main+p+left+l1"
        assert run.do("step_over") == "step +main+p+left+l2"
        assert run.do("step_over") == "step +main+p+right"
        assert run.do("step_over") == "breakpoint +main+p+right+r1"


# Keeping


def test_they_survive_the_session(tmp_path: Path) -> None:
    file = tmp_path / ".digdag" / "tui" / "breakpoints.json"
    first = Breakpoints(file)
    first.add("task", "+load*", condition="region == 'west'", hit_condition=">= 2", log_message="x ${y}")
    first.change(first.add("line", "main.dig:3").id, enabled=False)
    second = Breakpoints(file)
    assert second.all == first.all
    assert second.take_problem() is None
    assert json.loads(file.read_text())["version"] == 1


@pytest.mark.parametrize(
    "text", ["{", '{"version": 99, "breakpoints": []}', '{"version": 1, "breakpoints": [{"id": 1}]}', '{"a": "\udcff"}']
)
def test_a_damaged_file_is_said_once_and_kept(tmp_path: Path, text: str) -> None:
    file = tmp_path / "breakpoints.json"
    file.write_bytes(text.encode(errors="surrogateescape"))
    breakpoints = Breakpoints(file)
    assert "cannot be read" in (breakpoints.take_problem() or "")
    assert breakpoints.take_problem() is None
    breakpoints.add("task", "+a")
    assert (tmp_path / "breakpoints.damaged.json").read_bytes() == text.encode(errors="surrogateescape")
    assert Breakpoints(file).all == breakpoints.all


def test_they_survive_a_reload_and_match_what_is_there_then(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {echo>: a}\n+bees: {echo>: b}\n") as run:
        breakpoints = run.session.breakpoints
        made = breakpoints.add("task", "+bee")
        tasks = run.session.attempt.tasks.values()
        assert not breakpoints.matched(tasks) and breakpoints.near(made, tasks) == "did you mean +bees?"
        assert reload(run, {"main.dig": "+a: {echo>: a}\n+bee: {echo>: b}\n"}) == "goto +main+a"
        assert run.do("resume") == "breakpoint +main+bee"


def test_a_line_breakpoint_follows_its_task_when_lines_are_added_above(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {echo>: a}\n+b:\n  echo>: b\n") as run:
        run.session.breakpoints.toggle_line("main.dig", 3)
        assert reload(run, {"main.dig": "# new\n+a: {echo>: a2}\n+b:\n  echo>: b\n"}) == "goto +main+a"
        assert run.session.breakpoints.all[0].target == "main.dig:4"
        assert run.do("resume") == "breakpoint +main+b"


def test_a_reload_at_a_stop_after_a_task_stops_again(tmp_path: Path) -> None:
    dig = "+a: {py>: t.put}\n+b: {echo>: b}\n"
    files = {"t.py": "import digdag\ndef put():\n    digdag.env.store({'rate': 1})\n"}
    with debugged(tmp_path, dig, files=files) as run:
        run.session.breakpoints.add("data", "rate")
        assert run.do("resume") == "data breakpoint +main+a"
        with pytest.raises(NotPossible, match="has run already"):
            run.session.set_param(run.task("+main+a").id, ("x",), 1, "task").result(5)
        assert reload(run, {"main.dig": dig.replace("echo>: b", "echo>: c")}) == "entry +main+b"


def test_toggling_by_name_and_by_line_is_one_thing(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {echo>: a}\n+b: {echo>: b}\n") as run:
        breakpoints = run.session.breakpoints
        assert breakpoints.toggle_task("+main+b")
        assert [*breakpoints.lines("main.dig")] == [2]
        assert not breakpoints.toggle_line("main.dig", 2)
        assert breakpoints.toggle_line("main.dig", 2)
        assert [each.id for each in breakpoints.of(run.task("+main+b"))] == [breakpoints.all[0].id]
        assert not breakpoints.toggle_line("main.dig", 2)
        assert not breakpoints.all


def test_matching_many_tasks_asks_each_name_once(tmp_path: Path) -> None:
    with debugged(tmp_path, "+a: {echo>: a}\n") as run:
        breakpoints = run.session.breakpoints
        assert breakpoints.of(run.task("+main+a")) == ()
        assert breakpoints._matching == {}, "nothing is worked out while there are none"
        breakpoints.add("task", "+a")
        assert breakpoints.of(run.task("+main+a")) is breakpoints.of(run.task("+main+a"))


def test_two_sessions_lose_nothing_of_each_other(tmp_path: Path) -> None:
    file = tmp_path / "breakpoints.json"
    one = Breakpoints(file)
    both = one.add("task", "+both")
    other = Breakpoints(file)
    one.add("task", "+a")
    assert other.add("task", "+b").target == "+b"
    assert [each.target for each in Breakpoints(file).all] == ["+both", "+b", "+a"]
    assert len({each.id for each in other.all}) == 3
    other.remove(both.id)
    one.add("task", "+c")
    assert sorted(each.target for each in one.all) == ["+a", "+b", "+c"], "what was removed stays so"
    assert sorted(each.target for each in Breakpoints(file).all) == ["+a", "+b", "+c"]
