"""Digdag's rules of execution one by one, each by a small workflow; the number is the chapter of core.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from digdag_tui.engine.events import RetryScheduled, TaskLogged, TaskOutput
from digdag_tui.engine.planner import TaskLimitError

from ..support import Debugged, run

TASKS = """
import digdag

def put(**values):
    digdag.env.store(values.get("store", {}))

def store(key, value):
    digdag.env.store({key: value})

def export(key, value):
    digdag.env.export({key: value})

def subtask_later():
    digdag.env.store({"made": "stored"})
    digdag.env.add_subtask(store, key="inner", value="inside")

def store_and_fail(key, value):
    digdag.env.store({key: value})
    raise ValueError("after the store")

def flaky(tries, name="n"):
    with open(name, "a+") as file:
        file.seek(0)
        done = len(file.read())
        file.write("x")
    print("try", done)
    if done < tries:
        raise ValueError("not yet")
"""


def lines(finished: Debugged) -> list[str]:
    """Every printed line, in order."""
    return "".join(event.text for event in finished.events if isinstance(event, TaskOutput)).splitlines()


def log(finished: Debugged, *levels: str) -> list[str]:
    said = [event for event in finished.events if isinstance(event, TaskLogged)]
    return [f"{event.level} {event.message}" for event in said if not levels or event.level in levels]


def rows(finished: Debugged) -> list[str]:
    """`name state` of every row in order of ids, without the root's name."""
    tasks = finished.session.attempt.tasks.values()
    return [f"{task.full_name.removeprefix('+main') or '+main'} {task.state}" for task in tasks]


def message(finished: Debugged, name: str) -> str:
    return str(finished.task(name).error.get("message"))


FLAKY = "py>: t.flaky"

