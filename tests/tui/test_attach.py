"""The page about a task that waits for an editor, by keys, with a real client of the Debug Adapter Protocol."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from digdag_tui.debugger.editor_port import port_of

from ..operators.dap_client import DapClient
from .support import Screen, opened

FLOW = """
+work:
  py>: work.total
+after:
  echo>: ${total}
"""
WORK = "import digdag\n\n\ndef total():\n    rows = 2\n    digdag.env.store(total=rows)\n"
STORE = 6


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)


@asynccontextmanager
async def waiting(project: Path, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Screen]:
    """The debugger with the page about the task that waits."""
    async with opened(project, FLOW, {"work.py": WORK}, size=size) as screen:
        await screen.stops("before +main+work")
        await screen.press("a")
        await screen.sees('"request": "attach"')
        await screen.stops("+main+work waits for an editor")
        yield screen


async def test_the_entry_of_each_editor_is_shown_and_copied(tmp_path: Path) -> None:
    async with waiting(tmp_path) as screen:
        port = port_of(tmp_path)
        assert f"waits on 127.0.0.1:{port}" in screen.picture()
        await screen.press("c")
        entry = json.loads(screen.app.clipboard)
        assert entry["connect"] == {"host": "127.0.0.1", "port": port}
        assert entry["pathMappings"] == [{"localRoot": str(tmp_path), "remoteRoot": str(tmp_path.resolve())}]
        await screen.press("p")
        await screen.sees("Attach to DAP")
        await screen.press("c")
        assert f"127.0.0.1:{port}" in screen.app.clipboard
        await screen.press("right", "y")
        await screen.sees('require("dap")')
        assert f"port = {port}" in screen.app.clipboard
        await screen.says("copied the entry for Neovim")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_every_entry_has_room(tmp_path: Path, size: tuple[int, int]) -> None:
    async with waiting(tmp_path, size) as screen:
        for key in "vpn":
            await screen.press(key)
            await screen.sees("stop before it")
            assert "Waiting for an editor" in screen.picture()


async def test_an_editor_comes_and_goes(tmp_path: Path) -> None:
    async with waiting(tmp_path) as screen:
        editor = await DapClient.attach("127.0.0.1", port_of(tmp_path), {tmp_path / "work.py": [STORE]})
        stopped = await editor.event("stopped")
        await screen.says("an editor is attached to +main+work")
        await screen.until(lambda: screen.app.screen is screen.app.main, "the end of the page")
        await screen.stops("+main+work has an editor")
        frame = (await editor.ask("stackTrace", threadId=stopped["threadId"]))["stackFrames"][0]
        scope = (await editor.ask("scopes", frameId=frame["id"]))["scopes"][0]
        await editor.ask("setVariable", variablesReference=scope["variablesReference"], name="rows", value="41")
        await editor.ask("disconnect", terminateDebuggee=False)
        await editor.hang_up()
        await screen.says("+main+work runs on without an editor")
        await screen.stops("before +main+after")
        assert screen.app.view.attempt.tasks[2].store == {"total": 41}


async def test_an_editor_that_never_comes_is_not_waited_for(tmp_path: Path) -> None:
    async with waiting(tmp_path) as screen:
        await screen.press("escape")
        assert screen.app.screen is screen.app.main
        await screen.dialog("a")
        await screen.press("r")
        await screen.stops("before +main+after")
        assert screen.app.view.attempt.tasks[2].store == {"total": 2}


@pytest.mark.parametrize(("key", "status"), [("w", "before +main+work"), ("K", "finished: stopped")])
async def test_the_wait_can_be_ended(tmp_path: Path, key: str, status: str) -> None:
    async with waiting(tmp_path) as screen:
        if key == "K":
            await screen.press("escape")
        await screen.press(key)
        await screen.stops(status)
        assert screen.app.screen is screen.app.main


async def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", port_of(tmp_path))):
        async with waiting(tmp_path) as screen:
            await screen.sees(f"Port {port_of(tmp_path)} is taken")
            await screen.press("c")
            assert json.loads(screen.app.clipboard)["connect"]["port"] != port_of(tmp_path)


async def test_over_ssh_the_tunnel_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.5 51000 10.0.0.9 22")
    async with waiting(tmp_path) as screen:
        port = port_of(tmp_path)
        await screen.sees(f"ssh -N -L {port}:127.0.0.1:{port} 10.0.0.9")
        await screen.sees("${workspaceFolder}")
