"""Operators of services that nobody has at hand: what they check, what they make, and what they come to."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.engine.operator import OperatorResult, OutputNeeded
from digdag_tui.operators.catalog import CATALOG
from digdag_tui.operators.remote import POLICY
from digdag_tui.params.evaluate import Evaluator
from digdag_tui.workflow.errors import DigdagError
from digdag_tui.workflow.pins import Pin

from ..program import digdag_tui
from .support import NOTHING, Call, call

REMOTE = sorted(name for name, form in CATALOG.items() if form.service)
DO = {"_do": {"+show": {"echo>": "x"}}}
WELL: dict[str, tuple[Any, dict[str, Any]]] = {
    "td": ("q.sql", {"database": "d"}),
    "td_for_each": ("q.sql", {"database": "d", **DO}),
    "td_run": (12345, {"database": "d", "session_time": "2026-01-31T00:00:00+00:00"}),
    "td_load": ("load.yml", {"database": "d", "table": "t"}),
    "td_ddl": (None, {"database": "d", "create_tables": ["a"]}),
    "td_wait": ("q.sql", {"database": "d"}),
    "td_wait_table": ("t", {"database": "d"}),
    "td_table_export": (
        None,
        {
            "database": "d",
            "table": "t",
            "file_format": "jsonl.gz",
            "from": "2016-01-01 00:00:00 +0800",
            "to": 1454256000,
            "s3_bucket": "b",
            "s3_path_prefix": "p",
        },
    ),
    "td_result_export": (None, {"job_id": "1", "result_connection": "c", "result_settings": {"a": 1}}),
    "td_partial_delete": ("t", {"database": "d", "from": "2016-01-01T00:00:00+08:00", "to": 1454256000}),
    "redshift": ("q.sql", {}),
    "redshift_load": (None, {"table": "t", "from": "s3://b/k"}),
    "redshift_unload": (None, {"query": "select 1", "to": "s3://b/k"}),
    "s3_wait": ("b/k", {}),
    "emr": (None, {"cluster": "j-1", "steps": [{"type": "command", "command": "echo"}]}),
    "bq": ("q.sql", {}),
    "bq_load": ("gs://b/o", {"destination_table": "d.t"}),
    "bq_extract": ("d.t", {"destination": "gs://b/o"}),
    "bq_ddl": (None, {"dataset": "d", "create_tables": ["t"]}),
    "gcs_wait": ("gs://b/o", {}),
}
"""A task of each operator that Digdag would send."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "q.sql").write_text("select ${n} from t")
    (tmp_path / "load.yml").write_text("in: {type: s3, bucket: '${n}'}\nout: {mode: append}\n")
    return tmp_path


def task(
    project: Path, name: str, command: Any = NOTHING, options: dict[str, Any] | None = None, **more: Any
) -> tuple[Call, dict[str, str]]:
    """A call whose templates are really filled in, and the artifacts that it will make."""
    artifacts: dict[str, str] = {}
    policy = more.pop("policy", "pin")
    made = call(
        project,
        name,
        command,
        options,
        params={"n": 7, "timezone": "UTC", **more.pop("params", {})},
        settings={POLICY: policy, **more.pop("settings", {})},
        artifact=artifacts.__setitem__,
        **more,
    )
    made.context.evaluate = Evaluator().text
    return made, artifacts


def outcome(project: Path, name: str, *arguments: Any, **more: Any) -> OperatorResult:
    return asyncio.run(task(project, name, *arguments, **more)[0].run())


def failure(project: Path, name: str, *arguments: Any, **more: Any) -> DigdagError:
    with pytest.raises(DigdagError) as caught:
        outcome(project, name, *arguments, **more)
    return caught.value


def message(project: Path, name: str, *arguments: Any, **more: Any) -> str:
    return failure(project, name, *arguments, **more).error_message.replace(str(project), "P")


def test_there_is_a_task_of_each_operator() -> None:
    assert sorted(WELL) == REMOTE


