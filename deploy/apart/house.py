"""All services apart on this machine: started in order, told where everything is, each with rights of its own only."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from deploy.apart.databases import HOME, make_databases
from deploy.apart.gateway import gateway
from deploy.apart.processes import Program
from deploy.kafka.local import LocalKafka
from deploy.kafka.settings import ADMIN
from shared.bus.kafka_acls import grants, watching
from shared.bus.kafka_link import Link
from shared.bus.kafka_topics import declare
from shared.catalog.registry import Catalog, load
from shared.config import DATABASE_URL, PREFIX
from shared.db.postgres.address import free_port

FIRST = "access"
"""Its units must be known before anybody else can do anything with a region."""

POOL = 4


def accounts(catalog: Catalog) -> dict[str, str]:
    """A Kafka account for the administrator and for each service, with a fresh password each."""
    return {name: secrets.token_hex(16) for name in (ADMIN, *sorted(catalog.services))}


class Apart:
    """The platform as a process a service (or several copies of one) on Kafka, behind a gateway at `url`.

    `passwords` are the accounts that the cluster was started with. The clock is the one setting that may be moved.
    """

    def __init__(
        self,
        folder: Path,
        kafka: LocalKafka,
        passwords: dict[str, str],
        *,
        prefix: str = "",
        port: int | None = None,
        clock: str = "system",
        copies: dict[str, int] | None = None,
    ) -> None:
        self._catalog = load()
        self._folder, self._kafka, self._passwords, self._prefix = folder, kafka, passwords, prefix
        self._clock, self._copies = clock, copies or {}
        self._port = port or free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.programs: dict[str, list[Program]] = {}
        self.gateway: Program | None = None

    def start(self, superuser: str) -> Apart:
        """Databases, topics and rights, then access, then everybody else at once, then the gateway; all ready."""
        names = sorted(self._catalog.services)
        urls = asyncio.run(make_databases(superuser, names, self._prefix.replace(".", "_") + "onewindow_"))
        admin = Link(self._kafka.servers, self._prefix, ADMIN, self._passwords[ADMIN])
        asyncio.run(declare(admin, list(self._catalog.topics.values())))
        self._kafka.grant([*grants(self._catalog, self._prefix), watching(self._catalog, self._prefix)])
        (self._folder / "logs").mkdir(parents=True, exist_ok=True)
        places = {name: [self._add(name, n, urls) for n in range(self._copies.get(name, 1))] for name in names}
        self.gateway = gateway(places, self._port, self._folder / "gateway")
        for some in ([FIRST], [name for name in names if name != FIRST]):
            self.start_services(some)
        self.gateway.start()
        self.gateway.wait()
        return self

    def _add(self, name: str, number: int, urls: Mapping[str, str]) -> str:
        port = free_port()
        settings = {
            DATABASE_URL: urls[HOME],
            **{f"{DATABASE_URL}_{service.upper()}": urls[service] for service in self._catalog.services},
            f"{PREFIX}BUS": f"{self._kafka.url}/{self._prefix}" if self._prefix else self._kafka.url,
            f"{PREFIX}BUS_USER": name,
            f"{PREFIX}BUS_PASSWORD": self._passwords[name],
            f"{PREFIX}KEYS": str(self._folder / "keys"),
            f"{PREFIX}DEMO": "1",
            f"{PREFIX}CLOCK": self._clock,
            f"{PREFIX}POOL_SIZE": str(POOL),
        }
        log = self._folder / "logs" / f"{name}-{number}.log"
        self.programs.setdefault(name, []).append(Program.of_services([name], port, settings, log))
        return f"127.0.0.1:{port}"

    def start_services(self, names: Sequence[str]) -> None:
        """Starts every copy of these services and waits until all are ready."""
        started = [program for name in names for program in self.programs[name]]
        for program in started:
            program.start()
        for program in started:
            program.wait()

    def kill(self, service: str) -> None:
        """Ends every copy of a service as a power cut would."""
        for program in self.programs[service]:
            program.kill()

    def roll(self, names: Sequence[str]) -> Iterator[Program]:
        """Stops, starts and awaits every copy of these services, one after the other, as a new release does; yields
        each that is back."""
        for program in (program for name in names for program in self.programs[name]):
            program.stop()
            program.start()
            program.wait()
            yield program

    def stop(self) -> None:
        """Stops everything, the gateway first."""
        if self.gateway is not None:
            self.gateway.stop()
        for program in self.all():
            program.signal(signal.SIGTERM)
        for program in self.all():
            program.stop()

    def all(self) -> list[Program]:
        """Every copy of every service."""
        return [program for copies in self.programs.values() for program in copies]
