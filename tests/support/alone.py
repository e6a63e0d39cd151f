"""One handling service alone in this process, spoken to over the bus as the coordinator speaks to it.

No service is known here by name: what a matter needs is read from its catalogue entry, the parts come from the
demonstration's invented families, and people say yes to whatever task is open.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from demo.families import Family, bereavement_application, invent_family
from demo.people import DISTRICT
from shared.bus.embedded import EmbeddedBus
from shared.bus.port import Bus
from shared.catalog import protocol as p
from shared.catalog.model import Matter
from shared.catalog.registry import load
from shared.changes import Changes, Ctx
from shared.clock import beijing_date, new_id
from shared.config import Settings
from shared.db.documents import qualified
from shared.db.engine import Database
from shared.db.presence import Presence
from shared.delivery.service import RunningService
from shared.handling import tasks
from shared.handling.engine import Engine
from shared.handling.model import Item
from shared.handling.sealing import seal_part
from shared.handling.tables import ITEM
from shared.handling.tasks import TaskDecision, TaskOutcome
from shared.messages import Envelope, Message, event_id, parse_type, topic_of, type_of
from shared.outcomes import FactStatus, ItemStatus
from shared.person_index import PersonIndex
from shared.runtime.host import Host
from tests.support.database import eventually

FIFTH = Path(__file__).parent / "fifth" / "catalog"
NOW = "2026-11-21T10:00:00+08:00"
CATALOG = load([FIFTH])
HANDLING = sorted(name for name, entry in CATALOG.services.items() if entry.handles)
MATTERS = [(name, matter.code) for name in HANDLING for matter in CATALOG.services[name].matters]
_WAITING_ASK = "state IN ('open', 'in_doubt') AND (tries = 0 OR lease_until IS NOT NULL)"


class ShuffledHost(Host):
    """A host whose bus mixes the order between topics."""

    def _bus(self) -> Bus:
        return EmbeddedBus(self.db, self.presence, shuffle=random.Random(7).shuffle)


class Alone:
    """A platform that runs this one service only, on a database of its own; it can be stopped and started again."""

    def __init__(self, dsn: str, keys: Path, name: str) -> None:
        self.name, self.dsn, self.keys = name, dsn, keys
        self.matters = [m.code for m in CATALOG.services[name].matters]
        self._seed = 0

    async def start(self) -> None:
        settings = Settings(
            database_url=self.dsn, keys=self.keys, demo=True, clock=f"fixed:{NOW}", catalog=str(FIFTH), pool_size=6
        )
        self.host = ShuffledHost(settings, [self.name])
        await self.host.start()

    async def stop(self) -> None:
        await self.host.stop()

    @property
    def service(self) -> RunningService:
        return self.host.services[self.name]

    @property
    def engine(self) -> Engine:
        found = self.service.spec.handlers[p.ItemRequested].handler.__self__
        assert isinstance(found, Engine)
        return found

    def obligation(self, matter: str, beside: Obligation | None = None) -> Obligation:
        """A new item about a new family; `beside` another one: of the same case, behind it in the same partition."""
        return Obligation(self, CATALOG.matters[matter], self._family(), beside.case_id if beside else new_id())

    def _family(self) -> Family:
        """The next family whose bill has the same lines as every other's."""
        while True:
            self._seed += 1
            family = invent_family(self._seed, beijing_date(self.host.clock.now()))
            if family.ashes == "stored":
                return family

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        async with self.host.db.connection() as conn:
            return list(await conn.fetch(sql, *args))

    async def parked(self) -> list[dict[str, Any]]:
        return await self.service.parking.listing()

    async def look_at_parked(self) -> None:
        """Lets the consumer look at once for what an operator wants retried, instead of within seconds."""
        assert self.service.consumer is not None
        self.service.consumer._refreshed = None


@asynccontextmanager
async def publishing(dsn: str) -> AsyncIterator[EmbeddedBus]:
    """The bus while the service is away."""
    db = Database(dsn, 2)
    await db.open()
    presence = Presence(db)
    await presence.start()
    bus = EmbeddedBus(db, presence)
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()
        await presence.stop()
        await db.close()


@dataclass(frozen=True)
class Story:
    """What came of an item, as others can tell: its messages out (topic, name), its rows, its end.

    What it waited for in between (`ItemProgressed`) depends on which source answers first, and is left out.
    """

    out: list[tuple[str, str]]
    rows: dict[str, int]
    phase: str

    @property
    def said(self) -> list[str]:
        """The names of its answers to the coordinator."""
        return [name for kind, name in self.out if kind == "answers"]

    @property
    def effects(self) -> int:
        """Rows and facts of the service's own that the decision left behind."""
        return sum(n for name, n in self.rows.items() if name != "task") + sum(kind == "events" for kind, _ in self.out)


