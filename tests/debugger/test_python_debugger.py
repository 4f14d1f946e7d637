"""Tasks that run under our own debugger, by the session's commands: as the screen and the console use them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.debugger.python_stops import PythonContinued, PythonDetached, PythonStopped, Variable
from digdag_tui.engine.events import TaskLogged, TaskOutput, TaskSucceeded
from digdag_tui.workflow.errors import DigdagError

from ..support import Debugged, debugged, write

WORKFLOW = """
+first: {py>: tasks.work, n: 4}
+second: {echo>: "total ${total}"}
"""
TASKS = """\
import functools

import digdag


def helper(number):
    doubled = number * 2
    return doubled


def work(n):
    total = n + 1
    doubled = helper(total)
    digdag.env.store(total=total, doubled=doubled)


def kept(function):
    @functools.wraps(function)
    def wrapper(n):
        return function(n)

    return wrapper


@kept
@functools.lru_cache
def decorated(
    n,
    m=2,
):
    "A text."
    return n * m


short = lambda n: digdag.env.store(total=n)  # noqa: E731
alias = functools.partial(work, n=1)


class Job:
    def __init__(self, n):
        self.n = n

    def run(self):
        digdag.env.store(total=self.n)


class Plain:
    def run(self, n):
        digdag.env.store(total=n)


def generated(n):
    yield n


def broken(n):
    size = n
    return helper(size) / (n - 4)
"""


def line(text: str) -> int:
    return TASKS.splitlines().index(text) + 1


class Inside:
    """A session that stops inside Python."""

    def __init__(self, run: Debugged) -> None:
        self.run = run
        self.python = run.session.python

    def go(self, command: Callable[[], Any]) -> Any:
        """Give a command; the Python stop that follows, or the session's, as `where` has it."""
        seen = len(self.run.events)
        command().result(30)
        self.run.session.wait_for(lambda: self._settled(seen))
        return next(iter(self.python.stops.values()), None) or self.run.where()

    def _settled(self, seen: int) -> bool:
        if any(isinstance(event, PythonStopped) for event in self.run.events[seen:]):
            return True
        return self.run.session.state in ("stopped", "ended") and not self.python.attached

    def step_into(self) -> PythonStopped:
        stop = self.go(self.run.session.step_into)
        assert isinstance(stop, PythonStopped), stop
        return stop

    def locals(self, stop: PythonStopped) -> dict[str, Variable]:
        (reference,) = [each.reference for each in self.scopes(stop) if each.name == "Locals"]
        return {each.name: each for each in self.python.variables(stop.task, reference).result(30).items}

    def scopes(self, stop: PythonStopped) -> Any:
        return self.python.scopes(stop.task, stop.frames[0].id).result(30)

    def set(self, stop: PythonStopped, expression: str, value: str) -> str:
        return self.python.set_expression(stop.task, expression, value, stop.frames[0].id).result(30).value

    def evaluate(self, stop: PythonStopped, text: str) -> str:
        return self.python.evaluate(stop.task, text, stop.frames[0].id).result(30).value


def test_step_into_change_a_local_and_step_to_the_next_task(tmp_path: Path) -> None:
    with debugged(tmp_path, WORKFLOW, files={"tasks.py": TASKS}) as run:
        inside = Inside(run)
        stop = inside.step_into()
        assert (stop.reason, [(frame.name, frame.line) for frame in stop.frames]) == (
            "entry", [("work", line("    total = n + 1"))]
        )  # fmt: skip
        assert stop.frames[0].file == str(tmp_path / "tasks.py")
        stop = inside.go(lambda: inside.python.step_over(stop.task))
        assert isinstance(stop, PythonStopped)
        assert inside.locals(stop)["total"].value == "5"
        assert inside.set(stop, "total", "40 + 2") == "42"
        stop = inside.go(lambda: inside.python.step_into(stop.task))
        assert isinstance(stop, PythonStopped)
        assert [frame.name for frame in stop.frames] == ["helper", "work"]
        stop = inside.go(lambda: inside.python.step_out(stop.task))
        assert isinstance(stop, PythonStopped)
        assert [frame.name for frame in stop.frames] == ["work"]
        assert inside.evaluate(stop, "[total] * 2") == "[42, 42]"
        while isinstance(stop, PythonStopped):
            task = stop.task
            stop = inside.go(lambda: inside.python.step_over(task))  # noqa: B023
        assert stop == "step +main+second"
        (stored,) = [event.store for event in run.events if isinstance(event, TaskSucceeded) and event.store]
        assert stored == {"total": 42, "doubled": 84}
        assert run.do("resume") == "ended"


