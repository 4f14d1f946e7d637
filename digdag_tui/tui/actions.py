"""Everything that a person can do: one table, from which bindings, the bar of keys, the palette and help are made."""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding
from textual.keys import format_key


def written(key: str) -> str:
    """A key as people write it: `/`, `^r`, `F5`, `⇧F11`."""
    if key == "escape":
        return "Esc"
    *modifiers, base = key.split("+")
    sign = base.upper() if base[0] == "f" and base[1:].isdigit() else format_key(base)
    return "".join({"ctrl": "^", "shift": "⇧"}.get(modifier, f"{modifier}+") for modifier in modifiers) + sign


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
        return written(self.keys.split(",")[0])


GROUPS: dict[str, tuple[Action, ...]] = {
    "Run": (
        Action("resume", "c,f5", "continue", "run to the next stop", "continue", True),
        Action("step_over", "n,f10", "over", "run it, stop at the next", "step", True),
        Action("step_into", "s,f11", "into", "stop at its first task, or in its Python", "step", True),
        Action("step_out", "f,shift+f11", "out", "run to the end of the group", "step", True),
        Action("run_to", "t", "to here", "run to the selected task", "run to task", True),
        Action("pause", "p,f6", "pause", "start nothing new", "pause", True),
        Action("stop", "K,shift+f5", "stop", "end the attempt", "stop"),
        Action("restart", "R,ctrl+f5", "restart", "begin again from the start", "restart", True),
        Action("rerun", "ctrl+r", "re-run", "run what saved files touched", "re-run"),
    ),
    "Change": (
        Action("edit", "e", "edit", "edit the param at the cursor", "edit", True),
        Action("add", "E", "set", "set another param", "edit"),
        Action("edit_all", "V", "edit all", "edit all params of the task", "edit"),
        Action("undo", "u", "undo", "take back the last edit", "undo"),
        Action("edits", "U", "edits", "list of edits; save them"),
        Action("retry", "r", "retry", "run the failed task again", "retry", True),
        Action("skip", "k", "skip", "count it as a success", "skip", True),
        Action("pin", "P", "pin", "give its output instead", "pin"),
        Action("try_task", "T", "test", "run it alone, change nothing", "test"),
        Action("attach", "a", "attach", "run py> under debugpy", "attach"),
    ),
    "Stops": (
        Action("breakpoint", "b,f9", "break", "stop at the selected task", bar=True),
        Action("edit_breakpoint", "B", "edit breakpoint", "when it stops, or what it prints"),
        Action("data_breakpoint", "D", "stop on change", "stop when this param changes"),
        Action("break_on_failure", "x", "failures", "stop at failures, or not"),
        Action("break_on_raise", "I", "raises", "stop where Python raises, or not"),
        Action("mute", "m", "mute", "no breakpoint stops, or all again"),
        Action("hold_branches", "H", "hold", "other branches wait, or run free"),
        Action("here", "g", "here", "select the task stopped at, then the next"),
        Action("next_failure", "exclamation_mark", "failure", "go to the next failed task"),
    ),
    "History": (
        Action("event_back", "left_square_bracket", "back", "show how it was one event before"),
        Action("event_forward", "right_square_bracket", "forward", "to the next event again"),
        Action("stop_back", "left_curly_bracket", "stop before", "show how it was at the stop before"),
        Action("stop_forward", "right_curly_bracket", "next stop", "to the next stop again"),
        Action("present", "escape", "now", "back to the present"),
        Action("rewind", "w", "rewind", "back to the selected task", "rewind", True),
        Action("attempts", "A", "attempts", "past attempts", "open"),
        Action("compare", "equals_sign", "compare", "with another attempt or stop"),
    ),
    "Look": (
        Action("find", "slash", "find", "find in this pane", bar=True),
        Action("evaluate", "colon", "evaluate", "evaluate an expression"),
        Action("watch_expression", "W", "watch", "watch an expression"),
        Action("find_next(1)", "full_stop", "next", "next place found"),
        Action("find_next(-1)", "comma", "previous", "previous place found"),
        Action("only_changed", "d", "changed", "only params that changed"),
        Action("filter_params", "F", "filter", "params with a text in them"),
        Action("readers", "v", "readers", "who reads this param"),
        Action("go_back", "backspace", "back", "back to before a jump"),
        Action("filter_log", "o", "only", "log of this task only"),
        Action("copy", "y", "copy", "copy what is at the cursor"),
        Action("copy_as", "Y", "copy as", "copy a value, name, command"),
        Action("open_editor", "ctrl+o", "editor", "open the line in $EDITOR"),
        Action("jump", "apostrophe", "jump", "type a label, go there"),
        Action("zoom", "z", "zoom", "one pane at a time, or all"),
        Action("log_level", "O", "level", "log: all, warnings, errors, output"),
        Action("fold_finished", "Z", "fold", "fold groups that ended well, or not"),
    ),
    "Program": (
        Action("help", "question_mark,f1", "help", "this page"),
        Action("report", "X", "report", "a report on the failure"),
        Action("picture", "S", "picture", "save the screen as SVG"),
        Action("watch_mode", "M", "on save", "what saving a file leads to"),
        Action("move_border('left')", "ctrl+left", "border left", "move the border between panes"),
        Action("move_border('right')", "ctrl+right", "border right", "move the border between panes"),
        Action("move_border('up')", "ctrl+up", "border up", "move the border between panes"),
        Action("move_border('down')", "ctrl+down", "border down", "move the border between panes"),
        Action("interpreter", "", "python", "choose which Python runs py> tasks"),
        Action("theme", "", "theme", "choose other colours"),
        Action("notifications", "", "notifications", "tell of the end of long runs, or not"),
        Action("keys_file", "", "keys file", "write a file to change keys in"),
        Action("quit", "q", "quit", "leave"),
    ),
}

ACTIONS: tuple[Action, ...] = tuple(action for group in GROUPS.values() for action in group)


class Pane(NamedTuple):
    """`name` is the widget's id, `key` goes there, `box` is the border around it; `short` a title for narrow ones."""

    name: str
    title: str
    key: str
    box: str
    short: str = ""

    @property
    def binding(self) -> str:
        """The id of its key's binding."""
        return f"{self.name}_pane"


PANES = (
    Pane("tasks", "Tasks", "1", "tasks-box"),
    Pane("params", "Params", "2", "about-box"),
    Pane("source", "Source", "3", "about-box", "Src"),
    Pane("task", "Task", "4", "about-box"),
    Pane("python", "Python", "i", "about-box", "Py"),
    Pane("error", "Error", "5", "about-box"),
    Pane("log", "Log", "6", "output-box"),
    Pane("timeline", "Timeline", "7", "output-box", "Time"),
    Pane("watch", "Watch", "8", "output-box"),
    Pane("stops", "Stops", "9", "output-box"),
    Pane("problems", "Problems", "0", "output-box", "Probs"),
)
"""All panes, in the order of their tabs."""


def bindings() -> list[Binding]:
    """All keys of the app."""
    found = [
        Binding(action.keys, action.name, action.label, show=False, tooltip=action.help, id=action.name)
        for action in ACTIONS
        if action.keys
    ]
    found += [Binding(pane.key, f"pane('{pane.name}')", pane.title, show=False, id=pane.binding) for pane in PANES]
    found += [
        Binding("tab", "next_pane(1)", "Next pane", show=False, id="next_pane"),
        Binding("shift+tab", "next_pane(-1)", "Previous pane", show=False, id="previous_pane"),
        Binding("escape", "dismiss_find", "Close", show=False, id="escape"),
    ]
    return found
