"""What a `py>` task must not get away with, or must: in a process of its own, and in one of a warm parent."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from digdag_tui.engine.operator import Keep, OperatorResult
from digdag_tui.operators import process
from digdag_tui.workflow.errors import DigdagError

from .support import Call, call, error, message

Ran = tuple[Call, OperatorResult | DigdagError]


@pytest.fixture(params=["plain", "warm"])
def keep(request: pytest.FixtureRequest) -> Iterator[Keep | None]:
    """Where a warm parent is kept; nowhere for a process of the task's own."""
    if request.param == "plain":
        yield None
        return
    kept = Keep()
    yield kept
    kept.close()


def write(project: Path, source: str | bytes, files: dict[str, str] | None = None) -> None:
    text = dedent(source).encode() if isinstance(source, str) else source
    (project / "tasks.py").write_bytes(text)
    for name, content in (files or {}).items():
        (project / name).write_text(content)


def ran(project: Path, keep: Keep | None, source: str | bytes, files: dict[str, str] | None = None) -> Ran:
    """What came of `tasks.f`."""
    write(project, source, files)
    task = call(project, "py", "tasks.f", {"n": 1}, keep=keep)

    async def run() -> OperatorResult | DigdagError:
        try:
            return await task.run()
        except DigdagError as failure:
            return failure

    return task, asyncio.run(run())


STORES = "import digdag\n\n\ndef f():\n    {}\n    digdag.env.store(a=1)\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("print('x')", ["x"]),
        ("import sys, io; sys.stdout = io.StringIO(); print('lost')", []),
        ("import sys; print('before'); sys.stdout.close()", ["before"]),
        ("import os; os.close(1); os.close(2)", []),
        ("import sys; sys.stdin.close()", []),
        ("import sys; sys.argv.clear()", []),
        ("import threading, time; threading.Thread(target=time.sleep, args=(600,), daemon=True).start()", []),
        ("import threading; threading.Timer(0.1, print, ['late']).start(); print('now')", ["now", "late"]),
        ("import os; pid = os.fork(); pid or os._exit(3); os.waitpid(pid, 0)", []),
        ("breakpoint(); print('after')", [
            "breakpoint() at tasks.py:5 is passed over: step into the task (s) or attach an editor (a) to stop there; "
            "under Digdag it waits for ever", "after",
        ]),
        ("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)", []),
        ("return_value = {1, 2}", []),
    ],
)  # fmt: skip
def test_what_harms_nothing(tmp_path: Path, keep: Keep | None, line: str, said: list[str]) -> None:
    task, result = ran(tmp_path, keep, STORES.format(line))
    assert isinstance(result, OperatorResult), result
    assert (task.lines, result.store) == (said, {"a": 1})


def test_what_a_module_prints_on_import_comes_first(tmp_path: Path, keep: Keep | None) -> None:
    task, _ = ran(tmp_path, keep, "print('imported')\n\ndef f():\n    print('called')\n")
    assert task.lines == ["imported", "called"]


def test_a_forked_child_that_comes_back_has_no_result_of_its_own(tmp_path: Path, keep: Keep | None) -> None:
    source = """
        import os, digdag

        def f():
            child = os.fork()
            digdag.env.store(child=not child)
            if child:
                os.waitpid(child, 0)
            print("pid", bool(child))
    """
    task, result = ran(tmp_path, keep, source)
    assert isinstance(result, OperatorResult)
    assert (sorted(task.lines), result.store) == (["pid False", "pid True"], {"child": False})


NO_JSON = "com.fasterxml.jackson.core.io.JsonEOFException: Unexpected end-of-input"
EXIT = "sys.exit() always fails a task"


