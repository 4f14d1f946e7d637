"""A warm parent: an interpreter that has started once and forks for each `py>` task.

    python runner.py SOCKET

`runner.py` calls `serve`, which returns in a process of its own for each task; that goes on as if the interpreter had
been started for the task alone. Over the socket, whose number SOCKET is, we say a line of JSON about ourselves, its
bytes as Latin-1. Then we get a byte and four file descriptors for each task: a channel, a pipe, its input and its
output. Into the pipe goes the number of the task's process. Over the channel come the length of the job in four bytes
and the job, fields with a NUL between them: the directory, the real path of the script's folder, the script, its three
arguments, and changes of the environment, `NAME=VALUE` or `NAME` for none. Back goes one line: `end STATUS`, as
`os.waitpid` has it, or `error ERRNO`. When the socket is closed, we end.

What differs from an interpreter started for each task: the parent's pid, the command line that `ps` shows, what `gc`
counts, and the seed of hashes, which is drawn once for all tasks unless PYTHONHASHSEED gives it. An object that a task
leaves in a module of the library may be deleted sooner, or not at all.

Standard library only, Python 3.7 and later. What the runner does not import is loaded only if it is written in C, so
that no module of the user's can take its place.
"""

from __future__ import annotations

import _imp
import _signal  # type: ignore[import-not-found, unused-ignore]
import _socket
import atexit
import gc
import importlib.machinery
import inspect
import json
import os
import sys
import types as kinds
import warnings
from _weakref import ref
from collections import OrderedDict
from types import FunctionType, ModuleType
from typing import Any


def _cell() -> Any:
    held = 0
    return (lambda: held).__closure__[0]  # type: ignore[index]


_HERE = os.path.dirname(__file__)

_MANY = 20_000
"""How many objects of a task are looked at, at most."""

_HEAP_TYPE = 1 << 9
"""The flag of classes that are made while a program runs."""

_HARMLESS = frozenset([
    object, dict, list, tuple, set, frozenset, type, property, staticmethod, classmethod, OrderedDict, ModuleType,
    FunctionType, kinds.BuiltinFunctionType, kinds.MethodType, kinds.WrapperDescriptorType, kinds.MethodDescriptorType,
    kinds.GetSetDescriptorType, kinds.MemberDescriptorType, kinds.MappingProxyType, type(_cell()),
])  # fmt: skip
"""Classes written in C whose objects only let go of others when they are deleted."""


def serve() -> None:
    """Return once in a new process for each task; the parent itself ends in here."""
    runner = sys.modules["__main__"]
    control = _socket.socket(fileno=int(sys.argv[1]))
    has_folder = _leave_path(runner)
    files = _files()
    _prepare_path(files)
    control.sendall((json.dumps(_about(files)) + "\n").encode())
    tasks = _Tasks()
    _shorten_end(runner)
    gc.collect()
    gc.freeze()  # so that a task's collections, and above all its last, pass by what was there before it
    descriptors: list[int] = []
    while True:
        link, other = _socket.socketpair()
        spare, problem = _fork()  # before there is a task for it, so that the task need not wait
        if spare == 0:
            tasks.leave()
            control.close()
            link.close()
            _rehearse(files)
            descriptors = _receive(other) or os._exit(0)
            other.close()
            return _become(runner, descriptors, has_folder)
        tasks.forget(spare)
        other.close()
        descriptors = descriptors or _receive(control)
        if not descriptors:
            link.close()
            _end_with(spare)
        if problem or _hand_over(link, descriptors):
            channel = _socket.socket(fileno=descriptors.pop(0))
            if problem:
                _say(channel, "error", problem)
            else:
                tasks.begun(spare, channel)
            while descriptors:
                os.close(descriptors.pop())
        link.close()


class _Tasks:
    """The channels of the tasks that run, by the numbers of their processes."""

    def __init__(self) -> None:
        self._channels: dict[int, Any] = {}
        self._early: dict[int, int] = {}
        self._before = _signal.signal(_signal.SIGCHLD, self._report)

    def begun(self, process: int, channel: Any) -> None:
        self._channels[process] = channel
        if process in self._early:
            _say(self._channels.pop(process), "end", self._early.pop(process))

    def forget(self, process: int) -> None:
        """Another process may have had this number, which was ended without a task."""
        self._early.pop(process, None)

    def leave(self) -> None:
        """Be a task, no parent of tasks any more."""
        _signal.signal(_signal.SIGCHLD, self._before)
        for channel in self._channels.values():
            channel.close()

    def _report(self, number: int, frame: Any) -> None:
        """Tell of the processes that have ended, or keep it until their channels are known."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not process:
                return
            if process in self._channels:
                _say(self._channels.pop(process), "end", status)
            else:
                self._early[process] = status


def _fork() -> tuple[int, int | None]:
    """The number of the new process, 0 in itself; the error's number if there can be none."""
    try:
        return os.fork(), None
    except OSError as error:
        return -1, error.errno


