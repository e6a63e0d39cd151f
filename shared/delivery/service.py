"""A running service: its spec joined to a database, a bus, a clock, keys and policy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from shared.bus.port import Bus, outbox_word
from shared.changes import Ctx, Handler
from shared.crypto import Aad, Sealed
from shared.db import documents
from shared.db.engine import role_of
from shared.db.site import Site
from shared.delivery.asks import Open
from shared.delivery.commands import Commands
from shared.delivery.consumer import Consumer
from shared.delivery.dead_letters import DeadLetters
from shared.delivery.failing import Failing
from shared.delivery.figures import Figures
from shared.delivery.hearing import Hearing
from shared.delivery.losses import Losses
from shared.delivery.newer import Newer
from shared.delivery.news import News
from shared.delivery.parking import Parking
from shared.delivery.pressure import require_room
from shared.delivery.reached import Reached
from shared.delivery.refused import Refused
from shared.delivery.resets import Resets
from shared.delivery.sessions import LocalSessions
from shared.delivery.stuck import StuckView
from shared.delivery.unit_of_work import Entry, Idempotency, UnitOfWork
from shared.delivery.units import LocalUnits
from shared.delivery.waiting import LOOK_SECONDS
from shared.delivery.writes import Writes
from shared.errors import NewerRelease
from shared.http.ended import EndedSessions
from shared.messages import Envelope, Message
from shared.messaging.port import Messenger
from shared.messaging.unconnected import Unconnected
from shared.precedence import Precedence
from shared.release import Release, this_release
from shared.seals import NoSeals, Seals

if TYPE_CHECKING:
    import asyncpg

    from shared.catalog.registry import Catalog
    from shared.clock import Clock
    from shared.config import Settings
    from shared.crypto import Keyring
    from shared.facts.port import FactAnswer, FactSource, Question
    from shared.policy import Policy
    from shared.spec import Command, ServiceSpec

AT_REST = UUID(int=0)


@dataclass
class World:
    """What all services of a process share."""

    settings: Settings
    catalog: Catalog
    clock: Clock
    bus: Bus
    facts: FactSource
    messenger: Messenger = field(default_factory=Unconnected)
    seals: Seals = field(default_factory=NoSeals)
    ended: EndedSessions = field(default_factory=EndedSessions)
    precedence: Precedence = field(default_factory=Precedence)
    release: Release = field(default_factory=this_release)


class RunningService:
    """One service at work; also the handle that its routes and workers are given (`ServiceHandle`)."""

    def __init__(self, spec: ServiceSpec, world: World, site: Site, keyring: Keyring, policy: Policy) -> None:
        self.spec = spec
        self.settings, self.catalog, self.clock = world.settings, world.catalog, world.clock
        self.bus, self._facts, self.precedence = world.bus, world.facts, world.precedence
        self.messenger, self.seals = world.messenger, world.seals
        self.site, self.db, self.presence = site, site.db, site.presence
        self.keyring, self.policy = keyring, policy
        self.news, self.failing = News(), Failing()
        self.units, self.sessions = LocalUnits(site, spec), LocalSessions(site, spec, world.ended)
        self.notes: dict[str, str] = {}
        self.made: dict[str, Any] = {}
        self.release = world.release
        self.newer = Newer(spec.name, self.release)
        self.parking = Parking(self.db, spec, self.release)
        self.dead_letters, self.refused = DeadLetters(self), Refused(self)
        self.resets, self.losses = Resets(self), Losses(self)
        self.figures, self.stuck = Figures(self), StuckView(self)
        self.unit_of_work = UnitOfWork(self)
        self.commands, self.hearing = Commands(self), Hearing(self)
        self._role = role_of(spec.name)
        self._kinds = {k.name: k for k in spec.kinds}
        self._partitions = {t.name: t.partitions for t in world.catalog.topics.values()}
        self._sealer = keyring.sealer()
        self.consumer: Consumer | None = None

    # --- what handlers and routes use -----------------------------------------------------------------------------

    def ctx(self, actor: str = "system", envelope: Envelope | None = None) -> Ctx:
        """The world as one pure call may see it."""
        return Ctx(
            service=self.spec.name,
            now=self.clock.now(),
            keyring=self.keyring,
            catalog=self.catalog,
            policy=self.policy,
            units=self.units,
            envelope=envelope,
            actor=actor,
        )

    async def command(
        self,
        kind: str,
        aggregate_id: UUID,
        command: Command,
        *,
        actor: str,
        idempotency: Idempotency | None = None,
        beside: Sequence[tuple[str, UUID, Command]] = (),
    ) -> Any:
        """Runs a command on one aggregate in a unit of work; its answer, or the stored one of the same key. Commands
        `beside` it change further aggregates with it, or nothing is changed at all."""
        entry = Entry(kind, aggregate_id, command, _action(command), actor=actor, idempotency=idempotency)
        entry.beside = tuple(
            Entry(other, identity, call, _action(call), actor=actor, after=entry) for other, identity, call in beside
        )
        return await self.commands.run(entry)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[asyncpg.Connection]:
        """A read-only transaction in the service's role."""
        async with self.db.transaction(self._role, read_only=True) as conn:
            yield conn

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """One transaction in the service's role that audits nothing by itself: for audit rows of another kind."""
        async with self.db.transaction(self._role) as conn:
            yield conn
        self.news.audit.set()

    @asynccontextmanager
    async def write(
        self, actor: str, action: str = "write", detail: Mapping[str, Any] | None = None
    ) -> AsyncIterator[asyncpg.Connection]:
        """One transaction in the service's role for its own plain rows, with an audit row: who did what."""
        async with self.db.transaction(self._role) as conn:
            yield conn
            await conn.execute(
                f"INSERT INTO {documents.qualified(self.spec.delivery.audit)}"
                " (at, actor, action, kind, aggregate_id, version, detail) VALUES ($1, $2, $3, 'row', '', 0, $4)",
                self.clock.now(),
                actor,
                action,
                orjson.dumps(detail).decode() if detail else None,
            )
        self.news.timers.set()
        self.news.audit.set()

    async def load(self, kind: str, aggregate_id: UUID) -> Any | None:
        """The state of one aggregate, or None."""
        async with self.read() as conn:
            found = await documents.load(conn, self._kinds[kind], [aggregate_id])
        return found.get(aggregate_id)

    async def require_room(self) -> None:
        """Raises 429 while new work would have to wait too long; reading is never refused."""
        await require_room(self)

    async def outbox_holds(self, topics: Collection[str]) -> bool:
        """Whether something for these topics waits to be relayed; what the bus refused does not."""
        table = documents.qualified(self.spec.delivery.outbox)
        async with self.read() as conn:
            return bool(
                await conn.fetchval(
                    f"SELECT 1 FROM {table} WHERE topic = ANY($1) AND refused IS NULL LIMIT 1", list(topics)
                )
            )

    # --- what the unit of work and the workers use ----------------------------------------------------------------

    def new_writes(self) -> Writes:
        """An empty collector of delivery rows."""
        return Writes(self.spec.name, self._type_of, self._partitions, self.seal, self.presence.number)

    def _type_of(self, message: type[Message]) -> str:
        return self.catalog.writers[(self.spec.name, message)]

    def seal(self, content: Mapping[str, Any], row: UUID) -> str:
        """A row's content as it rests: sealed under this service's own key, or plain where the service has none."""
        plain = orjson.dumps(content, default=str)
        if not self.spec.keys.own:
            return plain.decode()
        return self._sealer.seal(self.spec.name, self._at_rest(row), plain).to_text()

    def unseal(self, text: str, row: UUID) -> dict[str, Any]:
        """The content again; `Poison` when it was altered or stood in another row."""
        plain = text if not self.spec.keys.own else self._sealer.open(Sealed.from_text(text), self._at_rest(row))
        found: dict[str, Any] = orjson.loads(plain)
        return found

    def _at_rest(self, row: UUID) -> Aad:
        return Aad(AT_REST, row, 0, self.spec.name)

    def committed(self, writes: Writes) -> None:
        """Wakes whoever has something to do after a commit."""
        if writes.audit:
            self.news.audit.set()
        if writes.appended:
            self.bus.appended(writes.appended)
        elif writes.outbox:
            self.news.outbox.set()
        if writes.asked:
            self.news.asked += [Open.fresh(writes.asks[i] or {}, writes.questions[i]) for i in writes.asked]
            self.news.asks.set()
        if writes.puts:
            self.news.rows.set()
        first = writes.first_due
        # What is due later is found by the worker's own looks: most timers of a case are called off before.
        soon = first is not None and first <= self.clock.now() + timedelta(seconds=LOOK_SECONDS)
        if soon or any(table is self.spec.delivery.timer for table, _ in writes.puts):
            self.news.timers.set()

    def local_handler(self, kind: str, name: str) -> Handler:
        """The handler of a timer or answer: by its exact name, else the kind's `answer:*` or `timer:*`. One that is unknown
        here was left by a newer release."""
        what = name.partition(":")[0]
        for candidate in (name, f"{what}:*"):
            if (kind, candidate) in self.spec.local:
                return self.spec.local[(kind, candidate)]
        raise NewerRelease(f"{self.spec.name} {kind} {name}", self.release.following)

    async def answer(self, source: str, questions: Sequence[Question]) -> Sequence[FactAnswer]:
        """Puts questions to a source: the service's own tables, or the facts port."""
        own = self.spec.local_sources.get(source)
        if own is not None:
            answers: Sequence[FactAnswer] = await own(self, questions)
            return answers
        return await self._facts.answer(questions)

    async def start(self) -> None:
        """Reads what is held in memory and joins the bus."""
        for copy in (self.units, self.sessions):
            copy.listen()
            await copy.load()
        subscription = self.bus.subscribe(self.spec.name, self.hearing.topics(), Reached(self))
        self.consumer = Consumer(
            self.spec.name, subscription, self.hearing.handle, self.parking, self.dead_letters, self.resets, self.losses
        )
        self.presence.listen(self._heard, self.news.outbox.set)

    def _heard(self, words: list[str]) -> None:
        if outbox_word(self.spec.name) in words:
            self.news.outbox.set()


def _action(command: Command) -> str:
    """What the audit calls a command."""
    return str(getattr(command, "__name__", "command")).strip("_")
