"""Which messages follow from what the coordinator says, in which words they stand, and how a person is reached."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from services.intake.tables import MESSAGE
from shared.catalog.protocol import CaseClosed, CaseMessage, CorrectionIssued
from shared.changes import Put
from shared.entries import read_yaml
from shared.messages import derived_id
from shared.messaging.port import Way
from shared.regions import region_level

if TYPE_CHECKING:
    from services.intake.domain.model import Application

GATHERED: Final = timedelta(minutes=30)
"""For how long news is gathered before it is told: a case whose matters end within minutes says one thing once."""
PROGRESS, CORRECTION, CLOSED = "progress", "correction", "closed"
_FILE = Path(__file__).with_name("words.yaml")
_MOBILE = re.compile(r"(\+?86)?1[0-9]{10}")
_VILLAGE: Final = 4
"""From this level of a region on (town, village) somebody can go there."""


@cache
def words() -> Mapping[str, str]:
    """The texts by topic."""
    found: Mapping[str, str] = read_yaml(_FILE)
    return found


def text_of(topic: str, application_no: str) -> str:
    """What is said: that there is something, of which number's end, and where to look."""
    return words()[topic].format(tail=application_no[-4:])


def tell_applicant(state: Application, message: CaseMessage, *, papers: bool) -> list[Put]:
    """What the applicant is to be told of this event: a correction and the end at once, other papers gathered."""
    if isinstance(message, CorrectionIssued):
        return [_row(state, CORRECTION, message.at, message.at)]
    if isinstance(message, CaseClosed):
        return [_row(state, CLOSED, message.at, message.at)]
    if not papers or message.case.closed_at is not None:
        return []
    if state.news_due is not None and timedelta(0) < state.news_due - message.at <= 2 * GATHERED:
        # It is to be told already, with what has come since. Due later than that, it was set by a clock that has been
        # put back since, and may have been told.
        return []
    state.news_due = message.at + GATHERED
    return [_row(state, PROGRESS, message.at, state.news_due)]


def _row(state: Application, topic: str, at: datetime, due: datetime) -> Put:
    values: dict[str, Any] = {
        "case_id": state.id,
        "topic": topic,
        "made_at": at,
        "due_at": due,
        "state": "waiting",
        "tries": 0,
        "lease_until": None,
    }
    return Put(MESSAGE, values, upsert=True)


def message_id(case_id: UUID, topic: str, made_at: datetime) -> UUID:
    """The one id of what is said of this topic then, however often it is tried."""
    return derived_id(case_id, "message", topic, made_at)


def way_to(applicant: Mapping[str, Any], region: str) -> tuple[Way, str | None]:
    """How to reach an applicant: 短信 to a mobile, 语音 to another telephone; without one whoever can go there, else a
    letter."""
    phone = re.sub(r"[ -]", "", str(applicant.get("phone") or ""))
    if _MOBILE.fullmatch(phone):
        return Way.TEXT, phone
    if phone:
        return Way.VOICE, phone
    return (Way.VILLAGE_TASK if region_level(region) >= _VILLAGE else Way.LETTER), None
