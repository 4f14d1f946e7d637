"""Everything that a person can do: one table, from which bindings, the bar of keys, the palette and help are made."""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding


class Action(NamedTuple):
    """`name` is the app's action, `keys` the first its letter; `command` what the session is asked about it."""

    name: str
    keys: str
    label: str
    help: str
    command: str | None = None
    bar: bool = False

    @property
    def key(self) -> str:
        """The first key as people write it."""
        first = self.keys.split(",")[0]
        return {"slash": "/", "full_stop": ".", "comma": ",", "exclamation_mark": "!", "question_mark": "?"}.get(
            first, first
        )


GROUPS: dict[str, tuple[Action, ...]] = {
    "Run": (
        Action("resume", "c,f5", "continue", "run to the next stop", "continue", True),
        Action("step_over", "n,f10", "over", "run it, stop at the next", "step", True),
        Action("step_into", "s,f11", "into", "stop at its first task", "step", True),
        Action("step_out", "f,shift+f11", "out", "run to the end of the group", "step", True),
        Action("run_to", "t", "to here", "run to the selected task", "run to task", True),
        Action("pause", "p,f6", "pause", "start nothing new", "pause", True),
        Action("stop", "K,shift+f5", "stop", "end the attempt", "stop"),
        Action("restart", "R,ctrl+f5", "restart", "begin again from the start", "restart", True),
    ),
    "Change": (
        Action("edit", "e", "edit", "edit the param at the cursor", "edit", True),
        Action("add", "E", "set", "set another param", "edit"),
        Action("retry", "r", "retry", "run the failed task again", "retry", True),
        Action("skip", "k", "skip", "count it as a success", "skip", True),
        Action("pin", "P", "pin", "give its output instead", "pin"),
        Action("rewind", "w", "rewind", "back to the selected task", "rewind", True),
        Action("attach", "a", "attach", "run py> under debugpy", "attach"),
    ),
    "Stops": (
        Action("breakpoint", "b,f9", "break", "stop at the selected task", bar=True),
        Action("break_on_failure", "x", "failures", "stop at failures, or not"),
        Action("here", "g", "here", "select the task stopped at"),
        Action("next_failure", "exclamation_mark", "failure", "go to the next failed task"),
    ),
    "Look": (
        Action("find", "slash", "find", "find in this pane", bar=True),
        Action("find_next(1)", "full_stop", "next", "next place found"),
        Action("find_next(-1)", "comma", "previous", "previous place found"),
        Action("filter_log", "o", "only", "log of this task only"),
        Action("copy", "y", "copy", "copy what is at the cursor"),
        Action("zoom", "z", "zoom", "one pane at a time, or all"),
    ),
    "Program": (
        Action("help", "question_mark,f1", "help", "this page"),
        Action("quit", "q", "quit", "leave"),
    ),
}

ACTIONS: tuple[Action, ...] = tuple(action for group in GROUPS.values() for action in group)

PANES = (
    ("tasks", "Tasks"),
    ("params", "Params"),
    ("task", "Task"),
    ("error", "Error"),
    ("log", "Log"),
    ("problems", "Problems"),
    ("artifacts", "Texts"),
)


def bindings() -> list[Binding]:
    """All keys of the app."""
    found = [
        Binding(action.keys, action.name, action.label, show=False, tooltip=action.help, id=action.name)
        for action in ACTIONS
    ]
    found += [
        Binding(str(number), f"pane('{pane}')", name, show=False, id=pane)
        for number, (pane, name) in enumerate(PANES, 1)
    ]
    found += [
        Binding("tab", "next_pane(1)", "Next pane", show=False, id="next_pane"),
        Binding("shift+tab", "next_pane(-1)", "Previous pane", show=False, id="previous_pane"),
        Binding("escape", "dismiss_find", "Close", show=False, id="escape"),
    ]
    return found
