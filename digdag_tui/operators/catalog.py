"""All operators of Digdag and their parameters: for `check`, for the stand-ins of remote services, for the manual."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ..workflow.config import Params, Value
from ..workflow.parameters import OperatorForm, Parameter


def _parameter(text: str) -> Parameter:
    """A parameter as it is written here: `name:type`, then `!` if it is required or `=DEFAULT`; `/` stands for or."""
    name, _, rest = text.partition(":")
    kind, _, default = rest.partition("=")
    return Parameter(name, kind.removesuffix("!").replace("/", " or "), _value(default), kind.endswith("!"))


def _value(text: str) -> Value:
    try:
        return msgspec.json.decode(text) if text else None
    except msgspec.DecodeError:
        return text


def _form(
    name: str, command: str, parameters: str = "", *, scopes: str = "", secrets: str = "", **more: Any
) -> OperatorForm:
    return OperatorForm(
        name,
        _parameter(f"{name}>:{command}"),
        tuple(map(_parameter, parameters.split())),
        scopes=tuple(scopes.split()),
        secrets=tuple(secrets.split()),
        **more,
    )


_DOCKER = "docker:map"
_HTTP = (
    "method:text=GET content:any content_format:text content_type:text query:map/text headers:list=[] retry:bool "
    "timeout:int=30 follow_redirects:bool=true insecure:bool=false proxy:map"
)
_HTTP_SECRETS = "http.authorization http.user http.password"

_CONNECTION = (
    "user:text! database:text! ssl:bool=false connect_timeout:duration=30s socket_timeout:duration=1800s schema:text"
)
_TRANSACTION = (
    "strict_transaction:bool=true status_table:text=__digdag_status status_table_schema:text "
    "status_table_cleanup:duration=24h"
)
_SQL = "query:text insert_into:table create_table:table download_file:file store_last_results:bool/first/all=false"
_PASSWORD = "password_override:text"

_TD = "database:text! endpoint:text=api.treasuredata.com use_ssl:bool=true proxy:map"
_TD_QUERY = "engine:text=presto priority:int=0 job_retry:int=0 engine_version:text hive_engine_version:text"
_TD_POOLS = "presto_pool_name:text hive_pool_name:text"
_TD_RESULT = "download_file:file store_last_results:bool=false preview:bool=false"
_TD_SECRETS = (
    "td.apikey td.database td.endpoint td.use_ssl td.proxy.enabled td.proxy.host td.proxy.port td.proxy.user "
    "td.proxy.password"
)
_TD_JOB: Params = {"td": {"last_job_id": "1", "last_job": {"id": "1", "num_records": 0}}}
_TD_ROW: Params = {"td": {"last_results": {"column": 1}, **_TD_JOB["td"]}}

_BQ = "dataset:text location:text"
_BQ_JOB: dict[str, Any] = {
    "stores": {"bq": {"last_job_id": "project:job_1", "last_jobid": "project:job_1"}},
    "resets": ("bq.last_job_id", "bq.last_jobid"),
}
_GCP_SECRETS = "gcp.credential gcp.project"

_AWS_KEYS = "aws.access_key_id aws.secret_access_key"
_S3_KEYS = f"aws.s3.access_key_id aws.s3.secret_access_key {_AWS_KEYS}"
_REDSHIFT_SECRETS = (
    "aws.redshift.host aws.redshift.port aws.redshift.user aws.redshift.password aws.redshift.database "
    "aws.redshift.ssl aws.redshift.schema"
)

TREASURE_DATA: Final = "Treasure Data"
REDSHIFT: Final = "Amazon Redshift"
BIGQUERY: Final = "Google BigQuery"
CLOUD_STORAGE: Final = "Google Cloud Storage"

_FORMS: Final = (
    # Workflow control (operators 3)
    _form("call", "text!"),
    _form(
        "require", "text!",
        "session_time:time ignore_failure:bool=false rerun_on:none/failed/all=none retry_attempt_name:text "
        "project_id:int project_name:text params:map={}",
    ),
    _form("loop", "int!", "count:int _do:tasks!"),
    _form("for_each", "map!", "_do:tasks!"),
    _form("for_range", "map!", "_do:tasks!"),
    _form("if", "bool!", "_do:tasks _else_do:tasks", reports_unused=True),
    _form("fail", "text", reports_unused=True),
    _form("echo", "text!", reports_unused=True),
    _form("wait", "duration!", "blocking:bool=false poll_interval:duration", reports_unused=True),
    _form("notify", "text!", reports_unused=True),
    # Scripts (operators 4)
    _form("sh", "text!", f'shell:list=["/bin/sh"] {_DOCKER}', scopes="sh", any_key=True),
    _form("py", "text", f"script:text python:text/list=python {_DOCKER}", scopes="py", any_key=True),
    _form("rb", "text", f"script:text ruby:text/list=ruby require:text {_DOCKER}", scopes="rb", any_key=True),
    _form("embulk", "file", f"config:map {_DOCKER}", template=True, alias="config", scopes="embulk"),
    # Network and data that run here (operators 5)
    _form(
        "http", "text", f"{_HTTP} store_content:bool=false", scopes="http", secrets=f"http.uri {_HTTP_SECRETS}",
        stores={"http": {"last_status": 200, "last_content": ""}}, resets=("http.last_status", "http.last_content"),
    ),
    _form("http_call", "text!", f"{_HTTP} content_type_override:text", scopes="http", secrets=_HTTP_SECRETS),
    _form(
        "mail", "file",
        "body:text subject:text to:list/text cc:list bcc:list from:text html:bool=false attach_files:list "
        "host:text port:int tls:bool=true ssl:bool=false debug:bool=false username:text password:text",
        template=True, alias="body", scopes="mail", secrets="mail.host mail.port mail.username mail.password",
    ),
    _form(
        "pg", "file", f"{_SQL} host:text! port:int=5432 {_CONNECTION} {_PASSWORD} {_TRANSACTION}",
        template=True, alias="query", scopes="pg",
        secrets="pg.host pg.port pg.user pg.password pg.database pg.ssl pg.schema",
        stores={"pg": {"last_results": {"column": 1}}},
    ),
    _form("param_get", "text", any_key=True),
    _form("param_set", "text", any_key=True),
    # Treasure Data (operators 6)
    _form(
        "td", "file",
        f"query:text {_TD} {_TD_QUERY} {_TD_POOLS} {_TD_RESULT} insert_into:table create_table:table result_url:text "
        "result_connection:text result_settings:map",
        template=True, alias="query", scopes="td", secrets=_TD_SECRETS, service=TREASURE_DATA,
        stores=_TD_ROW, resets=("td.last_results",),
    ),
    _form(
        "td_for_each", "file", f"query:text _do:tasks! {_TD} {_TD_QUERY} {_TD_POOLS}",
        template=True, alias="query", scopes="td", secrets=_TD_SECRETS, service=TREASURE_DATA, stores=_TD_JOB,
    ),
    _form(
        "td_run", "text/int!", f"{_TD} {_TD_RESULT} session_time:time",
        scopes="td", secrets=_TD_SECRETS, service=TREASURE_DATA, stores=_TD_ROW, resets=("td.last_results",),
    ),
    _form(
        "td_load", "file", f"{_TD} name:text config:map table:table",
        alias="name", scopes="td", secrets=_TD_SECRETS, service=TREASURE_DATA, stores=_TD_JOB,
    ),
    _form(
        "td_ddl", "none",
        f"{_TD} create_databases:list drop_databases:list empty_databases:list create_tables:list drop_tables:list "
        "empty_tables:list rename_tables:list",
        scopes="td", secrets=_TD_SECRETS, service=TREASURE_DATA,
    ),
    _form(
        "td_wait", "file", f"query:text interval:duration=10m {_TD} {_TD_QUERY} {_TD_POOLS}",
        template=True, alias="query", scopes="td", secrets=_TD_SECRETS, service=TREASURE_DATA,
    ),
    _form(
        "td_wait_table", "table!", f"rows:int=0 interval:duration=10m {_TD} {_TD_QUERY} {_TD_POOLS}",
        scopes="td", secrets=_TD_SECRETS, service=TREASURE_DATA,
    ),
    _form(
        "td_table_export", "none",
        f"{_TD} table:table! file_format:text! from:time! to:time! s3_bucket:text! s3_path_prefix:text! "
        "hive_pool_name:text",
        scopes="td", secrets=f"{_TD_SECRETS} {_S3_KEYS}", service=TREASURE_DATA, stores=_TD_JOB,
    ),
    _form(
        "td_result_export", "none", f"{_TD} job_id:text! result_connection:text! result_settings:map!",
        scopes="td", secrets=_TD_SECRETS, service=TREASURE_DATA, stores=_TD_JOB,
    ),
    _form(
        "td_partial_delete", "text!", f"{_TD} from:time! to:time!",
        scopes="td", secrets=_TD_SECRETS, service=TREASURE_DATA, stores=_TD_JOB,
    ),
    # Amazon (operators 6)
    _form(
        "redshift", "file", f"{_SQL} host:text! port:int=5439 {_CONNECTION} {_PASSWORD} {_TRANSACTION}",
        template=True, alias="query", scopes="redshift", secrets=_REDSHIFT_SECRETS, service=REDSHIFT,
        stores={"redshift": {"last_results": {"column": 1}}},
    ),
    _form(
        "redshift_load", "none",
        "table:text! from:text! column_list:text readratio:int manifest:bool encrypted:bool region:text csv:text "
        "delimiter:text fixedwidth:text json:text avro:text gzip:bool bzip2:bool lzop:bool acceptanydate:bool "
        "acceptinvchars:text blanksasnull:bool dateformat:text emptyasnull:bool encoding:text escape:bool "
        "explicit_ids:bool fillrecord:bool ignoreblanklines:bool ignoreheader:int null_as:text removequotes:bool "
        "roundec:bool timeformat:text trimblanks:bool truncatecolumns:bool comprows:int compupdate:text maxerror:int "
        "noload:bool statupdate:text temp_credentials:bool=true session_duration:int "
        f"host:text! port:int=5439 {_CONNECTION} {_PASSWORD} {_TRANSACTION}",
        scopes="redshift_load redshift", service=REDSHIFT,
        secrets="aws.redshift_load.access_key_id aws.redshift_load.secret_access_key aws.redshift_load.role_arn "
        f"aws.redshift.access_key_id aws.redshift.secret_access_key aws.redshift.role_arn {_AWS_KEYS} aws.role_arn "
        f"{_REDSHIFT_SECRETS}",
    ),
    _form(
        "redshift_unload", "none",
        "query:text! to:text! manifest:bool encrypted:bool allowoverwrite:bool delimiter:text fixedwidth:text "
        "gzip:bool bzip2:bool null_as:text escape:bool addquotes:bool parallel:text temp_credentials:bool=true "
        f"session_duration:int host:text! port:int=5439 {_CONNECTION} {_PASSWORD} {_TRANSACTION}",
        scopes="redshift_unload redshift", service=REDSHIFT,
        secrets="aws.redshift_unload.access_key_id aws.redshift_unload.secret_access_key "
        "aws.redshift_unload.role_arn aws.redshift.access_key_id aws.redshift.secret_access_key "
        f"aws.redshift.role_arn {_AWS_KEYS} aws.role_arn {_REDSHIFT_SECRETS}",
    ),
    _form(
        "s3_wait", "text",
        "bucket:text key:text version_id:text path_style_access:bool region:text endpoint:text timeout:duration "
        "continue_on_timeout:bool=false",
        scopes="aws.s3 aws", service="Amazon S3", reports_unused=True,
        secrets=f"{_S3_KEYS} aws.s3.region aws.region aws.s3.endpoint aws.s3.sse_c_key aws.s3.sse_c_key_algorithm "
        "aws.s3.sse_c_key_md5",
        stores={"s3": {"last_object": {"metadata": {"Content-Length": 0}, "user_metadata": {}}}},
        resets=("s3.last_object",),
    ),
    _form(
        "emr", "none",
        "cluster:text/map! steps:list=[] staging:text action_on_failure:text=CANCEL_AND_WAIT emr.region:text "
        "s3.region:text kms.region:text emr.endpoint:text s3.endpoint:text kms.endpoint:text",
        scopes="aws.emr aws", service="Amazon EMR", stores={"emr": {"last_cluster_id": "j-1"}},
        secrets=f"aws.emr.access_key_id aws.emr.secret_access_key {_AWS_KEYS} aws.emr.role_arn aws.role_arn "
        "aws.emr.role_session_name aws.role_session_name aws.emr.region aws.s3.region aws.kms.region aws.region "
        "aws.emr.endpoint aws.s3.endpoint aws.kms.endpoint",
    ),
    # Google (operators 6)
    _form(
        "bq", "file",
        f"query:text {_BQ} use_legacy_sql:bool=false allow_large_results:bool use_query_cache:bool "
        "create_disposition:text write_disposition:text flatten_results:bool maximum_billing_tier:int priority:text "
        "table_definitions:map user_defined_function_resources:list destination_table:text",
        template=True, alias="query", scopes="bq", secrets=_GCP_SECRETS, service=BIGQUERY, **_BQ_JOB,
    ),
    _form(
        "bq_load", "text/list!",
        f"{_BQ} destination_table:text! schema:file/map create_disposition:text write_disposition:text "
        "source_format:text field_delimiter:text skip_leading_rows:int encoding:text quote:text max_bad_records:int "
        "allow_quoted_newlines:bool allow_jagged_rows:bool ignore_unknown_values:bool projection_fields:list=[] "
        "autodetect:bool schema_update_options:list=[]",
        scopes="bq", secrets=_GCP_SECRETS, service=BIGQUERY, **_BQ_JOB,
    ),
    _form(
        "bq_extract", "text!",
        f"{_BQ} destination:text/list! print_header:bool field_delimiter:text destination_format:text compression:text",
        scopes="bq", secrets=_GCP_SECRETS, service=BIGQUERY, **_BQ_JOB,
    ),
    _form(
        "bq_ddl", "none",
        "dataset:text create_datasets:list=[] empty_datasets:list=[] delete_datasets:list=[] create_tables:list=[] "
        "empty_tables:list=[] delete_tables:list=[]",
        scopes="bq", secrets=_GCP_SECRETS, service=BIGQUERY,
    ),
    _form(
        "gcs_wait", "text", "bucket:text object:text", scopes="gcs", secrets=_GCP_SECRETS,
        service=CLOUD_STORAGE, stores={"gcs_wait": {"last_object": {"metadata": {"size": "0"}}}},
        resets=("gcs_wait.last_object",),
    ),
)  # fmt: skip

CATALOG: Final = {form.name: form for form in _FORMS}
"""By name, what is known of each of Digdag's operators (operators 1)."""
