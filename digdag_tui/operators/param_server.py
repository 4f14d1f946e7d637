"""`param_get>` and `param_set>`: params that outlive an attempt, in Redis or PostgreSQL (operators 5.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..engine.operator import OperatorContext, OperatorResult
from ..workflow.config import Params, Value
from ..workflow.convert import read_bool, read_int, read_optional_int, read_optional_string, read_string
from ..workflow.errors import ConfigError, TaskRuntimeError
from ..workflow.text import json_text, parse_json
from .packages import load_package

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from .pg_connection import PgConnection

_TTL: Final = 90 * 24 * 60 * 60
_SITE: Final = 0
"""The site of everything that runs without a server."""
_TEXT: Final = 0
"""Digdag's number for values that are text."""
_REDIS_TIMEOUT: Final = 2


class _Store(Protocol):
    """Where params are kept, as JSON objects with the value at `value`."""

    async def get(self, key: str) -> Value:
        """The object of a key, None if there is none."""

    async def put(self, values: Mapping[str, str]) -> None:
        """Keep all of the values, or none of them."""


async def get(context: OperatorContext) -> OperatorResult:
    """Store the kept value of each of the task's keys as the param that it names; `""` where there is none.

    Raises:
        ConfigError: there is no server in Digdag's configuration, or a key names no param.
        TaskRuntimeError: the server does not answer, or what it has is none of Digdag's values.
    """
    store: Params = {}
    async with _open(context.settings) as kept:
        for key, param in _local(context):
            record = await kept.get(key)
            if record is None:
                store[param] = ""
            elif isinstance(record, dict) and "value" in record:
                store[param] = record["value"]
    return OperatorResult(store=store)


async def put(context: OperatorContext) -> OperatorResult:
    """Keep the values of the task's keys for 90 days.

    Raises:
        ConfigError: there is no server in Digdag's configuration, or a value is no scalar.
        TaskRuntimeError: the server does not answer.
    """
    async with _open(context.settings) as kept:
        await kept.put(dict(_local(context)))
    return OperatorResult()


def _local(context: OperatorContext) -> Iterator[tuple[str, str]]:
    """All keys of the task that are not null, options too, with their texts."""
    for key in context.local:
        value = read_optional_string(context.local, key)
        if value is not None:
            yield key, value


def _open(settings: Mapping[str, str]) -> AbstractAsyncContextManager[_Store]:
    kind = read_optional_string(settings, "param_server.type")
    if kind is None:
        hint = "Digdag's configuration sets it: param_server.type=redis or postgresql"
        raise ConfigError("param_server.type is required to use this operator.", hint=hint)
    if kind == "redis":
        return _redis(settings)
    if kind == "postgresql":
        return _postgresql(settings)
    raise ConfigError(f"Unsupported param_server.type : {kind}", hint="it is redis or postgresql")


@asynccontextmanager
async def _redis(settings: Mapping[str, str]) -> AsyncIterator[_Store]:
    redis = await load_package("redis.asyncio", extra="redis")
    retry = await load_package("redis.retry", extra="redis")
    backoff = await load_package("redis.backoff", extra="redis")
    host = read_string(settings, "param_server.host", "localhost")
    client = redis.Redis(
        host=host,
        port=read_int(settings, "param_server.port", 6379),
        ssl=read_bool(settings, "param_server.ssl", False),
        ssl_check_hostname=False,
        password=read_optional_string(settings, "param_server.password"),
        protocol=2,
        decode_responses=True,
        encoding_errors="replace",
        socket_connect_timeout=_REDIS_TIMEOUT,
        socket_timeout=_REDIS_TIMEOUT,
        retry=retry.Retry(backoff.NoBackoff(), 0),
    )
    async with client:
        with _in_words_of_jedis(host):
            await client.ping()
            yield _RedisStore(client)


class _RedisStore:
    def __init__(self, client: Redis) -> None:
        self._client = client

    async def get(self, key: str) -> Value:
        text = await self._client.get(_redis_key(key))
        if text is None:
            return None
        record = _parsed(str(text))
        if not isinstance(record, dict) or record.get("value") is None:
            raise TaskRuntimeError(f"The value of {_redis_key(key)} in Redis is none of Digdag's", "null pointer")
        return record["value"]

    async def put(self, values: Mapping[str, str]) -> None:
        async with self._client.pipeline(transaction=True) as transaction:
            for key, value in values.items():
                record = json_text({"value": {"value": value}, "value_type": _TEXT})
                transaction.set(_redis_key(key), record, ex=_TTL)
            await transaction.execute()


