"""What scripts see and give: values, errors, isolation, limits (core 6.5)."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digdag_tui.params.evaluate import Evaluator, TemplateError
from digdag_tui.workflow.config import Params

EVALUATOR = Evaluator()
SCOPE: Params = {
    "a": 7, "b": 2, "big": 9007199254740993, "s": "a.b.c", "hello": "Hello, World", "off": False, "empty": "",
    "o": {"a": 1, "z": {"y": [1, 2]}}, "l": [3, 1, 2], "nothing": None, "f": 1.5, "日本": "日本😀", "a-b": "dash",
    "session_time": "2026-01-31T00:00:00+00:00", "timezone": "UTC",
}  # fmt: skip


def text(template: str, timezone: str = "UTC", **params: object) -> str:
    return EVALUATOR.text(template, {**SCOPE, "timezone": timezone, **params})


def error(template: str, **params: object) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        EVALUATOR.text(template, {**SCOPE, **params})
    return caught.value


@pytest.mark.parametrize(
    ("template", "result"),
    [
        # what becomes of each kind of value
        ("${1 + 1}|${1.50}|${-0}|${true}|${'text'}|${null}|${undefined}|${''}", "2|1.5|0|true|text|||"),
        (
            "${[1, 'a', null, undefined]}|${{a: 1, b: {c: [2]}}}|${[]}|${{}}",
            '[1,"a",null,null]|{"a":1,"b":{"c":[2]}}|[]|{}',
        ),
        ("${0/0}|${1/0}|${1e21}|${1e-7}|${0.1 + 0.2}", "null|null|1e+21|1e-7|0.30000000000000004"),
        ("${(function() { return 1; })}", "undefined"),
        ("${new Date(0)} ${/a/}", '"1970-01-01T00:00:00.000Z" {}'),
        ("${f} ${big} ${o.z}", '1.5 9007199254740992 {"y":[1,2]}'),
        ("${'\\u3042\\ud83d\\ude00'}", "あ😀"),
        ("${'\\ud83d'} ${'\\u0000'}.", "? \0."),
        # the language
        ("${a / b} ${a % b} ${Math.floor(a / b)} ${-a % b} ${a & b} ${a << 3} ${1e3}", "3.5 1 3 -1 2 56 1000"),
        ("${empty || 'x'} ${a && 'and'} ${typeof no === 'undefined' ? 'none' : no} ${!off}", "x and none true"),
        ("${(function f(n) { return n < 2 ? 1 : n * f(n - 1); })(5)} ${Math.max.apply(null, l)}", "120 3"),
        (
            "${hello.toUpperCase()} ${hello.substr(0, 5)} ${hello.split(', ')} ${hello.replace(/o/g, '0')}",
            'HELLO, WORLD Hello ["Hello","World"] Hell0, W0rld',
        ),
        ("${'a1b22'.match(/[0-9]+/g)} ${/^\\d{4}$/.test('2026')}", '["1","22"] true'),
        ("${日本.length} ${日本.charCodeAt(2)} ${日本.split('').length} ${'ß'.toUpperCase()}", "4 55357 4 SS"),
        ("sum: ${l\n  .map(function(n) {\n    return n * 2;\n  })\n  .join(\n    '+'\n  )}", "sum: 6+2+4"),
        ("${1 /* one */ + 1} ${1 // one\n}", "2 1"),
        ("${010} ${0x1F} ${'\\101'}", "8 31 A"),
        ("${1)+(2}", "3"),
        # the text around
        ("it's \"q\" \\n \\\\ ${a} 'x'\n\ttab\r\u2028\0${a}", "it's \"q\" \\n \\\\ 7 'x'\n\ttab\r\u2028\x007"),
        ("a${print('x')}b", "ab"),
        ("${'$' + '{a}'} $$${a + 1}", "${a} $8"),
        # state within a text
        ("${y = 5} ${y + 1} ${a = 2} ${a} ${++a}", "5 6 2 2 3"),
        ("${o.a = 5}${o.a}${l.push(9)}${l.length}", "5544"),
        # the scope
        ("${this['a-b']} ${this.a} ${typeof this.moment} ${this.nobody}", "dash 7 undefined "),
        ("${hasOwnProperty('a-b')} ${Object.keys(this).length > 10}", "true true"),
        ("[${o.b}] [${o['c']}]", "[] []"),
        ("${m} ${all} ${match}|", '["",null]  |'),
        ("${all}", "${all}"),
        ("${eval('a + 1')}", "8"),
    ],
)
def test_values(template: str, result: str) -> None:
    assert text(template) == result


@pytest.mark.parametrize(
    ("template", "params", "result"),
    [
        (
            "${Math} ${escape} ${moment} ${typeof Date}",
            {"Math": "mine", "escape": "me", "moment": "no"},
            "mine me no function",
        ),
        ("${JSON} ${'text'}", {"JSON": "mine"}, "mine text"),
        ("${print}", {"print": 1}, "undefined"),
        ("${let + static}", {"let": 1, "static": 2}, "3"),
        ("${x}", {"x": {"10": "b", "9": "a", "z": "c"}}, '{"9":"a","10":"b","z":"c"}'),
        ("${x.a} ${typeof x.a}", {"x": {"a": float("nan")}}, "NaN string"),
        ("${__proto__}", {"__proto__": "own"}, "own"),
    ],
)
def test_params_shadow_globals(template: str, params: Params, result: str) -> None:
    assert text(template, **params) == result


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ("JSON Math java Java Packages Graal org com", "object"),
        ("Date moment parseInt encodeURIComponent template print load quit escape eval Uint8Array", "function"),
        (
            "console window global globalThis require setTimeout Intl Polyglot Map Set Promise Symbol Proxy WeakMap",
            "undefined",
        ),
        (
            "Object.assign Object.values Array.from Array.of Number.isInteger Math.trunc String.raw JSON.rawJSON",
            "undefined",
        ),
        (
            "[].includes [].find [].flat [].fill [].keys ''.includes ''.padStart ''.startsWith ''.repeat",
            "undefined",
        ),
        ("''.replaceAll ''.contains ''.isEmpty ''.equals ''.hashCode", "undefined"),
        (
            "Object.keys Object.create [].map ''.trim ''.substr JSON.stringify Date.now Function.prototype.bind",
            "function",
        ),
    ],
)
def test_the_library_is_that_of_ecmascript_5(names: str, kind: str) -> None:
    for name in names.split():
        assert (name, text("${typeof " + name + "}")) == (name, kind)


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("${s.replaceAll('[.]', '-')}", "a-b-c"),
        ("${s.replaceAll('.', 'x')} ${s['replaceAll']('[.]', '')} ${typeof s['replaceAll']}", "xxxxx abc undefined"),
        ("${s.replaceAll('(\\\\w)\\\\.(\\\\w)', '$2$1')}", "ba.c"),
        ("${'a1b22'.replaceAll('(?<n>[0-9]+)', '<$' + '{n}>')}", "a<1>b<22>"),
        ("${s.replaceFirst('\\\\.', '\\\\$')}", "a$b.c"),
        ("${'x-y_z'.replaceAll('[^a-z&&[^_]]', '')} ${'Tel 5'.replaceAll('\\\\p{Alpha}+', 'W')}", "xyz W 5"),
        ("${'日本x'.replaceAll('\\\\p{IsHan}+', '')} ${'a.b'.replaceAll('\\\\Q.\\\\E', '')}", "x ab"),
        ("${'aXb'.matches('(?i)axb')} ${'ab'.matches('a')} ${'ab\\n'.replaceAll('b$', '')}.", "true false a\n."),
        ("${s.equals('a.b.c')} ${s.equals(1)} ${s.isEmpty()} ${''.isEmpty()} ${s.length()}", "true false false true 5"),
        (
            "${s.startsWith('a.')} ${s.startsWith('b', 2)} ${s.endsWith('.c')} ${s.endsWith('')} ${s.contains('b')}",
            "true true true true true",
        ),
        (
            "${'abc'.hashCode()} ${'hello world'.hashCode()} ${'b'.compareTo('a')} ${'ab'.compareTo('abc')}",
            "96354 1794106052 1 -1",
        ),
        (
            "${'Ab'.equalsIgnoreCase('aB')} ${'a'.repeat(3)} ${' x '.strip()}| ${' '.isBlank()} ${'ab'.concat('')}",
            "true aaa x| true ab",
        ),
        ("${'%05.1f|%-4s|%,d|%x'.formatted(1.25, 'x', 1234567, 255)}", "001.3|x   |1,234,567|ff"),
        ("${Java.type('java.lang.String').format('%02d-%s%%', 7, 'a')}", "07-a%"),
        ("${java.lang.String.valueOf(3)} ${Java.type('java.lang.String').join('-', ['a', 'b'])}", "3 a-b"),
        ("${(function() { return {contains: function(x) { return x + 1; }}; })().contains(1)}", "2"),
    ],
)
def test_java_string_methods_are_there_for_calls(template: str, result: str) -> None:
    assert text(template) == result


@pytest.mark.parametrize(
    ("template", "reason", "missing"),
    [
        ("${nobody}", "ReferenceError: nobody is not defined", "nobody"),
        ("${nobody()}", "ReferenceError: nobody is not defined", "nobody"),
        ("${o.b.c}", "TypeError: Cannot read property 'c' of undefined", None),
        ("${nothing.x}", "TypeError: Cannot read property 'x' of null", None),
        ("${nothing.isEmpty()}", "TypeError: Cannot read property 'isEmpty' of null", None),
        ("${moment.tz('2026-01-01', 'Asia/Tokyo')}", "TypeError: (intermediate value).tz is not a function", None),
        ("${o.a()}", "TypeError: (intermediate value).a is not a function", None),
        ("${o.contains(1)}", "TypeError: (intermediate value).contains is not a function", None),
        ("${a()}", "TypeError: a is not a function", None),
        ("${s.includes('a')}", "TypeError: (intermediate value).includes is not a function", None),
        ("${s.includes(s.trim())}", "TypeError: (intermediate value).includes is not a function", None),
        ("${(function() { throw new Error('my own error'); })()}", "Error: my own error", None),
        ("${(function() { throw 'a text'; })()}", "a text", None),
        ("${(function() { throw {message: 'm'}; })()}", "Object: m", None),
        (
            "${Java.type('java.util.Date')}",
            "TypeError: Access to host class java.util.Date is not allowed or does not exist.",
            None,
        ),
        ("${new Array(-1)}", "RangeError: invalid array length", None),
        (
            "${1 +}",
            "SyntaxError: <function>:4:10 Expected an operand but found )\n"
            "((__t=(1 +))==null?'':(typeof __t==\"string\"?__t:JSON.stringify(__t)))+\n          ^",
            None,
        ),
        (
            '${"}"}',
            "SyntaxError: <function>:4:68 Missing close quote\n"
            '((__t=("))==null?\'\':(typeof __t=="string"?__t:JSON.stringify(__t)))+\n' + " " * 68 + "^",
            None,
        ),
        ("${1 // one}", "SyntaxError: <function>:5:1 Expected ) but found \n'';\n ^", None),
        (
            "a\nb ${x y}",
            "SyntaxError: <function>:4:9 Expected ) but found y\n"
            "((__t=(x y))==null?'':(typeof __t==\"string\"?__t:JSON.stringify(__t)))+\n         ^",
            None,
        ),
        (
            "${1 = 2}",
            "ReferenceError: <function>:4:7 Invalid left hand side for assignment\n"
            "((__t=(1 = 2))==null?'':(typeof __t==\"string\"?__t:JSON.stringify(__t)))+\n       ^",
            None,
        ),
        ("${/(/}", "SyntaxError: expecting ')'", None),
    ],
)
def test_errors(template: str, reason: str, missing: str | None) -> None:
    found = error(template)
    assert (found.text, found.reason, found.missing) == (template, reason, missing)
    assert found.error_message == f"Failed to evaluate a variable {template} ({reason}) (config)"


@pytest.mark.parametrize(
    ("template", "hint"),
    [
        ("${[1].map(x => x)}", "arrow functions"),
        ("${new Map()}", "has no Map"),
        ("${s.includes('a')}", "indexOf"),
        ("${o.a()}", "o.a is not a function"),
        ("${ }", "write ${} for nothing"),
        ('${"}"}', "also inside quotes"),
        ("${1 // one}", "write /* */"),
    ],
)
def test_hints(template: str, hint: str) -> None:
    assert hint in (error(template).hint or "")


def test_a_param_named_like_a_global_of_digdags_own_code_breaks_it() -> None:
    assert error("${1 + 1}", JSON="mine").reason == "TypeError: (intermediate value).stringify is not a function"
    assert error("${a}", Array="mine").reason == "TypeError: Cannot read property 'join' of undefined"


LEAKS = [
    "${x = 2}",
    "${leak = 3}",
    "${this.x = 4}",
    "${Math.PI = 3}",
    "${Array.prototype.x = 1}",
    "${''.__proto__.y = 1}",
    "${(function() { return this; })().leak = 5}",
    "${o.a = 100}",
    "${l.push(1)}",
    "${delete this.a}",
    "${Object.defineProperty(Math, 'PI', {value: 3})}",
    "${[].push.call(Math, 1)}",
    "${[].push.call(moment.months, 1)}",
    "${moment.locale('xx')}",
    "${moment.updateLocale('en', {months: ['x']})}",
    "${moment.localeData()._months.push('x')}",
    "${moment['loc' + 'ale']('xx')}",
    "${moment.defineLocale('xx', {})}",
    "${moment.fn.format = 1}",
    "${moment.version = 1}",
    "${moment.relativeTimeThreshold('m', 1)}",
    "${moment.now = function() { return 0; }}",
    "${eval('leak = 6')}",
    "${Function('leak = 7')()}",
    "${[].constructor.prototype.z = 1}",
    "${(function() { JSON.x = 1; })()}",
    "${arguments.callee.x = 1}",
    "${[].push.call(arguments.callee, 1)}",
    "${String.fromCharCode = 1}",
    "${(function() { with (Math) { PI = 4; } })()}",
    "${nobody}",
    "${(function() { throw 1; })()}",
    "${1 +}",
    "${Date.prototype.getHours = 1}",
    "${Date.now = 1}",
    "${/a/.constructor.prototype.exec = 1}",
    "${undefined = 1}",
    "${(function f() { return f(); })()}",
    "${Object.prototype.leak = 1}",
    "${moment.duration.fn.humanize = 1}",
]
PROBES = [
    "${typeof leak} ${typeof x} ${typeof y} ${typeof z} ${Math.PI} ${[].x} ${''.y} ${[].z} ${JSON.x} ${({}).leak}",
    "${a} ${o} ${l} ${Math[0]} ${typeof arguments.callee.x} ${arguments.callee[0]} ${String.fromCharCode(65)}",
    "${moment.locale()} ${moment.months()} ${moment.version} ${moment(0).utc().format('MMMM')}",
    "${moment().year() > 2000}",
    "${moment.duration(50, 'm').humanize()} ${moment.localeData('xx')} ${moment.months[0]} ${new Date(0).getHours()}",
    "${/a/.exec('a')} ${moment.utc(session_time).format('LLLL')} ${Date.now() > 0} ${typeof undefined}",
]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(LEAKS), min_size=1, max_size=4))
def test_nothing_leaks_from_one_text_to_the_next(leaks: list[str]) -> None:
    for leak in leaks:
        with suppress(TemplateError):
            EVALUATOR.text(leak, SCOPE)
    assert [EVALUATOR.text(probe, SCOPE) for probe in PROBES] == alone()


@cache
def alone() -> list[str]:
    return [Evaluator().text(probe, SCOPE) for probe in PROBES]


def test_params_are_never_changed() -> None:
    params = {"o": {"a": 1}, "l": [1]}
    Evaluator().text("${o.a = 2}${l.push(2)}${n = 1}", params)
    assert params == {"o": {"a": 1}, "l": [1]}


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("${(function() { while (true) {} })()}", "time limit of 0.1 s exceeded"),
        ("${(function() { try { while (true) {} } catch (e) { return 1; } })()}", "time limit of 0.1 s exceeded"),
        ("${/(a+)+b/.test(new Array(40).join('a'))}", "time limit of 0.1 s exceeded"),
        ("${new Array(4294967295).reverse()}", "time limit of 0.1 s exceeded"),
        ("${[].concat(new Array(4294967295))}", "time limit of 0.1 s exceeded"),
        (
            "${(function() { throw Object.create(null, {a: {get: function() { for (;;); }, enumerable: true}}); })()}",
            "time limit of 0.1 s exceeded",
        ),
        ("${(function() { for (var s = 'x'; ; s += s); })()}", "memory limit of 24 MB exceeded"),
        ("${(function() { for (var a = []; ; ) a.push([1]); })()}", "memory limit of 24 MB exceeded"),
        ("${(function f() { return f(); })()}", "RangeError: Maximum call stack size exceeded"),
        ("${" + "(" * 3000 + "1" + ")" * 3000 + "}", "RangeError: Maximum call stack size exceeded"),
        (
            "${(function() { for (var a = [], i = 0; i < 1e5; i++) a = [a]; return a; })()}",
            "RangeError: Maximum call stack size exceeded",
        ),
    ],
)
def test_limits_are_errors_and_the_next_text_is_fine(template: str, reason: str) -> None:
    evaluator = Evaluator(time_limit=0.1 if "time" in reason else 20, memory_limit=24 * 2**20)
    with pytest.raises(TemplateError) as caught:
        evaluator.text(template, {})
    assert caught.value.reason == reason
    assert evaluator.text("${1 + 1} ${moment.utc(0).format('YYYY')}", {}) == "2 1970"


def test_recursion_has_room() -> None:
    assert text("${(function f(n) { return n ? 1 + f(n - 1) : 0; })(1000)}") == "1000"


def test_each_thread_has_contexts_of_its_own() -> None:
    evaluator = Evaluator()
    results = [evaluator.text("${a + 1}", {"a": 1})]
    threads = [threading.Thread(target=lambda: results.append(evaluator.text("${a + 1}", {"a": 1}))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["2"] * 4


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(values)
def test_what_python_can_print_it_prints_as_javascript_does(value: object) -> None:
    assert EVALUATOR.text("${v}", {"v": value}) == EVALUATOR.text("${(v)}", {"v": value})


@settings(max_examples=150)
@given(
    st.lists(
        st.sampled_from(
            [
                *"}ab.()[]{+='\"/1 \\\n:;xé😀\0",
                "${",
                "$$",
                "=>",
                "//",
                "function(x)",
                "return ",
                "moment",
                "this",
                "new ",
            ]
        ),
        max_size=14,
    ),
    st.dictionaries(st.sampled_from(["a", "b", "x", "Array", "JSON", "moment"]), values, max_size=4),
)
def test_any_text_gives_a_text_or_a_template_error(pieces: list[str], params: Params) -> None:
    template = "".join(pieces)
    try:
        result = EVALUATOR.text(template, params)
    except TemplateError as failed:
        assert failed.text == template
    else:
        assert isinstance(result, str)
