"""Messages and seals by providers that an installation plugs in: away, back, or not connected at all."""

from __future__ import annotations

from typing import Any

import pytest

from shared.config import load_settings
from shared.errors import Misconfigured
from shared.runtime.plugs import plugged
from tests.e2e.acting import ended, family, hand_in
from tests.support.database import Server, eventually
from tests.support.platform import Hosted, run_platform

pytestmark = pytest.mark.e2e

HERE = "tests.support.providers"


async def lines(platform: Hosted, number: str) -> list[str]:
    answer = await platform.get(f"/api/intake/applications/{number}/timeline")
    return [line["kind"] for line in answer.json()["items"]]


async def stop_of(platform: Hosted, number: str) -> dict[str, Any]:
    found = await platform.application(number)
    short = next(p for p in found["papers"] if p["kind"] == "stop")
    paper: dict[str, Any] = (await platform.get(f"/api/intake/applications/{number}/papers/{short['id']}")).json()
    return paper


async def test_a_provider_that_was_away_is_asked_again_for_the_same(server: Server) -> None:
    plugs = {"messenger": f"{HERE}:FlakyMessenger", "seal": f"{HERE}:SealsOutside"}
    async with run_platform(await server.new_platform_database(), **plugs) as platform:
        of = family(platform)
        number = (await hand_in(platform, of))["application_no"]
        await ended(platform, number)

        async def tried() -> bool:
            return "message_waiting" in await lines(platform, number)

        await eventually(tried, "a first try")
        assert (await stop_of(platform, number))["delivered_at"] is None, "what did not go out delivers nothing"
        await platform.post("/api/dev/clock", {"minutes": 2})

        async def delivered() -> bool:
            return "message_sent" in await lines(platform, number)

        await eventually(delivered, "the message to go out")
        messenger: Any = platform.host.messenger
        told = [m for m in messenger.given if m.about == number and "已有结果" in m.text]
        assert len(told) == 2
        assert len({m.id for m in told}) == 1
        assert told[0].to == of.phone

        async def is_sealed() -> bool:
            return (await stop_of(platform, number))["seal"]["number"] is not None

        await eventually(is_sealed, "the seal to be put under the paper")
        stop = await stop_of(platform, number)
        assert stop["seal"] == {
            "name": stop["content"]["organ"]["seal"],
            "number": f"S-{stop['hash']['value'][:8]}",
            "provider": "outside",
        }
        assert stop["delivered_at"] is not None


async def test_where_nobody_is_connected_messages_wait_visibly_and_papers_say_they_are_unsealed(server: Server) -> None:
    plugs = {"messenger": f"{HERE}:nobody", "seal": f"{HERE}:no_seals"}
    async with run_platform(await server.new_platform_database(), **plugs) as platform:
        number = (await hand_in(platform, family(platform)))["application_no"]
        await ended(platform, number)
        await platform.post("/api/dev/clock", {"minutes": 2})
        assert "message_waiting" in await lines(platform, number)
        stop = await stop_of(platform, number)
        assert (stop["seal"]["number"], stop["delivered_at"]) == (None, None)
        async with platform.client("clerk") as client:
            path = f"/api/intake/applications/{number}/papers/{stop['id']}"
            text = (await client.get(path, headers={"Accept": "text/plain"})).text
        assert "未用印" in text


@pytest.mark.parametrize("where", ["nothing", "tests.support.providers:Nobody", "no.such.module:x"])
def test_a_provider_that_is_not_there_stops_the_start_by_the_setting_s_name(where: str) -> None:
    with pytest.raises(Misconfigured) as wrong:
        plugged("ONEWINDOW_SEAL", where, load_settings())
    assert wrong.value.setting == "ONEWINDOW_SEAL"
