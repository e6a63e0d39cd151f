"""Nothing personal lies in clear anywhere: no table, no message, no log line, no metric, no problem document, no file.

Every thing that people confide is said once somewhere in a whole story, refusals and errors among it; then all that
was written is looked through for it. What was planted in clear is seen to be found.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import httpx
import jwt
import pytest
import structlog

from demo.families import Family
from demo.people import Person
from deploy.kafka.local import LocalKafka
from tests.e2e.acting import (
    allowance,
    bereavement,
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
    when,
)
from tests.e2e.world import uploaded
from tests.support.kafka import own_url
from tests.support.platform import Hosted, run_platform

pytestmark = pytest.mark.e2e
DEAD, HEIR, OLD, POOR = "澹台亡故", "澹台继承", "东方高寿", "西门急难"
SAID = "家属说的秘密话"
PHONE, ACCOUNT, DESCRIPTION = "13899991234", "6222029999999987654", "灶房起火烧毁全部家当"
ADDRESS, CERTIFICATE, FINDING = "梧桐里九号楼三单元", "SW-420112-77788", "补一份没人知道的证明"
WRONG, FILE = "420112194102290019", "文件里的悄悄话"
_COLUMNS = """
SELECT table_schema, table_name, column_name FROM information_schema.columns JOIN information_schema.tables
USING (table_schema, table_name) WHERE table_type = 'BASE TABLE'
AND table_schema NOT IN ('pg_catalog', 'information_schema', 'facts')
AND data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea', 'ARRAY', 'USER-DEFINED')
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
    death = {**bereavement(platform, of)["form"]["death"], "cert_no": CERTIFICATE}
    await say(platform, "cremation", of.deceased, "silent")
    await say(platform, "death", of.deceased, "contradicted")
    number = (await hand_in(platform, of, death=death))["application_no"]
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
    raw = bereavement(platform, second)
    file_id = await uploaded(platform, "clerk", words=FILE, name=f"{FILE}{SAID}")
    scan = {"type": "kinship_proof", "source": "upload", "file_id": file_id, "form": "scan"}
    raw["materials"] = [*(m for m in raw["materials"] if m["type"] != "kinship_proof"), scan]
    closed = await ended(platform, (await platform.submit(raw))["application_no"])
    assert FILE.encode() in (await platform.get(f"/api/intake/files/{file_id}")).content
    assert item_of(closed, "marriage.record_annotation")["status"] == "approved"
    old, poor = person(OLD), person(POOR)
    number = (await platform.submit(allowance(old, bank_account={"holder": OLD, "number": ACCOUNT})))["application_no"]
    for kind, account in (("age_allowance_review", "handler"), ("age_allowance_approval", "approver")):
        at = await task(platform, "elderly", number, account, kind)
        await settle(platform, at, account, "approve", comment=SAID, result={"personal": {"note": SAID}})
    await ended(platform, number)
    body = relief(poor, "500.00", description=DESCRIPTION, bank_account={"holder": POOR, "number": ACCOUNT})
    body["applicant"]["contact"] = ADDRESS
    number = (await platform.submit(body))["application_no"]
    at = await task(platform, "assistance", number, "handler", "temporary_review")
    hearing = {"at": "2026-11-20T09:00:00+08:00", "said": SAID}
    await settle(platform, at, "handler", "approve", comment=SAID, result={"hearing": hearing})
    await ended(platform, number)
    draft = "0190c0de-0000-7000-8000-000000000001"
    async with platform.client("clerk") as client:
        assert (await client.put(f"/api/intake/drafts/{draft}", json=body)).status_code == 200
    await ask_for_more(platform)
    await be_refused(platform, of, old)
    found = await platform.post("/api/intake/applications/search", {"name": OLD})
    assert found.json()["items"]
    spouses = (of.spouse.name, of.spouse.id_no, second.spouse.name, second.spouse.id_no)
    numbers = (of.deceased.id_no, of.heir.id_no, second.deceased.id_no, second.heir.id_no, old.id_no, poor.id_no)
    said = (DEAD, HEIR, OLD, POOR, SAID, PHONE, ACCOUNT, DESCRIPTION, "HH-SECRET-77", "炉子密")
    return [*said, ADDRESS, CERTIFICATE, FINDING, WRONG, FILE, *numbers, *spouses]


async def ask_for_more(platform: Hosted) -> None:
    """A handler writes down in words what is missing, and the applicant answers."""
    asked = person("公孙补正")
    number = (await platform.submit(allowance(asked)))["application_no"]
    review = await task(platform, "elderly", number, "handler", "age_allowance_review")
    finding = {"code": "ACCOUNT_CLOSED", "pointer": "/form/bank_account", "message_zh": FINDING, "message_en": FINDING}
    await settle(platform, review, "handler", "request_correction", comment=SAID, findings=[finding])
    seen = await when(platform, number, lambda a: a["status"] == "correcting", "to wait for the applicant")
    account = {"holder": asked.name, "number": ACCOUNT}
    more = {"round": seen["items"][0]["round"], "form": {"bank_account": account}}
    assert (await platform.post(f"/api/intake/applications/{number}/supplement", more)).status_code == 200


