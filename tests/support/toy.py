"""A service that counts: the smallest one that uses every part of delivery, for tests of delivery alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field
from sqlalchemy import Column, Integer, MetaData, Table, Text

from shared.bus.embedded import EmbeddedBus
from shared.bus.kafka import KafkaBus
from shared.bus.kafka_link import Link
from shared.catalog.model import ServiceEntry
from shared.catalog.registry import Catalog
from shared.changes import Answer, Ask, Changes, Ctx, Emit, Kind, Put, SetTimer, State, Timer
from shared.clock import FixedClock, VirtualClock
from shared.config import Settings
from shared.crypto import Keyring
from shared.db.engine import Database, role_of
from shared.db.migrate import EXTENSIONS
from shared.db.presence import Presence
from shared.db.site import Site
from shared.db.tables import delivery_tables, document_columns
from shared.delivery.service import RunningService, World
from shared.errors import Poison
from shared.facts.port import FactAnswer, Question
from shared.messages import Envelope, Message, event_id, topic_of, type_of
from shared.outcomes import FactStatus
from shared.policy import Policy
from shared.release import FIRST, Release
from shared.runtime.supervisor import Supervisor
from shared.runtime.workers import workers_of
from shared.spec import Route, ServiceSpec

NAME = "toy"
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
REQUESTS, ANSWERS = topic_of(NAME, "requests"), topic_of(NAME, "answers")


class Add(Message):
    """Add `n`; `poison` and `crash` fail, `ask` asks a source (`effect`: to do something), `timer_after` sets a timer
    (seconds)."""

    n: int = 1
    poison: bool = False
    crash: bool = False
    ask: str | None = None
    effect: bool = False
    timer_after: float | None = None
    rule: str | None = None


class Added(Message):
    """The new total."""

    total: int


class Tally(State):
    """A number and what happened to it."""

    total: int = 0
    seen_answers: list[str] = Field(default_factory=list)
    fired: int = 0


metadata = MetaData(schema=NAME)
DELIVERY = delivery_tables(metadata)
TALLY = Table("tally", metadata, *document_columns(), Column("total", Integer, nullable=False))
LINE = Table("line", metadata, Column("id", Text, primary_key=True), Column("n", Integer, nullable=False))


def on_add(state: Tally | None, message: Add, ctx: Ctx) -> Changes[Tally]:
    assert ctx.envelope is not None
    if message.poison:
        raise Poison("坏的", "cannot be")
    if message.crash:
        raise RuntimeError("a defect of ours")
    if message.rule:
        ctx.policy.find(message.rule, "420112", ctx.now)
    tally = state or Tally(id=UUID(ctx.envelope.aggregateid))
    tally.total += message.n
    changes = Changes(tally)
    changes.emits.append(Emit(ANSWERS, str(tally.id), Added(total=tally.total), key=ctx.envelope.key))
    changes.puts.append(Put(LINE, {"id": str(ctx.envelope.id), "n": message.n}))
    if message.ask:
        changes.asks.append(Ask(message.ask, "oracle", {"secret": "李国强"}, message.effect))
    if message.timer_after is not None:
        changes.timers.append(SetTimer("ring", ctx.now + timedelta(seconds=message.timer_after)))
    return changes


def on_answer(state: Tally, answer: Answer, ctx: Ctx) -> Changes[Tally]:
    state.seen_answers.append(str(answer.status))
    return Changes(state)


def on_timer(state: Tally, timer: Timer, ctx: Ctx) -> Changes[Tally]:
    state.fired += 1
    return Changes(state)


SERVICE = ServiceSpec(
    name=NAME,
    metadata=metadata,
    delivery=DELIVERY,
    kinds=(Kind("tally", Tally, TALLY, lambda t: {"total": t.total}),),
    handlers={Add: Route("tally", on_add)},
    local={("tally", "answer:*"): on_answer, ("tally", "timer:*"): on_timer},
)
ENTRY = ServiceEntry(NAME, "计数", requests=(Add,), answers=(Added,), request_writer="coordinator")
CATALOG = Catalog({NAME: ENTRY})


class Oracle:
    """A source that says what the test told it to, one status an ask, `confirmed` at the end."""

    def __init__(self) -> None:
        self.script: list[FactStatus | Exception] = []
        self.asked: list[Question] = []

    async def answer(self, questions: Sequence[Question]) -> Sequence[FactAnswer]:
        self.asked.extend(questions)
        said = self.script.pop(0) if self.script else FactStatus.CONFIRMED
        if isinstance(said, Exception):
            raise said
        return [FactAnswer(said, {}, "oracle") for _ in questions]


class Toy:
    """The toy service at work on a database, with or without its workers; `direct=False` goes by outbox and relay.

    `kafka` names a cluster to be used instead of the log in the database; `spec` and `release` make it one of another
    release (`tests/support/toy_releases.py`).
    """

    instances: ClassVar[int] = 0

    def __init__(
        self,
        db: Database,
        keys: Path,
        clock: FixedClock | VirtualClock | None = None,
        *,
        direct: bool = True,
        kafka: str | None = None,
        spec: ServiceSpec = SERVICE,
        release: Release = FIRST,
        catalog: Catalog = CATALOG,
    ) -> None:
        self.db = db
        self.presence = Presence(db)
        self.bus: EmbeddedBus | KafkaBus = (
            KafkaBus(Link.parse(kafka)) if kafka else EmbeddedBus(db, self.presence, direct=direct)
        )
        self.clock = clock or VirtualClock(NOW)
        self.oracle = Oracle()
        keyring = Keyring.open(keys, [NAME])
        world = World(Settings(demo=False), catalog, self.clock, self.bus, self.oracle, release=release)
        self.service = RunningService(spec, world, Site(db, self.presence), keyring.limited_to(NAME), Policy())
        self.supervisor = Supervisor()

    async def start(self, *, workers: bool = True, schema: bool = True) -> None:
        if schema:
            await create_schema(self.db, SERVICE)
        await self.presence.start()
        await self.bus.start()
        await self.bus.declare(list(CATALOG.topics.values()))
        await self.service.start()
        if workers:
            for name, work in workers_of(self.service).items():
                self.supervisor.start(f"toy.{name}", work)

    async def stop(self) -> None:
        await self.supervisor.stop()
        await self.bus.stop()
        await self.presence.stop()

    async def send(self, *messages: tuple[UUID, int, Add], key: str | None = None) -> None:
        await self.bus.publish([request(i, v, m, key) for i, v, m in messages])

    async def tally(self, identity: UUID) -> Tally | None:
        found: Tally | None = await self.service.load("tally", identity)
        return found

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        async with self.db.connection() as conn:
            return list(await conn.fetch(sql, *args))


def request(identity: UUID, version: int, message: Add, key: str | None = None) -> Envelope:
    """The `version`-th request of an aggregate's stream."""
    return Envelope(
        id=event_id(REQUESTS, str(identity), version),
        type=type_of("coordinator", Add),
        source="/onewindow/coordinator",
        time=NOW,
        topic=REQUESTS,
        key=key or str(identity),
        aggregateid=str(identity),
        streamversion=version,
        data=message.model_dump_json().encode(),
    )


async def create_schema(db: Database, spec: ServiceSpec) -> None:
    """The schema straight from the tables, for services that have no migrations."""
    from sqlalchemy.ext.asyncio import create_async_engine

    role = role_of(spec.name)
    async with db.connection() as conn:
        await conn.execute(f'CREATE SCHEMA IF NOT EXISTS "{spec.name}"')
        for extension in EXTENSIONS:
            await conn.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
        if not await conn.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await conn.execute(f"CREATE ROLE {role} NOLOGIN")
        await conn.execute(f"GRANT {role} TO CURRENT_USER WITH SET TRUE")
    engine = create_async_engine(db.dsn.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.begin() as alchemy:
        await alchemy.run_sync(spec.metadata.create_all)
    await engine.dispose()
    async with db.connection() as conn:
        await conn.execute(f'GRANT USAGE ON SCHEMA "{spec.name}" TO {role}')
        await conn.execute(f'GRANT ALL ON ALL TABLES IN SCHEMA "{spec.name}" TO {role}')
        await conn.execute(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA "{spec.name}" TO {role}')
