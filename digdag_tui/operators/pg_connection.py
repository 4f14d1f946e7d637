"""Connections to PostgreSQL as Digdag makes them, with errors in the words of its JDBC driver (operators 5.4)."""

from __future__ import annotations

import logging
import os
import re
from asyncio import timeout
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from .java_dates import local_zone_name
from .packages import load_package
from .pg_values import TypeName

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg.errors import Error
    from psycopg.pq.abc import PGresult

_BROKEN: Final = "An I/O error occurred while sending to the backend."
_FOREVER: Final = 10**9
_NO_FILE: Final = os.path.join(os.devnull, "none")
_FAILED, _REJECTED = "08001", "08004"
_SEVERE = re.compile(r"failed: (?P<severity>[^\s:]+):  (?P<text>.*?)(?=\nconnection to server|\Z)", re.DOTALL)
_FIRST_BATCH, _BATCH = 255, 256
"""How many statements the driver sends before it waits for what became of them."""
_TYPES = """
    SELECT t.oid,
        CASE WHEN n.nspname = ANY(current_schemas(true)) THEN t.typname
            ELSE format('"%%s"."%%s"', n.nspname, t.typname) END::text,
        CASE WHEN t.typinput = 'pg_catalog.array_in'::regproc THEN 'a' ELSE t.typtype END::text
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE t.oid = ANY(%s::oid[])
"""


class SqlError(Exception):
    """An error of the server or the connection: JDBC's `getMessage` and its SQLSTATE."""

    def __init__(self, message: str, state: str = "08006") -> None:
        super().__init__(message)
        self.message = message
        self.state = state


class PgSettings(Struct, frozen=True):
    """Where a database is and how to get there; times in seconds, 0 for no limit."""

    host: str
    user: str
    database: str
    password: str | None = None
    port: int = 5432
    ssl: bool = False
    connect_timeout: int = 30
    socket_timeout: int = 1800
    schema: str | None = None


