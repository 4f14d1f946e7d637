"""Short questions over the screen: quitting, leaving an attempt, going on with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

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
