"""Short questions and pages over the screen: quitting, going on, waiting for an editor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ..engine.attempt import Task
from .modal import Modal
from .text import clean, plural

if TYPE_CHECKING:
    from ..debugger.history import PastAttempt


class Choice(Modal[str | None]):
    """A question with a few answers; Esc gives None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Close", show=False)]

    def __init__(self, title: str, question: str, answers: dict[str, tuple[str, str]]) -> None:
        """Args:
        answers: by their keys, a letter each: what is returned, and what is shown.
        """
        super().__init__()
        self._title = title
        self._question = question
        self._answers = answers

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Static(Content(self._question))
            yield OptionList(
                *(
                    Option(Content.assemble((f" {key} ", "b $text-accent"), f" {text}"), id=answer)
                    for key, (answer, text) in self._answers.items()
                )
            )

    def on_mount(self) -> None:
        self.set_focus(self.query_one(OptionList))

    def on_key(self, event: events.Key) -> None:
        if event.character in self._answers:
            event.stop()
            self.dismiss(self._answers[event.character][0])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)


def quit_question(running: int) -> Choice:
    """Asks before tasks that run are ended."""
    return Choice(
        "Quit",
        f"{plural(running, 'task')} running: quitting ends what runs. What has ended is kept.",
        {"q": ("quit", "quit"), "s": ("stay", "stay")},
    )


def leave_question(running: int) -> Choice:
    """Asks before an attempt that runs is left for one of the past."""
    return Choice(
        "Open a past attempt",
        f"{plural(running, 'task')} running: leaving this attempt ends what runs. What has ended is kept.",
        {"l": ("leave", "leave it"), "s": ("stay", "stay")},
    )


def resume_question(past: PastAttempt) -> Choice:
    """Offers to go on with an attempt whose process died."""
    last = f", {clean(past.last_task)} as the last" if past.last_task else ""
    return Choice(
        "An attempt did not finish",
        f"Attempt {past.number} of this session has no result: "
        f"{plural(past.ended_tasks, 'task')} had ended{last}. What was stored is kept.",
        {"g": ("go on", "go on from there"), "s": ("start over", "start over with a new attempt")},
    )


def launch_entry(host: str, port: int, project: Path) -> str:
    """The entry for an editor's `launch.json` that attaches to a waiting task."""
    entry = {
        "name": "Attach to the Digdag task",
        "type": "debugpy",
        "request": "attach",
        "connect": {"host": host, "port": port},
        "justMyCode": True,
        "pathMappings": [{"localRoot": str(project), "remoteRoot": str(project)}],
    }
    lines = (f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in entry.items())
    return "{\n" + ",\n".join(lines) + "\n}"


class Attach(Modal[str]):
    """A `py>` task waits for an editor. Gives `hide` or `cancel`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "Copy", show=False),
        Binding("h,enter", "dismiss('hide')", "Hide", show=False),
        Binding("escape", "dismiss('cancel')", "Cancel", show=False),
    ]

    def __init__(self, task: Task, host: str, port: int, project: Path) -> None:
        super().__init__()
        self.waiting = task
        self._host = host
        self._port = port
        self._entry = launch_entry(host, port, project)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="attach") as dialog:
            dialog.border_title = "Waiting for an editor"
            where = (f"{self._host}:{self._port}", "b $text-accent")
            for_what = "\nfor a debugger. In VS Code, add this to launch.json and start it:"
            yield Static(Content.assemble((clean(self.waiting.full_name), "b"), " waits on ", where, for_what))
            yield Static(Content(self._entry), classes="code")
            yield Static(
                Content.from_markup(
                    "\n[@click=screen.copy][b $text-accent]c[/] copy the entry[/]   "
                    "[@click=screen.dismiss('hide')][b $text-accent]h[/] hide this[/]   "
                    "[@click=screen.dismiss('cancel')][b $text-accent]Esc[/] cancel, and stop before the task[/]"
                )
            )

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._entry)
        self.notify("copied the launch.json entry")
