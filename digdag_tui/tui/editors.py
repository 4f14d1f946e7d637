"""The person's editor, and the words with which it opens a file at a line."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..workflow.errors import DigdagError

JETBRAINS = (
    "idea", "pycharm", "charm", "webstorm", "goland", "clion", "phpstorm", "rubymine", "rider", "datagrip",
    "dataspell", "studio", "fleet",
)  # fmt: skip
VSCODE = ("code", "code-insiders", "codium", "vscodium", "cursor", "windsurf", "positron")

WINDOWED = (
    *VSCODE,
    *JETBRAINS,
    "subl",
    "sublime_text",
    "zed",
    "atom",
    "gvim",
    "gedit",
    "kate",
    "kwrite",
    "mate",
    "bbedit",
)
"""Editors with a window of their own, by their programs."""


class Editor(NamedTuple):
    """`words` start it; `name` is what it is known by."""

    words: list[str]
    name: str

    @property
    def in_terminal(self) -> bool:
        """Whether it needs the terminal for itself."""
        return self.name not in WINDOWED

    def command(self, file: Path, line: int, column: int) -> list[str]:
        """The command line that opens a file there; both are counted from 1."""
        place = f"{file}:{line}:{column}"
        if self.name in VSCODE:
            return [*self.words, "-g", place]
        if self.name in JETBRAINS:
            return [*self.words, "--line", str(line), "--column", str(column - 1), str(file)]
        match self.name:
            case "hx" | "helix" | "subl" | "sublime_text" | "zed" | "atom":
                return [*self.words, place]
            case "nano" | "rnano" | "pico":
                return [*self.words, f"+{line},{column}", str(file)]
            case "emacs" | "emacsclient" | "micro" | "kak" | "gedit":
                return [*self.words, f"+{line}:{column}", str(file)]
            case "kate" | "kwrite":
                return [*self.words, "--line", str(line), "--column", str(column), str(file)]
            case "mate":
                return [*self.words, "--line", f"{line}:{column}", str(file)]
            case _:
                return [*self.words, f"+{line}", str(file)]


def find_editor(environment: Mapping[str, str] = os.environ) -> Editor:
    """The editor that `$VISUAL` or else `$EDITOR` names.

    Raises:
        DigdagError: neither names a program that is there.
    """
    variable = next((name for name in ("VISUAL", "EDITOR") if environment.get(name, "").strip()), None)
    if variable is None:
        raise DigdagError("no editor is set: EDITOR or VISUAL names one, such as EDITOR=nano")
    try:
        words = shlex.split(environment[variable])
    except ValueError:
        words = []
    if not words:
        raise DigdagError(f"${variable} is no command: a quote in it is not closed")
    words[0] = os.path.expanduser(words[0])
    if shutil.which(words[0], path=environment.get("PATH")) is None:
        raise DigdagError(f"{words[0]}, which ${variable} names, is not found")
    name = os.path.basename(words[0])
    return Editor(words, name.removesuffix(".sh").removesuffix("64"))
