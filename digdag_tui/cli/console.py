"""The debugger without a screen: each stop is printed, lines of text are its commands, as in pdb."""

from __future__ import annotations

import cmd
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from inspect import cleandoc
from typing import Any, TextIO, get_args

import msgspec

from ..debugger.breakpoints import FILE, LOGPOINT, Breakpoint, Breakpoints
from ..debugger.conditions import check_condition
from ..debugger.edits import Scope
from ..debugger.environment import LocalEnvironment
from ..debugger.evaluate import evaluate, variables
from ..debugger.events import (
    DebuggerWaiting,
    EditorAttached,
    EditorDetached,
    Notice,
    ProblemsFound,
    RequiredEvent,
    SessionEvent,
    Stopped,
)
from ..debugger.explain import Hint, hints
from ..debugger.explained import Explained, from_inspection
from ..debugger.gate import Opening
from ..debugger.inspect import Inspection, beaten_by, inspect, parse_value
from ..debugger.launch import Launch
from ..debugger.session import NotPossible, Session
from ..debugger.signals import on_ending
from ..engine.attempt import Task
from ..engine.events import Event, TaskLogged
from ..engine.journal import encode
from ..params.evaluate import Evaluator
from ..workflow.config import Params
from ..workflow.errors import DigdagError
from ..workflow.names import did_you_mean
from ..workflow.project import problems_of
from ..workflow.text import json_text
from . import python_console
from .editor_console import EditorConsole
from .faces import LINE_BREAKS
from .log import CONTROLS, LogPrinter, report
from .params_text import param_lines
from .python_console import PythonConsole, state_text
from .stop_text import params_record, stop_lines, stop_record

WAIT = 10.0
"""Seconds that the session has to take a command; it is busy for longer only when something is wrong."""
SHORT = {
    "c": "continue", "n": "over", "next": "over", "s": "into", "step": "into", "f": "out", "return": "out", "t": "to",
    "until": "to", "a": "attach", "b": "break", "r": "retry", "k": "skip", "w": "rewind", "p": "params", "!": "eval",
    "l": "tasks", "e": "set", "u": "undo", "R": "restart", "q": "quit", "h": "help",
}  # fmt: skip
"""Other words for commands: the keys of the screen, and pdb's."""
SCOPES: tuple[str, ...] = get_args(Scope)


_BREAKPOINT = re.compile(
    r"(?P<where>\S+(?: \S+)??)(?: if (?P<condition>.+?))?(?: hits (?P<hit_condition>[^a-z]+?))?"
    r"(?: log (?P<log_message>.+))?"
)


def breakpoint_of(text: str) -> dict[str, Any]:
    """What `Breakpoints.add` takes, of a text such as `+load if rows > 1`.

    Raises:
        DigdagError: it does not read as one.
    """
    found = _BREAKPOINT.fullmatch(re.sub(r"^(\S+\.py:\d+) *, *", r"\1 if ", text.strip()))
    if found is None:
        raise DigdagError(
            f"{text.strip() or 'nothing'} is no breakpoint: such as +load, main.dig:12, or +load if rows > 1"
        )
    fields = {name: (value or "").strip() for name, value in found.groupdict().items()}
    first, _, rest = fields.pop("where").partition(" ")
    kinds = {"param": "data", "template": "template", "event": "event"}
    if first in kinds:
        return {"kind": kinds[first], "target": rest or ("*" if first == "template" else ""), **fields}
    kind = "line" if re.fullmatch(r".+:\d+", first) else "task"
    return {"kind": kind, "target": f"{first} {rest}".strip(), **fields}


def add_breakpoint(breakpoints: Breakpoints, text: str) -> None:
    """Add a breakpoint as `break` takes it, unless it is there already.

    Raises:
        DigdagError: it is none.
    """
    given = breakpoint_of(text)
    if not any(all(getattr(each, name) == value for name, value in given.items()) for each in breakpoints.all):
        breakpoints.add(**given)


def breakpoint_text(breakpoint: Breakpoint, hits: int, tasks: int) -> str:
    """A breakpoint in one line."""
    words = [f"{breakpoint.id:>3}  {breakpoint}"]
    words += [f"if {breakpoint.condition}"] * bool(breakpoint.condition)
    words += [f"hits {breakpoint.hit_condition}"] * bool(breakpoint.hit_condition)
    words += [f"log {breakpoint.log_message}"] * bool(breakpoint.log_message)
    words += ["(off)"] * (not breakpoint.enabled)
    if breakpoint.kind in ("task", "line") and not breakpoint.in_python:
        words.append(f"  matches {tasks} task{'s' * (tasks != 1)}" if tasks else "  matches no task yet")
    return " ".join(words) + (f", hit {hits} times" if hits else "")


