"""A bus for a restored platform: what its databases had sent is brought over to a place of its own, and no more.

Kafka keeps what came after the backup, which the databases put back know nothing of. Read from there, cases would go on
that nobody here has received, and what is decided anew would stand behind what was decided then, unread. So a restore
takes a new prefix: each writer's topics are copied as far as its own database says it had written, and readers begin at
the beginning, dropping what they had applied. The old topics stay as they are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import orjson

from shared.bus.kafka import KafkaBus
from shared.bus.port import Record
from shared.db.documents import qualified
from shared.db.engine import mapped_errors
from shared.errors import Conflict, Misconfigured, Transient, Undecodable
from shared.runtime.backup.databases import not_empty
from shared.runtime.buses import EMBEDDED, link_of

if TYPE_CHECKING:
    from shared.catalog.model import TopicEntry
    from shared.catalog.registry import Catalog
    from shared.config import Settings
    from shared.spec import ServiceSpec

CHUNK: Final = 2000
Sent = dict[str, int]
"""How far each stream (`topic/aggregate`) was written."""


@dataclass
class Brought:
    """What was copied, and what was left behind: messages, and the applications that they name."""

    copied: int = 0
    left: int = 0
    numbers: set[str] = field(default_factory=set)
    ahead: int = 0
    """Streams of which a reader's database has applied more than the writer's has written: two dumps of two moments."""

    def told(self) -> str:
        """For whoever restores."""
        said = [
            f"总线:已带入 {self.copied} 条;备份之后发出的 {self.left} 条留在原处,不在本次恢复之内"
            f" / bus: {self.copied} messages brought over; {self.left} that were sent after the backup stay where they are"
        ]
        if self.numbers:
            said.append(
                "以下申请是备份之后受理的,库中没有,请联系申请人重新受理 / these applications were received after the backup"
                f" and are not in it, take them in again: {', '.join(sorted(self.numbers))}"
            )
        if self.ahead:
            said.append(
                f"有 {self.ahead} 条事件流读得比写得远(各库备份时刻不同),请核对 / of {self.ahead} streams more was read than"
                " written, since the databases are of different moments: look after them"
            )
        return "\n".join(said)


async def require_place(settings: Settings, catalog: Catalog, address: str) -> None:
    """`Conflict`: the settings name a bus that holds topics of ours already (`NOT_EMPTY`), or `address`, the bus that the
    backup was on, cannot be asked (`BUS_AWAY`)."""
    if settings.bus == EMBEDDED:
        raise Conflict(
            "OTHER_BUS",
            "备份时用的是 Kafka,请在 ONEWINDOW_BUS 中写明 Kafka 和一个新的前缀(kafka://host:port/r2.)",
            "the backup was made on Kafka: name Kafka and a new prefix in ONEWINDOW_BUS (kafka://host:port/r2.)",
        )
    async with _at(settings, settings.bus) as target:
        for topic in catalog.topics:
            if await target.kept(topic):
                raise not_empty(f"{settings.bus}; 请换一个前缀 / name another prefix (kafka://host:port/r2.)")
    try:
        async with _at(settings, address):
            pass
    except (Transient, Misconfigured) as cause:
        raise Conflict(
            "BUS_AWAY",
            f"备份时所用的总线 {address} 没有回答:当时在途的事件在那里。请先恢复它;确已不存在,用 --without-bus",
            f"the bus that the backup was on, {address}, does not answer, and what was on its way then is there: bring it"
            " back, or say --without-bus where it is gone for good",
        ) from cause


async def bring_over(
    settings: Settings, catalog: Catalog, address: str, dsns: Iterable[tuple[str, Sequence[ServiceSpec]]]
) -> Brought:
    """Copies what the restored databases had sent from the bus they were on to the one that the settings name."""
    brought, sent, seen, known = Brought(), Sent(), Sent(), set[str]()
    for dsn, specs in dsns:
        for spec in specs:
            for stream, version in (await _streams(dsn, spec, "out")).items():
                sent[stream] = max(version, sent.get(stream, 0))
            for stream, version in (await _streams(dsn, spec, "seen")).items():
                seen[stream] = max(version, seen.get(stream, 0))
            known |= await _numbers(dsn, spec)
    brought.ahead = sum(version > sent.get(stream, 0) for stream, version in seen.items())
    async with _at(settings, address) as source, _at(settings, settings.bus) as target:
        await target.declare(list(catalog.topics.values()))
        for topic in catalog.topics.values():
            await _copy(source, target, topic, sent, brought)
    brought.numbers -= known
    return brought


async def move_in(dsn: str, address: str) -> None:
    """The database's platform is on this bus from now on."""
    with mapped_errors():
        conn = await asyncpg.connect(dsn)
        try:
            if await conn.fetchval("SELECT to_regclass('bus.home') IS NOT NULL"):
                await conn.execute("UPDATE bus.home SET address = $1", address)
        finally:
            await conn.close()


@asynccontextmanager
async def _at(settings: Settings, address: str) -> AsyncIterator[KafkaBus]:
    bus = KafkaBus(link_of(settings, address))
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()


async def _streams(dsn: str, spec: ServiceSpec, which: str) -> Sent:
    """`out` or `seen` of every aggregate of a service."""
    found = Sent()
    with mapped_errors():
        conn = await asyncpg.connect(dsn)
        try:
            for kind in spec.kinds:
                rows = await conn.fetch(
                    f"SELECT s.key, max(s.value::bigint) AS version FROM {qualified(kind.table)},"
                    f" json_each_text(coalesce(body -> '{which}', '{{}}')) s GROUP BY s.key"
                )
                for row in rows:
                    found[row["key"]] = max(row["version"], found.get(row["key"], 0))
        finally:
            await conn.close()
    return found


async def _numbers(dsn: str, spec: ServiceSpec) -> set[str]:
    """The applications that a service knows."""
    found = set()
    with mapped_errors():
        conn = await asyncpg.connect(dsn)
        try:
            for kind in (kind for kind in spec.kinds if "application_no" in kind.table.columns):
                rows = await conn.fetch(f"SELECT DISTINCT application_no FROM {qualified(kind.table)}")
                found |= {row["application_no"] for row in rows}
        finally:
            await conn.close()
    return found


async def _copy(source: KafkaBus, target: KafkaBus, topic: TopicEntry, sent: Mapping[str, int], to: Brought) -> None:
    for partition, kept in (await source.kept(topic.name)).items():
        at, offset = (topic.name, partition), kept.begin
        while offset < kept.end:
            records = await source.read(at, offset, min(CHUNK, kept.end - offset))
            if not records:
                break
            taken = [record for record in records if topic.dead or _is_known(record, sent, to)]
            await target.take(taken)
            to.copied += len(taken)
            offset = records[-1].offset + 1


def _is_known(record: Record, sent: Mapping[str, int], to: Brought) -> bool:
    """Whether its writer's database knows that it sent this; what is no event of ours is not brought over."""
    try:
        envelope = record.envelope()
    except Undecodable:
        return False
    if envelope.streamversion <= sent.get(f"{envelope.topic}/{envelope.aggregateid}", 0):
        return True
    to.left += 1
    number = _said(record.data).get("application_no")
    if isinstance(number, str):
        to.numbers.add(number)
    return False


def _said(data: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