@pytest.mark.parametrize("name", REMOTE)
def test_without_a_pin_a_task_fails_and_says_how_to_pin_it(project: Path, name: str) -> None:
    error = failure(project, name, *WELL[name])
    assert isinstance(error, OutputNeeded) and not error.asks
    assert error.error_message == (
        f"{name}> needs {CATALOG[name].service}, which is not called from here: nothing was sent"
    )
    assert error.hint and error.hint.startswith(
        "pin its output with a line like this in digdag-tui.pins.yml: +main+task: "
    )


@pytest.mark.parametrize("name", REMOTE)
def test_the_person_is_asked_if_nothing_else_is_said(project: Path, name: str) -> None:
    error = failure(project, name, *WELL[name], policy="ask")
    assert isinstance(error, OutputNeeded) and error.asks


@pytest.mark.parametrize("name", REMOTE)
def test_a_skipped_task_is_a_success_that_stores_nothing(project: Path, name: str) -> None:
    made, _ = task(project, name, *WELL[name], policy="skip")
    result = asyncio.run(made.run())
    assert (result.store, result.export, result.subtasks) == ({}, {}, {})
    assert [(level, text[:8]) for level, _, text in made.log] == [("WARN", "Skipped:")]


@pytest.mark.parametrize("name", REMOTE)
def test_a_pinned_task_leaves_what_the_pin_says(project: Path, name: str) -> None:
    pin = Pin(store={"a": 1}, export={"b": 2}, subtasks={"+s": {"echo>": "x"}}, reset=("c.d",))
    assert outcome(project, name, *WELL[name], pin=pin) == OperatorResult(pin.subtasks, pin.export, pin.store, ("c.d",))


@pytest.mark.parametrize("name", REMOTE)
def test_an_unknown_policy_is_refused(project: Path, name: str) -> None:
    assert message(project, name, *WELL[name], policy="never") == (
        "invalid digdag-tui.remote-operators option:never (config)"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("td", "The 'td.apikey' secret is missing (config)"),
        ("td_run", "The 'td.apikey' secret is missing (config)"),
        ("td_result_export", "The 'td.apikey' secret is missing (config)"),
        ("redshift", "Parameter 'host' is required but not set (config)"),
        ("s3_wait", "Secret not found for key: 'access_key_id' (secret not found)"),
        ("emr", "Secret not found for key: 'access_key_id' (secret not found)"),
        (
            "bq",
            "Could not get google cloud credential: need gcp.credential secret or Application Default Credentials",
        ),
    ],
)
def test_the_policy_fail_wants_secrets_as_a_server_does(project: Path, name: str, expected: str) -> None:
    assert message(project, name, *WELL[name], policy="fail") == expected


@pytest.mark.parametrize(
    ("name", "secrets", "expected"),
    [
        ("td", {"td.apikey": " "}, "The 'td.apikey' secret is empty (config)"),
        ("td", {"td.apikey": "k"}, "td> needs Treasure Data, which is not called from here: nothing was sent"),
        ("s3_wait", {"aws.access_key_id": "a"}, "Secret not found for key: 'secret_access_key' (secret not found)"),
        ("gcs_wait", {"gcp.credential": "{}"}, "Missing 'gcp.project' secret"),
        ("gcs_wait", {"gcp.credential": "{"}, "Unable to parse 'gcp.credential' secret"),
        (
            "gcs_wait",
            {"gcp.credential": '{"project_id": "p"}'},
            "gcs_wait> needs Google Cloud Storage, which is not called from here: nothing was sent",
        ),
    ],
)
def test_secrets(project: Path, name: str, secrets: dict[str, str], expected: str) -> None:
    assert message(project, name, *WELL[name], policy="fail", secrets=secrets) == expected


def test_secrets_are_remounted(project: Path) -> None:
    more: dict[str, Any] = {"secrets": {"mine": "k"}, "secret_mounts": {"td": {"apikey": "mine"}}, "policy": "fail"}
    assert message(project, "td", *WELL["td"], **more).startswith("td> needs Treasure Data")


# What is made


def test_the_query_is_filled_in_under_every_policy(project: Path) -> None:
    for policy in ("ask", "pin", "skip", "fail"):
        made, artifacts = task(project, "td", *WELL["td"], policy=policy, secrets={"td.apikey": "k"})
        with contextlib.suppress(OutputNeeded):
            asyncio.run(made.run())
        assert artifacts == {"q.sql": "select 7 from t"}, policy


