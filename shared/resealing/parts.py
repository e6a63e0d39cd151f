"""Sealed parts wherever they lie in a row, sealed anew without anybody saying what they are: pure.

A part is bound to a place (`Aad`). Every place is made of what stands in the row itself: the ids, the rounds, and the
names of the table and of the fields that lead to the part. So the few hundred that there can be are tried, nearest
first, and the cipher tells which is true; a part that none of them opens is left as it is and counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final
from uuid import UUID

import orjson

from shared.crypto import Aad, Sealed, Sealer
from shared.crypto.sealing import owner_of
from shared.errors import NewerRelease, Poison

AT_REST: Final = str(UUID(int=0))
ROUNDS: Final = tuple(range(21))
_SEALED: Final = frozenset({"alg", "kid", "nonce", "ct"})


@dataclass
class Resealing:
    """Seals anew what lies under one of `old`; counts what was done and what would not open."""

    sealer: Sealer
    old: Collection[str]
    service: str
    table: str
    done: int = 0
    left: int = 0
    known: Sequence[str] = field(default_factory=tuple)
    """Ids that stand in no column, but are made of some."""

    def row(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of a row that changed: JSON as text or text, as they came."""
        opened = {name: _opened(value) for name, value in values.items()}
        found = {name: self._walked(value, [opened], [name]) for name, value in opened.items()}
        return {name: _closed(found[name], values[name]) for name in values if found[name] != opened[name]}

    def _walked(self, value: Any, above: list[Any], path: list[str]) -> Any:
        if isinstance(value, dict):
            if value.keys() >= _SEALED:
                return self._anew(value, above, path)
            return {name: self._walked(inner, [*above, value], [*path, name]) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._walked(inner, above, path) for inner in value]
        if isinstance(value, str) and value.startswith('{"alg"'):
            inner = _opened(value)
            return _closed(self._walked(inner, above, path), value) if inner is not value else value
        return value

    def _anew(self, value: dict[str, str], above: list[Any], path: list[str]) -> dict[str, str]:
        part = Sealed.model_validate(value)
        if part.kid not in self.old:
            return value
        for aad in self._places(owner_of(part.kid), above, path):
            try:
                plain = self.sealer.open(part, aad)
            except Poison:
                continue
            except NewerRelease:
                break
            self.done += 1
            return self.sealer.seal(owner_of(part.kid), aad, plain).model_dump()
        self.left += 1
        return value

    def _places(self, owner: str, above: list[Any], path: list[str]) -> Iterator[Aad]:
        """Every place that the part may be bound to, the nearest first."""
        ids = list(dict.fromkeys([*self.known, *(i for one in reversed(above) for i in _ids(one))]))
        fields = list(reversed(path))
        names = list(dict.fromkeys([*fields, self.table, *(f"{self.table}_{name}" for name in fields)]))
        readers = [r for s in dict.fromkeys((owner, self.service)) for r in (s, *(f"{s}/{name}" for name in names))]
        rounds = list(dict.fromkeys([*(r for one in reversed(above) for r in _rounds(one)), *ROUNDS]))
        beside = [name for name in above[-1] if isinstance(name, str)] if above else []
        both = [f"{name}/{one}" for name in names for one in (*ids, *names, *beside)]
        cases, items = [*ids, AT_REST], [None, *ids, *names, *both]
        for round_, reader, case, item in product(rounds, readers, cases, items):
            yield Aad(case, item, round_, reader)


def _ids(value: Any) -> Iterator[str]:
    """The ids that stand right in an object, and those that its fields are named by."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from (text for text in (inner, name) if isinstance(text, str) and _is_id(text))
            if isinstance(inner, dict) and "id" in inner:
                yield from _ids({"id": inner["id"]})


def _is_id(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4


def _rounds(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name.endswith("round") and isinstance(inner, int):
                yield inner


def _opened(value: Any) -> Any:
    """A column's value as JSON where it is, ids as text."""
    if isinstance(value, UUID) or type(value).__name__ == "UUID":
        return str(value)
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return orjson.loads(value)
        except ValueError:
            return value
    return value


def _closed(value: Any, before: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(before, str) and not isinstance(value, str) else value
