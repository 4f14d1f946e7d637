"""`pg>` with a real PostgreSQL server (operators 5.4).

What a value becomes is what PostgreSQL's JDBC driver 42.3.1 and Jackson 2.9.10 made of it on Java 17.
"""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.engine.operator import OperatorResult, PollingRetry
from digdag_tui.operators.java_dates import local_zone_name
from digdag_tui.workflow.errors import DigdagError

from .servers import PASSWORD, Postgres, free_port, postgres_server, tcp_server
from .support import Call, call

SCRIPT = "Failed to execute given SQL script"
SELECT = "Failed to execute given SELECT statement"
UPDATE = "Failed to execute an update statement"
CONNECT = "Failed to connect to the database"
ASLEEP = "FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()"
SLEEPING = f"SELECT count(*) {ASLEEP}"
_numbers = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


@dataclass
class Database:
    """A database of its own for a test, and tasks for it."""

    server: Postgres
    name: str
    project: Path

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        return self.server.run(statement, self.name)

    def task(self, query: str, params: dict[str, Any] | None = None, **options: Any) -> Call:
        more = {key: options.pop(key) for key in ("secrets", "settings", "state") if key in options}
        place = {"host": "127.0.0.1", "port": self.server.port, "user": "admin", "database": self.name}
        return call(self.project, "pg", {"data": query}, options, params={"pg": {**place, **(params or {})}}, **more)

    def run(self, query: str, params: dict[str, Any] | None = None, **options: Any) -> OperatorResult:
        return asyncio.run(finish(self.task(query, params, **options)))

    def refusal(self, query: str, params: dict[str, Any] | None = None, **options: Any) -> str:
        return self.error(query, params, **options).error_message

    def error(self, query: str, params: dict[str, Any] | None = None, **options: Any) -> DigdagError:
        with pytest.raises(DigdagError) as caught:
            self.run(query, params, **options)
        return caught.value

    def first(self, query: str, **options: Any) -> Any:
        return self.run(query, store_last_results="first", **options).store["pg"]["last_results"]

    def all(self, query: str, **options: Any) -> Any:
        return self.run(query, store_last_results="all", **options).store["pg"]["last_results"]

    def download(self, query: str) -> str:
        self.run(query, download_file="out.csv")
        return (self.project / "out.csv").read_bytes().decode()

    def cells(self, query: str) -> list[str]:
        """The only row of a download."""
        _, row = csv.reader(io.StringIO(self.download(query)))
        return row


@pytest.fixture
def database(server: Postgres, tmp_path: Path) -> Database:
    name = f"test{next(_numbers)}"
    server.run(f"CREATE DATABASE {name}")
    return Database(server, name, tmp_path)


async def finish(task: Call) -> OperatorResult:
    """What becomes of a task that is called again at once when it asks for it."""
    async with asyncio.timeout(100):
        while True:
            try:
                return await task.run()
            except PollingRetry as poll:
                assert poll.seconds == 0
                task.context.state = poll.state


class TestScript:
    def test_it_runs_and_its_results_are_skipped(self, database: Database) -> None:
        result = database.run(
            "create table t(a int); insert into t select 1; select * from t; insert into t values (2)"
        )
        assert result == OperatorResult()
        assert database.sql("SELECT a FROM t") == [(1,), (2,)]

    def test_its_text_is_kept(self, database: Database) -> None:
        kept: dict[str, str] = {}
        (database.project / "q.sql").write_text("select ${n}")
        task = database.task("")
        task.context.config["_command"] = "q.sql"
        task.context.evaluate = lambda text, params: text.replace("${n}", "1")
        task.context.artifact = kept.__setitem__
        asyncio.run(finish(task))
        assert kept == {"query.sql": "select 1"}

    @pytest.mark.parametrize(
        ("script", "error"),
        [
            ("select * from nosuch", 'ERROR: relation "nosuch" does not exist\n  Position: 15'),
            ("select 1; select * frm x", 'ERROR: syntax error at or near "frm"\n  Position: 11'),
            ("select 1;   \n  -- c\n select * from x", 'ERROR: relation "x" does not exist\n  Position: 27'),
            ("select 1/0", "ERROR: division by zero"),
            ("select (1;2)", 'ERROR: syntax error at or near ";"\n  Position: 10'),
            (
                "do $$ begin raise exception 'bo''om;' using detail='d1', hint='h1'; end $$",
                "ERROR: bo'om;\n  Detail: d1\n  Hint: h1\n  Where: PL/pgSQL function inline_code_block line 1 at RAISE",
            ),
            (
                "create temp table k(a int primary key); insert into k values (1), (1)",
                'ERROR: duplicate key value violates unique constraint "k_pkey"\n  Detail: Key (a)=(1) already exists.',
            ),
            ("select '\x1b[2J'::int", 'ERROR: invalid input syntax for type integer: "\x1b[2J"\n  Position: 8'),
            ("select '日本'::int", 'ERROR: invalid input syntax for type integer: "日本"\n  Position: 8'),
            ("select 'a\0b'", "ERROR: invalid message format"),
            ("select 'a\ud800b'::int", 'ERROR: invalid input syntax for type integer: "a?b"\n  Position: 8'),
            ("copy pg_class to stdout", "COPY commands are only supported using the CopyManager API."),
            ("create table c(a int); copy c from stdin", "COPY commands are only supported using the CopyManager API."),
        ],
    )
    @pytest.mark.parametrize("strict", [True, False])
    def test_errors(self, database: Database, script: str, error: str, strict: bool) -> None:
        assert database.refusal(script, strict_transaction=strict) == f"{SCRIPT} [{error}]"

    @pytest.mark.parametrize("script", ["", ";;", "-- nothing", "/* a /* b; */ ; */", "select 1; -- done;"])
    def test_what_is_no_statement(self, database: Database, script: str) -> None:
        assert database.run(script, strict_transaction=False) == OperatorResult()

    def test_semicolons_that_end_nothing(self, database: Database) -> None:
        database.run(
            """create table t(a text, b text, c text, ";" text); -- ;
            insert into t values ('a;''b', $x$;$$;$x$, e'\\';', $$;$$) /* ; */; insert into t select 1, 2, 3, '%s %'"""
        )
        assert database.sql("SELECT * FROM t") == [("a;'b", ";$$;", "';", ";"), ("1", "2", "3", "%s %")]

    def test_two_question_marks_are_one(self, database: Database) -> None:
        assert database.first("""select '{"a":1}'::jsonb ?? 'a' as x, '{"a":1}'::jsonb ? 'b' as y, '??' as z""") == {
            "x": True, "y": False, "z": "??",
        }  # fmt: skip

    def test_without_strict_transaction_a_script_is_one_transaction_of_255_statements(self, database: Database) -> None:
        script = "create table t(a int);" + "".join(f"insert into t values ({n});" for n in range(1, 300)) + "selec"
        assert "syntax error" in database.refusal(script, strict_transaction=False)
        assert database.sql("SELECT count(*) FROM t") == [(254,)]
        assert "division" in database.refusal("truncate t; select 1/0", strict_transaction=False)
        assert database.sql("SELECT count(*) FROM t") == [(254,)]

    def test_what_cannot_be_in_a_transaction(self, database: Database) -> None:
        assert database.run("vacuum", strict_transaction=False) == OperatorResult()
        assert database.refusal("vacuum") == f"{SCRIPT} [ERROR: VACUUM cannot run inside a transaction block]"

    def test_notices_are_no_errors(self, database: Database) -> None:
        database.run("drop table if exists nosuch; do $$ begin raise warning 'w'; end $$")


