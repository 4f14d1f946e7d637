"""What functions take from the params and give to them, by their source alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from digdag_tui.workflow.python_source import Function, PythonSource

from ..support import write

PACKAGE = """
import digdag
from digdag import env
from . import other
from .other import imported, Base
import pkg.other as alias


def arguments(a, b=1, *rest, c=2, **kw):
    pass


def kinds(a: int, b: "str", c: float | None, d=True, e={}, f=[], g=None, h: "dict[str, int]" = None):
    range(g)
    str(a)


def stores(name):
    digdag.env.store({"x": 1, "y": 2}, z=3)
    env.export(e=1)


def by_name(key):
    digdag.env.store({key: 1})


def through():
    helper()
    imported()
    other.imported_too()
    alias.third()


def helper():
    digdag.env.store(helped=1)


def reads():
    return digdag.env.params["one"], digdag.env.params.get("two", 0)


def reads_all():
    return dict(digdag.env.params)


def adds():
    digdag.env.add_subtask(helper, a=1)
    digdag.env.add_subtask(Job.step, b=1)
    digdag.env.add_subtask(alias.third)
    digdag.env.subtask_config["_parallel"] = True


def adds_anything():
    digdag.env.add_subtask({"echo>": "x"})


def hands_on(tool):
    tool(digdag.env)


class Job:
    def __init__(self, where):
        pass

    def run(self, what):
        self.keep()

    def keep(self):
        digdag.env.store(kept=1)

    def step(self, b):
        pass

    @staticmethod
    def static(first, second):
        pass


class Derived(Base):
    def run(self, x):
        pass


def wrapper(function):
    return function


@wrapper
def decorated(a):
    pass
"""
OTHER = """
import digdag


class Base:
    pass


def imported():
    digdag.env.store(i=1)


def imported_too():
    digdag.env.store(j=1)


def third():
    digdag.env.store(k=1)
"""


@pytest.fixture
def source(tmp_path: Path) -> PythonSource:
    write(tmp_path, {"pkg/__init__.py": "", "pkg/main.py": PACKAGE, "pkg/other.py": OTHER, "json.py": "def f(): pass"})
    return PythonSource(tmp_path)


def function(source: PythonSource, name: str) -> Function:
    found = source.function(f"pkg.main.{name}")
    assert found
    return found


def test_arguments(source: PythonSource) -> None:
    found = function(source, "arguments")
    assert [str(argument) for argument in found.arguments] == ["a", "b=1"]
    assert found.takes_all and (found.position.file, found.position.line) == ("pkg/main.py", 8)


def test_kinds_of_arguments(source: PythonSource) -> None:
    kinds = {argument.name: argument.wants for argument in function(source, "kinds").arguments}
    assert kinds == {"a": "number", "b": "text", "c": "number", "d": "boolean", "e": "object", "f": "list",
                     "g": "number", "h": "object"}  # fmt: skip
    assert [argument.name for argument in function(source, "kinds").arguments if argument.converts] == ["a"]


@pytest.mark.parametrize(
    ("name", "stored", "is_open"),
    [
        ("stores", {"x", "y", "z"}, False),
        ("by_name", set(), True),
        ("through", {"helped", "i", "j", "k"}, False),
        ("adds", set(), False),
        ("adds_anything", set(), True),
        ("hands_on", set(), True),
        ("reads", set(), False),
        ("Job", {"kept"}, False),
        ("Job.step", set(), False),
    ],
)
def test_what_is_stored(source: PythonSource, name: str, stored: set[str], is_open: bool) -> None:
    found = function(source, name)
    assert (set(found.stores), found.is_open) == (stored, is_open)


def test_exports_and_reads(source: PythonSource) -> None:
    assert set(function(source, "stores").exports) == {"e"}
    assert set(function(source, "reads").reads) == {"one", "two"} and not function(source, "reads").reads_all
    assert function(source, "reads_all").reads_all


def test_subtasks(source: PythonSource) -> None:
    assert [(task.command, task.keys) for task in function(source, "adds").subtasks] == [
        ("pkg.main.helper", ("a",)), ("pkg.main.Job.step", ("b",)), ("pkg.other.third", ()),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arguments", "takes_all"),
    [
        ("Job", ["where", "what"], False),
        ("Job.step", ["where", "b"], False),
        ("Job.static", ["where", "second"], False),
        ("Derived", ["x"], False),
        ("decorated", ["a"], False),
    ],
)
def test_classes_and_decorators(source: PythonSource, name: str, arguments: list[str], takes_all: bool) -> None:
    found = function(source, name)
    assert ([argument.name for argument in found.arguments], found.takes_all) == (arguments, takes_all)


@pytest.mark.parametrize("name", ["pkg.main.nowhere", "nowhere.f", "json.f", "pkg.main.stores.x", "", ".", "a b.c"])
def test_what_is_not_in_the_project(source: PythonSource, name: str) -> None:
    assert source.function(name) is None
