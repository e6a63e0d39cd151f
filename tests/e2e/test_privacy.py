"""Nothing personal lies in clear anywhere: no table, no message, no log line, no metric."""

from __future__ import annotations

import logging
from dataclasses import replace
from io import StringIO

import pytest
import structlog

from demo.people import Person
from tests.e2e.acting import (
    allowance,
    cremated,
    ended,
    family,
    hand_in,
    item_of,
    person,
    relief,
    report,
    say,
    settle,
    task,
)
from tests.support.platform import Hosted, run_platform

pytestmark = pytest.mark.e2e
DEAD, HEIR, OLD, POOR = "澹台亡故", "澹台继承", "东方高寿", "西门急难"
SAID = "家属说的秘密话"
PHONE, ACCOUNT, DESCRIPTION = "13899991234", "6222029999999987654", "灶房起火烧毁全部家当"
_COLUMNS = """
SELECT table_schema, table_name, column_name FROM information_schema.columns JOIN information_schema.tables
USING (table_schema, table_name) WHERE table_type = 'BASE TABLE'
AND table_schema NOT IN ('pg_catalog', 'information_schema', 'facts')
AND data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea', 'ARRAY')
"""


async def everything_written(platform: Hosted) -> dict[str, str]:
    """Every text, JSON and byte column of every table, by its name."""
    found = {}
    async with platform.host.db.transaction(None) as conn:
        for schema, table, column in await conn.fetch(_COLUMNS):
            rows = await conn.fetch(f'SELECT "{column}" FROM "{schema}"."{table}" WHERE "{column}" IS NOT NULL')
            texts = (v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for (v,) in rows)
            found[f"{schema}.{table}.{column}"] = "\n".join(texts)
    return found


async def live_through_everything(platform: Hosted) -> list[str]:
    """Cases in which every personal thing is said somewhere; what must not be found afterwards."""
    of = family(platform, DEAD)
    of = replace(of, heir=Person(HEIR, of.heir.id_no), phone=PHONE, account=ACCOUNT)
    await say(platform, "cremation", of.deceased, "silent")
    await say(platform, "death", of.deceased, "contradicted")
    number = (await hand_in(platform, of))["application_no"]
    check = await task(platform, "intake", number, "clerk", "fact_check")
    await settle(platform, check, "clerk", "deny", comment=SAID, result={"evidence": f"{SAID} {of.heir.id_no}"})
    withdrawal = {"matters": ["funeral.fee_waiver"], "reason": SAID}
    answer = await platform.post(f"/api/intake/applications/{number}/withdraw", withdrawal)
    assert answer.status_code == 202, answer.text
    await cremated(platform, report(of, "HH-SECRET-77", furnace="炉子密"))
    check = await task(platform, "funeral", number, "handler", "rule_review")
    await settle(platform, check, "handler", "approve", comment=SAID)
    await ended(platform, number)
    await platform.post(f"/api/intake/applications/{number}/rating", {"grade": 5, "comment": SAID})
    second = family(platform, DEAD)
    second = replace(second, heir=Person(HEIR, second.heir.id_no), phone=PHONE, account=ACCOUNT)
    closed = await ended(platform, (await hand_in(platform, second))["application_no"])
    assert item_of(closed, "marriage.record_annotation")["status"] == "approved"
    old, poor = person(OLD), person(POOR)
    number = (await platform.submit(allowance(old, bank_account={"holder": OLD, "number": ACCOUNT})))["application_no"]
    for kind, account in (("age_allowance_review", "handler"), ("age_allowance_approval", "approver")):
        at = await task(platform, "elderly", number, account, kind)
        await settle(platform, at, account, "approve", comment=SAID, result={"personal": {"note": SAID}})
    await ended(platform, number)
    body = relief(poor, "500.00", description=DESCRIPTION, bank_account={"holder": POOR, "number": ACCOUNT})
    number = (await platform.submit(body))["application_no"]
    at = await task(platform, "assistance", number, "handler", "temporary_review")
    hearing = {"at": "2026-11-20T09:00:00+08:00", "said": SAID}
    await settle(platform, at, "handler", "approve", comment=SAID, result={"hearing": hearing})
    await ended(platform, number)
    draft = "0190c0de-0000-7000-8000-000000000001"
    async with platform.client("clerk") as client:
        assert (await client.put(f"/api/intake/drafts/{draft}", json=body)).status_code == 200
    wrong = allowance(replace(old, id_no="420112194102290019"))
    assert (await platform.post("/api/intake/applications", wrong)).status_code == 422
    found = await platform.post("/api/intake/applications/search", {"name": OLD})
    assert found.json()["items"]
    spouses = (of.spouse.name, of.spouse.id_no, second.spouse.name, second.spouse.id_no)
    numbers = (of.deceased.id_no, of.heir.id_no, second.deceased.id_no, second.heir.id_no, old.id_no, poor.id_no)
    said = (DEAD, HEIR, OLD, POOR, SAID, PHONE, ACCOUNT, DESCRIPTION, "HH-SECRET-77", "炉子密")
    return [*said, *numbers, *spouses]


async def test_what_people_confide_is_found_in_no_table_message_log_line_or_metric(server, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    lines = StringIO()
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(lines),
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
    )
    async with run_platform(await server.new_database(), log_level="DEBUG") as platform:
        secrets = await live_through_everything(platform)
        written = await everything_written(platform)
        async with platform.client(None) as client:
            metrics = await client.get("/metrics")
        assert metrics.status_code == 200
    written |= {"metrics": metrics.text, "log": caplog.text + lines.getvalue()}
    assert "AllowanceGranted" in written["bus.record.headers"]
    assert written["intake.ask.question"]
    assert written["intake.application.body"]
    assert "onewindow_" in written["metrics"]
    leaks = {(where, secret) for where, text in written.items() for secret in secrets if secret in text}
    assert not leaks
