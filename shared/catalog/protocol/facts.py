"""Facts that any service may publish: life events, corrected identities, units."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import Field

from shared.messages import Message


class LifeEventReported(Message):
    """A death, marriage or divorce, reported by whoever learnt of it; declared for the owner of life events.

    `retracted`: it was not so (死亡更正), and whatever followed from it is undone.
    """

    kind: str
    person_ref: str
    source: str
    source_no: str
    occurred_on: date
    confirmed: bool
    retracted: bool = False


class PersonRefMapped(Message):
    """An identity was corrected: effects of `old` belong to `new`."""

    old: str
    new: str


class UnitChanged(Message):
    """The present state of one unit of the dated tree (on `onewindow.access.events`, one stream a unit)."""

    code: str
    kind: str
    name: str
    region: str
    parent: str | None = None
    valid_from: date
    valid_to: date | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)
