"""Which bus the settings name, and that no event is left behind on another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.bus.embedded import EmbeddedBus
from shared.bus.kafka import KafkaBus
from shared.bus.kafka_link import SETTING, Link
from shared.bus.port import Bus
from shared.catalog.registry import load
from shared.errors import Misconfigured, Transient

if TYPE_CHECKING:
    from shared.config import Settings
    from shared.db.site import Site

EMBEDDED = "embedded"
_TABLE = """
CREATE SCHEMA IF NOT EXISTS bus;
CREATE TABLE IF NOT EXISTS bus.home (one boolean PRIMARY KEY DEFAULT true CHECK (one), address text NOT NULL);
"""


def make_bus(settings: Settings, site: Site, address: str | None = None) -> Bus:
    """The bus of the settings, or one at another address that the same account may use."""
    address = address or settings.bus
    if address == EMBEDDED:
        return EmbeddedBus(site.db, site.presence)
    return KafkaBus(link_of(settings, address))


def link_of(settings: Settings, address: str | None = None) -> Link:
    """The settings' Kafka cluster; raises `Misconfigured` when they name none."""
    password = settings.bus_password.get_secret_value() if settings.bus_password else None
    return Link.parse(address or settings.bus, settings.bus_user, password, settings.bus_ca)


async def keep_to_one_bus(settings: Settings, site: Site) -> None:
    """Remembers in a database which bus its platform is on.

    Raises `Misconfigured` when it was another one that holds unread records, cannot be asked, or is in use now: close
    intake, wait until the lag is 0, stop everything, then switch.
    """
    async with site.db.transaction() as conn:
        await conn.execute("SELECT pg_advisory_xact_lock(hashtext('bus.home'))")
        await conn.execute(_TABLE)
        before = await conn.fetchval("SELECT address FROM bus.home") or await _older(conn)
        if before not in {None, settings.bus}:
            await _must_be_drained(settings, site, before)
        await conn.execute(
            "INSERT INTO bus.home (address) VALUES ($1) ON CONFLICT (one) DO UPDATE SET address = EXCLUDED.address",
            settings.bus,
        )


async def _older(conn: object) -> str | None:
    """A log from before the address was remembered is the embedded one."""
    there = await conn.fetchval("SELECT to_regclass('bus.cursor') IS NOT NULL")  # type: ignore[attr-defined]
    return EMBEDDED if there else None


async def _must_be_drained(settings: Settings, site: Site, before: str) -> None:
    if not site.presence.alone:
        raise Misconfigured(
            SETTING,
            f"还有进程在用 {before},全部停止后再换总线",
            f"other processes are still on {before}: stop all before the bus is changed",
        )
    unread = await _unread(settings, site, before)
    if unread:
        raise Misconfigured(
            SETTING,
            f"{before} 上还有 {unread} 条未处理的事件;先用原来的总线启动,等 onewindow bus lag 为 0 再换",
            f"{before} still holds {unread} unread records: start on it, wait until `onewindow bus lag` is 0, switch",
        )


async def _held(settings: Settings, bus: Bus) -> int:
    """All that stands on a bus of which nobody has read yet, as one that a restore has filled."""
    topics = load(settings.catalog_folders).topics
    return sum([kept.end - kept.begin for topic in topics for kept in (await bus.kept(topic)).values()])


async def _unread(settings: Settings, site: Site, address: str) -> int:
    bus = make_bus(settings, site, address)
    try:
        await bus.start()
        lags = await bus.lag()
        return sum(lag.records for lag in lags) if lags else await _held(settings, bus)
    except Transient as cause:
        raise Misconfigured(
            SETTING,
            f"原来的总线 {address} 没有回答,不知道有没有未处理的事件",
            f"the bus used until now, {address}, does not answer: whether it holds unread records is not known",
        ) from cause
    finally:
        await bus.stop()
