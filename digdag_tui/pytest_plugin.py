"""Tests a task's function outside of Digdag: `import digdag` works, and the fixture `digdag_env` is the workflow.

Every pytest of an environment with digdag-tui in it loads this, so it does nothing before `import digdag` is met.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from .python.runner import Env

__tracebackhide__ = True
_GIVEN_BACK = ("subtask_config", "export_params", "store_params", "state_params")


class OutsideWorkflow(ImportError):
    """`digdag.env` is used where no workflow is.

    Without this plugin `import digdag` itself fails there: what catches an ImportError goes on as it did.
    """


class Subtask(NamedTuple):
    """A task that was added; `config` are its keys, `function` is what `add_subtask` was given, if it was a function.

    `args` are the params that the function is called with, `command` is how Digdag names it, None for another operator.
    """

    name: str
    config: dict[str, Any]
    function: Callable[..., Any] | None = None

    @property
    def command(self) -> str | None:
        return self.config.get("py>")

    @property
    def args(self) -> dict[str, Any]:
        return {key: value for key, value in self.config.items() if not key.endswith(">")}


class DigdagEnv:
    """What the workflow gives to the functions that a test calls, and what they give back.

    All that a test calls adds to the same `store_params`, `export_params` and `subtasks`.
    """

    def __init__(self) -> None:
        from .python import runner

        vars(runner)["__tracebackhide__"] = True
        self._runner = runner
        self._functions: dict[str, Callable[..., Any]] = {}
        self._begin({}, 0)

    def _begin(self, params: dict[str, Any], subtasks: int) -> None:
        """Be a new task, below which there are so many subtasks already."""
        self._env: Env = self._runner.Env(params)
        self._env.subtask_index = subtasks
        self._given_back = SimpleNamespace(params=params, **{name: getattr(self._env, name) for name in _GIVEN_BACK})

    @property
    def params(self) -> dict[str, Any]:
        """What `digdag.env.params` is; `call` takes arguments from it."""
        return self._env.params

    @params.setter
    def params(self, params: dict[str, Any]) -> None:
        self._env.params = self._given_back.params = params

    @property
    def store_params(self) -> dict[str, Any]:
        """What was stored, for all tasks after this one."""
        return self._given_back.store_params  # type: ignore[no-any-return]

    @property
    def export_params(self) -> dict[str, Any]:
        """What was exported, for the subtasks of this task."""
        return self._given_back.export_params  # type: ignore[no-any-return]

    @property
    def subtask_config(self) -> dict[str, Any]:
        """The subtasks as Digdag gets them: by name, with keys for all of them such as `_parallel`."""
        return self._given_back.subtask_config  # type: ignore[no-any-return]

    @property
    def subtasks(self) -> list[Subtask]:
        """The subtasks, in order."""
        tasks = {name: config for name, config in self.subtask_config.items() if name.startswith("+")}
        return [Subtask(name, config, self._functions.get(name)) for name, config in tasks.items()]

    def call(self, command: str | Callable[..., Any] | Subtask, /, **params: Any) -> Any:
        """Call a function as a `py>` task does, with the params that it asks for; return what it returns.

        It gets them from `params` here, from what calls before it stored, and from `digdag_env.params`, in this order;
        a subtask from its own and what was exported, too. As in a workflow, all that goes in and out passes through
        JSON, maps that calls store are merged, and of a call that fails nothing is kept.

        Args:
            command: what stands behind `py>:`, such as `"tasks.load.run"` or `"tasks.Load.run"`; a function or a
                method, such as `Load.run`; or one of `subtasks`.

        Raises:
            TypeError: a param that the function needs is not there, or JSON cannot hold a value.
            RuntimeError: the function called `sys.exit`.
            ValueError: there is no such module.
        """
        given = [self.params, self.store_params, params]
        if isinstance(command, Subtask):
            if command.command is None:
                raise TypeError(f"{command.name} is no py> task: only Digdag can run {_operator(command.config)}")
            given = [self.params, self.export_params, self.store_params, command.args, params]
            command = command.command
        elif not isinstance(command, str):
            command = f"{command.__module__}.{command.__qualname__}"
        env, given_back = self._env, self._given_back
        self._begin(_through_json(_merged(given), "a workflow's params are JSON"), env.subtask_index)
        here = os.getcwd()
        sys.path.append(here)
        try:
            made = self._runner.call(command, self.params)
        except SystemExit as stop:
            problem = f"Failed to call python command with code:{stop.code}: sys.exit is a failure of the task"
            raise RuntimeError(problem) from stop
        except (ImportError, ValueError) as error:
            if str(error) == "Empty module name" or command.startswith(getattr(error, "name", None) or "\0"):
                error.add_note(f"py> wants MODULE.FUNCTION: {command} is looked for in {here} and on sys.path")
            raise
        finally:
            if here in sys.path:
                del sys.path[len(sys.path) - 1 - sys.path[::-1].index(here)]
            called, env.subtask_index = self._given_back, self._env.subtask_index
            self._env, self._given_back = env, given_back
        for name in _GIVEN_BACK[:3]:
            values = _through_json(getattr(called, name), f"a task gives its {name} back as JSON")
            getattr(given_back, name).update(_merged([getattr(given_back, name), values]))
        return made[-1]

    def _add_subtask(self, function: Any = None, **params: Any) -> None:
        known = set(self._env.subtask_config)
        self._env.add_subtask(function, **params)
        if callable(function):
            self._functions.update(dict.fromkeys(set(self._env.subtask_config) - known, function))


_current: DigdagEnv | None = None
"""What the running test has."""


@pytest.fixture
def digdag_env(monkeypatch: pytest.MonkeyPatch) -> Iterator[DigdagEnv]:
    """The workflow around a task's function: fill `params`, call it, and look at `store_params` and `subtasks`."""
    global _current
    module = import_module("digdag")
    if not isinstance(module, _Module):  # the project has one of its own, which Digdag's hides while a task runs
        monkeypatch.setattr(module, "env", _ENV, raising=False)
    before, _current = _current, DigdagEnv()
    try:
        yield _current
    finally:
        _current = before