@pytest.mark.parametrize(
    ("command", "name", "text"),
    [
        ("decorated", "decorated", "    return n * m"),
        ("short", "<lambda>", "short = lambda n: digdag.env.store(total=n)  # noqa: E731"),
        ("alias", "work", "    total = n + 1"),
        ("Job", "__init__", "        self.n = n"),
        ("Job.run", "__init__", "        self.n = n"),
        ("Plain.run", "run", "        digdag.env.store(total=n)"),
    ],
)
def test_the_first_line_of(tmp_path: Path, command: str, name: str, text: str) -> None:
    with debugged(tmp_path, f"+first: {{py>: tasks.{command}, n: 4}}", files={"tasks.py": TASKS}) as run:
        inside = Inside(run)
        stop = inside.step_into()
        assert (stop.reason, stop.frames[0].name, stop.frames[0].line) == ("entry", name, line(text))
        assert {frame.file for frame in stop.frames} == {str(tmp_path / "tasks.py")}
        assert inside.go(lambda: inside.python.resume(stop.task)) == "ended"
        assert run.finished() == [True]


@pytest.mark.parametrize(("command", "word"), [("math.sqrt", ""), ("tasks.generated", ""), ("math.nothing", "has no")])
def test_what_has_no_first_line_runs_through(tmp_path: Path, command: str, word: str) -> None:
    with debugged(
        tmp_path, f"+first: {{py>: {command}, n: 4, x: 4}}\n+next: {{echo>: x}}", files={"tasks.py": TASKS}
    ) as run:
        inside = Inside(run)
        assert isinstance(inside.go(run.session.step_into), str)
        assert run.session.stopped and not inside.python.attached


def test_from_the_constructor_to_the_method(tmp_path: Path) -> None:
    with debugged(tmp_path, "+first: {py>: tasks.Job, n: 4}", files={"tasks.py": TASKS}) as run:
        inside = Inside(run)
        stop: Any = inside.step_into()
        task, names = stop.task, []
        while isinstance(stop, PythonStopped):
            names += [frame.name for frame in stop.frames]
            stop = inside.go(lambda: inside.python.step_over(task))
        assert [*dict.fromkeys(names)] == ["__init__", "run"]


def test_an_exception_that_nothing_catches_stops_where_it_was_raised(tmp_path: Path) -> None:
    with debugged(tmp_path, "+first: {py>: tasks.broken, n: 4}", files={"tasks.py": TASKS}) as run:
        inside = Inside(run)
        run.session.breaks.on_raise = True
        stop = inside.go(run.session.resume)
        assert isinstance(stop, PythonStopped)
        assert stop.reason == "exception" and stop.raised
        assert (stop.raised.type, stop.raised.message) == ("ZeroDivisionError", "division by zero")
        assert (stop.frames[0].name, stop.frames[0].line) == ("broken", line("    return helper(size) / (n - 4)"))
        assert inside.evaluate(stop, "size + 1") == "5"
        with pytest.raises(DigdagError, match="can only be read"):
            inside.set(stop, "size", "1")
        assert inside.go(lambda: inside.python.resume(stop.task)) == "exception +main+first"
        run.session.set_param(stop.task, ("n",), 5, "onward").result(5)
        assert inside.step_into().reason == "entry"


@pytest.mark.parametrize("step", ["step_into", "step_over", "step_out"])
def test_a_step_from_an_exception_that_nothing_catches_lets_the_task_fail(tmp_path: Path, step: str) -> None:
    with debugged(tmp_path, "+first: {py>: tasks.broken, n: 4}", files={"tasks.py": TASKS}) as run:
        inside = Inside(run)
        run.session.breaks.on_raise = True
        stop = inside.go(run.session.resume)
        assert isinstance(stop, PythonStopped)
        assert inside.go(lambda: getattr(inside.python, step)(stop.task)) == "exception +main+first"


