"""A message that the bus does not take: refused where it is made, and set aside where it was made nevertheless."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from deploy.kafka.local import LocalKafka
from shared.bus import refused
from shared.bus.kafka import KafkaBus
from shared.bus.kafka_link import Link
from shared.bus.kafka_topics import ROOM
from shared.catalog.registry import Catalog
from shared.changes import Changes, Ctx, Emit
from shared.db.engine import Database
from shared.delivery.stuck import NOT_PUBLISHED
from shared.errors import TooLarge
from shared.http.problems import describe
from shared.messages import MESSAGE_BYTES, Message
from shared.runtime.workers import workers_of
from shared.spec import Route
from tests.support.database import eventually
from tests.support.kafka import own_url
from tests.support.toy import ANSWERS, ENTRY, NAME, SERVICE, Add, Added, Tally, Toy, on_add
from tests.support.toy_cases import ident, total

LIMIT = 20_000
SMALL, LARGE = 3_000, 300_000
"""Many small ones, and one large one alone, make a batch."""


class Said(Message):
    """So many letters."""

    text: str


CATALOG = Catalog({NAME: replace(ENTRY, answers=(Added, Said))})


def saying(which: int, letters: int) -> Callable[[Tally | None, Ctx], tuple[Changes[Tally], int]]:
    """A command that says so much about the `which`-th tally."""

    def say(state: Tally | None, ctx: Ctx) -> tuple[Changes[Tally], int]:
        tally = state or Tally(id=ident(which))
        tally.total += 1
        key = str(tally.id)
        return Changes(tally, emits=[Emit(ANSWERS, key, Said(text="x" * letters), key, case_id=key)]), tally.total

    return say


async def say(toy: Toy, which: int, letters: int) -> None:
    await toy.service.command("tally", ident(which), saying(which, letters), actor="clerk")


@pytest.fixture
def limited(kafka: LocalKafka) -> tuple[str, Callable[[int], None]]:
    """A bus of its own, and how to change what its topic of answers takes."""
    url = own_url(kafka)

    def take(most: int) -> None:
        topic = url.rpartition("/")[2] + ANSWERS
        names = ("--entity-type", "topics", "--entity-name", topic)
        kafka.tool("kafka.admin.ConfigCommand", "--alter", *names, "--add-config", f"max.message.bytes={most}")

    return url, take


@pytest_asyncio.fixture
async def start(db: Database, tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    made: list[Toy] = []

    async def start(url: str | None = None, *, relay: bool = True, **further: Any) -> Toy:
        toy = Toy(db, tmp_path / "keys", kafka=url, catalog=CATALOG, **further)
        made.append(toy)
        await toy.start(workers=relay)
        if not relay:
            toy.supervisor.start("toy.commands", workers_of(toy.service)["commands"])
        return toy

    yield start
    for toy in made:
        await toy.stop()


async def test_a_command_whose_message_would_be_too_large_is_refused_and_nothing_is_stored(start: Any) -> None:
    toy = await start()
    await say(toy, 1, MESSAGE_BYTES // 2)
    with pytest.raises(TooLarge) as caught:
        await say(toy, 1, MESSAGE_BYTES)
    answer = describe(caught.value)
    assert (answer.status_code, orjson.loads(answer.body)["code"]) == (413, "TOO_LARGE")
    assert str(MESSAGE_BYTES) in orjson.loads(answer.body)["detail"]
    tally = await toy.tally(ident(1))
    assert (tally.total, tally.out) == (1, {f"{ANSWERS}/{ident(1)}": 1})
    await say(toy, 1, 1)
    assert (await toy.tally(ident(1))).total == 2


async def test_what_the_bus_does_not_take_stands_aside_with_all_behind_it_and_others_go_on(
    start: Any, limited: tuple[str, Callable[[int], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost, nothing is overtaken, nobody else waits; it goes on by itself when the topic takes it."""
    url, take = limited
    toy = await start(url, relay=False)
    take(LIMIT)
    reader = toy.bus.subscribe("reader", [ANSWERS])
    seen: dict[str, list[int]] = {}

    async def read(key: int, versions: list[int]) -> bool:
        for record in await reader.fetch(500, 0.2):
            envelope = record.envelope()
            seen.setdefault(envelope.aggregateid, []).append(envelope.streamversion)
        return list(dict.fromkeys(seen.get(str(ident(key)), []))) == versions

    for which in range(1, 13):
        await say(toy, which, LARGE if which == 1 else SMALL)
    await say(toy, 1, SMALL)
    await say(toy, 2, SMALL)
    toy.supervisor.start("toy.relay", workers_of(toy.service)["relay"])
    for which in range(3, 13):
        await eventually(lambda which=which: read(which, [1]), f"what is said of {which}", 30)
    await eventually(lambda: read(2, [1, 2]), "both of the second", 30)
    assert str(ident(1)) not in seen

    async def aside() -> bool:
        return len(await toy.service.refused.listing(0, 10)) == 2

    await eventually(aside, "the refused one and the one behind it to stand aside")
    first, second = await toy.service.refused.listing(0, 10)
    assert (first["topic"], first["bytes"] > LARGE, first["reason"].partition(":")[0]) == (
        ANSWERS,
        True,
        "UNPUBLISHABLE",
    )
    assert second["reason"].startswith("BEHIND")
    assert await toy.service.figures.oldest_unpublished() == 0, "nobody is refused for it"
    assert [one["reason"] for one in await toy.service.stuck.look()] == [NOT_PUBLISHED]
    assert await toy.service.refused.look() == 2
    assert "onewindow bus refused" in toy.service.refused.note()
    assert toy.supervisor.failed == {}

    take(LARGE * 2)
    monkeypatch.setattr(refused, "AGAIN_SECONDS", 0.0)
    await eventually(lambda: read(1, [1, 2]), "it to go by itself, in order", 30)
    await eventually(lambda: _none(toy), "nothing to stand aside")
    await reader.close()


