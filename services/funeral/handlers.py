"""What happens when a funeral home reports, beside the handling protocol that all services share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from services.funeral.domain.cremation import CremationProcedure
from services.funeral.domain.fee_waiver import FeeWaiverProcedure
from services.funeral.domain.reports import KIND, Cremation, CremationReport, cremation
from services.funeral.domain.sources import hear
from services.funeral.store import REPORTED, WAITING_ITEMS, wake
from services.funeral.tables import HANDLING
from shared.catalog.services.funeral import CremationReported
from shared.changes import Answer, Ask, Changes, Ctx, Emit, Handler, Timer
from shared.errors import Conflict, Poison
from shared.handling.assembly import handling_parts
from shared.handling.model import Item
from shared.handling.procedure import Procedure
from shared.handling.tables import ITEM
from shared.messages import topic_of

_PROCEDURES: tuple[Procedure, ...] = (CremationProcedure(), FeeWaiverProcedure())
PARTS = handling_parts("funeral", {p.matter: p for p in _PROCEDURES}, HANDLING)


def record_cremation(report: CremationReport, by: str) -> Callable[[Any, Ctx], tuple[Changes[Any] | None, Any]]:
    """The command that keeps a report: the same again answers the same, another content is `Conflict`."""

    def record_cremation(state: Cremation | None, ctx: Ctx) -> tuple[Changes[Cremation] | None, Any]:
        if state is None:
            return _recorded(cremation(report, by, ctx), ctx)
        if state.opened(ctx) != report.content():
            raise Conflict(
                "CREMATION_DIFFERS",
            )
        return None, _answer(state)

    return record_cremation


def on_waiting_items(state: Cremation | None, answer: Answer, ctx: Ctx) -> Changes[Cremation]:
    """The items that wait for this report are woken, each by a timer of its own that is due now."""
    if state is None:
        raise Poison("没有这条火化记录", "there is no such cremation")
    return Changes(state, puts=[wake(UUID(item), REPORTED, ctx.now) for item in answer.data["items"]])


def on_cremation_reported(state: Item | None, timer: Timer, ctx: Ctx) -> Changes[Item]:
    """A home has reported the person of this item: its procedure reads the reports again."""
    if state is None:
        raise Poison("没有这个子件", "there is no such item")
    if state.phase == "open":
        hear(state)
    return PARTS.engine.nudge(state, ctx)


def _recorded(state: Cremation, ctx: Ctx) -> tuple[Changes[Cremation], dict[str, Any]]:
    told = CremationReported(
        person_ref=state.person_ref, home_no=state.home_no, died_on=state.died_on, cremated_on=state.cremated_on
    )
    emit = Emit(topic_of(ctx.service, "events"), str(state.id), told, key=str(state.id))
    # Asked after this commits: an item that comes meanwhile reads the report by itself, one that is there is found.
    ask = Ask(WAITING_ITEMS, WAITING_ITEMS, {"person_ref": state.person_ref})
    return Changes(state, emits=[emit], asks=[ask]), _answer(state)


def _answer(state: Cremation) -> dict[str, Any]:
    return {
        "id": str(state.id),
        "home_no": state.home_no,
        "cremated_on": state.cremated_on.isoformat(),
        "reported_at": state.reported_at.isoformat(),
    }


LOCAL: dict[tuple[str, str], Handler] = {
    **PARTS.local,
    (KIND, f"answer:{WAITING_ITEMS}"): on_waiting_items,
    (ITEM, f"timer:{REPORTED}"): on_cremation_reported,
}

HANDLERS = PARTS.handlers