def in_one_line(error: DigdagError) -> str:
    """An error in one sentence."""
    problem = next(problems_of(error))
    return " ".join((f"{problem.message}: {problem.hint}" if problem.hint else problem.message).split())


class Mistake(Exception):
    """A command that means nothing; the text says what to write."""


class Console(cmd.Cmd):
    """Drives a session by lines of text.

    Args:
        launch: what to run.
        environment: what that needs.
        as_json: print one JSON object for each stop, answer and event instead of text.
        break_on_failure: stop at a task that fails.
    """

    prompt = "(digdag) "
    use_rawinput = False
    doc_header = "Commands; help COMMAND tells what it does:"

    def __init__(
        self, launch: Launch, environment: LocalEnvironment, *, as_json: bool = False, break_on_failure: bool = True
    ) -> None:
        super().__init__()
        self._json = as_json
        self._mask = environment.secrets.masker.mask
        self._evaluator = Evaluator.configured(environment.settings)
        self._printer = LogPrinter(sys.stdout)
        self._shown: Stopped | None = None
        self._pausing = False
        breakpoints = Breakpoints(launch.project / FILE)
        self._session = Session(
            launch, environment, self._hear, break_on_failure=break_on_failure, breakpoints=breakpoints
        )
        self._python = PythonConsole(self._session, self._answer, self._settle)
        self._editor = EditorConsole(self._session, self._answer)

    def debug(self, breaks: Iterable[str], *, entry: bool, lines: TextIO) -> int:
        """Run the workflow as `lines` command, until they or the person end it; the exit code, 0 for a success.

        Args:
            breaks: breakpoints, as `break` takes them.
            entry: stop before the first task.

        Raises:
            DigdagError: the workflow does not load, or a breakpoint is none.
        """
        self._session.load()
        for text in breaks:
            add_breakpoint(self._session.breakpoints, text)
        self.stdin = lines
        if not lines.isatty():
            self.prompt = ""
        signal.signal(signal.SIGINT, self._interrupted)
        on_ending(lambda number: sys.exit(128 + number))
        self._session.start(Opening(entry=entry))
        try:
            self._settle()
            if self._session.state == "stopped" or self._python.stop or lines.isatty():
                self.cmdloop()
        finally:
            self._session.quit()
        return 0 if self._session.attempt.success else 1

    # What the session tells

    def _hear(self, event: SessionEvent) -> None:
        """In the session's thread: print what happens; leave when nobody reads that any more."""
        try:
            self._print(event)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            os.kill(os.getpid(), signal.SIGTERM)

    def _print(self, event: SessionEvent) -> None:
        match event:
            case Event() if self._json:
                self._answer(msgspec.to_builtins(event))
            case TaskLogged() if event.logger == LOGPOINT:
                self._answer({}, f"-- {self._session.attempt.tasks[event.task].full_name}: {event.message}")
            case Event() | RequiredEvent() if not self._json:
                self._printer.show(event)
            case Notice():
                self._answer({"event": "notice", "text": event.text}, event.text)
            case ProblemsFound() if event.problems:
                problems = [str(problem) for problem in event.problems]
                self._answer({"event": "problems", "problems": problems}, "\n".join(problems))
            case DebuggerWaiting() | EditorAttached() | EditorDetached():
                self._editor.tell(event)
            case _:
                pass

    def _answer(self, record: Params, text: str | None = None) -> None:
        """Print an answer: the record as JSON, or the text, or the record as YAML-like lines."""
        if self._json:
            line = self._mask(encode(record).decode().translate(LINE_BREAKS))
        else:
            line = self._mask(text if text is not None else json_text(record)).translate(CONTROLS)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def _settle(self) -> None:
        """Wait until the session has stopped or ended, and show that."""
        self._pausing = False
        session = self._session
        session.wait_for(lambda: self._python.is_settled, threading.TIMEOUT_MAX)
        at_rest = ("stopped", "ended", "broken")
        session.wait_for(lambda: session.state in at_rest or bool(session.python.stops), threading.TIMEOUT_MAX)
        if self._python.show_new():
            return
        state, stopped = session.state, session.stopped
        if state == "stopped" and stopped and stopped is not self._shown:
            self._shown = stopped
            self._show_stop(stopped)
        elif state == "ended" and self._session.attempt.success is not None:
            text, success = report(self._session.attempt, None)
            self._answer({"event": "ended", "success": success}, text.split("\n  * Use --session")[0].rstrip())

    def _interrupted(self, number: int, frame: object) -> None:
        """Ctrl-C ends a wait for an editor, or pauses what runs; again, or at a stop, it leaves."""
        if self._editor.begin_without():
            return
        if self._session.state != "running" or self._pausing:
            raise KeyboardInterrupt
        self._pausing = True
        self._session.pause()
        for task in self._session.python.attached:
            self._session.python.pause(task)
        sys.stderr.write("what runs now ends first; Ctrl-C again leaves\n")

    def _show_stop(self, stopped: Stopped) -> None:
        task = self._session.attempt.tasks[stopped.task]
        params = self._params(task)
        found = self._hints(task)
        self._answer(stop_record(stopped, task, params, found), "\n".join(stop_lines(stopped, task, params, found)))

    def _params(self, task: Task) -> list[Explained]:
        """The task's own keys and what it sees, without Digdag's built-in params."""
        return [param for param in from_inspection(self._inspect(task)) if param.section != "built in"]

    def _hints(self, task: Task) -> list[Hint]:
        session = self._session
        return hints(session.attempt, task, self._inspect(task), session.launch.project, session.loaded)

    def _show_param(self, task: Task, path: tuple[str, ...], record: Params) -> None:
        """Answer with a param and what bites it."""
        found = (param.find(path) for param in from_inspection(self._inspect(task)))
        params = [param for param in found if param]
        bites = [hint for hint in self._hints(task) if hint.path[: len(path)] == path]
        lines = [line for param in params for line in param_lines(param, bites, from_run=True, whole=True)]
        self._answer({**record, **params_record(params, bites)}, "\n".join(lines))

    def _inspect(self, task: Task) -> Inspection:
        return inspect(self._session.attempt, task, self._evaluator)

    # Commands

    def parseline(self, line: str) -> tuple[str | None, str | None, str]:
        line = line.strip()
        word, _, rest = line.partition(" ") if line[:1] != "!" else ("!", "", line[1:])
        known = {**SHORT, **python_console.SHORT} if self._python.stop else SHORT
        return super().parseline(f"{known.get(word, word)} {rest.strip()}".strip())

    def onecmd(self, line: str) -> bool:
        try:
            word, rest, _ = self.parseline(line)
            inside = getattr(self._python, f"do_{word}", None) if word and self._python.stop else None
            if inside:
                inside(rest or "")
                return False
            return bool(super().onecmd(line))
        except (NotPossible, DigdagError, Mistake) as error:
            text = in_one_line(error) if isinstance(error, DigdagError) else str(error)
            self._answer({"event": "error", "message": text}, f"*** {text}")
            return False

    def get_names(self) -> list[str]:
        return [name for name in super().get_names() if name != "do_EOF"]

    def do_help(self, arg: str) -> None:
        """help [COMMAND] (h): what a command does, or which there are."""
        word = self.parseline(arg)[0] if arg else None
        inside = getattr(self._python, f"do_{word}", None) if self._python.stop else None
        command = inside or (getattr(self, f"do_{word}", None) if word else None)
        if arg and command is None:
            raise Mistake(f"there is no command {arg}: help lists them")
        if command is None and self._json:
            self._answer({"event": "help", "commands": self._commands()})
        elif command is None:
            self.print_topics(self.doc_header, self._commands(), 15, 80)
        else:
            self._answer({"event": "help", "text": cleandoc(command.__doc__)}, cleandoc(command.__doc__))

    def emptyline(self) -> bool:
        return False

    def _commands(self) -> list[str]:
        names = [*self.get_names(), *(dir(self._python) if self._python.stop else ())]
        return sorted({name.removeprefix("do_") for name in names if name.startswith("do_")})

    def do_EOF(self, words: str) -> bool:
        return True

    def default(self, line: str) -> None:
        word = line.split()[0]
        raise Mistake(f"there is no command {word}: {did_you_mean(word, self._commands()) or 'help lists them'}")

    def do_continue(self, words: str) -> None:
        """continue (c): run to the next stop."""
        self._go(self._session.resume)

    def do_over(self, words: str) -> None:
        """over (n, next): run the task with all that is in it, and stop at what starts next."""
        self._go(self._session.step_over)

    def do_into(self, words: str) -> None:
        """into (s, step): stop at the first task inside; of a py> task, at the first line of its function."""
        self._go(self._session.step_into)

    def do_out(self, words: str) -> None:
        """out (f, return): run to the end of the group around, and stop at what starts next."""
        self._go(self._session.step_out)

    def do_to(self, words: str) -> None:
        """to TASK (t, until): run until that task is about to start."""
        task = self._task(words)
        self._go(lambda: self._session.run_to(task.full_name))

    def do_attach(self, words: str) -> None:
        """attach (a): call the py> task stopped at once an editor's debugger is there, and print how it gets there."""
        self._go(self._session.attach)

    def do_retry(self, words: str) -> None:
        """retry (r): run the failed task again, with the edits made since."""
        self._go(self._session.retry)

    def do_skip(self, words: str) -> None:
        """skip [VALUES] (k): count the task as a success that stored VALUES, such as {rows: 3}."""
        store = parse_value(words) if words else {}
        if not isinstance(store, dict):
            raise Mistake("the values to store are an object, such as {rows: 3}")
        self._go(lambda: self._session.skip(store))

    def do_rewind(self, words: str) -> None:
        """rewind TASK (w): a new attempt that keeps what ended before that task, stopped before it."""
        task = self._task(words)
        self._go(lambda: self._session.rewind(task.id))

    def do_restart(self, words: str) -> None:
        """restart (R): a new attempt from the start."""
        self._go(self._session.restart)

    def do_stop(self, words: str) -> None:
        """stop: end the attempt and all that runs in it."""
        self._go(self._session.stop)

    def do_set(self, words: str) -> None:
        """set KEY VALUE [task|onward|session] (e): set a param for the task, from it on (the default) or for all tasks.

        VALUE is JSON or YAML: 3 is a number, "3" a text. A dotted KEY is a path.
        """
        key, _, text = words.partition(" ")
        before, _, last = text.rpartition(" ")
        scope: Scope = last if before and last in SCOPES else "onward"  # type: ignore[assignment]
        if not key or not text:
            raise Mistake("set KEY VALUE [task|onward|session], such as: set rows 3")
        value = parse_value(before if before and last in SCOPES else text)
        task, path = self._task(""), tuple(key.split("."))
        self._take(self._session.set_param(task.id, path, value, scope))
        inspection = self._inspect(task)
        winner = beaten_by(inspection, path, value)
        if winner:
            raise Mistake(f"{key} keeps its value here, the edit is beaten by: {winner}")
        self._show_param(task, path, {"event": "edited", "path": list(path), "value": value, "scope": scope})

    def do_undo(self, words: str) -> None:
        """undo (u): take back the last edit that had no effect yet."""
        edit = self._session.edits.last()
        self._take(self._session.undo(edit))
        path = list(edit.event.path) if edit else []
        self._answer({"event": "undone", "path": path}, f"{'.'.join(path)} is as it was before the edit")

    def do_params(self, words: str) -> None:
        """params [KEY] (p): the task's params, or one of them, with who set it and what that overrode."""
        task = self._task("")
        if not words:
            params, found = self._params(task), self._hints(task)
            lines = [line for param in params for line in param_lines(param, found, from_run=True)]
            self._answer({"event": "params", **params_record(params, found)}, "\n".join(lines))
            return
        path, inspection = tuple(words.split(".")), self._inspect(task)
        if inspection.find(path) is None:
            names = [each.name for each in (*inspection.own, *inspection.params, *inspection.built_in)]
            raise Mistake(f"no param is named {words}: {did_you_mean(words, names) or 'params lists them'}")
        self._show_param(task, path, {"event": "params"})

    def do_eval(self, words: str) -> None:
        """eval EXPRESSION (!): what an expression such as rows * 2, or a text with ${...}, comes to at the task."""
        task = self._task("")
        if words:
            check_condition(words)
        result = evaluate(words, variables(task, self._inspect(task)), self._evaluator)
        record = {"event": "result", "value": result.value, "type": result.kind, "reads": list(result.variables)}
        self._answer(record, f"{result.shown or json_text(result.value)}   ({result.kind})")

    def do_tasks(self, words: str) -> None:
        """tasks (l): all tasks with their states."""
        rows = [{"task": task.full_name, "state": task.state} for task in self._session.attempt.tasks.values()]
        text = "\n".join(f"{row['state']:20} {row['task']}" for row in rows)
        self._answer({"event": "tasks", "tasks": rows}, text)

    def do_where(self, words: str) -> None:
        """where: the stop again."""
        if self._session.stopped is None:
            raise Mistake("the workflow is not stopped")
        self._show_stop(self._session.stopped)

    def do_raises(self, words: str) -> None:
        """raises on|off: whether all py> tasks run under the debugger, which stops where Python raises an exception."""
        if words not in ("on", "off"):
            raise Mistake("raises on, or raises off")
        self._session.breaks.on_raise = words == "on"
        text = "Python stops where it raises" if words == "on" else "Python does not stop where it raises"
        self._answer({"event": "raises", "stop": words == "on"}, text)

    def do_failures(self, words: str) -> None:
        """failures on|off: whether a failure stops before _retry and _error take effect."""
        if words not in ("on", "off"):
            raise Mistake("failures on, or failures off")
        self._session.breaks.on_failure = words == "on"
        self._answer({"event": "failures", "stop": words == "on"}, f"failures {'stop' if words == 'on' else 'pass'}")

    def do_break(self, words: str) -> None:
        """break [WHERE [if CONDITION] [hits N] [log MESSAGE]] (b): stop there; without WHERE list all breakpoints.

        WHERE is a task (+load, +load*, py>), a line (main.dig:12), `param PATH` for a change of a param, `template` for
        one that fails, or `event` with retry, error, alert, check or generated. With log, MESSAGE is printed and
        nothing stops. On a line of a Python file (tasks.py:7) CONDITION is Python, and MESSAGE has `{expression}`s;
        `break tasks.py:7, CONDITION` does as well.
        """
        if words:
            add_breakpoint(self._session.breakpoints, words)
        breakpoints = self._session.breakpoints
        matched = breakpoints.matched(self._session.attempt.tasks.values())
        records = [
            {**msgspec.to_builtins(each), "hits": breakpoints.hits[each.id], "tasks": matched[each.id]}
            for each in breakpoints.all
        ]
        lines = [
            breakpoint_text(each, breakpoints.hits[each.id], matched[each.id]) + state_text(each, self._session)
            for each in breakpoints.all
        ]
        self._answer({"event": "breakpoints", "breakpoints": records}, "\n".join(lines) or "no breakpoints")

    def do_clear(self, words: str) -> None:
        """clear NUMBER... | all: remove breakpoints by their numbers in `break`."""
        known = {str(each.id): each.id for each in self._session.breakpoints.all}
        wanted = [*known] if words == "all" else words.split()
        unknown = [word for word in wanted if word not in known]
        if not wanted or unknown:
            raise Mistake(f"there is no breakpoint {' '.join(unknown) or 'named'}: break lists them with their numbers")
        self._session.breakpoints.remove(*(known[word] for word in wanted))
        self.do_break("")

    def do_quit(self, words: str) -> bool:
        """quit (q): leave; what runs is ended."""
        return True

    def _go(self, command: Callable[[], Future[None]]) -> None:
        """Give a command that moves the workflow, and wait for the next stop."""
        self._take(command())
        self._settle()

    def _take(self, future: Future[None]) -> None:
        try:
            future.result(WAIT)
        except TimeoutError:
            raise Mistake("the debugger did not answer: try again, or quit") from None

    def _task(self, name: str) -> Task:
        """The task of a full name, or of the end of one; without a name the one stopped at."""
        attempt, stopped = self._session.attempt, self._session.stopped
        if not name:
            if stopped is None:
                raise Mistake("the workflow is not stopped at a task")
            return attempt.tasks[stopped.task]
        found = [task for task in attempt.tasks.values() if task.full_name == name or task.full_name.endswith(name)]
        if not found:
            last = "+" + name.rpartition("+")[2]
            near = did_you_mean(last, dict.fromkeys(task.name for task in attempt.tasks.values()))
            raise Mistake(f"no task is named {name}: {near or 'tasks lists them'}")
        return next((task for task in found if task.full_name == name), found[-1])
