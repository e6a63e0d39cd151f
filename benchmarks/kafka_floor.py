"""The floor on Kafka: the same rows and messages by hand-written aiokafka and asyncpg, in batches of a hundred.

One window that accepts and shows, one coordinator, three services; each hop is a batch from the topic, one transaction
(rows by `unnest`, what was seen, the outbox), a relay that publishes the outbox pipelined and removes it, the
positions committed after. It checks nothing, seals nothing, asks nobody.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

import asyncpg

from benchmarks.bodies import Sizes, document, noise
from benchmarks.cpu import Parts
from benchmarks.kafka_floor_post import BATCH, Letter, Post, make_topics
from benchmarks.table import Run
from shared.clock import monotonic, new_id

MATTERS = ("elderly", "assistance", "marriage")
MOST_OPEN = 2000
"""Enough for full batches on every hop: this floor is fastest so."""

TO_COORDINATOR, TO_ALL = "coordinator.requests", "coordinator.events"
TO_SERVICE = {matter: f"{matter}.requests" for matter in MATTERS}
FROM_SERVICE = {matter: f"{matter}.answers" for matter in MATTERS}
SUBMITTED, REQUESTED, DECIDED, SETTLED, CLOSED = 3791, 1387, 630, 128, 2877
"""Bytes of each message as ours writes it."""

SCHEMA = """
CREATE SCHEMA floor;
CREATE TABLE floor.application (id uuid PRIMARY KEY, version int NOT NULL, number text UNIQUE NOT NULL,
    status text NOT NULL, body json NOT NULL);
CREATE TABLE floor.cases (id uuid PRIMARY KEY, version int NOT NULL, status text NOT NULL, joined int NOT NULL,
    body json NOT NULL);
CREATE TABLE floor.item (case_id uuid NOT NULL, matter text NOT NULL, version int NOT NULL, phase text NOT NULL,
    body json NOT NULL, PRIMARY KEY (case_id, matter));
CREATE TABLE floor.timeline (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, case_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(), line text NOT NULL);
CREATE TABLE floor.audit (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(), actor text NOT NULL, action text NOT NULL, row_id text NOT NULL);
CREATE TABLE floor.holding (person text NOT NULL, matter text NOT NULL, case_id uuid NOT NULL, state text NOT NULL,
    PRIMARY KEY (person, matter));
CREATE INDEX ON floor.holding (case_id);
"""


class Window:
    """Accepts applications, and shows what became of them."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], post: Post, sizes: Sizes) -> None:
        self._pool, self._post = pool, post
        self._body, self._letter = document(sizes.application), noise(SUBMITTED).encode()
        self.open: set[UUID] = set()
        self.moved = asyncio.Event()

    async def accept(self, count: int) -> None:
        """So many applications in one transaction."""
        cases = [new_id() for _ in range(count)]
        self.open.update(cases)
        async with self._pool.acquire() as conn, conn.transaction():
            await conn.execute(
                "INSERT INTO floor.application SELECT id, 1, id::text, 'submitted', body::json"
                " FROM unnest($1::uuid[], $2::text[]) AS new (id, body)",
                cases,
                [self._body] * count,
            )
            await conn.execute(
                "INSERT INTO floor.holding SELECT id::text, matter, id, 'live'"
                " FROM unnest($1::uuid[]) AS id, unnest($2::text[]) AS matter",
                cases,
                list(MATTERS),
            )
            await _lines(conn, cases, "accepted")
            await self._post.write(conn, [Letter(TO_COORDINATOR, case, self._letter) for case in cases])
        self._post.wake()

    async def take(self, conn: asyncpg.Connection, letters: Sequence[Letter]) -> list[Letter]:
        """Closed cases are shown as closed."""
        cases = [letter.case for letter in letters]
        await conn.execute(
            "UPDATE floor.application a SET status = 'closed', version = version + 1, body = new.body::json"
            " FROM unnest($1::uuid[], $2::text[]) AS new (id, body) WHERE a.id = new.id",
            cases,
            [self._body] * len(cases),
        )
        await conn.execute("UPDATE floor.holding SET state = 'granted' WHERE case_id = ANY($1)", cases)
        await _lines(conn, cases, "closed")
        return []

    def committed(self, letters: Sequence[Letter]) -> None:
        """After the commit: these are no longer open."""
        self.open.difference_update(letter.case for letter in letters)
        self.moved.set()


