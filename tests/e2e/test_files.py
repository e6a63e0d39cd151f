"""Files over HTTP: what is taken in, who may read it, and that each belongs to one application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from services.intake.api import uploads
from services.intake.store import vault as of_service
from shared import failpoints
from shared.clock import new_id
from shared.files.scanner import EICAR
from tests.e2e.acting import person
from tests.support.catalogue import SAMPLE
from tests.support.database import Server, eventually
from tests.support.files import PDF_FILE, PNG_FILE, ofd_file, pdf_file, png_file
from tests.support.platform import Hosted, run_platform

pytestmark = pytest.mark.e2e
LIMIT = 1024 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filing(server: Server, tmp_path_factory) -> AsyncIterator[Hosted]:
    """A platform whose files lie where the test may look, and whose clock it may move."""
    folder = tmp_path_factory.mktemp("files")
    async with run_platform(await server.new_platform_database(), files=folder / "kept", file_bytes=LIMIT) as made:
        yield made


def kept(platform: Hosted) -> list[Path]:
    return [path for path in platform.host.settings.file_folder.rglob("*") if path.is_file()]


async def upload(platform: Hosted, content: bytes, account="clerk", name="证明.pdf", type_="application/pdf", key=None):
    async with platform.client(account) as client:
        headers = {"Idempotency-Key": key or str(new_id())}
        return await client.post("/api/intake/files", files={"file": (name, content, type_)}, headers=headers)


async def uploaded(platform: Hosted, account="clerk", content: bytes | None = None) -> str:
    answer = await upload(platform, content or pdf_file(str(new_id()).encode()), account)
    assert answer.status_code == 201, answer.text
    return answer.json()["file_id"]


def application(*materials, **changed):
    raw = deepcopy(SAMPLE)
    raw["subject"]["id_no"] = person("亡者").id_no
    raw["materials"] = [m for m in raw["materials"] if m["type"] not in {x["type"] for x in materials}]
    raw["materials"] += materials
    return {**raw, **changed}


def paper(file_id: str, **more):
    return {"type": "kinship_proof", "source": "upload", "file_id": file_id, "form": "scan", **more}


async def hand_in(platform: Hosted, raw, account="clerk", key=None):
    return await platform.post("/api/intake/applications", raw, account, key=key)


def codes(answer) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {e["pointer"]: e["code"] for e in answer.json()["errors"]}


async def test_a_file_is_taken_in_and_read_again_by_whoever_uploaded_it(filing):
    content = pdf_file(b"<< /Title (planted-words) >>")
    answer = await upload(filing, content)
    assert answer.status_code == 201
    told = answer.json()
    assert (told["type"], told["size"], told["state"], told["scanned"]) == (
        "application/pdf",
        len(content),
        "clean",
        True,
    )
    read = await filing.get(f"/api/intake/files/{told['file_id']}")
    assert read.content == content
    assert read.headers["content-disposition"].startswith("attachment;")
    assert read.headers["x-content-type-options"] == "nosniff"
    assert read.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in read.headers["content-security-policy"]


async def test_what_lies_in_the_folder_and_the_row_tells_nothing(filing):
    content = pdf_file(b"<< /Title (PLANTED-SECRET-WORDS) >>")
    answer = await upload(filing, content, name="李国强的死亡证明.pdf")
    for path in kept(filing):
        assert b"PLANTED" not in path.read_bytes()
        assert b"%PDF" not in path.read_bytes()
        assert "李" not in path.name
    async with filing.host.services["intake"].read() as conn:
        body = await conn.fetchval("SELECT body::text FROM intake.file WHERE id = $1", UUID(answer.json()["file_id"]))
        audit = await conn.fetch("SELECT detail::text FROM intake.audit WHERE kind = 'file'")
    assert "李" not in body
    assert all("李" not in (row["detail"] or "") for row in audit)


@pytest.mark.parametrize(
    ("content", "name", "type_", "code"),
    [
        (b"", "a.pdf", "application/pdf", "FILE_EMPTY"),
        (PNG_FILE + b"MZ\x90\0 a program", "a.png", "image/png", "FILE_TWO_IN_ONE"),
        (png_file(b"<script>alert(1)</script>"), "a.png", "image/png", "FILE_ACTIVE"),
        (pdf_file(b"<< /S /JavaScript /JS (app.alert(1)) >>"), "a.pdf", "application/pdf", "FILE_ACTIVE"),
        (b"MZ\x90\0" + b"\0" * 100, "a.pdf", "application/pdf", "FILE_TYPE_NOT_ALLOWED"),
        (PNG_FILE, "a.pdf", "application/pdf", "FILE_TYPE_MISMATCH"),
        (PDF_FILE, "a.exe", "application/pdf", "FILE_TYPE_MISMATCH"),
        (ofd_file({"inner.zip": ofd_file()}), "a.ofd", "application/ofd", "FILE_NESTED"),
        (ofd_file({"big.xml": b"0" * (60 * LIMIT)}), "a.ofd", "application/ofd", "FILE_BOMB"),
        (pdf_file(EICAR), "a.pdf", "application/pdf", "FILE_REFUSED"),
    ],
)
async def test_what_is_no_harmless_file_is_refused_and_nothing_is_kept(filing, content, name, type_, code):
    before = kept(filing)
    assert codes(await upload(filing, content, name=name, type_=type_)) == {"/file": code}
    assert kept(filing) == before


async def test_a_file_beyond_the_limit_is_refused(filing):
    for size in (LIMIT + 1, 3 * LIMIT):
        answer = await upload(filing, b"%PDF-1.7" + b"0" * size)
        assert answer.status_code == 413, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


async def test_what_is_no_form_with_a_file_is_refused(filing):
    assert codes(await filing.post("/api/intake/files", {"file": "x"})) == {"/file": "REQUIRED"}
    async with filing.client("clerk") as client:
        bare = await client.post("/api/intake/files", files={"file": ("a.pdf", PDF_FILE, "application/pdf")})
        assert (bare.status_code, bare.json()["code"]) == (400, "IDEMPOTENCY_KEY_REQUIRED")
        headers = {"Idempotency-Key": str(new_id()), "content-type": "multipart/form-data; boundary=x"}
        broken = await client.post("/api/intake/files", content=b"--y\r\n", headers=headers)
        assert broken.status_code in {400, 422}
    assert (await upload(filing, PDF_FILE, "handler")).status_code == 403
    assert (await upload(filing, PDF_FILE, None)).status_code == 401


async def test_nobody_fills_the_store_with_files_for_no_application(filing, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_WAITING", 1)
    assert (await upload(filing, pdf_file(b"first"), "village_worker")).status_code == 201
    second = await upload(filing, pdf_file(b"second"), "village_worker")
    assert (second.status_code, second.json()["code"]) == (409, "FILES_WAITING")


async def test_who_sends_slowly_holds_up_nobody_but_themselves(filing, monkeypatch):
    monkeypatch.setattr(uploads, "READ_SECONDS", 3)
    never = asyncio.Event()

    async def slowly():
        yield b"--x\r\nContent-Disposition: form-data; name=file; filename=a.pdf\r\n\r\n%PDF"
        await never.wait()

    async def send(account):
        async with filing.client(account) as client:
            headers = {"Idempotency-Key": str(new_id()), "content-type": "multipart/form-data; boundary=x"}
            return await client.post("/api/intake/files", content=slowly(), headers=headers)

    await filing.get("/api/auth/me")  # signed in before
    slow = [asyncio.create_task(send("clerk")) for _ in range(6)]
    held = of_service.vault(filing.host.services["intake"])._held
    await eventually(lambda: held["clerk"] == 2, "the slow ones to be under way")
    assert (await upload(filing, pdf_file(b"quick"), "town_clerk")).status_code == 201
    told = sorted([(await one).status_code for one in slow])
    assert told == [408, 408, 429, 429, 429, 429]
    assert (await upload(filing, pdf_file(b"later"))).status_code == 201


async def test_the_same_key_gives_the_same_file_and_another_content_is_refused(filing):
    key, content = str(new_id()), pdf_file(b"twice")
    first, again = await upload(filing, content, key=key), await upload(filing, content, key=key)
    assert first.json() == again.json()
    names = [path.name for path in kept(filing)]
    assert names.count(first.json()["file_id"]) == 1
    assert (await upload(filing, pdf_file(b"other"), key=key)).status_code == 422


async def test_a_file_goes_with_its_application_and_staff_concerned_may_read_it(filing):
    content = pdf_file(b"kinship")
    file_id = await uploaded(filing, content=content)
    path = f"/api/intake/files/{file_id}"
    for account in ("handler", "clerk_other", "citizen", "supervisor"):
        assert (await filing.get(path, account)).status_code == 404, "before it is handed in it is its uploader's alone"
    given = await hand_in(filing, application(paper(file_id, original_seen=True)))
    assert given.status_code == 201, given.text
    (material,) = [m for m in given.json()["materials"] if m["type"] == "kinship_proof"]
    assert (material["file_id"], material["seen_by"]) == (file_id, "clerk")
    assert material["seen_at"].startswith(str(filing.today))
    for account in ("clerk", "handler"):
        assert (await filing.get(path, account)).content == content
    for account in ("clerk_other", "handler_other", "citizen"):
        assert (await filing.get(path, account)).status_code == 404
    async with filing.host.services["intake"].read() as conn:
        rows = await conn.fetch(
            "SELECT actor, detail::text AS detail FROM intake.audit WHERE action = 'reading'"
            " AND aggregate_id = $1 AND detail->'fields' ? $2 ORDER BY seq",
            given.json()["case_id"],
            f"files/{file_id}",
        )
    assert [row["actor"] for row in rows] == ["clerk", "handler"]
    assert given.json()["application_no"] in rows[1]["detail"]
    assert "handling" in rows[1]["detail"]


async def test_one_file_is_for_one_application_also_when_two_are_handed_in_at_once(filing):
    file_id = await uploaded(filing)
    both = await asyncio.gather(*(hand_in(filing, application(paper(file_id))) for _ in range(2)))
    assert sorted(answer.status_code for answer in both) == [201, 422]
    (lost,) = [answer for answer in both if answer.status_code == 422]
    assert set(codes(lost).values()) == {"FILE_OF_ANOTHER"}
    third = application(paper(file_id))
    assert set(codes(await hand_in(filing, third)).values()) == {"FILE_OF_ANOTHER"}
    found = await filing.post("/api/intake/applications/search", {"id_no": third["subject"]["id_no"]})
    assert found.json()["items"] == [], "nothing of it was stored"


async def test_the_same_request_again_finds_its_answer_though_the_file_is_used_by_then(filing):
    raw, key = application(paper(await uploaded(filing))), str(new_id())
    first, again = await hand_in(filing, raw, key=key), await hand_in(filing, raw, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()


async def test_a_citizen_cannot_say_that_an_original_was_seen(filing):
    file_id = await uploaded(filing, "citizen")
    raw = application(paper(file_id, original_seen=True), channel="online")
    assert codes(await hand_in(filing, raw, "citizen")) == {"/materials/2/original_seen": "NOT_BY_YOURSELF"}
    number = (await hand_in(filing, application(paper(file_id), channel="online"), "citizen")).json()["application_no"]
    more = {"round": 1, "materials": [{"type": "photo", "source": "paper", "original_seen": True}]}
    answer = await filing.post(f"/api/intake/applications/{number}/supplement", more, "citizen")
    assert codes(answer) == {"/materials/0/original_seen": "NOT_BY_YOURSELF"}


async def test_a_file_that_is_unknown_or_anothers_is_named_and_the_rest_is_still_judged(filing):
    raw = application(paper(str(new_id())))
    raw["form"]["death"]["date"] = "2027-01-01"
    found = codes(await hand_in(filing, raw))
    assert found["/materials/2/file_id"] == "FILE_UNKNOWN"
    assert "/form/death/date" in found
    for text in ("x", "../../etc/passwd"):
        assert codes(await hand_in(filing, application(paper(text))))["/materials/2/file_id"] == "FILE_UNKNOWN"
    theirs = await uploaded(filing, "citizen")
    assert codes(await hand_in(filing, application(paper(theirs))))["/materials/2/file_id"] == "FILE_UNKNOWN"


async def test_an_agents_mandate_belongs_to_the_application_too(filing):
    file_id = await uploaded(filing)
    agent = {"name": "代办人", "kind": "relative", "id_type": "resident_id", "id_no": person("代办").id_no}
    raw = application(agent={**agent, "mandate_file_id": file_id})
    assert (await hand_in(filing, raw)).status_code == 201
    again = application(agent={**agent, "mandate_file_id": file_id})
    assert codes(await hand_in(filing, again)) == {"/agent/mandate_file_id": "FILE_OF_ANOTHER"}


async def test_a_stored_file_that_was_tampered_with_is_not_given_out(filing):
    file_id = await uploaded(filing, content=pdf_file(b"0" * 200_000))
    (path,) = [p for p in kept(filing) if p.name == file_id]
    whole, size = path.read_bytes(), 64 * 1024 + 16
    for wrong in (whole[:-1], whole[:size], whole[size : 2 * size] + whole[:size] + whole[2 * size :], b""):
        path.write_bytes(wrong)
        answer = await filing.get(f"/api/intake/files/{file_id}")
        assert (answer.status_code, answer.json()["code"]) == (409, "FILE_LOST")
    path.unlink()
    assert (await filing.get(f"/api/intake/files/{file_id}")).json()["code"] == "FILE_LOST"
    path.write_bytes(whole)
    assert (await filing.get(f"/api/intake/files/{file_id}")).status_code == 200


async def test_a_file_whose_row_was_never_committed_is_served_to_nobody_and_swept(filing):
    before = {p.name for p in kept(filing)}

    failpoints.arm("intake/command.before_commit=error")
    assert (await upload(filing, PDF_FILE)).status_code == 503
    (orphan,) = {p.name for p in kept(filing)} - before
    assert (await filing.get(f"/api/intake/files/{orphan}")).status_code == 404
    assert codes(await hand_in(filing, application(paper(orphan))))["/materials/2/file_id"] == "FILE_UNKNOWN"
    handle = filing.host.services["intake"]
    assert await of_service.sweep(handle) == 0, "what was put just now may still be on its way"
    assert await of_service.sweep(handle, seconds=-1) == 1
    assert {p.name for p in kept(filing)} == before


async def test_a_scanner_that_is_silent_leaves_the_file_in_quarantine_until_it_answers(filing, monkeypatch):
    handle = filing.host.services["intake"]
    vault = of_service.vault(handle)
    scanner = vault.scanner

    class Silent:
        async def scan(self, content):
            raise ConnectionError

    monkeypatch.setattr(vault, "scanner", Silent())
    answer = await upload(filing, pdf_file(b"waits"))
    told = answer.json()
    assert (told["state"], told["scanned"]) == ("quarantined", False)
    path = f"/api/intake/files/{told['file_id']}"
    refused = await filing.get(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "FILE_QUARANTINED")
    raw = application(paper(told["file_id"]))
    assert set(codes(await hand_in(filing, raw)).values()) == {"FILE_QUARANTINED"}
    monkeypatch.setattr(vault, "scanner", scanner)

    async def served() -> bool:
        return (await filing.get(path)).status_code == 200

    await eventually(served, "the scanner to be asked again", 20)
    assert (await hand_in(filing, raw)).status_code == 201


async def test_a_file_that_nobody_uses_is_gone_after_thirty_days(filing):
    unused, used = await uploaded(filing), await uploaded(filing)
    given = await hand_in(filing, application(paper(used)))
    await filing.closed(given.json()["application_no"])
    from datetime import timedelta

    await filing.post("/api/dev/clock", {"to": f"{filing.today + timedelta(days=31)}T10:00:00+08:00"})

    async def gone() -> bool:
        return unused not in {p.name for p in kept(filing)}

    await eventually(gone, "the unused file to go")
    assert (await filing.get(f"/api/intake/files/{unused}")).status_code == 404
    assert set(codes(await hand_in(filing, application(paper(unused)))).values()) == {"FILE_UNKNOWN"}
    assert (await filing.get(f"/api/intake/files/{used}")).status_code == 200
    async with filing.host.services["intake"].read() as conn:
        body = await conn.fetchval("SELECT body::text FROM intake.file WHERE id = $1", UUID(unused))
    assert '"wrapped":null' in body, "its key went with it"
