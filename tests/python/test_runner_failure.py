from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

RUNNER = Path(__file__).parents[2] / "digdag_tui" / "python" / "runner.py"


class Failed:
    """What the runner told of a task that failed."""

    def __init__(self, folder: Path, code: str, command: str = "body.f", **params: Any) -> None:
        (folder / "body.py").write_text(textwrap.dedent(code))
        (folder / "in.json").write_text(json.dumps({"params": params}))
        words = [sys.executable, str(RUNNER), command, "in.json", "out.json"]
        done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.code = done.returncode
        self.printed = done.stdout.decode()
        self.text = (folder / "failure.json").read_text()
        self.told = json.loads(self.text)
        self.exceptions: list[dict[str, Any]] = self.told["exceptions"]
        self.output = folder / "out.json"

    @property
    def frames(self) -> list[dict[str, Any]]:
        frames: list[dict[str, Any]] = self.exceptions[0]["frames"]
        return frames

    def local(self, name: str, frame: int = -1) -> dict[str, Any]:
        found: dict[str, Any] = next(each for each in self.frames[frame]["locals"] if each["name"] == name)
        return found


def test_frames_have_lines_around_columns_and_locals(tmp_path: Path) -> None:
    failed = Failed(
        tmp_path,
        """\
        def f(count=3):
            rows = [{"price": 1.5}, {"price": None}]
            return total(rows)


        def total(rows):
            result = 0
            for row in rows:
                result += row["price"] * 2
            return result
        """,
    )
    outer, inner = failed.frames
    assert [outer["function"], inner["function"]] == ["f", "total"]
    assert (inner["file"], inner["line"], inner["first"]) == (str(tmp_path / "body.py"), 9, 6)
    assert inner["lines"][inner["line"] - inner["first"]] == '        result += row["price"] * 2'
    assert len(inner["lines"]) == 5  # the file ends there
    assert failed.local("result") == {"name": "result", "type": "float", "text": "3.0"}
    assert failed.local("row") == {
        "name": "row", "type": "dict", "size": 1, "items": [{"name": "price", "type": "NoneType", "text": "None"}],
    }  # fmt: skip
    assert failed.local("count", 0)["text"] == "3"
    start, end = inner["columns"]
    assert '        result += row["price"] * 2'[start:end] == 'row["price"] * 2'
    assert failed.exceptions[0]["message"].startswith("unsupported operand")


def test_columns_count_characters_not_bytes(tmp_path: Path) -> None:
    failed = Failed(tmp_path, "def f():\n    return 'é日本' + 1 if True else 'é'\n")
    start, end = failed.frames[0]["columns"]
    assert failed.frames[0]["lines"][1][start:end] == "'é日本' + 1"


def test_causes_contexts_notes_and_groups(tmp_path: Path) -> None:
    failed = Failed(
        tmp_path,
        """\
        def f():
            try:
                try:
                    {}["key"]
                except KeyError as error:
                    raise ValueError("second") from error
            except ValueError as error:
                last = RuntimeError("third")
                if hasattr(last, "add_note"):
                    last.add_note("look there")
                raise last
        """,
    )
    assert [(each["class"], each["relation"]) for each in failed.exceptions] == [
        ("RuntimeError", ""), ("ValueError", "context"), ("KeyError", "cause"),
    ]  # fmt: skip
    assert failed.exceptions[0]["notes"] == [{"text": "look there"}]
    group = Failed(tmp_path, "def f():\n    raise ExceptionGroup('two', [ValueError('a'), TypeError('b')])\n")
    assert [(each["class"], each["relation"], each["depth"]) for each in group.exceptions] == [
        ("ExceptionGroup", "", 0), ("ValueError", "member", 1), ("TypeError", "member", 1),
    ]  # fmt: skip


def test_what_is_raised_from_none_and_a_circle_of_causes(tmp_path: Path) -> None:
    quiet = Failed(
        tmp_path,
        "def f():\n    try:\n        1 / 0\n    except ZeroDivisionError:\n        raise ValueError('x') from None\n",
    )
    assert [each["class"] for each in quiet.exceptions] == ["ValueError"]
    circle = Failed(
        tmp_path,
        "def f():\n    a, b = ValueError('a'), ValueError('b')\n    a.__cause__, b.__cause__ = b, a\n    raise a\n",
    )
    assert [each["message"] for each in circle.exceptions] == ["a", "b"]


