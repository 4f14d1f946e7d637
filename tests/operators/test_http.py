from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digdag_tui.engine.journal import encode
from digdag_tui.engine.operator import PollingRetry
from digdag_tui.operators.http_client import Request, charset_of, decode
from digdag_tui.operators.java_uri import parse_uri
from digdag_tui.workflow.errors import ConfigError, DigdagError

from .http_server import (
    Received,
    Server,
    certificate,
    dripping,
    ok,
    redirect,
    resetting,
    serving,
    silent,
    tls,
)
from .support import Call, call, error, message, run

OPERATOR = "io.digdag.standards.operator.HttpOperatorFactory"
RETRY = "io.digdag.standards.operator.state.PollingRetryExecutor"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


def request(tmp_path: Path, options: dict[str, Any] | None = None, path: str = "/", **more: Any) -> Received:
    """What the server gets from a task."""
    with serving(ok()) as server:
        run(tmp_path, "http", server.url + path, options, **more)
    return server.requests[0]


def polled(task: Call) -> PollingRetry:
    """The retry that a task asks for."""
    with pytest.raises(PollingRetry) as caught:
        asyncio.run(task.run())
    return caught.value


NAMES = (b"Content-Type", b"Content-Length", b"Content-Encoding", b"Transfer-Encoding", b"Location", b"Set-Cookie")
VALUES = (
    b"text/plain; charset=utf-16",
    b"gzip",
    b"chunked",
    b"5",
    b"-1",
    b"/there",
    b"a=b; Path=/; Max-Age=9",
    b"\x1b[2J",
)


class TestRequest:
    def test_a_get_is_what_digdag_sends(self, tmp_path: Path) -> None:
        got = request(tmp_path, path="/a/b?c=d")
        assert got.line == "GET /a/b?c=d HTTP/1.1"
        assert got.header("accept-encoding") == "gzip"
        assert got.header("user-agent") == "Digdag/0.10.6 Jetty/9.3.11.v20160721"
        assert sorted(name.lower() for name, _ in got.fields) == ["accept-encoding", "host", "user-agent"]

    def test_the_user_agent_can_be_configured(self, tmp_path: Path) -> None:
        got = request(tmp_path, settings={"config.http.user_agent": "us/1"})
        assert got.header("user-agent") == "us/1 Jetty/9.3.11.v20160721"

    def test_methods_are_upper_cased(self, tmp_path: Path) -> None:
        assert request(tmp_path, {"method": "patch"}).method == "PATCH"

    def test_the_scope_http_fills_in_what_is_missing(self, tmp_path: Path) -> None:
        got = request(tmp_path, {"method": "PUT"}, params={"http": {"method": "POST", "content": "from scope"}})
        assert (got.method, got.body) == ("PUT", b"from scope")

    @pytest.mark.parametrize(
        ("options", "body", "content_type"),
        [
            ({"content": "text"}, b"text", "plain/text"),
            ({"content": 1.50}, b"1.5", "plain/text"),
            ({"content": True}, b"true", "plain/text"),
            ({"content": "t", "content_type": "a/b; c=d"}, b"t", "a/b; c=d"),
            ({"content": 'say "hi"', "content_format": "JSON"}, b'"say \\"hi\\""', "application/json"),
            ({"content": {"b": [1, None]}}, b'{"b":[1,null]}', "application/json"),
            ({"content": [1, "\u65e5"]}, '[1,"\u65e5"]'.encode(), "application/json"),
            ({"content": {"a": 1}, "content_type": "x/y"}, b'{"a":1}', "x/y"),
            (
                {
                    "content": {"a b": "c&d=\u65e5~", "n": None, "e": ""},
                    "content_format": "form",
                    "content_type": "x/y",
                },
                b"a+b=c%26d%3D%E6%97%A5%7E&n=null&e=",
                "application/x-www-form-urlencoded",
            ),
        ],
    )
    def test_contents(self, tmp_path: Path, options: dict[str, Any], body: bytes, content_type: str) -> None:
        got = request(tmp_path, {"method": "POST", **options})
        assert got.body == body
        assert got.headers("content-type") == [content_type]
        assert got.header("content-length") == str(len(body))

    def test_a_null_content_is_none(self, tmp_path: Path) -> None:
        got = request(tmp_path, {"method": "POST", "content": None})
        assert got.body == b""
        assert got.header("content-type") is None

    @pytest.mark.parametrize(
        ("content", "content_format", "problem"),
        [
            ([1], "form", "Invalid content format for arrays: 'form'"),
            ([1], "text", "Invalid content format for arrays: 'text'"),
            ({"a": 1}, "text", "Invalid content format for objects: 'text'"),
            ("x", "form", "Invalid content format for strings: 'form'"),
            (1, "yaml", "Invalid content format for numbers: 'yaml'"),
            ({"a": {"b": 1}}, "form", 'Invalid form content field value: {"b":1}'),
        ],
    )
    def test_contents_that_do_not_fit(self, tmp_path: Path, content: Any, content_format: str, problem: str) -> None:
        options = {"method": "POST", "content": content, "content_format": content_format}
        assert message(tmp_path, "http", "http://127.0.0.1:9/", options) == f"{problem} (config)"

    def test_headers_keep_their_order_and_repeats(self, tmp_path: Path) -> None:
        headers = [{"X-B": "1"}, {"X-A": 2}, {"X-B": "3"}, {"X-B": "1"}, {"X-N": None}, {"X-L": [1]}]
        got = request(tmp_path, {"headers": headers})
        own = [(name, value) for name, value in got.fields if name.startswith("X-")]
        assert own == [("X-B", "1"), ("X-A", "2"), ("X-B", "3"), ("X-N", "null"), ("X-L", "")]

    def test_headers_of_our_own_stay_beside_theirs(self, tmp_path: Path) -> None:
        headers = [{"User-Agent": "mine"}, {"Content-Type": "a/b"}, {"Host": "other"}]
        got = request(tmp_path, {"method": "POST", "content": "x", "headers": headers})
        assert len(got.headers("user-agent")) == 2
        assert got.headers("content-type") == ["a/b"]
        assert got.headers("host") == ["other"]

    def test_line_ends_do_not_leave_a_header(self, tmp_path: Path) -> None:
        got = request(tmp_path, {"headers": [{"X-A": "1\r\nX-Evil: 2\n"}, {"X-J": "\u65e5"}, {"X-L": "\xe4"}]})
        assert got.header("x-a") == "1  X-Evil: 2"
        assert got.header("x-evil") is None
        assert got.header("x-j") == ""
        assert got.header("x-l") == "\xe4"

    @pytest.mark.parametrize("headers", [["plain"], [{"a": 1, "b": 2}], [{}], [None]])
    def test_headers_that_are_none(self, tmp_path: Path, headers: list[Any]) -> None:
        assert "Invalid header: " in message(tmp_path, "http", "http://127.0.0.1:9/", {"headers": headers})

    def test_a_header_that_http_cannot_carry(self, tmp_path: Path) -> None:
        with serving(ok()) as server:
            found = message(tmp_path, "http", server.url, {"headers": [{"a b": "c"}], "retry": False})
        assert found.endswith("(illegal argument)")
        assert server.requests == []

    @pytest.mark.parametrize(
        ("query", "path", "sent"),
        [
            ({"a": "b c", "d": 1}, "/p", "/p?a=b+c&d=1"),
            ({"a": "b"}, "/p?x=1", "/p?x=1&a=b"),
            ('{"a": "b"}', "/p", "/p?a=b"),
            ("a=b%20c&d", "/p", "/p?a=b+c&d="),
            ("5", "/", "/?5="),
            ({"a[]": 1, "b[]": 2}, "/", "/?a[]=1&b%5B%5D=2"),
            ({"a b": 1}, "/", "/?a+b=1"),
            (None, "", "/"),
            ({}, "/?", "/?"),
        ],
    )
    def test_queries(self, tmp_path: Path, query: Any, path: str, sent: str) -> None:
        assert request(tmp_path, {"query": query}, path).path == sent

    def test_a_query_that_is_none(self, tmp_path: Path) -> None:
        found = message(tmp_path, "http", "http://127.0.0.1:9/", {"query": [1]})
        assert found.startswith("Expected ") and found.endswith("for key 'query' but got [1] (array) (config)")

    @pytest.mark.parametrize("path", ["/a%20b", "/\u65e5", "/%E6%97%A5?q=%7C"])
    def test_paths_go_as_they_are(self, tmp_path: Path, path: str) -> None:
        assert request(tmp_path, path=path).path == path.replace("\u65e5", "%E6%97%A5")

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("timeout", "soon"), ("retry", "perhaps"), ("insecure", []), ("store_content", "x"), ("headers", "x"),
            ("follow_redirects", 1.5), ("method", []), ("content_type", {}), ("proxy", "x"), ("http", "x"),
        ],
    )  # fmt: skip
    def test_options_of_the_wrong_kind(self, tmp_path: Path, option: str, value: Any) -> None:
        problem = error(tmp_path, "http", "http://127.0.0.1:9/", {option: value, "content": "x"})
        assert isinstance(problem, ConfigError)
        assert option in problem.message


