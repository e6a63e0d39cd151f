"""Who of a group owns which partition on the embedded bus: fair shares, epochs, and leases that end with the owner."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence

from shared.bus.port import Fenced, TopicPartition
from shared.clock import monotonic
from shared.db.engine import Database
from shared.db.presence import Presence, gone
from shared.errors import Transient

LEASE_SECONDS = 10
RENEW_SECONDS = 2.0
_FREE = f"({gone('owner')} OR lease_until < clock_timestamp())"
_JOIN = """
INSERT INTO bus.cursor (grp, topic, partition)
SELECT $1, topic, partition FROM bus.head WHERE topic = ANY($2::text[]) ON CONFLICT DO NOTHING
"""
_TAKE = f"""
UPDATE bus.cursor c SET owner = $3, epoch = epoch + 1,
    lease_until = clock_timestamp() + make_interval(secs => {LEASE_SECONDS})
FROM (SELECT topic, partition FROM bus.cursor WHERE grp = $1 AND topic = ANY($2::text[]) AND {_FREE}
      ORDER BY topic, partition LIMIT $4 FOR UPDATE SKIP LOCKED) f
WHERE c.grp = $1 AND c.topic = f.topic AND c.partition = f.partition
"""
_RENEW = f"""
UPDATE bus.cursor SET lease_until = clock_timestamp() + make_interval(secs => {LEASE_SECONDS})
WHERE grp = $1 AND owner = $2 RETURNING topic, partition, position, epoch
"""
_SEEK = """
WITH mine AS (SELECT position FROM bus.cursor WHERE grp = $1 AND owner = $2 AND topic = $3 AND partition = $4
        AND epoch = $5 FOR UPDATE),
    moved AS (UPDATE bus.cursor SET position = $6 WHERE grp = $1 AND topic = $3 AND partition = $4
        AND EXISTS (SELECT FROM mine))
SELECT position FROM mine
"""


class Leases:
    """The partitions this member owns, and the epoch under which it owns each."""

    def __init__(self, db: Database, group: str, topics: Sequence[str], presence: Presence) -> None:
        self._db = db
        self._group = group
        self._topics = list(topics)
        self._presence = presence
        self._epochs: dict[TopicPartition, int] = {}
        self._stored: dict[TopicPartition, int] = {}
        self._renewed: float | None = None
        self._joined = False

    def forget(self) -> None:
        """The next renewal looks at everything anew."""
        self._renewed = None
        self._joined = False
        self._epochs.clear()
        self._stored.clear()

    async def renew(self) -> dict[TopicPartition, int] | None:
        """Every two seconds of real time: extends the leases and takes free partitions up to a fair share.

        Returns the owned partitions with their stored positions, or None when it was not yet time.
        """
        now = monotonic()
        if self._renewed is not None and now - self._renewed < RENEW_SECONDS:
            return None
        async with self._db.transaction() as conn:
            await conn.execute("SET LOCAL synchronous_commit = off")
            if not self._joined:
                await conn.execute(_JOIN, self._group, self._topics)
            await self._announce_and_balance(conn)
            rows = await conn.fetch(_RENEW, self._group, self._presence.number)
        self._joined = True
        self._renewed = now
        self._epochs = {(r["topic"], r["partition"]): r["epoch"] for r in rows}
        self._stored = {(r["topic"], r["partition"]): r["position"] for r in rows}
        return dict(self._stored)

    async def _announce_and_balance(self, conn: object) -> None:
        fetch, execute = conn.fetch, conn.execute  # type: ignore[attr-defined]
        await execute(
            "INSERT INTO bus.group_member (grp, member, seen_at) VALUES ($1, $2, clock_timestamp())"
            " ON CONFLICT (grp, member) DO UPDATE SET seen_at = EXCLUDED.seen_at",
            self._group,
            self._presence.number,
        )
        await execute(
            "DELETE FROM bus.group_member WHERE grp = $1"
            f" AND (seen_at < clock_timestamp() - make_interval(secs => $2) OR {gone('member')})",
            self._group,
            float(LEASE_SECONDS),
        )
        row = (
            await fetch(
                "SELECT (SELECT count(*) FROM bus.group_member WHERE grp = $1)::int AS members, count(*)::int AS all,"
                " count(*) FILTER (WHERE owner = $2)::int AS mine FROM bus.cursor WHERE grp = $1",
                self._group,
                self._presence.number,
            )
        )[0]
        share = -(-row["all"] // max(1, row["members"]))
        if row["mine"] < share:
            await execute(_TAKE, self._group, self._topics, self._presence.number, share - row["mine"])
        elif row["mine"] > share:
            await self._give_back(execute, row["mine"] - share)

    async def _give_back(self, execute: Callable[..., object], surplus: int) -> None:
        await execute(  # type: ignore[misc]
            "UPDATE bus.cursor c SET owner = NULL FROM (SELECT topic, partition FROM bus.cursor WHERE grp = $1"
            " AND owner = $2 ORDER BY topic DESC, partition DESC LIMIT $3) f"
            " WHERE c.grp = $1 AND c.topic = f.topic AND c.partition = f.partition",
            self._group,
            self._presence.number,
            surplus,
        )

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Stores positions that moved, in one transaction that checks each lease's epoch."""
        moved = [
            (*at, n, self._epochs[at]) for at, n in positions.items() if at in self._epochs and n > self._stored[at]
        ]
        if not moved:
            return
        async with self._db.transaction() as conn:
            done = await conn.fetch(
                "UPDATE bus.cursor c SET position = m.position"
                " FROM unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[]) AS m(topic, partition, position, epoch)"
                " WHERE c.grp = $1 AND c.owner = $2 AND c.topic = m.topic AND c.partition = m.partition"
                " AND c.epoch = m.epoch AND c.position <= m.position RETURNING 1",
                self._group,
                self._presence.number,
                *map(list, zip(*moved, strict=True)),
            )
            if len(done) != len(moved):
                self.forget()
                raise Fenced("分区已由他人接管", "another member owns a partition now")
        self._stored.update({(t, p): n for t, p, n, _ in moved})

    async def seek(self, at: TopicPartition, offset: int) -> int | None:
        """Stores another position of an owned partition, back or forward; the one before, None when it is not owned."""
        if at not in self._epochs:
            return None
        async with self._db.transaction() as conn:
            before: int | None = await conn.fetchval(
                _SEEK, self._group, self._presence.number, *at, self._epochs[at], offset
            )
        if before is None:
            self.forget()
        else:
            self._stored[at] = offset
        return before

    async def release(self) -> None:
        """Gives everything back; a database that is away releases by the lease's end."""
        with contextlib.suppress(Transient):
            async with self._db.transaction() as conn:
                await conn.execute(
                    "UPDATE bus.cursor SET owner = NULL WHERE grp = $1 AND owner = $2",
                    self._group,
                    self._presence.number,
                )
                await conn.execute(
                    "DELETE FROM bus.group_member WHERE grp = $1 AND member = $2", self._group, self._presence.number
                )
        self.forget()
