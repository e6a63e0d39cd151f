"""Records that a broker lets go before they were read, or loses: on record, loud, and work goes on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from structlog.testing import capture_logs

from deploy.kafka.local import LocalKafka
from shared.bus.kafka import KafkaBus
from shared.bus.kafka_link import Link
from shared.bus.outgoing import partition_of
from shared.bus.port import Lost
from shared.db.engine import Database
from shared.delivery.losses import LOST, SEEN
from shared.delivery.parking import RETRY
from shared.messages import derived_id
from shared.metrics import METRICS
from tests.support.database import eventually
from tests.support.kafka import own_url
from tests.support.toy import CATALOG, NAME, REQUESTS, Add, Toy, request
from tests.support.toy_cases import total

PARTITION = 2
IDS = [i for i in (derived_id("lost", n) for n in range(200)) if partition_of(str(i), 4) == PARTITION][:9]
ONE, OTHER = IDS[0], next(i for i in (derived_id("kept", n) for n in range(9)) if partition_of(str(i), 4) != PARTITION)


class Ground:
    """A cluster with topics of its own, and a service that comes and goes."""

    def __init__(self, kafka: LocalKafka, db: Database, folder: Path) -> None:
        self._kafka, self._db, self._folder = kafka, db, folder
        self.url = own_url(kafka)
        self.made: list[Toy] = []

    async def start(self) -> Toy:
        toy = Toy(self._db, self._folder / "keys", kafka=self.url)
        self.made.append(toy)
        await toy.start(schema=len(self.made) == 1)
        return toy

    async def send(self, *messages: tuple[Any, int, Add]) -> None:
        """As another service does, whether ours is there or not."""
        bus = KafkaBus(Link.parse(self.url))
        await bus.declare(list(CATALOG.topics.values()))
        await bus.publish([request(*message) for message in messages])
        await bus.stop()

    async def store(self, position: int) -> None:
        """The group's position, as nobody of ours would store it."""
        prefix = self.url.rpartition("/")[2]
        servers = Link.parse(self.url).servers
        client = AIOKafkaConsumer(bootstrap_servers=servers, group_id=prefix + NAME, enable_auto_commit=False)
        await client.start()
        place = TopicPartition(prefix + REQUESTS, PARTITION)
        client.assign([place])
        await client.commit({place: position})
        await client.stop()

    def let_go(self, before: int) -> None:
        """The broker keeps nothing of the partition before this offset."""
        where = {"topic": self.url.rpartition("/")[2] + REQUESTS, "partition": PARTITION, "offset": before}
        said = self._folder / "let-go.json"
        said.write_text(json.dumps({"version": 1, "partitions": [where]}))
        self._kafka.tool("org.apache.kafka.tools.DeleteRecordsCommand", "--offset-json-file", str(said))


@pytest_asyncio.fixture
async def ground(kafka: LocalKafka, db: Database, tmp_path: Path) -> AsyncIterator[Ground]:
    made = Ground(kafka, db, tmp_path)
    yield made
    for toy in made.made:
        await toy.stop()


async def losses(toy: Toy) -> list[dict[str, Any]]:
    return [row for row in await toy.service.resets.listing(0, 50) if row["state"] in {LOST, SEEN}]


async def parked(toy: Toy) -> list[str]:
    return [row["reason"].partition(":")[0] for row in await toy.service.parking.listing(0, 100)]