def _hand_over(link: Any, descriptors: list[int]) -> bool:
    """Give a task to the spare process; False if somebody has ended that one."""
    rights = b"".join(number.to_bytes(4, sys.byteorder) for number in descriptors)
    try:
        link.sendmsg([b"."], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
    except OSError:
        return False
    return True


def _end_with(spare: int) -> None:
    """End, and leave nobody the spare process to bury."""
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    try:
        os.waitpid(spare, 0)
    finally:
        os._exit(0)


def _shorten_end(runner: ModuleType) -> None:
    """Have a task's process skip of its end what nobody can see, which is most of the time that a short task takes.

    Our function is called after the task's threads have ended and its own functions of `atexit` were called. Then an
    interpreter flushes its output, and takes apart all objects that there are. Where none of the task's is left that
    would do something then, the process ends at once. Where one is, or may be, the modules that were loaded before the
    task are left whole, but for their places in `sys.modules`; all else goes as usual.
    """
    if atexit._ncallbacks():
        return  # what was registered before us is called after us
    loaded = {name: module for name, module in sys.modules.items() if name not in ("__main__", "builtins", "sys")}
    types = {thing for thing in gc.get_objects() if isinstance(thing, type)}
    filters = [] if sys.warnoptions else list(warnings.filters)
    for_ever: list[Any] = [loaded]
    for_ever.append(for_ever)

    def shorten() -> None:
        if "made" in vars(runner) and _end_is_unseen(loaded, types, filters):
            try:
                sys.stdout.flush()
                sys.stderr.flush()
            except Exception:
                pass  # the usual way says that, too
            else:
                os._exit(0)
        modules: dict[str, Any] = sys.modules
        for name, module in loaded.items():
            if modules.get(name) is module:
                modules[name] = None

    atexit.register(shorten)


def _end_is_unseen(loaded: dict[str, ModuleType], types: set[type], filters: list[Any]) -> bool:
    """Whether nothing that came after `loaded` and `types` can do anything, or warn, when it is taken apart."""
    if gc.callbacks or gc.garbage or gc.get_debug() or sys.flags.inspect or len(sys._current_frames()) > 1:
        return False
    if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__ or warnings.filters != filters:
        return False
    for name, module in sys.modules.items():
        file = getattr(module, "__file__", None) or ""
        is_code = file.endswith(".py") if getattr(module, "__spec__", None) else type(module) is ModuleType
        if loaded.get(name) is not module and name not in ("__main__", "builtins", "sys") and not is_code:
            return False  # written in C
    things = gc.get_objects()
    if len(things) > _MANY:
        return False
    known = dict.fromkeys(_HARMLESS, True)
    for thing in things:
        kind = type(thing)
        if kind not in known:
            known[kind] = all(_is_harmless(each, types) for each in kind.__mro__)
        if not known[kind] and (kind is not ref or thing.__callback__ is not None):
            return False
        if isinstance(thing, type) and thing not in types and "__del__" in vars(thing):
            return False
    return True


def _is_harmless(kind: type, types: set[type]) -> bool:
    """Whether objects of a class, apart from what its bases are, only let go of others."""
    if kind in _HARMLESS:
        return True
    is_python = kind not in types or any(type(value) is FunctionType for value in vars(kind).values())
    return is_python and kind.__flags__ & _HEAP_TYPE != 0 and "__del__" not in vars(kind)


def _leave_path(runner: ModuleType) -> bool:
    """Take our traces out of the modules and of their path; whether that begins with the script's folder."""
    del sys.path[0], sys.modules["warm"]
    folder = os.path.dirname(os.path.realpath(runner.__file__ or ""))
    return sys.path[:1] == [folder]


def _rehearse(files: set[str]) -> None:
    """Do what a task will do, while there is none, so that its memory is its own already: that takes some time."""
    _prepare_path(files)
    loader = importlib.machinery.SourceFileLoader("nothing", os.path.join(_HERE, "__init__.py"))
    exec(loader.get_code("nothing") or "", {})  # type: ignore[no-untyped-call, unused-ignore]
    inspect.getfullargspec(_rehearse)
    json.loads(json.dumps(["nothing"]))


def _prepare_path(files: set[str]) -> None:
    """List the folders that modules come from, those in `files` and the library's; a task lists the others itself."""
    importlib.machinery.PathFinder.find_spec("no_module_has_this_name", sys.path[1:])
    for place in [place for place in sys.path_importer_cache if place not in files and not _is_standard(place)]:
        del sys.path_importer_cache[place]


def _about(files: set[str]) -> dict[str, Any]:
    """What the other side must know: who we are, why we cannot serve, and which files our start depended on."""
    return {
        "pid": os.getpid(),
        "directory": _text(os.getcwd()),
        "environment": {name.decode("latin-1"): value.decode("latin-1") for name, value in os.environb.items()},
        "unfit": _unfit(),
        "files": sorted(map(_text, files)),
    }


def _unfit() -> str | None:
    """Why tasks must not be forked from this process."""
    if len(sys._current_frames()) > 1:
        return "its start has begun threads, which a fork would end"
    monitoring = getattr(sys, "monitoring", None)
    tools = [monitoring.get_tool(number) for number in range(6)] if monitoring else []
    if sys.gettrace() or sys.getprofile() or any(tools):
        return "its start has begun to trace or to measure"
    return None


def _files() -> set[str]:
    """The files and folders that another start might find changed."""
    users = getattr(sys.modules.get("site"), "USER_SITE", None)
    found = {sys.executable, os.path.join(sys.prefix, "pyvenv.cfg"), users or ""}
    for place in filter(os.path.isabs, sys.path[1:]):
        if os.path.isfile(place):
            found.add(place)
        elif not _is_standard(place) and os.path.isdir(place):
            found |= {os.path.join(place, name) for name in ("sitecustomize.py", "usercustomize.py")}
            if os.path.basename(place) in ("site-packages", "dist-packages"):
                found |= {place, *(os.path.join(place, name) for name in os.listdir(place) if name.endswith(".pth"))}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and not _is_standard(file) and module.__name__ != "__main__":
            found.add(file)
    return found - {""}


def _is_standard(place: str) -> bool:
    """Whether a file or a folder belongs to the standard library."""
    library = os.path.dirname(os.__file__)
    inside = place == library or place.startswith(library + os.sep)
    return inside and "-packages" not in place[len(library) :]


def _receive(control: Any) -> list[int]:
    """The next task's file descriptors; none if there is no next task."""
    try:
        said, parts, _, _ = control.recvmsg(1, _socket.CMSG_SPACE(16))
    except OSError:
        return []
    descriptors = [number for part in parts for number in memoryview(part[2]).cast("i").tolist()]
    return descriptors if said and len(descriptors) == 4 else []


def _say(channel: Any, word: str, number: int) -> None:
    """Say what became of a task, the last of its channel."""
    try:
        channel.send(f"{word} {number}\n".encode())
    except OSError:
        return  # nobody waits for it any more
    finally:
        channel.close()


def _become(runner: ModuleType, descriptors: list[int], has_folder: bool) -> None:
    """Make of the forked process what an interpreter is that was started for this task."""
    os.setsid()
    number, pipe, stdin, output = descriptors
    os.write(pipe, b"%d" % os.getpid())
    channel = _socket.socket(fileno=number)
    job = _read(channel, int.from_bytes(_read(channel, 4), "big")).split(b"\0")
    for source, place in [(stdin, 0), (output, 1), (output, 2)]:
        os.dup2(source, place)
    for source in (pipe, stdin, output):
        os.close(source)
    try:
        os.chdir(job[0])
    except OSError as error:
        _say(channel, "error", error.errno or 0)
        os._exit(127)
    channel.close()
    folder, *arguments = [os.fsdecode(word) for word in job[1:6]]
    _name(runner, arguments, folder if has_folder else None)
    for change in job[6:]:
        name, is_set, value = change.partition(b"=")
        if is_set:
            os.environb[name] = value
        else:
            del os.environb[name]


def _name(runner: ModuleType, arguments: list[str], folder: str | None) -> None:
    """Name the script, and its folder if that is to be found, as an interpreter does that is started with it."""
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[-len(sys.argv) :] = arguments
    sys.argv = arguments
    file = arguments[0]
    if sys.version_info >= (3, 9):
        file = os.path.join(os.getcwd(), file)
    if folder:
        sys.path[0] = folder
    runner.__file__ = runner.__loader__.path = file  # type: ignore[union-attr]
    _imp._fix_co_filename(sys._getframe(3).f_code, file)  # type: ignore[attr-defined]


def _read(channel: Any, size: int) -> bytes:
    """So many bytes; without them, which nobody will send any more, the process ends."""
    data = b""
    while len(data) < size:
        piece = channel.recv(size - len(data))
        if not piece:
            os._exit(0)
        data += piece
    return data


def _text(name: str) -> str:
    return os.fsencode(name).decode("latin-1")