class TestUri:
    @pytest.mark.parametrize(
        ("uri", "problem"),
        [
            ("http://bad host/", "Illegal character in authority at index 7: http://bad host/"),
            ("http://h/a b", "Illegal character in path at index 10: http://h/a b"),
            ("http://h/?a|b", "Illegal character in query at index 11: http://h/?a|b"),
            ("http://h/#a b", "Illegal character in fragment at index 11: http://h/#a b"),
            ("http://h/%zz", "Malformed escape pair at index 9: http://h/%zz"),
            ("http://", "Expected authority at index 7: http://"),
            ("http:", "Expected scheme-specific part at index 5: http:"),
            ("://h", "Expected scheme name at index 0: ://h"),
            ("9p://h", "Illegal character in scheme name at index 0: 9p://h"),
            ("h\u65e5tp://h", "Illegal character in scheme name at index 1: h\u65e5tp://h"),
            ("http://[::1/", "Expected closing bracket for IPv6 address at index 11: http://[::1/"),
        ],
    )
    def test_texts_that_are_none(self, tmp_path: Path, uri: str, problem: str) -> None:
        assert message(tmp_path, "http", uri) == f"{problem} (illegal argument)"

    @pytest.mark.parametrize(
        ("uri", "protocol"), [("ftp://h/", "ftp"), ("host/path", "null"), ("mailto:x", "mailto"), ("", "null")]
    )
    def test_other_protocols(self, tmp_path: Path, uri: str, protocol: str) -> None:
        found = message(tmp_path, "http", uri, {"retry": False})
        assert found == f"Invalid protocol {protocol} (illegal argument)"

    def test_a_port_that_none_can_be(self, tmp_path: Path) -> None:
        found = message(tmp_path, "http", "http://127.0.0.1:99999/", {"retry": False})
        assert found == "port out of range:99999 (illegal argument)"

    def test_hosts_that_java_does_not_take(self, tmp_path: Path) -> None:
        found = error(tmp_path, "http", "http://my_host/", {"retry": False})
        assert found.error_message == (
            'Cannot invoke "String.toLowerCase(java.util.Locale)" because "host" is null (null pointer)'
        )
        assert found.hint

    def test_user_info_is_neither_sent_nor_shown(self, tmp_path: Path) -> None:
        with serving(ok(status="404 No")) as server:
            url = server.url.replace("://", "://user:pass@")
            found = message(tmp_path, "http", url)
        assert server.requests[0].header("authorization") is None
        assert found == f"HTTP 4XX Client Error: GET {server.url}/ - 404 Not Found: "

    def test_percent_signs_are_shown_quoted_once_more(self, tmp_path: Path) -> None:
        with serving(ok(status="404 No")) as server:
            found = message(tmp_path, "http", server.url + "/a%20b?c=%25")
        assert f"GET {server.url}/a%2520b?c=%2525 - 404" in found


