"""The sealer: links a service's committed audit rows into its chain within a second, and signs the head hourly.

One is active over all processes (an advisory lock); should two ever think so, only one of them can write the next
batch, since batches are numbered. Rows commit in another order than they are numbered: `low` moves over a gap only
when everybody who might still fill it has ended, so that nothing is skipped; what is covered is never covered again.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from shared.audit.chain import ROW, SEAL, Head, Seal, digest, genesis
from shared.clock import monotonic
from shared.db.documents import qualified
from shared.db.engine import role_of
from shared.delivery.waiting import wait_for
from shared.failpoints import hit

if TYPE_CHECKING:
    import asyncpg

    from shared.delivery.service import RunningService

log = structlog.get_logger("onewindow.audit")
GATHER_SECONDS = 0.5
"""How long rows gather after the first was written."""

LOOK_SECONDS, ALONE_SECONDS = 0.4, 2.0
"""Real time after which the sealer looks by itself: other processes write too, or only an operator's tool might."""

WIDTH = len(ROW)
MOST = 1000
"""Rows a batch."""

HEAD_SECONDS = 3600.0
"""Real time between two signed heads."""


async def seal(service: RunningService) -> None:
    """Seals for ever, while no other process does."""
    news = service.news.audit
    news.set()
    while True:
        if await service.presence.claim(f"audit.{service.spec.name}"):
            await _while_alone(service)
        await asyncio.sleep(LOOK_SECONDS)


async def _while_alone(service: RunningService) -> None:
    sealer = Sealer(service)
    await sealer.open()
    while await service.presence.claim(f"audit.{service.spec.name}"):
        while await sealer.link() >= MOST:
            pass
        await sealer.sign_if_due()
        await wait_for(service.news.audit, ALONE_SECONDS if service.presence.alone else LOOK_SECONDS)
        await asyncio.sleep(GATHER_SECONDS)


