"""A small HTTP client that costs little: kept connections, one request at a time on each, bodies made beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
from httptools import HttpResponseParser

from shared.clock import monotonic

SECONDS = 30.0
"""A request unanswered so long has failed."""

MOST = 256
"""Connections at once; a further request waits for one, and its waiting counts."""


IDLE_SECONDS = 2.0
"""A connection idle for longer is not used again: the server closes them after five."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body's content."""
        return orjson.loads(self.body)


class Client:
    """Speaks to one port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[_Connection] = []
        self._room = asyncio.Semaphore(MOST)

    async def call(self, request: bytes) -> Answer:
        """The answer; raises `OSError` (`TimeoutError` among them) when there is none."""
        async with self._room, asyncio.timeout(SECONDS):
            connection = self._kept() or await self._connect()
            try:
                answer = await connection.call(request)
            except BaseException:
                connection.close()
                raise
            if connection.usable:
                self._idle.append(connection)
            return answer

    def _kept(self) -> _Connection | None:
        """The connection used last, unless the server may be about to close it."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and monotonic() - connection.used_at < IDLE_SECONDS:
                return connection
            connection.close()
        return None

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, "127.0.0.1", self._port)
        return connection

    def close(self) -> None:
        """Hangs up."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.usable = False
        self.used_at = monotonic()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._parser = HttpResponseParser(self)
        self._body: list[bytes] = []

    async def call(self, request: bytes) -> Answer:
        if self._transport is None or not self.usable:
            raise ConnectionResetError("the connection was closed while idle")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        self.usable = False
        if self._transport is not None:
            self._transport.close()

    # --- what asyncio calls -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.usable = cast("asyncio.Transport", transport), True

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionResetError("closed before it answered"))

    # --- what the parser calls --------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._body.clear()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        self.usable = self.usable and self._parser.should_keep_alive()
        self.used_at = monotonic()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(Answer(self._parser.get_status_code(), b"".join(self._body)))


def request(method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """A whole request as it goes over the wire."""
    given = {"Host": "127.0.0.1", "Content-Length": str(len(body)), **(headers or {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode() + body