def _redis_key(key: str) -> str:
    return f"{_SITE}:{key}"


@contextmanager
def _in_words_of_jedis(host: str) -> Iterator[None]:
    """Say what went wrong as Digdag's client for Redis does.

    Raises:
        TaskRuntimeError: instead of a RedisError.
    """
    from redis.exceptions import RedisError, ResponseError

    try:
        yield
    except RedisError as error:
        code = getattr(error, "status_code", None)
        if code or isinstance(error, ResponseError):
            raise _server_error(f"{code} {error}" if code else str(error), "jedis data") from None
        raise _server_error(_broken_connection(error, host), "jedis connection") from None


def _broken_connection(error: Exception, host: str) -> str:
    from socket import gaierror

    cause = error.__cause__ or error.__context__
    if isinstance(cause, gaierror):
        return f"java.net.UnknownHostException: {host}"
    if isinstance(cause, OSError) and "Connect call failed" in str(cause):
        return "java.net.ConnectException: Connection refused"
    if isinstance(cause, TimeoutError):
        return "java.net.SocketTimeoutException: Read timed out"
    return "Unexpected end of stream."


@asynccontextmanager
async def _postgresql(settings: Mapping[str, str]) -> AsyncIterator[_Store]:
    from .pg_connection import PgSettings, SqlError, connect

    port = read_optional_int(settings, "param_server.port")
    place = PgSettings(
        host=read_string(settings, "param_server.host"),
        port=5432 if port is None else port,
        user=read_string(settings, "param_server.user"),
        password=read_string(settings, "param_server.password", ""),
        database=read_string(settings, "param_server.database"),
        ssl=read_bool(settings, "param_server.ssl", False),
        connect_timeout=read_int(settings, "param_server.loginTimeout", 30),
        socket_timeout=read_int(settings, "param_server.socketTimeout", 1800),
    )
    try:
        async with connect(place) as connection:
            await _create_table(connection)
            yield _PostgresqlStore(connection)
    except SqlError as error:
        raise _server_error(error.message, "psql") from None


_TABLE = """
    CREATE TABLE params (
        key text NOT NULL,
        value text NOT NULL,
        value_type int NOT NULL,
        site_id integer,
        updated_at timestamp with time zone NOT NULL,
        created_at timestamp with time zone NOT NULL,
        CONSTRAINT params_site_id_key_uniq UNIQUE(site_id, key)
    )
"""
_SELECT = f"""
    SELECT value FROM params
    WHERE key = %s AND site_id = %s AND updated_at + INTERVAL '{_TTL} seconds' >= now()
"""
_UPSERT = """
    INSERT INTO params (key, value, value_type, site_id, created_at, updated_at)
    VALUES (%s, %s, %s, %s, now(), now())
    ON CONFLICT ON CONSTRAINT params_site_id_key_uniq DO UPDATE SET value = excluded.value, updated_at = now()
"""


class _PostgresqlStore:
    def __init__(self, connection: PgConnection) -> None:
        self._connection = connection

    async def get(self, key: str) -> Value:
        rows = await self._connection.execute(_SELECT, key, _SITE)
        return _parsed(rows[0][0]) if rows else None

    async def put(self, values: Mapping[str, str]) -> None:
        await self._connection.execute("BEGIN")
        for key, value in values.items():
            await self._connection.execute(_UPSERT, key, json_text({"value": value}), _TEXT, _SITE)
        await self._connection.execute("COMMIT")


async def _create_table(connection: PgConnection) -> None:
    if not await connection.execute("SELECT 1 FROM information_schema.tables WHERE table_name = 'params'"):
        await connection.execute(_TABLE)


def _parsed(text: str) -> Any:
    """The JSON of a text.

    Raises:
        TaskRuntimeError: it has none.
    """
    try:
        return parse_json(text)
    except ConfigError as error:
        raise TaskRuntimeError(error.message) from None


def _server_error(message: str, kind: str) -> TaskRuntimeError:
    hint = "the keys param_server.* of Digdag's configuration say which server it is"
    return TaskRuntimeError(message, kind, hint=hint)
