"""Lets a debugger into the process of a `py>` task: waits for it, and stops at the function's first line and at errors.

Runs in the user's own interpreter, with a debugpy that is lent to it. Standard library only, Python 3.7 and later.
"""

from __future__ import annotations

import dis
import functools
import json
import os
import select
import sys
import threading
import time
import traceback
import types
from typing import Any, Callable

PAUSE = 0.005
"""Seconds between two looks whether a debugger is there."""


def wait(
    library: str,
    announcement: str,
    client: bool = False,
    into: bool = False,
    host: str = "127.0.0.1",
    port: int = 0,
    network: str = "",
) -> tuple[Callable[[Any, str], None] | None, Callable[[], None] | None]:
    """Listen with the debugpy below the folder `library`, and wait until a debugger is there.

    Returns what to call with the callable and its method before the call, and while an exception is handled that
    nothing of the user's has caught.

    The file `announcement` gets `host`, `port` and `hidden`, the files of the frames that are no code of the user's.
    When debugpy cannot start it gets `error`, and the process ends, unless the debugger is there for breakpoints only.

    Args:
        client: the debugger is digdag-tui, which talks to this process; an editor has an adapter between.
        into: it is to stop at the function's first line.
        network: in a container, the network of the machine outside, to which `port` is published from others.
    """
    if network and network_here() != network:
        host = "0.0.0.0"
    try:
        debugpy = lent(library)
        host, port = debugpy.listen((host, port), **({"in_process_debug_adapter": True} if client else {}))
    except Exception as error:
        kind = "" if type(error) is RuntimeError else f"{type(error).__name__}: "
        announce(announcement, {"error": f"{kind}{error}"})
        if into or not client:
            sys.exit(1)
        return None, None
    hidden = {frame.filename for frame in traceback.extract_stack()}
    hidden |= {os.path.join(os.path.dirname(file), "runner_failure.py") for file in hidden if file[:1] != "<"}
    announce(announcement, {"host": "127.0.0.1" if network else host, "port": port, "hidden": sorted(hidden)})
    wait_for(debugpy)
    found = functools.partial(reach, debugpy, announcement) if into else None
    return found, debugpy.trigger_exception_handler if client else None


def network_here() -> str:
    """The name of the network that this process is in; blank where the system does not tell."""
    try:
        return os.readlink("/proc/self/ns/net")
    except OSError:
        return ""


def lent(library: str) -> Any:
    """The debugpy below a folder of packages, nothing else of which is to be seen, whatever debugpy there is already.

    Raises:
        RuntimeError: this Python is too old for it.
    """
    if sys.version_info < (3, 8):
        raise RuntimeError("debugpy needs Python 3.8 or later, and this is Python %d.%d" % sys.version_info[:2])
    from importlib.util import module_from_spec, spec_from_file_location

    quiet = "PYDEVD_DISABLE_FILE_VALIDATION"
    given = os.environ.get(quiet)
    os.environ[quiet] = "1"
    folder = os.path.join(library, "debugpy")
    spec: Any = spec_from_file_location(
        "debugpy", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    debugpy: Any = module_from_spec(spec)
    sys.modules["debugpy"] = debugpy
    try:
        spec.loader.exec_module(debugpy)
        debugpy.configure(subProcess=False)
    finally:
        if given is None:
            del os.environ[quiet]
        else:
            os.environ[quiet] = given
    return debugpy


def wait_for(debugpy: Any) -> None:
    """Wait until a debugger is there; from then on, as long as it is, end when our parent does.

    Our input is a pipe to which nothing is written, that ends with our parent; or it has ended from the start.
    """
    watched = not has_ended(0)
    while not debugpy.is_client_connected():
        if not watched:
            time.sleep(PAUSE)
        elif has_ended(PAUSE):
            os._exit(1)

    def watch() -> None:
        if has_ended(None) and debugpy.is_client_connected():
            os._exit(1)

    if watched:
        thread = threading.Thread(target=watch, name="digdag-tui", daemon=True)
        vars(thread).update(is_pydev_daemon_thread=True, pydev_do_not_trace=True)
        thread.start()


def has_ended(seconds: float | None) -> bool:
    """Whether our input is at its end, at last after `seconds`."""
    return bool(select.select([0], [], [], seconds)[0])


def reach(debugpy: Any, announcement: str, target: Any, method: str) -> None:
    """Tell where what is called begins, and wait until the debugger will stop there."""
    file = os.path.join(os.path.dirname(announcement), "function.json")
    announce(file, beginning(target, method))
    while os.path.exists(file) and debugpy.is_client_connected():
        time.sleep(PAUSE)


def beginning(target: Any, method: str) -> dict[str, Any]:
    """The first line of the user's own code that the call of `target`, or of its method, comes to; empty for none."""
    functions: list[Any] = [getattr(target, "__init__", None)] if isinstance(target, type) else []
    for function in [*functions, getattr(target, method, None) if method else target]:
        code = code_of(function)
        if code:
            lines = [line for _, line in dis.findlinestarts(code) if line]
            line = next((line for line in lines if line != code.co_firstlineno), code.co_firstlineno)
            return {"file": os.path.abspath(code.co_filename), "line": line, "name": code.co_name}
    return {}


def code_of(function: Any) -> types.CodeType | None:
    """The code that a callable comes to, below its decorators; None where it is not Python's."""
    for _ in range(100):
        if hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif hasattr(function, "__func__"):
            function = function.__func__
        elif isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, types.FunctionType):
            return function.__code__
        else:
            function = type(function).__call__
    return None


def announce(path: str, content: dict[str, Any]) -> None:
    """Write a file that nobody sees half written."""
    with open(path + ".new", "w") as stream:
        json.dump(content, stream)
    os.replace(path + ".new", path)
