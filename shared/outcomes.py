"""The closed vocabularies of a case: statuses, outcomes, lamps, natures. One word per idea, as in the glossary."""

from __future__ import annotations

from enum import StrEnum


class Nature(StrEnum):
    """Why a matter runs: 依申请, 依职权 or 告知."""

    ON_APPLICATION = "on_application"
    EX_OFFICIO = "ex_officio"
    NOTIFICATION = "notification"


class ItemStatus(StrEnum):
    """Where one item (子件) stands, as every reader sees it."""

    WAITING = "waiting"
    REQUESTED = "requested"
    CORRECTING = "correcting"
    ACCEPTED = "accepted"
    REVIEWING = "reviewing"
    PAUSED = "paused"
    RETURNED = "returned"
    APPROVED = "approved"
    DENIED = "denied"
    NOT_APPLICABLE = "not_applicable"
    NOT_ACCEPTED = "not_accepted"
    WITHDRAWN = "withdrawn"
    TERMINATED = "terminated"
    REVOKED = "revoked"


FINAL_ITEM = frozenset(
    {
        ItemStatus.APPROVED,
        ItemStatus.DENIED,
        ItemStatus.NOT_APPLICABLE,
        ItemStatus.NOT_ACCEPTED,
        ItemStatus.WITHDRAWN,
        ItemStatus.TERMINATED,
        ItemStatus.REVOKED,
    }
)
"""An item in one of these is no obligation any more; `returned` is not final: the coordinator sends it on."""


class ApplicationStatus(StrEnum):
    """Where the whole application stands; derived from its items."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    CORRECTING = "correcting"
    IN_PROGRESS = "in_progress"
    PARTIAL = "partial"
    CLOSED = "closed"
    NOT_ACCEPTED = "not_accepted"
    WITHDRAWN = "withdrawn"
    TERMINATED = "terminated"


class CaseOutcome(StrEnum):
    """What a closed case came to, counted over items neither `not_applicable` nor `withdrawn`."""

    APPROVED = "approved"
    PARTLY_APPROVED = "partly_approved"
    DENIED = "denied"


class Decision(StrEnum):
    """What a handling service may decide of an item."""

    APPROVED = "approved"
    DENIED = "denied"
    NOT_APPLICABLE = "not_applicable"


class FactStatus(StrEnum):
    """What a source said of a fact: it agrees, it disagrees, or it has not answered yet."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    SILENT = "silent"


class WaitKind(StrEnum):
    """Whom or what an item waits for."""

    PREREQUISITE = "prerequisite"
    APPLICANT = "applicant"
    TASK = "task"
    SOURCE = "source"
    DEPARTMENT = "department"
    TIME = "time"
    OPERATOR = "operator"


class Lamp(StrEnum):
    """How near its limit an item or task is; computed when read."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    LEGAL_RED = "legal_red"
    GREY = "grey"


class Channel(StrEnum):
    """How an application came in; the order gives the two digits 01-09 in the application number."""

    WINDOW = "window"
    PAPER = "paper"
    FIELD = "field"
    ONLINE = "online"
    MOBILE = "mobile"
    HOTLINE = "hotline"
    PROACTIVE = "proactive"
    PARTNER = "partner"
    ASSISTED = "assisted"

    @property
    def digits(self) -> str:
        """The channel's two digits in an application number."""
        return f"{list(Channel).index(self) + 1:02d}"
