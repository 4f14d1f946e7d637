"""Evaluating a task's params (core 6.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..workflow.config import Config, Params, Value, merge
from ..workflow.convert import read_bool, read_string
from ..workflow.errors import ConfigError, Position
from .template import Template, TemplateError, split

if TYPE_CHECKING:
    from .javascript.engine import Engine

__all__ = ["Evaluator", "Path", "Reading", "TemplateError"]

Path: TypeAlias = tuple[str | int, ...]
"""The place of a value in the params: keys, and indexes of lists."""

TIME_LIMIT = "digdag-tui.template-time-limit"
MEMORY_LIMIT = "digdag-tui.template-memory-limit"
"""The keys of the configuration for how many seconds, and how many MB, the scripts of one text may take."""

_LEFT_ALONE = frozenset(("_do", "_else_do"))
_NOT_PARAMS = frozenset(("_check", "_error"))


@dataclass(frozen=True, slots=True)
class Reading:
    """One text as it was evaluated; `result` is None when it failed with `error`.

    `variables` are the params that the text names, as dotted paths as far as the params have them.
    """

    text: str
    result: str | None
    error: TemplateError | None
    variables: tuple[str, ...]


class Evaluator:
    """Evaluates templates, one thread at a time.

    Args:
        timezone: the local time of moment and Date where the params have no `timezone`.
        time_limit: seconds that one text may take.
        memory_limit: bytes that the scripts of one text may hold.
        extended_syntax: whether braces may stand within `${}` (core 6.5).
    """

    def __init__(
        self,
        timezone: str = "UTC",
        time_limit: float = 10.0,
        memory_limit: int = 256 * 2**20,
        extended_syntax: bool = True,
    ) -> None:
        self._timezone = timezone
        self._limits = (time_limit, memory_limit)
        self._extended = extended_syntax
        self._engine: Engine | None = None

    @classmethod
    def configured(cls, settings: Mapping[str, str]) -> Evaluator:
        """An evaluator as Digdag's configuration wants it: `eval.*`, and limits of our own.

        Raises:
            ConfigError: a value is no number above 0, no boolean, or no engine that Digdag knows.
        """
        kind = read_string(settings, "eval.js-engine-type", "graal")
        if kind not in ("nashorn", "graal", "nashorn-graal-check"):
            message = f"either of nashorn, graal, or nashorn-graal-check but got {kind}"
            raise ConfigError(f"Parameter 'eval.js-engine-type' must be {message}")
        return cls(
            time_limit=_positive(settings, TIME_LIMIT, 10.0),
            memory_limit=int(_positive(settings, MEMORY_LIMIT, 256.0) * 2**20),
            extended_syntax=read_bool(settings, "eval.extended-syntax", True) and kind == "graal",
        )

    def text(self, text: str, scope: Mapping[str, Value], timezone: Value = None) -> str:
        """One text with its templates evaluated in `scope` (core 6.5), at the local time of `timezone` or of the scope.

        Raises:
            TemplateError: a template cannot be evaluated.
        """
        return self._text(text, scope, timezone or scope.get("timezone"))

    def variables(self, text: str, scope: Mapping[str, Value]) -> tuple[str, ...]:
        """The params of `scope` that a text names, as dotted paths as far as the scope has them."""
        return tuple(_variables(split(text, self._extended), scope))

    def evaluate(
        self,
        params: Params,
        local: Params,
        record: dict[Path, Reading] | None = None,
        on_error: Literal["raise", "record"] = "raise",
    ) -> Params:
        """All params of a task, evaluated (core 6.4).

        Args:
            params: what the task sees, merged, without its own keys, unevaluated.
            local: the task's own keys.
            record: takes a reading for each text that has a `$`.
            on_error: with `record` a text that fails is left as it is, and its reading has the error.

        Returns:
            The keys of `params` first, then those of `local` alone; without `_check` and `_error`.

        Raises:
            TemplateError: the first text that cannot be evaluated, with its place in the source when `local` knows it.
        """
        raw = {key: value for key, value in params.items() if key not in _NOT_PARAMS}
        values = {key: value for key, value in merge(raw, local).items() if key not in _NOT_PARAMS}
        task = _Task(self, raw, record, on_error)
        try:
            return task.object(values, dict(raw), ())
        except TemplateError as error:
            error.position = _position(task.failed, local) or _position(task.failed, params)
            raise

    def _text(self, text: str, scope: Mapping[str, Value], timezone: Value) -> str:
        if "$" not in text:
            return text
        template = split(text, self._extended)
        try:
            result = template.without_script(scope)
            if result is not None:
                return result
            if self._engine is None:
                from .javascript.engine import Engine

                self._engine = Engine(*self._limits)
            zone = timezone if timezone and isinstance(timezone, str) else self._timezone
            return self._engine.evaluate(template, scope, zone)
        except RecursionError:
            raise TemplateError(text, "RangeError: Maximum call stack size exceeded") from None


class _Task:
    """One call of `evaluate`; `failed` is the place of the text that could not be evaluated."""

    def __init__(
        self,
        evaluator: Evaluator,
        raw: Params,
        record: dict[Path, Reading] | None,
        on_error: Literal["raise", "record"],
    ) -> None:
        self.evaluator = evaluator
        self.raw = raw
        self.record = record
        self.keep_going = on_error == "record"
        self.failed: Path = ()

    def object(self, values: Mapping[str, Value], scope: MutableMapping[str, Value], path: Path) -> Params:
        """`values` evaluated in order; each is in `scope` for those after it."""
        built: Params = {}
        for key, value in values.items():
            if isinstance(value, str):
                if "$" in value and key not in _LEFT_ALONE:
                    value = self.text(value, scope, (*path, key))
            elif isinstance(value, (dict, list)) and key not in _LEFT_ALONE:
                value = self.nested(value, scope, (*path, key))
            built[key] = scope[key] = value
        return built

    def nested(self, value: Value, scope: Mapping[str, Value], path: Path) -> Value:
        """A value in a list, or an object: objects have scopes of their own, lists do not."""
        if isinstance(value, str):
            return self.text(value, scope, path) if "$" in value else value
        if isinstance(value, dict):
            return self.object(value, _Overlay(self.raw), path)
        if isinstance(value, list):
            return [self.nested(item, scope, (*path, index)) for index, item in enumerate(value)]
        return value

    def text(self, text: str, scope: Mapping[str, Value], path: Path) -> str:
        result, error = None, None
        try:
            result = self.evaluator._text(text, scope, self.raw.get("timezone"))
        except TemplateError as raised:
            error = raised
        if self.record is not None:
            template = split(text, self.evaluator._extended)
            self.record[path] = Reading(text, result, error, tuple(_variables(template, scope)))
        if error is not None:
            if not self.keep_going:
                self.failed = path
                raise error
            return text
        return result or ""


class _Overlay(MutableMapping[str, Value]):
    """The scope in a nested object: its own evaluated keys over the raw params, which it does not change."""

    def __init__(self, raw: Params) -> None:
        self.raw = raw
        self.own: Params = {}

    def __getitem__(self, key: str) -> Value:
        return self.own[key] if key in self.own else self.raw[key]

    def __setitem__(self, key: str, value: Value) -> None:
        self.own[key] = value

    def __delitem__(self, key: str) -> None:
        del self.own[key]

    def __contains__(self, key: object) -> bool:
        return key in self.own or key in self.raw

    def __iter__(self) -> Iterator[str]:
        return iter({**self.raw, **self.own})

    def __len__(self) -> int:
        return len({**self.raw, **self.own})


def _positive(settings: Mapping[str, str], key: str, default: float) -> float:
    text = settings.get(key)
    try:
        number = default if text is None else float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        hint = "seconds, such as 60" if key == TIME_LIMIT else "megabytes, such as 512"
        raise ConfigError(f"Expected a number above 0 for key '{key}' but got \"{text}\" (string)", hint=hint)
    return number


def _variables(template: Template, scope: Mapping[str, Value]) -> Iterable[str]:
    """The params that a template names, in its order."""
    paths = [expression.path for expression in template.expressions]
    if None in paths:
        from .javascript.code import reads

        paths = list(reads(template))
    return dict.fromkeys(_dotted(path, scope) for path in paths if path and path[0] in scope)


def _dotted(path: tuple[str, ...], scope: Mapping[str, Value]) -> str:
    """As much of `path` as the params have."""
    value: Value = scope
    for length, name in enumerate(path):
        if not isinstance(value, Mapping) or name not in value:
            return ".".join(path[:length])
        value = value[name]
    return ".".join(path)


def _position(path: Path, config: Value) -> Position | None:
    """The innermost place in a source file on the way along `path`."""
    found = None
    for key in path:
        if isinstance(config, Config) and isinstance(key, str):
            found = config.positions.get(key, found)
        try:
            config = config[key]
        except (KeyError, IndexError, TypeError):
            break
    return found
