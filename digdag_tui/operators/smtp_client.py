"""Sending a mail by SMTP, as JavaMail does it and with its words (operators 5.3)."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from ..engine.call import class_words
from ..workflow.errors import TaskExecutionError, TaskRuntimeError
from .java_network import network_failure
from .java_strings import visible

CONNECT_TIMEOUT: Final = 10.0
READ_TIMEOUT: Final = 60.0
"""Seconds."""

LONGEST_ANSWER: Final = 2**18
"""Bytes of one answer of the server."""

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")


class MailError(TaskExecutionError):
    """A mail was not sent."""

    kind = "messaging"

    def __init__(self, message: str, kind: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(visible(message), kind, hint=hint)


class SmtpServer(Struct, frozen=True):
    """A server and how to talk to it: TLS from the start with `ssl`, else with `tls` once the server offers it."""

    host: str
    port: int
    tls: bool = True
    ssl: bool = False
    username: str | None = None
    password: str | None = None


async def send_mail(
    server: SmtpServer,
    sender: str,
    recipients: Sequence[str],
    content: Callable[[], bytes],
    trace: Callable[[str], None] | None = None,
) -> None:
    """Send a mail.

    Args:
        content: gives the message, with any ends of line, when the server has taken all recipients; it may block.
        trace: takes what is said, without passwords.

    Raises:
        MailError: the server did not take it.
        OSError: `content` raised it.
    """
    session = _Session(server, trace or (lambda line: None))
    try:
        await session.open()
        await session.greet()
        await session.authenticate()
        await session.send(sender, recipients, content)
    finally:
        session.close()


class _Session:
    """A conversation with a server; `answer` is its last, each line with its end."""

    def __init__(self, server: SmtpServer, trace: Callable[[str], None]) -> None:
        self.server = server
        self.trace = trace
        self.answer = ""
        self.extensions: dict[str, str] = {}
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Connect, and read the server's first words."""
        host, port = self.server.host, self.server.port
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                self._reader, self._writer = await asyncio.open_connection(host, port)
        except (OSError, OverflowError, UnicodeError) as error:
            milliseconds = round(CONNECT_TIMEOUT * 1000)
            message = f"Couldn't connect to host, port: {host}, {port}; timeout {milliseconds}"
            raise MailError(message, "mail connect") from self._cause(error)
        place = f"{host}, port: {port}"
        if self.server.ssl:
            await self._start_tls(f"Could not connect to SMTP host: {place}")
        code = await self._read()
        if code != 220:
            raise MailError(f"Could not connect to SMTP host: {place}, response: {code}", hint=self._said)

    async def greet(self) -> None:
        """Say hello, and go over to TLS if the server offers it."""
        if not await self._hello() and await self.command(f"HELO {_own_name()}") != 250:
            raise MailError(self.answer)
        if self.server.tls and not self.server.ssl and "STARTTLS" in self.extensions:
            if await self.command("STARTTLS") != 220:
                raise MailError(self.answer)
            await self._start_tls("Could not convert socket to TLS")
            await self._hello()

    async def authenticate(self) -> None:
        """Log in with the first mechanism that both sides know, if the server knows any."""
        user, password = self.server.username, self.server.password or ""
        if user is None or "AUTH" not in self.extensions:
            return
        known = self.extensions["AUTH"].upper().split()
        if "LOGIN" in known:
            code = await self.command("AUTH LOGIN")
            for word in (user, password):
                if code == 334:
                    code = await self.command(_base64(word), secret=True)
        elif "PLAIN" in known:
            code = await self.command("AUTH PLAIN " + _base64(f"{user}\0{user}\0{password}"), secret=True)
        else:
            message = "No authentication mechanisms supported by both server and client"
            raise MailError(message, "authentication failed", hint=f"the server knows {visible(' '.join(known))}")
        if code != 235:
            raise MailError(self.answer, "authentication failed")

    async def send(self, sender: str, recipients: Sequence[str], content: Callable[[], bytes]) -> None:
        """Hand over one mail."""
        await self._must(f"MAIL FROM:<{sender}>", 250)
        refused = None
        for recipient in recipients:
            code = await self.command(f"RCPT TO:<{recipient}>")
            if code not in (250, 251) and not 400 <= code <= 599:
                raise MailError(self.answer, "smtp address failed")
            if code >= 400 and refused is None:
                refused = visible(self.answer)
        if refused is not None:
            cause = TaskRuntimeError(refused, "smtp address failed")
            raise MailError("Invalid Addresses", "send failed", hint=f"the server says {refused.strip()}") from cause
        await self._must("DATA", 354)
        lines = _LINE_END.sub(b"\n", await asyncio.to_thread(content)).removesuffix(b"\n").split(b"\n")
        data = b"".join((b"." if line[:1] == b"." else b"") + line + b"\r\n" for line in lines)
        await self._write(data)
        await self._must(".", 250)
        with contextlib.suppress(MailError):
            await self.command("QUIT")

    async def command(self, line: str, *, secret: bool = False) -> int:
        """Say something and return the code of the answer, -1 where it has none."""
        self.trace("(a secret)" if secret else line)
        await self._write(line.encode("utf-8", "replace") + b"\r\n")
        return await self._read()

    def close(self) -> None:
        if self._writer:
            self._writer.transport.abort()

    @property
    def _said(self) -> str | None:
        answer = visible(self.answer).strip()
        return f"the server says {answer}" if answer else None

    async def _must(self, line: str, code: int) -> None:
        if await self.command(line) != code:
            raise MailError(self.answer, "smtp send failed")

    async def _hello(self) -> bool:
        if await self.command(f"EHLO {_own_name()}") != 250:
            return False
        offers = [line[4:].replace("=", " ", 1).split(" ", 1) for line in self.answer.splitlines()[1:]]
        self.extensions = {}
        for name, *rest in offers:
            self.extensions[name.upper()] = " ".join([self.extensions.get(name.upper(), ""), *rest])
        return True

    async def _start_tls(self, problem: str) -> None:
        assert self._writer is not None
        try:
            context = ssl.create_default_context()
            await self._writer.start_tls(context, server_hostname=self.server.host, ssl_handshake_timeout=READ_TIMEOUT)
        except (OSError, ValueError) as error:
            cause = self._cause(error)
            raise MailError(problem, hint=cause.hint) from cause

    async def _write(self, data: bytes) -> None:
        assert self._writer is not None
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise MailError("Can't send command to SMTP host") from self._cause(error)

    async def _read(self) -> int:
        lines: list[bytes] = []
        size = 0
        try:
            while True:
                async with asyncio.timeout(READ_TIMEOUT):
                    line = await self._reader.readline()
                size += len(line)
                if size > LONGEST_ANSWER:
                    raise ValueError("the answer has no end")
                if line:
                    lines.append(line.rstrip(b"\r\n"))
                if line[3:4] != b"-":
                    break
        except (OSError, ValueError) as error:
            raise MailError("Exception reading response") from self._cause(error)
        text = "".join(line.decode("utf-8", "replace") + "\n" for line in lines)
        self.answer = text or "[EOF]"
        self.trace(visible(self.answer).rstrip("\n"))
        code = text[:3]
        return int(code) if line and code.isascii() and code.isdigit() else -1

    def _cause(self, error: Exception) -> TaskRuntimeError:
        """What went wrong below SMTP."""
        if isinstance(error, TimeoutError):
            return TaskRuntimeError("Read timed out", "socket timeout")
        if not isinstance(error, OSError):
            return TaskRuntimeError(str(error), "io")
        told, hint = network_failure(error, self.server.host)
        name, _, text = told.partition(": ")
        return TaskRuntimeError(text, class_words(name.rpartition(".")[2]), hint=hint)


def _own_name() -> str:
    return re.sub(r"[^A-Za-z0-9.\-]", "", socket.gethostname()) or "localhost"


def _base64(text: str) -> str:
    return b64encode(text.encode("utf-8", "replace")).decode()