class TestWriting:
    def test_insert_into(self, database: Database) -> None:
        database.sql("CREATE TABLE t(a int)")
        database.run("select 1 union select 2", insert_into="t")
        database.run("select 3", insert_into="public.t")
        assert database.sql("SELECT a FROM t ORDER BY 1") == [(1,), (2,), (3,)]

    def test_create_table_replaces_it(self, database: Database) -> None:
        for number in (1, 2):
            database.run(f"select {number} as a", create_table="t")
        assert database.sql("SELECT a FROM t") == [(2,)]

    def test_names_are_quoted(self, database: Database) -> None:
        database.sql('CREATE SCHEMA "My ""S"')
        database.run("select 1 as a", create_table='My "S.T.%s')
        assert database.sql('SELECT a FROM "My ""S"."T.%s"') == [(1,)]

    @pytest.mark.parametrize("option", ["insert_into", "create_table"])
    def test_one_query_only(self, database: Database, option: str) -> None:
        database.sql("CREATE TABLE t(a int)")
        into: dict[str, Any] = {option: "t"}
        error = database.refusal("select 1 as a; select 2", **into)
        assert error == f"{UPDATE} [A result was returned when none was expected.]"
        assert database.sql("SELECT * FROM t") == []

    def test_position_counts_what_was_put_before(self, database: Database) -> None:
        error = database.refusal("select 1", insert_into="nosuch")
        assert error == f'{UPDATE} [ERROR: relation "nosuch" does not exist\n  Position: 13]'
        error = database.refusal("selec", create_table="t")
        assert error == f'{UPDATE} [ERROR: syntax error at or near "selec"\n  Position: 23]'

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ("insert_into create_table", "Can't use both of insert_into and create_table"),
            ("insert_into download_file", "Can't use download_file with insert_into or create_table"),
            ("create_table download_file", "Can't use download_file with insert_into or create_table"),
            ("insert_into store_last_results", "Can't use store_last_results with insert_into or create_table"),
            ("download_file store_last_results", "Can't use both download_file and store_last_results at once"),
            ("insert_into create_table download_file", "Can't use both of insert_into and create_table"),
        ],
    )
    def test_options_that_exclude_each_other(self, database: Database, options: str, error: str) -> None:
        given: dict[str, Any] = {name: "all" if name == "store_last_results" else "t" for name in options.split()}
        assert database.refusal("select 1", **given) == f"{error} (config)"

    @pytest.mark.parametrize("value", [5, True, ["t"], {"t": 1}])
    def test_a_table_is_a_name(self, database: Database, value: Any) -> None:
        name = "io.digdag.standards.operator.jdbc.TableReference"
        assert database.refusal("select 1", create_table=value).startswith(
            f"Expected [reference type, class com.google.common.base.Optional<{name}><[simple type, class {name}]>] "
            f"for key 'create_table' but got {json.dumps(value, separators=(',', ':'))} ("
        )


