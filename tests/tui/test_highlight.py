"""Source text in colour: what belongs to what, over several lines, in long files, and in broken ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.tui.highlight import Highlighted, language_of, shown
from digdag_tui.tui.lines import ROLES


def roles(text: str, language: str) -> list[dict[str, str]]:
    """What each line has of each role, one after the other with a blank between; blanks themselves left out."""
    lines = text.split("\n")
    highlighted = Highlighted(lines, language)
    found = []
    for number, line in enumerate(lines):
        parts = highlighted.parts(number)
        assert "".join(part for part, _ in parts) == shown(line)
        by_role: dict[str, str] = {}
        for part, role in parts:
            if part.strip():
                by_role[role] = f"{by_role[role]} {part.strip()}" if role in by_role else part.strip()
        found.append(by_role)
    return found


DIG = """\
timezone: UTC  # where
+load:
  _export: {rows: 10, "a b": 'it''s', on: true}
  for_each>:
    region: [east, "we${st}", 3.5]
  _do:
    py>: load.run
    url: http://a/b#c
    !include : 'x.dig'
- ${a.b + 'x' + 3}
key: ${secret:td.apikey}
"""


def test_keys_tasks_operators_and_values_of_dig() -> None:
    lines = roles(DIG, "dig")
    assert lines[0] == {"key": "timezone", "dim": ":", "string": "UTC", "comment": "# where"}
    assert lines[1]["task"] == "+load"
    assert lines[2]["word"] == "_export true" and lines[2]["key"] == 'rows "a b" on'
    assert lines[2]["number"] == "10" and lines[2]["string"] == "'it''s'"
    assert lines[3]["operator"] == "for_each>"
    assert lines[4]["string"] == 'east "we "' and lines[4]["number"] == "3.5"
    assert lines[4]["accent emphasis"] == "st" and lines[4]["accent"] == "${ }"
    assert lines[6] == {"operator": "py>", "dim": ":", "string": "load.run"}
    assert lines[7]["string"] == "http://a/b#c"
    assert lines[8]["word"] == "!include"
    assert lines[9] == {"dim": "- . + +", "accent": "${ }", "accent emphasis": "a b", "string": "'x'", "number": "3"}
    assert lines[10]["warning"] == "${secret:td.apikey}"


def test_texts_of_several_lines_in_dig() -> None:
    text = """\
+a:
  sh>: |   # note
    echo "${rows}" # text: too

    y: ${
      f({a: 1}, x)
    } end
  "two
    lines": ${z}" # after
  b: [1,
    {c: 2}]
  d: "one
    two" # end
+c: {echo>: hi}"""
    lines = roles(text, "dig")
    assert lines[1]["dim"] == ": |" and lines[1]["comment"] == "# note"
    assert lines[2]["string"] == 'echo " " # text: too' and lines[2]["accent emphasis"] == "rows"
    assert lines[4]["string"] == "y:" and lines[4]["accent"] == "${"
    assert lines[5]["accent emphasis"] == "f a x" and "string" not in lines[5]
    assert lines[6] == {"accent": "}", "string": "end"}
    assert lines[9]["key"] == "b" and lines[10]["key"] == "c" and lines[10]["number"] == "2"
    assert lines[12] == {"string": 'two"', "comment": "# end"}
    assert lines[13]["task"] == "+c" and lines[13]["operator"] == "echo>"


PYTHON = '''\
import os  # no "text"
@decorated
class Load(Base):
    """Two
    lines, def no()
    """
    async def run(self, x=1.5, y=r'a\\'b', **rest):
        return f"{x} # no" + 'open
x = None
'''


def test_python() -> None:
    lines = roles(PYTHON, "python")
    assert lines[0]["word"] == "import" and lines[0]["comment"] == '# no "text"'
    assert lines[1]["accent"] == "@decorated"
    assert lines[2]["title"] == "Load"
    assert lines[3]["string"] == '""" Two' and lines[4] == {"string": "lines, def no()"} and lines[5]["string"] == '"""'
    assert lines[6]["word"] == "async def" and lines[6]["title"] == "run" and lines[6]["number"] == "1.5"
    assert lines[6]["string"] == "r'a\\'b'"
    assert lines[7]["string"] == 'f"{x} # no" \'open'
    assert lines[8] == {"": "x =", "word": "None"}


def test_sql_with_templates_in_its_texts() -> None:
    text = """\
-- it's
SELECT "a ""b", 'x ${td["it's"]} y' /* many
 'lines' */ FROM t WHERE n > 12 AND d = 'more
 lines' ${last ? 'LIMIT 3' : ''}"""
    lines = roles(text, "sql")
    assert lines[0] == {"comment": "-- it's"}
    assert lines[1]["word"] == "SELECT" and lines[1]["comment"] == "/* many"
    assert lines[1]["string"] == "' x \"it's\" y'" and lines[1]["accent emphasis"] == "td"
    assert lines[2]["comment"] == "'lines' */" and lines[2]["word"] == "FROM WHERE AND" and lines[2]["number"] == "12"
    assert lines[3]["string"] == "lines' 'LIMIT 3' ''" and lines[3]["accent emphasis"] == "last"


def test_shell() -> None:
    lines = roles("#!/bin/sh\nif [ -f \"$x # y\" ]; then echo 'a\nb' ${y} # c\nfi", "shell")
    assert lines[0] == {"comment": "#!/bin/sh"}
    assert lines[1]["word"] == "if then" and lines[1]["string"] == '" $x # y" \' a'
    assert lines[2]["string"] == "b'" and lines[2]["comment"] == "# c" and lines[2]["accent emphasis"] == "y"
    assert lines[3] == {"word": "fi"}


@pytest.mark.parametrize(
    ("file", "language"),
    [("a.dig", "dig"), ("b/c.YML", "dig"), ("x.py", "python"), ("q.sql", "sql"), ("s.sh", "shell"), ("README", "text")],
)
def test_languages_by_name(file: str, language: str) -> None:
    assert language_of(file) == language


def test_tabs_wide_and_control_characters_line_up() -> None:
    assert shown("\ta\tb") == "    a   b"
    assert shown("日\tx") == "日  x"
    assert shown("a\x1b[31mred\x07\r") == "ared␇␍"


def test_the_end_of_a_long_file_knows_what_is_before_it() -> None:
    inside = ["+a:", "  sh>: |", *["    echo 'one"] * 100_000, "+b:"]
    highlighted = Highlighted(inside, "dig")
    assert highlighted.parts(100_001) == [("    echo 'one", "string")]
    assert highlighted.parts(100_002)[0] == ("+b", "task")


PIECES = [
    "+a:",
    "  ",
    "\n",
    "x>: ",
    "|",
    ">-",
    "'",
    '"',
    '"""',
    "${",
    "}",
    "{",
    "[",
    "#",
    "/*",
    "*/",
    "--",
    "$",
    "\\",
    "日",
    ": ",
]


@given(st.lists(st.sampled_from(PIECES)).map("".join), st.sampled_from(["dig", "python", "sql", "shell", "text"]))
def test_no_text_is_refused_or_lost(text: str, language: str) -> None:
    lines = text.split("\n")
    highlighted = Highlighted(lines, language)
    for number, line in enumerate(lines):
        parts = highlighted.parts(number)
        assert "".join(part for part, _ in parts) == shown(line)
        assert {role for _, roles in parts for role in roles.split()} <= set(ROLES)
