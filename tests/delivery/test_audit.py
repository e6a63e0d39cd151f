"""The audit chain on a real database: every row is linked once, and every planted change is named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from shared import failpoints
from shared.audit import sealer as sealing
from shared.audit import verify
from shared.audit.chain import SEAL, Head, Seal, digest
from shared.audit.heads import newest_head
from shared.audit.sealer import Sealer
from shared.audit.verify import Finding, Verifying
from shared.db.engine import Database
from shared.errors import Conflict, Transient
from shared.messages import derived_id
from shared.runtime.workers import workers_of
from tests.support.database import eventually
from tests.support.toy import Add, Toy

SEQS = "SELECT unnest(seqs) AS seq FROM toy.audit_seal ORDER BY 1"


@pytest_asyncio.fixture
async def toy(db: Database, tmp_path: Path) -> AsyncIterator[Toy]:
    """The toy without workers: a test seals by hand."""
    made = Toy(db, tmp_path / "keys")
    await made.start(workers=False)
    yield made
    failpoints.arm("")
    await made.stop()


@pytest.fixture(autouse=True)
def _short_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "TAIL_SECONDS", 0.2)


async def sealer_of(toy: Toy) -> Sealer:
    made = Sealer(toy.service)
    await made.open()
    return made


async def add(toy: Toy, n: int, times: int = 1) -> UUID:
    """Adds to the n-th tally, in units of work of their own."""
    identity = derived_id("toy", n)

    def bump(state: Any, ctx: Any) -> Any:
        from shared.changes import Changes
        from tests.support.toy import Tally

        tally = state or Tally(id=identity)
        tally.total += 1
        return Changes(tally), None

    for _ in range(times):
        await _command(toy, identity, bump)
    return identity


async def _command(toy: Toy, identity: UUID, call: Any) -> None:
    from shared.delivery.unit_of_work import Entry

    await toy.service.unit_of_work.apply([Entry("tally", identity, call, "bump")])


async def findings(toy: Toy, *known: Head) -> list[tuple[str, str]]:
    run = Verifying(toy.service, known)
    return [(f.code, f.about) async for f in run.run() if isinstance(f, Finding)]


async def run(toy: Toy, sql: str, *args: Any) -> None:
    """What only the owner of the tables can do."""
    async with toy.db.connection() as conn:
        await conn.execute(sql, *args)


async def chained(toy: Toy, batches: int = 3) -> Sealer:
    """A chain of some batches with a signed head in its middle."""
    sealer = await sealer_of(toy)
    for n in range(batches):
        await add(toy, n, 3)
        await sealer.link()
        if n == 1:
            await sealer.sign()
    return sealer


# --- every row once ---------------------------------------------------------------------------------------------------


async def test_i11_the_chain_verifies_and_covers_every_state_change(toy: Toy) -> None:
    """I11: the audit chain verifies and covers every state change."""
    await chained(toy)
    async with toy.service.write("operator", "something"):
        pass
    sealer = await sealer_of(toy)
    await sealer.link()
    assert await findings(toy) == []
    linked = [row["seq"] for row in await toy.fetch(SEQS)]
    assert linked == [row["seq"] for row in await toy.fetch("SELECT seq FROM toy.audit ORDER BY seq")]
    assert len(linked) == 10


async def test_a_worker_links_within_a_second_and_signs_its_first_head(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told of what was written: its own looks, put off here for an hour, are for what others write."""
    for look in ("LOOK_SECONDS", "ALONE_SECONDS"):
        monkeypatch.setattr(sealing, look, 3600.0)
    assert sealing.GATHER_SECONDS < 1
    toy.supervisor.start("toy.audit", workers_of(toy.service)["audit"])
    await add(toy, 1)

    async def linked() -> bool:
        return len(await toy.fetch(SEQS)) == 1 and await newest_head(toy.service) is not None

    await eventually(linked, "the row to be linked")
    assert await findings(toy) == []


async def test_rows_that_commit_late_are_linked_and_those_rolled_back_are_waited_for_no_longer(toy: Toy) -> None:
    """I11: a number given out earlier may be seen later, or never."""
    insert = (
        "INSERT INTO toy.audit (at, actor, action, kind, aggregate_id, version)"
        " VALUES (clock_timestamp(), 'x', 'x', 'row', '', 0)"
    )
    late, never = [await asyncpg.connect(toy.db.dsn) for _ in range(2)]
    sealer = await sealer_of(toy)
    try:
        for conn in (late, never):
            await conn.execute(f"BEGIN; {insert}")
        await add(toy, 1, 2)
        assert await sealer.link() == 2
        assert await sealer.link() == 0
        again = await sealer_of(toy)  # another process takes over while both are open
        assert await again.link() == 0
        await late.execute("COMMIT")
        assert await again.link() == 1
        assert again._low == 1, "the second number may still come"
        await never.execute("ROLLBACK")
        await again.link()
        await add(toy, 1)
        assert await again.link() == 1
        assert again._low == 5
        assert again._covered == set()
    finally:
        await late.close()
        await never.close()
    assert [row["seq"] for row in await toy.fetch(SEQS)] == [1, 3, 4, 5]
    assert await findings(toy) == []