def test_an_exception_deep_inside_has_all_frames(tmp_path: Path) -> None:
    tasks = "def inner(x):\n    return [][x]\n\n\ndef outer(n):\n    return inner(n)\n"
    with debugged(tmp_path, "+first: {py>: tasks.outer, n: 4}", files={"tasks.py": tasks}) as run:
        inside = Inside(run)
        run.session.breaks.on_raise = True
        stop = inside.go(run.session.resume)
        assert isinstance(stop, PythonStopped)
        assert [(frame.name, frame.line) for frame in stop.frames] == [("inner", 2), ("outer", 6)]
        assert inside.python.evaluate(stop.task, "n", stop.frames[1].id).result(30).value == "4"


def test_breakpoints_with_conditions_hits_and_messages(tmp_path: Path) -> None:
    tasks = "def work(n):\n    for i in range(10):\n        j = i * n\n        k = j\n    return k\n"
    with debugged(tmp_path, "+first: {py>: tasks.work, n: 2}\n+next: {echo>: x}", files={"tasks.py": tasks}) as run:
        inside = Inside(run)
        points = run.session.breakpoints
        made = points.add("line", "tasks.py:4", condition="j == 6 and n")
        points.add("line", "tasks.py:3", log_message="i is {i}", hit_condition="<= 2")
        stop = inside.go(run.session.resume)
        assert isinstance(stop, PythonStopped)
        assert (stop.reason, stop.breakpoints, inside.evaluate(stop, "i")) == ("breakpoint", (made.id,), "3")
        assert points.hits[made.id] == 1
        assert inside.python.states[made.id].verified
        late = points.add("line", "tasks.py:5")
        beyond = points.add("line", "tasks.py:99")
        stop = inside.go(lambda: inside.python.resume(stop.task))
        assert isinstance(stop, PythonStopped)
        assert stop.breakpoints == (late.id, beyond.id)
        assert inside.python.states[beyond.id].line == 5
        points.remove(late.id, beyond.id)
        assert inside.go(lambda: inside.python.resume(stop.task)) == "ended"
        said = [event.message for event in run.events if isinstance(event, TaskLogged) and event.level == "POINT"]
        assert said[:2] == ["i is 0", "i is 1"]  # the hits of a file count from 0 again when its breakpoints change


def test_a_condition_that_is_no_python_is_refused(tmp_path: Path) -> None:
    with debugged(tmp_path, WORKFLOW, files={"tasks.py": TASKS}) as run:
        with pytest.raises(DigdagError, match="no Python expression"):
            run.session.breakpoints.add("line", "tasks.py:3", condition="n >")
        with pytest.raises(DigdagError, match="no Python expression"):
            run.session.breakpoints.add("line", "tasks.py:3", log_message="{n +}")


PARALLEL = """
+both:
  _parallel: true
  +one: {py>: tasks.work, n: 1}
  +two: {py>: tasks.work, n: 2}
+end: {echo>: "${total}"}
"""


def test_two_tasks_at_once(tmp_path: Path) -> None:
    with debugged(tmp_path, PARALLEL, files={"tasks.py": TASKS}) as run:
        inside = Inside(run)
        run.session.breakpoints.add("line", f"tasks.py:{line('    total = n + 1')}")
        run.session.resume().result(10)
        run.session.wait_for(lambda: len(inside.python.stops) == 2)
        stops = {run.session.attempt.tasks[stop.task].name: stop for stop in inside.python.stops.values()}
        assert {name: inside.evaluate(stop, "n") for name, stop in stops.items()} == {"+one": "1", "+two": "2"}
        inside.python.resume(stops["+one"].task).result(10)
        run.session.wait_for(lambda: len(inside.python.attached) == 1)
        assert [*inside.python.stops] == [stops["+two"].task]
        assert inside.go(lambda: inside.python.step_out(stops["+two"].task)) == "step +main+end"


