"""The catalogue: every file of `shared/catalog/services` (and of `ONEWINDOW_CATALOG`) loaded into one value.

The directory is the registry: a module there that defines `SERVICE_ENTRY` is a service.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from shared.catalog.model import Bundle, FormField, Matter, ServiceEntry, TopicEntry
from shared.errors import Misconfigured, UnknownType
from shared.messages import DEAD_LETTERS, Message, parse_type, topic_of, type_of

PARTITIONS = 4
SETTING = "ONEWINDOW_CATALOG"


@dataclass(frozen=True)
class Catalog:
    """All services, matters, bundles, fields, messages and topics in force."""

    services: Mapping[str, ServiceEntry]

    @cached_property
    def matters(self) -> dict[str, Matter]:
        """Every matter by its code."""
        return {m.code: m for s in self.services.values() for m in s.matters}

    @cached_property
    def bundles(self) -> dict[str, Bundle]:
        """Every bundle by its code."""
        return {b.code: b for s in self.services.values() for b in s.bundles}

    @cached_property
    def fields(self) -> dict[str, FormField]:
        """Every top-level form field by its name."""
        return {f.name: f for s in self.services.values() for f in s.fields}

    @cached_property
    def topics(self) -> dict[str, TopicEntry]:
        """Every topic by its name, with its one writer and its readers (None: everyone)."""
        return {t.name: t for s in self.services.values() for t in _topics(s)}

    @cached_property
    def _messages(self) -> dict[str, type[Message]]:
        return dict(_message_types(self.services.values()))

    @cached_property
    def writers(self) -> dict[tuple[str, type[Message]], str]:
        """The CloudEvents type of each (writing service, message)."""
        return {(parse_type(t)[0], m): t for t, m in self._messages.items()}

    def message(self, ce_type: str) -> type[Message]:
        """The model of a CloudEvents type; raises `UnknownType` for an unknown one or an unknown version."""
        found = self._messages.get(ce_type)
        if found is None:
            raise UnknownType(
                f"目录中没有事件类型 {ce_type}", f"no such event type or version in the catalogue: {ce_type}"
            )
        return found

    def knows(self, ce_type: str) -> bool:
        """Whether this release has that type and version."""
        return ce_type in self._messages

    def members(self, bundle: str) -> list[Matter]:
        """The matters that join a bundle, in the bundle's order."""
        order = {code: n for n, code in enumerate(self.bundles[bundle].order)}
        joined = [m for m in self.matters.values() if any(j.bundle == bundle for j in m.joins)]
        return sorted(joined, key=lambda m: (order.get(m.code, len(order)), m.code))


def _topics(entry: ServiceEntry) -> Iterator[TopicEntry]:
    if entry.requests:
        yield TopicEntry(topic_of(entry.name, "requests"), entry.request_writer, (entry.name,), PARTITIONS)
    if entry.answers:
        yield TopicEntry(topic_of(entry.name, "answers"), entry.name, ("coordinator",), PARTITIONS)
    if entry.events:
        yield TopicEntry(topic_of(entry.name, "events"), entry.name, None, PARTITIONS, days=None)
    yield TopicEntry(topic_of(entry.name, DEAD_LETTERS), entry.name, (entry.name,), partitions=1, dead=True)


def _message_types(entries: Iterable[ServiceEntry]) -> Iterator[tuple[str, type[Message]]]:
    for entry in entries:
        for message in entry.requests:
            yield type_of(entry.request_writer, message), message
        for message in (*entry.answers, *entry.events):
            yield type_of(entry.name, message), message


def load(folders: Sequence[Path] = ()) -> Catalog:
    """Loads the catalogue's own services and those of further folders; two files of one name stop the start."""
    entries: dict[str, ServiceEntry] = {}
    for entry in (*_own(), *_further(folders)):
        if entry.name in entries:
            raise Misconfigured(SETTING, f"服务 {entry.name} 有两个目录文件", f"two catalogue files name {entry.name}")
        entries[entry.name] = entry
    return Catalog(entries)


def _own() -> Iterator[ServiceEntry]:
    from shared.catalog import services

    for found in sorted(pkgutil.iter_modules(services.__path__), key=lambda m: m.name):
        module = importlib.import_module(f"{services.__name__}.{found.name}")
        if hasattr(module, "SERVICE_ENTRY"):
            yield module.SERVICE_ENTRY


def _further(folders: Sequence[Path]) -> Iterator[ServiceEntry]:
    for folder in folders:
        if not folder.is_dir():
            raise Misconfigured(SETTING, f"没有文件夹 {folder}", f"no such folder: {folder}")
        for path in sorted(folder.glob("[a-z]*.py")):
            yield _load_file(path)


def _load_file(path: Path) -> ServiceEntry:
    name = f"onewindow_catalog_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Misconfigured(SETTING, f"读不了 {path}", f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    entry: ServiceEntry = module.SERVICE_ENTRY
    return entry
