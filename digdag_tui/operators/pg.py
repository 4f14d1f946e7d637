"""`pg>`: queries and scripts for PostgreSQL (operators 5.4)."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Final, Literal, NoReturn
from uuid import UUID, uuid4

from msgspec import Struct

from ..engine.operator import OperatorContext, OperatorResult, PollingRetry
from ..workflow.config import Params, Value
from ..workflow.convert import (
    read_bool,
    read_int,
    read_optional_int,
    read_optional_long,
    read_optional_string,
    read_string,
)
from ..workflow.errors import ConfigError, TaskExecutionError, TaskRuntimeError
from ..workflow.keys import hash_order
from .command import with_scope
from .csv_rows import csv_line
from .durations import parse_duration, read_duration
from .java_dates import local_zone
from .java_strings import java_length
from .pg_connection import PgConnection, PgSettings, SqlError, connect, has_rows
from .pg_values import BadValue, JavaValue, NotJson, Rows, unknown_types
from .secrets import missing_secret, parse_number, task_secret
from .sql_options import QueryOptions, StatusTable, read_query_options, read_status_table
from .sql_script import split_statements
from .template_command import template_command

_LOGGER: Final = "io.digdag.standards.operator.pg.PgOperatorFactory$PgOperator"
_QUERY_ID, _POLL_INTERVAL = "queryId", "pollInterval"
_LONGEST_POLL = 1200
_CONNECTION_HINT = "host, port, user and database are params of pg:, the password is the secret pg.password"
_LOCKED, _DUPLICATE, _READ_ONLY = "55P03", "23505", "25006"


class _Limits(Struct, frozen=True):
    """How much of a result can be stored."""

    rows: int
    columns: int
    value_size: int


async def run(context: OperatorContext) -> OperatorResult:
    """Run the query of `_command` in a database, and keep its rows or what it wrote.

    Raises:
        ConfigError: an option has no form that Digdag takes, or two of them exclude each other.
        TaskExecutionError: there is no connection, a statement fails, or the result is too large.
        TaskRuntimeError: a secret is missing, or a value cannot be stored.
        PollingRetry: a query that writes has its id now, or another run of the same one holds its lock.
    """
    limits = _limits(context)
    config = with_scope(context.config, "pg")
    settings = _settings(context, config)
    status = read_status_table(config)
    query = template_command(context, config, "query")
    options = read_query_options(config)
    if not options.reads and _QUERY_ID not in context.state:
        raise PollingRetry(0, {**context.state, _QUERY_ID: str(uuid4())})
    statement = _statement(query, options)
    context.artifact("query.sql", statement)
    async with AsyncExitStack() as stack:
        with _failing("connect to the database", _CONNECTION_HINT):
            connection = await stack.enter_async_context(connect(settings))
        if options.reads:
            return await _read(context, connection, query, options, limits)
        await _write(context, connection, statement, options, status)
    return OperatorResult()


def _settings(context: OperatorContext, config: Params) -> PgSettings:
    def secret(key: str) -> str | None:
        return task_secret(context, f"pg.{key}")

    def text(key: str) -> str:
        value = secret(key)
        return read_string(config, key) if value is None else value

    def seconds(key: str, default: int) -> int:
        value = secret(key)
        return read_duration(config, key, default) if value is None else _duration(value)

    host = text("host")
    port = secret("port")
    port_number = read_int(config, "port", 5432) if port is None else parse_number(port)
    user = text("user")
    override = read_optional_string(config, "password_override")
    password = secret("password" if override is None else override)
    if override is not None and password is None:
        raise missing_secret(override, f"password_override: names the secret pg.{override}")
    database = text("database")
    ssl = secret("ssl")
    schema = read_optional_string(config, "schema")
    return PgSettings(
        host=host,
        port=port_number,
        user=user,
        password=password,
        database=database,
        ssl=read_bool(config, "ssl", False) if ssl is None else ssl.lower() == "true",
        connect_timeout=seconds("connect_timeout", 30),
        socket_timeout=seconds("socket_timeout", 1800),
        schema=schema if (other := secret("schema")) is None else other,
    )


def _duration(secret: str) -> int:
    try:
        return parse_duration(secret)
    except ValueError:
        raise TaskRuntimeError("Invalid duration", "date time parse") from None


def _limits(context: OperatorContext) -> _Limits:
    def limit(key: str, default: int, bits: Literal["int", "long"] = "int") -> int:
        read = read_optional_int if bits == "int" else read_optional_long
        found = [read(context.settings, f"config.{scope}.max_store_last_results_{key}") for scope in ("pg", "jdbc")]
        return next((number for number in found if number is not None), default)

    return _Limits(limit("rows", 8192, "long"), limit("columns", 64), limit("value_size", 256))


def _statement(query: str, options: QueryOptions) -> str:
    if options.insert_into is not None:
        return f"INSERT INTO {options.insert_into}\n{query}"
    if table := options.create_table:
        return f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} AS \n{query}"
    return query


@contextmanager
def _failing(to_do: str, hint: str | None = None) -> Iterator[None]:
    """Say what the database was to do when it failed.

    Raises:
        TaskExecutionError: instead of a SqlError.
    """
    try:
        yield
    except SqlError as error:
        raise _failure(f"Failed to {to_do}", error.message, hint) from None


def _failure(what: str, why: str, hint: str | None = None) -> TaskExecutionError:
    return TaskExecutionError(f"{what} [{why}]", hint=hint)


async def _read(
    context: OperatorContext, connection: PgConnection, query: str, options: QueryOptions, limits: _Limits
) -> OperatorResult:
    rows = await _rows(connection, query)
    if options.download_file is not None:
        await to_thread(_download, rows, context.file(options.download_file))
        return OperatorResult()
    results = await to_thread(_storable, rows, options.store == "first", limits)
    return OperatorResult(store={"pg": {"last_results": results}})


async def _rows(connection: PgConnection, query: str) -> Rows:
    """The rows of a query that is one statement.

    Raises:
        TaskExecutionError: it fails, or it is none of one.
        ConfigError: it writes where only reading is allowed.
    """
    what = "Failed to execute given SELECT statement"
    try:
        results = await connection.run(split_statements(query))
    except SqlError as error:
        if error.state == _READ_ONLY:
            raise ConfigError("Query must be read-only if download_file is set") from TaskRuntimeError(
                error.message, "psql"
            )
        raise _failure(what, error.message) from None
    if not results or not has_rows(results[0]):
        raise _failure(what, "No results were returned by the query.", "it ran, but it is no query that has rows")
    if len(results) > 1:
        hint = "several statements ran; a comment after the last semicolon is one, too"
        raise _failure(what, "Multiple ResultSets were returned by the query.", hint)
    with _failing("fetch next rows"):
        types = await connection.type_names(unknown_types(results[0]))
    return Rows(results[0], types, local_zone())


def _row(rows: Rows, number: int) -> list[JavaValue | None]:
    try:
        return rows[number]
    except BadValue as error:
        raise _failure("Failed to fetch next rows", str(error)) from None


def _download(rows: Rows, path: Path) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(csv_line(rows.columns))
            for number in range(len(rows)):
                file.write(csv_line(None if value is None else value.text for value in _row(rows, number)))
    except FileNotFoundError:
        raise TaskRuntimeError(f"java.nio.file.NoSuchFileException: {path}") from None
    except OSError as error:
        raise TaskRuntimeError(f"java.nio.file.FileSystemException: {path}: {error.strerror}") from None


def _storable(rows: Rows, first: bool, limits: _Limits) -> Value:
    """The first row, `{}` if there is none, or all of them.

    Raises:
        TaskExecutionError: it is more than the limits allow, or the driver does not read a value.
        TaskRuntimeError: a value cannot be JSON.
    """
    columns = len(rows.columns)
    if columns > limits.columns:
        raise _too_large("The number of result columns", columns, limits.columns, "columns")
    if first:
        return _json(_object(rows, 0, limits), "") if len(rows) else {}
    objects = []
    for number in range(len(rows)):
        values = _row(rows, number)
        if number >= limits.rows:
            raise _too_large("The number of result rows", number + 1, limits.rows, "rows")
        objects.append(_checked(rows, values, limits))
    kind = "Singleton" if len(objects) == 1 else "Regular"
    return [
        _json(row, f"com.google.common.collect.{kind}ImmutableList[{number}]->") for number, row in enumerate(objects)
    ]


def _object(rows: Rows, number: int, limits: _Limits) -> dict[str, JavaValue | None]:
    return _checked(rows, _row(rows, number), limits)


def _checked(rows: Rows, values: list[JavaValue | None], limits: _Limits) -> dict[str, JavaValue | None]:
    """A row by the names of its columns, none of its texts too long."""
    for value in values:
        if value and value.is_text and (size := java_length(value.text)) > limits.value_size:
            raise _too_large("The size of result value", size, limits.value_size, "value_size")
    row = dict(zip(rows.columns, values, strict=True))
    return {column: row[column] for column in hash_order(row)}


def _json(row: dict[str, JavaValue | None], chain: str) -> Params:
    params: Params = {}
    for key, value in row.items():
        if value and isinstance(value.json, NotJson):
            _refuse(value.json, f'{chain}java.util.HashMap["{key}"]->', key)
        params[key] = value and value.json
    return params


def _refuse(value: NotJson, chain: str, column: str) -> NoReturn:
    raise TaskRuntimeError(
        f"com.fasterxml.jackson.databind.exc.InvalidDefinitionException: No serializer found for class "
        f"{value.java_class} and no properties discovered to create BeanSerializer (to avoid exception, disable "
        f"SerializationFeature.FAIL_ON_EMPTY_BEANS) (through reference chain: {chain}{value.chain})",
        hint=f"Digdag cannot store the type of the column {column}; select it as text: {column}::text",
    )


def _too_large(what: str, size: int, limit: int, key: str) -> TaskExecutionError:
    hint = f"config.pg.max_store_last_results_{key} in Digdag's configuration sets the limit; download_file has none"
    return TaskExecutionError(f"{what} exceeded the limit: {size} > {limit}", hint=hint)


async def _write(
    context: OperatorContext,
    connection: PgConnection,
    statement: str,
    options: QueryOptions,
    status: StatusTable | None,
) -> None:
    query_id = str(UUID(read_string(context.state, _QUERY_ID)))
    if status is None:
        return await _execute(connection, statement, options)
    await _create(connection, status)
    if await _lock(context, connection, status, query_id):
        with _failing("rollback a transaction"):
            await connection.execute("ROLLBACK")
        message = "Query is already completed according to status table. Skipping statement execution."
        context.log("DEBUG", _LOGGER, message)
    else:
        await _execute(connection, statement, options)
        with _failing("update status row"):
            done = f"UPDATE {status.name} SET completed_at = CURRENT_TIMESTAMP WHERE query_id = '{query_id}'"
            await connection.execute(done)
        with _failing("commit updated status row"):
            await connection.execute("COMMIT")
    await _clean_up(context, connection, status)


async def _execute(connection: PgConnection, statement: str, options: QueryOptions) -> None:
    """Run a script, or one statement made of a query, which may return no rows."""
    script = options.insert_into is None and options.create_table is None
    what = "Failed to execute given SQL script" if script else "Failed to execute an update statement"
    try:
        results = await connection.run(split_statements(statement))
    except SqlError as error:
        raise _failure(what, error.message) from None
    if not script and any(map(has_rows, results)):
        hint = "insert_into and create_table take one query, without a semicolon and another after it"
        raise _failure(what, "A result was returned when none was expected.", hint)


async def _create(connection: PgConnection, status: StatusTable) -> None:
    columns = "query_id text NOT NULL UNIQUE, created_at timestamptz NOT NULL, completed_at timestamptz"
    sql = f"CREATE TABLE IF NOT EXISTS {status.name} ({columns})"
    with _failing(
        f"create a status table {status.name}.\n"
        "hint: if you don't have permission to create tables, please try one of these options:\n"
        "1. add 'strict_transaction: false' option to disable exactly-once transaction control that depends on this "
        "table.\n"
        "2. ask system administrator to create this table using the following command and grant INSERT privilege to "
        f"this user: {sql};\n"
        "3. ask system administrator to create a schema that this user can create a table and set "
        "'status_table_schema' option to it\n"
    ):
        await connection.execute(sql)


async def _lock(context: OperatorContext, connection: PgConnection, status: StatusTable, query_id: str) -> bool:
    """Begin a transaction that holds the lock of the query's row; whether the query is done already.

    Raises:
        PollingRetry: another transaction holds the lock.
        TaskExecutionError: a statement fails.
    """
    select = f"SELECT completed_at IS NOT NULL FROM {status.name} WHERE query_id = '{query_id}' FOR UPDATE NOWAIT"
    insert = f"INSERT INTO {status.name} (query_id, created_at) VALUES ('{query_id}', CURRENT_TIMESTAMP)"
    while True:
        with _failing("begin a transaction"):
            await connection.execute("BEGIN")
        try:
            rows = await connection.execute(select)
        except SqlError as error:
            if error.state == _LOCKED:
                seconds = read_int(context.state, _POLL_INTERVAL, 1)
                later = min(seconds * 2, _LONGEST_POLL)
                raise PollingRetry(seconds, {**context.state, _POLL_INTERVAL: later}) from None
            raise _failure("Failed to lock a status row", error.message) from None
        if rows:
            return bool(rows[0][0])
        try:
            await connection.execute(insert)
            await connection.execute("COMMIT")
        except SqlError as error:
            if error.state != _DUPLICATE:
                raise _failure("Failed to insert a status row", error.message) from None
            with _failing("rollback a transaction"):
                await connection.execute("ROLLBACK")


async def _clean_up(context: OperatorContext, connection: PgConnection, status: StatusTable) -> None:
    """Delete the rows of queries that are done since long; it may fail."""
    old = f"SELECT query_id FROM {status.name} WHERE completed_at < now() - interval '{status.cleanup}' second"
    try:
        await connection.execute(f"DELETE FROM {status.name} WHERE query_id = ANY({old})")
    except SqlError as error:
        message = f"Error during cleaning up status table. Ignoring. [{error.message}]"
        context.log("WARN", _LOGGER, message)
