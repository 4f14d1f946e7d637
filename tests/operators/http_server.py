"""A web server on loopback that says exactly the bytes that a test wants, one connection a request."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Answer = Callable[["Received", socket.socket], None]


class Received:
    """A request as it came; `path` is all of its target."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.raw = head
        self.body = body
        line, *fields = head.decode("latin-1").split("\r\n")
        self.line = line
        self.method, self.path, _ = line.split(" ", 2)
        self.fields = [(name, value.strip()) for name, _, value in (field.partition(":") for field in fields)]

    def header(self, name: str) -> str | None:
        values = self.headers(name)
        return values[0] if values else None

    def headers(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]


class Server:
    """Answers one request for each item of `answers`, the last for all further ones; `requests` is what came."""

    def __init__(self, *answers: bytes | Answer, context: ssl.SSLContext | None = None) -> None:
        self.answers = list(answers)
        self.requests: list[Received] = []
        self.arrived = threading.Event()
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._closing = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(20)

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        with contextlib.suppress(OSError), connection:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        head, _, rest = _read_until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
        if not head:
            return
        received = Received(head, b"")
        length = int(received.header("content-length") or 0)
        while len(rest) < length and (data := connection.recv(65536)):
            rest += data
        received.body = rest
        self.requests.append(received)
        self.arrived.set()
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if callable(answer):
            answer(received, connection)
        else:
            connection.sendall(answer)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass


def ok(body: bytes = b"", content_type: str = "text/plain", status: str = "200 OK", *headers: str) -> bytes:
    """An answer with a content."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def redirect(location: str, status: str = "302 Found", *headers: str) -> bytes:
    """A redirect."""
    return ok(b"", "text/plain", status, f"Location: {location}", *headers)


def silent(_: Received, connection: socket.socket) -> None:
    """Answer nothing until the client goes away."""
    while connection.recv(65536):
        pass


def resetting(_: Received, connection: socket.socket) -> None:
    """Reset the connection instead of an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def dripping(_: Received, connection: socket.socket) -> None:
    """Send a content without end, a byte at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        connection.sendall(b".")
        time.sleep(0.01)


@contextlib.contextmanager
def serving(*answers: bytes | Answer, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server while the block runs."""
    server = Server(*answers, context=context)
    try:
        yield server
    finally:
        server.close()


def certificate(folder: Path, names: str = "DNS:localhost,IP:127.0.0.1") -> Path:
    """A file with a key and a certificate of our own for `names`."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl program")
    key, pem = folder / "key.pem", folder / "server.pem"
    words = f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName={names} -days 30"
    subprocess.run([*words.split(), "-keyout", key, "-out", pem], check=True, capture_output=True)
    pem.write_bytes(pem.read_bytes() + key.read_bytes())
    return pem


def tls(pem: Path) -> ssl.SSLContext:
    """The server's side of TLS with such a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def _read_until(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while end not in data and (piece := connection.recv(65536)):
        data += piece
    return data
