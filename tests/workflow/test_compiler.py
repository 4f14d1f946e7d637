"""Compiling a workflow into a flat list of tasks (core 4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digdag_tui.workflow.compiler import compile_generated, compile_problems, compile_workflow
from digdag_tui.workflow.config import Config
from digdag_tui.workflow.definition import TaskDefinition, WorkflowDefinition
from digdag_tui.workflow.errors import ConfigError, Position
from digdag_tui.workflow.yaml import load_text

VALIDATION = "io.digdag.core.repository.ModelValidationException: "


def workflow(text: str) -> WorkflowDefinition:
    return WorkflowDefinition("wf", Path("wf.dig"), "UTC", load_text(text, "wf.dig"))


def compiled(text: str) -> list[TaskDefinition]:
    return compile_workflow(workflow(text))


def upstreams(text: str) -> dict[str, list[str]]:
    """Names of the upstreams of the children of `+wf+g`."""
    tasks = compiled(text)
    names = {task.index: task.full_name.rpartition("+")[2] for task in tasks}
    return {names[task.index]: [names[up] for up in task.upstreams] for task in tasks if task.parent == 1}


def error_of(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        compiled(text)
    return caught.value


def test_tree() -> None:
    tasks = compiled(
        "_export: {a: 1}\n+g:\n  +a: {echo>: a}\n  +b:\n    +c: {sh>: c, _type: x}\n+h: {_type: echo, _command: h}\n"
    )

    assert [(t.index, t.full_name, t.parent, t.upstreams, t.is_group) for t in tasks] == [
        (0, "+wf", None, (), True),
        (1, "+wf+g", 0, (), True),
        (2, "+wf+g+a", 1, (), False),
        (3, "+wf+g+b", 1, (2,), True),
        (4, "+wf+g+b+c", 3, (), False),
        (5, "+wf+h", 0, (1,), False),
    ]
    assert [dict(task.config) for task in tasks] == [
        {"_export": {"a": 1}}, {}, {"echo>": "a"}, {}, {"sh>": "c", "_type": "x"}, {"_type": "echo", "_command": "h"},
    ]  # fmt: skip
    assert [task.position for task in tasks] == [
        Position("wf.dig", 1, 1), Position("wf.dig", 2, 1), Position("wf.dig", 3, 3), Position("wf.dig", 4, 3),
        Position("wf.dig", 5, 5), Position("wf.dig", 6, 1),
    ]  # fmt: skip
    assert tasks[2].config.positions == {"echo>": Position("wf.dig", 3, 8)}


@pytest.mark.parametrize(
    ("body", "config", "is_group"),
    [
        ("{}", {}, True),
        ("{_export: {a: 1}, echo>: a}", {"_export": {"a": 1}, "echo>": "a"}, False),
        ("{_export: , echo>: a}", {"echo>": "a"}, False),
        ("{_export: {}, echo>: a}", {"echo>": "a"}, False),
        ("{echo>: , anything: [1]}", {"echo>": None, "anything": [1]}, False),
        ("{_type: , _retry: 1}", {"_type": None, "_retry": 1}, False),
        ("{_disable: true, +x: {b: 1}, a>: , b>: , c: , _after: 1, _error: 1}", {"_disable": True}, True),
        ("{_disable: 'True', echo>: a}", {"_disable": True}, True),
        ("{_disable: false, echo>: a}", {"_disable": False, "echo>": "a"}, False),
        ("{_disable: '', echo>: a}", {"_disable": "", "echo>": "a"}, False),
        ("[{echo>: a}, {_export: {x: 1}}, {echo>: b}]", {"echo>": "b", "_export": {"x": 1}}, False),
        ("[]", {}, True),
        ("{_error: , _check: x, _retry: '${x}'}", {"_error": None, "_check": "x", "_retry": "${x}"}, True),
        (
            "{timezone: x, schedule: 1, sla: 1, _secrets: 1, _parallel: false}",
            {"timezone": "x", "schedule": 1, "sla": 1, "_secrets": 1, "_parallel": False},
            True,
        ),
        ("{_do: {a>: , b>: }, loop>: 1}", {"_do": {"a>": None, "b>": None}, "loop>": 1}, False),
    ],
)
def test_bodies(body: str, config: dict[str, Any], is_group: bool) -> None:
    task = compiled(f"+a: {body}")[1]

    assert task.config == config
    assert list(task.config) == list(config)
    assert task.is_group is is_group


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", {"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}),
        ("_parallel: false, ", {"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}),
        ("_parallel: '', ", {"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}),
        ("_parallel: true, ", {"a": [], "b": [], "c": [], "d": []}),
        ("_parallel: 'TRUE', ", {"a": [], "b": [], "c": [], "d": []}),
        ("_parallel: {limit: 1}, ", {"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}),
        ("_parallel: {limit: 2, x: 1}, ", {"a": [], "b": [], "c": ["a", "b"], "d": ["a", "b"]}),
        ("_parallel: {limit: '3'}, ", {"a": [], "b": [], "c": [], "d": ["a", "b", "c"]}),
        ("_parallel: {limit: 0}, ", {"a": [], "b": [], "c": [], "d": []}),
        ("_parallel: {limit: -3}, ", {"a": [], "b": [], "c": [], "d": []}),
    ],
)
def test_order_of_siblings(options: str, expected: dict[str, list[str]]) -> None:
    children = ", ".join(f"+{name}: {{echo>: {name}}}" for name in "abcd")

    assert upstreams(f"+g: {{{options}{children}}}") == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"b": "_background: true"}, {"a": [], "b": [], "c": ["a", "b"], "d": ["c"]}),
        ({"b": "_background: true", "c": "_background: 'true'"}, {"a": [], "b": [], "c": [], "d": ["a", "b", "c"]}),
        ({"a": "_background: true", "d": "_background: 1"}, {"a": [], "b": ["a"], "c": ["b"], "d": []}),
        ({"b": "_background: false"}, {"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}),
        ({"b": "_disable: true, _background: true"}, {"a": [], "b": ["a"], "c": ["b"], "d": ["c"]}),
    ],
)
def test_background(options: dict[str, str], expected: dict[str, list[str]]) -> None:
    text = "+g:\n" + "".join(f"  +{name}: {{{options.get(name, '_retry: 0')}, echo>: x}}\n" for name in "abcd")

    assert upstreams(text) == expected
    assert not [task for task in compiled(text) if "_background" in task.config]


def test_after() -> None:
    text = (
        "+g:\n  _parallel: {limit: 2}\n  +a: {echo>: a}\n  +b: {_after: [+a, +a], echo>: b}\n"
        "  +c: {_after: [], echo>: c}\n  +d: {_after: [+a, +c], echo>: d}\n  +e: {_after: , echo>: e}\n"
    )

    assert upstreams(text) == {"a": [], "b": ["a", "a"], "c": ["a", "b"], "d": ["a", "c", "a", "b"], "e": ["c", "d"]}
    assert not [task for task in compiled(text) if "_after" in task.config]


def test_background_false_stays_in_a_parallel_group() -> None:
    assert compiled("+g: {_parallel: true, +a: {_background: false, echo>: a}}")[2].config["_background"] is False


AFTER_NOT_PARALLEL = 'Setting "_after" option is invalid if its parent task doesn\'t have "_parallel: true" option'
BACKGROUND_IN_PARALLEL = (
    'Setting "_background: true" option is invalid (unnecessary) if its parent task has "_parallel: true" option'
)


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("+t: {_retry: 1, echo>: a, +s: {echo>: b}}", 'A task can\'t have subtasks: {"_retry":1,"echo>":"a"}', (1, 27)),
        ("+t: {_type: a, +s: {}}", 'A task can\'t have subtasks: {"_type":"a"}', (1, 16)),
        ("+t: {echo>: a, sh>: b}", 'A task can\'t have more than one operator: {"echo>":"a","sh>":"b"}', (1, 16)),
        (
            "+t: {echo>: a, _error: {echo>: b, c>: d}}",
            'A task can\'t have more than one operator: {"echo>":"b","c>":"d"}',
            (1, 35),
        ),
        (
            "_error: {+x: {echo>: b, c>: d}}",
            'A task can\'t have more than one operator: {"echo>":"b","c>":"d"}',
            (1, 25),
        ),
        ("+t: {_error: 1, echo>: a}", "Parameter '_error' must be an object", (1, 6)),
        ("+t: hello", "Parameter '+t' must be an object or array of objects", (1, 1)),
        ("+g: {+t: }", "Parameter '+t' must be an object or array of objects", (1, 6)),
        ("+g: [{}, hello]", 'Expected object but got "hello"', (1, 1)),
        (
            "+t: {_disable: '${x}', echo>: a}",
            "Expected 'true' or 'false' for key '_disable' but got \"${x}\" (string)",
            (1, 6),
        ),
        ("+g: {+a: {}, +b: {_after: [+a]}}", AFTER_NOT_PARALLEL, (1, 19)),
        ("+g: {_parallel: false, +b: {_after: []}}", AFTER_NOT_PARALLEL, (1, 29)),
        ("+g: {_parallel: true, +b: {_background: true}}", BACKGROUND_IN_PARALLEL, (1, 28)),
        ("+g: {_parallel: {limit: 2}, +b: {_background: 'true'}}", BACKGROUND_IN_PARALLEL, (1, 34)),
        ("+g: {_parallel: true, +a: {_after: [+b]}, +b: {}}", "Dependency task '+b' does not exist", (1, 28)),
        ("+g: {_parallel: true, +a: {_after: [+a]}}", "Dependency task '+a' does not exist", (1, 28)),
        ("+g: {_parallel: true, +a: {_after: [null]}}", "Dependency task 'null' does not exist", (1, 28)),
        (
            "+g: {_parallel: true, +a: {_after: +b}}",
            "Expected array type for key '_after' but got \"+b\" (string)",
            (1, 28),
        ),
        ("+g: {_parallel: 3}", "Invalid _parallel format: 3", (1, 6)),
        ("+g: {_parallel: [1]}", "Invalid _parallel format: [1]", (1, 6)),
        ("+g: {_parallel: }", "Invalid _parallel format: null", (1, 6)),
        ("+g: {_parallel: tru}", "Expected 'true' or 'false' for key '_parallel' but got \"tru\" (string)", (1, 6)),
        ("+g: {_parallel: '${x}'}", "Expected 'true' or 'false' for key '_parallel' but got \"${x}\" (string)", (1, 6)),
        ("+g: {_parallel: {}}", "Parameter 'limit' is required but not set", (1, 6)),
        ("+g: {_parallel: {limit: x}}", "Expected integer (int) type for key 'limit' but got \"x\" (string)", (1, 18)),
        ("+a: {_background: x}", "Expected 'true' or 'false' for key '_background' but got \"x\" (string)", (1, 6)),
        (
            "+g: {+b c: {}}",
            f"{VALIDATION}Validating workflow task failed\nname must not contain character ' ': \"+b c\"",
            (1, 6),
        ),
        (
            "+g: {k: 1, +a: {}}",
            f'{VALIDATION}Validating workflow failed\n+wf+g contains invalid keys: \'k\': "{{"k":1}}"',
            (1, 6),
        ),
    ],
)
def test_messages(text: str, message: str, position: tuple[int, int]) -> None:
    error = error_of(text)

    assert error.message == message
    assert error.position == Position("wf.dig", *position)


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("_parralel", "'_parralel' (did you mean [_parallel]?)"),
        ("_erro", "'_erro' (did you mean [_error, _retry]?)"),
        ("_exports", "'_exports' (did you mean [_export]?)"),
        ("echo", "'echo'"),
        ("_type_", "'_type_'"),
    ],
)
def test_invalid_keys_of_groups(key: str, shown: str) -> None:
    assert (
        error_of(f"+g:\n  {key}: 1\n").message.splitlines()[1]
        == f'+wf+g contains invalid keys: {shown}: "{{"{key}":1}}"'
    )


def test_invalid_keys_of_all_groups_are_told_at_once() -> None:
    error = error_of("+a: {x: 1, timezon: 2, +b: {y: 1}}\n+c: {z: 1}\n")

    assert error.message == (
        f"{VALIDATION}Validating workflow failed\n"
        '+wf+a contains invalid keys: \'x\', \'timezon\' (did you mean [timezone]?): "{"x":1,"timezon":2}"\n'
        '+wf+a+b contains invalid keys: \'y\': "{"y":1}"\n'
        '+wf+c contains invalid keys: \'z\': "{"z":1}"'
    )


def test_errors_of_structure_come_before_names_and_names_before_keys() -> None:
    keys, names, structure = "+a: {k: 1}\n", "+b: {+x y: {}}\n", "+c: {d>: , e>: }\n"

    assert "invalid keys" in error_of(keys).message
    assert "+x y" in error_of(keys + names).message
    assert "more than one operator" in error_of(keys + names + structure).message


def test_root_with_a_name_that_no_task_may_have() -> None:
    definition = WorkflowDefinition("my flow", Path("my flow.dig"), "UTC", Config())

    with pytest.raises(ConfigError, match=r"name must not contain character ' ': \"\+my flow\""):
        compile_workflow(definition)


def test_problems_tells_everything() -> None:
    text = "+a: {k: 1, _retr: 1}\n+b: {+x y: {}}\n+c: {d>: , e>: , _error: {f: 1}}\n+d: 1\n+e: {_parallel: 1}\n"

    found = compile_problems(workflow(text))

    assert sorted((problem.position.line, problem.message) for problem in found if problem.position) == [
        (1, "+wf+a contains invalid keys: '_retr'"),
        (1, "+wf+a contains invalid keys: 'k'"),
        (2, "name must not contain character ' ': \"+x y\""),
        (3, "+wf+c^error contains invalid keys: 'f'"),
        (3, 'A task can\'t have more than one operator: {"d>":null,"e>":null,"_error":{"f":1}}'),
        (4, "Parameter '+d' must be an object or array of objects"),
        (5, "Invalid _parallel format: 1"),
    ]
    assert all(problem.hint for problem in found)


def test_problems_of_a_good_workflow() -> None:
    assert compile_problems(workflow("+a: {echo>: a}\n")) == []


@pytest.mark.parametrize(
    ("key", "hint"),
    [("echo", "write echo>: for an operator"), ("_parralel", "did you mean _parallel?"), ("_x", "tasks and options")],
)
def test_hints_for_invalid_keys(key: str, hint: str) -> None:
    (problem,) = compile_problems(workflow(f"+g: {{{key}: 1}}"))

    assert hint in (problem.hint or "")


def test_generated_tasks() -> None:
    body = {"_export": {"i": 0}, "+a": {"echo>": "a"}, "+b": {"echo>": "b"}}

    tasks = compile_generated("+wf+loop", "^sub", body)

    assert [(t.full_name, t.parent, t.upstreams, t.is_group, t.config) for t in tasks] == [
        ("+wf+loop^sub", None, (), True, {"_export": {"i": 0}}),
        ("+wf+loop^sub+a", 0, (), False, {"echo>": "a"}),
        ("+wf+loop^sub+b", 0, (1,), False, {"echo>": "b"}),
    ]
    assert body == {"_export": {"i": 0}, "+a": {"echo>": "a"}, "+b": {"echo>": "b"}}


def test_generated_operator() -> None:
    (task,) = compile_generated("+wf+t", "^error", {"echo>": "a", "_parallel": "${x}"})

    assert task.full_name == "+wf+t^error"
    assert not task.is_group


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"+a": {"echo>": "x", "b>": 1}}, 'A task can\'t have more than one operator: {"echo>":"x","b>":1}'),
        ({"+a b": {}}, f"{VALIDATION}Validating workflow task failed\nname must not contain character ' ': \"+a b\""),
        (
            {"+a": {"echo": 1}},
            f'{VALIDATION}Validating workflow failed\n+wf+t^sub+a contains invalid keys: \'echo\': "{{"echo":1}}"',
        ),
    ],
)
def test_generated_tasks_that_are_refused(body: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_generated("+wf+t", "^sub", body)

    assert caught.value.message == message


def test_deep_generated_tasks_are_refused() -> None:
    body: dict[str, Any] = {}
    for _ in range(300):
        body = {"+a": body}

    with pytest.raises(ConfigError, match="nested more than 200 deep"):
        compile_generated("+wf+t", "^sub", body)


names = st.sampled_from(
    [
        "+a",
        "+b",
        "+c",
        "+d e",
        "echo>",
        "sh>",
        "_type",
        "_disable",
        "_parallel",
        "_background",
        "_after",
        "_error",
        "_export",
        "_check",
        "_retry",
        "key",
    ]
)
values = st.sampled_from([None, True, False, 0, 2, "", "true", "x", [], ["+a"], ["+a", "+b"], {}, {"limit": 2}])
bodies: st.SearchStrategy[Any] = st.recursive(
    st.dictionaries(names, values, max_size=3),
    lambda inner: st.dictionaries(names, inner | values, max_size=5),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None)
@given(bodies.filter(lambda body: isinstance(body, dict)))
def test_any_body_gives_a_tree_or_a_config_error(body: dict[str, Any]) -> None:
    definition = WorkflowDefinition("wf", Path("wf.dig"), "UTC", Config(body))
    problems = compile_problems(definition)
    try:
        tasks = compile_workflow(definition)
    except ConfigError:
        assert problems
    else:
        assert not problems
        for task in tasks:
            assert task.parent is None or task.parent < task.index
            assert all(up < task.index and tasks[up].parent == task.parent for up in task.upstreams)


REFUSED = "io.digdag.core.repository.ModelValidationException: Validating workflow"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{+a: {+x: , b>: 1}, +c: 1}", "Parameter '+c' must be an object or array of objects"),
        ("{+a: {+b: {+y: 1}, x>: }}", 'A task can\'t have subtasks: {"x>":null}'),
        ("{+a: {_disable: true, +x: 1}}", "Parameter '+x' must be an object or array of objects"),
        ("{+a: {+x: 1, _disable: no}}", "Parameter '+x' must be an object or array of objects"),
        ("{+a: {_disable: no, x>: , y>: }}", "Expected 'true' or 'false' for key '_disable' but got \"no\" (string)"),
        (
            "{+a: {x>: , y>: , _error: 1}}",
            'A task can\'t have more than one operator: {"x>":null,"y>":null,"_error":1}',
        ),
        ("{_error: 1, +a: {x>: , y>: }}", 'A task can\'t have more than one operator: {"x>":null,"y>":null}'),
        (
            "{+a: {+b: {_after: [+x]}, _error: 1}}",
            'Setting "_after" option is invalid if its parent task doesn\'t have "_parallel: true" option',
        ),
        ("{+a: {foo: 1}, +b: {_parallel: 3}}", "Invalid _parallel format: 3"),
        (
            "{+a: {foo: 1}, +b: {+c d: {}}}",
            f"{REFUSED} task failed\nname must not contain character ' ': \"+c d\"",
        ),
        (
            "{+a: {foo: 1, _background: true}}",
            f'{REFUSED} failed\n+wf+a contains invalid keys: \'foo\': "{{"foo":1,"_background":true}}"',
        ),
    ],
)
def test_the_first_of_several_errors(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_workflow(WorkflowDefinition("wf", Path("wf.dig"), "UTC", load_text(text, "wf.dig")))

    assert caught.value.message == message