def test_syntax_and_indentation_errors_have_the_line_and_the_column(tmp_path: Path) -> None:
    failed = Failed(tmp_path, "def f():\n    return = 5\n")
    error = next(each for each in failed.exceptions if each["class"] == "SyntaxError")
    frame = error["frames"][-1]
    assert (frame["line"], frame["function"], frame["source"]) == (2, None, "return = 5")
    assert frame["columns"][0] == 11
    failed = Failed(tmp_path, "def f():\n    x = 1\n      y = 2\n")
    error = next(each for each in failed.exceptions if each["class"] == "IndentationError")
    assert error["frames"][-1]["line"] == 3


def test_frames_of_libraries_are_told_apart(tmp_path: Path) -> None:
    library = tmp_path / "env" / "lib" / "python3.11" / "site-packages" / "lib7"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text("def call(function):\n    return function()\n")
    failed = Failed(
        tmp_path,
        """\
        import sys, json
        sys.path.insert(0, "env/lib/python3.11/site-packages")
        import lib7
        def f():
            lib7.call(inner)
        def inner():
            json.loads("{")
        """,
    )
    found = [(frame["function"].rpartition(".")[2], frame.get("library")) for frame in failed.frames]
    assert found[:3] == [("f", None), ("call", "lib7"), ("inner", None)]
    assert {name for _, name in found[3:]} == {"Python"}
    assert all("locals" not in frame for frame in failed.frames if "library" in frame)


HOSTILE = """\
import os, sys, time


class Raises:
    def __repr__(self):
        raise ValueError("no")


class Exits:
    def __repr__(self):
        os._exit(3)


class Leaves:
    def __repr__(self):
        sys.exit(4)


class Hangs:
    def __repr__(self):
        while True:
            time.sleep(1)


class Floods:
    def __repr__(self):
        print("flooded " * 1000)
        os.write(1, b"flooded")
        return "x" * 10_000_000


class Greedy:
    def __repr__(self):
        return "x" * (4 * 2**30)


class Writes:
    def __repr__(self):
        open("written", "w").close()
        return "wrote"


class Meta(type):
    @property
    def __name__(cls):
        raise ValueError("no name")


class Odd(metaclass=Meta):
    def __getattribute__(self, name):
        raise ValueError("no attribute")


class Text(str):
    def __str__(self):
        raise ValueError("no text")
    def __len__(self):
        raise ValueError("no length")
    def __getitem__(self, key):
        raise ValueError("no item")


class Mapping(dict):
    def items(self):
        raise ValueError("no items")
    def __iter__(self):
        raise ValueError("no keys")


class Numbers(list):
    def __len__(self):
        return -1


def f():
    raises, exits, leaves, hangs, floods = Raises(), Exits(), Leaves(), Hangs(), Floods()
    greedy, odd, text, mapping = Greedy(), Odd(), Text("abc"), Mapping(a=1)
    numbers = Numbers([1, 2])
    huge = 10 ** 100_000
    deep = []
    deep.append(deep)
    wide = list(range(1_000_000))
    long = "y" * 5_000_000
    after = "still here"
    raise ValueError("hostile")
"""


def test_values_that_do_not_want_to_be_shown(tmp_path: Path) -> None:
    failed = Failed(tmp_path, HOSTILE)
    assert failed.code == 1
    assert "flooded" not in failed.printed
    assert "repr raised ValueError" in failed.local("raises")["note"]
    assert "repr raised SystemExit" in failed.local("leaves")["note"]
    for name in ("exits", "hangs"):
        assert "ends the process" in failed.local(name)["note"]
    assert failed.local("floods")["length"] == 10_000_000 and len(failed.local("floods")["text"]) == 1000
    assert failed.local("text")["text"] == "abc"
    assert failed.local("mapping")["items"] == [{"name": "a", "type": "int", "text": "1"}]
    assert [item["text"] for item in failed.local("numbers")["items"]] == ["1", "2"]
    assert failed.local("huge")["note"] == "a number of 332193 bits"
    assert failed.local("wide")["size"] == 1_000_000
    assert len(failed.local("wide")["items"]) < 50
    assert failed.local("long")["length"] == 5_000_000
    assert failed.local("after")["text"] == "still here"
    assert failed.local("odd")["type"] == "Odd"
    assert len(failed.text) < 300_000


