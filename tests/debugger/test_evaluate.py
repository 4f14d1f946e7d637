"""Evaluating in a task's scope: what the engine would make of it, its type, nearest names, and completion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from digdag_tui.debugger.evaluate import Variables, as_expression, complete, evaluate, is_true, variables
from digdag_tui.debugger.inspect import inspect
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.params.template import TemplateError
from digdag_tui.workflow.errors import DigdagError

from ..support import debugged

FLOW = """
timezone: Asia/Tokyo
_export:
  amount: 21
  name: Ada
  db: {host: local, ports: [5432, {main: 1}], odd key: 1}
+g:
  _export: {inner: 1}
  +t:
    echo>: "${amount}"
    own: "${amount + 1}"
    timezone: America/New_York
"""


@pytest.fixture(scope="module")
def scopes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Variables]]:
    project: Path = tmp_path_factory.mktemp("project")
    with debugged(project, FLOW) as run:
        attempt, evaluator = run.session.attempt, Evaluator()
        yield {
            name: variables(task, inspect(attempt, task, evaluator))
            for name in ("+main+g", "+main+g+t")
            if (task := run.task(name))
        }


@pytest.fixture
def scope(scopes: dict[str, Variables]) -> Variables:
    return scopes["+main+g+t"]


@pytest.mark.parametrize(
    ("text", "kind", "value", "as_text"),
    [
        ("amount * 2", "number", 42, "42"),
        ("amount", "number", 21, "21"),
        (" name ", "string", "Ada", "Ada"),
        ("own", "string", "22", "22"),
        ("own + 1", "string", "221", "221"),
        ("amount > 20 && name == 'Ada'", "boolean", True, "true"),
        ("db.ports", "array", [5432, {"main": 1}], '[5432,{"main":1}]'),
        ("{a: amount}.a", "number", 21, "21"),
        ("({a: amount})", "object", {"a": 21}, '{"a":21}'),
        ("null", "null", None, ""),
        ("task_name", "string", "+main+g+t", "+main+g+t"),
        ("'}'", "string", "}", "}"),
        ("text ${amount} of ${name}", "string", "text 21 of Ada", "text 21 of Ada"),
        ("${amount * 2}", "string", "42", "42"),
        ("moment('2026-01-31').add(1, 'day').format('YYYY-MM-DD')", "string", "2026-02-01", "2026-02-01"),
    ],
)
def test_an_expression_has_a_value_a_type_and_a_text(
    scope: Variables, text: str, kind: str, value: object, as_text: str
) -> None:
    if text == "'}'":
        with pytest.raises(TemplateError, match="Missing close quote"):
            evaluate(text, scope, Evaluator())
        return
    result = evaluate(text, scope, Evaluator())
    assert (result.kind, result.value, result.text) == (kind, value, as_text)


@pytest.mark.parametrize(
    ("text", "kind", "shown", "as_text"),
    [
        ("db.nosuch", "undefined", "undefined", ""),
        ("name * 2", "number", "NaN", "null"),
        ("1 / 0", "number", "Infinity", "null"),
        ("/a/g", "regexp", "/a/g", "{}"),
    ],
)
def test_values_that_json_has_no_word_for(scope: Variables, text: str, kind: str, shown: str, as_text: str) -> None:
    result = evaluate(text, scope, Evaluator())
    assert (result.kind, result.shown, result.text) == (kind, shown, as_text)


def test_what_a_text_is_made_of_is_what_the_engine_makes_of_it(scope: Variables) -> None:
    """Also the local time of moment, which a task's own key does not set."""
    assert evaluate("moment('2026-01-31T00:00:00Z').format()", scope, Evaluator()).text == "2026-01-31T09:00:00+09:00"
    assert evaluate("timezone", scope, Evaluator()).value == "America/New_York"
    assert evaluate("moment(0)", scope, Evaluator()).kind == "moment"


def test_what_a_result_read(scope: Variables) -> None:
    assert evaluate("amount + db.ports[0] + db.nosuch", scope, Evaluator()).variables == ("amount", "db.ports", "db")
    assert evaluate("${name}: ${amount}", scope, Evaluator()).variables == ("name", "amount")


def test_a_groups_own_keys_are_no_params_but_its_export_is(scopes: dict[str, Variables]) -> None:
    assert evaluate("inner", scopes["+main+g"], Evaluator()).value == 1
    with pytest.raises(TemplateError, match="own is not defined"):
        evaluate("own", scopes["+main+g"], Evaluator())


def test_errors_are_in_digdags_words_with_the_nearest_names(scope: Variables) -> None:
    with pytest.raises(TemplateError) as caught:
        evaluate("ammount * 2", scope, Evaluator())
    assert caught.value.reason == "ReferenceError: ammount is not defined"
    assert caught.value.text == "${ammount * 2}"
    assert caught.value.hint == "did you mean amount?"
    with pytest.raises(TemplateError, match="SyntaxError"):
        evaluate("amount *", scope, Evaluator())
    with pytest.raises(DigdagError, match="nothing is typed"):
        evaluate("  ", scope, Evaluator())


def test_a_script_without_end_is_stopped(scope: Variables) -> None:
    with pytest.raises(TemplateError, match=r"time limit of 0\.05 s exceeded"):
        evaluate("(function() { while (true); })()", scope, Evaluator(time_limit=0.05))


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("amount > 2", True), ("amount < 2", False), ("${amount < 2}", False), ("${amount > 2}", True),
        ("''", False), ("name", True), ("0", False), ("1/0*0", False), ("1/0", True), ("null", False),
        ("db.nosuch", False), ("[]", True), ("({})", True), ("moment(0)", True),
    ],
)  # fmt: skip
def test_what_is_true(scope: Variables, text: str, truth: bool) -> None:
    assert is_true(evaluate(text, scope, Evaluator())) is truth


@pytest.mark.parametrize(
    ("text", "start", "candidates"),
    [
        ("am", 0, ("amount",)),
        ("1 + am", 4, ("amount",)),
        ("db.", 3, ("host", "ports")),
        ("db.p", 3, ("ports",)),
        ("db.ports[1].", 12, ("main",)),
        ('db["ports"][1].m', 15, ("main",)),
        ("mom", 0, ("moment",)),
        ("MOUNT", 0, ("amount",)),
        ("amount", 0, ()),
        ("f(x).a", 5, ()),
        ("db.ports[i].", 12, ()),
        ("12a", 2, ()),
        ("am ${am", 5, ("amount",)),
        ("am ${amount} am", 13, ()),
        ("nosuch.a", 7, ()),
    ],
)
def test_names_are_completed(scope: Variables, text: str, start: int, candidates: tuple[str, ...]) -> None:
    found = complete(text, len(text), scope)
    assert (found.start if candidates else start, found.candidates) == (start, candidates)


def test_keys_that_are_no_names_are_not_offered(scope: Variables) -> None:
    assert "echo>" not in complete("", 0, scope).candidates and "amount" in complete("", 0, scope).candidates
    assert "odd key" not in complete("db.o", 4, scope).candidates


def test_completion_looks_at_what_stands_before_the_cursor(scope: Variables) -> None:
    assert complete("am + name", 2, scope).candidates == ("amount",)


def test_a_params_path_as_an_expression(scope: Variables) -> None:
    assert as_expression(("db", "ports")) == "db.ports"
    assert as_expression(("echo>",)) == ""
    assert evaluate(as_expression(("db", "odd key")), scope, Evaluator()).value == 1
