"""What e2e tests share: a platform whose clock they may move, and the stories' two topologies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.world import make_world
from tests.support.database import Server
from tests.support.platform import Hosted, Platform, run_platform


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
