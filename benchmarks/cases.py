"""Applications made beforehand: invented families, each person once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from demo.families import bereavement_application, invent_family
from shared.clock import SystemClock, beijing_date

STOPS = ("elderly.benefit_stop", "assistance.benefit_stop", "marriage.record_annotation")
_OF_STOPS = {"death", "payee", "electronic_delivery"}


class Families:
    """Gives applications of families not given before; two of the same dead person would be refused as duplicates."""

    def __init__(self, today: date | None = None) -> None:
        self._today = today or beijing_date(SystemClock().now())
        self._seed = 0
        self._seen: set[str] = set()

    def stops(self, count: int) -> list[dict[str, Any]]:
        """Applications for the three parallel stops."""
        return [only_stops(self._next()) for _ in range(count)]

    def bundles(self, count: int) -> list[dict[str, Any]]:
        """Applications for the whole bundle."""
        return [self._next() for _ in range(count)]

    def _next(self) -> dict[str, Any]:
        return next(body for body in self._invented() if self._is_new(body["subject"]["id_no"]))

    def _invented(self) -> Iterator[dict[str, Any]]:
        while True:
            self._seed += 1
            yield bereavement_application(invent_family(self._seed, self._today), self._today)

    def _is_new(self, person: str) -> bool:
        known = person in self._seen
        self._seen.add(person)
        return not known


def only_stops(body: dict[str, Any]) -> dict[str, Any]:
    """The application cut down to the three parallel stops and what they declare."""
    form = {name: value for name, value in body["form"].items() if name in _OF_STOPS}
    return {**body, "matters": list(STOPS), "form": form, "materials": []}
