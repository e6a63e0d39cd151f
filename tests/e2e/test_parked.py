"""A message that can never succeed stands aside, and is given up by two people, each by their own account."""

from __future__ import annotations

from typing import Any

import pytest

from shared.clock import SystemClock, new_id
from shared.messages import Envelope, event_id, topic_of, type_of
from tests.support.database import eventually
from tests.support.platform import Hosted
from tests.support.toy import Add

pytestmark = pytest.mark.e2e
SECOND = "second_operator"


@pytest.fixture
async def second(platform: Hosted) -> str:
    """Another operator, with the first one's password and roles."""
    async with platform.host.db.connection() as conn:
        await conn.execute(
            "INSERT INTO access.account (id, account, name, kind, secret, scopes, created_at)"
            " SELECT $1, $2::text, '李二', kind, secret, scopes, created_at FROM access.account WHERE account = 'operator'"
            " ON CONFLICT (account) DO NOTHING",
            new_id(),
            SECOND,
        )
        await conn.execute(
            "INSERT INTO access.assignment (id, account, role, unit) SELECT $1, $2::text, role, unit FROM access.assignment a"
            " WHERE account = 'operator' AND NOT EXISTS (SELECT FROM access.assignment WHERE account = $2::text)",
            new_id(),
            SECOND,
        )
    return SECOND


async def test_an_unreadable_message_is_parked_and_only_two_operators_together_discard_it(
    platform: Hosted, second: str
) -> None:
    key = str(new_id())
    await platform.host.bus.publish([nonsense(key)])

    async def parked() -> list[Any]:
        answer = await platform.get("/api/ops/coordinator/parked", "operator")
        return [row for row in answer.json()["items"] if row["key"] == key]

    await eventually(parked, "the message to be parked")
    (row,) = await parked()
    path = f"/api/ops/coordinator/parked/{row['seq']}/discard"
    for _ in range(2):
        answer = await platform.post(path, {"reason": "无法读取的消息"}, "operator")
        assert answer.json() == {"state": "proposed"}, "one person alone cannot give a message up"
    answer = await platform.post(path, {"reason": "与来源核实,作废"}, second)
    assert answer.json() == {"state": "discarded"}
    assert await parked() == []


def nonsense(key: str) -> Envelope:
    """A message to the coordinator of a type that no catalogue knows."""
    topic = topic_of("coordinator", "requests")
    return Envelope(
        id=event_id(topic, key, 1),
        type=type_of("intake", Add),
        source="/onewindow/intake",
        time=SystemClock().now(),
        topic=topic,
        key=key,
        aggregateid=key,
        streamversion=1,
        data=b"{}",
        caseid=key,
    )
