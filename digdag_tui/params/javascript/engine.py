"""Runs the scripts of templates on QuickJS, each as if it were alone (core 6.5)."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ...workflow.config import Value
from ...workflow.errors import ConfigError
from ..template import KEPT_LENGTH, Template, TemplateError
from .code import MARK, METHODS, compile_template
from .report import syntax_error, thrown
from .syntax import ScriptError
from .zones import periods

_THROWS = re.compile("throw|exit|quit")
_FUNCTIONS_KEPT = 1000
_CONTEXTS_KEPT = 8


class Engine:
    """Evaluates templates that need JavaScript.

    Scripts that cannot change anything beyond their own text share a context whose built-ins are frozen; any other
    gets a context for itself. Contexts stay with the thread that made them: a second thread gets its own.

    Args:
        time_limit: seconds of processor time that one text may take.
        memory_limit: bytes that a context may hold.
    """

    def __init__(self, time_limit: float, memory_limit: int) -> None:
        self.time_limit = time_limit
        self.memory_limit = memory_limit
        self._local = threading.local()

    def evaluate(self, template: Template, scope: Mapping[str, Value], timezone: str) -> str:
        """The template's text with the params of `scope`.

        Raises:
            TemplateError: it is no ECMAScript 5, threw, or ran into a limit.
            ConfigError: the time zone does not exist.
        """
        try:
            code = compile_template(template)
        except ScriptError as error:
            raise syntax_error(template, error) from None
        kind = timezone if code.needs_moment else "", code.needs_java
        params = code.params(template, scope)
        try:
            context = self._context(*kind, shared=False) if code.alone else self._shared(kind)
            result = context.run(code.runnable, params)
            if isinstance(result, str):
                return result
            if result[0].startswith("InternalError"):
                raise _Stopped(result[0])
            if result[0] == "null" and not _THROWS.search(code.source):  # no memory was left for an error
                raise _Stopped("out of memory")
        except _Stopped as stopped:
            self._contexts.pop(kind, None)
            reason, hint = self._reason(str(stopped))
            raise TemplateError(template.text, reason, hint=hint) from None
        raise thrown(template, scope, code, *result)

    @property
    def _contexts(self) -> dict[tuple[str, bool], _Context]:
        """This thread's shared contexts by time zone ("" is without moment), with Java's names or without."""
        contexts: dict[tuple[str, bool], _Context] = self._local.__dict__.setdefault("contexts", {})
        return contexts

    def _shared(self, kind: tuple[str, bool]) -> _Context:
        contexts = self._contexts
        if kind not in contexts:
            if len(contexts) >= _CONTEXTS_KEPT:
                contexts.clear()
            contexts[kind] = self._context(*kind, shared=True)
        return contexts[kind]

    def _context(self, zone: str, java: bool, shared: bool) -> _Context:
        return _Context(zone, java, self.time_limit, self.memory_limit, shared)

    def _reason(self, message: str) -> tuple[str, str | None]:
        if "interrupted" in message:
            reason, key, unit = f"time limit of {self.time_limit:g} s exceeded", "time", "SECONDS"
        elif "memory" in message or "too long" in message:
            reason, key, unit = f"memory limit of {self.memory_limit / 2**20:g} MB exceeded", "memory", "MB"
        else:
            return message.partition("\n    at ")[0].strip(), None
        return reason, f"if it needs more, set -X digdag-tui.template-{key}-limit={unit}"


class _Stopped(Exception):
    """A script was stopped from outside, which it cannot catch."""


class _Context:
    """A QuickJS context with Digdag's globals; with a `zone` also with its Date and moment, and with `java`'s names."""

    def __init__(self, zone: str, java: bool, time_limit: float, memory_limit: int, shared: bool) -> None:
        # The package around it imports logging and starts a thread.
        import _quickjs  # type: ignore[import-not-found]

        self._exception: type[Exception] = _quickjs.JSException
        self._functions: dict[str, Any] = {}
        self._context: Any = _quickjs.Context()
        self._context.set_memory_limit(memory_limit)
        self._context.set_max_stack_size(_stack_size())
        try:
            if zone:
                self._set_up("date.js", periods(zone))
                self._context.eval(_moment())
                self._set_up("moment.js", None)
            if java:
                self._set_up("java.js", {name: MARK + name[1:] for name in METHODS})
            self._run = self._set_up("es5.js", shared)
        except self._exception as error:
            raise _Stopped(str(error)) from None
        self._context.set_time_limit(time_limit)

    def _set_up(self, resource: str, argument: object) -> Any:
        return self._context.eval(_resource(resource))(self._context.parse_json(json.dumps(argument)))

    def run(self, source: str, params: str) -> str | tuple[str, str]:
        """The result of a function's body, or what it threw and the stack of that.

        Raises:
            _Stopped: it ran into a limit; the context is not to be used again.
        """
        try:
            result = self._run(self._function(source), params)
        except self._exception as error:
            message = str(error)
            if message.startswith("SyntaxError"):
                return message.partition("\n")[0], ""
            raise _Stopped(message) from None
        if isinstance(result, str):
            return result
        text, *stack = json.loads(result.json())
        return (text, stack[0]) if stack else str(text)

    def _function(self, source: str) -> Any:
        function = self._functions.get(source)
        if function is None:
            function = self._context.eval("(function(){" + source + "})")
            if len(self._functions) >= _FUNCTIONS_KEPT:
                self._functions.clear()
            if len(source) <= 2 * KEPT_LENGTH:
                self._functions[source] = function
        return function


@lru_cache
def _resource(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()


@lru_cache
def _moment() -> str:
    """moment.js of the package js.momentjs, which is not imported: that would load a web framework.

    Nor is it asked for through importlib.metadata, which takes longer to load than all else that a template needs.

    Raises:
        ConfigError: the package is missing.
    """
    for directory in sys.path:
        path = os.path.join(directory, "js", "momentjs", "resources", "moment.min.js")
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                # Since moment 2.16 a text is in ISO's form only if all of it is.
                return file.read().replace(r"|\s*Z)?)?/", r"|\s*Z)?)?$/")
    raise ConfigError("moment.js is missing", hint="install the package js.momentjs")


@lru_cache
def _stack_size() -> int:
    """Bytes of C stack for scripts: half of what a thread has, since it comes here with some of it in use."""
    try:
        import resource

        stack = resource.getrlimit(resource.RLIMIT_STACK)[0]
    except ImportError:
        stack = 2**20
    if sys.platform == "linux" and "CS_GNU_LIBC_VERSION" not in os.confstr_names:
        stack = 2**20  # musl's threads
    size = 2**21 if stack < 0 else stack
    return min(threading.stack_size() or size, size, 2**23) // 2
