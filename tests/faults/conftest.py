"""One ground a bus for all rounds, a platform on it that is used until a fault ends it, and the table at the end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults import table
from tests.faults.faults import Fault
from tests.faults.ground import Ground
from tests.faults.rounds import Outcome
from tests.faults.topology import Topology

OUTCOMES = pytest.StashKey[list[Outcome]]()


ROUNDS_A_GROUND = 10
"""So many rounds make a history that is still read and judged in a second or two."""


class Grounds:
    """The ground in use; another bus or number of brokers takes the place of the last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ground: Ground | None = None
        self._platform: Topology | None = None
        self._made = self._rounds = 0

    async def under(self, fault: Fault, bus: str) -> tuple[Ground, Topology]:
        """A ground and a platform at work, as this fault needs them."""
        try:
            ground = await self._ground_for(fault, bus)
            return ground, await self._platform_on(ground, fault.mode_on(bus))
        except BaseException:
            await self.clear()
            raise

    async def _ground_for(self, fault: Fault, bus: str) -> Ground:
        self._rounds += 1
        old = self._ground
        if old is not None and (old.bus, old.nodes) == (bus, fault.nodes) and self._rounds <= ROUNDS_A_GROUND:
            return old
        await self.clear()
        self._made, self._rounds = self._made + 1, 1
        self._ground = Ground(self._folder / f"ground-{self._made}", bus, fault.nodes)
        await self._ground.start()
        return self._ground

    async def _platform_on(self, ground: Ground, mode: str) -> Topology:
        if self._platform is not None and self._platform.mode != mode:
            await self._platform.stop()
            self._platform = None
        self._platform = self._platform or ground.platform(mode)
        await self._platform.start()
        return self._platform

    async def clear(self) -> None:
        """Ends whatever runs; a round that failed leaves nothing for the next."""
        if self._ground is not None:
            await self._ground.stop()
        self._platform = self._ground = None


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def grounds() -> AsyncIterator[Grounds]:
    """The grounds of the session."""
    folder = Path(tempfile.mkdtemp(prefix="onewindow-faults-"))
    made = Grounds(folder)
    try:
        yield made
    finally:
        await made.clear()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def outcomes(request: pytest.FixtureRequest) -> list[Outcome]:
    """Where a round leaves what came of it, for the table."""
    return request.config.stash.setdefault(OUTCOMES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table, and how to play a failed round again."""
    found = terminalreporter.config.stash.get(OUTCOMES, [])
    if not found:
        return
    table.show(found)
    for outcome in found:
        if outcome.problems:
            terminalreporter.write_line(
                f"ONEWINDOW_SEED={outcome.name} plays it again; see build/faults/{outcome.name}"
            )
