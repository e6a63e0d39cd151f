"""Who may write and read what on Kafka, generated from the catalogue: a principal a service."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from shared.catalog.registry import Catalog
from shared.errors import Misconfigured


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


def reading(catalog: Catalog, reader: str, topics: Collection[str] = (), prefix: str = "") -> Grant:
    """What somebody outside needs to read these topics (all that everyone may read, if none is named), in a group of
    its own name. `Misconfigured` for a topic that is addressed, and for a service's name: it would share its group."""
    if reader in catalog.services:
        raise Misconfigured(
            "--reader", f"{reader} 是平台自己的服务,请另取名称", f"{reader} is a service here: take another name"
        )
    facts = sorted(name for name, topic in catalog.topics.items() if topic.readers is None)
    for name in topics:
        if name not in facts:
            known = ", ".join(facts)
            raise Misconfigured(
                "--topic", f"{name} 不对外,对外的有:{known}", f"{name} is not for all; these are: {known}"
            )
    return Grant(
        reader, ("Read", "Describe"), tuple(prefix + name for name in sorted(topics) or facts), (prefix + reader,)
    )


def watching(catalog: Catalog, prefix: str = "") -> Grant:
    """What a demonstration with a moved clock needs besides: whoever moves it must see that all work is done."""
    topics, groups = (tuple(sorted(prefix + name for name in names)) for names in (catalog.topics, catalog.services))
    return Grant("*", ("Describe",), topics, groups)
