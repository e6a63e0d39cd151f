"""What intake does on a message: it follows the coordinator, takes the answers of sources, lets drafts go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.intake.domain.drafts import EXPIRY, on_expired
from services.intake.domain.duties import on_timer
from services.intake.domain.facts import answered, close_checks, question_of
from services.intake.domain.follow import follow
from services.intake.domain.model import Application
from services.intake.domain.sealing import unseal
from services.intake.domain.visits import CALL_TIMER, on_call
from shared.catalog.protocol import CASE_EVENTS, CaseClosed, CaseMessage
from shared.errors import Poison

if TYPE_CHECKING:
    from shared.changes import Answer, Changes, Ctx, Handler, Timer
    from shared.messages import Message


def on_case_event(state: Application | None, message: CaseMessage, ctx: Ctx) -> Changes[Application]:
    """The coordinator said how the case stands."""
    changes = follow(state, message, ctx)
    if isinstance(message, CaseClosed):
        close_checks(changes, ctx)
    return changes


def on_fact_answer(state: Application | None, answer: Answer, ctx: Ctx) -> Changes[Application]:
    """A source answered whether a fact is so."""
    if state is None:
        raise Poison("没有这个申请", "an answer for an application that is not here")
    parties: Mapping[str, Any] = unseal(ctx.keyring, state.id, None, state.sealed_round, state.submission)["parties"]
    return answered(state, answer, question_of(parties, state.facts[answer.name].occurred_on), ctx)


def on_call_timer(state: Application | None, timer: Timer, ctx: Ctx) -> Changes[Application]:
    """The days for answering a correction paper are over before anybody calls."""
    if state is None:
        raise Poison("没有这个申请", "a timer of an application that is not here")
    return on_call(state, timer, ctx)


HANDLERS: Mapping[type[Message], Handler] = dict.fromkeys(CASE_EVENTS, on_case_event)

LOCAL: Mapping[tuple[str, str], Handler] = {
    ("application", "answer:*"): on_fact_answer,
    ("application", "timer:*"): on_timer,
    ("application", f"timer:{CALL_TIMER}"): on_call_timer,
    ("draft", f"timer:{EXPIRY}"): on_expired,
}
