"""Who may see and act on an application: its owner, the units concerned, and those that receive for its place."""

from __future__ import annotations

from services.intake import store
from services.intake.domain import intimate
from services.intake.domain.model import Application
from shared.application_no import check_application_no
from shared.clock import beijing_date
from shared.http.principal import Principal
from shared.http.refusals import not_found
from shared.spec import ServiceHandle

RECEIVING = ("clerk", "town_clerk", "village_worker")
"""Roles that receive applications for the place where they are held."""
STAFF = (*RECEIVING, "handler", "approver", "registrar", "supervisor", "auditor")
"""Roles that may look at applications of their own units."""
PEOPLE = (*STAFF, "citizen")


def owns(application: Application, who: Principal) -> bool:
    """Whether it is the person's own: handed in by their account, or in their name."""
    if who.person_ref is not None and who.person_ref == application.applicant_ref:
        return True
    return application.owner is not None and application.owner == who.account


def receives(application: Application, who: Principal) -> bool:
    """Whether a role that receives is held where the application belongs."""
    return who.covers(application.accept_region, *RECEIVING)


def receives_part(application: Application, unit: str, who: Principal, handle: ServiceHandle) -> bool:
    """Whether a role that receives is held where this unit, which handles a part of it, works: of a case handed in
    elsewhere (跨区域通办) the handling place sees its own part."""
    if not application.handled_in:
        return False
    row = handle.ctx().units.get(unit)
    return row is not None and who.covers(str(row["region"]), *RECEIVING)


def concerned(application: Application, who: Principal, handle: ServiceHandle) -> bool:
    """Whether a role is held in a unit that received it or handles an item of it, or in one above, or receives there."""
    handling = {i.unit for i in application.items}
    if any(receives_part(application, unit, who, handle) for unit in handling):
        return True
    return any(handles(unit, who, handle) for unit in {application.unit, *handling})


def may_see(application: Application, who: Principal, handle: ServiceHandle) -> bool:
    """Whether it is their own, or they receive for its place, or it concerns a unit of theirs."""
    return owns(application, who) or receives(application, who) or concerned(application, who, handle)


def hidden(handle: ServiceHandle, application: Application, who: Principal) -> frozenset[str]:
    """The items that this person is not shown, since they are intimate; none of one's own."""
    if owns(application, who):
        return frozenset()
    ctx = handle.ctx(who.account)
    return intimate.hidden(application, who, ctx.units, handle.catalog, beijing_date(ctx.now))


def handles(unit: str | None, who: Principal, handle: ServiceHandle) -> bool:
    """Whether a role is held in this unit or in one above it."""
    above = (unit, *handle.ctx().units.chain(unit)) if unit else ()
    return any(r.role in STAFF and r.unit in above for r in who.roles)


async def seen(handle: ServiceHandle, number: str, who: Principal) -> Application:
    """The application, for its owner or a unit concerned; for everyone else there is none (404)."""
    found = await store.find(handle, number) if check_application_no(number) else None
    if found is None or not may_see(found, who, handle):
        raise not_found()
    return found


async def in_hand(handle: ServiceHandle, number: str, who: Principal) -> Application:
    """The application, for who may act on it: its owner, or a clerk where it belongs; else 404."""
    found = await seen(handle, number, who)
    if not (owns(found, who) or receives(found, who)):
        raise not_found()
    return found
