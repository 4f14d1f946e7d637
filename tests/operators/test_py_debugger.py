from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.engine.operator import OperatorResult
from digdag_tui.workflow.errors import TaskRuntimeError

from ..program import ROOT
from .dap_client import DapClient
from .support import Call, call

SOURCE = """\
import importlib.util
import os

import digdag


def work(n):
    total = n + 1
    digdag.env.store(total=total)
    print("pid", os.getpid(), flush=True)
    print("lent", importlib.util.find_spec("msgspec"), "PYDEVD_DISABLE_FILE_VALIDATION" in os.environ)


def fail():
    raise ValueError("boom")
"""
STORE = SOURCE.splitlines().index("    digdag.env.store(total=total)") + 1


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tasks.py").write_text(SOURCE)
    return tmp_path


async def waiting(
    project: Path, command: str, options: dict[str, Any]
) -> tuple[Call, asyncio.Task[OperatorResult], tuple[str, int]]:
    """A task that runs, until it waits for a debugger."""
    place: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
    task = call(
        project,
        "py",
        command,
        options,
        debug_python=True,
        debug_waiting=lambda host, port: place.set_result((host, port)),
    )
    running = asyncio.create_task(task.run())
    either: list[asyncio.Future[Any]] = [running, place]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        await running
    return task, running, place.result()


async def test_a_breakpoint_in_the_users_function(project: Path) -> None:
    # -S: an interpreter without any package, so that debugpy is ours
    task, running, (host, port) = await waiting(project, "tasks.work", {"n": 4, "python": [sys.executable, "-S"]})
    assert host == "127.0.0.1"
    assert task.output == []
    client = await DapClient.attach(host, port, {project / "tasks.py": [STORE]})
    stopped = await client.event("stopped")
    assert stopped["reason"] == "breakpoint"
    frame = (await client.ask("stackTrace", threadId=stopped["threadId"]))["stackFrames"][0]
    assert (frame["name"], frame["line"], frame["source"]["path"]) == ("work", STORE, str(project / "tasks.py"))
    assert (await client.ask("evaluate", expression="total", frameId=frame["id"]))["result"] == "5"
    assert not running.done()
    client.send("continue", threadId=stopped["threadId"])
    assert (await running).store == {"total": 5}
    assert task.lines[1:] == ["lent None False"]
    await client.event("terminated")
    await client.close()


async def test_a_failure_is_the_same_as_without_a_debugger(project: Path) -> None:
    task, running, (host, port) = await waiting(project, "tasks.fail", {})
    client = await DapClient.attach(host, port, {})
    with pytest.raises(TaskRuntimeError, match="boom"):
        await running
    assert task.lines[-1] == "ValueError: boom"
    await client.close()


async def test_cancelling_while_it_waits(project: Path) -> None:
    task, running, _ = await waiting(project, "tasks.work", {"n": 4})
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert task.output == []
    assert list((project / ".digdag" / "tmp").iterdir()) == []


def test_when_we_are_killed_nobody_waits_for_a_debugger_any_more(project: Path) -> None:
    program = (
        "import asyncio; from pathlib import Path; from tests.operators.support import call;"
        f"task = call(Path({str(project)!r}), 'py', 'tasks.work', {{'n': 4}}, debug_python=True,"
        " debug_waiting=lambda host, port: print('waiting', flush=True));"
        "asyncio.run(task.run())"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as ours:
        assert ours.stdout is not None
        assert ours.stdout.readline() == "waiting\n"
        (folder,) = (project / ".digdag" / "tmp").iterdir()
        assert running(folder.name)
        ours.kill()
    for _ in range(500):
        if not running(folder.name):
            return
        time.sleep(0.02)
    pytest.fail("it still waits")


def running(word: str) -> bool:
    """Whether a process has this word in its command line."""
    return word in subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True).stdout


async def test_cancelling_while_it_is_stopped(project: Path) -> None:
    task, running, (host, port) = await waiting(project, "tasks.work", {"n": 4})
    client = await DapClient.attach(host, port, {project / "tasks.py": [STORE + 2]})
    await client.event("stopped")
    pid = int(task.lines[0].split()[1])
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    await client.event("terminated")
    await client.close()


async def test_a_debugpy_of_the_users_own_that_is_broken_is_left_alone(project: Path) -> None:
    (project / "broken").mkdir()
    (project / "broken" / "debugpy.py").write_text("raise ImportError('not on this machine')\n")
    options = {"n": 4, "_env": {"PYTHONPATH": str(project / "broken")}}
    _, running, (host, port) = await waiting(project, "tasks.work", options)
    client = await DapClient.attach(host, port, {})
    assert (await running).store == {"total": 5}
    await client.close()


async def test_a_debugger_that_cannot_start(project: Path) -> None:
    (project / "old").mkdir()
    (project / "old" / "sitecustomize.py").write_text("import sys\nsys.version_info = (3, 7, 9)\n")
    with pytest.raises(TaskRuntimeError) as caught:
        await waiting(project, "tasks.work", {"n": 4, "_env": {"PYTHONPATH": str(project / "old")}})
    assert caught.value.message == (
        "Python stepping could not start in the interpreter of this task: "
        "debugpy needs Python 3.8 or later, and this is Python 3.7"
    )


async def test_a_script_has_no_function_to_stop_in(project: Path) -> None:
    script = "import sys\nprint('ran')\nopen(sys.argv[2], 'w').write('{}')\n"
    task = call(project, "py", None, {"script": script}, debug_python=True)
    await task.run()
    assert task.lines == ["ran"]
