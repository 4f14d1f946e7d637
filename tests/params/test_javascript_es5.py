"""Where GraalJS's ECMAScript 5 is neither the standard nor today's JavaScript (core 6.5)."""

from __future__ import annotations

import pytest

from digdag_tui.params.evaluate import Evaluator, TemplateError

EVALUATOR = Evaluator()


def evaluated(expression: str) -> str:
    return EVALUATOR.text("${" + expression + "}", {"timezone": "UTC", "l": [3, 1, 2], "n": 2})


def error(expression: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        evaluated(expression)
    return caught.value


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("new Date(0) + ''", "0"),
        ("'at ' + new Date(5)", "at 5"),
        ("new Date(0) == 0", "true"),
        ("String(new Date(0))", "Thu Jan 01 1970 00:00:00 GMT+0000 (UTC)"),
        ("[new Date(0)].join()", "Thu Jan 01 1970 00:00:00 GMT+0000 (UTC)"),
        ("n **= 3", "8"),
        ("typeof 10n", "bigint"),
        ("1n < 2", "true"),
        (r"/(?<y>\d)/.exec('1')", '["1","1"]'),
        (r"'cost $42'.match(/(?<=\$)\d+/)[0]", "42"),
        ("'a1b2'.replace(/(?<!a)\\d/, '*')", "a1b*"),
        ("typeof Error.captureStackTrace", "function"),
        ("(1).toFixed(20).length", "22"),
    ],
)
def test_results(expression: str, result: str) -> None:
    assert evaluated(expression) == result


@pytest.mark.parametrize(
    "expression",
    [
        "[...l]",
        "[1, ...[2]]",
        "(function() { for (var x of l) return x })()",
        "(function() { for (x of l) return x })()",
    ],
)
def test_iteration_is_parsed_and_fails(expression: str) -> None:
    failure = error(expression)
    assert failure.reason == "TypeError: undefined is not a function"
    assert failure.hint is not None
    assert failure.hint.startswith("templates are ECMAScript 5, which has no ")


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("10n", "TypeError"),
        ("f(...l)", "SyntaxError"),
        ("n ** 2", "SyntaxError"),
        ("[...l", "SyntaxError"),
        ("5 = 3", "ReferenceError"),
        ("5 = 3 +", "SyntaxError"),
        ("[a, b] = [1, 2]", "ReferenceError"),
        ("(1).toFixed(21)", "RangeError"),
        ("(1).toPrecision(22)", "RangeError"),
        ("(1).toExponential(21)", "RangeError"),
        ("Object.keys('ab')", "TypeError"),
        ("Object.getPrototypeOf('a')", "TypeError"),
        ("Object.freeze(1)", "TypeError"),
    ],
)
def test_errors(expression: str, kind: str) -> None:
    assert error(expression).reason.startswith(f"{kind}: ")


@pytest.mark.parametrize(
    ("thrown", "reason"),
    [
        ("new Error('boo')", "Error: boo"),
        ("new TypeError('t')", "TypeError: t"),
        ("'text'", "text"),
        ("5", "5"),
        ("null", "null"),
        ("{a: 1}", "Object"),
        ("{message: 'x'}", "Object: x"),
        ("[1, 2]", "Array"),
        ("new Date(0)", "Date"),
        ("/x/g", "RegExp"),
        ("function f() {}", "Function"),
        ("Object.create(null)", "{}"),
        ("(function() { function E(m) { this.message = m } return new E('boo') })()", "E: boo"),
        ("(function() { function E(m) { this.m = m } return new E('boo') })()", "E"),
        ("(function() { function E() { this.n = [1, 'x'] } E.prototype = {}; return new E() })()", '{n: [1, "x"]}'),
        ("(function() { var a = Object.create(null); a.a = a; return a })()", "{a: {a: {a: {a: ...}}}}"),
    ],
)
def test_thrown_values(thrown: str, reason: str) -> None:
    assert error(f"(function() {{ throw {thrown} }})()").reason == reason


@pytest.mark.parametrize("length", [100, 8_191, 8_192, 20_000, 300_000])
def test_long_results(length: int) -> None:
    assert (
        evaluated(f"(function() {{ for (var t = '', i = 0; i < {length}; i++) t += 'é'; return t }})()") == "é" * length
    )


def test_a_long_text_around_scripts() -> None:
    lines = [f"select {index}, '${{n + {index}}}' from some_table_with_a_long_name;\n" for index in range(500)]
    result = EVALUATOR.text("".join(lines), {"n": 1})
    assert result == "".join(line.replace(f"${{n + {index}}}", str(index + 1)) for index, line in enumerate(lines))
