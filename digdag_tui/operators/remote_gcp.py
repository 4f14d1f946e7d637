"""What the operators of BigQuery and Cloud Storage check and make before they call them (operators 6)."""

from __future__ import annotations

import re

from ..params.template import TemplateError
from ..workflow.config import Params, Value
from ..workflow.convert import (
    parse_strings,
    read_bool,
    read_list,
    read_optional_map,
    read_optional_string,
    read_string,
    read_strings,
)
from ..workflow.errors import ConfigError, TaskExecutionError, TaskRuntimeError
from ..workflow.text import json_text
from .remote_task import RemoteTask, command_or_parts

_BQ_TABLE = re.compile(r"(?:[^:]+:)?(?:([^.]+)\.)?[a-zA-Z0-9_]{1,1024}(?:\$[0-9]{8})?")
_BQ_DATASET = re.compile(r"(?:[^:]+:)?[^.]+")


def bq(task: RemoteTask) -> None:
    task.query()
    _gcp(task)
    config = task.config
    task.texts("location")
    read_bool(config, "use_legacy_sql", False)
    task.flags("allow_large_results", "use_query_cache")
    task.texts("create_disposition", "write_disposition")
    task.flags("flatten_results")
    task.numbers("maximum_billing_tier")
    task.texts("priority")
    read_optional_map(config, "table_definitions")
    read_list(config, "user_defined_function_resources", [])
    dataset = _default_dataset(config)
    destination = read_optional_string(config, "destination_table")
    if destination is not None:
        _bq_table(destination, dataset)


def bq_load(task: RemoteTask) -> None:
    _gcp(task)
    config = task.config
    task.texts("location")
    try:
        parse_strings(config, "_command")
    except ConfigError:
        read_string(config, "_command")
    if config.get("schema") is not None and not isinstance(config["schema"], dict):
        _bq_schema(task, read_string(config, "schema"))
    dataset = _default_dataset(config)
    _bq_table(read_string(config, "destination_table"), dataset)
    task.texts("create_disposition", "write_disposition", "source_format", "field_delimiter")
    task.numbers("skip_leading_rows")
    task.texts("encoding", "quote")
    task.numbers("max_bad_records")
    task.flags("allow_quoted_newlines", "allow_jagged_rows", "ignore_unknown_values")
    read_strings(config, "projection_fields", [])
    task.flags("autodetect")
    read_strings(config, "schema_update_options", [])


def _bq_schema(task: RemoteTask, name: str) -> None:
    from ..workflow.text import parse_json
    from ..workflow.yaml import load_text

    try:
        text = task.file(name)
    except TemplateError as error:
        raise ConfigError(f"{error.message} in {name}", hint=error.hint) from None
    if name.endswith(".json"):
        parse_json(text)
    else:
        load_text(text, name)


def bq_extract(task: RemoteTask) -> None:
    _gcp(task)
    config = task.config
    task.texts("location")
    try:
        read_strings(config, "destination")
    except ConfigError:
        read_string(config, "destination")
    dataset = _default_dataset(config)
    _bq_table(read_string(config, "_command"), dataset)
    task.flags("print_header")
    task.texts("field_delimiter", "destination_format", "compression")


def bq_ddl(task: RemoteTask) -> None:
    config = task.config
    dataset = _default_dataset(config)
    _gcp(task)
    lists = {
        key: read_list(config, key, [])
        for kind in ("datasets", "tables")
        for key in (f"delete_{kind}", f"empty_{kind}", f"create_{kind}")
    }
    for kind in ("dataset", "table"):
        for item in lists[f"delete_{kind}s"]:
            if not isinstance(item, str):
                raise ConfigError(f"Bad {kind} reference: {json_text(item)}")
    for key, items in lists.items():
        for item in items:
            _bq_dataset(item) if key.endswith("datasets") else _bq_new_table(item, dataset)


def _bq_dataset(item: Value) -> None:
    if isinstance(item, str):
        _dataset_reference(item)
    elif not isinstance(item, dict) or not isinstance(item.get("id"), str):
        raise ConfigError(f"Invalid dataset reference or configuration: {json_text(item)}")


def _bq_new_table(item: Value, dataset: str | None) -> None:
    if isinstance(item, str):
        _bq_table(item, dataset)
    elif not isinstance(item, dict) or not isinstance(item.get("id"), str):
        raise ConfigError(f"Invalid table reference or configuration: {json_text(item)}")
    elif item.get("dataset") is None and dataset is None:
        raise ConfigError("Bad table reference or configuration: Missing 'dataset'")


def _default_dataset(config: Params) -> str | None:
    name = read_optional_string(config, "dataset")
    return None if name is None else _dataset_reference(name)


def _dataset_reference(name: str) -> str:
    if not _BQ_DATASET.fullmatch(name):
        raise TaskRuntimeError(f"Bad dataset reference: {name}", "illegal argument")
    return name


def _bq_table(name: str, dataset: str | None) -> None:
    found = _BQ_TABLE.fullmatch(name)
    if not found:
        raise TaskRuntimeError(f"Bad table reference: {name}", "illegal argument")
    if not found[1] and dataset is None:
        raise TaskRuntimeError(
            "Bad table reference. Either configure 'dataset' or include dataset name in table reference: " + name,
            "illegal argument",
        )


def gcs_wait(task: RemoteTask) -> None:
    _gcp(task)
    task.texts("_command", "bucket", "object")
    command = command_or_parts(task.config, "gcs_wait", "object")
    if command is not None and not re.fullmatch(r"(?:gs://)?[^/]+/.+", command):
        raise ConfigError(f"Illegal GCS URI or path: {command}", hint="write it like gs://bucket/object")


def _gcp(task: RemoteTask) -> None:
    """The credential for Google's services, and the project that it names."""
    if not task.strict:
        return
    credential = task.secret("gcp.credential")
    if credential is None:
        raise TaskExecutionError(
            "Could not get google cloud credential: need gcp.credential secret or Application Default Credentials"
        )
    project = task.secret("gcp.project") or _project_of(credential)
    if project is None:
        raise TaskExecutionError("Missing 'gcp.project' secret")


def _project_of(credential: str) -> str | None:
    from ..workflow.text import parse_json

    try:
        project = parse_json(credential)
    except ConfigError:
        raise TaskExecutionError("Unable to parse 'gcp.credential' secret") from None
    found = project.get("project_id") if isinstance(project, dict) else None
    return found if isinstance(found, str) else None
