"""Keys of a platform at work: a new generation, what rests sealed anew under load, old keys retired, foreign ones refused."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from shared.clock import UTC, SystemClock, monotonic, new_id
from shared.config import Settings
from shared.crypto.folder import AUDIT, SEAL, SIGN, add_generation
from shared.crypto.sealing import generation_of, newest_kids
from shared.errors import Conflict, Misconfigured
from shared.runtime.cli import keys as command
from shared.runtime.host import Host
from tests.e2e.acting import allowance, bereavement, ended, family, hand_in, person, relief, settle, task
from tests.e2e.test_audit import verified
from tests.support.attack import call
from tests.support.database import Server, eventually
from tests.support.files import pdf_file
from tests.support.platform import Hosted, run_platform

pytestmark = pytest.mark.e2e
SCAN = pdf_file(b"before the rotation")
LONG_AGO = datetime(2001, 9, 9, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rotating(server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hosted]:
    """A platform whose keys tests may change."""
    folder = tmp_path_factory.mktemp("keys") / "keys"
    async with run_platform(await server.new_platform_database(), keys=folder) as made:
        yield made


@pytest.fixture
def here(rotating: Hosted, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command line works on that platform's folder and database; the folder."""
    monkeypatch.setenv("ONEWINDOW_DATABASE_URL", rotating.host.db.dsn)
    monkeypatch.setenv("ONEWINDOW_KEYS", str(rotating.host.settings.key_folder))
    return rotating.host.settings.key_folder


async def old_rows(platform: Hosted) -> dict[str, dict[str, int]]:
    """What still needs a key that is not the newest, by key."""
    async with command._at(command.load_settings(), "") as ground:
        found = [one for name in ground.services for one in await command._generations(ground, name)]
    return {one.kid: dict(one.rows) for one in found if not one.newest and one.rows}


async def test_cases_go_on_over_a_rotation_and_what_rests_is_sealed_anew_beside_them(
    rotating: Hosted, here: Path
) -> None:
    """Nothing becomes unreadable, nothing is lost, the audit covers it, and the old generation is not needed any more."""
    platform = rotating
    done = await ended(platform, (await hand_in(platform, family(platform)))["application_no"])
    first = await platform.submit(allowance(person("钱换钥")))
    poor = await platform.submit(relief(person("赵换钥"), "500.00"))
    review = await task(platform, "elderly", first["application_no"], "handler", "age_allowance_review")
    draft = "0198b2a4-5b6c-7d8e-9f00-112233445566"
    async with platform.client("citizen") as citizen:
        kept = await citizen.put(f"/api/intake/drafts/{draft}", json={"form": {"hukou_region": "420112"}})
        assert kept.status_code == 200, kept.text

    scan = await _uploaded(platform)

    signing = platform.host.keyring.signing_key[0]
    for name in platform.host.catalog.services:
        add_generation(here, SEAL, name)
        add_generation(here, AUDIT, name)
    add_generation(here, SIGN, "")
    await eventually(lambda: _newest(platform) == {2}, "the new generation to be taken up")
    assert generation_of(platform.host.keyring.signing_key[0]) == generation_of(signing) + 1

    assert await old_rows(platform), "rows sealed before the rotation"
    with pytest.raises(Conflict, match="rows still need it"):
        await command._retire("elderly")

    load = asyncio.create_task(_load(platform, first["application_no"]))
    left = await command._reseal("")
    await load
    assert left == 0
    assert await old_rows(platform) == {}
    assert await command._reseal("") == 0

    # --- everything is readable, and goes on ---
    whole = await platform.get(f"/api/intake/applications/{done['application_no']}", unmasked=True)
    assert whole.json()["parties"]["subject"]["name"]
    assert any("payee" in (i["result"] or {}) for i in whole.json()["items"])
    async with platform.client("citizen") as citizen:
        assert (await citizen.get(f"/api/intake/drafts/{draft}")).json()["content"] == {
            "form": {"hukou_region": "420112"}
        }
    assert (await platform.get(f"/api/intake/files/{scan}", "clerk")).content == SCAN
    for paper in whole.json()["papers"]:
        path = f"/api/intake/applications/{done['application_no']}/papers/{paper['id']}"
        assert (await platform.get(path, unmasked=True)).json()["content"], paper["kind"]
    shown = await platform.get(f"/api/elderly/tasks/{review['id']}", "handler")
    assert shown.json()["parties"]["applicant"]
    await settle(platform, review, "handler", "approve")
    approval = await task(platform, "elderly", first["application_no"], "approver", "age_allowance_approval")
    await settle(platform, approval, "approver", "approve")
    assert (await platform.closed(first["application_no"]))["outcome"] == "approved"
    await task(platform, "assistance", poor["application_no"], "handler", "temporary_review")
    for name in platform.host.catalog.services:
        assert (await verified(platform, name))[-1]["findings"] == 0, name

    # --- what the bus keeps still needs the old key, until its time is over ---
    with pytest.raises(Conflict, match="messages on the bus still need it"):
        await command._retire("elderly")
    conn = await asyncpg.connect(platform.host.db.dsn)
    await conn.execute("UPDATE bus.record SET appended_at = appended_at - interval '91 days'")
    await conn.close()
    _made(here, SystemClock().now())  # however long all this has taken
    with pytest.raises(Conflict, match="may still need it until"):
        await command._retire("elderly")
    _made(here, LONG_AGO)
    await command._retire("elderly")
    assert [kid for kid in platform.host.keyring.kids if kid.startswith("elderly.1-")], "not yet looked"
    await eventually(
        lambda: not [kid for kid in platform.host.keyring.kids if kid.startswith("elderly.1-")], "it to be let go"
    )
    assert list((here / "retired").glob("elderly.1-*.key"))
    await command._retire("intake")
    platform.host.keyring.refresh()
    assert (await platform.get(f"/api/intake/files/{scan}", "clerk")).content == SCAN
    assert (await platform.get(f"/api/intake/applications/{done['application_no']}", unmasked=True)).status_code == 200
    again = await platform.closed((await hand_in(platform, family(platform)))["application_no"])
    assert again["outcome"] == "approved"
    assert (await platform.closed(first["application_no"]))["outcome"] == "approved"
    with pytest.raises(Misconfigured, match="no service"):
        await command._retire("nowhere")


