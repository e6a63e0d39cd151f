"""The host: loads the services that the catalogue names and runs them, all in one process or some of them."""

from __future__ import annotations

import asyncio
import gc
import importlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from shared import failpoints
from shared.bus.port import Bus
from shared.bus.retention import retain
from shared.catalog.checks import require_sound
from shared.catalog.protocol import UnitChanged
from shared.catalog.registry import Catalog, load
from shared.clock import Clock, VirtualClock, beijing_date, monotonic, parse_clock
from shared.config import Settings
from shared.crypto import Keyring
from shared.db.migrate import migrate
from shared.db.postgres import EmbeddedPostgres
from shared.db.releases import later_release
from shared.db.site import Site
from shared.delivery.consumer import patiently
from shared.delivery.service import RunningService, World
from shared.errors import Misconfigured, Transient
from shared.handling.limits import keep_local_days
from shared.http.ended import EndedSessions
from shared.messages import topic_of
from shared.policy import Policy
from shared.runtime import outside
from shared.runtime.app import build_app
from shared.runtime.buses import EMBEDDED, keep_to_one_bus, make_bus
from shared.runtime.databases import Databases, home_of, require_known, require_one
from shared.runtime.demonstration import Demonstration, demonstration
from shared.runtime.installation import Installation, follow_keys, installation_of, keep_to_one_installation
from shared.runtime.local_days import local_days
from shared.runtime.supervisor import Supervisor
from shared.runtime.virtual_time import VirtualTime
from shared.runtime.workers import workers_of
from shared.spec import ServiceSpec

UNITS_SECONDS = 20.0


def load_specs(catalog: Catalog, only: Sequence[str] = ()) -> list[ServiceSpec]:
    """The specs of the services named, of all by default; an unknown name stops the start."""
    unknown = set(only) - set(catalog.services)
    if unknown:
        known = ", ".join(sorted(catalog.services))
        raise Misconfigured("--only", f"没有服务 {unknown},现有:{known}", f"no service {unknown}; there are: {known}")
    names = [n for n in sorted(catalog.services) if not only or n in only]
    return [importlib.import_module(catalog.services[name].spec_module).SERVICE for name in names]


def keys_of(spec: ServiceSpec, keyring: Keyring) -> Keyring:
    """The part of the key folder that a service may hold."""
    names = tuple(keyring.services) if spec.keys.all_services else (spec.name,) if spec.keys.own else ()
    return keyring.limited_to(*names, index=spec.keys.index, sign=spec.keys.sign, audit=(spec.name,))


WATCH_SECONDS = 0.5


