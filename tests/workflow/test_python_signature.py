"""What a function will get by its source alone, against what it gets from the runner that Digdag's tasks run in."""

from __future__ import annotations

import ast
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.workflow.python_signature import Call, Signature
from digdag_tui.workflow.python_source import PythonSource

from ..python.test_runner import run
from ..support import write

SHOW = """
import json


def show(values):
    values = {key: value for key, value in values.items() if key not in ("self", "cls", "__class__")}
    print("@" + json.dumps({key: value for key, value in values.items() if type(value).__module__ != "functions"}))
"""
FUNCTIONS = """
import abc, enum, functools, typing
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, KW_ONLY
from functools import partial
from typing import ClassVar, TYPE_CHECKING
import shown
from shown import show
from library import *
from library import other as renamed, Above

if TYPE_CHECKING:
    from nowhere import checked

try:
    from surely_not_installed import faster
except ImportError:
    def faster(a): show(locals())

if 1:
    def under_if(a, b=2): show(locals())

def none(): show(locals())
def required(a, b): show(locals())
def defaults(a, b="B", c=None, d=1.5, e=(), f={"x": [1]}): show({**locals(), "e": list(e)})
def rest(a, *rest): show(locals())
def keywords(a, **kw): show(locals())
def all_kinds(a, b=1, *rest, c, d=4, **kw): show(locals())
def by_position(a, /, b=1): show(locals())
def by_position_default(a=1, /, b=2): show(locals())
def by_position_keywords(a=1, /, **kw): show(locals())
def by_position_required_keywords(a, /, **kw): show(locals())
def by_keyword(a=1, *, b=2): show(locals())
def by_keyword_required(*, b): show(locals())
def by_keyword_all(*, b, **kw): show(locals())
short = lambda a, b=2: show(locals())
alias = required
bound = partial(required, 1)
bound_by_name = partial(required, a=1)
bound_last = partial(required, b=1)
nested_partial = functools.partial(functools.partial(defaults, 1), c=3)
def unused(a): return 1
del unused
def again(a): show(locals())
def again(b): show(locals())

def same(function):
    return function

def loose(function):
    @functools.wraps(function)
    def inner(*args, **kwargs): return show({"args": list(args), "kwargs": kwargs})
    return inner

def narrow(function):
    def inner(a, b=7): show(locals())
    return inner

def option(value):
    def decorate(function):
        @functools.wraps(function)
        def inner(a): show({"a": a})
        return inner
    return decorate

@same
def decorated_same(a, b=1): show(locals())
@loose
def decorated_loose(a): pass
@narrow
def decorated_narrow(x, y): pass
@option(3)
def decorated_option(x): pass
@same
@loose
def decorated_twice(a): pass

class Plain:
    def run(self): show(locals())
    def work(self, a, b=1): show(locals())

class Job:
    def __init__(self, a, limit=5): show(locals())
    def run(self, b=1, *rest, **kw): show(locals())
    @classmethod
    def of_class(cls, b): show(locals())
    @staticmethod
    def static(a=1, b=2): show(locals())
    @staticmethod
    def static_required(a, b): show(locals())
    @same
    def same(self, b): show(locals())
    @narrow
    def narrow(self): pass
    aliased = of_class
    short = lambda self, b: show({"b": b})
    def by_position(self, a=1, /): show(locals())
    def by_keyword(self, *, b=3): show(locals())

class Loose:
    def __init__(self, **kw): show(locals())
    def run(self, a): show(locals())

class Derived(Job):
    pass

class Second(Above, Job):
    def run(self, c=3): show(locals())

class Diamond(Second, Derived):
    pass

class Generic(typing.Generic[typing.TypeVar("T")]):
    def run(self, a): show(locals())

class Abstract(ABC):
    def __init__(self, a=1): show(locals())
    @abstractmethod
    def helper(self): pass
    def run(self): show(locals())

class Concrete(Abstract):
    def helper(self): pass
    def run(self, b=2): show(locals())

class Meta(metaclass=abc.ABCMeta):
    def run(self): show(locals())

@dataclass
class Data:
    a: int
    b: str = "B"
    c: ClassVar[int] = 3
    d: list = field(default_factory=list)
    e: int = field(default=5, init=False)
    def __post_init__(self): show({"a": self.a, "b": self.b, "d": self.d})
    def run(self, limit=1): show({"limit": limit})

@dataclass
class DerivedData(Data):
    b: str = "other"
    limit: int = 7
    def __post_init__(self): show({"a": self.a, "b": self.b, "d": self.d, "limit": self.limit})

@dataclass(kw_only=True)
class ByKeyword:
    a: int = 1
    def __post_init__(self): show({"a": self.a})
    def run(self): show(locals())

@dataclass
class OwnConstructor:
    a: int
    def __init__(self, b): show(locals())
    def run(self): show(locals())
"""
LIBRARY = """
from shown import show
def from_star(a, b="star"): show(locals())
def other(a=1): show(locals())
def _hidden(a): pass
class Above:
    def __init__(self, b="above"): show(locals())
"""
PACKAGE = {
    "pkg/__init__.py": "from .inner import exported, Deep\nfrom . import inner as same\n",
    "pkg/inner.py": "from shown import show\ndef exported(a, b=3): show(locals())\n"
    "class Deep:\n    def run(self, a): show(locals())\n",
}
COMMANDS = [
    *(f"functions.{name}" for name in (
        "none", "required", "defaults", "rest", "keywords", "all_kinds", "by_position", "by_position_default",
        "by_position_keywords", "by_position_required_keywords", "by_keyword", "by_keyword_required",
        "by_keyword_all", "short", "alias", "bound_last", "nested_partial", "again", "under_if", "renamed",
        "from_star", "decorated_same", "decorated_loose", "decorated_narrow", "decorated_option", "decorated_twice",
        "Plain", "Plain.work", "Job", "Job.of_class", "Job.static", "Job.static_required", "Job.same", "Job.narrow",
        "Job.aliased", "Job.short", "Job.by_position", "Job.by_keyword", "Loose", "Derived", "Derived.static",
        "Second", "Diamond", "Generic", "Concrete.run", "Meta", "Data", "DerivedData", "ByKeyword", "OwnConstructor",
    )),
    "pkg.exported", "pkg.Deep", "pkg.Deep.run", "pkg.inner.exported",
]  # fmt: skip
PARAMS: list[dict[str, Any]] = [
    {},
    {"a": 10},
    {"a": "x", "b": [1, {"y": None}]},
    {"a": 1, "b": 2, "c": 3, "limit": 9, "other": True},
]
"""What tasks see; a real one has more, which only `**` takes."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    write(folder, {"shown.py": SHOW, "functions.py": FUNCTIONS, "library.py": LIBRARY, **PACKAGE})
    return folder


def expected(signature: Signature, params: dict[str, Any]) -> dict[str, Any]:
    """What the view says that a callable gets."""
    values: dict[str, Any] = {}
    slots = signature.slots(params)
    for slot in slots:
        name = slot.argument.name
        match slot.how:
            case "given":
                values[name] = params[name]
            case "default":
                assert slot.argument.default
                text = slot.argument.default
                values[name] = [] if text == "list()" else ast.literal_eval(text)
            case "rest":
                values[name] = []
            case "keywords":
                given = {other.argument.name for other in slots if other.how == "given"}
                values[name] = {key: value for key, value in params.items() if key not in given}
            case _:
                assert slot.how == "bound"
    return json.loads(json.dumps(values))  # type: ignore[no-any-return]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_function_gets_what_is_said(project: Path, command: str) -> None:
    call = PythonSource(project).call(command)
    assert call.problem is None and not any(signature.unknown for signature in call.signatures), call
    for params in PARAMS:
        said = []
        errors: list[str] = []
        for signature in call.signatures:
            slots = signature.slots(params)
            errors = [slot.error or "" for slot in sorted(slots, key=lambda slot: slot.how != "missing") if slot.error]
            if errors:
                break
            said.append(expected(signature, params))
        ran = run(project, command, **params)
        got = [json.loads(line[1:]) for line in ran.printed if line.startswith("@")]
        if any(signature.never_runs for signature in call.signatures):
            assert not errors and len(got) <= 1
            continue
        if "partial" in command:
            got = [{key: value for key, value in values.items() if key != "a"} for values in got]
        assert [*filter(None, got)] == [*filter(None, said)] and ran.code == (1 if errors else 0), (command, params)
        if errors and not signature.names_missing:
            assert ran.error == ("AttributeError", errors[0].partition(": ")[2])
        elif errors:
            name, message = ran.error
            assert name == "TypeError"
            if errors[0].startswith("Method"):
                assert message == errors[0]
            else:
                missing = [slot.argument.name for slot in slots if slot.how == "never"]
                assert all(f"'{name}'" in message for name in missing) or "passed as keyword" in message


def test_signatures_of_any_make(tmp_path: Path) -> None:
    """Every order of up to three arguments of all kinds, as functions and as methods, with and without `**`."""
    made = []
    for count in range(4):
        for kinds in itertools.product(("p", "p=", "n", "n=", "k", "k="), repeat=count):
            order = [("p", "n", "k").index(kind[0]) for kind in kinds]
            positional = [kind for kind in kinds if kind[0] != "k"]
            has_default = [kind.endswith("=") for kind in positional]
            if order == sorted(order) and has_default == sorted(has_default):
                made.append(kinds)
    lines = []
    for number, (kinds, loose) in enumerate(itertools.product(made, (False, True))):
        parts: list[str] = []
        for kind, name in zip(kinds, "abc", strict=False):
            if kind[0] == "k" and "*" not in parts:
                parts.append("*")
            parts.append(f"{name}='{name}'" if kind.endswith("=") else name)
            following = kinds[len([part for part in parts if part not in "*/"]) :]
            if kind[0] == "p" and not (following and following[0][0] == "p"):
                parts.append("/")
        parts += ["**kw"] if loose else []
        lines.append(f"def f{number}({', '.join(parts)}): return locals()")
        lines.append(f"class C{number}:\n    def m({', '.join(['self', *parts])}): return locals()")
        lines.append(f"    @staticmethod\n    def s({', '.join(parts)}): return locals()") if parts else None
    names = [f"f{number}" for number in range(2 * len(made))]
    names += [f"C{number}.m" for number in range(2 * len(made))]
    names += [f"C{number}.s" for number in range(1, 2 * len(made)) if f"class C{number}:" in "\n".join(lines)]
    write(tmp_path, {"made.py": "\n".join(lines) + "\n", "ask.py": ASK})
    (tmp_path / "names.json").write_text(json.dumps(names))
    every = [
        {name: name.upper() for name in given} for size in range(4) for given in itertools.combinations("abc", size)
    ]
    (tmp_path / "params.json").write_text(json.dumps(every))
    ran = run(tmp_path, "ask.all")
    assert ran.code == 0, ran.printed
    answers = json.loads((tmp_path / "answers.json").read_text())
    source = PythonSource(tmp_path)
    for name in names:
        call: Call = source.call(f"made.{name}")
        (signature,) = call.signatures
        for params, answer in zip(every, answers[name], strict=True):
            slots = signature.slots(params)
            errors = [slot for slot in slots if slot.error]
            shown = (name, signature.arguments, params, answer)
            if isinstance(answer, str):
                assert errors, shown
                missing = [slot.error for slot in errors if slot.how == "missing"]
                assert not missing or answer == missing[0], shown
            else:
                assert not errors, shown
                assert answer == expected(signature, params), shown


ASK = """
import importlib, json, sys

