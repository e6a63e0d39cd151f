"""The handling protocol: the whole vocabulary between intake, the coordinator and every service that handles items.

Down (coordinator to a service): `ItemRequested` … `ItemSettled`; up (service to coordinator): `CheckPassed` …
`ItemRevoked`; from intake: `ApplicationSubmitted` …; out to everyone: `CaseOpened` … `CaseReopened`. Same for domain
services and for departments outside. No field here is personal beyond `person_ref`; what is, is sealed.
"""

from __future__ import annotations

from shared.catalog.protocol.down import (
    FactResult,
    ItemCancelled,
    ItemReady,
    ItemRequested,
    ItemSettled,
    ItemSupplemented,
    PrerequisiteResult,
    WithdrawalRequested,
)
from shared.catalog.protocol.events import (
    CaseClosed,
    CaseMessage,
    CaseOpened,
    CaseReopened,
    CaseView,
    CorrectionIssued,
    ItemConcluded,
    ItemMoved,
    ItemView,
)
from shared.catalog.protocol.facts import (
    LifeEventReported,
    PersonRefMapped,
    UnitChanged,
)
from shared.catalog.protocol.requests import (
    ApplicationReceived,
    ApplicationSubmitted,
    ApplicationSupplemented,
    FactEstablished,
    SupplementedItem,
    WithdrawalSubmitted,
)
from shared.catalog.protocol.up import (
    CheckPassed,
    CorrectionRequested,
    ItemAccepted,
    ItemCorrected,
    ItemDecided,
    ItemEnded,
    ItemExtended,
    ItemNotAccepted,
    ItemPaused,
    ItemProgressed,
    ItemResumed,
    ItemReturned,
    ItemRevoked,
    Up,
    WithdrawalAnswered,
)
from shared.catalog.protocol.values import (
    Due,
    Extension,
    Finding,
    Limit,
    MaterialRef,
    Pause,
    PlannedItem,
    Prerequisite,
    Result,
    Value,
    WaitingOn,
)

INTAKE_REQUESTS = (ApplicationSubmitted, ApplicationSupplemented, WithdrawalSubmitted, FactEstablished)
DOWN = (ItemRequested, ItemReady, ItemSupplemented, WithdrawalRequested, ItemCancelled, ItemSettled)
UP = (
    CheckPassed,
    CorrectionRequested,
    ItemAccepted,
    ItemNotAccepted,
    ItemProgressed,
    ItemPaused,
    ItemResumed,
    ItemExtended,
    ItemDecided,
    ItemEnded,
    ItemReturned,
    WithdrawalAnswered,
    ItemCorrected,
    ItemRevoked,
)
CASE_EVENTS = (CaseOpened, ItemMoved, CorrectionIssued, ItemConcluded, CaseClosed, CaseReopened)

__all__ = [
    "ApplicationReceived",
    "ApplicationSubmitted",
    "ApplicationSupplemented",
    "CASE_EVENTS",
    "CaseClosed",
    "CaseMessage",
    "CaseOpened",
    "CaseReopened",
    "CaseView",
    "CheckPassed",
    "CorrectionIssued",
    "CorrectionRequested",
    "DOWN",
    "Due",
    "Extension",
    "FactEstablished",
    "FactResult",
    "Finding",
    "INTAKE_REQUESTS",
    "ItemAccepted",
    "ItemCancelled",
    "ItemConcluded",
    "ItemCorrected",
    "ItemDecided",
    "ItemEnded",
    "ItemExtended",
    "ItemMoved",
    "ItemNotAccepted",
    "ItemPaused",
    "ItemProgressed",
    "ItemReady",
    "ItemRequested",
    "ItemResumed",
    "ItemReturned",
    "ItemRevoked",
    "ItemSettled",
    "ItemSupplemented",
    "ItemView",
    "LifeEventReported",
    "Limit",
    "MaterialRef",
    "Pause",
    "PersonRefMapped",
    "PlannedItem",
    "Prerequisite",
    "PrerequisiteResult",
    "Result",
    "SupplementedItem",
    "UP",
    "UnitChanged",
    "Up",
    "Value",
    "WaitingOn",
    "WithdrawalAnswered",
    "WithdrawalRequested",
    "WithdrawalSubmitted",
]
