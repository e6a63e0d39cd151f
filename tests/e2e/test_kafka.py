"""The platform on a real Kafka: the main job, and the move from one bus to the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.families import bereavement_application, invent_family
from deploy.kafka.local import LocalKafka
from shared.clock import beijing_date
from shared.config import Settings
from shared.errors import Misconfigured, Transient
from shared.runtime.cli import main as entry
from shared.runtime.host import Host
from tests.support.catalogue import sample
from tests.support.database import Server, eventually
from tests.support.kafka import own_url
from tests.support.platform import NOW, Hosted, run_platform


async def test_the_sample_of_the_contract_closes_on_kafka_with_the_same_figures(
    server: Server, kafka: LocalKafka
) -> None:
    async with run_platform(await server.new_platform_database(), bus=own_url(kafka)) as platform:
        received = await platform.submit(sample())
        closed = await platform.closed(received["application_no"])
        items = {item["matter"]: item for item in closed["items"]}
        assert closed["outcome"] == "approved"
        assert items["funeral.fee_waiver"]["result"]["waived"] == "980.00"
        assert items["elderly.benefit_stop"]["result"]["owed"] == "200.00"

        async def drained() -> bool:
            return not any(lag.records for lag in await platform.host.bus.lag())

        await eventually(drained, "every event to be read")


def on(bus: str, dsn: str, keys: Path) -> Settings:
    return Settings(database_url=dsn, keys=keys, demo=True, clock=f"virtual:{NOW}@1", bus=bus)


async def leave_unread(settings: Settings) -> str:
    """A case is handed in while the coordinator reads nothing, and everything is stopped."""
    async with Host(settings).running() as host:
        host.supervisor._tasks["coordinator.consumer"].cancel()
        received = await Hosted(host).submit(sample())

        async def waiting() -> bool:
            lags = await host.bus.lag("coordinator")
            return any(lag.records for lag in lags if lag.topic == "onewindow.coordinator.requests")

        await eventually(waiting, "the application to wait on the bus")
        return str(received["application_no"])


async def drain(settings: Settings, number: str) -> None:
    async with Host(settings).running() as host:
        await Hosted(host).closed(number)

        async def drained() -> bool:
            return not any(lag.records for lag in await host.bus.lag())

        await eventually(drained, "every record to be read")


@pytest.mark.parametrize("first", ["embedded", "kafka"])
async def test_a_bus_is_refused_while_another_holds_unread_records_and_taken_once_it_is_drained(
    server: Server, kafka: LocalKafka, tmp_path: Path, first: str
) -> None:
    dsn, cluster = await server.new_platform_database(), own_url(kafka)
    old, new = (on(bus, dsn, tmp_path / "keys") for bus in sorted(("embedded", cluster), reverse=first == "kafka"))
    number = await leave_unread(old)
    with pytest.raises(Misconfigured, match="unread"):
        async with Host(new).running():
            pass
    await drain(old, number)
    async with Host(new).running() as host:
        today = beijing_date(host.clock.now())
        received = await Hosted(host).submit(bereavement_application(invent_family(7, today), today))
        await Hosted(host).closed(received["application_no"])


async def test_a_bus_that_cannot_be_asked_is_not_left_behind(server: Server, kafka: LocalKafka, tmp_path: Path) -> None:
    dsn = await server.new_platform_database()
    async with Host(on(own_url(kafka), dsn, tmp_path / "keys")).running() as host, host.db.connection() as conn:
        await conn.execute("UPDATE bus.home SET address = 'kafka://127.0.0.1:1'")
    with pytest.raises(Misconfigured, match="does not answer"):
        async with Host(on("embedded", dsn, tmp_path / "keys")).running():
            pass


async def test_a_cluster_that_is_away_at_the_start_is_said_in_a_sentence(server: Server, tmp_path: Path) -> None:
    with pytest.raises(Transient, match="Kafka"):
        async with Host(on("kafka://127.0.0.1:1", await server.new_platform_database(), tmp_path / "keys")).running():
            pass


def test_the_command_line_makes_the_topics_and_says_who_may_do_what(
    kafka: LocalKafka, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["onewindow", *arguments])
        with pytest.raises(SystemExit) as ended:
            entry.main()
        assert not ended.value.code
        return capsys.readouterr().out

    url = own_url(kafka)
    monkeypatch.setenv("ONEWINDOW_BUS", url)
    assert said("topics") == said("topics")
    made = kafka.tool("org.apache.kafka.tools.TopicCommand", "--list").split()
    assert url.rpartition("/")[2] + "onewindow.funeral.requests" in made
    rights = said("topics", "--acls").splitlines()
    assert any("User:funeral" in line and "onewindow.funeral.requests" in line for line in rights)
    assert not any("User:funeral" in line and "onewindow.assistance.requests" in line for line in rights)