async def _uploaded(platform: Hosted) -> str:
    async with platform.client("clerk") as clerk:
        part = {"file": ("scan.pdf", SCAN, "application/pdf")}
        answer = await clerk.post("/api/intake/files", files=part, headers={"Idempotency-Key": str(new_id())})
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["file_id"]
    return found


def _newest(platform: Hosted) -> set[int]:
    names = platform.host.catalog.services
    return {generation_of(newest_kids(platform.host.keyring.kids)[name]) for name in names}


def _made(folder: Path, at: datetime) -> None:
    """The generations were made at this moment."""
    for path in (folder / "seal").iterdir():
        os.utime(path, (at.timestamp(), at.timestamp()))


async def _load(platform: Hosted, number: str) -> None:
    """People go on handing in, and changing what is being sealed anew; no change is lost."""
    until, handed_in = monotonic() + 2, []
    while monotonic() < until:
        given = await platform.submit(bereavement(platform, family(platform)))
        handed_in.append(given["application_no"])
        before = (await platform.application(number))["version"]
        rated = await platform.post(f"/api/intake/applications/{number}/rating", {"grade": 5, "comment": "快"})
        assert rated.status_code == 200, rated.text
        assert rated.json()["version"] > before
    for received in handed_in:
        assert (await platform.closed(received))["outcome"] == "approved"


async def test_a_token_of_the_signing_key_before_still_lets_in_and_a_new_one_everywhere(
    rotating: Hosted, here: Path
) -> None:
    kid, key = rotating.host.keyring.signing_key
    assert (await call(rotating, "window", "GET", "/api/auth/me")).status_code == 200
    add_generation(here, SIGN, "")
    from shared.http.tokens import issue
    from tests.support.attack import principal

    old = issue(principal(rotating, "window"), kid, key, SystemClock().now())
    rotating.host.keyring.refresh()
    assert rotating.host.keyring.signing_key[0] != kid
    for bearer in (old, issue(principal(rotating, "window"), *rotating.host.keyring.signing_key, SystemClock().now())):
        headers = {"Authorization": f"Bearer {bearer}"}
        assert (await call(rotating, None, "GET", "/api/auth/me", headers=headers)).status_code == 200
    jwks = (await call(rotating, None, "GET", "/api/auth/jwks")).json()["keys"]
    assert {kid, rotating.host.keyring.signing_key[0]} <= {one["kid"] for one in jwks}


# --- the folder and the database belong together ----------------------------------------------------------------------


async def _start(dsn: str, keys: Path) -> None:
    host = Host(Settings(database_url=dsn, keys=keys, demo=True), ["funeral"])
    async with host.running():
        pass


async def test_a_folder_that_is_missing_foreign_or_without_its_own_index_key_stops_the_start_by_name(
    server: Server, tmp_path: Path
) -> None:
    dsn = await server.new_platform_database()
    own, other, empty = tmp_path / "own", tmp_path / "other", tmp_path / "empty"
    await _start(dsn, own)
    await _start(await server.new_platform_database(), other)
    await _start(dsn, own)

    async def refused(keys: Path) -> str:
        with pytest.raises(Misconfigured) as caught:
            await _start(dsn, keys)
        assert caught.value.setting == "ONEWINDOW_KEYS"
        return caught.value.detail_en

    assert "that of another installation" in await refused(other)
    assert "holds no keys of this platform" in await refused(empty)
    assert list(empty.iterdir()) == [], "nothing is made beside what is to be restored"
    index = (own / "index.key").read_bytes()
    shutil.copy(other / "index.key", own / "index.key")
    assert "another one" in await refused(own)
    (own / "index.key").unlink()
    assert "index.key" in await refused(own)
    (own / "index.key").write_bytes(index)
    (own / "index.key").chmod(0o600)
    await _start(dsn, own)
    mixed = tmp_path / "mixed"
    shutil.copytree(other, mixed)
    shutil.copy(own / "installation.id", mixed / "installation.id")
    assert "index.key" in await refused(mixed)


async def test_the_commands_refuse_a_folder_that_is_not_the_databases(
    rotating: Hosted, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEWINDOW_KEYS", str(tmp_path / "none"))
    for run in (command._status, command._reseal, command._retire):
        with pytest.raises(Misconfigured, match="holds no keys of this platform"):
            await run("elderly")
