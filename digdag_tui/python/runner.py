"""Runs the function of a `py>` task inside the user's own interpreter (operators 4.4).

    python runner.py COMMAND INPUT OUTPUT

COMMAND is `[package.module.][Class.]method`. INPUT is JSON: `params`, and `debugger` when one is waited for. OUTPUT
gets `subtask_config`, `export_params`, `store_params` and, after a failure, `error` with `class`, `message`,
`backtrace` and, which Digdag has not, `frames`. Standard library only, Python 3.7 and later.
"""

from __future__ import annotations

import collections
import inspect
import json
import os
import select
import sys
import traceback
import types
from typing import Any, TextIO

HERE = os.getcwd()


class Env:
    """`digdag.env`: what the workflow gives to a task and what it takes back."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.subtask_config: dict[str, Any] = collections.OrderedDict()
        self.export_params: dict[str, Any] = {}
        self.store_params: dict[str, Any] = {}
        self.state_params: dict[str, Any] = {}
        self.subtask_index = 0

    def set_state(self, params: dict[str, Any] = {}, **kwds: Any) -> None:  # noqa: B006
        """Accepted and dropped, as Digdag does."""
        self.state_params.update(params, **kwds)

    def export(self, params: dict[str, Any] = {}, **kwds: Any) -> None:  # noqa: B006
        """Set params for the subtasks of this task."""
        self.export_params.update(params, **kwds)

    def store(self, params: dict[str, Any] = {}, **kwds: Any) -> None:  # noqa: B006
        """Set params for all tasks after this one."""
        self.store_params.update(params, **kwds)

    def add_subtask(self, function: Any = None, **params: Any) -> None:
        """Add a task: a function or method to call with `params`, or the keys of any task.

        Raises:
            TypeError: JSON cannot hold an argument.
        """
        if function is None:
            task = params
        elif isinstance(function, dict):
            task = dict(function, **params)
        else:
            task = params
            task["py>"] = ".".join([function.__module__, function.__qualname__])
        try:
            json.dumps(task)
        except Exception as error:
            raise TypeError(f"Parameters must be serializable using JSON: {error}")  # noqa: B904
        self.subtask_config[f"+subtask{self.subtask_index}"] = task
        self.subtask_index += 1


def offer(env: Env) -> types.ModuleType:
    """Make `import digdag` and `import digdag_env` work; the second holds the results."""
    api, results = types.ModuleType("digdag"), types.ModuleType("digdag_env")
    vars(api)["env"] = env
    for name in ("params", "subtask_config", "export_params", "store_params", "state_params"):
        setattr(results, name, getattr(env, name))
    sys.modules.update({"digdag": api, "digdag_env": results})
    return results


def attribute(module: types.ModuleType, path: str, name: str, wanted: str) -> Any:
    """`module.name`; when there is none, the message is about `wanted`, the command's last part."""
    try:
        return getattr(module, name)
    except AttributeError:
        raise AttributeError(f"Module '{path}' has no attribute '{wanted}'")  # noqa: B904


def find(command: str) -> tuple[Any, str]:
    """What a command names: a callable and no text, or a class and the name of its method."""
    path, _, last = command.rpartition(".")
    try:
        found = attribute(__import__(path, fromlist=[last]), path, last, last)
    except ImportError:
        path, _, name = path.rpartition(".")
        found = attribute(__import__(path, fromlist=[name]), path, name, last)
        return found, last if found is not None else ""
    return found, "run" if type(found) is type else ""


def bind(function: Any, params: dict[str, Any], *, skip_first: bool) -> dict[str, Any]:
    """The arguments of `function` by name out of `params`; one that takes `**keywords` gets all of them.

    Raises:
        TypeError: an argument without default is missing, or `function` is none.
    """
    if function == object.__init__:
        return {}
    spec = inspect.getfullargspec(function)
    names = spec.args[1:] if skip_first else spec.args
    optional = set(spec.args[len(spec.args) - len(spec.defaults or ()) :])
    for name in names:
        if name not in params and name not in optional:
            title = getattr(function, "__qualname__", None) or function.__name__
            raise TypeError(f"Method '{title}' requires parameter '{name}' but not set")
    return params if spec.varkw else {name: params[name] for name in names if name in params}


