"""What the operators of Treasure Data check and make before they call it (operators 6)."""

from __future__ import annotations

import re
from datetime import datetime

from ..workflow.config import Params
from ..workflow.convert import (
    mismatch,
    optional_type,
    parse_list,
    parse_map,
    parse_strings,
    read_bool,
    read_int,
    read_long,
    read_map,
    read_optional_map,
    read_optional_string,
    read_string,
)
from ..workflow.errors import ConfigError, DigdagError, TaskRuntimeError
from ..workflow.text import json_text
from .durations import duration_text, read_duration
from .remote_task import RemoteTask
from .secrets import fill

_TABLE = "io.digdag.standards.operator.td.TableParam"
_INSERT_LINE = re.compile(r"(\A|\r?\n)--\s*DIGDAG_INSERT_LINE[^\n]*")
_HEADER_COMMENT = re.compile(r"\A([\r\n\t]*(?:(?:\A|\n)--[^\n]*)+)\n?(.*)\Z")


def td(task: RemoteTask) -> None:
    config = task.config
    query = task.query()
    insert_into, create_table = (_optional_table(config, key) for key in ("insert_into", "create_table"))
    if insert_into and create_table:
        raise ConfigError("Setting both insert_into and create_table is invalid")
    read_int(config, "priority", 0)
    result_url = read_optional_string(config, "result_url")
    read_int(config, "job_retry", 0)
    engine = _engine_name(task)
    if read_optional_string(config, "download_file") is not None and (insert_into or create_table):
        raise ConfigError("download_file is invalid if insert_into or create_table is set")
    connection = read_optional_string(config, "result_connection")
    settings = parse_map(config, "result_settings", {}) if "result_settings" in config else None
    if settings is not None and connection is None:
        raise ConfigError("result_settings is valid only if result_connection is set")
    read_bool(config, "store_last_results", False)
    read_bool(config, "preview", False)
    task.texts("engine_version", "hive_engine_version")
    _td_client(task)
    _known_engine(engine)
    if insert_into or create_table:
        task.context.artifact("statement", _statement(engine, query, insert_into, create_table))
    if task.strict:
        fill(result_url or "", task.secret)
        fill(json_text(settings) if settings is not None else "", task.secret)


def _statement(engine: str, query: str, insert_into: str | None, create_table: str | None) -> str:
    """What is sent to write a query's result to a table."""
    quote = '"' if engine == "presto" else "`"
    name = ".".join(f"{quote}{part}{quote}" for part in (insert_into or create_table or "").split(".", 1))
    if engine == "presto":
        before = f"INSERT INTO {name}" if insert_into else f"DROP TABLE IF EXISTS {name};\nCREATE TABLE {name} AS"
    else:
        before = f"INSERT INTO TABLE {name}" if insert_into else f"INSERT OVERWRITE TABLE {name}"
    if marked := _INSERT_LINE.search(query):
        return f"{query[: marked.start()]}{marked[1]}{before}{query[marked.end() :]}"
    if commented := _HEADER_COMMENT.match(query):
        return f"{commented[1]}\n{before}\n{commented[2]}"
    return f"{before}\n{query}"


def td_for_each(task: RemoteTask) -> None:
    task.query()
    read_int(task.config, "priority", 0)
    read_int(task.config, "job_retry", 0)
    engine = _engine_name(task)
    read_map(task.context.config, "_do")
    task.texts("engine_version", "hive_engine_version")
    _td_client(task)
    _known_engine(engine)


def td_run(task: RemoteTask) -> None:
    config = task.config
    if config.get("_command") is None:
        read_string(config, "_command")
    session_time = read_string(config, "session_time")
    if not _instant(session_time):
        raise mismatch(config, "session_time", "class java.time.Instant")
    read_optional_string(config, "download_file")
    read_bool(config, "store_last_results", False)
    read_bool(config, "preview", False)
    _td_client(task)
    command = config["_command"]
    if isinstance(command, bool) or not isinstance(command, str | int | float):
        raise ConfigError(f"Invalid saved query reference: {json_text(command)}")


def td_load(task: RemoteTask) -> None:
    config = task.config
    given = read_optional_map(config, "config")
    name, command = read_optional_string(config, "name"), read_optional_string(config, "_command")
    if given is not None and name is not None:
        raise ConfigError("The parameters config and name cannot both be set")
    count = sum(part is not None for part in (command, name, given))
    if count > 1:
        raise ConfigError("Only the command or one of the config and name params may be set")
    if count == 0:
        raise ConfigError("No parameter is set", hint="name a file that ends in .yml after td_load>:")
    if command is not None and command.endswith((".yml", ".yaml")):
        given = _bulk_load(task, command)
    _td_client(task)
    if given is not None:
        _table(config, "table")
        if task.strict:
            fill(json_text(given), task.secret)


def _bulk_load(task: RemoteTask, file: str) -> Params:
    from ..workflow.yaml import load_text

    try:
        text = task.file(file)
    except ConfigError as error:
        raise ConfigError("Failed to load bulk load file", hint=error.hint) from error
    try:
        return load_text(text, file)
    except DigdagError as error:
        raise ConfigError("Failed to parse yaml file", position=error.position, hint=error.hint) from error


def td_ddl(task: RemoteTask) -> None:
    config = task.config
    for key in (
        "drop_databases",
        "create_databases",
        "empty_databases",
        "drop_tables",
        "create_tables",
        "empty_tables",
    ):
        parse_strings(config, key, [])
    for rename in parse_list(config, "rename_tables", []):
        if not isinstance(rename, dict) or not all(isinstance(rename.get(key), str) for key in ("from", "to")):
            raise mismatch(config, "rename_tables", "array type")
        if "." in rename["to"]:
            raise ConfigError("'to' option of rename_tables can't include database name")
    _td_client(task)