@pytest.mark.parametrize(
    ("line", "first", "hint"),
    [
        ("import sys; sys.exit(0)", "Python command failed with code 1", EXIT),
        ("import sys; sys.exit()", "Python command failed with code 1", EXIT),
        ("import sys; sys.exit('no rows')", "Python command failed with code 1", EXIT),
        ("raise GeneratorExit", "Python command failed with code 1", None),
        ("raise KeyboardInterrupt", "Python command failed with code 130", None),
        ("import os; os._exit(0)", "output.json does not exist.", "os._exit()"),
        ("import os; os._exit(7)", "Python command failed with code 7", "the log has what the process said"),
        ("import os; os.kill(os.getpid(), 9)", "Python command failed with code 137", "SIGKILL, as the system does"),
        ("import os; os.abort()", "Python command failed with code 134", "ended by SIGABRT"),
        ("digdag.env.store(when={1})", NO_JSON, "store_params['when']: Object of type set is not JSON serializable"),
        ("digdag.env.export(b=b'x')", NO_JSON, "export_params['b']: Object of type bytes is not JSON serializable"),
        ("digdag.env.store({(1, 2): 3})", NO_JSON, "store_params[(1, 2)]: keys must be str"),
        ("a = []; a.append(a); digdag.env.store(a=a)", NO_JSON, "store_params['a']: Circular reference detected"),
        ("digdag.env.store(a=float('nan'))", "com.fasterxml.jackson.core.JsonParseException: Non-standard token 'NaN'",
         "JSON has no NaN: store None or a text instead"),
        ("digdag_env.store_params = [1]", "Parameter 'store_params' must be an object", None),
        ("import shutil; shutil.rmtree('.digdag')", "Python command failed with code 1", ".digdag/tmp left in place"),
        ("import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50)); digdag.env.store(a='x' * 999)", NO_JSON,
         "such as a full disk"),
        ("import pdb; pdb.set_trace(); print()", "Python command failed with code 1", "pdb has nothing to read"),
        ("input('name? ')", "Python command failed with code 1", None),
    ],
)  # fmt: skip
def test_what_fails(tmp_path: Path, keep: Keep | None, line: str, first: str, hint: str | None) -> None:
    _, failure = ran(tmp_path, keep, f"import digdag, digdag_env\n\n\ndef f():\n    {line}\n")
    assert isinstance(failure, DigdagError), failure
    assert failure.error_message.startswith(first)
    assert (hint or "") in (failure.hint or "")
    assert bool(hint) == bool(failure.hint)


@pytest.mark.parametrize("code", ["0", "3", "", "'no rows'"])
def test_a_module_that_exits_on_import(tmp_path: Path, keep: Keep | None, code: str) -> None:
    _, failure = ran(tmp_path, keep, f"import sys\nsys.exit({code})\n\ndef f():\n    pass\n")
    assert isinstance(failure, DigdagError)
    said = f"Failed to call python command with code:{code} " if code.isdigit() else "failed with code 1 (runtime)"
    assert said in failure.error_message


def test_input_says_what_it_wants(tmp_path: Path, keep: Keep | None) -> None:
    _, failure = ran(tmp_path, keep, "def f():\n    print(input('name? '))\n")
    assert "input() has nothing to read in a task: under Digdag it waits for ever (EOFError)" in str(failure)


def test_a_value_nested_too_deeply(tmp_path: Path, keep: Keep | None) -> None:
    source = """
        import digdag

        def f():
            a = []
            for _ in range(100000):
                a = [a]
            digdag.env.store(deep=a)
    """
    _, failure = ran(tmp_path, keep, source)
    assert isinstance(failure, DigdagError)
    assert failure.message == "output.json cannot be read as JSON"
    assert "store_params['deep']" in (failure.hint or "")


def test_a_huge_value(tmp_path: Path, keep: Keep | None) -> None:
    _, result = ran(tmp_path, keep, "import digdag\n\ndef f():\n    digdag.env.store(a='x' * 20_000_000)\n")
    assert isinstance(result, OperatorResult)
    assert len(result.store["a"]) == 20_000_000


def test_keys_that_are_no_texts(tmp_path: Path, keep: Keep | None) -> None:
    source = "import digdag\n\ndef f():\n    digdag.env.store({1: 'a', None: 'b', 2.5: 'c', False: 'd'})\n"
    _, result = ran(tmp_path, keep, source)
    assert isinstance(result, OperatorResult)
    assert result.store == {"1": "a", "null": "b", "2.5": "c", "false": "d"}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b"def f(:\n    pass\n", "invalid syntax (tasks.py, line 1) (SyntaxError)"),
        (b"def f():\n    print('\xff')\n", "codec can't decode byte 0xff"),
        (b"def f():\n    print('\x00')\n", "null bytes"),
        (b"def f():\n\tx = 1\n        y = 2\n", "inconsistent use of tabs and spaces in indentation"),
        (b"import other\n\ndef f():\n    pass\n", "Empty module name (ValueError)"),
        (b"def f():\n    return f()\n", "maximum recursion depth exceeded"),
    ],
)
def test_modules_that_are_broken(tmp_path: Path, keep: Keep | None, source: bytes, said: str) -> None:
    _, failure = ran(tmp_path, keep, source, {"other.py": "from tasks import f\n"})
    assert said in str(failure)


