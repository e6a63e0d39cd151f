"""Handing in an application: checks it whole, numbers it, and receives it in one commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from services.intake import store
from services.intake.api.access import RECEIVING
from services.intake.api.claiming import claims, files_named, looked_up
from services.intake.api.paper_views import made_short
from services.intake.api.views import viewpoint
from services.intake.domain import commitment, render, routing
from services.intake.domain.check import Checked, Here, check, not_by_oneself, not_the_applicant
from services.intake.domain.materials import counted
from services.intake.domain.model import Application
from services.intake.domain.people import index_of, refs_by_role
from services.intake.domain.receive import Arrival, receive
from services.intake.tables import PAPER
from shared.catalog.authority import Authority, authorities
from shared.catalog.parties import Submission, file_ids
from shared.changes import Changes, Ctx
from shared.clock import beijing_date, new_id
from shared.errors import Conflict, Invalid
from shared.handling.intimacy import RESTRICTED
from shared.http.idempotency import Scope
from shared.http.principal import Principal
from shared.http.refusals import HttpError, extended
from shared.metrics import METRICS
from shared.spec import Command, ServiceHandle

HOLDING_ONCE = "holding_once"
"""The index that lets one of two applications for the same through."""


async def submit(
    handle: ServiceHandle,
    submission: Submission | Mapping[str, Any],
    principal: Principal,
    idempotency: Scope | None = None,
) -> dict[str, Any]:
    """The new application with its `query_code`; the same answer for the same key.

    `HttpError` 403 (`REGION_NOT_YOURS`), `Invalid` naming every wrong field, `Conflict` (`DUPLICATE_APPLICATION`);
    nothing is stored then.
    """
    raw = submission.model_dump(exclude_none=True) if isinstance(submission, Submission) else dict(submission)
    here = here_of(handle)
    _refuse_foreign(raw, principal, here)
    here = await _with_granted(handle, raw, here)
    if named := files_named(raw):
        here = replace(here, files=await looked_up(handle, named, principal))
    checked, errors = check(raw, here)
    if checked is None:
        raise Invalid(errors)
    _refuse_others(handle, checked, principal)
    await _refuse_barred(handle, checked)
    return await _receive(handle, checked, principal, here, idempotency)


def here_of(handle: ServiceHandle) -> Here:
    """The catalogue and units in force now."""
    ctx = handle.ctx()
    return Here(handle.catalog, routing.in_force(ctx.units.all(), beijing_date(ctx.now)), ctx.now)


def _refuse_foreign(raw: Mapping[str, Any], who: Principal, here: Here) -> None:
    region = raw.get("accept_region")
    if not who.has(*RECEIVING) or not isinstance(region, str) or not routing.knows_region(region, here.units):
        return
    if not who.covers(region, *RECEIVING):
        raise HttpError(
            403, "REGION_NOT_YOURS", "您的岗位不受理该地区的申请", "your roles receive no applications for this region"
        )


async def _with_granted(handle: ServiceHandle, raw: Mapping[str, Any], here: Here) -> Here:
    """Looks up earlier grants only where a hard prerequisite was left out."""
    named = [code for code in raw.get("matters") or () if isinstance(code, str)]
    known = [here.catalog.matters[code] for code in named if code in here.catalog.matters]
    missing = {a.matter for m in known for a in m.after if a.hard} - set(named)
    if not missing:
        return here
    index = index_of(handle.keyring)
    refs = map(index.ref_of, (raw.get("subject"), raw.get("applicant")))
    granted = await store.granted(handle, [ref for ref in refs if ref], missing)
    return replace(here, granted=frozenset(granted))


async def _refuse_barred(handle: ServiceHandle, checked: Checked) -> None:
    """Who committed falsely before, and has not made good for it, brings the papers."""
    if not any(material.source == "commitment" for material in checked.submission.materials):
        return
    if barred := await store.barred(handle):
        refs = refs_by_role(checked.parties, index_of(handle.keyring), UUID(int=0))
        if refs["applicant"][0] in barred:
            raise Invalid([commitment.barred()])


def _refuse_others(handle: ServiceHandle, checked: Checked, who: Principal) -> None:
    """A citizen applies in their own name, today; staff receive for anyone."""
    if who.has(*RECEIVING):
        return
    refs = refs_by_role(checked.parties, index_of(handle.keyring), UUID(int=0))
    # An account whose person nobody has established applies for nobody.
    if who.person_ref is None or who.person_ref not in refs["applicant"]:
        raise Invalid([not_the_applicant()])
    if wrong := not_by_oneself(checked.submission, beijing_date(handle.clock.now())):
        raise Invalid(wrong)


async def _receive(
    handle: ServiceHandle, checked: Checked, who: Principal, here: Here, idempotency: Scope | None
) -> dict[str, Any]:
    given = checked.submission
    number = await store.next_number(handle, given.accept_region, checked.received_at, given.channel)
    sha, body = store.desk(handle).definition_of(handle.catalog, checked)
    arrival = Arrival(
        case_id=new_id(),
        application_no=number,
        definition=sha,
        owner=who.account if not who.has(*RECEIVING) else None,
        unit=_unit(checked, who, here),
        handled_in=routing.elsewhere(checked.units, given.accept_region, here.units),
        acted=(who.account,) if who.has(*RECEIVING) else (),
        names={who.account: who.name} if who.has(*RECEIVING) else {},
    )
    command = _command(handle, checked, arrival, body)
    beside = claims(file_ids(given), arrival.case_id)
    try:
        answer = await handle.command(
            "application", arrival.case_id, command, actor=who.account, idempotency=idempotency, beside=beside
        )
    except Conflict as conflict:
        if HOLDING_ONCE not in conflict.detail_en:
            raise
        raise await _duplicate(handle, checked, who) from conflict
    store.desk(handle).stored.add(sha)
    if answer["case_id"] == str(arrival.case_id):  # not the stored answer of the same request
        METRICS.count_papers(*counted(checked.matters))
    return cast("dict[str, Any]", answer)


def _command(handle: ServiceHandle, checked: Checked, arrival: Arrival, body: bytes) -> Command:
    def submit_application(state: Application | None, ctx: Ctx) -> tuple[Changes[Application], dict[str, Any]]:
        changes, code = receive(checked, arrival, ctx)
        changes.puts += store.desk(handle).definition_rows(arrival.definition, body, beijing_date(ctx.now))
        papers = [made_short(put.values) for put in changes.puts if put.table is PAPER]
        shown = render.application(changes.state, viewpoint(handle), version=changes.state.version + 1, papers=papers)
        return changes, {**shown, "query_code": code}

    return submit_application


def _unit(checked: Checked, who: Principal, here: Here) -> str | None:
    """The clerk's own unit; for a citizen the unit that receives there."""
    region = checked.submission.accept_region
    mine = [r for r in who.roles if r.role in RECEIVING and Principal("", "", "", (r,)).covers(region)]
    return mine[0].unit if mine else routing.receiving_unit(region, here.units, _authority(checked, here))


def _authority(checked: Checked, here: Here) -> Authority | None:
    return authorities().of(checked.matters[0].code, checked.submission.accept_region, here.today)


def _told(handle: ServiceHandle, code: str) -> str:
    """A matter's code, as it is told of somebody else's application."""
    matter = handle.catalog.matters.get(code)
    return RESTRICTED if matter is not None and matter.intimate else code


async def _duplicate(handle: ServiceHandle, checked: Checked, who: Principal) -> Conflict:
    """409, with what stands in the way for staff and for the same applicant only."""
    refs = refs_by_role(checked.parties, index_of(handle.keyring), UUID(int=0))
    rows = await store.existing(handle, store.holding_keys(checked.matters, refs))
    shown = [
        {"matter": _told(handle, row["matter"]), "application_no": row["application_no"]}
        for row in rows
        if who.has(*RECEIVING) or row["applicant_ref"] in refs["applicant"]
    ]
    conflict = Conflict(
        "DUPLICATE_APPLICATION",
    )
    return extended(conflict, existing=shown)
