"""Facts that any service may publish: life events, corrected identities, units, sessions that ended."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

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


class SessionsEnded(Message):
    """Sessions of one account ended before their time (on `onewindow.access.events`, one stream an account).

    Their tokens are refused from now on; `until`, by the machine's clock, is when the last of them would have ended
    by itself. `disabled` and `roles_changed` also take from the account the tasks that it holds.
    """

    account_id: UUID
    sessions: tuple[UUID, ...]
    cause: Literal["signed_out", "superseded", "password_changed", "roles_changed", "disabled"]
    until: datetime
