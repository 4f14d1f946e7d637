"""What becomes of the queries of `pg>` and `redshift>`, as their options say (operators 5.4)."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from ..workflow.config import Params
from ..workflow.convert import mismatch, optional_type, read_bool, read_optional_string, read_string
from ..workflow.errors import ConfigError
from .durations import read_duration

_JDBC: Final = "io.digdag.standards.operator.jdbc"


class QueryOptions(Struct, frozen=True):
    """What becomes of a query: its rows are kept, or it writes; tables are SQL."""

    insert_into: str | None
    create_table: str | None
    download_file: str | None
    store: Literal["first", "all"] | None

    @property
    def reads(self) -> bool:
        return self.download_file is not None or self.store is not None


class StatusTable(Struct, frozen=True):
    """The table that knows which queries are done; `name` is SQL, `cleanup` in seconds."""

    name: str
    cleanup: int


def read_query_options(config: Params) -> QueryOptions:
    """What becomes of a task's query.

    Raises:
        ConfigError: an option has no form that Digdag takes, or two of them exclude each other.
    """
    insert_into, create_table = _table(config, "insert_into"), _table(config, "create_table")
    writes = insert_into is not None or create_table is not None
    if insert_into is not None and create_table is not None:
        raise ConfigError("Can't use both of insert_into and create_table")
    download_file = read_optional_string(config, "download_file")
    if download_file is not None and writes:
        raise ConfigError("Can't use download_file with insert_into or create_table")
    store = read_store_option(config)
    if store is not None and writes:
        raise ConfigError("Can't use store_last_results with insert_into or create_table")
    if download_file is not None and store is not None:
        raise ConfigError("Can't use both download_file and store_last_results at once")
    return QueryOptions(insert_into, create_table, download_file, store)


def read_store_option(config: Params) -> Literal["first", "all"] | None:
    """What `store_last_results` asks for.

    Raises:
        ConfigError: it has no form that Digdag takes.
    """
    match config.get("store_last_results"):
        case None | False | "false":
            return None
        case True | "true" | "first":
            return "first"
        case "all":
            return "all"
    hint = "it is one of false, first and all"
    raise mismatch(config, "store_last_results", f"class {_JDBC}.StoreLastResultsOption", hint)


def read_status_table(config: Params) -> StatusTable | None:
    """The table of a task whose query is to be done exactly once, None without `strict_transaction`.

    Raises:
        ConfigError: an option has no form that Digdag takes.
    """
    if not read_bool(config, "strict_transaction", True):
        return None
    table = _quoted(read_string(config, "status_table", "__digdag_status"))
    schema = read_optional_string(config, "status_table_schema")
    cleanup = read_duration(config, "status_table_cleanup", 24 * 60 * 60)
    return StatusTable(table if schema is None else f"{_quoted(schema)}.{table}", cleanup)


def _table(config: Params, key: str) -> str | None:
    """`[SCHEMA.]TABLE` as SQL."""
    value = config.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise mismatch(config, key, optional_type(f"{_JDBC}.TableReference"), "it is a name: [SCHEMA.]TABLE")
    return ".".join(map(_quoted, value.split(".", 1)))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
