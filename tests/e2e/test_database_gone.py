"""The database goes away and comes back: nothing half done, nothing lost, nobody has to do anything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from shared.clock import new_id
from tests.e2e.acting import bereavement, counts, family
from tests.support.database import eventually
from tests.support.platform import run_platform

pytestmark = pytest.mark.e2e
PATH = "/api/intake/applications"


class Line:
    """The line to the database, which can be cut and joined again."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._open: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self.up = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.up:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._to)
        self._open |= {writer, far_writer}
        for pair in ((reader, far_writer), (far_reader, writer)):
            pump = asyncio.create_task(self._pump(*pair))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    def cut(self) -> None:
        self.up = False
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    def join(self) -> None:
        self.up = True


@contextlib.asynccontextmanager
async def line_to(dsn: str) -> AsyncIterator[tuple[Line, str]]:
    address = urlsplit(dsn)
    line = Line(address.hostname or "127.0.0.1", address.port or 5432)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield line, dsn.replace(f":{address.port}/", f":{port}/")
    finally:
        line.cut()
        server.close()


async def test_a_lost_database_is_503_nothing_is_half_done_and_it_goes_on_by_itself(server) -> None:
    async with line_to(await server.new_platform_database()) as (line, dsn), run_platform(dsn) as platform:
        raws = [bereavement(platform, family(platform)) for _ in range(12)]
        keys = [str(new_id()) for _ in raws]
        before = (await platform.post(PATH, raws[0], key=keys[0])).json()

        async def hand_in(n: int):
            return await platform.post(PATH, raws[n], key=keys[n])

        running = [asyncio.create_task(hand_in(n)) for n in range(1, 8)]
        await asyncio.sleep(0.02)  # somewhere in the middle of them
        line.cut()
        during = [*await asyncio.gather(*running), *[await hand_in(n) for n in range(8, 12)]]
        assert {a.status_code for a in during} <= {201, 503}
        gone = [a for a in during if a.status_code == 503]
        assert len(gone) >= 4
        assert all(int(a.headers["Retry-After"]) >= 1 for a in gone)
        assert all(a.headers["content-type"] == "application/problem+json" for a in gone)
        read = await platform.get(f"{PATH}/{before['application_no']}")
        assert (read.status_code, read.headers["Retry-After"] != "") == (503, True)
        assert (await platform.get("/healthz", None)).status_code == 200
        assert (await platform.get("/readyz", None)).status_code == 503

        line.join()
        await eventually(lambda: ready(platform), "the platform to be ready again", 20)
        for n, raw in enumerate(raws):
            again = await platform.post(PATH, raw, key=keys[n])
            assert again.status_code == 201, again.text
            await platform.closed(again.json()["application_no"], 40)
        rows = await counts(platform, "intake.application", "intake.idempotency", "coordinator.case", "intake.parked")
        assert rows == {
            "intake.application": 12,
            "intake.idempotency": 12,
            "coordinator.case": 12,
            "intake.parked": 0,
        }
        assert platform.host.supervisor.failed == {}


async def ready(platform) -> bool:
    return (await platform.get("/readyz", None)).status_code == 200
