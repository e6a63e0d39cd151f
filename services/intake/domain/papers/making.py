"""Which papers follow from a submission or from what the coordinator says, as rows of the same commit.

A row holds what the paper rests on; its number, content, hash and seal come when it is issued, within a second.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.intake.domain.papers.model import Correction, Moment
from services.intake.domain.papers.templates import templates
from services.intake.tables import PAPER
from shared.catalog.protocol import CaseMessage, CorrectionIssued, Handled, ItemConcluded, ItemView, Result
from shared.changes import Put
from shared.messages import derived_id
from shared.outcomes import FINAL_ITEM, ItemStatus, Nature

if TYPE_CHECKING:
    from services.intake.domain.model import Application, Commitment, Tolerance
    from shared.catalog.registry import Catalog

_ENDS = {
    ItemStatus.APPROVED: "approval",
    ItemStatus.DENIED: "denial",
    ItemStatus.NOT_APPLICABLE: "not_applicable",
    ItemStatus.NOT_ACCEPTED: "non_acceptance",
    ItemStatus.WITHDRAWN: "withdrawal",
    ItemStatus.TERMINATED: "termination",
    ItemStatus.REVOKED: "revocation",
}


def kind_of(outcome: ItemStatus, result: Result | None, matter: str, catalog: Catalog) -> str:
    """The kind of paper for an end: granting a matter that takes something from somebody is a paper against them.

    A stop that names no first month not paid (`from`) has stopped nothing.
    """
    known = catalog.matters.get(matter)
    if outcome is not ItemStatus.APPROVED or known is None or known.takes is None:
        return _ENDS[outcome]
    nothing = known.takes == "stop" and (result is None or not result.public.get("from"))
    return _ENDS[outcome] if nothing else known.takes


def receipt(state: Application) -> Put:
    """The receiving slip of the joint case."""
    return row(state.id, "receipt", state.handed_in_at, Moment(items=tuple(state.items), by=tuple(state.acted)))


def tolerated(
    state: Application, tolerances: Iterable[Tolerance], by: Iterable[str], at: datetime, catalog: Catalog
) -> Iterator[Put]:
    """The notice of what may follow (容缺受理告知书): one for all that is promised in one moment; `by` are who received it."""
    yield from _about_materials(state, "tolerance", tuple(tolerances), by, at, catalog)


def supplied(
    state: Application, came: Iterable[Tolerance], by: Iterable[str], at: datetime, catalog: Catalog
) -> Iterator[Put]:
    """That what was to follow has come, and what still lacks (容缺材料补齐)."""
    cured = tuple(came)
    lacking = tuple(t for t in state.tolerances if t.state != "cured") if cured else ()
    yield from _about_materials(state, "supplied", (*cured, *lacking), by, at, catalog)


def committed(
    state: Application, made: Iterable[Commitment], by: Iterable[str], at: datetime, catalog: Catalog
) -> Iterator[Put]:
    """The commitments as they were told and signed (告知承诺书), a paper each."""
    for one in made:
        if items := _needing(state, {one.material}, catalog):
            moment = Moment(items=items, by=tuple(by), commitment=one)
            yield row(state.id, "commitment", at, moment, one.material, one.signed_at)


def _about_materials(
    state: Application, kind: str, about: tuple[Tolerance, ...], by: Iterable[str], at: datetime, catalog: Catalog
) -> Iterator[Put]:
    if items := _needing(state, {t.material for t in about}, catalog):
        yield row(state.id, kind, at, Moment(items=items, by=tuple(by), tolerances=about), state.sealed_round)


def _needing(state: Application, materials: Collection[str], catalog: Catalog) -> tuple[ItemView, ...]:
    """The items, not yet ended, that need one of these materials."""
    found = []
    for item in state.items:
        matter = catalog.matters.get(item.matter)
        if item.status not in FINAL_ITEM and matter and any(need.type in materials for need in matter.materials):
            found.append(item)
    return tuple(found)


def follow_papers(state: Application, message: CaseMessage, catalog: Catalog) -> list[Put]:
    """The papers of one event of the coordinator; `state` is what was shown before it."""
    found = [_moved(state, old, new, message) for old, new in _pairs(state, message.case.items)]
    puts = [put for several in found for put in several]
    if isinstance(message, ItemConcluded) and not message.late:
        puts.append(_concluded(message, catalog))
    if isinstance(message, CorrectionIssued):
        puts.append(_corrected(message))
    return puts


def _pairs(state: Application, items: Iterable[ItemView]) -> Iterator[tuple[ItemView | None, ItemView]]:
    before = {item.item_id: item for item in state.items}
    return ((before.get(item.item_id), item) for item in items)


def _moved(state: Application, old: ItemView | None, new: ItemView, message: CaseMessage) -> Iterator[Put]:
    """Acceptance, pause, resumption, extension, and what is told between units; of an item that ends in the same moment
    only its decision is told."""
    if old is None or old is new or new.status in FINAL_ITEM:
        return

    def told(kind: str, *mark: object, by: tuple[str, ...] = ()) -> Put:
        return row(state.id, kind, message.at, Moment(items=(new,), by=by), new.item_id, new.round, *mark)

    handled = new.handled or Handled()
    if new.accepted_at and not old.accepted_at and new.nature is Nature.ON_APPLICATION:
        yield told("acceptance", by=_by(handled.accepted_by))
    if new.pause is not None and new.pause != old.pause and (old.pause is None or old.pause.since != new.pause.since):
        yield told("pause", new.pause.since, by=_by(new.pause.by))
    if old.pause is not None and new.pause is None:
        yield told("resume", old.pause.since, by=_by(handled.resumed_by))
    if new.extension is not None and old.extension is None:
        yield told("extension", by=(new.extension.approved_by,))
    if new.transfer is not None and new.transfer != old.transfer:
        yield told("transfer", new.transfer.at, by=_by(new.transfer.by))
    if new.supervision is not None and new.supervision != old.supervision:
        yield told("supervision", new.supervision.number)


def _by(account: str | None) -> tuple[str, ...]:
    return (account,) if account else ()


def _concluded(message: ItemConcluded, catalog: Catalog) -> Put:
    item = next(i for i in message.case.items if i.item_id == message.item_id)
    item = item.model_copy(update={"status": message.outcome, "result": message.result, "round": message.round})
    by = message.result.decided_by if message.result is not None else ()
    kind = kind_of(message.outcome, message.result, item.matter, catalog)
    return row(message.case.case_id, kind, message.at, Moment(items=(item,), by=by), item.item_id, message.round)


def _corrected(message: CorrectionIssued) -> Put:
    items = tuple(i for i in message.case.items if i.item_id in message.items)
    said = Correction(number=message.number, answer_by=message.answer_by, supervised=message.supervised)
    by = (*message.by, *_by(message.supervised))
    moment = Moment(items=items, by=by, correction=said)
    return row(message.case.case_id, "correction", message.at, moment, message.number)


def row(case_id: UUID, kind: str, at: datetime, moment: Moment, *mark: object) -> Put:
    """A paper's row, as yet without number and content; the same paper made again is the same row."""
    values: dict[str, Any] = {
        "id": derived_id(case_id, "paper", kind, *mark),
        "case_id": case_id,
        "kind": kind,
        "title": templates()[kind].title.zh,
        "made_at": at,
        "moment": moment.model_dump_json(exclude_none=True, exclude_defaults=True),
    }
    return Put(PAPER, values)