class TestStoring:
    @pytest.mark.parametrize("option", [True, "true", "first"])
    def test_first_row(self, database: Database, option: Any) -> None:
        result = database.run("select generate_series(1, 3) as n", store_last_results=option)
        assert result == OperatorResult(store={"pg": {"last_results": {"n": 1}}})

    def test_all_rows(self, database: Database) -> None:
        assert database.all("select generate_series(1, 3) as n") == [{"n": 1}, {"n": 2}, {"n": 3}]

    def test_no_row(self, database: Database) -> None:
        assert database.first("select 1 where false") == {}
        assert database.all("select 1 where false") == []

    @pytest.mark.parametrize("option", [False, "false", None])
    def test_nothing(self, database: Database, option: Any) -> None:
        assert database.run("create table t as select 1", store_last_results=option) == OperatorResult()

    @pytest.mark.parametrize("option", ["x", "", "ALL", 1, ["all"], {}])
    def test_other_options(self, database: Database, option: Any) -> None:
        assert database.refusal("select 1", store_last_results=option).startswith(
            "Expected class io.digdag.standards.operator.jdbc.StoreLastResultsOption for key 'store_last_results' "
            f"but got {json.dumps(option, separators=(',', ':'))} ("
        )

    def test_it_has_no_id_and_no_status_table(self, database: Database) -> None:
        asyncio.run(database.task("select 1", store_last_results="all").run())
        assert database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]

    def test_keys_are_in_the_order_of_a_hash_map(self, database: Database) -> None:
        names = "id name count created_at zz total_amount user_id email score"
        row = database.first("select " + ", ".join(f"1 as {name}" for name in names.split()))
        assert " ".join(row) == "zz score total_amount user_id name count created_at id email"

    def test_of_two_columns_of_a_name_the_last_counts(self, database: Database) -> None:
        assert database.first("select 1 as a, 2 as a") == {"a": 2}

    @pytest.mark.parametrize(
        ("query", "why"),
        [
            ("create table x(a int)", "No results were returned by the query."),
            ("", "No results were returned by the query."),
            ("-- only this", "No results were returned by the query."),
            ("create temp table x as select 1; select 2", "No results were returned by the query."),
            ("select 1; select 2", "Multiple ResultSets were returned by the query."),
            ("select 1; -- done", "Multiple ResultSets were returned by the query."),
            ("select 1/0", "ERROR: division by zero"),
        ],
    )
    @pytest.mark.parametrize("options", [{"store_last_results": "all"}, {"download_file": "f"}])
    def test_it_must_be_one_query(self, database: Database, query: str, why: str, options: dict[str, Any]) -> None:
        assert database.refusal(query, **options) == f"{SELECT} [{why}]"
        assert not (database.project / "f").exists()

    def test_a_statement_that_writes_runs_and_then_fails(self, database: Database) -> None:
        database.sql("CREATE TABLE t(a int)")
        error = database.refusal("insert into t values (1)", store_last_results="first")
        assert error == f"{SELECT} [No results were returned by the query.]"
        assert database.sql("SELECT * FROM t") == [(1,)]
        assert database.first("insert into t values (2) returning a") == {"a": 2}

    def test_a_database_that_is_only_read(self, database: Database) -> None:
        database.sql("CREATE SEQUENCE s")
        database.sql(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
        error = database.error("select nextval('s')", store_last_results="first")
        assert error.log_message == (
            "Query must be read-only if download_file is set (config)\n"
            "> ERROR: cannot execute nextval() in a read-only transaction (psql)"
        )

    def test_too_many_columns(self, database: Database) -> None:
        names = ", ".join(f"1 as c{number}" for number in range(65))
        error = "The number of result columns exceeded the limit: 65 > 64"
        assert database.refusal(f"select {names}", store_last_results="first") == error
        assert len(database.first(f"select {names}", settings={"config.pg.max_store_last_results_columns": "65"})) == 65

    def test_too_many_rows(self, database: Database) -> None:
        query = "select n from generate_series(1, 20000) n"
        error = database.refusal(query, store_last_results="all")
        assert error == "The number of result rows exceeded the limit: 8193 > 8192"
        assert database.first(query) == {"n": 1}
        settings = {"config.jdbc.max_store_last_results_rows": "20000"}
        assert len(database.all(query, settings=settings)) == 20000
        settings["config.pg.max_store_last_results_rows"] = "2"
        assert "3 > 2" in database.refusal(query, store_last_results="all", settings=settings)

    def test_too_long_a_text(self, database: Database) -> None:
        error = database.refusal("select repeat('x', 300) as a", store_last_results="first")
        assert error == "The size of result value exceeded the limit: 300 > 256"
        assert "258 > 256" in database.refusal("select repeat('😀', 129) as a", store_last_results="all")
        settings = {"config.jdbc.max_store_last_results_value_size": "300"}
        assert database.first("select repeat('x', 300) as a", settings=settings) == {"a": "x" * 300}

    def test_only_texts_have_a_length(self, database: Database) -> None:
        row = database.first("select convert_to(repeat('x', 300), 'utf8') as a, to_json(repeat('x', 300)) as b")
        assert len(row["a"]) == 400
        assert len(row["b"]["value"]) == 302

    def test_a_limit_that_is_no_number(self, database: Database) -> None:
        settings = {"config.pg.max_store_last_results_rows": "many"}
        assert "for key 'config.pg.max_store_last_results_rows' but got \"many\"" in database.refusal(
            "select 1", settings=settings
        )


VALUES: list[tuple[str, Any, str]] = [
    ("null", None, ""),
    ("''", "", ""),
    ("'a' || chr(1) || chr(27) || '[31m é日😀'", "a\x01\x1b[31m é日😀", "a\x01\x1b[31m é日😀"),
    ("1", 1, "1"),
    ("3::smallint", 3, "3"),
    ("9007199254740993", 9007199254740993, "9007199254740993"),
    ("7::oid", 7, "7"),
    ("true", True, "true"),
    ("false", False, "false"),
    ("1.50", 1.5, "1.50"),
    ("1.5::numeric(10,4)", 1.5, "1.5000"),
    ("100::numeric", 100, "100"),
    ("-5::numeric", -5, "-5"),
    ("0.00", 0.0, "0.00"),
    ("0.000000001", 1e-9, "1E-9"),
    ("-0.0000001", -1e-7, "-1E-7"),
    ("12345678901234567890::numeric", 12345678901234567890, "12345678901234567890"),
    ("123456789012345678901234567890.5", 1.2345678901234568e29, "123456789012345678901234567890.5"),
    ("'NaN'::numeric", "NaN", "NaN"),
    ("1.1::float4", 1.1, "1.1"),
    ("16777216::float4", 16777216.0, "1.6777216E7"),
    ("0.1::float8", 0.1, "0.1"),
    ("1e20::float8", 1e20, "1.0E20"),
    ("-0.0::float8", -0.0, "-0.0"),
    ("'NaN'::float8", "NaN", "NaN"),
    ("'-Infinity'::float4", "-Infinity", "-Infinity"),
    ("12.5::money", 12.5, "12.5"),
    ("'-1234.5'::money", -1234.5, "-1234.5"),
    ("'ab'::char(4)", "ab  ", "ab  "),
    ("'x'::\"char\"", "x", "x"),
    ("'x'::name", "x", "x"),
    ("'happy'::mood", "happy", "happy"),
    ("'2020-01-02'::date", 1577923200000, "2020-01-02"),
    ("'1500-01-01'::date", -14830992000000, "1500-01-01"),
    ("'0044-03-15 BC'::date", -63517996800000, "0044-03-15"),
    ("'12345-01-01'::date", 327403382400000, "2345-01-01"),
    ("'infinity'::date", 9223372036825200000, "8994-08-16"),
    ("'2020-01-02 03:04:05'::timestamp", 1577934245000, "2020-01-02 03:04:05.0"),
    ("'2020-01-02 03:04:05.123456+00'::timestamptz", 1577934245123, "2020-01-02 03:04:05.123456"),
    ("'2020-06-01 00:00:00.120+05:30'::timestamptz", 1590949800120, "2020-05-31 18:30:00.12"),
    ("'1969-12-31 23:59:59.5'::timestamp", -500, "1969-12-31 23:59:59.5"),
    ("'9999-12-31 23:59:59.999999'::timestamp", 253402300799999, "9999-12-31 23:59:59.999999"),
    ("'infinity'::timestamptz", 9223372036825200000, "292278994-08-16 23:00:00.0"),
    ("'-infinity'::timestamp", -9223372036832400000, "292269055-12-02 23:00:00.0"),
    ("'03:04:05.678'::time", "03:04:05", "03:04:05"),
    ("'24:00'::time", "00:00:00", "00:00:00"),
    ("'12:13:14+09'::timetz", "03:13:14", "03:13:14"),
    (
        "'10101010-1111-2222-3333-444444444444'::uuid",
        "10101010-1111-2222-3333-444444444444",
        "10101010-1111-2222-3333-444444444444",
    ),
    ("B'1'::bit(1)", True, "true"),
    ("B'101'::bit(3)", {"type": "bit", "value": "101", "null": True}, "101"),
    ("""'{"a":1}'::json""", {"type": "json", "value": '{"a":1}', "null": True}, '{"a":1}'),
    ("'[1]'::jsonb", {"type": "jsonb", "value": "[1]", "null": True}, "[1]"),
    ("'127.0.0.1'::inet", {"type": "inet", "value": "127.0.0.1", "null": True}, "127.0.0.1"),
    ("row(1, 'x')", {"type": "record", "value": "(1,x)", "null": True}, "(1,x)"),
    ("row(1)::away.pair", {"type": '"away"."pair"', "value": "(1)", "null": True}, "(1)"),
    (
        "interval '-1 year 2 mons -3 days 04:05:06.789'",
        {
            "type": "interval",
            "value": "0 years -10 mons -3 days 4 hours 5 mins 6.789 secs",
            "years": 0,
            "months": -10,
            "days": -3,
            "hours": 4,
            "minutes": 5,
            "wholeSeconds": 6,
            "microSeconds": 789000,
            "seconds": 6.789,
            "null": True,
        },
        "0 years -10 mons -3 days 4 hours 5 mins 6.789 secs",
    ),
]


class TestValues:
    @pytest.fixture(autouse=True)
    def in_utc(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        yield from local_zone(monkeypatch, "UTC")

    def test_all(self, database: Database) -> None:
        database.sql("CREATE TYPE mood AS ENUM ('happy')")
        database.sql("CREATE SCHEMA away")
        database.sql("CREATE TYPE away.pair AS (a int)")
        query = "select " + ", ".join(f"{value} as c{number}" for number, (value, _, _) in enumerate(VALUES))
        stored, cells = database.first(query), database.cells(query)
        for number, (value, as_json, as_text) in enumerate(VALUES):
            assert (value, json.dumps(stored[f"c{number}"])) == (value, json.dumps(as_json))
            assert (value, cells[number]) == (value, as_text)

    def test_bytes(self, database: Database) -> None:
        query = r"select '\x00ff'::bytea as a, ''::bytea as b"
        assert database.first(query) == {"a": "AP8=", "b": ""}
        assert all(cell.startswith("[B@") for cell in database.cells(query))

    def test_arrays_cannot_be_stored(self, database: Database) -> None:
        error = database.error("select array['a', null] as list", store_last_results="first")
        assert error.error_message == (
            "com.fasterxml.jackson.databind.exc.InvalidDefinitionException: No serializer found for class "
            "org.postgresql.core.v3.replication.V3ReplicationProtocol and no properties discovered to create "
            "BeanSerializer (to avoid exception, disable SerializationFeature.FAIL_ON_EMPTY_BEANS) (through reference "
            'chain: java.util.HashMap["list"]->org.postgresql.jdbc.PgArray["resultSet"]->org.postgresql.jdbc.'
            'PgResultSet["statement"]->org.postgresql.jdbc.PgStatement["connection"]->org.postgresql.jdbc.PgConnection'
            '["queryExecutor"]->org.postgresql.core.v3.QueryExecutorImpl["replicationProtocol"]) (runtime)'
        )
        assert error.hint == "Digdag cannot store the type of the column list; select it as text: list::text"
        assert "SingletonImmutableList[0]->java.util.HashMap[" in database.refusal(
            "select '<a/>'::xml as x", store_last_results="all"
        )
        assert database.first("select null::int[] as a") == {"a": None}
        assert database.cells("select array['a', null]") == ["{a,NULL}"]

    @pytest.mark.parametrize("options", [{"store_last_results": "all"}, {"download_file": "f"}])
    def test_a_number_that_java_has_not(self, database: Database, options: dict[str, Any]) -> None:
        error = database.refusal("select 'Infinity'::numeric", **options)
        assert error == "Failed to fetch next rows [Bad value for type BigDecimal : Infinity]"


@pytest.mark.parametrize(
    ("zone", "value", "milliseconds", "text"),
    [
        ("Asia/Tokyo", "'2020-01-02'::date", 1577890800000, "2020-01-02"),
        ("Asia/Tokyo", "'2020-01-02 00:00:00+00'::timestamptz", 1577923200000, "2020-01-02 09:00:00.0"),
        ("Asia/Tokyo", "'1800-01-01'::date", -5364694800000, "1800-01-01"),
        ("Asia/Tokyo", "'12:13:14+00'::timetz", "21:13:14", "21:13:14"),
        ("Asia/Kolkata", "'1500-01-01 00:00'::timestamp", -14831011800000, "1500-01-01 00:00:00.0"),
        ("America/New_York", "'2020-03-08 02:30:00'::timestamp", 1583652600000, "2020-03-08 03:30:00.0"),
        ("America/New_York", "'2020-11-01 01:30:00'::timestamp", 1604212200000, "2020-11-01 01:30:00.0"),
        ("America/New_York", "'2020-07-01'::date", 1593576000000, "2020-07-01"),
        ("America/New_York", "current_setting('timezone')", "America/New_York", "America/New_York"),
        ("no zone", "current_setting('timezone')", "UTC", "UTC"),
    ],
)
def test_dates_are_those_of_the_local_zone(
    database: Database, monkeypatch: pytest.MonkeyPatch, zone: str, value: str, milliseconds: Any, text: str
) -> None:
    monkeypatch.setattr("digdag_tui.operators.java_dates._zone_of_localtime", lambda: "")
    for _ in local_zone(monkeypatch, zone):
        assert database.first(f"select {value} as a") == {"a": milliseconds}
        assert database.cells(f"select {value} as a") == [text]


def local_zone(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[None]:
    monkeypatch.setenv("TZ", name)
    local_zone_name.cache_clear()
    yield
    local_zone_name.cache_clear()


class TestDownload:
    def test_csv(self, database: Database) -> None:
        database.sql("CREATE TABLE t(id int, name text)")
        database.sql(
            """INSERT INTO t VALUES (1, 'a'), (2, ''), (3, NULL), (4, 'x,y'), (5, 'q"q'), (6, e'a\\r\\nb\\rc\\nd')"""
        )
        assert database.download('select *, true as "a,""b" from t order by id') == (
            'id,name,"a,""b"\r\n1,a,true\r\n2,"",true\r\n3,,true\r\n4,"x,y",true\r\n5,"q""q",true\r\n'
            '6,"a\nb\nc\nd",true\r\n'
        )

    def test_no_row(self, database: Database) -> None:
        assert database.download("select 1 as a where false") == "a\r\n"

    def test_it_has_no_limits_and_stores_nothing(self, database: Database) -> None:
        columns = ", ".join(f"n as c{number}" for number in range(65))
        result = database.run(f"select {columns} from generate_series(1, 9000) n", download_file="big.csv")
        assert result == OperatorResult()
        assert len((database.project / "big.csv").read_bytes().splitlines()) == 9001

    def test_it_is_in_the_workspace(self, database: Database) -> None:
        (database.project / "sub").mkdir()
        database.run("select 1 as a", download_file="f.csv", _workdir="sub")
        assert (database.project / "sub/f.csv").read_text() == "a\n1\n"
        project = str(database.project)
        assert database.refusal("select 1", download_file="../f.csv").replace(project, "P") == (
            "File name must not be outside of project path (P): ../f.csv (illegal argument)"
        )
        assert database.refusal("select 1", download_file="no/f.csv").replace(project, "P") == (
            "java.nio.file.NoSuchFileException: P/no/f.csv (runtime)"
        )
        assert "Is a directory" in database.refusal("select 1", download_file="sub")


class TestConnection:
    def test_settings_are_checked_before_the_query_is_read(self, database: Database) -> None:
        task = call(database.project, "pg", "nosuch.sql", {})
        with pytest.raises(DigdagError, match=r"^Parameter 'host' is required but not set$"):
            asyncio.run(task.run())
        for key in ("host", "user", "database"):
            assert f"Parameter '{key}' is required but null" in database.refusal("", {key: None})

    @pytest.mark.parametrize(
        ("key", "value", "sentence"),
        [
            ("port", "x", "Expected integer (int) type for key 'port' but got \"x\" (string) (config)"),
            ("ssl", "x", "Expected 'true' or 'false' for key 'ssl' but got \"x\" (string) (config)"),
            ("connect_timeout", 5, "Expected class io.digdag.util.DurationParam for key 'connect_timeout' but got 5"),
            ("socket_timeout", "5", "Expected class io.digdag.util.DurationParam for key 'socket_timeout' but got"),
            ("status_table_cleanup", "1w", "Expected class io.digdag.util.DurationParam for key 'status_table_cl"),
            ("strict_transaction", 1.5, "Expected 'true' or 'false' for key 'strict_transaction' but got 1.5"),
            ("status_table", ["t"], "Expected string type for key 'status_table' but got [\"t\"] (array) (config)"),
        ],
    )
    def test_wrong_settings(self, database: Database, key: str, value: Any, sentence: str) -> None:
        assert database.refusal("select 1", {key: value}).startswith(sentence)

    def test_the_scope_must_be_a_map(self, database: Database) -> None:
        task = database.task("select 1")
        task.context.config["pg"] = "x"
        with pytest.raises(DigdagError, match="Parameter 'pg' must be an object"):
            asyncio.run(task.run())

    def test_local_keys_win_over_the_scope(self, database: Database) -> None:
        assert database.first("select current_database() as d", database="postgres") == {"d": "postgres"}

    def test_secrets_win_over_params(self, database: Database) -> None:
        wrong = {"host": "nowhere.invalid", "port": 1, "user": "x", "database": "x", "schema": "x", "ssl": True}
        secrets = {
            "pg.host": "127.0.0.1",
            "pg.port": str(database.server.port),
            "pg.user": "app",
            "pg.password": PASSWORD,
            "pg.database": database.name,
            "pg.schema": "pg_catalog,public",
            "pg.ssl": "no",
            "pg.connect_timeout": "1m",
            "pg.socket_timeout": "1h",
        }
        row = database.first(
            "select current_user as u, current_setting('search_path') as p", params=wrong, secrets=secrets
        )
        assert row == {"u": "app", "p": "pg_catalog,public"}

    def test_secrets_can_be_remounted(self, database: Database) -> None:
        task = database.task("select 1", {"user": "app"}, secrets={"other.password": PASSWORD})
        task.context.secret_mounts = {"pg": {"password": "other.password"}}
        task.context.config["strict_transaction"] = False
        assert asyncio.run(finish(task)) == OperatorResult()

    @pytest.mark.parametrize(
        ("secret", "value", "sentence"),
        [
            ("port", "5432\n", 'For input string: "5432\n" (number format)'),
            ("port", "+-5", 'For input string: "+-5" (number format)'),
            ("port", "9" * 5000, f'For input string: "{"9" * 5000}" (number format)'),
            ("connect_timeout", "30", "Invalid duration (date time parse)"),
        ],
    )
    def test_wrong_secrets(self, database: Database, secret: str, value: str, sentence: str) -> None:
        assert database.refusal("select 1", secrets={f"pg.{secret}": value}) == sentence

    def test_passwords(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        app = {"user": "app"}
        needed = "The server requested SCRAM-based authentication, but"
        assert database.refusal("select 1", app) == f"{CONNECT} [{needed} no password was provided.]"
        assert database.refusal("select 1", {**app, "password": PASSWORD}) == (
            f"{CONNECT} [{needed} no password was provided.]"
        )
        assert database.refusal("select 1", app, secrets={"pg.password": ""}) == (
            f"{CONNECT} [{needed} the password is an empty string.]"
        )
        wrong = database.error("select 1", app, secrets={"pg.password": "wrong"})
        assert wrong.error_message == f'{CONNECT} [FATAL: password authentication failed for user "app"]'
        assert wrong.hint and "pg.password" in wrong.hint
        secrets = {"pg.password": "wrong", "pg.other": PASSWORD}
        assert database.run(
            "select 1", {**app, "password_override": "other"}, strict_transaction=False, secrets=secrets
        )
        assert database.refusal("select 1", {**app, "password_override": "nosuch"}, secrets=secrets) == (
            "Secret not found for key: 'nosuch' (secret not found)"
        )

    def test_nobody_is_there(self, database: Database) -> None:
        port = free_port()
        assert database.refusal("select 1", {"port": port}) == (
            f"{CONNECT} [Connection to 127.0.0.1:{port} refused. Check that the hostname and port are correct and that "
            "the postmaster is accepting TCP/IP connections.]"
        )
        assert database.refusal("select 1", {"host": "nowhere.invalid"}) == (
            f"{CONNECT} [The connection attempt failed.]"
        )
        assert "attempt failed" in database.refusal("select 1", {"host": "a" * 70 + ".x"})

    @pytest.mark.parametrize("name", ["nosuch", "no\nsuch\x1b[2J", "日本"])
    def test_no_such_database(self, database: Database, name: str) -> None:
        assert database.refusal("select 1", {"database": name}) == (
            f'{CONNECT} [FATAL: database "{name}" does not exist]'
        )

    def test_no_such_user(self, database: Database) -> None:
        assert database.refusal("select 1", {"user": "nobody"}) == f'{CONNECT} [FATAL: role "nobody" does not exist]'

    def test_no_encryption(self, database: Database) -> None:
        assert database.refusal("select 1", {"ssl": True}) == f"{CONNECT} [The server does not support SSL.]"

    def test_encryption_is_used_where_there_is_any(self, tmp_path: Path) -> None:
        with postgres_server() as server:
            server.encrypt()
            database = Database(server, "postgres", tmp_path)
            query = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
            assert database.first(query, params={"ssl": True}) == {"ssl": True}
            assert database.first(query) == {"ssl": True}
            assert (
                database.refusal("select 1", {"user": "nobody"}) == f'{CONNECT} [FATAL: role "nobody" does not exist]'
            )

    def test_the_environment_counts_for_nothing(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGOPTIONS", "PGSSLMODE"):
            monkeypatch.setenv(name, "verify-full" if name == "PGSSLMODE" else "1")
        assert database.first("select current_user::text as u") == {"u": "admin"}

    def test_schema(self, database: Database) -> None:
        database.sql('CREATE SCHEMA "a \\ b"')
        database.run("create table t(a int)", {"schema": '"a \\ b"'})
        assert database.sql("SELECT schemaname FROM pg_tables WHERE tablename IN ('t', '__digdag_status')") == [
            ("a \\ b",), ("a \\ b",),
        ]  # fmt: skip

    async def test_a_server_that_says_nothing(self, database: Database) -> None:
        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        async with tcp_server(listen) as port:
            error = await refusal_of(database.task("select 1", {"port": port, "connect_timeout": "1s"}))
        assert error == f"{CONNECT} [Connection attempt timed out.]"

    async def test_a_server_that_hangs_up(self, database: Database) -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            pass

        async with tcp_server(hang_up) as port:
            error = await refusal_of(database.task("select 1", {"port": port}))
        assert error == f"{CONNECT} [The connection attempt failed.]"

    def test_a_query_that_takes_too_long(self, database: Database) -> None:
        error = database.refusal("select pg_sleep(60)", {"socket_timeout": "1s"})
        assert error == f"{SCRIPT} [An I/O error occurred while sending to the backend.]"
        wait_for(lambda: database.sql(SLEEPING) == [(0,)])

    def test_psycopg_is_missing(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "psycopg"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "psycopg", None)
        error = database.error("select 1")
        assert error.message.startswith("The Python package psycopg is not available")
        assert error.hint == "install it with: pip install 'digdag-tui[pg]'"


class TestStrictTransaction:
    def test_the_first_call_only_makes_an_id(self, database: Database) -> None:
        task = database.task("create table t(a int)", state={"retry_count": 1})
        with pytest.raises(PollingRetry) as caught:
            asyncio.run(task.run())
        assert caught.value.seconds == 0
        assert caught.value.state.keys() == {"retry_count", "queryId"}
        assert database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]

    def test_the_status_table(self, database: Database) -> None:
        database.run("select 1")
        database.run("select 1", status_table="done", status_table_schema="public")
        for table in ("__digdag_status", "done"):
            assert database.sql(f"SELECT length(query_id), created_at <= completed_at FROM {table}") == [(36, True)]
        assert database.sql(
            "SELECT column_name::text, data_type::text, is_nullable::text FROM information_schema.columns"
            " WHERE table_name = '__digdag_status' ORDER BY ordinal_position"
        ) == [
            ("query_id", "text", "NO"),
            ("created_at", "timestamp with time zone", "NO"),
            ("completed_at", "timestamp with time zone", "YES"),
        ]

    def test_without_it_there_is_no_status_table(self, database: Database) -> None:
        database.run("select 1", strict_transaction=False, status_table=["not read"])
        assert database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]

    def test_a_query_runs_once(self, database: Database) -> None:
        database.sql("CREATE TABLE t(a int)")
        task = database.task("insert into t values (1)")
        asyncio.run(finish(task))
        asyncio.run(finish(task))
        assert database.sql("SELECT * FROM t") == [(1,)]
        assert [message for *_, message in task.log] == [
            "Query is already completed according to status table. Skipping statement execution."
        ]

    def test_a_query_that_failed_runs_again(self, database: Database) -> None:
        task = database.task("insert into t values (1)")
        with pytest.raises(DigdagError):
            asyncio.run(finish(task))
        assert database.sql("SELECT completed_at FROM __digdag_status") == [(None,)]
        database.sql("CREATE TABLE t(a int)")
        asyncio.run(finish(task))
        assert database.sql("SELECT * FROM t") == [(1,)]

    def test_a_run_that_was_killed_leaves_its_row(self, database: Database) -> None:
        database.sql("CREATE TABLE t(a int)")
        task = database.task("insert into t values (1); select pg_sleep(60)")
        running = threading.Thread(target=lambda: asyncio.run(refusal_of(task)))
        running.start()
        wait_for(lambda: database.sql(SLEEPING) == [(1,)])
        database.sql(f"SELECT pg_terminate_backend(pid) {ASLEEP}")
        running.join(60)
        assert database.sql("SELECT count(*), max(completed_at) FROM __digdag_status") == [(1, None)]
        assert database.sql("SELECT * FROM t") == []
        task.context.config["_command"] = {"data": "insert into t values (1)"}
        for _ in range(2):
            asyncio.run(finish(task))
        assert database.sql("SELECT * FROM t") == [(1,)]

    def test_another_run_of_the_same_query_is_waited_for(self, database: Database) -> None:
        task = database.task("create table t(a int)")
        with pytest.raises(PollingRetry) as first:
            asyncio.run(task.run())
        database.run("select 1")
        task.context.state = first.value.state
        query_id = task.context.state["queryId"]
        with database.server.connect(database.name, autocommit=False) as other:
            other.execute("INSERT INTO __digdag_status VALUES (%s, now())", [query_id])
            other.commit()
            other.execute("SELECT * FROM __digdag_status WHERE query_id = %s FOR UPDATE", [query_id])
            waits = []
            for _ in range(13):
                with pytest.raises(PollingRetry) as poll:
                    asyncio.run(task.run())
                waits.append(poll.value.seconds)
                task.context.state = poll.value.state
            assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1200, 1200]
            assert task.context.state == {"queryId": query_id, "pollInterval": 1200}
            other.execute("UPDATE __digdag_status SET completed_at = now() WHERE query_id = %s", [query_id])
        asyncio.run(task.run())
        assert database.sql("SELECT count(*) FROM pg_tables WHERE tablename = 't'") == [(0,)]

    def test_old_rows_are_deleted(self, database: Database) -> None:
        database.run("select 1")
        database.sql("UPDATE __digdag_status SET completed_at = now() - interval '2 hours', query_id = 'old'")
        database.sql("INSERT INTO __digdag_status VALUES ('open', now() - interval '9 days')")
        database.run("select 1")
        assert database.sql("SELECT count(*) FROM __digdag_status") == [(3,)]
        database.run("select 1", status_table_cleanup="1h 30m")
        assert database.sql("SELECT count(*), count(*) FILTER (WHERE query_id = 'old') FROM __digdag_status") == [
            (4 - 1, 0)
        ]

    def test_it_needs_no_right_to_delete(self, database: Database) -> None:
        database.run("select 1")
        database.sql("GRANT SELECT, INSERT, UPDATE ON __digdag_status TO app")
        database.sql("GRANT CREATE ON SCHEMA public TO app")
        task = database.task("select 1", {"user": "app"}, secrets={"pg.password": PASSWORD})
        asyncio.run(finish(task))
        (level, _, message) = task.log[0]
        assert level == "WARN"
        assert message == (
            "Error during cleaning up status table. Ignoring. [ERROR: permission denied for table __digdag_status]"
        )

    def test_no_right_to_create_the_table(self, database: Database) -> None:
        error = database.refusal(
            "select 1", {"user": "app"}, secrets={"pg.password": PASSWORD}, status_table_schema="public"
        )
        table = '"public"."__digdag_status"'
        assert error == (
            f"Failed to create a status table {table}.\n"
            "hint: if you don't have permission to create tables, please try one of these options:\n"
            "1. add 'strict_transaction: false' option to disable exactly-once transaction control that depends on "
            "this table.\n"
            "2. ask system administrator to create this table using the following command and grant INSERT privilege "
            f"to this user: CREATE TABLE IF NOT EXISTS {table} (query_id text NOT NULL UNIQUE, created_at timestamptz "
            "NOT NULL, completed_at timestamptz);\n"
            "3. ask system administrator to create a schema that this user can create a table and set "
            "'status_table_schema' option to it\n"
            " [ERROR: permission denied for schema public\n  Position: 28]"
        )

    def test_two_runs_at_once(self, database: Database) -> None:
        database.run("create table t(a int)")
        tasks = [database.task("insert into t select 1 from pg_sleep(0.2)") for _ in range(8)]

        async def all_of_them() -> None:
            await asyncio.gather(*map(finish, tasks))

        asyncio.run(all_of_them())
        assert database.sql("SELECT count(*) FROM t") == [(8,)]


class TestDyingHalfWay:
    async def test_cancel_ends_the_query_in_the_server(self, database: Database) -> None:
        for options in ({}, {"strict_transaction": False}, {"store_last_results": "all"}):
            task = asyncio.create_task(finish(database.task("select pg_sleep(60)", **options)))
            await wait_until(lambda: database.sql(SLEEPING) == [(1,)])
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await wait_until(lambda: database.sql(SLEEPING) == [(0,)])
        assert database.sql("SELECT completed_at FROM __digdag_status") == [(None,)]

    async def test_the_loop_goes_on(self, database: Database) -> None:
        task = asyncio.create_task(finish(database.task("select pg_sleep(60)")))
        await wait_until(lambda: database.sql(SLEEPING) == [(1,)])
        turns = 0
        for _ in range(50):
            await asyncio.sleep(0)
            turns += 1
        assert turns == 50
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    @pytest.mark.parametrize(
        ("script", "error"),
        [
            ("select pg_sleep(60)", "FATAL: terminating connection due to administrator command"),
            (
                "insert into t values (1); select pg_sleep(60)",
                "An I/O error occurred while sending to the backend.",
            ),
        ],
    )
    async def test_the_connection_is_ended(self, database: Database, script: str, error: str) -> None:
        database.sql("CREATE TABLE t(a int)")
        task = asyncio.create_task(finish(database.task(script)))
        await wait_until(lambda: database.sql(SLEEPING) == [(1,)])
        database.sql(f"SELECT pg_terminate_backend(pid) {ASLEEP}")
        with pytest.raises(DigdagError) as caught:
            await task
        assert caught.value.message == f"{SCRIPT} [{error}]"
        assert database.sql("SELECT * FROM t") == []

    @pytest.mark.parametrize("options", [{}, {"store_last_results": "all"}])
    async def test_the_server_dies(self, tmp_path: Path, options: dict[str, Any]) -> None:
        with postgres_server() as server:
            database = Database(server, "postgres", tmp_path)
            task = asyncio.create_task(finish(database.task("select pg_sleep(60)", **options)))
            await wait_until(lambda: database.sql(SLEEPING) == [(1,)])
            (backend,) = database.sql(f"SELECT pid {ASLEEP}")
            server.kill()
            os.kill(backend[0], signal.SIGKILL)
            with pytest.raises(DigdagError) as caught:
                await task
            what = SELECT if options else SCRIPT
            assert caught.value.message == f"{what} [An I/O error occurred while sending to the backend.]"
            assert "refused" in (await refusal_of(database.task("select 1", **options)))


async def refusal_of(task: Call) -> str:
    with pytest.raises(DigdagError) as caught:
        await finish(task)
    return caught.value.message


def wait_for(condition: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


async def wait_until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)
