"""The unit of work: a batch of messages, answers, timers or commands through pure handlers, in one transaction.

It loads every aggregate the batch touches by one query (locked, in id order), calls the handlers in memory, and
writes one statement a table. A message already applied is dropped by its stream's version; a message beyond a gap
raises `Gap`; an aggregate that a newer release has written raises `NewerRelease`. On an error nothing is written: the caller redoes the entries one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from shared.changes import Changes, Ctx, Kind, State
from shared.clock import monotonic
from shared.db import documents
from shared.db.engine import Redo, role_of
from shared.delivery.live import LiveRows
from shared.delivery.writes import Writes, delivery_sql, plain
from shared.errors import FieldError, Invalid, NewerRelease, Transient
from shared.failpoints import hit
from shared.messages import Envelope, derived_id
from shared.precedence import Slices

if TYPE_CHECKING:
    import asyncpg

    from shared.delivery.service import RunningService

TRIES = 5
Idempotency = tuple[str, str, str, bytes]


class Gap(Transient):
    """An earlier message of this stream has not come yet."""


@dataclass(slots=True)
class Entry:
    """One thing to apply to one aggregate: `call(state, ctx) -> (changes, answer)`.

    `envelope` is set for messages from the bus; `consumes` names the timer or ask row that this entry uses up (it is
    skipped when the row is gone). `answer` is what the call gave, or what was stored for the same key before. Entries
    `beside` it change further aggregates in the same transaction; they come `after` it, and not where it was skipped.
    """

    kind: str
    aggregate_id: UUID
    call: Callable[[Any, Ctx], tuple[Changes[Any] | None, Any]]
    action: str
    actor: str = "system"
    envelope: Envelope | None = None
    consumes: tuple[Literal["timer", "ask"], UUID] | None = None
    idempotency: Idempotency | None = None
    answer: Any = None
    skipped: bool = False
    beside: tuple[Entry, ...] = ()
    after: Entry | None = None


@dataclass(slots=True)
class _Loaded:
    states: dict[tuple[str, UUID], Any] = field(default_factory=dict)
    existing: frozenset[tuple[str, UUID]] = frozenset()
    touched: dict[tuple[str, UUID], Any] = field(default_factory=dict)
    consumable: set[UUID] = field(default_factory=set)
    stored: dict[tuple[str, str, str], Any] = field(default_factory=dict)


class UnitOfWork:
    """Applies batches for one running service."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._spec = service.spec
        self._role = role_of(service.spec.name)
        self._kinds: dict[str, Kind[Any]] = {k.name: k for k in service.spec.kinds}
        self.live = LiveRows()
        self._spent = 0.0

    async def apply(self, entries: Sequence[Entry], *, failpoint: str = "unit") -> None:
        """Applies all entries in order, or none; a deadlock or stale statement redoes the whole unit."""
        for left in reversed(range(TRIES)):
            try:
                await self._once(entries, failpoint)
            except Redo:
                if not left:
                    raise
            else:
                return

    async def apply_behind(self, entries: Sequence[Entry]) -> None:
        """`apply` for what nobody waits for at a window: commands go first."""
        await self._service.precedence.after_commands(self._spent)
        begun = monotonic()
        try:
            await self.apply(entries)
        finally:
            self._spent = monotonic() - begun

    async def _once(self, entries: Sequence[Entry], failpoint: str) -> None:
        writes = self._service.new_writes()
        try:
            async with self._service.db.transaction(self._role) as conn:
                loaded = await self._load(conn, entries)
                await self._call_each(entries, loaded, writes)
                await self._write(conn, loaded, writes)
                hit(f"{failpoint}.before_commit", self._spec.name)
        except NewerRelease as cause:
            self._service.newer.met(cause)
            raise
        except Transient:
            # The connection may have broken after COMMIT: then nobody here was told of the questions it left.
            if writes.asks:
                self._service.news.doubt()
            raise
        self.live.keep(loaded.touched)
        self._service.committed(writes)
        hit(f"{failpoint}.after_commit", self._spec.name)

    async def _load(self, conn: asyncpg.Connection, entries: Sequence[Entry]) -> _Loaded:
        loaded = _Loaded()
        for name, kind in sorted(self._kinds.items()):
            ids = list({e.aggregate_id for e in entries if e.kind == name})
            if ids:
                found = await documents.lock(conn, kind, ids, self.live.take(name, ids))
                loaded.states.update({(name, identity): state for identity, state in found.items()})
        loaded.existing = frozenset(loaded.states)
        # Claimed only after the aggregates are locked: a handler that cancels a timer locks in the same order.
        await self._claim(conn, entries, loaded)
        await self._stored_answers(conn, entries, loaded)
        return loaded

    async def _claim(self, conn: asyncpg.Connection, entries: Sequence[Entry], loaded: _Loaded) -> None:
        delivery = self._spec.delivery
        for what, sql in (
            ("timer", f"DELETE FROM {documents.qualified(delivery.timer)} WHERE id = ANY($1) RETURNING id"),
            (
                "ask",
                f"UPDATE {documents.qualified(delivery.ask)} SET state = 'answered', lease_until = NULL"
                " WHERE id = ANY($1) AND state IN ('open', 'in_doubt') RETURNING id",
            ),
        ):
            ids = [e.consumes[1] for e in entries if e.consumes and e.consumes[0] == what]
            if ids:
                loaded.consumable |= {row["id"] for row in await conn.fetch(sql, ids)}

    async def _stored_answers(self, conn: asyncpg.Connection, entries: Sequence[Entry], loaded: _Loaded) -> None:
        keys = [e.idempotency[:3] for e in entries if e.idempotency]
        if not keys:
            return
        sql = (
            f"SELECT i.* FROM unnest($1::text[], $2::text[], $3::text[]) AS k(principal, route, key)"
            f" JOIN {documents.qualified(self._spec.delivery.idempotency)} i USING (principal, route, key)"
        )
        rows = await conn.fetch(sql, *map(list, zip(*keys, strict=True)))
        loaded.stored = {(row["principal"], row["route"], row["key"]): row for row in rows}

    async def _call_each(self, entries: Sequence[Entry], loaded: _Loaded, writes: Writes) -> None:
        slices = Slices()  # the rows stay locked meanwhile
        for entry in entries:
            self._call(entry, loaded, writes)
            await slices.give_way()

    def _call(self, entry: Entry, loaded: _Loaded, writes: Writes) -> None:
        where = (entry.kind, entry.aggregate_id)
        state: State | None = loaded.states.get(where)
        if (entry.after is not None and entry.after.skipped) or self._already(entry, state, loaded):
            entry.skipped = True
            return
        ctx = self._service.ctx(entry.actor, entry.envelope)
        changes, entry.answer = entry.call(state, ctx)
        if changes is not None:
            if entry.envelope is not None:
                changes.state.seen[_stream(entry.envelope)] = entry.envelope.streamversion
            writes.add(entry.kind, changes, ctx, entry.action)
            loaded.states[where] = loaded.touched[where] = changes.state
        if entry.idempotency is not None:
            writes.idempotency.append(
                _stored(
                    entry.idempotency, self._service.seal({"answer": plain(entry.answer)}, _place(entry.idempotency))
                )
            )

    def _already(self, entry: Entry, state: State | None, loaded: _Loaded) -> bool:
        if entry.consumes is not None:
            return entry.consumes[1] not in loaded.consumable
        if entry.idempotency is not None and (row := loaded.stored.get(entry.idempotency[:3])) is not None:
            entry.answer = self._replayed(row, entry.idempotency)
            return True
        if entry.envelope is None:
            return False
        last = state.seen.get(_stream(entry.envelope), 0) if state else 0
        if entry.envelope.streamversion > last + 1:
            raise Gap("前面的事件还没有到", f"{entry.envelope.type}: version {last + 1} of its stream has not come yet")
        return entry.envelope.streamversion <= last

    def _replayed(self, row: Any, idempotency: Idempotency) -> Any:
        if row["body_hash"] != sha256(idempotency[3]).digest():
            raise Invalid([FieldError("", "IDEMPOTENCY_KEY_REUSED")])
        # An answer may hold what only its principal should read again, so it rests sealed.
        return self._service.unseal(row["answer"], _place(idempotency))["answer"]

    async def _write(self, conn: asyncpg.Connection, loaded: _Loaded, writes: Writes) -> None:
        writes.number()
        for name, kind in sorted(self._kinds.items()):
            for new in (True, False):
                states = [s for at, s in loaded.touched.items() if at[0] == name and (at not in loaded.existing) is new]
                # Nobody can lock a row that is not there: two units that both make it meet here, and one is redone.
                if states and not await documents.save(conn, kind, states, new=new):
                    raise Redo("同一记录被同时新建", f"a {name} was made at the same time by another unit")
        for (table, upsert), rows in writes.puts.items():
            await documents.write_rows(conn, table, rows, upsert=upsert)
        # Last, since it takes the heads of the log: a unit holds them only while it commits.
        writes.appended = await self._service.bus.append(conn, writes.outbox) if writes.outbox else []
        if loaded.touched or writes.audit or writes.idempotency:
            asked = await conn.fetch(delivery_sql(self._spec.delivery), *writes.arguments(self._spec.delivery))
            writes.asked = [row["id"] for row in asked]


def _stream(envelope: Envelope) -> str:
    return f"{envelope.topic}/{envelope.aggregateid}"


def _place(idempotency: Idempotency) -> UUID:
    """What a stored answer is bound to, so that no row can stand in for another."""
    return derived_id("answer", *idempotency[:3])


def _stored(idempotency: Idempotency, sealed: str) -> dict[str, Any]:
    principal, route, key, body = idempotency
    values = (principal, route, key, sha256(body).digest(), 200, sealed)
    return dict(zip(("principal", "route", "key", "body_hash", "status", "answer"), values, strict=True))