class Obligation:
    """One item: its stream of requests, numbered as the coordinator numbers it, and what became of it."""

    def __init__(self, alone: Alone, matter: Matter, family: Family, case_id: UUID) -> None:
        self.alone, self.matter, self.family = alone, matter, family
        self.case_id, self.id = case_id, new_id()
        self.version = 0
        self.sent: list[Envelope] = []

    # --- the coordinator's side ---

    def envelope(self, message: Message) -> Envelope:
        """The next place of the item's stream."""
        self.version += 1
        topic = topic_of(self.alone.name, "requests")
        made = Envelope(
            id=event_id(topic, str(self.id), self.version),
            type=type_of("coordinator", type(message)),
            source="/onewindow/coordinator",
            time=self.alone.host.clock.now(),
            topic=topic,
            key=str(self.case_id),
            aggregateid=str(self.id),
            streamversion=self.version,
            data=message.model_dump_json(exclude_none=True).encode(),
            caseid=str(self.case_id),
        )
        self.sent.append(made)
        return made

    async def send(self, message: Message, copies: int = 1) -> None:
        await self.alone.host.bus.publish([self.envelope(message)] * copies)

    @property
    def _ids(self) -> dict[str, Any]:
        return {"item_id": self.id, "case_id": self.case_id, "round": 1}

    def requested(self, *, ready: bool = False) -> p.ItemRequested:
        index = PersonIndex(self.alone.host.keyring.index_key)
        person = self.about
        return p.ItemRequested(
            **self._ids,
            application_no="42011220261121010000016",
            matter=self.matter.code,
            definition="0" * 64,
            nature=self.matter.nature,
            ready=ready,
            unit=DISTRICT,
            accept_region=DISTRICT,
            received_at=self.alone.host.clock.now(),
            check=self.matter.check,
            acted=("clerk",),
            materials=self._materials(),
            sealed=self._part(1),
            person_ref=index.person_ref(person["id_type"], person["id_no"]),
        )

    def ready(self) -> p.ItemReady:
        facts = [
            p.FactResult(fact=f, status=FactStatus.CONFIRMED, source=f, occurred_on=self.family.died_on)
            for f in self.matter.facts
        ]
        before = [p.PrerequisiteResult(matter=a.matter, outcome=ItemStatus.APPROVED) for a in self.matter.after]
        return p.ItemReady(**self._ids, results=tuple(before), facts=tuple(facts))

    def supplemented(self) -> p.ItemSupplemented:
        return p.ItemSupplemented(**self._ids, sealed=self._part(2), sealed_round=2, materials=self._materials())

    def withdrawal(self) -> p.WithdrawalRequested:
        return p.WithdrawalRequested(**self._ids, reason_code="APPLICANT_WITHDREW")

    def cancelled(self) -> p.ItemCancelled:
        return p.ItemCancelled(**self._ids, cause="terminated", reason_code="FACT_REFUTED")

    def settled(self, status: Any = "applied") -> p.ItemSettled:
        return p.ItemSettled(**self._ids, status=status)

    # --- the part, as the catalogue entry declares it ---

    @property
    def about(self) -> dict[str, Any]:
        """Whom the matter is about: the subject where it has one, else the applicant."""
        handed_in = self._handed_in()
        found: dict[str, Any] = handed_in["applicant" if self.matter.subject == "none" else "subject"]
        return found

    def _handed_in(self) -> dict[str, Any]:
        return bereavement_application(self.family, beijing_date(self.alone.host.clock.now()))

    def _part(self, sealed_round: int) -> Any:
        handed_in = self._handed_in()
        parties = {"applicant": handed_in["applicant"]}
        if self.matter.subject != "none":
            parties["subject"] = handed_in["subject"]
        if self.matter.household:
            parties["household"] = [handed_in["applicant"]]
        known = {**handed_in["form"], **self._more()}
        form = {name: known[name] for name in self.matter.required_fields}
        form |= {name: known[name] for name in self.matter.optional_fields if name in known}
        sealer = self.alone.host.keyring.sealer()
        part = {"parties": parties, "form": form}
        return seal_part(sealer, self.alone.name, self.case_id, self.id, sealed_round, part)

    def _more(self) -> dict[str, Any]:
        """Fields that the family's own application does not hold, by the name that means one thing everywhere."""
        return {
            "hukou_region": DISTRICT,
            "bank_account": {"holder": self.about["name"], "number": self.family.account},
            "hardship_type": "quick",
            "occurred_at": self.family.died_on.isoformat(),
            "occurred_region": DISTRICT,
            "description": "家中突发变故",
            "requested_amount": "800.00",
        }

    def _materials(self) -> tuple[p.MaterialRef, ...]:
        return tuple(p.MaterialRef(type=need.type, source="shared") for need in self.matter.materials)

    # --- what became of it ---

    @property
    def _item_table(self) -> str:
        return next(qualified(kind.table) for kind in self.alone.service.spec.kinds if kind.name == ITEM)

    async def quiet(self, versions: int | None = None) -> Item:
        """The item once it has taken in all that was sent, asked its questions and told what it had to tell."""
        wanted = self.version if versions is None else versions
        schema, topic = self.alone.name, topic_of(self.alone.name, "requests")
        sql = (
            f'SELECT body, (SELECT count(*) FROM "{schema}".ask WHERE aggregate_id = $1 AND {_WAITING_ASK})'
            f" + (SELECT count(*) FROM \"{schema}\".outbox WHERE headers->>'aggregateid' = $1::text) AS busy"
            f" FROM {self._item_table} WHERE id = $1"
        )
        found: list[Item] = []

        async def settled_down() -> bool:
            rows = await self.alone.fetch(sql, self.id)
            found[:] = [Item.model_validate_json(row["body"]) for row in rows]
            seen = found[0].seen.get(f"{topic}/{self.id}", 0) if found else 0
            return bool(rows) and rows[0]["busy"] == 0 and seen >= wanted

        await eventually(settled_down, f"{self.matter.code} to take in {wanted} requests and be quiet")
        return found[0]

    async def until_decided(self) -> Item:
        """People approve whatever task is open, each time another person, until the item is decided."""
        for n in range(10):
            item = await self.quiet()
            live = tasks.live_tasks(item)
            if item.phase != "open" or not live:
                break
            command = self._approve(live[0].id, f"person-{n}")
            await self.alone.service.command(ITEM, self.id, command, actor=f"person-{n}")
        else:
            raise AssertionError(f"{self.matter.code} asks people for ever")
        assert item.phase == "decided", f"{self.matter.code} is {item.phase}, waits for {item.waiting_on}"
        return item

    def _approve(self, task_id: UUID, who: str) -> Any:
        engine = self.alone.engine

        def approve(state: Any, ctx: Ctx) -> tuple[Changes[Item], None]:
            task = tasks.claim(state, task_id, who, ctx.now)
            assert task.lease is not None
            return engine.decide(state, TaskDecision(task_id, task.lease, TaskOutcome.APPROVE, who), ctx), None

        return approve

    async def story(self) -> Story:
        item = await self.quiet()
        rows = await self.alone.fetch(
            "SELECT topic, headers->>'type' AS type, (headers->>'streamversion')::int AS version FROM bus.record"
            " WHERE topic = ANY($1) AND headers->>'aggregateid' = $2 ORDER BY topic, \"offset\"",
            [topic_of(self.alone.name, kind) for kind in ("answers", "events")],
            str(self.id),
        )
        self._must_be_numbered(rows)
        out = [(row["topic"].rpartition(".")[2], parse_type(row["type"])[1]) for row in rows]
        told = [pair for pair in out if pair[1] != p.ItemProgressed.__name__]
        return Story(told, {name: n async for name, n in self._rows()}, item.phase)

    def _must_be_numbered(self, rows: list[Any]) -> None:
        """Each of the item's streams is 1, 2, 3 … on the log."""
        versions: dict[str, list[int]] = {}
        for row in rows:
            versions.setdefault(row["topic"], []).append(row["version"])
        for topic, found in versions.items():
            assert found == list(range(1, len(found) + 1)), f"{topic} is numbered {found}"

    async def _rows(self) -> AsyncIterator[tuple[str, int]]:
        for table in _of_items(self.alone.service):
            (row,) = await self.alone.fetch(f"SELECT count(*) AS n FROM {qualified(table)} WHERE item_id = $1", self.id)
            yield table.name, row["n"]


def _of_items(service: RunningService) -> Iterator[Any]:
    """The service's own tables whose rows name an item."""
    return (table for table in service.spec.metadata.sorted_tables if "item_id" in table.columns)
