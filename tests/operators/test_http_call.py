from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.engine.journal import encode
from digdag_tui.engine.operator import OperatorResult, PollingRetry
from digdag_tui.workflow.errors import DigdagError

from .http_server import ok, redirect, serving
from .support import call, error, message, run

JSON = "application/json"
YAML = "application/x-yaml"


def fetched(project: Path, body: bytes, content_type: str = YAML, /, **options: Any) -> OperatorResult:
    """What a task makes of an answer."""
    with serving(ok(body, content_type)) as server:
        return run(project, "http_call", server.url, options)


def refused(project: Path, body: bytes, content_type: str, /, **options: Any) -> str:
    """Why a task does not take an answer."""
    with serving(ok(body, content_type)) as server:
        return message(project, "http_call", server.url, options)


class TestDefinition:
    def test_yaml_is_taken_as_it_is(self, tmp_path: Path) -> None:
        text = b"# hello\n+a:\n  echo>: hi # there\n_export: {x: 1}\n"
        result = fetched(tmp_path, text, f"{YAML}; charset=utf-8")
        assert result == OperatorResult(subtasks={"_export": {"x": 1}, "+a": {"echo>": "hi"}})
        assert (tmp_path / "http_call.dig").read_bytes() == text

    def test_json_becomes_yaml(self, tmp_path: Path) -> None:
        body = {"+a": {"echo>": 'say "hi"\n', "n": [1, 2.5, None, True]}, "_export": {"x": {}}}
        assert fetched(tmp_path, json.dumps(body).encode(), JSON).subtasks == {"_export": {"x": {}}, "+a": body["+a"]}
        assert (tmp_path / "http_call.dig").read_text() == (
            '+a:\n  echo>: "say \\"hi\\"\\n"\n  n:\n  - 1\n  - 2.5\n  - null\n  - true\n_export:\n  x: {}\n'
        )

    def test_numbers_in_texts_stay_texts(self, tmp_path: Path) -> None:
        body = b'{"+a": {"echo>": "1", "x": "true", "y": "0x1F", "z": "~"}}'
        assert fetched(tmp_path, body, JSON).subtasks["+a"] == {"echo>": "1", "x": "true", "y": "0x1F", "z": "~"}

    def test_nothing_else_is_stored(self, tmp_path: Path) -> None:
        result = fetched(tmp_path, b"+a: {echo>: hi}")
        assert (result.store, result.reset_store, result.export) == ({}, (), {})

    def test_it_is_logged(self, tmp_path: Path) -> None:
        with serving(ok(b"+a:\n  echo>: \x1b[2Jhi\n", JSON)) as server:
            task = call(tmp_path, "http_call", server.url, {"content_type_override": YAML})
            with pytest.raises(DigdagError):
                asyncio.run(task.run())
        logger = "io.digdag.standards.operator.HttpCallOperatorFactory"
        assert task.log[-1] == ("INFO", logger, "Fetched definition for http_call>:\n+a:\n  echo>: \ufffd[2Jhi\n")

    def test_the_file_is_overwritten(self, tmp_path: Path) -> None:
        (tmp_path / "http_call.dig").write_text("+old: {echo>: very old and very long}\n" * 9)
        fetched(tmp_path, b"+a: {echo>: hi}\n")
        assert (tmp_path / "http_call.dig").read_text() == "+a: {echo>: hi}\n"

    def test_the_working_directory_is_that_of_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        result = fetched(tmp_path, b"+a: {echo>: hi}\n_export: {_workdir: x}\n", YAML, _workdir="sub")
        assert result.subtasks == {"_export": {"_workdir": "sub/x"}, "+a": {"echo>": "hi"}}
        assert (tmp_path / "sub" / "http_call.dig").exists()

    def test_includes_are_of_the_project(self, tmp_path: Path) -> None:
        (tmp_path / "more.dig").write_text("+b: {echo>: two}\n")
        assert list(fetched(tmp_path, b"+a: {echo>: one}\n!include : more.dig\n").subtasks) == ["+a", "+b"]


class TestMediaTypes:
    def test_one_must_be_given(self, tmp_path: Path) -> None:
        with serving(b"HTTP/1.1 200 OK\r\n\r\n+a: {}") as server:
            found = message(tmp_path, "http_call", server.url)
        assert found == "Content-Type must be set in the HTTP response but not set"

    @pytest.mark.parametrize("given", ["text/plain", "application/octet-stream", "application/yaml"])
    def test_others_are_not_taken(self, tmp_path: Path, given: str) -> None:
        found = refused(tmp_path, b"+a: {}", f"{given}; charset=utf-8")
        assert found == f"Unsupported Content-Type (expected application/json or application/x-yaml): {given}"

    def test_texts_that_are_none(self, tmp_path: Path) -> None:
        assert refused(tmp_path, b"", "nonsense") == "Failure parsing MediaType string: nonsense (illegal argument)"

    def test_upper_case_does_not_matter(self, tmp_path: Path) -> None:
        assert fetched(tmp_path, b"{}", "Application/JSON;x=y").subtasks == {}

    def test_the_tasks_own_wins(self, tmp_path: Path) -> None:
        result = fetched(tmp_path, "+a: {echo>: \xe4}".encode("latin-1"), "text/html; charset=utf-8",
                         content_type_override=f"{YAML}; charset=ISO-8859-1")  # fmt: skip
        assert result.subtasks == {"+a": {"echo>": "\xe4"}}

    def test_an_empty_one_does_not(self, tmp_path: Path) -> None:
        assert fetched(tmp_path, b"+a: {}", content_type_override="").subtasks == {"+a": {}}

    def test_the_message_has_the_servers(self, tmp_path: Path) -> None:
        assert refused(tmp_path, b"", JSON, content_type_override="a/b").endswith("x-yaml): application/json")

    def test_charsets(self, tmp_path: Path) -> None:
        assert fetched(tmp_path, "+a: {echo>: \u65e5}".encode("utf-16"), f"{YAML}; charset=utf-16").subtasks == {
            "+a": {"echo>": "\u65e5"}
        }
        assert refused(tmp_path, b"", f"{YAML}; charset=klingon") == "klingon (unsupported charset)"


