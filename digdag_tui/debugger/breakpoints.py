"""Breakpoints: where a person wants to stop. They belong to names, lines and params, and so outlive every run.

What a breakpoint matches is worked out for each task when that is asked, and again after each change of the files.
They are kept in the project, in `.digdag/tui/breakpoints.json`.
"""

from __future__ import annotations

import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from ..workflow.config import Params
from ..workflow.errors import DigdagError, Position
from .history import FOLDER

if TYPE_CHECKING:
    from ..engine.attempt import Task
    from ..workflow.definition import TaskDefinition
    from .definitions import Definitions
    from .launch import Loaded

Matcher: TypeAlias = Callable[[str, Params, Position | None], bool]
"""Whether a task is meant: its full name, its own keys, and the place of its definition."""
Kind: TypeAlias = Literal["task", "line", "data", "template", "event"]

EVENTS: Final[Mapping[str, str]] = {
    "retry": "a retry is scheduled",
    "error": "an _error is about to run",
    "alert": "a failure alert is about to run",
    "check": "a _check is about to run",
    "generated": "tasks were generated",
}
"""The events that can stop, and what they are in words."""

FILE: Final = FOLDER / "breakpoints.json"
LOGPOINT: Final = "digdag_tui.logpoint"
"""The logger of what logpoints print."""
VERSION: Final = 1

_ABOUT_TO_RUN = {"^error": "error", "^failure-alert": "alert", "^check": "check"}
_LINE = re.compile(r"(.+):(\d{1,9})")
_TASK = re.compile(r"[+^*][^\s>]*|[\w.*]+>")


class Breakpoint(Struct, frozen=True, omit_defaults=True):
    """Where to stop, and when.

    `target` is of the kind: for `task` a full name, the end of one, a pattern with `*`, or an operator such as `py>`;
    for `line` `file:line`; for `data` the dotted path of a param; for `template` as for `task`, `*` being any; for
    `event` a name of `EVENTS`. A breakpoint with a `log_message` prints that instead of stopping.
    """

    id: int
    kind: Kind
    target: str
    condition: str = ""
    hit_condition: str = ""
    log_message: str = ""
    enabled: bool = True

    def __str__(self) -> str:
        """What it stops at, in words."""
        match self.kind:
            case "data":
                return f"param {self.target} changes"
            case "template":
                return "a template fails" + ("" if self.target == "*" else f" in {self.target}")
            case "event":
                return EVENTS[self.target]
            case _:
                return self.target

    @property
    def path(self) -> tuple[str, ...]:
        """The param of a data breakpoint."""
        return tuple(self.target.split("."))

    @property
    def in_python(self) -> bool:
        """Whether it is on a line of a Python file: its condition is Python, its message has `{expression}`s."""
        return self.kind == "line" and self.target.rpartition(":")[0].endswith(".py")

    @property
    def place(self) -> tuple[str, int]:
        """File and line of a line breakpoint."""
        file, _, line = self.target.rpartition(":")
        return file, int(line)


class _Kept(Struct):
    """The file."""

    version: int
    breakpoints: list[Breakpoint]


def check(breakpoint: Breakpoint) -> Breakpoint:
    """The breakpoint, if everything in it can be understood.

    Raises:
        DigdagError: one sentence that says what is wrong, and where.
    """
    target = breakpoint.target
    match breakpoint.kind:
        case "task" | "template" if not _TASK.fullmatch(target):
            hint = f": did you mean +{target}?" if re.fullmatch(r"[\w-]+", target) else ": such as +load, +load* or py>"
            raise DigdagError(f"a task is named by +name, a pattern of it, or its operator{hint}")
        case "line" if not _LINE.fullmatch(target) or not breakpoint.place[1]:
            raise DigdagError(f"a line is file:line, such as main.dig:12, not {target or 'nothing'}")
        case "data" if not all(part.strip() for part in breakpoint.path):
            raise DigdagError("a param is named by its path, such as rate or td.database")
        case "event" if target not in EVENTS:
            raise DigdagError(f"there is no event {target or 'without a name'}: it is one of {', '.join(EVENTS)}")
        case _:
            pass
    if breakpoint.condition or breakpoint.log_message or breakpoint.hit_condition:
        from .conditions import check_condition, check_hits, check_python, check_template

        if breakpoint.in_python:
            check_python(breakpoint)
            return breakpoint
        if breakpoint.condition:
            check_condition(breakpoint.condition)
        if breakpoint.hit_condition:
            check_hits(breakpoint.hit_condition)
        if breakpoint.log_message:
            check_template(breakpoint.log_message)
    return breakpoint