PRINTED: dict[str, tuple[str, list[str]]] = {
    # Operators and their names
    "4.4 _type wins over an operator key of the task, which is a param then": (
        "+a: {_type: echo, _command: typed, sh>: echo no}\n",
        ["typed"],
    ),
    "11.30 an exported operator key takes over the tasks below": (
        "+g:\n  _export: {echo>: taken}\n  +a: {sh>: echo own}\n",
        ["taken"],
    ),
    "11.30 an exported _type takes over the tasks below": (
        "+g:\n  _export: {_type: echo, _command: taken}\n  +a: {sh>: echo own}\n",
        ["taken"],
    ),
    # Failure propagation
    "5.3 siblings that run or may start still do when one fails": (
        "+p:\n  _parallel: true\n  +a: {fail>: no}\n  +b:\n    +c: {echo>: c}\n    +d: {echo>: d}\n+e: {echo>: e}\n",
        ["c", "d"],
    ),
    "5.3 a background task goes on beside a failure": (
        "+a: {sh>: 'sleep 0.3; echo a', _background: true}\n+b: {fail>: no}\n+c: {echo>: c}\n",
        ["a"],
    ),
    "11.23 a background task waits for nothing before it": (
        "+a: {sh>: 'until [ -e go ]; do sleep 0.05; done; echo a'}\n"
        "+b: {sh>: 'touch go; echo b', _background: true}\n+c: {echo>: c}\n",
        ["b", "a", "c"],
    ),
    "11.22 a failure in a chunk blocks the chunks after it": (
        "+p:\n  _parallel: {limit: 1}\n  +a: {echo>: a}\n  +b: {fail>: no}\n  +c: {echo>: c}\n",
        ["a"],
    ),
    "4.2 a trailing background task is joined by the end of its group": (
        "+g:\n  +a: {echo>: a}\n  +b: {sh>: 'sleep 0.2; echo b', _background: true}\n+c: {echo>: c}\n",
        ["a", "b", "c"],
    ),
    # Retries
    "5.4 an exported _retry applies to operators below": (
        f"_export: {{_retry: 1}}\n+a: {{{FLAKY}, tries: 1}}\n",
        ["try 0", "try 1"],
    ),
    "5.4 an operator's _retry is templated": (
        f"_export: {{r: 2}}\n+a: {{{FLAKY}, tries: 2, _retry: '${{r - 0}}'}}\n",
        ["try 0", "try 1", "try 2"],
    ),
    "5.4 a group's _retry may stand in its _export": (
        "+g:\n  _export: {_retry: 1}\n  +a: {echo>: a}\n  +b: {sh>: echo b; exit 1}\n",
        ["a", "b", "b", "a", "b", "b"],
    ),
    "5.4 _retry: 1.9 is one retry": (f"+a: {{{FLAKY}, tries: 9, _retry: 1.9}}\n", ["try 0", "try 1"]),
    "5.4 a negative _retry is none": (f"+a: {{{FLAKY}, tries: 9, _retry: -1}}\n", ["try 0"]),
    "11.19 a templated _retry of a group is none": (
        f"+g:\n  _retry: '${{3}}'\n  +a: {{{FLAKY}, tries: 9}}\n",
        ["try 0"],
    ),
    "5.4 a group's retry as text": (f"+g:\n  _retry: '1'\n  +a: {{{FLAKY}, tries: 1}}\n", ["try 0", "try 1"]),
    "5.4 the root's retry does all of the workflow again": (
        f"_retry: 1\n+a: {{echo>: a}}\n+b: {{{FLAKY}, tries: 1}}\n+c: {{echo>: c}}\n",
        ["a", "try 0", "a", "try 1", "c"],
    ),
    "11.20 a nested group's retry is used up in later passes": (
        "+o:\n  _retry: 1\n  +a: {echo>: A}\n  +i:\n"
        "    _retry: 1\n    +b: {echo>: B}\n    +c: {sh>: 'echo C; exit 1'}\n",
        ["A", "B", "C", "B", "C", "A", "B", "C"],
    ),
    "5.4 a nested retry inside a called file is had again in each pass": (
        "+o:\n  _retry: 1\n  +a: {call>: child}\n",
        ["b", "b", "b", "b"],
    ),
    "5.4 an operator's retry runs it again for its failed subtasks": (
        "+l:\n  loop>: 2\n  _retry: 1\n  _do: {sh>: 'echo ${i}; [ ${i} = 0 ]'}\n",
        ["0", "1", "0", "1"],
    ),
    "11.18 echo> is run again by its _retry for a failed _check": (
        "+a: {echo>: a, _retry: 2, _check: {sh>: 'echo check; exit 1'}}\n",
        ["a", "check"] * 3,
    ),
    "11.18 if> is run again by its _retry for its branch": (
        "+a: {if>: true, _retry: 1, _do: {sh>: 'echo do; exit 1'}}\n",
        ["do", "do"],
    ),
    "11.18 loop> does not retry its own failure": (
        "+a: {loop>: many, _retry: 3, _do: {echo>: x}, _error: {echo>: handled}}\n",
        ["handled"],
    ),
    "5.4 a group's retry leaves out a task named like a generated one, and what waits for it still runs": (
        "+g:\n  _retry: 1\n  +x^sub: {echo>: x}\n  +b: {sh>: 'echo b; exit 1'}\n",
        ["x", "b", "b"],
    ),
    "5.4 a group's retry keeps the order of background tasks": (
        "+g:\n  _retry: 1\n  +a: {echo>: a}\n  +b: {sh>: 'sleep 0.1; echo b', _background: true}\n"
        f"  +c: {{{FLAKY}, tries: 1}}\n",
        ["a", "b", "try 0", "a", "b", "try 1"],
    ),
    "5.4 _error of a group runs after its last try only": (
        "+g:\n  _retry: 1\n  _error: {echo>: handled}\n  +a: {sh>: 'echo a; exit 1'}\n",
        ["a", "a", "handled"],
    ),
    "5.4 a copy's own operator retry still works": (
        f"+g:\n  _retry: 1\n  +a: {{{FLAKY}, tries: 3, _retry: 1}}\n",
        ["try 0", "try 1", "try 2", "try 3"],
    ),
    "5.4 generated tasks are not copied but generated again": (
        f"+g:\n  _retry: 1\n  +l:\n    loop>: 1\n    _do: {{echo>: in}}\n  +b: {{{FLAKY}, tries: 1}}\n",
        ["in", "try 0", "in", "try 1"],
    ),
    # _error
    "5.5 error objects of a group merge, the last failure wins": (
        "+g:\n  _parallel: true\n  _error: {echo>: '${error.message} ${typeof error.stacktrace}'}\n"
        "  +a: {sh>: exit 1}\n  +b: {fail>: second}\n",
        ["second string"],
    ),
    "5.5 a group's error includes that of an ^error task": (
        "_error: {echo>: '${error.message}'}\n+a: {fail>: first, _error: {fail>: handler}}\n",
        ["handler"],
    ),
    "5.5 a group's error includes those of earlier passes": (
        "+g:\n  _retry: 1\n  _error: {echo>: '${error.message} ${typeof error.stacktrace}'}\n"
        "  +a: {sh>: '[ -e x ] || { touch x; exit 1; }'}\n  +b: {fail>: last}\n",
        ["last string"],
    ),
    "5.5 the stores of failed tasks reach the group's _error": (
        "_error: {echo>: '${x}'}\n+a: {py>: t.store, key: x, value: 1}\n+b: {fail>: no}\n",
        ["1"],
    ),
    "5.5 a group's _error's own export loses to stores, and error to nothing": (
        "_error:\n  _export: {x: own, y: own, error: {message: mine, extra: e}}\n"
        "  echo>: '${x} ${y} ${error.message} ${error.extra}'\n"
        "+a: {py>: t.store, key: x, value: stored}\n+b: {fail>: no}\n",
        ["stored own no "],
    ),
    "5.5 an operator's _error sees its error whatever it exports": (
        "+a:\n  fail>: no\n  _error:\n    _export: {error: {message: mine, extra: e}, y: own}\n"
        "    echo>: '${y} ${error.message} ${error.extra}'\n",
        ["own no "],
    ),
    "5.5 _error may be a group": (
        "_error:\n  _parallel: true\n  +x: {echo>: x}\n"
        "  +y: {_after: [+x], echo>: '${error.message}'}\n+a: {fail>: no}\n",
        ["x", "no"],
    ),
    "5.5 _error may stand in the task's own _export": (
        "+a: {fail>: no, _export: {_error: {echo>: '${error.message}'}}}\n",
        ["no"],
    ),
    "11.7 an undefined name in the root's export breaks the handler too": (
        "_export: {bad: '${nosuch}'}\n_error: {echo>: handled}\n+a: {echo>: a}\n",
        [],
    ),
    "5.5 a handler of a task in a failed group runs before the group's": (
        "+g:\n  _error: {echo>: outer}\n  +a: {fail>: no, _error: {echo>: inner}}\n",
        ["inner", "outer"],
    ),
    "5.5 the handler of a failed generated task belongs to it, then the operator's own runs": (
        "+a:\n  loop>: 1\n  _error: {echo>: 'loop ${error.message}'}\n  _do: {fail>: no, _error: {echo>: inner}}\n",
        ["inner", "loop no"],
    ),
    # _check
    "11.17 _check runs after the subtasks and sees the stores and exports": (
        "+a:\n  loop>: 1\n  _export: {e: own}\n"
        "  _do: {py>: t.store, key: x, value: stored}\n  _check: {echo>: '${e} ${x}'}\n",
        ["own stored"],
    ),
    "5.6 _check sees what its task stored": (
        "+a: {py>: t.store, key: x, value: 1, _check: {echo>: '${x}'}}\n",
        ["1"],
    ),
    "5.6 _check at the top and on groups never runs": (
        "_check: {echo>: no}\n+g:\n  _check: {echo>: no}\n  +a: {echo>: a}\n",
        ["a"],
    ),
    "5.6 _check does not run after a failure": ("+a: {fail>: no, _check: {echo>: no}}\n", []),
    "5.6 _error runs after a failed check": (
        "+a: {echo>: a, _check: {fail>: bad}, _error: {echo>: '${error.message}'}}\n",
        ["a", "bad"],
    ),
    # Generated tasks
    "7 ^sub may be an operator or a group with options": (
        "+a: {if>: true, _do: {echo>: one}}\n"
        "+b:\n  if>: true\n  _do:\n"
        "    _export: {x: two}\n    _error: {echo>: handled}\n    +s: {echo>: '${x}'}\n    +t: {fail>: no}\n",
        ["one", "two", "handled"],
    ),
    "7 stores inside ^sub reach later siblings, its exports do not": (
        "+a: {py>: t.subtask_later}\n+b: {echo>: '${inner} ${made}'}\n"
        "+c:\n  if>: true\n  _do: {_export: {only: inside}, +d: {echo>: '${only}'}}\n+e: {echo>: '${typeof only}'}\n",
        ["inside stored", "inside", "undefined"],
    ),
    "7 what an operator exports is seen by its subtasks only": (
        "+a: {py>: t.export, key: x, value: 1, _check: {echo>: '${x}'}}\n+b: {echo>: '${typeof x}'}\n",
        ["1", "undefined"],
    ),
    "7 the retry of a called file is its ^sub's": ("+a: {call>: child}\n", ["b", "b"]),
    # Params
    "11.34 a parent's own keys are not inherited": (
        "+a: {if>: true, x: 1, _do: {echo>: '${typeof x}'}}\n",
        ["undefined"],
    ),
    "11.9 nested objects do not see evaluated siblings one level up": (
        "_export: {p: '${task_name}', d: {q: '${p}'}}\n+a: {echo>: '${d.q} ${p}'}\n",
        ["${task_name} +main+a"],
    ),
    "11.10 forward references yield raw template text": (
        "_export: {later: '${z}', z: '${1 + 1}'}\n+a: {echo>: '${later} ${z}'}\n",
        ["${1 + 1} 2"],
    ),
    "6.2 a store inside a group beats the group's export, which beats stores before it": (
        "+a: {py>: t.store, key: x, value: before}\n"
        "+g:\n  _export: {x: export}\n"
        "  +b: {echo>: '${x}'}\n  +c: {py>: t.store, key: x, value: inside}\n  +d: {echo>: '${x}'}\n"
        "+e: {echo>: '${x}'}\n",
        ["export", "inside", "inside"],
    ),
    "6.2 stores of a superseded retry pass still count": (
        f"+g:\n  _retry: 1\n  +a: {{{FLAKY}, tries: 1}}\n"
        f"  +b: {{py>: t.store, key: x, value: 1}}\n+e: {{echo>: '${{x}}'}}\n",
        ["try 0", "try 1", "1"],
    ),
    "5.2 what a failed task stored is not there": (
        "_error: {echo>: '${typeof x}'}\n+a: {py>: t.store_and_fail, key: x, value: 1}\n",
        ["undefined"],
    ),
    # Loops
    "3 the index lies over the body's own export": (
        "+a: {loop>: 2, _do: {_export: {i: mine, k: 'k${i}'}, echo>: '${i} ${k}'}}\n",
        ["0 k0", "1 k1"],
    ),
    "3 for_range gives from, to and index": (
        "+a: {for_range>: {from: 10, to: 25, step: 10}, _do: {echo>: '${range.from} ${range.to} ${range.index}'}}\n",
        ["10 20 0", "20 25 1"],
    ),
    "3 a templated _do is evaluated in its own tasks": (
        "+a: {if>: false, _do: {echo>: '${nosuch}'}, _else_do: {echo>: '${task_name}'}}\n",
        ["+main+a^sub"],
    ),
    "3 wait> lets time pass": ("+a: {wait>: 1s}\n+b: {echo>: b}\n", ["b"]),
}