def call(command: str, params: dict[str, Any]) -> tuple[Any, ...]:
    """Find what `command` names and call it with the params that it asks for; return what came of it."""
    target, method = find(command)
    if not method:
        return (target(**bind(target, params, skip_first=False)),)
    instance = target(**bind(target.__init__, params, skip_first=True))
    bound = getattr(instance, method)
    return instance, bound(**bind(bound, params, skip_first=True))


def frames(error: BaseException | None) -> list[dict[str, Any]]:
    """The frames of the user's own code, outermost first.

    When an error came up while another was handled, as it does for a module that cannot be imported, the first of them
    that has such frames counts.
    """
    own = main.__code__.co_filename
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        found = [
            place(frame.filename, frame.lineno, frame.name, frame.line)
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename != own and not frame.filename.startswith("<")
        ]
        if isinstance(error, SyntaxError) and error.filename:
            found.append(place(error.filename, error.lineno, None, error.text))
        if found:
            return found
        error = error.__cause__ or error.__context__
    return []


def place(file: str, line: int | None, function: str | None, source: str | None) -> dict[str, Any]:
    """A frame as OUTPUT holds it."""
    return {"file": os.path.join(HERE, file), "line": line, "function": function, "source": (source or "").strip()}


def describe(error: BaseException, message: str) -> dict[str, Any]:
    """An error as OUTPUT holds it."""
    return {
        "class": type(error).__name__,
        "message": message,
        "backtrace": traceback.format_exception(type(error), error, error.__traceback__),
        "frames": frames(error),
    }


def wait_for_debugger(library: str, announcement: str) -> None:
    """Listen on a free loopback port with the debugpy below the folder `library`, and wait until a client is there.

    The file `announcement` gets `host` and `port`, or `error` when debugpy cannot start; then the process ends.
    """
    quiet = "PYDEVD_DISABLE_FILE_VALIDATION"
    given = os.environ.get(quiet)
    os.environ[quiet] = "1"
    sys.path.append(library)
    try:
        import debugpy  # type: ignore[import-untyped, unused-ignore]

        debugpy.configure(subProcess=False)
        host, port = debugpy.listen(("127.0.0.1", 0))
    except Exception as error:
        announce(announcement, {"error": f"{type(error).__name__}: {error}"})
        sys.exit(1)
    finally:
        sys.path.remove(library)
        if given is None:
            del os.environ[quiet]
    announce(announcement, {"host": host, "port": port})
    if not has_ended(sys.stdin):
        while not debugpy.is_client_connected():
            if has_ended(sys.stdin, 0.05):
                os._exit(1)
    debugpy.wait_for_client()


def has_ended(pipe: TextIO, seconds: float = 0) -> bool:
    """Whether our input is at its end, at last after `seconds`: nothing is written to it, it ends with our parent."""
    return bool(select.select([pipe], [], [], seconds)[0])


def announce(path: str, content: dict[str, Any]) -> None:
    """Write a file that nobody sees half written."""
    with open(path + ".new", "w") as stream:
        json.dump(content, stream)
    os.replace(path + ".new", path)


def main(command: str, source: str, target: str) -> tuple[Any, ...]:
    """Run a task from file to file; return what its code made, which lives as long as the process does."""
    with open(source) as stream:
        given = json.load(stream)
    params = given["params"]
    results = offer(Env(params))
    if "debugger" in given:
        wait_for_debugger(**given["debugger"])
    sys.path.append(HERE)
    failure: Exception | None = None
    report = None
    made: tuple[Any, ...] = ()
    try:
        made = call(command, params)
    except SystemExit as stop:
        code = "Failed to call python command with code:%d" % stop.code  # type: ignore[str-format]
        cause = "Possible cause: Invalid python module call, duplicate module name with standard library"
        failure = Exception(code, cause)
        report = describe(stop, f"{code} {cause}")
    except Exception as error:
        failure = error
        report = describe(error, str(error))
    result = {name: getattr(results, name) for name in ("subtask_config", "export_params", "store_params")}
    if failure:
        result["error"] = report
    with open(target, "w") as stream:
        json.dump(result, stream)
    if failure:
        raise failure
    return made


if __name__ == "__main__":
    made = main(*sys.argv[1:])
