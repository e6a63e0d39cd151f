"""Notices between processes: heard by the others, never by the one that gave them."""

from __future__ import annotations

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
