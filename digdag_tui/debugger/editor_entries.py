"""What an editor needs to attach to a `py>` task that waits: an entry for each, ready to be pasted."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from .events import DebuggerWaiting

NAME: Final = "Attach to the Digdag task"


class Entry(Struct, frozen=True):
    """How one editor attaches: `text` goes where `place` says, `then` starts it."""

    editor: str
    place: str
    text: str
    then: str


def entries(waiting: DebuggerWaiting, project: Path, environment: Mapping[str, str] = os.environ) -> tuple[Entry, ...]:
    """The entries for VS Code, PyCharm and Neovim.

    Over SSH the editor is on another machine, where the project is what the editor has open.
    """
    afar = tunnel(waiting, environment) is not None
    return (
        _vs_code(waiting, "${workspaceFolder}" if afar else str(project)),
        _pycharm(waiting, "(the folder that is open)" if afar else str(project)),
        _neovim(waiting, "vim.fn.getcwd()" if afar else _lua(str(project))),
    )


def tunnel(waiting: DebuggerWaiting, environment: Mapping[str, str] = os.environ) -> str | None:
    """The command that an editor's machine runs to reach the port, where this session came over SSH."""
    words = environment.get("SSH_CONNECTION", "").split()
    if len(words) != 4:
        return None
    return f"ssh -N -L {waiting.port}:{waiting.host}:{waiting.port} {words[2]}"


def _vs_code(waiting: DebuggerWaiting, local: str) -> Entry:
    text = f"""\
{{
  "name": {_json(NAME)},
  "type": "debugpy",
  "request": "attach",
  "connect": {{"host": {_json(waiting.host)}, "port": {waiting.port}}},
  "justMyCode": true,
  "pathMappings": [
    {{"localRoot": {_json(local)},
     "remoteRoot": {_json(waiting.root)}}}
  ]
}}"""
    return Entry("VS Code", "into the configurations of .vscode/launch.json", text, "start it with F5")


def _pycharm(waiting: DebuggerWaiting, local: str) -> Entry:
    lines = {
        "Name": NAME,
        "Remote address": f"{waiting.host}:{waiting.port}",
        "Local project path": local,
        "Remote project path": waiting.root,
    }
    text = "\n".join(f"{name + ':':21}{value}" for name, value in lines.items())
    return Entry("PyCharm", "a run configuration “Attach to DAP” (PyCharm 2025.3 or later)", text, "debug it")


def _neovim(waiting: DebuggerWaiting, local: str) -> Entry:
    text = f"""\
local dap = require("dap")
dap.adapters.digdag = {{
  type = "server", host = {_lua(waiting.host)}, port = {waiting.port},
}}
dap.configurations.python = dap.configurations.python or {{}}
table.insert(dap.configurations.python, {{
  name = {_lua(NAME)},
  type = "digdag", request = "attach", justMyCode = true,
  pathMappings = {{ {{
    localRoot = {local},
    remoteRoot = {_lua(waiting.root)},
  }} }},
}})"""
    return Entry("Neovim", "into init.lua, beside nvim-dap", text, ":DapContinue in a .py file")


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _lua(text: str) -> str:
    """A text as a literal of Lua."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}
    return '"' + "".join(escapes.get(letter, letter) for letter in text) + '"'
