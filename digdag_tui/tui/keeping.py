"""What the app takes over from the last session and from the person's files, and leaves for the next session."""

from __future__ import annotations

import time
from pathlib import Path

from ..debugger.events import WATCH_MODES, WatchMode
from ..workflow.errors import DigdagError
from . import notify
from .actions import PANES, written
from .boxes import HeaderLine
from .commands import Commanding
from .state import PROJECT_FILE, State, person_file

SHOWN_PROBLEMS = 3
REMEMBERS = 5.0
"""Seconds between two looks at how the screen looks."""


class Keeping(Commanding):
    """State, keymap, theme, and the terminal's title.

    `state` is the project's, `person` the one of the person who works here; both may be set at any time.
    """

    state: State
    person: State
    keys_file: Path | None = None
    """Where `--keys` says that the keymap is."""
    watch_option: WatchMode | None = None
    """What `--watch` says."""
    _run_timer: notify.Timer
    _title = ""
    _theme_before = ""
    _remembered = 0.0

    def _open_state(self, project: Path) -> None:
        self.state, self.person = State(project / PROJECT_FILE), State(person_file())
        self._run_timer = notify.Timer()

    def _take_over(self) -> None:
        """Before the first paint: how the screen looked when it was left."""
        self._theme_before = theme = self.person.get("theme", self.theme)
        if theme in self.available_themes:
            self.theme = theme
        self.main.restore(self.state.get("layout", {}))
        self._write(notify.SAVE_TITLE)

    def _show_taken_over(self) -> None:
        """After the first paint: the mode of watching, and the person's keys."""
        self.main.query_one(HeaderLine).on_save = self.wanted_watch_mode
        self._read_keys()

    def _leave(self) -> None:
        """At the end: keep how the screen looks."""
        self._remember()
        self.state.save()
        self.person.save()

    def _remember(self) -> None:
        self.state.set("layout", self.main.remembered())
        if self._theme_before and self.theme != self._theme_before:
            self.person.set("theme", self.theme)

    def _keep(self) -> None:
        """Now and then: write what was set, and how the screen looks; a terminal may be closed at any time."""
        if time.monotonic() > self._remembered + REMEMBERS:
            self._remembered = time.monotonic()
            self._remember()
        for kept in (self.state, self.person):
            if problem := kept.save():
                self.toast(f"what you set is not kept: {problem}", "warning")

    @property
    def wanted_watch_mode(self) -> WatchMode:
        """What saving a file leads to: as the command line says, or as it was the last time."""
        kept = self.state.get("watch_mode", "")
        wanted: WatchMode = next((mode for mode in WATCH_MODES if mode == kept), "touched")
        return self.watch_option or wanted

    # Keys

    def _read_keys(self) -> None:
        """Use the person's keymap, and say what is wrong with it."""
        from .keymap import keymap_file

        file = self.keys_file or keymap_file()
        if not self.keys_file and not file.exists():
            return
        from .keymap import read_keymap

        try:
            keymap = read_keymap(file)
        except DigdagError as error:
            self.toast(f"the keys are as always: {error.position or ''} {error.error_message}", "warning")
            return
        self._use_keys(keymap.keys)
        for problem in keymap.problems[:SHOWN_PROBLEMS]:
            place = f"{problem.position.file}:{problem.position.line}: " if problem.position else ""
            self.toast(f"{place}{problem.message}{f': {problem.hint}' if problem.hint else ''}", "warning")
        if len(keymap.problems) > SHOWN_PROBLEMS:
            self.toast(f"{file.name} has {len(keymap.problems) - SHOWN_PROBLEMS} more problems", "warning")

    def _use_keys(self, keys: dict[str, tuple[str, ...]]) -> None:
        """Replace the keys of some bindings; the others stay as they are."""
        self.keymap = keys
        bindings = self._bindings.key_to_bindings
        changed = {binding.id: binding for found in bindings.values() for binding in found if binding.id in keys}
        kept = {key: [binding for binding in found if binding.id not in keys] for key, found in bindings.items()}
        for name, binding in changed.items():
            for key in keys[name or ""]:
                kept.setdefault(key, []).append(binding.with_key(key))
        self._bindings.key_to_bindings = {key: found for key, found in kept.items() if found}
        panes = {pane.name: keys[pane.binding] for pane in PANES if pane.binding in keys}
        self.main.use_pane_keys({name: next(map(written, given), "") for name, given in panes.items()})
        self._shown_keys = ()

    # The terminal

    def _tell_terminal(self) -> None:
        """Set the terminal's title, and notify at the end of a long run."""
        symbol, text, _ = self.view.status()
        title = self.view.mask(f"{symbol} {text} - {self.view.project.name}")
        if title != self._title:
            self._title = title
            self._write(notify.title(title))
        ran = self._run_timer.rests(self.session is None or self.view.at_rest(), time.monotonic())
        if ran is not None and ran >= notify.LONG and self.person.get("notifications", True):
            self._write(notify.notification("digdag-tui", self.view.mask(f"{symbol} {text}")))

    def on_unmount(self) -> None:
        self._write(notify.RESTORE_TITLE)

    def _write(self, sequence: str) -> None:
        """Write an escape sequence to the terminal, if there is one."""
        if self._driver and not self.is_headless:
            self._driver.write(sequence)
