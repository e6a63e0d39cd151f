"""`/api/access`: the tree of units for whoever is signed in; its changes and accounts for the security role."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from services.access.api import relatives
from services.access.api.people import add_people
from services.access.api.shapes import UnitPage, UnitShown
from services.access.domain.units import Unit, UnitFacts, change_unit, check_unit, unit_id
from services.access.store import units
from shared.changes import Changes, Ctx
from shared.errors import Conflict, Invalid, Refused, RefusedError
from shared.http.auth import Principal, allow, anyone
from shared.http.documented import answers
from shared.http.idempotency import Scope, idempotency
from shared.http.paging import Paging, paging
from shared.http.recording import recorded
from shared.http.refusals import forbidden, none_named
from shared.regions import is_region
from shared.spec import Command, ServiceHandle


def router(handle: ServiceHandle) -> APIRouter:
    """The routes of units and accounts."""
    routes = APIRouter()
    routes.include_router(relatives.router(handle))

    @routes.get("/units", **answers(UnitPage, also={404: "没有这个机构 / there is no such unit"}))
    async def list_units(
        who: Annotated[Principal, anyone()],
        where: Annotated[Paging, Depends(paging)],
        under: Annotated[str | None, Query(max_length=64)] = None,
    ) -> dict[str, Any]:
        """The units by code, all, or one with everything under it; who works there is told to staff alone."""
        place = where.place(str)
        async with handle.read() as conn:
            rows = await units.listed(conn, under, place[0] if place else None, where.fetch)
            if under is not None and not rows and place is None:
                raise none_named(under, await units.tree(conn))
        hidden = set() if who.kind == "staff" else {"attributes"}
        return where.page(rows, lambda u: (u.code,), lambda u: u.model_dump(mode="json", exclude=hidden))

    @routes.post("/units", dependencies=[recorded(handle)], **answers(UnitShown, 201))
    async def put_unit(
        facts: UnitFacts, who: Annotated[Principal, allow("security")], key: Annotated[Scope, Depends(idempotency)]
    ) -> Any:
        """Makes a unit or changes it, and tells every service; 422 names each wrong field."""
        async with handle.read() as conn:
            tree = await units.tree(conn)
        before = tree.get(facts.code)
        above = tree.get(facts.parent or "") if before is None or before.parent != facts.parent else None
        _refuse_foreign(who, *(unit.region for unit in (facts, before, above) if unit is not None))
        _refuse_own_name(who, facts, before)
        wrong = check_unit(facts, tree)
        if wrong:
            raise Invalid(wrong)
        return await handle.command("unit", unit_id(facts.code), _changing(facts), actor=who.account, idempotency=key)

    add_people(routes, handle)
    return routes


def _refuse_foreign(who: Principal, *regions: str) -> None:
    """403 for a place beyond the officer's own, also for the one that a unit is hung into, which decides through its
    sections; what is no region at all is told as a wrong field."""
    if not all(who.covers(region, "security") for region in regions if is_region(region)):
        raise forbidden("REGION_NOT_YOURS")


def _refuse_own_name(who: Principal, facts: UnitFacts, before: UnitFacts | None) -> None:
    """Whoever hands out the roles of a unit takes none there: leaders and stand-ins are let into tasks."""
    kept = before is not None and before.attributes == facts.attributes
    if not kept and who.account in _words(facts.attributes):
        raise RefusedError(Refused("OWN_ACCOUNT", "", "不能给自己分派岗位", "nobody gives themselves a role"))


def _words(value: Any) -> set[str]:
    """Every text that stands anywhere in a JSON value."""
    if isinstance(value, dict):
        return {word for v in value.values() for word in _words(v)}
    if isinstance(value, list | tuple):
        return {word for v in value for word in _words(v)}
    return {value} if isinstance(value, str) else set()


def _changing(facts: UnitFacts) -> Command:
    def put_unit(unit: Unit | None, ctx: Ctx) -> tuple[Changes[Unit] | None, dict[str, Any]]:
        if unit is not None and facts.kind != unit.facts.kind:
            raise Conflict("UNIT_KIND")
        changes = change_unit(unit, facts)
        version = (unit.version if unit else 0) + (changes is not None)
        return changes, {**facts.model_dump(mode="json"), "version": version}

    return put_unit
