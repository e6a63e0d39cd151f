"""What every service that handles items promises, over every catalogue entry; none is known here by name."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from shared import failpoints
from shared.bus.leases import LEASE_SECONDS
from shared.catalog.protocol import UnitChanged
from shared.clock import monotonic
from shared.delivery.parking import RETRY
from shared.messages import Envelope, event_id, topic_of, type_of
from shared.months import first_day
from tests.support.alone import HANDLING, MATTERS, Alone, Obligation, Story, publishing
from tests.support.database import Server, eventually

over_services = pytest.mark.parametrize("alone", HANDLING, indirect=True, scope="module")
over_matters = pytest.mark.parametrize(("alone", "matter"), MATTERS, indirect=["alone"], scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def alone(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[Alone]:
    """One service at work alone; a test owns its items and leaves the service running."""
    with tempfile.TemporaryDirectory(prefix="onewindow-keys-") as keys:
        made = Alone(await server.new_database(), Path(keys) / "keys", request.param)
        await made.start()
        yield made
        await made.stop()


@pytest.fixture(autouse=True)
def _disarmed():
    yield
    failpoints.arm("")


async def decided(item: Obligation, copies: int = 1) -> Story:
    """The long way: asked for, supplemented, released, decided, applied."""
    await item.send(item.requested(), copies)
    await item.quiet()
    await item.send(item.supplemented(), copies)
    await item.quiet()
    await item.send(item.ready(), copies)
    await item.until_decided()
    await item.send(item.settled(), copies)
    await item.quiet()
    return await all_taken_in(item)


async def withdrawn(item: Obligation, copies: int = 1) -> Story:
    """Taken back before it was decided; a cancellation after that finds nothing to do."""
    for message in (item.requested(), item.withdrawal(), item.cancelled()):
        await item.send(message, copies)
        await item.quiet()
    return await all_taken_in(item)


async def cancelled(item: Obligation, copies: int = 1) -> Story:
    """Ended by the coordinator; being released or settled after that changes nothing."""
    for message in (item.requested(), item.cancelled(), item.ready(), item.settled()):
        await item.send(message, copies)
        await item.quiet()
    return await all_taken_in(item)


async def all_taken_in(item: Obligation) -> Story:
    """The story after everything published so far for its case was handled, the last copy too."""
    behind = item.alone.obligation(item.matter.code, beside=item)
    await behind.send(behind.requested())
    await behind.quiet()
    return await item.story()


@over_matters
@pytest.mark.parametrize("way", [decided, withdrawn, cancelled])
async def test_a_message_delivered_five_times_has_its_effect_once(alone: Alone, matter: str, way) -> None:
    once = await way(alone.obligation(matter))
    often = alone.obligation(matter)
    assert await way(often, copies=5) == once
    await alone.host.bus.publish(often.sent)  # and all of it again, long after
    assert await all_taken_in(often) == once


@over_services
async def test_a_redelivery_of_everything_after_a_restart_changes_nothing(alone: Alone) -> None:
    items = [alone.obligation(matter) for matter in alone.matters for _ in range(2)]
    before = [await decided(item) for item in items]
    await alone.stop()
    async with publishing(alone.dsn) as bus, bus._db.connection() as conn:
        await conn.execute("UPDATE bus.cursor SET position = 0")
    await alone.start()
    assert [await all_taken_in(item) for item in items] == before
    assert await alone.parked() == []


@over_matters
async def test_a_message_of_an_unknown_version_parks_its_key_loudly_and_others_go_on(alone: Alone, matter: str) -> None:
    item, other = alone.obligation(matter), alone.obligation(matter)
    await item.send(item.requested())
    await item.quiet()
    unknown = item.envelope(item.ready())
    await alone.host.bus.publish([replace(unknown, type=unknown.type.replace(".v1", ".v9"))])
    await decided(other)
    (row,) = await parked(alone, 1)
    assert row["key"] == str(item.case_id)
    assert "ItemReady.v9" in row["reason"]
    await mended(alone, row["seq"], unknown)
    assert (await item.until_decided()).phase == "decided"


@over_matters
async def test_a_body_that_cannot_be_read_parks_its_key_and_is_taken_up_in_order_when_mended(
    alone: Alone, matter: str
) -> None:
    smooth = await withdrawn(alone.obligation(matter))
    item, other = alone.obligation(matter), alone.obligation(matter)
    first = item.envelope(item.requested())
    behind = [item.envelope(item.withdrawal()), item.envelope(item.cancelled())]
    await alone.host.bus.publish([replace(first, data=b'{"item_id": '), *behind])
    await decided(other)
    rows = await parked(alone, 3)
    assert {row["key"] for row in rows} == {str(item.case_id)}
    assert all(row["reason"].startswith("BEHIND") for row in rows[1:])
    await mended(alone, rows[0]["seq"], first)
    await item.quiet()
    assert await all_taken_in(item) == smooth


async def parked(alone: Alone, count: int) -> list[dict[str, object]]:
    async def there() -> bool:
        return len(await alone.parked()) == count

    await eventually(there, f"{count} messages to be parked")
    return await alone.parked()


async def mended(alone: Alone, seq: object, envelope: Envelope) -> None:
    """The fault is mended (here: in the row) and an operator has the key retried."""
    async with alone.host.db.connection() as conn:
        await conn.execute(
            f"UPDATE \"{alone.name}\".parked SET data = $2, headers = jsonb_set(headers, '{{type}}', to_jsonb($3::text))"
            " WHERE seq = $1",
            seq,
            envelope.data,
            envelope.type,
        )
        await conn.execute(
            "UPDATE bus.record SET data = $2, headers = jsonb_set(headers::jsonb, '{type}', to_jsonb($3::text))"
            " WHERE headers->>'id' = $1",
            str(envelope.id),
            envelope.data,
            envelope.type,
        )
    assert await alone.service.parking.mark(int(str(seq)), RETRY)
    await alone.look_at_parked()

    async def empty() -> bool:
        return await alone.parked() == []

    await eventually(empty, "the parked key to be taken up")


@over_matters
async def test_a_crash_between_commit_and_position_repeats_nothing_and_loses_nothing(alone: Alone, matter: str) -> None:
    smooth = await decided(alone.obligation(matter))
    item = alone.obligation(matter)
    for message in (item.requested(), item.supplemented(), item.ready()):
        failpoints.arm(f"{matter.partition('.')[0]}/position.before_commit=error")
        await item.send(message)
        await crashed()
        await item.quiet()
    failpoints.arm("")
    await item.until_decided()
    failpoints.arm(f"{matter.partition('.')[0]}/position.before_commit=error")
    await item.send(item.settled())
    await crashed()
    assert await all_taken_in(item) == smooth


async def crashed() -> None:
    """The failpoint was reached: what was applied is delivered again."""
    await eventually(lambda: not failpoints._armed, "the crash")


@over_services
async def test_units_and_requests_may_come_in_any_order(alone: Alone) -> None:
    items = [alone.obligation(matter) for matter in alone.matters for _ in range(3)]
    for n, item in enumerate(items, 1):
        unit = UnitChanged(
            code=f"T{n}", kind="hall", name="厅", region="420112", parent=None, valid_from=first_day("2026-01")
        )
        await alone.host.bus.publish([_unit(alone, unit), item.envelope(item.requested())])
        await alone.host.bus.publish([item.envelope(item.ready())])
    for item in items:
        await item.until_decided()
    await eventually(lambda: alone.service.units.get(f"T{len(items)}"), "the units to arrive")


def _unit(alone: Alone, unit: UnitChanged) -> Envelope:
    topic = topic_of("access", "events")
    return Envelope(
        id=event_id(topic, unit.code, 1),
        type=type_of("access", UnitChanged),
        source="/onewindow/access",
        time=alone.host.clock.now(),
        topic=topic,
        key=unit.code,
        aggregateid=unit.code,
        streamversion=1,
        data=unit.model_dump_json().encode(),
    )


@over_services
async def test_a_clean_stop_ends_soon_gives_the_leases_back_and_the_next_start_waits_for_nobody(alone: Alone) -> None:
    item = alone.obligation(alone.matters[0])
    await item.send(item.requested())
    begun = monotonic()
    await alone.stop()
    assert monotonic() - begun < LEASE_SECONDS
    async with publishing(alone.dsn) as bus:
        async with bus._db.connection() as conn:
            held = await conn.fetchval("SELECT count(*) FROM bus.cursor WHERE owner IS NOT NULL")
            members = await conn.fetchval("SELECT count(*) FROM bus.group_member")
            # Whoever waits for the end of a lease, waits an hour.
            await conn.execute("UPDATE bus.cursor SET lease_until = clock_timestamp() + interval '1 hour'")
        await bus.publish([item.envelope(item.withdrawal())])
    assert (held, members) == (0, 0)
    await alone.start()
    assert (await item.quiet()).phase == "ended"


@over_matters
async def test_a_withdrawal_is_answered_in_every_phase(alone: Alone, matter: str) -> None:
    assert await said_to_a_withdrawal(alone, matter) == ("ended", ["WithdrawalAnswered"])
    assert await said_to_a_withdrawal(alone, matter, "ready") in (
        ("ended", ["WithdrawalAnswered"]),
        ("decided", ["WithdrawalAnswered"]),  # by rule, at once: already decided
    )
    assert await said_to_a_withdrawal(alone, matter, "ready", "decided") == ("decided", ["WithdrawalAnswered"])
    assert await said_to_a_withdrawal(alone, matter, "ready", "decided", "applied") == (
        "settled",
        ["WithdrawalAnswered"],
    )
    assert await said_to_a_withdrawal(alone, matter, "ready", "decided", "late") == ("ended", [])
    assert await said_to_a_withdrawal(alone, matter, "cancelled") == ("ended", [])


async def said_to_a_withdrawal(alone: Alone, matter: str, *before: str) -> tuple[str, list[str]]:
    """The item's phase after a withdrawal that came after these steps, and what was told then."""
    item = alone.obligation(matter)
    await item.send(item.requested())
    await item.quiet()
    for step in before:
        if step == "decided":
            await item.until_decided()
        else:
            made = {"ready": item.ready, "cancelled": item.cancelled}.get(step)
            await item.send(made() if made else item.settled(step))
            await item.quiet()
    told = await item.story()
    await item.send(item.withdrawal())
    after = await item.story()
    return after.phase, after.said[len(told.said) :]


@over_matters
async def test_a_decision_that_came_too_late_drops_what_would_have_followed(alone: Alone, matter: str) -> None:
    item, applied = alone.obligation(matter), await decided(alone.obligation(matter))
    await item.send(item.requested())
    await item.send(item.ready())
    await item.until_decided()
    pending = await item.story()
    await item.send(item.settled("late"))
    late = await all_taken_in(item)
    assert (pending.effects, late.effects, late.phase) == (0, 0, "ended")
    await item.send(item.settled("applied"))  # nothing brings it back
    assert await all_taken_in(item) == late
    assert applied.phase == "settled"


def test_the_suite_covers_every_service_that_handles_and_the_made_up_one() -> None:
    assert len(HANDLING) >= 5
    assert {name for name, _ in MATTERS} == set(HANDLING)