def test_everything_hangs_and_the_task_ends_still(tmp_path: Path) -> None:
    names = [f"v{number}" for number in range(40)]
    body = "\n".join(f"    {name} = H()" for name in names)
    code = f"class H:\n    def __repr__(self):\n        while True: pass\ndef f():\n{body}\n    raise ValueError('x')\n"
    failed = Failed(tmp_path, code)
    assert len(failed.frames[0]["locals"]) == 40
    assert failed.exceptions[0]["message"] == "x"


def test_so_many_frames_and_values_that_not_all_are_told(tmp_path: Path) -> None:
    failed = Failed(
        tmp_path,
        """\
        def even(n, data):
            return odd(n + 1, data)
        def odd(n, data):
            return even(n + 1, data)
        def f():
            even(0, [{"key %d" % i: "v" * 500 for i in range(50)} for _ in range(50)])
        """,
    )
    assert failed.exceptions[0]["class"] == "RecursionError"
    assert len(failed.frames) == 25
    assert any(frame.get("skipped", 0) > 900 for frame in failed.frames)
    assert len(failed.text) < 300_000
    same = Failed(tmp_path, "def g(n):\n    return g(n + 1)\ndef f():\n    g(0)\n")
    assert same.frames[1]["times"] > 900
    assert int(next(each for each in same.frames[-1]["locals"] if each["name"] == "n")["text"]) > 900


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("raise MemoryError()", "MemoryError", ""),
        ("x = bytearray(2 ** 62)", "MemoryError", ""),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("raise GeneratorExit('closed')", "GeneratorExit", "closed"),
        ("raise ValueError('\\ud800 日本 \\x1b[31m')", "ValueError", "\ud800 日本 \x1b[31m"),
        ("raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()", "Odd", ""),
        ("import sys; sys.exit('bye')", "SystemExit", "bye"),
    ],
)
def test_exceptions_of_all_kinds(tmp_path: Path, code: str, kind: str, message: str) -> None:
    failed = Failed(tmp_path, f"def f():\n    {code}\n")
    assert (failed.exceptions[0]["class"], failed.exceptions[0]["message"]) == (kind, message)
    assert failed.frames[0]["line"] == 2
    assert failed.code != 0


def test_a_huge_message_is_cut_and_says_so(tmp_path: Path) -> None:
    failed = Failed(tmp_path, "def f():\n    raise ValueError('m' * 3_000_000)\n")
    assert len(failed.exceptions[0]["message"]) == 1000
    assert failed.exceptions[0]["length"] == 3_000_000


def test_what_the_user_changed_in_the_process_does_no_harm(tmp_path: Path) -> None:
    failed = Failed(
        tmp_path,
        """\
        import os, signal, sys, threading
        def f():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.signal(signal.SIGALRM, lambda *_: None)
            threading.Thread(target=threading.Event().wait, daemon=True).start()
            os.makedirs("else", exist_ok=True)
            os.chdir("else")
            sys.path.clear()
            sys.stdout = None
            data = {"a": 1}
            raise ValueError("x")
        """,
    )
    assert failed.local("data")["items"][0]["text"] == "1"
    assert failed.frames[0]["lines"]


def test_what_debugpy_leaves_among_the_locals_is_not_told(tmp_path: Path) -> None:
    failed = Failed(tmp_path, "def f():\n    __pydevd_ret_val_dict = {}\n    size = 1\n    return size / 0\n")
    assert [each["name"] for each in failed.frames[-1]["locals"]] == ["size"]


def test_a_module_that_fails_tells_of_its_data_only(tmp_path: Path) -> None:
    failed = Failed(tmp_path, "import os\nLIMIT = 5\ndef f(): pass\nLIMIT + 'x'\n")
    error = next(each for each in failed.exceptions if each["class"] == "TypeError")
    assert [each["name"] for each in error["frames"][-1]["locals"]] == ["LIMIT"]


def test_a_missing_module_names_the_interpreter(tmp_path: Path) -> None:
    failed = Failed(tmp_path, "import surely_not_installed\n")
    assert "surely_not_installed" in [each.get("missing") for each in failed.exceptions]
    assert failed.told["python"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert os.path.basename(failed.told["python"]["program"]).startswith("python")


def test_the_file_beside_the_runner_is_for_old_pythons_and_needs_no_package() -> None:
    tree = ast.parse(RUNNER.with_name("runner_failure.py").read_text(), feature_version=(3, 7))
    names = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert {str(name).partition(".")[0] for name in names} <= sys.stdlib_module_names