class TestSecrets:
    def test_a_secret_uri_wins_and_is_not_shown(self, tmp_path: Path) -> None:
        with serving(ok(b"no", status="404 No")) as server:
            task = call(tmp_path, "http", "http://127.0.0.1:9/", secrets={"http.uri": f"{server.url}/hidden"})
            with pytest.raises(DigdagError) as caught:
                asyncio.run(task.run())
        assert server.requests[0].path == "/hidden"
        assert caught.value.message == "HTTP 4XX Client Error: GET http://*** - 404 Not Found: no"
        assert [text for _, _, text in task.log if "hidden" in text] == []
        assert (("INFO", OPERATOR, "Sending HTTP request: GET http://***")) in task.log

    def test_secrets_in_the_uri_headers_query_and_content(self, tmp_path: Path) -> None:
        secrets = {"path": "p", "name": "X-Name", "value": "v", "word": "w"}
        options = {
            "method": "POST",
            "headers": [{"${secret:name}": "${secret:value}"}],
            "query": {"q${secret:word}": "${secret:word}"},
            "content": {"${secret:word}": ["${secret:word}", 1]},
        }
        with serving(ok()) as server:
            task = call(tmp_path, "http", server.url + "/${secret:path}", options, secrets=secrets)
            asyncio.run(task.run())
        got = server.requests[0]
        assert (got.path, got.body, got.header("x-name")) == ("/p?qw=w", b'{"w":["w",1]}', "v")
        assert ("INFO", OPERATOR, "Sending HTTP request: POST http://***") in task.log

    def test_authorization_comes_before_user_and_password(self, tmp_path: Path) -> None:
        secrets = {"http.authorization": "Bearer x\n", "http.user": "u", "http.password": "p"}
        assert request(tmp_path, secrets=secrets).headers("authorization") == ["Bearer x"]

    @pytest.mark.parametrize(("password", "sent"), [("p\xe4\u65e5", "Basic dTpw5D8="), (None, "Basic dTo=")])
    def test_user_and_password(self, tmp_path: Path, password: str | None, sent: str) -> None:
        secrets = {"http.user": "u"} | ({} if password is None else {"http.password": password})
        assert request(tmp_path, path="/a", secrets=secrets).headers("authorization") == [sent]

    def test_secrets_are_remounted(self, tmp_path: Path) -> None:
        secrets = {"mine.user": "u", "mine.password": ""}
        got = request(tmp_path, secrets=secrets, secret_mounts={"http": "mine"})
        assert got.headers("authorization") == ["Basic dTo="]

    def test_a_secret_that_is_missing(self, tmp_path: Path) -> None:
        found = message(tmp_path, "http", "http://127.0.0.1:9/${secret:no.such}")
        assert found == "Secret not found for key: 'no.such' (secret not found)"

    def test_neither_goes_along_to_another_host(self, tmp_path: Path) -> None:
        for secrets in ({"http.authorization": "Bearer x"}, {"http.user": "u"}):
            with serving(ok()) as other, serving(redirect(f"{other.url}/there")) as server:
                run(tmp_path, "http", server.url, secrets=secrets)
            assert server.requests[0].header("authorization")
            assert other.requests[0].header("authorization") is None

    def test_a_host_whose_name_only_begins_alike_is_another(self) -> None:
        first, other = parse_uri("http://h.example"), parse_uri("http://h.example.org/")
        for uri, count in ((first, 1), (parse_uri("http://h.example/x"), 1), (other, 0)):
            asked = Request("GET", uri, basic="Basic x", basic_uri=first.text, basic_origin=first.origin)
            assert [name for name, _ in asked.raw_headers()].count(b"Authorization") == count


