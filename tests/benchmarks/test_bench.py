"""The benchmarks themselves: the floors do what they stand for, the generator hides nothing, the table is written."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import uvicorn

from benchmarks import cases, readme
from benchmarks.bodies import Document, Sizes, document
from benchmarks.cases import Families
from benchmarks.cpu import Parts, Spent
from benchmarks.floor import floor
from benchmarks.flow import Watch
from benchmarks.generator import NO_ANSWER
from benchmarks.kafka_floor import kafka_floor
from benchmarks.load import TOO_MANY, load
from benchmarks.table import Figure, Run, compared
from demo.families import invent_family
from deploy.kafka.local import LocalKafka
from shared.clock import beijing_date
from shared.db.postgres.address import free_port
from tests.support.database import Server, eventually
from tests.support.platform import Platform

SIZES = Sizes(Document(5600, 3900), Document(8000, 5400), Document(3700, 3700))


def parts(server: Server) -> Parts:
    pid = int((server.postgres.cluster / "postmaster.pid").read_text().split()[0])
    return Parts((os.getpid(),), pid)


# --- the floors -------------------------------------------------------------------------------------------------------


async def test_the_floor_closes_every_case_it_counts(server: Server, dsn: str) -> None:
    async with floor(dsn, SIZES) as made:
        run = await made.run(40, parts(server))
    assert run.cases == 40
    assert run.spent.python > 0
    assert run.spent.postgres > 0
    conn = await asyncpg.connect(dsn)
    assert await conn.fetchval("SELECT count(*) FROM floor.application WHERE status = 'closed'") == 40
    assert await conn.fetchval("SELECT count(*) FROM floor.item WHERE phase = 'settled'") == 120
    await conn.close()


async def test_the_floor_on_kafka_closes_every_case_it_counts_and_leaves_nothing_unsent(
    server: Server, dsn: str, kafka: LocalKafka
) -> None:
    conn = await asyncpg.connect(dsn)

    async def all_settled() -> bool:
        settled = await conn.fetchval("SELECT count(*) FROM floor.item WHERE phase = 'settled'")
        left = await conn.fetchval("SELECT count(*) FROM floor.window_outbox")
        return settled == 3 * 120 and left == 0

    async with kafka_floor(dsn, kafka.servers, SIZES) as made:
        assert (await made.run(119, parts(server))).cases == 119
        assert len(await made.latency(1)) == 1
        await eventually(all_settled, "every item to be settled")
    assert await conn.fetchval("SELECT count(*) FROM floor.application WHERE status = 'closed'") == 120
    await conn.close()


async def test_a_floors_document_is_as_large_on_disk_as_it_says(dsn: str) -> None:
    conn = await asyncpg.connect(dsn)
    await conn.execute("CREATE TABLE kept (body json)")
    for size in (SIZES.application, SIZES.case, SIZES.item):
        await conn.execute("INSERT INTO kept VALUES ($1)", document(size))
        text, stored = (await conn.fetch("SELECT length(body::text), pg_column_size(body) FROM kept"))[-1]
        assert abs(text - size.text) < 50
        assert abs(stored - size.stored) < 0.05 * size.stored
    await conn.close()


# --- the generator ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def answering(status: Callable[[int], int], seconds: float = 0.0) -> AsyncIterator[int]:
    """A server that takes one request after the other, each so many seconds; its port."""
    turn, count = asyncio.Lock(), 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        while head := await read_head(reader):
            length = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
            await reader.readexactly(int(length.partition(b":")[2]))
            async with turn:
                await asyncio.sleep(seconds)  # how slow it is: nothing is waited for
            number, count = count, count + 1
            body = b'{"case_id": "00000000-0000-0000-0000-000000000001"}'
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status(number), len(body), body))
        writer.close()

    async def read_head(reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_time_spent_waiting_for_a_slow_platform_counts_from_the_intended_moment() -> None:
    async with answering(lambda _: 201, seconds=0.02) as port:
        found = await load(port, "token", [{}] * 50, rate=1000)
    assert len(found.cases) == 50
    # All were due within 50 ms; the last is answered after fifty turns, though its own took 20 ms.
    assert max(one.ms for one in found.sent) > 50 * 20 - 100


async def test_refusals_and_failures_are_counted_apart() -> None:
    async with answering(lambda number: (201, TOO_MANY, 500)[number % 3]) as port:
        found = await load(port, "token", [{}] * 30, rate=1000)
    assert (len(found.cases), found.refused, found.failed) == (10, 10, 10)


async def test_an_unanswered_application_is_a_failure() -> None:
    found = await load(free_port(), "token", [{}] * 5, rate=1000)
    assert (found.failed, {one.status for one in found.sent}) == (5, {NO_ANSWER})


async def test_applications_of_the_generator_are_handled_to_their_end(platform: Platform) -> None:
    port = free_port()
    config = uvicorn.Config(platform.app, port=port, log_level="warning", lifespan="off")
    uvicorn_server = uvicorn.Server(config)
    serving = asyncio.create_task(uvicorn_server.serve())
    await eventually(lambda: uvicorn_server.started, "the server to listen")
    try:
        async with platform.client("clerk") as client:
            token = client.headers["Authorization"].removeprefix("Bearer ")
        found = await load(port, token, Families(beijing_date(platform.host.clock.now())).stops(6), rate=20)
        assert len(found.cases) == 6, found.sent
        async with platform.host.db.connection() as conn:
            await Watch(conn).until_closed(*found.cases)
    finally:
        uvicorn_server.should_exit = True
        await serving


def test_no_two_applications_are_about_the_same_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "invent_family", lambda seed, today: invent_family(seed // 2, today))
    families = Families()
    people = [body["subject"]["id_no"] for body in families.stops(20) + families.bundles(20)]
    assert len(set(people)) == 40


# --- the table --------------------------------------------------------------------------------------------------------


def test_either_ratio_is_better_when_it_is_larger() -> None:
    floor_run, ours = Run(100, 1, Spent(0.1, 0.1)), Run(100, 4, Spent(0.6, 0.2))
    speed, cost = compared("x", "甲", ours, floor_run)
    assert (speed.ours, speed.floor, speed.ratio) == ("25", "100", "0.25")
    assert (cost.ours, cost.ratio) == ("8.00 = Python 6.00 + PostgreSQL 2.00", "0.25")


def test_the_table_replaces_the_old_one_in_both_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readme, "ROOT", tmp_path)
    for name in readme.HEADS:
        (tmp_path / name).write_text(f"before\n{readme.START}| old |\n{readme.END}\nafter\n", encoding="utf-8")
    readme.write_tables([Figure("speed", "速度", "1", "2", "0.5", "≥ 1")])
    for name, line in (("README.md", "| speed | 1 |"), ("README.zh-CN.md", "| 速度 | 1 |")):
        table = f"{readme.HEADS[name]}\n|---|---|---|---|---|\n{line} 2 | 0.5 | ≥ 1 |\n"
        expected = f"before\n{readme.START}{table}{readme.END}\nafter\n"
        assert (tmp_path / name).read_text(encoding="utf-8") == expected
