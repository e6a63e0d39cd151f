"""The cases that the tests of access look at, made once a session: whose they are and where they lie is known."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx

from shared.clock import new_id
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
    task,
)
from tests.support.attack import call
from tests.support.files import pdf_file
from tests.support.platform import Hosted


async def make_world(platform: Hosted) -> dict[str, Any]:
    """One family's case that has ended, one whose death is contradicted, one with two marriage files; an allowance and
    a relief under review, an allowance from a village; a citizen's draft; a report of a funeral home."""
    of, doubted, twice = family(platform), family(platform), family(platform)
    old, poor = person("钱高龄"), person("赵急难")
    raw = bereavement(platform, of)
    raw["applicant"] |= {"name": "李明", "id_no": "420112197003150014"}
    raw["form"]["payee"]["holder"] = "李明"
    proof, waiting = [await uploaded(platform, account) for account in ("clerk", "citizen")]
    scan = {"type": "kinship_proof", "source": "upload", "file_id": proof, "form": "scan"}
    raw["materials"] = [*(m for m in raw["materials"] if m["type"] != "kinship_proof"), scan]
    closed = await ended(platform, (await platform.submit(raw))["application_no"])
    await call(platform, "window", "GET", f"/api/intake/applications/{closed['application_no']}?unmasked=true")
    await say(platform, "death", doubted.deceased, "contradicted")
    await say(platform, "marriage_record", twice.deceased, "contradicted")
    contradicted, filed_twice = await hand_in(platform, doubted), await hand_in(platform, twice)
    elderly, assistance = await platform.submit(allowance(old)), await platform.submit(relief(poor, "500.00"))
    far = await platform.submit({**allowance(person("孙村民")), "accept_region": "420112001201"}, "village_worker")
    await cremated(platform, report(family(platform), "HH-SEC-1"))
    draft = str(new_id())
    await call(platform, "owner", "PUT", f"/api/intake/drafts/{draft}", json=allowance(person("丙")))

    async def at(service: str, application: dict[str, Any], account: str, kind: str) -> dict[str, Any]:
        return await task(platform, service, application["application_no"], account, kind)

    return {
        "closed": closed,
        "contradicted": contradicted,
        "twice": filed_twice,
        "elderly": elderly,
        "assistance": assistance,
        "village": far,
        "draft": draft,
        "proof": proof,
        "waiting file": waiting,
        "review": await at("elderly", elderly, "handler", "age_allowance_review"),
        "relief": await at("assistance", assistance, "handler", "temporary_review"),
        "check": await at("intake", contradicted, "clerk", "fact_check"),
        "cremation": await at("funeral", contradicted, "handler", "rule_review"),
        "annotation": (await at("marriage", filed_twice, "registrar", "annotation_check")),
        "stop": item_of(closed, "elderly.benefit_stop")["id"],
        "living": item_of(closed, "assistance.benefit_stop")["id"],
        "definition": await definition_of(platform, closed["case_id"]),
        "note": item_of(closed, "marriage.record_annotation")["id"],
        "receipt": next(p["id"] for p in closed["papers"] if p["kind"] == "receipt"),
        "stopped": next(p["id"] for p in closed["papers"] if p["kind"] == "stop"),
        "secrets": [of.deceased.id_no, of.heir.id_no, old.id_no, poor.id_no, of.deceased.name, of.phone, of.account],
    }


async def definition_of(platform: Hosted, case_id: str) -> str:
    """The SHA-256 of the definition that a case pinned."""
    state: Any = await platform.host.services["intake"].load("application", UUID(case_id))
    return str(state.definition)


async def uploaded(platform: Hosted, account: str, words: str = "", name: str = "证明") -> str:
    """A file of the account that no application has taken yet, with these words in it."""
    sent = {"file": (f"{name}.pdf", pdf_file(f"{words}{new_id()}".encode()), "application/pdf")}
    async with platform.client(account) as client:
        answer = await client.post("/api/intake/files", files=sent, headers={"Idempotency-Key": str(new_id())})
    assert answer.status_code == httpx.codes.CREATED, answer.text
    found: str = answer.json()["file_id"]
    return found
