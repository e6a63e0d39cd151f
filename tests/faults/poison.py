"""Messages that cannot succeed: one parks its own case only, five in a row stop the consumer; then they are mended."""

from __future__ import annotations

from typing import Any

import asyncpg

from tests.faults.database_faults import failing
from tests.faults.rounds import Scene
from tests.support.database import eventually

CASE = ['coordinator."case"']
DEFECT = "RAISE EXCEPTION 'a defect of ours'"


async def one_case(scene: Scene) -> None:
    """The newest case in flight cannot be saved any more: it stands aside, the others go on, a retry finishes it."""
    conn = await scene.ground.superuser()
    try:
        victim = ""
        while not victim:
            newest = await _in_flight(scene)
            async with failing(conn, CASE, DEFECT, f"NEW.id = '{newest}'"):
                if await _parks_or_closes(scene, conn, newest):
                    victim = newest
                    await scene.client.case(scene.spare())
                    keys = {row["key"] for row in await _parked(conn)}
                    assert keys == {victim}, f"{keys} are parked, only {victim} fails"
        scene.is_back()
        await _retry_all(scene, conn)
    finally:
        await conn.close()


async def _in_flight(scene: Scene) -> str:
    if not scene.client.in_flight:
        scene.beside(scene.client.case(scene.spare()))
    await eventually(lambda: scene.client.in_flight, "a case to be in flight", 60)
    return scene.client.in_flight[-1]


async def _parks_or_closes(scene: Scene, conn: asyncpg.Connection, case: str) -> bool:
    async def parked() -> bool:
        return any(row["key"] == case for row in await _parked(conn))

    async def settled() -> bool:
        return case in scene.client.concluded or await parked()

    await eventually(settled, f"{case} to be parked or closed", 60, 0.05)
    return await parked()


async def every_case(scene: Scene) -> None:
    """No case can be saved: the consumer stops and `/readyz` names it; mended, started again and retried, all end."""
    conn = await scene.ground.superuser()
    try:
        async with failing(conn, CASE, DEFECT, "true"):
            scene.beside(scene.client.run([scene.spare() for _ in range(8)]))

            async def named() -> bool:
                status, text = await scene.platform.readiness()
                return status == 503 and "coordinator.consumer" in text

            await eventually(named, "/readyz to name the stopped consumer", 120, 0.1)
        await scene.platform.stop()
        await scene.platform.restart()
        scene.is_back()
        await _retry_all(scene, conn)
    finally:
        await conn.close()


async def _parked(conn: asyncpg.Connection) -> list[Any]:
    return list(await conn.fetch("SELECT seq, key FROM coordinator.parked WHERE state = 'parked' ORDER BY seq"))


async def _retry_all(scene: Scene, conn: asyncpg.Connection) -> None:
    """As an operator does: what stands aside is retried, a key at a time, until nothing does."""

    async def none_left() -> bool:
        first = {row["key"]: row["seq"] for row in reversed(await _parked(conn))}
        for seq in first.values():
            status, _ = await scene.client.ask("POST", f"/api/ops/coordinator/parked/{seq}/retry", "operator")
            assert status in {200, 404}
        return not await conn.fetchval("SELECT count(*) FROM coordinator.parked")

    await eventually(none_left, "what was parked to be handled after all", 120, 0.3)
