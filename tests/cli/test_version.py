"""`digdag-tui version` (cli 3), with real servers on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ..program import digdag_tui
from ..support import write


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@contextmanager
def serving(status: int, body: bytes) -> Iterator[str]:
    """A server that gives that answer for its version; its `host:port`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/api/version" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("form", ["{}", "http://{}", "http://{}/a/path?x=1"])
def test_both_versions(tmp_path: Path, form: str) -> None:
    with serving(200, b'{"version": "0.10.5"}') as place:
        done = digdag_tui("version", "-e", form.format(place), cwd=tmp_path)
    client, server = done.stdout.splitlines()
    assert client.startswith("Client version: 0.10.6 (digdag-tui ")
    assert server == "Server version: 0.10.5"
    assert done.returncode == 0


def test_the_endpoint_of_the_configuration(tmp_path: Path) -> None:
    with serving(200, b'{"version": "0.10.5"}') as place:
        write(tmp_path, {"config": f"client.http.endpoint = http://{place}\n"})
        done = digdag_tui("version", "-c", "config", cwd=tmp_path)
    assert done.stdout.endswith("Server version: 0.10.5\n")


def test_what_a_server_says_does_not_reach_the_terminal_raw(tmp_path: Path) -> None:
    with serving(200, b'{"version": "\\u001b[2J1"}') as place:
        done = digdag_tui("version", "-e", place, cwd=tmp_path)
    assert done.stdout.endswith("Server version: \ufffd[2J1\n")


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (200, b"no json"), (200, b"[]")])
def test_an_answer_that_tells_no_version(tmp_path: Path, status: int, body: bytes) -> None:
    with serving(status, body) as place:
        done = digdag_tui("version", "--endpoint", place, cwd=tmp_path)
    assert done.stdout.endswith("An error happened during getting Server version.\n")
    assert f"error: The server {place} doesn't tell its version: " in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 1


def test_no_server(tmp_path: Path) -> None:
    with serving(200, b"") as place:
        pass
    done = digdag_tui("version", "-e", place, cwd=tmp_path)
    assert done.stdout.splitlines()[1:] == ["An error happened during getting Server version."]
    assert f"error: The server {place} doesn't tell its version: " in done.stderr
    assert done.returncode == 1


def test_usage(tmp_path: Path) -> None:
    done = digdag_tui("version", "x", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "Usage: digdag-tui version" in done.stderr
