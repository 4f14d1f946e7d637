"""What the operators of Redshift, S3 and EMR check and make before they call them (operators 5.4, 6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ..workflow.config import Params
from ..workflow.convert import (
    mismatch,
    parse_map,
    read_bool,
    read_int,
    read_list,
    read_map,
    read_optional_bool,
    read_optional_int,
    read_optional_string,
    read_string,
    read_strings,
)
from ..workflow.errors import ConfigError, TaskRuntimeError
from .durations import read_duration, read_optional_duration
from .remote_task import RemoteTask, command_or_parts
from .sql_options import read_query_options, read_status_table


def redshift(task: RemoteTask) -> None:
    _redshift_connection(task)
    task.query()
    read_query_options(task.config)


def _redshift_connection(task: RemoteTask) -> None:
    """What the connection needs may come from secrets, which a pinned task can do without."""
    config = task.config
    read: list[tuple[str, Callable[[], object]]] = [
        ("host", lambda: read_string(config, "host")),
        ("port", lambda: read_int(config, "port", 5439)),
        ("user", lambda: read_string(config, "user")),
        ("database", lambda: read_string(config, "database")),
        ("ssl", lambda: read_bool(config, "ssl", False)),
    ]
    for key, value in read:
        if task.secret(f"aws.redshift.{key}") is None and (task.strict or config.get(key) is not None):
            value()
        if key == "user":
            override = read_optional_string(config, "password_override")
            if override is not None and task.strict:
                task.required_secret(override, "aws.redshift")
    read_duration(config, "connect_timeout", 30)
    read_duration(config, "socket_timeout", 1800)
    if task.secret("aws.redshift.schema") is None:
        task.texts("schema")
    read_status_table(config)


def redshift_load(task: RemoteTask) -> None:
    config = task.config
    _redshift_connection(task)
    _redshift_keys(task, "redshift_load")
    source = read_string(config, "from")
    task.texts("json", "avro")
    if read_optional_bool(config, "manifest"):
        _, _, key = source.removeprefix("s3://").partition("/")
        if not source.startswith("s3://") or not key:
            raise ConfigError(f"Invalid manifest file uri: {source}")
    _session(config)
    read_string(config, "table")
    task.texts("column_list")
    task.numbers("readratio")
    task.flags("encrypted")
    task.texts("region", "csv", "delimiter", "fixedwidth")
    task.flags("gzip", "bzip2", "lzop", "acceptanydate")
    task.texts("acceptinvchars")
    task.flags("blanksasnull")
    task.texts("dateformat")
    task.flags("emptyasnull")
    task.texts("encoding")
    task.flags("escape", "explicit_ids", "fillrecord", "ignoreblanklines")
    task.numbers("ignoreheader")
    task.texts("null_as")
    task.flags("removequotes", "roundec")
    task.texts("timeformat")
    task.flags("trimblanks", "truncatecolumns")
    task.numbers("comprows")
    task.texts("compupdate")
    task.numbers("maxerror")
    task.flags("noload")
    task.texts("statupdate")
    _copy_options(config)


def _copy_options(config: Params) -> None:
    """What a COPY cannot have at once."""

    def has(*keys: str) -> bool:
        return any(config.get(key) is not None for key in keys)

    def on(*keys: str) -> bool:
        return any(read_optional_bool(config, key) for key in keys)

    if has("csv") and (has("fixedwidth") or on("removequotes", "escape")):
        raise ConfigError("CSV cannot be used with FIXEDWIDTH, REMOVEQUOTES, or ESCAPE")
    if has("delimiter") and has("fixedwidth"):
        raise ConfigError("DELIMITER cannot be used with FIXEDWIDTH")
    if has("json") and (
        has("csv", "delimiter", "avro", "fixedwidth", "null_as", "readratio")
        or on("escape", "fillrecord", "ignoreblanklines", "removequotes")
    ):
        raise ConfigError(
            "JSON cannot be used with CSV, DELIMITER, AVRO, ESCAPE, FILLRECORD, FIXEDWIDTH, IGNOREBLANKLINES, NULL AS, "
            "READRATIO or REMOVEQUOTES"
        )
    if has("avro") and has("csv", "delimiter", "json", "fixedwidth"):
        raise ConfigError("AVRO cannot be used with CSV, DELIMITER, JSON or FIXEDWIDTH")
    _switch(config, "statupdate")
    _switch(config, "compupdate")


def _switch(config: Params, key: str) -> None:
    value = read_optional_string(config, key)
    if value is not None and value.upper() not in ("ON", "OFF", "TRUE", "FALSE"):
        raise ConfigError(f"{key.upper()} should be in ON/OFF/TRUE/FALSE: {value}")


def redshift_unload(task: RemoteTask) -> None:
    config = task.config
    _redshift_connection(task)
    _redshift_keys(task, "redshift_unload")
    read_string(config, "to")
    _session(config)
    task.context.artifact("query", read_string(config, "query"))
    to = read_string(config, "to")
    task.flags("manifest", "encrypted", "allowoverwrite")
    task.texts("delimiter", "fixedwidth")
    task.flags("gzip", "bzip2")
    task.texts("null_as")
    task.flags("escape", "addquotes")
    _switch(config, "parallel")
    if not to.startswith("s3://"):
        raise ConfigError(f"'to' should start with 's3://'. to={to}")
    if to.removeprefix("s3://")[:1] in ("", "/"):
        raise ConfigError(f"'to' includes empty bucket. to={to}")


def _redshift_keys(task: RemoteTask, scope: str) -> None:
    if task.strict:
        for name in ("access_key_id", "secret_access_key"):
            task.required_secret(name, f"aws.{scope}", "aws.redshift", "aws")


def _session(config: Params) -> None:
    if read_bool(config, "temp_credentials", True):
        read_optional_int(config, "session_duration")


def s3_wait(task: RemoteTask) -> None:
    config = task.config
    task.texts("_command", "bucket", "key", "version_id")
    task.flags("path_style_access")
    read_optional_duration(config, "timeout")
    task.flags("continue_on_timeout")
    command = command_or_parts(config, "s3_wait", "key")
    if command is not None and "/" not in command:
        raise ConfigError(f"Illegal s3 path: {command}", hint="write it like bucket/key")
    if task.secret("aws.s3.endpoint") is None:
        task.texts("endpoint")
    if task.secret("aws.s3.region") is None and task.secret("aws.region") is None:
        task.texts("region")
    if task.strict:
        for name in ("access_key_id", "secret_access_key"):
            task.required_secret(name, "aws.s3", "aws")


def emr(task: RemoteTask) -> None:
    config = task.config
    read_string(config, "action_on_failure", "CANCEL_AND_WAIT")
    if task.strict:
        for name in ("access_key_id", "secret_access_key"):
            task.required_secret(name, "aws.emr", "aws")
    staging = read_optional_string(config, "staging")
    if staging is not None and not re.match(r"s3://[^/]+", staging):
        raise ConfigError(f"Invalid staging uri: '{staging}'", hint="write it like s3://bucket/folder/")
    steps = read_list(config, "steps", [])
    if not all(isinstance(step, dict) for step in steps):
        raise mismatch(config, "steps", "array type")
    if not steps:
        raise TaskRuntimeError("steps", "illegal argument")
    cluster = _cluster(config)
    if cluster is not None:
        read_map(cluster, "ec2")
    for step in steps:
        for key, name, is_template in _step_files(step):
            _step_file(task, key, name, is_template, staging)
    if cluster is not None:
        read_string(read_map(cluster, "ec2"), "key")


def _cluster(config: Params) -> Params | None:
    """The form of a new cluster, or None for one that there is."""
    try:
        return parse_map(config, "cluster", {})
    except ConfigError:
        read_string(config, "cluster")
        return None


def _step_files(step: Params) -> Iterator[tuple[str, str, bool]]:
    """The files of a step: the key, the name, and whether its templates are filled in."""
    match read_string(step, "type"):
        case "flink":
            yield "application", read_string(step, "application"), False
        case "hive" | "script":
            yield "script", read_string(step, "script"), False
        case "spark":
            application = read_string(step, "application")
            yield "application", application, application.endswith((".scala", ".py"))
        case "spark-sql":
            yield "query", read_string(step, "query"), True
        case "command":
            read_string(step, "command")
        case other:
            raise ConfigError(f"Unsupported step type: {other}")
    for name in read_strings(step, "files", []):
        yield "file", name, False
    for name in read_strings(step, "jars", []):
        yield "jar", name, False


def _step_file(task: RemoteTask, key: str, name: str, is_template: bool, staging: str | None) -> None:
    if name.startswith("s3:"):
        if not re.fullmatch(r"s3://[^/]+/.*[^/]", name):
            raise ConfigError(f"Invalid {key}: '{name}'")
        return
    if staging is None:
        raise ConfigError("Please configure a S3 'staging' directory")
    if is_template:
        try:
            task.file(name)
        except ConfigError as error:
            raise ConfigError(f"Failed to load file: {name.rpartition('/')[2]}", hint=error.hint) from error