@pytest.mark.parametrize(
    ("options", "query", "statement"),
    [
        ({"insert_into": "d.t"}, "select 1", 'INSERT INTO "d"."t"\nselect 1'),
        ({"create_table": "t"}, "select 1", 'DROP TABLE IF EXISTS "t";\nCREATE TABLE "t" AS\nselect 1'),
        ({"insert_into": "t", "engine": "hive"}, "select 1", "INSERT INTO TABLE `t`\nselect 1"),
        ({"create_table": "d.t", "engine": "hive"}, "select 1", "INSERT OVERWRITE TABLE `d`.`t`\nselect 1"),
        ({"insert_into": "t"}, "-- why\nselect 1", '-- why\nINSERT INTO "t"\nselect 1'),
        ({"insert_into": "t"}, "-- why\nselect 1\nfrom x", 'INSERT INTO "t"\n-- why\nselect 1\nfrom x'),
        (
            {"insert_into": "t"},
            "with x as (select 1)\n-- DIGDAG_INSERT_LINE here\nselect * from x",
            'with x as (select 1)\nINSERT INTO "t"\nselect * from x',
        ),
    ],
)
def test_the_statement_that_writes_to_a_table(
    project: Path, options: dict[str, Any], query: str, statement: str
) -> None:
    made, artifacts = task(project, "td", {"data": query}, {"database": "d", **options}, policy="skip")
    asyncio.run(made.run())
    assert artifacts == {"query": query, "statement": statement}


def test_texts_of_other_operators(project: Path) -> None:
    (project / "app.py").write_text("print(${n})")
    (project / "q2.sql").write_text("${n}")
    (project / "schema.yml").write_text("fields: [{name: '${n}'}]")
    steps = [
        {"type": "spark", "application": "app.py"},
        {"type": "spark-sql", "query": "q2.sql"},
        {"type": "hive", "script": "s3://b/x.q"},
    ]
    cases: list[tuple[str, Any, dict[str, Any], dict[str, str]]] = [
        ("td_load", "load.yml", WELL["td_load"][1], {"load.yml": "in: {type: s3, bucket: '7'}\nout: {mode: append}\n"}),
        ("emr", None, {"cluster": "j", "staging": "s3://b/", "steps": steps}, {"app.py": "print(7)", "q2.sql": "7"}),
        (
            "bq_load",
            "gs://b/o",
            {"destination_table": "d.t", "schema": "schema.yml"},
            {"schema.yml": "fields: [{name: '7'}]"},
        ),
        ("bq", None, {"query": "select 1"}, {"query": "select 1"}),
        ("redshift_unload", *WELL["redshift_unload"], {"query": "select 1"}),
    ]
    for name, command, options, expected in cases:
        made, artifacts = task(project, name, command, options, policy="skip")
        asyncio.run(made.run())
        assert artifacts == expected, name


# What a pin's rows come to

ROWS = ({"id": 1, "name": "Ginza"}, {"id": 2, "name": None})


def test_rows_become_tasks(project: Path) -> None:
    body = {"_do": {"_export": {"td": {"x": 1}, "y": 2}, "+show": {"echo>": "${td.each.name}"}}, "_parallel": True}
    subtasks = outcome(project, "td_for_each", "q.sql", {"database": "d", **body}, pin=Pin(rows=ROWS)).subtasks
    assert list(subtasks) == ["+td-for-each-0", "+td-for-each-1", "_parallel"]
    assert subtasks["+td-for-each-1"] == {
        "_export": {"td": {"x": 1, "each": {"id": 2, "name": None}}, "y": 2},
        "+show": {"echo>": "${td.each.name}"},
    }
    assert body["_do"] == {"_export": {"td": {"x": 1}, "y": 2}, "+show": {"echo>": "${td.each.name}"}}


def test_no_rows_are_no_tasks(project: Path) -> None:
    assert outcome(project, "td_for_each", *WELL["td_for_each"], pin=Pin(rows=())).subtasks == {}


def test_too_many_rows(project: Path) -> None:
    made, _ = task(project, "td_for_each", *WELL["td_for_each"], pin=Pin(rows=ROWS * 501))
    with pytest.raises(DigdagError) as caught:
        asyncio.run(made.run())
    assert caught.value.error_message == "Too many tasks. Limit: 1000 (task limit exceeded)"


