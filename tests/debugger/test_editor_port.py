"""An editor at a `py>` task: a real client of the Debug Adapter Protocol at the port that the screen shows."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from digdag_tui.debugger.editor_entries import entries, tunnel
from digdag_tui.debugger.editor_port import port_of
from digdag_tui.debugger.events import DebuggerWaiting, EditorAttached, EditorDetached
from digdag_tui.debugger.session import NotPossible
from digdag_tui.engine.attempt import Task

from ..operators.dap_client import DapClient
from ..support import Debugged, debugged

FLOW = """
+work:
  py>: work.total
  rows: [1, 2, 3]
+after:
  echo>: ${total}
"""
WORK = """
import digdag


def total(rows):
    result = sum(rows)
    digdag.env.store(total=result)
"""
STORE = WORK.strip().split("\n").index("    digdag.env.store(total=result)") + 1
Told = TypeVar("Told", DebuggerWaiting, EditorAttached, EditorDetached)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Debugged]:
    with debugged(tmp_path, FLOW, files={"work.py": WORK}) as started:
        yield started


def told(run: Debugged, kind: type[Told], count: int = 1) -> Told:
    """The event of a kind that came as number `count`."""
    until(lambda: sum(isinstance(event, kind) for event in run.events) >= count, kind.__name__)
    return [event for event in run.events if isinstance(event, kind)][count - 1]


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, f"{what} never came"
        time.sleep(0.01)


def attached(run: Debugged) -> DebuggerWaiting:
    """Where the task waits."""
    assert run.where() == "entry +main+work"
    run.session.attach().result(10)
    return told(run, DebuggerWaiting)


def task(run: Debugged) -> Task:
    return run.task("+main+work")


async def test_an_editor_changes_a_local_and_the_workflow_stores_it(run: Debugged, tmp_path: Path) -> None:
    where = await asyncio.to_thread(attached, run)
    assert (where.host, where.root) == ("127.0.0.1", str(tmp_path.resolve()))
    editor = await DapClient.attach(where.host, where.port, {tmp_path / "work.py": [STORE]})
    stopped = await editor.event("stopped")
    assert isinstance(told(run, EditorAttached), EditorAttached)
    frame = (await editor.ask("stackTrace", threadId=stopped["threadId"]))["stackFrames"][0]
    scope = (await editor.ask("scopes", frameId=frame["id"]))["scopes"][0]
    await editor.ask("setVariable", variablesReference=scope["variablesReference"], name="result", value="40")
    editor.send("continue", threadId=stopped["threadId"])
    assert await asyncio.to_thread(run.where) == "step +main+after"
    assert task(run).store == {"total": 40}
    assert not any(isinstance(event, EditorDetached) for event in run.events)
    await editor.event("terminated")
    await editor.close()


async def test_an_editor_that_detaches_lets_the_task_run_on_and_may_come_again(tmp_path: Path, run: Debugged) -> None:
    (tmp_path / "work.py").write_text(
        "import os, time\n\ndef total(rows):\n    while not os.path.exists('go'):\n        time.sleep(0.01)\n"
    )
    where = await asyncio.to_thread(attached, run)
    for visit in (1, 2):
        editor = await DapClient.attach(where.host, where.port, {})
        assert task(run).state == "running"
        await editor.ask("disconnect", terminateDebuggee=False)
        await editor.hang_up()
        assert (await asyncio.to_thread(told, run, EditorDetached, visit)).begun
    (tmp_path / "go").touch()
    assert await asyncio.to_thread(run.where) == "step +main+after"


async def test_an_editor_that_goes_at_once_leaves_the_task_waiting(run: Debugged) -> None:
    where = await asyncio.to_thread(attached, run)
    _, writer = await asyncio.open_connection(where.host, where.port)
    await asyncio.to_thread(told, run, EditorAttached)
    writer.close()
    assert not (await asyncio.to_thread(told, run, EditorDetached)).begun
    assert task(run).state == "running"
    editor = await DapClient.attach(where.host, where.port, {})
    assert await asyncio.to_thread(run.where) == "step +main+after"
    await editor.hang_up()


def test_a_task_begins_without_an_editor_that_never_comes(run: Debugged) -> None:
    where = attached(run)
    assert run.session.not_possible("attach") is None
    run.session.begin_without_editor(where.task).result(60)
    assert run.where() == "step +main+after"
    assert task(run).store == {"total": 6}
    with pytest.raises(NotPossible, match="no task waits for an editor"):
        run.session.begin_without_editor(where.task).result(10)


@pytest.mark.parametrize(("command", "comes_to"), [("stop", "ended"), ("rewind", "goto +main+work")])
def test_the_wait_is_cancelled_and_the_session_goes_on(run: Debugged, command: str, comes_to: str) -> None:
    where = attached(run)
    getattr(run.session, command)(*([where.task] if command == "rewind" else [])).result(10)
    until(lambda: run.session.state in ("stopped", "ended"), "the end of the wait")
    assert run.where() == comes_to
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((where.host, where.port), timeout=10).close()
    if command == "rewind":
        run.session.attach().result(10)
        assert told(run, DebuggerWaiting, 2).port == where.port


def test_a_port_that_is_taken_is_told_and_another_one_is_used(run: Debugged, tmp_path: Path) -> None:
    own = port_of(tmp_path)
    with socket.create_server(("127.0.0.1", own)):
        where = attached(run)
    assert where.taken == own != where.port
    run.session.begin_without_editor(where.task).result(60)
    assert run.where() == "step +main+after"


def test_a_process_that_is_killed_while_it_waits_ends_its_task_only(tmp_path: Path) -> None:
    pid = (
        "import os, sys; open('pid', 'w').write(str(os.getpid())); os.execv(sys.executable, ['python', *sys.argv[1:]])"
    )
    dig = f"""
    +work:
      py>: work.total
      rows: []
      python: [{json.dumps(sys.executable)}, -c, {json.dumps(pid)}]
    """
    with debugged(tmp_path, dig, files={"work.py": WORK}) as run:
        attached(run)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        assert run.where() == "exception +main+work"
        assert run.do("retry") == "ended"


WAITING = DebuggerWaiting(3, "127.0.0.1", 23456, '/data/it\'s "mine"')


def test_the_entries_are_complete() -> None:
    code, charm, neovim = entries(WAITING, Path("/home/me/project"), {})
    entry = json.loads(code.text)
    assert (entry["type"], entry["request"]) == ("debugpy", "attach")
    assert entry["connect"] == {"host": "127.0.0.1", "port": 23456}
    assert entry["pathMappings"] == [{"localRoot": "/home/me/project", "remoteRoot": WAITING.root}]
    assert [line.partition(": ")[2].strip() for line in charm.text.split("\n")][1:] == [
        "127.0.0.1:23456",
        "/home/me/project",
        WAITING.root,
    ]
    assert "port = 23456" in neovim.text and 'remoteRoot = "/data/it\'s \\"mine\\""' in neovim.text


def test_over_ssh_the_project_is_what_the_editor_has_open() -> None:
    environment = {"SSH_CONNECTION": "10.0.0.5 51000 10.0.0.9 22"}
    assert tunnel(WAITING, environment) == "ssh -N -L 23456:127.0.0.1:23456 10.0.0.9"
    assert tunnel(WAITING, {}) is None
    code, _, neovim = entries(WAITING, Path("/srv/project"), environment)
    assert json.loads(code.text)["pathMappings"][0]["localRoot"] == "${workspaceFolder}"
    assert "localRoot = vim.fn.getcwd()" in neovim.text


def test_the_port_of_a_project_stays_the_same() -> None:
    assert port_of(Path("/a")) == port_of(Path("/a")) != port_of(Path("/b"))
    assert 20000 <= port_of(Path("/a")) < 30000
