"""`/api/access/relatives`: near relatives of staff (近亲属登记备案), whom they handle no matter of.

民发〔2021〕57号第十一条: relatives of those who handle social assistance are registered apart.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from services.access.store import accounts, relatives
from shared.errors import FieldError, Invalid
from shared.http.auth import Principal, allow
from shared.http.documented import Shown, answers
from shared.http.paging import Paging, paging
from shared.http.recording import recorded
from shared.identity import IdType
from shared.person_index import PersonIndex
from shared.spec import ServiceHandle

HANDLING = ("clerk", "town_clerk", "village_worker", "handler", "approver", "registrar", "supervisor")
"""Who has matters of people in hand, and so relatives to be kept from."""

Relation = Literal["spouse", "child", "parent", "sibling", "grandchild", "grandparent", "other"]


class RelativeBody(BaseModel):
    """One's own near relative; the number is kept as a reference only. `account`: of a colleague, by a security officer."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id_type: IdType
    id_no: str = Field(min_length=1, max_length=40)
    relation: Relation
    account: str | None = Field(None, max_length=64)


class RelativeShown(Shown):
    """A relative in the register; nobody's name or number stands in it."""

    account: str
    relation: str
    declared_at: datetime
    declared_by: str


class RelativePage(Shown):
    """A page of the register."""

    items: list[RelativeShown]
    next: str | None


def router(handle: ServiceHandle) -> APIRouter:
    """Declaring a relative, and the register."""
    routes = APIRouter()

    @routes.post("/relatives", dependencies=[recorded(handle)], **answers(RelativeShown, 201))
    async def declare_relative(
        body: RelativeBody, who: Annotated[Principal, allow(*HANDLING, "security")]
    ) -> dict[str, Any]:
        """Registers a near relative; from the next token on their matters are kept from the account. Again answers what
        stands."""
        account, now = body.account or who.account, handle.clock.now()
        ref = PersonIndex(handle.keyring.index_key).person_ref(body.id_type, body.id_no)
        async with handle.write(who.account) as conn:
            found = await accounts.find(conn, account)
            if found is None or (account != who.account and not who.has("security")):
                raise Invalid([FieldError("/account", "NOT_YOURS")])
            kept = await relatives.declare(conn, account, ref, body.relation, now, who.account)
            await accounts.audit(conn, now, who.account, "RelativeDeclared", str(found.id), relation=body.relation)
        return kept

    @routes.get("/relatives", **answers(RelativePage))
    async def list_relatives(
        who: Annotated[Principal, allow(*HANDLING, "security", "auditor")],
        where: Annotated[Paging, Depends(paging)],
        account: Annotated[str | None, Query(max_length=64)] = None,
    ) -> dict[str, Any]:
        """The register: one's own; of everybody for supervisors, security officers and auditors."""
        wide = who.has("supervisor", "security", "auditor")
        async with handle.read() as conn:
            rows = await relatives.listed(conn, account if wide else who.account, where.place(str, str), where.fetch)
        return where.page(rows, lambda r: (r["account"], r["person_ref"]), _shown)

    return routes


def _shown(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in RelativeShown.model_fields}
