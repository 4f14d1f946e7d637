"""What is known about the exception of a task: its causes, their frames with source lines, and the values of locals.

Runs in the user's own interpreter after a failure. Standard library only, Python 3.7 and later.
"""

from __future__ import annotations

import builtins
import collections
import contextlib
import itertools
import json
import linecache
import os
import select
import signal
import sys
import time
import types
import warnings
from typing import Any, Iterator

TEXT = 1000
"""Characters of one text."""
NAME = 100
"""Characters of a key."""
ITEMS = (30, 12, 6)
"""What is told of a container, of those in it, and of those in them."""
NAMES = 60
"""Locals of a frame."""
FRAME = 16000
"""Characters of a frame's values."""
ALL = 128000
"""Characters of all values."""
AROUND = 3
"""Lines before and after that of a frame."""
OUTER, INNER = 5, 20
"""Frames that are told of a deep stack, from its two ends."""
EXCEPTIONS = 20
PATIENCE, SECONDS = 0.5, 2.0
"""How long one value may take to show itself, and all together."""
MEMORY = 2**29
"""Bytes that they may take for that."""

STANDARD = os.path.dirname(os.path.abspath(os.__file__))
"""The folder of Python's own library."""
GROUP: Any = getattr(builtins, "BaseExceptionGroup", ())
CODE = (types.FunctionType, types.MethodType, types.BuiltinFunctionType)


def report(error: BaseException, here: str, runner: str) -> dict[str, Any]:
    """All about an error, as JSON.

    Args:
        here: the folder that the task was started in.
        runner: the runner's file, whose frames are left out.
    """
    exceptions: list[dict[str, Any]] = []
    wanted: list[Any] = []
    for each, relation, depth in chain(error):
        record: dict[str, Any] = {"class": name_of(type(each)), "relation": relation, "depth": depth}
        record["frames"] = list(frames(each, here, runner, wanted))
        if isinstance(each, ImportError) and type(each.name) is str:
            record["missing" if isinstance(each, ModuleNotFoundError) else "module"] = each.name
        exceptions.append(record)
        wanted.append((record, "", each))
    wanted.sort(key=lambda entry: bool(entry[1]))
    for (record, name, _), found in zip(wanted, described(wanted)):  # noqa: B905
        if name:
            record.setdefault("locals", []).append({"name": name, **found})
        else:
            record.update(found)
    told = {"exceptions": exceptions}
    return {**told, "python": interpreter()} if any("missing" in each for each in exceptions) else told


def chain(error: BaseException) -> Iterator[tuple[BaseException, str, int]]:
    """The error, the members of a group, and what they were raised from or while; each with how it is related."""
    seen: set[int] = set()
    waiting = [(error, "", 0)]
    while waiting and len(seen) < EXCEPTIONS:
        error, relation, depth = waiting.pop(0)
        if id(error) in seen:
            continue
        seen.add(id(error))
        yield error, relation, depth
        following = [(each, "member", depth + 1) for each in error.exceptions] if isinstance(error, GROUP) else []
        if error.__cause__ is not None:
            following.append((error.__cause__, "cause", depth))
        elif error.__context__ is not None and not error.__suppress_context__:
            following.append((error.__context__, "context", depth))
        waiting[:0] = following


# Frames


