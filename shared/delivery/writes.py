"""All delivery rows of one unit of work (outbox, audit, asks, timers, idempotency) in one statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.bus.outgoing import outbox_row
from shared.changes import Ask, CancelAsk, CancelTimer, Changes, Ctx, Emit, Put, SetTimer, State
from shared.db.documents import insert_sql, qualified, to_arrays
from shared.errors import TooLarge
from shared.messages import MESSAGE_BYTES, Envelope, derived_id, event_id, size_of

if TYPE_CHECKING:
    from sqlalchemy import Table

    from shared.bus.port import Record
    from shared.db.tables import DeliveryTables
    from shared.messages import Message

OUTBOX = ("event_id", "topic", "partition", "key", "headers", "data")
AUDIT = ("at", "actor", "action", "kind", "aggregate_id", "version", "cause", "detail")
ASK = (
    "id",
    "kind",
    "aggregate_id",
    "name",
    "source",
    "question",
    "effect",
    "state",
    "tries",
    "next_try_at",
    "owner",
    "asked_at",
)
TIMER = ("id", "kind", "aggregate_id", "name", "due_at", "data")
ASK_LEASE_SECONDS = 30
LEASE = f"clock_timestamp() + make_interval(secs => {ASK_LEASE_SECONDS})"
IDEMPOTENCY = ("principal", "route", "key", "body_hash", "status", "answer")


def timer_id(kind: str, aggregate_id: UUID, name: str) -> UUID:
    """A timer's id: one a name and aggregate."""
    return derived_id("timer", kind, aggregate_id, name)


def ask_id(kind: str, aggregate_id: UUID, name: str) -> UUID:
    """An ask's id: one a name and aggregate; the source's idempotency key too."""
    return derived_id("ask", kind, aggregate_id, name)


@dataclass
class Writes:
    """Collects what a batch of handlers wants written."""

    service: str
    type_of: Callable[[type[Any]], str]
    partitions: Mapping[str, int]
    seal: Callable[[Mapping[str, Any], UUID], str]
    presence: int
    emits: list[tuple[State, Emit, Ctx]] = field(default_factory=list)
    outbox: list[dict[str, Any]] = field(default_factory=list)
    appended: Sequence[Record] | None = None
    audit: list[dict[str, Any]] = field(default_factory=list)
    asks: dict[UUID, dict[str, Any] | None] = field(default_factory=dict)
    questions: dict[UUID, Mapping[str, Any]] = field(default_factory=dict)
    asked: list[UUID] = field(default_factory=list)
    timers: dict[UUID, dict[str, Any] | None] = field(default_factory=dict)
    idempotency: list[dict[str, Any]] = field(default_factory=list)
    puts: dict[tuple[Table, bool], list[Mapping[str, Any]]] = field(default_factory=dict)

    def add(self, kind: str, changes: Changes[Any], ctx: Ctx, action: str) -> None:
        """Takes all that follows from one message."""
        state = changes.state
        state.version += 1
        self.emits += [(state, emit, ctx) for emit in changes.emits]
        for ask in changes.asks:
            self._ask(kind, state.id, ask, ctx.now)
        for timer in changes.timers:
            self._timer(kind, state.id, timer)
        for put in changes.puts:
            self.put(put)
        self.note(ctx, action, kind, str(state.id), state.version)

    def put(self, put: Put) -> None:
        """Takes one row of the service's own tables."""
        self.puts.setdefault((put.table, put.upsert), []).append(put.values)

    def note(
        self, ctx: Ctx, action: str, kind: str, aggregate_id: str, version: int, detail: Mapping[str, Any] | None = None
    ) -> None:
        """One audit row: who did what to which aggregate, because of which event."""
        cause = str(ctx.envelope.id) if ctx.envelope else None
        row = dict(zip(AUDIT, (ctx.now, ctx.actor, action, kind, aggregate_id, version, cause, detail), strict=True))
        self.audit.append(row)

    def number(self) -> None:
        """Makes the outbox rows: each message gets its place in its stream, on the state that is saved next.

        What tells of a state in between is left out when the unit says something later about the same.
        """
        said: set[tuple[UUID, str, object]] = set()
        kept = []
        for state, emit, ctx in reversed(self.emits):
            about = emit.message.about()
            where = (state.id, emit.topic, about)
            if about is not None and where in said and emit.message.PASSING:
                continue
            said.add(where)
            kept.append((state, emit, ctx))
        for state, emit, ctx in reversed(kept):
            self._emit(state, emit, ctx)
        self.emits = []

    def _emit(self, state: State, emit: Emit, ctx: Ctx) -> None:
        stream = f"{emit.topic}/{emit.aggregate_id}"
        version = state.out.get(stream, 0) + 1
        state.out[stream] = version
        older = emit.message.older()
        if older is None:
            self._say(emit, emit.message, ctx, version)
            return
        # The older first: a reader outside that has never heard of pairs takes it, and drops the other as applied.
        first, second = self.type_of(type(older)), self.type_of(type(emit.message))
        self._say(emit, older, ctx, version, beside=second)
        self._say(emit, emit.message, ctx, version, beside=first, again=True)

    def _say(
        self, emit: Emit, message: Message, ctx: Ctx, version: int, *, beside: str | None = None, again: bool = False
    ) -> None:
        place = (emit.topic, emit.aggregate_id, version)
        envelope = Envelope(
            id=derived_id(*place, type(message).VERSION) if again else event_id(*place),
            type=self.type_of(type(message)),
            source=f"/onewindow/{self.service}",
            time=ctx.now,
            topic=emit.topic,
            key=emit.key,
            aggregateid=emit.aggregate_id,
            streamversion=version,
            data=message.model_dump_json(exclude_none=True).encode(),
            caseid=emit.case_id,
            correlationid=(ctx.envelope.correlationid if ctx.envelope else None) or emit.case_id,
            keyid=emit.key_id,
            beside=beside,
        )
        self.outbox.append(_bounded(outbox_row(envelope, self.partitions[emit.topic])))

    def _ask(self, kind: str, aggregate_id: UUID, ask: Ask | CancelAsk, now: datetime) -> None:
        identity = ask_id(kind, aggregate_id, ask.name)
        if isinstance(ask, CancelAsk):
            self.asks[identity] = None
            return
        # It is leased to this process as it is written, so that it need not be claimed first: hence one try, and in
        # doubt from the start where putting it twice would matter.
        state = "in_doubt" if ask.effect else "open"
        said = (ask.name, ask.source, self.seal(ask.question, identity), ask.effect, state, 1, now, self.presence, now)
        self.asks[identity] = dict(zip(ASK, (identity, kind, aggregate_id, *said), strict=True))
        self.questions[identity] = ask.question

    def _timer(self, kind: str, aggregate_id: UUID, timer: SetTimer | CancelTimer) -> None:
        identity = timer_id(kind, aggregate_id, timer.name)
        if isinstance(timer, CancelTimer):
            self.timers[identity] = None
            return
        row = (identity, kind, aggregate_id, timer.name, timer.due_at, dict(timer.data))
        self.timers[identity] = dict(zip(TIMER, row, strict=True))

    @property
    def first_due(self) -> datetime | None:
        """When the earliest timer set here is due."""
        return min((row["due_at"] for row in self.timers.values() if row), default=None)

    def arguments(self, tables: DeliveryTables) -> list[Any]:
        """The parameters of `delivery_sql`."""
        asks = [row for row in self.asks.values() if row]
        timers = [row for row in self.timers.values() if row]
        return [
            *to_arrays(tables.outbox, OUTBOX, self.outbox if self.appended is None else []),
            *to_arrays(tables.audit, AUDIT, self.audit),
            *to_arrays(tables.ask, ASK, asks),
            *to_arrays(tables.timer, TIMER, timers),
            *to_arrays(tables.idempotency, IDEMPOTENCY, self.idempotency),
            [identity for identity, row in self.asks.items() if row is None],
            [identity for identity, row in self.timers.items() if row is None],
        ]