FILES = {"t.py": TASKS, "child.dig": "_retry: 1\n+b: {sh>: 'echo b; exit 1'}\n"}


@pytest.mark.parametrize("rule", PRINTED)
def test_printed(tmp_path: Path, rule: str) -> None:
    dig, printed = PRINTED[rule]
    said = [line for line in lines(run(tmp_path, dig, FILES)) if not line.startswith(("Traceback", " ", "ValueError"))]
    assert said == printed


ROWS: dict[str, tuple[str, list[str]]] = {
    "11.27 a task that failed itself is error, its groups group_error, what waits blocked": (
        "+g:\n  +a: {fail>: no}\n  +b: {}\n+c:\n  +d: {}\n",
        [
            "+main group_error",
            "+g group_error",
            "+g+a error",
            "+g+b blocked",
            "+c blocked",
            "+c+d blocked",
            "^failure-alert success",
        ],
    ),
    "11.25 a disabled task is an empty success in its place": (
        "+a: {fail>: no}\n+b: {_disable: true, echo>: b, +x: {}}\n",
        ["+main group_error", "+a error", "+b blocked", "^failure-alert success"],
    ),
    "5.2 empty groups succeed": (
        "+g: {}\n+h:\n  +i: {}\n",
        ["+main success", "+g success", "+h success", "+h+i success"],
    ),
    "5.4 a retried group has its rows twice, the old ones as they ended": (
        "+g:\n  _retry: 1\n  +a: {echo>: a}\n  +b: {fail>: no}\n  +c: {echo>: c}\n",
        [
            "+main group_error",
            "+g group_error",
            "+g+a success",
            "+g+b error",
            "+g+c blocked",
            "+g+a success",
            "+g+b error",
            "+g+c blocked",
            "^failure-alert success",
        ],
    ),
    "5.4 what was generated is not copied, nor is ^error": (
        "+g:\n  _retry: 1\n  +l: {loop>: 1, _do: {echo>: x}}\n  +b: {fail>: no, _error: {echo>: h}}\n",
        [
            "+main group_error",
            "+g group_error",
            "+g+l success",
            "+g+b error",
            "+g+l^sub success",
            "+g+l^sub+loop-0 success",
            "+g+b^error success",
            "+g+l success",
            "+g+b error",
            "+g+l^sub success",
            "+g+l^sub+loop-0 success",
            "+g+b^error success",
            "^failure-alert success",
        ],
    ),
    "5.4 a group inside ^sub copies its own tasks": (
        "+l:\n  loop>: 1\n  _do:\n    _retry: 1\n    +a: {fail>: no}\n",
        [
            "+main group_error",
            "+l group_error",
            "+l^sub group_error",
            "+l^sub+loop-0 group_error",
            "+l^sub+loop-0+a error",
            "+l^sub+loop-0+a error",
            "^failure-alert success",
        ],
    ),
    "5.4 an operator that is called again has a ^sub for each time": (
        "+l: {loop>: 1, _retry: 1, _do: {fail>: no}}\n",
        [
            "+main group_error",
            "+l group_error",
            "+l^sub group_error",
            "+l^sub+loop-0 error",
            "+l^sub group_error",
            "+l^sub+loop-0 error",
            "^failure-alert success",
        ],
    ),
    "5.4 outer and inner retries": (
        "+o:\n  _retry: 1\n  +i:\n    _retry: 1\n    +b: {fail>: no}\n",
        [
            "+main group_error",
            "+o group_error",
            "+o+i group_error",
            "+o+i+b error",
            "+o+i+b error",
            "+o+i group_error",
            "+o+i+b error",
            "^failure-alert success",
        ],
    ),
    "5.5 at the root the alert comes first, then the handler, side by side": (
        "_error: {echo>: h}\n+a: {fail>: no}\n",
        ["+main group_error", "+a error", "^failure-alert success", "^error success"],
    ),
    "5.5 a root that cannot be evaluated fails its alert and handler too": (
        "_export: {bad: '${nosuch}'}\n_error: {echo>: h}\n+a: {echo>: a}\n",
        ["+main group_error", "+a error", "^failure-alert error", "^error error"],
    ),
    "5.3 a handler that fails changes nothing of the outcome": (
        "+a: {fail>: no, _error: {fail>: again}}\n+b: {}\n",
        ["+main group_error", "+a error", "+b blocked", "+a^error error", "^failure-alert success"],
    ),
    "5.6 ^check hangs below its task after ^sub": (
        "+a: {loop>: 1, _do: {echo>: x}, _check: {+c: {echo>: c}}}\n",
        [
            "+main success",
            "+a success",
            "+a^sub success",
            "+a^check success",
            "+a^sub+loop-0 success",
            "+a^check+c success",
        ],
    ),
    "7 a loop of nothing in parallel makes an empty ^sub": (
        "+a: {loop>: 0, _parallel: true, _do: {echo>: x}}\n+b: {loop>: 0, _do: {echo>: x}}\n",
        ["+main success", "+a success", "+b success", "+a^sub success"],
    ),
}


