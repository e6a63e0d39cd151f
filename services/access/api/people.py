"""`/api/access/accounts`: closing accounts, giving and ending roles, stand-ins, links; by a security officer, for the
accounts of their own place, never their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.access.api.door import Door
from services.access.api.shapes import AccountPage, AssignmentsShown, ClosedShown, LinkedShown
from services.access.domain.outside import subject_of
from services.access.domain.units import Assignment, UnitFacts, check_together
from services.access.store import accounts, units
from services.access.store.seed import RoleFacts
from shared.codes import named
from shared.errors import Conflict, FieldError, Invalid, Refused, RefusedError
from shared.handling.board import prefixes
from shared.http.auth import Principal, allow
from shared.http.documented import answers
from shared.http.paging import Paging, paging
from shared.http.principal import DEPARTMENT_ROLES, STAFF_ROLES
from shared.http.recording import recorded
from shared.http.refusals import forbidden, not_found
from shared.person_index import PersonIndex
from shared.regions import region_level
from shared.spec import ServiceHandle

KINDS: Final[Mapping[str, frozenset[str]]] = {
    "staff": STAFF_ROLES,
    "partner": frozenset({"funeral_home"}),
    "department": DEPARTMENT_ROLES,
    "citizen": frozenset({"citizen"}),
}
"""The roles that an account of each kind may be given: what keeps people apart (relatives, reach) asks for the kind."""

Officer = Annotated[Principal, allow("security")]


class Subject(BaseModel):
    """A subject (`sub`) as the outside issuer names it."""

    model_config = ConfigDict(extra="forbid")

    subject: str = Field(min_length=1, max_length=200)


def add_people(routes: APIRouter, handle: ServiceHandle) -> None:
    """Adds the routes of accounts."""
    people = _People(handle)

    @routes.get("/accounts", **answers(AccountPage))
    async def list_accounts(who: Officer, where: Annotated[Paging, Depends(paging)]) -> dict[str, Any]:
        """The accounts of the officer's place by name, with all roles they were given; no citizen's."""
        return await people.page(who, where)

    @routes.post("/accounts/{identity}/disable", dependencies=[recorded(handle)], **answers(ClosedShown))
    async def disable_account(identity: UUID, who: Officer) -> dict[str, Any]:
        """Closes an account: it gets no token any more, those it has end within seconds, what it held is freed."""
        return await people.disable(identity, who)

    @routes.post("/accounts/{identity}/roles", dependencies=[recorded(handle)], **answers(AssignmentsShown))
    async def assign_role(identity: UUID, role: RoleFacts, who: Officer) -> dict[str, Any]:
        """Gives a role, or moves the last day of one held since the same day; a stand-in (代理) has both days.

        The account's sessions end, so that the next sign-in says what it holds now; tasks that it held are freed.
        """
        return await people.assign(identity, role, who)

    @routes.post("/accounts/{identity}/link", dependencies=[recorded(handle)], **answers(LinkedShown))
    async def link_account(identity: UUID, body: Subject, who: Officer) -> dict[str, Any]:
        """Binds a subject of the outside issuer to this account, for good."""
        return await people.link(identity, body.subject, who)


class _People:
    def __init__(self, handle: ServiceHandle) -> None:
        self._handle = handle
        self._door = Door(handle)

    async def page(self, who: Principal, where: Paging) -> dict[str, Any]:
        place = where.place(str)
        async with self._handle.read() as conn:
            after, regions = place[0] if place else None, prefixes(who, ["security"])
            rows = await accounts.listed(conn, after, regions, where.fetch)
        return where.page(rows, lambda row: (row["account"],), _shown)

    async def disable(self, identity: UUID, who: Principal) -> dict[str, Any]:
        found = await self._theirs(identity, who)
        now = self._handle.clock.now()
        async with self._handle.write(who.account) as conn:
            closed = await accounts.disable(conn, identity, now)
            await accounts.audit(conn, now, who.account, "AccountDisabled", str(identity))
        ended = await self._door.end(found.account, "disabled", who.account)
        return {"id": identity, "account": found.account, "disabled_at": closed, "ended": ended}

    async def assign(self, identity: UUID, role: RoleFacts, who: Principal) -> dict[str, Any]:
        found = await self._theirs(identity, who)
        given = Assignment(account=found.account, **role.model_dump())
        await self._check(given, found.kind, who)
        now = self._handle.clock.now()
        async with self._handle.write(who.account) as conn:
            await accounts.assign(conn, given)
            detail = role.model_dump(mode="json")
            await accounts.audit(conn, now, who.account, "RoleAssigned", str(identity), **detail)
            held = await accounts.assignments(conn, found.account)
        await self._door.end(found.account, "roles_changed", who.account)
        mine = [{k: v for k, v in asdict(a).items() if k != "account"} for a in held if a.account == found.account]
        return {"id": identity, "account": found.account, "roles": mine}

    async def link(self, identity: UUID, subject: str, who: Principal) -> dict[str, Any]:
        found = await self._theirs(identity, who)
        issuer = self._handle.settings.oidc_issuer
        if issuer is None:
            raise Conflict("NO_ISSUER")
        index = PersonIndex(self._handle.keyring.index_key)
        if not await self._door.link(subject_of({"iss": issuer, "sub": subject}, index), found, who.account):
            raise Conflict("LINKED")
        return {"id": identity, "account": found.account}

    async def _theirs(self, identity: UUID, who: Principal) -> accounts.Account:
        """The account, if all its roles lie where the officer rules and it is not the officer's own; a citizen's, who
        belongs to no place, for officers of a province."""
        async with self._handle.read() as conn:
            found = await accounts.find_by_id(conn, identity)
            held = await accounts.assignments(conn, found.account) if found else []
            places = await accounts.units_of(conn, [a for a in held if found and a.account == found.account])
        theirs = [who.covers(unit.region, "security") for unit in places.values()]
        if found is None or not all(theirs) or (found.kind == "citizen" and not _of_a_province(who)):
            raise not_found()
        if found.account == who.account:
            raise RefusedError(Refused("OWN_ACCOUNT"))
        return found

    async def _check(self, given: Assignment, kind: str, who: Principal) -> None:
        async with self._handle.read() as conn:
            tree = await units.tree(conn)
            others = await accounts.assignments(conn, given.stand_in_for) if given.stand_in_for else []
            held = await accounts.assignments(conn, given.account)
        apart = check_together([given.role, *(a.role for a in held if a.account == given.account)])
        wrong = [*_wrong(given, kind, tree, others), *([apart] if apart else [])]
        if wrong:
            raise Invalid(wrong)
        if given.unit and not who.covers(tree[given.unit].region, "security"):
            raise forbidden("REGION_NOT_YOURS")


def _of_a_province(who: Principal) -> bool:
    return any(region_level(r.region) == 1 for r in who.roles if r.role == "security")


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "roles": [{k: v for k, v in role.items() if k != "account"} for role in row["roles"]]}


def _wrong(given: Assignment, kind: str, tree: Mapping[str, UnitFacts], others: list[Assignment]) -> list[FieldError]:
    found = []
    if given.role not in KINDS[kind]:
        found.append(FieldError("/role", "ACCOUNT_KIND"))
    if given.unit not in tree and (given.unit or given.role != "citizen"):
        found.append(FieldError("/unit", "UNKNOWN_UNIT", named("UNKNOWN_UNIT", given.unit, tree)))
    if given.valid_from and given.valid_to and given.valid_to < given.valid_from:
        found.append(FieldError("/valid_to", "DATES"))
    if given.stand_in_for is not None and not any(_own(o, given) for o in others):
        found.append(FieldError("/stand_in_for", "ROLE_NOT_HELD"))
    return found


def _own(other: Assignment, given: Assignment) -> bool:
    """Whether this is the role that is stood in for, held by another in their own right."""
    held = (other.account, other.role, other.unit, other.stand_in_for)
    return held == (given.stand_in_for, given.role, given.unit, None) and other.account != given.account
