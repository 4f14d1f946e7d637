"""The client of the Debug Adapter Protocol against peers of every kind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest

from digdag_tui.debugger.dap_client import LARGEST, DapClient, DapError

Peer: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def message(**fields: Any) -> bytes:
    body = json.dumps(fields).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


async def read(reader: asyncio.StreamReader) -> dict[str, Any]:
    head = await reader.readuntil(b"\r\n\r\n")
    return dict(json.loads(await reader.readexactly(int(head.split(b":")[1]))))


async def with_peer(peer: Peer, use: Callable[[DapClient], Awaitable[None]]) -> list[tuple[str, dict[str, Any]]]:
    """The events that a client got from a peer while it was used."""
    events: list[tuple[str, dict[str, Any]]] = []
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await peer(reader, writer)
        finally:
            writer.close()
            ended.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = await DapClient.connect("127.0.0.1", port, lambda name, body: events.append((name, body)))
        await use(client)
        await client.close()
        await ended.wait()
    return events


async def test_answers_come_in_any_order_with_events_between() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, second = await read(reader), await read(reader)
        assert (first["command"], first["arguments"]) == ("one", {"a": 1})
        answer = message(type="response", request_seq=second["seq"], success=True, body={"for": "two"})
        for piece in (answer[:9], answer[9:], message(type="event", event="output", body={"output": "é"})):
            writer.write(piece)
            await writer.drain()
        writer.write(message(type="response", request_seq=999, success=True))
        writer.write(message(type="response", request_seq=first["seq"], success=True))

    async def use(client: DapClient) -> None:
        one, two = client.send("one", a=1), client.send("two")
        assert await one == {}
        assert await two == {"for": "two"}

    assert await with_peer(peer, use) == [("output", {"output": "é"})]


async def test_a_failure_has_the_adapters_words() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for extra in ({"message": "no such frame"}, {"body": {"error": {"id": 1, "format": "in its words"}}}, {}):
            asked = await read(reader)
            writer.write(message(type="response", request_seq=asked["seq"], success=False, command="scopes", **extra))

    async def use(client: DapClient) -> None:
        for words in ("no such frame", "in its words", "scopes failed"):
            with pytest.raises(DapError, match=words):
                await client.request("scopes", frameId=1)

    await with_peer(peer, use)


async def test_a_late_answer_is_dropped() -> None:
    asked_again = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        late = await read(reader)
        await asked_again.wait()
        asked = await read(reader)
        writer.write(message(type="response", request_seq=late["seq"], success=True, body={"late": True}))
        writer.write(message(type="response", request_seq=asked["seq"], success=True, body={"late": False}))

    async def use(client: DapClient) -> None:
        with pytest.raises(DapError, match=r"did not answer within 0\.01 s \(evaluate\)"):
            await client.request("evaluate", 0.01)
        asked_again.set()
        assert await client.request("evaluate") == {"late": False}

    await with_peer(peer, use)


@pytest.mark.parametrize(
    ("rubbish", "words"),
    [
        (b"", "connection has ended"),
        (b"Content-Length: 12\r\n\r\n{", "connection has ended"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what is no message"),
        (b"Content-Length: x\r\n\r\n", "what is no message"),
        (b"Content-Length: 3\r\n\r\n[1]", "it is no object"),
        (b"Content-Length: 3\r\n\r\n{{{", "what is no message"),
        (b"Content-Length: %d\r\n\r\n" % (LARGEST + 1), "what is no message"),
        (b"x" * 200_000, "what is no message"),
    ],
)
async def test_a_peer_that_ends_or_sends_rubbish_ends_all_that_wait(rubbish: bytes, words: str) -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read(reader)
        writer.write(rubbish)

    async def use(client: DapClient) -> None:
        with pytest.raises(DapError, match=words):
            await client.request("threads")
        assert client.closed.is_set()
        with pytest.raises(DapError, match=words):
            await client.request("threads")

    await with_peer(peer, use)


async def test_a_huge_message() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await read(reader)
        writer.write(message(type="response", request_seq=asked["seq"], success=True, body={"text": "x" * 5_000_000}))

    async def use(client: DapClient) -> None:
        assert len((await client.request("source"))["text"]) == 5_000_000

    await with_peer(peer, use)


async def test_what_an_adapter_asks_of_us_is_refused() -> None:
    refused: list[dict[str, Any]] = []

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await read(reader)
        writer.write(message(type="request", seq=7, command="runInTerminal", arguments={}))
        refused.append(await read(reader))
        writer.write(message(type="response", request_seq=asked["seq"], success=True))

    async def use(client: DapClient) -> None:
        await client.request("launch")

    await with_peer(peer, use)
    assert (refused[0]["request_seq"], refused[0]["success"]) == (7, False)


async def test_nobody_listens() -> None:
    async with await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    with pytest.raises(DapError, match=f"nothing answers on 127.0.0.1:{port}"):
        await DapClient.connect("127.0.0.1", port, lambda name, body: None)
