"""Receives a checked submission 收件: the application, its plan, sealed parts, questions and first words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.intake.domain import commitment, timeline, tolerance
from services.intake.domain.check import Checked
from services.intake.domain.facts import EVENTS, asks, to_coordinator
from services.intake.domain.materials import taken
from services.intake.domain.model import Application, FactState, Holding
from services.intake.domain.papers.making import committed, receipt, tolerated
from services.intake.domain.people import NAME, RECEIVED_BY, index_of, owner_ref, query_code, query_hash, refs_by_role
from services.intake.domain.sealing import seal
from services.intake.domain.telling import hold, tell
from services.intake.domain.whose import keys_of
from shared.catalog.model import Matter
from shared.catalog.plan import ItemDraft, cut, fact_sources, materials_of, plan
from shared.catalog.protocol import ApplicationReceived, ApplicationSubmitted, ItemView, MaterialRef, PlannedItem
from shared.changes import Changes, Ctx, Emit
from shared.crypto import Sealer
from shared.handling.sealing import seal_part
from shared.outcomes import ItemStatus


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of a submission's coming in beside itself: its ids, who handed it in, which unit received it, and what
    those who acted are called."""

    case_id: UUID
    application_no: str
    definition: str
    owner: str | None
    unit: str | None
    acted: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    handled_in: tuple[str, ...] = ()


def receive(checked: Checked, arrival: Arrival, ctx: Ctx) -> tuple[Changes[Application], str]:
    """The new application with all that follows from it, and its query code."""
    refs = refs_by_role(checked.parties, index_of(ctx.keyring), arrival.case_id)
    materials = taken(checked.submission.materials, ctx)
    items = _items(checked, arrival.case_id, refs, [material.ref() for material in materials], ctx)
    sources = fact_sources(ctx.catalog, checked.matters)
    state = _application(checked, arrival, refs, sources, ctx)
    state.materials, state.items = materials, [_view(item) for item in items]
    state.holdings = _holdings(checked.matters, items, refs)
    state.tolerances = tolerance.promised(state)
    state.commitments = commitment.signed(state, checked.submission.materials)
    lines = [timeline.received(state.application_no, len(items)), timeline.deferred(state.tolerances)]
    puts = [*tell(state, lines, ctx.now), *hold(state, state.holdings, upsert=False), receipt(state)]
    puts += tolerated(state, state.tolerances, arrival.acted, ctx.now, ctx.catalog)
    puts += committed(state, state.commitments, arrival.acted, ctx.now, ctx.catalog)
    emits = [to_coordinator(state, _submitted(state, items, sources)), _public(state, checked.matters)]
    changes = Changes(state, emits=emits, asks=[*asks(sources, checked.parties, checked.occurred_on)], puts=puts)
    changes.timers += [*(tolerance.timer(state) if state.tolerances else ()), *commitment.timer(state)]
    return changes, query_code(index_of(ctx.keyring), arrival.case_id)


def _application(
    checked: Checked, arrival: Arrival, refs: Mapping[str, Sequence[str]], sources: Mapping[str, str], ctx: Ctx
) -> Application:
    """The application as it was handed in, its materials and items aside."""
    index, given = index_of(ctx.keyring), checked.submission
    subject = checked.parties.get("subject")
    content = {"parties": checked.parties, "form": checked.form, RECEIVED_BY: dict(arrival.names)}
    return Application(
        id=arrival.case_id,
        application_no=arrival.application_no,
        bundle=given.bundle,
        definition=arrival.definition,
        channel=given.channel,
        accept_region=given.accept_region,
        handled_in=arrival.handled_in,
        places=checked.places,
        unit=arrival.unit,
        owner=arrival.owner,
        received_at=checked.received_at,
        handed_in_at=ctx.now,
        received_reason=given.received_reason,
        partner_ref=given.partner_ref,
        applicant_ref=refs["applicant"][0],
        subject_ref=next(iter(refs["subject"]), None),
        applicant_name=index.blind(NAME, checked.parties["applicant"]["name"]),
        subject_name=index.blind(NAME, subject["name"]) if subject is not None else None,
        query_code=query_hash(index, query_code(index, arrival.case_id)),
        submission=seal(ctx.keyring, arrival.case_id, None, 1, content),
        facts={name: FactState(source=source, occurred_on=checked.occurred_on) for name, source in sources.items()},
        acted=list(arrival.acted),
    )


def _items(
    checked: Checked, case_id: UUID, refs: Mapping[str, Sequence[str]], materials: Sequence[MaterialRef], ctx: Ctx
) -> list[PlannedItem]:
    matters = {m.code: m for m in checked.matters}
    drafts = plan(case_id, checked.matters, checked.submission.accept_region, lambda m, _: checked.units[m.code])
    sealer = ctx.keyring.sealer()
    return [_planned(draft, matters[draft.matter], checked, case_id, refs, materials, sealer) for draft in drafts]


def _planned(
    draft: ItemDraft,
    matter: Matter,
    checked: Checked,
    case_id: UUID,
    refs: Mapping[str, Sequence[str]],
    materials: Sequence[MaterialRef],
    sealer: Sealer,
) -> PlannedItem:
    part = cut(checked.form, checked.parties, matter)
    sealed = seal_part(sealer, draft.service, case_id, draft.item_id, 1, part)
    return draft.planned(sealed, materials_of(matter, materials), owner_ref(matter.whose, refs))


def _view(item: PlannedItem) -> ItemView:
    waits = bool(item.prerequisites or item.facts)
    return ItemView(
        item_id=item.item_id,
        matter=item.matter,
        service=item.service,
        nature=item.nature,
        unit=item.unit,
        status=ItemStatus.WAITING if waits else ItemStatus.REQUESTED,
    )


def _holdings(
    matters: Sequence[Matter], items: Sequence[PlannedItem], refs: Mapping[str, Sequence[str]]
) -> list[Holding]:
    ids = {item.matter: item.item_id for item in items}
    return [
        Holding(matter=m.code, whose=key, item_id=ids[m.code], once=m.once) for m in matters for key in keys_of(m, refs)
    ]


def _submitted(state: Application, items: Sequence[PlannedItem], sources: Mapping[str, str]) -> ApplicationSubmitted:
    return ApplicationSubmitted(
        case_id=state.id,
        application_no=state.application_no,
        bundle=state.bundle,
        definition=state.definition,
        accept_region=state.accept_region,
        channel=state.channel.value,
        received_at=state.received_at,
        items=tuple(items),
        facts=tuple(sources),
        acted=tuple(state.acted),
    )


def _public(state: Application, matters: Sequence[Matter]) -> Emit:
    message = ApplicationReceived(
        case_id=state.id,
        application_no=state.application_no,
        bundle=state.bundle,
        matters=tuple(m.code for m in matters),
        accept_region=state.accept_region,
        channel=state.channel.value,
        received_at=state.received_at,
    )
    return Emit(EVENTS, aggregate_id=str(state.id), message=message, key=str(state.id), case_id=str(state.id))
