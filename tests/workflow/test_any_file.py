"""Whatever a file holds, its author gets a workflow or problems: one sentence each, at a place in the file."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from digdag_tui.workflow.compiler import compile_problems
from digdag_tui.workflow.errors import DigdagError, Problem
from digdag_tui.workflow.include import load_file
from digdag_tui.workflow.project import problems_of
from digdag_tui.workflow.sources import read_source
from digdag_tui.workflow.workflow_file import examine

FILES = [
    b"timezone: Asia/Tokyo\nschedule:\n  daily>: 07:00:00\n\n+load:\n  sh>: load.sh ${session_date}\n  _retry: 3\n",
    b"_export: &defaults\n  td: {database: sales}\n+a:\n  _export: {<<: *defaults, x: 0.5}\n  echo>: ${td.database}\n",
    b"+p:\n  _parallel: {limit: 2}\n  +a: {echo>: a}\n  +b: {echo>: b, _after: [+a]}\n  _error:\n    fail>: ${error}\n",
    b"+loop:\n  loop>: 3\n  _do:\n    +x:\n      py>: |\n        x = 1\n        print(x)\n",
    "+é:\n  echo>: \"日本\\u3042 'x'\"\r\n  # comment\r\n+b: !!str 1\r\n".encode(),
    b"!include : other.dig\n+a: {call>: other}\n",
]
PIECES = [
    b"\t", b" ", b"\n", b"\r", b": ", b"- ", b"? ", b"# ", b"'", b'"', b"[", b"]", b"{", b"}", b",", b"&a ", b"*a",
    b"!x ", b"|\n", b">\n", b"%", b"@", b"`", b"<<: ", b"${", b"---\n", b"...\n", b"\xef\xbb\xbf", b"\xff", b"\xc3",
    b"\x00", b"\x07", b"\xc2\x85", b"\xe2\x80\xa8", b"\xf0\x9f\x98\x80", b"\\", b"!!int ", b"0x", b"+a:", b"_error: ",
    b"_parallel: ", b"null: ", b"!include : ", b"[" * 300, b"{a: " * 300, b"- " * 300, b"&a [*a]", b"9" * 5000,
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A workflow file with a few pieces put in, taken out or repeated."""
    data = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 12)))
        data = data[:start] + draw(st.sampled_from([*PIECES, b"", data[start:end] * 2])) + data[end:]
    return data


def problems(path: Path) -> list[Problem]:
    try:
        workflow, errors = examine(path.stem, path, load_file(path, path.parent))
    except DigdagError as error:
        return list(problems_of(error))
    return [problem for error in errors for problem in problems_of(error)] + compile_problems(workflow)


@settings(max_examples=400)
@given(mutated() | st.binary(max_size=60))
@example(b"\xef\xbb\xbf\xef\xbb\xbf+a: {}\n")
@example(b"+a: {echo>: \xed\xa0\x80}\n")
@example(b"a: &a {b: *a}\n")
@example(b"? {~: 1}\n: 2\n")
def test_any_file_is_taken_or_explained(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "main.dig")
        path.write_bytes(data)
        Path(directory, "other.dig").write_bytes(b"+other: {echo>: x}\n")
        found = problems(path)
        lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", read_source(path, "main.dig"))

    for problem in found:
        assert problem.message
        if problem.position and problem.position.file == "main.dig":
            assert 1 <= problem.position.line <= len(lines)
            assert 1 <= problem.position.column <= len(lines[problem.position.line - 1]) + 1


names = st.sampled_from(["a.dig", "b.dig", "c.dig", "missing.dig", "../a.dig", ".", "", "/etc/passwd", "sub/../b.dig"])


@given(st.dictionaries(st.sampled_from(["a.dig", "b.dig", "c.dig"]), st.lists(names, max_size=3), min_size=1))
def test_any_graph_of_includes_is_taken_or_explained(graph: dict[str, list[str]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        for file, included in graph.items():
            text = "".join(f"!include : '{name}'\n" for name in included) + f"+{file[0]}: {{echo>: x}}\n"
            Path(directory, file).write_text(text)
        start = Path(directory, min(graph))
        try:
            config = load_file(start, Path(directory))
        except DigdagError as error:
            problem = next(iter(problems_of(error)))
            assert problem.position is not None
            assert problem.position.file in graph
            assert problem.message
        else:
            assert f"+{start.name[0]}" in config