def test_stops_of_other_tasks_wait_while_one_is_inside(tmp_path: Path) -> None:
    workflow = """
+both:
  _parallel: true
  +one: {py>: tasks.work, n: 1}
  +two: {sh>: "until [ -e go ]; do sleep 0.05; done; exit 3"}
"""
    with debugged(tmp_path, workflow, files={"tasks.py": TASKS}) as run:
        inside = Inside(run)
        run.session.breakpoints.add("line", f"tasks.py:{line('    total = n + 1')}")
        stop = inside.go(run.session.resume)
        assert isinstance(stop, PythonStopped)
        (tmp_path / "go").touch()
        assert inside.evaluate(stop, "__import__('time').sleep(0.5)") == ""
        assert run.session.state == "running"
        assert inside.go(lambda: inside.python.resume(stop.task)) == "exception +main+both+two"


@pytest.mark.parametrize("command", ["stop", "restart"])
def test_ending_the_attempt_while_it_is_stopped_inside(tmp_path: Path, command: str) -> None:
    with debugged(tmp_path, WORKFLOW, files={"tasks.py": TASKS}) as run:
        inside = Inside(run)
        stop = inside.step_into()
        pid = int(inside.evaluate(stop, "__import__('os').getpid()"))
        getattr(run.session, command)().result(10)
        assert run.session.wait("stopped", "ended") == ("ended" if command == "stop" else "stopped")
        assert not inside.python.stops and not inside.python.attached
        assert not is_alive(pid)
        if command == "restart":
            assert inside.step_into().reason == "entry"


def test_leaving_while_it_is_stopped_inside(tmp_path: Path) -> None:
    with debugged(tmp_path, WORKFLOW, files={"tasks.py": TASKS}) as run:
        inside = Inside(run)
        stop = inside.step_into()
        pid = int(inside.evaluate(stop, "__import__('os').getpid()"))
    assert not is_alive(pid)


def test_a_process_that_is_killed_fails_its_task_only(tmp_path: Path) -> None:
    with debugged(tmp_path, PARALLEL, files={"tasks.py": TASKS}) as run:
        inside = Inside(run)
        run.session.breakpoints.add("line", f"tasks.py:{line('    total = n + 1')}")
        run.session.resume().result(10)
        run.session.wait_for(lambda: len(inside.python.stops) == 2)
        dies, other = inside.python.stops.values()
        os.kill(int(inside.evaluate(dies, "__import__('os').getpid()")), signal.SIGKILL)
        run.session.wait_for(lambda: [*inside.python.stops] == [other.task])
        assert inside.evaluate(other, "n") in ("1", "2")
        assert inside.go(lambda: inside.python.resume(other.task)).startswith("exception +main+both")
        assert run.session.stopped and run.session.stopped.task == dies.task
        assert "code 137" in str(run.session.stopped.error)


def test_a_module_that_is_edited_between_two_runs(tmp_path: Path) -> None:
    with debugged(tmp_path, WORKFLOW, files={"tasks.py": TASKS}) as run:
        inside = Inside(run)
        stop = inside.step_into()
        (tmp_path / "tasks.py").write_text(TASKS.replace("def work(n):", "def work(n):\n    more = n\n"))
        run.session.restart().result(10)
        run.session.wait("stopped")
        stop = inside.step_into()
        assert stop.frames[0].line == line("    total = n + 1")
        stop = inside.go(lambda: inside.python.step_over(stop.task))
        assert inside.locals(stop)["more"].value == "4"


def test_a_module_that_is_saved_while_its_task_is_stopped_inside(tmp_path: Path) -> None:
    with debugged(tmp_path, WORKFLOW, files={"tasks.py": TASKS}) as run:
        inside = Inside(run)
        stop = inside.step_into()
        pid = int(inside.evaluate(stop, "__import__('os').getpid()"))
        (tmp_path / "tasks.py").write_text(TASKS.replace("total = n + 1", "total = n + 100"))
        run.session.reload([tmp_path / "tasks.py"]).result(10)
        run.session.wait_for(lambda: run.session.stopped is not None)
        assert run.where() == "goto +main+first"
        assert not is_alive(pid)
        run.do("step_over")
        (stored,) = [event.store for event in run.events if isinstance(event, TaskSucceeded) and event.store]
        assert stored["total"] == 104


