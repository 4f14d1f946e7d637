"""`attach` in `digdag-tui debug --headless`: what it prints, an editor that comes, and one that never does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ..operators.dap_client import DapClient
from ..program import PROGRAM
from ..support import write

FLOW = {
    "main.dig": "+work:\n  py>: work.total\n+after:\n  echo>: total ${total}\n",
    "work.py": "import digdag\n\n\ndef total():\n    rows = 2\n    digdag.env.store(total=rows)\n",
}
STORE = 6


@contextmanager
def debugging(folder: Path, *words: str, lines: str) -> Iterator[subprocess.Popen[str]]:
    """The program, which has read these lines."""
    write(folder, FLOW)
    command = [*PROGRAM, "debug", "--headless", "main.dig", "--break", "+work", *words]
    pipe = subprocess.PIPE
    environment = {name: value for name, value in os.environ.items() if name != "SSH_CONNECTION"}
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=pipe, stdout=pipe, text=True) as program:
        assert program.stdin is not None
        program.stdin.write(lines)
        program.stdin.close()
        try:
            yield program
        finally:
            program.kill()


def record(program: subprocess.Popen[str], event: str) -> dict[str, Any]:
    """The next record of an event."""
    assert program.stdout is not None
    for line in program.stdout:
        found = json.loads(line)
        if found["event"] == event:
            return dict(found)
    pytest.fail(f"{event} never came")


async def test_an_editor_comes(tmp_path: Path) -> None:
    with debugging(tmp_path, "--json", lines="attach\nc\n") as program:
        where = record(program, "waiting")
        assert where["task"] == "+main+work"
        assert json.loads(where["entries"]["VS Code"])["connect"] == {"host": where["host"], "port": where["port"]}
        editor = await DapClient.attach(where["host"], where["port"], {tmp_path / "work.py": [STORE]})
        stopped = await editor.event("stopped")
        frame = (await editor.ask("stackTrace", threadId=stopped["threadId"]))["stackFrames"][0]
        scope = (await editor.ask("scopes", frameId=frame["id"]))["scopes"][0]
        await editor.ask("setVariable", variablesReference=scope["variablesReference"], name="rows", value="41")
        editor.send("continue", threadId=stopped["threadId"])
        assert record(program, "attached")["task"] == "+main+work"
        assert record(program, "stopped")["task"] == "+main+after"
        assert record(program, "ended")["success"]
        await editor.hang_up()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_an_editor_never_comes(tmp_path: Path) -> None:
    with debugging(tmp_path, lines="a\nc\n") as program:
        assert program.stdout is not None
        said = ""
        while "})" not in said:
            line = program.stdout.readline()
            assert line, said
            said += line
        assert "+main+work waits for a debugger on 127.0.0.1:" in said
        assert "VS Code: " in said and "PyCharm: " in said and "Neovim: " in said
        program.send_signal(signal.SIGINT)
        rest = program.stdout.read()
        assert "+main+work runs on without an editor\n" in rest
        assert "total 2" in rest and rest.endswith("Success.\n")
    assert program.returncode == 0