def settle_memory() -> None:
    """Takes what the start made out of the garbage collector's sight, and has it look less often.

    Messages live for milliseconds and are freed by their counts; walking the catalogue and every model for each few
    hundred of them cost a third of the throughput (docs/performance.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class Host:
    """Services at work in this process. `start` before serving `app`, `stop` at the end."""

    def __init__(self, settings: Settings, only: Sequence[str] = (), *, notice: Any = lambda _: None) -> None:
        self.settings = settings
        keep_local_days(local_days(settings))
        self.catalog = load(settings.catalog_folders)
        self.clock: Clock = parse_clock(settings.clock)
        require_sound(self.catalog, beijing_date(self.clock.now()))
        self.specs = load_specs(self.catalog, only)
        self.supervisor = Supervisor()
        self.services: dict[str, RunningService] = {}
        self.ended = EndedSessions()
        self.ready = False
        self.virtual_time: VirtualTime | None = None
        self._notice = notice
        self._postgres: EmbeddedPostgres | None = None
        self._database_ended = False
        self.demonstration: Demonstration | None = demonstration(settings)

    async def start(self) -> None:
        """Database, migrations, its own keys, bus, services, workers, demonstration data: then `ready`."""
        failpoints.arm(self.settings.failpoints)
        self.databases = await self.find_databases()
        self.db, self.presence = self.databases.home.db, self.databases.home.presence
        await self._open(self.databases.home)
        self.keyring = self._keys(await installation_of(self.databases.home))
        await keep_to_one_installation(self.keyring, self.settings.key_folder, self.databases.home)
        self.bus = self._bus()
        await self.bus.start()
        await keep_to_one_bus(self.settings, self.databases.home)
        await self.bus.declare(list(self.catalog.topics.values()))
        self.facts = await outside.fact_source(self.demonstration, self.db, self.clock, self.keyring)
        self.messenger = await outside.messenger(self.settings, self.demonstration, self.db, self.clock)
        self.seals = outside.seals(self.settings, self.demonstration)
        await self._start_clock()
        await self._start_services()
        if self.demonstration is not None:
            await self.demonstration.seed(self)
            await self._units_read()
        settle_memory()
        self.ready = True

    async def find_databases(self) -> Databases:
        """The databases that the settings name, else one of an embedded server that is started here; none is opened."""
        require_known(self.settings, self.catalog.services)
        names = [spec.name for spec in self.specs]
        home = home_of(self.settings, names)
        if home is None:
            self._postgres = EmbeddedPostgres(self.settings.data, notice=self._notice)
            home = await asyncio.to_thread(self._postgres.start)
        found = Databases(self.settings, home, names)
        if self.settings.bus == EMBEDDED:
            require_one(self.settings, found)
        return found

    async def migrate(self) -> list[str]:
        """Brings the schemas of these services to their newest revision, wherever they are; which of them changed."""
        return [name for site, _ in self.databases.residents() for name in await self._migrate(site)]

    async def _migrate(self, site: Site) -> list[str]:
        return await migrate(site.db.dsn, [spec for spec in self.specs if self.databases.of(spec.name) is site])

    async def _open(self, site: Site) -> None:
        await self._migrate(site)
        await site.open()

    def _keys(self, held: Installation | None) -> Keyring:
        keyring = Keyring.open(self.settings.key_folder, list(self.catalog.services), held.id if held else None)
        if keyring.made:
            folder = self.settings.key_folder
            self._notice(f"已生成密钥于 {folder},请另行备份 / keys made in {folder}: back them up apart")
        return keyring

    def _bus(self) -> Bus:
        return make_bus(self.settings, self.databases.home)

    async def _start_clock(self) -> None:
        """A virtual clock is one row for all processes, and only a demonstration has one."""
        if not isinstance(self.clock, VirtualClock):
            return
        if self.demonstration is None:
            raise Misconfigured(
                "ONEWINDOW_CLOCK", "虚拟时钟只用于演示", "a virtual clock is for the demonstration only"
            )
        databases = self.databases.of_all(self.catalog.services)
        self.virtual_time = VirtualTime(self.clock, self.databases.home, self.bus, databases)
        await self.virtual_time.start()

    async def _start_services(self) -> None:
        world = World(
            self.settings, self.catalog, self.clock, self.bus, self.facts, self.messenger, self.seals, self.ended
        )
        for spec in self.specs:
            policy = Policy.load(spec.policy) if spec.policy else Policy()
            site = self.databases.of(spec.name)
            self.services[spec.name] = RunningService(spec, world, site, keys_of(spec, self.keyring), policy)
        if self.virtual_time is not None:
            self.virtual_time.wake(*(e for s in self.services.values() for e in (s.news.timers, s.news.asks)))
            self.supervisor.start("clock.follow", self.virtual_time.follow)
        if self.settings.bus == EMBEDDED:
            topics = list(self.catalog.topics.values())
            self.supervisor.start("bus.retention", lambda: retain(self.databases.home, topics))
        self.supervisor.start("keys.follow", lambda: follow_keys(self.keyring))
        if self._postgres is not None:
            self.supervisor.start("database.watch", self._watch_database)
        for site, names in self.databases.residents():
            await self._move_in(site, names)

    async def _move_in(self, site: Site, names: Sequence[str]) -> None:
        """Sets the services of a site to work; one that is away holds up its own services only, until it is there."""
        try:
            await self._set_to_work(site, names)
        except Transient as cause:
            if site is self.databases.home:
                raise
            self._notice(f"{', '.join(names)}: {cause.detail_zh} / {cause.detail_en}")
            self.supervisor.start(f"{names[0]}.database", lambda: self._await_database(site, names))

    async def _await_database(self, site: Site, names: Sequence[str]) -> None:
        async for attempt in patiently(names[0]):
            with attempt:
                await self._set_to_work(site, names)
        await asyncio.Event().wait()  # done: a worker that returned would be started again

    async def _set_to_work(self, site: Site, names: Sequence[str]) -> None:
        if site is not self.databases.home:
            await self._open(site)
            await keep_to_one_installation(self.keyring, self.settings.key_folder, site)
            await keep_to_one_bus(self.settings, site)
        for name in names:
            async with site.db.connection() as conn:
                self.services[name].newer.database = await later_release(conn, name)
            await self.services[name].start()
        for name in names:
            for worker, work in workers_of(self.services[name]).items():
                self.supervisor.start(f"{name}.{worker}", work)

    async def _units_read(self) -> None:
        """Waits until the services here have read the units just made: before that every region is unknown to them."""
        topics = {topic_of(e.name, "events") for e in self.catalog.services.values() if UnitChanged in e.events}
        end = monotonic() + UNITS_SECONDS
        while monotonic() < end and await self._units_on_their_way(topics):  # noqa: ASYNC110 — the bus tells nobody
            await asyncio.sleep(0.02)
        for service in self._at_work():
            await service.units.load()  # another copy of the service may have been given them

    def _at_work(self) -> list[RunningService]:
        """The services whose database was there."""
        return [service for service in self.services.values() if service.consumer is not None]

    async def _units_on_their_way(self, topics: set[str]) -> bool:
        working = self._at_work()
        if any([await service.outbox_holds(topics) for service in working]):
            return True
        names = {service.spec.name for service in working}
        try:
            lags = [lag for lag in await self.bus.lag() if lag.topic in topics and lag.group in names]
        except Transient:  # a new cluster knows no groups for a second or two
            return True
        return any(lag.records for lag in lags)

    async def _watch_database(self) -> None:
        """Starts our own server again when somebody killed it, or its disk was full: the workers wait for it, and go on."""
        while self._postgres is not None:
            await asyncio.sleep(WATCH_SECONDS)
            if self._postgres.running:
                continue
            if not self._database_ended:
                self._notice("数据库意外停止,正在重新启动 / the database ended unexpectedly, starting it again")
            self._database_ended = True
            await asyncio.to_thread(self._postgres.stop)
            if await asyncio.to_thread(self._postgres.start) != self.db.dsn:
                raise Misconfigured(
                    "ONEWINDOW_DATA", "数据库换了端口,请重新启动", "the database's port changed: start again"
                )
            self._database_ended = False

    async def stop(self) -> None:
        """HTTP has stopped; workers put their things away, then the bus, the pool and the database end."""
        self.ready = False
        await self.supervisor.stop()
        if hasattr(self, "bus"):
            await self.bus.stop()
        if hasattr(self, "databases"):
            await self.databases.close()
        if self._postgres is not None:
            await asyncio.to_thread(self._postgres.stop)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Host]:
        """Started inside, stopped after."""
        try:
            await self.start()
            yield self
        finally:
            await self.stop()

    def app(self) -> FastAPI:
        """The HTTP face of these services."""
        return build_app(self)
