"""Parsing scripts as ECMAScript 5."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.params.javascript.code import compile_template, source_of
from digdag_tui.params.javascript.syntax import Script, ScriptError, parse
from digdag_tui.params.template import split


def script(expression: str) -> Script:
    return parse(*source_of(split("${" + expression + "}")))


def reads(expression: str) -> list[str]:
    return [".".join(path) for path in script(expression).reads]


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("a", ["a"]),
        ("a.b.c + d['e']", ["a.b.c", "d.e"]),
        ("a[b].c", ["a", "b"]),
        ("f(x).y", ["f", "x"]),
        ("s.length", ["s.length"]),
        ("this.a + this['b-c']", ["a", "b-c"]),
        ("typeof a === 'undefined' ? 1 : b", ["a", "b"]),
        ("(function(x) { var y = x; return y + z; })(w)", ["z", "w"]),
        ("(function() { return y; var y; })()", []),
        ("(function f(n) { return n && f(n - 1) + arguments.length; })(3)", []),
        ("(function() { try { a; } catch (e) { e; b; var c; } c; e; })()", ["a", "b", "e"]),
        ("(function() { function g() { return h; } return g; })()", ["h"]),
        ("(function() { for (var i in o) { i; } for (var j = 0; j < n; j++); })()", ["o", "n"]),
        ("(function() { l: while (a) { continue l; } do { b } while (c); })()", ["l", "a", "b", "c"]),
        ("(function() { switch (a) { case b: return c; default: d; } })()", ["a", "b", "c", "d"]),
        ("{a: b, 'c': d, 1: e, get f() { return g; }}", ["b", "d", "e", "g"]),
        ("[a, , b]", ["a", "b"]),
        ("new A(b).c", ["A", "b"]),
        ("new a.B", ["a.B"]),
        ("a / b / c", ["a", "b", "c"]),
        ("/a/g.test(b)", ["b"]),
        ("/[/{}]/.test(b) ? {a: 1} : /=/", ["b"]),
        ("function() { return a; }()", ["a"]),
        ("x ? /y/ : z", ["x", "z"]),
        ("\\u0061bc", ["abc"]),
        ("日本 + é", ["日本", "é"]),
        ("a /* b */ + c // d\n", ["a", "c"]),
        ("let + yield + static + of + async", ["let", "yield", "static", "of", "async"]),
        ("a.if.class", ["a.if.class"]),
        ("void 0, delete a, -b, +c, ~d, !e", ["a", "b", "c", "d", "e"]),
        ("a in b instanceof c", ["a", "b", "c"]),
        ("0x1F + .5 + 1. + 1e3 + 010", []),
    ],
)
def test_free_names_are_found(expression: str, names: list[str]) -> None:
    assert reads(expression) == names


@pytest.mark.parametrize(
    ("expression", "feature"),
    [
        ("x => x", "arrow functions"),
        ("[1].map(x => x)", "arrow functions"),
        ("(a, b) => a", "arrow functions"),
        ("`text`", "template literals"),
        ("f(...a)", "spread"),
        ("[...a]", "spread"),
        ("2 ** 3", "**"),
        ("a?.b", "?."),
        ("a ?? b", "??"),
        ("a ||= b", "||="),
        ("(function() { let x = 1; })()", "let"),
        ("(function() { const x = 1; })()", "const"),
        ("(function() { for (var x of y) {} })()", "for ... of"),
        ("(function(a = 1) {})()", "parameters"),
        ("(function({a}) {})()", "parameters"),
        ("(function(...a) {})()", "parameters"),
        ("(function*() {})()", "generators"),
        ("(function() { var {a} = b; })()", "destructuring"),
        ("(function() { try {} catch {} })()", "catch"),
        ("async function() {}", "async"),
        ("class {}", "classes"),
        ("{a}", "shorthand"),
        ("{a() {}}", "methods"),
        ("{[a]: 1}", "computed"),
        ("f(a,)", "trailing commas"),
        ("0b1", "binary"),
        ("0o7", "octal"),
        ("1_000", "_ in numbers"),
        ("'\\u{41}'", "\\u{"),
        ("/a/y", "flag y"),
        ("/a/u", "flag u"),
    ],
)
def test_newer_syntax_is_refused_with_a_hint(expression: str, feature: str) -> None:
    with pytest.raises(ScriptError) as caught:
        script(expression)
    assert caught.value.hint is not None
    assert "ECMAScript 5" in caught.value.hint
    assert feature in caught.value.hint


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (" ", "Expected an operand but found )"),
        ("1 +", "Expected an operand but found )"),
        ("a b", "Expected ) but found b"),
        ("a 'b'", "Expected ) but found b"),
        ("var x = 1", "Expected an operand but found var"),
        ("a; b", "Expected ) but found ;"),
        ("f(a b)", "Expected , but found b"),
        ("[a b]", "Expected , but found b"),
        ("a ? b", "Expected : but found )"),
        ("a.1", "Expected ) but found .1"),
        ("a.", "Expected ident but found )"),
        ('"', "Missing close quote"),
        ("'\\x4'", "Invalid hex digit"),
        ("@", "Expected an operand but found error"),
        ("a#", "Expected ) but found error"),
        ("a\n++b", "Expected ) but found ++"),
        ("1 = 2", "Invalid left hand side for assignment"),
        ("f() = 2", "Invalid left hand side for assignment"),
        ("++1", "Invalid left hand side for assignment"),
        ("(function() { try {} })()", "Missing catch or finally after try"),
        ("(function() { throw\n1 })()", "Expected an operand but found 1"),
        ("1 // one", "Expected ) but found "),
        ("/a", "Expected an operand but found /"),
        ("3in", "Missing space after numeric literal"),
    ],
)
def test_errors_are_in_digdags_words(expression: str, message: str) -> None:
    with pytest.raises(ScriptError) as caught:
        script(expression)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("expression", "changes"),
    [
        ("a.b", False),
        ("a == b", False),
        ("a = 1", True),
        ("a += 1", True),
        ("a++", True),
        ("--a", True),
        ("a.b = 1", True),
        ("a[0] = 1", True),
        ("(a.b) = 1", True),
        ("delete a.b", True),
        ("(function() { var i = 0; i++; i = 2; })()", False),
        ("(function() { i = 0; })()", True),
        ("(function() { var i; return function() { i = 1; }; })()", False),
        ("(function() { for (k in o); })()", True),
        ("(function() { for (var k in o); })()", False),
        ("(function() { with (o) { x; } })()", True),
        ("(function() { try {} catch (e) { e = 1; } })()", False),
    ],
)
def test_changes_beyond_local_variables_are_seen(expression: str, changes: bool) -> None:
    assert script(expression).changes is changes


@pytest.mark.parametrize(
    ("text", "alone", "needs_moment", "names"),
    [
        ("${a + 1}", False, False, {"a"}),
        ("${moment(a).format()}", False, True, {"moment", "a"}),
        ("${new Date()}", False, True, {"Date"}),
        ("${a.map(function(x) { return x[0] + b; })}", False, False, {"a", "b"}),
        ("${x = 2}", True, False, {"x"}),
        ("${a.prototype}", True, True, {"a"}),
        ("${''.constructor}", True, True, set()),
        ("${(function() { return this; })()}", True, True, set()),
        ("${moment[a]()}", True, True, {"moment", "a"}),
        ("${moment().locale()}", True, True, {"moment"}),
        ("${moment()._locale}", True, True, {"moment"}),
        ("${moment([1][0])}", False, True, {"moment"}),
        ("${this.a}", False, False, {"a"}),
        ("${this}", False, False, None),
        ("${this[a]}", False, False, None),
        ("${hasOwnProperty('a')}", False, False, None),
        ("${eval('a')}", True, True, None),
        ("${1)+(a}", True, True, None),
    ],
)
def test_scripts_share_a_context_only_when_they_can_leave_nothing_behind(
    text: str, alone: bool, needs_moment: bool, names: set[str] | None
) -> None:
    code = compile_template(split(text))
    assert (code.alone, code.needs_moment) == (alone, needs_moment)
    own = {"Array", "JSON", "__t", "__p", "__j", "print"}
    assert code.names == (None if names is None else names | own)


@given(st.text("ab.()[]{}'\"/\\+-=,;: \n1?!`$", max_size=30))
def test_any_text_parses_or_is_refused(expression: str) -> None:
    try:
        found = script(expression)
    except ScriptError as error:
        assert 0 <= error.position <= len(source_of(split("${" + expression + "}"))[0])
    else:
        assert isinstance(found, Script)