class PgConnection:
    """A connection in autocommit mode."""

    def __init__(self, connection: AsyncConnection[Any], seconds: int | None) -> None:
        self._connection = connection
        self._seconds = seconds

    async def run(self, statements: Sequence[str]) -> list[PGresult]:
        """The results of statements, which are one transaction as long as the driver sends them together.

        A statement that is being run is ended in the server when the task is cancelled or its time is over.

        Raises:
            SqlError: one of them failed, or the connection is lost.
        """
        if any("\0" in statement for statement in statements):
            raise SqlError("ERROR: invalid message format", "08P01")
        results: list[PGresult] = []
        with _in_words_of_jdbc():
            for batch in _batches([statement.encode("utf-8", "replace") for statement in statements]):
                async with timeout(self._seconds):
                    results += await self._run_together(batch)
        return results

    async def execute(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of one statement with `%s` for values, if it has rows.

        Raises:
            SqlError: it failed.
        """
        with _in_words_of_jdbc():
            async with timeout(self._seconds):
                cursor = await self._connection.execute(statement, values or None, prepare=False)
                return await cursor.fetchall() if cursor.description else []

    async def type_names(self, oids: set[int]) -> dict[int, TypeName]:
        """The types that have these OIDs; those that the search path does not find come with their schema.

        Raises:
            SqlError: the database does not answer.
        """
        return {oid: TypeName(name, kind) for oid, name, kind in await self.execute(_TYPES, list(oids))} if oids else {}

    async def _run_together(self, statements: Sequence[bytes]) -> list[PGresult]:
        """One transaction; a statement that is alone is sent alone, which tells best why a connection ends."""
        pipeline = self._connection.pipeline() if len(statements) > 1 else nullcontext()
        cursors = []
        async with pipeline:
            for statement in statements:
                cursors.append(await self._connection.cursor().execute(statement, prepare=False))
        return [cursor.pgresult for cursor in cursors if cursor.pgresult]


@asynccontextmanager
async def connect(settings: PgSettings) -> AsyncIterator[PgConnection]:
    """A connection, closed at the end.

    Raises:
        SqlError: there is none to be had.
        TaskRuntimeError: psycopg is not installed.
    """
    connection = await _opened(settings)
    try:
        yield PgConnection(connection, settings.socket_timeout or None)
    finally:
        await connection.close()


async def _opened(settings: PgSettings) -> AsyncConnection[Any]:
    psycopg = await load_package("psycopg", extra="pg")
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # or it would write to the screen
    try:
        async with timeout(settings.connect_timeout or None):
            parameters = _parameters(settings, await _address(settings))
            connection: AsyncConnection[Any] = await psycopg.AsyncConnection.connect(**parameters, autocommit=True)
            return connection
    except (OSError, psycopg.Error) as error:
        failure = _connect_error(error, settings)
    raise failure  # not a context of `error`, which would keep the socket open


def has_rows(result: PGresult) -> bool:
    """Whether a result is one of a query, though it may have no row."""
    from psycopg.pq import ExecStatus

    return result.status == ExecStatus.TUPLES_OK


async def _address(settings: PgSettings) -> str:
    """The first address of the host, of IPv4 if it has one, as Java takes it."""
    import asyncio
    import socket

    try:
        found = await asyncio.get_running_loop().getaddrinfo(settings.host, None, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError("no name of a host") from None
    return str(min(found, key=lambda info: info[0] != socket.AF_INET)[4][0])


def _parameters(settings: PgSettings, address: str) -> dict[str, str | int]:
    """What libpq needs; it would take what is left out from the environment and from files in the home directory."""
    session = {"datestyle": "ISO", "timezone": local_zone_name(), "extra_float_digits": "3"}
    session |= {"search_path": settings.schema} if settings.schema is not None else {}
    limit = settings.connect_timeout or _FOREVER
    return {
        "host": settings.host,
        "hostaddr": address,
        "port": settings.port,
        "user": settings.user,
        "password": settings.password or "",
        "passfile": _NO_FILE,
        "dbname": settings.database,
        "connect_timeout": limit,
        "sslmode": "require" if settings.ssl else "prefer",
        "sslrootcert": _NO_FILE,
        "gssencmode": "disable",
        "target_session_attrs": "any",
        "client_encoding": "UTF8",
        "application_name": "digdag-tui",
        "options": " ".join(f"-c {key}={_escaped(value)}" for key, value in session.items()),
    }


def _escaped(value: str) -> str:
    return re.sub(r"([\\\s])", r"\\\1", value)


def _batches(statements: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    starts = [0, *range(_FIRST_BATCH, len(statements), _BATCH)]
    for start, end in zip(starts, [*starts[1:], len(statements)], strict=True):
        yield statements[start:end]


@contextmanager
def _in_words_of_jdbc() -> Iterator[None]:
    import psycopg

    try:
        yield
    except TimeoutError:
        raise SqlError(_BROKEN) from None
    except psycopg.Error as error:
        raise SqlError(_message(error), error.diag.sqlstate or "08006") from None


def _message(error: Error) -> str:
    """What the server said, in JDBC's form; of a connection that is lost it says nothing."""
    from psycopg import OperationalError

    told = error.diag
    if told.message_primary is None:
        if "COPY" in str(error):
            return "COPY commands are only supported using the CopyManager API."
        return _BROKEN if isinstance(error, OperationalError) else str(error)
    parts = {
        "Detail": told.message_detail,
        "Hint": told.message_hint,
        "Position": told.statement_position,
        "Where": told.context,
    }
    lines = [f"{told.severity}: {told.message_primary}", *(f"{name}: {text}" for name, text in parts.items() if text)]
    return "\n  ".join(lines)


def _connect_error(error: Exception, settings: PgSettings) -> SqlError:
    text = str(error)
    if isinstance(error, TimeoutError):
        return SqlError("Connection attempt timed out.", _FAILED)
    if told := _SEVERE.search(text):
        details = re.sub(r"\n(DETAIL|HINT):  ", lambda found: f"\n  {found[1].capitalize()}: ", told["text"].strip())
        return SqlError(f"{told['severity']}: {details}", _FAILED)
    if "Connection refused" in text:
        return SqlError(
            f"Connection to {settings.host}:{settings.port} refused. Check that the hostname and port are correct and "
            "that the postmaster is accepting TCP/IP connections.",
            _FAILED,
        )
    if "no password supplied" in text:
        why = "no password was provided" if settings.password is None else "the password is an empty string"
        return SqlError(f"The server requested SCRAM-based authentication, but {why}.", _REJECTED)
    if "does not support SSL" in text:
        return SqlError("The server does not support SSL.", _REJECTED)
    return SqlError("The connection attempt failed.", _FAILED)
