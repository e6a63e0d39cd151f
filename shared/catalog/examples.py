"""One example of each message of the protocol, for documents and the corpus of every event ever shipped."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from shared.catalog import protocol as p
from shared.catalog.registry import Catalog
from shared.crypto import Sealed
from shared.messages import Message, parse_type
from shared.outcomes import ApplicationStatus, CaseOutcome, Decision, FactStatus, ItemStatus, Nature, WaitKind

CASE = UUID("00000000-0000-7000-8000-000000000001")
ITEM = UUID("00000000-0000-7000-8000-000000000002")
FIRST = UUID("00000000-0000-7000-8000-000000000003")
AT = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
DAY = date(2026, 11, 10)
PERSON = "p1_" + "0" * 64
_SEALED = Sealed(alg="A256GCM", kid="example.1-00000000", nonce="AAAAAAAAAAAAAAAA", ct="AAAA")
_DUE = p.Due(promised=date(2026, 11, 27), legal=date(2026, 12, 18))
_LIMIT = p.Limit(n=5, unit="working")
_MATERIAL = p.MaterialRef(type="death_certificate", source="shared")
_FINDING = p.Finding(
    code="MATERIAL_MISSING",
    pointer="/materials",
    material="kinship_proof",
    message_zh="缺亲属关系证明",
    message_en="proof of kinship is missing",
)
_ID: dict[str, Any] = {"item_id": ITEM, "case_id": CASE, "round": 1}
_LAW = "《示例办法》第一条"


def _result() -> p.Result:
    return p.Result(
        outcome=ItemStatus.APPROVED,
        reason_code="BY_RULE",
        law=_LAW,
        public={"from": "2026-12"},
        sealed=_SEALED,
        by_rule=True,
        decided_at=AT,
    )


def _view() -> p.CaseView:
    item = p.ItemView(
        item_id=ITEM,
        matter="example.matter",
        service="example",
        nature=Nature.ON_APPLICATION,
        unit="420112",
        status=ItemStatus.APPROVED,
        due=_DUE,
        waiting_on=p.WaitingOn(kind=WaitKind.SOURCE, name="example", since=AT, until=DAY),
        accepted_at=AT,
        findings=(_FINDING,),
        result=_result(),
    )
    return p.CaseView(
        case_id=CASE,
        application_no="42011220261121010000016",
        bundle="example",
        accept_region="420112",
        status=ApplicationStatus.CLOSED,
        outcome=CaseOutcome.APPROVED,
        received_at=AT,
        accepted_at=AT,
        closed_at=AT,
        items=(item,),
    )


def _planned() -> p.PlannedItem:
    return p.PlannedItem(
        item_id=ITEM,
        matter="example.matter",
        service="example",
        nature=Nature.ON_APPLICATION,
        unit="420112",
        prerequisites=(p.Prerequisite(item_id=FIRST, matter="example.first", hard=True),),
        facts=("death_confirmed",),
        promised=_LIMIT,
        legal=_LIMIT,
        materials=(_MATERIAL,),
        sealed=_SEALED,
        person_ref=PERSON,
    )


def _to_the_coordinator() -> tuple[Message, ...]:
    number: dict[str, Any] = {"case_id": CASE, "application_no": "42011220261121010000016", "bundle": "example"}
    place: dict[str, Any] = {"accept_region": "420112", "channel": "window", "received_at": AT}
    return (
        p.ApplicationSubmitted(
            **number, **place, definition="0" * 64, items=(_planned(),), facts=("death_confirmed",), acted=("clerk",)
        ),
        p.ApplicationSupplemented(
            case_id=CASE,
            round=2,
            items=(p.SupplementedItem(item_id=ITEM, sealed=_SEALED, materials=(_MATERIAL,)),),
        ),
        p.WithdrawalSubmitted(case_id=CASE, items=(ITEM,)),
        p.FactEstablished(
            case_id=CASE,
            fact="death_confirmed",
            status=FactStatus.CONFIRMED,
            source="death",
            occurred_on=DAY,
            evidence="example-1",
        ),
        p.CorrectionDelivered(case_id=CASE, number=1, delivered_on=DAY),
        p.MaterialsLapsed(case_id=CASE, items=(ITEM,), reason_code="TOLERANCE_LAPSED"),
        p.CommitmentFound(
            case_id=CASE, material="kinship_proof", items=(ITEM,), reason_code="FALSE_COMMITMENT", law=_LAW
        ),
        p.FactDisputed(case_id=CASE, fact="death_confirmed", ground="OBJECTION"),
        p.FactUpheld(case_id=CASE, fact="death_confirmed", ground="OBJECTION", evidence="example-2"),
        p.ApplicationReceived(**number, **place, matters=("example.matter",)),
    )


def _down() -> tuple[Message, ...]:
    return (
        p.ItemRequested(
            **_ID,
            application_no="42011220261121010000016",
            matter="example.matter",
            definition="0" * 64,
            nature=Nature.ON_APPLICATION,
            ready=False,
            unit="420112",
            accept_region="420112",
            received_at=AT,
            acted=("clerk",),
            materials=(_MATERIAL,),
            sealed=_SEALED,
            person_ref=PERSON,
        ),
        p.ItemReady(
            **_ID,
            results=(p.PrerequisiteResult(matter="example.first", outcome=ItemStatus.APPROVED),),
            facts=(p.FactResult(fact="death_confirmed", status=FactStatus.CONFIRMED, source="death", occurred_on=DAY),),
            accepted_at=AT,
            due=_DUE,
        ),
        p.ItemSupplemented(**_ID, sealed=_SEALED, sealed_round=2, materials=(_MATERIAL,)),
        p.WithdrawalRequested(**_ID, reason_code="APPLICANT_WITHDREW"),
        p.ItemCancelled(**_ID, cause="terminated", reason_code="FACT_REFUTED"),
        p.ItemSettled(**_ID, status="applied"),
        p.EffectsFrozen(**_ID, ground="OBJECTION"),
        p.EffectsReleased(**_ID, ground="OBJECTION"),
        p.ReversalRequested(**_ID, cause="fact_retracted", reason_code="DEATH_RETRACTED", law=_LAW),
    )


def _up() -> tuple[Message, ...]:
    return (
        p.CheckPassed(**_ID),
        p.CorrectionRequested(**_ID, findings=(_FINDING,)),
        p.ItemAccepted(**_ID, accepted_at=AT),
        p.ItemNotAccepted(**_ID, reason_code="NOT_OURS", law=_LAW, where_to_go="县级民政部门"),
        p.ItemProgressed(
            **_ID, stage="COOLING_OFF", waiting_on=p.WaitingOn(kind=WaitKind.TIME, name="example", since=AT, until=DAY)
        ),
        p.ItemPaused(**_ID, ground="ASSESSMENT", until=DAY),
        p.ItemResumed(**_ID, ground="ASSESSMENT"),
        p.ItemExtended(**_ID, to=DAY, approved_by="leader", reason_code="COMPLEX"),
        p.ItemDecided(
            **_ID,
            outcome=Decision.APPROVED,
            reason_code="BY_RULE",
            law=_LAW,
            result={"from": "2026-12"},
            sealed=_SEALED,
            by_rule=True,
            decided_at=AT,
            acted=("handler",),
        ),
        p.ItemEnded(**_ID, reason_code="LAPSED", law=_LAW),
        p.ItemReturned(**_ID, reason_code="WRONG_PLACE", suggested_unit="420111"),
        p.WithdrawalAnswered(**_ID, answer="agreed"),
        p.ItemCorrected(**_ID, reason_code="CLERICAL_ERROR", law=_LAW, result={"from": "2026-12"}),
        p.ItemRevoked(**_ID, reason_code="FALSE_COMMITMENT", law=_LAW),
    )


def _out() -> tuple[Message, ...]:
    case: dict[str, Any] = {"case": _view(), "at": AT}
    return (
        p.CaseOpened(**case),
        p.ItemMoved(**case, item_id=ITEM),
        p.CorrectionIssued(**case, number=1, items=(ITEM,), answer_by=DAY),
        p.ItemConcluded(**case, item_id=ITEM, round=1, outcome=ItemStatus.APPROVED, result=_result()),
        p.CaseClosed(**case),
        p.CaseReopened(**case, item_id=ITEM, round=2, cause="CORRECTION"),
        p.LifeEventReported(
            kind="death", person_ref=PERSON, source="example", source_no="1", occurred_on=DAY, confirmed=True
        ),
        p.PersonRefMapped(old=PERSON, new="p1_" + "1" * 64),
        p.UnitChanged(
            code="420112", kind="bureau", name="民政局", region="420112", parent="420100", valid_from=date(2026, 1, 1)
        ),
        p.SessionsEnded(account_id=ITEM, sessions=(CASE,), cause="signed_out", until=AT),
    )


def protocol_examples() -> dict[str, Message]:
    """One example a message of the protocol, by the message's name; it names nobody real."""
    return {type(m).__name__: m for m in (*_to_the_coordinator(), *_down(), *_up(), *_out())}


def example_of(catalog: Catalog, ce_type: str) -> Message | None:
    """The example of a message type: its service's own, or the protocol's; None where there is none."""
    writer, name, _ = parse_type(ce_type)
    entry = catalog.services.get(writer)
    own = entry.examples.get(name) if entry else None
    return own or protocol_examples().get(name)
