"""A client of the Debug Adapter Protocol: requests out, answers and events in, over one connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable
from typing import Any, Final, TypeAlias

Body: TypeAlias = dict[str, Any]

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of the longest message that is read."""

GONE: Final = "the debugger's connection has ended"


class DapError(Exception):
    """A request that failed, in the adapter's words, or that no answer can come to any more."""


class DapClient:
    """One connection to an adapter; everything happens in the event loop in which it was made.

    Requests whose caller does not wait any more are answered in vain. When the peer goes away or sends what is no
    message, all that wait get a DapError, and `closed` is set.

    Args:
        on_event: called with the name and the body of each event, in the order in which they come.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_event: Callable[[str, Body], None]
    ) -> None:
        self.closed = asyncio.Event()
        self.reason = GONE
        """Why there is no connection any more."""
        self._reader, self._writer = reader, writer
        self._on_event = on_event
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Body]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, host: str, port: int, on_event: Callable[[str, Body], None]) -> DapClient:
        """Connect to an adapter that listens.

        Raises:
            DapError: nobody does.
        """
        try:
            reader, writer = await asyncio.open_connection(host, port)
        except OSError as error:
            raise DapError(f"nothing answers on {host}:{port} ({error.strerror or error})") from None
        return cls(reader, writer, on_event)

    async def request(self, command: str, timeout: float | None = 30, /, **arguments: Any) -> Body:
        """The body of the answer to a request; `timeout` is in seconds.

        Raises:
            DapError: the request failed, no answer came in time, or the connection has ended.
        """
        try:
            async with asyncio.timeout(timeout):
                return await self.send(command, **arguments)
        except TimeoutError:
            raise DapError(f"the debugger did not answer within {timeout:g} s ({command})") from None

    def send(self, command: str, **arguments: Any) -> asyncio.Future[Body]:
        """Send a request without waiting; the future gets the body of its answer, or a DapError."""
        answer: asyncio.Future[Body] = asyncio.get_running_loop().create_future()
        if self.closed.is_set():
            answer.set_exception(DapError(self.reason))
            return answer
        number = self._write({"type": "request", "command": command, "arguments": arguments})
        self._waiting[number] = answer
        answer.add_done_callback(lambda _: self._waiting.pop(number, None))
        return answer

    async def close(self) -> None:
        """End the connection."""
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def _write(self, message: Body) -> int:
        self._number += 1
        body = json.dumps({"seq": self._number, **message}).encode()
        self._writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return self._number

    async def _read(self) -> None:
        try:
            while True:
                self._take(await self._message())
        except (asyncio.IncompleteReadError, OSError):
            pass
        except (ValueError, asyncio.LimitOverrunError) as error:
            self.reason = f"the debugger sent what is no message: {error}"
        finally:
            self.closed.set()
            self._writer.close()
            for answer in list(self._waiting.values()):
                if not answer.done():
                    answer.set_exception(DapError(self.reason))
                    answer.exception()  # known: who does not wait any more is not told

    async def _message(self) -> Body:
        """The next message.

        Raises:
            ValueError: what comes is none.
        """
        self._acknowledge_at_once()
        head = await self._reader.readuntil(b"\r\n\r\n")
        self._acknowledge_at_once()
        fields = dict(line.split(b":", 1) for line in head.split(b"\r\n") if b":" in line)
        length = int(fields.get(b"Content-Length", b"").strip() or b"-1")
        if not 0 <= length <= LARGEST:
            raise ValueError(f"its length is {length:,} bytes" if length > 0 else "it has no length")
        message = json.loads(await self._reader.readexactly(length))
        if not isinstance(message, dict):
            raise ValueError("it is no object")
        return message

    def _acknowledge_at_once(self) -> None:
        """debugpy sends a message's head alone, and its body once that is acknowledged, which may take 40 ms."""
        connection = self._writer.get_extra_info("socket")
        if connection is not None and hasattr(socket, "TCP_QUICKACK"):
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _take(self, message: Body) -> None:
        match message:
            case {"type": "response", "request_seq": int(number)}:
                answer = self._waiting.get(number)
                if answer is None or answer.done():
                    return
                if message.get("success"):
                    answer.set_result(_body(message))
                else:
                    answer.set_exception(DapError(_problem(message)))
            case {"type": "event", "event": str(name)}:
                self._on_event(name, _body(message))
            case {"type": "request", "seq": seq, "command": command}:
                refusal = {"success": False, "message": f"{command} is not supported"}
                self._write({"type": "response", "request_seq": seq, "command": command, **refusal})
            case _:
                pass


def _body(message: Body) -> Body:
    body = message.get("body")
    return body if isinstance(body, dict) else {}


def _problem(message: Body) -> str:
    """What an answer says about a failure: in the words for a person, where there are any."""
    error = _body(message).get("error")
    said = error.get("format") if isinstance(error, dict) else None
    return str(said or message.get("message") or f"{message.get('command', 'the request')} failed").strip()