class TestOutcome:
    def test_the_status_is_stored(self, tmp_path: Path) -> None:
        with serving(ok(b"body", status="201 Made")) as server:
            result = run(tmp_path, "http", server.url)
        assert result.store == {"http": {"last_status": 201}}
        assert result.reset_store == ("http.last_status",)

    def test_the_content_is_stored_when_asked_for(self, tmp_path: Path) -> None:
        with serving(ok("h\xe9llo \u65e5".encode())) as server:
            result = run(tmp_path, "http", server.url, {"store_content": True})
        assert result.store == {"http": {"last_status": 200, "last_content": "h\xe9llo \u65e5"}}
        assert result.reset_store == ("http.last_status", "http.last_content")

    @pytest.mark.parametrize(("size", "fits"), [(65536, True), (65537, False)])
    def test_only_so_much_is_stored(self, tmp_path: Path, size: int, fits: bool) -> None:
        with serving(ok(b"x" * size)) as server:
            if fits:
                stored = run(tmp_path, "http", server.url, {"store_content": True}).store
                assert len(stored["http"]["last_content"]) == size
            else:
                found = message(tmp_path, "http", server.url, {"store_content": True})
                assert found == "Response content too large: 65537 > 65536"
            run(tmp_path, "http", server.url)

    def test_the_most_that_is_stored_can_be_configured(self, tmp_path: Path) -> None:
        settings = {"config.http.max_stored_response_content_size": "3"}
        with serving(ok("\U0001f600\U0001f600".encode())) as server:
            found = message(tmp_path, "http", server.url, {"store_content": True}, settings=settings)
        assert found == "Response content too large: 4 > 3"

    def test_the_log(self, tmp_path: Path) -> None:
        with serving(ok(b"12345", status="200 Fine then")) as server:
            task = call(tmp_path, "http", server.url)
            asyncio.run(task.run())
        assert task.log == [
            ("INFO", OPERATOR, f"Sending HTTP request: GET {server.url}"),
            (
                "INFO",
                OPERATOR,
                f"Received HTTP response: GET {server.url}: HttpContentResponse[HTTP/1.1 200 Fine then - 5 bytes]",
            ),
        ]

    @pytest.mark.parametrize(
        ("status", "problem"),
        [
            ("404 Gone fishing", "HTTP 4XX Client Error: GET {} - 404 Not Found: body"),
            ("418 Teapot", "HTTP 4XX Client Error: GET {} - 418 418: body"),
            ("401 No", "HTTP 4XX Client Error: GET {} - 401 Unauthorized: body"),
            ("500 Oops", "HTTP 5XX Server Error: GET {} - 500 Server Error: body"),
            ("599 x", "HTTP 5XX Server Error: GET {} - 599 599: body"),
            ("600 x", "Unexpected HTTP status: GET {} - 600 600: body"),
        ],
    )
    def test_statuses_that_fail(self, tmp_path: Path, status: str, problem: str) -> None:
        with serving(ok(b"body", status=status)) as server:
            found = error(tmp_path, "http", f"{server.url}/p", {"retry": False})
        assert found.error_message == problem.format(f"{server.url}/p")
        assert found.kind is None

    def test_long_bodies_are_cut_in_messages(self, tmp_path: Path) -> None:
        with serving(ok(b"x" * 200, status="404 No"), ok(b"x" * 201, status="404 No")) as server:
            assert message(tmp_path, "http", server.url).endswith(": " + "x" * 200)
            assert message(tmp_path, "http", server.url).endswith(": " + "x" * 197 + "...")

    def test_half_a_character_is_not_kept(self, tmp_path: Path) -> None:
        with serving(ok(b"x" * 196 + "\U0001f600".encode() * 9, status="404 No")) as server:
            found = message(tmp_path, "http", server.url)
        assert found.endswith("x" * 196 + "...")

    @pytest.mark.parametrize("length", ["65537", "what", "-1"])
    def test_very_long_bodies_are_left_out(self, tmp_path: Path, length: str) -> None:
        answer = ok(b"x" * 65537, status="404 No").replace(b"Length: 65537", f"Length: {length}".encode())
        with serving(answer) as server:
            found = message(tmp_path, "http", server.url)
        assert found.endswith("404 Not Found: (too long response body)" if length == "65537" else "400 Bad Request")

    @pytest.mark.parametrize("status", ["300 x", "304 x", "305 x"])
    def test_other_3xx_are_successes(self, tmp_path: Path, status: str) -> None:
        with serving(f"HTTP/1.1 {status}\r\n\r\n".encode()) as server:
            assert run(tmp_path, "http", server.url).store["http"]["last_status"] == int(status[:3])


class TestRetry:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
    def test_harmless_methods_are_polled(self, tmp_path: Path, method: str) -> None:
        with serving(ok(status="503 No")) as server:
            task = call(tmp_path, "http", server.url, {"method": method})
            assert polled(task).state == {"request": {"operation": {}, "retry": 1}}
        text = f"HTTP 5XX Server Error: {method} {server.url}/ - 503 Service Unavailable: "
        assert task.log[-1] == ("WARN", RETRY, f"HTTP request failed. {text}: retrying in 1 seconds")

    def test_others_only_when_asked_for(self, tmp_path: Path) -> None:
        with serving(ok(status="503 No")) as server:
            assert "503" in message(tmp_path, "http", server.url, {"method": "POST"})
            polled(call(tmp_path, "http", server.url, {"method": "POST", "retry": "true"}))

    @pytest.mark.parametrize("status", [408, 429])
    def test_two_statuses_are_polled_even_without_retry(self, tmp_path: Path, status: int) -> None:
        with serving(ok(status=f"{status} Wait")) as server:
            task = call(tmp_path, "http", server.url, {"retry": False, "method": "POST"})
            assert polled(task).seconds == 1
        assert "HTTP request failed. Failed HTTP request: POST" in task.log[-1][2]

    def test_a_4xx_is_never_polled(self, tmp_path: Path) -> None:
        with serving(ok(status="404 No")) as server:
            assert "404" in message(tmp_path, "http", server.url, {"retry": True})

    def test_intervals_double_up_to_thirty(self, tmp_path: Path) -> None:
        state: dict[str, Any] = {"other": 1}
        intervals = []
        for _ in range(7):
            poll = polled(call(tmp_path, "http", "http://127.0.0.1:9/", state=state))
            intervals.append(poll.seconds)
            state = poll.state
        assert intervals == [1, 2, 4, 8, 16, 30, 30]
        assert state == {"other": 1, "request": {"operation": {}, "retry": 7}}

    def test_a_later_answer_ends_it(self, tmp_path: Path) -> None:
        with serving(ok(status="429 Wait"), ok(b"done")) as server:
            poll = polled(call(tmp_path, "http", server.url, {"store_content": True}))
            result = run(tmp_path, "http", server.url, {"store_content": True}, state=poll.state)
        assert result.store["http"] == {"last_status": 200, "last_content": "done"}

    def test_a_charset_that_java_lacks_is_polled_in_an_error(self, tmp_path: Path) -> None:
        with serving(ok(b"x", 'text/plain; charset="utf-8"', "404 No")) as server:
            task = call(tmp_path, "http", server.url)
            polled(task)
        assert task.log[-1][2] == 'HTTP request failed. "utf-8": retrying in 1 seconds'