class Sealer:
    """One service's chain, as far as it is known here; `open` first."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._name = service.spec.name
        self._role = role_of(self._name)
        delivery = service.spec.delivery
        self._audit, self._seals, self._heads = map(
            qualified, (delivery.audit, delivery.audit_seal, delivery.audit_head)
        )
        self._number, self._hash = 0, genesis(service.keyring.installation, self._name)
        self._low = 0
        self._covered: set[int] = set()
        self._waiting: tuple[int, frozenset[str]] | None = None
        self._last: Seal | None = None
        self._head = 0
        self._sign_at = 0.0

    async def open(self) -> None:
        """Reads where the chain ends, and what it covers beyond its low mark."""
        async with self._service.db.transaction(self._role, read_only=True) as conn:
            row = await conn.fetchrow(f"SELECT {', '.join(SEAL)} FROM {self._seals} ORDER BY number DESC LIMIT 1")
            if row is not None:
                self._last = Seal.read(row)
                self._number, self._hash, self._low = self._last.number, self._last.hash, self._last.low
                covered = await conn.fetch(f"SELECT seqs FROM {self._seals} WHERE last > $1", self._low)
                self._covered = {seq for found in covered for seq in found["seqs"] if seq > self._low}
            head = await conn.fetchrow(
                "SELECT number, extract(epoch FROM clock_timestamp() - at)::float8 AS age"
                f" FROM {self._heads} ORDER BY number DESC LIMIT 1"
            )
        self._head = head["number"] if head else 0
        self._sign_at = monotonic() + (HEAD_SECONDS - head["age"] if head else 0.0)

    async def link(self) -> int:
        """Links what is committed and not yet linked, in one batch; how many rows that were."""
        settled = await self._settled()
        async with self._service.db.transaction(self._role) as conn:
            rows, now = await self._unlinked(conn)
            if now is not None:
                # A batch lost in a crash is linked again; signing a head waits for the disk, and so for what is under it.
                await conn.execute("SET LOCAL synchronous_commit = off")
                await self._link(conn, rows, settled, now)
                hit("audit.before_commit", self._name)
        if rows:
            hit("audit.after_commit", self._name)
        if settled is not None and len(rows) < MOST:
            self._low = max(self._low, settled)
            self._move_low()
        await self._watch_gap()
        return len(rows)

    async def _unlinked(self, conn: asyncpg.Connection) -> tuple[dict[int, bytes], datetime | None]:
        found = await conn.fetch(
            f"SELECT {', '.join(ROW)}, clock_timestamp() AS now FROM {self._audit} WHERE seq > $1 AND seq <> ALL($2::bigint[])"
            f" ORDER BY seq LIMIT {MOST}",
            self._low,
            list(self._covered),
        )
        return {row[0]: digest(row[:WIDTH]) for row in found}, found[-1]["now"] if found else None

    async def _link(self, conn: asyncpg.Connection, rows: dict[int, bytes], settled: int | None, now: datetime) -> None:
        covered = self._covered | rows.keys()
        low = _low(self._low if settled is None or len(rows) >= MOST else max(self._low, settled), covered)
        made = Seal.of(self._number + 1, low, rows, self._hash, now)
        places = ", ".join(f"${n}" for n in range(1, len(SEAL) + 1))
        values = [list(made.seqs) if name == "seqs" else getattr(made, name) for name in SEAL]
        # A number that is taken means that another process went on with the chain: then we begin anew.
        await conn.execute(f"INSERT INTO {self._seals} ({', '.join(SEAL)}) VALUES ({places})", *values)
        self._number, self._hash, self._low, self._last = made.number, made.hash, low, made
        self._covered = {seq for seq in covered if seq > low}

    def _move_low(self) -> None:
        self._low = _low(self._low, self._covered)
        self._covered = {seq for seq in self._covered if seq > self._low}

    # --- gaps: numbers that were given out and are not to be seen ---

    async def _watch_gap(self) -> None:
        """Where a number is missing, notes who may still bring it: whoever writes to the table now."""
        if self._covered and self._waiting is None:
            self._waiting = (max(self._covered), await self._writers())

    async def _settled(self) -> int | None:
        """Up to which number nothing can come any more that is not to be seen by now; None while that is not known."""
        if self._waiting is None:
            return None
        upto, writers = self._waiting
        if writers & await self._writers():
            return None
        self._waiting = None
        return upto

    async def _writers(self) -> frozenset[str]:
        # A transaction takes this lock before it is given a number, and keeps it until it has ended.
        async with self._service.db.transaction(self._role, read_only=True) as conn:
            rows = await conn.fetch(
                "SELECT virtualtransaction AS v FROM pg_locks WHERE relation = $1::regclass AND locktype = 'relation'"
                " AND mode = 'RowExclusiveLock' AND database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database())",
                self._audit,
            )
        return frozenset(row["v"] for row in rows)

    # --- heads ---

    async def sign_if_due(self) -> None:
        """Signs the head when the last one is an hour old and the chain went on since."""
        if self._last is not None and self._last.number > self._head and monotonic() >= self._sign_at:
            await self.sign()

    async def sign(self) -> Head | None:
        """Signs the head as it is now, if there is a chain."""
        if self._last is None:
            return None
        async with self._service.db.transaction(self._role) as conn:
            now = await conn.fetchval("SELECT clock_timestamp()")
            kid, key = self._service.keyring.audit_key(self._name)
            head = Head.sign(self._name, self._last, now, kid, key)
            await conn.execute(
                f"INSERT INTO {self._heads} (number, hash, at, kid, signature) VALUES ($1, $2, $3, $4, $5)"
                " ON CONFLICT (number) DO NOTHING",
                head.number,
                head.hash,
                head.at,
                head.kid,
                head.signature,
            )
        self._head, self._sign_at = head.number, monotonic() + HEAD_SECONDS
        log.info("audit_head", **head.shown())
        return head


def _low(low: int, covered: set[int]) -> int:
    """The low mark, moved over what is covered without a gap."""
    while low + 1 in covered:
        low += 1
    return low
