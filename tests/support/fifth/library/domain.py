"""借书证注销: by rule, on a confirmed death. 阅览室设立许可: by one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.catalog.protocol import Finding
from shared.changes import Ctx
from shared.clock import beijing_date
from shared.handling.model import Work
from shared.handling.procedure import AskSource, Conclude, NotAccept, OpenTask, Step, Write
from shared.outcomes import Decision
from tests.support.fifth.library.tables import CARD

CARDS = "library_cards"
ROOM_CHECK = "reading_room_check"
_NO_PHOTO = Finding(
    code="PHOTO_MISSING",
    pointer="/materials/photo",
    material="photo",
    message_zh="缺少场地照片",
    message_en="a photo of the room is missing",
)


@dataclass(frozen=True)
class CardCancel:
    """Asks for the reader's cards at once, and cancels them when the death is established."""

    matter: str = "library.card_cancel"

    def check(self, work: Work, ctx: Ctx) -> Sequence[Finding]:
        return ()

    def advance(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        ask = AskSource(CARDS, CARDS, {"person_ref": work.item.person_ref}, "借书证登记")
        answer = work.answer(CARDS)
        if answer is None or not work.item.ready:
            return [ask]
        law = ctx.catalog.matters[self.matter].law[0].cite()
        cards = len(answer["data"]["cards"])
        if not cards:
            return [ask, Conclude(Decision.NOT_APPLICABLE, "NO_CARD", law, by_rule=True)]
        return [ask, Conclude(Decision.APPROVED, "READER_DIED", law, {"cards": cards}, by_rule=True)]

    def settled(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        answer = work.answer(CARDS)
        if answer is None or work.item.outcome != Decision.APPROVED:
            return ()
        done = {"person_ref": work.item.person_ref, "cancelled_on": beijing_date(ctx.now)}
        return [Write(CARD, {"card_no": number, **done}, upsert=True) for number in answer["data"]["cards"]]


@dataclass(frozen=True)
class ReadingRoom:
    """A licence that one person examines and decides; until then it is not accepted, unless the law holds it so."""

    matter: str = "library.reading_room"

    def check(self, work: Work, ctx: Ctx) -> Sequence[Finding]:
        return () if any(m.type == "photo" for m in work.item.materials) else (_NO_PHOTO,)

    def advance(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        decided = work.decision(ROOM_CHECK)
        if decided is None:
            return [OpenTask(ROOM_CHECK, "check", "supervisor", 60)]
        law = ctx.catalog.matters[self.matter].law[0].cite()
        if decided.outcome == "approve":
            return [Conclude(Decision.APPROVED, "CONDITIONS_MET", law)]
        if decided.outcome == "deny":
            return [Conclude(Decision.DENIED, decided.reason_code, law)]
        return [NotAccept(decided.reason_code or "NOT_HERE", law)]

    def settled(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        return ()