def _bounded(row: dict[str, Any]) -> dict[str, Any]:
    """The row, where it has the size of a message: on either bus, so that a log can be moved to the other."""
    size = size_of(row["key"], row["headers"], row["data"])
    if size > MESSAGE_BYTES:
        name = row["envelope"].name
        raise TooLarge(
            f"内容过多:由此产生的 {name} 有 {size} 字节,最多 {MESSAGE_BYTES};没有保存,请分次办理或精简所填内容",
            f"too much at once: the {name} that follows would have {size} bytes, the most is {MESSAGE_BYTES}; nothing was"
            " stored: hand in less, or in parts",
        )
    return row


@lru_cache(maxsize=64)
def delivery_sql(tables: DeliveryTables) -> str:
    """One statement that writes every delivery row of a unit; empty arrays write nothing.

    It returns the ids of the asks that are new: one asked before under its name stays as it is.
    """
    parts: list[str] = []
    first = 1
    for alias, table, names, more, tail in _inserts(tables):
        parts.append(f"{alias} AS ({insert_sql(table, names, upsert=False, first=first, more=more)}{tail})")
        first += len(names)
    parts += [
        f"ask_gone AS (UPDATE {qualified(tables.ask)} SET state = 'cancelled'"
        f" WHERE id = ANY(${first}::uuid[]) AND state IN ('open', 'in_doubt'))",
        f"timer_gone AS (DELETE FROM {qualified(tables.timer)} WHERE id = ANY(${first + 1}::uuid[]))",
    ]
    return "WITH " + ", ".join(parts) + " SELECT id FROM asked"


def _inserts(tables: DeliveryTables) -> list[tuple[str, Table, tuple[str, ...], dict[str, str], str]]:
    moved = " ON CONFLICT (id) DO UPDATE SET due_at = EXCLUDED.due_at, data = EXCLUDED.data"
    return [
        ("sent", tables.outbox, OUTBOX, {}, ""),
        ("noted", tables.audit, AUDIT, {}, ""),
        ("asked", tables.ask, ASK, {"lease_until": LEASE}, " ON CONFLICT (id) DO NOTHING RETURNING id"),
        ("timed", tables.timer, TIMER, {}, moved),
        ("answered", tables.idempotency, IDEMPOTENCY, {}, ""),
    ]


def plain(value: Any) -> Any:
    """An answer as it goes to JSON: models become dictionaries."""
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value