class TestRedirects:
    def test_they_are_followed(self, tmp_path: Path) -> None:
        with serving(redirect("/b?x=1", "302 Found", "Set-Cookie: id=7"), ok(b"there")) as server:
            task = call(tmp_path, "http", f"{server.url}/a", {"store_content": True, "headers": [{"X-Own": "1"}]})
            result = asyncio.run(task.run())
        assert [got.path for got in server.requests] == ["/a", "/b?x=1"]
        assert server.requests[1].header("x-own") == "1"
        assert server.requests[1].header("cookie") == "id=7"
        assert server.requests[1].header("host") == f"127.0.0.1:{server.port}"
        assert result.store["http"] == {"last_status": 200, "last_content": "there"}
        assert f"Received HTTP response: GET {server.url}/a: " in task.log[-1][2]

    def test_they_are_not_when_switched_off(self, tmp_path: Path) -> None:
        with serving(redirect("/b")) as server:
            assert run(tmp_path, "http", server.url, {"follow_redirects": False}).store["http"]["last_status"] == 302

    @pytest.mark.parametrize(
        ("status", "method", "then"),
        [
            (301, "GET", "GET"), (301, "POST", "GET"), (301, "PUT", "PUT"), (302, "POST", "GET"), (302, "PUT", "PUT"),
            (302, "DELETE", "GET"), (303, "PUT", "GET"), (303, "HEAD", "HEAD"), (307, "POST", "POST"),
            (308, "DELETE", "DELETE"),
        ],
    )  # fmt: skip
    def test_methods(self, tmp_path: Path, status: int, method: str, then: str) -> None:
        with serving(redirect("/b", f"{status} x"), ok()) as server:
            run(tmp_path, "http", server.url, {"method": method, "content": "kept"})
        assert [got.method for got in server.requests] == [method, then]
        assert server.requests[1].body == b"kept"

    def test_a_301_for_other_methods_fails(self, tmp_path: Path) -> None:
        with serving(redirect("/b", "301 x")) as server:
            found = message(tmp_path, "http", server.url, {"method": "DELETE"})
        assert found == f"Unexpected HTTP status: DELETE {server.url}/ - 301 Moved Permanently"

    @pytest.mark.parametrize(("settings", "count"), [({}, 9), ({"config.http.max_redirects": "2"}, 3)])
    def test_there_is_a_limit(self, tmp_path: Path, settings: dict[str, str], count: int) -> None:
        with serving(redirect("/again")) as server:
            found = error(tmp_path, "http", server.url, {"retry": False}, settings=settings)
        assert found.error_message == f"Unexpected HTTP status: GET {server.url}/ - 302 Found"
        assert found.hint == f"it redirects more than {count - 1} times"
        assert len(server.requests) == count

    @pytest.mark.parametrize("answer", [b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", redirect("http://[")])
    def test_locations_that_are_none(self, tmp_path: Path, answer: bytes) -> None:
        with serving(answer) as server:
            found = message(tmp_path, "http", server.url, {"retry": False})
        assert found == f"Unexpected HTTP status: GET {server.url}/ - 302 Found"

    def test_locations_with_blanks_are_mended(self, tmp_path: Path) -> None:
        with serving(redirect("/a b%20c?d e"), ok()) as server:
            run(tmp_path, "http", server.url)
        assert server.requests[1].path == "/a%20b%20c?d%20e"

    def test_locations_of_other_kinds_are_not_opened(self, tmp_path: Path) -> None:
        with serving(redirect(f"file://{tmp_path}/x")) as server:
            assert message(tmp_path, "http", server.url, {"retry": False}).startswith("Invalid protocol file")


class TestNoAnswer:
    def test_a_dead_port(self, tmp_path: Path) -> None:
        task = call(tmp_path, "http", "http://127.0.0.1:9/x", {"retry": False})
        with pytest.raises(DigdagError) as caught:
            asyncio.run(task.run())
        assert caught.value.error_message == "java.net.ConnectException: Connection refused (runtime)"
        assert task.log[-1] == ("WARN", OPERATOR, "Exception without response: GET http://127.0.0.1:9/x")

    def test_a_dead_port_on_several_addresses(self, tmp_path: Path) -> None:
        found = message(tmp_path, "http", "http://localhost:9/", {"retry": False})
        assert found == "java.net.ConnectException: Connection refused (runtime)"

    def test_an_unknown_host(self, tmp_path: Path) -> None:
        found = message(tmp_path, "http", "http://no.such.host.invalid/", {"retry": False})
        assert found.startswith("java.net.UnknownHostException: no.such.host.invalid: ")
        assert found.endswith(" (runtime)")

    @pytest.mark.parametrize("answer", [silent, dripping])
    def test_a_timeout_is_for_all_of_it(self, tmp_path: Path, answer: Any) -> None:
        with serving(answer) as server:
            found = message(tmp_path, "http", server.url, {"timeout": 1, "retry": False})
        assert found == "java.util.concurrent.TimeoutException (runtime)"

    def test_a_timeout_holds_for_redirects_together(self, tmp_path: Path) -> None:
        with serving(redirect("/b"), silent) as server:
            found = message(tmp_path, "http", server.url, {"timeout": 1, "retry": False})
        assert found == "java.util.concurrent.TimeoutException (runtime)"

    def test_a_reset(self, tmp_path: Path) -> None:
        with serving(resetting) as server:
            found = message(tmp_path, "http", server.url, {"retry": False})
        assert found == "java.net.SocketException: Connection reset (runtime)"

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"HTTP/1.1 200 OK\r\nContent-Le",
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        ],
    )
    def test_a_server_that_dies_half_way(self, tmp_path: Path, answer: bytes) -> None:
        with serving(answer) as server:
            found = message(tmp_path, "http", server.url, {"retry": False})
        assert found.startswith("java.io.EOFException: ")

    @pytest.mark.parametrize(
        "answer",
        [
            b"SSH-2.0-OpenSSH_9\r\n\r\n",
            b"\x1b[2J\x00\xff\xfe" * 99 + b"\r\n\r\n",
            b"HTTP/1.1 9999 Odd\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100_000 + b"\r\n",
        ],
        ids=["ssh", "binary", "status", "header", "length", "chunk", "headers"],
    )
    def test_answers_that_are_no_http(self, tmp_path: Path, answer: bytes) -> None:
        with serving(answer) as server:
            found = error(tmp_path, "http", server.url)
        assert found.error_message == f"HTTP 4XX Client Error: GET {server.url}/ - 400 Bad Request"
        assert found.hint
        assert found.hint.isprintable()