def test_large_and_recursive_locals_come_in_pages(tmp_path: Path) -> None:
    tasks = """\
def work():
    many = list(range(1000))
    text = "x" * 1_000_000
    loop = {"name": "a"}
    loop["self"] = loop
    return many
"""
    with debugged(tmp_path, "+first: {py>: tasks.work}", files={"tasks.py": tasks}) as run:
        inside = Inside(run)
        run.session.breakpoints.add("line", "tasks.py:6")
        stop = inside.go(run.session.resume)
        assert isinstance(stop, PythonStopped)
        found = inside.locals(stop)
        assert all(len(each.value) <= 1000 for each in found.values())
        page = inside.python.variables(stop.task, found["many"].reference).result(30)
        assert page.items[0].value == "0" and page.more
        following = inside.python.variables(stop.task, page.more).result(30)
        assert following.items[0].value == str(sum(each.name.isdigit() for each in page.items))
        loop = found["loop"]
        for _ in range(5):
            inner = inside.python.variables(stop.task, loop.reference).result(30)
            loop = next(each for each in inner.items if "self" in each.name)
        assert loop.reference


def test_evaluating(tmp_path: Path) -> None:
    with debugged(tmp_path, WORKFLOW, files={"tasks.py": TASKS}) as run:
        inside = Inside(run)
        stop = inside.step_into()
        with pytest.raises(DigdagError, match=r"^ZeroDivisionError: division by zero$"):
            inside.evaluate(stop, "1 / 0")
        with pytest.raises(DigdagError, match="SyntaxError"):
            inside.evaluate(stop, "1 +")
        inside.evaluate(stop, "n = 41")
        assert inside.evaluate(stop, "n") == "41"
        labels = [each.label for each in inside.python.completions(stop.task, "help", 4, stop.frames[0].id).result(30)]
        assert labels == ["helper", "help"] or "helper" in labels
        assert "def work(n):" in inside.python.source(stop.task, stop.frames[0]).result(30)
        assert (
            inside.go(lambda: inside.python.run_to(stop.task, "tasks.py", line("    return doubled"))).reason == "goto"
        )
        with pytest.raises(DigdagError, match="does not run under the debugger"):
            inside.python.resume(99).result(30)


def test_setting_variables_of_all_kinds(tmp_path: Path) -> None:
    tasks = """\
rate = 1


class Shop:
    name = "a"


def work():
    rows, shop, key = {"a": [1, 2]}, Shop(), object()
    rows[key] = 0
    return price(rows, shop)


def price(rows, shop):
    return rows, shop, rate
"""
    with debugged(tmp_path, "+first: {py>: tasks.work}", files={"tasks.py": tasks}) as run:
        inside = Inside(run)
        run.session.breakpoints.add("line", "tasks.py:15")
        stop = inside.go(run.session.resume)
        assert isinstance(stop, PythonStopped)
        assert inside.set(stop, "rows['a'][1]", "[len(rows), 'x']") == "[2, 'x']"
        assert inside.set(stop, "shop.name", "shop.name * 2") == "'aa'"
        (scope,) = [each.reference for each in inside.scopes(stop) if each.name == "Globals"]
        found = {each.name: each for each in inside.python.variables(stop.task, scope).result(30).items}
        assert inside.set(stop, found["rate"].evaluate_name, "7") == "7"
        assert inside.evaluate(stop, "globals()['rate']") == "7" and "rate" not in inside.locals(stop)
        for value, problem in (("nothing", "NameError"), ("1 /", "SyntaxError"), ("1 / 0", "ZeroDivisionError")):
            with pytest.raises(DigdagError, match=f"^{problem}"):
                inside.set(stop, "rows", value)
        with pytest.raises(DigdagError, match="IndexError"):
            inside.set(stop, "rows['a'][5]", "1")
        assert inside.evaluate(stop, "rows['a']") == "[1, [2, 'x']]"
        outer = stop.frames[1].id
        assert inside.python.set_expression(stop.task, "shop", "None", outer).result(30).value == "None"
        assert inside.python.evaluate(stop.task, "shop is None", outer).result(30).value == "True"
        assert not [event.text for event in run.events if isinstance(event, TaskOutput)]


