"""Real servers on the loopback interface: PostgreSQL and Redis, each with a folder of its own."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

PASSWORD = "correct horse"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Postgres:
    """A PostgreSQL server: `admin` needs no password, `app` needs `PASSWORD`."""

    port: int
    process: subprocess.Popen[bytes]
    data: Path

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        with self.connect(database) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def connect(self, database: str = "postgres", *, autocommit: bool = True) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="admin", dbname=database, autocommit=autocommit, connect_timeout=20
        )

    def encrypt(self) -> None:
        """Take encrypted connections, with a certificate that nobody knows; the test is skipped without openssl."""
        if shutil.which("openssl") is None:
            pytest.skip("needs openssl")
        key, certificate = self.data / "server.key", self.data / "server.crt"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=elsewhere"]
        subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=120)
        for file in (key, certificate):
            shutil.chown(file, self.data.stat().st_uid)
            file.chmod(0o600)
        self.run("ALTER SYSTEM SET ssl = on")
        self.run("SELECT pg_reload_conf()")
        _wait(self._is_encrypted, psycopg.OperationalError, self.process)

    def _is_encrypted(self) -> None:
        if self.run("SELECT current_setting('ssl')") != [("on",)]:
            raise psycopg.OperationalError("not yet")

    def kill(self) -> None:
        """End the server as a crash of its machine would: at once."""
        self.process.kill()
        self.process.wait(20)


@dataclass
class Redis:
    """A Redis server."""

    port: int
    process: subprocess.Popen[bytes]
    password: str | None = None

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, password=self.password, decode_responses=True)


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A server with an empty database `postgres`; the test is skipped where there are no programs for it."""
    programs = _postgres_programs()
    folder = Path(tempfile.mkdtemp(prefix="digdag-tui-postgres-"))
    user = _server_user()
    if user:
        shutil.chown(folder, *user)
    account: dict[str, Any] = {"user": user[0], "group": user[1], "extra_groups": []} if user else {}
    account |= {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    data = folder / "data"
    try:
        options = ["-A", "trust", "-U", "admin", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run([programs / "initdb", "-D", data, *options], check=True, timeout=120, **account)
        (data / "pg_hba.conf").write_text("host all app all scram-sha-256\nhost all all all trust\n")
        port = free_port()
        command: list[str | Path] = [
            programs / "postgres",
            "-D",
            data,
            "-p",
            str(port),
            "-c",
            "listen_addresses=127.0.0.1",
        ]
        command += ["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "autovacuum=off"]
        with _running(command, **account) as process:
            server = Postgres(port, process, data)
            _wait(lambda: server.run("SELECT 1"), psycopg.OperationalError, process)
            server.run(f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'")
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_server(password: str | None = None) -> Iterator[Redis]:
    """An empty server; the test is skipped where there is no program for it."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs redis-server")
    with tempfile.TemporaryDirectory(prefix="digdag-tui-redis-") as folder:
        port = free_port()
        command: list[str | Path] = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
        command += ["--save", "", *(["--requirepass", password] if password else [])]
        with _running(command, stdout=subprocess.DEVNULL) as process:
            server = Redis(port, process, password)
            with server.client() as client:
                _wait(client.ping, redis.ConnectionError, process)
            yield server


@contextmanager
def _running(command: list[str | Path], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(answers: Any, not_yet: type[Exception], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            answers()
            return
        except not_yet:
            if process.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.05)


def _postgres_programs() -> Path:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not versions:
        pytest.skip("needs PostgreSQL's programs initdb and postgres")
    return versions[-1].parent


def _server_user() -> tuple[int, int] | None:
    """Whom the server runs as: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    pytest.skip("needs a user to run PostgreSQL as: it refuses to be root")


@asynccontextmanager
async def tcp_server(handle: Handler) -> AsyncIterator[int]:
    """The port of a server that does with each connection what `handle` does, and closes it."""
    connections = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        try:
            await handle(reader, writer)
        finally:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        server.close()
        await asyncio.wait_for(asyncio.gather(*filter(None, connections), return_exceptions=True), 60)


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
