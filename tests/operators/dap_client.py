"""The least of a client of the Debug Adapter Protocol."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any


class DapClient:
    """Talks to one adapter; messages that nobody waits for yet are kept, and no request may fail."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._number = 0
        self._kept: list[dict[str, Any]] = []

    @classmethod
    async def attach(cls, host: str, port: int, breakpoints: dict[Path, list[int]]) -> DapClient:
        """Connect, set breakpoints and let the program start."""
        client = cls(*await asyncio.open_connection(host, port))
        await client.ask("initialize", adapterID="test", pathFormat="path", linesStartAt1=True, columnsStartAt1=True)
        attached = client.send("attach", justMyCode=True)
        await client.event("initialized")
        for path, lines in breakpoints.items():
            found = await client.ask(
                "setBreakpoints", source={"path": str(path)}, breakpoints=[{"line": line} for line in lines]
            )
            assert all(point["verified"] for point in found["breakpoints"])
        await client.ask("configurationDone")
        await client.answer(attached)
        return client

    def send(self, command: str, **arguments: Any) -> int:
        """Send a request and return its number."""
        self._number += 1
        request = {"seq": self._number, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(request).encode()
        self._writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return self._number

    async def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        return await self.answer(self.send(command, **arguments))

    async def answer(self, number: int) -> dict[str, Any]:
        """The body of the answer to a request."""
        return dict((await self._wait({"type": "response", "request_seq": number})).get("body") or {})

    async def event(self, name: str) -> dict[str, Any]:
        """The body of the next event of that name."""
        return dict((await self._wait({"type": "event", "event": name})).get("body") or {})

    async def hang_up(self) -> None:
        """Break the connection off."""
        self._writer.close()
        await self._writer.wait_closed()

    async def close(self) -> None:
        await self.ask("disconnect")
        await self.hang_up()

    async def _wait(self, wanted: dict[str, Any]) -> dict[str, Any]:
        while True:
            for message in self._kept:
                if wanted.items() <= message.items():
                    self._kept.remove(message)
                    return message
            async with asyncio.timeout(60):
                head = await self._reader.readuntil(b"\r\n\r\n")
                message = json.loads(await self._reader.readexactly(int(head.split(b":")[1])))
            assert message.get("success", True), message
            self._kept.append(message)
