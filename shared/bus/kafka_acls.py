"""Who may write and read what on Kafka, generated from the catalogue: a principal a service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.catalog.registry import Catalog


@dataclass(frozen=True)
class Grant:
    """What one service's principal (`*`: everybody's) may do to these topics and to these groups."""

    service: str
    operations: tuple[str, ...]
    topics: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """The same as arguments of Kafka's own `kafka-acls`."""
        said = ["--add", "--force", "--allow-principal", f"User:{self.service}"]
        for option, values in (("operation", self.operations), ("topic", self.topics), ("group", self.groups)):
            said += [word for value in values for word in (f"--{option}", value)]
        return said


def grants(catalog: Catalog, prefix: str = "") -> Iterator[Grant]:
    """A service writes what the catalogue names it the writer of, reads what it is addressed or all may read.

    Who writes requests may see how far their readers are: silence behind unread requests means nothing.
    """
    for service in sorted(catalog.services):
        written = sorted(prefix + t.name for t in catalog.topics.values() if t.writer == service)
        read = sorted(prefix + t.name for t in catalog.topics.values() if t.readers is None or service in t.readers)
        asked = sorted(prefix + s.name for s in catalog.services.values() if s.requests and s.request_writer == service)
        if written:
            yield Grant(service, ("Write", "Describe"), tuple(written))
        if read:
            yield Grant(service, ("Read", "Describe"), tuple(read), (prefix + service,))
        if asked:
            yield Grant(service, ("Describe",), groups=tuple(asked))


def watching(catalog: Catalog, prefix: str = "") -> Grant:
    """What a demonstration with a moved clock needs besides: whoever moves it must see that all work is done."""
    topics, groups = (tuple(sorted(prefix + name for name in names)) for names in (catalog.topics, catalog.services))
    return Grant("*", ("Describe",), topics, groups)
