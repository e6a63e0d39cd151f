"""From the coordinator to a service (`onewindow.<service>.requests`, one stream an item)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from shared.catalog.protocol.values import Due, MaterialRef, Value
from shared.crypto import Sealed
from shared.messages import Message
from shared.outcomes import FactStatus, ItemStatus, Nature


class ItemRequested(Message):
    """Handle this item. `ready` false: check it formally, decide only after `ItemReady`.

    `received_on` is the legal day of receiving where it is not the day of `received_at` (延时服务收件).
    """

    item_id: UUID
    case_id: UUID
    application_no: str
    matter: str
    definition: str
    nature: Nature
    round: int
    ready: bool
    unit: str
    accept_region: str
    received_at: datetime
    received_on: date | None = None
    check: Literal["formal", "none"] = "formal"
    acted: tuple[str, ...] = ()
    materials: tuple[MaterialRef, ...] = ()
    sealed: Sealed
    sealed_round: int = 1
    person_ref: str | None = None
    reason_code: str | None = None


class PrerequisiteResult(Value):
    """How an item that came first ended."""

    matter: str
    outcome: ItemStatus
    public: dict[str, Any] = Field(default_factory=dict)
    hard: bool = True


class FactResult(Value):
    """What is established of a fact that the item waited for."""

    fact: str
    status: FactStatus
    source: str
    occurred_on: date | None = None
    evidence: str | None = None


class ItemReady(Message):
    """Everything this item waited for is there: decide it. `to_person`: a soft prerequisite was refused or a fact
    is contradicted, so a person decides."""

    item_id: UUID
    case_id: UUID
    round: int
    results: tuple[PrerequisiteResult, ...] = ()
    facts: tuple[FactResult, ...] = ()
    accepted_at: datetime | None = None
    due: Due = Due()
    to_person: bool = False


class ItemSupplemented(Message):
    """The applicant cured findings of this item: its new sealed part."""

    item_id: UUID
    case_id: UUID
    round: int
    sealed: Sealed
    sealed_round: int
    materials: tuple[MaterialRef, ...] = ()


class WithdrawalRequested(Message):
    """The applicant wants to withdraw: agree, or say that it is already decided."""

    item_id: UUID
    case_id: UUID
    round: int
    reason_code: str


class ItemCancelled(Message):
    """This item is over, whatever its state: a hard prerequisite or its fact fell away, or the handler did not
    answer a withdrawal in time."""

    item_id: UUID
    case_id: UUID
    round: int
    cause: Literal["terminated", "withdrawn"]
    reason_code: str


class ItemSettled(Message):
    """What became of the service's decision: `applied` puts its effects into force, `late` drops them."""

    item_id: UUID
    case_id: UUID
    round: int
    status: Literal["applied", "late"]


class ReversalRequested(Message):
    """What this item's decision rested on proved false: undo its effects, and answer `ItemRevoked`.

    Its fact was retracted (the dead are alive), or what the applicant committed to was false. One not yet in force
    ends. What no rule can undo a person decides.
    """

    item_id: UUID
    case_id: UUID
    round: int
    cause: Literal["false_commitment", "fact_retracted"]
    reason_code: str
    law: str


class EffectsFrozen(Message):
    """What this item rests on is in doubt: hold back effects not yet carried out, suspend those that run.

    `ground` names the doubt; several may hold at once, each released apart.
    """

    item_id: UUID
    case_id: UUID
    round: int
    ground: str


class EffectsReleased(Message):
    """The doubt of this name is settled, and the item's effects stand: go on, unless another one holds them."""

    item_id: UUID
    case_id: UUID
    round: int
    ground: str
