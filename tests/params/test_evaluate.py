"""Evaluating the params of a task (core 6.4)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.params.evaluate import MEMORY_LIMIT, TIME_LIMIT, Evaluator, Path, Reading, TemplateError
from digdag_tui.workflow.config import Config, Params
from digdag_tui.workflow.errors import ConfigError, Position

EVALUATOR = Evaluator()


def evaluate(params: Params, local: Params | None = None) -> Params:
    return EVALUATOR.evaluate(params, local or {})


@pytest.mark.parametrize(
    ("params", "local", "result"),
    [
        # an earlier key is seen evaluated, a later one of the params raw
        ({"a": "${1 + 1}", "b": "<${a}>"}, {}, {"a": "2", "b": "<2>"}),
        (
            {"early": "${late}", "late": "${1 + 1}", "last": "${late}"},
            {},
            {"early": "${1 + 1}", "late": "2", "last": "2"},
        ),
        ({"later": "${z}", "z": "${a}-z", "a": 1}, {}, {"later": "${a}-z", "z": "1-z", "a": 1}),
        ({"z": 1}, {"a": "${z + 1}", "b": "${a}0"}, {"z": 1, "a": "2", "b": "20"}),
        # a key of the task's own counts where the params have it, evaluated, and keeps its place
        ({"x": "param", "y": "<${x}>"}, {"x": "own"}, {"x": "own", "y": "<own>"}),
        ({"y": "<${x}>", "x": "param"}, {"x": "own"}, {"y": "<param>", "x": "own"}),
        # nested objects see raw params and their own keys
        (
            {"a": "${1 + 1}", "m": {"x": "<${a}>", "own": "${2 + 2}", "y": "<${own}>"}, "b": "<${a}>"},
            {},
            {"a": "2", "m": {"x": "<${1 + 1}>", "own": "4", "y": "<4>"}, "b": "<2>"},
        ),
        (
            {"p": "${task_name}", "task_name": "+t"},
            {"m": {"d": "${p}"}},
            {"p": "+t", "task_name": "+t", "m": {"d": "${task_name}"}},
        ),
        ({"x": "param"}, {"x": "own", "m": {"d": "${x}"}}, {"x": "own", "m": {"d": "param"}}),
        (
            {"a": "outer"},
            {"m": {"a": "inner", "b": "${a}"}, "n": "${a}", "o": "${m.b}"},
            {"a": "outer", "m": {"a": "inner", "b": "inner"}, "n": "outer", "o": "inner"},
        ),
        # texts in lists have the scope of the object around
        (
            {"x": 7},
            {"y": "8", "l": ["${x}", 7, ["${y}", {"in": "${x + 2}"}], None]},
            {"x": 7, "y": "8", "l": ["7", 7, ["8", {"in": "9"}], None]},
        ),
        ({"m": {"a": "${1}", "l": ["${a}"]}}, {}, {"m": {"a": "1", "l": ["1"]}}),
        # left alone
        (
            {"a": 1},
            {"_do": {"x": "${a}"}, "_else_do": "${nobody}", "m": {"_do": "${nobody}"}},
            {"a": 1, "_do": {"x": "${a}"}, "_else_do": "${nobody}", "m": {"_do": "${nobody}"}},
        ),
        ({"a": 1}, {"_check": {"x": "${no}"}, "_error": {"y": "${no}"}, "b": 2}, {"a": 1, "b": 2}),
        ({"_error": {"y": "${no}"}, "_check": 1, "a": 1}, {}, {"a": 1}),
        ({"k": "n"}, {"${k}": "v", "m": {"${k}": "${k}"}}, {"k": "n", "${k}": "v", "m": {"${k}": "n"}}),
        (
            {"n": 1, "f": 1.5, "t": True, "z": None, "l": [1, {}]},
            {},
            {"n": 1, "f": 1.5, "t": True, "z": None, "l": [1, {}]},
        ),
        # results are texts, and are not evaluated again
        (
            {"l": [1, 2], "n": 3, "z": None},
            {"a": "${l}", "b": "${n}", "c": "${z}${n == 3}", "d": "${'$' + '{n}'}", "e": "${d}"},
            {"l": [1, 2], "n": 3, "z": None, "a": "[1,2]", "b": "3", "c": "true", "d": "${n}", "e": "${n}"},
        ),
        (
            {"o": {"a": 1, "b": "${1 + 1}"}},
            {"o": {"c": "${2 + 2}"}, "x": "${o.b}${o.c}"},
            {"o": {"a": 1, "b": "2", "c": "4"}, "x": "24"},
        ),
        ({"a": "$$ ${1}$$"}, {}, {"a": "$ 1$"}),
        ({}, {"_type": "${'ec' + 'ho'}", "_command": "x"}, {"_type": "echo", "_command": "x"}),
    ],
)
def test_scopes(params: Params, local: Params, result: Params) -> None:
    assert evaluate(params, local) == result
    assert list(evaluate(params, local)) == list(result)


def test_a_later_key_of_the_task_alone_is_undefined() -> None:
    with pytest.raises(TemplateError) as caught:
        evaluate({}, {"b": "${a}", "a": 1})
    assert caught.value.missing == "a"


def test_one_text_that_fails_fails_the_task() -> None:
    with pytest.raises(TemplateError, match="Failed to evaluate a variable <\\$\\{nope\\}> \\(ReferenceError"):
        evaluate({"fine": "${1}", "broken": "<${nope}>"}, {"echo>": "does not use it"})


def test_assignments_reach_neither_the_next_key_nor_the_params() -> None:
    params = {"x": 1, "o": {"a": 1}}
    local = {"one": "${x = 2}${leak = 3}${o.a = 9}", "two": "${x} ${typeof leak} ${o.a}"}
    assert evaluate(params, local) == {"x": 1, "o": {"a": 1}, "one": "239", "two": "1 undefined 1"}
    assert params == {"x": 1, "o": {"a": 1}}


def test_results_share_nothing_with_what_they_came_from() -> None:
    params: Params = {"m": {"l": [{"a": 1}]}}
    result = evaluate(params)
    result["m"]["l"][0]["a"] = 2
    assert params == {"m": {"l": [{"a": 1}]}}


def test_time_zone_is_the_params_not_the_tasks() -> None:
    local = {"timezone": "UTC", "h": "${new Date(0).getHours()}"}
    assert evaluate({"timezone": "Asia/Tokyo"}, local)["h"] == "9"


def test_errors_know_their_place_in_the_source() -> None:
    place = Position("main.dig", 7, 5)
    local = Config({"m": Config({"x": ["${nope}"]}, {"x": place})}, {"m": Position("main.dig", 6, 3)})
    with pytest.raises(TemplateError) as caught:
        evaluate({}, local)
    assert caught.value.position == place
    with pytest.raises(TemplateError) as caught:
        evaluate(Config({"a": "${nope}"}, {"a": place}), {"b": 1})
    assert caught.value.position == place
    with pytest.raises(TemplateError) as caught:
        evaluate({"a": "${nope}"})
    assert caught.value.position is None


def readings(params: Params, local: Params, **options: Any) -> dict[Path, Reading]:
    record: dict[Path, Reading] = {}
    EVALUATOR.evaluate(params, local, record, **options)
    return record


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("${a}", ("a",)),
        ("${o.p.q} ${a}", ("o.p.q", "a")),
        ("${o.p.missing + a}", ("o.p", "a")),
        ("${l.length} ${l[a]}", ("l", "a")),
        ("${a.toFixed(2)} ${this.a} ${this['o']}", ("a", "o")),
        ("${moment(a).format()}", ("a",)),
        ("${(function(a) { return a + o.p.q; })(1)}", ("o.p.q",)),
        ("$$", ()),
    ],
)
def test_a_reading_names_the_variables(text: str, variables: tuple[str, ...]) -> None:
    found = readings({"a": 1, "o": {"p": {"q": 2}}, "l": [1]}, {"t": text})
    assert found[("t",)].variables == variables


def test_readings_have_paths_and_results() -> None:
    found = readings({"a": 1, "plain": "x"}, {"m": {"l": ["y", {"t": "<${a}>"}]}})
    assert found == {("m", "l", 1, "t"): Reading("<${a}>", "<1>", None, ("a",))}


def test_every_failing_text_can_be_shown() -> None:
    record: dict[Path, Reading] = {}
    local = {"x": "${nope}", "y": "${1 +}", "z": "${a + 1}"}
    result = EVALUATOR.evaluate({"a": 1}, local, record, on_error="record")
    assert result == {"a": 1, "x": "${nope}", "y": "${1 +}", "z": "2"}
    errors = {path: reading.error.reason.partition(":")[0] for path, reading in record.items() if reading.error}
    assert errors == {("x",): "ReferenceError", ("y",): "SyntaxError"}
    assert record[("x",)].result is None


def test_a_recording_ends_at_the_first_failure_otherwise() -> None:
    record: dict[Path, Reading] = {}
    with pytest.raises(TemplateError):
        EVALUATOR.evaluate({}, {"x": "${1}", "y": "${nope}", "z": "${2}"}, record)
    assert list(record) == [("x",), ("y",)]


texts = st.sampled_from(["plain", "$$", "${a}", "${b}", "<${a.b}>", "${a", "${1 + 1}", "${typeof c}", "${c:x}", ""])
values = st.recursive(
    texts | st.integers(-5, 5) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "_do"]), inner, max_size=3),
    max_leaves=5,
)
params_like = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), values, max_size=4)


def shape(value: Any) -> Any:
    """A value with its texts made alike."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else "text" if isinstance(value, str) else value


