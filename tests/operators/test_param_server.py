"""`param_get>` and `param_set>` with real servers (operators 5.5)."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.engine.operator import OperatorResult
from digdag_tui.workflow.errors import DigdagError

from .servers import PASSWORD, Handler, Postgres, Redis, free_port, postgres_server, redis_server, tcp_server
from .support import call, error, message, run

TTL = 90 * 24 * 60 * 60
Settings = dict[str, str]


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def in_redis(redis: Redis) -> Settings:
    with redis.client() as client:
        client.flushall()
    return redis_settings(redis)


@pytest.fixture
def in_postgres(postgres: Postgres) -> Settings:
    postgres.run("DROP DATABASE IF EXISTS kept")
    postgres.run("CREATE DATABASE kept")
    return {**postgres_settings(postgres), "param_server.database": "kept"}


@pytest.fixture(params=["in_redis", "in_postgres"])
def settings(request: pytest.FixtureRequest) -> Settings:
    """Either kind of server, empty."""
    found: Settings = request.getfixturevalue(request.param)
    return found


def redis_settings(server: Redis) -> Settings:
    return {"param_server.type": "redis", "param_server.host": "127.0.0.1", "param_server.port": str(server.port)}


def postgres_settings(server: Postgres) -> Settings:
    return {
        "param_server.type": "postgresql",
        "param_server.host": "127.0.0.1",
        "param_server.port": str(server.port),
        "param_server.user": "admin",
        "param_server.database": "postgres",
    }


def put(project: Path, settings: Settings, **values: Any) -> OperatorResult:
    return run(project, "param_set", None, values, settings=settings)


def get(project: Path, settings: Settings, **params: Any) -> dict[str, Any]:
    return dict(run(project, "param_get", None, params, settings=settings).store)


def refusal(project: Path, operator: str, settings: Settings, **options: Any) -> str:
    return message(project, operator, None, options, settings=settings)


@pytest.mark.parametrize("operator", ["param_get", "param_set"])
def test_a_server_must_be_configured(tmp_path: Path, operator: str) -> None:
    assert refusal(tmp_path, operator, {}, key="x") == ("param_server.type is required to use this operator. (config)")
    settings = {"param_server.type": "memcached"}
    assert refusal(tmp_path, operator, settings, key="x") == "Unsupported param_server.type : memcached (config)"


def test_what_is_put_can_be_got(tmp_path: Path, settings: Settings) -> None:
    assert put(tmp_path, settings, text="v", number=1.50, flag=True, empty="", wide='日本 é\n\t\x01 "q"').store == {}
    got = get(tmp_path, settings, text="a", number="b", flag="c", empty="d", wide="e", unknown="f")
    assert got == {"a": "v", "b": "1.5", "c": "true", "d": "", "e": '日本 é\n\t\x01 "q"', "f": ""}


def test_a_value_is_replaced(tmp_path: Path, settings: Settings) -> None:
    put(tmp_path, settings, key="old", other="kept")
    put(tmp_path, settings, key="new")
    assert get(tmp_path, settings, key="a", other="b") == {"a": "new", "b": "kept"}


def test_the_name_of_a_param_is_no_path(tmp_path: Path, settings: Settings) -> None:
    put(tmp_path, settings, key="v")
    assert get(tmp_path, settings, key="a.b") == {"a.b": "v"}


def test_nulls_are_skipped(tmp_path: Path, settings: Settings) -> None:
    put(tmp_path, settings, key=None)
    assert get(tmp_path, settings, key="a", other=None) == {"a": ""}


def test_all_local_keys_count_and_exported_ones_do_not(tmp_path: Path, settings: Settings) -> None:
    run(tmp_path, "param_set", None, {"_retry": 2}, params={"exported": "x"}, settings=settings)
    assert get(tmp_path, settings, _retry="a", exported="b") == {"a": "2", "b": ""}
    run(tmp_path, "param_set", "command", {}, settings=settings)
    assert run(tmp_path, "param_get", "dest", {}, settings=settings).store == {"dest": ""}
    assert get(tmp_path, settings, **{"param_set>": "c"}) == {"c": "command"}


@pytest.mark.parametrize("value", [[1, 2], {"a": 1}])
def test_only_scalars_can_be_put(tmp_path: Path, settings: Settings, value: Any) -> None:
    text = json.dumps(value, separators=(",", ":"))
    kind = "array" if isinstance(value, list) else "object"
    assert refusal(tmp_path, "param_set", settings, good="x", key=value) == (
        "Expected [reference type, class com.google.common.base.Optional<java.lang.String>"
        f"<[simple type, class java.lang.String]>] for key 'key' but got {text} ({kind}) (config)"
    )
    assert get(tmp_path, settings, good="a") == {"a": ""}


def test_redis_has_what_digdag_writes(tmp_path: Path, redis: Redis, in_redis: Settings) -> None:
    put(tmp_path, in_redis, key="v")
    with redis.client() as client:
        assert client.keys() == ["0:key"]
        assert client.get("0:key") == '{"value":{"value":"v"},"value_type":0}'
        assert TTL - 60 < client.ttl("0:key") <= TTL


def test_redis_gives_what_digdag_wrote(tmp_path: Path, redis: Redis, in_redis: Settings) -> None:
    with redis.client() as client:
        client.set("0:list", '{"value_type":1,"value":{"value":[1,{"a":2}]}}')
        client.set("0:none", '{"value":{},"value_type":0}')
        client.set("1:other", '{"value":{"value":"of another site"},"value_type":0}')
    assert get(tmp_path, in_redis, list="a", none="b", other="c") == {"a": [1, {"a": 2}], "c": ""}


@pytest.mark.parametrize("text", ["plain", "", "[1]", "{}", '{"value":null}'])
def test_redis_has_something_else(tmp_path: Path, redis: Redis, in_redis: Settings, text: str) -> None:
    with redis.client() as client:
        client.set("0:key", text)
    found = error(tmp_path, "param_get", None, {"key": "a"}, settings=in_redis)
    assert found.kind in ("runtime", "null pointer")
    assert "0:key" in found.message or "JsonParseException" in found.message or "JsonEOF" in found.message


def test_redis_has_another_type_at_the_key(tmp_path: Path, redis: Redis, in_redis: Settings) -> None:
    with redis.client() as client:
        client.rpush("0:key", "x")
    assert refusal(tmp_path, "param_get", in_redis, key="a") == (
        "WRONGTYPE Operation against a key holding the wrong kind of value (jedis data)"
    )


def test_redis_wants_its_password(tmp_path: Path) -> None:
    with redis_server(PASSWORD) as server:
        settings = redis_settings(server)
        assert refusal(tmp_path, "param_set", settings, key="v") == "NOAUTH Authentication required. (jedis data)"
        wrong = {**settings, "param_server.password": "wrong"}
        assert refusal(tmp_path, "param_set", wrong, key="v").startswith("WRONGPASS invalid username-password pair")
        right = {**settings, "param_server.password": PASSWORD}
        put(tmp_path, right, key="v")
        assert get(tmp_path, right, key="a") == {"a": "v"}


def test_redis_is_not_there(tmp_path: Path) -> None:
    settings = {"param_server.type": "redis", "param_server.port": str(free_port())}
    assert refusal(tmp_path, "param_set", settings, key="v") == (
        "java.net.ConnectException: Connection refused (jedis connection)"
    )
    settings["param_server.host"] = "nowhere.invalid"
    assert refusal(tmp_path, "param_set", settings, key="v") == (
        "java.net.UnknownHostException: nowhere.invalid (jedis connection)"
    )
    settings["param_server.port"] = "x"
    assert refusal(tmp_path, "param_set", settings, key="v") == (
        "Expected integer (int) type for key 'param_server.port' but got \"x\" (string) (config)"
    )


async def answer_once_and_hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A Redis that dies after its first answers."""
    while b"PING" not in (await reader.read(4096)).upper():
        writer.write(b"+OK\r\n")
    writer.write(b"+PONG\r\n")
    await reader.read(4096)


