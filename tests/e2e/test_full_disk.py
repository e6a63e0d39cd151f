"""A disk that is really full: state, log and files at once. It is said clearly, nothing is half done, and it ends by itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from demo.families import bereavement_application, invent_family
from shared.clock import new_id
from shared.db.postgres import EmbeddedPostgres
from shared.db.postgres.address import PostgresAddress
from tests.e2e.test_backup import TODAY, House, once_each, rows, until
from tests.support.files import pdf_file

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]
SIZE = "400m"
"""Of the whole disk: the server's cluster and its log take about half of it."""


@pytest.fixture
def disk() -> Iterator[Path]:
    """A small disk of its own, where the server's account may go."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a disk")
    folder = Path(tempfile.mkdtemp(prefix="onewindow-disk-", dir="/var/tmp"))
    folder.chmod(0o755)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no disk can be mounted here: {made.stderr.decode()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


def fill(disk: Path) -> Path:
    """Takes all that is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return filler


def hand_in(house: House, seed: int) -> httpx.Response:
    return house.call(
        "POST", "/api/intake/applications", body=bereavement_application(invent_family(seed, TODAY), TODAY)
    )


def upload(house: House) -> httpx.Response:
    with httpx.Client(base_url=house.url, timeout=30, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {house._tokens['clerk']}", "Idempotency-Key": str(new_id())}
        return client.post(
            "/api/intake/files",
            files={"file": ("scan.pdf", pdf_file(os.urandom(200_000)), "application/pdf")},
            headers=headers,
        )


async def end_its_log(data: Path) -> None:
    """Has the server want another file for its log, which it cannot have: it ends all that is under way, and itself."""
    address = PostgresAddress.load(data / "postgres.secret")
    assert address is not None
    for _ in range(40):
        try:
            conn = await asyncpg.connect(address.superuser_dsn, timeout=5)
            await conn.execute("SELECT pg_logical_emit_message(false, 'full', repeat('x', 1000000)), pg_switch_wal()")
            await conn.close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return
    pytest.fail("the server's log still has room")


@pytest.mark.parametrize("and_its_log", [False, True], ids=["", "and its own log"])
def test_a_full_disk_is_told_as_such_and_work_goes_on_when_there_is_room(
    disk: Path, tmp_path: Path, and_its_log: bool
) -> None:
    house = House(disk / "data")
    house.program.log = tmp_path / "platform.log"
    house.start()
    try:
        accepted = [hand_in(house, 1).json()["application_no"]]
        until(lambda: house.application(accepted[0])["status"] == "closed", "the first case to close")
        filler = fill(disk)
        answers: list[httpx.Response] = []

        def refused() -> bool:
            """Until it has been refused a while: what is open may still take some."""
            answers.append(hand_in(house, 1000 + len(answers)))
            return sum(answer.status_code != httpx.codes.CREATED for answer in answers) >= 20

        if and_its_log:
            asyncio.run(end_its_log(house.data))
        until(refused, "new applications to be refused", 120)
        for answer in answers:
            if answer.status_code == httpx.codes.CREATED:
                accepted.append(answer.json()["application_no"])
                continue
            assert (answer.status_code, answer.headers.get("retry-after")) == (503, answer.headers["retry-after"]), (
                answer.text
            )
            assert answer.json()["code"] == "TRANSIENT", answer.text
        said = {answer.json()["detail"] for answer in answers if answer.status_code == 503}
        assert and_its_log or any("磁盘已满" in text and "disk is full" in text for text in said), said
        kept = upload(house)
        assert kept.status_code == 503, kept.text
        assert house.program.running, "it has not ended"

        filler.unlink()

        def taken() -> bool:
            answer = hand_in(house, 5000 + len(answers))
            answers.append(answer)
            if answer.status_code == httpx.codes.CREATED:
                accepted.append(answer.json()["application_no"])
            return answer.status_code == httpx.codes.CREATED

        until(taken, "an application to be taken in again")
        assert upload(house).status_code == httpx.codes.CREATED
        until(lambda: all(house.application(n)["status"] == "closed" for n in accepted), "every case to close", 120)
        until(lambda: house.lag() == 0, "everything to be read")
        assert house.parked() == 0
        found = asyncio.run(rows(house.data, "SELECT application_no FROM intake.application"))
        assert sorted(row["application_no"] for row in found) == sorted(accepted), "refused is not stored, accepted is"
        asyncio.run(once_each(house.data, len(accepted)))
        ready = house.call("GET", "/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready"), ready.text
    finally:
        house.program.stop()
        EmbeddedPostgres(house.data).remove()