NAMES = (
    "json",
    "select",
    "types",
    "inspect",
    "traceback",
    "os",
    "collections",
    "builtins",
    "debugpy",
    "warm",
    "signal",
)


def test_modules_of_the_project_shadow_nothing(tmp_path: Path, keep: Keep | None) -> None:
    shadows = {f"{name}.py": "raise SystemError('shadowed')\n" for name in NAMES}
    _, result = ran(tmp_path, keep, STORES.format("import json, os, inspect, select"), shadows)
    assert isinstance(result, OperatorResult), result
    _, result = ran(tmp_path, keep, STORES.format("raise ValueError('x')"))
    assert "x (ValueError)" in str(result)
    assert getattr(result, "frames", None)


def test_a_digdag_of_the_projects_own_is_not_taken(tmp_path: Path, keep: Keep | None) -> None:
    task, _ = ran(tmp_path, keep, "import digdag\n\ndef f():\n    print(digdag.env.params['n'])\n", {"digdag.py": ""})
    assert task.lines == ["1"]


# What lives on, or for ever


@asynccontextmanager
async def running(project: Path, keep: Keep | None, source: str) -> AsyncIterator[tuple[asyncio.Task[Any], list[int]]]:
    """A task that has written the ids of its processes; whatever happens, they do not outlive the test."""
    write(project, source)
    task = asyncio.create_task(call(project, "py", "tasks.f", {}, keep=keep).run())
    while not (project / "pids").exists():
        assert not task.done(), task.exception()
        await asyncio.sleep(0.01)
    pids = [int(word) for word in (project / "pids").read_text().split()]
    try:
        yield task, pids
    finally:
        task.cancel()
        await asyncio.wait([task])
        for pid in filter(is_alive, pids):
            os.kill(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


async def gone(pids: list[int]) -> bool:
    for _ in range(1000):
        if not any(map(is_alive, pids)):
            return True
        await asyncio.sleep(0.01)
    return False


TELLS = "    open('pids.new', 'w').write(f'{{os.getpid()}} {more}')\n    os.rename('pids.new', 'pids')\n"


@pytest.mark.skipif(not Path("/proc").exists(), reason="whether a process runs is read in /proc")
@pytest.mark.parametrize(
    "body",
    [
        "more = ''\n" + TELLS.format(more="") + "    while True: pass\n",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + TELLS.format(more="") + "    while True: time.sleep(9)\n",
        "child = subprocess.Popen(['sleep', '600'])\n" + TELLS.format(more="{child.pid}") + "    child.wait()\n",
        "child = os.fork()\n    if not child: time.sleep(600)\n"
        + TELLS.format(more="{child}")
        + "    time.sleep(600)\n",
    ],
)
async def test_a_task_that_hangs_is_ended_with_all_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: Keep | None, body: str
) -> None:
    monkeypatch.setattr(process, "TERMINATION_GRACE", 0.5)
    source = f"import os, signal, subprocess, time\n\ndef f():\n    {body.replace('{{', '{').replace('}}', '}')}"
    async with running(tmp_path, keep, source) as (task, pids):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await gone(pids)


@pytest.mark.skipif(not Path("/proc").exists(), reason="whether a process runs is read in /proc")
async def test_a_child_that_lives_on_does_not_hold_the_task(tmp_path: Path, keep: Keep | None) -> None:
    source = (
        "import subprocess\n\ndef f():\n    child = subprocess.Popen(['sleep', '600'])\n"
        "    open('pids', 'w').write(str(child.pid))\n    print('done')\n"
    )
    write(tmp_path, source)
    task = call(tmp_path, "py", "tasks.f", {}, keep=keep)
    await task.run()
    assert task.lines == ["done"]
    os.kill(int((tmp_path / "pids").read_text()), signal.SIGKILL)


async def test_a_flood_of_output_comes_whole_and_is_not_gathered(tmp_path: Path, keep: Keep | None) -> None:
    write(tmp_path, "def f():\n    line = 'x' * 99\n    for _ in range(400_000):\n        print(line)\n")
    task = call(tmp_path, "py", "tasks.f", {}, keep=keep)
    size = largest = 0

    def take(text: str) -> None:
        nonlocal size, largest
        size, largest = size + len(text), max(largest, len(text))

    task.context.output = take
    await task.run()
    assert size == 40_000_000
    assert largest <= 2**18