class TestContent:
    def stored(self, tmp_path: Path, answer: Any, **options: Any) -> str:
        with serving(answer) as server:
            result = run(tmp_path, "http", server.url, {"store_content": True, **options})
        encode(result.store)
        content = result.store["http"]["last_content"]
        assert isinstance(content, str)
        return content

    def test_gzip(self, tmp_path: Path) -> None:
        body = gzip.compress(b"one ") + gzip.compress(b"two")
        assert self.stored(tmp_path, ok(body, "text/plain", "200 OK", "Content-Encoding: gzip")) == "one two"

    def test_chunks(self, tmp_path: Path) -> None:
        answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n4;x=y\r\n two\r\n0\r\n\r\n"
        assert self.stored(tmp_path, answer) == "one two"

    def test_until_the_end_of_the_connection(self, tmp_path: Path) -> None:
        assert self.stored(tmp_path, b"HTTP/1.0 200 OK\r\n\r\nall of it") == "all of it"

    def test_broken_gzip(self, tmp_path: Path) -> None:
        with serving(ok(b"no gzip", "text/plain", "200 OK", "Content-Encoding: gzip")) as server:
            found = message(tmp_path, "http", server.url, {"retry": False})
        assert found == "java.util.zip.ZipException: Invalid gzip bytes (runtime)"

    @pytest.mark.parametrize(
        "answer",
        [
            ok(b"x" * (2 * 1024 * 1024 + 1)),
            b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (2 * 1024 * 1024 + 1),
            ok(gzip.compress(bytes(50_000_000)), "text/plain", "200 OK", "Content-Encoding: gzip"),
            ok(gzip.compress(bytes(1_000_000)) * 50, "text/plain", "200 OK", "Content-Encoding: gzip"),
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nx",
        ],
        ids=["length", "endless", "bomb", "bombs", "claim"],
    )
    def test_contents_that_are_too_large(self, tmp_path: Path, answer: bytes) -> None:
        with serving(answer) as server:
            found = message(tmp_path, "http", server.url, {"retry": False})
        assert found == "Buffering capacity exceeded (illegal argument)"

    def test_two_megabytes_are_taken(self, tmp_path: Path) -> None:
        with serving(ok(b"x" * (2 * 1024 * 1024))) as server:
            run(tmp_path, "http", server.url)

    @pytest.mark.parametrize(
        ("body", "content_type", "text"),
        [
            (b"\xe4", "text/plain; charset=ISO-8859-1", "\xe4"),
            (b"\x93\xfa", "text/plain; charset=Shift_JIS; x=y", "\u65e5"),
            (b"a\xff\xc3b", "text/plain", "a\ufffd\ufffdb"),
            (b"\xed\xa0\x80", "text/plain", "\ufffd\ufffd\ufffd"),
            (b"\\ud800", "text/plain; charset=unicode_escape", "?"),
            (b"\x00\x1b[2J", "text/plain", "\x00\x1b[2J"),
        ],
    )
    def test_charsets(self, tmp_path: Path, body: bytes, content_type: str, text: str) -> None:
        assert self.stored(tmp_path, ok(body, content_type)) == text

    @pytest.mark.parametrize("charset", ['"utf-8"', "klingon", "hex", "", "\x1b[1m", "idna", "undefined"])
    def test_charsets_that_java_lacks(self, tmp_path: Path, charset: str) -> None:
        with serving(ok(b"\xff.", f"text/plain; charset={charset}x"[:-1])) as server:
            task = call(tmp_path, "http", server.url, {"store_content": True})
            with pytest.raises(DigdagError) as caught:
                asyncio.run(task.run())
        assert caught.value.kind == "unsupported charset"

    def test_any_charset_name_gives_clean_text_or_an_error(self) -> None:
        from encodings.aliases import aliases

        for name in {*aliases, *aliases.values(), "raw_unicode_escape", "utf-7", "punycode"}:
            try:
                decode(bytes(range(256)), name).encode()
            except DigdagError as problem:
                assert problem.kind == "unsupported charset"
        assert charset_of("charset=x") is None