def test_secrets_are_masked(tmp_path: Path) -> None:
    tasks = "import os\n\n\ndef work():\n    key = os.environ['KEY']\n    return key\n"
    workflow = "+first:\n  py>: tasks.work\n  _env: {KEY: '${secret:key}'}\n"
    write(tmp_path / "no-home" / "secrets", {"key": "hunter2hunter2"})
    with debugged(tmp_path, workflow, files={"tasks.py": tasks}) as run:
        inside = Inside(run)
        stop = inside.step_into()
        stop = inside.go(lambda: inside.python.step_over(stop.task))
        assert inside.locals(stop)["key"].value == "'***'"
        assert inside.evaluate(stop, "key.upper(), key") == "('HUNTER2HUNTER2', '***')"


def test_pausing_and_letting_go(tmp_path: Path) -> None:
    tasks = "import os, time\n\n\ndef work():\n    while not os.path.exists('go'):\n        time.sleep(0.01)\n"
    with debugged(tmp_path, "+first: {py>: tasks.work}\n+next: {echo>: x}", files={"tasks.py": tasks}) as run:
        inside = Inside(run)
        stop = inside.step_into()
        inside.python.resume(stop.task).result(10)
        with pytest.raises(DigdagError, match="pause"):
            inside.python.step_over(stop.task).result(10)
        stop = inside.go(lambda: inside.python.pause(stop.task))
        assert (stop.reason, stop.frames[-1].name) == ("pause", "work")
        (tmp_path / "go").touch()
        assert inside.go(lambda: inside.python.let_go(stop.task)) == "ended"
        told = [event for event in run.events if isinstance(event, PythonContinued | PythonDetached)]
        assert isinstance(told[-1], PythonDetached)


def test_breakpoint_in_the_code(tmp_path: Path) -> None:
    tasks = "def work(n):\n    breakpoint()\n    return n\n"
    with debugged(tmp_path, "+first: {py>: tasks.work, n: 1}", files={"tasks.py": tasks}) as run:
        inside = Inside(run)
        run.session.breaks.on_raise = True
        stop = inside.go(run.session.resume)
        assert isinstance(stop, PythonStopped)
        assert (stop.frames[0].name, stop.breakpoints) == ("work", ())


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_python_that_is_too_old_runs_without_a_debugger_unless_it_is_stepped_into(tmp_path: Path) -> None:
    files = {"tasks.py": TASKS, "old/sitecustomize.py": "import sys\nsys.version_info = (3, 7, 9)\n"}
    workflow = WORKFLOW.replace("n: 4", f"n: 4, _env: {{PYTHONPATH: '{tmp_path}/old'}}")
    with debugged(tmp_path, workflow, files=files) as run:
        inside = Inside(run)
        assert inside.go(run.session.step_into) == "exception +main+first"
        assert run.session.stopped and "debugpy needs Python 3.8 or later" in str(run.session.stopped.error)
        run.session.breakpoints.add("line", f"tasks.py:{line('    total = n + 1')}")
        assert inside.go(run.session.retry) == "step +main+second"
        warnings = [event.message for event in run.events if isinstance(event, TaskLogged) and event.level == "WARN"]
        assert "debugpy needs Python 3.8 or later" in warnings[-1]


@pytest.mark.parametrize("warm", ["true", "false"])
def test_from_a_warm_parent_and_without_one(tmp_path: Path, warm: str) -> None:
    with debugged(tmp_path, WORKFLOW, files={"tasks.py": TASKS}) as run:
        run.session._environment.settings = {"digdag-tui.warm-python": warm}
        inside = Inside(run)
        for _ in range(2):
            stop = inside.step_into()
            assert [frame.name for frame in stop.frames] == ["work"]
            assert inside.go(lambda: inside.python.step_out(stop.task)) == "step +main+second"  # noqa: B023
            run.session.restart().result(10)
            run.session.wait("stopped")