# What is no Python, or none that will do


@pytest.mark.parametrize(
    ("python", "said", "hint"),
    [
        ("cat", "Python command failed with code 1 (runtime)", "the log has what the process said"),
        ("true", "output.json does not exist.", "python: that is no Python"),
        (["sh", "-c", "exit 127"], "Python command failed with code 127", "cannot be run"),
        ([sys.executable, "-c", "import sys; sys.exit('no such library')"], "Python command failed with code 1", "log"),
    ],
)
def test_what_is_no_python(tmp_path: Path, keep: Keep | None, python: Any, said: str, hint: str) -> None:
    write(tmp_path, "def f():\n    pass\n")
    failure = error(tmp_path, "py", "tasks.f", {"python": python}, keep=keep)
    assert failure.error_message.startswith(said)
    assert hint in (failure.hint or "")


def test_a_python_without_its_library_says_so_in_the_log(tmp_path: Path, keep: Keep | None) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "json.py").write_text("raise ImportError('this Python has no json')\n")
    write(tmp_path, "def f():\n    pass\n")
    options = {"_env": {"PYTHONPATH": str(tmp_path / "broken")}, "python": sys.executable}
    task = call(tmp_path, "py", "tasks.f", options, keep=keep)
    with pytest.raises(DigdagError, match="Python command failed with code 1") as caught:
        asyncio.run(task.run())
    assert task.lines[-1] == "ImportError: this Python has no json"
    assert "the log has what the process said" in (caught.value.hint or "")


@pytest.mark.parametrize("options", [["-S"], ["-I"], ["-S", "-I", "-B"], ["-O"], ["-u"]])
def test_a_stripped_python_will_do(tmp_path: Path, keep: Keep | None, options: list[str]) -> None:
    write(tmp_path, STORES.format("print('ran')"))
    task = call(tmp_path, "py", "tasks.f", {"python": [sys.executable, *options]}, keep=keep)
    assert asyncio.run(task.run()).store == {"a": 1}
    assert task.lines == ["ran"]


def test_a_banner_is_output_like_any_other(tmp_path: Path, keep: Keep | None) -> None:
    (tmp_path / "loud").write_text(f'#!/bin/sh\necho "welcome to the cluster"\nexec {sys.executable} "$@"\n')
    (tmp_path / "loud").chmod(0o755)
    write(tmp_path, STORES.format("print('ran')"))
    task = call(tmp_path, "py", "tasks.f", {"python": str(tmp_path / "loud")}, keep=keep)
    assert asyncio.run(task.run()).store == {"a": 1}
    assert task.lines == ["welcome to the cluster", "ran"]


def others() -> list[str]:
    """The other Pythons of this machine, from 3.7 on: where pyenv has them, whose names in PATH may run nothing."""
    found = {}
    for minor in range(7, 16):
        places = sorted((Path.home() / ".pyenv" / "versions").glob(f"3.{minor}.*/bin/python"))
        place = str(places[-1]) if places else process.find(f"python3.{minor}")
        if place and minor != sys.version_info.minor:
            found[minor] = place
    return list(found.values())


@pytest.mark.parametrize("python", others() or [pytest.param("", marks=pytest.mark.skip("this machine has no other"))])
def test_other_versions_of_python(tmp_path: Path, keep: Keep | None, python: str) -> None:
    write(tmp_path, STORES.format("print('ran')") + "\n\ndef g(n):\n    half = n / 0\n")
    task = call(tmp_path, "py", "tasks.f", {"python": python}, keep=keep)
    assert asyncio.run(task.run()).store == {"a": 1}
    assert task.lines == ["ran"]
    failure = error(tmp_path, "py", "tasks.g", {"python": python, "n": 1}, keep=keep)
    assert "division by zero (ZeroDivisionError)" in failure.error_message
    assert [frame["function"] for frame in getattr(failure, "frames", ())] == ["g"]


# Where nothing can be written


def test_a_project_in_which_nothing_can_be_written(tmp_path: Path, keep: Keep | None) -> None:
    write(tmp_path, "def f():\n    pass\n")
    (tmp_path / ".digdag").write_text("a file where the folder should be\n")
    said = message(tmp_path, "py", "tasks.f", {}, keep=keep)
    assert said.startswith("Cannot make the folder P/.digdag/tmp/digdag-py-7-")
