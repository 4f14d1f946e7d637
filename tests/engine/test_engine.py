"""States, failures, retries, handlers and generated tasks (core 5 and 7), by whole workflows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from digdag_tui.engine.events import TaskLogged, TaskOutput
from digdag_tui.engine.planner import TaskLimitError
from digdag_tui.workflow.errors import ConfigError

from ..support import Debugged, run


def said(finished: Debugged) -> list[str]:
    """Every printed line, in order."""
    return "".join(event.text for event in finished.events if isinstance(event, TaskOutput)).splitlines()


def logged(finished: Debugged) -> str:
    return "\n".join(f"{event.level} {event.message}" for event in finished.events if isinstance(event, TaskLogged))


STATES: dict[str, tuple[str, dict[str, str]]] = {
    "a failure leaves what waits for it blocked": (
        "+a: {fail>: no}\n+b: {echo>: b}\n",
        {"+main": "group_error", "+main+a": "error", "+main+b": "blocked", "+main^failure-alert": "success"},
    ),
    "parallel siblings of a failure end": (
        "+p:\n  _parallel: true\n  +a: {fail>: no}\n  +b: {echo>: b}\n  +c: {_after: [+a], echo>: c}\n+d: {echo>: d}\n",
        {"+main": "group_error", "+main+p": "group_error", "+main+p+a": "error", "+main+p+b": "success",
         "+main+p+c": "blocked", "+main+d": "blocked", "+main^failure-alert": "success"},
    ),
    "a background task is joined by the next": (
        "+a: {sh>: sleep 0.2, _background: true}\n+b: {echo>: b}\n+c: {echo>: c}\n",
        {"+main": "success", "+main+a": "success", "+main+b": "success", "+main+c": "success"},
    ),
    "a disabled task keeps its place as an empty success": (
        "+a: {_disable: true, fail>: no}\n+b: {echo>: b}\n",
        {"+main": "success", "+main+a": "success", "+main+b": "success"},
    ),
    "an operator's failed subtasks make it a group_error": (
        "+a:\n  loop>: 2\n  _do: {fail>: no}\n",
        {"+main": "group_error", "+main+a": "group_error", "+main+a^sub": "group_error",
         "+main+a^sub+loop-0": "error", "+main+a^sub+loop-1": "blocked", "+main^failure-alert": "success"},
    ),
    "a failing check makes its task a group_error": (
        "+a: {echo>: a, _check: {fail>: no}}\n",
        {"+main": "group_error", "+main+a": "group_error", "+main+a^check": "error", "+main^failure-alert": "success"},
    ),
    "a check on a group never runs": (
        "+g:\n  _check: {fail>: no}\n  +a: {echo>: a}\n",
        {"+main": "success", "+main+g": "success", "+main+g+a": "success"},
    ),
    "an _error runs below the task, which stays an error": (
        "+a: {fail>: no, _error: {echo>: 'seen ${error.message}'}}\n",
        {"+main": "group_error", "+main+a": "error", "+main+a^error": "success", "+main^failure-alert": "success"},
    ),
    "what does not compile when it is generated fails its task": (
        "+a:\n  loop>: 1\n  _do: {echo>: a, sh>: b}\n+b: {echo>: b}\n",
        {"+main": "group_error", "+main+a": "error", "+main+b": "blocked", "+main^failure-alert": "success"},
    ),
    "limits of _parallel are barriers": (
        "+p:\n  _parallel: {limit: 2}\n  +a: {fail>: no}\n  +b: {echo>: b}\n  +c: {echo>: c}\n",
        {"+main": "group_error", "+main+p": "group_error", "+main+p+a": "error", "+main+p+b": "success",
         "+main+p+c": "blocked", "+main^failure-alert": "success"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", STATES)
def test_states(tmp_path: Path, rule: str) -> None:
    dig, states = STATES[rule]
    finished = run(tmp_path, dig)
    assert finished.states() == states
    assert finished.finished() == [states["+main"] == "success"]


FLAKY = "sh>: 'echo try; [ $(cat n 2>/dev/null | wc -l) -ge {0} ] || {{ echo x >> n; exit 1; }}'"
LINES: dict[str, tuple[str, list[str]]] = {
    "an operator's own retry": (f"+a:\n  _retry: 2\n  {FLAKY.format(1)}\n", ["try", "try"]),
    "a group's retry does all of it again": (
        f"+g:\n  _retry: 1\n  +a: {{echo>: a}}\n  +b:\n    {FLAKY.format(1)}\n",
        ["a", "try", "a", "try"],
    ),
    "a group retry inside a retried group is used up": (
        "+o:\n  _retry: 1\n  +i:\n    _retry: 1\n    +a: {echo>: a}\n    +b: {fail>: no}\n",
        ["a", "a", "a"],
    ),
    "fail> is not retried": ("+a: {fail>: no, _retry: 3, _error: {echo>: handled}}\n", ["handled"]),
    "_error runs after the last try only": (
        "+a:\n  _retry: 1\n  sh>: echo try; exit 1\n  _error: {echo>: handled}\n",
        ["try", "try", "handled"],
    ),
    "a loop is run again by its retry": (
        "+a:\n  loop>: 1\n  _retry: 1\n  _do: {sh>: echo try; exit 1}\n",
        ["try", "try"],
    ),
    "a group's retry is not templated": ("+g:\n  _retry: ${1}\n  +a: {sh>: echo try; exit 1}\n", ["try"]),
    "the last failure is the group's error": (
        "_error: {echo>: '${error.message}'}\n+p:\n  _parallel: true\n  +a: {fail>: first}\n  +b: {fail>: second}\n",
        ["second"],
    ),
    "inner handlers run first, outer ones see their failures": (
        "_error: {echo>: 'outer ${error.message}'}\n+a: {fail>: no, _error: {fail>: handler broke}}\n",
        ["outer handler broke"],
    ),
    "an _error sees stores of the group": (
        "+g:\n  _error: {echo>: '${x} ${error.message}'}\n  +a: {py>: t.store}\n  +b: {fail>: no}\n",
        ["1 no"],
    ),
    "exports are evaluated in each task": (
        "_export: {p: '${task_name}'}\n+a: {echo>: '${p}'}\n+g: {+b: {echo>: '${p}'}}\n",
        ["+main+a", "+main+g+b"],
    ),
    "stored text is templated again": ("+a: {py>: t.template}\n+b: {echo>: '${y}'}\n", ["2"]),
}


@pytest.mark.parametrize("rule", LINES)
def test_printed_lines(tmp_path: Path, rule: str) -> None:
    dig, lines = LINES[rule]
    tasks = "import digdag\ndef store(): digdag.env.store(x=1)\ndef template(): digdag.env.store(y='${1 + 1}')\n"
    assert said(run(tmp_path, dig, {"t.py": tasks})) == lines


def test_parallel_tasks_overlap(tmp_path: Path) -> None:
    meet = "  +{0}: {{sh>: 'touch {0}; until [ -e {1} ]; do sleep 0.05; done'}}\n"
    dig = "+p:\n  _parallel: true\n" + meet.format("a", "b") + meet.format("b", "a")
    assert run(tmp_path, dig).finished() == [True]


def test_max_task_threads_runs_one_after_another(tmp_path: Path) -> None:
    dig = "+p:\n  _parallel: true\n" + "".join(f"  +t{i}: {{sh>: 'mkdir lock && rmdir lock'}}\n" for i in range(6))
    assert run(tmp_path, dig, max_task_threads=1).finished() == [True]


def test_retry_copies_keep_names_and_old_rows(tmp_path: Path) -> None:
    finished = run(tmp_path, f"+g:\n  _retry: 1\n  +a:\n    {FLAKY.format(1)}\n+b: {{echo>: b}}\n")
    rows = [(task.full_name, task.state) for task in finished.session.attempt.tasks.values()]
    assert Counter(rows)["+main+g+a", "error"] == Counter(rows)["+main+g+a", "success"] == 1
    assert finished.finished() == [True]


def test_too_many_tasks(tmp_path: Path) -> None:
    with pytest.raises(TaskLimitError, match=r"Too many tasks\. Limit: 3, Current: 1, Adding: 3"):
        run(tmp_path, "+a: {}\n+b: {}\n", task_limit=3)
    finished = run(tmp_path, "+a:\n  loop>: 2\n  _do: {echo>: x}\n", task_limit=4)
    assert finished.task("+main+a").error["message"] == (
        "Too many tasks. Limit: 4, Current: 2, Adding: 3 (task limit exceeded)"
    )


def test_log_lines_are_digdags(tmp_path: Path) -> None:
    dig = """
    +a: {echo>: hi, mesage: x, _retry: 1}
    +t: {_type: echo, _command: typed}
    +b: {sh>: "exit 3", _retry: 1}
    """
    assert logged(run(tmp_path, dig)).splitlines() == [
        "INFO echo>: hi",
        "ERROR Parameter 'mesage' is not used at task +main+a.",
        "ERROR Parameter '_retry' is not used at task +main+a.",
        "INFO type: echo",
        "INFO sh>: exit 3",
        "ERROR Task failed, retrying",
        "DEBUG (retry: 1) sh>: exit 3",
        "ERROR Task failed with unexpected error: Command failed with code 3",
        "INFO type: notify",
    ]


def test_a_workflow_without_tasks_succeeds(tmp_path: Path) -> None:
    assert run(tmp_path, "_export: {x: 1}\n").states() == {"+main": "success"}


def test_an_unknown_operator_fails_when_it_runs_and_names_near_ones(tmp_path: Path) -> None:
    finished = run(tmp_path, "+a: {ecko>: x}\n")
    assert finished.task("+main+a").error["message"] == "Unknown task type: ecko (config)"


def test_an_export_that_is_no_map_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Parameter '_export' must be an object"):
        run(tmp_path, "+a: {echo>: x, _export: [1]}\n")
