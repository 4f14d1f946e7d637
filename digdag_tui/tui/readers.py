"""The list of who reads a param."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from .modal import Modal
from .text import clean, fit, pad, plural

if TYPE_CHECKING:
    from ..params.flow import Reader


class ReadersDialog(Modal["Reader | None"]):
    """Gives the reader that the person wants to see."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,v", "dismiss(None)", "Close", show=False)]

    def __init__(self, param: str, readers: list[Reader], mask: Callable[[str], str]) -> None:
        super().__init__()
        self._param = param
        self._readers = readers
        self._mask = mask

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="readers") as dialog:
            dialog.border_title = f"Who reads {clean(self._param)}".replace("[", r"\[")
            dialog.border_subtitle = "Enter goes there · Esc closes"
            if not self._readers:
                yield Static(
                    Content("Nothing in the workflow reads it, as far as that can be known without running it.")
                )
                return
            yield Static(Content.styled(f"{plural(len(self._readers), 'place')} in the workflow:", "$foreground 60%"))
            column = min(32, max(cell_len(clean(reader.task)) for reader in self._readers))
            yield OptionList(*(Option(self._line(reader, column)) for reader in self._readers))

    def _line(self, reader: Reader, column: int) -> Content:
        place = f"{reader.position.file.rpartition('/')[2]}:{reader.position.line}" if reader.position else ""
        text = " ".join(clean(self._mask(reader.text)).split())
        return Content.assemble(
            (pad(clean(reader.task), column), "b"),
            (f"  {pad(clean(place), 14)}  ", "$text-primary"),
            (f"{reader.how:8}  ", "$foreground 60%"),
            fit(text, 200),
        )

    def on_mount(self) -> None:
        if self._readers:
            self.set_focus(self.query_one(OptionList))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._readers[event.option_index])