runner = sys.modules["__main__"]

def ask(name, params):
    try:
        values = runner.call("made." + name, params)[-1]
    except TypeError as error:
        return str(error)
    return {key: value for key, value in values.items() if key != "self"}

def all():
    params = json.load(open("params.json"))
    answers = {name: [ask(name, each) for each in params] for name in json.load(open("names.json"))}
    json.dump(answers, open("answers.json", "w"))
"""


OPEN = """
from somewhere import *
import enum, functools, os, sys
from functools import lru_cache, partial
from somewhere import other, decorator, Base
import numpy as np

@decorator
def decorated(a): pass

@decorator(1)
def decorated_call(a): pass

@lru_cache
def cached(a): pass

def both(function=None, *, times=1):
    if function is None:
        return partial(both, times=times)
    return function

@both
def sometimes(a): pass

called = decorator(decorated)
number = 5
instance = Base()
copied = sys.path

try:
    from fast import speedy
except ImportError:
    def speedy(a): pass

if sys.platform == "win32":
    def differs(a): pass
else:
    def differs(b): pass

if sys.platform == "win32":
    def perhaps(a): pass

for each in (1,):
    def looped(a): pass

def setup():
    global late
    late = 3

def late(a): pass

class Derived(Base):
    def run(self, a): pass
    def work(self, a): pass

