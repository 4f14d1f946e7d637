"""Runs the function of a `py>` task inside the user's own interpreter (operators 4.4).

    python runner.py COMMAND INPUT OUTPUT

COMMAND is `[package.module.][Class.]method`. INPUT is JSON: `params`, and `debugger` when one is waited for. OUTPUT
gets `subtask_config`, `export_params`, `store_params` and, after a failure, `error` with `class`, `message` and
`backtrace`; `failure.json` beside it, which Digdag has not, tells more. Standard library only, Python 3.7 and later.
"""

from __future__ import annotations

import builtins
import collections
import inspect
import json
import os
import sys
import traceback
import types
from typing import Any, Callable

if __name__ == "__main__" and len(sys.argv) == 2:  # a warm parent: each task's process goes on from here
    sys.path.insert(0, os.path.dirname(__file__))
    __import__("warm").serve()

HERE = os.getcwd()
PATH = list(sys.path)
FAILURE = os.path.join(HERE, os.path.dirname(__file__), "runner_failure.py")


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


def call(command: str, params: dict[str, Any], found: Callable[[Any, str], None] | None = None) -> tuple[Any, ...]:
    """Find what `command` names and call it with the params that it asks for; return what came of it.

    Args:
        found: told what is to be called, and of a class the method, before it is.
    """
    target, method = find(command)
    if found:
        found(target, method)
    if not method:
        return (target(**bind(target, params, skip_first=False)),)
    instance = target(**bind(target.__init__, params, skip_first=True))
    bound = getattr(instance, method)
    return instance, bound(**bind(bound, params, skip_first=True))


def tell(error: BaseException, target: str, raised: Callable[[], None] | None) -> None:
    """Write all about an error into `failure.json` beside OUTPUT; if that goes wrong, the task fails as it does.

    Args:
        raised: called before.
    """
    if raised:
        raised()
    given, sys.path = sys.path, PATH
    try:
        known: dict[str, Any] = {"__name__": "runner_failure", "__file__": FAILURE}
        with open(FAILURE, encoding="utf-8") as stream:
            exec(compile(stream.read(), FAILURE, "exec"), known)
        found = known["report"](error, HERE, main.__code__.co_filename)
        announce(os.path.join(HERE, os.path.dirname(target), "failure.json"), found)
    except BaseException:
        pass
    finally:
        sys.path = given


def describe(error: BaseException, message: str) -> dict[str, Any]:
    """An error as OUTPUT holds it."""
    return {
        "class": type(error).__name__,
        "message": message,
        "backtrace": traceback.format_exception(type(error), error, error.__traceback__),
    }


def under_debugger(program: str, **options: Any) -> tuple[Any, Any]:
    """Wait for a debugger, as the file `program` does; what it wants to be called before the call, and in a failure."""
    known: dict[str, Any] = {"__name__": "runner_debugger", "__file__": program}
    with open(program, encoding="utf-8") as stream:
        exec(compile(stream.read(), program, "exec"), known)
    hooks: tuple[Any, Any] = known["wait"](**options)
    return hooks


def unwritable(result: dict[str, Any]) -> str:
    """Where in a result the value is that JSON cannot hold, with a colon; blank if there is none."""
    for name, values in result.items():
        for key, value in dict(values).items():
            try:
                json.dumps({key: value})
            except Exception:
                return f"{name}[{key!r}]: "
    return ""


def ask_nobody() -> None:
    """Have what would wait for a person say so: Digdag's pipe to a task never gets any text, nor comes to an end."""

    def pass_over(*given: Any, **more: Any) -> None:
        at = sys._getframe(1)
        place = f"{os.path.basename(at.f_code.co_filename)}:{at.f_lineno}"
        advice = "step into the task (s) or attach an editor (a) to stop there; under Digdag it waits for ever"
        sys.stderr.write(f"breakpoint() at {place} is passed over: {advice}\n")

    def no_input(prompt: object = "") -> str:
        sys.stdout.write(str(prompt))
        raise EOFError("input() has nothing to read in a task: under Digdag it waits for ever")

    known = {"os": os, "sys": sys}  # not this module, which must be let go at the end with what the task made
    if "PYTHONBREAKPOINT" not in os.environ:
        sys.breakpointhook = types.FunctionType(pass_over.__code__, known)
    builtins.input = types.FunctionType(no_input.__code__, known, "input", no_input.__defaults__)


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
    found, raised = under_debugger(**given["debugger"]) if "debugger" in given else (None, None)
    sys.path.append(HERE)
    if "debugger" not in given:
        ask_nobody()
    failure: Exception | None = None
    report = None
    made: tuple[Any, ...] = ()
    try:
        made = call(command, params, found)
    except SystemExit as stop:
        tell(stop, target, raised)
        code = "Failed to call python command with code:%d" % stop.code  # type: ignore[str-format]
        cause = "Possible cause: Invalid python module call, duplicate module name with standard library"
        failure = Exception(code, cause)
        report = describe(stop, f"{code} {cause}")
    except Exception as error:
        tell(error, target, raised)
        failure = error
        report = describe(error, str(error))
    except BaseException as error:
        tell(error, target, raised)
        raise
    result = {name: getattr(results, name) for name in ("subtask_config", "export_params", "store_params")}
    if failure:
        result["error"] = report
    try:
        with open(target, "w") as stream:
            json.dump(result, stream)
    except Exception as error:
        if not failure:
            tell(type(error)(f"{unwritable(result)}{error}"), target, None)
        raise
    if failure:
        raise failure
    return made


if __name__ == "__main__":
    made = main(*sys.argv[1:])