@pytest.mark.parametrize("failpoint", ["audit.before_commit", "audit.after_commit"])
async def test_a_sealer_that_dies_around_its_commit_leaves_each_row_linked_once(toy: Toy, failpoint: str) -> None:
    await add(toy, 1, 2)
    failpoints.arm(f"toy/{failpoint}=error")
    with pytest.raises(Transient):
        await (await sealer_of(toy)).link()
    await add(toy, 1)
    while await (await sealer_of(toy)).link():
        pass
    assert [row["seq"] for row in await toy.fetch(SEQS)] == [1, 2, 3]
    assert await findings(toy) == []


async def test_of_two_sealers_only_one_goes_on_with_the_chain(toy: Toy) -> None:
    first, second = await sealer_of(toy), await sealer_of(toy)
    await add(toy, 1)
    assert await first.link() == 1
    with pytest.raises(Conflict):
        await second.link()
    assert await findings(toy) == []


async def test_a_large_backlog_is_linked_in_several_batches(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.audit.sealer.MOST", 4)
    await add(toy, 1, 10)
    sealer = await sealer_of(toy)
    assert [await sealer.link() for _ in range(3)] == [4, 4, 2]
    assert await findings(toy) == []


# --- what somebody did to it ------------------------------------------------------------------------------------------


async def _altered(toy: Toy) -> None:
    await run(toy, "UPDATE toy.audit SET actor = 'somebody else' WHERE seq = 2")


async def _detail_altered(toy: Toy) -> None:
    await run(toy, "UPDATE toy.audit SET detail = '{\"a\": 1}' WHERE seq = 8")


async def _removed(toy: Toy) -> None:
    await run(toy, "DELETE FROM toy.audit WHERE seq = 5")


async def _inserted(toy: Toy) -> None:
    await run(toy, "DELETE FROM toy.audit WHERE seq = 5")
    await run(
        toy,
        "INSERT INTO toy.audit (seq, at, actor, action, kind, aggregate_id, version) OVERRIDING SYSTEM VALUE"
        " VALUES (0, clock_timestamp(), 'x', 'x', 'row', '', 0), (5, clock_timestamp(), 'x', 'x', 'row', '', 0)",
    )


async def _state_changed(toy: Toy) -> None:
    await run(toy, "UPDATE toy.tally SET version = version + 1 WHERE id = $1", derived_id("toy", 1))


async def _batch_removed(toy: Toy) -> None:
    await run(toy, "DELETE FROM toy.audit_seal WHERE number = 1")


async def _batch_altered(toy: Toy) -> None:
    await run(toy, "UPDATE toy.audit_seal SET digests = decode(repeat('00', 96), 'hex') WHERE number = 3")


async def _head_replaced(toy: Toy) -> None:
    await run(toy, "UPDATE toy.audit_head SET at = at + interval '1 hour'")


async def _unlinked(toy: Toy) -> None:
    await add(toy, 1)


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        (_altered, [("ROW_ALTERED", "row 2")]),
        (_detail_altered, [("ROW_ALTERED", "row 8")]),
        (_removed, [("ROW_REMOVED", "row 5"), ("STATE_NOT_COVERED", f"tally {derived_id('toy', 1)}")]),
        (_state_changed, [("STATE_NOT_COVERED", f"tally {derived_id('toy', 1)}")]),
        (_head_replaced, [("HEAD_FORGED", "head 2")]),
        (_unlinked, [("UNSEALED_TAIL", "row 10")]),
    ],
)
async def test_a_planted_change_is_named(toy: Toy, planted: Any, told: list[tuple[str, str]]) -> None:
    """I11: the verifying says which row, batch, head or aggregate it is."""
    await chained(toy)
    assert await findings(toy) == []
    await planted(toy)
    assert await findings(toy) == told


@pytest.mark.parametrize(
    ("planted", "code"),
    [(_inserted, "ROW_ALTERED"), (_batch_removed, "BATCH_MISSING"), (_batch_altered, "BATCH_ALTERED")],
)
async def test_a_planted_change_of_the_chain_itself_is_named(toy: Toy, planted: Any, code: str) -> None:
    await chained(toy)
    await planted(toy)
    assert code in {found for found, _ in await findings(toy)}


