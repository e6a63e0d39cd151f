"""Faults of time: business time jumps days ahead while something waits for it, or its timers meet a killed process."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from demo.families import invent_family
from shared.clock import monotonic
from tests.faults.rounds import Scene

DRAFTS = 12
WAITING = 4


async def clock_jumps(scene: Scene) -> None:
    """Days pass at once: silent sources are asked again on their days, leases (real time) stay where they are."""
    for _ in range(WAITING):
        await _waits_for_its_source(scene)
    before = await _epochs(scene)
    await _move(scene, await _now(scene) + timedelta(days=scene.rng.randint(2, 20)))
    scene.is_back()
    if await _epochs(scene) != before:
        scene.problems.append("business time moved a lease, which real time alone may end")


async def _waits_for_its_source(scene: Scene) -> None:
    number = scene.spare()
    person = invent_family(number, scene.client.today).deceased
    about = {"person": {"id_type": "resident_id", "id_no": person.id_no, "name": person.name}}
    fact = {"source": "death", "about": about, "silent_times": 3}
    status, said = await scene.client.ask("POST", "/api/dev/facts", json=fact)
    assert status == 201, said
    scene.beside(scene.client.case(number))


async def killed_at_a_timer(scene: Scene) -> None:
    """Thirty days of a dozen drafts are over at once, and the process that finds it dies; each still expires once."""
    for _ in range(DRAFTS):
        path = f"/api/intake/drafts/{UUID(int=scene.rng.getrandbits(128), version=4)}"
        status, said = await scene.client.ask("PUT", path, json={"channel": "window"})
        assert status == 200, said
    target = await _now(scene) + timedelta(days=31)
    await scene.platform.arm("intake/timer.before=kill")
    scene.beside(_move(scene, target))
    await scene.platform.dies()
    scene.struck = monotonic()
    await scene.platform.restart()


async def _now(scene: Scene) -> datetime:
    _, found = await scene.client.ask("GET", "/api/dev/clock")
    return datetime.fromisoformat(found["now"])


async def _move(scene: Scene, to: datetime) -> None:
    status, said = await scene.client.ask("POST", "/api/dev/clock", json={"to": to.isoformat()})
    # Sent again after a lost answer, the move may have been made already.
    assert status == 200 or (status == 409 and said["code"] == "CLOCK_BACKWARDS"), said


async def _epochs(scene: Scene) -> list[Any]:
    """How often each partition changed hands on the embedded bus."""
    conn = await scene.ground.superuser()
    try:
        if await conn.fetchval("SELECT to_regclass('bus.cursor')") is None:
            return []
        return [
            tuple(row)
            for row in await conn.fetch("SELECT grp, topic, partition, epoch FROM bus.cursor ORDER BY 1, 2, 3")
        ]
    finally:
        await conn.close()
