"""Which database each service keeps its state in: the home that all share, or one of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from shared.config import DATABASE_URL
from shared.db.engine import Database
from shared.db.site import Site
from shared.errors import Misconfigured

if TYPE_CHECKING:
    from shared.config import Settings


class Databases:
    """The sites of one process. `home` holds what its services share, and the state of those without a site of their own."""

    def __init__(self, settings: Settings, home: str, services: Iterable[str]) -> None:
        self._urls = settings.database_urls
        self._size = settings.pool_size
        self.home = Site.at(home, self._size)
        self._sites = {home: self.home}
        self._services = list(services)
        for service in self._services:
            self.of(service)

    def of(self, service: str) -> Site:
        """The site of a service."""
        url = self._urls.get(service, self.home.db.dsn)
        return self._sites.setdefault(url, Site.at(url, self._size))

    def residents(self) -> Iterator[tuple[Site, list[str]]]:
        """Every site with the services of this process that live there; the home first, though nobody may live there."""
        for site in self._sites.values():
            names = [name for name in self._services if self.of(name) is site]
            if names or site is self.home:
                yield site, names

    def of_all(self, services: Iterable[str]) -> dict[str, Database]:
        """The database of each of these services; those of services that other processes host are not opened here."""
        return {service: self.of(service).db for service in services}

    async def close(self) -> None:
        """Leaves every site."""
        for site in self._sites.values():
            await site.close()


def home_of(settings: Settings, services: Iterable[str]) -> str | None:
    """The address of what the services of a process share: `DATABASE_URL`, else the database of its first service.

    None where no address is given at all: then a server of our own is started. An address for a service while others
    have none is `Misconfigured`: they would need a server that nobody named.
    """
    if settings.database_url is not None:
        return settings.database_url
    named = [settings.database_urls.get(service) for service in services]
    if not any(named):
        return None
    if not all(named):
        raise Misconfigured(
            DATABASE_URL,
            "有的服务有自己的数据库,其余的没有写明数据库",
            "some services have a database of their own, and none is named for the others",
        )
    return named[0]


def require_known(settings: Settings, services: Iterable[str]) -> None:
    """`Misconfigured` for a database of a service that is not in the catalogue."""
    for service in settings.database_urls.keys() - set(services):
        raise Misconfigured(
            f"{DATABASE_URL}_{service.upper()}", "目录中没有这个服务", "no such service in the catalogue"
        )


def require_one(settings: Settings, databases: Databases) -> None:
    """`Misconfigured` where the log in the database would be several: a unit appends to it in its own transaction."""
    apart = [service for site, names in databases.residents() if site is not databases.home for service in names]
    if apart:
        names = ", ".join(f"{DATABASE_URL}_{service.upper()}" for service in apart)
        raise Misconfigured(
            names,
            f"总线为 {settings.bus} 时所有服务须在同一个数据库;分库请用 Kafka(ONEWINDOW_BUS)",
            f"on the {settings.bus} bus all services share one database; a database a service needs Kafka (ONEWINDOW_BUS)",
        )