class _Proxy:
    """`digdag.env`: that of the running test, so that a module may have imported it long before."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        current = _inside(f"digdag.env.{name}")
        return current._add_subtask if name == "add_subtask" else getattr(current._env, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_inside(f"digdag.env.{name}")._env, name, value)


class _Module(ModuleType):
    """`digdag`; it is false where no workflow is, as code may ask after `try: import digdag`."""

    def __bool__(self) -> bool:
        return _current is not None


class _Results(_Module):
    """`digdag_env`, whose attributes are what a task gives back."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(_inside(f"digdag_env.{name}")._given_back, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        else:
            setattr(_inside(f"digdag_env.{name}")._given_back, name, value)


_ENV = _Proxy()


class _Finder:
    """Finds `digdag` and `digdag_env` where nothing else does: a module of that name in the project stays."""

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, cls, origin="digdag-tui") if name in ("digdag", "digdag_env") else None  # type: ignore[arg-type]

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType:
        if spec.name == "digdag_env":
            return _Results(spec.name)
        module = _Module(spec.name)
        vars(module)["env"] = _ENV
        return module

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        pass


sys.meta_path.append(_Finder)


def _inside(what: str) -> DigdagEnv:
    """The workflow of the running test.

    Raises:
        OutsideWorkflow: there is none.
    """
    if _current is None:
        raise OutsideWorkflow(
            f"{what} is there only while a workflow runs: a test that uses it takes the fixture digdag_env, "
            "as in `def test_it(digdag_env):`"
        )
    return _current


def _operator(config: Mapping[str, Any]) -> str:
    return next((key for key in config if key.endswith(">")), "a group")


def _merged(layers: list[dict[str, Any]]) -> dict[str, Any]:
    """Maps over each other, the lowest first, as params are merged: maps in them too (core 6.1)."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = _merged([merged[key], value]) if both else value
    return merged


def _through_json(values: dict[str, Any], why: str) -> Any:
    """`values` as they come out of JSON.

    Raises:
        TypeError: JSON cannot hold one of them.
    """
    for key, value in values.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{error}: {key}={value!r} ({why})") from None
    return json.loads(json.dumps(values))