def hostile(answer: bytes, project: Path, options: dict[str, Any] | None = None) -> list[str]:
    """Whatever a task says, stores or logs about an answer."""
    with serving(answer) as server:
        task = call(project, "http", server.url, {"retry": False, "store_content": True, **(options or {})})
        texts = []
        try:
            json.loads(encode(asyncio.run(task.run()).store))
        except DigdagError as problem:
            texts += [problem.error_message, problem.log_message, problem.hint or ""]
        except PollingRetry as poll:
            encode(poll.state)
    texts += [text for _, _, text in task.log]
    assert json.loads(encode(texts)) == texts
    return texts


class TestHostileAnswers:
    """Nothing that a server answers breaks the log, the journal or the screen."""

    ANSWERS = (
        b"HTTP/1.1 200 \x1b[2J\x9b\x07evil\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-\xff: \xff\x1b]0;evil\x07\r\n\r\n\x1b]52;c;ZXZpbA==\x07",
        b"HTTP/1.1 200 OK\r\nContent-Type: \x1b[31m\r\n\r\n\x1b]52;c;ZXZpbA==\x07",
        b"HTTP/1.1 404 \x1b[2J\r\n\r\n\x1b[2J\x00\r\rover\nline\xff",
        b"HTTP/1.1 500 \x8d\r\nContent-Type: text/plain; charset=utf-16\r\n\r\n\xd8\x00\x00",
        b"HTTP/1.1 302 x\r\nLocation: \x1b[2J\xff://\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff=\x1b; expires=never; Max-Age=x\r\nContent-Length: 0\r\n\r\n",
        b"\x00" * 1000,
    )

    @pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
    def test_in_messages_and_log_lines(self, tmp_path: Path, answer: bytes) -> None:
        assert all(text.replace("\n", "").isprintable() for text in hostile(answer, tmp_path))

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        status=st.sampled_from([b"200", b"404", b"408", b"500", b"302", b"999"]) | st.binary(max_size=4),
        reason=st.binary(max_size=20),
        fields=st.lists(
            st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES) | st.binary(max_size=20)), max_size=4
        ),
        body=st.binary(max_size=300),
    )
    def test_any_bytes(
        self, tmp_path: Path, status: bytes, reason: bytes, fields: list[tuple[bytes, bytes]], body: bytes
    ) -> None:
        head = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
        texts = hostile(b"HTTP/1.1 " + status + b" " + reason + b"\r\n" + head + b"\r\n" + body, tmp_path)
        assert not any(character in text for text in texts for character in "\x00\x07\x1b\x7f\x9b")

    def test_in_a_whole_run(self, tmp_path: Path) -> None:
        with contextlib.ExitStack() as servers:
            tasks = [servers.enter_context(serving(answer)).url for answer in self.ANSWERS]
            lines = [f"+t{number}: {{http>: {url}, retry: false}}" for number, url in enumerate(tasks)]
            (tmp_path / "main.dig").write_text("_parallel: true\n" + "\n".join(lines) + "\n")
            command = [sys.executable, "-m", "digdag_tui", "run", "main.dig"]
            environment = {**os.environ, "DIGDAG_CONFIG_HOME": str(tmp_path)}
            events, plain = (
                subprocess.run(
                    [*command, *more], cwd=tmp_path, env=environment, capture_output=True, timeout=120, check=False
                )
                for more in (["--json"], ["--rerun"])
            )
        said = [json.loads(line) for line in events.stdout.decode().splitlines()]
        states = {task["fullName"]: task["state"] for task in said[-1]["tasks"]}
        assert [states[f"+main+t{number}"] for number in range(len(self.ANSWERS))] == (
            ["success", "error", "success", "error", "error", "error", "success", "error"]
        )
        assert b"Traceback" not in events.stderr + plain.stderr + plain.stdout
        assert not {0, 7, 0x1B} & set(plain.stdout + plain.stderr)