async def accept_and_say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize(
    ("serve", "sentence"),
    [
        (answer_once_and_hang_up, "Unexpected end of stream."),
        (accept_and_say_nothing, "java.net.SocketTimeoutException: Read timed out"),
    ],
)
async def test_redis_dies_half_way(tmp_path: Path, serve: Handler, sentence: str) -> None:
    async with tcp_server(serve) as port:
        settings = {"param_server.type": "redis", "param_server.port": str(port)}
        task = call(tmp_path, "param_get", None, {"key": "a"}, settings=settings)
        with pytest.raises(DigdagError) as caught:
            await asyncio.wait_for(task.run(), 60)
    assert caught.value.error_message == f"{sentence} (jedis connection)"


def test_redis_dies_between_two_tasks(tmp_path: Path) -> None:
    with redis_server() as server:
        settings = redis_settings(server)
        put(tmp_path, settings, key="v")
        server.process.kill()
        server.process.wait(20)
        assert refusal(tmp_path, "param_get", settings, key="a").startswith("java.net.ConnectException")


def test_postgresql_has_what_digdag_writes(tmp_path: Path, postgres: Postgres, in_postgres: Settings) -> None:
    put(tmp_path, in_postgres, key="v")
    assert postgres.run("SELECT key, value, value_type, site_id, created_at = updated_at FROM params", "kept") == [
        ("key", '{"value":"v"}', 0, 0, True)
    ]
    put(tmp_path, in_postgres, key="w")
    assert postgres.run("SELECT value, created_at < updated_at FROM params", "kept") == [('{"value":"w"}', True)]
    assert postgres.run("SELECT conname::text FROM pg_constraint WHERE conrelid = 'params'::regclass", "kept") == [
        ("params_site_id_key_uniq",)
    ]


