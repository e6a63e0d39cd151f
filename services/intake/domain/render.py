"""Shapes of the answers: the application and its items for who may see them, and the masked progress page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from services.intake.domain.lamps import clock, iso, item_lamp
from services.intake.domain.materials import not_asked
from services.intake.domain.model import must_correct
from services.intake.domain.words import CASE, ITEM, WAITING
from shared.clock import beijing_date
from shared.outcomes import ItemStatus

if TYPE_CHECKING:
    from services.intake.domain.model import Application
    from shared.calendar import WorkingCalendar
    from shared.catalog.protocol import Finding, ItemView, Result
    from shared.catalog.registry import Catalog

Personal = Mapping[str, Mapping[str, Any]]
"""Opened personal parts of results, by item id."""


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """When, and with which catalogue and calendar, something is looked at."""

    now: datetime
    catalog: Catalog
    calendar: WorkingCalendar

    @property
    def today(self) -> date:
        """The Beijing date."""
        return beijing_date(self.now)


def application(
    a: Application,
    at: Viewpoint,
    personal: Personal | None = None,
    findings: Mapping[str, Sequence[Finding]] | None = None,
    *,
    version: int | None = None,
    papers: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The whole Application shape; `personal` fills what is sealed in results, `findings` what is in findings."""
    opened, words = personal or {}, findings or {}
    return {
        **summary(a, at, version=version),
        "items": [
            item(i, a.accept_region, at, opened.get(str(i.item_id), {}), words.get(str(i.item_id))) for i in a.items
        ],
        "materials": [m.model_dump(mode="json", exclude_none=True) for m in a.materials],
        "not_asked": not_asked(a, at.catalog),
        "tolerances": [t.model_dump(mode="json") for t in a.tolerances],
        "commitments": [c.model_dump(mode="json") for c in a.commitments],
        "papers": list(papers),
    }


def summary(a: Application, at: Viewpoint, *, version: int | None = None) -> dict[str, Any]:
    """What stands of an application in a list."""
    return {
        "application_no": a.application_no,
        "case_id": str(a.id),
        "version": a.version if version is None else version,
        "status": a.status.value,
        "outcome": a.outcome.value if a.outcome else None,
        "bundle": a.bundle,
        "accept_region": a.accept_region,
        "channel": a.channel.value,
        "received_at": a.received_at.isoformat(),
        "accepted_at": a.accepted_at.isoformat() if a.accepted_at else None,
        "clock": clock(a, at.catalog, at.now, at.calendar),
    }


def item(
    i: ItemView,
    region: str,
    at: Viewpoint,
    personal: Mapping[str, Any],
    findings: Sequence[Finding] | None = None,
) -> dict[str, Any]:
    """The Item shape; `region` is where it was handed in."""
    waits = i.waiting_on
    return {
        "id": str(i.item_id),
        "matter": i.matter,
        "service": i.service,
        "nature": i.nature.value,
        "status": i.status.value,
        "stage": i.stage,
        "stage_name": _stage_name(i),
        "round": i.round,
        "due": {"promised": iso(i.due.promised), "legal": iso(i.due.legal), "provisional": i.due.provisional},
        "lamp": item_lamp(i, region, at.catalog, at.now, at.calendar).value,
        "waiting_on": waits.model_dump(mode="json") if waits else None,
        "external_no": i.external_no,
        "findings": [f.model_dump(mode="json", exclude_none=True, exclude={"sealed"}) for f in findings or i.findings],
        "result": result(i.result, personal),
    }


def _stage_name(i: ItemView) -> str:
    """The procedure's own stage, else what the status says, with whom it waits for."""
    waits = WAITING.get(i.waiting_on.kind) if i.waiting_on and i.status is ItemStatus.WAITING else None
    return i.stage_name or (waits or ITEM[i.status])[0]


def result(r: Result | None, personal: Mapping[str, Any]) -> dict[str, Any] | None:
    """`{outcome, reason_code, law, amount?, from?, …}`: the matter's own public values, and personal ones if opened."""
    if r is None:
        return None
    said = {"outcome": r.outcome.value, "reason_code": r.reason_code, "law": r.law, "by_rule": r.by_rule}
    return {**r.public, **personal, **said}


def progress(a: Application, at: Viewpoint, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """What the holder of the query code sees: status and words, no person and no result's content."""
    return {
        "application_no": a.application_no,
        "status": a.status.value,
        "status_name": CASE[a.status][0],
        "outcome": a.outcome.value if a.outcome else None,
        "received_at": a.received_at.isoformat(),
        "clock": clock(a, at.catalog, at.now, at.calendar),
        "items": [_progress_item(i, a.accept_region, at) for i in a.items],
        "timeline": lines,
    }


def _progress_item(i: ItemView, region: str, at: Viewpoint) -> dict[str, Any]:
    matter = at.catalog.matters.get(i.matter)
    waits = i.waiting_on
    return {
        "matter": i.matter,
        "name": matter.name if matter else i.matter,
        "status": i.status.value,
        "status_name": ITEM[i.status][0],
        "stage_name": _stage_name(i),
        "lamp": item_lamp(i, region, at.catalog, at.now, at.calendar).value,
        "promised": iso(i.due.promised),
        "waiting_on": waits.kind.value if waits else None,
        "must_act": must_correct(i),
    }
