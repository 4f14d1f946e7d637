"""What can be copied of a task, besides what is at the cursor."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from ..engine.attempt import Task
from ..params.layers import Source
from ..workflow.text import java_text, json_text
from .dialogs import Choice
from .text import clean, fit
from .view import View

if TYPE_CHECKING:
    from ..debugger.inspect import Param
    from ..debugger.launch import Launch

LETTERS = {"value": "v", "path": "p", "task": "t", "place": "l", "command": "c", "error": "e"}
SHOWN = 56
"""Cells of a text that the question shows."""


def texts_of(view: View, task: Task, param: Param | None, launch: Launch) -> dict[str, str]:
    """The texts by their names, keys of `LETTERS`; what there is none of is left out."""
    from ..debugger.report import position_of_task

    texts = {}
    if param:
        value = param.value
        texts["value"] = json_text(value) if isinstance(value, dict | list) else java_text(value)
        texts["path"] = ".".join(param.path)
    texts["task"] = task.full_name
    if position := position_of_task(task):
        texts["place"] = f"{position.file}:{position.line}"
    texts["command"] = run_command(view, task, launch)
    if error := view.error_of(task)[0]:
        texts["error"] = str(error.get("message", ""))
    return texts


def run_command(view: View, task: Task, launch: Launch) -> str:
    """The command line that runs the task alone; of a generated one, what generates it."""
    start = view.attempt.start
    name = task.full_name.removeprefix(f"+{start.workflow}").partition("^")[0]
    place = str(launch.project / f"{start.workflow}.dig")
    inside = os.path.relpath(place)
    file = place if inside.startswith("..") else inside
    words = ["digdag-tui", "run", file, *([name] if name else []), "--rerun", "--session", start.session_time]
    for override in launch.overrides:
        if override.source == Source.COMMAND_LINE.value:
            for key, value in override.values.items():
                words += ["-p", f"{key}={value if isinstance(value, str) else json_text(value)}"]
    return shlex.join(words)


def copy_question(texts: dict[str, str]) -> Choice:
    """Asks which of the texts to copy."""
    answers = {
        LETTERS[name]: (name, f"{name:9}{fit(clean(text.strip().partition(chr(10))[0]), SHOWN)}")
        for name, text in texts.items()
    }
    return Choice("Copy", "What shall be copied?", answers)