@pytest.mark.parametrize("rule", ROWS)
def test_rows(tmp_path: Path, rule: str) -> None:
    dig, expected = ROWS[rule]
    assert sorted(rows(run(tmp_path, dig, FILES))) == sorted(expected)


FAILURES: dict[str, tuple[str, str]] = {
    "4.4 _type beside another operator leaves no command": (
        "{_type: echo, sh>: x}",
        "Parameter '_command' is required but not set (config)",
    ),
    "2.1 a null command is absent": ("{'echo>': }", "Parameter '_command' is required but not set (config)"),
    "2.1 _type: null": ("{_type: }", "Parameter '_type' is required but null (config)"),
    "2.1 _type: a number": ("{_type: 5}", "Unknown task type: 5 (config)"),
    "2.1 _type: a boolean": ("{_type: true}", "Unknown task type: true (config)"),
    "2.1 _type: a list": ("{_type: [a]}", "Expected string type for key '_type' but got [\"a\"] (array) (config)"),
    "2.1 nop> is no operator": ("{nop>: x}", "Unknown task type: nop (config)"),
    "2.1 an operator without a name": ("{'>': x}", "Unknown task type:  (config)"),
    "2.4 an expected failure has its message only": ("{fail>: text}", "text"),
    "2.4 any other has its kind": ("{sh>: exit 3}", "Command failed with code 3 (runtime)"),
    "5.4 a malformed _retry": ("{sh>: 'true', _retry: true}", "Invalid _retry format:true (config)"),
    "5.4 a list as _retry": ("{sh>: 'true', _retry: [1]}", "Invalid _retry format:[1] (config)"),
    "5.4 a word as _retry": (
        "{sh>: 'true', _retry: often}",
        "Expected integer (int) type for key '_retry' but got \"often\" (string) (config)",
    ),
    "5.4 no limit": ("{sh>: 'true', _retry: {interval: 1}}", "Parameter 'limit' is required but not set (config)"),
    "5.4 a bad interval_type": (
        "{sh>: 'true', _retry: {limit: 1, interval_type: linear}}",
        "Invalid retry_interval_type: linear (config)",
    ),
    "5.6 a _check that is no object": ("{echo>: a, _check: [1]}", "Parameter '_check' must be an object (config)"),
    "7 two operators in what is generated": (
        "{if>: true, _do: {echo>: a, sh>: b}}",
        'A task can\'t have more than one operator: {"echo>":"a","sh>":"b"} (config)',
    ),
    "7 subtasks below a generated operator": (
        "{if>: true, _do: {echo>: a, +b: {}}}",
        'A task can\'t have subtasks: {"echo>":"a"} (config)',
    ),
    "7 an invalid key in a generated group": (
        "{if>: true, _do: {foo: 1, +b: {}}}",
        "io.digdag.core.repository.ModelValidationException: Validating workflow failed\n"
        '+main+a^sub contains invalid keys: \'foo\': "{"foo":1}" (config)',
    ),
    "7 a bad name in what is generated": (
        "{if>: true, _do: {'+b c': {}}}",
        "io.digdag.core.repository.ModelValidationException: Validating workflow task failed\n"
        "name must not contain character ' ': \"+b c\" (config)",
    ),
    "7 an _export that is no object": (
        "{if>: true, _do: {_export: [1], echo>: a}}",
        "Parameter '_export' must be an object (config)",
    ),
    "3 loop over the limit": ("{loop>: 1001, _do: {echo>: x}}", "Too many loop subtasks. Limit: 1000 (config)"),
}


