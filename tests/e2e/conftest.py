"""What e2e tests share: logs as the platform writes them, and a platform whose clock they may move."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared import log
from tests.support.database import Server
from tests.support.platform import Platform, run_platform


@pytest.fixture(scope="session", autouse=True)
def _logs_as_the_platform_writes_them() -> None:
    """Unconfigured, structlog draws tracebacks with every local in them: a second each, and personal data shown."""
    handlers = list(logging.root.handlers)
    log.configure("WARNING")
    logging.root.handlers[:] = handlers


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def moving(server: Server) -> AsyncIterator[Platform]:
    """A platform whose clock tests may move forward; it never goes back."""
    async with run_platform(await server.new_database()) as made:
        yield made
