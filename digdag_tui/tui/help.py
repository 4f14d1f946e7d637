"""The page of help: the pane that has the focus first, then all keys, made from the bindings as they are."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from .actions import GROUPS, PANES, written
from .lines import Lines
from .modal import Modal

if TYPE_CHECKING:
    from .commands import Commanding

KEYS, GAP = 8, 2
"""Cells of the column of keys, and between the two columns of a wide page."""
WIDEST = 110
"""Cells of the page where there is room."""


class Entry(NamedTuple):
    """Keys, as people write them, and what they do."""

    keys: str
    text: str


class Section(NamedTuple):
    """Keys that belong together."""

    title: str
    entries: tuple[Entry, ...]


class Help(Modal[None]):
    """What the pane shows and does, and all keys; typing finds among them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1", "dismiss", "Close", show=False, priority=True),
        Binding("down", "scroll(1)", "Down", show=False, priority=True),
        Binding("up", "scroll(-1)", "Up", show=False, priority=True),
        Binding("pagedown", "scroll(15)", "Page down", show=False, priority=True),
        Binding("pageup", "scroll(-15)", "Page up", show=False, priority=True),
    ]

    def __init__(self, pane: Lines, name: str, app: Commanding) -> None:
        super().__init__()
        self._pane_text = pane.HELP
        self._pane_name = name
        self._sections = [Section(f"In {name}", tuple(pane_entries(pane))), *sections(app)]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="help") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "type to find · ↑ ↓ scroll · Esc closes"
            yield Input(compact=True, placeholder="find a key or a word", id="help-find")
            with VerticalScroll(can_focus=False):
                yield Static(id="help-text")

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self.set_focus(self.query_one(Input))

    def on_resize(self) -> None:
        self._show(self.query_one(Input).value)

    @on(Input.Changed)
    def _find(self, event: Input.Changed) -> None:
        self._show(event.value)

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def _show(self, needle: str) -> None:
        width = min(self.app.size.width, WIDEST) - 5
        lines = list(found(self._sections, needle, width) if needle.strip() else self._page(width))
        self.query_one("#help-text", Static).update(Content("\n").join(lines))
        self.query_one(VerticalScroll).scroll_to(y=0, animate=False)

    def _page(self, width: int) -> Iterator[Content]:
        if self._pane_text:
            yield _head(self._pane_name)
            for line in _paragraphs(self._pane_text):
                yield from (Content.styled(part, "$foreground 85%") for part in _wrapped(line, width))
            yield Content("")
        own, *others = self._sections
        if own.entries:
            yield from _section(own, width)
            yield Content("")
        yield from in_columns(others, width)


def sections(app: Commanding) -> Iterator[Section]:
    """All actions by their groups, then the keys of panes and of moving in them, with the person's own keys."""
    for group, actions in GROUPS.items():
        yield Section(group, tuple(_joined((app.keys_of(action), action.help) for action in actions)))
    panes = ((written(app.main.pane_keys[pane.name]), pane.title) for pane in PANES)
    yield Section("Panes", tuple(Entry(*pane) for pane in panes if pane[0]))
    moves = [*Lines.BINDINGS, *type(app.main).BINDINGS]
    yield Section("Move", tuple(_entries(moves)))


def pane_entries(pane: Lines) -> Iterator[Entry]:
    """The keys that a pane has for itself."""
    classes = [cls for cls in type(pane).__mro__ if issubclass(cls, Lines) and cls is not Lines]
    yield from _entries(binding for cls in classes for binding in cls.__dict__.get("BINDINGS", ()))


def _entries(bindings: Iterable[BindingType]) -> Iterator[Entry]:
    made = ((binding, binding.description) for binding in Binding.make_bindings(bindings) if binding.description)
    yield from _joined(((binding.key,), f"{text[0].lower()}{text[1:]}") for binding, text in made)


def _joined(actions: Iterable[tuple[tuple[str, ...], str]]) -> Iterator[Entry]:
    """One entry for all keys of the same words."""
    found: dict[str, list[str]] = {}
    for keys, help in actions:
        found.setdefault(help, []).extend(keys)
    for help, all_keys in found.items():
        yield Entry(" ".join(map(written, all_keys)) or "palette", help)


def found(all_sections: Iterable[Section], needle: str, width: int) -> Iterator[Content]:
    """The entries with a text in their words, or whose key it is."""
    wanted, any_found = needle.strip(), False
    for section in all_sections:
        entries = [entry for entry in section.entries if wanted in entry.keys.split()] or [
            entry for entry in section.entries if wanted.casefold() in f"{entry.text} {section.title}".casefold()
        ]
        if entries:
            any_found = True
            yield from _section(Section(section.title, tuple(entries)), width)
    if not any_found:
        yield Content.styled(f"no key for {wanted}", "$foreground 60%")


def in_columns(all_sections: Iterable[Section], width: int) -> Iterator[Content]:
    """Sections below each other, in two columns of about the same height if there is room."""
    half = (width - GAP) // 2
    if half < 34:
        for section in all_sections:
            yield from _section(section, width)
        return
    blocks = [list(_section(section, half)) for section in all_sections]
    total, left, right = sum(map(len, blocks)), list[Content](), list[Content]()
    for block in blocks:
        (left if len(left) + len(block) / 2 <= total / 2 else right).extend(block)
    for one, other in zip_longest(left, right, fillvalue=Content("")):
        yield Content("").join([one.pad_right(half + GAP - one.cell_length), other])


def _section(section: Section, width: int) -> Iterator[Content]:
    yield _head(section.title)
    for keys, text in section.entries:
        beside = cell_len(keys) < KEYS
        lines = _wrapped(text, width - KEYS - 1)
        if not beside:
            yield Content.styled(f" {keys}", "b $text-accent")
        for number, line in enumerate(lines):
            key = keys if beside and not number else ""
            space = " " * (KEYS - cell_len(key))
            yield Content.assemble((f" {key}{space}", "b $text-accent"), (line, "$foreground 85%"))


def _paragraphs(text: str) -> list[str]:
    """The lines of a text; those that go on with what the line before says are joined with it."""
    lines: list[str] = []
    for line in text.strip("\n").splitlines():
        if lines and not line.startswith(" ") and not lines[-1].startswith(" "):
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    indent = len(text) - len(text.lstrip())
    return textwrap.wrap(text, width, subsequent_indent=" " * (indent + 2 if indent else 0)) or [""]


def _head(name: str) -> Content:
    return Content.styled(name, "b $text-primary")