@pytest.mark.parametrize("rule", FAILURES)
def test_failures(tmp_path: Path, rule: str) -> None:
    body, expected = FAILURES[rule]
    finished = run(tmp_path, f"+a: {body}\n")
    assert message(finished, "+main+a") == expected
    assert finished.task("+main+a").state == "error"


LOGGED: dict[str, tuple[str, list[str]]] = {
    "11.35 an operator key is logged with its command, _type without": (
        "+a: {echo>: hi}\n+b: {_type: echo, _command: hi}\n+g: {+c: {echo>: [a]}}\n",
        [
            "INFO echo>: hi",
            "INFO type: echo",
            "INFO echo>: [a]",
            "ERROR Configuration error at task +main+g+c: "
            "Expected string type for key '_command' but got [\"a\"] (array) (config)",
            "INFO type: notify",
        ],
    ),
    "2.1 commands are logged as Java prints them": (
        "+a: {if>: {k: v, l: [1, null]}, _do: {}}\n+b: {echo>: }\n",
        [
            "INFO if>: {k=v, l=[1, null]}",
            "ERROR Configuration error at task +main+a: Expected 'true' or 'false' for key '_command' but got "
            '{"k":"v","l":[1,null]} (object) (config)',
            "INFO type: notify",
        ],
    ),
    "2.1 an unknown operator is logged before it fails": (
        "+a: {ecko>: x}\n",
        [
            "INFO ecko>: x",
            "ERROR Configuration error at task +main+a: Unknown task type: ecko (config)",
            "INFO type: notify",
        ],
    ),
    "2.1 a malformed _retry is logged after the start": (
        "+a: {sh>: 'true', _retry: true}\n",
        [
            "INFO sh>: true",
            "ERROR Configuration error at task +main+a: Invalid _retry format:true (config)",
            "INFO type: notify",
        ],
    ),
    "10.2 an expected failure": (
        "+a: {fail>: no}\n",
        ["INFO fail>: no", "ERROR Task +main+a failed.\nno", "INFO type: notify"],
    ),
    "10.2 a failure without a message": (
        "+a: {fail>: ''}\n",
        ["INFO fail>: ", "ERROR Task +main+a failed.\nTaskExecutionException", "INFO type: notify"],
    ),
    "10.2 a failed evaluation is logged without a start": (
        "+a: {echo>: '${nosuch}'}\n",
        [
            "ERROR Configuration error at task +main+a: Failed to evaluate a variable ${nosuch} "
            "(ReferenceError: nosuch is not defined) (config)",
            "INFO type: notify",
        ],
    ),
    "10.2 invalid generated tasks": (
        "+a: {if>: true, _do: {echo>: a, sh>: b}}\n",
        [
            "INFO if>: true",
            "ERROR Configuration error at task +main+a: "
            'A task can\'t have more than one operator: {"echo>":"a","sh>":"b"} (config)',
            "INFO type: notify",
        ],
    ),
    "5.4 a malformed _retry of a group": (
        "+g:\n  _retry: [1]\n  +a: {fail>: no}\n",
        [
            "INFO fail>: no",
            "ERROR Task +main+g+a failed.\nno",
            'WARN Ignore retry parameter because of invalid retry configuration. attempt_id:1 config:{"_retry":[1]}',
            "INFO type: notify",
        ],
    ),
    "10.2 group retries say nothing, calls after them are DEBUG only where an operator is called again": (
        "+g:\n  _retry: 1\n  +a: {fail>: no}\n",
        [
            "INFO fail>: no",
            "ERROR Task +main+g+a failed.\nno",
            "INFO fail>: no",
            "ERROR Task +main+g+a failed.\nno",
            "INFO type: notify",
        ],
    ),
    "5.4 an operator called again for its subtasks": (
        "+l: {loop>: 1, _retry: 1, _do: {fail>: no}}\n",
        [
            "INFO loop>: 1",
            "INFO fail>: no",
            "ERROR Task +main+l^sub+loop-0 failed.\nno",
            "DEBUG (retry: 1) loop>: 1",
            "INFO fail>: no",
            "ERROR Task +main+l^sub+loop-0 failed.\nno",
            "INFO type: notify",
        ],
    ),
    "6.7 keys that echo> does not use": (
        "+a: {echo>: hi, mesage: x, _comand: y}\n",
        [
            "INFO echo>: hi",
            "ERROR Parameter 'mesage' is not used at task +main+a.",
            "ERROR Parameter '_comand' is not used at task +main+a.\n  > Did you mean [_command]?",
        ],
    ),
    "6.7 a failed task says nothing of unused keys": (
        "+a: {fail>: no, key: x}\n",
        ["INFO fail>: no", "ERROR Task +main+a failed.\nno", "INFO type: notify"],
    ),
    "6.7 operators that read it all say nothing": (
        "+a: {sh>: 'true', key: x}\n+b: {loop>: 0, key: x, _do: {}}\n",
        ["INFO sh>: true", "INFO loop>: 0"],
    ),
    "6.7 exports and handlers are no keys of the task": (
        "+a: {echo>: hi, _export: {x: 1}, _error: {echo>: no}, _check: {echo>: c}}\n",
        ["INFO echo>: hi", "INFO echo>: c"],
    ),
    "4.2 _background: false in parallel is an unused key": (
        "_parallel: true\n+a: {echo>: hi, _background: false}\n",
        ["INFO echo>: hi", "ERROR Parameter '_background' is not used at task +main+a."],
    ),
    "6.7 if> and wait>": (
        "+a: {if>: true, _do: {echo>: x}, other: 1}\n+b: {wait>: 0s, blocking: true, interval: 1}\n",
        [
            "INFO if>: true",
            "ERROR Parameter 'other' is not used at task +main+a.",
            "INFO echo>: x",
            "INFO wait>: 0s",
            "ERROR Parameter 'interval' is not used at task +main+b.\n  > Did you mean [poll_interval]?",
        ],
    ),
}


