"""A drill: backed up at work, destroyed, put back elsewhere; what was accepted goes on, and nothing is done twice."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from demo.families import Family, bereavement_application, invent_family
from deploy.apart.processes import ROOT, Program
from shared.clock import SystemClock, beijing_date, new_id
from shared.config import PREFIX, Settings
from shared.db.postgres import EmbeddedPostgres
from shared.db.postgres.address import PostgresAddress, free_port
from shared.errors import Conflict
from shared.runtime.backup import keys
from shared.runtime.backup.making import make
from shared.runtime.backup.restoring import put_back
from tests.e2e.acting import report

pytestmark = pytest.mark.e2e
TODAY = beijing_date(SystemClock().now())


class House:
    """The whole platform as a process on a data folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        data.mkdir(parents=True, exist_ok=True)
        command = (sys.executable, "-m", "shared.runtime.cli.main", "up", "--port", str(self.port))
        self.settings = {f"{PREFIX}DATA": str(data)}
        log = data.with_name(f"{data.name}.log")
        self.program = Program("up", command, self.settings, f"{self.url}/readyz", log)
        self._tokens: dict[str, str] = {}

    def start(self) -> None:
        self.program.start()
        self.program.wait()

    def call(self, method: str, path: str, account: str = "clerk", body: Any = None) -> httpx.Response:
        with httpx.Client(base_url=self.url, timeout=30, trust_env=False) as client:
            if account not in self._tokens:
                form = {"grant_type": "password", "username": account, "password": "onewindow-demo"}
                self._tokens[account] = client.post("/api/auth/token", data=form).json()["access_token"]
            headers = {"Authorization": f"Bearer {self._tokens[account]}", "Idempotency-Key": str(new_id())}
            return client.request(method, path, json=body, headers=headers)

    def hand_in(self, of: Family) -> str:
        answer = self.call("POST", "/api/intake/applications", body=bereavement_application(of, TODAY))
        assert answer.status_code == httpx.codes.CREATED, answer.text
        number: str = answer.json()["application_no"]
        return number

    def application(self, number: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/api/intake/applications/{number}").json()
        return found

    def lag(self) -> int:
        services = [s["service"] for s in self.call("GET", "/api/ops", "operator").json()["items"]]
        pages = [self.call("GET", f"/api/ops/{s}/lag", "operator").json()["items"] for s in services]
        return sum(row["records"] for page in pages for row in page)

    def parked(self) -> int:
        services = [s["service"] for s in self.call("GET", "/api/ops", "operator").json()["items"]]
        return sum(len(self.call("GET", f"/api/ops/{s}/parked", "operator").json()["items"]) for s in services)


def command(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    env = {**mine, f"{PREFIX}DATA": str(data)}
    run = [sys.executable, "-m", "shared.runtime.cli.main", *words]
    return subprocess.run(run, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def until(check: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    found = check()
    while not found and time.monotonic() < end:
        time.sleep(0.05)
        found = check()
    assert found, f"waited {seconds:g} s for {what}"
    return found


@contextmanager
def at_work(house: House, first_seed: int) -> Iterator[list[str]]:
    """Families hand in, one after the other, for as long as it lasts."""
    numbers: list[str] = []
    stop = threading.Event()

    def work() -> None:
        for seed in range(first_seed, first_seed + 200):
            if stop.is_set():
                return
            numbers.append(house.hand_in(invent_family(seed, TODAY)))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield numbers
    finally:
        stop.set()
        worker.join()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for data in (tmp_path / "here", tmp_path / "there"):
        if data.exists():
            EmbeddedPostgres(data).remove()


async def rows(data: Path, sql: str) -> list[Any]:
    address = PostgresAddress.load(data / "postgres.secret")
    assert address is not None
    conn = await asyncpg.connect(address.dsn)
    try:
        found: list[Any] = await conn.fetch(sql)
        return found
    finally:
        await conn.close()


async def test_a_platform_backed_up_at_work_and_destroyed_goes_on_elsewhere(folder: Path) -> None:
    here, there = House(folder / "here"), House(folder / "there")
    secret = folder / "passphrase"
    secret.write_text("纸上的口令\n", "utf-8")
    with_secret = ("--keys", str(folder / "apart"), "--passphrase-file", str(secret))
    here.start()
    try:
        waiting = invent_family(70_001, TODAY)
        silent(here, waiting)
        number = here.hand_in(waiting)
        until(lambda: stage(here, number) == "AWAITING_REPORT", "the case to wait for the funeral home")
        with at_work(here, 71_000) as numbers:
            until(lambda: len(numbers) > 3, "some families")
            accepted = {number, *numbers}
            made = command(here.data, "backup", str(folder / "backup"), *with_secret)
            assert made.returncode == 0, made.stderr
            before = len(numbers)
            until(lambda: len(numbers) > before, "the platform to go on meanwhile")
    finally:
        here.program.kill()
    EmbeddedPostgres(here.data).remove()
    shutil.rmtree(here.data)

    put_back = command(there.data, "restore", str(folder / "backup"), *with_secret)
    assert put_back.returncode == 0, put_back.stderr
    there.start()
    try:
        assert there.application(number)["parties"]["applicant"]["name"], "it is readable with its own keys"
        reported = there.call("POST", "/api/funeral/cremations", "funeral_home", report(waiting, "DRILL-1"))
        assert reported.status_code == httpx.codes.CREATED, reported.text
        kept = [r["application_no"] for r in await rows(there.data, "SELECT application_no FROM intake.application")]
        assert accepted <= set(kept), "what was accepted before the backup is in it"
        until(lambda: all(there.application(n)["status"] == "closed" for n in kept), "every case to close")
        until(lambda: there.lag() == 0, "everything to be read")
        assert there.parked() == 0
        await once_each(there.data, len(kept))
        later = there.hand_in(invent_family(79_999, TODAY))
        until(lambda: there.application(later)["status"] == "closed", "a new case to close")
        again = command(there.data, "restore", str(folder / "backup"), *with_secret)
        assert again.returncode == 1
        assert "not empty" in again.stderr
    finally:
        there.program.stop()


def silent(house: House, of: Family) -> None:
    about = {"person": {"name": of.deceased.name, "id_type": "resident_id", "id_no": of.deceased.id_no}}
    told = house.call("POST", "/api/dev/facts", body={"source": "cremation", "about": about, "status": "silent"})
    assert told.status_code == httpx.codes.CREATED


def stage(house: House, number: str) -> str:
    found: str = next(i for i in house.application(number)["items"] if i["matter"] == "funeral.cremation")["stage"]
    return found


async def once_each(data: Path, cases: int) -> None:
    """Every case has its effects once: concluded once an item, stops and annotations not doubled."""
    concluded = await rows(
        data,
        "SELECT key, count(*) AS n FROM bus.record WHERE topic = 'onewindow.coordinator.events'"
        " AND headers ->> 'type' LIKE '%.ItemConcluded.v1' GROUP BY key",
    )
    assert [r["n"] for r in concluded] == [5] * cases
    for table, once in (("elderly.stop", "item_id, scheme"), ("marriage.annotation", "item_id")):
        assert not await rows(data, f"SELECT 1 FROM {table} GROUP BY {once} HAVING count(*) > 1"), table


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A backup of a platform that is stopped: its server is started for it, and stopped again."""
    folder = tmp_path_factory.mktemp("kept")
    house = House(folder / "here")
    house.start()
    house.program.stop()
    made = command(house.data, "backup", str(folder / "backup"))
    assert made.returncode == 0, made.stderr
    yield folder
    EmbeddedPostgres(house.data).remove()


def refused(folder: Path, data: Path, keys: Path | None = None) -> str:
    with pytest.raises(Conflict) as cause:
        asyncio.run(put_back(Settings(data=data), folder / "backup", keys or folder / "backup-keys", None, print))
    assert not data.exists(), "nothing is written"
    return cause.value.detail_en


def test_keys_lie_apart_and_the_data_holds_none(kept: Path) -> None:
    keys = [p for p in (kept / "backup-keys").rglob("*") if p.is_file()]
    assert {"index.key", "installation.id"} <= {p.name for p in keys}
    assert all(p.stat().st_mode & 0o077 == 0 for p in keys)
    manifest = orjson.loads((kept / "backup" / "manifest.json").read_bytes())
    assert manifest["databases"]["home"]["revisions"].keys() >= {"intake", "coordinator"}
    text = (kept / "backup-keys" / "index.key").read_text("ascii").strip().encode()
    assert not any(text in p.read_bytes() for p in (kept / "backup").rglob("*") if p.is_file())


def test_a_damaged_backup_is_refused_before_anything_is_written(kept: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(kept / "backup", copy / "backup")
    shutil.copytree(kept / "backup-keys", copy / "backup-keys")
    dump = copy / "backup" / "databases" / "home.dump"
    data = bytearray(dump.read_bytes())
    data[len(data) // 2] ^= 1
    dump.write_bytes(data)
    assert "databases/home.dump" in refused(copy, tmp_path / "target")
    dump.unlink()
    assert "databases/home.dump" in refused(copy, tmp_path / "target")
    (copy / "backup" / "manifest.json").write_text("{}")
    assert "manifest.json" in refused(copy, tmp_path / "target")


def test_the_keys_of_another_installation_are_refused(kept: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(kept / "backup-keys", other)
    (other / "installation.id").write_text(f"{new_id()}\n")
    assert "another installation" in refused(kept, tmp_path / "target", other)


def test_a_missing_key_is_refused(kept: Path, tmp_path: Path) -> None:
    fewer = tmp_path / "fewer"
    shutil.copytree(kept / "backup-keys", fewer)
    (fewer / "index.key").unlink()
    assert "index.key" in refused(kept, tmp_path / "target", fewer)


@pytest.mark.parametrize("further", [True, False], ids=["with a revision more", "of the same revisions"])
def test_a_backup_of_a_newer_release_is_refused(kept: Path, tmp_path: Path, further: bool) -> None:
    newer = tmp_path / "newer"
    shutil.copytree(kept / "backup", newer / "backup")
    path = newer / "backup" / "manifest.json"
    manifest = orjson.loads(path.read_bytes())
    if further:
        manifest["databases"]["home"]["revisions"]["intake"] = "9999"
    else:
        manifest["release"] = "9.0.0"
    path.write_bytes(orjson.dumps(manifest))
    said = refused(newer, tmp_path / "target", kept / "backup-keys")
    assert "newer release" in said


def test_a_backup_goes_into_a_new_folder_only(kept: Path) -> None:
    with pytest.raises(Conflict, match="NOT_EMPTY"):
        asyncio.run(make(Settings(data=kept / "here"), kept / "backup", kept / "more-keys", None, print))


def test_a_wrong_passphrase_opens_no_keys(tmp_path: Path) -> None:
    held = tmp_path / "held"
    held.mkdir()
    (held / "installation.id").write_text(str(new_id()))
    keys.save(held, tmp_path / "sealed", "right")
    assert [p.name for p in (tmp_path / "sealed").iterdir()] == ["keys.sealed"]
    for wrong in ("wrong", None):
        with pytest.raises(Conflict, match="WRONG_PASSPHRASE"):
            keys.bring_back(tmp_path / "sealed", tmp_path / "back", wrong)
    keys.bring_back(tmp_path / "sealed", tmp_path / "back", "right")
    assert keys.names(tmp_path / "back") == ("installation.id",)