def test_postgresql_forgets_after_90_days(tmp_path: Path, postgres: Postgres, in_postgres: Settings) -> None:
    put(tmp_path, in_postgres, old="v", young="v", other="v")
    postgres.run("UPDATE params SET updated_at = now() - interval '7776010 seconds' WHERE key = 'old'", "kept")
    postgres.run("UPDATE params SET updated_at = now() - interval '7775000 seconds' WHERE key = 'young'", "kept")
    postgres.run("UPDATE params SET site_id = 1 WHERE key = 'other'", "kept")
    assert get(tmp_path, in_postgres, old="a", young="b", other="c") == {"a": "", "b": "v", "c": ""}


def test_postgresql_gives_what_digdag_wrote(tmp_path: Path, postgres: Postgres, in_postgres: Settings) -> None:
    put(tmp_path, in_postgres, list="", none="", broken="")
    postgres.run("""UPDATE params SET value = '{"value":[1,2]}', value_type = 1 WHERE key = 'list'""", "kept")
    postgres.run("UPDATE params SET value = '{}' WHERE key = 'none'", "kept")
    postgres.run("UPDATE params SET value = '{' WHERE key = 'broken'", "kept")
    assert get(tmp_path, in_postgres, list="a", none="b") == {"a": [1, 2]}
    assert "Unexpected end-of-input" in refusal(tmp_path, "param_get", in_postgres, broken="a")


def test_postgresql_keeps_all_or_nothing(tmp_path: Path, postgres: Postgres, in_postgres: Settings) -> None:
    put(tmp_path, in_postgres, a="1")
    postgres.run("ALTER TABLE params ADD CHECK (key <> 'z')", "kept")
    assert refusal(tmp_path, "param_set", in_postgres, a="2", z="3").startswith(
        'ERROR: new row for relation "params" violates check constraint "params_key_check"\n  Detail: '
    )
    assert get(tmp_path, in_postgres, a="x") == {"x": "1"}


def test_postgresql_settings(tmp_path: Path, postgres: Postgres) -> None:
    settings = postgres_settings(postgres)
    for key in ("user", "host", "database"):
        without = {name: value for name, value in settings.items() if name != f"param_server.{key}"}
        assert refusal(tmp_path, "param_get", without, key="a") == (
            f"Parameter 'param_server.{key}' is required but not set (config)"
        )
    unknown = {**settings, "param_server.database": "nosuch"}
    assert refusal(tmp_path, "param_get", unknown, key="a") == 'FATAL: database "nosuch" does not exist (psql)'
    app = {**settings, "param_server.user": "app"}
    assert "the password is an empty string" in refusal(tmp_path, "param_get", app, key="a")
    app["param_server.password"] = "wrong"
    assert refusal(tmp_path, "param_get", app, key="a") == (
        'FATAL: password authentication failed for user "app" (psql)'
    )
    app["param_server.password"] = PASSWORD
    assert "permission denied for schema public" in refusal(tmp_path, "param_get", app, key="a")


def test_postgresql_dies(tmp_path: Path) -> None:
    with postgres_server() as server:
        settings = postgres_settings(server)
        put(tmp_path, settings, key="v")
        server.kill()
        assert "refused" in refusal(tmp_path, "param_get", settings, key="a")


@pytest.mark.parametrize(("kind", "package", "extra"), [("redis", "redis", "redis"), ("postgresql", "psycopg", "pg")])
def test_a_package_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, package: str, extra: str
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    settings = {"param_server.type": kind}
    settings |= {f"param_server.{key}": "x" for key in ("host", "user", "database")}
    found = error(tmp_path, "param_get", None, {"key": "a"}, settings=settings)
    assert found.message.startswith(f"The Python package {package}")
    assert found.hint == f"install it with: pip install 'digdag-tui[{extra}]'"