@pytest.mark.parametrize("rule", LOGGED)
def test_logged(tmp_path: Path, rule: str) -> None:
    dig, expected = LOGGED[rule]
    said = [line for line in log(run(tmp_path, dig)) if "wait finished" not in line]
    assert said == expected


def test_10_2_polls_are_debug_and_counted(tmp_path: Path) -> None:
    said = log(run(tmp_path, "+a: {wait>: 1s, poll_interval: 1s}\n"))
    assert said[:2] == ["INFO wait>: 1s", "DEBUG (retry: 1) wait>: 1s"]


def limit_error(limit: int, current: int, adding: int) -> str:
    return f"Too many tasks. Limit: {limit}, Current: {current}, Adding: {adding}"


def test_9_the_first_rows_count_the_root_twice(tmp_path: Path) -> None:
    dig = "+a: {}\n+b: {}\n"
    with pytest.raises(TaskLimitError) as caught:
        run(tmp_path, dig, task_limit=3)
    assert caught.value.error_message == f"{limit_error(3, 1, 3)} (task limit exceeded)"
    assert run(tmp_path, dig, task_limit=4).finished() == [True]


def test_9_generated_tasks_count_all_rows_so_far(tmp_path: Path) -> None:
    dig = "+a: {loop>: 2, _do: {echo>: x}}\n+b: {loop>: 1, _do: {echo>: y}, _error: {echo>: never}}\n"
    finished = run(tmp_path, dig, task_limit=7)
    assert message(finished, "+main+b") == f"{limit_error(7, 6, 2)} (task limit exceeded)"
    assert log(finished, "WARN") == [
        "WARN Failed to add subtasks because of task limit",
    ]