class TestTls:
    @pytest.fixture(scope="class")
    def pem(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return certificate(tmp_path_factory.mktemp("tls"))

    def test_a_certificate_that_nobody_knows(self, tmp_path: Path, pem: Path) -> None:
        with serving(ok(), context=tls(pem)) as server:
            found = error(tmp_path, "http", server.url, {"retry": False})
        assert found.error_message == (
            "javax.net.ssl.SSLHandshakeException: PKIX path building failed: sun.security.provider.certpath."
            "SunCertPathBuilderException: unable to find valid certification path to requested target (runtime)"
        )
        assert "insecure: true" in str(found.hint)

    def test_insecure_trusts_it(self, tmp_path: Path, pem: Path) -> None:
        with serving(ok(b"safe"), context=tls(pem)) as server:
            result = run(tmp_path, "http", server.url, {"insecure": True, "store_content": True})
        assert result.store["http"]["last_content"] == "safe"

    def test_one_that_is_trusted(self, tmp_path: Path, pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        with serving(ok(), context=tls(pem)) as server:
            run(tmp_path, "http", server.url)

    def test_one_of_another_host(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pem = certificate(tmp_path, "DNS:elsewhere.example")
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        with serving(ok(), context=tls(pem)) as server:
            found = message(tmp_path, "http", server.url, {"retry": False})
        assert "SSLHandshakeException: No subject alternative names matching 127.0.0.1 found" in found

    def test_a_server_without_tls(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=say_plainly, args=(server,)).start()
            url = f"https://127.0.0.1:{server.getsockname()[1]}/"
            found = message(tmp_path, "http", url, {"retry": False})
        assert found == "javax.net.ssl.SSLException: Unsupported or unrecognized SSL message (runtime)"


def say_plainly(server: socket.socket) -> None:
    """Answer one connection without TLS."""
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def tunnelling(got: Received, connection: socket.socket) -> None:
    """A proxy: it opens the connection that CONNECT asks for."""
    host, _, port = got.path.rpartition(":")
    with socket.create_connection((host, int(port)), 20) as other:
        connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        while True:
            for ready in select.select([connection, other], [], [], 20)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                (other if ready is connection else connection).sendall(data)


class TestProxies:
    def target(self, proxy: Server) -> str:
        got = proxy.requests[0]
        assert got.header("host") == "h.example"
        return got.path

    def test_the_tasks_own(self, tmp_path: Path) -> None:
        with serving(ok()) as proxy:
            own = {"enabled": True, "host": "127.0.0.1", "port": proxy.port}
            run(tmp_path, "http", "http://h.example/p%20q?r", {"proxy": own})
        assert self.target(proxy) == "http://h.example/p%20q?r"

    def test_the_configurations(self, tmp_path: Path) -> None:
        with serving(ok()) as proxy:
            configured = {f"config.http.proxy.{key}": value for key, value in own_proxy(proxy).items()}
            run(tmp_path, "http", "http://h.example/", settings=configured)
        assert self.target(proxy) == "http://h.example/"

    def test_the_tasks_own_can_be_forbidden(self, tmp_path: Path) -> None:
        with serving(ok()) as server:
            own = {"enabled": True, "host": "127.0.0.1", "port": 9}
            run(tmp_path, "http", server.url, {"proxy": own}, settings={"config.http.allow_user_proxy": "false"})

    @pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY"])
    def test_the_environments(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
        with serving(ok()) as proxy:
            monkeypatch.setenv(variable, proxy.url.replace("://", "://u:p@"))
            monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
            run(tmp_path, "http", "http://h.example/")
        assert self.target(proxy) == "http://h.example/"

    def test_one_in_the_environment_that_is_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", "not a url")
        with serving(ok()) as server:
            task = call(tmp_path, "http", server.url)
            asyncio.run(task.run())
        assert task.log[0][2] == "Failed to parse environment variable, ignoring: http_proxy=not a url"

    def test_a_password_in_the_environment_is_not_logged(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", "http://user:p@ss word@proxy.example")
        with serving(ok()) as server:
            task = call(tmp_path, "http", server.url)
            asyncio.run(task.run())
        assert task.log[0][2].endswith("ignoring: http_proxy=http://***@proxy.example")

    @pytest.mark.parametrize("option", ["host", "port"])
    def test_options_that_are_missing(self, tmp_path: Path, option: str) -> None:
        own = {key: value for key, value in {"enabled": True, "host": "h", "port": 1}.items() if key != option}
        found = message(tmp_path, "http", "http://h.example/", {"proxy": own})
        assert found == f"Parameter '{option}' is required but not set (config)"

    def test_https_goes_through_a_tunnel(self, tmp_path: Path) -> None:
        pem = certificate(tmp_path)
        with serving(ok(), context=tls(pem)) as server, serving(tunnelling) as proxy:
            own = {"enabled": True, "host": "127.0.0.1", "port": proxy.port}
            run(tmp_path, "http", f"{server.url}/p%20q?r=%41", {"proxy": own, "insecure": True})
        assert proxy.requests[0].line == f"CONNECT 127.0.0.1:{server.port} HTTP/1.1"
        assert server.requests[0].path == "/p%20q?r=%41"

    def test_a_proxy_that_refuses(self, tmp_path: Path) -> None:
        with serving(ok(status="403 No")) as proxy:
            own = {"enabled": True, "host": "127.0.0.1", "port": proxy.port}
            found = message(tmp_path, "http", "https://h.example/", {"proxy": own})
        assert found == "HTTP 4XX Client Error: GET https://h.example/ - 403 Forbidden"

    def test_a_proxy_with_tls(self, tmp_path: Path) -> None:
        with serving(ok(), context=tls(certificate(tmp_path))) as proxy:
            own = {"enabled": True, "host": "127.0.0.1", "port": proxy.port, "tls": True}
            run(tmp_path, "http", "http://h.example/", {"proxy": own, "insecure": True})
        assert self.target(proxy) == "http://h.example/"


def own_proxy(proxy: Server) -> dict[str, str]:
    return {"enabled": "true", "host": "127.0.0.1", "port": str(proxy.port)}


async def test_cancelling_ends_the_request(tmp_path: Path) -> None:
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()

    def waiting(got: Received, connection: socket.socket) -> None:
        silent(got, connection)
        loop.call_soon_threadsafe(gone.set)

    with serving(waiting) as server:
        task = asyncio.create_task(call(tmp_path, "http", server.url).run())
        await asyncio.to_thread(server.arrived.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(gone.wait(), 20)