@given(params_like, params_like)
def test_evaluating_changes_texts_only(params: Params, local: Params) -> None:
    record: dict[Path, Reading] = {}
    result = EVALUATOR.evaluate(params, {}, record, on_error="record")
    assert shape(result) == shape(params)
    again = EVALUATOR.evaluate(params, local, on_error="record")
    assert list(again) == [*params, *(key for key in local if key not in params)]


@given(params_like)
def test_a_texts_result_is_that_of_the_text_alone(params: Params) -> None:
    """In the last key all others have their final values."""
    result = EVALUATOR.evaluate(params, {}, on_error="record")
    for text in ("${a}", "${typeof b} ${c}", "${d.b}"):
        both = []
        for run in (
            lambda text=text: EVALUATOR.evaluate(params, {"z": text}, on_error="record")["z"],
            lambda text=text: EVALUATOR.text(text, result),
        ):
            try:
                both.append(run())
            except TemplateError:
                both.append(text)
        assert both[0] == both[1]


@pytest.mark.parametrize(
    ("settings", "text", "result"),
    [
        ({}, "${{a: 1}.a}", "1"),
        ({"eval.extended-syntax": "false"}, "${n}} ${ n + 1 }", "5} 6"),
        ({"eval.js-engine-type": "nashorn"}, "${n}} ${ n + 1 }", "5} 6"),
        ({"eval.js-engine-type": "graal", "eval.extended-syntax": "True"}, "${{a: n}.a}", "5"),
    ],
)
def test_syntax_is_configured(settings: dict[str, str], text: str, result: str) -> None:
    assert Evaluator.configured(settings).text(text, {"n": 5}) == result


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        (
            {"eval.js-engine-type": "v8"},
            "Parameter 'eval.js-engine-type' must be either of nashorn, graal, or nashorn-graal-check but got v8",
            None,
        ),
        (
            {"eval.extended-syntax": "maybe"},
            "Expected 'true' or 'false' for key 'eval.extended-syntax' but got \"maybe\" (string)",
            None,
        ),
        (
            {"digdag-tui.template-time-limit": "0"},
            "Expected a number above 0 for key 'digdag-tui.template-time-limit' but got \"0\" (string)",
            "seconds, such as 60",
        ),
        (
            {"digdag-tui.template-memory-limit": "much"},
            "Expected a number above 0 for key 'digdag-tui.template-memory-limit' but got \"much\" (string)",
            "megabytes, such as 512",
        ),
    ],
)
def test_configuration_that_is_refused(settings: dict[str, str], message: str, hint: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        Evaluator.configured(settings)
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("settings", "text", "reason", "key"),
    [
        ({TIME_LIMIT: "0.05"}, "${(function() { for (;;); })()}", "time limit of 0.05 s exceeded", TIME_LIMIT),
        (
            {MEMORY_LIMIT: "16"},
            "${(function() { for (var s = 'x'; ; s += s); })()}",
            "memory limit of 16 MB exceeded",
            MEMORY_LIMIT,
        ),
    ],
)
def test_limits_are_configured(settings: dict[str, str], text: str, reason: str, key: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Evaluator.configured(settings).text(text, {})
    assert caught.value.message == f"Failed to evaluate a variable {text} ({reason})"
    assert key in (caught.value.hint or "")
