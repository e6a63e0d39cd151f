"""What a security officer may not reach by a detour: the sections of an authority above, citizens, roles of another kind."""

from __future__ import annotations

from typing import Any

import pytest

from services.access.domain.accounts import account_id
from shared.http.principal import Principal, RoleInUnit
from tests.support.attack import call
from tests.support.platform import Hosted

pytestmark = pytest.mark.e2e
TOWN = Principal("town-officer", "街道安全员", "staff", (RoleInUnit("security", "420112001000", "420112001000"),))
COUNTY = Principal("county-officer", "区安全员", "staff", (RoleInUnit("security", "420112", "420112"),))


async def put(platform: Hosted, who: Principal, **facts: Any) -> Any:
    made = {"kind": "section", "name": "某科", "valid_from": "2026-01-01", **facts}
    return await call(platform, who, "POST", "/api/access/units", json=made)


async def test_nobody_hangs_a_section_into_an_authority_above_their_place(platform: Hosted) -> None:
    """The first section of the deciding organ that names a service is sent all of the county's items."""
    services = {"services": ["assistance", "elderly", "funeral", "marriage"]}
    own = {"region": "420112001000", "attributes": services}
    taken = await put(platform, TOWN, code="420112-AAA", parent="420112", **own)
    assert (taken.status_code, taken.json()["code"]) == (403, "REGION_NOT_YOURS")
    made = await put(platform, TOWN, code="420112001-A1", parent="420112001000", region="420112001000")
    assert made.status_code == 201, made.text
    moved = await put(platform, TOWN, code="420112001-A1", parent="420112", **own)
    assert moved.status_code == 403
    kept = await put(platform, TOWN, code="420112001-A1", parent="420112001000", region="420112001000", name="新名")
    assert kept.status_code == 201


async def test_what_hangs_above_already_is_changed_where_it_is(platform: Hosted) -> None:
    units = (await platform.get("/api/access/units", "security", under="420112001000")).json()["items"]
    (town,) = [u for u in units if u["code"] == "420112001000"]
    assert town["parent"] == "420112"
    assert (await put(platform, TOWN, **town)).status_code == 201


@pytest.mark.parametrize(
    ("account", "role"),
    [("citizen", "handler"), ("psb", "clerk"), ("funeral_home", "approver"), ("clerk", "psb"), ("clerk", "citizen")],
)
async def test_a_role_is_given_to_the_kind_of_account_that_it_is_for(platform: Hosted, account: str, role: str) -> None:
    """Relatives are kept from members of staff alone: a citizen with a handler's role would decide their own matter."""
    path = f"/api/access/accounts/{account_id(account)}/roles"
    answer = await platform.post(path, {"role": role, "unit": "420112"}, "security")
    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/role", "ACCOUNT_KIND")]


async def test_a_citizen_belongs_to_no_county(platform: Hosted) -> None:
    path = f"/api/access/accounts/{account_id('citizen')}"
    for what, body in (("disable", None), ("link", {"subject": "x"}), ("roles", {"role": "citizen"})):
        assert (await call(platform, COUNTY, "POST", f"{path}/{what}", json=body)).status_code == 404, what