@pytest.mark.parametrize(
    ("name", "options", "store", "reset"),
    [
        ("td", {}, {}, ()),
        ("td", {"store_last_results": True}, {"td": {"last_results": ROWS[0]}}, ("td.last_results",)),
        ("td_run", {"store_last_results": "true"}, {"td": {"last_results": ROWS[0]}}, ("td.last_results",)),
        ("redshift", {"store_last_results": True}, {"redshift": {"last_results": ROWS[0]}}, ()),
        ("redshift", {"store_last_results": "first"}, {"redshift": {"last_results": ROWS[0]}}, ()),
        ("redshift", {"store_last_results": "all"}, {"redshift": {"last_results": list(ROWS)}}, ()),
    ],
)
def test_rows_are_stored_as_the_task_wants(
    project: Path, name: str, options: dict[str, Any], store: dict[str, Any], reset: tuple[str, ...]
) -> None:
    command, well = WELL[name]
    result = outcome(project, name, command, {**well, **options}, pin=Pin(rows=ROWS))
    assert (result.store, result.reset_store) == (store, reset)


def test_what_a_pin_stores_lies_over_its_rows(project: Path) -> None:
    pin = Pin(rows=ROWS, store={"td": {"last_job_id": "9", "last_results": {"id": 5}}})
    result = outcome(project, "td", "q.sql", {"database": "d", "store_last_results": True}, pin=pin)
    assert result.store == {"td": {"last_job_id": "9", "last_results": {"id": 5, "name": "Ginza"}}}


def test_no_row_stores_an_empty_one(project: Path) -> None:
    result = outcome(project, "td", "q.sql", {"database": "d", "store_last_results": True}, pin=Pin(rows=()))
    assert result.store == {"td": {"last_results": {}}}


def test_rows_are_downloaded(project: Path) -> None:
    rows = ({"id": 1, "text": 'a,"b"', "empty": "", "none": None, "list": [1]},)
    outcome(project, "td", "q.sql", {"database": "d", "download_file": "out.csv"}, pin=Pin(rows=rows))
    assert (project / "out.csv").read_bytes() == b'id,text,empty,none,list\r\n1,"a,""b""","",,[1]\r\n'


def test_a_file_outside_of_the_project_is_not_written(project: Path) -> None:
    options = {"database": "d", "download_file": "../out.csv"}
    assert "must not be outside of project path" in message(project, "td", "q.sql", options, pin=Pin(rows=ROWS))
    assert not (project.parent / "out.csv").exists()


def test_rows_are_for_queries(project: Path) -> None:
    assert message(project, "s3_wait", "b/k", pin=Pin(rows=ROWS)) == "s3_wait> has no rows (config)"


@pytest.mark.parametrize(
    ("name", "reset"),
    [
        ("bq", ("bq.last_job_id", "bq.last_jobid")),
        ("bq_load", ("bq.last_job_id", "bq.last_jobid")),
        ("s3_wait", ("s3.last_object",)),
        ("gcs_wait", ("gcs_wait.last_object",)),
        ("td_load", ()),
    ],
)
def test_what_an_operator_resets(project: Path, name: str, reset: tuple[str, ...]) -> None:
    assert outcome(project, name, *WELL[name], pin=Pin()).reset_store == reset


# What Digdag refuses


def options(name: str, **more: Any) -> dict[str, Any]:
    return {**WELL[name][1], **more}


