"""What staff are shown of somebody leaves a row, also where nobody asked for it to be unmasked (I11)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shared.clock import new_id
from shared.http.principal import Principal, RoleInUnit
from tests.e2e.acting import allowance, cremated, family, item_of, person, report, settle, task, when
from tests.support.attack import call
from tests.support.platform import Hosted

pytestmark = pytest.mark.e2e
FINDING = "请补充肝病诊断证明"


async def rows(platform: Hosted, service: str, actor: str) -> list[tuple[str, dict[str, Any]]]:
    sql = f"SELECT action, detail::text AS d FROM {service}.audit WHERE actor = $1 ORDER BY seq"
    async with platform.host.services[service].read() as conn:
        return [(row["action"], orjson.loads(row["d"])) for row in await conn.fetch(sql, actor)]


async def test_a_handlers_own_words_are_a_reading_for_everybody_but_their_owner(platform: Hosted) -> None:
    number = (await platform.submit(allowance(person("看词"))))["application_no"]
    review = await task(platform, "elderly", number, "handler", "age_allowance_review")
    finding = {"code": "ILLNESS", "message_zh": FINDING, "message_en": "a diagnosis is missing"}
    await settle(platform, review, "handler", "request_correction", findings=[finding])
    told = await when(platform, number, lambda a: a["status"] == "correcting", "the correction to be told")
    item = item_of(told, "elderly.age_allowance")
    reader = Principal("reader-8", "读者", "staff", (RoleInUnit("clerk", "420112-HALL-W01", "420112"),))
    seen = await call(platform, reader, "GET", f"/api/intake/applications/{number}")
    assert FINDING in seen.text
    ((action, detail),) = await rows(platform, "intake", "reader-8")
    assert (action, detail["case"]) == ("reading", number)
    assert detail["fields"] == [f"items/{item['id']}/findings"]


async def test_a_homes_list_of_its_dead_is_one_row(platform: Hosted) -> None:
    of = family(platform)
    assert (await cremated(platform, report(of, f"LIST-{new_id().hex[:20]}"))).status_code == 201
    reader = Principal("home-9", "业务员", "partner", (RoleInUnit("funeral_home", "FH-420112-01", "420112"),))
    month = of.died_on.isoformat()[:7]
    listed = await call(platform, reader, "GET", f"/api/funeral/cremations?month={month}")
    assert len(listed.json()["items"]) >= 1
    assert await rows(platform, "funeral", "home-9") == [("list", {"rows": len(listed.json()["items"])})]
