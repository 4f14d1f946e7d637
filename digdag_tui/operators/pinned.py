"""Tasks whose output is pinned: a success with what the pin says, in place of a call."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from ..engine.events import PINNED
from ..engine.operator import OperatorContext, OperatorEntry, OperatorResult
from ..workflow.config import Config, Params, Value, merge
from ..workflow.convert import read_bool, read_map, read_optional_string
from ..workflow.errors import ConfigError, TaskExecutionError, TaskRuntimeError
from ..workflow.pins import PINS_FILE, Pin, Pins
from ..workflow.pins_text import flow_text
from ..workflow.text import json_text
from .command import with_scope
from .csv_rows import csv_line
from .sql_options import read_store_option

_QUERYING = ("td", "td_run", "td_for_each", "pg", "redshift")


def pinned(entry: OperatorEntry, pins: Pins) -> OperatorEntry:
    """An operator that is not called for the tasks that are pinned."""

    async def run(context: OperatorContext) -> OperatorResult:
        pin = pins.find(context.full_name)
        if pin is None:
            return await entry.run(context)
        where = pin.position or "the debugger"
        context.log("WARN", PINNED, f"Pinned: {context.config['_type']}> is not run, its output comes from {where}")
        context.pin = pin
        return await entry.run(context) if entry.takes_pin else pin_result(context, pin)

    return replace(entry, run=run)


def pin_result(context: OperatorContext, pin: Pin) -> OperatorResult:
    """What a pinned task leaves behind; `rows` count as what its query gives.

    Raises:
        ConfigError: the operator has no query, or an option for its result has no form that Digdag takes.
        TaskExecutionError: there are more rows than tasks may be.
    """
    from .catalog import CATALOG

    name = str(context.config["_type"])
    form = CATALOG.get(name)
    config = with_scope(context.config, *form.scopes) if form else context.config
    resets = form.resets if form else ()
    if name in ("td", "td_run") and not _stored_rows(name, config):
        resets = ()
    result = OperatorResult(pin.subtasks, pin.export, pin.store, resets if pin.reset is None else pin.reset)
    if pin.rows is None:
        return result
    if name not in _QUERYING:
        hint = f"rows of a pin are for {', '.join(f'{querying}>' for querying in _QUERYING)}: give values to store"
        raise ConfigError(f"{name}> has no rows", position=pin.position, hint=hint)
    if name == "td_for_each":
        return replace(result, subtasks=merge(_row_tasks(context, pin.rows), pin.subtasks))
    return _with_rows(context, config, name, pin.rows, result)


def _stored_rows(name: str, config: Params) -> Literal["first", "all"] | None:
    """What `store_last_results` asks for.

    Raises:
        ConfigError: it has no form that Digdag takes.
    """
    if name in ("td", "td_run"):
        return "first" if read_bool(config, "store_last_results", False) else None
    return read_store_option(config)


def example(name: str, config: Params) -> Params:
    """The body of a pin as it may look for a task: what its operator stores."""
    from .catalog import CATALOG

    if name == "td_for_each":
        return {"rows": [{"column": 1}]}
    stores = CATALOG[name].stores if name in CATALOG else {}
    if "last_results" not in next(iter(stores.values()), {}):
        return {"store": stores} if stores else {}
    inner = {key: value for key, value in stores[name.partition("_")[0]].items() if key != "last_results"}
    rows: Params = {"rows": [{"column": 1}]} if config.get("store_last_results") or config.get("download_file") else {}
    return {**rows, **({"store": {name.partition("_")[0]: inner}} if inner else {})}


def _with_rows(
    context: OperatorContext, config: Params, name: str, rows: tuple[Params, ...], result: OperatorResult
) -> OperatorResult:
    """The rows where the task wants them: in its store, and in a file."""
    file = read_optional_string(config, "download_file")
    if file is not None:
        _write_csv(context.file(file), rows)
    wanted = _stored_rows(name, config)
    if not wanted:
        return result
    last: Value = list(rows) if wanted == "all" else rows[0] if rows else {}
    stored = {name.partition("_")[0]: {"last_results": last}}
    return replace(result, store=merge(stored, result.store))


def _row_tasks(context: OperatorContext, rows: tuple[Params, ...]) -> Params:
    """`+td-for-each-N` for each row, with it in `td.each` (operators 6)."""
    from .loops import is_parallel

    if len(rows) > context.task_limit:
        cause = TaskRuntimeError(f"Too many tasks. Limit: {context.task_limit}", "task limit exceeded")
        raise TaskExecutionError(cause.error_message)
    body = read_map(context.config, "_do")
    export = read_map(body, "_export", {})
    places = body.positions if isinstance(body, Config) else {}
    tasks: Params = {
        f"+td-for-each-{number}": Config({**body, "_export": merge(export, {"td": {"each": row}})}, places)
        for number, row in enumerate(rows)
    }
    if is_parallel(context.config):
        tasks["_parallel"] = context.config["_parallel"]
    return tasks


def _write_csv(file: Path, rows: tuple[Params, ...]) -> None:
    """A header and the rows, as `download_file` has them (operators 5.4); the columns are those of the first row."""
    columns = list(rows[0]) if rows else []
    lines: list[list[str | None]] = [[*columns], *([_cell(row.get(column)) for column in columns] for row in rows)]
    try:
        file.write_text("".join(map(csv_line, lines)), encoding="utf-8", newline="")
    except OSError as error:
        raise TaskRuntimeError(f"{file}: {error.strerror}", "io") from None


def _cell(value: Value) -> str | None:
    return value if value is None or isinstance(value, str) else json_text(value)


def needs(full_name: str, body: Params) -> str:
    """How to pin a task, in one line."""
    return f"pin its output with a line like this in {PINS_FILE}: {flow_text({full_name: body})[1:-1]}"
