"""The page about a `py>` task that waits for an editor: where it waits, and an entry for each editor to copy."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from ..debugger.editor_entries import entries, tunnel
from ..debugger.events import DebuggerWaiting
from ..engine.attempt import Task
from .modal import Modal
from .text import clean, clean_lines
from .view import View

KEYS = {"VS Code": "v", "PyCharm": "p", "Neovim": "n"}
DOES = {
    "copy": ("c", "copy it"),
    "run": ("r", "run without"),
    "rewind": ("w", "stop before it"),
    "hide": ("Esc", "hide"),
}


class Attach(Modal[str]):
    """Gives `run`, `rewind` or `hide`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,y", "copy", "Copy", show=False),
        Binding("r", "leave('run')", "Run without", show=False),
        Binding("w", "leave('rewind')", "Stop before it", show=False),
        Binding("escape,h,a,enter", "leave('hide')", "Hide", show=False),
        Binding("v", "choose(0)", "VS Code", show=False),
        Binding("p", "choose(1)", "PyCharm", show=False),
        Binding("n", "choose(2)", "Neovim", show=False),
        Binding("right,tab,l", "turn(1)", "Next editor", show=False),
        Binding("left,shift+tab", "turn(-1)", "Editor before", show=False),
    ]

    def __init__(self, view: View, task: Task, offer: DebuggerWaiting, chosen: int = 0) -> None:
        """Args:
        chosen: the editor whose entry shows first.
        """
        super().__init__()
        self.waiting = task
        self.chosen = chosen
        self._view = view
        self._offer = offer
        self._entries = entries(offer, view.project)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="attach") as dialog:
            dialog.border_title = "Waiting for an editor"
            dialog.border_subtitle = self._foot().markup
            yield Static(self._head())
            yield Static(id="editors")
            yield Static(id="entry", classes="code")

    def on_mount(self) -> None:
        self._show()

    def _head(self) -> Content:
        offer = self._offer
        where = (f"{offer.host}:{offer.port}", "b $text-accent")
        lines = [Content.assemble((clean(self.waiting.full_name), "b"), " waits on ", where, " for a debugger.")]
        if offer.taken:
            lines.append(
                Content.styled(f"Port {offer.taken} is taken: change the port in an entry you saved.", "$text-warning")
            )
        if command := tunnel(offer):
            lines.append(Content.assemble("First on the editor's machine: ", (clean(command), "b")))
        return Content("\n").join([*lines, Content()])

    def _foot(self) -> Content:
        markup = "[@click=screen.leave('$name')][b $text-accent]$key[/] $label[/]"
        parts = [
            Content.from_markup(
                markup.replace("leave('$name')", "copy" if name == "copy" else f"leave('{name}')"), key=key, label=label
            )
            for name, (key, label) in DOES.items()
        ]
        return Content("   ").join(parts)

    def _show(self) -> None:
        entry = self._entries[self.chosen]
        tabs = [self._tab(number) for number in range(len(self._entries))]
        how = f"{clean(entry.place)}, then {clean(entry.then)}:"
        self.query_one("#editors", Static).update(Content("\n").join([Content(" ").join(tabs), Content(how)]))
        self.query_one("#entry", Static).update(Content("\n".join(clean_lines(self._text()))))

    def _tab(self, number: int) -> Content:
        name = self._entries[number].editor
        markup = f"[@click=screen.choose({number})] [b $text-accent]$key[/] $name [/]"
        style = "b $foreground on $primary-muted" if number == self.chosen else "$foreground 70%"
        return Content.from_markup(markup, key=KEYS[name], name=name).stylize_before(style)

    def _text(self) -> str:
        return self._view.mask(self._entries[self.chosen].text)

    def action_choose(self, number: int) -> None:
        self.chosen = number
        self._show()

    def action_turn(self, by: int) -> None:
        self.action_choose((self.chosen + by) % len(self._entries))

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._text())
        self.notify(f"copied the entry for {self._entries[self.chosen].editor}")

    def action_leave(self, answer: str) -> None:
        self.dismiss(answer)
