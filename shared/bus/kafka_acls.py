"""Who may write and read what on Kafka, generated from the catalogue: a principal a service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.catalog.registry import Catalog


@dataclass(frozen=True)
class Grant:
    """What one service's principal may do: to these topics and, when it reads, to its own group."""

    service: str
    operations: tuple[str, ...]
    topics: tuple[str, ...]
    group: str | None = None

    def arguments(self) -> list[str]:
        """The same as arguments of Kafka's own `kafka-acls`."""
        said = ["--add", "--force", "--allow-principal", f"User:{self.service}"]
        said += [word for operation in self.operations for word in ("--operation", operation)]
        said += [word for topic in self.topics for word in ("--topic", topic)]
        return said + (["--group", self.group] if self.group else [])


def grants(catalog: Catalog, prefix: str = "") -> Iterator[Grant]:
    """A service writes what the catalogue names it the writer of, reads what it is addressed or all may read."""
    for service in sorted(catalog.services):
        written = sorted(prefix + t.name for t in catalog.topics.values() if t.writer == service)
        read = sorted(prefix + t.name for t in catalog.topics.values() if t.readers is None or service in t.readers)
        if written:
            yield Grant(service, ("Write", "Describe"), tuple(written))
        if read:
            yield Grant(service, ("Read", "Describe"), tuple(read), prefix + service)
