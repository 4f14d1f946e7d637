"""Splitting texts (core 6.5), and results that need no JavaScript."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.params.template import Expression, split


def shape(text: str) -> list[str]:
    """The parts, expressions in «»."""
    return [f"«{part.source}»" if isinstance(part, Expression) else part for part in split(text).parts]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain", ["plain"]),
        ("a ${x} b", ["a ", "«x»", " b"]),
        ("${a}${b}", ["«a»", "«b»"]),
        ("${ a }", ["« a »"]),
        ("${}", []),
        ("a${}b", ["a", "b"]),
        ("${{a: {b: 1}}.a}}", ["«{a: {b: 1}}.a»", "}"]),
        ("${f(function() { return {}; })}", ["«f(function() { return {}; })»"]),
        ("${'}'}", ["«'»", "'}"]),
        ("${x} then ${'{'} and ${x}", ["«x»", " then ", "${'{'} and ${x}"]),
        ("${secret:a.b}", ["${secret:a.b}"]),
        ("${foo:bar} ${x}", ["${foo:bar} ", "«x»"]),
        ("${foo:${x}}", ["${foo:", "«x»", "}"]),
        ("${Secret:x}", ["«Secret:x»"]),
        ("${a1:x}", ["«a1:x»"]),
        ("${ secret:x}", ["« secret:x»"]),
        ("$", ["$"]),
        ("$$ $$$ $$$$", ["$ $$ $$"]),
        ("$${x}", ["$", "«x»"]),
        ("$$${x}$$", ["$", "«x»", "$"]),
        ("$ {x}", ["$ {x}"]),
        ("${'$$'}", ["«'$$'»"]),
        (r"\${1}", ["\\", "«1»"]),
        ("${", ["${"]),
        ("$$${", ["$${"]),
        ("$${v", ["$", "${v"]),
        ("p${v", ["p", "${v"]),
        ("${a ${b}", ["${a ${b}"]),
        ("}", ["}"]),
        ("${a\n+\nb}", ["«a\n+\nb»"]),
    ],
)
def test_a_text_is_split_where_braces_balance(text: str, parts: list[str]) -> None:
    assert shape(text) == parts


@given(st.text("${}ab:' "))
def test_splitting_loses_nothing_but_dollars_and_braces(text: str) -> None:
    joined = "".join(part.source if isinstance(part, Expression) else part for part in split(text).parts)
    assert [c for c in joined if c not in "${}"] == [c for c in text if c not in "${}"]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${s}", "text"),
        ("${n} ${z}", "7 0"),
        ("${yes} ${no}", "true false"),
        ("<${nothing}>", "<>"),
        ("${o.p.q} ${ o.p.q }", "deep deep"),
        ("${o}", '{"p":{"q":"deep"},"é":"\\u0001\\n\\"日本"}'),
        ("${l}", '[1,"a",null,true,[],{}]'),
        ("${max} ${min}", "9007199254740991 -9007199254740991"),
        ("only $$", "only $"),
    ],
)
def test_paths_to_plain_values_need_no_javascript(text: str, result: str) -> None:
    scope = {
        "s": "text", "n": 7, "z": 0, "yes": True, "no": False, "nothing": None, "max": 2**53 - 1, "min": 1 - 2**53,
        "o": {"p": {"q": "deep"}, "é": '\x01\n"日本'}, "l": [1, "a", None, True, [], {}],
    }  # fmt: skip
    assert split(text).without_script(scope) == result


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("${missing}", {}),
        ("${o.missing}", {"o": {}}),
        ("${s.length}", {"s": "text"}),
        ("${l.length}", {"l": []}),
        ("${nothing.x}", {"nothing": None}),
        ("${f}", {"f": 1.5}),
        ("${big}", {"big": 2**53}),
        ("${o}", {"o": {"x": 2**60}}),
        ("${o}", {"o": {"10": 1, "9": 2}}),
        ("${a + 1}", {"a": 1}),
        ("${a} ${a + 1}", {"a": 1}),
        ("${a}", {"a": "x", "Array": 1}),
        ("${a}", {"a": 1, "JSON": 1}),
        ("${print}", {"print": "x"}),
        ("${this}", {"this": "x"}),
        ("${true}", {"true": "x"}),
        ("${undefined}", {"undefined": "x"}),
        ("${日本}", {"日本": "x"}),
        ("${a['b']}", {"a": {"b": 1}}),
    ],
)
def test_anything_else_is_left_to_javascript(text: str, scope: dict[str, object]) -> None:
    assert split(text).without_script(scope) is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a ${x} $$b", ["a ", "«x»", " $b"]),
        ("${a}${b}", ["«a»", "«b»"]),
        ("${{a: 1}.a}", ["«{a: 1»", ".a}"]),
        ("${} a } b", ["«} a »", " b"]),
        ("${{}", ["«{»"]),
        ("${secret:a}", ["${secret:a}"]),
        ("${open and ${x}", ["«open and ${x»"]),
        ("${open", ["${open"]),
    ],
)
def test_old_syntax(text: str, parts: list[str]) -> None:
    template = split(text, extended=False)
    assert [f"«{part.source}»" if isinstance(part, Expression) else part for part in template.parts] == parts