async def be_refused(platform: Hosted, of: Family, old: Person) -> None:
    """The same things said where they are refused: wrong fields, wrong people, wrong places, wrong tokens."""
    applications = "/api/intake/applications"
    wrong = allowance(replace(old, id_no=WRONG))
    wrong["applicant"] |= {"phone": WRONG, "contact": ADDRESS * 20}
    statuses = [(await platform.post(applications, wrong)).status_code]
    statuses.append((await platform.post(applications, {**wrong, "unknown": ADDRESS, "channel": PHONE})).status_code)
    statuses.append((await platform.post(f"{applications}/search", {"id_no": [WRONG], "name": SAID * 99})).status_code)
    assert statuses == [422, 422, 422]
    async with platform.client("clerk") as client:
        for path in (f"{applications}/{WRONG}", f"{applications}/{OLD}/timeline", f"/api/elderly/tasks?kind={SAID}"):
            assert (await client.get(path)).status_code in (200, 404)
        odd = f'{{"id_no": "{WRONG}", "name": "{SAID}",'.encode()
        for kind, status in (("application/json", 422), ("text/plain", 415)):
            headers = {"Idempotency-Key": "k", "Content-Type": kind}
            assert (await client.post(applications, content=odd, headers=headers)).status_code == status
    async with platform.client(None) as client:
        for secret in (SAID, PHONE):
            form = {"grant_type": "password", "username": WRONG, "password": secret}
            assert (await client.post("/api/auth/token", data=form)).status_code == 401
        token = jwt.encode({"sub": WRONG, "name": OLD, "iss": SAID}, "s" * 32, headers={"kid": WRONG})
        head = {"Authorization": f"Bearer {token}"}
        assert (await client.get("/api/auth/me", headers=head)).status_code == 401
    assert (await cremated(platform, report(of, "HH-SECRET-77", cremated_on=SAID))).status_code == 422


def noting(platform: Hosted, refused: list[str]) -> None:
    """Has every refusal of this platform noted as it was told."""
    plain = platform._http

    async def note(answer: httpx.Response) -> None:
        if answer.is_error:
            refused.append((await answer.aread()).decode())

    def http() -> httpx.AsyncClient:
        client = plain()
        client.event_hooks = {"response": [note]}
        return client

    platform._http = http  # type: ignore[method-assign]


def left_behind(folder: Path) -> dict[str, str]:
    """Every file under the data folder, and what a crash may have left beside it."""
    files = [path for path in (*folder.rglob("*"), *Path.cwd().glob("core*")) if path.is_file()]
    return {str(path): path.read_bytes().decode("utf-8", "replace") for path in files}


def leaks(written: dict[str, str], secrets: list[str]) -> set[tuple[str, str]]:
    return {(where, secret) for where, text in written.items() for secret in secrets if secret in text}


async def plant(platform: Hosted, secret: str) -> None:
    """What a careless change would do: a row and a log line in clear."""
    async with platform.host.services["intake"].write("somebody", secret):
        pass
    structlog.get_logger("careless").warning("said", reason=secret)


@pytest.fixture(params=["embedded", "kafka"])
def bus(request: pytest.FixtureRequest) -> tuple[str, Callable[[], dict[str, str]]]:
    """The bus's setting, and what the broker has written down of it; the embedded one is among the tables."""
    if request.param == "embedded":
        return "embedded", dict
    broker: LocalKafka = request.getfixturevalue("kafka")
    url = own_url(broker)
    logs = f"node-*/**/{url.rpartition('/')[2]}onewindow.*/*.log"
    return url, lambda: {"kafka": "".join(p.read_bytes().decode("utf-8", "replace") for p in broker._data.glob(logs))}


async def test_what_people_confide_is_found_nowhere(server, bus, caplog, tmp_path) -> None:
    url, broker = bus
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, logger="httpx")  # the client of this test, which tells what it asks for
    lines, refused = StringIO(), list[str]()
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(lines),
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
    )
    async with run_platform(
        await server.new_platform_database(), log_level="DEBUG", data=tmp_path, files=tmp_path / "files", bus=url
    ) as platform:
        noting(platform, refused)
        secrets = await live_through_everything(platform)
        written = await everything_written(platform)
        async with platform.client(None) as client:
            metrics = await client.get("/metrics")
        assert metrics.status_code == 200
        written |= {"metrics": metrics.text, "log": caplog.text + lines.getvalue(), "refusals": "\n".join(refused)}
        written |= left_behind(tmp_path) | broker()
        await plant(platform, SAID)
        planted = await everything_written(platform) | {"log": lines.getvalue()}
    assert "AllowanceGranted" in written.get("kafka", "") + written.get("bus.record.headers", "")
    assert written["intake.ask.question"]
    assert written["intake.application.body"]
    assert "onewindow_" in written["metrics"]
    assert "token_refused" in written["log"]
    assert len(refused) >= 8
    assert leaks(written, secrets) == set()
    assert leaks(planted, secrets) == {("intake.audit.action", SAID), ("log", SAID)}, "a leak is seen"