def frames(error: BaseException, here: str, runner: str, wanted: list[Any]) -> Iterator[dict[str, Any]]:
    """The frames of an error, outermost first; `wanted` gets the locals of those that are the user's own."""
    stack = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename not in (runner, __file__):
            stack.append(trace)
        trace = trace.tb_next
    told: list[Any] = []
    for _, same in itertools.groupby(stack, key=lambda each: (each.tb_frame.f_code, each.tb_lineno)):
        repeated = list(same)
        told.append((repeated[-1], len(repeated)))
    skipped = max(0, len(told) - OUTER - INNER)
    if skipped:
        del told[OUTER : OUTER + skipped]
    inner = []
    for number, (trace, times) in enumerate(told):
        frame, code = trace.tb_frame, trace.tb_frame.f_code
        function = getattr(code, "co_qualname", code.co_name)
        record = place(code.co_filename, trace.tb_lineno, function, here, frame.f_globals)
        record.update({"times": times} if times > 1 else {})
        record.update({"skipped": skipped} if skipped and number == OUTER else {})
        if "library" not in record:
            marked(record, code, trace)
            inner.append((record, frame))
        yield record
    for record, frame in reversed(inner):
        wanted += [(record, name, value) for name, value in locals_of(frame)[:NAMES]]
    if isinstance(error, SyntaxError) and error.filename and not error.filename.startswith("<"):
        record = place(error.filename, error.lineno or 1, None, here, None)
        record.setdefault("source", (error.text or "").strip())
        start, end = error.offset or 0, getattr(error, "end_offset", None) or 0
        same_line = getattr(error, "end_lineno", error.lineno) in (None, 0, error.lineno)
        if start > 0:
            record["columns"] = [start - 1, max(end - 1, start) if same_line else start]
        yield record


def place(file: str, line: int, function: str | None, here: str, scope: dict[str, Any] | None) -> dict[str, Any]:
    """A frame with its source, and the lines around that where it is the user's own."""
    path = os.path.join(here, file)
    record: dict[str, Any] = {"file": path, "line": line, "function": function}
    package = library(path, here) if not file.startswith("<") else "Python"
    if package:
        record["library"] = package
    linecache.checkcache(file)
    lines = linecache.getlines(file, scope)
    if 0 < line <= len(lines):
        record["source"] = lines[line - 1].strip()[:TEXT]
        if not package:
            first = max(1, line - AROUND)
            record["first"] = first
            record["lines"] = [text.rstrip("\n")[:TEXT] for text in lines[first - 1 : line + AROUND]]
    return record


def library(path: str, here: str) -> str | None:
    """The package that a file belongs to, `Python` for one of Python itself, None for one of the user's own."""
    parts = (path[len(here) :] if path.startswith(here + os.sep) else path).split(os.sep)
    for folder in ("site-packages", "dist-packages"):
        if folder in parts[:-1]:
            return parts[len(parts) - parts[::-1].index(folder)].partition(".")[0]
    own = (STANDARD + os.sep, os.path.realpath(STANDARD) + os.sep)
    return "Python" if path.startswith(own) else None


