"""`loop>`, `for_each>` and `for_range>`: one copy of `_do` for each round (operators 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..engine.operator import OperatorContext, OperatorResult
from ..workflow.config import Config, Params, Value
from ..workflow.convert import parse_list, parse_map, read_bool, read_int, read_long, read_map, read_optional_long
from ..workflow.errors import ConfigError, TaskRuntimeError
from ..workflow.text import JSON_BLANKS, json_text

_UNENCODED: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-*_")


async def loop(context: OperatorContext) -> OperatorResult:
    """`loop>`: rounds `+loop-N` with `i` from 0.

    Raises:
        ConfigError: the count is no number, or there are too many rounds.
    """
    body = read_map(context.config, "_do")
    count = read_int(context.config, "count", read_int(context.config, "_command"))
    if count > context.task_limit:
        raise ConfigError(f"Too many loop subtasks. Limit: {context.task_limit}")
    return _rounds(context, body, [(f"+loop-{i}", {"i": i}) for i in range(count)])


async def for_each(context: OperatorContext) -> OperatorResult:
    """`for_each>`: one round for each combination of values, the first list outermost.

    Raises:
        ConfigError: the command is no map of lists, or there are too many combinations.
        TaskRuntimeError: a list is the JSON text null.
    """
    body = read_map(context.config, "_do")
    command = parse_map(context.config, "_command")
    lists = {name: _values(command, name) for name in command}
    size = 1
    for values in lists.values():
        size *= len(values)
        if size > context.task_limit:
            raise ConfigError(f"Too many for_each subtasks. Limit: {context.task_limit}")
    return _rounds(context, body, _combinations(lists))


async def for_range(context: OperatorContext) -> OperatorResult:
    """`for_range>`: rounds over `from` to `to` by `step` or in `slices`, with the bounds in `range`.

    Raises:
        ConfigError: the bounds are no numbers, or there are too many rounds.
    """
    body = read_map(context.config, "_do")
    command = parse_map(context.config, "_command")
    start, end = read_long(command, "from"), read_long(command, "to")
    step = _step(command, end - start)
    starts = range(start, end, step) if start < end else range(0)
    if len(starts) > context.task_limit:
        raise ConfigError(f"Too many for_range subtasks ({len(starts)}). Limit: {context.task_limit}")
    rounds = []
    for index, low in enumerate(starts):
        high = min(low + starts.step, end)
        rounds.append((f"+range-from={low}&to={high}", {"range": {"from": low, "to": high, "index": index}}))
    return _rounds(context, body, rounds)


def _step(command: Mapping[str, Value], width: int) -> int:
    """The width of one round.

    Raises:
        ConfigError: not exactly one of `step` and `slices`, or less than 1.
    """
    step, slices = read_optional_long(command, "step"), read_optional_long(command, "slices")
    if step is not None and slices is not None:
        raise ConfigError("Setting both step and slices options to for_range is invalid")
    for name, value in (("step", step), ("slices", slices)):
        if value is not None and value <= 0:
            raise ConfigError(f"{name} option must be same or greater than 1 but got {value}")
    if step is not None:
        return step
    if slices is not None:
        return -(-width // slices)
    raise ConfigError("step or slices option is required for for_range")


def _rounds(context: OperatorContext, body: Params, rounds: list[tuple[str, Params]]) -> OperatorResult:
    """The subtasks: `body` with each round's values in its `_export`."""
    export = read_map(body, "_export", {}) if rounds else {}
    positions = body.positions if isinstance(body, Config) else {}
    subtasks: Params = {name: Config({**body, "_export": {**export, **values}}, positions) for name, values in rounds}
    if is_parallel(context.config):
        subtasks["_parallel"] = context.config["_parallel"]
    return OperatorResult(subtasks=subtasks)


def is_parallel(config: Params) -> bool:
    """Whether `_parallel` asks for anything (core 4.2).

    Raises:
        ConfigError: it has no form that Digdag takes.
    """
    match config.get("_parallel", False):
        case bool() | str():
            return read_bool(config, "_parallel", False)
        case dict() as parallel:
            read_int(parallel, "limit")
            return True
        case other:
            raise ConfigError(f"Invalid _parallel format: {json_text(other)}")


def _values(command: Params, name: str) -> list[Value]:
    """A list, or its JSON text.

    Raises:
        ConfigError: it is neither.
        TaskRuntimeError: the JSON text is null, which Digdag takes for a list and falls over.
    """
    value = command[name]
    if isinstance(value, str) and value.strip(JSON_BLANKS) == "null":
        problem = 'Cannot invoke "java.util.List.size()" because "nodes" is null'
        raise TaskRuntimeError(problem, "null pointer", hint=f"give {name} a list, such as [1, 2]")
    return parse_list(command, name)


def _combinations(lists: dict[str, list[Value]]) -> list[tuple[str, Params]]:
    """Names and values of the rounds; lists up to an empty one do not count unless it is the last, as in Digdag."""
    rounds: list[tuple[str, Params]] = []
    for index, (name, values) in enumerate(lists.items()):
        tags = [(f"{index}={_tag(name)}={place}={_tag(value)}", value) for place, value in enumerate(values)]
        rounds = [
            (f"{before}&{tag}" if before else f"+for-{tag}", {**earlier, name: value})
            for before, earlier in rounds or [("", {})]
            for tag, value in tags
        ]
    return rounds


def _tag(value: Value) -> str:
    """A key or a value in a task's name: 8 UTF-16 units of it, form-url-encoded."""
    text = value if isinstance(value, str) else json_text(value)
    start = text.encode("utf-16-le", "surrogatepass")[:16].decode("utf-16-le", "surrogatepass")
    return "".join(chr(byte) if byte in _UNENCODED else f"%{byte:02X}" for byte in start.encode("utf-8", "replace"))
