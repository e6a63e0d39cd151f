"""A platform on Kafka, put back from its backup while the broker still holds what came after it: nothing lost, nothing twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from demo.families import bereavement_application, invent_family
from deploy.kafka.local import LocalKafka
from shared.clock import beijing_date
from shared.config import Settings
from shared.errors import Conflict, Misconfigured
from shared.messages import topic_of
from shared.runtime.backup.making import make
from shared.runtime.backup.restoring import put_back
from shared.runtime.host import Host
from tests.support.database import Server, eventually
from tests.support.kafka import own_url
from tests.support.platform import NOW, Hosted

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
EVENTS = topic_of("coordinator", "events")
BEFORE, AFTER = 4, 3


def on(bus: str, dsn: str, folder: Path) -> Settings:
    return Settings(
        database_url=dsn,
        keys=folder / "keys",
        files=folder / "files",
        data=folder / "data",
        demo=True,
        clock=f"virtual:{NOW}@1",
        bus=bus,
    )


async def hand_in(host: Host, seed: int) -> str:
    today = beijing_date(host.clock.now())
    received = await Hosted(host).submit(bereavement_application(invent_family(seed, today), today))
    return str(received["application_no"])


async def drained(host: Host) -> None:
    async def at_rest() -> bool:
        return not any(lag.records for lag in await host.bus.lag())

    await eventually(at_rest, "every event to be read", 60)


async def concluded(host: Host) -> Counter[str]:
    """How many conclusions stand on the bus for each case, each place of a stream once."""
    places = set()
    for partition, kept in (await host.bus.kept(EVENTS)).items():
        for record in await host.bus.read((EVENTS, partition), kept.begin, kept.end - kept.begin):
            envelope = record.envelope()
            if envelope.name == "ItemConcluded":
                places.add((envelope.key, envelope.aggregateid, envelope.streamversion))
    return Counter(key for key, _, _ in places)


async def fetch(host: Host, sql: str) -> list[Any]:
    async with host.db.connection() as conn:
        return list(await conn.fetch(sql))


async def backed_up(settings: Settings, folder: Path) -> tuple[list[str], list[str]]:
    """Families hand in, the platform is backed up at work, and goes on; the applications before, and after."""
    async with Host(settings).running() as host:
        closed = await hand_in(host, 101)
        await Hosted(host).closed(closed)
        numbers = [closed, *[await hand_in(host, 200 + n) for n in range(BEFORE - 1)]]
        await make(settings, folder / "backup", folder / "backup-keys", None, lambda _: None)
        later = [await hand_in(host, 300 + n) for n in range(AFTER)]
        for number in [*numbers, *later]:
            await Hosted(host).closed(number)
        await drained(host)
    return numbers, later


async def test_it_goes_on_as_it_was_at_the_backup_though_the_broker_holds_what_came_after(
    server: Server, kafka: LocalKafka, tmp_path: Path
) -> None:
    old = on(own_url(kafka), await server.new_platform_database(), tmp_path / "here")
    numbers, later = await backed_up(old, tmp_path)

    said: list[str] = []
    empty = await server.new_database()
    for bus in ("embedded", old.bus):
        with pytest.raises(Conflict) as refused:
            await put_back(
                on(bus, empty, tmp_path / "there"), tmp_path / "backup", tmp_path / "backup-keys", None, said.append
            )
        assert refused.value.code == {"embedded": "OTHER_BUS"}.get(bus, "NOT_EMPTY")
    new = on(own_url(kafka), empty, tmp_path / "there")
    await put_back(new, tmp_path / "backup", tmp_path / "backup-keys", None, said.append)  # nothing was written before
    (told,) = [text for text in said if "brought over" in text]
    assert all(number in told for number in later), "whom to ask again"
    assert not any(number in told for number in numbers)

    with pytest.raises(Misconfigured, match=f"{new.bus} still holds"):
        async with Host(on(old.bus, empty, tmp_path / "there")).running():
            pass
    async with Host(new).running() as host:
        for number in numbers:
            assert (await Hosted(host).closed(number))["outcome"] == "approved"
        await drained(host)
        assert sorted(
            row["application_no"] for row in await fetch(host, "SELECT application_no FROM intake.application")
        ) == sorted(numbers)
        assert list((await concluded(host)).values()) == [5] * len(numbers)
        for name, service in host.services.items():
            assert await service.parking.listing() == [], name
            assert await service.resets.listing(0, 10) == [], name
            assert await service.stuck.look() == [], name
        for table, once in (("elderly.stop", "item_id, scheme"), ("marriage.annotation", "item_id")):
            assert not await fetch(host, f"SELECT 1 FROM {table} GROUP BY {once} HAVING count(*) > 1"), table
        assert host.supervisor.failed == {}
        again = await hand_in(host, 300)
        assert (await Hosted(host).closed(again))["outcome"] == "approved"
        await drained(host)


async def test_a_bus_that_is_gone_must_be_said_to_be_gone(server: Server, kafka: LocalKafka, tmp_path: Path) -> None:
    old = on(own_url(kafka), await server.new_platform_database(), tmp_path / "here")
    async with Host(old).running() as host:
        number = await hand_in(host, 1)
        await Hosted(host).closed(number)
        await drained(host)
        await make(old, tmp_path / "backup", tmp_path / "backup-keys", None, lambda _: None)
    manifest = tmp_path / "backup" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(old.bus, "kafka://127.0.0.1:1/gone."))
    new = on(own_url(kafka), await server.new_database(), tmp_path / "there")
    places = (new, tmp_path / "backup", tmp_path / "backup-keys", None)
    said: list[str] = []
    with pytest.raises(Conflict, match="BUS_AWAY"):
        await put_back(*places, said.append)
    await put_back(*places, said.append, without_bus=True)
    assert any("nothing was brought over" in text for text in said)
    async with Host(new).running() as host:
        assert (await Hosted(host).application(number))["status"] == "closed"
        later = await hand_in(host, 2)
        assert (await Hosted(host).closed(later))["outcome"] == "approved"