def marked(record: dict[str, Any], code: types.CodeType, trace: types.TracebackType) -> None:
    """Say which part of the line failed, where Python knows that (3.11), unless it is all of the line."""
    if not hasattr(code, "co_positions") or "first" not in record:
        return
    places = next(itertools.islice(code.co_positions(), trace.tb_lasti // 2, None), (None,) * 4)
    line, last, start, end = places
    text = record["lines"][record["line"] - record["first"]]
    if line != record["line"] or start is None or end is None:
        return
    raw = text.encode("utf-8", "surrogatepass")
    end = end if last == line else len(raw)
    columns = [len(raw[:column].decode("utf-8", "replace")) for column in (start, end)]
    if text[: columns[0]].strip() or text[columns[1] :].strip():
        record["columns"] = columns


def locals_of(frame: types.FrameType) -> list[tuple[str, Any]]:
    """The variables of a frame; of a module only those that hold data."""
    found = [(name, value) for name, value in dict(frame.f_locals).items() if not name.startswith((".", "__pydevd_"))]
    if frame.f_locals is not frame.f_globals:
        return found
    code = (type, types.ModuleType, *CODE)
    return [(name, value) for name, value in found if not name.startswith("__") and not isinstance(value, code)]


# Values


def described(wanted: list[Any]) -> list[dict[str, Any]]:
    """Each value, or an exception's message, as a record.

    Code of the user's own that this calls, such as `__repr__`, runs in a child process: what hangs, prints, ends the
    process or takes all memory there does so without the task.
    """
    found: list[dict[str, Any]] = []
    end = time.monotonic() + SECONDS
    while len(found) < len(wanted):
        if time.monotonic() > end or not can_fork():
            return found + list(tell(wanted[len(found) :], calls=False))
        try:
            found += from_child(wanted[len(found) :], end)
        except OSError:
            end = 0
            continue
        for left in itertools.islice(tell(wanted[len(found) :], calls=False), 1):
            found.append({**left, "note": "it could not be shown: its repr does not end, or ends the process"})
    return found


def can_fork() -> bool:
    """Whether a child is possible; under a debugger it would talk to that."""
    return hasattr(os, "fork") and hasattr(select, "poll") and "pydevd" not in sys.modules


def from_child(wanted: list[Any], end: float) -> list[dict[str, Any]]:
    """The records that a child comes to before `end`, or before one of them takes too long."""
    reading, writing = os.pipe()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            child = os.fork()
        if not child:
            try:
                alone(writing)
                for record in tell(wanted, calls=True):
                    os.write(writing, json.dumps(record).encode() + b"\n")
            finally:
                os._exit(0)
        os.close(writing)
        writing = -1
        try:
            data = read(reading, end)
        finally:
            os.kill(child, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)
    finally:
        os.close(reading)
        if writing >= 0:
            os.close(writing)
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


def read(pipe: int, end: float) -> bytes:
    """What is written into a pipe, until nothing more comes."""
    data, poll = b"", select.poll()
    poll.register(pipe, select.POLLIN)
    while True:
        left = min(PATIENCE, end - time.monotonic())
        piece = os.read(pipe, 65536) if left > 0 and poll.poll(left * 1000) else b""
        if not piece:
            return data
        data += piece


def alone(keep: int) -> None:
    """In a child: leave nothing to the outside but the pipe `keep`, and end in any case."""
    sys.settrace(None)
    sys.setprofile(None)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(SECONDS) + 3)
    silence = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        if number != keep:
            os.dup2(silence, number)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    try:
        import resource

        with open("/proc/self/statm") as stream:
            used = int(stream.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
    except (ImportError, OSError, ValueError):
        pass


def tell(wanted: list[Any], *, calls: bool) -> Iterator[dict[str, Any]]:
    """The records of values; without `calls` no code of the user's own runs."""
    rooms: dict[int, int] = {}
    left = ALL
    for record, name, value in wanted:
        room = rooms.get(id(record), FRAME)
        teller = Teller(min(room, left), calls)
        yield teller.value(value) if name else teller.error(value)
        rooms[id(record)] = room - teller.used
        left -= teller.used


class Teller:
    """Makes records of values, as long as there is room."""

    def __init__(self, room: int, calls: bool) -> None:
        self.room = room
        self.used = 0
        self.calls = calls

    def text(self, text: str, key: str = "text", limit: int = TEXT) -> dict[str, Any]:
        """A text, cut at its end; then `length` is how long it was."""
        size = str.__len__(text)
        kept = str.__getitem__(text, slice(0, max(0, min(limit, self.room - self.used))))
        self.used += len(kept) + 20
        return {key: kept, "length": size} if len(kept) < size else {key: kept}

    def error(self, error: BaseException) -> dict[str, Any]:
        """The message and the notes of an exception."""
        if not self.calls:
            first = error.args[0] if type(error.args) is tuple and error.args else ""
            return self.text(first, "message") if type(first) is str else {"message": ""}
        try:
            found = self.text(str(error), "message")
        except BaseException as problem:
            found = {"message": "", "note": "its message cannot be had: str() raised " + name_of(type(problem))}
        notes = getattr(error, "__notes__", None)
        if isinstance(notes, list):
            found["notes"] = [self.text(note) for note in notes[:10] if isinstance(note, str)]
        return found

    def value(self, value: Any, depth: int = 0) -> dict[str, Any]:
        """A value: its type, its text or its `items`, and how many those are in all."""
        kind = type(value)
        found: dict[str, Any] = {"type": name_of(kind)}
        if self.used >= self.room:
            return {**found, "note": "left out: there is too much else"}
        try:
            if issubclass(kind, str):
                found.update(self.text(value), is_text=True)
            elif issubclass(kind, (bytes, bytearray)):
                found.update(self.text(repr(bytes(value[:TEXT]))), size=len(value))
            elif issubclass(kind, int) and int.bit_length(value) > 8 * TEXT:
                found["note"] = "a number of %d bits" % int.bit_length(value)
            elif kind in (bool, int, float, complex, type(None), range, type(...)):
                found.update(self.text(repr(value)))
            elif issubclass(kind, type):
                found.update(self.text(name_of(value)))
            elif issubclass(kind, (types.ModuleType, *CODE)):
                found.update(self.text(str(getattr(value, "__qualname__", None) or value.__name__)))
            elif issubclass(kind, (dict, list, tuple, set, frozenset, collections.deque)):
                found.update(self.container(value, depth))
            else:
                found.update(self.object(value, depth))
        except BaseException as problem:
            found["note"] = "it could not be shown: its repr raised " + name_of(type(problem))
        return found

    def container(self, value: Any, depth: int) -> dict[str, Any]:
        """What a container holds, read without the methods of a subclass."""
        base: Any = next(each for each in type(value).__mro__ if each.__module__ in ("builtins", "collections")
                         and each.__name__ in ("dict", "list", "tuple", "set", "frozenset", "deque"))  # fmt: skip
        names = getattr(type(value), "_fields", ()) if base is tuple else ()
        if base is dict:
            held = ((self.key(key), item) for key, item in dict.items(value))
        else:
            held = ((names[index] if index < len(names) else str(index), item)
                    for index, item in enumerate(base.__iter__(value)))  # fmt: skip
        return self.items(held, base.__len__(value), depth)

    def items(self, held: Any, size: int, depth: int) -> dict[str, Any]:
        """The first of what a value holds, unless that is too far inside."""
        found: dict[str, Any] = {"size": size}
        if depth < len(ITEMS) and size:
            found["items"] = []
            for name, item in itertools.islice(held, ITEMS[depth]):
                if self.used >= self.room:
                    break
                found["items"].append({"name": self.name(name), **self.value(item, depth + 1)})
        return found

    def name(self, name: Any) -> str:
        """The name of what a value holds, at its beginning."""
        text = str(name)[:NAME]
        self.used += len(text)
        return text

    def key(self, key: Any) -> str:
        """A key of a mapping as text."""
        if type(key) in (str, int, float, bool, type(None), tuple) and (type(key) is not tuple or self.calls):
            return str(key)
        return str(key) if self.calls else name_of(type(key))

    def object(self, value: Any, depth: int) -> dict[str, Any]:
        """An object: its repr if it has one of its own, and its attributes unless it is a library's and has that."""
        kind, found = type(value), {}
        shows_itself = getattr(kind, "__repr__", None) is not object.__repr__
        if shows_itself and (self.calls or kind.__module__ == "builtins"):
            found.update(self.text(repr(value)))
        module = sys.modules.get(str(kind.__module__))
        if shows_itself and (library(str(getattr(module, "__file__", None) or ""), "/") or not module):
            return found
        attributes = object.__getattribute__(value, "__dict__") if hasattr(kind, "__dict__") else {}
        if type(attributes) is dict and attributes:
            found.update(self.items(iter(dict.items(attributes)), len(attributes), depth))
        return found


def name_of(kind: type) -> str:
    """The name of a class, whatever its metaclass says."""
    name: str = vars(type)["__name__"].__get__(kind)
    return name


def interpreter() -> dict[str, Any]:
    """Which Python this is, for one in which a module is missing."""
    from importlib.util import find_spec

    try:
        pip = find_spec("pip") is not None
    except BaseException:
        pip = False
    managed = os.path.join(STANDARD, "EXTERNALLY-MANAGED")
    return {
        "program": sys.executable,
        "version": ".".join(map(str, sys.version_info[:3])),
        "environment": sys.prefix if sys.prefix != sys.base_prefix else None,
        "pip": pip,
        "managed": sys.prefix == sys.base_prefix and os.path.exists(managed),
    }