class Coordinator:
    """Dispatches each case's items and joins what comes back."""

    def __init__(self, sizes: Sizes) -> None:
        self._body = document(sizes.case)
        self._requested, self._settled, self._closed = (noise(n).encode() for n in (REQUESTED, SETTLED, CLOSED))

    async def take(self, conn: asyncpg.Connection, letters: Sequence[Letter]) -> list[Letter]:
        """Both kinds of letter, in one transaction."""
        new = [letter.case for letter in letters if letter.topic == TO_COORDINATOR]
        decided = [letter for letter in letters if letter.topic != TO_COORDINATOR]
        return [*await self._open(conn, new), *await self._join(conn, decided)]

    async def _open(self, conn: asyncpg.Connection, cases: list[UUID]) -> list[Letter]:
        if not cases:
            return []
        await conn.execute(
            "INSERT INTO floor.cases SELECT id, 1, 'open', 0, body::json"
            " FROM unnest($1::uuid[], $2::text[]) AS new (id, body)",
            cases,
            [self._body] * len(cases),
        )
        await _lines(conn, cases, "dispatched")
        return [Letter(TO_SERVICE[m], case, self._requested) for case in cases for m in MATTERS]

    async def _join(self, conn: asyncpg.Connection, decided: list[Letter]) -> list[Letter]:
        if not decided:
            return []
        came = Counter(letter.case for letter in decided)
        rows = await conn.fetch(
            "SELECT id, joined, body FROM floor.cases WHERE id = ANY($1) ORDER BY id FOR UPDATE", list(came)
        )
        joined = {row["id"]: row["joined"] + came[row["id"]] for row in rows}
        await conn.execute(
            "UPDATE floor.cases c SET joined = new.joined, version = version + 1, body = new.body::json,"
            " status = CASE WHEN new.joined = 3 THEN 'closed' ELSE 'open' END"
            " FROM unnest($1::uuid[], $2::int[], $3::text[]) AS new (id, joined, body) WHERE c.id = new.id",
            list(joined),
            list(joined.values()),
            [self._body] * len(joined),
        )
        await _lines(conn, [letter.case for letter in decided], "joined")
        settled = [Letter(TO_SERVICE[_matter(d.topic)], d.case, self._settled) for d in decided]
        return settled + [Letter(TO_ALL, case, self._closed) for case, n in joined.items() if n == len(MATTERS)]


class Service:
    """Decides its item as soon as it is asked for it."""

    def __init__(self, matter: str, sizes: Sizes) -> None:
        self._matter, self._body, self._decided = matter, document(sizes.item), noise(DECIDED).encode()

    async def take(self, conn: asyncpg.Connection, letters: Sequence[Letter]) -> list[Letter]:
        """Requests are decided, settlements put into force."""
        asked = [letter.case for letter in letters if len(letter.data) != SETTLED]
        settled = [letter.case for letter in letters if len(letter.data) == SETTLED]
        await conn.execute(
            "INSERT INTO floor.item SELECT id, $2, 1, 'decided', body::json"
            " FROM unnest($1::uuid[], $3::text[]) AS new (id, body)",
            asked,
            self._matter,
            [self._body] * len(asked),
        )
        await conn.execute(
            "UPDATE floor.item SET phase = 'settled', version = version + 1 WHERE case_id = ANY($1) AND matter = $2",
            settled,
            self._matter,
        )
        await _notes(conn, [letter.case for letter in letters], "decided")
        return [Letter(FROM_SERVICE[self._matter], case, self._decided) for case in asked]


def _matter(topic: str) -> str:
    return topic.partition(".")[0]


async def _lines(conn: asyncpg.Connection, cases: Sequence[UUID], text: str) -> None:
    await conn.execute("INSERT INTO floor.timeline (case_id, line) SELECT unnest($1::uuid[]), $2", cases, text)
    await _notes(conn, cases, text)


async def _notes(conn: asyncpg.Connection, rows: Sequence[UUID], action: str) -> None:
    await conn.execute(
        "INSERT INTO floor.audit (actor, action, row_id) SELECT 'floor', $2, unnest($1::uuid[])::text", rows, action
    )


class KafkaFloor:
    """Five hand-written services at work."""

    def __init__(self, window: Window) -> None:
        self._window = window

    async def run(self, cases: int, parts: Parts) -> Run:
        """From the first accepted until the last is shown closed."""
        before, started = parts.spent(), monotonic()
        await self._close(cases, MOST_OPEN)
        return Run(cases, monotonic() - started, parts.spent() - before)

    async def latency(self, cases: int) -> list[float]:
        """Milliseconds from accepted to closed, one case at a time."""
        found = []
        for _ in range(cases):
            started = monotonic()
            await self._close(1, 1)
            found.append((monotonic() - started) * 1000)
        return found

    async def _close(self, cases: int, most: int) -> None:
        window = self._window
        while cases or window.open:
            window.moved.clear()
            count = min(BATCH, cases, most - len(window.open))
            if count > 0:
                await window.accept(count)
                cases -= count
            else:
                await window.moved.wait()


@asynccontextmanager
async def kafka_floor(dsn: str, servers: str, sizes: Sizes) -> AsyncIterator[KafkaFloor]:
    """Its tables, topics and services; everything in this process, as ours is."""
    topics = [TO_COORDINATOR, TO_ALL, *TO_SERVICE.values(), *FROM_SERVICE.values()]
    await make_topics(servers, topics)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(asyncpg.create_pool(dsn, min_size=10, max_size=12))
        await pool.execute(SCHEMA)
        post = Post(pool, servers, "window")
        window = Window(pool, post, sizes)
        await stack.enter_async_context(post.running([TO_ALL], window.take, window.committed))
        coordinator = Post(pool, servers, "coordinator")
        await stack.enter_async_context(
            coordinator.running([TO_COORDINATOR, *FROM_SERVICE.values()], Coordinator(sizes).take)
        )
        for matter in MATTERS:
            service = Post(pool, servers, matter)
            await stack.enter_async_context(service.running([TO_SERVICE[matter]], Service(matter, sizes).take))
        yield KafkaFloor(window)
