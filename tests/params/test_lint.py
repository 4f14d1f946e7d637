"""What is surely not meant with params, found without running anything, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from digdag_tui.operators.registry import operator_forms
from digdag_tui.params.layers import Layer, Source
from digdag_tui.params.lint import all_problems
from digdag_tui.workflow.config import Params

from ..support import write

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
TASKS = """
import json
from functools import lru_cache
import digdag


def needs(x):
    print(x)


def number(x: float):
    print(x)


def default(x=1):
    print(x - 1)


def converts(x: int):
    print(int(x))


def text(x: str = "a"):
    print(x)


def flag(x: bool):
    print(x)


def options(td=None):
    print(td)


def takes_all(**kw):
    print(kw)


@lru_cache
def decorated(x):
    return x


def stores():
    digdag.env.store({"stored": 1}, other=2)


def stores_anything(**kw):
    digdag.env.store(kw)


def reads():
    print(digdag.env.params["wanted"], digdag.env.params.get("maybe"))


def nested():
    stores()


def adds():
    digdag.env.add_subtask(number, y=1)


class Job:
    def __init__(self, where):
        self.where = where

    def run(self, x):
        self.keep()

    def keep(self):
        digdag.env.export(kept=self.where)
        digdag.env.store(done=1)
"""


def found(
    directory: Path,
    main: str,
    files: Mapping[str, str] = {},
    given: Params | None = None,
    source: Source = Source.COMMAND_LINE,
) -> list[str]:
    write(directory, {"main.dig": main, "tasks.py": TASKS, **files})
    layers = [Layer(source, given)] if given else []
    return [str(problem) for problem in all_problems(directory, operator_forms(), layers)]


def kinds(lines: list[str]) -> list[str]:
    """`file:line code` of each problem."""
    return [f"{line.split(':')[0]}:{line.split(':')[1]} {line.rpartition('[')[2].rstrip(']')}" for line in lines]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Names that nothing sets
        ("+a: {echo>: '${regoin}'}", ["main.dig:1 undefined-name"]),
        ("_export: {region: x}\n+a: {echo>: '${regoin}'}", ["main.dig:2 undefined-name"]),
        ("_export: {region: x}\n+a: {echo>: '${region} ${session_date} ${moment(session_time)}'}", []),
        ("+a: {echo>: '${typeof x === \"undefined\" ? 1 : x} ${this.x} ${undefined}'}", []),
        ("+a: {echo>: '${x = 5} ${x}'}", []),
        ("+a: {echo>: '${[1].map(function(item) { return item * 2 })}'}", []),
        ("+a: {echo>: '${m} ${all} ${JSON.stringify(1)} ${parseInt(\"1\")}'}", []),
        ("+a: {py>: tasks.needs, x: 1, y: '${x}', z: 2, w: '${z}'}", ["main.dig:1 unused-key"] * 2),
        ("+a: {sh>: 'echo ${y}', y: 1}", ["main.dig:1 forward-reference"]),
        ("+a: {y: 1, sh>: 'echo ${y}'}", []),
        ("+a: {y: 1, sh>: echo, _env: {Y: '${y}'}}", ["main.dig:1 undefined-name"]),
        ("_export: {bad: '${nope}'}\n+a: {echo>: x}\n+b: {echo>: y}", ["main.dig:1 undefined-name"]),
        ("+g:\n  _export: {x: 1}\n  +a: {echo>: '${x}'}\n+b: {echo>: '${x}'}", ["main.dig:4 undefined-name"]),
        ("+a: {echo>: a, _export: {x: 1}}\n+b: {echo>: '${x}'}", ["main.dig:2 undefined-name"]),
        ("+a: {echo>: '${x}', _export: {x: 1}}", []),
        ("_export: {o: {b: 1}}\n+a: {echo>: '${o.b} ${o.c}'}", ["main.dig:2 undefined-name"]),
        ("_export: {o: {b: 1}}\n+a: {echo>: '${o.c || 1} ${o.b.length} ${o.hasOwnProperty(\"c\")}'}", []),
        ("_error: {echo>: '${error.message}'}\n+a: {echo>: a}", []),
        ("+a: {echo>: '${error.message}'}", ["main.dig:1 undefined-name"]),
        ("+a: {echo>: '${last_session_time}'}", ["main.dig:1 undefined-name"]),
        ("schedule: {daily>: '07:00:00'}\n+a: {echo>: '${last_session_date} ${next_session_time}'}", []),
        ("+a: {echo>: '${last_executed_session_date}'}", []),
        # What loops set
        ("+a:\n  loop>: 2\n  _do: {echo>: '${i}'}\n+b: {echo>: '${i}'}", ["main.dig:4 undefined-name"]),
        ("+a:\n  for_each>: {x: [1], y: [2]}\n  _do:\n    +b: {echo>: '${x} ${y}'}", []),
        ("+a:\n  for_range>: {from: 0, to: 4, step: 2}\n  _do: {echo>: '${range.from} ${range.index}'}", []),
        ("+a:\n  td_for_each>: ''\n  query: select 1\n  database: d\n  _do: {echo>: '${td.each.x}'}", []),
        # What tasks store
        ("+a: {py>: tasks.stores}\n+b: {echo>: '${stored} ${other}'}", []),
        ("+a: {py>: tasks.nested}\n+b: {echo>: '${stored}'}", []),
        ("+a: {py>: tasks.Job, where: x, x: 1}\n+b: {echo>: '${done}'}", []),
        ("+b: {echo>: '${stored}'}\n+a: {py>: tasks.stores}", ["main.dig:1 forward-reference"]),
        ("_parallel: true\n+a: {py>: tasks.stores}\n+b: {echo>: '${stored}'}", ["main.dig:3 forward-reference"]),
        ("_parallel: true\n+a: {py>: tasks.stores}\n+b: {echo>: '${stored}', _after: [+a]}", []),
        ("+a: {py>: tasks.stores}\n+b: {echo>: '${stored}', _background: true}", ["main.dig:2 forward-reference"]),
        ("+a: {py>: tasks.stores}\n+b: {echo>: '${stored_}'}", ["main.dig:2 undefined-name"]),
        ("_export: {e: '${stored}'}\n+a: {py>: tasks.stores}\n+b: {echo>: '${e}'}", ["main.dig:1 forward-reference"]),
        ("_error: {echo>: '${stored}'}\n+a: {py>: tasks.stores}", []),
        ("+a: {py>: tasks.stores, _check: {echo>: '${stored}'}}", []),
        ("+a: {if>: true, _do: {py>: tasks.stores}}\n+b: {echo>: '${stored}'}", []),
        ("+a:\n  loop>: 2\n  _do:\n    +b: {echo>: '${i == 0 ? 0 : stored}'}\n    +c: {py>: tasks.stores}", []),
        (
            "+a:\n  loop>: 2\n  _do:\n    +b: {echo>: '${stored}'}\n    +c: {py>: tasks.stores}",
            ["main.dig:4 forward-reference"],
        ),
        # What may store anything
        ("+a: {py>: tasks.stores_anything}\n+b: {echo>: '${whatever}'}", []),
        ("+a: {py>: library.function}\n+b: {echo>: '${whatever}'}", []),
        ("+a: {rb>: Job.run}\n+b: {echo>: '${whatever}'}", []),
        ("+a: {http_call>: 'http://h/'}\n+b: {echo>: '${whatever}'}", []),
        ("+a: {call>: '${what}'}\n+b: {echo>: '${whatever}'}\n_export: {what: x}", []),
        ("+a: {sh>: echo}\n+b: {echo>: '${whatever}'}", ["main.dig:2 undefined-name"]),
        # Operators that store
        ("+a: {http>: 'http://h/', store_content: true}\n+b: {echo>: '${http.last_content}'}", []),
        ("+a: {http>: 'http://h/'}\n+b: {echo>: '${http.last_content}'}", ["main.dig:2 undefined-name"]),
        (
            "_export: {td: {database: d}}\n+a: {td>: '', query: q, store_last_results: true}\n"
            "+b: {echo>: '${td.last_results.count} ${td.last_job_id}'}", [],
        ),
        (
            "_export: {td: {database: d}}\n+a: {td>: '', query: q}\n+b: {echo>: '${td.last_results.count}'}",
            ["main.dig:3 undefined-name"],
        ),
        ("_export: {td: {database: d, store_last_results: true}}\n+a: {td>: '', query: q}\n"
         "+b: {echo>: '${td.last_results.count}'}", []),
        ("+a: {param_get>: , key: name}\n+b: {echo>: '${name}'}", []),
        # Texts that are seen before they are evaluated
        ("_export: {day: '${session_date}', td: {table: 't_${day}'}}\n+a: {echo>: a}", ["main.dig:1 raw-template"]),
        ("_export: {day: '2026', td: {table: 't_${day}'}}\n+a: {echo>: a}", []),
        ("_export: {early: '${late}', late: '${1 + 1}'}\n+a: {echo>: a}", ["main.dig:1 raw-template"]),
        ("_export: {late: '${1 + 1}', early: '${late}'}\n+a: {echo>: a}", []),
        # Texts instead of values
        ("_export: {on: '${1 > 2}'}\n+a: {echo>: '${on && \"yes\"}'}", ["main.dig:2 became-text"]),
        ("_export: {on: '${1 > 2}'}\n+a: {if>: '${on}', _do: {echo>: b}}", []),
        ("_export: {on: '${1 > 2}'}\n+a: {echo>: '${on == \"true\" ? 1 : 2}'}", []),
        ("_export: {on: '${1 > 2 ? \"x\" : \"\"}'}\n+a: {echo>: '${on ? 1 : 2}'}", []),
        ("_export: {on: false}\n+a: {echo>: '${on ? 1 : 2}'}", []),
        ("_export: {on: no}\n+a: {echo>: '${!on}'}", ["main.dig:2 became-text"]),
        ("_export: {raw: false, on: '${raw}'}\n+a: {echo>: '${on ? 1 : 2}'}", ["main.dig:2 became-text"]),
        ("_export: {n: '3'}\n+a: {echo>: '${n + 1}'}", ["main.dig:2 became-text"]),
        ("_export: {k: 3, n: '${k}', o: '${2 - 1}'}\n+a: {echo>: '${n + 1} ${o + 1}'}", ["main.dig:2 became-text"] * 2),
        ("_export: {x: 1, on: '${x > 2}'}\n+a: {echo>: '${on ? 1 : 2}'}", ["main.dig:2 became-text"]),
        ("_export: {n: 3}\n+a: {echo>: '${n + 1}'}", []),
        ("_export: {n: '3'}\n+a: {echo>: '${n + \" pieces\"} ${n * 2}'}", []),
        ("_export: {x: 0.05}\n+a: {py>: tasks.needs}", ["main.dig:1 became-text"]),
        ("_export: {x: '0.05'}\n+a: {py>: tasks.needs}", []),
        ("_export: {x: 0.05}\n+a: {py>: tasks.converts}\n+b: {py>: tasks.text}", []),
        ("_export: {x: 0.05}\n+a: {sh>: 'echo ${x}'}", []),
        ("_export: {x: 1.05}\n+a: {py>: tasks.number}", []),
        ("+a: {py>: tasks.number, x: '${1 + 1}'}", ["main.dig:1 became-text"]),
        ("+a: {py>: tasks.converts, x: '${1 + 1}'}", []),
        ("+a: {py>: tasks.default, x: '7'}", ["main.dig:1 became-text"]),
        ("+a: {py>: tasks.flag, x: no}\n+b: {py>: tasks.needs, x: no}", ["main.dig:1 became-text"]),
        # Arguments
        ("_export: {td: {database: d}}\n+a: {py>: tasks.options}", ["main.dig:2 caught-by-argument"]),
        ("_export: {td: {database: d}}\n+a: {py>: tasks.options, td: x}", []),
        ("_export: {x: {a: 1}}\n+a: {py>: tasks.default}", ["main.dig:2 caught-by-argument"]),
        ("_export: {x: 3}\n+a: {py>: tasks.default}", []),
        ("+a: {py>: tasks.needs, x: 1, y: 2}", ["main.dig:1 unused-key"]),
        ("+a: {py>: tasks.takes_all, y: 2}\n+b: {py>: tasks.decorated, z: 1}", []),
        ("+a: {py>: tasks.reads, wanted: 1, maybe: 2}", []),
        ("+a: {py>: tasks.Job, where: 1, x: 2, y: 3}", ["main.dig:1 unused-key"]),
        ("_export: {x: 0.5}\n+a: {py>: tasks.adds}", ["main.dig:1 became-text"]),
        # Secrets
        ("+a: {py>: tasks.needs, x: '${secret:k}'}", ["main.dig:1 literal-secret"]),
        ("+a: {py>: tasks.needs, x: 1, _env: {K: '${secret:k}'}}", []),
        ("_export: {x: '${secret:k}'}\n+a: {py>: tasks.needs}", ["main.dig:1 literal-secret"]),
        ("_export: {x: '${secret:k}'}\n+a: {http>: 'http://h/${x}'}", []),
        ("+a: {http>: 'http://h/', headers: [{A: '${secret:k}'}]}", []),
        ("_export: {_env: {K: v}}\n+a: {sh>: echo}", ["main.dig:1 no-effect"]),
        # Names that are taken
        ("_export: {session_time: x, task_name: y}\n+a: {echo>: a}",
         ["main.dig:1 shadows-built-in", "main.dig:1 shadows-built-in"]),
        ("_export: {last_session_time: x}\n+a: {echo>: a}", []),
        ("timezone: Asia/Tokyo\n_export: {timezone: Asia/Tokyo}\n+a: {echo>: a}", []),
        ("_export: {timezone: Asia/Tokyo}\n+a: {echo>: a}", ["main.dig:1 shadows-built-in"]),
        ("+a: {sh>: echo, timezone: UTC}\n+b: {require>: main, session_time: x}", []),
        ("+a: {sh>: echo, session_date: x}", ["main.dig:1 shadows-built-in"]),
        ("+a:\n  for_each>: {task_name: [1]}\n  _do: {echo>: a}", ["main.dig:2 shadows-built-in"]),
        ("_export: {moment: x}\n+a: {echo>: a}", []),
        ("_export: {moment: x}\n+a: {echo>: '${moment()}'}", ["main.dig:1 shadows-built-in"]),
        ("_export: {JSON: x}\n+a: {echo>: a}", ["main.dig:1 shadows-built-in"]),
    ],
)  # fmt: skip
def test_kinds(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert kinds(found(tmp_path, text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "_export: {region: x}\n+a: {echo>: '${regoin}'}",
            "main.dig:2:6: warning: Nothing sets regoin, which +main+a needs (did you mean region?) [undefined-name]",
        ),
        (
            "+b: {echo>: '${stored}'}\n+a: {py>: tasks.stores}",
            "main.dig:1:6: warning: +main+b needs stored, which +main+a stores later "
            "(move +main+a before it, or set stored in an _export) [forward-reference]",
        ),
        (
            "_export: {on: '${1 > 2}'}\n+a: {echo>: '${on && \"yes\"}'}",
            'main.dig:2:6: warning: on is the text "false" (set at main.dig:1), and inside ${...} every text '
            "but \"\" is true (write on == 'true') [became-text]",
        ),
        (
            "_export: {x: 0.05}\n+a: {py>: tasks.needs}",
            'main.dig:1:11: warning: tasks.needs gets x as the text "0.05": no number of Digdag\'s begins with 0 '
            "(write .05) [became-text]",
        ),
        (
            "_export: {td: {database: d}}\n+a: {py>: tasks.options}",
            'main.dig:2:6: warning: tasks.options(td=None) gets {"database":"d"} (set at main.dig:1), not its default '
            "None (give td beside py>, or rename the argument) [caught-by-argument]",
        ),
        (
            "+a: {py>: tasks.needs, x: 1, xx: 2}",
            "main.dig:1:30: warning: tasks.needs takes no argument xx, and nothing else of the task uses it "
            "(remove it, or add the argument) [unused-key]",
        ),
        (
            "+g:\n  _export: {x: 1}\n  +a: {echo>: a}\n+b: {echo>: '${x}'}",
            "main.dig:4:6: warning: x is exported by +main+g for its own tasks only, not for +main+b "
            "(give it with -p x=…, or set it in an _export) [undefined-name]",
        ),
        (
            "+a: {http>: 'http://h/'}\n+b: {echo>: '${http.last_content}'}",
            "main.dig:2:6: warning: http has no last_content: ${http.last_content} is empty or fails "
            "(store_content: true beside http> stores it) [undefined-name]",
        ),
        (
            "+a: {echo>: '${[1].map(x => x)}'}",
            "main.dig:1:6: error: Failed to evaluate a variable ${[1].map(x => x)} (SyntaxError: <function>:4:17 "
            "Expected , but found =>) (templates are ECMAScript 5, which has no arrow functions: "
            "write function (x) { return x; })",
        ),
    ],
)
def test_one_plain_sentence_each(tmp_path: Path, text: str, expected: str) -> None:
    assert found(tmp_path, text) == [expected]


def test_what_is_given_counts(tmp_path: Path) -> None:
    text = "_export: {a: 1, m: {b: 2}}\n+t: {echo>: '${a} ${m.b} ${m.c} ${target}'}"
    given = {"target": "x", "a": "3", "m": {"b": "2", "c": "4"}}
    assert found(tmp_path, text, given=given) == [
        "main.dig:1:11: warning: -p a=3 has no effect: the _export of +main beats it "
        "(change the value there, or remove it there) [beaten-param]"
    ]
    assert kinds(found(tmp_path, "+t: {echo>: '${on ? 1 : 2}'}", given={"on": "false"})) == ["main.dig:1 became-text"]
    (line,) = found(tmp_path, "+t: {py>: tasks.number}", given={"x": "3"})
    assert line == (
        "warning: tasks.number wants a number as x and gets a text: what -p sets is always text "
        "(give it in a file with -P) [became-text]"
    )
    assert found(tmp_path, "+t: {py>: tasks.number}", given={"x": 3}, source=Source.PARAMS_FILE) == []


def test_a_file_that_others_call_may_use_what_they_set(tmp_path: Path) -> None:
    part = {"part.dig": "+a: {echo>: '${region} ${nowhere}'}"}
    lines = found(tmp_path, "_export: {region: x}\n+p: {call>: part}", part)
    assert [line.partition(",")[0] for line in lines] == ["part.dig:1:6: warning: Nothing sets nowhere"]


def test_a_workflow_that_others_require_may_use_what_they_give(tmp_path: Path) -> None:
    part = {"part.dig": "+a: {echo>: '${region}'}"}
    assert found(tmp_path, "+p: {require>: part, params: {region: x}}", part) == []
    assert kinds(found(tmp_path, "+p: {require>: part}", part)) == ["part.dig:1 undefined-name"]


def test_templates_in_files(tmp_path: Path) -> None:
    main = "_export: {td: {database: d}, table: t}\n+a: {td>: q.sql, day: 1}"
    query = "select *\nfrom ${table}\nwhere day = ${day} and x = ${nothing}\n"
    assert found(tmp_path, main, {"q.sql": query}) == [
        "q.sql:3:28: warning: Nothing sets nothing, which +main+a needs "
        "(give it with -p nothing=…, or set it in an _export) [undefined-name]"
    ]


def test_python_in_another_folder_and_a_called_file(tmp_path: Path) -> None:
    files = {"sub/part.dig": "+a: {py>: job.run}\n+b: {echo>: '${x}'}", "sub/job.py": "import digdag\ndef run():\n"
             "    digdag.env.store(x=1)\n"}  # fmt: skip
    assert found(tmp_path, "+p: {call>: sub/part}\n+q: {echo>: '${x}'}", files) == []


def test_files_that_call_each_other_and_functions_that_add_themselves(tmp_path: Path) -> None:
    files = {
        "other.dig": "+m: {call>: main}",
        "job.py": "import digdag\ndef run(n):\n    digdag.env.add_subtask(run)\n",
    }
    assert found(tmp_path, "+o: {call>: other}\n+j: {py>: job.run, n: 1}", files) == []


def test_a_broken_python_file_and_a_broken_workflow_hide_nothing_else(tmp_path: Path) -> None:
    files = {"job.py": "def run(:\n", "broken.dig": "+a: {echo>: x, sh>: y}"}
    assert kinds(found(tmp_path, "+a: {echo>: '${x}'}\n+b: {py>: job.run}", files))[1:] == [
        "main.dig:1 undefined-name", "main.dig:2 missing-function",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        ("articles/python-api", []),
        (
            "articles/td-guide",
            [
                "arguments.dig:14 caught-by-argument",
                "arguments.dig:21 caught-by-argument",
                "py_scripts/data.py:1 outside-digdag",
                "secrets.dig:12 literal-secret",
                "types.dig:12 became-text",
            ],
        ),
        ("sales", ["ingest.dig:4 became-text"]),
    ],
)
def test_examples(project: str, expected: list[str]) -> None:
    lines = [str(problem) for problem in all_problems(EXAMPLES / project, operator_forms())]
    assert kinds(lines) == expected
