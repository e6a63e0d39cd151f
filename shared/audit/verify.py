"""Verifying a service's audit: the chain, every row against its digest, gaps, the unsealed tail, heads, and whether
every version of every aggregate has its row. What is wrong is named; a chain that is whole has no findings.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from shared.audit.chain import ROW, SEAL, Head, Seal, digest, genesis
from shared.audit.covering import uncovered
from shared.audit.heads import heads_of, late_head, wrong_heads
from shared.clock import monotonic
from shared.db.documents import qualified
from shared.db.engine import role_of

if TYPE_CHECKING:
    from shared.delivery.service import RunningService

PAGE: Final = 200
ROWS: Final = 2000
TAIL_SECONDS: Final = 5.0
"""How long a row may stay unlinked before that is a finding."""

LOOK_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: a stable code, what it is about, and words."""

    code: str
    about: str
    zh: str
    en: str

    def shown(self) -> dict[str, str]:
        """As the answer's line."""
        return {"finding": self.code, "about": self.about, "message": f"{self.zh} / {self.en}"}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the verifying is."""

    batches: int
    of: int
    rows: int


class Verifying:
    """One run over one service's audit."""

    def __init__(self, service: RunningService, known: Sequence[Head] = ()) -> None:
        self._service, self._known = service, known
        self._name = service.spec.name
        self._role = role_of(self._name)
        delivery = service.spec.delivery
        self._audit, self._seals = qualified(delivery.audit), qualified(delivery.audit_seal)
        self._expected: dict[int, bytes] = {}
        self._hashes: dict[int, bytes] = {}
        self._low = 0
        self._sealed: list[datetime] = []
        self.rows = self.batches = 0

    async def run(self) -> AsyncIterator[Finding | Progress]:
        """All that is wrong, and how far it is in between."""
        whole = await self._value(f"SELECT coalesce(max(number), 0) FROM {self._seals}")
        self._hashes = {0: genesis(self._service.keyring.installation, self._name)}
        heads = await heads_of(self._service)
        wanted = {head.number for head in (*heads, *self._known)} | {0}
        previous = 0
        async for seals in self._pages(whole):
            for made in seals:
                for finding in self._link(made, previous):
                    yield finding
                previous = made.number
                self._hashes[made.number] = made.hash
                async for finding in self._rows_up_to(made.low):
                    yield finding
            self._hashes = {n: h for n, h in self._hashes.items() if n in wanted or n == previous}
            yield Progress(self.batches, whole, self.rows)
        async for finding in self._beyond():
            yield finding
        for wrong in (*late_head(heads, self._sealed), *wrong_heads(self._service, heads, self._known, self._hashes)):
            yield Finding(*wrong)
        async for found in uncovered(self._service):
            yield Progress(self.batches, whole, self.rows) if found is None else Finding(*found)
        yield Progress(self.batches, whole, self.rows)

    # --- the chain ---

    async def _pages(self, whole: int) -> AsyncIterator[list[Seal]]:
        after = -1
        while True:
            async with self._service.db.transaction(self._role, read_only=True) as conn:
                rows = await conn.fetch(
                    f"SELECT {', '.join(SEAL)} FROM {self._seals} WHERE number > $1 AND number <= $2"
                    f" ORDER BY number LIMIT {PAGE}",
                    after,
                    whole,
                )
            if not rows:
                return
            after = rows[-1]["number"]
            yield [Seal.read(row) for row in rows]

    def _link(self, made: Seal, before: int) -> list[Finding]:
        """What is wrong with one batch in its place."""
        self.batches += 1
        self._sealed = [*self._sealed[:1], made.sealed_at]
        found, about = [], f"batch {made.number}"
        if made.number != before + 1:
            zh, en = f"第 {before + 1} 批缺失", f"batch {before + 1} is missing"
            found.append(Finding("BATCH_MISSING", f"batch {before + 1}", zh, en))
        elif made.previous != self._hashes[before]:
            zh, en = f"第 {made.number} 批没有接在前一批之后", f"batch {made.number} is not linked to the one before it"
            found.append(Finding("CHAIN_BROKEN", about, zh, en))
        if not made.whole():
            found.append(
                Finding("BATCH_ALTERED", about, f"第 {made.number} 批被改动", f"batch {made.number} was altered")
            )
        twice = sorted(seq for seq in made.seqs if seq <= self._low or seq in self._expected)
        if twice or made.low < self._low:
            zh, en = f"第 {made.number} 批重复链接已链接的行", f"batch {made.number} links rows that are linked already"
            found.append(Finding("LINKED_TWICE", f"{about}, rows {twice[:10]}", zh, en))
        self._expected.update(made.rows())
        return found

    # --- the rows ---

    async def _rows_up_to(self, low: int) -> AsyncIterator[Finding]:
        """Rows between the low mark so far and this one: each is there, unaltered, and linked."""
        while self._low < low:
            end = min(low, self._low + ROWS)
            there = await self._there("seq > $1 AND seq <= $2", self._low, end)
            due = [seq for seq in self._expected if seq <= end]
            for finding in self._compared(there, due):
                yield finding
            self._low = end

    async def _beyond(self) -> AsyncIterator[Finding]:
        """What is linked beyond the low mark, and what is not yet linked."""
        due = sorted(self._expected)
        for n in range(0, len(due), ROWS):
            some = due[n : n + ROWS]
            there = await self._there("seq = ANY($1::bigint[])", some)
            for finding in self._compared(there, some):
                yield finding
        linked = set(due)
        left, until = await self._tail(linked), monotonic() + TAIL_SECONDS
        while left and monotonic() < until:
            await asyncio.sleep(LOOK_SECONDS)
            left &= await self._tail(linked)
        if left:
            still, first = len(left), min(left)
            zh = f"有 {still} 行超过 {TAIL_SECONDS:.0f} 秒未链接,最早的是第 {first} 行"
            en = f"{still} rows have waited over {TAIL_SECONDS:.0f} s to be linked, row {first} first"
            yield Finding("UNSEALED_TAIL", f"row {first}", zh, en)

    async def _tail(self, linked: set[int]) -> set[int]:
        """Rows beyond the low mark that no batch covers yet."""
        async with self._service.db.transaction(self._role, read_only=True) as conn:
            rows = await conn.fetch(
                f"SELECT seq FROM {self._audit} WHERE seq > $1 AND NOT EXISTS (SELECT FROM {self._seals} s"
                " WHERE s.last > $1 AND seq = ANY(s.seqs)) ORDER BY seq LIMIT 1000",
                self._low,
            )
        return {row["seq"] for row in rows} - linked

    async def _there(self, where: str, *values: Any) -> dict[int, bytes]:
        async with self._service.db.transaction(self._role, read_only=True) as conn:
            rows = await conn.fetch(f"SELECT {', '.join(ROW)} FROM {self._audit} WHERE {where}", *values)
        self.rows += len(rows)
        return {row["seq"]: digest(row) for row in rows}

    def _compared(self, there: dict[int, bytes], due: Sequence[int]) -> list[Finding]:
        found = []
        for seq in sorted(there.keys() | due):
            said, is_there = self._expected.pop(seq, None), there.get(seq)
            if is_there is None:
                found.append(Finding("ROW_REMOVED", f"row {seq}", f"第 {seq} 行被删除", f"row {seq} was removed"))
            elif said is None:
                found.append(
                    Finding("ROW_INSERTED", f"row {seq}", f"第 {seq} 行是插入的", f"row {seq} was inserted afterwards")
                )
            elif said != is_there:
                found.append(Finding("ROW_ALTERED", f"row {seq}", f"第 {seq} 行被改动", f"row {seq} was altered"))
        return found

    async def _value(self, sql: str) -> Any:
        async with self._service.db.transaction(self._role, read_only=True) as conn:
            return await conn.fetchval(sql)
