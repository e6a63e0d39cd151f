"""What e2e tests share: a platform whose clock they may move."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.database import Server
from tests.support.platform import Platform, run_platform


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def moving(server: Server) -> AsyncIterator[Platform]:
    """A platform whose clock tests may move forward; it never goes back."""
    async with run_platform(await server.new_database()) as made:
        yield made
