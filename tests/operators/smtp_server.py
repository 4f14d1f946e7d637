"""Mail servers on loopback: one that takes mail, and one that says exactly what a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

REFUSED = "refused@example.com"


class Mailbox:
    """What a server took, and what clients did on the way."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.logins: list[tuple[str, str, str]] = []
        self.secure: list[bool] = []
        self.port = 0

    @property
    def envelope(self) -> Envelope:
        assert len(self.envelopes) == 1
        return self.envelopes[0]

    @property
    def content(self) -> bytes:
        content = self.envelope.original_content
        assert content is not None
        return content

    @property
    def message(self) -> EmailMessage:
        message = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message

    @property
    def text(self) -> str:
        text = self.message.get_content()
        assert isinstance(text, str)
        return text.replace("\r\n", "\n")


class _Handler:
    """What aiosmtpd asks."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, to: str, _: list[str]) -> str:
        if to == REFUSED:
            return "550 5.1.1 no such user\x1b[2J"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self._mailbox.envelopes.append(envelope)
        self._mailbox.secure.append(session.ssl is not None)
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, _: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        user, password = data.login.decode(), data.password.decode()
        self._mailbox.logins.append((mechanism, user, password))
        return AuthResult(success=password == "right", handled=False)


@contextlib.contextmanager
def receiving(**options: Any) -> Iterator[Mailbox]:
    """A server while the block runs; `ssl_context` is for TLS from the start, the other options are aiosmtpd's."""
    mailbox = Mailbox()
    handler = _Handler(mailbox)
    ssl_context = options.pop("ssl_context", None)
    loop = asyncio.new_event_loop()

    def session() -> SMTP:
        return SMTP(handler, authenticator=handler.authenticate, **options)

    async def serve() -> asyncio.Server:
        server = await loop.create_server(session, "127.0.0.1", 0, ssl=ssl_context)
        mailbox.port = server.sockets[0].getsockname()[1]
        return server

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(serve(), loop).result(20)
    try:
        yield mailbox
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await server.wait_closed()


class Script:
    """A server that says `words` one after the other, the first at once, and then goes away, or waits if `waits`."""

    def __init__(self, *words: bytes, waits: bool = False, context: ssl.SSLContext | None = None) -> None:
        self.heard: list[bytes] = []
        self.connected = threading.Event()
        self.gone = threading.Event()
        self._words = words
        self._waits = waits
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(20)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Script:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._thread.join(20)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._socket.accept()
            with connection:
                connection.settimeout(20)
                self._talk(connection)
        self.gone.set()

    def _talk(self, connection: socket.socket) -> None:
        for place, words in enumerate(self._words):
            if place:
                self.heard.append(connection.recv(65536))
            connection.sendall(words)
            self.connected.set()
        if not self._waits:
            connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