class TestWrongDefinitions:
    def test_broken_json(self, tmp_path: Path) -> None:
        found = refused(tmp_path, b"{no", JSON)
        assert found.startswith("Failed to parse response as JSON: com.fasterxml.jackson.core.JsonParseException: ")
        assert found.endswith(" (runtime)")

    @pytest.mark.parametrize(("body", "node"), [(b"[]", "Array"), (b"null", "Null"), (b'"x"', "String")])
    def test_json_that_is_no_object(self, tmp_path: Path, body: bytes, node: str) -> None:
        found = refused(tmp_path, body, JSON)
        assert found.startswith(f"class com.fasterxml.jackson.databind.node.{node}Node cannot be cast to class ")
        assert found.endswith(" (class cast)")

    def test_broken_yaml(self, tmp_path: Path) -> None:
        assert refused(tmp_path, b"+a: [", YAML).endswith("(parser)")

    def test_unknown_keys(self, tmp_path: Path) -> None:
        found = refused(tmp_path, b"{a: 1, b: 2}", YAML)
        assert found == "Workflow 'http_call' includes unknown keys: [a, b] (config)"

    @pytest.mark.parametrize(("size", "limit"), [(65537, None), (11, "10")])
    def test_long_ones(self, tmp_path: Path, size: int, limit: str | None) -> None:
        settings = {} if limit is None else {"config.http_call.max_response_content_size": limit}
        with serving(ok(b"#" * size, YAML)) as server:
            found = message(tmp_path, "http_call", server.url, settings=settings)
        assert found == f"Response content too large: {size} > {limit or 65536}"

    @pytest.mark.parametrize(
        "body",
        [
            b'{"+a": {"echo>": "\\ud800 \\u0000 \\u001b[2J"}}',
            b'{"+a": {"echo>": ' + b"9" * 4000 + b"}}",
            b'{"+a": {"x": 1e999}}',
            b'{"+a": ' * 500 + b"{}" + b"}" * 500,
            b"[" * 60000,
            b'{"+a": {"echo>": "\\u2028\\ufeff\\u0085"}}',
            b'{"+' + b"a" * 300 + b'": {}}',
            b'{"+a": {"!include : x": "/etc/passwd"}}',
        ],
    )
    def test_hostile_ones_end_in_a_sentence_or_a_workflow(self, tmp_path: Path, body: bytes) -> None:
        with serving(ok(body, JSON)) as server:
            task = call(tmp_path, "http_call", server.url)
            try:
                encode(asyncio.run(task.run()).subtasks)
            except DigdagError as problem:
                encode(problem.log_message)
        assert not any("\x1b" in text or "\x00" in text for _, _, text in task.log)

    def test_a_workspace_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "http_call.dig").mkdir()
        assert refused(tmp_path, b"+a: {}", YAML) == "java.io.IOException: P/http_call.dig: Is a directory (runtime)"


class TestRequest:
    def test_it_has_the_options_of_http(self, tmp_path: Path) -> None:
        secrets = {"http.user": "u", "http.password": "p", "http.uri": "http://127.0.0.1:9/unused", "host": "127.0.0.1"}
        with serving(redirect("/there"), ok(b"+a: {}", YAML)) as server:
            url = server.url.replace("127.0.0.1", "${secret:host}") + "/here"
            options = {"method": "PUT", "content": {"a": 1}, "headers": [{"X-A": "b"}], "query": {"c": "d"}}
            task = call(tmp_path, "http_call", url, {}, params={"http": options}, secrets=secrets)
            asyncio.run(task.run())
        got = server.requests[0]
        assert (got.line, got.body) == ("PUT /here?c=d HTTP/1.1", b'{"a":1}')
        assert got.header("x-a") == "b"
        assert got.header("authorization") == "Basic dTpw"
        assert task.log[0][2] == "Sending HTTP request: PUT http://***"

    def test_a_uri_comes_from_the_command_only(self, tmp_path: Path) -> None:
        found = message(tmp_path, "http_call", secrets={"http.uri": "http://127.0.0.1:9/"})
        assert found == "Parameter '_command' is required but not set (config)"

    def test_failures_are_those_of_http(self, tmp_path: Path) -> None:
        with serving(ok(b"no", status="404 No")) as server:
            found = error(tmp_path, "http_call", server.url)
        assert found.error_message == f"HTTP 4XX Client Error: GET {server.url}/ - 404 Not Found: no"

    def test_it_is_polled_as_http_is(self, tmp_path: Path) -> None:
        with pytest.raises(PollingRetry) as caught:
            asyncio.run(call(tmp_path, "http_call", "http://127.0.0.1:9/").run())
        assert caught.value.state == {"request": {"operation": {}, "retry": 1}}
