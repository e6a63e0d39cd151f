"""Any order of deliveries, repeats, crashes, copies, poison and retries: every message has its effect once, in order."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared import failpoints
from shared.clock import new_id
from shared.db.engine import Database
from shared.delivery.parking import RETRY
from tests.support.database import Server, eventually
from tests.support.toy import ANSWERS, REQUESTS, SERVICE, Add, Toy, create_schema, request

WHO = st.integers(0, 2)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), WHO, st.integers(1, 4)),
        st.tuples(st.just("poison"), WHO),
        st.tuples(st.just("again"), WHO, st.integers(1, 6)),
        st.tuples(st.just("reset")),
        st.tuples(st.just("restart"), st.integers(0, 1)),
        st.tuples(st.just("mend")),
        st.tuples(
            st.just("crash"), st.sampled_from(["unit.before_commit", "unit.after_commit", "position.before_commit"])
        ),
        st.tuples(st.just("pass"), st.integers(1, 20)),
    ),
    max_size=14,
)


class Bench:
    """A database with the toy service's schema and a loop of its own, for all examples."""

    def __init__(self, server: Server, keys: Path) -> None:
        self.runner = asyncio.Runner()
        self.keys = keys
        self.db = Database(self.runner.run(server.new_database()), 12)
        self.runner.run(self._open())

    async def _open(self) -> None:
        await self.db.open()
        await create_schema(self.db, SERVICE)

    def close(self) -> None:
        self.runner.run(self.db.close())
        self.runner.close()


@pytest.fixture(scope="module")
def bench(server: Server) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        made = Bench(server, Path(folder) / "keys")
        yield made
        made.close()


class Play:
    """One example: three streams of additions, and one or two copies of the service that work on them."""

    def __init__(self, bench: Bench, direct: bool) -> None:
        self.bench, self.direct = bench, direct
        self.ids = [new_id() for _ in range(3)]
        self.published: dict[UUID, list[Add]] = {i: [] for i in self.ids}
        self.copies: list[Toy] = []
        self.start: list[tuple[str, int, int]] = []

    async def run(self, actions: Sequence[tuple]) -> None:
        await self.restart(0)
        await self.restart(1)
        rows = await self.copies[0].fetch("SELECT topic, partition, next_offset FROM bus.head")
        self.start = [tuple(row) for row in rows]
        try:
            for name, *rest in actions:
                await getattr(self, name if name != "pass" else "idle")(*rest)
            failpoints.arm("")
            await eventually(self.all_counted, "every message to be counted", 60)
            await self.once_and_in_order()
        finally:
            failpoints.arm("")
            for copy in self.copies:
                await copy.stop()

    # --- what may happen ---

    async def publish(self, who: int, count: int) -> None:
        for _ in range(count):
            await self._next(who, Add(n=len(self.published[self.ids[who]]) + 1))

    async def poison(self, who: int) -> None:
        await self._next(who, Add(n=len(self.published[self.ids[who]]) + 1, poison=True))

    async def _next(self, who: int, message: Add) -> None:
        identity = self.ids[who]
        self.published[identity].append(message)
        await self.copies[0].send((identity, len(self.published[identity]), message))

    async def again(self, who: int, count: int) -> None:
        """The last so many messages are delivered a second time."""
        identity = self.ids[who]
        everything = list(enumerate(self.published[identity], 1))
        await self.copies[0].bus.publish([request(identity, v, m) for v, m in everything[-count:]])

    async def reset(self) -> None:
        """Everything of this example is delivered again, under the eyes of whoever is reading."""
        async with self.bench.db.connection() as conn:
            await conn.executemany(
                "UPDATE bus.cursor SET position = $3, owner = NULL, epoch = epoch + 1"
                " WHERE topic = $1 AND partition = $2 AND position > $3",
                self.start,
            )

    async def restart(self, which: int) -> None:
        if which < len(self.copies):
            await self.copies[which].stop()
        made = Toy(self.bench.db, self.bench.keys, direct=self.direct)
        await made.start(schema=False)
        self.copies[which : which + 1] = [made]

    async def crash(self, failpoint: str) -> None:
        failpoints.arm(f"toy/{failpoint}=error")

    async def idle(self, hundredths: int) -> None:
        await asyncio.sleep(hundredths / 100)

    async def mend(self) -> None:
        """The defect behind every parked message is mended, and an operator has each retried."""
        async with self.bench.db.connection() as conn:
            await conn.execute(
                "UPDATE toy.parked SET data = convert_to(jsonb_set(convert_from(data, 'UTF8')::jsonb, '{poison}',"
                " 'false')::text, 'UTF8')"
            )
        for row in await self.copies[0].service.parking.listing():
            await self.copies[0].service.parking.mark(row["seq"], RETRY)
        for copy in self.copies:
            assert copy.service.consumer is not None
            copy.service.consumer._refreshed = None

    # --- what must hold ---

    async def all_counted(self) -> bool:
        await self.mend()
        for identity, messages in self.published.items():
            tally = await self.copies[0].tally(identity)
            if messages and (tally is None or tally.seen[f"{REQUESTS}/{identity}"] != len(messages)):
                return False
        return True

    async def once_and_in_order(self) -> None:
        for identity, messages in self.published.items():
            wanted = [sum(m.n for m in messages[:n]) for n in range(1, len(messages) + 1)]
            await eventually(lambda i=identity, n=len(wanted): self._told(i, n), "every answer to be on the log")
            rows = await self.copies[0].fetch(
                "SELECT data, (headers->>'streamversion')::int AS version FROM bus.record"
                " WHERE topic = $1 AND headers->>'aggregateid' = $2 ORDER BY \"offset\"",
                ANSWERS,
                str(identity),
            )
            assert [row["version"] for row in rows] == list(range(1, len(messages) + 1))
            assert [orjson.loads(row["data"])["total"] for row in rows] == wanted
            tally = await self.copies[0].tally(identity)
            assert (tally.total if tally else 0) == sum(m.n for m in messages)
        ids = [str(request(i, v, m).id) for i, ms in self.published.items() for v, m in enumerate(ms, 1)]
        assert len(await self.copies[0].fetch("SELECT 1 FROM toy.line WHERE id = ANY($1)", ids)) == len(ids)
        assert all(copy.supervisor.failed == {} for copy in self.copies)

    async def _told(self, identity: UUID, count: int) -> bool:
        sql = "SELECT 1 FROM bus.record WHERE topic = $1 AND headers->>'aggregateid' = $2"
        return len(await self.copies[0].fetch(sql, ANSWERS, str(identity))) >= count


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
@given(actions=ACTIONS, direct=st.booleans())
@example(
    actions=[
        ("publish", 0, 3),
        ("poison", 0),
        ("publish", 1, 4),
        ("again", 0, 6),
        ("crash", "unit.after_commit"),
        ("publish", 0, 2),
        ("reset",),
        ("restart", 1),
        ("mend",),
        ("crash", "position.before_commit"),
        ("publish", 2, 4),
        ("reset",),
    ],
    direct=False,
)
def test_whatever_happens_on_the_way_every_message_counts_once_and_in_order(
    bench: Bench, actions: list[tuple], direct: bool
) -> None:
    bench.runner.run(Play(bench, direct).run(actions))
