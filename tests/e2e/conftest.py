"""What e2e tests share: a platform whose clock they may move, and the stories' two topologies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.world import make_world
from tests.support.database import Server
from tests.support.platform import Hosted, Platform, run_platform

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever looks at the platform apart comes last: its many processes take their share of a machine by waiting, and
    run until the end of this folder once they run."""
    places = [n for n, item in enumerate(items) if item.path.is_relative_to(HERE)]
    ordered = sorted((items[n] for n in places), key=_apart)
    for place, item in zip(places, ordered, strict=True):
        items[place] = item


def _apart(item: pytest.Item) -> bool:
    call = getattr(item, "callspec", None)
    return "apart" in getattr(item, "fixturenames", ()) or (call is not None and "apart" in call.params.values())


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def moving(server: Server) -> AsyncIterator[Hosted]:
    """A platform whose clock tests may move forward; it never goes back."""
    async with run_platform(await server.new_platform_database()) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(platform: Hosted) -> dict[str, Any]:
    """The cases that the tests of access look at."""
    return await make_world(platform)


@pytest.fixture(params=["platform", "apart"])
def everywhere(request: pytest.FixtureRequest) -> Platform:
    """The platform in one process on the embedded bus, then as a process a service on Kafka behind a gateway."""
    found: Platform = request.getfixturevalue(request.param)
    return found