async def test_what_was_let_go_during_an_outage_is_told_and_the_cases_it_concerns_stand_aside(ground: Ground) -> None:
    toy = await ground.start()
    await ground.send(*((i, 1, Add(n=1)) for i in IDS))
    for identity in IDS:
        await total(toy, identity, 1)
    await toy.stop()
    await ground.send(*((i, 2, Add(n=10)) for i in IDS))
    ground.let_go(2 * len(IDS))
    before = METRICS.lost.labels(NAME, REQUESTS)._value.get()
    await ground.send((OTHER, 1, Add(n=5)), *((i, 3, Add(n=100)) for i in IDS))

    with capture_logs() as logs:
        toy = await ground.start()
        await total(toy, OTHER, 5)
        await eventually(lambda: _holds(parked, toy, ["Gap"] * len(IDS)), "each case with a gap to stand aside")
    told = [line for line in logs if line["event"] == "records_lost"]
    assert [(line["log_level"], line["topic"], line["records"]) for line in told] == [("critical", REQUESTS, len(IDS))]
    (loss,) = await losses(toy)
    assert (loss["topic"], loss["partition"], loss["from"], loss["to"]) == (REQUESTS, PARTITION, len(IDS), 2 * len(IDS))
    assert "保留期" in loss["reason"]
    assert METRICS.lost.labels(NAME, REQUESTS)._value.get() == before + len(IDS)
    assert f"records of {REQUESTS} were gone before they were read" in toy.service.losses.note()
    assert toy.supervisor.failed == {}, "its cause is known: it does not stop after five"
    (audited,) = await toy.fetch("SELECT detail FROM toy.audit WHERE action = 'position moved'")
    detail = json.loads(audited["detail"])
    assert (detail["to"], detail["cause"]) == (2 * len(IDS), "let_go")

    await toy.stop()
    toy = await ground.start()
    await toy.service.losses.look()
    assert len(await losses(toy)) == 1
    assert toy.service.losses.note(), "it is said until somebody has looked after it"
    assert await toy.service.losses.look_after(loss["number"], "operator", "asked every office concerned")
    assert not await toy.service.losses.look_after(loss["number"], "operator", "twice")
    assert toy.service.losses.note() == ""


async def _holds(look: Callable[[Toy], Any], toy: Toy, wanted: Any) -> bool:
    return bool(await look(toy) == wanted)


async def test_a_member_at_work_says_what_is_gone_and_gives_nothing_until_it_is_told_where_to_go_on(
    ground: Ground,
) -> None:
    bus = KafkaBus(Link.parse(ground.url))
    await ground.send(*((ONE, n, Add()) for n in range(1, 6)))
    member = bus.subscribe("reader", [REQUESTS])
    at, seen = (REQUESTS, PARTITION), []

    async def read(offsets: list[int]) -> bool:
        seen.extend(record.offset for record in await member.fetch(10, 0.2))
        return seen == offsets

    await eventually(lambda: read([0, 1, 2, 3, 4]), "all")
    await member.commit()
    ground.let_go(3)
    await member.seek(at, 1)

    async def missed() -> bool:
        assert await member.fetch(10, 0.2) == []
        return member.lost() == [Lost(at, 1, 3)]

    await eventually(missed, "it to say so")
    await member.seek(at, 3)
    assert member.lost() == []
    await eventually(lambda: read([0, 1, 2, 3, 4, 3, 4]), "what is kept")
    await bus.stop()


async def test_a_bus_that_ends_before_what_was_read_is_read_again_from_its_beginning(ground: Ground) -> None:
    """As after a restore of the broker, or the election of a copy that was behind."""
    toy = await ground.start()
    await ground.send(*((ONE, n, Add(n=1)) for n in (1, 2, 3)))
    await total(toy, ONE, 3)
    await toy.stop()
    await ground.store(50)
    async with toy.db.connection() as conn:
        await conn.execute(
            "UPDATE toy.position SET position = 50 WHERE (topic, partition) = ($1, $2)", REQUESTS, PARTITION
        )
    await ground.send((ONE, 4, Add(n=10)))
    toy = await ground.start()
    await total(toy, ONE, 13)
    (loss,) = await losses(toy)
    assert (loss["from"], loss["to"]) == (50, 0)
    assert "the bus ends before what was read" in loss["reason"]
    assert await toy.service.parking.listing() == []


async def test_what_was_missing_is_applied_first_when_it_comes_after_what_waits_for_it(ground: Ground) -> None:
    """A position put back, or a writer that was behind: the retry goes through in the order of the stream."""
    toy = await ground.start()
    await ground.send((ONE, 1, Add(n=1)), (ONE, 3, Add(n=100)))
    await eventually(lambda: _holds(parked, toy, ["Gap"]), "the one beyond the gap to stand aside", 30)
    await ground.send((ONE, 2, Add(n=10)), (ONE, 4, Add(n=1000)))
    await eventually(lambda: _holds(parked, toy, ["Gap", "BEHIND", "BEHIND"]), "those behind it")
    (first, *_) = await toy.service.parking.listing()
    await toy.service.parking.mark(first["seq"], RETRY)
    await total(toy, ONE, 1111)
    assert await toy.service.parking.listing() == []