def td_wait(task: RemoteTask) -> None:
    task.query()
    _interval(task)
    engine = _known_engine(read_string(task.config, "engine", "presto"))
    _td_job(task, engine)
    _td_client(task)


def td_wait_table(task: RemoteTask) -> None:
    _table(task.config, "_command")
    _interval(task)
    read_int(task.config, "rows", 0)
    engine = _known_engine(read_string(task.config, "engine", "presto"))
    _td_job(task, engine)
    _td_client(task)


def _td_job(task: RemoteTask, engine: str) -> None:
    read_int(task.config, "priority", 0)
    task.texts(f"{engine}_pool_name")
    read_int(task.config, "job_retry", 0)
    task.texts("engine_version", "hive_engine_version")


def td_table_export(task: RemoteTask) -> None:
    config = task.config
    read_string(config, "database")
    _table(config, "table")
    if read_string(config, "file_format") not in ("tsv.gz", "jsonl.gz", "json.gz", "json-line.gz"):
        raise ConfigError("invalid file_format option", hint="it is tsv.gz or jsonl.gz")
    _td_client(task)
    for key in ("from", "to"):
        _export_time(config, key)
    if task.strict:
        for name in ("access_key_id", "secret_access_key"):
            task.required_secret(name, "aws.s3", "aws")
    read_string(config, "s3_bucket")
    read_string(config, "s3_path_prefix")
    task.texts("hive_pool_name")


def td_result_export(task: RemoteTask) -> None:
    read_string(task.config, "job_id")
    read_string(task.config, "result_connection")
    settings = parse_map(task.config, "result_settings")
    if task.strict:
        fill(json_text(settings), task.secret)
    _td_client(task, database=False)


def td_partial_delete(task: RemoteTask) -> None:
    config = task.config
    read_string(config, "_command")
    times = [_timestamp(config, key) for key in ("from", "to")]
    if any(time % 3600 for time in times):
        raise ConfigError("'from' and 'to' parameters must be whole hours")
    _td_client(task)


def _td_client(task: RemoteTask, *, database: bool = True) -> None:
    """The connection to Treasure Data; the param `database` must be there even if the secret is."""
    config = task.config
    if database:
        param = read_string(config, "database")
        if not (task.secret("td.database") or param).strip():
            raise ConfigError("Parameter 'database' is empty")
    if task.secret("td.use_ssl") is None:
        read_bool(config, "use_ssl", True)
    proxy = read_map(config, "proxy", {})
    if task.secret("td.proxy.enabled") is None:
        read_bool(proxy, "enabled", False)
    if task.strict:
        key = task.secret("td.apikey")
        if key is None or not key.strip():
            raise ConfigError(f"The 'td.apikey' secret is {'missing' if key is None else 'empty'}")
    if task.secret("td.endpoint") is None:
        read_string(config, "endpoint", "")


def _engine_name(task: RemoteTask) -> str:
    engine = read_string(task.config, "engine", "presto")
    task.texts(f"{engine}_pool_name")
    return engine


def _known_engine(engine: str) -> str:
    if engine not in ("presto", "hive"):
        raise ConfigError(f"Unknown 'engine:' option (available options are: hive and presto): {engine}")
    return engine


def _interval(task: RemoteTask) -> None:
    """The seconds between two looks, in the bounds that Digdag's configuration sets."""
    settings = task.context.settings
    lowest, highest, usual = (
        read_duration(settings, f"config.td.wait.{name}", default)
        for name, default in (("min_poll_interval", 30), ("max_poll_interval", 2 * 86400), ("poll_interval", 600))
    )
    interval = read_duration(task.config, "interval", usual)
    if not lowest <= interval <= highest:
        bounds = f"{duration_text(lowest)} and no greater than {duration_text(highest)}"
        raise ConfigError(f"poll interval must be at least {bounds}")


def _optional_table(config: Params, key: str) -> str | None:
    value = config.get(key)
    if value is not None and not isinstance(value, str):
        raise mismatch(config, key, optional_type(_TABLE))
    return value


def _table(config: Params, key: str) -> str:
    if config.get(key) is None:
        return read_string(config, key)
    if not isinstance(config[key], str):
        raise mismatch(config, key, f"class {_TABLE}")
    return str(config[key])


def _timestamp(config: Params, key: str) -> int:
    """Seconds since the epoch, of a number of them or an ISO time, in the task's zone if it has no offset."""
    from ..workflow.zones import zone

    value = config.get(key)
    if value is None:
        read_string(config, key)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
        return int(value)
    if isinstance(value, str) and re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?", value
    ):
        try:
            time = datetime.fromisoformat(re.sub(r"\.\d+", "", value))
        except ValueError:
            pass
        else:
            local = time.replace(tzinfo=zone(read_string(config, "timezone", "UTC"))) if time.tzinfo is None else time
            return int(local.timestamp())
    raise mismatch(config, key, "class io.digdag.standards.operator.TimestampParam")


def _instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None and "T" in text
    except ValueError:
        return False


def _export_time(config: Params, key: str) -> None:
    try:
        read_long(config, key)
    except ConfigError:
        text = read_string(config, key)
        if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?: [+-]\d{4})?", text):
            hint = "a time is written like 2016-01-01 00:00:00 +0800, or in seconds since 1970"
            message = f"Text '{text}' could not be parsed at index 0"
            raise TaskRuntimeError(message, "date time parse", hint=hint) from None
