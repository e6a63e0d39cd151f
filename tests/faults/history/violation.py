"""A promise that was broken: what happened, and where to look it up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.history.record import Record


@dataclass(frozen=True, slots=True)
class Breach:
    """What one rule found: in words, with the case, and with the records that show it."""

    what: str
    case: str = ""
    records: Sequence[Record] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise (`I1` … `I9`), the rule that saw it, the case, and the streams and places concerned."""

    promise: str
    rule: str
    what: str
    case: str = ""
    streams: tuple[str, ...] = ()
    places: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line for an engineer."""
        where = " ".join(filter(None, (f"case {self.case}" if self.case else "", *self.places)))
        return f"{self.promise} {self.rule}: {self.what}" + (f" ({where})" if where else "")


def violation(promise: str, rule: str, breach: Breach) -> Violation:
    """What a rule found, under the name of its promise."""
    streams = tuple(dict.fromkeys("/".join(record.stream) for record in breach.records))
    places = tuple(record.place for record in breach.records)
    return Violation(promise, rule, breach.what, breach.case, streams, places)
