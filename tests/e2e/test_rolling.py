"""A process a service on Kafka: copies, a rolling release, a killed service, a database that one service misses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from deploy.kafka.local import LocalKafka
from shared.config import Settings
from shared.db.postgres.address import free_port
from shared.runtime.host import Host
from tests.e2e.acting import ended, family, hand_in
from tests.support.apart import COPIES, Remote
from tests.support.database import Server, eventually
from tests.support.kafka import own_url
from tests.support.platform import NOW, Hosted

pytestmark = pytest.mark.e2e
PACE = 0.1
"""Seconds between two applications of a window: enough of them meet every process that ends."""


@pytest.mark.timeout(600)
async def test_a_rolling_release_of_services_with_copies_is_noticed_by_nobody(apart: Remote) -> None:
    """Applications are handed in all the while, each once; none is refused, and all close."""
    handed_in: list[str] = []
    rolled = asyncio.Event()

    async def keep_handing_in() -> None:
        while not rolled.is_set():
            handed_in.append((await hand_in(apart, family(apart)))["application_no"])
            await asyncio.sleep(PACE)

    handing_in = asyncio.create_task(keep_handing_in())
    await eventually(lambda: handed_in or handing_in.done(), "the first application")
    back = await asyncio.to_thread(lambda: list(apart.house.roll([*COPIES, "coordinator"])))
    rolled.set()
    await handing_in
    assert [program.ended for program in back] == [0] * 5, "a process that is asked to end ends cleanly"
    for number in handed_in:
        assert (await ended(apart, number, 60))["outcome"] == "approved"


@pytest.mark.timeout(600)
async def test_a_killed_service_is_only_missed_until_it_is_back(apart: Remote) -> None:
    apart.house.kill("elderly")
    given = await hand_in(apart, family(apart))
    away = await apart.get("/api/elderly/tasks", "handler")
    assert (away.status_code, away.json()["code"], away.headers["retry-after"]) == (503, "SERVICE_AWAY", "2")
    await asyncio.to_thread(apart.house.start_services, ["elderly"])
    assert (await ended(apart, given["application_no"], 60))["outcome"] == "approved"


async def test_the_whole_api_is_described_by_any_process(apart: Remote) -> None:
    described = (await apart.get("/openapi.json", None)).json()["paths"]
    assert {"/api/intake/applications", "/api/funeral/cremations", "/api/auth/token"} <= described.keys()
    assert (await apart.get("/metrics", None)).status_code == httpx.codes.NOT_FOUND


@asynccontextmanager
async def passage(port: int, dsn: str) -> AsyncIterator[None]:
    """Makes the database answer on this port, too."""
    host, _, real = dsn.rpartition("@")[2].partition("/")[0].partition(":")

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond, back = await asyncio.open_connection(host, int(real))
        await asyncio.gather(pump(reader, back), pump(beyond, writer), return_exceptions=True)

    server = await asyncio.start_server(join, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


async def test_a_database_that_is_away_holds_up_its_own_service_only(
    server: Server, kafka: LocalKafka, tmp_path: Path
) -> None:
    home, own, port = await server.new_database(), await server.new_database(), free_port()
    away = own.replace(own.rpartition("@")[2].partition("/")[0], f"127.0.0.1:{port}")
    settings = Settings(
        database_url=home,
        database_urls={"elderly": away},
        keys=tmp_path / "keys",
        demo=True,
        clock=f"virtual:{NOW}@1",
        bus=own_url(kafka),
    )
    async with Host(settings).running() as host:
        platform = Hosted(host)
        given = await hand_in(platform, family(platform))
        ready = await platform.get("/readyz", None)
        assert (ready.status_code, ready.json()["services"]["intake"]) == (503, "ready")
        assert "database" in ready.json()["services"]["elderly"]
        assert (await platform.get("/api/elderly/tasks", "handler")).status_code == 503
        async with passage(port, own):
            assert (await ended(platform, given["application_no"], 60))["outcome"] == "approved"
            assert (await platform.get("/readyz", None)).status_code == 200
            await host.stop()