async def _none(toy: Toy) -> bool:
    return await toy.service.refused.look() == 0


def too_much(state: Tally | None, message: Add, ctx: Ctx) -> Changes[Tally]:
    assert ctx.envelope is not None
    changes = on_add(state, message, ctx)
    if message.n == 7:
        changes.emits.append(Emit(ANSWERS, ctx.envelope.key, Said(text="x" * MESSAGE_BYTES), ctx.envelope.key))
    return changes


async def test_a_message_from_which_one_too_large_would_follow_is_parked_and_no_other(start: Any) -> None:
    toy = await start(spec=replace(SERVICE, handlers={Add: Route("tally", too_much)}))
    await toy.send((ident(1), 1, Add(n=7)), (ident(2), 1, Add(n=2)))
    await total(toy, ident(2), 2)

    async def parked() -> bool:
        return bool(await toy.service.parking.listing())

    await eventually(parked, "the one to be parked")
    (row,) = await toy.service.parking.listing()
    assert row["reason"].startswith("TooLarge: TOO_LARGE")
    assert await toy.tally(ident(1)) is None


async def test_the_catalogue_s_topics_take_every_message_that_may_be_made(kafka: LocalKafka) -> None:
    """Dead letters too, and whatever the cluster's own default is."""
    url = own_url(kafka)
    bus = KafkaBus(Link.parse(url))
    await bus.start()
    await bus.declare(list(CATALOG.topics.values()))
    await bus.stop()
    prefix = url.rpartition("/")[2]
    for topic in CATALOG.topics:
        names = ("--entity-type", "topics", "--entity-name", prefix + topic)
        said = kafka.tool("kafka.admin.ConfigCommand", "--describe", *names)
        assert f"max.message.bytes={MESSAGE_BYTES + ROOM} " in said