async def test_a_row_put_where_a_number_was_never_used_is_named_as_inserted(toy: Toy) -> None:
    await run(
        toy,
        "BEGIN; INSERT INTO toy.audit (at, actor, action, kind, aggregate_id, version)"
        " VALUES (clock_timestamp(), 'x', 'x', 'row', '', 0); ROLLBACK",
    )
    sealer = await sealer_of(toy)
    for _ in range(2):
        await add(toy, 1)
        await sealer.link()
    assert await findings(toy) == []
    await run(
        toy,
        "INSERT INTO toy.audit (seq, at, actor, action, kind, aggregate_id, version) OVERRIDING SYSTEM VALUE"
        " VALUES (1, clock_timestamp(), 'x', 'x', 'row', '', 0)",
    )
    assert await findings(toy) == [("ROW_INSERTED", "row 1")]


async def test_a_chain_made_anew_over_a_change_is_told_by_its_signed_head_and_by_the_one_kept_outside(toy: Toy) -> None:
    await chained(toy)
    kept = await newest_head(toy.service)
    assert kept is not None
    await run(toy, "UPDATE toy.audit SET actor = 'somebody else' WHERE seq = 2")
    await _made_anew(toy)
    assert await findings(toy) == [("HEAD_NOT_ON_CHAIN", "head 2")]
    await run(toy, "DELETE FROM toy.audit_head")
    assert await findings(toy) == []
    assert await findings(toy, kept) == [("HEAD_NOT_ON_CHAIN", "outside head 2")]


async def _made_anew(toy: Toy) -> None:
    """What somebody does who owns the database and knows the code, but holds no key: every batch again, consistently."""
    rows = {r["seq"]: digest(r) for r in await toy.fetch("SELECT * FROM toy.audit ORDER BY seq")}
    seals = [Seal.read(row) for row in await toy.fetch("SELECT * FROM toy.audit_seal ORDER BY number")]
    previous = seals[0].previous
    for old in seals:
        new = Seal.of(old.number, old.low, {seq: rows[seq] for seq in old.seqs}, previous, old.sealed_at)
        previous = new.hash
        values = [list(new.seqs) if name == "seqs" else getattr(new, name) for name in SEAL]
        await run(toy, "DELETE FROM toy.audit_seal WHERE number = $1", old.number)
        places = ", ".join(f"${n}" for n in range(1, len(SEAL) + 1))
        await run(toy, f"INSERT INTO toy.audit_seal ({', '.join(SEAL)}) VALUES ({places})", *values)


async def test_a_chain_cut_off_at_its_end_is_told_by_a_head_kept_outside(toy: Toy) -> None:
    sealer = await chained(toy)
    kept = await sealer.sign()
    assert kept is not None
    await run(toy, "DELETE FROM toy.audit_head WHERE number = 3")
    await run(toy, "DELETE FROM toy.audit_seal WHERE number = 3")
    await run(toy, "DELETE FROM toy.audit WHERE seq > 6")
    await run(toy, "DELETE FROM toy.tally WHERE id = $1", derived_id("toy", 2))
    assert await findings(toy) == []
    assert await findings(toy, kept) == [("HEAD_NOT_ON_CHAIN", "outside head 3")]


async def test_a_chain_that_goes_on_for_hours_without_a_head_is_named(toy: Toy) -> None:
    await chained(toy)
    await run(toy, "UPDATE toy.audit_head SET at = at - interval '3 hours'")
    assert {"HEAD_MISSING", "HEAD_FORGED"} == {code for code, _ in await findings(toy)}


async def test_readings_do_not_stand_in_for_a_state_change(toy: Toy) -> None:
    identity = await add(toy, 1, 2)
    await run(toy, "UPDATE toy.audit SET action = 'reading' WHERE version = 2 AND aggregate_id = $1", str(identity))
    sealer = await sealer_of(toy)
    await sealer.link()
    assert await findings(toy) == [("STATE_NOT_COVERED", f"tally {identity}")]


async def test_messages_timers_and_answers_are_covered_as_commands_are(db: Database, tmp_path: Path) -> None:
    """I11: whatever changed a state, its version has a row."""
    toy = Toy(db, tmp_path / "keys")
    await toy.start()
    try:
        await toy.send((derived_id("toy", 1), 1, Add(ask="age", timer_after=0)))

        async def done() -> bool:
            tally = await toy.tally(derived_id("toy", 1))
            return tally is not None and tally.version == 3

        await eventually(done, "answer and timer")
        await eventually(lambda: _all_linked(toy), "all rows to be linked")
        assert await findings(toy) == []
    finally:
        await toy.stop()


async def _all_linked(toy: Toy) -> bool:
    return len(await toy.fetch(SEQS)) == len(await toy.fetch("SELECT 1 FROM toy.audit"))
