"""A paper as a caller may see it: issued if it waited, whole for its owner, else masked unless unmasking is recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from services.intake.api.access import handles, hidden, owns, receives
from services.intake.api.recorded import record
from services.intake.domain.model import Application
from services.intake.domain.papers.deliver import RECEIVER
from services.intake.domain.papers.issue import open_content
from services.intake.domain.papers.model import HASH, Content, Paper
from services.intake.domain.papers.shown import is_personal, masked
from services.intake.domain.papers.templates import internal
from services.intake.domain.sealing import unseal
from services.intake.store import papers
from services.intake.store.issuing import issue
from shared.audit.readings import Ground
from shared.catalog.definition import canonical, sha256_of
from shared.crypto import Sealed
from shared.delivery.service import RunningService
from shared.errors import NewerRelease, Poison
from shared.handling.limits import working_calendar
from shared.handling.terms import remedy_terms
from shared.http.principal import Principal
from shared.http.refusals import not_found
from shared.masking import mask_name
from shared.spec import ServiceHandle


def may_see_paper(application: Application, paper: Paper, who: Principal, handle: ServiceHandle) -> bool:
    """Whether it is their own, or they receive for its place, or an item in it lies with a unit of theirs; nothing that
    tells of an item hidden from them, and to no applicant what goes to units alone."""
    if hidden(handle, application, who) & {str(i.item_id) for i in paper.moment.items}:
        return False
    if paper.kind in internal():
        return not owns(application, who) and any(_mine(application, paper, who, handle))
    return owns(application, who) or receives(application, who) or any(_mine(application, paper, who, handle))


def _mine(application: Application, paper: Paper, who: Principal, handle: ServiceHandle) -> list[bool]:
    now = {i.item_id: i.unit for i in application.items}
    return [handles(now.get(i.item_id, i.unit), who, handle) for i in paper.moment.items]


def visible_whole(
    handle: ServiceHandle, application: Application, paper: Paper, who: Principal, *, asked: bool
) -> bool:
    """Whether they see what is personal in it: the owner always; staff who ask, where all of it is theirs."""
    if owns(application, who):
        return True
    return asked and (receives(application, who) or all(_mine(application, paper, who, handle)))


async def listed(handle: ServiceHandle, application: Application, who: Principal) -> list[dict[str, Any]]:
    """The papers of an application that they may see, in short; one that nobody could issue is none yet."""
    found = await papers.papers_of(handle, application.id)
    now = handle.clock.now()
    return [in_short(p, now) for p in found if p.held is None and may_see_paper(application, p, who, handle)]


def in_short(paper: Paper, now: datetime) -> dict[str, Any]:
    """A paper as it stands in its application."""
    return {
        "id": str(paper.id),
        "kind": paper.kind,
        "title": paper.title,
        "issued_at": paper.made_at.isoformat(),
        "delivered_at": _iso(_delivered(paper, now)),
    }


def made_short(row: Mapping[str, Any]) -> dict[str, Any]:
    """A paper that is being made, in the same words."""
    at = row["made_at"].isoformat()
    return {"id": str(row["id"]), "kind": row["kind"], "title": row["title"], "issued_at": at, "delivered_at": None}


def _delivered(paper: Paper, now: datetime) -> datetime | None:
    """When it counts as delivered; not before that moment has come (公告期满)."""
    return paper.delivered_at if paper.delivered_at is not None and paper.delivered_at <= now else None


async def paper_or_404(handle: ServiceHandle, application: Application, named: str, who: Principal) -> Paper:
    """The paper of this application, issued if it still waited to be."""
    paper_id = _id(named)
    found = await papers.paper(handle, application.id, paper_id)
    if found is None or not may_see_paper(application, found, who, handle):
        raise not_found()
    if not found.issued:
        await issue(cast("RunningService", handle), [paper_id])
        found = await papers.paper(handle, application.id, paper_id)
    if found is None or found.held:
        raise not_found()  # nobody is declared who could issue it
    if not found.issued:
        raise NewerRelease(found.kind, handle.release.following)
    return found


def _id(named: str) -> UUID:
    try:
        return UUID(named)
    except ValueError:
        raise not_found() from None


async def shown(
    handle: ServiceHandle, application: Application, paper: Paper, who: Principal, ground: Ground | None, *, whole: bool
) -> dict[str, Any]:
    """The paper's shape; what staff see unmasked of it is recorded as a reading on this ground first."""
    content = _opened(handle, paper)
    deliveries = await papers.deliveries_of(handle, paper.id)
    if whole and not owns(application, who) and (is_personal(content) or deliveries):
        await record(handle, who, application, [f"papers/{paper.id}"], ground or Ground.HANDLING)
    signatures = await papers.signatures_of(handle, paper.id)
    delivered_at = _delivered(paper, handle.clock.now())
    return {
        **in_short(paper, handle.clock.now()),
        "number": paper.number,
        "application_no": application.application_no,
        "masked": not whole,
        "content": content if whole else masked(content),
        "hash": {"algorithm": HASH, "value": paper.digest},
        "seal": _seal(content, signatures),
        "signatures": [_signature(s, content) for s in signatures if s["method"] != "seal"],
        "deliveries": [_delivery(d, handle, whole=whole) for d in deliveries],
        "terms": _terms(content, delivered_at),
    }


def _opened(handle: ServiceHandle, paper: Paper) -> Content:
    """The content; `Poison` when it is not what was hashed."""
    assert paper.content is not None  # noqa: S101 - only an issued paper comes here
    content = open_content(handle.keyring, paper.case_id, paper.id, paper.content)
    if sha256_of(canonical(content)) != paper.digest:
        raise Poison("文书内容与其校验值不符", "the paper is not what its hash says")
    return content


def _seal(content: Content, signatures: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    seal = next((s for s in signatures if s["method"] == "seal"), None)
    return {
        "name": content["organ"]["seal"],
        "number": seal["provider_no"] if seal else None,
        "provider": seal["provider"] if seal else None,
    }


def _signature(row: Mapping[str, Any], content: Content) -> dict[str, Any]:
    same = {name: row[name] for name in ("signer", "role", "method", "algorithm", "digest")}
    return {**same, "name": content.get("signers", {}).get(row["signer"]), "at": row["at"].isoformat()}


def _delivery(row: Mapping[str, Any], handle: ServiceHandle, *, whole: bool) -> dict[str, Any]:
    receiver, told = None, {}
    if row["receiver"]:
        place = f"{RECEIVER}/{row['id']}"
        told = unseal(handle.keyring, row["case_id"], place, 0, Sealed.from_text(row["receiver"]))
        receiver = told["name"] if whole else mask_name(told["name"])
    tried = [{**one, "failure": one["failure"] if whole else None} for one in told.get("tried", ())]
    return {
        "id": str(row["id"]),
        "method": row["method"],
        "at": row["at"].isoformat(),
        "receiver": receiver,
        "receiver_relation": row["relation"],
        "ground": told.get("ground"),
        "tried": tried,
        "proof_file_id": str(row["proof_file_id"]) if row["proof_file_id"] else None,
        "recorded_by": row["by"],
        "recorded_at": row["recorded_at"].isoformat(),
        "effective": row["effective"],
        "takes_effect": row["takes_effect"].isoformat(),
    }


def _terms(content: Content, delivered_at: datetime | None) -> dict[str, Any] | None:
    if content["remedy"] is None or delivered_at is None:
        return None
    return remedy_terms(content["remedy"], delivered_at, working_calendar())


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