@pytest.mark.parametrize(
    ("name", "command", "settings", "expected"),
    [
        ("td", NOTHING, {"database": "d"}, "Parameter 'query' is required but not set (config)"),
        ("td", "nowhere.sql", {"database": "d"}, "File not found: P/nowhere.sql (config)"),
        ("td", {"date": "x"}, {}, "Parameter 'data' is required but not set (config)"),
        (
            "td",
            "q.sql",
            {"insert_into": "a", "create_table": "b"},
            "Setting both insert_into and create_table is invalid (config)",
        ),
        (
            "td",
            "q.sql",
            {"priority": "high"},
            "Expected integer (int) type for key 'priority' but got \"high\" (string) (config)",
        ),
        (
            "td",
            "q.sql",
            {"insert_into": "a", "download_file": "x"},
            "download_file is invalid if insert_into or create_table is set (config)",
        ),
        (
            "td",
            "q.sql",
            {"result_settings": {}},
            "result_settings is valid only if result_connection is set (config)",
        ),
        ("td", "q.sql", {}, "Parameter 'database' is required but not set (config)"),
        ("td", "q.sql", {"database": " "}, "Parameter 'database' is empty (config)"),
        (
            "td",
            "q.sql",
            {"database": "d", "engine": "impala"},
            "Unknown 'engine:' option (available options are: hive and presto): impala (config)",
        ),
        ("td_for_each", "q.sql", {"database": "d"}, "Parameter '_do' is required but not set (config)"),
        (
            "td_for_each",
            "q.sql",
            {"database": "d", **DO, "engine": "x"},
            "Unknown 'engine:' option (available options are: hive and presto): x (config)",
        ),
        ("td_run", NOTHING, WELL["td_run"][1], "Parameter '_command' is required but not set (config)"),
        ("td_run", {"a": 1}, WELL["td_run"][1], 'Invalid saved query reference: {"a":1} (config)'),
        (
            "td_run",
            1,
            {"database": "d", "session_time": "2026-01-31"},
            "Expected class java.time.Instant for key 'session_time' but got \"2026-01-31\" (string) (config)",
        ),
        ("td_load", NOTHING, {"database": "d"}, "No parameter is set (config)"),
        (
            "td_load",
            NOTHING,
            {"config": {}, "name": "x"},
            "The parameters config and name cannot both be set (config)",
        ),
        (
            "td_load",
            "x",
            {"name": "x"},
            "Only the command or one of the config and name params may be set (config)",
        ),
        ("td_load", "nowhere.yml", {}, "Failed to load bulk load file (config)"),
        ("td_load", "load.yml", {"database": "d"}, "Parameter 'table' is required but not set (config)"),
        (
            "td_ddl",
            NOTHING,
            {"rename_tables": [{"from": "a", "to": "b.c"}]},
            "'to' option of rename_tables can't include database name (config)",
        ),
        ("td_ddl", NOTHING, {"create_tables": "[a"}, "com.fasterxml.jackson.core.JsonParseException: Unrecog"),
        ("td_ddl", NOTHING, {"create_tables": ["a"]}, "Parameter 'database' is required but not set (config)"),
        (
            "td_wait",
            "q.sql",
            {"database": "d", "interval": "29s"},
            "poll interval must be at least 30s and no greater than 2d (config)",
        ),
        (
            "td_wait_table",
            "t",
            {"database": "d", "interval": "49h"},
            "poll interval must be at least 30s and no greater than 2d (config)",
        ),
        ("td_wait_table", NOTHING, {"database": "d"}, "Parameter '_command' is required but not set (config)"),
        (
            "td_wait",
            "q.sql",
            {"interval": "soon"},
            "Expected class io.digdag.util.DurationParam for key 'interval' but got \"soon\" (string) (config)",
        ),
        ("td_table_export", None, options("td_table_export", file_format="csv"), "invalid file_format option (config)"),
        (
            "td_partial_delete",
            "t",
            {"database": "d", "from": "2016-01-01T00:30:00+08:00", "to": 0},
            "'from' and 'to' parameters must be whole hours (config)",
        ),
        ("td_partial_delete", "t", {"database": "d", "from": 0}, "Parameter 'to' is required but not set (config)"),
        (
            "td_partial_delete",
            "t",
            {"database": "d", "from": "9" * 5000, "to": 0},
            "Expected class io.digdag.standards.operator.TimestampParam for key 'from' but got "
            f"\"{'9' * 96}... (string) (config)",
        ),
        ("td_result_export", None, {"job_id": "1"}, "Parameter 'result_connection' is required but not set (config)"),
        (
            "redshift",
            "q.sql",
            {"insert_into": "a", "create_table": "b"},
            "Can't use both of insert_into and create_table (config)",
        ),
        (
            "redshift",
            "q.sql",
            {"insert_into": "a", "download_file": "b"},
            "Can't use download_file with insert_into or create_table (config)",
        ),
        (
            "redshift",
            "q.sql",
            {"insert_into": "a", "store_last_results": True},
            "Can't use store_last_results with insert_into or create_table (config)",
        ),
        (
            "redshift",
            "q.sql",
            {"download_file": "a", "store_last_results": "all"},
            "Can't use both download_file and store_last_results at once (config)",
        ),
        (
            "redshift",
            "q.sql",
            {"port": "x"},
            "Expected integer (int) type for key 'port' but got \"x\" (string) (config)",
        ),
        ("redshift_load", None, {"table": "t"}, "Parameter 'from' is required but not set (config)"),
        ("redshift_load", None, {"from": "s3://b/k"}, "Parameter 'table' is required but not set (config)"),
        (
            "redshift_load",
            None,
            options("redshift_load", csv="", escape=True),
            "CSV cannot be used with FIXEDWIDTH, REMOVEQUOTES, or ESCAPE (config)",
        ),
        (
            "redshift_load",
            None,
            options("redshift_load", delimiter=",", fixedwidth="a:1"),
            "DELIMITER cannot be used with FIXEDWIDTH (config)",
        ),
        (
            "redshift_load",
            None,
            options("redshift_load", statupdate="maybe"),
            "STATUPDATE should be in ON/OFF/TRUE/FALSE: maybe (config)",
        ),
        (
            "redshift_load",
            None,
            {"table": "t", "from": "b/k", "manifest": True},
            "Invalid manifest file uri: b/k (config)",
        ),
        ("redshift_unload", None, {"query": "q"}, "Parameter 'to' is required but not set (config)"),
        (
            "redshift_unload",
            None,
            {"query": "q", "to": "b/k"},
            "'to' should start with 's3://'. to=b/k (config)",
        ),
        (
            "redshift_unload",
            None,
            options("redshift_unload", parallel="maybe"),
            "PARALLEL should be in ON/OFF/TRUE/FALSE: maybe (config)",
        ),
        (
            "s3_wait",
            NOTHING,
            {"bucket": "b"},
            "Either the s3_wait operator command or both 'bucket' and 'key' parameters must be set (config)",
        ),
        (
            "s3_wait",
            "b/k",
            {"bucket": "b"},
            "Either the s3_wait operator command or both 'bucket' and 'key' parameters must be set (config)",
        ),
        ("s3_wait", "bucket", {}, "Illegal s3 path: bucket (config)"),
        ("gcs_wait", "bucket", {}, "Illegal GCS URI or path: bucket (config)"),
        (
            "gcs_wait",
            NOTHING,
            {},
            "Either the gcs_wait operator command or both 'bucket' and 'object' parameters must be set (config)",
        ),
        ("bq", "q.sql", {"dataset": "a.b"}, "Bad dataset reference: a.b (illegal argument)"),
        (
            "bq",
            "q.sql",
            {"destination_table": "t"},
            "Bad table reference. Either configure 'dataset' or include dataset name in table reference: t "
            "(illegal argument)",
        ),
        ("bq", "q.sql", {"destination_table": "d.t-t"}, "Bad table reference: d.t-t (illegal argument)"),
        ("bq_load", "gs://b/o", {}, "Parameter 'destination_table' is required but not set (config)"),
        ("bq_extract", "d.t", {}, "Parameter 'destination' is required but not set (config)"),
        ("bq_ddl", None, {"delete_datasets": [{"id": "x"}]}, 'Bad dataset reference: {"id":"x"} (config)'),
        ("bq_ddl", None, {"delete_tables": [1]}, "Bad table reference: 1 (config)"),
        (
            "bq_ddl",
            None,
            {"create_tables": [{"id": "x"}]},
            "Bad table reference or configuration: Missing 'dataset' (config)",
        ),
        (
            "bq_ddl",
            None,
            {"create_datasets": [{"name": "x"}]},
            'Invalid dataset reference or configuration: {"name":"x"} (config)',
        ),
        ("emr", None, {"cluster": "j"}, "steps (illegal argument)"),
        ("emr", None, {"cluster": "j", "staging": "b"}, "Invalid staging uri: 'b' (config)"),
        ("emr", None, {"cluster": {}, "steps": [{"type": "x"}]}, "Parameter 'ec2' is required but not set (config)"),
        ("emr", None, {"cluster": "j", "steps": [{"type": "pig"}]}, "Unsupported step type: pig (config)"),
        (
            "emr",
            None,
            {"cluster": "j", "steps": [{"type": "spark-sql", "query": "q.sql"}]},
            "Please configure a S3 'staging' directory (config)",
        ),
        (
            "emr",
            None,
            {"cluster": "j", "steps": [{"type": "hive", "script": "s3://b/"}]},
            "Invalid script: 's3://b/' (config)",
        ),
        (
            "emr",
            None,
            {"cluster": "j", "staging": "s3://b/", "steps": [{"type": "spark-sql", "query": "x/no.sql"}]},
            "Failed to load file: no.sql (config)",
        ),
        ("td", "q.sql", {"td": 5}, "Parameter 'td' must be an object (config)"),
        ("td", "q.sql", {"database": "d", "_retry": [1]}, "Invalid _retry format:[1] (config)"),
    ],
)  # fmt: skip
def test_what_digdag_refuses(project: Path, name: str, command: Any, settings: dict[str, Any], expected: str) -> None:
    for more in ({}, {"pin": Pin()}, {"policy": "skip"}):
        assert message(project, name, command, settings, **more).startswith(expected)