def about_to_run(task: Task) -> str | None:
    """The event that a task is about to run, if that is one."""
    return _ABOUT_TO_RUN.get(task.name)


class Breakpoints:
    """All breakpoints of a project; every method may be called from any thread.

    Args:
        file: where they are kept; None for nowhere.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.all: tuple[Breakpoint, ...] = ()
        """In the order in which they were made."""
        self.version = 0
        """Changes with every change."""
        self.hits: Counter[int] = Counter()
        """How often each was hit in the present attempt, by its id."""
        self._muted = False
        self._file = file
        self._in_file: tuple[Breakpoint, ...] = ()
        """What was read or written last."""
        self._problem: str | None = None
        self.on_change: Callable[[], None] = lambda: None
        """Called after each change, by the thread that made it."""
        self._lock = threading.RLock()
        self._loaded: Loaded | None = None
        self._definitions: Definitions | None = None
        self._matchers: tuple[tuple[Breakpoint, Matcher], ...] = ()
        """Read by other threads: replaced as a whole."""
        self._matching: dict[str, tuple[Breakpoint, ...]] = {}
        if file:
            self._read(file)

    # Asking

    @property
    def active(self) -> bool:
        """Whether there is one that may do something."""
        return bool(self.all) and not self._muted

    def __getitem__(self, identifier: int) -> Breakpoint:
        """A breakpoint by its id.

        Raises:
            KeyError: there is none.
        """
        found = next((breakpoint for breakpoint in self.all if breakpoint.id == identifier), None)
        if found is None:
            raise KeyError(identifier)
        return found

    @property
    def muted(self) -> bool:
        """Whether none of them does anything."""
        return self._muted

    def of(self, task: Task) -> tuple[Breakpoint, ...]:
        """The task and line breakpoints on a task, disabled ones too."""
        if not self.all or task.parent is None:
            return ()
        matching = self._matching
        found = matching.get(task.full_name)
        if found is None:
            from .definitions import definition_of

            place = definition_of(task)
            found = tuple(
                each
                for each, matches in self._matchers
                if each.kind in ("task", "line") and matches(task.full_name, task.config, place)
            )
            matching[task.full_name] = found
        return found

    def on_template(self, task: Task) -> tuple[Breakpoint, ...]:
        """Those that stop when one of the task's templates cannot be evaluated."""
        active = self._active("template")
        return tuple(
            each
            for each, matches in (self._matchers if active else ())
            if each in active and matches(task.full_name, task.config, None)
        )

    @property
    def in_python(self) -> tuple[Breakpoint, ...]:
        """Those that may stop in Python files."""
        return tuple(each for each in self._active("line") if each.in_python)

    def on_event(self, name: str) -> tuple[Breakpoint, ...]:
        """Those that stop at an event."""
        return tuple(each for each in self._active("event") if each.target == name)

    def on_data(self, keys: Iterable[str]) -> tuple[Breakpoint, ...]:
        """Those on params of which the first name is one of `keys`."""
        active = self._active("data")
        wanted = frozenset(keys) if active else frozenset[str]()
        return tuple(each for each in active if each.path[0] in wanted)

    def _active(self, kind: Kind) -> tuple[Breakpoint, ...]:
        return () if self._muted else tuple(each for each in self.all if each.kind == kind and each.enabled)

    def matched(self, tasks: Iterable[Task]) -> Counter[int]:
        """How many of the tasks each task or line breakpoint is on, by its id."""
        return Counter(each.id for task in tasks for each in self.of(task))

    def near(self, breakpoint: Breakpoint, tasks: Iterable[Task]) -> str | None:
        """What may be meant by a breakpoint that matches none of the tasks."""
        if breakpoint.kind == "line":
            file, line = breakpoint.place
            definitions = self._defined()
            after = definitions.next_line(file, line) if definitions else None
            return f"the next task begins in line {after}" if after else None
        from ..workflow.names import did_you_mean

        last = re.split(r"(?=[+^])", breakpoint.target)[-1].strip("*")
        return did_you_mean(last, dict.fromkeys(task.name for task in tasks if task.parent)) if len(last) > 2 else None

    def lines(self, file: str) -> dict[int, Breakpoint]:
        """What a file's gutter shows: its line breakpoints, and breakpoints on tasks where those begin.

        Args:
            file: as positions name it: relative to the project's directory.
        """
        found: dict[int, Breakpoint] = {}
        named = [(each, matches) for each, matches in self._matchers if each.kind == "task"]
        for task in self._definitions_in(file) if named else ():
            on_it = next((each for each, matches in named if matches(task.full_name, task.config, None)), None)
            if on_it and task.position:
                found[task.position.line] = on_it
        for each in self.all:
            if each.kind == "line" and each.place[0] == file:
                found[each.place[1]] = each
        return found

    def _definitions_in(self, file: str) -> list[TaskDefinition]:
        tasks = self._loaded.tasks[1:] if self._loaded else []
        return [task for task in tasks if task.position and task.position.file == file]

    # Changing

    def add(
        self,
        kind: Kind,
        target: str,
        *,
        condition: str = "",
        hit_condition: str = "",
        log_message: str = "",
        enabled: bool = True,
    ) -> Breakpoint:
        """A new breakpoint; see `Breakpoint`.

        Raises:
            DigdagError: something in it cannot be understood.
        """
        with self._lock:
            number = max((each.id for each in self.all), default=0) + 1
            texts = (target.strip(), condition.strip(), hit_condition.strip(), log_message)
            made = check(Breakpoint(number, kind, *texts, enabled))
            self._set((*self.all, made))
            return made

    def change(self, identifier: int, **fields: str | bool) -> Breakpoint:
        """A breakpoint with other values of its fields.

        Raises:
            DigdagError: something in it cannot be understood; it stays as it was.
            KeyError: there is none of that id.
        """
        with self._lock:
            changed = check(msgspec.structs.replace(self[identifier], **fields))
            self._set(tuple(changed if each.id == identifier else each for each in self.all))
            return changed

    def remove(self, *identifiers: int) -> None:
        """Remove breakpoints."""
        with self._lock:
            self._set(tuple(each for each in self.all if each.id not in identifiers))

    def mute(self, muted: bool) -> None:
        """Let none of them do anything, or all again that are enabled; for this session only."""
        self._muted = muted
        self.version += 1
        self.on_change()

    def toggle_task(self, full_name: str) -> bool:
        """Set a breakpoint on a task, or clear it; True when it is set now."""
        with self._lock:
            same = [each.id for each in self.all if each.kind == "task" and each.target == full_name]
            self.remove(*same) if same else self.add("task", full_name)
            return not same

    def toggle_line(self, file: str, line: int) -> bool:
        """Set a breakpoint on a line of a file, or clear what its gutter shows there; True when it is set now.

        Raises:
            DigdagError: no task is there.
        """
        with self._lock:
            there = self.lines(file).get(line)
            if there and (there.kind == "line" or self._is_name(there)):
                self.remove(there.id)
                return False
            definitions = None if file.endswith(".py") else self._defined()
            if definitions and definitions.at(file, line) is None:
                after = definitions.next_line(file, line)
                hint = f": the next one begins in line {after}" if after else ""
                raise DigdagError(f"line {line} of {file} belongs to no task{hint}")
            self.add("line", f"{file}:{line}")
            return True

    def _is_name(self, breakpoint: Breakpoint) -> bool:
        """Whether it is on one task only, by its full name."""
        return self._loaded is not None and any(task.full_name == breakpoint.target for task in self._loaded.tasks)

    def begin(self) -> None:
        """Count hits from 0: another attempt begins."""
        self.hits.clear()

    def bind(self, loaded: Loaded) -> None:
        """Match the tasks of these files from now on."""
        with self._lock:
            moved = self._moved(loaded) if self._loaded else self.all
            self._loaded, self._definitions = loaded, None
            if moved == self.all:
                self._match()
            else:
                self._set(moved)

    def _moved(self, loaded: Loaded) -> tuple[Breakpoint, ...]:
        """All breakpoints, those on lines of a task that stands elsewhere in its file now on its lines there."""
        definitions = self._defined()
        if definitions is None or self._loaded is None or all(each.kind != "line" for each in self.all):
            return self.all
        names = {task.position: task.full_name for task in self._loaded.tasks}
        now = {task.full_name: task.position for task in loaded.tasks}
        moved = []
        for each in self.all:
            before = definitions.at(*each.place) if each.kind == "line" else None
            after = now.get(names.get(before, "")) if before else None
            if before and after and (after.file, after.line) != (before.file, before.line):
                target = f"{after.file}:{each.place[1] + after.line - before.line}"
                each = msgspec.structs.replace(each, target=target)
            moved.append(each)
        return tuple(moved)

    def _set(self, breakpoints: tuple[Breakpoint, ...]) -> None:
        self.all = self._with_others(breakpoints)
        self._match()
        self._write()

    def _match(self) -> None:
        """Forget what matched."""
        self._matchers = tuple((each, self._matcher(each)) for each in self.all)
        self._matching = {}
        self.version += 1
        self.on_change()

    def _defined(self) -> Definitions | None:
        """The tasks that the files define, once they are loaded."""
        if self._loaded and self._definitions is None:
            from .definitions import Definitions

            self._definitions = Definitions(self._loaded)
        return self._definitions

    def _matcher(self, breakpoint: Breakpoint) -> Matcher:
        if breakpoint.kind == "line":
            definitions = self._defined()
            wanted = definitions.at(*breakpoint.place) if definitions else None
            return lambda name, config, place: wanted is not None and place == wanted
        if breakpoint.kind not in ("task", "template"):
            return lambda name, config, place: False
        if breakpoint.target.endswith(">"):
            operator = _pattern(breakpoint.target)
            return lambda name, config, place: operator.fullmatch(_operator(config)) is not None
        whole = _pattern("*" + breakpoint.target)
        return lambda name, config, place: whole.fullmatch(name) is not None

    # Keeping

    def take_problem(self) -> str | None:
        """What went wrong with the file, to be said once."""
        problem, self._problem = self._problem, None
        return problem

    def _read(self, file: Path) -> None:
        try:
            self.all = self._in_file = _decoded(file.read_bytes())
            self._match()
        except FileNotFoundError:
            pass
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, DigdagError) as error:
            self._set_aside(file, str(error))

    def _with_others(self, own: tuple[Breakpoint, ...]) -> tuple[Breakpoint, ...]:
        """Several sessions may share a file: what others made since counts too, and what they removed is gone."""
        try:
            there = _decoded(self._file.read_bytes()) if self._file else self._in_file
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, DigdagError):
            return own
        known = set(map(_content, self._in_file))
        gone = known - set(map(_content, there))
        kept = [each for each in own if _content(each) not in gone]
        known.update(map(_content, kept))
        for each in there:
            if _content(each) not in known:
                number = max((other.id for other in (*own, *kept)), default=0) + 1
                kept.append(msgspec.structs.replace(each, id=number))
        return tuple(kept)

    def _set_aside(self, file: Path, reason: str) -> None:
        """Keep a file that cannot be used: it may be mended by hand."""
        damaged = file.with_name("breakpoints.damaged.json")
        try:
            file.replace(damaged)
            self._problem = f"The breakpoints in {FILE} cannot be read ({reason}): they are in {damaged.name} beside it"
        except OSError as error:
            self._file = None
            self._problem = f"The breakpoints in {FILE} cannot be read ({error.strerror}), and are not kept"

    def _write(self) -> None:
        if self._file is None:
            return
        self._in_file = self.all
        beside = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(msgspec.json.format(msgspec.json.encode(_Kept(VERSION, list(self.all)))) + b"\n")
            beside.replace(self._file)
        except OSError as error:
            self._problem = f"The breakpoints hold for this session only: {FILE} cannot be written: {error.strerror}"


def _decoded(content: bytes) -> tuple[Breakpoint, ...]:
    kept = msgspec.json.decode(content, type=_Kept)
    if kept.version != VERSION:
        raise DigdagError(f"it has version {kept.version}, this program knows {VERSION}")
    return tuple(map(check, kept.breakpoints))


def _content(breakpoint: Breakpoint) -> Breakpoint:
    """A breakpoint whatever its number is, which each session gives by itself."""
    return msgspec.structs.replace(breakpoint, id=0)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)


def _operator(config: Params) -> str:
    """The operator of a task's own keys, such as `py>`; blank for a group."""
    key = next((key for key in config if key.endswith(">")), "")
    return key or (f"{config['_type']}>" if "_type" in config else "")