def test_9_a_check_counts_behind_the_subtasks(tmp_path: Path) -> None:
    dig = "+a: {loop>: 1, _do: {echo>: x}, _check: {+c: {echo>: c}}}\n"
    finished = run(tmp_path, dig, task_limit=5)
    assert message(finished, "+main+a") == f"{limit_error(5, 4, 2)} (task limit exceeded)"
    assert [row for row in rows(finished) if "^sub" in row] == []
    assert run(tmp_path, dig, task_limit=6).finished() == [True]


def test_9_a_handler_over_the_limit_is_left_out_but_the_alert_is_not(tmp_path: Path) -> None:
    finished = run(tmp_path, "_error: {echo>: h}\n+a: {fail>: no, _error: {+x: {}, +y: {}}}\n", task_limit=3)
    assert rows(finished) == ["+main group_error", "+a error", "^failure-alert success"]
    assert log(finished, "WARN") == ["WARN Failed to add error tasks because of task limit"] * 2


def test_9_the_alert_counts_before_the_root_handler(tmp_path: Path) -> None:
    dig = "_error: {echo>: h}\n+a: {fail>: no}\n"
    assert "^error success" not in rows(run(tmp_path, dig, task_limit=3))
    assert "^error success" in rows(run(tmp_path, dig, task_limit=4))


def test_9_copies_of_a_retry_are_not_counted(tmp_path: Path) -> None:
    finished = run(tmp_path, "+g:\n  _retry: 3\n  +a: {fail>: no}\n", task_limit=4)
    assert rows(finished).count("+g+a error") == 4


@pytest.mark.parametrize("handler", ["[1]", "{_export: [1], echo>: h}"])
def test_5_2_a_handler_that_is_not_valid_is_none(tmp_path: Path, handler: str) -> None:
    finished = run(tmp_path, f"+a: {{fail>: no, _export: {{_error: {handler}}}}}\n+g:\n  +b: {{}}\n")
    assert finished.task("+main+a").state == "error"
    assert finished.finished() == [False]


def intervals(finished: Debugged, name: str) -> list[int]:
    """Seconds between each failure of a task and its next try."""
    scheduled = [event for event in finished.events if isinstance(event, RetryScheduled)]
    named = [event for event in scheduled if finished.session.attempt.tasks[event.task].full_name == name]
    return [round(event.retry_at - event.at) for event in named]


INTERVALS = {
    "{limit: 2}": [0, 0],
    "{limit: 1, interval: 1}": [1],
    "{limit: 2, interval: 1, interval_type: EXPONENTIAL, max_interval: 1}": [1, 1],
    "{limit: 2, interval: 1, interval_type: exponential}": [1, 2],
    "{limit: 1, interval: '1', interval_type: constant, max_interval: 0}": [1],
    "{limit: 2, interval: 1, interval_type: exponential, max_interval: 0}": [0, 0],
}