@pytest.mark.parametrize(
    ("name", "command", "settings", "params"),
    [
        ("td", "q.sql", {}, {"td": {"database": "d"}}),
        ("redshift_load", None, {"table": "t"}, {"redshift_load": {"from": "s3://b/k"}, "redshift": {"table": "u"}}),
        ("s3_wait", NOTHING, {"key": "k"}, {"aws": {"s3": {"bucket": "b"}}}),
        ("s3_wait", NOTHING, {"key": "k"}, {"aws": {"bucket": "b"}}),
        ("emr", NOTHING, {"steps": WELL["emr"][1]["steps"]}, {"aws": {"emr": {"cluster": "j"}}}),
        ("bq", "q.sql", {"destination_table": "t"}, {"bq": {"dataset": "d"}}),
        ("gcs_wait", NOTHING, {"object": "o"}, {"gcs": {"bucket": "b"}}),
    ],
)
def test_scopes(project: Path, name: str, command: Any, settings: dict[str, Any], params: dict[str, Any]) -> None:
    assert outcome(project, name, command, settings, params=params, pin=Pin(store={"a": 1})).store == {"a": 1}


def test_the_bounds_of_an_interval_are_settings(project: Path) -> None:
    settings = {"config.td.wait.min_poll_interval": "1m", "config.td.wait.max_poll_interval": "1h 30m"}
    task_options = {"database": "d", "interval": "30s"}
    assert message(project, "td_wait", "q.sql", task_options, settings=settings) == (
        "poll interval must be at least 1m and no greater than 1h 30m (config)"
    )


