"""Notices between processes: heard by the others, never by the one that gave them."""

from __future__ import annotations

import asyncio

import pytest

from shared.db import presence
from shared.db.site import Site
from tests.support.database import eventually


async def test_a_notice_is_heard_by_the_others_and_not_by_who_gave_it(dsn: str) -> None:
    """Else two copies of a service would tell themselves for ever that there is something to do."""
    one, two = Site.at(dsn, 3), Site.at(dsn, 3)
    heard: dict[str, list[str]] = {"one": [], "two": []}
    for name, site in (("one", one), ("two", two)):
        await site.open()
        site.presence.listen(heard[name].extend, lambda: None)
    await eventually(lambda: not (one.presence.alone or two.presence.alone), "both to know of each other")
    await one.presence.tell(["tea", "cake"])
    await two.presence.tell(["bread"])
    await eventually(lambda: heard == {"one": ["bread"], "two": ["tea", "cake"]}, f"each to hear the other: {heard}")
    await one.close()
    await two.close()


async def test_what_a_copy_alone_may_do_passes_on_when_it_stands_still(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped (SIGSTOP), or gone with its machine, it keeps its connection: no relay and no sealer would be at work."""
    monkeypatch.setattr(presence, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(presence, "STILL_SECONDS", 3.0)
    still, other = Site.at(dsn, 3), Site.at(dsn, 3)
    for site in (still, other):
        await site.open()
    number = still.presence.number
    assert await still.presence.claim("relay.toy")
    await asyncio.sleep(4)  # longer than one that stands still would keep it
    assert not await other.presence.claim("relay.toy"), "one that lives keeps it"
    watch = still.presence._watch
    assert watch is not None
    watch.cancel()
    await eventually(lambda: other.presence.claim("relay.toy"), "the other to take it over")
    still.presence._watch = asyncio.create_task(still.presence._keep())
    await eventually(lambda: still.presence.number != number, "it to wake up as another")
    assert not await still.presence.claim("relay.toy")
    await still.close()
    await other.close()