class Meta(metaclass=decorator):
    def run(self): pass

class Error(Exception):
    def run(self): pass

class Made:
    def __new__(cls, a): return object.__new__(cls)
    def run(self): pass

class Dynamic:
    def __getattr__(self, name): return print

class Sets:
    def __init__(self): self.work = print

class Properties:
    @property
    def work(self): return print

@decorator
class Decorated:
    def run(self): pass

class Color(enum.Enum):
    RED = 1
"""
UNKNOWN = [
    ("decorated", "@decorator may change what it takes (line 7)"),
    ("decorated_call", "@decorator may change what it takes (line 10)"),
    ("cached", "unsupported callable"),
    ("sometimes", "@both may change what it takes"),
    ("called", "only a run tells what decorator(decorated) gives"),
    ("number", "5 is no function (line 25)"),
    ("instance", "only a run tells what Base() gives"),
    ("copied", "copied is sys.path, which is not in the project"),
    ("other", "other is somewhere.other, which is not in the project"),
    ("anything", "anything may come with from somewhere import *"),
    ("speedy", "only a run tells which it is: speedy is fast.speedy"),
    ("differs", "only a run tells which it is: open.py:"),
    ("late", "a function of open.py sets late anew"),
    ("Derived", "depends on somewhere.Base"),
    ("Derived.run", "its constructor is that of somewhere.Base"),
    ("Error", "its constructor is that of Exception"),
    ("Made", "its __new__ decides"),
    ("Dynamic.work", "its __getattr__ decides"),
    ("Sets.work", "its methods set work at line"),
    ("Properties.work", "@property may change what it takes"),
    ("Decorated", "depends on @decorator"),
    ("Color", "it is an enumeration"),
]


@pytest.mark.parametrize(("name", "reason"), UNKNOWN)
def test_what_only_a_run_tells_is_said_to_be_unknown(tmp_path: Path, name: str, reason: str) -> None:
    write(tmp_path, {"open.py": OPEN})
    call = PythonSource(tmp_path).call(f"open.{name}")
    assert any(reason in (signature.unknown or "") for signature in call.signatures), call
    assert call.takes_all


@pytest.mark.parametrize("name", ["perhaps", "looped"])
def test_what_may_not_be_there(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"open.py": OPEN})
    (signature,) = PythonSource(tmp_path).call(f"open.{name}").signatures
    assert signature.condition and [argument.name for argument in signature.arguments] == ["a"]


PROJECT = {
    "tasks.py": "from helpers import *\n\n\ndef load(a): pass\n\n\nclass Job:\n    def run(self): pass\n"
    "    def runs(self): pass\n\n\nVALUE = load\n",
    "helpers.py": "def helped(a): pass\ndef _own(): pass\n",
    "lazy.py": "def __getattr__(name): return print\n",
    "broken.py": "def f(:\n",
    "json.py": "def f(): pass\n",
    "digdag.py": "def f(): pass\n",
    "runner.py": "def f(): pass\n",
    "pkg/mod.py": "def f(a): pass\n",
    "pkg/sub/__init__.py": "from . import deep\nfrom .deep import found as renamed\n",
    "pkg/sub/deep.py": "def found(a): pass\n",
}
NOT_FOUND = [
    ("tasks.lod", "tasks.py has no lod", "did you mean load?"),
    ("task.load", "There is no task.py in the project", "did you mean tasks.load?"),
    ("nowhere.nothing", "There is no nowhere.py in the project", "put it there, or install nowhere"),
    ("tasks.Job.rn", "Job in tasks.py has no method rn", "did you mean run?"),
    ("tasks.load.run", "load in tasks.py is no class, and has no method run", "write py>: tasks.load"),
    ("load", "load names no module (Empty module name)", "did you mean tasks.load?"),
    ("tasks", "tasks names no module (Empty module name)", "tasks.load"),
    ("", "an empty name names no module", None),
    ("broken.f", "broken.py cannot be parsed", "correct the file"),
    ("json.f", "json is a module of Python's own", "it hides the json of the project: rename that"),
    ("os.getcwd", "os is a module of Python's own, which is not read", None),
    ("digdag.f", "digdag is the module that Digdag makes for a task", "rename the file"),
    ("runner.f", "Digdag's own runner.py", "rename the file"),
    ("pkg.mod", "pkg.mod is a module, and Digdag calls functions and classes", "name one: pkg.mod.f"),
    ("tasks._own", "tasks.py has no _own", "did you mean helpers._own?"),
]


@pytest.mark.parametrize(("command", "problem", "advice"), NOT_FOUND)
def test_what_is_not_there_is_said_with_what_is_near(
    tmp_path: Path, command: str, problem: str, advice: str | None
) -> None:
    write(tmp_path, PROJECT)
    call = PythonSource(tmp_path).call(command)
    assert call.problem and problem in call.problem
    assert (advice in (call.advice or "")) if advice else call.advice is None


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("tasks.VALUE", "tasks.py:4"), ("tasks.helped", "helpers.py:1"), ("pkg.mod.f", "pkg/mod.py:1"),
        ("pkg.sub.renamed", "pkg/sub/deep.py:1"), ("pkg.sub.deep.found", "pkg/sub/deep.py:1"),
    ],
)  # fmt: skip
def test_names_are_followed_to_where_they_are_defined(tmp_path: Path, command: str, place: str) -> None:
    write(tmp_path, PROJECT)
    call = PythonSource(tmp_path).call(command)
    assert call.position and f"{call.position.file}:{call.position.line}" == place


def test_a_modules_getattr_makes_any_name_unknown(tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    (signature,) = PythonSource(tmp_path).call("lazy.anything").signatures
    assert "lazy.py has a __getattr__" in (signature.unknown or "")


def test_a_saved_file_is_read_anew(tmp_path: Path) -> None:
    write(tmp_path, {"tasks.py": "def f(a): pass\n"})
    assert [item.name for item in PythonSource(tmp_path).call("tasks.f").arguments] == ["a"]
    write(tmp_path, {"tasks.py": "def f(a, other): pass\n"})
    assert [item.name for item in PythonSource(tmp_path).call("tasks.f").arguments] == ["a", "other"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("async def f(a): pass", "is async"),
        ("def f(a):\n    yield a", "is a generator"),
        ("def f(a):\n    def g():\n        yield 1\n    return list(g())", None),
        ("import contextlib\n@contextlib.contextmanager\ndef f(a): yield", "is a context manager"),
        ("from abc import ABC\nclass f(ABC):\n    def run(self): pass", "has the metaclass ABCMeta"),
    ],
)
def test_what_never_runs(tmp_path: Path, text: str, words: str | None) -> None:
    write(tmp_path, {"tasks.py": text + "\n"})
    (signature,) = PythonSource(tmp_path).call("tasks.f").signatures
    assert (words in (signature.never_runs or "")) if words else signature.never_runs is None
