"""Going from a value to who set it, from a text to what it read, from a param to who reads it, and back."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..engine.attempt import Task
from ..params.layers import Origin, Source
from ..workflow.errors import Position
from .commands import Commanding
from .pages import Page
from .params import ParamsPane, Spot

NOBODY = {
    Source.BUILT_IN: "Digdag itself sets it, for every task",
    Source.EDIT: "you set it here",
    Source.SESSION: "it came with the session",
    Source.CONFIG_FILE: "it stands in the configuration file, not in the workflow",
    Source.PARAMS_FILE: "it was given in a file with -P, not by the workflow",
    Source.COMMAND_LINE: "it was given with -p, not by the workflow",
}
"""Why there is nothing to go to."""


class Place(NamedTuple):
    """Where a person was: a task by its full name, a pane, and its row; `spot` is the row in the Params pane."""

    task: str
    pane: str
    row: int
    spot: Spot | None


class Following(Commanding):
    """Jumps, and the way back."""

    _places: tuple[Place, ...] = ()

    def on_params_pane_followed(self, event: ParamsPane.Followed) -> None:
        here = self._here()._replace(spot=event.spot)
        target = event.target
        went = self._go_to_origin(target) if isinstance(target, Origin) else self.main.params.select(target)
        if went:
            self._places = (*self._places, here)
        elif not isinstance(target, Origin):
            self.toast(f"{'.'.join(target)} is no param of this task", "warning")

    def on_page_followed(self, event: Page.Followed) -> None:
        here = self._here()
        if isinstance(event.target, Task):
            self.main.select(event.target)
        else:
            self.main.show_position(event.target)
        self._places = (*self._places, here)

    def _go_to_origin(self, origin: Origin) -> bool:
        """Show the task that stored or exported a value, or the line that it stands in; False if there is neither."""
        task = self.view.attempt.named(origin.task) if origin.task else None
        if origin.source is not Source.EDIT:
            if origin.position:
                self.main.show_position(origin.position)
                return True
            if task:
                self._go_to_task(task)
                return True
        self.toast(NOBODY.get(origin.source, f"{origin} is not part of this attempt"))
        return False

    def _go_to_task(self, task: Task) -> None:
        """Select a task and show what it stored."""
        self.main.select(task)
        self.main.show_pane("task")

    def follow_reader(self, task_name: str, position: Position | None) -> None:
        """Show who reads a param: the line, with its task selected if the attempt has it."""
        here, task = self._here(), self._task_like(task_name)
        if task:
            self.main.select(task)
        if position:
            self.main.show_position(position)
        elif task:
            self.main.show_pane("params")
        else:
            self.toast(f"{task_name} is not part of this attempt yet, and its line is not known", "warning")
            return
        self._places = (*self._places, here)

    def _task_like(self, name: str) -> Task | None:
        """The task of a name in which `*` stands for what only a run tells."""
        if "*" not in name:
            return self.view.attempt.named(name)
        pattern = re.compile(".*".join(map(re.escape, name.split("*"))))
        return next((task for task in self.view.tasks.values() if pattern.fullmatch(task.full_name)), None)

    def _here(self) -> Place:
        main = self.main
        task = main.selected.full_name if main.selected else ""
        return Place(task, main.active, main.pane(main.active).cursor, main.params.spot())

    def refuse_go_back(self, task: Task | None) -> str | None:
        return None if self._places else "you have jumped nowhere yet: Enter on a value goes to who set it"

    def action_go_back(self) -> None:
        if not self._possible("go_back"):
            return
        *places, place = self._places
        self._places = tuple(places)
        task = self.view.attempt.named(place.task)
        if task:
            self.main.select(task)
        self.main.show_pane(place.pane)
        if place.pane != "params":
            self.main.pane(place.pane).move_to(place.row)
        elif place.spot:
            self.main.params.restore(place.spot)