def test_5_4_intervals_of_operators_and_groups(tmp_path: Path) -> None:
    tasks = [
        f"+o{number}: {{sh>: exit 1, _retry: {retry}}}\n+g{number}: {{_retry: {retry}, +a: {{fail>: no}}}}\n"
        for number, retry in enumerate(INTERVALS)
    ]
    finished = run(tmp_path, "_parallel: true\n" + "".join(tasks))
    for number, seconds in enumerate(INTERVALS.values()):
        assert intervals(finished, f"+main+o{number}") == seconds
        assert intervals(finished, f"+main+g{number}") == seconds


def test_5_4_configuration_errors_of_an_operator_are_retried_too(tmp_path: Path) -> None:
    assert intervals(run(tmp_path, "+a: {call>: nowhere, _retry: 2}\n"), "+main+a") == [0, 0]


def test_5_4_what_fails_before_the_operator_is_not_retried(tmp_path: Path) -> None:
    assert intervals(run(tmp_path, "+a: {sh>: 'echo ${nosuch}', _retry: 2}\n"), "+main+a") == []
    assert intervals(run(tmp_path, "+a: {nosuch>: x, _retry: 2}\n"), "+main+a") == []


def test_5_4_the_retries_of_a_task_and_of_its_subtasks_count_together(tmp_path: Path) -> None:
    finished = run(tmp_path, "+a: {sh>: '[ ! -e b ] || exit 1; touch b', _retry: 1, _check: {fail>: no}}\n")
    assert rows(finished) == ["+main group_error", "+a error", "+a^check error", "^failure-alert success"]


def test_5_4_the_retry_count_is_kept_in_the_state(tmp_path: Path) -> None:
    finished = run(tmp_path, "+a: {sh>: exit 1, _retry: 2}\n")
    assert finished.task("+main+a").state_params == {"retry_count": 2}


def test_11_21_a_retry_that_succeeds_leaves_error_rows_and_a_success(tmp_path: Path) -> None:
    finished = run(tmp_path, f"+g:\n  _retry: 1\n  +a: {{{FLAKY}, tries: 1}}\n", FILES)
    assert rows(finished) == ["+main success", "+g success", "+g+a error", "+g+a success"]


def test_5_4_copies_lack_the_initial_flag_and_have_new_upstreams(tmp_path: Path) -> None:
    dig = "+g:\n  _retry: 1\n  _parallel: {limit: 2}\n" + "".join(f"  +{name}: {{echo>: x}}\n" for name in "abcd")
    finished = run(tmp_path, dig + "  +e: {fail>: no}\n")
    tasks = list(finished.session.attempt.tasks.values())
    first = [task for task in tasks if task.parent and task.parent.full_name == "+main+g" and task.initial]
    second = [task for task in tasks if task.parent and task.parent.full_name == "+main+g" and not task.initial]
    assert [task.full_name for task in first] == [task.full_name for task in second]
    shift = second[0].id - first[0].id
    for old, new in zip(first, second, strict=True):
        assert new.upstreams == tuple(upstream + shift for upstream in old.upstreams)
        assert (new.config, new.export, new.parent) == (old.config, old.export, old.parent)


def test_5_5_an_error_that_is_expected_has_no_stacktrace(tmp_path: Path) -> None:
    finished = run(tmp_path, "_parallel: true\n+a: {fail>: no}\n+b: {sh>: exit 1}\n")
    assert finished.task("+main+a").error == {"message": "no"}
    assert set(finished.task("+main+b").error) == {"message", "stacktrace"}


def test_7_names_of_for_each_may_be_refused(tmp_path: Path) -> None:
    star = run(tmp_path, "+a: {for_each>: {f: ['*']}, _do: {echo>: x}}\n")
    assert message(star, "+main+a").endswith("name must not contain character '*': \"+for-0=f=0=*\" (config)")
    values = ", ".join(f"k{index}: [日本語日本語日本]" for index in range(4))
    long = run(tmp_path, f"+a: {{for_each>: {{{values}}}, _do: {{echo>: x}}}}\n")
    assert "name must not be longer than 255 characters" in message(long, "+main+a")


@pytest.mark.parametrize(
    ("task", "said", "retries"),
    [
        ("{echo>: hi, _env: [1]}", "Parameter '_env' must be an object (config)", []),
        ("{echo>: hi, _env: {A: [1]}}", "Expected string type for key 'A' but got [1] (array) (config)", []),
        ("{http>: 'http://127.0.0.1:1/', _workdir: ../x, _retry: 1}", "Working directory must not be outside", []),
        ("{sh>: exit 1, _env: [1], _retry: 1}", "Parameter '_env' must be an object (config)", []),
        ("{sh>: exit 1, _retry: 1}", "Command failed with code 1 (runtime)", ["ERROR Task failed, retrying"]),
    ],
)
def test_operators_2_1_env_and_workdir_are_read_before_any_operator_is_made(
    tmp_path: Path, task: str, said: str, retries: list[str]
) -> None:
    finished = run(tmp_path, f"+a: {task}\n")
    assert message(finished, "+main+a").startswith(said)
    assert [line for line in log(finished) if "retrying" in line] == retries