def test_a_task_may_be_named_otherwise_in_its_time_zone(project: Path) -> None:
    def message_in(zone: str) -> str:
        times = {"database": "d", "from": "2016-01-01T00:00:00", "to": "2016-01-02T00:00:00"}
        return message(project, "td_partial_delete", "t", times, params={"timezone": zone})

    assert message_in("Asia/Tokyo").startswith("td_partial_delete> needs Treasure Data")
    assert message_in("Asia/Kolkata") == "'from' and 'to' parameters must be whole hours (config)"


@pytest.mark.parametrize(
    ("secrets", "said"),
    [
        ([], "The 'td.apikey' secret is missing (config)"),
        (["-X", "secrets.td.apikey=1/abc"], "td> needs Treasure Data, which is not called from here: nothing was sent"),
    ],
)
def test_without_a_pin_and_without_a_person_it_fails_as_on_a_server(
    tmp_path: Path, secrets: list[str], said: str
) -> None:
    (tmp_path / "main.dig").write_text("+a:\n  td>: {data: select 1}\n  database: d\n")
    done = digdag_tui("run", "main.dig", "--no-save", *secrets, cwd=tmp_path)
    assert done.returncode == 1
    assert f"  * +main+a:\n    {said}\n" in done.stderr
    assert "digdag-tui.pins.yml: +main+a: {store" in done.stderr
